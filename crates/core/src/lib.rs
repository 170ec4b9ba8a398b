//! (in the making)

pub mod validate;

//! One module for each target. Its documentation says what its input looks like and what is held.

pub mod config;
pub mod env_file;
pub mod frame;
pub mod interpolate;
pub mod lines;
pub mod param_header;
pub mod request_state;
pub mod rewrite;
pub mod sentinel;
pub mod sse;

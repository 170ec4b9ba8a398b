//! The assets server, as its clients see it.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod backend;
mod changes;
mod golden;
mod lists;
mod resources;
mod support;
mod validation;

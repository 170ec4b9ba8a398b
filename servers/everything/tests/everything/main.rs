//! The everything server, as its clients see it.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod asking;
#[cfg(unix)]
mod life;
mod lists;
mod prompts;
mod resources;
mod sessions;
mod support;
mod tools;

//! The real program, as its users run it.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod asking;
mod assets;
mod client;
mod config;
mod failures;
#[cfg(target_os = "linux")]
mod floods;
mod pages;
mod serve;
#[cfg(unix)]
mod stdio;
mod strange;
mod support;

//! The real program, as its users run it.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod asking;
#[cfg(unix)]
mod background;
mod client;
mod config;
mod failures;
mod pages;
#[cfg(unix)]
mod reload;
mod serve;
#[cfg(unix)]
mod signals;
mod strange;
mod support;
#[cfg(target_os = "linux")]
mod systemd;
#[cfg(unix)]
mod wire;

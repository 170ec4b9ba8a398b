//! The real program, as its users run it.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod asking;
#[cfg(unix)]
mod background;
mod client;
mod config;
mod failures;
#[cfg(target_os = "linux")]
mod floods;
mod pages;
#[cfg(unix)]
mod reload;
mod serve;
#[cfg(unix)]
mod signals;
#[cfg(unix)]
mod stdio;
mod strange;
mod support;
#[cfg(target_os = "linux")]
mod systemd;
#[cfg(unix)]
mod wire;

//! The real program, as its users run it.

mod client;
mod config;
mod failures;
mod pages;
mod serve;
mod strange;
mod support;

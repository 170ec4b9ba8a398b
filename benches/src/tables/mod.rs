//! The tables of the report, each with how it is measured.
#![allow(clippy::print_stderr, reason = "whoever waits is told what is being measured")]

pub mod calls;
pub mod hostile;
pub mod lists;
pub mod notifications;
pub mod programs;
pub mod servers;
pub mod sessions;
pub mod streams;

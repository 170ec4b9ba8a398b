//! Configuration and logging of a Latimer process.

pub mod config;
pub mod diagnostics;
pub mod env_file;
pub mod interpolate;
pub mod logging;

//! What makes a library of handlers a process: configuration ([`config`]), the log ([`logging`]), the sources
//! that can be loaded by name ([`registry`]), listeners and an orderly end ([`serve`]), and what a supervisor sees of it
//! ([`life`]).

pub mod args;
#[cfg(unix)]
pub mod background;
pub mod config;
pub mod diagnostics;
pub mod env_file;
pub mod failure;
pub mod interpolate;
pub mod life;
mod limits;
mod listen;
pub mod logging;
pub mod plugins;
pub mod registry;
mod reload;
pub mod serve;
pub mod standard_error;

pub use args::ServeArgs;
pub use failure::Failure;
pub use plugins::Plugins;
pub use registry::Registry;
pub use serve::{Ended, Host};

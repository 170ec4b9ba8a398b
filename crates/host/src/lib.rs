//! What makes a library of handlers a process: configuration ([`config`]), the log ([`logging`]), the sources
//! that can be loaded by name ([`registry`]), listeners and an orderly end ([`serve`]).

pub mod args;
pub mod config;
pub mod diagnostics;
pub mod env_file;
pub mod failure;
pub mod interpolate;
pub mod logging;
pub mod registry;
pub mod serve;
mod signals;

pub use args::ServeArgs;
pub use failure::Failure;
pub use registry::Registry;
pub use serve::Host;

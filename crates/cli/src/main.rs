//! The program `latimer`: it parses the command line, calls a library and prints what comes back.
//!
//! Data goes to standard output, everything else to standard error. [`exit`] has the exit codes.

mod arguments;
mod ask;
mod cli;
mod commands;
mod exit;
mod output;
mod progress;
mod server;
mod sources;
mod target;
mod token;

#[cfg(test)]
mod reference;

use std::process::ExitCode;

use clap::Parser as _;

fn main() -> ExitCode {
    exit::code(cli::Cli::parse().run())
}

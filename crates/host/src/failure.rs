//! How a program of Latimer ends when it fails.

use std::fmt;
use std::process::ExitCode;

/// A failure that ends the program: one message for people, and the exit code.
#[derive(Debug)]
pub struct Failure {
    message: String,
    kind: FailureKind,
}

/// What kind of failure it is; each has its exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailureKind {
    /// Something failed at start or while running: exit code 1.
    Runtime,
    /// The program was told something that cannot be (flags, configuration, names, files): exit code 2.
    Setup,
}

impl Failure {
    /// A failure at start or while running.
    pub fn runtime(message: impl fmt::Display) -> Self {
        Self { message: message.to_string(), kind: FailureKind::Runtime }
    }

    /// Something that cannot be.
    pub fn setup(message: impl fmt::Display) -> Self {
        Self { message: message.to_string(), kind: FailureKind::Setup }
    }

    /// What kind it is.
    pub fn kind(&self) -> FailureKind {
        self.kind
    }

    /// The exit code.
    pub fn exit_code(&self) -> ExitCode {
        match self.kind {
            FailureKind::Runtime => ExitCode::from(1),
            FailureKind::Setup => ExitCode::from(2),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}

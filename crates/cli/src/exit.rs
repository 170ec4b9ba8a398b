//! How the program ends.

use std::process::ExitCode;

use latimer_host::{Failure, standard_error};

use crate::output;

/// The exit codes, as `--help` and the manual tell them.
pub(crate) const CODES: &str = "\
Exit codes:
  0    done
  1    failed: no connection, the server answered with an error, or something broke while running
  2    told something that cannot be: the command line, the configuration, a name, a file
  3    the tool ran and reported an error
  130  interrupted
  143  stopped by SIGTERM; a server ends by the very signal that stopped it, of which shells make these two";

/// What became of a command that did not fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Finished {
    /// All was done: exit code 0.
    Done,
    /// A document is not valid: exit code 1.
    Invalid,
    /// A document could not be validated: exit code 2.
    Unusable,
    /// A tool answered that it failed: exit code 3.
    ToolFailed,
    /// The user did not want to wait: exit code 130.
    Interrupted,
}

/// What a command comes to.
pub(crate) type Outcome = Result<Finished, Failure>;

/// Tells of a failure, one line for each, and gives the exit code.
pub(crate) fn code(outcome: Outcome) -> ExitCode {
    match outcome {
        Ok(Finished::Done) => ExitCode::SUCCESS,
        Ok(Finished::Invalid) => ExitCode::from(1),
        Ok(Finished::Unusable) => ExitCode::from(2),
        Ok(Finished::ToolFailed) => ExitCode::from(3),
        Ok(Finished::Interrupted) => ExitCode::from(130),
        Err(failure) => {
            let lines = failure.to_string();
            let lines: String = lines.lines().map(|line| output::line(&format!("error: {line}"))).collect();
            standard_error::last_words(&lines);
            failure.exit_code()
        }
    }
}

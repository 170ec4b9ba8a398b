//! `latimer down`.

use std::path::PathBuf;
use std::time::Duration;

use latimer_host::Failure;
use latimer_host::background::{self, Folder, StopError, Stopped, Which};
use serde_json::json;

use crate::exit::{Finished, Outcome};
use crate::output;

/// Stop a server in the background, and wait until it has gone
///
/// Calls in flight may end, for as long as the server's `limits.drain` says. Nothing is stopped that is not known to be a
/// server: a number that another process has got by now is left alone.
#[derive(Debug, clap::Args)]
#[command(after_help = crate::exit::CODES)]
pub(crate) struct Down {
    /// The name that it was started under, or the number of its process; without it, the only one that runs
    #[arg(value_name = "NAME|PID", conflicts_with = "ready_file")]
    which: Option<String>,

    /// Stop the server with this ready file, however it was started
    #[arg(long, value_name = "FILE")]
    ready_file: Option<PathBuf>,

    /// How long it may take
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = humantime::parse_duration)]
    wait: Duration,

    /// Kill it if it takes longer
    #[arg(long)]
    force: bool,

    /// Print JSON: name, process, and whether it had to be killed
    #[arg(long)]
    json: bool,
}

impl Down {
    pub(crate) fn run(self) -> Outcome {
        let which = match (self.ready_file, self.which) {
            (Some(file), _) => Which::ReadyFile(file),
            (None, Some(word)) => word.parse().map_or(Which::Name(word), Which::Pid),
            (None, None) => Which::Only,
        };
        let folder = match (Folder::open(), &which) {
            (Ok(folder), _) => Some(folder),
            // What is named so is found without it.
            (Err(_), Which::Pid(_) | Which::ReadyFile(_)) => None,
            (Err(error), _) => return Err(Failure::runtime(error)),
        };
        let record = background::find(folder.as_ref(), &which).map_err(failed)?;
        output::note(&format!("asking process {} to stop", record.pid));
        let stopped = background::stop(folder.as_ref(), &record, self.wait, self.force).map_err(failed)?;
        let killed = stopped == Stopped::Killed;
        if self.json {
            let told = json!({ "name": record.name, "pid": record.pid, "killed": killed });
            output::print(&told.to_string())?;
        } else {
            let how = if killed { "was killed" } else { "has stopped" };
            output::print(&format!("{} (process {}) {how}", record.name, record.pid))?;
        }
        Ok(Finished::Done)
    }
}

fn failed(error: StopError) -> Failure {
    match error {
        StopError::Several(_) | StopError::Unknown { .. } | StopError::ReadyFile { .. } => {
            Failure::setup(error)
        }
        _ => Failure::runtime(error),
    }
}

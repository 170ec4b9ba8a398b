//! `latimer ps`.

use latimer_host::Failure;
use latimer_host::background::Folder;
use serde_json::json;

use crate::exit::{Finished, Outcome};
use crate::output;

/// List the servers in the background: their names, processes, starts and addresses
///
/// What is left of servers that do not run any more is cleared away, but for what they said.
#[derive(Debug, clap::Args)]
#[command(after_help = crate::exit::CODES)]
pub(crate) struct Ps {
    /// Print JSON: a list with an object for each
    #[arg(long)]
    json: bool,
}

impl Ps {
    pub(crate) fn run(self) -> Outcome {
        let folder = Folder::open().map_err(Failure::runtime)?;
        let running = folder.running().map_err(Failure::runtime)?;
        if self.json {
            output::print(&json!(running).to_string())?;
            return Ok(Finished::Done);
        }
        if running.is_empty() {
            output::note("no server runs in the background");
            return Ok(Finished::Done);
        }
        let width = running.iter().map(|record| record.name.len()).max().unwrap_or_default();
        let lines: Vec<String> = running
            .iter()
            .map(|record| {
                let addresses = if record.addresses.is_empty() {
                    "starting".to_owned()
                } else {
                    record.addresses.join(" ")
                };
                format!("{:width$}  {:>7}  {}  {addresses}", record.name, record.pid, record.since)
            })
            .collect();
        output::print(&lines.join("\n"))?;
        Ok(Finished::Done)
    }
}

//! `latimer up`.

use std::time::Duration;

use latimer_host::Failure;
use latimer_host::background::{Folder, Start, StartError};
use latimer_host::config::PluginName;
use serde_json::json;

use super::serve::Setting;
use crate::exit::{Finished, Outcome};
use crate::output;

/// Start a server in the background, and wait until it is ready
///
/// It takes the flags of serve, and prints the addresses and the process. The server goes on when the terminal is closed; what
/// it says goes to a file. `latimer ps` lists the servers, `latimer down` stops one.
#[derive(Debug, clap::Args)]
#[command(after_help = crate::exit::CODES)]
pub(crate) struct Up {
    /// The name to know it by
    #[arg(long, value_name = "NAME", default_value = "latimer")]
    name: PluginName,

    /// How long it may take until it is ready
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = humantime::parse_duration)]
    wait: Duration,

    /// Print JSON: name, process, addresses and files
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    setting: Setting,
}

impl Up {
    pub(crate) fn run(self) -> Outcome {
        let loaded = self.setting.loader()?.load().map_err(Failure::setup)?;
        let folder = Folder::open().map_err(Failure::runtime)?;
        let program = std::env::current_exe();
        let program =
            program.map_err(|error| Failure::runtime(format_args!("find this program: {error}")))?;
        let start = Start {
            name: self.name.as_str(),
            command: (program, self.setting.words_in_background()),
            config: &loaded.config,
            patience: self.wait,
        };
        let record = start.run(&folder).map_err(|error| told(&error))?;
        output::note(&format!("what it says is in {}", record.log.display()));
        if self.json {
            output::print(&json!(record).to_string())?;
        } else {
            let addresses = record.addresses.join(" ");
            output::print(&format!("{} runs as process {} at {addresses}", record.name, record.pid))?;
        }
        Ok(Finished::Done)
    }
}

/// Tells why a server did not start: what it said first, since that is why.
fn told(error: &StartError) -> Failure {
    if let StartError::Ended { said, .. } | StartError::Late { said, .. } = error {
        said.lines().for_each(output::note);
    }
    match error {
        StartError::Ended { status, .. } if status.code() == Some(2) => Failure::setup(error),
        StartError::Stdio => Failure::setup(error),
        _ => Failure::runtime(error),
    }
}

//! `latimer config`.

use clap::Subcommand;
use latimer_host::diagnostics::ConfigErrors;
use latimer_host::{Failure, config};
use serde_json::{Value, json};

use super::serve::Setting;
use crate::exit::{Finished, Outcome};
use crate::{output, sources};

/// Check the configuration, or show what can stand in it
#[derive(Debug, clap::Args)]
pub(crate) struct Config {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Check(Box<Check>),
    Schema(Schema),
    Example(Example),
}

/// Check the configuration that `serve` would use, and print each value with where it came from
///
/// It takes the flags of serve. Faults are told with the lines they stand in; secrets are never shown.
#[derive(Debug, clap::Args)]
#[command(after_help = crate::exit::CODES)]
struct Check {
    #[command(flatten)]
    setting: Setting,

    /// Print JSON: the values with their origins, or the faults
    #[arg(long)]
    json: bool,
}

/// Print the JSON Schema of configuration files, for editors
#[derive(Debug, clap::Args)]
struct Schema {
    /// Print JSON, on one line
    #[arg(long)]
    json: bool,
}

/// Print a configuration file (YAML) with every key, its meaning and its default
#[derive(Debug, clap::Args)]
struct Example {
    /// Print JSON: the keys that have a default, without explanations
    #[arg(long)]
    json: bool,
}

impl Config {
    pub(crate) fn run(self) -> Outcome {
        match self.command {
            Command::Check(command) => command.run(),
            Command::Schema(command) => command.run(),
            Command::Example(command) => command.run(),
        }
    }
}

impl Check {
    fn run(self) -> Outcome {
        let loaded = match self.setting.loader()?.load() {
            Ok(loaded) => loaded,
            Err(errors) => return Err(self.faulty(&errors)?),
        };
        sources::registry().select(&loaded.config, &loaded.base).map_err(Failure::setup)?;
        let report = loaded.report();
        if self.json {
            output::print(&json!(report).to_string())?;
            return Ok(Finished::Done);
        }
        match &report.file {
            Some(file) => output::note(&format!("configuration file {file}")),
            None => output::note("no configuration file"),
        }
        for file in &report.env_files {
            output::note(&format!("environment file {file}"));
        }
        for warning in &report.warnings {
            output::note(&format!("warning: {warning}"));
        }
        output::print(&report.to_string())?;
        Ok(Finished::Done)
    }

    /// Tells of the faults, and returns what is left to say.
    fn faulty(&self, errors: &ConfigErrors) -> Result<Failure, Failure> {
        let told = errors.diagnostics();
        if self.json {
            output::print(&json!({ "errors": told, "omitted": errors.omitted() }).to_string())?;
        } else {
            errors.render().lines().for_each(output::note);
        }
        let count = told.len() + errors.omitted();
        let faults = if count == 1 { "fault" } else { "faults" };
        Ok(Failure::setup(format_args!("the configuration has {count} {faults}")))
    }
}

impl Schema {
    fn run(self) -> Outcome {
        output::print(&if self.json { schema()?.to_string() } else { config::schema() })?;
        Ok(Finished::Done)
    }
}

impl Example {
    fn run(self) -> Outcome {
        if self.json {
            output::print(&defaults(&schema()?).unwrap_or_default().to_string())?;
        } else {
            output::print(&config::example())?;
        }
        Ok(Finished::Done)
    }
}

/// The schema of configuration files as data.
fn schema() -> Result<Value, Failure> {
    serde_json::from_str(&config::schema()).map_err(Failure::runtime)
}

/// Every key under `schema` that has a default, with it.
fn defaults(schema: &Value) -> Option<Value> {
    if let Some(default) = schema.get("default") {
        return Some(default.clone());
    }
    let keys = schema.get("properties")?.as_object()?;
    let keys = keys.iter().filter_map(|(name, schema)| Some((name.clone(), defaults(schema)?)));
    Some(Value::Object(keys.collect()))
}

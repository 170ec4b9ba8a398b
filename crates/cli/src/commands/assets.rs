//! `latimer assets`.

use std::path::PathBuf;

use clap::Subcommand;
use clap::builder::NonEmptyStringValueParser;
use latimer_assets::check::{self, FileReport};
use latimer_assets::{Assets as Served, Settings};
use latimer_host::Failure;
use latimer_host::config::{Loaded, Loader};
use serde_json::{Value, json};

use crate::exit::{Finished, Outcome};
use crate::output;

/// Work with JSON documents and the schemas that the source `assets` serves
#[derive(Debug, clap::Args)]
pub(crate) struct Assets {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Validate(Validate),
}

const CODES: &str = "\
Exit codes:
  0    every file is valid
  1    a file is not valid
  2    a file could not be read, is no JSON, or has no schema that could be used; or the command line or the
       configuration is faulty";

/// Validate files as the tool validate_asset does, without a server
///
/// The folder of schemas and all other settings are those of plugins.assets.settings in the configuration.
#[derive(Debug, clap::Args)]
#[command(after_help = CODES)]
struct Validate {
    /// The files
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,

    /// The schema, by its name, its path or its published URL; without it, what each file names itself
    #[arg(long, value_name = "SCHEMA", value_parser = NonEmptyStringValueParser::new())]
    schema: Option<String>,

    /// The folder of schemas, instead of the one that the configuration names
    #[arg(long, value_name = "DIR")]
    schemas: Option<PathBuf>,

    /// The configuration file; without it, latimer.yaml, .yml, .toml or .json of the working directory, if there is one
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,

    /// A file of KEY=VALUE lines to add to the environment, before the configuration is read; may be repeated
    #[arg(long, value_name = "FILE")]
    env_file: Vec<PathBuf>,

    /// Print JSON, one object for each file
    #[arg(long)]
    json: bool,
}

impl Assets {
    pub(crate) fn run(self) -> Outcome {
        match self.command {
            Command::Validate(command) => command.run(),
        }
    }
}

impl Validate {
    fn run(self) -> Outcome {
        let loaded = self.load()?;
        let assets = Served::open(self.settings(&loaded)?).map_err(Failure::setup)?;
        let report = check::files(&assets, &self.files, self.schema.as_deref());
        for file in &report.files {
            if self.json {
                output::print(&serde_json::to_string(file).map_err(Failure::runtime)?)?;
            } else {
                output::print(&told(file))?;
            }
        }
        Ok(match report.exit_code() {
            0 => Finished::Done,
            1 => Finished::Invalid,
            _ => Finished::Unusable,
        })
    }

    fn load(&self) -> Result<Loaded, Failure> {
        let mut loader = Loader::from_process()
            .map_err(|error| Failure::setup(format_args!("find the working directory: {error}")))?;
        if let Some(file) = &self.config {
            loader = loader.file(file);
        }
        for file in &self.env_file {
            loader = loader.env_file(file);
        }
        loader.load().map_err(|errors| Failure::setup(errors.render()))
    }

    fn settings(&self, loaded: &Loaded) -> Result<Settings, Failure> {
        let plugin = loaded.config.plugins.get(latimer_assets::NAME);
        let settings = plugin.and_then(|plugin| plugin.settings.as_ref());
        let mut settings = settings.map_or_else(|| json!({}), |settings| settings.expose().clone());
        if let (Some(folder), Value::Object(settings)) = (&self.schemas, &mut settings) {
            // As the user wrote it: from the working directory, not from that of the configuration file.
            let folder = std::path::absolute(folder).map_err(Failure::setup)?;
            settings.insert("schemas_dir".to_owned(), json!(folder));
        }
        Settings::from_value(&settings, &loaded.base).map_err(|error| {
            Failure::setup(format_args!(
                "{error}; the settings are those of plugins.assets.settings, and --schemas names a folder"
            ))
        })
    }
}

/// What was found out about a file, for people.
fn told(file: &FileReport) -> String {
    let path = &file.path;
    if file.ok {
        return format!("{path}: valid");
    }
    let place = match (file.line, file.column) {
        (Some(line), Some(column)) => format!("{path}:{line}:{column}"),
        _ => path.clone(),
    };
    let reason = file.reason.unwrap_or("not valid");
    let detail = file.detail.as_ref().map(|detail| format!(": {detail}")).unwrap_or_default();
    let mut told = format!("{place}: {reason}{detail}");
    let errors = file.errors.as_deref().unwrap_or_default();
    for error in errors {
        let path = if error.path.is_empty() { "the document" } else { error.path.as_str() };
        told.push_str(&format!("\n  {path}: {}", error.msg));
    }
    if let Some(total) = file.total.filter(|total| *total > errors.len()) {
        told.push_str(&format!("\n  … and {} more", total - errors.len()));
    }
    told
}

//! What an operator decides.

mod reading;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;
use url::Url;

pub use reading::SettingsError;

/// How the assets server is set up: `plugins.assets.settings` of the configuration, read with
/// [`from_value`](Self::from_value).
///
/// Numbers, booleans and durations may also be given as text, as they come from variables of the environment; empty text
/// stands for a setting that is not there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The folder of the schemas. It has to exist. Default: `assets/schemas`.
    pub schemas_dir: PathBuf,
    /// The folder of the examples. It may be missing: then there are none. Default: `assets/examples`.
    pub examples_dir: PathBuf,
    /// The URLs below which the schemas are published, each with a `/` at its end: a marker that begins with one of them
    /// names a schema by its path in `schemas_dir`, and so does a `$ref`. Default: none.
    pub canonical_prefixes: Vec<Url>,
    /// The version of the schemas, which `audit` repeats. Default: none.
    pub schema_version: String,
    /// The member of a document that names its schema. Default: `$schema`.
    pub marker_key: String,
    /// Whether a marker may also be the name or the relative path of a schema. Default: true.
    pub relative_markers: bool,
    /// Members that named a schema once, and that no document may have any more. Default: none.
    pub legacy_keys: Vec<String>,
    /// Other names of schemas, each with the name that it stands for. Default: none.
    pub aliases: BTreeMap<String, String>,
    /// Whether `format` is checked. Default: `annotation`.
    pub format: Format,
    /// How many errors a result lists, 1 to 1,000. Default: 100.
    pub max_errors: usize,
    /// How many documents `validate_many` takes, 1 to 10,000. Default: 100.
    pub max_batch: usize,
    /// How large a schema, an example or a document may be, in bytes, up to 64 MiB. Default: 1 MiB.
    pub max_file_bytes: usize,
    /// How many files each folder may hold, 1 to 100,000. Default: 10,000.
    pub max_files: usize,
    /// How deep each folder is looked into, 1 to 64. Default: 16.
    pub max_depth: usize,
    /// Whether changes on disk are announced to clients as they happen. Without it they are noticed with the next call.
    /// Default: true.
    pub watch: bool,
    /// Where `populate_backend` posts to. Default: nowhere, and the tool says so.
    pub backend: Option<Backend>,
}

/// What is done with the keyword `format` of a schema.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// Nothing, as JSON Schema 2020-12 has it (`annotation`).
    #[default]
    Annotation,
    /// Text of another format is an error (`assertion`).
    Assertion,
}

/// Where `populate_backend` posts documents to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Backend {
    /// The address of the backend, `http` or `https`, without credentials, query or fragment. Required.
    pub url: Url,
    /// The path below it that takes documents. Default: `/assets/`.
    pub path: String,
    /// How long a whole request may take: a duration such as `5s`, or a number of seconds. Default: 5 s, at most 10 min.
    pub timeout: Duration,
    /// The environment variable that holds the bearer token. Default: none, and no token is sent.
    pub token_env: Option<String>,
    /// Whether callers may have documents posted that were not validated. Default: false.
    pub allow_unvalidated: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            schemas_dir: PathBuf::from("assets/schemas"),
            examples_dir: PathBuf::from("assets/examples"),
            canonical_prefixes: Vec::new(),
            schema_version: String::new(),
            marker_key: "$schema".to_owned(),
            relative_markers: true,
            legacy_keys: Vec::new(),
            aliases: BTreeMap::new(),
            format: Format::default(),
            max_errors: 100,
            max_batch: 100,
            max_file_bytes: 1024 * 1024,
            max_files: 10_000,
            max_depth: 16,
            watch: true,
            backend: None,
        }
    }
}

impl Settings {
    /// The settings of these two folders, everything else as it is by default.
    pub fn of(schemas_dir: impl Into<PathBuf>, examples_dir: impl Into<PathBuf>) -> Self {
        Self { schemas_dir: schemas_dir.into(), examples_dir: examples_dir.into(), ..Self::default() }
    }

    /// Reads settings from the tree of a configuration. Relative paths lead from `base`.
    ///
    /// # Errors
    /// When there is a setting that nobody knows, or one has a value that it cannot have: named, with what it may be.
    pub fn from_value(value: &Value, base: &Path) -> Result<Self, SettingsError> {
        reading::read(value, base)
    }

    /// What a server says of them when it is ready: names and values.
    pub fn facts(&self) -> Vec<(&'static str, String)> {
        vec![
            ("schemas_dir", self.schemas_dir.display().to_string()),
            ("examples_dir", self.examples_dir.display().to_string()),
        ]
    }
}

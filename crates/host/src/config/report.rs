//! What `latimer config check` tells: every value and where it came from.

use std::fmt;

use serde::Serialize;
use serde_json::Value as Json;

use super::keys::{self, KEYS, Key};
use super::loader::Loaded;
use super::origin::Origin;
use crate::diagnostics::Diagnostic;

/// Every value of a loaded configuration with its origin, secrets as `***`. Serialises to JSON; `Display` is a table.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct Report {
    /// The configuration file, if there is one.
    pub file: Option<String>,
    /// The environment files that were read, strongest first.
    pub env_files: Vec<String>,
    /// The values in the order of the documentation.
    pub values: Vec<ReportValue>,
    /// What is probably not meant.
    pub warnings: Vec<Diagnostic>,
}

/// One value of a [`Report`].
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct ReportValue {
    /// The path of the key.
    pub key: String,
    /// The value as a file would have it; `***` for a secret, null for what is not set.
    pub value: Json,
    /// Where it came from.
    pub origin: Origin,
}

impl Report {
    pub(crate) fn of(loaded: &Loaded) -> Self {
        let config = &loaded.config;
        let mut values = Vec::new();
        let mut add = |key: &Key, path: String, name: &str| {
            if let Some(value) = key.slot.show(config, name) {
                values.push(ReportValue { value, origin: loaded.provenance.of(&path), key: path });
            }
        };
        // Whatever is said of one plugin or token stands together.
        for keys in KEYS.chunk_by(|one, next| one.group().is_some() && one.group() == next.group()) {
            match keys.first().and_then(Key::group) {
                None => keys.iter().for_each(|key| add(key, key.path.to_owned(), "")),
                Some(group) => {
                    for name in keys::names(group, config) {
                        keys.iter().for_each(|key| add(key, key.path.replace(keys::NAME, name), name));
                    }
                }
            }
        }
        Self {
            file: loaded.file.as_ref().map(|path| path.display().to_string()),
            env_files: loaded.env_files.iter().map(|path| path.display().to_string()).collect(),
            values,
            warnings: loaded.warnings.clone(),
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |value: &Json| match value {
            Json::Null => "-".to_owned(),
            Json::String(text) if text.chars().all(|c| !c.is_control()) => text.clone(),
            other => other.to_string(),
        };
        // Wide values push their own line only, not the whole column.
        let width =
            |texts: &mut dyn Iterator<Item = usize>| texts.filter(|len| *len <= 40).max().unwrap_or(0);
        let keys = width(&mut self.values.iter().map(|value| value.key.chars().count()));
        let values = width(&mut self.values.iter().map(|value| shown(&value.value).chars().count()));
        for value in &self.values {
            writeln!(f, "{:keys$}  {:values$}  {}", value.key, shown(&value.value), value.origin)?;
        }
        Ok(())
    }
}

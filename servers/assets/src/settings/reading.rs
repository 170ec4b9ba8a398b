//! From the tree of a configuration to settings.

use std::path::Path;
use std::time::Duration;

use serde_json::{Map, Value};
use url::Url;

use super::{Backend, Format, Settings};

/// Why settings cannot be used: which one, and what it may be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {reason}")]
pub struct SettingsError {
    field: String,
    reason: String,
}

impl SettingsError {
    pub(super) fn new(field: impl Into<String>, reason: impl Into<String>) -> Self {
        Self { field: field.into(), reason: reason.into() }
    }

    /// The setting, with `backend.` before it if it is one of the backend's.
    pub fn field(&self) -> &str {
        &self.field
    }
}

/// The longest a request to the backend may be allowed to take.
const LONGEST: Duration = Duration::from_secs(600);

pub(super) fn read(value: &Value, base: &Path) -> Result<Settings, SettingsError> {
    let mut fields = Fields::of("", value)?;
    let defaults = Settings::default();
    let dir = |text: Option<String>, default: &Path| base.join(text.as_deref().map_or(default, Path::new));
    let settings = Settings {
        schemas_dir: dir(fields.text("schemas_dir")?, &defaults.schemas_dir),
        examples_dir: dir(fields.text("examples_dir")?, &defaults.examples_dir),
        canonical_prefixes: fields.texts("canonical_prefixes")?.map_or(Ok(Vec::new()), prefixes)?,
        schema_version: fields.text("schema_version")?.unwrap_or(defaults.schema_version),
        marker_key: fields.text("marker_key")?.unwrap_or(defaults.marker_key),
        relative_markers: fields.switch("relative_markers")?.unwrap_or(defaults.relative_markers),
        legacy_keys: fields.texts("legacy_keys")?.unwrap_or_default(),
        aliases: fields.pairs("aliases")?,
        format: format(fields.text("format")?.as_deref())?,
        max_errors: fields.number("max_errors", 1_000)?.unwrap_or(defaults.max_errors),
        max_batch: fields.number("max_batch", 10_000)?.unwrap_or(defaults.max_batch),
        max_file_bytes: fields.number("max_file_bytes", 64 << 20)?.unwrap_or(defaults.max_file_bytes),
        max_files: fields.number("max_files", 100_000)?.unwrap_or(defaults.max_files),
        max_depth: fields.number("max_depth", 64)?.unwrap_or(defaults.max_depth),
        watch: fields.switch("watch")?.unwrap_or(defaults.watch),
        backend: fields.take("backend").map_or(Ok(None), |value| backend(&value))?,
    };
    fields.end()?;
    if settings.legacy_keys.contains(&settings.marker_key) {
        return Err(SettingsError::new(
            "legacy_keys",
            "holds the marker_key itself; take it out of the list",
        ));
    }
    Ok(settings)
}

/// The backend, if it has an address.
fn backend(value: &Value) -> Result<Option<Backend>, SettingsError> {
    let mut fields = Fields::of("backend.", value)?;
    let url = fields.text("url")?;
    let path = fields.text("path")?.unwrap_or_else(|| "/assets/".to_owned());
    let timeout = fields.duration("timeout")?.unwrap_or(Duration::from_secs(5));
    let token_env = fields.text("token_env")?;
    let allow_unvalidated = fields.switch("allow_unvalidated")?.unwrap_or(false);
    fields.end()?;
    let Some(url) = url else { return Ok(None) };
    let url = web_address("backend.url", &url)?;
    if path.contains(['?', '#', '\\']) || path.split('/').any(|segment| matches!(segment, "." | "..")) {
        let reason = "has to be a path such as /assets/, without ?, #, \\ and dot segments";
        return Err(SettingsError::new("backend.path", reason));
    }
    let path = if path.starts_with('/') { path } else { format!("/{path}") };
    Ok(Some(Backend { url, path, timeout, token_env, allow_unvalidated }))
}

fn prefixes(texts: Vec<String>) -> Result<Vec<Url>, SettingsError> {
    let prefix = |text: String| {
        // Without the slash at its end it would also be the beginning of a neighbour's.
        let text = if text.ends_with('/') { text } else { format!("{text}/") };
        let mut url = web_address("canonical_prefixes", &text)?;
        // As they come about where a prefix is put together from variables.
        while url.path().contains("//") {
            let path = url.path().replace("//", "/");
            url.set_path(&path);
        }
        Ok(url)
    };
    texts.into_iter().map(prefix).collect()
}

fn web_address(field: &str, text: &str) -> Result<Url, SettingsError> {
    let wrong = |reason: &str| SettingsError::new(field, format!("\"{text}\" {reason}"));
    let url = Url::parse(text).map_err(|error| wrong(&format!("is no URL ({error})")))?;
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
        return Err(wrong("has to begin with http:// or https:// and a host"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(wrong("must not hold credentials; name a variable with backend.token_env instead"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(wrong("must not have a query or a fragment"));
    }
    Ok(url)
}

fn format(text: Option<&str>) -> Result<Format, SettingsError> {
    match text {
        None | Some("annotation") => Ok(Format::Annotation),
        Some("assertion") => Ok(Format::Assertion),
        Some(other) => {
            let reason = format!("\"{other}\" is neither annotation nor assertion");
            Err(SettingsError::new("format", reason))
        }
    }
}

/// The members of one object, each taken once.
struct Fields {
    prefix: &'static str,
    members: Map<String, Value>,
    known: Vec<&'static str>,
}

impl Fields {
    fn of(prefix: &'static str, value: &Value) -> Result<Self, SettingsError> {
        let members = match value {
            Value::Null => Map::new(),
            Value::Object(members) => members.clone(),
            _ => {
                let name = if prefix.is_empty() { "settings" } else { prefix.trim_end_matches('.') };
                return Err(SettingsError::new(name, "has to be a mapping of names to values"));
            }
        };
        Ok(Self { prefix, members, known: Vec::new() })
    }

    /// A value that is there, unless it is null or empty text.
    fn take(&mut self, name: &'static str) -> Option<Value> {
        self.known.push(name);
        self.members.remove(name).filter(|value| !value.is_null() && value.as_str() != Some(""))
    }

    /// A value that is no text by nature: where it is given as one, without the space around it.
    fn take_plain(&mut self, name: &'static str) -> Option<Value> {
        match self.take(name)? {
            Value::String(text) => Some(text.trim()).filter(|text| !text.is_empty()).map(Value::from),
            value => Some(value),
        }
    }

    fn wrong(&self, name: &str, reason: impl Into<String>) -> SettingsError {
        SettingsError::new(format!("{}{name}", self.prefix), reason)
    }

    fn text(&mut self, name: &'static str) -> Result<Option<String>, SettingsError> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(Value::Number(number)) => Ok(Some(number.to_string())),
            Some(_) => Err(self.wrong(name, "has to be text")),
        }
    }

    /// A list of texts; one text alone is a list of one.
    fn texts(&mut self, name: &'static str) -> Result<Option<Vec<String>>, SettingsError> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(vec![text])),
            Some(Value::Array(values)) => {
                let text = |value: Value| match value {
                    Value::String(text) => Ok(text),
                    _ => Err(self.wrong(name, "has to be a list of texts")),
                };
                let texts = values.into_iter().map(text).collect::<Result<Vec<_>, _>>()?;
                Ok(Some(texts.into_iter().filter(|text| !text.is_empty()).collect()))
            }
            Some(_) => Err(self.wrong(name, "has to be a list of texts")),
        }
    }

    fn pairs(
        &mut self,
        name: &'static str,
    ) -> Result<std::collections::BTreeMap<String, String>, SettingsError> {
        let wrong = |fields: &Self| fields.wrong(name, "has to be a mapping of names to names");
        match self.take(name) {
            None => Ok(Default::default()),
            Some(Value::Object(members)) => {
                let pair = |(key, value)| match value {
                    Value::String(text) => Ok((key, text)),
                    _ => Err(wrong(self)),
                };
                members.into_iter().map(pair).collect()
            }
            Some(_) => Err(wrong(self)),
        }
    }

    fn switch(&mut self, name: &'static str) -> Result<Option<bool>, SettingsError> {
        match self.take_plain(name) {
            None => Ok(None),
            Some(Value::Bool(value)) => Ok(Some(value)),
            Some(Value::String(text)) if text == "true" => Ok(Some(true)),
            Some(Value::String(text)) if text == "false" => Ok(Some(false)),
            Some(_) => Err(self.wrong(name, "has to be true or false")),
        }
    }

    fn number(&mut self, name: &'static str, most: usize) -> Result<Option<usize>, SettingsError> {
        let Some(value) = self.take_plain(name) else { return Ok(None) };
        let number = match &value {
            Value::Number(number) => number.as_u64(),
            Value::String(text) => text.parse().ok(),
            _ => None,
        };
        let number = number.and_then(|number| usize::try_from(number).ok());
        match number.filter(|number| (1..=most).contains(number)) {
            Some(number) => Ok(Some(number)),
            None => Err(self.wrong(name, format!("has to be a whole number from 1 to {most}, not {value}"))),
        }
    }

    fn duration(&mut self, name: &'static str) -> Result<Option<Duration>, SettingsError> {
        let Some(value) = self.take_plain(name) else { return Ok(None) };
        let seconds = |seconds: f64| Duration::try_from_secs_f64(seconds).ok();
        let duration = match &value {
            Value::Number(number) => number.as_f64().and_then(seconds),
            Value::String(text) => match text.parse() {
                Ok(number) => seconds(number),
                Err(_) => humantime::parse_duration(text).ok(),
            },
            _ => None,
        };
        match duration.filter(|duration| !duration.is_zero() && *duration <= LONGEST) {
            Some(duration) => Ok(Some(duration)),
            None => {
                let reason = format!("has to be a duration such as 5s, above 0 and up to 10m, not {value}");
                Err(self.wrong(name, reason))
            }
        }
    }

    /// Everything that is left is a mistake.
    fn end(self) -> Result<(), SettingsError> {
        let Some(unknown) = self.members.keys().next() else { return Ok(()) };
        let known = self.known.join(", ");
        Err(self.wrong(unknown, format!("there is no such setting; there are {known}")))
    }
}

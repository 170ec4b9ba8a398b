//! The sources that a program brings along, to be loaded by name.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use latimer_core::Source;
use latimer_core::source::SourceError;
use serde_json::Value;

use crate::config::{Config, Plugin, PluginSettings};

type Make = Box<dyn Fn(&PluginContext<'_>) -> Result<Made, SourceError> + Send + Sync>;

/// What a source is made with.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct PluginContext<'a> {
    /// What stands under `plugins.NAME.settings`: an object, or null where there is nothing.
    pub settings: &'a Value,
    /// The directory at which relative paths in the settings start.
    pub base: &'a Path,
}

/// A source that was made.
#[derive(Clone)]
pub struct Made {
    /// The source.
    pub source: Arc<dyn Source>,
    /// What the line that tells of a server's start says besides, as name and value: what was found where, say.
    pub facts: Vec<(&'static str, String)>,
}

impl From<Arc<dyn Source>> for Made {
    fn from(source: Arc<dyn Source>) -> Self {
        Self { source, facts: Vec::new() }
    }
}

impl fmt::Debug for Made {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Made").field("source", &self.source.name()).field("facts", &self.facts).finish()
    }
}

/// A source that can be loaded by name.
pub struct Registered {
    name: &'static str,
    aliases: &'static [&'static str],
    about: &'static str,
    only_when_named: bool,
    takes_settings: bool,
    make: Make,
}

impl Registered {
    /// A source under a name. Settings for it are refused before it is made, unless it [takes](Self::takes_settings) any.
    pub fn new<F, M>(name: &'static str, about: &'static str, make: F) -> Self
    where
        F: Fn(&PluginContext<'_>) -> Result<M, SourceError> + Send + Sync + 'static,
        M: Into<Made>,
    {
        let make: Make = Box::new(move |context| make(context).map(Into::into));
        Self { name, aliases: &[], about, only_when_named: false, takes_settings: false, make }
    }

    /// Has it get its settings. What is wrong with them, it says itself when it is made.
    #[must_use]
    pub fn takes_settings(mut self) -> Self {
        self.takes_settings = true;
        self
    }

    /// Other names for it.
    #[must_use]
    pub fn aliases(mut self, aliases: &'static [&'static str]) -> Self {
        self.aliases = aliases;
        self
    }

    /// Leaves it out where the configuration names no sources: it is too much, or stands in the way of others.
    #[must_use]
    pub fn only_when_named(mut self) -> Self {
        self.only_when_named = true;
        self
    }

    /// Its name.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// What it offers, in a sentence.
    pub fn about(&self) -> &'static str {
        self.about
    }

    fn answers_to(&self, name: &str) -> bool {
        self.name == name || self.aliases.contains(&name)
    }
}

impl fmt::Debug for Registered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registered").field("name", &self.name).finish_non_exhaustive()
    }
}

/// All that a program brings along.
#[derive(Debug, Default)]
pub struct Registry(Vec<Registered>);

/// Why a source cannot be loaded.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// There is none of this name.
    #[error("no source is named \"{name}\"{}; there are: {known}", hint(.nearest.as_deref()))]
    Unknown {
        /// The name.
        name: String,
        /// One that is written almost so.
        nearest: Option<String>,
        /// All names.
        known: String,
    },
    /// The configuration forbids it.
    #[error("source \"{0}\" is switched off; remove it from the list, or set plugins.{0}.enabled to true")]
    Disabled(String),
    /// It is told something that it cannot take.
    #[error("source \"{source_name}\" takes no settings; remove plugins.{plugin}.settings")]
    NoSettings {
        /// Its name.
        source_name: &'static str,
        /// The name in the configuration.
        plugin: String,
    },
    /// The configuration names it twice, by different names.
    #[error("plugins.{one} and plugins.{other} are the same source; keep one")]
    Twice {
        /// One name.
        one: String,
        /// The other.
        other: String,
    },
    /// It could not be made.
    #[error("source \"{name}\": {error}")]
    Make {
        /// The name.
        name: String,
        /// What went wrong.
        error: SourceError,
    },
}

fn hint(nearest: Option<&str>) -> String {
    nearest.map(|nearest| format!(" (did you mean \"{nearest}\"?)")).unwrap_or_default()
}

impl Registry {
    /// Adds a source.
    #[must_use]
    pub fn with(mut self, source: Registered) -> Self {
        self.0.push(source);
        self
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Registered> {
        self.0.iter()
    }

    /// Makes the sources that the configuration names under `autoload` or, where it names none, all that
    /// are not switched off and need not be named. Each is made once, in the order named, and comes with its name here.
    /// `base` is where relative paths in their settings start.
    ///
    /// # Errors
    /// When a name is unknown or switched off, has settings that its source does not take, or a source cannot be made.
    pub fn select(&self, config: &Config, base: &Path) -> Result<Vec<(&'static str, Made)>, RegistryError> {
        let made = |name| Ok((name, self.make(name, config, base)?));
        self.names(config)?.into_iter().map(made).collect()
    }

    /// The names of the sources that the configuration chooses, in order.
    pub(crate) fn names(&self, config: &Config) -> Result<Vec<&'static str>, RegistryError> {
        Ok(self.chosen(config)?.into_iter().map(|source| source.name).collect())
    }

    /// Makes the source of this name.
    pub(crate) fn make(&self, name: &str, config: &Config, base: &Path) -> Result<Made, RegistryError> {
        let source = self.find(name).ok_or_else(|| self.unknown(name))?;
        let settings = said(source, config).and_then(|plugin| plugin.settings.as_ref());
        let settings = settings.map_or(&Value::Null, PluginSettings::expose);
        (source.make)(&PluginContext { settings, base })
            .map_err(|error| RegistryError::Make { name: source.name.to_owned(), error })
    }

    /// The name of the source that goes by this name or alias.
    pub(crate) fn name_of(&self, plugin: &str) -> Option<&'static str> {
        self.find(plugin).map(|source| source.name)
    }

    fn chosen(&self, config: &Config) -> Result<Vec<&Registered>, RegistryError> {
        let enabled = |source: &Registered| said(source, config).is_none_or(|plugin| plugin.enabled);
        self.check(config)?;
        let mut chosen: Vec<&Registered> = Vec::new();
        if config.autoload.is_empty() {
            chosen.extend(self.0.iter().filter(|source| !source.only_when_named && enabled(source)));
        }
        for name in &config.autoload {
            let source = self.find(name.as_str()).ok_or_else(|| self.unknown(name.as_str()))?;
            if !enabled(source) {
                return Err(RegistryError::Disabled(source.name.to_owned()));
            }
            if !chosen.iter().any(|other| other.name == source.name) {
                chosen.push(source);
            }
        }
        Ok(chosen)
    }

    /// Holds what the configuration says of single sources against what they are.
    fn check(&self, config: &Config) -> Result<(), RegistryError> {
        let mut seen: Vec<(&'static str, &String)> = Vec::new();
        for (name, plugin) in &config.plugins {
            let source = self.find(name).ok_or_else(|| self.unknown(name))?;
            if plugin.settings.is_some() && !source.takes_settings {
                return Err(RegistryError::NoSettings { source_name: source.name, plugin: name.clone() });
            }
            if let Some((_, one)) = seen.iter().find(|(known, _)| *known == source.name) {
                return Err(RegistryError::Twice { one: (*one).clone(), other: name.clone() });
            }
            seen.push((source.name, name));
        }
        Ok(())
    }

    fn find(&self, name: &str) -> Option<&Registered> {
        self.0.iter().find(|source| source.answers_to(name))
    }

    fn unknown(&self, name: &str) -> RegistryError {
        let close = |known: &&Registered| strsim::damerau_levenshtein(known.name, name) <= 2;
        RegistryError::Unknown {
            name: name.to_owned(),
            nearest: self.0.iter().find(close).map(|source| source.name.to_owned()),
            known: self.0.iter().map(|source| source.name).collect::<Vec<_>>().join(", "),
        }
    }
}

/// What the configuration says of a source, under its name or another name for it.
fn said<'a>(source: &Registered, config: &'a Config) -> Option<&'a Plugin> {
    std::iter::once(&source.name).chain(source.aliases).find_map(|name| config.plugins.get(*name))
}

#[cfg(test)]
mod tests {
    use latimer_core::local::LocalSource;

    use super::*;
    use crate::config::Loader;

    fn registry() -> Registry {
        let plain = |name: &'static str| {
            Registered::new(name, "Plain", move |_| Ok(Arc::new(LocalSource::new(name)) as Arc<dyn Source>))
        };
        let told = Registered::new("told", "Tells what it is told", |context| {
            let folder = context.settings["folder"]
                .as_str()
                .ok_or_else(|| SourceError::new("settings.folder is missing"))?;
            let source: Arc<dyn Source> = Arc::new(LocalSource::new("told"));
            Ok(Made { source, facts: vec![("folder", context.base.join(folder).display().to_string())] })
        });
        Registry::default()
            .with(plain("plain").aliases(&["simple"]))
            .with(told.takes_settings().only_when_named())
    }

    fn select(text: &str) -> Result<Vec<(&'static str, Made)>, RegistryError> {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("latimer.yaml"), text).expect("written");
        let loaded = Loader::new(folder.path()).environment([("DATA", "data")]).load().expect("loads");
        let made = registry().select(&loaded.config, &loaded.base)?;
        assert_eq!(loaded.base, folder.path());
        assert!(
            made.iter()
                .flat_map(|(_, made)| &made.facts)
                .all(|(_, fact)| fact.starts_with(&*folder.path().to_string_lossy()))
        );
        Ok(made)
    }

    #[test]
    fn a_source_is_made_with_its_settings_and_the_directory_of_the_file() {
        let made =
            select("autoload: [told]\nplugins: {told: {settings: {folder: \"${DATA}\"}}}\n").expect("made");
        assert!(made.len() == 1 && made[0].1.facts[0].1.ends_with("/data"), "{made:?}");
        let error = select("autoload: [told]\n").expect_err("no folder").to_string();
        assert_eq!(error, "source \"told\": settings.folder is missing");
    }

    #[test]
    fn a_source_that_takes_no_settings_refuses_them() {
        for name in ["plain", "simple"] {
            let error = select(&format!("autoload: [plain]\nplugins: {{{name}: {{settings: {{}}}}}}\n"));
            let expected = format!("source \"plain\" takes no settings; remove plugins.{name}.settings");
            assert_eq!(error.expect_err("refused").to_string(), expected);
        }
        let error =
            select("plugins: {plain: {}, simple: {enabled: false}}\n").expect_err("refused").to_string();
        assert_eq!(error, "plugins.plain and plugins.simple are the same source; keep one");
    }
}

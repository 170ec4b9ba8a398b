//! The sources that a program brings along, to be loaded by name.

use std::fmt;
use std::sync::Arc;

use latimer_core::Source;
use latimer_core::source::SourceError;

use crate::config::Config;

type Make = Box<dyn Fn() -> Result<Arc<dyn Source>, SourceError> + Send + Sync>;

/// A source that can be loaded by name.
pub struct Registered {
    name: &'static str,
    aliases: &'static [&'static str],
    about: &'static str,
    only_when_named: bool,
    make: Make,
}

impl Registered {
    /// A source under a name.
    pub fn new<F>(name: &'static str, about: &'static str, make: F) -> Self
    where
        F: Fn() -> Result<Arc<dyn Source>, SourceError> + Send + Sync + 'static,
    {
        Self { name, aliases: &[], about, only_when_named: false, make: Box::new(make) }
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
    /// are not switched off and need not be named. Each is made once, in the order named.
    ///
    /// # Errors
    /// When a name is unknown or switched off, or a source cannot be made.
    pub fn select(&self, config: &Config) -> Result<Vec<Arc<dyn Source>>, RegistryError> {
        let enabled = |source: &Registered| {
            let said = |name: &str| config.plugins.get(name).map(|plugin| plugin.enabled);
            said(source.name).or_else(|| source.aliases.iter().find_map(|alias| said(alias))).unwrap_or(true)
        };
        if let Some(unknown) = config.plugins.keys().find(|name| self.find(name).is_none()) {
            return Err(self.unknown(unknown));
        }
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
        let make = |source: &Registered| {
            (source.make)().map_err(|error| RegistryError::Make { name: source.name.to_owned(), error })
        };
        chosen.into_iter().map(make).collect()
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

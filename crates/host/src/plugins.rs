//! The sources that are loaded, and how another configuration changes them.

use std::path::Path;

use latimer_core::Engine;
use latimer_core::catalog::CatalogError;

use crate::config::Config;
use crate::registry::{Made, Registry, RegistryError};

/// The sources that a configuration chooses from a registry.
#[derive(Debug)]
pub struct Plugins {
    registry: Registry,
    /// Each with its name in the registry.
    chosen: Vec<(&'static str, Made)>,
}

/// What another configuration changed.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Exchange {
    /// The sources that were loaded.
    pub(crate) loaded: Vec<&'static str>,
    /// The sources that were unloaded.
    pub(crate) unloaded: Vec<&'static str>,
}

/// Why the sources of another configuration could not be taken.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PluginsError {
    /// One cannot be chosen or made.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// One cannot be loaded.
    #[error("load source \"{name}\": {error}")]
    Load {
        /// Its name.
        name: &'static str,
        /// What went wrong.
        error: CatalogError,
    },
}

impl Plugins {
    /// Makes the sources that the configuration chooses. `base` is where paths in their settings start.
    ///
    /// # Errors
    /// As [`Registry::select`].
    pub fn select(registry: Registry, config: &Config, base: &Path) -> Result<Self, RegistryError> {
        let chosen = registry.select(config, base)?;
        Ok(Self { registry, chosen })
    }

    /// Loads all of them, in order.
    ///
    /// # Errors
    /// When one cannot be loaded.
    pub async fn load(&self, engine: &Engine) -> Result<(), CatalogError> {
        for (_, made) in &self.chosen {
            engine.catalog().load(made.source.clone()).await?;
        }
        Ok(())
    }

    /// What the sources have to say of themselves, in order.
    pub(crate) fn facts(&self) -> impl Iterator<Item = &(&'static str, String)> {
        self.chosen.iter().flat_map(|(_, made)| &made.facts)
    }

    /// The name in the registry of the source that the configuration calls `plugin`, if it is loaded.
    pub(crate) fn loaded(&self, plugin: &str) -> Option<&'static str> {
        let name = self.registry.name_of(plugin)?;
        self.chosen.iter().any(|(known, _)| *known == name).then_some(name)
    }

    /// Loads what another configuration adds and unloads what it leaves out. New sources come first: if one of them cannot
    /// be loaded, nothing has changed.
    ///
    /// # Errors
    /// When a source cannot be chosen, made or loaded.
    pub(crate) async fn exchange(
        &mut self,
        engine: &Engine,
        config: &Config,
        base: &Path,
    ) -> Result<Exchange, PluginsError> {
        let names = self.registry.names(config)?;
        let (mut wanted, mut fresh) = (Vec::new(), Vec::new());
        for name in names {
            match self.chosen.iter().find(|(known, _)| *known == name) {
                Some(known) => wanted.push(known.clone()),
                None => {
                    let made = self.registry.make(name, config, base)?;
                    fresh.push((name, made.clone()));
                    wanted.push((name, made));
                }
            }
        }
        let mut exchange = Exchange::default();
        for (index, (name, made)) in fresh.iter().enumerate() {
            if let Err(error) = engine.catalog().load(made.source.clone()).await {
                for (_, made) in fresh.iter().take(index) {
                    unload(engine, made).await;
                }
                return Err(PluginsError::Load { name, error });
            }
            exchange.loaded.push(name);
        }
        for (name, made) in &self.chosen {
            if !wanted.iter().any(|(kept, _)| kept == name) {
                unload(engine, made).await;
                exchange.unloaded.push(name);
            }
        }
        self.chosen = wanted;
        Ok(exchange)
    }
}

async fn unload(engine: &Engine, made: &Made) {
    let name = made.source.name();
    if let Err(error) = engine.catalog().unload(name).await {
        tracing::warn!(source = name, %error, "a source was gone before it was unloaded");
    }
}

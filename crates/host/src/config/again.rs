//! A configuration that is loaded a second time, and how it differs from the first.

use std::collections::BTreeSet;

use super::keys::{self, KEYS};
use super::loader::Loaded;
use crate::diagnostics::ConfigErrors;

impl Loaded {
    /// Loads the same once more: the same flags and the process's environment as it was, and the files as they are now.
    ///
    /// # Errors
    /// As [`Loader::load`](super::Loader::load).
    pub fn again(&self) -> Result<Self, ConfigErrors> {
        self.loader.load()
    }

    /// The paths of the keys whose values differ, in the order of the documentation. What nothing sets, here or there, does
    /// not differ: the program itself may have decided it.
    pub(crate) fn differences(&self, other: &Self) -> Vec<String> {
        let mut paths = Vec::new();
        for key in KEYS {
            let names: BTreeSet<&str> = match key.group() {
                None => BTreeSet::from([""]),
                Some(group) => keys::names(group, &self.config)
                    .into_iter()
                    .chain(keys::names(group, &other.config))
                    .collect(),
            };
            for name in names {
                let path = key.path.replace(keys::NAME, name);
                let is_set = self.provenance.is_set(&path) || other.provenance.is_set(&path);
                if is_set && !key.slot.same(&self.config, &other.config, name) {
                    paths.push(path);
                }
            }
        }
        paths
    }

    /// Takes the values at these paths from another load.
    pub(crate) fn take(&mut self, other: &Self, paths: &[String]) {
        for path in paths {
            if let Some((key, name)) = keys::at(path) {
                key.slot.copy(&mut self.config, &other.config, &name);
                self.provenance.set(path.clone(), other.provenance.of(path));
            }
        }
    }
}

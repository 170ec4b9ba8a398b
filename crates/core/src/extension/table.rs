//! The extensions of a server, by identifier and by method.

use std::collections::BTreeMap;
use std::sync::Arc;

use latimer_protocol::{Method, RawJson, Revision};

use super::row::{RowError, row};
use super::{Extension, ExtensionDefinition, ExtensionEntry, ExtensionId, Owner};

/// Extensions that do not contradict each other.
#[derive(Clone, Debug, Default)]
pub(crate) struct Extensions {
    announced: BTreeMap<ExtensionId, RawJson>,
    methods: BTreeMap<&'static str, (&'static Method, Arc<ExtensionEntry>)>,
}

/// Why an extension cannot be served.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct ExtensionError(#[from] pub(crate) Clash);

/// Why an extension cannot stand beside the others.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Clash {
    #[error("the settings of extension \"{0}\" are no object")]
    Settings(ExtensionId),
    #[error("extension \"{id}\": {error}")]
    Method { id: ExtensionId, error: RowError },
    #[error("extension \"{0}\" is there already with other settings; give both the same, or leave one out")]
    Differs(ExtensionId),
    #[error("the method \"{method}\" of extension \"{id}\" is there already; leave one of the two out")]
    Taken { id: ExtensionId, method: &'static str },
}

impl Extensions {
    /// Adds an extension. An announcement that is there already with the same settings is no contradiction.
    pub(crate) fn add(&mut self, definition: &ExtensionDefinition, owner: Owner) -> Result<(), Clash> {
        let id = &definition.id;
        if !definition.settings.is_object() {
            return Err(Clash::Settings(id.clone()));
        }
        if self.announced.get(id).is_some_and(|settings| *settings != definition.settings) {
            return Err(Clash::Differs(id.clone()));
        }
        let entry = Arc::new(ExtensionEntry::new(id.clone(), owner));
        for method in &definition.methods {
            let row = row(method).map_err(|error| Clash::Method { id: id.clone(), error })?;
            if self.methods.insert(row.name, (row, entry.clone())).is_some() {
                return Err(Clash::Taken { id: id.clone(), method: row.name });
            }
        }
        self.announced.insert(id.clone(), definition.settings.clone());
        Ok(())
    }

    /// Adds an extension that answers for itself.
    pub(crate) fn register(&mut self, extension: Arc<dyn Extension>) -> Result<(), ExtensionError> {
        Ok(self.add(&extension.definition(), Owner::Own(extension))?)
    }

    /// Announces an extension without settings, if nobody has announced it yet.
    pub(crate) fn announce(&mut self, id: ExtensionId) {
        self.announced.entry(id).or_insert_with(RawJson::empty_object);
    }

    /// What is announced.
    pub(crate) fn announced(&self) -> impl Iterator<Item = (&ExtensionId, &RawJson)> {
        self.announced.iter()
    }

    /// The row of a method that a client of this revision may call.
    pub(crate) fn row(&self, name: &str, revision: Revision) -> Option<&'static Method> {
        self.methods.get(name).map(|(row, _)| *row).filter(|row| row.is_in(revision))
    }

    /// The extension that has a method.
    pub(crate) fn entry(&self, name: &str) -> Option<&Arc<ExtensionEntry>> {
        self.methods.get(name).map(|(_, entry)| entry)
    }
}

//! What the server offers, as snapshots that readers never lock (DESIGN: catalog, view, source).
//!
//! A change is a transaction: the definitions are staged, every one is checked, and only then does a
//! new snapshot take the place of the old, and the change is announced. Calls in flight keep the entries they
//! began with.

mod difference;
mod entry;
mod index;
mod name;
mod page;
mod snapshot;
mod template;
mod view;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use arc_swap::ArcSwap;
use parking_lot::Mutex;

pub(crate) use difference::Difference;
pub(crate) use entry::Entry;
pub use entry::{PromptEntry, ResourceEntry, TemplateEntry, ToolEntry};
pub use name::NameError;
pub use page::{BadCursor, Page};
pub use snapshot::{Snapshot, TemplateMatch};
pub use template::{TemplateError, UriTemplate};
pub use view::View;

use crate::changes::{Changes, WeakChanges};
use crate::extension::Clash;
use crate::source::{Definitions, Source, SourceError};

pub(crate) fn source_of<E: entry::Entry>(entry: &E) -> &Arc<dyn Source> {
    entry.source()
}

/// The tools, resources, resource templates and prompts of a server.
#[derive(Debug)]
pub struct Catalog {
    current: ArcSwap<Snapshot>,
    loaded: Mutex<Loaded>,
    /// Where changes are announced: with the engines that serve it.
    announced: Mutex<Vec<WeakChanges>>,
}

#[derive(Debug, Default)]
struct Loaded {
    epoch: u64,
    sources: BTreeMap<String, snapshot::Staged>,
}

/// Why a change of the catalog was refused. Nothing was changed.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct CatalogError(#[from] pub(crate) Fault);

#[derive(Debug, thiserror::Error)]
pub(crate) enum Fault {
    #[error("source \"{name}\" did not open: {error}")]
    Open { name: String, error: SourceError },
    #[error("a source named \"{0}\" is loaded already; unload it first or give one of them another name")]
    Loaded(String),
    #[error("no source named \"{0}\" is loaded")]
    NotLoaded(String),
    #[error("{kind} {at} of source \"{source_name}\": {reason}")]
    Definition { source_name: String, kind: Kind, at: String, reason: String },
    #[error(
        "{kind} \"{name}\" is offered by source \"{first}\" and by source \"{second}\"; rename one of them"
    )]
    Collision { kind: Kind, name: String, first: String, second: String },
    #[error("source \"{source_name}\": {clash}")]
    Extension { source_name: String, clash: Clash },
}

/// The kinds of entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    Tool,
    Resource,
    Template,
    Prompt,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tool => "tool",
            Self::Resource => "resource",
            Self::Template => "resource template",
            Self::Prompt => "prompt",
        })
    }
}

impl Default for Catalog {
    fn default() -> Self {
        Self {
            current: ArcSwap::from_pointee(Snapshot::default()),
            loaded: Mutex::default(),
            announced: Mutex::default(),
        }
    }
}

impl Catalog {
    /// The catalog as it is now. Stays as it is while it is held.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.current.load_full()
    }

    /// Opens a source and adds what it contributes.
    ///
    /// # Errors
    /// When it does not open, a definition is faulty, or a name is taken. The source is closed again then.
    pub async fn load(self: &Arc<Self>, source: Arc<dyn Source>) -> Result<(), CatalogError> {
        let name = source.name().to_owned();
        if self.loaded.lock().sources.contains_key(&name) {
            return Err(Fault::Loaded(name).into());
        }
        source.join(self);
        let definitions = source.open().await.map_err(|error| Fault::Open { name: name.clone(), error })?;
        let outcome = self.commit(&source, definitions, Expect::Absent);
        if outcome.is_err() {
            source.close().await;
        }
        outcome
    }

    /// Takes what a loaded source contributes now for what it contributed so far.
    ///
    /// # Errors
    /// When the source is not loaded, a definition is faulty, or a name is taken.
    pub fn replace(&self, source: &Arc<dyn Source>, definitions: Definitions) -> Result<(), CatalogError> {
        self.commit(source, definitions, Expect::Present)
    }

    /// Removes what a source contributes and closes it.
    ///
    /// # Errors
    /// When no source of this name is loaded.
    pub async fn unload(&self, name: &str) -> Result<(), CatalogError> {
        let source = {
            let mut loaded = self.loaded.lock();
            let staged = loaded.sources.remove(name).ok_or_else(|| Fault::NotLoaded(name.to_owned()))?;
            let snapshot = Snapshot::of(loaded.epoch + 1, &loaded.sources)?;
            self.publish(&mut loaded, snapshot);
            staged.source().clone()
        };
        source.close().await;
        Ok(())
    }

    /// Announces that a resource has other contents: to every session and listener, on every process of the store,
    /// that subscribed to it and can see it (RSC-5, SUB-4). Never waits.
    pub fn update(&self, uri: &str) {
        self.announce(|changes| changes.updated(uri));
    }

    /// Announces changes from now on there, too.
    pub(crate) fn announce_to(&self, changes: &Changes) {
        self.announced.lock().push(changes.downgrade());
    }

    /// The names of the loaded sources, in order.
    pub fn sources(&self) -> Vec<String> {
        self.loaded.lock().sources.keys().cloned().collect()
    }

    /// Closes all sources; what they contributed is gone.
    pub async fn close(&self) {
        for name in self.sources() {
            if let Err(error) = self.unload(&name).await {
                tracing::warn!(source = name, %error, "a source was gone before it was closed");
            }
        }
    }

    fn commit(
        &self,
        source: &Arc<dyn Source>,
        definitions: Definitions,
        expect: Expect,
    ) -> Result<(), CatalogError> {
        let name = source.name().to_owned();
        let staged = snapshot::Staged::new(source, definitions)?;
        let mut loaded = self.loaded.lock();
        let before = match (loaded.sources.contains_key(&name), expect) {
            (true, Expect::Absent) => return Err(Fault::Loaded(name).into()),
            (false, Expect::Present) => return Err(Fault::NotLoaded(name).into()),
            _ => loaded.sources.insert(name.clone(), staged),
        };
        match Snapshot::of(loaded.epoch + 1, &loaded.sources) {
            Ok(snapshot) => {
                self.publish(&mut loaded, snapshot);
                Ok(())
            }
            Err(fault) => {
                match before {
                    Some(before) => loaded.sources.insert(name, before),
                    None => loaded.sources.remove(&name),
                };
                Err(fault.into())
            }
        }
    }

    fn publish(&self, loaded: &mut Loaded, snapshot: Snapshot) {
        loaded.epoch = snapshot.epoch();
        let snapshot = Arc::new(snapshot);
        let before = self.current.swap(snapshot.clone());
        let mut difference = None;
        self.announce(|changes| {
            let difference = difference.get_or_insert_with(|| Difference::between(&before, &snapshot));
            if !difference.is_empty() {
                changes.lists(difference.clone());
            }
        });
    }

    fn announce(&self, mut announce: impl FnMut(&Changes)) {
        self.announced.lock().retain(|changes| match changes.upgrade() {
            Some(changes) => {
                announce(&changes);
                true
            }
            None => false,
        });
    }
}

#[derive(Clone, Copy)]
enum Expect {
    Absent,
    Present,
}

//! Changing a running server.

use std::fmt;
use std::sync::{Arc, OnceLock, Weak};

use latimer_core::local::{EntryKind, LocalError, LocalSource};
use latimer_core::states::States;
use latimer_core::{Catalog, Source};

use crate::error::{Fault, HandleError};
use crate::part::{Part, Shown};
use crate::{IntoPrompt, IntoResource, IntoTool, State};

/// Adds and removes tools, resources and prompts while the server runs, and tells that resources changed. Cheap to clone.
///
/// Each change is a transaction: it is checked first, calls in flight finish on what they began with, and every client
/// that listens is told.
/// A function gets its server's handle as `State<Handle>`.
#[derive(Clone)]
pub struct Handle(Arc<Inner>);

struct Inner {
    // Weak: functions of the source hold the handle.
    local: Weak<LocalSource>,
    /// What is loaded with the functions, and where.
    loaded: OnceLock<(Weak<dyn Source>, Weak<Catalog>)>,
    /// Without the handle itself.
    states: OnceLock<States>,
}

impl Handle {
    pub(crate) fn new(local: &Arc<LocalSource>) -> Self {
        let local = Arc::downgrade(local);
        Self(Arc::new(Inner { local, loaded: OnceLock::new(), states: OnceLock::new() }))
    }

    /// Shares the states with the handle, and the handle with the states. Happens once.
    pub(crate) fn share(&self, states: &mut States) {
        let _ = self.0.states.set(states.clone());
        states.insert(self.clone());
    }

    /// Tells as which source, and in which catalog, changes happen. Happens once.
    pub(crate) fn serve(&self, source: Weak<dyn Source>, catalog: &Arc<Catalog>) {
        let _ = self.0.loaded.set((source, Arc::downgrade(catalog)));
    }

    /// A state of the server.
    pub fn state<T: Send + Sync + 'static>(&self) -> Option<State<T>> {
        self.0.states.get().and_then(States::get).map(State::from)
    }

    /// Adds a tool.
    ///
    /// # Errors
    /// When its name is taken, it is faulty, or needs a state that the server does not have.
    pub fn add_tool<K>(&self, tool: impl IntoTool<K>) -> Result<(), HandleError> {
        self.add(tool.into_tool().into())
    }

    /// Adds a resource or a resource template.
    ///
    /// # Errors
    /// As [`add_tool`](Self::add_tool).
    pub fn add_resource<K>(&self, resource: impl IntoResource<K>) -> Result<(), HandleError> {
        self.add(resource.into_resource().into())
    }

    /// Adds a prompt.
    ///
    /// # Errors
    /// As [`add_tool`](Self::add_tool).
    pub fn add_prompt<K>(&self, prompt: impl IntoPrompt<K>) -> Result<(), HandleError> {
        self.add(prompt.into_prompt().into())
    }

    /// Removes a tool; `false` if there was none.
    ///
    /// # Errors
    /// When the server does not run.
    pub fn remove_tool(&self, name: &str) -> Result<bool, HandleError> {
        self.remove(EntryKind::Tool, name)
    }

    /// Removes a resource or a resource template by its URI; `false` if there was none.
    ///
    /// # Errors
    /// As [`remove_tool`](Self::remove_tool).
    pub fn remove_resource(&self, uri: &str) -> Result<bool, HandleError> {
        let kind = if uri.contains('{') { EntryKind::Template } else { EntryKind::Resource };
        self.remove(kind, uri)
    }

    /// Removes a prompt; `false` if there was none.
    ///
    /// # Errors
    /// As [`remove_tool`](Self::remove_tool).
    pub fn remove_prompt(&self, name: &str) -> Result<bool, HandleError> {
        self.remove(EntryKind::Prompt, name)
    }

    /// Tells that a resource has other contents: every client that subscribed to it hears so. `uri` is that of a
    /// resource, or one that fits a template.
    ///
    /// ```
    /// # use latimer::prelude::*;
    /// /// Puts a text on the board.
    /// #[tool]
    /// fn post(handle: State<Handle>, text: String) -> latimer::Result<&'static str> {
    ///     // … to where the resource reads it, and then:
    ///     handle.update("board://text")?;
    ///     Ok("posted")
    /// }
    /// ```
    ///
    /// # Errors
    /// When the server does not run.
    pub fn update(&self, uri: &str) -> Result<(), HandleError> {
        self.running()?.catalog.update(uri);
        Ok(())
    }

    fn add(&self, part: Part) -> Result<(), HandleError> {
        let Running { local, source, catalog } = self.running()?;
        let mut states = self.0.states.get().cloned().unwrap_or_default();
        states.insert(self.clone());
        let entry = part.bind(&states)?;
        let shown = Shown(entry.kind(), entry.key()).to_string();
        let mend = Shown::rename(entry.kind());
        local.add(&source, &catalog, entry).map_err(|error| match error {
            LocalError::Taken(_) => Fault::Twice { entry: shown, mend }.into(),
            LocalError::Catalog(error) => Fault::Catalog(error).into(),
        })
    }

    fn remove(&self, kind: EntryKind, key: &str) -> Result<bool, HandleError> {
        let Running { local, source, catalog } = self.running()?;
        local.remove(&source, &catalog, kind, key).map_err(|error| match error {
            LocalError::Taken(error) => Fault::Source(error).into(),
            LocalError::Catalog(error) => Fault::Catalog(error).into(),
        })
    }

    fn running(&self) -> Result<Running, Fault> {
        let running = || {
            let (source, catalog) = self.0.loaded.get()?;
            Some(Running {
                local: self.0.local.upgrade()?,
                source: source.upgrade()?,
                catalog: catalog.upgrade()?,
            })
        };
        running().ok_or(Fault::NotRunning)
    }
}

/// What a handle changes.
struct Running {
    local: Arc<LocalSource>,
    source: Arc<dyn Source>,
    catalog: Arc<Catalog>,
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle").field("running", &self.running().is_ok()).finish_non_exhaustive()
    }
}

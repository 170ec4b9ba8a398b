//! The source of an author's own Rust code.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use latimer_protocol::wire::{CompleteResult, Prompt, Resource, ResourceTemplate, Tool};
use latimer_protocol::{RawJson, RpcError};
use parking_lot::{Mutex, RwLock};

use crate::BoxFuture;
use crate::call::{Call, Operation, Outcome};
use crate::catalog::{Catalog, CatalogError};
use crate::error::CallError;
use crate::extension::{Extension, ExtensionCall, ExtensionDefinition};
use crate::source::{Definition, Definitions, Requirement, Source, SourceError};

/// What answers a call of one entry.
pub type EntryHandler = Arc<dyn Fn(Call) -> BoxFuture<'static, Outcome> + Send + Sync>;

type Hook = Box<dyn FnOnce() -> BoxFuture<'static, Result<(), SourceError>> + Send>;
type Closer = Box<dyn FnOnce() -> BoxFuture<'static, ()> + Send>;

/// Which list an entry belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EntryKind {
    /// A tool.
    Tool,
    /// A resource.
    Resource,
    /// A resource template.
    Template,
    /// A prompt.
    Prompt,
}

/// An entry and what answers for it.
#[derive(Clone)]
pub struct LocalEntry {
    kind: EntryKind,
    key: String,
    definition: Definition,
    handler: EntryHandler,
    completer: Option<EntryHandler>,
}

/// A source whose entries are functions of this process. Entries may come and go while it is loaded.
pub struct LocalSource {
    name: String,
    entries: RwLock<Entries>,
    extensions: RwLock<Vec<(ExtensionDefinition, Arc<dyn Extension>)>>,
    start: Mutex<Vec<Hook>>,
    stop: Mutex<Vec<Closer>>,
}

/// By kind, then by name or URI: a look-up needs no key of its own.
type Entries = BTreeMap<EntryKind, BTreeMap<String, LocalEntry>>;

impl LocalEntry {
    /// A tool.
    ///
    /// # Errors
    /// When the definition cannot be serialised.
    pub fn tool(tool: &Tool, handler: EntryHandler) -> Result<Self, serde_json::Error> {
        Ok(Self::new(EntryKind::Tool, tool.name.clone(), RawJson::from_serialize(tool)?, handler))
    }

    /// A resource.
    ///
    /// # Errors
    /// As [`tool`](Self::tool).
    pub fn resource(resource: &Resource, handler: EntryHandler) -> Result<Self, serde_json::Error> {
        Ok(Self::new(EntryKind::Resource, resource.uri.clone(), RawJson::from_serialize(resource)?, handler))
    }

    /// A resource template.
    ///
    /// # Errors
    /// As [`tool`](Self::tool).
    pub fn template(template: &ResourceTemplate, handler: EntryHandler) -> Result<Self, serde_json::Error> {
        let key = template.uri_template.clone();
        Ok(Self::new(EntryKind::Template, key, RawJson::from_serialize(template)?, handler))
    }

    /// A prompt.
    ///
    /// # Errors
    /// As [`tool`](Self::tool).
    pub fn prompt(prompt: &Prompt, handler: EntryHandler) -> Result<Self, serde_json::Error> {
        Ok(Self::new(EntryKind::Prompt, prompt.name.clone(), RawJson::from_serialize(prompt)?, handler))
    }

    /// An entry from its definition as JSON, for what the typed definitions cannot say.
    pub fn new(kind: EntryKind, key: String, json: RawJson, handler: EntryHandler) -> Self {
        Self { kind, key, definition: Definition::new(json), handler, completer: None }
    }

    /// What completes the arguments of a prompt or the variables of a template.
    #[must_use]
    pub fn with_completer(mut self, completer: EntryHandler) -> Self {
        self.completer = Some(completer);
        self
    }

    /// What the client must be able to do.
    #[must_use]
    pub fn requiring(mut self, requires: impl IntoIterator<Item = Requirement>) -> Self {
        self.definition.requires = requires.into_iter().collect();
        self
    }

    /// The scopes without which the entry does not exist for a principal.
    #[must_use]
    pub fn scoped(mut self, scopes: impl IntoIterator<Item = String>) -> Self {
        self.definition.scopes = scopes.into_iter().collect();
        self
    }

    /// Has a task of the tool run again from its journal when the server that ran it has gone.
    #[must_use]
    pub fn resumable(mut self, resumable: bool) -> Self {
        self.definition.resumable = resumable;
        self
    }

    /// The name or URI.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// Its list.
    pub fn kind(&self) -> EntryKind {
        self.kind
    }
}

impl LocalSource {
    /// An empty source.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            entries: RwLock::default(),
            extensions: RwLock::default(),
            start: Mutex::default(),
            stop: Mutex::default(),
        }
    }

    /// Adds an entry before the source is loaded.
    ///
    /// # Errors
    /// When there is one of that kind and name.
    pub fn insert(&self, entry: LocalEntry) -> Result<(), SourceError> {
        let mut entries = self.entries.write();
        let entries = entries.entry(entry.kind).or_default();
        if entries.contains_key(&entry.key) {
            return Err(taken(&entry));
        }
        entries.insert(entry.key.clone(), entry);
        Ok(())
    }

    /// Adds an extension before the source is loaded. Two that contradict each other keep it from being loaded.
    pub fn extend(&self, extension: Arc<dyn Extension>) {
        self.extensions.write().push((extension.definition(), extension));
    }

    /// Does something before anything of the source becomes visible.
    pub fn on_start<F>(&self, hook: F)
    where
        F: FnOnce() -> BoxFuture<'static, Result<(), SourceError>> + Send + 'static,
    {
        self.start.lock().push(Box::new(hook));
    }

    /// Does something after the source has gone.
    pub fn on_stop<F>(&self, hook: F)
    where
        F: FnOnce() -> BoxFuture<'static, ()> + Send + 'static,
    {
        self.stop.lock().push(Box::new(hook));
    }

    /// Adds an entry to the loaded source: this one, or the one that has it within.
    ///
    /// # Errors
    /// When the name is taken or the definition is faulty; nothing has changed then.
    pub fn add(
        &self,
        loaded: &Arc<dyn Source>,
        catalog: &Catalog,
        entry: LocalEntry,
    ) -> Result<(), LocalError> {
        let key = (entry.kind, entry.key.clone());
        self.insert(entry).map_err(LocalError::Taken)?;
        catalog.replace(loaded, self.definitions()).map_err(|error| {
            self.take(key.0, &key.1);
            LocalError::Catalog(error)
        })
    }

    /// Removes an entry from the loaded source: this one, or the one that has it within. Calls in flight are answered still.
    ///
    /// # Errors
    /// When the source is not loaded.
    pub fn remove(
        &self,
        loaded: &Arc<dyn Source>,
        catalog: &Catalog,
        kind: EntryKind,
        key: &str,
    ) -> Result<bool, LocalError> {
        if self.take(kind, key).is_none() {
            return Ok(false);
        }
        catalog.replace(loaded, self.definitions()).map_err(LocalError::Catalog)?;
        Ok(true)
    }

    fn definitions(&self) -> Definitions {
        let entries = self.entries.read();
        let of = |kind| {
            let entries = entries.get(&kind).into_iter().flat_map(BTreeMap::values);
            entries.map(|entry| entry.definition.clone()).collect()
        };
        Definitions {
            tools: of(EntryKind::Tool),
            resources: of(EntryKind::Resource),
            templates: of(EntryKind::Template),
            prompts: of(EntryKind::Prompt),
            completes: entries.values().flat_map(BTreeMap::values).any(|entry| entry.completer.is_some()),
            extensions: self.extensions.read().iter().map(|(definition, _)| definition.clone()).collect(),
        }
    }

    fn take(&self, kind: EntryKind, key: &str) -> Option<LocalEntry> {
        self.entries.write().get_mut(&kind)?.remove(key)
    }

    /// The extension that has a method.
    fn extension(&self, method: &str) -> Option<Arc<dyn Extension>> {
        let extensions = self.extensions.read();
        let has = |definition: &ExtensionDefinition| definition.methods.iter().any(|own| own.name == method);
        extensions.iter().find(|(definition, _)| has(definition)).map(|(_, extension)| extension.clone())
    }

    /// What answers for an entry, and what completes its arguments.
    fn find(&self, kind: EntryKind, key: &str) -> Option<(EntryHandler, Option<EntryHandler>)> {
        let entries = self.entries.read();
        let entry = entries.get(&kind)?.get(key)?;
        Some((entry.handler.clone(), entry.completer.clone()))
    }
}

/// Why an entry could not be added or removed.
#[derive(Debug, thiserror::Error)]
pub enum LocalError {
    /// There is one of that kind and name.
    #[error("{0}")]
    Taken(SourceError),
    /// The catalog refused the change.
    #[error("{0}")]
    Catalog(CatalogError),
}

fn taken(entry: &LocalEntry) -> SourceError {
    SourceError::new(
        format!("{:?} \"{}\" is registered twice; rename one of them", entry.kind, entry.key).to_lowercase(),
    )
}

impl Source for LocalSource {
    fn name(&self) -> &str {
        &self.name
    }

    fn open(&self) -> BoxFuture<'_, Result<Definitions, SourceError>> {
        Box::pin(async move {
            let hooks = std::mem::take(&mut *self.start.lock());
            for hook in hooks {
                hook().await?;
            }
            Ok(self.definitions())
        })
    }

    fn call(&self, call: Call) -> BoxFuture<'static, Outcome> {
        let (kind, key, completes) = match &call.operation {
            Operation::CallTool { tool, .. } => (EntryKind::Tool, tool.name(), false),
            Operation::ReadResource { resource } => (EntryKind::Resource, resource.uri(), false),
            Operation::ReadTemplate { template, .. } => (EntryKind::Template, template.uri_template(), false),
            Operation::CompleteTemplate { template, .. } => {
                (EntryKind::Template, template.uri_template(), true)
            }
            Operation::GetPrompt { prompt, .. } => (EntryKind::Prompt, prompt.name(), false),
            Operation::CompletePrompt { prompt, .. } => (EntryKind::Prompt, prompt.name(), true),
            Operation::CallExtension { method, params, .. } => {
                let Some(extension) = self.extension(method.name) else {
                    let error = CallError::Rpc(RpcError::method_not_found(method.name));
                    return Box::pin(async { Err(error) });
                };
                let (params, context) = (params.clone(), call.context.clone());
                return ExtensionCall { method, params, context }.answered_by(extension.as_ref());
            }
        };
        let entry = self.find(kind, key);
        match (entry, completes) {
            (Some((handler, _)), false) => handler(call),
            (Some((_, Some(completer))), true) => completer(call),
            // An entry without suggestions has none: that is no error (CMP-1).
            (Some(_), true) => Box::pin(async { Ok(CompleteResult::new(Vec::<String>::new()).into()) }),
            // Removed between look-up and call.
            (None, _) => {
                let error = CallError::invalid_params(format!("{key} has just been removed"));
                Box::pin(async { Err(error) })
            }
        }
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            let hooks = std::mem::take(&mut *self.stop.lock());
            for hook in hooks {
                hook().await;
            }
        })
    }
}

impl fmt::Debug for LocalEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalEntry").field("kind", &self.kind).field("key", &self.key).finish_non_exhaustive()
    }
}

impl fmt::Debug for LocalSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalSource")
            .field("name", &self.name)
            .field("entries", &self.entries.read().values().map(BTreeMap::len).sum::<usize>())
            .field("extensions", &self.extensions.read().len())
            .finish_non_exhaustive()
    }
}

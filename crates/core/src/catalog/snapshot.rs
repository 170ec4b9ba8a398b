//! The catalog at one moment.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use ahash::RandomState;
use latimer_protocol::wire::TaskSupport;
use parking_lot::Mutex;

use super::entry::{Entry, PromptEntry, ResourceEntry, TemplateEntry, ToolEntry};
use super::view::View;
use super::{Fault, Kind};
use crate::extension::{ExtensionDefinition, ExtensionId, Extensions, Owner, ui};
use crate::principal::Principal;
use crate::source::{Definition, Definitions, Source};

/// All entries at one moment, in the order of their names and URIs.
#[derive(Debug, Default)]
pub struct Snapshot {
    epoch: u64,
    pub(super) tools: Table<ToolEntry>,
    pub(super) resources: Table<ResourceEntry>,
    pub(super) templates: Table<TemplateEntry>,
    pub(super) prompts: Table<PromptEntry>,
    completes: bool,
    extensions: Extensions,
    tasks: bool,
    scoped: bool,
    /// By what they show.
    views: Mutex<HashMap<Box<[u64]>, Arc<View>>>,
}

/// Entries of one kind, sorted and found by key.
#[derive(Debug)]
pub(super) struct Table<E> {
    pub(super) entries: Vec<Arc<E>>,
    by_key: HashMap<Box<str>, usize, RandomState>,
}

impl<E> Default for Table<E> {
    fn default() -> Self {
        Self { entries: Vec::new(), by_key: HashMap::default() }
    }
}

/// What one source contributes, checked.
#[derive(Debug)]
pub(super) struct Staged {
    source: Arc<dyn Source>,
    tools: Vec<Arc<ToolEntry>>,
    resources: Vec<Arc<ResourceEntry>>,
    templates: Vec<Arc<TemplateEntry>>,
    prompts: Vec<Arc<PromptEntry>>,
    completes: bool,
    extensions: Vec<ExtensionDefinition>,
}

impl Staged {
    pub(super) fn new(source: &Arc<dyn Source>, definitions: Definitions) -> Result<Self, Fault> {
        Ok(Self {
            source: source.clone(),
            tools: entries(source, Kind::Tool, definitions.tools)?,
            resources: entries(source, Kind::Resource, definitions.resources)?,
            templates: entries(source, Kind::Template, definitions.templates)?,
            prompts: entries(source, Kind::Prompt, definitions.prompts)?,
            completes: definitions.completes,
            extensions: definitions.extensions,
        })
    }

    pub(super) fn source(&self) -> &Arc<dyn Source> {
        &self.source
    }

    /// Whether there is a page of an app, or a tool that shows one (APP-2, APP-3).
    fn has_pages(&self) -> bool {
        self.tools.iter().any(|tool| ui::has_page(tool.json().as_str()))
            || self.resources.iter().any(|resource| ui::is_page(resource.uri()))
            || self.templates.iter().any(|template| ui::is_page(template.uri_template()))
    }
}

/// The extensions that sources bring, and those that follow from what they offer.
fn extensions<'a>(sources: impl Iterator<Item = &'a Staged>) -> Result<Extensions, Fault> {
    let mut extensions = Extensions::default();
    let mut has_pages = false;
    for staged in sources {
        for definition in &staged.extensions {
            extensions
                .add(definition, Owner::Source(staged.source.clone()))
                .map_err(|clash| Fault::Extension { source_name: staged.source.name().to_owned(), clash })?;
        }
        has_pages |= staged.has_pages();
    }
    if has_pages {
        extensions.announce(ExtensionId::from_static(ui::ID));
    }
    Ok(extensions)
}

fn entries<E: Entry>(
    source: &Arc<dyn Source>,
    kind: Kind,
    definitions: Vec<Definition>,
) -> Result<Vec<Arc<E>>, Fault> {
    let entry = |(at, definition)| {
        E::new(source, definition).map(Arc::new).map_err(|reason| Fault::Definition {
            source_name: source.name().to_owned(),
            kind,
            at: format!("{}", at + 1),
            reason,
        })
    };
    definitions.into_iter().enumerate().map(entry).collect()
}

impl Snapshot {
    pub(super) fn of(epoch: u64, sources: &BTreeMap<String, Staged>) -> Result<Self, Fault> {
        let staged = || sources.values();
        let snapshot = Self {
            epoch,
            tools: Table::of(Kind::Tool, staged().flat_map(|staged| &staged.tools))?,
            resources: Table::of(Kind::Resource, staged().flat_map(|staged| &staged.resources))?,
            templates: Table::of(Kind::Template, staged().flat_map(|staged| &staged.templates))?,
            prompts: Table::of(Kind::Prompt, staged().flat_map(|staged| &staged.prompts))?,
            completes: staged().any(|staged| staged.completes),
            extensions: extensions(staged())?,
            tasks: staged()
                .flat_map(|staged| &staged.tools)
                .any(|tool| tool.task_support() != TaskSupport::Forbidden),
            scoped: false,
            views: Mutex::default(),
        };
        let scoped = snapshot.tools.is_scoped()
            || snapshot.resources.is_scoped()
            || snapshot.templates.is_scoped()
            || snapshot.prompts.is_scoped();
        Ok(Self { scoped, ..snapshot })
    }

    /// Which one it is: every change makes the number greater.
    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    /// The extensions that sources bring.
    pub(crate) fn extensions(&self) -> &Extensions {
        &self.extensions
    }

    /// Whether a source answers completions.
    pub fn completes(&self) -> bool {
        self.completes
    }

    /// Whether a tool may be a task.
    pub fn tasks(&self) -> bool {
        self.tasks
    }

    /// What a principal may see of it. Principals who may see the same share one view.
    pub fn view(&self, principal: &Principal) -> Arc<View> {
        let visible = |scopes: &[String]| scopes.iter().all(|scope| principal.has_scope(scope));
        let mut bits = Bits::default();
        if self.scoped {
            self.tools.entries.iter().for_each(|entry| bits.push(visible(entry.scopes())));
            self.resources.entries.iter().for_each(|entry| bits.push(visible(entry.scopes())));
            self.templates.entries.iter().for_each(|entry| bits.push(visible(entry.scopes())));
            self.prompts.entries.iter().for_each(|entry| bits.push(visible(entry.scopes())));
        }
        let mut views = self.views.lock();
        if let Some(view) = views.get(bits.words.as_slice()) {
            return view.clone();
        }
        let view = Arc::new(View::new(self, principal, self.scoped));
        views.insert(bits.words.into(), view.clone());
        view
    }

    /// Whether a principal may see a resource or a template that a URI fits.
    pub fn shows(&self, principal: &Principal, uri: &str) -> bool {
        self.resource(principal, uri).is_some() || self.template_for(principal, uri).is_some()
    }

    /// A tool that a principal may see.
    pub fn tool(&self, principal: &Principal, name: &str) -> Option<&Arc<ToolEntry>> {
        self.tools.find(principal, name)
    }

    /// A resource that a principal may see.
    pub fn resource(&self, principal: &Principal, uri: &str) -> Option<&Arc<ResourceEntry>> {
        self.resources.find(principal, uri)
    }

    /// The first template, in their order, that a principal may see and that a URI fits.
    pub fn template_for(&self, principal: &Principal, uri: &str) -> Option<TemplateMatch<'_>> {
        let mut visible = self.templates.entries.iter().filter(|entry| is_visible(entry.scopes(), principal));
        visible.find_map(|template| {
            template.template().matches(uri).map(|variables| TemplateMatch { template, variables })
        })
    }

    /// A template that a principal may see, by its own text.
    pub fn template(&self, principal: &Principal, uri_template: &str) -> Option<&Arc<TemplateEntry>> {
        self.templates.find(principal, uri_template)
    }

    /// A prompt that a principal may see.
    pub fn prompt(&self, principal: &Principal, name: &str) -> Option<&Arc<PromptEntry>> {
        self.prompts.find(principal, name)
    }
}

/// A template that a URI fits, and what the URI says.
#[derive(Debug)]
pub struct TemplateMatch<'a> {
    /// The template.
    pub template: &'a Arc<TemplateEntry>,
    /// Its variables, decoded, in its order.
    pub variables: Vec<(String, String)>,
}

pub(super) fn is_visible(scopes: &[String], principal: &Principal) -> bool {
    scopes.iter().all(|scope| principal.has_scope(scope))
}

impl<E: Entry> Table<E> {
    fn of<'a>(kind: Kind, entries: impl Iterator<Item = &'a Arc<E>>) -> Result<Self, Fault>
    where
        E: 'a,
    {
        let mut entries: Vec<Arc<E>> = entries.cloned().collect();
        entries.sort_by(|a, b| a.key().cmp(b.key()));
        for pair in entries.windows(2) {
            if pair[0].key() == pair[1].key() {
                return Err(Fault::Collision {
                    kind,
                    name: pair[0].key().to_owned(),
                    first: pair[0].source().name().to_owned(),
                    second: pair[1].source().name().to_owned(),
                });
            }
        }
        let by_key = entries.iter().enumerate().map(|(at, entry)| (entry.key().into(), at)).collect();
        Ok(Self { entries, by_key })
    }

    fn find(&self, principal: &Principal, key: &str) -> Option<&Arc<E>> {
        let entry = self.entries.get(*self.by_key.get(key)?)?;
        is_visible(entry.scopes(), principal).then_some(entry)
    }

    fn is_scoped(&self) -> bool {
        self.entries.iter().any(|entry| !entry.scopes().is_empty())
    }
}

/// One bit for each entry.
#[derive(Default)]
struct Bits {
    words: Vec<u64>,
    length: usize,
}

impl Bits {
    fn push(&mut self, bit: bool) {
        if self.length.is_multiple_of(64) {
            self.words.push(0);
        }
        if let Some(word) = self.words.last_mut() {
            *word |= u64::from(bit) << (self.length % 64);
        }
        self.length += 1;
    }
}

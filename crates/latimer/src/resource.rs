//! Resources and resource templates.

use std::fmt;
use std::sync::Arc;

use latimer_core::local::{EntryHandler, EntryKind, LocalEntry};
use latimer_core::source::Requirement;
use latimer_core::{Answer, BoxFuture, CallError, Context, Operation, Outcome};
use latimer_protocol::RawJson;
use latimer_protocol::wire::{self, Annotations, Icon, ReadResourceResult};

use crate::app::AppFault;
use crate::complete::{Complete, Completions};
use crate::contents::IntoContents;
use crate::error::Fault;
use crate::part::{Itself, Marked, Neither, Nothing, Shown, misdirected};
use crate::state::{Binder, MissingState};

/// A resource, or a template for many: its definition and what answers for it.
///
/// `#[resource("…")]` makes one from a function, [`Resource::new`] from a closure. A URI with variables in
/// braces is a template.
pub struct Resource {
    definition: wire::ResourceTemplate,
    is_template: bool,
    size: Option<u64>,
    requires: Vec<Requirement>,
    scopes: Vec<String>,
    completions: Completions,
    fault: Option<AppFault>,
    bind: ResourceBind,
}

/// As [`Bind`](crate::part::Bind), with the MIME type that the definition ends up with.
type ResourceBind =
    Box<dyn FnOnce(Option<Arc<str>>, &Binder<'_>) -> Result<EntryHandler, MissingState> + Send>;

/// What [`Server::resource`](crate::Server::resource) takes: a function with `#[resource]`, or a [`Resource`].
#[diagnostic::on_unimplemented(
    message = "this is not a resource",
    label = "not a resource",
    note = "put `#[resource(\"…\")]` on the function, or make a `Resource` from a closure with `Resource::new`"
)]
pub trait IntoResource<Kind> {
    /// The resource.
    fn into_resource(self) -> Resource;
}

impl IntoResource<Itself> for Resource {
    fn into_resource(self) -> Resource {
        self
    }
}

impl<F: FnOnce() -> Resource> IntoResource<Marked> for F {
    fn into_resource(self) -> Resource {
        self()
    }
}

/// What is asked for when a resource is read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReadRequest {
    /// The URI.
    pub uri: String,
    /// The variables of a template, decoded, in order.
    pub variables: Vec<(String, String)>,
}

impl<F: Nothing> IntoResource<Neither> for F {
    fn into_resource(self) -> Resource {
        self.nothing()
    }
}

impl Resource {
    /// The resource at `uri`, or those that fit it, if it has variables in braces.
    pub fn new<F, R>(uri: impl Into<String>, name: impl Into<String>, handler: F) -> Self
    where
        F: Fn(ReadRequest, Context) -> R + Send + Sync + 'static,
        R: Future<Output: IntoContents> + Send + 'static,
    {
        Self::bound(uri.into(), name.into(), move |mime_type, _| {
            Ok(handler_of(move |request, context| {
                let (uri, mime_type) = (request.uri.clone(), mime_type.clone());
                let contents = handler(request, context);
                async move { contents.await.into_contents(&uri, mime_type.as_deref()) }
            }))
        })
    }

    pub(crate) fn bound(
        uri: String,
        name: String,
        bind: impl FnOnce(Option<Arc<str>>, &Binder<'_>) -> Result<EntryHandler, MissingState> + Send + 'static,
    ) -> Self {
        let is_template = uri.contains('{');
        let definition = wire::ResourceTemplate::new(uri, name);
        let bind: ResourceBind = Box::new(bind);
        Self {
            definition,
            is_template,
            size: None,
            requires: Vec::new(),
            scopes: Vec::new(),
            completions: Completions::default(),
            fault: None,
            bind,
        }
    }

    /// Its URI, or URI template.
    pub fn uri(&self) -> &str {
        &self.definition.uri_template
    }

    /// Whether its URI has variables.
    pub fn is_template(&self) -> bool {
        self.is_template
    }

    /// Its name for people.
    #[must_use]
    pub fn title(mut self, title: impl Into<String>) -> Self {
        self.definition.title = Some(title.into());
        self
    }

    /// What it holds, for the model.
    #[must_use]
    pub fn description(mut self, description: impl Into<String>) -> Self {
        self.definition.description = Some(description.into());
        self
    }

    /// The type of its contents.
    #[must_use]
    pub fn mime_type(mut self, mime_type: impl Into<String>) -> Self {
        self.definition.mime_type = Some(mime_type.into());
        self
    }

    /// The size of its contents in bytes. Templates have none.
    #[must_use]
    pub fn size(mut self, size: u64) -> Self {
        self.size = Some(size);
        self
    }

    /// A picture for it.
    #[must_use]
    pub fn icon(mut self, icon: Icon) -> Self {
        self.definition.icons.push(icon);
        self
    }

    /// Hints on how a client may use it.
    #[must_use]
    pub fn annotations(mut self, annotations: Annotations) -> Self {
        self.definition.annotations = Some(annotations);
        self
    }

    /// Metadata of the definition; must be an object.
    #[must_use]
    pub fn meta(mut self, meta: RawJson) -> Self {
        self.definition.meta = Some(meta);
        self
    }

    /// What the client must be able to do. A request without it is refused before it begins.
    #[must_use]
    pub fn requires(mut self, requirement: Requirement) -> Self {
        self.requires.push(requirement);
        self
    }

    /// A scope without which the resource does not exist for a caller.
    #[must_use]
    pub fn scope(mut self, scope: impl Into<String>) -> Self {
        self.scopes.push(scope.into());
        self
    }

    /// Suggests values for a variable.
    #[must_use]
    pub fn complete<K: 'static>(mut self, variable: impl Into<String>, complete: impl Complete<K>) -> Self {
        self.completions.add(variable.into(), complete);
        self
    }

    /// What is wrong with it, to be told when it is bound.
    pub(crate) fn with_fault(mut self, fault: Option<AppFault>) -> Self {
        self.fault = fault;
        self
    }

    pub(crate) fn bind(self, binder: &Binder<'_>) -> Result<LocalEntry, Fault> {
        let kind = if self.is_template { EntryKind::Template } else { EntryKind::Resource };
        let entry = || Shown(kind, &self.definition.uri_template).to_string();
        if let Some(fault) = self.fault {
            return Err(Fault::App { entry: entry(), fault });
        }
        let mime_type = self.definition.mime_type.as_deref().map(Arc::from);
        let handler = (self.bind)(mime_type, binder)
            .map_err(|missing| Fault::MissingState { entry: entry(), type_name: missing.type_name })?;
        let local = if self.is_template {
            LocalEntry::template(&self.definition, handler)
        } else {
            LocalEntry::resource(&fixed(&self.definition, self.size), handler)
        };
        let local = local.map_err(|error| Fault::Json { entry: entry(), error })?;
        let local = local.requiring(self.requires).scoped(self.scopes);
        Ok(match self.completions.into_handler() {
            Some(completer) => local.with_completer(completer),
            None => local,
        })
    }
}

fn fixed(definition: &wire::ResourceTemplate, size: Option<u64>) -> wire::Resource {
    let definition = definition.clone();
    wire::Resource {
        uri: definition.uri_template,
        name: definition.name,
        title: definition.title,
        description: definition.description,
        mime_type: definition.mime_type,
        size,
        icons: definition.icons,
        annotations: definition.annotations,
        meta: definition.meta,
    }
}

/// The handler that a resource's entry keeps.
pub(crate) fn handler_of<F, R>(handler: F) -> EntryHandler
where
    F: Fn(ReadRequest, Context) -> R + Send + Sync + 'static,
    R: Future<Output = Result<ReadResourceResult, CallError>> + Send + 'static,
{
    Arc::new(move |call| -> BoxFuture<'static, Outcome> {
        let request = match call.operation {
            Operation::ReadResource { resource } => {
                ReadRequest { uri: resource.uri().to_owned(), variables: Vec::new() }
            }
            Operation::ReadTemplate { uri, variables, .. } => ReadRequest { uri, variables },
            _ => return Box::pin(std::future::ready(Err(misdirected(&call)))),
        };
        let work = handler(request, call.context);
        Box::pin(async move { work.await.map(Answer::Resource) })
    })
}

impl fmt::Debug for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Resource").field("uri", &self.definition.uri_template).finish_non_exhaustive()
    }
}

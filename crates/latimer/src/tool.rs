//! Tools.

use std::fmt;
use std::sync::Arc;

use latimer_core::extension::ui::SCHEME;
use latimer_core::local::{EntryHandler, EntryKind, LocalEntry};
use latimer_core::source::Requirement;
use latimer_core::{Answer, BoxFuture, CallError, Context, Operation, Outcome};
use latimer_protocol::wire::{self, CallToolResult, Icon, ToolAnnotations, UiToolMeta, UiVisibility};
use latimer_protocol::{Arguments, RawJson};
use serde::Serialize;

use crate::app::{AppFault, with_ui};
use crate::error::Fault;
use crate::output::IntoToolResult;
use crate::part::{Bind, Itself, Marked, Neither, Nothing, Shown, misdirected};
use crate::schema::SchemaFault;
use crate::state::{Binder, MissingState};

/// A tool: its definition and what answers its calls.
///
/// `#[tool]` makes one from a function. [`Tool::new`] makes one from a schema and a closure, for tools
/// that are known only at run time. Both kinds may be adjusted further before they are added.
pub struct Tool {
    definition: wire::Tool,
    /// What its author put into `_meta`, and what it says about its page: together they are that of the definition.
    meta: Option<RawJson>,
    ui: UiToolMeta,
    requires: Vec<Requirement>,
    scopes: Vec<String>,
    resumable: bool,
    fault: Option<SchemaFault>,
    app_fault: Option<AppFault>,
    bind: Bind,
}

/// What [`Server::tool`](crate::Server::tool) takes: a function with `#[tool]`, or a [`Tool`].
#[diagnostic::on_unimplemented(
    message = "this is not a tool",
    label = "not a tool",
    note = "put `#[tool]` on the function, or make a `Tool` from a schema and a closure with `Tool::new`"
)]
pub trait IntoTool<Kind> {
    /// The tool.
    fn into_tool(self) -> Tool;
}

impl IntoTool<Itself> for Tool {
    fn into_tool(self) -> Tool {
        self
    }
}

impl<F: FnOnce() -> Tool> IntoTool<Marked> for F {
    fn into_tool(self) -> Tool {
        self()
    }
}

impl<F: Nothing> IntoTool<Neither> for F {
    fn into_tool(self) -> Tool {
        self.nothing()
    }
}

impl Tool {
    /// A tool whose arguments fit `input_schema`, a JSON Schema with an object root.
    ///
    /// `handler` gets the arguments as JSON text, already checked against the schema. It must not block.
    pub fn new<F, R>(name: impl Into<String>, input_schema: &(impl Serialize + ?Sized), handler: F) -> Self
    where
        F: Fn(RawJson, Context) -> R + Send + Sync + 'static,
        R: Future<Output: IntoToolResult> + Send + 'static,
    {
        let schema = RawJson::from_serialize(input_schema).map_err(SchemaFault::from);
        Self::bound(name.into(), schema, None, move |_| {
            Ok(handler_of(move |arguments: Arguments, context| {
                let answer = handler(arguments.into_raw(), context);
                async move { answer.await.into_tool_result() }
            }))
        })
    }

    pub(crate) fn bound(
        name: String,
        input: Result<RawJson, SchemaFault>,
        output: Option<Result<RawJson, SchemaFault>>,
        bind: impl FnOnce(&Binder<'_>) -> Result<EntryHandler, MissingState> + Send + 'static,
    ) -> Self {
        let (input, mut fault) = match input {
            Ok(schema) => (schema, None),
            Err(fault) => (RawJson::empty_object(), Some(fault)),
        };
        let mut definition = wire::Tool::new(name, input);
        match output.transpose() {
            Ok(schema) => definition.output_schema = schema,
            Err(error) => fault = Some(error),
        }
        Self {
            definition,
            meta: None,
            ui: UiToolMeta::default(),
            requires: Vec::new(),
            scopes: Vec::new(),
            resumable: false,
            fault,
            app_fault: None,
            bind: Box::new(bind),
        }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.definition.name
    }

    /// Its definition as clients get to see it.
    pub fn definition(&self) -> &wire::Tool {
        &self.definition
    }

    /// The same tool under another name.
    #[must_use]
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.definition.name = name.into();
        self
    }

    /// Its name for people.
    #[must_use]
    pub fn title(mut self, title: impl Into<String>) -> Self {
        self.definition.title = Some(title.into());
        self
    }

    /// What it does, for the model.
    #[must_use]
    pub fn description(mut self, description: impl Into<String>) -> Self {
        self.definition.description = Some(description.into());
        self
    }

    /// A picture for it.
    #[must_use]
    pub fn icon(mut self, icon: Icon) -> Self {
        self.definition.icons.push(icon);
        self
    }

    /// The JSON Schema of its structured content. Every result that is no error must then have some that fits.
    #[must_use]
    pub fn output_schema(mut self, schema: &(impl Serialize + ?Sized)) -> Self {
        match RawJson::from_serialize(schema) {
            Ok(schema) => self.definition.output_schema = Some(schema),
            Err(error) => self.fault = Some(error.into()),
        }
        self
    }

    /// Whether it changes nothing (`readOnlyHint`).
    #[must_use]
    pub fn read_only(mut self, hint: bool) -> Self {
        self.annotations().read_only_hint = Some(hint);
        self
    }

    /// Whether it may destroy something (`destructiveHint`).
    #[must_use]
    pub fn destructive(mut self, hint: bool) -> Self {
        self.annotations().destructive_hint = Some(hint);
        self
    }

    /// Whether calling it twice does no more than calling it once (`idempotentHint`).
    #[must_use]
    pub fn idempotent(mut self, hint: bool) -> Self {
        self.annotations().idempotent_hint = Some(hint);
        self
    }

    /// Whether it reaches beyond what the server itself holds (`openWorldHint`).
    #[must_use]
    pub fn open_world(mut self, hint: bool) -> Self {
        self.annotations().open_world_hint = Some(hint);
        self
    }

    /// Whether its calls may or must be tasks, whose results are fetched later (T11-2, TX-1). Without it they are none.
    ///
    /// A handler that may run as a task is run again from the top when it has asked something: see
    /// [`Context::once`].
    #[must_use]
    pub fn task(mut self, support: wire::TaskSupport) -> Self {
        self.definition.execution.get_or_insert_default().task_support = Some(support);
        self
    }

    /// Has its tasks run again when the server that ran them has gone, by whichever instance on the same store is
    /// asked about them next. Without it they have failed then.
    ///
    /// The handler runs again from the top, with its answers and with what [`Context::once`] made: anything else that
    /// it had done by then is done again.
    #[must_use]
    pub fn resumable(mut self, resumable: bool) -> Self {
        self.resumable = resumable;
        self
    }

    /// What the client must be able to do. A call without it is refused before it begins.
    #[must_use]
    pub fn requires(mut self, requirement: Requirement) -> Self {
        self.requires.push(requirement);
        self
    }

    /// A scope without which the tool does not exist for a caller.
    #[must_use]
    pub fn scope(mut self, scope: impl Into<String>) -> Self {
        self.scopes.push(scope.into());
        self
    }

    /// Metadata of the definition; must be an object.
    #[must_use]
    pub fn meta(mut self, meta: RawJson) -> Self {
        self.meta = Some(meta);
        self.describe();
        self
    }

    /// The page that shows its results in hosts that know MCP Apps (APP-2): the `ui://` URI of an
    /// [`App`](crate::App) of the same server. Other clients get what the tool answers, as ever.
    #[must_use]
    pub fn ui(mut self, page: impl Into<String>) -> Self {
        self.ui.resource_uri = Some(page.into());
        self.describe();
        self
    }

    /// Who may call it, in hosts that know MCP Apps; both the model and pages, where nothing is said (APP-2).
    ///
    /// A tool for pages alone stays in the list: it is the host that hides it from the model, and a client
    /// that knows no pages sees an ordinary tool.
    #[must_use]
    pub fn visibility(mut self, who: impl IntoIterator<Item = UiVisibility>) -> Self {
        self.ui.visibility = who.into_iter().collect();
        self.describe();
        self
    }

    /// The page that shows its results.
    pub(crate) fn page(&self) -> Option<&str> {
        self.ui.resource_uri.as_deref()
    }

    /// A fault of it, told with its name.
    pub(crate) fn app_fault(&self, fault: AppFault) -> Fault {
        Fault::App { entry: Shown(EntryKind::Tool, &self.definition.name).to_string(), fault }
    }

    /// Writes `_meta` of the definition.
    fn describe(&mut self) {
        if self.ui == UiToolMeta::default() {
            self.definition.meta = self.meta.clone();
            return;
        }
        self.app_fault = match with_ui(self.meta.as_ref(), &self.ui) {
            Ok(_) if self.page().is_some_and(|page| !page.starts_with(SCHEME)) => Some(AppFault::Page),
            Ok(meta) => {
                self.definition.meta = Some(meta);
                None
            }
            Err(fault) => Some(fault),
        };
    }

    fn annotations(&mut self) -> &mut ToolAnnotations {
        self.definition.annotations.get_or_insert_default()
    }

    pub(crate) fn bind(self, binder: &Binder<'_>) -> Result<LocalEntry, Fault> {
        let entry = || Shown(EntryKind::Tool, &self.definition.name).to_string();
        if let Some(fault) = self.fault {
            return Err(Fault::Schema { entry: entry(), fault });
        }
        if let Some(fault) = self.app_fault {
            return Err(Fault::App { entry: entry(), fault });
        }
        let handler = (self.bind)(binder)
            .map_err(|missing| Fault::MissingState { entry: entry(), type_name: missing.type_name })?;
        let local = LocalEntry::tool(&self.definition, handler)
            .map_err(|error| Fault::Json { entry: entry(), error })?;
        Ok(local.requiring(self.requires).scoped(self.scopes).resumable(self.resumable))
    }
}

/// The handler that a tool's entry keeps: one allocation a call, for its future.
pub(crate) fn handler_of<F, R>(handler: F) -> EntryHandler
where
    F: Fn(Arguments, Context) -> R + Send + Sync + 'static,
    R: Future<Output = Result<CallToolResult, CallError>> + Send + 'static,
{
    Arc::new(move |call| -> BoxFuture<'static, Outcome> {
        match call.operation {
            Operation::CallTool { arguments, .. } => {
                let work = handler(arguments, call.context);
                Box::pin(async move { work.await.map(Answer::Tool) })
            }
            _ => Box::pin(std::future::ready(Err(misdirected(&call)))),
        }
    })
}

impl fmt::Debug for Tool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tool").field("name", &self.definition.name).finish_non_exhaustive()
    }
}

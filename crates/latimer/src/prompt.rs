//! Prompts.

use std::fmt;
use std::sync::Arc;

use latimer_core::local::{EntryHandler, EntryKind, LocalEntry};
use latimer_core::source::Requirement;
use latimer_core::{Answer, BoxFuture, CallError, Context, Operation, Outcome};
use latimer_protocol::RawJson;
use latimer_protocol::wire::{self, GetPromptResult, Icon, PromptArgument};

use crate::complete::{Complete, Completions};
use crate::error::Fault;
use crate::messages::IntoMessages;
use crate::part::{Bind, Itself, Marked, Neither, Nothing, Shown, misdirected};
use crate::state::{Binder, MissingState};

/// A prompt: its definition and what expands it.
///
/// `#[prompt]` makes one from a function, [`Prompt::new`] from a closure.
pub struct Prompt {
    definition: wire::Prompt,
    requires: Vec<Requirement>,
    scopes: Vec<String>,
    completions: Completions,
    bind: Bind,
}

/// What [`Server::prompt`](crate::Server::prompt) takes: a function with `#[prompt]`, or a [`Prompt`].
#[diagnostic::on_unimplemented(
    message = "this is not a prompt",
    label = "not a prompt",
    note = "put `#[prompt]` on the function, or make a `Prompt` from a closure with `Prompt::new`"
)]
pub trait IntoPrompt<Kind> {
    /// The prompt.
    fn into_prompt(self) -> Prompt;
}

impl IntoPrompt<Itself> for Prompt {
    fn into_prompt(self) -> Prompt {
        self
    }
}

impl<F: FnOnce() -> Prompt> IntoPrompt<Marked> for F {
    fn into_prompt(self) -> Prompt {
        self()
    }
}

impl<F: Nothing> IntoPrompt<Neither> for F {
    fn into_prompt(self) -> Prompt {
        self.nothing()
    }
}

impl Prompt {
    /// A prompt that `handler` expands from its arguments, by name.
    pub fn new<F, R>(name: impl Into<String>, handler: F) -> Self
    where
        F: Fn(Vec<(String, String)>, Context) -> R + Send + Sync + 'static,
        R: Future<Output: IntoMessages> + Send + 'static,
    {
        Self::bound(name.into(), move |_| {
            Ok(handler_of(move |arguments, context| {
                let messages = handler(arguments, context);
                async move { messages.await.into_messages() }
            }))
        })
    }

    pub(crate) fn bound(
        name: String,
        bind: impl FnOnce(&Binder<'_>) -> Result<EntryHandler, MissingState> + Send + 'static,
    ) -> Self {
        Self {
            definition: wire::Prompt::new(name),
            requires: Vec::new(),
            scopes: Vec::new(),
            completions: Completions::default(),
            bind: Box::new(bind),
        }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.definition.name
    }

    /// The same prompt under another name.
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

    /// What it is good for.
    #[must_use]
    pub fn description(mut self, description: impl Into<String>) -> Self {
        self.definition.description = Some(description.into());
        self
    }

    /// An argument; they are asked for in this order.
    #[must_use]
    pub fn argument(mut self, argument: PromptArgument) -> Self {
        self.definition.arguments.push(argument);
        self
    }

    /// A picture for it.
    #[must_use]
    pub fn icon(mut self, icon: Icon) -> Self {
        self.definition.icons.push(icon);
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

    /// A scope without which the prompt does not exist for a caller.
    #[must_use]
    pub fn scope(mut self, scope: impl Into<String>) -> Self {
        self.scopes.push(scope.into());
        self
    }

    /// Suggests values for an argument.
    #[must_use]
    pub fn complete<K: 'static>(mut self, argument: impl Into<String>, complete: impl Complete<K>) -> Self {
        self.completions.add(argument.into(), complete);
        self
    }

    pub(crate) fn bind(self, binder: &Binder<'_>) -> Result<LocalEntry, Fault> {
        let entry = || Shown(EntryKind::Prompt, &self.definition.name).to_string();
        let handler = (self.bind)(binder)
            .map_err(|missing| Fault::MissingState { entry: entry(), type_name: missing.type_name })?;
        let local = LocalEntry::prompt(&self.definition, handler)
            .map_err(|error| Fault::Json { entry: entry(), error })?
            .requiring(self.requires)
            .scoped(self.scopes);
        Ok(match self.completions.into_handler() {
            Some(completer) => local.with_completer(completer),
            None => local,
        })
    }
}

/// The handler that a prompt's entry keeps.
pub(crate) fn handler_of<F, R>(handler: F) -> EntryHandler
where
    F: Fn(Vec<(String, String)>, Context) -> R + Send + Sync + 'static,
    R: Future<Output = Result<GetPromptResult, CallError>> + Send + 'static,
{
    Arc::new(move |call| -> BoxFuture<'static, Outcome> {
        match call.operation {
            Operation::GetPrompt { arguments, .. } => {
                let work = handler(arguments, call.context);
                Box::pin(async move { work.await.map(Answer::Prompt) })
            }
            _ => Box::pin(std::future::ready(Err(misdirected(&call)))),
        }
    })
}

impl fmt::Debug for Prompt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Prompt").field("name", &self.definition.name).finish_non_exhaustive()
    }
}

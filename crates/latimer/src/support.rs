//! What the attributes generate calls.

use std::sync::Arc;

use latimer_core::CallError;
use latimer_core::local::EntryHandler;
use latimer_protocol::wire::{CallToolResult, GetPromptResult, PromptArgument, ReadResourceResult};
use latimer_protocol::{Arguments, RawJson};

pub use latimer_core::Context;
pub use latimer_core::ask::form::{Choice, FormContent, FormField, FormSchema, Property, choice};
pub use latimer_core::source::Requirement;
pub use latimer_protocol::wire::{Icon, UiVisibility};
pub use serde::de::MapAccess;

pub use crate::arguments::{
    Argument, Slots, TextArgument, given, read_args, read_slots, required_text_argument, text_argument,
    value, variable,
};
pub use crate::output::OutputSchema;
pub use crate::schema::ArgumentsSchema;
pub use crate::state::{Binder, MissingState};
use crate::{IntoToolResult, Prompt, ReadRequest, Resource, Tool, schema};

/// The schema of a tool's arguments.
#[derive(Debug)]
pub struct Input(Result<RawJson, schema::SchemaFault>);

impl Input {
    /// Argument by argument.
    pub fn each(schema: ArgumentsSchema) -> Self {
        Self(schema.finish())
    }

    /// All in one type.
    pub fn all<T: Argument>() -> Self {
        Self(schema::of_arguments::<T>())
    }
}

/// What a function with `#[tool]` becomes.
pub fn tool<R: IntoToolResult>(
    name: &str,
    input: Input,
    bind: impl FnOnce(&Binder<'_>) -> Result<EntryHandler, MissingState> + Send + 'static,
) -> Tool {
    Tool::bound(name.to_owned(), input.0, R::output_schema().map(|schema| schema.0), bind)
}

/// What answers the calls of a tool.
pub fn tool_handler<F, R>(handler: F) -> EntryHandler
where
    F: Fn(Arguments, Context) -> R + Send + Sync + 'static,
    R: Future<Output = Result<CallToolResult, CallError>> + Send + 'static,
{
    crate::tool::handler_of(handler)
}

/// What a function with `#[resource]` becomes.
pub fn resource(
    uri: &str,
    name: &str,
    bind: impl FnOnce(Option<Arc<str>>, &Binder<'_>) -> Result<EntryHandler, MissingState> + Send + 'static,
) -> Resource {
    Resource::bound(uri.to_owned(), name.to_owned(), bind)
}

/// What reads a resource.
pub fn resource_handler<F, R>(handler: F) -> EntryHandler
where
    F: Fn(ReadRequest, Context) -> R + Send + Sync + 'static,
    R: Future<Output = Result<ReadResourceResult, CallError>> + Send + 'static,
{
    crate::resource::handler_of(handler)
}

/// What a function with `#[prompt]` becomes.
pub fn prompt(
    name: &str,
    bind: impl FnOnce(&Binder<'_>) -> Result<EntryHandler, MissingState> + Send + 'static,
) -> Prompt {
    Prompt::bound(name.to_owned(), bind)
}

/// An argument of a prompt.
pub fn prompt_argument(
    name: &str,
    title: Option<&str>,
    description: Option<&str>,
    required: bool,
) -> PromptArgument {
    PromptArgument {
        name: name.to_owned(),
        title: title.map(ToOwned::to_owned),
        description: description.map(ToOwned::to_owned),
        required,
    }
}

/// What expands a prompt.
pub fn prompt_handler<F, R>(handler: F) -> EntryHandler
where
    F: Fn(Vec<(String, String)>, Context) -> R + Send + Sync + 'static,
    R: Future<Output = Result<GetPromptResult, CallError>> + Send + 'static,
{
    crate::prompt::handler_of(handler)
}

/// Runs a function that may block on the threads that are there for it.
///
/// # Errors
/// Those of the function. Its panics go on here.
pub async fn blocking<T, F>(work: F) -> Result<T, CallError>
where
    F: FnOnce() -> Result<T, CallError> + Send + 'static,
    T: Send + 'static,
{
    match tokio::task::spawn_blocking(work).await {
        Ok(outcome) => outcome,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(error) => Err(error.into()),
        },
    }
}

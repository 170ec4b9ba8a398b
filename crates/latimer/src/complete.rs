//! Suggestions for arguments of prompts and variables of resource templates (CMP-1).

use std::future::ready;
use std::sync::Arc;

use latimer_core::call::Partial;
use latimer_core::local::EntryHandler;
use latimer_core::{Answer, BoxFuture, CallError, Context, Operation};
use latimer_protocol::wire::CompleteResult;

use crate::part::misdirected;

/// Suggests values for an argument while it is typed; what `#[complete(…)]` takes.
///
/// - a list of strings: those that begin with what was typed, in any case;
/// - `fn(&str) -> Vec<String>`: gets what was typed, must not block;
/// - `async fn(Partial, Context) -> Vec<String>`: also gets the arguments that are settled and the call.
///
/// Where many values fit, the first hundred are sent, with a note that there are more.
#[diagnostic::on_unimplemented(
    message = "this cannot complete an argument",
    label = "not a completion",
    note = "give a list of strings, a `fn(&str) -> Vec<String>` or an `async fn(Partial, Context) -> Vec<String>`"
)]
pub trait Complete<Kind>: Send + Sync + 'static {
    /// The suggestions.
    fn complete(&self, partial: Partial, context: Context) -> BoxFuture<'static, Suggestions>;
}

/// Suggestions, or why there are none.
pub type Suggestions = Result<CompleteResult, CallError>;

/// What a completion may return.
#[diagnostic::on_unimplemented(
    message = "a completion cannot return `{Self}`",
    note = "return `Vec<String>`, an array of strings, `CompleteResult`, or a `Result` of these"
)]
pub trait IntoSuggestions {
    /// The suggestions.
    ///
    /// # Errors
    /// When there are none because something failed.
    fn into_suggestions(self) -> Suggestions;
}

impl<S: Into<String>> IntoSuggestions for Vec<S> {
    fn into_suggestions(self) -> Suggestions {
        Ok(CompleteResult::new(self))
    }
}

impl<S: Into<String>, const N: usize> IntoSuggestions for [S; N] {
    fn into_suggestions(self) -> Suggestions {
        Ok(CompleteResult::new(self))
    }
}

impl IntoSuggestions for CompleteResult {
    fn into_suggestions(self) -> Suggestions {
        Ok(self)
    }
}

impl<T: IntoSuggestions, E: Into<CallError>> IntoSuggestions for Result<T, E> {
    fn into_suggestions(self) -> Suggestions {
        self.map_err(Into::into)?.into_suggestions()
    }
}

#[doc(hidden)]
#[derive(Debug)]
pub enum OfList {}
#[doc(hidden)]
#[derive(Debug)]
pub enum OfText {}
#[doc(hidden)]
#[derive(Debug)]
pub enum OfCall {}

impl<const N: usize> Complete<OfList> for [&'static str; N] {
    fn complete(&self, partial: Partial, _: Context) -> BoxFuture<'static, Suggestions> {
        let typed = partial.value.to_lowercase();
        let fitting = self.iter().filter(|value| value.to_lowercase().starts_with(&typed));
        let suggestions = fitting.map(|value| (*value).to_owned()).collect::<Vec<_>>();
        Box::pin(ready(suggestions.into_suggestions()))
    }
}

impl<F, R> Complete<OfText> for F
where
    F: Fn(&str) -> R + Send + Sync + 'static,
    R: IntoSuggestions,
{
    fn complete(&self, partial: Partial, _: Context) -> BoxFuture<'static, Suggestions> {
        Box::pin(ready(self(&partial.value).into_suggestions()))
    }
}

impl<F, R> Complete<OfCall> for F
where
    F: Fn(Partial, Context) -> R + Send + Sync + 'static,
    R: Future<Output: IntoSuggestions> + Send + 'static,
{
    fn complete(&self, partial: Partial, context: Context) -> BoxFuture<'static, Suggestions> {
        let suggestions = self(partial, context);
        Box::pin(async move { suggestions.await.into_suggestions() })
    }
}

/// The completions of one entry, by argument.
#[derive(Default)]
pub(crate) struct Completions(Vec<(String, Completer)>);

type Completer = Box<dyn Fn(Partial, Context) -> BoxFuture<'static, Suggestions> + Send + Sync>;

impl Completions {
    pub(crate) fn add<K: 'static>(&mut self, argument: String, complete: impl Complete<K>) {
        let completer = move |partial, context| complete.complete(partial, context);
        self.0.push((argument, Box::new(completer)));
    }

    pub(crate) fn into_handler(self) -> Option<EntryHandler> {
        if self.0.is_empty() {
            return None;
        }
        Some(Arc::new(move |call| {
            let (Operation::CompletePrompt { partial, .. } | Operation::CompleteTemplate { partial, .. }) =
                call.operation
            else {
                return Box::pin(ready(Err(misdirected(&call))));
            };
            let completer = self.0.iter().find(|(argument, _)| *argument == partial.argument);
            match completer {
                Some((_, completer)) => {
                    let suggestions = completer(partial, call.context);
                    Box::pin(async move { suggestions.await.map(Answer::Completion) })
                }
                None => Box::pin(ready(Ok(CompleteResult::default().into()))),
            }
        }))
    }
}

impl std::fmt::Debug for Completions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(argument, _)| argument)).finish()
    }
}

//! How a call fails, and what the caller learns of it.

use std::borrow::Cow;
use std::fmt;

use latimer_protocol::wire::{CallToolResult, ClientCapabilities, ContentBlock};
use latimer_protocol::{Revision, RpcError};

use crate::ask::{AskError, UrlRequired};

/// A failure that the model shall see, in the words of the tool's author.
///
/// Any other error that a handler returns becomes a reference into the log: what went wrong inside
/// is not the caller's business.
#[derive(Clone, Debug, PartialEq)]
pub struct ToolError {
    content: Vec<ContentBlock>,
    /// The question that failed, if that was it.
    question: Option<Box<AskError>>,
}

impl ToolError {
    /// A failure told in a sentence. Say what to do about it.
    pub fn new(message: impl Into<String>) -> Self {
        Self { content: vec![ContentBlock::text(message)], question: None }
    }

    /// A failure shown with content of any kind.
    pub fn with_content(content: impl IntoIterator<Item = ContentBlock>) -> Self {
        Self { content: content.into_iter().collect(), question: None }
    }

    /// What is shown.
    pub fn content(&self) -> &[ContentBlock] {
        &self.content
    }

    /// A question that got no answer.
    pub(crate) fn of_question(error: AskError) -> Self {
        let shown = Self::new(error.to_string());
        Self { question: Some(Box::new(error)), ..shown }
    }

    /// What a caller gets instead of a result that says so (VER-7, EL-5).
    pub(crate) fn refusal(&self, revision: Revision, capabilities: &ClientCapabilities) -> Option<RpcError> {
        self.question.as_ref()?.refusal(revision, capabilities)
    }

    /// The pages that have to be opened first, if that is the failure.
    pub(crate) fn pages(&self) -> Option<&UrlRequired> {
        match self.question.as_deref() {
            Some(AskError::UrlRequired(pages)) => Some(pages),
            _ => None,
        }
    }

    pub(crate) fn into_result(self) -> CallToolResult {
        let mut result = CallToolResult::new(self.content);
        result.is_error = true;
        result
    }
}

impl fmt::Display for ToolError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut texts = self.content.iter().filter_map(ContentBlock::as_text);
        f.write_str(texts.next().unwrap_or("the tool failed"))?;
        texts.try_for_each(|text| write!(f, "\n{text}"))
    }
}

/// Why a call did not succeed.
#[non_exhaustive]
pub enum CallError {
    /// Shown to the model as it stands.
    Tool(ToolError),
    /// Answered as a JSON-RPC error as it stands.
    Rpc(RpcError),
    /// There is no resource of this URI after all (RSC-3).
    NoResource,
    /// Logged under a reference; the caller gets the reference.
    Internal(Box<dyn std::error::Error + Send + Sync>),
}

impl CallError {
    /// A failure that the model shall see.
    pub fn shown(message: impl Into<String>) -> Self {
        Self::Tool(ToolError::new(message))
    }

    /// Wrong parameters: answered with -32602 and these words.
    pub fn invalid_params(message: impl Into<Cow<'static, str>>) -> Self {
        Self::Rpc(RpcError::invalid_params(message))
    }
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tool(error) => error.fmt(f),
            Self::Rpc(error) => error.fmt(f),
            Self::NoResource => f.write_str("no such resource"),
            Self::Internal(error) => error.fmt(f),
        }
    }
}

// A `main` that returns it prints it with `Debug`: people read that.
impl fmt::Debug for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)?;
        let Self::Internal(error) = self else { return Ok(()) };
        let mut cause = error.source();
        while let Some(error) = cause {
            write!(f, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}

impl From<ToolError> for CallError {
    fn from(error: ToolError) -> Self {
        Self::Tool(error)
    }
}

// `CallError` and `ToolError` are not errors in the sense of `std`, so that `?` turns every error
// that is into a reference.
impl<E: std::error::Error + Send + Sync + 'static> From<E> for CallError {
    fn from(error: E) -> Self {
        Self::Internal(Box::new(error))
    }
}

/// Eight random hexadecimal digits that connect what a caller is told with what the log says.
pub(crate) fn reference() -> String {
    crate::random::hex::<4>()
}

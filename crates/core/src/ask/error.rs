//! Why a question got no answer.

use std::fmt;

use latimer_protocol::wire::ClientCapabilities;
use latimer_protocol::{ErrorCode, Revision, RpcError};

use super::page::UrlRequired;
use super::question::CannotAsk;
use crate::error::{CallError, ToolError};
use crate::requirement::Requirement;

/// Why a question got no answer.
///
/// It becomes a [`ToolError`] or a [`CallError`] with `?`. Where the client lacks the capability, the call is
/// refused with -32021 then, whatever the handler's own error type (VER-7).
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub enum AskError {
    /// The client did not declare that it can be asked this (MRTR-3).
    Unsupported(Requirement),
    /// The client's revision has no such question; the first one that has it.
    TooOld(Revision),
    /// The user declined.
    Declined,
    /// The user turned away without an answer.
    Cancelled,
    /// The client answered with an error.
    Refused(RpcError),
    /// Nobody answered in time.
    Unanswered,
    /// The client has gone.
    Gone,
    /// The answer is none.
    Malformed(String),
    /// Questions belong to tools, prompts and resources (MRTR-1), and are asked from the handler itself, not from
    /// a task that it spawned.
    Misplaced,
    /// The handler made a mistake: what it asks, or remembers, cannot be written.
    Faulty(String),
    /// Another run of the same call is doing this right now.
    Busy,
    /// The user has to open a page first.
    UrlRequired(UrlRequired),
}

impl AskError {
    /// What a caller gets instead of an ordinary error.
    pub(crate) fn refusal(&self, revision: Revision, capabilities: &ClientCapabilities) -> Option<RpcError> {
        match self {
            Self::UrlRequired(pages) => {
                let page = Requirement::ElicitationUrl;
                match (page.is_met(capabilities, revision), revision.is_modern()) {
                    (true, false) => Some(pages.to_rpc()),
                    (false, true) => Some(Requirement::refusal("this call", &[page], revision)),
                    _ => None,
                }
            }
            Self::Unsupported(requirement) if revision.is_modern() => {
                Some(Requirement::refusal("this call", &[*requirement], revision))
            }
            Self::Malformed(reason) if revision.is_modern() => {
                Some(RpcError::new(ErrorCode::INVALID_PARAMS, format!("an input response is none: {reason}")))
            }
            _ => None,
        }
    }
}

impl fmt::Display for AskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unsupported(requirement) => write!(
                f,
                "this needs the client capability {}, which this client did not declare",
                requirement.as_str()
            ),
            Self::TooOld(since) => write!(f, "this needs a client of revision {since} or newer"),
            Self::Declined => f.write_str("the user declined to answer"),
            Self::Cancelled => f.write_str("the user turned away without an answer"),
            Self::Refused(error) => write!(f, "the client refused to answer: {}", error.message),
            Self::Unanswered => f.write_str("the client did not answer in time"),
            Self::Gone => f.write_str("the client has gone"),
            Self::Malformed(reason) => write!(f, "the client's answer is none: {reason}"),
            Self::Misplaced => f.write_str(
                "questions are asked by the handlers of tools, prompts and resources themselves, not from tasks that they spawn",
            ),
            Self::Faulty(reason) => write!(f, "the question cannot be put: {reason}"),
            Self::UrlRequired(pages) => pages.fmt(f),
            Self::Busy => f.write_str("this is being done by another request of the same call"),
        }
    }
}

// As with `CallError`: people read it where `main` prints it.
impl fmt::Debug for AskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

// Not an error in the sense of `std`, so that `?` keeps what it means instead of hiding it under a reference.
impl From<AskError> for ToolError {
    fn from(error: AskError) -> Self {
        Self::of_question(error)
    }
}

impl From<AskError> for CallError {
    fn from(error: AskError) -> Self {
        match error {
            AskError::Faulty(_) | AskError::Misplaced => {
                #[derive(Debug, thiserror::Error)]
                #[error("{0}")]
                struct Fault(AskError);
                Self::Internal(Box::new(Fault(error)))
            }
            error => Self::Tool(error.into()),
        }
    }
}

impl From<CannotAsk> for AskError {
    fn from(error: CannotAsk) -> Self {
        Self::Faulty(error.0)
    }
}

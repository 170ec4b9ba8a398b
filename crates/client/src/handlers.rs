//! What servers may ask of a client, and who answers (EL-1, SA-1, RO-1).

use std::fmt;
use std::future::Future;
use std::sync::Arc;

use latimer_protocol::wire::{CreateMessageParams, CreateMessageResult, ElicitParams, ElicitResult, Root};
use latimer_protocol::{ErrorCode, RpcError};

use crate::authorization::BoxFuture;

/// Asks the user.
pub type ElicitationHandler =
    Arc<dyn Fn(ElicitParams) -> BoxFuture<'static, Result<ElicitResult, Refusal>> + Send + Sync>;

/// Asks the model.
pub type SamplingHandler = Arc<
    dyn Fn(CreateMessageParams) -> BoxFuture<'static, Result<CreateMessageResult, Refusal>> + Send + Sync,
>;

/// Names the roots.
pub type RootsHandler = Arc<dyn Fn() -> BoxFuture<'static, Result<Vec<Root>, Refusal>> + Send + Sync>;

/// Who answers what servers ask. A client declares exactly the capabilities whose handlers are there.
///
/// Several questions may be open at a time. A question that is no longer wanted drops its future. Time that a question
/// takes does not count for the call that it belongs to.
#[derive(Clone, Default)]
#[non_exhaustive]
pub struct Handlers {
    /// Asks the user (2025-06-18 on).
    pub elicitation: Option<ElicitationHandler>,
    /// In which ways it can.
    pub modes: ElicitationModes,
    /// Asks the model.
    pub sampling: Option<SamplingHandler>,
    /// Whether the sampled model may be given tools (2025-11-25 on).
    pub sampling_tools: bool,
    /// Names the roots.
    pub roots: Option<RootsHandler>,
}

/// In which ways the user can be asked (EL-1). A server is refused what was not declared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ElicitationModes {
    /// With forms.
    #[default]
    Form,
    /// With pages that the user opens (2025-11-25 on).
    Url,
    /// With either.
    Both,
}

impl ElicitationModes {
    /// Whether forms can be shown.
    pub fn form(self) -> bool {
        matches!(self, Self::Form | Self::Both)
    }

    /// Whether pages can be opened.
    pub fn url(self) -> bool {
        matches!(self, Self::Url | Self::Both)
    }
}

/// Why a question is not answered. A server of the years up to 2025 gets it as an error; with a modern one the call
/// that led to the question fails with it (MRTR-9, SA-4). A user who declines a form has answered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Refusal(pub(crate) RpcError);

impl Refusal {
    /// The user does not want to (SA-4).
    pub fn rejected(reason: impl Into<String>) -> Self {
        Self(RpcError::new(ErrorCode(-1), reason.into()))
    }

    /// The question makes no sense.
    pub fn invalid(reason: impl Into<String>) -> Self {
        Self(RpcError::invalid_params(reason.into()))
    }
}

impl From<RpcError> for Refusal {
    fn from(error: RpcError) -> Self {
        Self(error)
    }
}

impl Handlers {
    /// Sets who asks the user, and how.
    pub fn on_elicitation<F>(
        &mut self,
        modes: ElicitationModes,
        handler: impl Fn(ElicitParams) -> F + Send + Sync + 'static,
    ) where
        F: Future<Output = Result<ElicitResult, Refusal>> + Send + 'static,
    {
        self.modes = modes;
        self.elicitation = Some(Arc::new(move |params| Box::pin(handler(params))));
    }

    /// Sets who asks the model.
    pub fn on_sampling<F>(&mut self, handler: impl Fn(CreateMessageParams) -> F + Send + Sync + 'static)
    where
        F: Future<Output = Result<CreateMessageResult, Refusal>> + Send + 'static,
    {
        self.sampling = Some(Arc::new(move |params| Box::pin(handler(params))));
    }

    /// Sets who names the roots. [`Client::roots_changed`](crate::Client::roots_changed) tells servers of a change.
    pub fn on_roots<F>(&mut self, handler: impl Fn() -> F + Send + Sync + 'static)
    where
        F: Future<Output = Result<Vec<Root>, Refusal>> + Send + 'static,
    {
        self.roots = Some(Arc::new(move || Box::pin(handler())));
    }
}

impl fmt::Debug for Handlers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handlers")
            .field("elicitation", &self.elicitation.as_ref().map(|_| self.modes))
            .field("sampling", &self.sampling.is_some())
            .field("sampling_tools", &self.sampling_tools)
            .field("roots", &self.roots.is_some())
            .finish()
    }
}

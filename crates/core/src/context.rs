//! What a handler knows of its call, and how it speaks to the caller meanwhile.

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use latimer_protocol::wire::{ClientCapabilities, LogLevel, LogParams, ProgressParams, ProgressToken};
use latimer_protocol::{RawJson, Revision};
use serde::Serialize;
use tokio_util::sync::CancellationToken;

use crate::ask::Asking;
use crate::error::CallError;
use crate::log_limit;
use crate::outbox::Outbox;
use crate::principal::{Peer, Principal};
use crate::session::SessionId;
use crate::states::States;
use crate::trace::Trace;

/// The context of one call. Cheap to clone, and may be moved into other tasks.
#[derive(Clone)]
pub struct Context(Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) revision: Revision,
    pub(crate) principal: Principal,
    pub(crate) peer: Peer,
    pub(crate) session: Option<SessionId>,
    pub(crate) client: Client,
    pub(crate) meta: Option<RawJson>,
    /// What the transport says of the call's trace.
    pub(crate) trace: Option<Arc<Trace>>,
    pub(crate) progress_token: Option<ProgressToken>,
    /// The least level that the caller wants to hear of; `None` where it wants none.
    pub(crate) log_level: Option<LogLevel>,
    pub(crate) outbox: Outbox,
    pub(crate) cancel: CancellationToken,
    pub(crate) states: Arc<States>,
    pub(crate) asking: Asking,
}

impl Inner {
    /// The same call in another run, with its questions.
    pub(crate) fn again(&self, asking: Asking) -> Self {
        Self {
            revision: self.revision,
            principal: self.principal.clone(),
            peer: self.peer,
            session: self.session.clone(),
            client: self.client.clone(),
            meta: self.meta.clone(),
            trace: self.trace.clone(),
            progress_token: self.progress_token.clone(),
            log_level: self.log_level,
            outbox: self.outbox.clone(),
            cancel: self.cancel.clone(),
            states: self.states.clone(),
            asking,
        }
    }
}

/// What a client says about itself: with each request in the modern era, once per session before.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Client {
    /// What it can do.
    pub capabilities: ClientCapabilities,
    /// Its name and version as JSON text, unverified (VER-6).
    pub info: Option<RawJson>,
}

impl Context {
    pub(crate) fn new(inner: Inner) -> Self {
        Self(Arc::new(inner))
    }

    /// The same call with its questions. Where nobody else has it yet, it stays where it is.
    pub(crate) fn with(mut self, asking: Asking) -> Self {
        match Arc::get_mut(&mut self.0) {
            Some(inner) => {
                inner.asking = asking;
                self
            }
            None => self.again(asking),
        }
    }

    /// The same call in another run, with its questions.
    pub(crate) fn again(&self, asking: Asking) -> Self {
        Self::new(self.0.again(asking))
    }

    pub(crate) fn outbox(&self) -> &Outbox {
        &self.0.outbox
    }

    pub(crate) fn cancel_token(&self) -> &CancellationToken {
        &self.0.cancel
    }

    pub(crate) fn asking(&self) -> &Asking {
        &self.0.asking
    }

    /// The revision that the caller speaks.
    pub fn revision(&self) -> Revision {
        self.0.revision
    }

    /// Who calls.
    pub fn principal(&self) -> &Principal {
        &self.0.principal
    }

    /// Where the call comes from.
    pub fn peer(&self) -> Peer {
        self.0.peer
    }

    /// The legacy session of the call, if it has one.
    pub fn session(&self) -> Option<&SessionId> {
        self.0.session.as_ref()
    }

    pub(crate) fn log_level(&self) -> Option<LogLevel> {
        self.0.log_level
    }

    /// What the client says about itself.
    pub fn client(&self) -> &Client {
        &self.0.client
    }

    /// `_meta` of the request, as the client sent it.
    pub fn meta(&self) -> Option<&RawJson> {
        self.0.meta.as_ref()
    }

    /// What the transport says of the call's trace; `_meta` may say otherwise.
    pub(crate) fn transport_trace(&self) -> Option<&Trace> {
        self.0.trace.as_deref()
    }

    /// A value that the author shares with all handlers.
    pub fn state<T: Send + Sync + 'static>(&self) -> Option<Arc<T>> {
        self.0.states.get()
    }

    /// Tells how far the call is: `progress` of `total`, and what is being done.
    ///
    /// Never waits. Nothing is sent where the caller did not ask for it, or where `progress` is not
    /// more than before (PRG-1). It also restarts the time that the call may take without progress.
    pub fn progress(&self, progress: f64, total: impl Into<Option<f64>>, message: &str) {
        let Some(token) = &self.0.progress_token else { return self.0.outbox.step() };
        let total = total.into();
        self.0.outbox.progress(progress, || {
            let known = self.0.revision >= Revision::V2025_03_26 && !message.is_empty();
            let params = ProgressParams {
                progress_token: token.clone(),
                progress,
                total,
                message: known.then(|| message.to_owned()),
            };
            notification("notifications/progress", |out| params.write(out))
        });
    }

    /// Sends the caller a log message, if it wants messages of this level (LOG-2, LOG-3).
    ///
    /// Never waits. `data` may be anything that serialises, usually a string. Put no secrets in (LOG-4). A call may log
    /// as much as the limits `log_burst`, `log_rate` and `log_bytes` allow: what is too large is cut, what is too
    /// much is dropped, and the caller is told how many were.
    pub fn log(&self, level: LogLevel, logger: Option<&str>, data: &(impl Serialize + ?Sized)) {
        if self.0.log_level.is_none_or(|least| level < least) {
            return;
        }
        let Some(most) = self.0.outbox.admit_log(level) else { return };
        let data = match RawJson::from_serialize(data) {
            Ok(data) => data,
            Err(error) => {
                tracing::warn!(%error, "a log message for the caller could not be serialised");
                return;
            }
        };
        let logger = logger.map(|name| log_limit::beginning(name, most).to_owned());
        let params = LogParams { level, logger, data: log_limit::cut(data, most) };
        self.0.outbox.log(notification("notifications/message", |out| params.write(out)));
    }

    /// Whether the call was cancelled.
    pub fn is_cancelled(&self) -> bool {
        self.0.cancel.is_cancelled()
    }

    /// Ends when the call is cancelled.
    ///
    /// A cancelled call's future is dropped anyway: this is for work that was handed elsewhere.
    pub fn cancelled(&self) -> impl Future<Output = ()> + Send + 'static {
        self.0.cancel.clone().cancelled_owned()
    }

    /// Carries `work` through even if the call is cancelled meanwhile: what must not stop half-way.
    ///
    /// # Errors
    /// When `work` panics.
    pub async fn shield<F>(&self, work: F) -> Result<F::Output, CallError>
    where
        F: Future<Output: Send + 'static> + Send + 'static,
    {
        Ok(self.asking().uninterrupted(tokio::spawn(work)).await?)
    }

    /// Lets the client's connection go and has it come back for the answer after `retry`.
    ///
    /// Only a client of 2025-11-25 over HTTP can come back (LH-4); for all others nothing happens.
    pub fn disconnect(&self, retry: Duration) {
        if self.0.revision == Revision::V2025_11_25 && self.0.session.is_some() {
            self.0.outbox.disconnect(retry);
        }
    }
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context")
            .field("revision", &self.0.revision)
            .field("principal", &self.0.principal)
            .field("session", &self.0.session)
            .finish_non_exhaustive()
    }
}

/// The text of a notification whose parameters `write` appends.
pub(crate) fn notification(method: &str, write: impl FnOnce(&mut Vec<u8>)) -> Bytes {
    let mut out = Vec::with_capacity(160);
    out.extend_from_slice(b"{\"jsonrpc\":\"2.0\",\"method\":\"");
    out.extend_from_slice(method.as_bytes());
    out.extend_from_slice(b"\",\"params\":");
    write(&mut out);
    out.push(b'}');
    out.into()
}

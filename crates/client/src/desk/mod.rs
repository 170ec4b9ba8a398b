//! Where the questions of a server are answered.
//!
//! Up to 2025-11-25 a server sends requests ([`Desk::take`]); from 2026-07-28 on it asks in results and tasks
//! ([`Desk::ask`]). Both come to the same handlers.

mod conversation;
mod form;
mod shelf;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use latimer_protocol::encode::{write_error, write_object};
use latimer_protocol::id::RequestId;
use latimer_protocol::wire::{
    CreateMessageParams, ElicitAction, ElicitParams, ElicitResult, ListRootsResult,
};
use latimer_protocol::{Era, ErrorCode, RawJson, RpcError};
use parking_lot::Mutex;
use serde::Serialize;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use self::shelf::Shelf;
use crate::abilities::Abilities;
use crate::authorization::BoxFuture;
use crate::handlers::{ElicitationHandler, Refusal, SamplingHandler};
use crate::inbound::ServerRequest;

/// Answers questions, as many at a time as its limit allows.
pub(crate) struct Desk {
    abilities: Abilities,
    slots: Arc<Semaphore>,
    /// The questions of legacy servers that are open, so that they can be taken back.
    running: Mutex<HashMap<RequestId, CancellationToken>>,
    open: AtomicUsize,
    closing: CancellationToken,
    shelf: Shelf,
}

/// When a request of the server is answered.
pub(crate) enum Answering {
    /// At once, with this message.
    Now(Vec<u8>),
    /// When the future says so, unless it says that no answer is wanted any more.
    Later(BoxFuture<'static, Option<Vec<u8>>>),
}

impl Desk {
    pub(crate) fn new(abilities: Abilities, questions: usize) -> Self {
        Self {
            abilities,
            slots: Arc::new(Semaphore::new(questions)),
            running: Mutex::default(),
            open: AtomicUsize::new(0),
            closing: CancellationToken::new(),
            shelf: Shelf::default(),
        }
    }

    /// Whether there is somebody who answers such questions.
    pub(crate) fn handles(&self, method: &str) -> bool {
        let handlers = &self.abilities.handlers;
        match method {
            "elicitation/create" => handlers.elicitation.is_some(),
            "sampling/createMessage" => handlers.sampling.is_some(),
            "roots/list" => handlers.roots.is_some(),
            _ => false,
        }
    }

    /// Whether there is somebody who answers anything.
    pub(crate) fn is_staffed(&self) -> bool {
        ["elicitation/create", "sampling/createMessage", "roots/list"]
            .iter()
            .any(|method| self.handles(method))
    }

    /// Whether a question is open; the calls of the connection then wait for the user, and not for the server.
    pub(crate) fn is_asking(&self) -> bool {
        self.open.load(Ordering::Relaxed) > 0
    }

    /// Takes a request of a legacy server.
    pub(crate) fn take(self: &Arc<Self>, request: ServerRequest) -> Answering {
        let ServerRequest { id, method, params } = request;
        let now = |answer| Answering::Now(message(&id, answer));
        if method == "ping" {
            return now(Ok(RawJson::empty_object()));
        }
        if self.abilities.tasks
            && let Some(answering) = self.shelf.take(&id, &method, params.as_ref())
        {
            return answering;
        }
        if !self.handles(&method) {
            return now(Err(RpcError::method_not_found(&method)));
        }
        let Ok(slot) = Arc::clone(&self.slots).try_acquire_owned() else {
            return now(Err(RpcError::new(
                ErrorCode::INTERNAL_ERROR,
                "too many questions at a time; ask again later",
            )));
        };
        if self.abilities.tasks
            && method != "roots/list"
            && let Some(wish) = shelf::wish(params.as_ref())
        {
            return now(Shelf::put(self, method, params, wish, slot));
        }
        let stop = self.closing.child_token();
        self.running.lock().insert(id.clone(), stop.clone());
        let desk = Arc::clone(self);
        Answering::Later(Box::pin(async move {
            let _slot = slot;
            let _running = Running { desk: &desk, id: &id };
            let answer = tokio::select! {
                biased;
                () = stop.cancelled() => return None,
                answer = apart(&desk, method, params) => answer,
            };
            Some(message(&id, answer.map_err(|refusal| refusal.0)))
        }))
    }

    /// Drops the question of this id (CAN-1). One that is not known may have been answered already.
    pub(crate) fn cancel(&self, id: &RequestId) {
        if let Some(stop) = self.running.lock().get(id) {
            stop.cancel();
        }
    }

    /// Drops all questions, those to come included.
    pub(crate) fn close(&self) {
        self.closing.cancel();
    }

    /// Answers one question. The result is that of the method, without an envelope (MRTR-4).
    pub(crate) async fn ask(&self, method: &str, params: Option<&RawJson>) -> Result<RawJson, Refusal> {
        let _open = Open::new(&self.open);
        let handlers = &self.abilities.handlers;
        match method {
            "elicitation/create" if let Some(handler) = &handlers.elicitation => {
                self.elicit(handler, params).await
            }
            "sampling/createMessage" if let Some(handler) = &handlers.sampling => {
                self.sample(handler, params).await
            }
            "roots/list" if let Some(handler) = &handlers.roots => {
                written(&ListRootsResult { roots: handler().await? })
            }
            _ => Err(RpcError::method_not_found(method).into()),
        }
    }

    async fn elicit(
        &self,
        handler: &ElicitationHandler,
        params: Option<&RawJson>,
    ) -> Result<RawJson, Refusal> {
        let params = params.ok_or_else(|| Refusal::invalid("params are missing"))?;
        let params = ElicitParams::read(params).map_err(|error| Refusal::invalid(error.to_string()))?;
        let modes = self.abilities.handlers.modes;
        let schema = match &params {
            ElicitParams::Form(form) if modes.form() => Some(form.requested_schema.clone()),
            ElicitParams::Url(_) if modes.url() => None,
            ElicitParams::Form(_) => return Err(Refusal::invalid("this client shows no forms")),
            ElicitParams::Url(_) => return Err(Refusal::invalid("this client opens no URLs")),
        };
        let ElicitResult { action, content } = handler(params).await?;
        let content = match (action, schema) {
            (ElicitAction::Accept, Some(schema)) => Some(form::with_defaults(&schema, content)),
            _ => None,
        };
        written(&ElicitResult { action, content })
    }

    async fn sample(&self, handler: &SamplingHandler, params: Option<&RawJson>) -> Result<RawJson, Refusal> {
        let params = params.ok_or_else(|| Refusal::invalid("params are missing"))?;
        let params: CreateMessageParams = params.to().map_err(|error| Refusal::invalid(error.to_string()))?;
        if params.wants_tools() && !self.abilities.handlers.sampling_tools {
            return Err(Refusal::invalid("this client's model uses no tools"));
        }
        conversation::check(&params.messages).map_err(Refusal::invalid)?;
        written(&handler(params).await?)
    }
}

/// Answers a question in a task of its own: a handler that panics harms only its own question.
pub(crate) async fn apart(
    desk: &Arc<Desk>,
    method: String,
    params: Option<RawJson>,
) -> Result<RawJson, Refusal> {
    let desk = Arc::clone(desk);
    let mut task = JoinSet::new();
    task.spawn(async move { desk.ask(&method, params.as_ref()).await });
    match task.join_next().await {
        Some(Ok(answer)) => answer,
        _ => Err(RpcError::new(ErrorCode::INTERNAL_ERROR, "the client failed to answer").into()),
    }
}

fn written(result: &impl Serialize) -> Result<RawJson, Refusal> {
    RawJson::from_serialize(result)
        .map_err(|_| RpcError::new(ErrorCode::INTERNAL_ERROR, "the answer is no JSON").into())
}

/// An answer as a message.
fn message(id: &RequestId, answer: Result<RawJson, RpcError>) -> Vec<u8> {
    let mut out = Vec::new();
    match answer {
        Ok(result) => write_object(&mut out, |object| {
            object.string("jsonrpc", "2.0").raw("id", id.as_json()).raw("result", result.as_str());
        }),
        Err(error) => write_error(Some(id.as_id()), &error, Era::Legacy, &mut out),
    }
    out
}

/// A question that can be taken back.
struct Running<'a> {
    desk: &'a Desk,
    id: &'a RequestId,
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.desk.running.lock().remove(self.id);
    }
}

/// A question that is open.
struct Open<'a>(&'a AtomicUsize);

impl<'a> Open<'a> {
    fn new(open: &'a AtomicUsize) -> Self {
        open.fetch_add(1, Ordering::Relaxed);
        Self(open)
    }
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

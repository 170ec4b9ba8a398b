//! Questions that are put at once: to the client of a legacy session, which answers with a message of its own.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use latimer_protocol::encode::{write_notification, write_request};
use latimer_protocol::rewrite::{Edits, Step};
use latimer_protocol::wire::{CancelledParams, ClientCapabilities};
use latimer_protocol::{ErrorCode, RawJson, RequestId, Revision, RpcError};
use latimer_store::{Attempt, Key, Store, StoreError, Subscription, Ttl};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;

use super::client_task::is_offered;
use super::error::AskError;
use super::journal::Answered;
use super::question::{BadAnswer, ContentCheck, Question};
use crate::changes::Changes;
use crate::inflight::Scope;
use crate::limits::{Limits, LiveLimits};
use crate::notices::Notices;
use crate::outbox::Outbox;
use crate::random;
use crate::session::Sessions;

/// The requests that this server has sent to clients and that wait for an answer.
///
/// Those of a connection are known here alone. Those of a session are noted in the store too, so that the answer may
/// arrive at any instance; each is answered once, and what answers nothing is ignored.
#[derive(Clone)]
pub struct Questions(Arc<Shared>);

struct Shared {
    store: Store,
    notices: Notices,
    line: Line,
    waiting: Mutex<HashMap<Scope, Waiting>>,
}

type Waiting = HashMap<RequestId, oneshot::Sender<Outcome>>;

/// A client's answer: a result, or the error object as JSON.
pub type Outcome = Result<RawJson, RawJson>;

/// What a [`SessionLine`](crate::SessionLine) needs besides.
pub(crate) struct Line {
    pub(crate) changes: Changes,
    pub(crate) sessions: Sessions,
    pub(crate) limits: LiveLimits,
}

impl Questions {
    pub(crate) fn changes(&self) -> &Changes {
        &self.0.line.changes
    }

    pub(crate) fn sessions(&self) -> &Sessions {
        &self.0.line.sessions
    }

    pub(crate) fn limits(&self) -> Arc<Limits> {
        self.0.line.limits.now()
    }

    pub(crate) fn new(store: Store, notices: Notices, line: Line) -> Self {
        Self(Arc::new(Shared { store, notices, line, waiting: Mutex::default() }))
    }

    /// Sends the client a notification outside any of its requests. A hint: it may get lost.
    pub(crate) async fn notify(&self, scope: &Scope, message: Bytes) {
        if let Err(error) = self.0.notices.send(scope, message).await {
            tracing::warn!(%error, "a notification could not be sent");
        }
    }

    /// Takes the answer to a request that was sent within a scope. What answers nothing is ignored.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn answer(&self, scope: &Scope, id: &RequestId, outcome: Outcome) -> Result<(), StoreError> {
        let waiting = self.0.waiting.lock().get_mut(scope).and_then(|waiting| waiting.remove(id));
        if let Some(waiting) = waiting {
            // Whoever has stopped waiting does not care.
            let _ = waiting.send(outcome);
            return Ok(());
        }
        let Scope::Session(session) = scope else { return Ok(()) };
        let Some(name) = note_name(id) else { return Ok(()) };
        let partition = format!("session:{session}");
        let key = Key::new(&partition, &name);
        let Some(note) = self.0.store.kv.get(key).await?.filter(|note| note.value.is_empty()) else {
            return Ok(());
        };
        let answer = encode(&outcome);
        match self.0.store.kv.compare_and_swap(key, note.version, answer, Ttl::Keep).await? {
            Attempt::Won(_) => self.0.store.bus.publish(&topic(&partition, &name), Bytes::new()).await,
            // Answered twice: the first one counts.
            Attempt::Lost(_) => Ok(()),
        }
    }

    /// Sends a request and waits for its answer.
    async fn send(
        &self,
        scope: &Scope,
        outbox: &Outbox,
        method: &str,
        params: Option<&RawJson>,
        patience: Duration,
    ) -> Result<Outcome, AskError> {
        let id = RequestId::from_plain(&format!("{PREFIX}{}", random::hex::<8>()));
        let failed = |error: StoreError| AskError::Faulty(format!("the store failed: {error}"));
        let mut note = Note::write(&self.0.store, scope, &id, patience).await.map_err(failed)?;
        let (sender, receiver) = oneshot::channel();
        self.0.waiting.lock().entry(scope.clone()).or_default().insert(id.clone(), sender);
        let mut question = Pending { questions: self, scope, id: &id, outbox, over: false };
        let mut out = Vec::with_capacity(256);
        write_request(id.as_id(), method, params.map(RawJson::as_str), &mut out);
        let waiting = outbox.wait();
        outbox.say(out.into());
        let answered = async {
            tokio::select! {
                here = receiver => here.map_err(|_| AskError::Gone),
                elsewhere = note.answered(&self.0.store) => elsewhere.map_err(failed),
            }
        };
        let outcome = tokio::time::timeout(patience, answered).await;
        drop(waiting);
        if let Ok(Ok(_)) = &outcome {
            question.over = true;
        }
        drop(question);
        note.erase(&self.0.store).await;
        outcome.unwrap_or(Err(AskError::Unanswered))
    }
}

/// What the ids of our requests begin with.
pub(super) const PREFIX: &str = "latimer-";

/// A request that waits; dropping it before its answer came withdraws it.
struct Pending<'a> {
    questions: &'a Questions,
    scope: &'a Scope,
    id: &'a RequestId,
    outbox: &'a Outbox,
    over: bool,
}

impl Drop for Pending<'_> {
    fn drop(&mut self) {
        let mut all = self.questions.0.waiting.lock();
        if let Some(waiting) = all.get_mut(self.scope) {
            waiting.remove(self.id);
            if waiting.is_empty() {
                all.remove(self.scope);
            }
        }
        drop(all);
        if self.over {
            return;
        }
        // The client need not bother its user any longer (CAN-1). A call that is over says nothing more.
        let request_id = RawJson::parse(self.id.as_id().as_json().to_owned());
        let Ok(request_id) = request_id else { return };
        let mut params = Vec::new();
        CancelledParams { request_id, reason: Some("the answer is no longer awaited".to_owned()) }
            .write(&mut params);
        let mut out = Vec::new();
        let params = std::str::from_utf8(&params).ok();
        if write_notification("notifications/cancelled", params, &[], &mut out).is_ok() {
            self.outbox.say(out.into());
        }
    }
}

/// The note of a session's request in the store.
struct Note(Option<Noted>);

struct Noted {
    partition: String,
    name: String,
    wake: Subscription,
}

impl Note {
    async fn write(
        store: &Store,
        scope: &Scope,
        id: &RequestId,
        patience: Duration,
    ) -> Result<Self, StoreError> {
        let (Scope::Session(session), Some(name)) = (scope, note_name(id)) else { return Ok(Self(None)) };
        let partition = format!("session:{session}");
        let wake = store.bus.subscribe(&topic(&partition, &name)).await?;
        store.kv.put(Key::new(&partition, &name), Bytes::new(), Ttl::After(patience)).await?;
        Ok(Self(Some(Noted { partition, name, wake })))
    }

    /// Waits for an answer that arrived at another instance.
    async fn answered(&mut self, store: &Store) -> Result<Outcome, StoreError> {
        let Some(noted) = &mut self.0 else { return std::future::pending().await };
        loop {
            let note = store.kv.get(Key::new(&noted.partition, &noted.name)).await?;
            if let Some(outcome) = note.and_then(|note| decode(&note.value)) {
                return Ok(outcome);
            }
            // The bus may lose a wake-up, so that we look ourselves now and then.
            if let Ok(None) = tokio::time::timeout(LOOK_AGAIN, noted.wake.recv()).await {
                tokio::time::sleep(LOOK_AGAIN).await;
            }
        }
    }

    async fn erase(self, store: &Store) {
        let Some(noted) = self.0 else { return };
        if let Err(error) = store.kv.delete(Key::new(&noted.partition, &noted.name)).await {
            tracing::warn!(%error, "the note of a question could not be deleted; it expires by itself");
        }
    }
}

const LOOK_AGAIN: Duration = Duration::from_secs(5);

/// The name of a request's note; `None` where the id is none of ours.
fn note_name(id: &RequestId) -> Option<String> {
    let text = id.as_id().as_json().trim_matches('"').to_owned();
    let random = text.strip_prefix(PREFIX)?;
    let ours = random.len() == 16 && random.bytes().all(|byte| byte.is_ascii_hexdigit());
    ours.then(|| format!("question:{random}"))
}

fn topic(partition: &str, name: &str) -> String {
    format!("{partition}:{name}")
}

#[derive(Serialize, Deserialize)]
enum Answer {
    #[serde(rename = "r")]
    Result(RawJson),
    #[serde(rename = "e")]
    Error(RawJson),
}

fn encode(outcome: &Outcome) -> Bytes {
    let answer = match outcome.clone() {
        Ok(result) => Answer::Result(result),
        Err(error) => Answer::Error(error),
    };
    serde_json::to_vec(&answer).unwrap_or_default().into()
}

fn decode(value: &[u8]) -> Option<Outcome> {
    match serde_json::from_slice(value).ok()? {
        Answer::Result(result) => Some(Ok(result)),
        Answer::Error(error) => Some(Err(error)),
    }
}

/// The way of a call's questions to its client.
#[derive(Clone, Debug)]
pub(crate) struct Live {
    pub(crate) questions: Questions,
    pub(crate) scope: Scope,
    pub(crate) revision: Revision,
    pub(crate) outbox: Outbox,
    pub(crate) patience: Duration,
    /// What the client can do: whether it answers later.
    pub(crate) capabilities: ClientCapabilities,
}

/// How often a form is put again whose content does not fit.
pub(crate) const TRIES: usize = 3;

impl Live {
    /// Puts a question, and again where a form was filled in wrongly.
    pub(crate) async fn ask(
        &self,
        question: &Question,
        besides: Option<ContentCheck>,
    ) -> Result<Answered, AskError> {
        self.ask_with(question, besides, &[]).await
    }

    /// Puts a question whose parameters carry metadata besides (name and JSON text).
    pub(crate) async fn ask_with(
        &self,
        first: &Question,
        besides: Option<ContentCheck>,
        meta: &[(&str, &str)],
    ) -> Result<Answered, AskError> {
        let mut tries = 1;
        let mut again = None;
        loop {
            let question = again.as_ref().unwrap_or(first);
            let params = with_meta(question.params(self.revision)?, meta)?;
            let method = question.method();
            let outcome = match (question.task_ttl(), &params) {
                (Some(ttl), Some(params)) if is_offered(&self.capabilities, self.revision, method) => {
                    self.request_as_task(method, params, ttl).await
                }
                _ => self.request(method, params.as_ref()).await,
            };
            let answer = match outcome {
                Ok(Ok(answer)) => answer,
                Ok(Err(error)) => return Ok(Answered::from(Err(error))),
                Err(AskError::Unanswered) => return Ok(Answered::Unanswered),
                Err(error) => return Err(error),
            };
            match question.check(&answer, besides) {
                Ok(()) => return Ok(Answered::Result(answer)),
                Err(BadAnswer::Content(fault)) if tries < TRIES => again = Some(first.again(&fault)),
                Err(BadAnswer::Shape(reason) | BadAnswer::Content(reason)) => {
                    return Err(AskError::Malformed(reason));
                }
            }
            tries += 1;
        }
    }

    /// Sends a request of any kind to the client.
    pub(crate) async fn request(
        &self,
        method: &str,
        params: Option<&RawJson>,
    ) -> Result<Result<RawJson, RpcError>, AskError> {
        let outcome = self.questions.send(&self.scope, &self.outbox, method, params, self.patience).await?;
        Ok(outcome.map_err(|error| read_error(&error)))
    }
}

/// Parameters with metadata.
fn with_meta(params: Option<RawJson>, meta: &[(&str, &str)]) -> Result<Option<RawJson>, AskError> {
    if meta.is_empty() {
        return Ok(params);
    }
    let mut edits = Edits::new();
    for (name, value) in meta {
        edits.set([Step::Member("_meta"), Step::Member(name)], value);
    }
    let mut out = Vec::new();
    let params = params.unwrap_or_else(RawJson::empty_object);
    edits.apply(params.as_str(), &mut out).map_err(|error| AskError::Faulty(error.to_string()))?;
    RawJson::parse_bytes(out.into()).map(Some).map_err(|error| AskError::Faulty(error.to_string()))
}

#[derive(Deserialize)]
struct ErrorObject {
    code: i64,
    #[serde(default)]
    message: String,
}

fn read_error(raw: &RawJson) -> RpcError {
    match raw.to::<ErrorObject>() {
        Ok(error) => {
            RpcError::new(ErrorCode(error.code), error.message.chars().take(1024).collect::<String>())
        }
        Err(_) => RpcError::new(ErrorCode::INTERNAL_ERROR, "an error that cannot be read"),
    }
}

impl fmt::Debug for Questions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Questions").field("scopes", &self.0.waiting.lock().len()).finish_non_exhaustive()
    }
}

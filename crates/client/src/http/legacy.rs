//! Streamable HTTP of 2025-03-26 to 2025-11-25: sessions and streams that can be resumed.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode};
use latimer_protocol::{ErrorCode, RawJson};
use parking_lot::Mutex;
use tokio::sync::{Semaphore, oneshot};
use tokio::task::AbortHandle;

use super::answer::{self, Body, EventStream, Reply};
use super::cancel::or_cancel;
use super::endpoint::Endpoint;
use super::{LAST_EVENT_ID, SESSION_ID, VERSION, listen};
use crate::desk::Answering;
use crate::envelope::{self, Introduction};
use crate::error::{ClientError, Fault};
use crate::handshake;
use crate::inbound::{self, Inbound, ServerRequest};
use crate::info::ServerInfo;
use crate::notification::Notices;

/// How long to wait before a stream is resumed if the server names no time.
pub(super) const RETRY: Duration = Duration::from_secs(1);

/// How often a stream is resumed in vain before its request is given up.
const RESUMPTIONS: u32 = 5;

/// How long the answer to the request for the listening stream is waited for.
const OPENING: Duration = Duration::from_secs(1);

/// How many answers to the server's own requests may be under way.
pub(super) const ANSWERS: usize = 8;

/// A session with a server, or what stands for one where the server gives it no id.
pub(crate) struct LegacyHttp {
    shared: Arc<Shared>,
}

/// What requests, the listening stream and answers to the server have in common.
pub(super) struct Shared {
    pub(super) endpoint: Arc<Endpoint>,
    pub(super) notices: Arc<Notices>,
    introduction: Introduction,
    ids: Arc<AtomicU64>,
    session: Mutex<Session>,
    renewing: tokio::sync::Mutex<()>,
    answers: Arc<Semaphore>,
    listener: Mutex<Option<AbortHandle>>,
}

#[derive(Clone, Default)]
struct Session {
    headers: HeaderMap,
    /// How many sessions came before it.
    generation: u64,
}

impl LegacyHttp {
    /// Opens with `initialize` (VER-L1).
    pub(crate) async fn open(
        endpoint: Arc<Endpoint>,
        notices: Arc<Notices>,
        introduction: Introduction,
        ids: Arc<AtomicU64>,
    ) -> Result<(Self, ServerInfo), ClientError> {
        let shared = Arc::new(Shared {
            endpoint,
            notices,
            introduction,
            ids,
            session: Mutex::default(),
            renewing: tokio::sync::Mutex::default(),
            answers: Arc::new(Semaphore::new(ANSWERS)),
            listener: Mutex::default(),
        });
        let info = shared.initialize().await?;
        Ok((Self { shared }, info))
    }

    /// Sends a request and waits for its answer, wherever that arrives. Dropping the future tells the server
    /// that the answer is no longer wanted (CAN-1).
    pub(crate) async fn exchange(&self, id: u64, method: &str, body: &Bytes) -> Result<RawJson, ClientError> {
        let shared = Arc::clone(&self.shared);
        let tell = |body| async move { shared.tell("notifications/cancelled", body).await };
        or_cancel(id, self.shared.exchange(id, method, body), tell).await
    }

    /// Sends a notification.
    pub(crate) async fn tell(&self, body: Bytes) -> Result<(), ClientError> {
        self.shared.tell("a notification", body).await;
        Ok(())
    }

    /// Opens the listening stream unless it is open.
    pub(crate) async fn hear(&self) {
        self.shared.hear().await;
    }

    /// Ends the session (LH-8). A server may not allow that; it is not asked twice.
    pub(crate) async fn close(&self) {
        self.shared.stop_listening();
        let headers = std::mem::take(&mut self.shared.session.lock().headers);
        if headers.contains_key(&SESSION_ID) {
            let limit = self.shared.endpoint.timeouts.shutdown;
            let _ = tokio::time::timeout(limit, self.shared.endpoint.delete(headers)).await;
        }
    }
}

impl Drop for LegacyHttp {
    fn drop(&mut self) {
        self.shared.stop_listening();
    }
}

impl Shared {
    /// The headers of a request within the session.
    pub(super) fn headers(&self) -> HeaderMap {
        self.session.lock().headers.clone()
    }

    async fn exchange(self: &Arc<Self>, id: u64, method: &str, body: &Bytes) -> Result<RawJson, ClientError> {
        let Session { headers, generation } = self.session.lock().clone();
        let in_session = headers.contains_key(&SESSION_ID);
        let mut reply = self.endpoint.post(method, headers, body.clone()).await?;
        if in_session && reply.status == StatusCode::NOT_FOUND && !self.is_unknown_method(&reply) {
            self.renew(generation).await?;
            reply = self.endpoint.post(method, self.headers(), body.clone()).await?;
        }
        let status = reply.status;
        let Body::Stream(stream) = reply.body else {
            let refusal = reply.refusal();
            let messages = reply.messages(&self.endpoint.limits);
            let messages = if status.is_success() { messages? } else { messages.unwrap_or_default() };
            return match self.settle(Some(id), messages) {
                Some(response) => answer::outcome(method, status, response),
                None => Err(refusal),
            };
        };
        let response = self.follow(stream, id, method).await?;
        answer::outcome(method, status, response)
    }

    /// Whether a 404 speaks of the method, and not of the session.
    fn is_unknown_method(&self, reply: &Reply) -> bool {
        let messages = reply.messages(&self.endpoint.limits).unwrap_or_default();
        messages.iter().any(|message| {
            matches!(message, Inbound::Response(response)
                if response.outcome.as_ref().is_err_and(|error| error.code == ErrorCode::METHOD_NOT_FOUND))
        })
    }

    /// Reads a stream until the answer has come. A stream that ends before is resumed if it named an id (LH-4, LH-5).
    async fn follow(
        self: &Arc<Self>,
        mut stream: Box<EventStream>,
        id: u64,
        method: &str,
    ) -> Result<inbound::Response, ClientError> {
        let mut last_id = String::new();
        let mut retry = RETRY;
        let mut vain = 0;
        loop {
            let broken = loop {
                match stream.next().await {
                    Ok(Some(text)) => {
                        let messages = answer::messages(&text, &self.endpoint.limits)?;
                        if let Some(response) = self.settle(Some(id), messages) {
                            stream.drain();
                            return Ok(response);
                        }
                    }
                    Ok(None) => break "the stream ended before the answer".to_owned(),
                    Err(error) => match error.fault() {
                        Fault::Lost { detail, .. } => break detail.clone(),
                        _ => return Err(error),
                    },
                }
            };
            let lost = |detail| ClientError::from(Fault::Lost { method: method.to_owned(), detail });
            retry = stream.retry().unwrap_or(retry);
            vain += 1;
            if !stream.last_id().is_empty() && stream.last_id() != last_id {
                stream.last_id().clone_into(&mut last_id);
                vain = 0;
            }
            if last_id.is_empty() {
                return Err(lost(broken));
            }
            stream = loop {
                if vain > RESUMPTIONS {
                    return Err(lost(broken));
                }
                tokio::time::sleep(retry.saturating_mul(1 << vain.min(RESUMPTIONS))).await;
                match self.resume(&last_id).await {
                    Ok(Reply { body: Body::Stream(stream), .. }) => break stream,
                    Ok(reply) => return Err(lost(format!("and could not be resumed: {}", reply.refusal()))),
                    Err(error) => {
                        tracing::debug!(%error, "failed to resume a stream");
                        vain += 1;
                    }
                }
            };
        }
    }

    async fn resume(&self, last_id: &str) -> Result<Reply, ClientError> {
        let mut headers = self.headers();
        let last_id = HeaderValue::from_bytes(last_id.as_bytes())
            .map_err(|_| ClientError::malformed("the stream", "its event id fits no header"))?;
        headers.insert(LAST_EVENT_ID, last_id);
        self.endpoint.get("the rest of a stream", headers).await
    }

    /// Takes messages in; returns the answer to `id` if it is among them.
    pub(super) fn settle(
        self: &Arc<Self>,
        id: Option<u64>,
        messages: Vec<Inbound>,
    ) -> Option<inbound::Response> {
        let mut found = None;
        for message in messages {
            match message {
                Inbound::Response(response) if id.is_some_and(|id| response.answers(id)) => {
                    found = Some(response);
                }
                Inbound::Response(response) => {
                    tracing::warn!(id = ?response.id, "left out an answer to another request");
                }
                Inbound::Notification(notification) => self.notices.deliver(notification),
                Inbound::Request(request) => self.answer(request),
            }
        }
        found
    }

    /// Answers a request of the server with a POST of its own. A server that asks faster than it listens
    /// gets no answer.
    fn answer(self: &Arc<Self>, request: ServerRequest) {
        match self.notices.desk().take(request) {
            Answering::Now(answer) => {
                let Ok(permit) = Arc::clone(&self.answers).try_acquire_owned() else {
                    tracing::warn!("no answer: too many requests of the server at a time");
                    return;
                };
                let (shared, body) = (Arc::clone(self), Bytes::from(answer));
                tokio::spawn(async move {
                    shared.tell("an answer", body).await;
                    drop(permit);
                });
            }
            Answering::Later(answer) => {
                let shared = Arc::downgrade(self);
                tokio::spawn(async move {
                    if let Some(answer) = answer.await
                        && let Some(shared) = shared.upgrade()
                    {
                        shared.tell("an answer", answer.into()).await;
                    }
                });
            }
        }
    }

    /// Posts what wants no answer.
    async fn tell(&self, what: &str, body: Bytes) {
        let sent = self.endpoint.post(what, self.headers(), body);
        match tokio::time::timeout(self.endpoint.timeouts.request, sent).await {
            Ok(Ok(reply)) if reply.status.is_success() => {}
            Ok(Ok(reply)) => tracing::debug!(what, status = %reply.status, "the server refused a message"),
            Ok(Err(error)) => tracing::debug!(what, %error, "failed to send a message"),
            Err(_) => tracing::debug!(what, "the server did not take a message in time"),
        }
    }

    /// A new session in place of one that the server no longer knows (LH-8), once for all who find that out.
    pub(super) async fn renew(self: &Arc<Self>, generation: u64) -> Result<(), ClientError> {
        let _one_at_a_time = self.renewing.lock().await;
        if self.session.lock().generation == generation {
            tracing::debug!("the server no longer knows the session; opening a new one");
            self.initialize().await?;
            self.notices.listening().renewed();
        }
        Ok(())
    }

    async fn initialize(self: &Arc<Self>) -> Result<ServerInfo, ClientError> {
        let method = "initialize";
        let id = self.ids.fetch_add(1, Ordering::Relaxed);
        let params = String::from_utf8_lossy(&self.introduction.initialize()).into_owned();
        let body = envelope::request(id, method, &params, None, false)?;
        let reply = self.endpoint.post(method, HeaderMap::new(), body).await?;
        let status = reply.status;
        let session = reply.headers.get(SESSION_ID).cloned();
        let response = match reply.body {
            Body::Stream(stream) => self.follow(stream, id, method).await?,
            _ => {
                let messages = reply.messages(&self.endpoint.limits);
                let messages = if status.is_success() { messages? } else { messages.unwrap_or_default() };
                self.settle(Some(id), messages).ok_or_else(|| reply.refusal())?
            }
        };
        let result = answer::outcome(method, status, response)?;
        let info = handshake::initialized(&result, self.introduction.revision())?;

        let mut headers = HeaderMap::new();
        headers.insert(VERSION, HeaderValue::from_static(info.revision().as_str()));
        if let Some(session) = session {
            headers.insert(SESSION_ID, session);
        }
        {
            let mut session = self.session.lock();
            session.headers = headers;
            session.generation += 1;
        }
        self.tell("notifications/initialized", envelope::notification("notifications/initialized", None))
            .await;
        self.replace_listener(None);
        if self.notices.is_heard() {
            self.hear().await;
        }
        Ok(info)
    }

    /// Opens the listening stream unless it is open, and waits until the server has answered: some servers ask their
    /// questions there, and say nothing while nobody listens.
    async fn hear(self: &Arc<Self>) {
        if let Some(answer) = self.start_listening() {
            // Others answer only when they have something to say.
            let _ = tokio::time::timeout(OPENING, answer).await;
        }
    }

    fn start_listening(self: &Arc<Self>) -> Option<oneshot::Receiver<()>> {
        let mut listener = self.listener.lock();
        if listener.as_ref().is_some_and(|listener| !listener.is_finished()) {
            return None;
        }
        let (answered, answer) = oneshot::channel();
        let generation = self.session.lock().generation;
        let task = tokio::spawn(listen::listen(Arc::downgrade(self), generation, answered));
        *listener = Some(task.abort_handle());
        Some(answer)
    }

    fn stop_listening(&self) {
        self.replace_listener(None);
    }

    fn replace_listener(&self, listener: Option<AbortHandle>) {
        let before = std::mem::replace(&mut *self.listener.lock(), listener);
        if let Some(before) = before {
            before.abort();
        }
    }
}

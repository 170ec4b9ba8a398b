//! HTTP+SSE of 2024-11-05: one stream for all that the server says, and an address for all that it hears (SSE-1).

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue};
use latimer_protocol::{RawJson, Revision};
use parking_lot::Mutex;
use tokio::sync::Semaphore;
use tokio::task::AbortHandle;

use super::VERSION;
use super::answer::{self, Body, EventStream};
use super::cancel::or_cancel;
use super::endpoint::Endpoint;
use super::legacy::ANSWERS;
use crate::authorization::BoxFuture;
use crate::desk::Answering;
use crate::envelope::{self, Introduction};
use crate::error::ClientError;
use crate::handshake;
use crate::inbound::{Inbound, ServerRequest};
use crate::info::ServerInfo;
use crate::notification::Notices;
use crate::pending::{Ended, Pending};

/// A connection; it ends with its stream.
pub(crate) struct SseHttp {
    shared: Arc<Shared>,
    reader: AbortHandle,
}

struct Shared {
    /// Where messages go.
    endpoint: Endpoint,
    headers: Mutex<HeaderMap>,
    pending: Pending,
    notices: Arc<Notices>,
    answers: Arc<Semaphore>,
}

impl SseHttp {
    /// Opens the stream at the server's address, and then the session with `initialize` (DET-3).
    pub(crate) async fn open(
        endpoint: &Endpoint,
        notices: Arc<Notices>,
        introduction: &Introduction,
        ids: &AtomicU64,
    ) -> Result<(Self, ServerInfo), ClientError> {
        let reply = endpoint.get("the event stream", HeaderMap::new()).await?;
        let refusal = reply.refusal();
        let Body::Stream(mut stream) = reply.body else { return Err(refusal) };
        let named = tokio::time::timeout(endpoint.timeouts.probe, stream.next_of("endpoint")).await;
        let address = match named {
            Ok(named) => named?.ok_or_else(|| {
                ClientError::malformed("the event stream", "it ended before it named an endpoint")
            })?,
            Err(_) => return Err(ClientError::timeout("the event stream", endpoint.timeouts.probe)),
        };
        let shared = Arc::new(Shared {
            endpoint: endpoint.elsewhere(address.trim())?,
            headers: Mutex::default(),
            pending: Pending::default(),
            notices,
            answers: Arc::new(Semaphore::new(ANSWERS)),
        });
        let reader = tokio::spawn(read(stream, Arc::clone(&shared))).abort_handle();
        let connection = Self { shared, reader };
        let info = connection.initialize(introduction, ids).await?;
        Ok((connection, info))
    }

    async fn initialize(
        &self,
        introduction: &Introduction,
        ids: &AtomicU64,
    ) -> Result<ServerInfo, ClientError> {
        let method = "initialize";
        let id = ids.fetch_add(1, Ordering::Relaxed);
        let params = String::from_utf8_lossy(&introduction.initialize()).into_owned();
        let body = envelope::request(id, method, &params, None, false)?;
        let ticket = self.shared.pending.register(id, method)?;
        self.shared.post(method, body).await?;
        let info = handshake::initialized(&ticket.answer().await?, introduction.revision())?;
        if info.revision() >= Revision::V2025_06_18 {
            // VER-L4
            let version = HeaderValue::from_static(info.revision().as_str());
            self.shared.headers.lock().insert(VERSION, version);
        }
        self.tell(envelope::notification("notifications/initialized", None)).await?;
        Ok(info)
    }

    /// Sends a request and waits for its answer. Dropping the future tells the server (CAN-1).
    pub(crate) async fn exchange(&self, id: u64, method: &str, body: &Bytes) -> Result<RawJson, ClientError> {
        let shared = Arc::clone(&self.shared);
        let tell = |body| async move { shared.post("notifications/cancelled", body).await };
        let answer = async {
            let ticket = self.shared.pending.register(id, method)?;
            self.shared.post(method, body.clone()).await?;
            ticket.answer().await
        };
        or_cancel(id, answer, tell).await
    }

    /// Sends what wants no answer.
    pub(crate) async fn tell(&self, body: Bytes) -> Result<(), ClientError> {
        self.shared.post("a notification", body).await
    }

    /// Waits for the end of the connection, and tells why.
    pub(crate) async fn over(&self) -> ClientError {
        self.shared.pending.over().await
    }

    pub(crate) fn close(&self) {
        self.reader.abort();
        self.shared.pending.end(&Ended::Stream);
    }
}

impl Drop for SseHttp {
    fn drop(&mut self) {
        self.close();
    }
}

impl Shared {
    async fn post(&self, what: &str, body: Bytes) -> Result<(), ClientError> {
        let headers = self.headers.lock().clone();
        let reply = self.endpoint.post(what, headers, body).await?;
        if reply.status.is_success() { Ok(()) } else { Err(reply.refusal()) }
    }

    fn answer(self: &Arc<Self>, request: ServerRequest) {
        // What takes its time is bounded by the desk.
        let (answer, permit): (BoxFuture<'static, _>, _) = match self.notices.desk().take(request) {
            Answering::Now(answer) => match Arc::clone(&self.answers).try_acquire_owned() {
                Ok(permit) => (Box::pin(std::future::ready(Some(answer))), Some(permit)),
                Err(_) => {
                    tracing::warn!("no answer: too many requests of the server at a time");
                    return;
                }
            },
            Answering::Later(answer) => (answer, None),
        };
        let shared = Arc::downgrade(self);
        tokio::spawn(async move {
            let _permit = permit;
            if let Some(answer) = answer.await
                && let Some(shared) = shared.upgrade()
                && let Err(error) = shared.post("an answer", answer.into()).await
            {
                tracing::debug!(%error, "failed to answer the server");
            }
        });
    }
}

/// Reads what the server says until its stream ends, then fails what is in flight.
async fn read(mut stream: Box<EventStream>, shared: Arc<Shared>) {
    loop {
        match stream.next().await {
            Ok(Some(text)) => match answer::messages(&text, &shared.endpoint.limits) {
                Ok(messages) => messages.into_iter().for_each(|message| match message {
                    Inbound::Response(response) => shared.pending.settle(response),
                    Inbound::Notification(notification) => shared.notices.deliver(notification),
                    Inbound::Request(request) => shared.answer(request),
                }),
                Err(error) => tracing::warn!(%error, "left out an event that is no message"),
            },
            Ok(None) => break,
            Err(error) => {
                tracing::debug!(%error, "the event stream broke off");
                break;
            }
        }
    }
    shared.pending.end(&Ended::Stream);
}

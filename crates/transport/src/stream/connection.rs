//! One connection: lines in, messages understood, calls begun.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Poll;

use bytes::{Bytes, BytesMut};
use bytestring::ByteString;
use latimer_core::engine::{Hearing, Reply};
use latimer_core::{Engine, Peer, Principal, Scope};
use latimer_protocol::codec::line::{LineDecoder, LineEvent};
use latimer_protocol::frame::{Notification, Response};
use latimer_protocol::{ErrorCode, Frame, Id, Message, RequestId, Revision, RpcError, rewrite};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};
use tokio_util::task::TaskTracker;

use super::call;
use super::era::{self, Handshake};
use super::outgoing::Outgoing;

/// How a connection ended.
#[derive(Debug)]
pub enum End {
    /// Its input ended, and everything was answered.
    Input,
    /// It was stopped from this side.
    Stopped,
    /// Its input could not be read.
    Unreadable(std::io::Error),
    /// Its output could not be written: the peer closed its end.
    Unwritable,
    /// Its output was not read: too much waited for the peer, and it was given up.
    Unread,
}

/// What the calls of a connection share.
#[derive(Clone)]
pub(super) struct Connection {
    pub(super) engine: Engine,
    pub(super) principal: Principal,
    pub(super) peer: Peer,
    /// The number of its scope.
    number: u64,
    pub(super) scope: Scope,
    pub(super) out: Outgoing,
    pub(super) calls: TaskTracker,
}

static CONNECTIONS: AtomicU64 = AtomicU64::new(0);

pub(super) async fn serve<R, W>(
    engine: Engine,
    principal: Principal,
    peer: Peer,
    mut input: R,
    output: W,
    stop: impl Future<Output = ()> + Send,
) -> End
where
    R: AsyncRead + Unpin + Send,
    W: AsyncWrite + Unpin + Send + 'static,
{
    let limits = engine.limits();
    let (drain, most) = (limits.drain, limits.message_bytes);
    // An answer may be much larger than a message; what waits for a client that does not read may not be endless.
    let out = Outgoing::new(limits.ring_bytes, limits.ring_bytes.saturating_mul(16));
    let number = CONNECTIONS.fetch_add(1, Ordering::Relaxed);
    let scope = Scope::Connection(number);
    let connection =
        Connection { engine, principal, peer, number, scope, out: out.clone(), calls: TaskTracker::new() };
    let mut writing = tokio::spawn({
        let out = out.clone();
        async move { out.write(output).await }
    });
    let mut lines = LineDecoder::new(most);
    let mut handshake = Handshake::default();
    let mut stop = pin!(stop);
    let mut buffer = BytesMut::new();
    let end = loop {
        buffer.reserve(READ);
        let read = tokio::select! {
            read = input.read_buf(&mut buffer) => read,
            () = &mut stop => break End::Stopped,
            written = &mut writing => break broken(&written),
        };
        match read {
            Ok(0) => break End::Input,
            Ok(_) => lines.push(buffer.split().freeze()),
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(error) => break End::Unreadable(error),
        }
        while let Some(event) = lines.next_event() {
            connection.take(event, &mut handshake).await;
        }
    };
    if let (End::Input, Some(event)) = (&end, lines.finish()) {
        connection.take(event, &mut handshake).await;
    }
    // The other end hears nothing more of what changes, and is told so.
    handshake.mute();
    connection.engine.finish_all(&connection.scope);
    connection.calls.close();
    let is_reset = |end: &End| matches!(end, End::Unreadable(error) if error.kind() == std::io::ErrorKind::ConnectionReset);
    let is_broken = matches!(end, End::Unwritable | End::Unread) || is_reset(&end);
    if is_broken || tokio::time::timeout(drain, connection.calls.wait()).await.is_err() {
        connection.engine.cancel_all(&connection.scope);
        // Answers wait for a reader that pauses, but not for ever.
        out.hurry();
        connection.calls.wait().await;
    }
    connection.engine.abandon_tasks(&connection.scope).await;
    out.close();
    if !is_broken
        && let Ok(written) = tokio::time::timeout(drain, &mut writing).await
        && out.is_broken()
    {
        return broken(&written);
    }
    writing.abort();
    end
}

const READ: usize = 64 << 10;

/// How a connection ended whose output can take no more.
fn broken(written: &Result<std::io::Result<()>, tokio::task::JoinError>) -> End {
    match written {
        Ok(Ok(())) => End::Unread,
        Ok(Err(_)) | Err(_) => End::Unwritable,
    }
}

impl Connection {
    /// Takes what is said to the client outside its calls. While its reader is slow, that is lost: it is a hint, and
    /// whoever says it must not wait.
    pub(super) fn hear_notices(&self) -> Hearing {
        let out = self.out.clone();
        self.engine.notices_to(self.number, move |message| {
            if out.has_room() {
                out.push(&message);
            }
        })
    }

    async fn take(&self, event: LineEvent, handshake: &mut Handshake) {
        match event {
            LineEvent::Line(line) => self.line(line, handshake).await,
            LineEvent::TooLong => {
                let limit = self.engine.limits().message_bytes;
                let message = format!(
                    "the message is larger than {limit} bytes and was discarded; send less at a time"
                );
                self.refuse(None, &RpcError::invalid_request(message), handshake.revision());
            }
        }
    }

    async fn line(&self, line: Bytes, handshake: &mut Handshake) {
        let Ok(text) = ByteString::try_from(line) else {
            let error = RpcError::new(ErrorCode::PARSE_ERROR, "not UTF-8; send JSON encoded as UTF-8");
            return self.refuse(None, &error, handshake.revision());
        };
        match Frame::decode(&text, &self.engine.limits().json) {
            Err(error) => self.refuse(error.id.as_ref(), &error.error, handshake.revision()),
            Ok(Frame::Batch(elements)) => self.batch(&elements, &text, handshake).await,
            Ok(Frame::Message(Message::Request(request))) => {
                let id = request.id.to_owned();
                match era::admit(self, &request, &text, handshake) {
                    Ok(era::Admitted::Reply(reply)) => self.out.push(&reply.bytes),
                    Ok(era::Admitted::Call(call)) => self.begin(*call).await,
                    Err(refused) => self.refuse(Some(&id), &refused.error, refused.revision),
                }
            }
            Ok(Frame::Message(Message::Notification(notification))) => self.notice(&notification, handshake),
            Ok(Frame::Message(Message::Response(response))) => self.answered(&response, &text).await,
        }
    }

    /// Begins a call: most end at the first poll, here; the others, and those whose answer has to wait for the reader,
    /// go on in a task of their own.
    async fn begin(&self, request: latimer_core::engine::Request) {
        let (id, revision) = (request.id.clone(), request.caller.revision);
        let permit = match self.engine.admit(&request.caller.holder(request.method)) {
            Ok(permit) => permit,
            Err(busy) => {
                let error = RpcError::new(ErrorCode::INTERNAL_ERROR, busy.to_string());
                return self.refuse(Some(&id), &error, revision);
            }
        };
        let mut pending = self.engine.begin(request);
        match poll_fn(|cx| Poll::Ready(Pin::new(&mut pending).poll(cx))).await {
            Poll::Ready(reply) if self.out.has_room() => call::finish(&self.out, pending.outbox(), reply),
            Poll::Ready(reply) => {
                let outbox = pending.outbox().clone();
                self.calls.spawn(call::settle(self.out.clone(), outbox, reply, permit));
            }
            Poll::Pending => {
                self.calls.spawn(call::run(self.out.clone(), pending, permit));
            }
        }
    }

    /// Takes the client's answer to a question. One that answers nothing is ignored.
    pub(super) async fn answered(&self, response: &Response<'_>, text: &ByteString) {
        let Some(id) = response.id else { return };
        let outcome = response.detach(text);
        if let Err(error) = self.engine.questions().answer(&self.scope, &id.to_owned(), outcome).await {
            tracing::error!(%error, "an answer could not be kept in the store");
        }
    }

    pub(super) fn notice(&self, notification: &Notification<'_>, handshake: &mut Handshake) {
        if notification.method == "notifications/initialized" {
            handshake.listen(self);
        }
        if notification.method == "notifications/cancelled" {
            let raw = notification.params.raw.unwrap_or("{}");
            if let Some(id) = rewrite::member(raw, "requestId").ok().flatten().and_then(Id::from_json) {
                self.engine.cancel(&self.scope, &id.to_owned());
            }
        }
    }

    pub(super) fn refuse(&self, id: Option<&RequestId>, error: &RpcError, revision: Revision) {
        tracing::info!(code = error.code.0, reason = %error.message, "refused a message");
        self.out.push(&Reply::error(id, error, revision).bytes);
    }
}

//! One connection: lines in, messages understood, calls begun.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::task::Poll;
use std::time::Duration;

use bytes::BytesMut;
use bytestring::ByteString;
use latimer_core::admission::Permit;
use latimer_core::engine::{Hearing, Holder, Reply};
use latimer_core::{Engine, Peer, Principal, Scope};
use latimer_protocol::codec::line::{LineDecoder, LineEvent};
use latimer_protocol::frame::{Notification, Response};
use latimer_protocol::{ErrorCode, Frame, Id, Message, RequestId, Revision, RpcError, rewrite};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};
use tokio::time::Instant;
use tokio_util::task::TaskTracker;

use super::answering::Answering;
use super::auth::{Gate, Passage};
use super::era::{self, Handshake};
use super::idle::Idle;
use super::options::StreamOptions;
use super::order::{Order, Turn};
use super::outgoing::Outgoing;
use super::{bare, call};

/// How a connection ended.
#[derive(Debug)]
pub enum End {
    /// Its input ended, and everything was answered.
    Input,
    /// It was stopped from this side.
    Stopped,
    /// Nothing came and nothing went for as long as that may be.
    Idle,
    /// It did not say who it is, or not in time.
    Unidentified,
    /// Its input could not be read.
    Unreadable(std::io::Error),
    /// Its output could not be written: the peer closed its end, or something else.
    Unwritable(std::io::Error),
    /// Its output was not read: too much waited for the peer, and it was given up.
    Unread,
}

/// Who is at the other end of a connection, before it says anything.
#[derive(Debug)]
pub(super) struct Party {
    /// Who it is, as far as that is known.
    pub(super) principal: Principal,
    pub(super) peer: Peer,
    /// Whether it has to say who it is before anything else.
    pub(super) must_identify: bool,
}

/// What the calls of a connection share.
pub(super) struct Connection {
    pub(super) engine: Engine,
    pub(super) principal: Principal,
    pub(super) peer: Peer,
    /// The number of its scope.
    number: u64,
    pub(super) scope: Scope,
    pub(super) out: Outgoing,
    pub(super) calls: TaskTracker,
    options: StreamOptions,
    order: Order,
    /// How many of its messages were refused.
    refused: AtomicU32,
}

static CONNECTIONS: AtomicU64 = AtomicU64::new(0);

pub(super) async fn serve<R, W>(
    engine: Engine,
    options: StreamOptions,
    party: Party,
    mut input: R,
    output: W,
    stop: impl Future<Output = ()> + Send,
) -> End
where
    R: AsyncRead + Unpin + Send,
    W: AsyncWrite + Unpin + Send,
{
    let limits = engine.limits();
    let most = limits.message_bytes;
    // An answer may be much larger than a message; what waits for a client that does not read may not be endless.
    let hard = limits.ring_bytes.saturating_mul(16);
    let out = Outgoing::new(limits.ring_bytes, hard, hard.max(most.saturating_mul(4)));
    let number = CONNECTIONS.fetch_add(1, Ordering::Relaxed);
    let mut connection = Connection {
        engine,
        principal: party.principal,
        peer: party.peer,
        number,
        scope: Scope::Connection(number),
        out: out.clone(),
        calls: TaskTracker::new(),
        options,
        order: Order::default(),
        refused: AtomicU32::new(0),
    };
    // In this task, too: what is answered at once goes out without waking anybody.
    let mut writing = pin!(out.write(output));
    let mut gate = Gate::new(party.must_identify);
    let mut idle = Idle::new(options.idle);
    let mut lines = LineDecoder::new(gate.message_bytes().unwrap_or(most));
    let mut handshake = Handshake::default();
    let mut stop = pin!(stop);
    let mut buffer = BytesMut::new();
    let mut over = false;
    let end = 'reading: loop {
        while let Some(event) = if over { lines.finish() } else { lines.next_event() } {
            let mut permit = None;
            if let Some(most) = connection.patience(&handshake) {
                // Nothing that comes later could be answered sooner, so that it may as well wait where it is.
                permit = tokio::select! {
                    permit = connection.wait_for_permit(most) => Some(permit),
                    () = &mut stop => break 'reading End::Stopped,
                    written = &mut writing => break 'reading broken(written),
                };
            }
            if !out.is_tried() {
                // A peer that reads must not be given up only because nothing was written in the meantime.
                tokio::select! {
                    biased;
                    written = &mut writing => break 'reading broken(written),
                    () = out.tried() => {}
                }
            }
            if gate.is_open() {
                connection.take(event, &mut handshake, permit).await;
                continue;
            }
            match gate.pass(&mut connection, event).await {
                Passage::Said => lines.allow(most),
                Passage::Unsaid(event) => {
                    lines.allow(most);
                    connection.take(event, &mut handshake, permit).await;
                }
                Passage::Refused => break 'reading End::Unidentified,
            }
        }
        if over {
            break End::Input;
        }
        buffer.reserve(READ);
        let read = tokio::select! {
            read = input.read_buf(&mut buffer) => read,
            () = &mut stop => break End::Stopped,
            written = &mut writing => break broken(written),
            () = gate.impatient() => {
                gate.late(&connection);
                break End::Unidentified;
            }
            () = idle.over(|| (connection.calls.is_empty(), out.written())) => break End::Idle,
        };
        match read {
            Ok(0) => over = true,
            Ok(_) => {
                idle.stir();
                if gate.is_open() {
                    lines.allow(connection.engine.limits().message_bytes);
                }
                lines.push(buffer.split().freeze());
            }
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => break End::Unreadable(error),
        }
    };
    // The other end hears nothing more of what changes, and is told so.
    handshake.mute();
    connection.engine.finish_all(&connection.scope);
    connection.calls.close();
    let is_reset = |end: &End| matches!(end, End::Unreadable(error) if error.kind() == std::io::ErrorKind::ConnectionReset);
    let drain = connection.engine.limits().drain;
    let over_since = Instant::now();
    let is_broken = matches!(end, End::Unwritable(_) | End::Unread) || is_reset(&end);
    let ending = async {
        if is_broken || tokio::time::timeout(drain, connection.calls.wait()).await.is_err() {
            connection.engine.cancel_all(&connection.scope);
            // Answers wait for a reader that pauses, but not for ever.
            out.hurry();
            connection.calls.wait().await;
        }
        connection.engine.abandon_tasks(&connection.scope).await;
        out.close();
    };
    if is_broken {
        ending.await;
        return end;
    }
    // What the calls still say goes out meanwhile. A peer that is gone does not end what goes on.
    let mut ending = pin!(ending);
    let early = tokio::select! {
        written = &mut writing => Some(written),
        () = &mut ending => None,
    };
    let written = match early {
        Some(written) => {
            ending.await;
            Some(written)
        }
        // What was cut off is told so, for as long as the peer takes it.
        None => {
            let left = drain.saturating_sub(over_since.elapsed()).max(LAST_WORDS.min(drain));
            tokio::time::timeout(left, writing).await.ok()
        }
    };
    match written {
        Some(written) if out.is_broken() => broken(written),
        _ => end,
    }
}

const READ: usize = 64 << 10;

/// How long a peer has, beyond the drain time, to take what the end of its calls says.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// How often it is looked whether there is room for one more call.
const LOOK_AGAIN: Duration = Duration::from_millis(10);

/// How many refusals of one connection the log tells of. Whoever goes on fills no disk.
const TOLD: u32 = 16;

/// How a connection ended whose output can take no more.
fn broken(written: std::io::Result<()>) -> End {
    match written {
        Ok(()) => End::Unread,
        Err(error) => End::Unwritable(error),
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

    /// How many requests may wait for their answers before the next line is taken, where that is so.
    fn patience(&self, handshake: &Handshake) -> Option<usize> {
        let is_bare = self.options.bare_methods && !handshake.spoke_mcp();
        (is_bare && self.options.orders_bare()).then_some(self.engine.limits().calls_per_session)
    }

    /// Waits until fewer than `most` requests wait for their answers, and there is room for one more call, here and in all.
    async fn wait_for_permit(&self, most: usize) -> Permit<Holder> {
        self.order.below(most).await;
        self.out.emptier().await;
        loop {
            match self.engine.admit(&Holder::Connection(self.number)) {
                Ok(permit) => return permit,
                // Others have all the room there is; none of them tells when it is done.
                Err(_) => tokio::time::sleep(LOOK_AGAIN).await,
            }
        }
    }

    /// Admits a call, or says why not.
    pub(super) fn admit(&self, holder: &Holder) -> Result<Permit<Holder>, String> {
        if self.out.is_full() {
            return Err("too many answers wait to be read; read them, and call again".to_owned());
        }
        self.engine.admit(holder).map_err(|busy| busy.to_string())
    }

    pub(super) fn bare_turn(&self) -> Option<Turn> {
        self.options.orders_bare().then(|| self.order.take())
    }

    /// How the next request of MCP is answered.
    pub(super) fn answering(&self) -> Answering {
        let turn = self.options.orders_mcp().then(|| self.order.take());
        Answering::mcp(self.out.clone(), turn)
    }

    /// An answer that waits for no other.
    pub(super) fn unordered(&self) -> Answering {
        Answering::mcp(self.out.clone(), None)
    }

    /// Takes a line. `permit` is for the call that it may be.
    async fn take(&self, event: LineEvent, handshake: &mut Handshake, permit: Option<Permit<Holder>>) {
        let is_bare = self.options.bare_methods && !handshake.spoke_mcp();
        match event {
            LineEvent::Line(line) => match ByteString::try_from(line) {
                Ok(text) if is_bare => {
                    if let Err(text) = self.bare(text, permit).await {
                        self.message(&text, handshake).await;
                    }
                }
                Ok(text) => self.message(&text, handshake).await,
                Err(_) if is_bare => self.give(bare::not_utf8()),
                Err(_) => {
                    let error =
                        RpcError::new(ErrorCode::PARSE_ERROR, "not UTF-8; send JSON encoded as UTF-8");
                    self.refuse(None, &error, handshake.revision());
                }
            },
            LineEvent::TooLong if is_bare => self.give(bare::too_large()),
            LineEvent::TooLong => {
                let limit = self.engine.limits().message_bytes;
                let message = format!(
                    "the message is larger than {limit} bytes and was discarded; send less at a time"
                );
                self.refuse(None, &RpcError::invalid_request(message), handshake.revision());
            }
        }
    }

    /// Takes a message of MCP.
    async fn message(&self, text: &ByteString, handshake: &mut Handshake) {
        handshake.speak_mcp();
        match Frame::decode(text, &self.engine.limits().json) {
            Err(error) => self.refuse(error.id.as_ref(), &error.error, handshake.revision()),
            Ok(Frame::Batch(elements)) => self.batch(&elements, text, handshake).await,
            Ok(Frame::Message(Message::Request(request))) => {
                let id = request.id.to_owned();
                match era::admit(self, request, text, handshake) {
                    Ok(era::Admitted::Reply(reply)) => self.reply(reply),
                    Ok(era::Admitted::Call(call)) => {
                        // What goes on until it is ended would hold up all that comes after it.
                        let is_endless = call.method.name == "subscriptions/listen";
                        let answering = if is_endless { self.unordered() } else { self.answering() };
                        self.begin(*call, answering, None).await;
                    }
                    Err(refused) => self.refuse(Some(&id), &refused.error, refused.revision),
                }
            }
            Ok(Frame::Message(Message::Notification(notification))) => self.notice(&notification, handshake),
            Ok(Frame::Message(Message::Response(response))) => self.answered(&response, text).await,
        }
    }

    /// Begins a call: most end at the first poll, here; the others, and those whose answer has to wait for the reader or
    /// for others, go on in a task of their own.
    pub(super) async fn begin(
        &self,
        request: latimer_core::engine::Request,
        answering: Answering,
        permit: Option<Permit<Holder>>,
    ) {
        let (id, revision) = (request.id.clone(), request.caller.revision);
        let admitted = permit.map_or_else(|| self.admit(&request.caller.holder(request.method)), Ok);
        let permit = match admitted {
            Ok(permit) => permit,
            Err(busy) => {
                let error = RpcError::new(ErrorCode::INTERNAL_ERROR, busy);
                self.tell_of_refusal(error.code.0, &error.message);
                return self.pass(answering, Reply::error(Some(&id), &error, revision));
            }
        };
        let mut pending = self.engine.begin(request);
        match poll_fn(|cx| Poll::Ready(Pin::new(&mut pending).poll(cx))).await {
            Poll::Ready(reply) if answering.has_room() => answering.finish(pending.outbox(), reply),
            Poll::Ready(reply) => {
                let outbox = pending.outbox().clone();
                self.calls.spawn(call::settle(answering, outbox, reply, permit));
            }
            Poll::Pending => {
                self.calls.spawn(call::run(answering, pending, permit));
            }
        }
    }

    /// Gives a reply that is there already, when its turn has come.
    pub(super) fn pass(&self, answering: Answering, reply: Reply) {
        if answering.has_turn() {
            return answering.give(&reply);
        }
        // Nothing counts these, so that whoever goes on asking behind an answer that does not come is given up.
        if self.order.len() > self.engine.limits().calls_per_session.saturating_mul(16) {
            tracing::warn!(
                "too many requests wait for the answer of an earlier one; the connection is closed"
            );
            return self.out.give_up();
        }
        self.calls.spawn(async move {
            answering.turn().await;
            answering.give(&reply);
        });
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

    /// Gives a reply of MCP that is there already.
    pub(super) fn reply(&self, reply: Reply) {
        self.pass(self.answering(), reply);
    }

    /// Notes in the log that a message was refused, unless it has enough of this connection.
    pub(super) fn tell_of_refusal(&self, code: i64, reason: &str) {
        let before = self.refused.fetch_add(1, Ordering::Relaxed);
        if before < TOLD {
            tracing::info!(code, reason, "refused a message");
        } else if before == TOLD {
            tracing::info!("refused many messages of this connection; no more of them are logged");
        }
    }

    pub(super) fn refuse(&self, id: Option<&RequestId>, error: &RpcError, revision: Revision) {
        self.tell_of_refusal(error.code.0, &error.message);
        self.reply(Reply::error(id, error, revision));
    }
}

//! Streamable HTTP of the older revisions: sessions, and streams that can be resumed.

use std::any::Any;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;

use http::request::Parts;
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use latimer_core::admission::Permit;
use latimer_core::engine::{self, Caller, Holder, Pending, Reply};
use latimer_core::era::legacy::{self, Initialize};
use latimer_core::outbox::{Event, Outbox};
use latimer_core::session::Session;
use latimer_core::stream::{Content, EventId, StreamEvent, Writer};
use latimer_core::{Principal, Scope, SessionId};
use latimer_protocol as protocol;
use latimer_protocol::frame::{Notification, Request};
use latimer_protocol::wire::LogLevel;
use latimer_protocol::{Id, RequestId, Revision, rewrite};
use latimer_store::StoreError;
use tokio_util::sync::CancellationToken;

use super::batch::Answers;
use super::body::ResponseBody;
use super::content;
use super::modern::{event_stream, events};
use super::post::Post;
use super::refusal::{self, Refusal};
use super::replay::{Hold, Replay};
use super::service::{HttpService, LAST_EVENT_ID, SESSION, VERSION};
use super::stream::CallStream;
use super::trace;

/// Answers a request of a session, or the one that opens it.
pub(super) async fn answer(
    post: &Post<'_>,
    request: Box<Request<'_>>,
) -> Result<Response<ResponseBody>, Refusal> {
    let id = request.id.to_owned();
    check_version(&post.head.headers).map_err(|refusal| refusal.to(Some(id.clone())))?;
    if request.method == "initialize" {
        return Box::pin(initialize(post, request, id)).await;
    }
    let session = session(post.service, post.head, &post.principal)
        .await
        .map_err(|refusal| refusal.to(Some(id.clone())))?;
    let (session_id, revision) = (session.id.clone(), session.revision);
    let begun = begin(post, session, request).map_err(|refusal| refusal.to(Some(id.clone())))?;
    let (mut pending, permit) = match begun {
        Begun::Reply(done) => return Ok(reply(done)),
        Begun::Call(pending, permit) => (pending, permit),
        Begun::Level(session, level) => {
            let set = Box::pin(set_level(post, &session, &id, level)).await;
            return set.map(reply).map_err(|refusal| refusal.to(Some(id)));
        }
    };
    let first = poll_fn(|cx| Poll::Ready(Pin::new(&mut pending).poll(cx))).await;
    match first {
        Poll::Ready(None) => Ok(refusal::empty(StatusCode::ACCEPTED)),
        Poll::Ready(Some(done)) if pending.outbox().is_empty() => Ok(reply(done)),
        Poll::Ready(Some(done)) if !pending.outbox().wants_disconnect() => {
            Ok(events(CallStream::ended(pending.outbox().clone(), done, post.service.options().keep_alive)))
        }
        Poll::Ready(Some(done)) => {
            let work = Work::Done(pending.outbox().clone(), done);
            Box::pin(detach(post, &session_id, revision, work, permit)).await
        }
        Poll::Pending => Box::pin(detach(post, &session_id, revision, Work::Running(pending), permit)).await,
    }
}

/// What a request of a session became.
pub(super) enum Begun {
    /// It is answered already.
    Reply(Reply),
    /// It is a call, which nobody has polled yet.
    Call(Pending, Permit<Holder>),
    /// It sets the level of log messages of the session.
    Level(Box<Session>, LogLevel),
}

/// Finds out what a request of a session means, and begins its call.
pub(super) fn begin(post: &Post<'_>, session: Session, request: Box<Request<'_>>) -> Result<Begun, Refusal> {
    let id = request.id.to_owned();
    let method = match post.service.engine().method(&request.method, session.revision) {
        Ok(method) => method,
        Err(error) => return Ok(Begun::Reply(Reply::error(Some(&id), &error, session.revision))),
    };
    let params = request.params.detach(&post.text);
    if method.name == "logging/setLevel" {
        return Ok(match legacy::set_level(&params) {
            Ok(level) => Begun::Level(Box::new(session), level),
            Err(error) => Begun::Reply(Reply::error(Some(&id), &error, session.revision)),
        });
    }
    let caller = Caller {
        revision: session.revision,
        principal: post.principal.clone(),
        peer: post.peer,
        session: Some(session.id.clone()),
        scope: Some(Scope::Session(session.id)),
        client: session.client,
        log_level: Some(session.log_level),
        trace: trace::of(&post.head.headers),
    };
    let engine = post.service.engine();
    let permit = engine.admit(&caller.holder(method)).map_err(Refusal::busy)?;
    Ok(Begun::Call(engine.begin(engine::Request { id, method, params, caller }), permit))
}

/// Takes a notification.
pub(super) async fn notice(
    post: &Post<'_>,
    notification: &Notification<'_>,
) -> Result<Response<ResponseBody>, Refusal> {
    check_version(&post.head.headers)?;
    let session = session(post.service, post.head, &post.principal).await?;
    hear(post, &session.id, notification);
    Ok(refusal::empty(StatusCode::ACCEPTED))
}

/// Does what a notification of a session asks for.
pub(super) fn hear(post: &Post<'_>, session: &SessionId, notification: &Notification<'_>) {
    if notification.method == "notifications/cancelled" {
        let raw = notification.params.raw.unwrap_or("{}");
        let request = rewrite::member(raw, "requestId").ok().flatten().and_then(Id::from_json);
        if let Some(request) = request {
            post.service.engine().cancel(&Scope::Session(session.clone()), &request.to_owned());
        }
    }
}

/// Takes the client's answer to a question. One that answers nothing is ignored.
pub(super) async fn answered(
    post: &Post<'_>,
    response: &protocol::frame::Response<'_>,
) -> Result<Response<ResponseBody>, Refusal> {
    check_version(&post.head.headers)?;
    let session = session(post.service, post.head, &post.principal).await?;
    take_answer(post, &session.id, response).await?;
    Ok(refusal::empty(StatusCode::ACCEPTED))
}

/// Hands an answer of a session's client to whoever asked.
pub(super) async fn take_answer(
    post: &Post<'_>,
    session: &SessionId,
    response: &protocol::frame::Response<'_>,
) -> Result<(), Refusal> {
    let Some(id) = response.id else { return Ok(()) };
    let outcome = response.detach(&post.text);
    let questions = post.service.engine().questions();
    let taken = questions.answer(&Scope::Session(session.clone()), &id.to_owned(), outcome).await;
    taken.map_err(|error| Refusal::store(&error))
}

/// Opens the stream of a session, or goes on with one that broke off (LH-5, LH-6).
pub(super) async fn listen(
    service: &HttpService,
    head: &Parts,
    principal: &Principal,
) -> Result<Response<ResponseBody>, Refusal> {
    content::check_accept_events(&head.headers)?;
    check_version(&head.headers)?;
    let session = session(service, head, principal).await?;
    let engine = service.engine();
    service.streams().set(usize::MAX, engine.limits().streams_per_session);
    let permit = service.streams().enter(&session.id).map_err(Refusal::busy)?;
    let streams = engine.streams();
    let (reader, first) = match head.headers.get(LAST_EVENT_ID) {
        Some(seen) => {
            let unknown = || {
                Refusal::envelope(
                    StatusCode::BAD_REQUEST,
                    "Last-Event-ID names no event of this session; call again",
                )
            };
            let seen = seen.to_str().ok().and_then(EventId::parse).ok_or_else(unknown)?;
            let reader = streams.resume(&session.id, &seen).await.map_err(|error| Refusal::store(&error))?;
            (reader.ok_or_else(unknown)?, Vec::new())
        }
        None => {
            let writer = streams.open_listening(&session.id);
            let reader = writer.reader().await.map_err(|error| Refusal::store(&error))?;
            let first = (session.revision >= PRIMED).then(|| writer.prime());
            (reader, first.into_iter().collect())
        }
    };
    // When the server stops, streams end that wait for news; those of calls end with their calls.
    let closing = (!reader.is_of_call()).then(|| service.closing().clone());
    let mut connected = None;
    if !reader.is_of_call() {
        let standing = engine.stand(&session, principal, reader.pace()).await;
        let standing = standing.map_err(|error| Refusal::store(&error))?;
        let connection = CancellationToken::new();
        // A task of its own: it goes on for a while when the connection breaks.
        tokio::spawn(standing.run(connection.clone(), service.closing().clone()));
        connected = Some(connection.drop_guard());
    }
    let hold = Hold::Stream { _permit: permit, _connected: connected };
    let replay = Replay::new(reader, first, service.options().keep_alive, hold).until({
        let (engine, principal) = (engine.clone(), principal.clone());
        async move {
            let closed = engine.sessions().closed(&session.id, &principal);
            match closing {
                Some(closing) => _ = closing.run_until_cancelled(closed).await,
                None => closed.await,
            }
        }
    });
    Ok(event_stream(ResponseBody::replay(replay)))
}

/// Ends a session (LH-8).
pub(super) async fn end(
    service: &HttpService,
    head: &Parts,
    principal: &Principal,
) -> Result<Response<ResponseBody>, Refusal> {
    check_version(&head.headers)?;
    let session = session(service, head, principal).await?;
    let engine = service.engine();
    engine.sessions().close(&session.id, principal).await.map_err(|error| Refusal::session(&error))?;
    engine.cancel_all(&Scope::Session(session.id.clone()));
    engine.abandon_tasks(&Scope::Session(session.id.clone())).await;
    engine.streams().forget(&session.id).await.map_err(|error| Refusal::store(&error))?;
    tracing::info!(session = %session.id, "session closed");
    Ok(refusal::empty(StatusCode::NO_CONTENT))
}

/// From this revision on, streams begin with an event that has an id and no data (LH-4).
const PRIMED: Revision = Revision::V2025_11_25;

async fn initialize(
    post: &Post<'_>,
    request: Box<Request<'_>>,
    id: RequestId,
) -> Result<Response<ResponseBody>, Refusal> {
    let engine = post.service.engine();
    let params = request.params.detach(&post.text);
    let wish = match Initialize::read(&params) {
        Ok(wish) => wish,
        Err(error) => return Ok(reply(Reply::error(Some(&id), &error, Revision::LATEST_LEGACY))),
    };
    let done = match engine.initialize(&id, wish.revision, &post.principal) {
        Ok(done) => done,
        Err(error) => return Ok(reply(Reply::error(Some(&id), &error, wish.revision))),
    };
    let session = engine.sessions().open(&post.principal, post.peer, wish.revision, wish.client).await;
    let session = session.map_err(|error| Refusal::session(&error).to(Some(id)))?;
    tracing::info!(session = %session.id, revision = %session.revision, principal = %post.principal, "session opened");
    let mut response = reply(done);
    if let Ok(value) = HeaderValue::from_str(session.id.as_str()) {
        response.headers_mut().insert(SESSION, value);
    }
    Ok(response)
}

/// Sets the level of log messages of a session.
pub(super) async fn set_level(
    post: &Post<'_>,
    session: &Session,
    id: &RequestId,
    level: LogLevel,
) -> Result<Reply, Refusal> {
    let sessions = post.service.engine().sessions();
    sessions
        .set_log_level(session, &post.principal, level)
        .await
        .map_err(|error| Refusal::session(&error))?;
    Ok(Reply::empty(id, session.revision))
}

/// A call, or a batch of them, that does not end where it began.
pub(super) enum Work {
    Running(Pending),
    Done(Outbox, Reply),
    Batch(Answers),
}

/// Lets a call go on in a task of its own, which a disconnect does not end (LH-3), and answers with what it
/// says first: the reply alone as JSON, anything else as a stream.
pub(super) async fn detach(
    post: &Post<'_>,
    session: &SessionId,
    revision: Revision,
    work: Work,
    permits: impl Send + Sync + 'static,
) -> Result<Response<ResponseBody>, Refusal> {
    let engine = post.service.engine();
    let writer = engine.streams().open(session);
    let prime = Prime { writer: writer.clone(), due: Arc::new(AtomicBool::new(revision >= PRIMED)) };
    let permits: Arc<dyn Any + Send + Sync> = Arc::new(permits);
    // Before anything is awaited here: from now on the call does not depend on its connection.
    let alive = {
        let (engine, session, principal) = (engine.clone(), session.clone(), post.principal.clone());
        let writer = writer.clone();
        async move { engine.sessions().keep_alive(&session, &principal, &writer).await }
    };
    post.service.calls().spawn(drive(work, writer.clone(), prime.clone(), permits.clone(), alive));
    let mut reader = writer.reader().await.map_err(|error| Refusal::store(&error))?;
    let options = post.service.options();
    let first = tokio::time::timeout(options.patience, reader.next()).await;
    let first = match first {
        Ok(Ok(first)) => first,
        Ok(Err(error)) => return Err(Refusal::store(&error)),
        Err(_) => {
            prime.write().await.map_err(|error| Refusal::store(&error))?;
            Vec::new()
        }
    };
    let at_once = match first.as_slice() {
        [StreamEvent { content: Content::Answer(bytes), .. }] => {
            reply(Reply { bytes: bytes.clone(), error: None })
        }
        [StreamEvent { content: Content::End, .. }] => refusal::empty(StatusCode::ACCEPTED),
        _ => {
            let replay = Replay::new(reader, first, options.keep_alive, Hold::Call { _permits: permits });
            return Ok(event_stream(ResponseBody::replay(replay)));
        }
    };
    // The client has seen no id of this stream that it could come back with.
    writer.delete().await.map_err(|error| Refusal::store(&error))?;
    Ok(at_once)
}

/// Writes the event that opens a stream, once.
#[derive(Clone)]
pub(super) struct Prime {
    writer: Writer,
    due: Arc<AtomicBool>,
}

impl Prime {
    async fn write(&self) -> Result<(), StoreError> {
        if self.due.swap(false, Ordering::AcqRel) {
            self.writer.append(Content::Prime).await?;
        }
        Ok(())
    }
}

/// Carries what a call says, and its reply, into its stream.
/// A session lives as long as its calls, and they as long as their session.
async fn drive(
    work: Work,
    writer: Writer,
    prime: Prime,
    permits: Arc<dyn Any + Send + Sync>,
    alive: impl Future<Output = ()>,
) {
    let outcome = match work {
        Work::Done(outbox, reply) => match drain(&outbox, &writer, &prime).await {
            Ok(()) => writer.finish(Content::Answer(reply.bytes)).await,
            Err(error) => Err(error),
        },
        Work::Running(pending) => tokio::select! {
            outcome = run(pending, &writer, &prime) => outcome,
            () = alive => writer.end().await,
        },
        Work::Batch(answers) => tokio::select! {
            outcome = answers.run(&writer, &prime) => outcome,
            () = alive => writer.end().await,
        },
    };
    drop(permits);
    if let Err(error) = outcome {
        tracing::error!(%error, "a reply could not be kept in the store");
    }
}

async fn run(pending: Pending, writer: &Writer, prime: &Prime) -> Result<(), StoreError> {
    match say(pending, writer, prime).await? {
        Some(reply) => writer.finish(Content::Answer(reply.bytes)).await,
        None => writer.end().await,
    }
}

/// Carries a call to its reply, and what it says before that into a stream.
pub(super) async fn say(
    mut pending: Pending,
    writer: &Writer,
    prime: &Prime,
) -> Result<Option<Reply>, StoreError> {
    enum Step {
        Said(Event),
        Over(Option<Reply>),
    }
    let outbox = pending.outbox().clone();
    loop {
        let step = poll_fn(|cx| {
            if let Poll::Ready(reply) = Pin::new(&mut pending).poll(cx) {
                return Poll::Ready(Step::Over(reply));
            }
            outbox.poll_pop(cx).map(Step::Said)
        });
        match step.await {
            Step::Said(event) => append(event, writer, prime).await?,
            Step::Over(reply) => {
                drain(&outbox, writer, prime).await?;
                return Ok(reply);
            }
        }
    }
}

pub(super) async fn drain(outbox: &Outbox, writer: &Writer, prime: &Prime) -> Result<(), StoreError> {
    while let Some(event) = outbox.pop() {
        append(event, writer, prime).await?;
    }
    Ok(())
}

async fn append(event: Event, writer: &Writer, prime: &Prime) -> Result<(), StoreError> {
    prime.write().await?;
    let content = match event {
        Event::Message(text) => Content::Message(text),
        Event::Disconnect { retry } => Content::Disconnect { retry },
    };
    writer.append(content).await.map(|_| ())
}

/// Refuses a version header that names no older revision (VER-L4). None at all is fine: the session knows.
pub(super) fn check_version(headers: &HeaderMap) -> Result<(), Refusal> {
    let Some(value) = headers.get(VERSION) else { return Ok(()) };
    let known = value.to_str().ok().map(str::trim).and_then(Revision::parse);
    if known.is_some_and(|revision| !revision.is_modern()) {
        return Ok(());
    }
    let message =
        "MCP-Protocol-Version names no revision of a session; send the one that initialize negotiated";
    Err(Refusal::envelope(StatusCode::BAD_REQUEST, message))
}

/// The session that a request names.
pub(super) async fn session(
    service: &HttpService,
    head: &Parts,
    principal: &Principal,
) -> Result<Session, Refusal> {
    let mut values = head.headers.get_all(SESSION).iter();
    let missing =
        "Mcp-Session-Id is missing; send \"initialize\" first, then its session id with every request";
    let value = values.next().ok_or_else(|| Refusal::envelope(StatusCode::BAD_REQUEST, missing))?;
    if values.next().is_some() {
        return Err(Refusal::envelope(StatusCode::BAD_REQUEST, "Mcp-Session-Id stands more than once"));
    }
    let gone = || Refusal::session(&latimer_core::session::SessionError::Gone);
    let id = value.to_str().ok().and_then(SessionId::parse).ok_or_else(gone)?;
    service.engine().sessions().find(&id, principal).await.map_err(|error| Refusal::session(&error))
}

/// A reply of the older revisions: errors, too, come with status 200.
fn reply(reply: Reply) -> Response<ResponseBody> {
    refusal::json(StatusCode::OK, reply.bytes)
}

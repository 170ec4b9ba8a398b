//! The engine: a request goes in, a reply for the caller's revision comes out.
//!
//! Transports frame, check and identify; the engine pins a snapshot and a view, checks the call,
//! hands it to its source through the author's middleware, and writes the answer.

mod ask;
mod builder;
mod completion;
mod describe;
mod extension;
mod guard;
#[cfg(test)]
mod interleaving_tests;
mod lists;
mod operation;
mod reply;
mod subscribe;
mod task;

use std::sync::{Arc, OnceLock};

use bytes::Bytes;

use latimer_protocol::wire::{EmptyResult, LogLevel, ProgressToken};
use latimer_protocol::{Method, OwnedParams, RawJson, RequestId, Revision, RpcError};
use latimer_store::{Clock, Store, StoreError, Subscription};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

pub(crate) use ask::{MOST_ROUNDS, pages, take_pages};
pub use builder::Builder;
pub use guard::Pending;
pub use reply::Reply;
use task::OwnTasks;

use crate::admission::{Admission, Busy, Permit};
use crate::ask::{Asking, Questions, SealKeys};
use crate::catalog::{Catalog, Snapshot};
use crate::changes::{Changes, Interest, Listing};
use crate::context::{self, Client, Context};
use crate::extension::Extensions;
use crate::identify::Identify;
use crate::inflight::{Ends, Inflight, Scope};
use crate::limits::{Limits, LiveLimits};
use crate::middleware::Handler;
pub use crate::notices::Hearing;
use crate::notices::Notices;
use crate::outbox::Outbox;
use crate::principal::{Account, Peer, Principal};
use crate::session::{SessionId, Sessions};
use crate::states::States;
use crate::stream::Streams;
use crate::subscription::{News, TaskStatus};
use crate::task::Tasks;
use crate::trace::{self, Trace};

/// Serves requests. Shared by all transports of a server; cheap to clone.
#[derive(Clone, Debug)]
pub struct Engine(Arc<Parts>);

#[derive(Debug)]
struct Parts {
    catalog: Arc<Catalog>,
    identify: Arc<dyn Identify>,
    limits: LiveLimits,
    sessions: Sessions,
    streams: Streams,
    /// `Implementation` as JSON, in the newest form.
    info: RawJson,
    name: String,
    instructions: Option<String>,
    states: Arc<States>,
    handler: Arc<dyn Handler>,
    /// Those of the server itself; a source's are in the catalog.
    extensions: Extensions,
    admission: Admission<Holder>,
    /// Listen requests are counted apart from calls, which end by themselves.
    listens: Admission<Holder>,
    inflight: Inflight,
    questions: Questions,
    seal_keys: SealKeys,
    tasks: Tasks,
    notices: Notices,
    /// Tells this engine from the others on its store.
    instance: String,
    clock: Arc<dyn Clock>,
    reruns: bool,
    store: Store,
    changes: Changes,
    task_status: OnceLock<Arc<dyn TaskStatus>>,
    stopping: CancellationToken,
    /// Since when the server stops.
    stopped_at: OnceLock<Instant>,
    list_ttl_ms: u64,
}

/// Whose calls in flight are counted together.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Holder {
    /// Those of a legacy session.
    Session(SessionId),
    /// Those of a byte stream, by its number in this process: it is a session by itself.
    Connection(u64),
    /// Those of a principal or anonymous peer.
    Account(Account),
    /// The listen requests of a principal or anonymous peer.
    Listens(Account),
}

/// A request whose sender is known.
#[derive(Clone, Debug)]
pub struct Request {
    /// Its id.
    pub id: RequestId,
    /// The row of its method, which its revision has.
    pub method: &'static Method,
    /// Its parameters.
    pub params: OwnedParams,
    /// Who sent it.
    pub caller: Caller,
}

/// Who sends a request, and what they understand.
#[derive(Clone, Debug)]
pub struct Caller {
    /// The revision of the request.
    pub revision: Revision,
    /// The identified sender.
    pub principal: Principal,
    /// Where it comes from.
    pub peer: Peer,
    /// Its legacy session in the store.
    pub session: Option<SessionId>,
    /// Where its request can be cancelled by id; `None` where only its connection cancels it.
    pub scope: Option<Scope>,
    /// What it says about itself.
    pub client: Client,
    /// The least level of log messages that it wants.
    pub log_level: Option<LogLevel>,
    /// The trace that its request belongs to, where the transport says so (TR-2).
    pub trace: Option<Arc<Trace>>,
}

impl Engine {
    /// Puts an engine together.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// What is offered.
    pub fn catalog(&self) -> &Arc<Catalog> {
        &self.0.catalog
    }

    /// Who is let in.
    pub fn identify(&self) -> &Arc<dyn Identify> {
        &self.0.identify
    }

    /// The bounds.
    pub fn limits(&self) -> Arc<Limits> {
        self.0.limits.now()
    }

    /// Has other bounds hold from now on. Calls that are in flight go on within those that they began with.
    pub fn set_limits(&self, limits: Limits) {
        self.0.admission.set(limits.calls, limits.calls_per_session);
        self.0.listens.set(limits.listens, limits.listens_per_caller);
        self.0.limits.set(limits);
    }

    /// The legacy sessions.
    pub fn sessions(&self) -> &Sessions {
        &self.0.sessions
    }

    /// The resumable streams.
    pub fn streams(&self) -> &Streams {
        &self.0.streams
    }

    /// The questions that wait for an answer of a client.
    pub fn questions(&self) -> &Questions {
        &self.0.questions
    }

    /// Where changes are told and heard.
    pub fn changes(&self) -> &Changes {
        &self.0.changes
    }

    /// What a principal hears of that no session and no request asked for: changes of lists, and of the resources
    /// that the [line](Changes::listen_in_line) watches. For connections that are sessions by themselves.
    pub fn news(&self, line: &str, principal: &Principal) -> News {
        let interest = Interest { lists: Listing::ALL.into(), ..Interest::default() };
        let listener = self.0.changes.listen_in_line(line, principal, interest);
        News::new(listener, self.0.catalog.clone(), principal.clone())
    }

    /// Has the status of other tasks than the server's own told to those who listen. Happens once, before anybody does.
    pub fn tell_tasks(&self, status: Arc<dyn TaskStatus>) {
        let _ = self.0.task_status.set(status);
    }

    pub(crate) fn task_status(&self) -> Arc<dyn TaskStatus> {
        self.0.task_status.get_or_init(|| Arc::new(OwnTasks::of(self))).clone()
    }

    /// Says that the server stops: requests that go on until they are ended are answered (SUB-5).
    pub fn stop(&self) {
        self.0.stopped_at.get_or_init(Instant::now);
        self.0.stopping.cancel();
    }

    /// Has the requests of a scope answered that go on until they are ended: nothing more comes from there.
    pub fn finish_all(&self, scope: &Scope) {
        self.0.inflight.finish_all(scope);
    }

    /// The server's name.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// The server's `Implementation` as JSON.
    pub fn info(&self) -> &RawJson {
        &self.0.info
    }

    /// Admits one call; it is in flight until the permit is dropped.
    ///
    /// # Errors
    /// When a limit is reached.
    pub fn admit(&self, holder: &Holder) -> Result<Permit<Holder>, Busy> {
        match holder {
            Holder::Listens(_) => self.0.listens.enter(holder),
            Holder::Session(_) | Holder::Connection(_) | Holder::Account(_) => self.0.admission.enter(holder),
        }
    }

    /// How many calls are in flight.
    pub fn in_flight(&self) -> usize {
        self.0.admission.in_flight()
    }

    /// Begins a request. Nothing happens until what is returned is polled; dropping it cancels the call.
    pub fn begin(&self, request: Request) -> Pending {
        let limits = self.limits();
        let outbox = Outbox::within(&limits);
        let cancel = CancellationToken::new();
        let is_endless = is_listen(request.method);
        let finish = is_endless.then(|| self.0.stopping.child_token());
        let ends = || Ends { cancel: cancel.clone(), finish: finish.clone() };
        let registered = match &request.caller.scope {
            Some(scope) => match self.0.inflight.enter(scope.clone(), request.id.clone(), ends()) {
                Ok(registered) => Some(registered),
                Err(error) => {
                    let reply = Reply::error(Some(&request.id), &error, request.caller.revision);
                    return Pending::ready(reply, outbox);
                }
            },
            None => None,
        };
        let id = request.id.clone();
        let revision = request.caller.revision;
        let is_tool_call = request.method.name == "tools/call";
        let engine = self.clone();
        let span = trace::of_call(&request);
        let frame = guard::Frame { id, revision, is_tool_call, is_endless, span: span.clone() };
        if let Some(finish) = finish {
            let told = outbox.clone();
            let work = async move {
                let outcome = match check_progress_token(&request.params) {
                    Ok(()) => engine.listen(&request, &told, &finish).await,
                    Err(error) => Err(error),
                };
                outcome
                    .unwrap_or_else(|error| Reply::error(Some(&request.id), &error, request.caller.revision))
            };
            return Pending::new(work.instrument(span), outbox, cancel, registered, frame, &limits);
        }
        let context = self.context(&request, &outbox, &cancel);
        let work = async move { engine.answer(request, context).await };
        Pending::new(work.instrument(span), outbox, cancel, registered, frame, &limits)
    }

    /// Cancels a request of a scope (CAN-1). An unknown one is ignored.
    pub fn cancel(&self, scope: &Scope, id: &RequestId) {
        self.0.inflight.cancel(scope, id);
    }

    /// Cancels all requests of a scope.
    pub fn cancel_all(&self, scope: &Scope) {
        self.0.inflight.cancel_all(scope);
    }

    /// Sends a notification to a session or connection, outside any of its requests. A hint: where no stream is open
    /// that could carry it, it is lost.
    pub async fn notify(&self, scope: &Scope, message: Bytes) {
        if let Err(error) = self.0.notices.send(scope, message).await {
            tracing::warn!(%error, "a notification could not be sent");
        }
    }

    /// Hears the notifications to a session.
    ///
    /// # Errors
    /// When the store fails.
    pub(crate) async fn notices(&self, session: &SessionId) -> Result<Subscription, StoreError> {
        self.0.notices.hear(session).await
    }

    /// Has a connection take its notifications until what is returned is dropped. `sink` gets complete JSON text, and
    /// must not wait: where there is no room, a notification is lost.
    pub fn notices_to(&self, connection: u64, sink: impl Fn(Bytes) + Send + Sync + 'static) -> Hearing {
        self.0.notices.attach(connection, Arc::new(sink))
    }

    /// Ends the tasks that run here, and closes all sources. Tasks have what is left of the drain time since the server
    /// was [told to stop](Self::stop); the others are stopped then.
    pub async fn close(&self) {
        let since = self.0.stopped_at.get_or_init(Instant::now).elapsed();
        self.0.tasks.close(self.limits().drain.saturating_sub(since)).await;
        self.0.catalog.close().await;
    }

    fn context(&self, request: &Request, outbox: &Outbox, cancel: &CancellationToken) -> Context {
        let token = request.params.meta.progress_token.as_ref();
        let token = token.and_then(|token| ProgressToken::from_json(token.as_str()));
        let meta = request.params.meta.raw.clone();
        let inner = self.context_of(&request.caller, meta, outbox, cancel);
        Context::new(context::Inner { progress_token: token, ..inner })
    }

    /// What a caller's handlers are called with.
    fn context_of(
        &self,
        caller: &Caller,
        meta: Option<RawJson>,
        outbox: &Outbox,
        cancel: &CancellationToken,
    ) -> context::Inner {
        context::Inner {
            revision: caller.revision,
            principal: caller.principal.clone(),
            peer: caller.peer,
            session: caller.session.clone(),
            client: caller.client.clone(),
            meta,
            trace: caller.trace.clone(),
            progress_token: None,
            log_level: caller.log_level,
            outbox: outbox.clone(),
            cancel: cancel.clone(),
            states: self.0.states.clone(),
            asking: Asking::none(),
        }
    }

    async fn answer(&self, mut request: Request, context: Context) -> Reply {
        let outcome = self.dispatch(&mut request, context).await;
        match outcome {
            Ok(reply) => reply,
            Err(error) => Reply::error(Some(&request.id), &error, request.caller.revision),
        }
    }

    async fn dispatch(&self, request: &mut Request, context: Context) -> Result<Reply, RpcError> {
        check_progress_token(&request.params)?;
        let snapshot = self.0.catalog.snapshot();
        let view = snapshot.view(&request.caller.principal);
        self.check_served(request.method, &snapshot, &view)?;
        match request.method.name {
            "ping" => self.reply(request, &EmptyResult, None),
            "server/discover" => self.discover(request, &snapshot, &view),
            "tools/list" | "resources/list" | "resources/templates/list" | "prompts/list" => {
                self.list(request, &view)
            }
            "tools/call" => self.call_tool(request, &snapshot, context).await,
            "resources/read" => self.read_resource(request, &snapshot, context).await,
            "prompts/get" => self.get_prompt(request, &snapshot, context).await,
            // Apart, so that every call does not carry the room for the rarer ones.
            _ => Box::pin(self.dispatch_rare(request, &snapshot, context)).await,
        }
    }

    async fn dispatch_rare(
        &self,
        request: &Request,
        snapshot: &Snapshot,
        context: Context,
    ) -> Result<Reply, RpcError> {
        match request.method.name {
            "completion/complete" => self.complete(request, snapshot, context).await,
            "tasks/get" => self.get_task(request).await,
            "tasks/list" => self.list_tasks(request).await,
            "tasks/result" => self.task_result(request, &context).await,
            "tasks/cancel" => self.cancel_task(request).await,
            "tasks/update" => self.update_task(request).await,
            "resources/subscribe" => self.watch(request, snapshot).await,
            "resources/unsubscribe" => self.unwatch(request).await,
            _ => self.call_extension(request, snapshot, context).await,
        }
    }
}

fn is_listen(method: &Method) -> bool {
    method.name == "subscriptions/listen"
}

/// How long a progress token may be, in bytes of its JSON: each progress message repeats it.
const MOST_TOKEN_BYTES: usize = 1024;

/// Refuses a progress token that is none (PRG-1), or that every message would have to drag along.
fn check_progress_token(params: &OwnedParams) -> Result<(), RpcError> {
    let Some(token) = &params.meta.progress_token else { return Ok(()) };
    if ProgressToken::from_json(token.as_str()).is_none() {
        return Err(RpcError::invalid_params("\"_meta.progressToken\" has to be a string or an integer"));
    }
    if token.as_str().len() > MOST_TOKEN_BYTES {
        let message =
            format!("\"_meta.progressToken\" is longer than {MOST_TOKEN_BYTES} bytes; use a short one");
        return Err(RpcError::invalid_params(message));
    }
    Ok(())
}

impl Caller {
    /// Whose calls in flight its requests of a method are counted with.
    pub fn holder(&self, method: &Method) -> Holder {
        let account = || Account::of(&self.principal, self.peer);
        match (&self.session, &self.scope) {
            (Some(session), _) => Holder::Session(session.clone()),
            (None, _) if is_listen(method) => Holder::Listens(account()),
            (None, Some(Scope::Connection(number))) => Holder::Connection(*number),
            (None, _) => Holder::Account(account()),
        }
    }
}

//! How much the server takes on.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;

/// The bounds that the server keeps to, whoever calls. See the fields for what happens past them.
#[derive(Clone, Debug)]
pub struct Limits {
    /// HTTP connections in all. Past it: 503, and the connection is closed.
    pub connections: usize,
    /// Bytes of one message from a client. Past it: HTTP 413; on byte streams an error, and the stream goes on.
    pub message_bytes: usize,
    /// Bytes of an HTTP request's header block. Past it: 431.
    pub header_bytes: usize,
    /// Nesting and number of values of one message. Past them: -32700 and -32600.
    pub json: latimer_protocol::Limits,
    /// Messages of one batch (2025-03-26). Past it: -32600, and none of them is taken.
    pub batch_messages: usize,
    /// Legacy sessions in all. Past it: 503.
    pub sessions: usize,
    /// Legacy sessions of one identified principal. Past it: 429.
    pub sessions_per_principal: usize,
    /// Legacy sessions of one anonymous peer address. Past it: 429.
    pub sessions_per_peer: usize,
    /// How long a legacy session lives after its last request.
    pub session_idle: Duration,
    /// Calls in flight in all. Past it: 503.
    pub calls: usize,
    /// Calls in flight of one session, or, in the modern era, of one principal or anonymous peer. Past it: 429.
    pub calls_per_session: usize,
    /// Open event streams of one session. Past it: 429.
    pub streams_per_session: usize,
    /// `subscriptions/listen` requests in all that are being served. Past it: 503. They count as no calls in flight.
    pub listens: usize,
    /// The same of one principal or anonymous peer. Past it: 429; on byte streams an error.
    pub listens_per_caller: usize,
    /// Resources that one legacy session, or one `subscriptions/listen`, may watch. Past it: -32602.
    pub subscriptions: usize,
    /// How long what concerns a legacy session, and no call of it, is kept on its stream after the connection broke
    /// (LH-5). Past it the client has missed what came.
    pub stream_grace: Duration,
    /// How long one call may go without progress. Past it the call fails and its handler is dropped.
    pub call_timeout: Duration,
    /// How long one call may take in all, as above.
    pub call_timeout_total: Duration,
    /// How long a question to a client may wait for its answer; that time does not count against the call. Past it
    /// the handler learns that nobody answered.
    pub answer_timeout: Duration,
    /// How long a client of 2026-07-28 may take to send a request again with its answers. Past it -32602.
    pub request_state_life: Duration,
    /// Bytes that `requestState` may come to. A call that has learnt more fails.
    pub request_state_bytes: usize,
    /// Tasks that are kept in all. Past it a call that would become one fails.
    pub tasks: usize,
    /// Tasks that are kept of one principal, or of one anonymous session and one anonymous peer, as above.
    pub tasks_per_owner: usize,
    /// How long a task is kept from its creation on, where its caller does not say: its result has to be fetched in
    /// this time.
    pub task_ttl: Duration,
    /// The longest time for which a caller can have a task kept.
    pub task_ttl_most: Duration,
    /// Bytes of answers and remembered values that are kept of one task. Past it the task fails.
    pub task_journal_bytes: usize,
    /// How long clients are told to wait between two looks at a task.
    pub task_poll: Duration,
    /// How long a tool that may be a task runs in its call, before it becomes one by itself (2026-07-28, clients that
    /// know tasks). `None`: for as long as it takes.
    pub task_after: Option<Duration>,
    /// Events that one stream keeps for its reader. Past it progress is merged and the oldest give way.
    pub ring_events: usize,
    /// Bytes that one stream keeps for its reader, as above.
    pub ring_bytes: usize,
    /// Log messages that one call may send its caller at once. Past it they are dropped, counted and told.
    pub log_burst: usize,
    /// Log messages a second by which a call's share fills up again.
    pub log_rate: usize,
    /// Bytes of one log message's data as JSON. Past it the data is cut.
    pub log_bytes: usize,
    /// Entries on one page of a list.
    pub page_size: usize,
    /// How long calls in flight may go on when the server stops.
    pub drain: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 10_000,
            message_bytes: 1 << 20,
            header_bytes: 16 << 10,
            json: latimer_protocol::Limits::default(),
            batch_messages: 100,
            sessions: 10_000,
            sessions_per_principal: 128,
            sessions_per_peer: 4_096,
            session_idle: Duration::from_secs(30 * 60),
            calls: 4_096,
            calls_per_session: 256,
            streams_per_session: 16,
            listens: 10_000,
            listens_per_caller: 64,
            subscriptions: 256,
            stream_grace: Duration::from_secs(30),
            call_timeout: Duration::from_secs(60),
            call_timeout_total: Duration::from_secs(60 * 60),
            answer_timeout: Duration::from_secs(10 * 60),
            request_state_life: Duration::from_secs(30 * 60),
            request_state_bytes: 64 << 10,
            tasks: 4_096,
            tasks_per_owner: 128,
            task_ttl: Duration::from_secs(60 * 60),
            task_ttl_most: Duration::from_secs(24 * 60 * 60),
            task_journal_bytes: 1 << 20,
            task_poll: Duration::from_secs(1),
            task_after: None,
            ring_events: 256,
            ring_bytes: 1 << 20,
            log_burst: 200,
            log_rate: 50,
            log_bytes: 16 << 10,
            page_size: 1_000,
            drain: Duration::from_secs(10),
        }
    }
}

/// Limits that can be exchanged while they hold. All clones see the same ones.
#[derive(Clone, Debug)]
pub struct LiveLimits(Arc<ArcSwap<Limits>>);

impl LiveLimits {
    /// Those that hold now.
    pub fn now(&self) -> Arc<Limits> {
        self.0.load_full()
    }

    /// Has others hold from now on. What was begun within the old ones goes on.
    pub(crate) fn set(&self, limits: Limits) {
        self.0.store(Arc::new(limits));
    }
}

impl From<Limits> for LiveLimits {
    fn from(limits: Limits) -> Self {
        Self(Arc::new(ArcSwap::from_pointee(limits)))
    }
}

impl From<&Limits> for LiveLimits {
    fn from(limits: &Limits) -> Self {
        limits.clone().into()
    }
}

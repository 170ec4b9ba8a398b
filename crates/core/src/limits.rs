//! How much the server takes on.

use std::time::Duration;

/// The bounds that the server keeps to, whoever calls. See the fields for what happens past them.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Bytes of one message from a client. Past it: HTTP 413; on byte streams an error, and the stream goes on.
    pub message_bytes: usize,
    /// Bytes of an HTTP request's header block. Past it: 431.
    pub header_bytes: usize,
    /// Nesting and number of values of one message. Past them: -32700 and -32600.
    pub json: latimer_protocol::Limits,
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
    /// Events that one stream keeps for its reader. Past it progress is merged and the oldest give way.
    pub ring_events: usize,
    /// Bytes that one stream keeps for its reader, as above.
    pub ring_bytes: usize,
    /// Entries on one page of a list.
    pub page_size: usize,
    /// How long calls in flight may go on when the server stops.
    pub drain: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            message_bytes: 1 << 20,
            header_bytes: 16 << 10,
            json: latimer_protocol::Limits::default(),
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
            ring_events: 256,
            ring_bytes: 1 << 20,
            page_size: 1_000,
            drain: Duration::from_secs(10),
        }
    }
}

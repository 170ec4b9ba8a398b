//! What a byte stream is served with.

use std::time::Duration;

/// How byte streams are served. The default is MCP alone, each answer as soon as it is there, and no end to waiting.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct StreamOptions {
    /// Whether a tool can be called by its own name as the method, without a handshake: see
    /// [bare methods](super#bare-methods).
    pub bare_methods: bool,
    /// Whether the answers to one connection's requests come in the order of the requests. `None`: those of bare methods
    /// do, those of MCP come as they finish.
    pub ordered: Option<bool>,
    /// How long a connection may be silent in both directions, with no call in flight, before it is closed. Zero: for
    /// ever. Does not hold for standard streams, whose client is the one that started the process.
    pub idle: Duration,
}

impl StreamOptions {
    /// Sets [`bare_methods`](Self::bare_methods).
    #[must_use]
    pub fn bare_methods(mut self, bare_methods: bool) -> Self {
        self.bare_methods = bare_methods;
        self
    }

    /// Sets [`ordered`](Self::ordered).
    #[must_use]
    pub fn ordered(mut self, ordered: impl Into<Option<bool>>) -> Self {
        self.ordered = ordered.into();
        self
    }

    /// Sets [`idle`](Self::idle).
    #[must_use]
    pub fn idle(mut self, idle: Duration) -> Self {
        self.idle = idle;
        self
    }

    /// Whether answers to requests of MCP come in order.
    pub(super) fn orders_mcp(self) -> bool {
        self.ordered.unwrap_or(false)
    }

    /// Whether answers to bare methods come in order.
    pub(super) fn orders_bare(self) -> bool {
        self.ordered.unwrap_or(true)
    }
}

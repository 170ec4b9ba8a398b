//! How a client behaves.

use std::fmt;
use std::future::Future;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use latimer_protocol::wire::{
    CreateMessageParams, CreateMessageResult, ElicitParams, ElicitResult, Implementation, LogLevel, Root,
};
use latimer_protocol::{RawJson, Revision};

use crate::authorization::{Authorization, BearerToken};
use crate::error::ClientError;
use crate::handlers::{ElicitationModes, Handlers, Refusal};
use crate::notification::Notification;

/// Which era of the protocol the client speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum EraPreference {
    /// Finds out (DET-1, DET-2), and prefers the modern one.
    #[default]
    Auto,
    /// 2026-07-28, or nothing.
    Modern,
    /// Opens with `initialize` and asks for this revision; an older one that the server names instead is accepted.
    Legacy(Revision),
}

/// How long the client waits.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Timeouts {
    /// For a connection over TCP or a Unix socket, with TLS where that is asked for. Default: 10 s.
    pub connect: Duration,
    /// For the answer to `server/discover` while the era is not known yet; then `initialize` follows (DET-1). Default: 4 s.
    pub probe: Duration,
    /// For the answer to a request. Progress starts it anew (CAN-3). Default: 60 s.
    pub request: Duration,
    /// For the answer to a request in all, however much progress there is. Default: 1 h.
    pub total: Duration,
    /// For each step of the end of a child process: after its stdin is closed, and after SIGTERM (STDIO-4). For a server that
    /// does not read, to take what is still to be sent to it when the connection is closed. Default: 2 s.
    pub shutdown: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            probe: Duration::from_secs(4),
            request: Duration::from_secs(60),
            total: Duration::from_secs(60 * 60),
            shutdown: Duration::from_secs(2),
        }
    }
}

/// How much a server may make the client hold.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct ClientLimits {
    /// Bytes of one message. Default: 16 MiB.
    pub message: usize,
    /// JSON values in one message. Default: 1,048,576.
    pub values: usize,
    /// Requests in flight; more wait for their turn. Default: 256.
    pub in_flight: usize,
    /// Pages of one list. Default: 1,000.
    pub list_pages: usize,
    /// Bytes of all pages of one list. Default: 64 MiB.
    pub list_bytes: usize,
    /// Questions of the server that are open at a time. Default: 32.
    pub questions: usize,
    /// How often the server may ask back before one call ends (MRTR-8). Default: 8.
    pub rounds: usize,
    /// Results that are kept for as long as the server says that they hold (CACHE-3); 0 keeps none. Default: 256.
    pub cache_entries: usize,
    /// Bytes of all results that are kept. Default: 8 MiB.
    pub cache_bytes: usize,
}

impl Default for ClientLimits {
    fn default() -> Self {
        Self {
            message: 16 * 1024 * 1024,
            values: 1024 * 1024,
            in_flight: 256,
            list_pages: 1000,
            list_bytes: 64 * 1024 * 1024,
            questions: 32,
            rounds: 8,
            cache_entries: 256,
            cache_bytes: 8 * 1024 * 1024,
        }
    }
}

/// Hears of notifications that belong to no call: changed lists, updated resources, log messages.
///
/// It is called from the task that reads the connection, which goes on when it returns.
pub type NotificationHandler = Arc<dyn Fn(Notification) + Send + Sync>;

/// How a client behaves; [`Options::default`] suits most.
#[derive(Clone)]
#[non_exhaustive]
pub struct Options {
    /// Which era to speak.
    pub era: EraPreference,
    /// What the client says about itself.
    pub client_info: Implementation,
    /// Where credentials come from, for servers that listen. A child process takes them from its environment (STDIO-8).
    pub authorization: Option<Arc<dyn Authorization>>,
    /// How long it waits.
    pub timeouts: Timeouts,
    /// How much a server may make it hold.
    pub limits: ClientLimits,
    /// From which level on the server should send log messages: with every request in the modern era (LOG-3),
    /// through `logging/setLevel` before it, where the server has it (LOG-2). Without one, the server decides.
    pub log_level: Option<LogLevel>,
    /// Hears of notifications, but for those of a [`Subscription`](crate::Subscription) of its own (2026-07-28). With one, or
    /// with any of the [`Handlers`], the client also keeps a stream open for them where a legacy HTTP server offers it (LH-6).
    pub on_notification: Option<NotificationHandler>,
    /// Who answers what servers ask: for the user's input, the model's words, the roots.
    pub handlers: Handlers,
    /// Whether servers may answer tool calls with tasks (the extension of 2026-07-28, TX-1), and may ask for tasks in
    /// turn (2025-11-25, T11-1). Default: yes.
    pub tasks: bool,
    /// Further extensions to declare, with their settings, which are objects (VER-10).
    pub extensions: Vec<(String, RawJson)>,
    /// A PEM file of certificate authorities to trust for HTTPS and TLS, beside those that browsers trust.
    pub extra_ca: Option<PathBuf>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            era: EraPreference::default(),
            client_info: Implementation::new("latimer", env!("CARGO_PKG_VERSION")),
            authorization: None,
            timeouts: Timeouts::default(),
            limits: ClientLimits::default(),
            log_level: None,
            on_notification: None,
            handlers: Handlers::default(),
            tasks: true,
            extensions: Vec::new(),
            extra_ca: None,
        }
    }
}

impl Options {
    /// The same options with an era.
    #[must_use]
    pub fn with_era(mut self, era: EraPreference) -> Self {
        self.era = era;
        self
    }

    /// The same options with a static bearer token.
    ///
    /// # Errors
    /// When no header can carry the token.
    pub fn with_bearer(mut self, token: &str) -> Result<Self, ClientError> {
        self.authorization = Some(Arc::new(BearerToken::new(token)?));
        Ok(self)
    }

    /// The same options with a listener for notifications.
    #[must_use]
    pub fn with_notifications(mut self, handler: impl Fn(Notification) + Send + Sync + 'static) -> Self {
        self.on_notification = Some(Arc::new(handler));
        self
    }

    /// The same options with somebody who asks the user, in these ways (EL-1).
    #[must_use]
    pub fn with_elicitation<F>(
        mut self,
        modes: ElicitationModes,
        handler: impl Fn(ElicitParams) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = Result<ElicitResult, Refusal>> + Send + 'static,
    {
        self.handlers.on_elicitation(modes, handler);
        self
    }

    /// The same options with somebody who asks the model (SA-1).
    #[must_use]
    pub fn with_sampling<F>(
        mut self,
        handler: impl Fn(CreateMessageParams) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = Result<CreateMessageResult, Refusal>> + Send + 'static,
    {
        self.handlers.on_sampling(handler);
        self
    }

    /// The same options with somebody who names the roots (RO-1).
    #[must_use]
    pub fn with_roots<F>(mut self, handler: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<Vec<Root>, Refusal>> + Send + 'static,
    {
        self.handlers.on_roots(handler);
        self
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("era", &self.era)
            .field("client_info", &self.client_info)
            .field("authorization", &self.authorization)
            .field("timeouts", &self.timeouts)
            .field("limits", &self.limits)
            .field("log_level", &self.log_level)
            .field("on_notification", &self.on_notification.is_some())
            .field("handlers", &self.handlers)
            .field("tasks", &self.tasks)
            .field("extensions", &self.extensions)
            .field("extra_ca", &self.extra_ca)
            .finish()
    }
}

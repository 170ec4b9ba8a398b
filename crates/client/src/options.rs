//! How a client behaves.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use latimer_protocol::Revision;
use latimer_protocol::wire::{Implementation, LogLevel};

use crate::authorization::{Authorization, BearerToken};
use crate::error::ClientError;
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
    /// For a TCP connection. Default: 10 s.
    pub connect: Duration,
    /// For the answer to `server/discover` while the era is not known yet; then `initialize` follows (DET-1). Default: 4 s.
    pub probe: Duration,
    /// For the answer to a request. Progress starts it anew (CAN-3). Default: 60 s.
    pub request: Duration,
    /// For the answer to a request in all, however much progress there is. Default: 1 h.
    pub total: Duration,
    /// For each step of the end of a child process: after its stdin is closed, and after SIGTERM (STDIO-4). Default: 2 s.
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
}

impl Default for ClientLimits {
    fn default() -> Self {
        Self {
            message: 16 * 1024 * 1024,
            values: 1024 * 1024,
            in_flight: 256,
            list_pages: 1000,
            list_bytes: 64 * 1024 * 1024,
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
    /// Where credentials come from (HTTP only; a child process takes them from its environment, STDIO-8).
    pub authorization: Option<Arc<dyn Authorization>>,
    /// How long it waits.
    pub timeouts: Timeouts,
    /// How much a server may make it hold.
    pub limits: ClientLimits,
    /// From which level on the server should send log messages: with every request in the modern era (LOG-3),
    /// through `logging/setLevel` before it, where the server has it (LOG-2). Without one, the server decides.
    pub log_level: Option<LogLevel>,
    /// Hears of notifications. With one, the client also keeps a stream open for them where a legacy
    /// HTTP server offers it (LH-6).
    pub on_notification: Option<NotificationHandler>,
    /// A PEM file of certificate authorities to trust for HTTPS, beside those that browsers trust.
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
            .field("extra_ca", &self.extra_ca)
            .finish()
    }
}

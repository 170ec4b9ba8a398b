//! The checked configuration.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;

use super::plugin_settings::PluginSettings;
use super::secret::Secret;
use super::values::{
    Authority, BindHost, ByteSize, EndpointPath, PluginName, PublicUrl, Scope, SealKey, ServerName,
    SocketMode, SocketPath, Transports, WebOrigin,
};
use crate::logging::{LogFilter, LogFormat};

/// Everything that a process is told. `Default` is what holds without file, environment and flags.
///
/// The meaning of each value stands with its key, see [`example`](super::example()). `Debug` shows no secret.
#[derive(Debug, Clone)]
#[non_exhaustive]
#[allow(missing_docs, reason = "each field is the key of its name, and documented there")]
pub struct Config {
    pub server_name: ServerName,
    pub instructions: Option<String>,
    pub transport: Transports,
    pub host: BindHost,
    pub port: u16,
    pub path: EndpointPath,
    pub http_sse: bool,
    pub public_url: Option<PublicUrl>,
    pub allowed_hosts: Vec<Authority>,
    pub allowed_origins: Vec<WebOrigin>,
    pub trusted_proxies: Vec<IpNet>,
    pub tls_cert: Option<PathBuf>,
    pub tls_key: Option<PathBuf>,
    pub strict_empty_errors: bool,
    pub tcp: Tcp,
    pub unix: Unix,
    pub bare_methods: bool,
    pub ordered: Option<bool>,
    pub ready_file: Option<PathBuf>,
    pub log_level: LogFilter,
    pub log_format: LogFormat,
    pub autoload: Vec<PluginName>,
    pub plugins: BTreeMap<String, Plugin>,
    pub tokens: BTreeMap<String, StaticToken>,
    pub seal_keys: Vec<SealKey>,
    pub page_size: usize,
    pub limits: Limits,
}

/// Where TCP is served.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
#[allow(missing_docs, reason = "each field is the key of its name, and documented there")]
pub struct Tcp {
    pub host: BindHost,
    pub port: u16,
}

/// Where a Unix socket is served.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
#[allow(missing_docs, reason = "each field is the key of its name, and documented there")]
pub struct Unix {
    /// Always there in a loaded configuration that serves a Unix socket.
    pub path: Option<SocketPath>,
    pub mode: SocketMode,
}

/// What is said of one plugin.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Plugin {
    /// Whether it may be loaded.
    pub enabled: bool,
    /// What it is told.
    pub settings: Option<PluginSettings>,
}

/// A bearer token that never changes, and what its bearer may do.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct StaticToken {
    /// The token; never empty in a loaded configuration, and in no other entry.
    pub token: Secret<String>,
    /// The scopes of its bearer.
    pub scopes: Vec<Scope>,
}

/// The bounds of what callers can take.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
#[allow(missing_docs, reason = "each field is the key of its name, and documented there")]
pub struct Limits {
    pub connections: usize,
    pub connection_idle: Duration,
    pub message_bytes: ByteSize,
    pub header_bytes: ByteSize,
    pub depth: usize,
    pub values: usize,
    pub batch_messages: usize,
    pub sessions: usize,
    pub sessions_per_principal: usize,
    pub sessions_per_peer: usize,
    pub session_idle: Duration,
    pub calls: usize,
    pub calls_per_session: usize,
    pub call_timeout: Duration,
    pub call_timeout_total: Duration,
    pub answer_timeout: Duration,
    pub request_state_life: Duration,
    pub request_state_bytes: ByteSize,
    pub tasks: usize,
    pub tasks_per_owner: usize,
    pub task_ttl: Duration,
    pub task_ttl_most: Duration,
    pub task_journal_bytes: ByteSize,
    pub task_poll: Duration,
    pub task_after: Option<Duration>,
    pub streams_per_session: usize,
    pub stream_grace: Duration,
    pub listens: usize,
    pub listens_per_caller: usize,
    pub subscriptions: usize,
    pub ring_events: usize,
    pub ring_bytes: ByteSize,
    pub log_burst: usize,
    pub log_rate: usize,
    pub log_bytes: ByteSize,
    pub drain: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            server_name: constant("latimer"),
            instructions: None,
            transport: Transports::default(),
            host: constant("127.0.0.1"),
            port: 12_200,
            path: constant("/mcp"),
            http_sse: false,
            public_url: None,
            allowed_hosts: Vec::new(),
            allowed_origins: Vec::new(),
            trusted_proxies: Vec::new(),
            tls_cert: None,
            tls_key: None,
            strict_empty_errors: false,
            tcp: Tcp { host: constant("127.0.0.1"), port: 7_000 },
            unix: Unix { path: None, mode: SocketMode::default() },
            bare_methods: false,
            ordered: None,
            ready_file: None,
            log_level: LogFilter::default(),
            log_format: LogFormat::Text,
            autoload: Vec::new(),
            plugins: BTreeMap::new(),
            tokens: BTreeMap::new(),
            seal_keys: Vec::new(),
            page_size: 1_000,
            limits: Limits::default(),
        }
    }
}

impl Default for Plugin {
    fn default() -> Self {
        Self { enabled: true, settings: None }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 10_000,
            connection_idle: Duration::from_secs(60 * 60),
            message_bytes: ByteSize::new(1 << 20),
            header_bytes: ByteSize::new(16 << 10),
            depth: 128,
            values: 65_536,
            batch_messages: 100,
            sessions: 10_000,
            sessions_per_principal: 128,
            sessions_per_peer: 4_096,
            session_idle: Duration::from_secs(30 * 60),
            calls: 4_096,
            calls_per_session: 256,
            call_timeout: Duration::from_secs(60),
            call_timeout_total: Duration::from_secs(60 * 60),
            answer_timeout: Duration::from_secs(10 * 60),
            request_state_life: Duration::from_secs(30 * 60),
            request_state_bytes: ByteSize::new(64 << 10),
            tasks: 4_096,
            tasks_per_owner: 128,
            task_ttl: Duration::from_secs(60 * 60),
            task_ttl_most: Duration::from_secs(24 * 60 * 60),
            task_journal_bytes: ByteSize::new(1 << 20),
            task_poll: Duration::from_secs(1),
            task_after: None,
            streams_per_session: 16,
            stream_grace: Duration::from_secs(30),
            listens: 10_000,
            listens_per_caller: 64,
            subscriptions: 256,
            ring_events: 256,
            ring_bytes: ByteSize::new(1 << 20),
            log_burst: 200,
            log_rate: 50,
            log_bytes: ByteSize::new(16 << 10),
            drain: Duration::from_secs(10),
        }
    }
}

/// A default that is written as text; a test of this module parses every one.
fn constant<T: std::str::FromStr>(text: &'static str) -> T
where
    T::Err: std::fmt::Debug,
{
    text.parse().expect("a default that its own type takes")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_values_that_their_types_take() {
        assert_eq!(Config::default().host.as_str(), "127.0.0.1");
    }
}

//! How the endpoint presents itself.

use std::time::Duration;

use http::Uri;

use super::peer::TrustedProxy;

/// The settings of the HTTP endpoint.
#[derive(Clone, Debug)]
pub struct HttpOptions {
    /// The path of the MCP endpoint.
    pub path: String,
    /// Whether HTTP+SSE of 2024-11-05 is served besides, at `/sse` and `/message` (SSE-1). Its sessions live in this
    /// process: a message that reaches another instance finds none.
    pub http_sse: bool,
    /// Hosts (`name` or `name:port`) that requests may name besides the loopback ones.
    pub allowed_hosts: Vec<String>,
    /// Origins (`scheme://host[:port]`) that browsers may send besides the server's own.
    pub allowed_origins: Vec<String>,
    /// Where clients reach the server, if that is not where it listens: behind a proxy.
    pub public_url: Option<Uri>,
    /// Peers whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<TrustedProxy>,
    /// Whether failures of headers, origin and session are answered without a body.
    pub strict_empty_errors: bool,
    /// The port of the listener, once it is known: the server's own origins have it.
    pub port: Option<u16>,
    /// Whether the listener speaks TLS.
    pub tls: bool,
    /// How long a silent reply waits before it becomes an event stream.
    pub patience: Duration,
    /// How often a silent event stream says that it is alive.
    pub keep_alive: Duration,
    /// How long a request's header block and body may each take to arrive.
    pub read_timeout: Duration,
    /// How long a client may leave what was sent to it unread before its connection is closed.
    pub write_timeout: Duration,
}

impl Default for HttpOptions {
    fn default() -> Self {
        Self {
            path: "/mcp".to_owned(),
            http_sse: false,
            allowed_hosts: Vec::new(),
            allowed_origins: Vec::new(),
            public_url: None,
            trusted_proxies: Vec::new(),
            strict_empty_errors: false,
            port: None,
            tls: false,
            patience: Duration::from_secs(5),
            keep_alive: Duration::from_secs(15),
            read_timeout: Duration::from_secs(30),
            write_timeout: Duration::from_secs(60),
        }
    }
}

/// A setting that cannot be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OptionsError {
    /// The path of the endpoint.
    #[error(
        "path \"{0}\" has to begin with \"/\", and \"/\" and \"/health\" are taken; use one such as \"/mcp\""
    )]
    Path(String),
    /// The path of the endpoint, where HTTP+SSE is served.
    #[error("path \"{0}\" is taken by HTTP+SSE; use one such as \"/mcp\"")]
    SsePath(String),
    /// An allowed origin.
    #[error("allowed origin \"{0}\" is not an origin; write it like \"https://app.example.com\"")]
    Origin(String),
    /// The public URL.
    #[error("public_url \"{0}\" is not an http or https URL")]
    PublicUrl(String),
    /// A trusted proxy.
    #[error(
        "trusted proxy \"{0}\" is not an address or network; write it like \"10.0.0.1\" or \"10.0.0.0/8\""
    )]
    Proxy(String),
}

impl HttpOptions {
    /// Finds what cannot be.
    ///
    /// # Errors
    /// The first setting that cannot be.
    pub fn check(&self) -> Result<(), OptionsError> {
        if !self.path.starts_with('/') || self.path == "/" || self.path.starts_with("/health") {
            return Err(OptionsError::Path(self.path.clone()));
        }
        let own = self.path.trim_end_matches('/');
        if self.http_sse && matches!(own, super::sse_2024::STREAM | super::sse_2024::MESSAGE) {
            return Err(OptionsError::SsePath(self.path.clone()));
        }
        let is_origin = |origin: &&String| super::origin::parse(origin).is_none();
        if let Some(origin) = self.allowed_origins.iter().find(is_origin) {
            return Err(OptionsError::Origin(origin.clone()));
        }
        match &self.public_url {
            Some(url) if !matches!(url.scheme_str(), Some("http" | "https")) || url.host().is_none() => {
                Err(OptionsError::PublicUrl(url.to_string()))
            }
            _ => Ok(()),
        }
    }

    /// Whether clients reach the server over TLS, here or at a proxy.
    pub(super) fn is_https(&self) -> bool {
        self.tls || self.public_url.as_ref().is_some_and(|url| url.scheme_str() == Some("https"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_that_cannot_be_are_named() {
        assert_eq!(HttpOptions::default().check(), Ok(()));
        let bad = HttpOptions { path: "mcp".into(), ..HttpOptions::default() };
        assert_eq!(bad.check(), Err(OptionsError::Path("mcp".into())));
        let taken = HttpOptions { path: "/sse/".into(), http_sse: true, ..HttpOptions::default() };
        assert_eq!(taken.check(), Err(OptionsError::SsePath("/sse/".into())));
        assert_eq!(HttpOptions { http_sse: false, ..taken }.check(), Ok(()));
        let bad = HttpOptions { allowed_origins: vec!["example.com".into()], ..HttpOptions::default() };
        assert_eq!(bad.check(), Err(OptionsError::Origin("example.com".into())));
        let bad = HttpOptions { public_url: Some(Uri::from_static("/x")), ..HttpOptions::default() };
        assert!(matches!(bad.check(), Err(OptionsError::PublicUrl(_))));
    }
}

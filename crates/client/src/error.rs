//! Why the client could not do what it was asked.

use std::path::PathBuf;
use std::time::Duration;

use latimer_protocol::codec::param_header::{AnnotationError, ArgumentError};
use latimer_protocol::{ErrorCode, Revision, RpcError};

use crate::handlers::Refusal;

/// An error of whatever lies below: TLS, sockets, a source of credentials.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Why the client failed to do what it was asked.
///
/// The text is a lower-case fragment that says what to do about it. Programs ask the questions below.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct ClientError(Box<Fault>);

impl ClientError {
    /// The error that the server answered with, if it answered with one.
    pub fn rpc(&self) -> Option<&RpcError> {
        match &*self.0 {
            Fault::Rpc { error, .. } => Some(error),
            Fault::NotModern { source } => source.rpc(),
            Fault::TokenRefused { error } => Some(error),
            _ => None,
        }
    }

    /// The HTTP status of the answer that the error stands for, if it came over HTTP.
    pub fn http_status(&self) -> Option<u16> {
        match &*self.0 {
            Fault::Rpc { status, .. } => *status,
            Fault::Status { status, .. } | Fault::Unauthorized { status, .. } => Some(*status),
            Fault::NotModern { source } => source.http_status(),
            _ => None,
        }
    }

    /// Whether time ran out.
    pub fn is_timeout(&self) -> bool {
        matches!(&*self.0, Fault::Timeout { .. })
    }

    /// Whether the server wants other credentials than it got, or any at all (HTTP 401 and 403, or its answer to `auth` on a socket).
    pub fn is_auth(&self) -> bool {
        matches!(
            &*self.0,
            Fault::Unauthorized { .. } | Fault::Credentials(_) | Fault::NoBearer | Fault::TokenRefused { .. }
        )
    }

    /// The `WWW-Authenticate` header of a server that wants credentials.
    pub fn challenge(&self) -> Option<&str> {
        match &*self.0 {
            Fault::Unauthorized { challenge, .. } => challenge.as_deref(),
            _ => None,
        }
    }

    /// Whether the server could not be reached, or not be started.
    pub fn is_unreachable(&self) -> bool {
        matches!(&*self.0, Fault::Refused { .. } | Fault::Connect { .. } | Fault::Spawn { .. })
    }

    /// Whether the connection has ended: the server exited, it or the network broke it off, or the client was closed.
    pub fn is_closed(&self) -> bool {
        matches!(
            &*self.0,
            Fault::Exited { .. } | Fault::Disconnected { .. } | Fault::StreamEnded | Fault::Closed
        )
    }

    /// Whether the call did not go on because a question of the server was not answered: nobody answers such questions,
    /// or whoever does refused.
    pub fn is_unanswered(&self) -> bool {
        matches!(&*self.0, Fault::Unanswered { .. } | Fault::Refusal { .. })
    }

    /// Whether the task that the call had become was stopped.
    pub fn is_task_cancelled(&self) -> bool {
        matches!(&*self.0, Fault::TaskCancelled { .. })
    }

    /// Whether the same may go well a little later.
    pub(crate) fn is_passing(&self) -> bool {
        match &*self.0 {
            Fault::Lost { .. } | Fault::Timeout { .. } | Fault::Refused { .. } | Fault::Connect { .. } => {
                true
            }
            Fault::Status { status, .. } => *status >= 500 || matches!(status, 408 | 429),
            _ => false,
        }
    }

    /// Whether the server has no such resource. Up to 2025-11-25 servers say -32002, later ones -32602;
    /// both are understood in every era (RSC-3, IC-6).
    pub fn is_resource_not_found(&self) -> bool {
        match &*self.0 {
            Fault::Rpc { method, error, .. } if method == "resources/read" => {
                matches!(error.code, ErrorCode::RESOURCE_NOT_FOUND | ErrorCode::INVALID_PARAMS)
            }
            _ => false,
        }
    }

    pub(crate) fn fault(&self) -> &Fault {
        &self.0
    }

    pub(crate) fn timeout(what: &str, after: Duration) -> Self {
        Fault::Timeout { what: what.to_owned(), after }.into()
    }

    pub(crate) fn malformed(what: &'static str, detail: impl Into<String>) -> Self {
        Fault::Malformed { what, detail: detail.into() }.into()
    }
}

impl From<Fault> for ClientError {
    fn from(fault: Fault) -> Self {
        Self(Box::new(fault))
    }
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum Fault {
    #[error("use the address {url}: {reason}")]
    Url { url: String, reason: &'static str },
    #[error("connection refused by {address}; is the server running?")]
    Refused { address: String },
    #[error("reach {address}: {detail}")]
    Connect { address: String, detail: String, source: BoxError },
    #[error("start {program}: {source}; is it installed, and is its folder in PATH?")]
    Spawn { program: String, source: std::io::Error },
    #[error("talk to {program}: it ended ({status}); what it wrote to stderr may say why")]
    Exited { program: String, status: String },
    #[error("talk to {address}: {}; connect anew", match .broken {
        Some(detail) => format!("the connection broke off ({detail})"),
        None => "the server closed the connection".to_owned(),
    })]
    Disconnected { address: String, broken: Option<String> },
    #[error("talk to the server: the connection is closed")]
    Closed,
    #[error(
        "get the answer to {method}: the connection broke off ({detail}); the server may have done what was asked"
    )]
    Lost { method: String, detail: String },
    #[error("get an answer to {what} within {after:?}; allow more time if the server needs it")]
    Timeout { what: String, after: Duration },
    #[error("do {method}: the server answered: {error}")]
    Rpc { method: String, error: RpcError, status: Option<u16> },
    #[error(
        "talk to the server: it answered HTTP {status}{excerpt}; is this the address of its MCP endpoint?"
    )]
    Status { status: u16, excerpt: String },
    #[error("get past HTTP {status}: {}", if *.status == 401 {
        "the server wants a token; give one that it accepts"
    } else {
        "the server refuses these credentials, this origin or this host"
    })]
    Unauthorized { status: u16, challenge: Option<String> },
    #[error("get past the server's check of tokens: it answered: {error}; give a token that it accepts")]
    TokenRefused { error: RpcError },
    #[error("show credentials to a server on a socket: it takes bearer tokens alone")]
    NoBearer,
    #[error("get credentials for the server: {0}")]
    Credentials(#[source] BoxError),
    #[error(
        "use this address: the server redirects to {to}, which is another origin; use that address if you trust it"
    )]
    Redirect { to: String },
    #[error(
        "read the server's message: it is larger than {limit} bytes; raise the limit if you trust the server"
    )]
    TooLarge { limit: usize },
    #[error("read {what}: {detail}")]
    Malformed { what: &'static str, detail: String },
    #[error("agree on a revision: the server speaks {offered}, this client 2024-11-05 to 2026-07-28{}", asked_for(.wanted))]
    Version { offered: String, wanted: Option<Revision> },
    #[error(
        "speak {} with this server: {source}; it may be of an older era, which era detection would find out",
        Revision::LATEST_MODERN
    )]
    NotModern { source: ClientError },
    #[error("read the result of {method}: its resultType \"{found}\" is unknown")]
    ResultType { method: String, found: String },
    #[error("finish {method}: the server asks for input with {asked}, and nobody here answers that")]
    Unanswered { method: String, asked: String },
    #[error("finish {method}: the server's {asked} was not answered: {refusal}")]
    Refusal { method: String, asked: String, refusal: Refusal },
    #[error("finish {method}: the server still asks after {limit} rounds; raise the limit if you trust it")]
    TooManyRounds { method: String, limit: usize },
    #[error("finish the task {task}: it was cancelled{}", said(.message))]
    TaskCancelled { task: String, message: Option<String> },
    #[error("talk to the server: its event stream ended; connect anew")]
    StreamEnded,
    #[error("use the server's endpoint {to}: it is of another origin than the server")]
    ForeignEndpoint { to: String },
    #[error("list everything with {method}: the server gave the cursor \"{cursor}\" twice")]
    RepeatedCursor { method: &'static str, cursor: String },
    #[error(
        "list everything with {method}: there is no end after {limit} pages; raise the limit if you trust the server"
    )]
    TooManyPages { method: &'static str, limit: usize },
    #[error(
        "list everything with {method}: the pages hold more than {limit} bytes; raise the limit if you trust the server"
    )]
    ListTooLarge { method: &'static str, limit: usize },
    #[error("call the tool {tool}: its definition is not valid over HTTP: {source}")]
    ToolAnnotation { tool: String, source: AnnotationError },
    #[error("call the tool {tool}: {header}: {source}")]
    Argument { tool: String, header: String, source: ArgumentError },
    #[error("send {method}: {reason}")]
    Params { method: String, reason: &'static str },
    #[error("read the {what}: {source}; the raw JSON is still there")]
    View { what: &'static str, source: serde_json::Error },
    #[error("read the certificates in {}: {detail}", .path.display())]
    Certificates { path: PathBuf, detail: String },
    #[error("use the bearer token: it is empty, or holds what a header cannot carry")]
    Token,
}

fn said(message: &Option<String>) -> String {
    message
        .as_ref()
        .map(|message| format!(" ({})", message.chars().take(200).collect::<String>()))
        .unwrap_or_default()
}

fn asked_for(wanted: &Option<Revision>) -> String {
    wanted.map(|revision| format!(" (asked for {revision})")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rpc(method: &str, code: ErrorCode) -> ClientError {
        Fault::Rpc { method: method.to_owned(), error: RpcError::new(code, "no"), status: Some(200) }.into()
    }

    #[test]
    fn rsc_3_both_codes_mean_a_missing_resource_and_only_for_resources() {
        assert!(rpc("resources/read", ErrorCode::RESOURCE_NOT_FOUND).is_resource_not_found());
        assert!(rpc("resources/read", ErrorCode::INVALID_PARAMS).is_resource_not_found());
        assert!(!rpc("resources/read", ErrorCode::INTERNAL_ERROR).is_resource_not_found());
        assert!(!rpc("tools/call", ErrorCode::INVALID_PARAMS).is_resource_not_found());
    }

    #[test]
    fn messages_name_the_mend() {
        let refused = ClientError::from(Fault::Refused { address: "127.0.0.1:1".to_owned() });
        assert_eq!(refused.to_string(), "connection refused by 127.0.0.1:1; is the server running?");
        assert!(refused.is_unreachable() && !refused.is_timeout() && refused.rpc().is_none());
        let timeout = ClientError::timeout("tools/call", Duration::from_secs(60));
        assert!(timeout.is_timeout());
        assert_eq!(
            timeout.to_string(),
            "get an answer to tools/call within 60s; allow more time if the server needs it"
        );
    }
}

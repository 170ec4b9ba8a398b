//! A connection to a server, whatever carries it.

use bytes::Bytes;
use http::HeaderMap;
use latimer_protocol::RawJson;

use crate::error::ClientError;
use crate::http::{LegacyHttp, ModernHttp};
use crate::stdio::{StdioConnection, WhenDropped};

/// How messages reach the server and its answers come back.
pub(crate) enum Connection {
    Stdio(StdioConnection),
    Modern(ModernHttp),
    Legacy(LegacyHttp),
}

/// A request that is ready to be sent.
pub(crate) struct Outgoing<'a> {
    pub(crate) id: u64,
    pub(crate) method: &'a str,
    /// The headers that repeat its content; empty unless it goes to a modern server over HTTP.
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Connection {
    /// Sends a request and waits for its result. Dropping the future cancels the request.
    pub(crate) async fn exchange(&self, request: Outgoing<'_>) -> Result<RawJson, ClientError> {
        let Outgoing { id, method, headers, body } = request;
        match self {
            Self::Stdio(stdio) => stdio.exchange(id, method, &body, WhenDropped::Cancel).await,
            Self::Modern(http) => http.exchange(id, method, headers, &body).await,
            Self::Legacy(http) => http.exchange(id, method, &body).await,
        }
    }

    /// Whether requests carry headers that repeat their content.
    pub(crate) fn has_headers(&self) -> bool {
        matches!(self, Self::Modern(_))
    }

    pub(crate) async fn close(&self) {
        match self {
            Self::Stdio(stdio) => stdio.close().await,
            Self::Modern(_) => {}
            Self::Legacy(http) => http.close().await,
        }
    }
}

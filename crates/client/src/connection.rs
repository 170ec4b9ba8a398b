//! A connection to a server, whatever carries it.

use bytes::Bytes;
use http::HeaderMap;
use latimer_protocol::RawJson;

use crate::error::ClientError;
use crate::http::{LegacyHttp, ModernHttp, SseHttp};
use crate::stream::{StreamConnection, WhenDropped};

/// How messages reach the server and its answers come back.
pub(crate) enum Connection {
    Stream(StreamConnection),
    Modern(ModernHttp),
    Legacy(LegacyHttp),
    Sse(SseHttp),
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
            Self::Stream(stream) => stream.exchange(id, method, &body, WhenDropped::Cancel).await,
            Self::Modern(http) => http.exchange(id, method, headers, &body).await,
            Self::Legacy(http) => http.exchange(id, method, &body).await,
            Self::Sse(sse) => sse.exchange(id, method, &body).await,
        }
    }

    /// Whether requests carry headers that repeat their content.
    pub(crate) fn has_headers(&self) -> bool {
        matches!(self, Self::Modern(_))
    }

    /// Sends a notification.
    pub(crate) async fn tell(&self, body: Bytes) -> Result<(), ClientError> {
        match self {
            Self::Stream(stream) => stream.write(&body).await,
            // There is none that goes to a modern server over HTTP (H-5).
            Self::Modern(_) => Ok(()),
            Self::Legacy(http) => http.tell(body).await,
            Self::Sse(sse) => sse.tell(body).await,
        }
    }

    /// Makes sure that what the server says in the session outside of calls is heard.
    pub(crate) async fn hear(&self) {
        if let Self::Legacy(http) = self {
            http.hear().await;
        }
    }

    /// Stands for the credentials that requests carry now; `None` where they cannot be had.
    pub(crate) async fn principal(&self) -> Option<u64> {
        match self {
            Self::Modern(http) => http.principal().await,
            Self::Stream(_) | Self::Legacy(_) | Self::Sse(_) => Some(0),
        }
    }

    /// Waits until what the server says in the session can no longer be heard, and tells why.
    pub(crate) async fn over(&self) -> ClientError {
        match self {
            Self::Stream(stream) => stream.over().await,
            Self::Sse(sse) => sse.over().await,
            // Requests stand for themselves, and sessions are renewed.
            Self::Modern(_) | Self::Legacy(_) => std::future::pending().await,
        }
    }

    pub(crate) async fn close(&self) {
        match self {
            Self::Stream(stream) => stream.close().await,
            Self::Modern(_) => {}
            Self::Legacy(http) => http.close().await,
            Self::Sse(sse) => sse.close(),
        }
    }
}

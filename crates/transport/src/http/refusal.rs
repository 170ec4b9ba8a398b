//! Answers to requests that do not get as far as a method.

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Response, StatusCode, header};
use latimer_core::admission::Busy;
use latimer_core::engine::Reply;
use latimer_core::session::SessionError;
use latimer_protocol::{ErrorCode, RequestId, Revision, RpcError};

use super::body::ResponseBody;
use super::content;

/// A request that was refused: what to answer, and whether strict mode empties the body.
#[derive(Clone, Debug)]
pub(super) struct Refusal {
    status: StatusCode,
    error: RpcError,
    id: Option<RequestId>,
    kind: Kind,
    headers: Vec<(HeaderName, HeaderValue)>,
}

/// What was wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Its host or origin, headers, or session: `strict_empty_errors` empties the body.
    Envelope,
    /// Its content.
    Content,
}

impl Refusal {
    pub(super) fn envelope(status: StatusCode, message: impl Into<std::borrow::Cow<'static, str>>) -> Self {
        Self::new(status, RpcError::invalid_request(message), Kind::Envelope)
    }

    pub(super) fn content(status: StatusCode, error: RpcError) -> Self {
        Self::new(status, error, Kind::Content)
    }

    fn new(status: StatusCode, error: RpcError, kind: Kind) -> Self {
        Self { status, error, id: None, kind, headers: Vec::new() }
    }

    /// A request that is refused under its id.
    pub(super) fn to(mut self, id: Option<RequestId>) -> Self {
        self.id = id;
        self
    }

    pub(super) fn with(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }

    pub(super) fn status(&self) -> StatusCode {
        self.status
    }

    pub(super) fn busy(busy: Busy) -> Self {
        let status = match busy {
            Busy::Server => StatusCode::SERVICE_UNAVAILABLE,
            Busy::Caller => StatusCode::TOO_MANY_REQUESTS,
        };
        Self::content(status, RpcError::new(ErrorCode::INTERNAL_ERROR, busy.to_string())).retry_after()
    }

    pub(super) fn session(error: &SessionError) -> Self {
        match error {
            SessionError::Gone => Self::envelope(StatusCode::NOT_FOUND, error.to_string()),
            SessionError::ServerFull => Self::content(
                StatusCode::SERVICE_UNAVAILABLE,
                RpcError::new(ErrorCode::INTERNAL_ERROR, error.to_string()),
            )
            .retry_after(),
            SessionError::CallerFull => Self::content(
                StatusCode::TOO_MANY_REQUESTS,
                RpcError::new(ErrorCode::INTERNAL_ERROR, error.to_string()),
            )
            .retry_after(),
            SessionError::Client => {
                Self::content(StatusCode::BAD_REQUEST, RpcError::invalid_params(error.to_string()))
            }
            SessionError::Store(cause) => Self::store(cause),
        }
    }

    pub(super) fn store(cause: &dyn std::error::Error) -> Self {
        tracing::error!(error = %cause, "the store failed");
        let error =
            RpcError::new(ErrorCode::INTERNAL_ERROR, "the server cannot reach its store; try again later");
        Self::content(StatusCode::SERVICE_UNAVAILABLE, error).retry_after()
    }

    fn retry_after(self) -> Self {
        self.with(header::RETRY_AFTER, HeaderValue::from_static("1"))
    }

    /// What is answered of it in a batch.
    pub(super) fn into_reply(self, revision: Revision) -> Reply {
        tracing::debug!(reason = %self.error.message, "refused a message of a batch");
        Reply::error(self.id.as_ref(), &self.error, revision)
    }

    /// The response for a caller of a revision.
    pub(super) fn into_response(self, revision: Revision, strict: bool) -> Response<ResponseBody> {
        if self.status.is_server_error() || self.kind == Kind::Envelope {
            tracing::info!(status = self.status.as_u16(), reason = %self.error.message, "refused a request");
        } else {
            tracing::debug!(status = self.status.as_u16(), reason = %self.error.message, "refused a request");
        }
        let mut response = if strict && self.kind == Kind::Envelope {
            let mut response = Response::new(ResponseBody::empty());
            *response.status_mut() = self.status;
            response
        } else {
            let reply = Reply::error(self.id.as_ref(), &self.error, revision);
            json(self.status, reply.bytes)
        };
        for (name, value) in self.headers {
            response.headers_mut().insert(name, value);
        }
        response
    }
}

/// A JSON response.
pub(super) fn json(status: StatusCode, bytes: Bytes) -> Response<ResponseBody> {
    let mut response = Response::new(ResponseBody::full(bytes));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, content::JSON);
    response
}

/// A response without a body.
pub(super) fn empty(status: StatusCode) -> Response<ResponseBody> {
    let mut response = Response::new(ResponseBody::empty());
    *response.status_mut() = status;
    response
}

//! The reply to a request, as bytes.

use bytes::Bytes;
use latimer_protocol::encode::{CacheHint, ResultBody, Stamp, write_error, write_response};
use latimer_protocol::wire::EmptyResult;
use latimer_protocol::{ErrorCode, RequestId, Revision, RpcError};

use super::{Engine, Request};

/// A JSON-RPC response, complete, for the revision of its request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The response's JSON.
    pub bytes: Bytes,
    /// The code, if it is an error.
    pub error: Option<ErrorCode>,
}

impl Reply {
    /// The response that says nothing but that it was done.
    pub fn empty(id: &RequestId, revision: Revision) -> Self {
        let mut out = Vec::with_capacity(64);
        let stamp = Stamp { server_info: None, cache: None };
        match write_response(id.as_id(), &EmptyResult, revision, &stamp, &mut out) {
            Ok(()) => Self { bytes: out.into(), error: None },
            Err(_) => Self::error(Some(id), &RpcError::internal(&crate::error::reference()), revision),
        }
    }

    /// An error response; without an id where none could be read (BASE-2).
    pub fn error(id: Option<&RequestId>, error: &RpcError, revision: Revision) -> Self {
        let mut out = Vec::with_capacity(160);
        write_error(id.map(RequestId::as_id), error, revision.era(), &mut out);
        Self { bytes: out.into(), error: Some(error.code) }
    }
}

impl Engine {
    pub(crate) fn reply(
        &self,
        request: &Request,
        result: &impl ResultBody,
        cache: Option<CacheHint>,
    ) -> Result<Reply, RpcError> {
        let mut out = Vec::with_capacity(512);
        let stamp = Stamp { server_info: Some(&self.0.info), cache };
        match write_response(request.id.as_id(), result, request.caller.revision, &stamp, &mut out) {
            Ok(()) => Ok(Reply { bytes: out.into(), error: None }),
            Err(error) => {
                let reference = crate::error::reference();
                tracing::error!(%reference, %error, method = request.method.name, "a result could not be written");
                Err(RpcError::internal(&reference))
            }
        }
    }
}

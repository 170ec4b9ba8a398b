//! JSON-RPC errors and the codes that the protocol gives meaning to.

use std::borrow::Cow;
use std::fmt;

use crate::raw::RawJson;

/// A JSON-RPC error code (requirements BASE-5, BASE-8).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ErrorCode(pub i64);

impl ErrorCode {
    /// The text is not JSON.
    pub const PARSE_ERROR: Self = Self(-32700);
    /// The JSON is not a request.
    pub const INVALID_REQUEST: Self = Self(-32600);
    /// No such method, or one that was not advertised.
    pub const METHOD_NOT_FOUND: Self = Self(-32601);
    /// The parameters do not fit the method.
    pub const INVALID_PARAMS: Self = Self(-32602);
    /// Something failed on this side.
    pub const INTERNAL_ERROR: Self = Self(-32603);
    /// No such resource, up to 2025-11-25 (RSC-3).
    pub const RESOURCE_NOT_FOUND: Self = Self(-32002);
    /// A page has to be opened first, in 2025-11-25 only (EL-5).
    pub const URL_ELICITATION_REQUIRED: Self = Self(-32042);
    /// A header contradicts the body, from 2026-07-28 on (HDR-2).
    pub const HEADER_MISMATCH: Self = Self(-32020);
    /// The request needs a capability that its client did not declare, from 2026-07-28 on (VER-7).
    pub const MISSING_CLIENT_CAPABILITY: Self = Self(-32021);
    /// The revision is not served, from 2026-07-28 on (VER-3).
    pub const UNSUPPORTED_PROTOCOL_VERSION: Self = Self(-32022);
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A JSON-RPC error as it goes over the wire: what the peer may know, and no more.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message} ({code})")]
pub struct RpcError {
    /// The code.
    pub code: ErrorCode,
    /// What is wrong and how to mend it, in words.
    pub message: Cow<'static, str>,
    /// Details for programs.
    pub data: Option<RawJson>,
}

impl RpcError {
    /// An error without details.
    pub fn new(code: ErrorCode, message: impl Into<Cow<'static, str>>) -> Self {
        Self { code, message: message.into(), data: None }
    }

    /// The same with details.
    #[must_use]
    pub fn with_data(mut self, data: RawJson) -> Self {
        self.data = Some(data);
        self
    }

    /// -32602.
    pub fn invalid_params(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorCode::INVALID_PARAMS, message)
    }

    /// -32600.
    pub fn invalid_request(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorCode::INVALID_REQUEST, message)
    }

    /// -32601, naming the method.
    pub fn method_not_found(method: &str) -> Self {
        let shown: String = method.chars().take(64).collect();
        Self::new(ErrorCode::METHOD_NOT_FOUND, format!("method not found: {shown}"))
    }

    /// -32603 under a reference that stands in the log beside the cause.
    pub fn internal(reference: &str) -> Self {
        Self::new(
            ErrorCode::INTERNAL_ERROR,
            format!("internal error; the log has it under reference {reference}"),
        )
    }

    /// Writes the error object: `{"code":…,"message":…}` with `data` where there is some.
    pub fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"{\"code\":");
        out.extend_from_slice(self.code.to_string().as_bytes());
        out.extend_from_slice(b",\"message\":");
        crate::text::write_string(&self.message, out);
        if let Some(data) = &self.data {
            out.extend_from_slice(b",\"data\":");
            out.extend_from_slice(data.as_str().as_bytes());
        }
        out.push(b'}');
    }
}

//! Servers that listen on HTTP: Streamable HTTP, modern and legacy, and the HTTP+SSE of 2024-11-05.

mod answer;
mod cancel;
mod endpoint;
mod headers;
mod legacy;
mod listen;
mod modern;
mod sse;

use http::HeaderName;

pub(crate) use self::endpoint::Endpoint;
pub(crate) use self::headers::standard;
pub(crate) use self::legacy::LegacyHttp;
pub(crate) use self::modern::ModernHttp;
pub(crate) use self::sse::SseHttp;

const VERSION: HeaderName = HeaderName::from_static("mcp-protocol-version");
const METHOD: HeaderName = HeaderName::from_static("mcp-method");
const NAME: HeaderName = HeaderName::from_static("mcp-name");
const SESSION_ID: HeaderName = HeaderName::from_static("mcp-session-id");
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

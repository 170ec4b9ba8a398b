//! Cross-origin requests of browsers (H-21). Only origins that [`super::origin`] let in get this far.

use http::{HeaderMap, HeaderValue, Response, StatusCode, header};

use super::body::ResponseBody;
use super::origin::AllowedOrigin;
use super::refusal;

const METHODS: HeaderValue = HeaderValue::from_static("GET, POST, DELETE, OPTIONS");
const EXPOSED: HeaderValue =
    HeaderValue::from_static("WWW-Authenticate, Mcp-Session-Id, MCP-Protocol-Version");
const MAX_AGE: HeaderValue = HeaderValue::from_static("600");

/// The request headers of the protocol. `Mcp-Param-*` come on top: what the browser asks for is granted by name.
const HEADERS: [&str; 11] = [
    "content-type",
    "accept",
    "authorization",
    "mcp-protocol-version",
    "mcp-method",
    "mcp-name",
    "mcp-session-id",
    "last-event-id",
    "traceparent",
    "tracestate",
    "baggage",
];

/// Answers a browser that asks what it may send.
pub(super) fn preflight(headers: &HeaderMap) -> Response<ResponseBody> {
    let mut response = refusal::empty(StatusCode::NO_CONTENT);
    let out = response.headers_mut();
    let asked = headers.get(header::ACCESS_CONTROL_REQUEST_HEADERS).and_then(|value| value.to_str().ok());
    let params = asked.unwrap_or_default().split(',').map(|name| name.trim().to_ascii_lowercase());
    let params = params.filter(|name| name.starts_with("mcp-param-"));
    let allowed: Vec<String> = HEADERS.iter().map(|name| (*name).to_owned()).chain(params).collect();
    if let Ok(allowed) = HeaderValue::from_str(&allowed.join(", ")) {
        out.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, allowed);
    }
    out.insert(header::ACCESS_CONTROL_ALLOW_METHODS, METHODS);
    out.insert(header::ACCESS_CONTROL_MAX_AGE, MAX_AGE);
    response
}

/// Lets the browser hand the response to its page.
pub(super) fn expose(origin: Option<&AllowedOrigin>, headers: &mut HeaderMap) {
    headers.append(header::VARY, HeaderValue::from_static("Origin"));
    let Some(origin) = origin.and_then(|origin| HeaderValue::from_str(&origin.0).ok()) else { return };
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
}

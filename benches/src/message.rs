//! The requests that are sent.

use serde_json::{Value, json};

use crate::payload::Payload;

/// A kind of client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Client {
    /// Of 2025-11-25, in a session.
    Legacy,
    /// Of 2026-07-28.
    Modern,
}

impl Client {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Legacy, Self::Modern];

    /// What it is called in tables and in the budget.
    pub fn name(self) -> &'static str {
        match self {
            Self::Legacy => "legacy",
            Self::Modern => "modern",
        }
    }
}

/// A `tools/call` as an HTTP/1.1 request. Calls of one session that are in flight together need ids of their own.
pub fn call(client: Client, payload: Payload, session: Option<&str>, id: u64) -> Vec<u8> {
    post_call(client, payload.tool(), session, &call_body(client, payload, id))
}

/// A body as an HTTP/1.1 request that says in its headers whatever a call of `tool` has to.
pub fn post_call(client: Client, tool: &str, session: Option<&str>, body: &str) -> Vec<u8> {
    let session = session.map(|id| format!("Mcp-Session-Id: {id}\r\n")).unwrap_or_default();
    let headers = match client {
        Client::Legacy => format!("MCP-Protocol-Version: 2025-11-25\r\n{session}"),
        Client::Modern => {
            format!("MCP-Protocol-Version: 2026-07-28\r\nMcp-Method: tools/call\r\nMcp-Name: {tool}\r\n")
        }
    };
    post(&headers, body)
}

/// A `tools/call` as JSON.
pub fn call_body(client: Client, payload: Payload, id: u64) -> String {
    body(client, payload.tool(), &payload.arguments(), id)
}

/// A `tools/call` with any arguments as JSON.
pub fn body(client: Client, tool: &str, arguments: &str, id: u64) -> String {
    let meta = match client {
        Client::Legacy => "",
        Client::Modern => {
            "\"_meta\":{\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\",\"io.modelcontextprotocol/clientCapabilities\":{}},"
        }
    };
    format!(
        "{{\"jsonrpc\":\"2.0\",\"id\":{id},\"method\":\"tools/call\",\"params\":{{{meta}\"name\":\"{tool}\",\"arguments\":{arguments}}}}}"
    )
}

/// `initialize` as an HTTP/1.1 request.
pub fn initialize() -> Vec<u8> {
    post("", INITIALIZE)
}

/// `notifications/initialized` as an HTTP/1.1 request.
pub fn initialized(session: &str) -> Vec<u8> {
    post(&format!("MCP-Protocol-Version: 2025-11-25\r\nMcp-Session-Id: {session}\r\n"), INITIALIZED)
}

/// A request of 2025-11-25 in a session.
pub fn in_session(session: &str, method: &str, params: &Value) -> Vec<u8> {
    let body = json!({"jsonrpc": "2.0", "id": 7, "method": method, "params": params});
    post(&format!("MCP-Protocol-Version: 2025-11-25\r\nMcp-Session-Id: {session}\r\n"), &body.to_string())
}

/// A GET that opens the stream of a session.
pub fn stream(session: &str) -> Vec<u8> {
    format!(
        "GET /mcp HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\nMCP-Protocol-Version: 2025-11-25\r\nMcp-Session-Id: {session}\r\n\r\n"
    )
    .into_bytes()
}

/// `initialize` as JSON.
pub const INITIALIZE: &str = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"initialize\",\"params\":{\"protocolVersion\":\"2025-11-25\",\"capabilities\":{},\"clientInfo\":{\"name\":\"load\",\"version\":\"1\"}}}";

/// `notifications/initialized` as JSON.
pub const INITIALIZED: &str = "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}";

/// A POST of a body to `/mcp`.
pub fn post(headers: &str, body: &str) -> Vec<u8> {
    format!(
        "POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nAccept: application/json, text/event-stream\r\n{headers}Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

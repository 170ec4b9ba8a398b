//! The requests that are sent.

/// The text that `echo` gets and gives back.
pub const TEXT: &str = "abcdefghijklmnopqrstuvwxyz012345";

/// A kind of client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Client {
    /// Of 2025-11-25, in a session.
    Legacy,
    /// Of 2026-07-28.
    Modern,
}

/// A `tools/call` of `echo` as an HTTP/1.1 request.
pub fn call(client: Client, session: Option<&str>) -> Vec<u8> {
    let body = call_body(client, 7);
    match client {
        Client::Legacy => {
            let session = session.map(|id| format!("Mcp-Session-Id: {id}\r\n")).unwrap_or_default();
            post(&format!("MCP-Protocol-Version: 2025-11-25\r\n{session}"), &body)
        }
        Client::Modern => {
            post("MCP-Protocol-Version: 2026-07-28\r\nMcp-Method: tools/call\r\nMcp-Name: echo\r\n", &body)
        }
    }
}

/// A `tools/call` of `echo` as JSON.
pub fn call_body(client: Client, id: u64) -> String {
    let arguments = format!("\"name\":\"echo\",\"arguments\":{{\"message\":\"{TEXT}\"}}");
    let meta = match client {
        Client::Legacy => "",
        Client::Modern => {
            "\"_meta\":{\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\",\"io.modelcontextprotocol/clientCapabilities\":{}},"
        }
    };
    format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"method\":\"tools/call\",\"params\":{{{meta}{arguments}}}}}")
}

/// `initialize` as an HTTP/1.1 request.
pub fn initialize() -> Vec<u8> {
    post("", INITIALIZE)
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

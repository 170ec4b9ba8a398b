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
    let arguments = format!("\"name\":\"echo\",\"arguments\":{{\"message\":\"{TEXT}\"}}");
    match client {
        Client::Legacy => {
            let body = format!(
                "{{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"tools/call\",\"params\":{{{arguments}}}}}"
            );
            let session = session.map(|id| format!("Mcp-Session-Id: {id}\r\n")).unwrap_or_default();
            post(&format!("MCP-Protocol-Version: 2025-11-25\r\n{session}"), &body)
        }
        Client::Modern => {
            let meta = "\"_meta\":{\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\",\"io.modelcontextprotocol/clientCapabilities\":{}}";
            let body = format!(
                "{{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"tools/call\",\"params\":{{{meta},{arguments}}}}}"
            );
            post("MCP-Protocol-Version: 2026-07-28\r\nMcp-Method: tools/call\r\nMcp-Name: echo\r\n", &body)
        }
    }
}

/// `initialize` as an HTTP/1.1 request.
pub fn initialize() -> Vec<u8> {
    post(
        "",
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"initialize\",\"params\":{\"protocolVersion\":\"2025-11-25\",\"capabilities\":{},\"clientInfo\":{\"name\":\"load\",\"version\":\"1\"}}}",
    )
}

/// A POST of a body to `/mcp`.
pub fn post(headers: &str, body: &str) -> Vec<u8> {
    format!(
        "POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nAccept: application/json, text/event-stream\r\n{headers}Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

//! A server inside an axum application, beside its other routes.

use axum::Router;
use axum::routing::get;
use latimer::prelude::*;

/// Rolls a die.
#[tool(read_only, inline)]
fn roll(
    /// How many sides it has.
    #[arg(default = 6)]
    sides: u32,
) -> Result<u32, ToolError> {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let nanos = now.map_or(0, |time| time.subsec_nanos());
    nanos.checked_rem(sides).map(|side| side + 1).ok_or_else(|| ToolError::new("a die has at least one side"))
}

async fn app() -> latimer::Result<Router> {
    let server = Server::new("dice").version(env!("CARGO_PKG_VERSION")).tool(roll);
    let app = Router::new()
        .route("/", get(|| async { "The MCP endpoint is /mcp." }))
        .route_service("/mcp", server.into_service().await?);
    Ok(app)
}

#[tokio::main]
async fn main() -> latimer::Result {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:12201").await?;
    axum::serve(listener, app().await?).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    #[tokio::test]
    async fn the_endpoint_stands_beside_other_routes() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let app = app().await.unwrap();
        tokio::spawn(async move { axum::serve(listener, app).await });
        let body = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"roll","arguments":{"sides":1},"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}}}"#;
        let request = format!(
            "POST /mcp HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\
             Content-Type: application/json\r\nAccept: application/json, text/event-stream\r\n\
             MCP-Protocol-Version: 2026-07-28\r\nMcp-Method: tools/call\r\nMcp-Name: roll\r\n\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        );
        let answer = exchange(address, &request).await;
        assert!(answer.starts_with("HTTP/1.1 200 ") && answer.contains(r#""text":"1""#), "{answer}");
        let root = format!("GET / HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
        assert!(exchange(address, &root).await.ends_with("The MCP endpoint is /mcp."));
    }

    async fn exchange(address: std::net::SocketAddr, request: &str) -> String {
        let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }
}

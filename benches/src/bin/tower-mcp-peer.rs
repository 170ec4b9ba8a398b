//! The peer on tower-mcp: the tools of the subject on its HTTP transport, as it is by default: sessions for older clients, JSON
//! answers. Its feature `schema-validation` is off, which is what it does fastest. Prints its address.
#![allow(clippy::print_stdout, reason = "the address is this program's output")]

use latimer_bench::arguments::{Message, Records};
use tower_mcp::transport::http::HttpTransport;
use tower_mcp::{CallToolResult, McpRouter, ToolBuilder};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let echo = ToolBuilder::new("echo")
        .description("Returns the message as it is.")
        .handler(|Message { message }: Message| async move { Ok(CallToolResult::text(message)) })
        .build();
    let count = ToolBuilder::new("count")
        .description("Counts the records.")
        .handler(|Records { records }: Records| async move {
            Ok(CallToolResult::text(format!("{} records", records.len())))
        })
        .build();
    let router = McpRouter::new().server_info("bench", "1.0.0").tool(echo).tool(count);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        println!("{}", listener.local_addr()?);
        let listener = axum::serve::ListenerExt::tap_io(listener, |socket| {
            // A socket that is gone already needs no setting.
            let _ = socket.set_nodelay(true);
        });
        axum::serve(listener, HttpTransport::new(router).into_router_at("/mcp")).await?;
        Ok(())
    })
}

//! The peer that `streams` measures beside Latimer: one tool on rmcp's own stdio server, written as its documentation has it.
//!
//! Without an argument it takes rmcp's `stdio`, with `pipes` its `stdio_pipes`, which reads and writes pipes without a thread
//! in between.

use rmcp::handler::server::wrapper::Parameters;
use rmcp::{ServiceExt, schemars, tool, tool_router, transport};

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Message {
    /// What to return.
    message: String,
}

#[derive(Clone)]
struct Echo;

#[tool_router(server_handler)]
impl Echo {
    #[tool(description = "Returns the message as it is.")]
    async fn echo(&self, Parameters(Message { message }): Parameters<Message>) -> String {
        message
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    if std::env::args().nth(1).as_deref() == Some("pipes") {
        Echo.serve(transport::io::stdio_pipes()).await?.waiting().await?;
    } else {
        Echo.serve(transport::io::stdio()).await?.waiting().await?;
    }
    Ok(())
}

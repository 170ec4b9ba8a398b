//! The server that is measured: one tool, with validation, limits and identity as they are by default.

use latimer::prelude::*;

/// Answers with its argument.
#[tool(read_only)]
async fn echo(message: String) -> String {
    message
}

/// The server.
pub fn server() -> Server {
    Server::new("bench").tool(echo)
}

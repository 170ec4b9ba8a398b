//! The server that is measured, with validation, limits and identity as they are by default.

use latimer::prelude::*;
use latimer::{BuildError, IntoTool};
use latimer_core::catalog::CatalogError;
use latimer_core::{Engine, Limits};

use crate::arguments::Record;

/// Answers with its argument.
#[tool(read_only)]
async fn echo(message: String) -> String {
    message
}

/// Counts its records.
#[tool(read_only)]
async fn count(records: Vec<Record>) -> String {
    format!("{} records", records.len())
}

/// The server.
pub fn server() -> Server {
    Server::new("bench").tool(echo).tool(count)
}

/// How many tools [`long`] has beside the others.
pub const TOOLS: usize = 1_000;

/// Sends so many notifications of progress, each with a text of so many bytes.
#[tool]
async fn notify(cx: &Context, count: u32, bytes: usize) -> String {
    let text = "x".repeat(bytes.min(64 << 10));
    for step in 1..=count {
        cx.progress(f64::from(step), f64::from(count), &text);
        // As a handler that does something: others get their turn.
        tokio::task::yield_now().await;
    }
    format!("{count} notifications")
}

/// The server with a long list of tools, and one that sends notifications.
pub fn long() -> Server {
    let tools = (0..TOOLS).map(|at| IntoTool::into_tool(echo).named(format!("echo_{at}")));
    tools.fold(server().tool(notify), Server::tool)
}

/// An engine that does the same in every profile: in debug builds, too, no handler runs twice.
///
/// # Errors
/// When the server cannot be built or loaded.
pub async fn engine(server: Server, limits: Limits) -> Result<Engine, EngineError> {
    let engine = Engine::builder().limits(limits).reruns(false).build();
    engine.catalog().load(server.into_source()?).await?;
    Ok(engine)
}

/// Why there is no engine.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub enum EngineError {
    /// The server is faulty.
    Server(#[from] BuildError),
    /// The catalog does not take it.
    Catalog(#[from] CatalogError),
}

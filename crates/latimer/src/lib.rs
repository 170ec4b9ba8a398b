//! Write servers for the Model Context Protocol: a tool is a function.
//!
//! ```no_run
//! use latimer::prelude::*;
//!
//! /// Adds two numbers.
//! #[tool(read_only)]
//! fn add(a: f64, b: f64) -> f64 {
//!     a + b
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> latimer::Result {
//! let client = Server::new("calculator").tool(add).test().await?;
//! assert_eq!(client.call("add", json!({ "a": 1, "b": 2 })).await?.text(), "3");
//! # Ok(()) }
//! ```
//!
//! The [`guide`] tells the rest, chapter by chapter.

mod app;
mod arguments;
mod complete;
mod contents;
mod error;
pub mod guide;
mod handle;
mod integral;
mod layer;
mod messages;
mod misread;
mod output;
mod part;
pub mod prelude;
mod prompt;
mod resource;
mod run;
mod schema;
mod server;
mod service;
mod source;
mod state;
mod support;
mod testing;
mod tool;

pub use app::App;
pub use arguments::{Args, Argument, TextArgument};
pub use complete::{Complete, IntoSuggestions, Suggestions};
pub use contents::IntoContents;
pub use error::{BuildError, HandleError};
pub use handle::Handle;
pub use latimer_core::ask::{self, AskError, Elicited, Form, FormChoice, SealKeys, UrlRequired};
pub use latimer_core::call::{Answer, Call, Operation, Outcome, Partial};
pub use latimer_core::extension::{
    Extension, ExtensionCall, ExtensionDefinition, ExtensionId, ExtensionIdError, ExtensionMethod,
    ExtensionResult,
};
pub use latimer_core::middleware::{Middleware, Next};
pub use latimer_core::source::{Definition, Definitions, Requirement, Source, SourceError};
pub use latimer_core::{
    BoxFuture, CallError as Error, Context, Engine, Peer, Principal, Question, SessionLine, ToolError,
};
pub use latimer_macros::{Form, FormChoice, Structured, prompt, resource, tool, tools};
pub use latimer_protocol::{RawJson, Revision, RpcError, wire};
pub use latimer_skills::{Skill, Skills, SkillsError};
pub use latimer_transport::http::{HttpOptions, HttpService};
pub use layer::{LayerError, LayeredService, NextService};
pub use messages::IntoMessages;
pub use output::{IntoToolResult, Json};
pub use part::{Part, Parts};
pub use prompt::{IntoPrompt, Prompt};
pub use resource::{IntoResource, ReadRequest, Resource};
pub use run::{run, serve};
pub use server::Server;
pub use state::State;
pub use testing::{Called, Elicitation, Exchange, TestClient, TestError, UserAnswer};
pub use tool::{IntoTool, Tool};

/// What handlers and `main` return. `?` turns every error of `std` into an [`Error`].
pub type Result<T = (), E = Error> = std::result::Result<T, E>;

/// What the attributes generate calls; not for use by hand.
#[doc(hidden)]
pub mod __private {
    pub use crate::support::*;
}

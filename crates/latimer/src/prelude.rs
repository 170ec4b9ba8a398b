//! What most servers use: `use latimer::prelude::*`.

pub use latimer_macros::{Structured, prompt, resource, tool, tools};
pub use serde_json::json;

pub use crate::wire::{ContentBlock, GetPromptResult, LogLevel, PromptMessage, ResourceContents};
pub use crate::{Args, Context, Handle, Json, Prompt, Resource, Server, State, Tool, ToolError};

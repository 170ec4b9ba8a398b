//! What most servers use: `use latimer::prelude::*`.

pub use latimer_macros::{Form, FormChoice, Structured, prompt, resource, tool, tools};
pub use serde_json::json;

pub use crate::ask::{Elicited, Form, FormChoice, UrlRequired};
pub use crate::wire::{ContentBlock, GetPromptResult, LogLevel, PromptMessage, ResourceContents};
pub use crate::{
    Args, AskError, Context, Handle, Json, Prompt, Requirement, Resource, Server, State, Tool, ToolError,
};

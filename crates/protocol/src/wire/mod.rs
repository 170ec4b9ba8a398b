//! What servers send, as types in the newest superset form.
//!
//! Authors and the core build these values; [`encode`](crate::encode) reduces them to what the caller's
//! revision knows. Results are written by hand into the reply buffer (see
//! [`ResultBody`](crate::encode::ResultBody)), definitions by `serde`, once per list.

mod annotations;
mod capability;
mod client_capability;
mod completion;
mod content;
mod elicitation;
mod handshake;
mod icon;
mod log;
mod notification;
mod progress;
mod prompt;
mod resource;
mod roots;
mod sampling;
mod task;
mod tool;
mod tool_result;
mod ui;

pub use annotations::{Annotations, Role};
pub use capability::{ListCapability, ResourcesCapability, ServerCapabilities};
pub use client_capability::{CapabilitiesError, ClientCapabilities};
pub use completion::CompleteResult;
pub use content::{
    AudioContent, ContentBlock, ContentError, EmbeddedResource, ImageContent, ResourceLink, TextContent,
};
pub use elicitation::{ElicitAction, ElicitForm, ElicitParams, ElicitResult, ElicitUrl};
pub use handshake::{DiscoverResult, EmptyResult, Implementation, InitializeResult};
pub use icon::{Icon, Theme};
pub use log::{LogLevel, UnknownLogLevel};
pub use notification::{CancelledParams, LogParams, ResourceUpdatedParams};
pub use progress::{ProgressParams, ProgressToken, ProgressTokenError};
pub use prompt::{GetPromptResult, Prompt, PromptArgument, PromptMessage};
pub use resource::{
    ContentsError, ReadResourceResult, Resource, ResourceBody, ResourceContents, ResourceTemplate,
};
pub use roots::{ListRootsResult, Root};
pub use sampling::{
    CreateMessageParams, CreateMessageResult, ModelHint, ModelPreferences, SamplingContent,
    SamplingContentError, SamplingContents, SamplingMessage, ToolResult, ToolUse,
};
pub use task::{Task, TaskStatus};
pub use tool::{TaskSupport, Tool, ToolAnnotations, ToolExecution};
pub use tool_result::CallToolResult;
pub use ui::{UiCsp, UiPermission, UiPermissions, UiResourceMeta, UiToolMeta, UiVisibility};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Bytes in the encoding that `data` and `blob` members use: standard base64 with padding.
pub fn base64(bytes: impl AsRef<[u8]>) -> String {
    STANDARD.encode(bytes)
}

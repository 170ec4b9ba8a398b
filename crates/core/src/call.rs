//! A call on its way to the source that answers it.

use std::sync::Arc;

use latimer_protocol::wire::{CallToolResult, CompleteResult, GetPromptResult, ReadResourceResult};
use latimer_protocol::{Arguments, Method, RawJson};

use crate::catalog::{PromptEntry, ResourceEntry, TemplateEntry, ToolEntry};
use crate::context::Context;
use crate::error::CallError;
use crate::extension::{ExtensionEntry, ExtensionResult};

/// What is to be done, and for whom.
#[derive(Clone, Debug)]
pub struct Call {
    /// What is to be done.
    pub operation: Operation,
    /// For whom, and how to speak to them meanwhile.
    pub context: Context,
}

/// What a source is asked to do. The entry pins the definition that the call began with.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Operation {
    /// `tools/call`. The arguments are an object and fit the tool's input schema, unless its source checks them itself.
    CallTool {
        /// The tool.
        tool: Arc<ToolEntry>,
        /// Its arguments.
        arguments: Arguments,
    },
    /// `resources/read` of a listed resource.
    ReadResource {
        /// The resource.
        resource: Arc<ResourceEntry>,
    },
    /// `resources/read` of a URI that fits a template.
    ReadTemplate {
        /// The template.
        template: Arc<TemplateEntry>,
        /// The URI.
        uri: String,
        /// The template's variables, decoded, in the template's order.
        variables: Vec<(String, String)>,
    },
    /// `prompts/get`. The required arguments are there, all are strings.
    GetPrompt {
        /// The prompt.
        prompt: Arc<PromptEntry>,
        /// Its arguments, by name.
        arguments: Vec<(String, String)>,
    },
    /// `completion/complete` of a prompt's argument.
    CompletePrompt {
        /// The prompt.
        prompt: Arc<PromptEntry>,
        /// What is being completed.
        partial: Partial,
    },
    /// `completion/complete` of a template's variable.
    CompleteTemplate {
        /// The template.
        template: Arc<TemplateEntry>,
        /// What is being completed.
        partial: Partial,
    },
    /// A method of an extension (VER-10).
    CallExtension {
        /// The extension.
        extension: Arc<ExtensionEntry>,
        /// The row of the method.
        method: &'static Method,
        /// `params`, an object.
        params: RawJson,
    },
}

/// An argument that is being typed (CMP-1).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Partial {
    /// Its name.
    pub argument: String,
    /// What there is of its value.
    pub value: String,
    /// The arguments that are settled, by name.
    pub settled: Vec<(String, String)>,
}

impl Operation {
    /// The name or URI of what is asked for, for logs.
    pub fn target(&self) -> &str {
        match self {
            Self::CallTool { tool, .. } => tool.name(),
            Self::ReadResource { resource } => resource.uri(),
            Self::ReadTemplate { uri, .. } => uri,
            Self::GetPrompt { prompt, .. } | Self::CompletePrompt { prompt, .. } => prompt.name(),
            Self::CompleteTemplate { template, .. } => template.uri_template(),
            Self::CallExtension { method, .. } => method.name,
        }
    }
}

/// What a source answers; the kind has to match the operation.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Answer {
    /// Of `tools/call`.
    Tool(CallToolResult),
    /// Of `resources/read`.
    Resource(ReadResourceResult),
    /// Of `prompts/get`.
    Prompt(GetPromptResult),
    /// Of `completion/complete`.
    Completion(CompleteResult),
    /// Of an extension's method.
    Extension(ExtensionResult),
}

/// How a call ended.
pub type Outcome = Result<Answer, CallError>;

impl From<CallToolResult> for Answer {
    fn from(result: CallToolResult) -> Self {
        Self::Tool(result)
    }
}

impl From<ReadResourceResult> for Answer {
    fn from(result: ReadResourceResult) -> Self {
        Self::Resource(result)
    }
}

impl From<GetPromptResult> for Answer {
    fn from(result: GetPromptResult) -> Self {
        Self::Prompt(result)
    }
}

impl From<ExtensionResult> for Answer {
    fn from(result: ExtensionResult) -> Self {
        Self::Extension(result)
    }
}

impl From<CompleteResult> for Answer {
    fn from(result: CompleteResult) -> Self {
        Self::Completion(result)
    }
}

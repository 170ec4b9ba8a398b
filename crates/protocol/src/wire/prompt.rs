//! Prompts: definitions and what they expand to.

use serde::{Deserialize, Serialize};

use super::annotations::Role;
use super::content::ContentBlock;
use super::icon::Icon;
use crate::encode::{ObjectWriter, ResultBody, Shape, write_object};
use crate::raw::RawJson;
use crate::revision::Revision;

/// A prompt as `prompts/list` names it (PR-1).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Prompt {
    /// Its name.
    pub name: String,
    /// Its name for people (known from 2025-06-18 on).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// What it is good for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// What it asks for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub arguments: Vec<PromptArgument>,
    /// Pictures for it (known from 2025-11-25 on).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub icons: Vec<Icon>,
    /// Metadata, an object (known from 2025-06-18 on).
    #[serde(default, rename = "_meta", skip_serializing_if = "Option::is_none")]
    pub meta: Option<RawJson>,
}

impl Prompt {
    /// A prompt without arguments.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), ..Self::default() }
    }
}

/// One argument of a prompt (PR-3). Its value is always a string.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PromptArgument {
    /// Its name.
    pub name: String,
    /// Its name for people (known from 2025-06-18 on).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// What it means.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Whether it must be given.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub required: bool,
}

/// One message of an expanded prompt.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PromptMessage {
    /// Who says it.
    pub role: Role,
    /// What is said.
    pub content: ContentBlock,
}

impl PromptMessage {
    /// Something that the user says.
    pub fn user(content: impl Into<ContentBlock>) -> Self {
        Self { role: Role::User, content: content.into() }
    }

    /// Something that the model says.
    pub fn assistant(content: impl Into<ContentBlock>) -> Self {
        Self { role: Role::Assistant, content: content.into() }
    }

    fn write(&self, out: &mut Vec<u8>) {
        write_object(out, |object| {
            object.string("role", self.role.as_str());
            self.content.write(object.key("content"));
        });
    }
}

/// The result of `prompts/get`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct GetPromptResult {
    /// What the prompt is good for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// What it expands to.
    pub messages: Vec<PromptMessage>,
    /// Metadata, an object.
    #[serde(default, rename = "_meta", skip_serializing_if = "Option::is_none")]
    pub meta: Option<RawJson>,
}

impl GetPromptResult {
    /// A result of these messages.
    pub fn new(messages: impl IntoIterator<Item = PromptMessage>) -> Self {
        Self { messages: messages.into_iter().collect(), ..Self::default() }
    }
}

impl ResultBody for GetPromptResult {
    fn shape(&self) -> Shape {
        Shape::GetPromptResult
    }

    fn needs(&self) -> Revision {
        self.messages.iter().map(|message| message.content.needs()).max().unwrap_or(Revision::V2024_11_05)
    }

    fn meta(&self) -> Option<&RawJson> {
        self.meta.as_ref()
    }

    fn write_members(&self, object: &mut ObjectWriter<'_>) {
        object.optional_string("description", self.description.as_deref()).array(
            "messages",
            &self.messages,
            PromptMessage::write,
        );
    }
}

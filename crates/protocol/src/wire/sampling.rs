//! Asking the client's model (SA-1 to SA-4).

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::annotations::Role;
use super::content::{AudioContent, ContentBlock, ImageContent, TextContent};
use super::tool::Tool;
use crate::raw::RawJson;
use crate::revision::Revision;
use crate::rewrite;

/// The parameters of `sampling/createMessage`, in the newest form.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CreateMessageParams {
    /// The conversation so far.
    pub messages: Vec<SamplingMessage>,
    /// How many tokens the answer may have.
    pub max_tokens: u64,
    /// Which model would suit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model_preferences: Option<ModelPreferences>,
    /// What the model is told first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system_prompt: Option<String>,
    /// Whose context the client shall add: `none`, `thisServer` or `allServers` (the last two are deprecated, and
    /// want the client's `sampling.context`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub include_context: Option<String>,
    /// How daring the model shall be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub temperature: Option<f64>,
    /// Texts at which the model stops.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stop_sequences: Vec<String>,
    /// What the provider of the model shall get besides: an object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<RawJson>,
    /// Tools that the model may use (from 2025-11-25 on, for clients that declare `sampling.tools`).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tools: Vec<Tool>,
    /// Whether it must use one: an object such as `{"mode":"required"}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool_choice: Option<RawJson>,
}

/// What the client should weigh when it chooses a model; each priority lies between 0 and 1.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ModelPreferences {
    /// Parts of the names of models, the best first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hints: Vec<ModelHint>,
    /// How much a low price counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost_priority: Option<f64>,
    /// How much speed counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub speed_priority: Option<f64>,
    /// How much skill counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub intelligence_priority: Option<f64>,
}

/// A part of the name of a model.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelHint {
    /// For example `claude-3-5-sonnet` or `sonnet`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// One message of a sampled conversation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SamplingMessage {
    /// Who says it.
    pub role: Role,
    /// What is said.
    pub content: SamplingContents,
}

/// One block, or, from 2025-11-25 on, several. Written as one where there is only one.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SamplingContents(pub Vec<SamplingContent>);

/// What a sampled message is made of.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", try_from = "RawJson")]
pub enum SamplingContent {
    /// Text.
    Text(TextContent),
    /// A picture.
    Image(ImageContent),
    /// A sound (from 2025-03-26 on).
    Audio(AudioContent),
    /// The model wants a tool called (from 2025-11-25 on).
    ToolUse(ToolUse),
    /// What the tool answered (from 2025-11-25 on).
    ToolResult(ToolResult),
}

/// The model wants a tool called.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ToolUse {
    /// What the answer has to name.
    pub id: String,
    /// The tool.
    pub name: String,
    /// Its arguments, an object.
    pub input: RawJson,
}

/// What a tool answered to the model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ToolResult {
    /// The use that this answers.
    pub tool_use_id: String,
    /// What it answers.
    #[serde(default)]
    pub content: Vec<ContentBlock>,
    /// The same as data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub structured_content: Option<RawJson>,
    /// Whether the tool failed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_error: bool,
}

/// The result of `sampling/createMessage` (SA-2).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CreateMessageResult {
    /// Who says it; the assistant.
    pub role: Role,
    /// What the model says.
    pub content: SamplingContents,
    /// Which model it was.
    pub model: String,
    /// Why it stopped: `endTurn`, `stopSequence`, `maxTokens`, `toolUse` or another word.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stop_reason: Option<String>,
}

impl CreateMessageParams {
    /// A conversation that consists of one text of the user.
    pub fn text(text: impl Into<String>, max_tokens: u64) -> Self {
        Self { messages: vec![SamplingMessage::user(text)], max_tokens, ..Self::default() }
    }

    /// The oldest revision that knows everything in this value: an older client cannot be asked.
    pub fn needs(&self) -> Revision {
        let parts = |message: &SamplingMessage| match message.content.0.as_slice() {
            [SamplingContent::Text(_) | SamplingContent::Image(_)] => Revision::V2024_11_05,
            [SamplingContent::Audio(_)] => Revision::V2025_03_26,
            _ => Revision::V2025_11_25,
        };
        let tools = self.wants_tools().then_some(Revision::V2025_11_25);
        self.messages.iter().map(parts).chain(tools).max().unwrap_or(Revision::V2024_11_05)
    }

    /// Whether the model may use tools, so that the client has to have declared `sampling.tools`.
    pub fn wants_tools(&self) -> bool {
        !self.tools.is_empty() || self.tool_choice.is_some()
    }
}

impl SamplingMessage {
    /// Something that the user says.
    pub fn user(text: impl Into<String>) -> Self {
        Self { role: Role::User, content: SamplingContents::text(text) }
    }

    /// Something that the model says.
    pub fn assistant(text: impl Into<String>) -> Self {
        Self { role: Role::Assistant, content: SamplingContents::text(text) }
    }
}

impl SamplingContents {
    /// One text.
    pub fn text(text: impl Into<String>) -> Self {
        Self(vec![SamplingContent::Text(TextContent { text: text.into(), ..TextContent::default() })])
    }

    /// The texts among the blocks, joined by line breaks.
    pub fn to_text(&self) -> String {
        let texts = self.0.iter().filter_map(|block| match block {
            SamplingContent::Text(text) => Some(text.text.as_str()),
            _ => None,
        });
        texts.collect::<Vec<_>>().join("\n")
    }
}

impl Serialize for SamplingContents {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0.as_slice() {
            [one] => one.serialize(serializer),
            many => many.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for SamplingContents {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = RawJson::deserialize(deserializer)?;
        let read = if raw.as_str().starts_with('[') { raw.to() } else { raw.to().map(|one| vec![one]) };
        read.map(Self).map_err(serde::de::Error::custom)
    }
}

impl TryFrom<RawJson> for SamplingContent {
    type Error = SamplingContentError;

    fn try_from(raw: RawJson) -> Result<Self, SamplingContentError> {
        let kind = rewrite::member(raw.as_str(), "type").ok().flatten().and_then(rewrite::decode_string);
        Ok(match kind.as_deref() {
            Some("text") => Self::Text(raw.to()?),
            Some("image") => Self::Image(raw.to()?),
            Some("audio") => Self::Audio(raw.to()?),
            Some("tool_use") => Self::ToolUse(raw.to()?),
            Some("tool_result") => Self::ToolResult(raw.to()?),
            _ => return Err(SamplingContentError(None)),
        })
    }
}

/// Why JSON is no part of a sampled message.
#[derive(Debug)]
pub struct SamplingContentError(Option<serde_json::Error>);

impl std::error::Error for SamplingContentError {}

impl From<serde_json::Error> for SamplingContentError {
    fn from(error: serde_json::Error) -> Self {
        Self(Some(error))
    }
}

impl fmt::Display for SamplingContentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Some(error) => write!(f, "read a part of a sampled message: {error}"),
            None => f.write_str(
                "read a part of a sampled message: its type is not text, image, audio, tool_use or tool_result",
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sa_2_one_block_and_several_are_read_and_one_is_written_as_one() {
        for text in [
            r#"{"role":"assistant","content":{"type":"text","text":"a"},"model":"m"}"#,
            r#"{"role":"assistant","content":[{"type":"text","text":"a"},{"type":"tool_use","id":"1","name":"t","input":{}}],"model":"m","stopReason":"toolUse"}"#,
        ] {
            let result: CreateMessageResult = serde_json::from_str(text).unwrap();
            assert_eq!(result.content.to_text(), "a");
            assert_eq!(serde_json::to_string(&result).unwrap(), text);
        }
    }

    #[test]
    fn sa_1_a_plain_question_suits_every_revision() {
        let mut params = CreateMessageParams::text("hi", 10);
        assert_eq!(params.needs(), Revision::V2024_11_05);
        assert_eq!(
            serde_json::to_string(&params).unwrap(),
            r#"{"messages":[{"role":"user","content":{"type":"text","text":"hi"}}],"maxTokens":10}"#
        );
        params.tool_choice = Some(RawJson::parse(r#"{"mode":"none"}"#).unwrap());
        assert_eq!(params.needs(), Revision::V2025_11_25);
    }
}

//! What a tool call answers.

use serde::{Deserialize, Serialize};

use super::content::ContentBlock;
use crate::encode::{ObjectWriter, ResultBody, Shape};
use crate::raw::RawJson;
use crate::revision::Revision;

/// The result of `tools/call` (TOOL-6, TOOL-7).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CallToolResult {
    /// What the tool answers, for the model; may be empty.
    #[serde(default)]
    pub content: Vec<ContentBlock>,
    /// The same as data. Clients before 2026-07-28 get it only if it is an object, and before 2025-06-18 not at all.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    pub structured_content: Option<RawJson>,
    /// Whether the tool failed; the content then tells the model why.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_error: bool,
    /// Metadata, an object.
    #[serde(default, rename = "_meta", skip_serializing_if = "Option::is_none")]
    pub meta: Option<RawJson>,
}

/// A `null` that is there is a value, not an absence.
fn present<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<RawJson>, D::Error> {
    RawJson::deserialize(deserializer).map(Some)
}

impl CallToolResult {
    /// A result of these blocks.
    pub fn new(content: impl IntoIterator<Item = ContentBlock>) -> Self {
        Self { content: content.into_iter().collect(), ..Self::default() }
    }

    /// A result of one text.
    pub fn text(text: impl Into<String>) -> Self {
        Self::new([ContentBlock::text(text)])
    }

    /// A failure that the model is to read.
    pub fn error(text: impl Into<String>) -> Self {
        Self { is_error: true, ..Self::text(text) }
    }

    /// Data, and its JSON as text for clients that read only text (TOOL-7).
    ///
    /// # Errors
    /// When the value's `Serialize` fails.
    pub fn structured<T: Serialize + ?Sized>(value: &T) -> Result<Self, serde_json::Error> {
        RawJson::from_serialize(value).map(Self::structured_raw)
    }

    /// As [`structured`](Self::structured), for data that is JSON text already.
    pub fn structured_raw(value: RawJson) -> Self {
        let text = Self::text(value.as_str());
        Self { structured_content: Some(value), ..text }
    }

    /// The same result with metadata, which must be an object.
    #[must_use]
    pub fn with_meta(mut self, meta: RawJson) -> Self {
        self.meta = Some(meta);
        self
    }
}

impl ResultBody for CallToolResult {
    fn shape(&self) -> Shape {
        Shape::CallToolResult
    }

    fn needs(&self) -> Revision {
        let structured = match &self.structured_content {
            None => Revision::V2024_11_05,
            Some(value) if value.is_object() => Revision::V2025_06_18,
            Some(_) => Revision::V2026_07_28,
        };
        self.content.iter().map(ContentBlock::needs).fold(structured, Revision::max)
    }

    fn meta(&self) -> Option<&RawJson> {
        self.meta.as_ref()
    }

    fn write_members(&self, object: &mut ObjectWriter<'_>) {
        object
            .array("content", &self.content, ContentBlock::write)
            .optional_raw("structuredContent", self.structured_content.as_ref());
        if self.is_error {
            object.boolean("isError", true);
        }
    }
}

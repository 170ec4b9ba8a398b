//! Content blocks: what tool results and prompts are made of.

use serde::{Deserialize, Serialize};

use super::annotations::Annotations;
use super::icon::Icon;
use super::resource::{Resource, ResourceContents};
use crate::encode::{ObjectWriter, write_object};
use crate::raw::RawJson;
use crate::revision::Revision;
use crate::rewrite;

/// One piece of content (TOOL-6).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", try_from = "RawJson")]
pub enum ContentBlock {
    /// Text for the model or the user.
    Text(TextContent),
    /// A picture.
    Image(ImageContent),
    /// A sound (known from 2025-03-26 on; older clients get a text that names its type).
    Audio(AudioContent),
    /// A pointer to a resource (known from 2025-06-18 on; older clients get a text with its URI).
    ResourceLink(ResourceLink),
    /// A resource with its contents.
    Resource(EmbeddedResource),
}

/// Text.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct TextContent {
    /// The text.
    pub text: String,
    /// Hints for the client.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub annotations: Option<Annotations>,
    /// Metadata, an object (known from 2025-06-18 on).
    #[serde(default, rename = "_meta", skip_serializing_if = "Option::is_none")]
    pub meta: Option<RawJson>,
}

/// A picture as base64.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ImageContent {
    /// The picture in base64; see [`base64`](super::base64).
    pub data: String,
    /// For example `image/png`.
    pub mime_type: String,
    /// Hints for the client.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub annotations: Option<Annotations>,
    /// Metadata, an object (known from 2025-06-18 on).
    #[serde(default, rename = "_meta", skip_serializing_if = "Option::is_none")]
    pub meta: Option<RawJson>,
}

/// A sound as base64.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AudioContent {
    /// The sound in base64; see [`base64`](super::base64).
    pub data: String,
    /// For example `audio/wav`.
    pub mime_type: String,
    /// Hints for the client.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub annotations: Option<Annotations>,
    /// Metadata, an object (known from 2025-06-18 on).
    #[serde(default, rename = "_meta", skip_serializing_if = "Option::is_none")]
    pub meta: Option<RawJson>,
}

/// A pointer to a resource that the client may read. It need not be in `resources/list`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ResourceLink {
    /// Where the resource is.
    pub uri: String,
    /// Its name.
    pub name: String,
    /// Its name for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// What it holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The type of its contents.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mime_type: Option<String>,
    /// The size of its contents in bytes, before any encoding.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// Pictures for it (known from 2025-11-25 on).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub icons: Vec<Icon>,
    /// Hints for the client.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub annotations: Option<Annotations>,
    /// Metadata, an object.
    #[serde(default, rename = "_meta", skip_serializing_if = "Option::is_none")]
    pub meta: Option<RawJson>,
}

/// A resource with its contents.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EmbeddedResource {
    /// The contents.
    pub resource: ResourceContents,
    /// Hints for the client.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub annotations: Option<Annotations>,
    /// Metadata, an object (known from 2025-06-18 on).
    #[serde(default, rename = "_meta", skip_serializing_if = "Option::is_none")]
    pub meta: Option<RawJson>,
}

impl ContentBlock {
    /// A block of text.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(TextContent { text: text.into(), ..TextContent::default() })
    }

    /// A picture from its bytes.
    pub fn image(bytes: impl AsRef<[u8]>, mime_type: impl Into<String>) -> Self {
        let (data, mime_type) = (super::base64(bytes), mime_type.into());
        Self::Image(ImageContent { data, mime_type, ..ImageContent::default() })
    }

    /// A sound from its bytes.
    pub fn audio(bytes: impl AsRef<[u8]>, mime_type: impl Into<String>) -> Self {
        let (data, mime_type) = (super::base64(bytes), mime_type.into());
        Self::Audio(AudioContent { data, mime_type, ..AudioContent::default() })
    }

    /// A pointer to the resource at `uri`.
    pub fn link(uri: impl Into<String>, name: impl Into<String>) -> Self {
        Self::ResourceLink(ResourceLink { uri: uri.into(), name: name.into(), ..ResourceLink::default() })
    }

    /// A resource with its contents.
    pub fn resource(resource: ResourceContents) -> Self {
        Self::Resource(EmbeddedResource { resource, annotations: None, meta: None })
    }

    /// The same block with hints for the client.
    #[must_use]
    pub fn with_annotations(mut self, annotations: Annotations) -> Self {
        *match &mut self {
            Self::Text(block) => &mut block.annotations,
            Self::Image(block) => &mut block.annotations,
            Self::Audio(block) => &mut block.annotations,
            Self::ResourceLink(block) => &mut block.annotations,
            Self::Resource(block) => &mut block.annotations,
        } = Some(annotations);
        self
    }

    /// The same block with metadata, which must be an object.
    #[must_use]
    pub fn with_meta(mut self, meta: RawJson) -> Self {
        *match &mut self {
            Self::Text(block) => &mut block.meta,
            Self::Image(block) => &mut block.meta,
            Self::Audio(block) => &mut block.meta,
            Self::ResourceLink(block) => &mut block.meta,
            Self::Resource(block) => &mut block.meta,
        } = Some(meta);
        self
    }

    /// The text, if this is a block of text.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(block) => Some(&block.text),
            _ => None,
        }
    }

    fn annotations(&self) -> Option<&Annotations> {
        match self {
            Self::Text(block) => block.annotations.as_ref(),
            Self::Image(block) => block.annotations.as_ref(),
            Self::Audio(block) => block.annotations.as_ref(),
            Self::ResourceLink(block) => block.annotations.as_ref(),
            Self::Resource(block) => block.annotations.as_ref(),
        }
    }

    fn meta(&self) -> Option<&RawJson> {
        match self {
            Self::Text(block) => block.meta.as_ref(),
            Self::Image(block) => block.meta.as_ref(),
            Self::Audio(block) => block.meta.as_ref(),
            Self::ResourceLink(block) => block.meta.as_ref(),
            Self::Resource(block) => block.meta.as_ref(),
        }
    }

    /// The oldest revision that knows everything in this block.
    pub(crate) fn needs(&self) -> Revision {
        let own = match self {
            Self::Text(_) | Self::Image(_) => Revision::V2024_11_05,
            Self::Audio(_) => Revision::V2025_03_26,
            Self::ResourceLink(link) if link.icons.is_empty() => Revision::V2025_06_18,
            Self::ResourceLink(_) => Revision::V2025_11_25,
            Self::Resource(block) => block.resource.needs(),
        };
        let annotations = self.annotations().map_or(Revision::V2024_11_05, Annotations::needs);
        let meta = if self.meta().is_some() { Revision::V2025_06_18 } else { Revision::V2024_11_05 };
        own.max(annotations).max(meta)
    }

    /// Appends the block's JSON.
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        write_object(out, |object| {
            match self {
                Self::Text(block) => {
                    object.string("type", "text").string("text", &block.text);
                }
                Self::Image(block) => {
                    object
                        .string("type", "image")
                        .string("data", &block.data)
                        .string("mimeType", &block.mime_type);
                }
                Self::Audio(block) => {
                    object
                        .string("type", "audio")
                        .string("data", &block.data)
                        .string("mimeType", &block.mime_type);
                }
                Self::ResourceLink(link) => link.write_members(object),
                Self::Resource(block) => {
                    object.string("type", "resource");
                    block.resource.write(object.key("resource"));
                }
            }
            if let Some(annotations) = self.annotations() {
                object.object("annotations", |object| annotations.write_members(object));
            }
            object.optional_raw("_meta", self.meta());
        });
    }
}

impl ResourceLink {
    fn write_members(&self, object: &mut ObjectWriter<'_>) {
        object
            .string("type", "resource_link")
            .string("uri", &self.uri)
            .string("name", &self.name)
            .optional_string("title", self.title.as_deref())
            .optional_string("description", self.description.as_deref())
            .optional_string("mimeType", self.mime_type.as_deref());
        if let Some(size) = self.size {
            object.raw("size", &size.to_string());
        }
        if !self.icons.is_empty() {
            object.array("icons", &self.icons, Icon::write);
        }
    }
}

impl From<Resource> for ContentBlock {
    /// A pointer to a listed resource.
    fn from(resource: Resource) -> Self {
        Self::ResourceLink(ResourceLink {
            uri: resource.uri,
            name: resource.name,
            title: resource.title,
            description: resource.description,
            mime_type: resource.mime_type,
            size: resource.size,
            icons: resource.icons,
            annotations: resource.annotations,
            meta: resource.meta,
        })
    }
}

impl From<String> for ContentBlock {
    fn from(text: String) -> Self {
        Self::text(text)
    }
}

impl From<&str> for ContentBlock {
    fn from(text: &str) -> Self {
        Self::text(text)
    }
}

/// Why JSON is no content block that we know.
#[derive(Debug, thiserror::Error)]
#[error("read the content block: {0}")]
pub struct ContentError(#[from] ContentErrorKind);

#[derive(Debug, thiserror::Error)]
enum ContentErrorKind {
    #[error(transparent)]
    Object(#[from] rewrite::RewriteError),
    #[error("its type is not text, image, audio, resource_link or resource")]
    Type,
    #[error(transparent)]
    Member(#[from] serde_json::Error),
}

impl TryFrom<RawJson> for ContentBlock {
    type Error = ContentError;

    fn try_from(raw: RawJson) -> Result<Self, ContentError> {
        Ok(read_block(&raw)?)
    }
}

fn read_block(raw: &RawJson) -> Result<ContentBlock, ContentErrorKind> {
    let tag = rewrite::member(raw.as_str(), "type")?.and_then(rewrite::decode_string);
    Ok(match tag.as_deref() {
        Some("text") => ContentBlock::Text(raw.to()?),
        Some("image") => ContentBlock::Image(raw.to()?),
        Some("audio") => ContentBlock::Audio(raw.to()?),
        Some("resource_link") => ContentBlock::ResourceLink(raw.to()?),
        Some("resource") => ContentBlock::Resource(raw.to()?),
        _ => return Err(ContentErrorKind::Type),
    })
}

//! Resources: definitions, templates and contents.

use serde::ser::SerializeStruct;
use serde::{Deserialize, Serialize, Serializer};

use super::annotations::Annotations;
use super::icon::Icon;
use crate::encode::{ObjectWriter, ResultBody, Shape, write_object};
use crate::raw::RawJson;
use crate::revision::Revision;

/// A resource as `resources/list` names it (RSC-2).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Resource {
    /// Where it is.
    pub uri: String,
    /// Its name.
    pub name: String,
    /// Its name for people (known from 2025-06-18 on).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// What it holds, for the model.
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
    /// Metadata, an object (known from 2025-06-18 on).
    #[serde(default, rename = "_meta", skip_serializing_if = "Option::is_none")]
    pub meta: Option<RawJson>,
}

impl Resource {
    /// A resource with nothing but its URI and name.
    pub fn new(uri: impl Into<String>, name: impl Into<String>) -> Self {
        Self { uri: uri.into(), name: name.into(), ..Self::default() }
    }
}

/// A family of resources as `resources/templates/list` names it (RSC-2).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ResourceTemplate {
    /// The URIs of the family, as an RFC 6570 template.
    pub uri_template: String,
    /// Its name.
    pub name: String,
    /// Its name for people (known from 2025-06-18 on).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// What the resources hold, for the model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The type of their contents, if all have the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mime_type: Option<String>,
    /// Pictures for it (known from 2025-11-25 on).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub icons: Vec<Icon>,
    /// Hints for the client.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub annotations: Option<Annotations>,
    /// Metadata, an object (known from 2025-06-18 on).
    #[serde(default, rename = "_meta", skip_serializing_if = "Option::is_none")]
    pub meta: Option<RawJson>,
}

impl ResourceTemplate {
    /// A template with nothing but its URI template and name.
    pub fn new(uri_template: impl Into<String>, name: impl Into<String>) -> Self {
        Self { uri_template: uri_template.into(), name: name.into(), ..Self::default() }
    }
}

/// The contents of one resource, or of a part of it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(try_from = "ContentsOnTheWire")]
pub struct ResourceContents {
    /// Where it is.
    pub uri: String,
    /// Its type.
    pub mime_type: Option<String>,
    /// What it holds.
    pub body: ResourceBody,
    /// Metadata, an object (known from 2025-06-18 on).
    pub meta: Option<RawJson>,
}

/// What a resource holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ResourceBody {
    /// Text.
    Text(String),
    /// Bytes in base64; see [`base64`](super::base64).
    Blob(String),
}

impl ResourceContents {
    /// Text at `uri`.
    pub fn text(uri: impl Into<String>, text: impl Into<String>) -> Self {
        Self { uri: uri.into(), mime_type: None, body: ResourceBody::Text(text.into()), meta: None }
    }

    /// Bytes at `uri`.
    pub fn blob(uri: impl Into<String>, bytes: impl AsRef<[u8]>) -> Self {
        Self { uri: uri.into(), mime_type: None, body: ResourceBody::Blob(super::base64(bytes)), meta: None }
    }

    /// The same contents with their type.
    #[must_use]
    pub fn with_mime_type(mut self, mime_type: impl Into<String>) -> Self {
        self.mime_type = Some(mime_type.into());
        self
    }

    pub(crate) fn needs(&self) -> Revision {
        if self.meta.is_some() { Revision::V2025_06_18 } else { Revision::V2024_11_05 }
    }

    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        write_object(out, |object| {
            object.string("uri", &self.uri).optional_string("mimeType", self.mime_type.as_deref());
            match &self.body {
                ResourceBody::Text(text) => object.string("text", text),
                ResourceBody::Blob(blob) => object.string("blob", blob),
            }
            .optional_raw("_meta", self.meta.as_ref());
        });
    }
}

impl Serialize for ResourceContents {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let members = 2 + usize::from(self.mime_type.is_some()) + usize::from(self.meta.is_some());
        let mut object = serializer.serialize_struct("ResourceContents", members)?;
        object.serialize_field("uri", &self.uri)?;
        if let Some(mime_type) = &self.mime_type {
            object.serialize_field("mimeType", mime_type)?;
        }
        match &self.body {
            ResourceBody::Text(text) => object.serialize_field("text", text)?,
            ResourceBody::Blob(blob) => object.serialize_field("blob", blob)?,
        }
        if let Some(meta) = &self.meta {
            object.serialize_field("_meta", meta)?;
        }
        object.end()
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ContentsOnTheWire {
    uri: String,
    mime_type: Option<String>,
    text: Option<String>,
    blob: Option<String>,
    #[serde(rename = "_meta")]
    meta: Option<RawJson>,
}

/// Resource contents must hold either `text` or `blob`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("read resource contents: they hold neither text nor blob")]
pub struct ContentsError;

impl TryFrom<ContentsOnTheWire> for ResourceContents {
    type Error = ContentsError;

    fn try_from(wire: ContentsOnTheWire) -> Result<Self, ContentsError> {
        let body = match (wire.text, wire.blob) {
            (Some(text), _) => ResourceBody::Text(text),
            (None, Some(blob)) => ResourceBody::Blob(blob),
            (None, None) => return Err(ContentsError),
        };
        Ok(Self { uri: wire.uri, mime_type: wire.mime_type, body, meta: wire.meta })
    }
}

/// The result of `resources/read`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ReadResourceResult {
    /// The contents; a directory, say, has several.
    pub contents: Vec<ResourceContents>,
    /// Metadata, an object.
    #[serde(default, rename = "_meta", skip_serializing_if = "Option::is_none")]
    pub meta: Option<RawJson>,
}

impl ReadResourceResult {
    /// A result of these contents.
    pub fn new(contents: impl IntoIterator<Item = ResourceContents>) -> Self {
        Self { contents: contents.into_iter().collect(), meta: None }
    }
}

impl From<ResourceContents> for ReadResourceResult {
    fn from(contents: ResourceContents) -> Self {
        Self::new([contents])
    }
}

impl ResultBody for ReadResourceResult {
    fn shape(&self) -> Shape {
        Shape::ReadResourceResult
    }

    fn needs(&self) -> Revision {
        self.contents.iter().map(ResourceContents::needs).max().unwrap_or(Revision::V2024_11_05)
    }

    fn meta(&self) -> Option<&RawJson> {
        self.meta.as_ref()
    }

    fn write_members(&self, object: &mut ObjectWriter<'_>) {
        object.array("contents", &self.contents, ResourceContents::write);
    }
}

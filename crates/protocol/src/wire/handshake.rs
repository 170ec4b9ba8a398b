//! How a server introduces itself.

use serde::{Deserialize, Serialize};

use super::icon::Icon;
use crate::encode::{ObjectWriter, ResultBody, Shape};
use crate::raw::RawJson;
use crate::revision::Revision;

/// The name and version of a program. Unverified: nothing may depend on it (VER-6).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Implementation {
    /// Its name.
    pub name: String,
    /// Its name for people (known from 2025-06-18 on).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Its version.
    pub version: String,
    /// What it does (known from 2025-11-25 on).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Where to read about it (known from 2025-11-25 on).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub website_url: Option<String>,
    /// Pictures for it (known from 2025-11-25 on).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub icons: Vec<Icon>,
}

impl Implementation {
    /// A program with nothing but its name and version.
    pub fn new(name: impl Into<String>, version: impl Into<String>) -> Self {
        Self { name: name.into(), version: version.into(), ..Self::default() }
    }
}

/// The result of `initialize` (VER-L1).
#[derive(Debug, Clone, PartialEq)]
pub struct InitializeResult {
    /// The revision that the session will speak.
    pub protocol_version: Revision,
    /// [`ServerCapabilities`](super::ServerCapabilities) as JSON, in the newest form.
    pub capabilities: RawJson,
    /// [`Implementation`] as JSON, in the newest form.
    pub server_info: RawJson,
    /// How to use the server, for the model.
    pub instructions: Option<String>,
}

impl ResultBody for InitializeResult {
    fn shape(&self) -> Shape {
        Shape::InitializeResult
    }

    fn needs(&self) -> Revision {
        Revision::V2024_11_05
    }

    /// Never known: the parts are raw, and the rules may look at what is sent once a session.
    fn fits(&self, _revision: Revision) -> bool {
        false
    }

    fn meta(&self) -> Option<&RawJson> {
        None
    }

    fn write_members(&self, object: &mut ObjectWriter<'_>) {
        object
            .string("protocolVersion", self.protocol_version.as_str())
            .raw("capabilities", self.capabilities.as_str())
            .raw("serverInfo", self.server_info.as_str())
            .optional_string("instructions", self.instructions.as_deref());
    }
}

/// The result of `server/discover` (VER-4).
#[derive(Debug, Clone, PartialEq)]
pub struct DiscoverResult {
    /// What the server speaks.
    pub supported_versions: Vec<Revision>,
    /// [`ServerCapabilities`](super::ServerCapabilities) as JSON, in the newest form.
    pub capabilities: RawJson,
    /// How to use the server, for the model.
    pub instructions: Option<String>,
}

impl ResultBody for DiscoverResult {
    fn shape(&self) -> Shape {
        Shape::DiscoverResult
    }

    fn needs(&self) -> Revision {
        Revision::V2026_07_28
    }

    /// Never known: the capabilities are raw, and the rules may look at what is sent once a client.
    fn fits(&self, _revision: Revision) -> bool {
        false
    }

    fn meta(&self) -> Option<&RawJson> {
        None
    }

    fn write_members(&self, object: &mut ObjectWriter<'_>) {
        object
            .array("supportedVersions", &self.supported_versions, |revision, out| {
                crate::text::write_string(revision.as_str(), out);
            })
            .raw("capabilities", self.capabilities.as_str())
            .optional_string("instructions", self.instructions.as_deref());
    }
}

/// A result that says nothing but that it was done: of `ping`, `logging/setLevel` and their like.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct EmptyResult;

impl ResultBody for EmptyResult {
    fn shape(&self) -> Shape {
        Shape::EmptyResult
    }

    fn needs(&self) -> Revision {
        Revision::V2024_11_05
    }

    fn meta(&self) -> Option<&RawJson> {
        None
    }

    fn write_members(&self, _object: &mut ObjectWriter<'_>) {}
}

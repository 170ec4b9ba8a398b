//! Resources that are made when they are read.

use std::num::NonZeroU32;
use std::time::SystemTime;

use latimer::prelude::*;
use schemars::JsonSchema;
use serde::Deserialize;

pub(super) fn add(server: Server) -> Server {
    server.resource(text).resource(blob)
}

/// What the contents are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
pub(crate) enum Kind {
    /// Text.
    Text,
    /// Bytes.
    Blob,
}

impl Kind {
    /// Its name.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Text => "Text",
            Self::Blob => "Blob",
        }
    }

    /// What it is, in words.
    pub(crate) const fn about(self) -> &'static str {
        match self {
            Self::Text => "plain text",
            Self::Blob => "bytes",
        }
    }

    /// The type of its contents.
    pub(crate) const fn mime_type(self) -> &'static str {
        match self {
            Self::Text => "text/plain",
            Self::Blob => "application/octet-stream",
        }
    }
}

impl std::str::FromStr for Kind {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "Text" => Ok(Self::Text),
            "Blob" => Ok(Self::Blob),
            _ => Err("resourceType is \"Text\" or \"Blob\""),
        }
    }
}

/// The URI of a resource.
pub(crate) fn uri(kind: Kind, id: u32) -> String {
    format!("demo://resource/dynamic/{}/{id}", kind.as_str().to_lowercase())
}

/// Its contents now.
pub(crate) fn contents(kind: Kind, id: u32) -> ResourceContents {
    let now = humantime::format_rfc3339_millis(SystemTime::now());
    let text = format!("Resource {id}: {}, made at {now}", kind.about());
    let contents = match kind {
        Kind::Text => ResourceContents::text(uri(kind, id), text),
        Kind::Blob => ResourceContents::blob(uri(kind, id), text),
    };
    contents.with_mime_type(kind.mime_type())
}

/// Text that says when it was read. The number is any positive integer.
#[resource(
    "demo://resource/dynamic/text/{resourceId}",
    name = "Dynamic Text Resource",
    mime_type = "text/plain",
    inline
)]
fn text(
    #[arg(name = "resourceId")]
    #[complete(numbers)]
    id: NonZeroU32,
) -> ResourceContents {
    contents(Kind::Text, id.get())
}

/// Bytes that say when they were read. The number is any positive integer.
#[resource(
    "demo://resource/dynamic/blob/{resourceId}",
    name = "Dynamic Blob Resource",
    mime_type = "application/octet-stream",
    inline
)]
fn blob(
    #[arg(name = "resourceId")]
    #[complete(numbers)]
    id: NonZeroU32,
) -> ResourceContents {
    contents(Kind::Blob, id.get())
}

/// What was typed, if it is the number of a resource.
pub(crate) fn numbers(typed: &str) -> Vec<String> {
    typed.parse::<NonZeroU32>().map(|number| number.to_string()).into_iter().collect()
}

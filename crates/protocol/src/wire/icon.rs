//! Pictures for things that clients list.

use serde::{Deserialize, Serialize};

use crate::encode::write_object;

/// A picture that a client may show (known from 2025-11-25 on).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Icon {
    /// An `https:` or `data:` URI.
    pub src: String,
    /// The type of the picture, where the source does not say it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mime_type: Option<String>,
    /// `48x48`, `any` and the like; empty means any size.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sizes: Vec<String>,
    /// The background it is made for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub theme: Option<Theme>,
}

/// The background that an icon is made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Theme {
    /// A light background.
    Light,
    /// A dark background.
    Dark,
}

impl Icon {
    /// An icon for every size and theme.
    pub fn new(src: impl Into<String>) -> Self {
        Self { src: src.into(), ..Self::default() }
    }

    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        write_object(out, |object| {
            object.string("src", &self.src).optional_string("mimeType", self.mime_type.as_deref());
            if !self.sizes.is_empty() {
                object.array("sizes", &self.sizes, |size, out| crate::text::write_string(size, out));
            }
            object.optional_string(
                "theme",
                self.theme.map(|theme| match theme {
                    Theme::Light => "light",
                    Theme::Dark => "dark",
                }),
            );
        });
    }
}

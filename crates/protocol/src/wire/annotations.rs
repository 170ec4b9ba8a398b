//! Hints that go with content and resources.

use serde::{Deserialize, Serialize};

use crate::encode::ObjectWriter;
use crate::revision::Revision;

/// Who speaks, or who is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// The human side of the conversation.
    User,
    /// The model.
    Assistant,
}

impl Role {
    /// The role's name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Assistant => "assistant",
        }
    }
}

/// Hints on how a client may use a content block or a resource.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Annotations {
    /// Whom the content is for; empty says nothing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub audience: Vec<Role>,
    /// How important it is, from 0 (optional) to 1 (required).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority: Option<f64>,
    /// When it last changed, as an ISO 8601 time (known from 2025-06-18 on).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_modified: Option<String>,
}

impl Annotations {
    pub(crate) fn needs(&self) -> Revision {
        if self.last_modified.is_some() { Revision::V2025_06_18 } else { Revision::V2024_11_05 }
    }

    pub(crate) fn write_members(&self, object: &mut ObjectWriter<'_>) {
        if !self.audience.is_empty() {
            object.array("audience", &self.audience, |role, out| {
                crate::text::write_string(role.as_str(), out);
            });
        }
        if let Some(priority) = self.priority {
            object.number("priority", priority);
        }
        object.optional_string("lastModified", self.last_modified.as_deref());
    }
}

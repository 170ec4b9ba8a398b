//! The parameters of notifications that servers send. The three `list_changed` have none.

use serde::{Deserialize, Serialize};

use super::log::LogLevel;
use crate::encode::write_object;
use crate::raw::RawJson;

/// The parameters of `notifications/message` (LOG-1).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogParams {
    /// How grave it is.
    pub level: LogLevel,
    /// What wrote it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logger: Option<String>,
    /// What it says: any JSON, usually a string.
    pub data: RawJson,
}

impl LogParams {
    /// Appends the parameters' JSON.
    pub fn write(&self, out: &mut Vec<u8>) {
        write_object(out, |object| {
            object
                .string("level", self.level.as_str())
                .optional_string("logger", self.logger.as_deref())
                .raw("data", self.data.as_str());
        });
    }
}

/// The parameters of `notifications/resources/updated` (RSC-5).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResourceUpdatedParams {
    /// What changed; may lie below what was subscribed to.
    pub uri: String,
}

impl ResourceUpdatedParams {
    /// Appends the parameters' JSON.
    pub fn write(&self, out: &mut Vec<u8>) {
        write_object(out, |object| {
            object.string("uri", &self.uri);
        });
    }
}

/// The parameters of `notifications/cancelled` (CAN-1).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CancelledParams {
    /// The id of the request that is no longer wanted, as JSON text.
    pub request_id: RawJson,
    /// Why, for logs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl CancelledParams {
    /// Appends the parameters' JSON.
    pub fn write(&self, out: &mut Vec<u8>) {
        write_object(out, |object| {
            object
                .raw("requestId", self.request_id.as_str())
                .optional_string("reason", self.reason.as_deref());
        });
    }
}

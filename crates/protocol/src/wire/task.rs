//! Tasks: calls whose results are fetched later (T11-3, TX-3).

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::encode::ObjectWriter;
use crate::raw::RawJson;
use crate::revision::Revision;

/// How a task stands. The last three are final.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TaskStatus {
    /// It runs.
    Working,
    /// It waits for answers of the client.
    InputRequired,
    /// It has a result.
    Completed,
    /// It has an error.
    Failed,
    /// It was stopped.
    Cancelled,
}

/// A task as the wire shows it. Times are ISO 8601 in UTC.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Task {
    /// Its name; unguessable.
    pub task_id: String,
    /// How it stands.
    pub status: TaskStatus,
    /// The same in words for people.
    pub status_message: Option<String>,
    /// When it began.
    pub created_at: String,
    /// When it last changed.
    pub last_updated_at: String,
    /// How long it is kept after it was created, in milliseconds; `None` for ever.
    pub ttl_ms: Option<u64>,
    /// How long to wait between two looks at it, in milliseconds.
    pub poll_interval_ms: Option<u64>,
}

impl TaskStatus {
    /// Whether it never changes again.
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Cancelled)
    }

    /// Its name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Working => "working",
            Self::InputRequired => "input_required",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }
}

impl fmt::Display for TaskStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Task {
    /// Reads a task in either form. Times that are missing are empty; a negative number counts as 0.
    ///
    /// # Errors
    /// When it has no id or no status that is known.
    pub fn read(raw: &RawJson) -> Result<Self, serde_json::Error> {
        let read: Read = raw.to()?;
        // A float becomes an integer within its bounds.
        let ms = |number: f64| number as u64;
        Ok(Self {
            task_id: read.task_id,
            status: read.status,
            status_message: read.status_message,
            created_at: read.created_at,
            last_updated_at: read.last_updated_at,
            ttl_ms: read.ttl.map(ms),
            poll_interval_ms: read.poll_interval.map(ms),
        })
    }

    /// Writes the members: those of 2025-11-25 are `ttl` and `pollInterval`, those of the extension `ttlMs` and
    /// `pollIntervalMs` (TX-3).
    pub fn write_members(&self, revision: Revision, object: &mut ObjectWriter<'_>) {
        let (ttl, poll) =
            if revision.is_modern() { ("ttlMs", "pollIntervalMs") } else { ("ttl", "pollInterval") };
        object
            .string("taskId", &self.task_id)
            .string("status", self.status.as_str())
            .optional_string("statusMessage", self.status_message.as_deref())
            .string("createdAt", &self.created_at)
            .string("lastUpdatedAt", &self.last_updated_at);
        match self.ttl_ms {
            Some(ms) => object.raw(ttl, &ms.to_string()),
            None => object.raw(ttl, "null"),
        };
        if let Some(ms) = self.poll_interval_ms {
            object.raw(poll, &ms.to_string());
        }
    }
}

/// A task in either form.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Read {
    task_id: String,
    status: TaskStatus,
    status_message: Option<String>,
    #[serde(default)]
    created_at: String,
    #[serde(default)]
    last_updated_at: String,
    #[serde(alias = "ttlMs")]
    ttl: Option<f64>,
    #[serde(alias = "pollIntervalMs")]
    poll_interval: Option<f64>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encode::write_object;

    #[test]
    fn tx_3_t11_3_both_forms_are_read() {
        for text in [
            r#"{"resultType":"task","taskId":"t","status":"working","createdAt":"a","lastUpdatedAt":"b","ttlMs":9,"pollIntervalMs":5}"#,
            r#"{"taskId":"t","status":"working","createdAt":"a","lastUpdatedAt":"b","ttl":9.0,"pollInterval":5}"#,
        ] {
            let task = Task::read(&RawJson::parse(text).unwrap()).unwrap();
            assert_eq!((task.ttl_ms, task.poll_interval_ms), (Some(9), Some(5)), "{text}");
        }
        assert!(Task::read(&RawJson::parse(r#"{"taskId":"t","status":"lost"}"#).unwrap()).is_err());
    }

    #[test]
    fn tx_3_the_two_forms_name_their_times_differently() {
        let task = Task {
            task_id: "t".to_owned(),
            status: TaskStatus::InputRequired,
            status_message: None,
            created_at: "a".to_owned(),
            last_updated_at: "b".to_owned(),
            ttl_ms: None,
            poll_interval_ms: Some(5),
        };
        let text = |revision| {
            let mut out = Vec::new();
            write_object(&mut out, |object| task.write_members(revision, object));
            String::from_utf8(out).unwrap()
        };
        let start = r#"{"taskId":"t","status":"input_required","createdAt":"a","lastUpdatedAt":"b","#;
        assert_eq!(text(Revision::V2026_07_28), format!("{start}\"ttlMs\":null,\"pollIntervalMs\":5}}"));
        assert_eq!(text(Revision::V2025_11_25), format!("{start}\"ttl\":null,\"pollInterval\":5}}"));
    }
}

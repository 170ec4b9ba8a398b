//! The state machine of a task.
//!
//! ```text
//!             ask                      finish
//! working ──────────► input_required ────────► (never: it works again first)
//!    ▲                      │
//!    └──── last answer ─────┘
//! working ── finish ──► completed | failed
//! working, input_required ── cancel ──► cancelled
//! ```
//!
//! The last three are final: nothing changes a record then (TX-7).

use std::collections::BTreeMap;

use latimer_protocol::wire::{Task, TaskStatus};
use latimer_protocol::{ErrorCode, RawJson, RpcError};
use latimer_store::Timestamp;
use serde::{Deserialize, Serialize};

use super::asked::Asked;
use super::call::TaskCall;
use crate::ask::{self, Journal, Question};

/// A task, as it is stored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Record {
    /// Whose it is: the key of its principal.
    pub(crate) owner: String,
    pub(crate) status: TaskStatus,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    message: Option<String>,
    created: u64,
    updated: u64,
    /// Milliseconds after its creation.
    ttl: u64,
    poll: u64,
    pub(crate) call: TaskCall,
    #[serde(default)]
    pub(crate) journal: Journal,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) asked: Vec<Asked>,
    /// How often each key of the handler was asked.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    counts: BTreeMap<String, u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) finished: Option<Finished>,
}

/// What a task came to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Finished {
    /// A result, in the form of the caller's revision.
    Result {
        /// The result's JSON.
        raw: String,
        /// Whether the tool says that it failed.
        is_error: bool,
    },
    /// An error.
    Error {
        /// Its code.
        code: i64,
        /// What it says.
        message: String,
        /// More about it.
        data: Option<RawJson>,
    },
}

/// What an answer has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answered {
    /// Nothing: nobody asked, or it was answered before.
    Ignored,
    /// It is kept, and other questions are open.
    Noted,
    /// It was the last one: the task works again.
    Complete,
}

impl Record {
    pub(crate) fn new(owner: String, call: TaskCall, now: Timestamp, ttl_ms: u64, poll_ms: u64) -> Self {
        Self {
            owner,
            status: TaskStatus::Working,
            message: None,
            created: now.as_millis(),
            updated: now.as_millis(),
            ttl: ttl_ms,
            poll: poll_ms,
            call,
            journal: Journal::default(),
            asked: Vec::new(),
            counts: BTreeMap::new(),
            finished: None,
        }
    }

    /// As the wire shows it.
    pub(crate) fn task(&self, id: &str) -> Task {
        Task {
            task_id: id.to_owned(),
            status: self.status,
            status_message: self.message.clone(),
            created_at: timestamp(self.created),
            last_updated_at: timestamp(self.updated),
            ttl_ms: Some(self.ttl),
            poll_interval_ms: Some(self.poll),
        }
    }

    /// How long it is kept from now on, in milliseconds.
    pub(crate) fn left(&self, now: Timestamp) -> u64 {
        self.created.saturating_add(self.ttl).saturating_sub(now.as_millis())
    }

    /// A run has ended with questions. Whether that was possible.
    pub(crate) fn ask(&mut self, asked: Vec<(String, Question)>, journal: Journal, now: Timestamp) -> bool {
        if self.status != TaskStatus::Working || asked.is_empty() {
            return false;
        }
        self.journal = journal;
        for (key, question) in asked {
            let count = self.counts.entry(key.clone()).or_default();
            self.asked.push(Asked::new(key, *count, question));
            *count += 1;
        }
        self.step(TaskStatus::InputRequired, now);
        true
    }

    /// The open question that the client knows by a key.
    pub(crate) fn open(&self, wire: &str) -> Option<&Asked> {
        self.asked.iter().find(|asked| asked.wire == wire)
    }

    /// An answer, which fits its question.
    pub(crate) fn answer(&mut self, wire: &str, answered: ask::Answered, now: Timestamp) -> Answered {
        let at = self.asked.iter().position(|asked| asked.wire == wire);
        let Some(at) = at.filter(|_| self.status == TaskStatus::InputRequired) else {
            return Answered::Ignored;
        };
        let asked = self.asked.remove(at);
        self.journal.note_answer(&asked.key, answered);
        if !self.asked.is_empty() {
            self.updated = now.as_millis();
            return Answered::Noted;
        }
        self.step(TaskStatus::Working, now);
        Answered::Complete
    }

    /// An answer that does not fit: the question is put again, under another key (TX-5).
    pub(crate) fn ask_again(&mut self, wire: &str, fault: &str, now: Timestamp) {
        let Some(at) = self.asked.iter().position(|asked| asked.wire == wire) else { return };
        let asked = self.asked.remove(at);
        let count = self.counts.entry(asked.key.clone()).or_default();
        self.asked.push(Asked::new(asked.key, *count, asked.question.again(fault)));
        *count += 1;
        self.updated = now.as_millis();
    }

    /// The run has ended. Whether that was possible.
    pub(crate) fn finish(&mut self, finished: Finished, now: Timestamp) -> bool {
        if self.status != TaskStatus::Working {
            return false;
        }
        let status = match &finished {
            // The extension knows a tool's own failure as a result (TX-7), the older form as a failure (T11-5).
            Finished::Result { is_error: true, .. } if !self.call.revision().is_modern() => {
                TaskStatus::Failed
            }
            Finished::Result { .. } => TaskStatus::Completed,
            Finished::Error { .. } => TaskStatus::Failed,
        };
        self.message = match &finished {
            Finished::Error { message, .. } => Some(message.clone()),
            Finished::Result { .. } => self.message.take().filter(|_| status == TaskStatus::Completed),
        };
        self.finished = Some(finished);
        self.asked.clear();
        self.journal = Journal::default();
        self.step(status, now);
        true
    }

    /// Nobody wants it any more. Whether that was possible.
    pub(crate) fn cancel(&mut self, now: Timestamp) -> bool {
        if self.status.is_final() {
            return false;
        }
        self.asked.clear();
        self.journal = Journal::default();
        self.message = Some("the task was cancelled on request".to_owned());
        self.step(TaskStatus::Cancelled, now);
        true
    }

    /// What it is doing, in words. Whether that was possible.
    pub(crate) fn say(&mut self, message: String, now: Timestamp) -> bool {
        if self.status.is_final() {
            return false;
        }
        self.message = Some(message);
        self.updated = now.as_millis();
        true
    }

    fn step(&mut self, status: TaskStatus, now: Timestamp) {
        self.status = status;
        self.updated = now.as_millis();
    }
}

impl Finished {
    /// The error, if it is one.
    pub(crate) fn error(&self) -> Option<RpcError> {
        match self {
            Self::Result { .. } => None,
            Self::Error { code, message, data } => {
                let error = RpcError::new(ErrorCode(*code), message.clone());
                Some(match data {
                    Some(data) => error.with_data(data.clone()),
                    None => error,
                })
            }
        }
    }
}

impl From<RpcError> for Finished {
    fn from(error: RpcError) -> Self {
        Self::Error { code: error.code.0, message: error.message.into_owned(), data: error.data }
    }
}

/// ISO 8601 in UTC.
fn timestamp(millis: u64) -> String {
    let moment = std::time::SystemTime::UNIX_EPOCH.checked_add(std::time::Duration::from_millis(millis));
    humantime::format_rfc3339_millis(moment.unwrap_or(std::time::SystemTime::UNIX_EPOCH)).to_string()
}

//! The state machine of a task.
//!
//! ```text
//!               ask
//! working ─────────────────► input_required
//!    ▲                             │
//!    └───────── last answer ───────┘
//! working ── finish ──► completed | failed
//! working, input_required ── fail ──► failed
//! working, input_required ── cancel ──► cancelled
//! ```
//!
//! The last three are final: nothing changes a record then (TX-7).
//!
//! Each run of the handler has a number. What a run has to say counts only while the record still names it: one that
//! was overtaken, because its server was taken for gone, changes nothing.

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
    /// Whose it is.
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
    /// Names the call through all its runs.
    pub(crate) chain: String,
    /// The number of the run that works, or worked last.
    pub(crate) run: u32,
    #[serde(default)]
    pub(crate) journal: Journal,
    /// Answers that no run has looked at, by the handler's keys.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) fresh: Vec<(String, ask::Answered)>,
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
    /// It was the last one: the task works again, in its next run.
    Complete,
}

impl Record {
    pub(crate) fn new(
        owner: String,
        chain: String,
        call: TaskCall,
        now: Timestamp,
        ttl_ms: u64,
        poll_ms: u64,
    ) -> Self {
        Self {
            owner,
            status: TaskStatus::Working,
            message: None,
            created: now.as_millis(),
            updated: now.as_millis(),
            ttl: ttl_ms,
            poll: poll_ms,
            call,
            chain,
            run: 1,
            journal: Journal::default(),
            fresh: Vec::new(),
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

    /// Whether a run still works on it.
    pub(crate) fn is_run_by(&self, run: u32) -> bool {
        self.status == TaskStatus::Working && self.run == run
    }

    /// How many bytes it has learnt, and asks for.
    pub(crate) fn learnt(&self) -> usize {
        let fresh: usize = self.fresh.iter().map(|(key, answered)| key.len() + answered.len()).sum();
        self.journal.len() + fresh
    }

    /// A run has ended with questions; `fresh` are the answers that it did not look at. Whether that was possible.
    pub(crate) fn ask(
        &mut self,
        run: u32,
        asked: Vec<(String, Question)>,
        journal: Journal,
        fresh: Vec<(String, ask::Answered)>,
        now: Timestamp,
    ) -> bool {
        if !self.is_run_by(run) || asked.is_empty() {
            return false;
        }
        self.journal = journal;
        self.fresh = fresh;
        for (key, question) in asked {
            let count = self.counts.entry(key.clone()).or_default();
            self.asked.push(Asked::new(key, *count, question));
            *count = count.saturating_add(1);
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
        self.fresh.push((asked.key, answered));
        self.updated = now.as_millis();
        if !self.asked.is_empty() {
            return Answered::Noted;
        }
        self.run = self.run.saturating_add(1);
        self.step(TaskStatus::Working, now);
        Answered::Complete
    }

    /// An answer that does not fit: the question is put again, under another key (TX-5).
    pub(crate) fn ask_again(&mut self, wire: &str, fault: &str, now: Timestamp) {
        let Some(at) = self.asked.iter().position(|asked| asked.wire == wire) else { return };
        let asked = self.asked.remove(at);
        let count = self.counts.entry(asked.key.clone()).or_default();
        self.asked.push(asked.again(*count, fault));
        *count = count.saturating_add(1);
        self.updated = now.as_millis();
    }

    /// A run has come to its end. Whether that was possible.
    pub(crate) fn finish(&mut self, run: u32, finished: Finished, now: Timestamp) -> bool {
        self.is_run_by(run) && self.end(finished, now)
    }

    /// It cannot go on, whoever works on it. Whether that was possible.
    pub(crate) fn fail(&mut self, error: RpcError, now: Timestamp) -> bool {
        !self.status.is_final() && self.end(error.into(), now)
    }

    /// The server of a run has gone: the next run takes over. Whether that was possible.
    pub(crate) fn take_over(&mut self, run: u32, now: Timestamp) -> bool {
        if !self.is_run_by(run) {
            return false;
        }
        self.run = self.run.saturating_add(1);
        self.updated = now.as_millis();
        true
    }

    /// Nobody wants it any more. Whether that was possible.
    pub(crate) fn cancel(&mut self, now: Timestamp) -> bool {
        if self.status.is_final() {
            return false;
        }
        self.forget();
        self.message = Some("the task was cancelled on request".to_owned());
        self.step(TaskStatus::Cancelled, now);
        true
    }

    /// What a run is doing, in words. Whether that was possible.
    pub(crate) fn say(&mut self, run: u32, message: String, now: Timestamp) -> bool {
        if !self.is_run_by(run) {
            return false;
        }
        self.message = Some(message);
        self.updated = now.as_millis();
        true
    }

    fn end(&mut self, finished: Finished, now: Timestamp) -> bool {
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
        self.forget();
        self.step(status, now);
        true
    }

    /// What only a further run would need.
    fn forget(&mut self) {
        self.asked.clear();
        self.fresh.clear();
        self.counts.clear();
        self.journal = Journal::default();
        self.call.arguments = RawJson::empty_object();
        self.call.meta = None;
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

#[cfg(test)]
mod tests;

//! A question that a task waits with.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::ask::Question;

/// An open question of a task.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Asked {
    /// What the client knows it by: unique over the life of the task (TX-5).
    pub(crate) wire: String,
    /// What the handler knows it by.
    pub(crate) key: String,
    /// What the handler asks.
    question: Question,
    /// What was wrong with the last answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    fault: Option<String>,
}

/// How much of a fault is told, in characters.
const MOST_FAULT: usize = 1024;

impl Asked {
    /// The `count`th question of a handler's key, counted from 0.
    pub(super) fn new(key: String, count: u32, question: Question) -> Self {
        // What stands behind the last `#` is our own, so that no two keys meet.
        let wire = if count == 0 && !key.contains('#') {
            key.clone()
        } else {
            format!("{key}#{}", count.saturating_add(1))
        };
        Self { wire, key, question, fault: None }
    }

    /// The same after an answer that did not fit, as the `count`th of its key.
    pub(super) fn again(self, count: u32, fault: &str) -> Self {
        let fault = fault.chars().take(MOST_FAULT).collect();
        Self { fault: Some(fault), ..Self::new(self.key, count, self.question) }
    }

    /// What the client is asked.
    pub(crate) fn question(&self) -> Cow<'_, Question> {
        match &self.fault {
            Some(fault) => Cow::Owned(self.question.again(fault)),
            None => Cow::Borrowed(&self.question),
        }
    }

    /// What the handler asks.
    pub(crate) fn original(&self) -> &Question {
        &self.question
    }
}

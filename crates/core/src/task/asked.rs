//! A question that a task waits with.

use serde::{Deserialize, Serialize};

use crate::ask::Question;

/// An open question of a task.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Asked {
    /// What the client knows it by: unique over the life of the task (TX-5).
    pub(crate) wire: String,
    /// What the handler knows it by.
    pub(crate) key: String,
    /// What is asked.
    pub(crate) question: Question,
}

impl Asked {
    /// The `count`th question of a handler's key.
    pub(crate) fn new(key: String, count: u32, question: Question) -> Self {
        let wire = if count == 0 { key.clone() } else { format!("{key}#{}", count + 1) };
        Self { wire, key, question }
    }
}

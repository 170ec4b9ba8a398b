//! What a call has learnt so far, so that it can be run again from the top.

use std::collections::BTreeMap;

use latimer_protocol::{ErrorCode, RawJson, RpcError};
use serde::{Deserialize, Serialize};

use super::error::AskError;

/// The answers to a call's questions, and the values that it remembers. Running its handler again with the
/// journal of a run asks exactly the questions that are left.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Journal {
    /// By the question's key.
    #[serde(default, rename = "a", skip_serializing_if = "BTreeMap::is_empty")]
    answers: BTreeMap<String, Answered>,
    /// By the key given to `once`.
    #[serde(default, rename = "m", skip_serializing_if = "BTreeMap::is_empty")]
    memo: BTreeMap<String, RawJson>,
}

/// How a question ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Answered {
    /// With a result that fits it.
    #[serde(rename = "r")]
    Result(RawJson),
    /// With an error of the client.
    #[serde(rename = "e")]
    Refused {
        #[serde(rename = "c")]
        code: i64,
        #[serde(rename = "m")]
        message: String,
    },
    /// With nothing.
    #[serde(rename = "u")]
    Unanswered,
}

impl Journal {
    /// Whether nothing was learnt.
    pub fn is_empty(&self) -> bool {
        self.answers.is_empty() && self.memo.is_empty()
    }

    /// How many bytes it holds.
    pub(crate) fn len(&self) -> usize {
        let answers: usize = self.answers.iter().map(|(key, answered)| key.len() + answered.len()).sum();
        answers + self.memo.iter().map(|(key, value)| key.len() + value.as_str().len()).sum::<usize>()
    }

    pub(crate) fn answer(&self, key: &str) -> Option<&Answered> {
        self.answers.get(key)
    }

    /// Notes an answer. The first one counts (TX-5).
    pub(crate) fn note_answer(&mut self, key: &str, answered: Answered) {
        self.answers.entry(key.to_owned()).or_insert(answered);
    }

    pub(crate) fn memo(&self, key: &str) -> Option<&RawJson> {
        self.memo.get(key)
    }

    pub(crate) fn note_memo(&mut self, key: &str, value: RawJson) {
        self.memo.insert(key.to_owned(), value);
    }
}

impl Answered {
    /// How many bytes it holds.
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Result(result) => result.as_str().len(),
            Self::Refused { message, .. } => message.len(),
            Self::Unanswered => 0,
        }
    }

    pub(crate) fn into_result(self) -> Result<RawJson, AskError> {
        match self {
            Self::Result(result) => Ok(result),
            Self::Refused { code, message } => {
                Err(AskError::Refused(RpcError::new(ErrorCode(code), message)))
            }
            Self::Unanswered => Err(AskError::Unanswered),
        }
    }
}

impl From<Result<RawJson, RpcError>> for Answered {
    fn from(outcome: Result<RawJson, RpcError>) -> Self {
        match outcome {
            Ok(result) => Self::Result(result),
            Err(error) => Self::Refused { code: error.code.0, message: error.message.into_owned() },
        }
    }
}

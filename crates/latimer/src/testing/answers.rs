//! What the test client answers when the server asks.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::sync::Mutex;

use latimer_protocol::wire::{
    CreateMessageParams, CreateMessageResult, ElicitAction, ElicitResult, ListRootsResult, Root,
};
use latimer_protocol::{ErrorCode, RawJson, RpcError};
use serde::Deserialize;
use serde_json::Value;

use super::TestError;

/// What a user is asked.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Elicitation {
    /// What the user reads.
    pub message: String,
    /// The form, as a JSON Schema.
    #[serde(default, rename = "requestedSchema")]
    pub schema: Option<Value>,
    /// The page to open, where it is no form.
    #[serde(default)]
    pub url: Option<String>,
    /// The page's name, in 2025-11-25.
    #[serde(default)]
    pub elicitation_id: Option<String>,
}

/// What a user answers: the content of a form from `json!`, an [`ElicitAction`], or an error.
#[derive(Clone, Debug, PartialEq)]
pub struct UserAnswer(Result<ElicitResult, RpcError>);

impl From<Value> for UserAnswer {
    fn from(content: Value) -> Self {
        let content = RawJson::from_serialize(&content).ok();
        Self(Ok(ElicitResult { action: ElicitAction::Accept, content }))
    }
}

impl From<ElicitAction> for UserAnswer {
    fn from(action: ElicitAction) -> Self {
        Self(Ok(ElicitResult { action, content: None }))
    }
}

impl From<RpcError> for UserAnswer {
    fn from(error: RpcError) -> Self {
        Self(Err(error))
    }
}

/// How questions are answered.
#[derive(Clone, Default)]
pub(super) struct Answers {
    elicit: Option<Answer<Elicitation, UserAnswer>>,
    sample: Option<Answer<CreateMessageParams, CreateMessageResult>>,
    roots: Option<Vec<Root>>,
}

type Answer<Q, A> = Arc<Mutex<dyn FnMut(Q) -> A + Send>>;

/// The questions within a result.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct InputRequired {
    #[serde(default)]
    pub(super) result_type: Option<String>,
    #[serde(default)]
    pub(super) input_requests: BTreeMap<String, Question>,
    #[serde(default)]
    pub(super) request_state: Option<String>,
}

/// A question, within a result or as a request.
#[derive(Deserialize)]
pub(super) struct Question {
    #[serde(default)]
    pub(super) id: Option<RawJson>,
    pub(super) method: String,
    #[serde(default)]
    params: Option<RawJson>,
}

impl Answers {
    pub(super) fn on_elicit<A: Into<UserAnswer>>(
        &mut self,
        mut answer: impl FnMut(Elicitation) -> A + Send + 'static,
    ) {
        self.elicit = Some(Arc::new(Mutex::new(move |question| answer(question).into())));
    }

    pub(super) fn on_sample(
        &mut self,
        answer: impl FnMut(CreateMessageParams) -> CreateMessageResult + Send + 'static,
    ) {
        self.sample = Some(Arc::new(Mutex::new(answer)));
    }

    pub(super) fn roots(&mut self, roots: Vec<Root>) {
        self.roots = Some(roots);
    }

    /// What a client declares that can answer so.
    pub(super) fn capabilities(&self) -> String {
        let mut members = Vec::new();
        if self.elicit.is_some() {
            members.push(r#""elicitation":{"form":{},"url":{}}"#);
        }
        if self.sample.is_some() {
            members.push(r#""sampling":{"tools":{}}"#);
        }
        if self.roots.is_some() {
            members.push(r#""roots":{}"#);
        }
        format!("{{{}}}", members.join(","))
    }

    /// Answers a question as a client would, with a result or an error.
    pub(super) fn answer(&self, question: &Question) -> Result<Result<RawJson, RpcError>, TestError> {
        let params = question.params.clone().unwrap_or_else(RawJson::empty_object);
        let answer = match (question.method.as_str(), self) {
            ("elicitation/create", Self { elicit: Some(elicit), .. }) => match call(elicit, params.to()?).0 {
                Ok(result) => RawJson::from_serialize(&result)?,
                Err(error) => return Ok(Err(error)),
            },
            ("sampling/createMessage", Self { sample: Some(sample), .. }) => {
                RawJson::from_serialize(&call(sample, params.to()?))?
            }
            ("roots/list", Self { roots: Some(roots), .. }) => {
                RawJson::from_serialize(&ListRootsResult { roots: roots.clone() })?
            }
            (method, _) => {
                let message = format!("the test client has no answer to {method}");
                return Ok(Err(RpcError::new(ErrorCode::METHOD_NOT_FOUND, message)));
            }
        };
        Ok(Ok(answer))
    }
}

fn call<Q, A>(answer: &Answer<Q, A>, question: Q) -> A {
    let mut answer = answer.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    (*answer)(question)
}

impl fmt::Debug for Answers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.capabilities())
    }
}

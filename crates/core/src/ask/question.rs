//! What a handler asks of the client.

use std::time::Duration;

use latimer_protocol::wire::{CreateMessageParams, ElicitParams, ElicitResult, ListRootsResult};
use latimer_protocol::wire::{CreateMessageResult, ElicitAction};
use latimer_protocol::{RawJson, Revision, rewrite};
use serde::{Deserialize, Serialize};

use crate::requirement::Requirement;
use crate::validate::{Options, Validator};

/// What the content of a form has to pass besides its schema; the fault is told to the user.
pub(crate) type ContentCheck = fn(&RawJson) -> Result<(), String>;

/// One question.
///
/// Its serialised form is what the journals of tasks hold, not what goes over the wire.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[expect(
    clippy::large_enum_variant,
    reason = "a call has few questions, and most have their parts on the heap"
)]
pub enum Question {
    /// The user fills in a form or opens a page (EL-2, EL-5).
    Elicit(ElicitParams),
    /// The client's model answers (SA-1).
    Sample(CreateMessageParams),
    /// The client names its roots (RO-1).
    Roots,
    /// One of the others, which the client answers later where it can: as a task of its own (T11-1).
    Later {
        /// What is asked.
        question: Box<Self>,
        /// How long the client keeps its task, in milliseconds.
        ttl_ms: u64,
    },
}

/// What is wrong with an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum BadAnswer {
    /// It is no answer to this kind of question at all (MRTR-6).
    Shape(String),
    /// It has the right form, and the form's content does not fit its fields: worth asking again.
    Content(String),
}

impl Question {
    /// The same question, which the client may answer later: as a task of its own that it keeps for `ttl`. Clients that
    /// cannot, and all other eras, are asked plainly.
    #[must_use]
    pub fn later(self, ttl: Duration) -> Self {
        let ttl_ms = u64::try_from(ttl.as_millis()).unwrap_or(u64::MAX);
        Self::Later { question: Box::new(self), ttl_ms }
    }

    /// The method that asks it.
    pub fn method(&self) -> &'static str {
        match self {
            Self::Elicit(_) => "elicitation/create",
            Self::Sample(_) => "sampling/createMessage",
            Self::Roots => "roots/list",
            Self::Later { question, .. } => question.method(),
        }
    }

    /// How long the client may keep the task as which it answers, where it may.
    pub(crate) fn task_ttl(&self) -> Option<Duration> {
        match self {
            Self::Later { ttl_ms, .. } => Some(Duration::from_millis(*ttl_ms)),
            _ => None,
        }
    }

    /// What the client must be able to do, and the first revision whose clients can.
    pub fn needs(&self) -> (Requirement, Revision) {
        match self {
            Self::Elicit(ElicitParams::Form(form)) if lets_choose_several(&form.requested_schema) => {
                (Requirement::Elicitation, Revision::V2025_11_25)
            }
            Self::Elicit(ElicitParams::Form(_)) => (Requirement::Elicitation, Revision::V2025_06_18),
            Self::Elicit(ElicitParams::Url(_)) => (Requirement::ElicitationUrl, Revision::V2025_11_25),
            Self::Sample(params) if params.wants_tools() => (Requirement::SamplingTools, params.needs()),
            Self::Sample(params) => (Requirement::Sampling, params.needs()),
            Self::Roots => (Requirement::Roots, Revision::V2024_11_05),
            Self::Later { question, .. } => question.needs(),
        }
    }

    /// The parameters as a revision knows them; `None` where the method has none.
    pub(crate) fn params(&self, revision: Revision) -> Result<Option<RawJson>, CannotAsk> {
        match self {
            Self::Elicit(params) => {
                let mut out = Vec::new();
                params.write(revision, &mut out).map_err(|error| CannotAsk(error.to_string()))?;
                let raw = RawJson::parse_bytes(out.into()).map_err(|error| CannotAsk(error.to_string()))?;
                Ok(Some(raw))
            }
            Self::Sample(params) => {
                RawJson::from_serialize(params).map(Some).map_err(|error| CannotAsk(error.to_string()))
            }
            Self::Roots => Ok(None),
            Self::Later { question, .. } => question.params(revision),
        }
    }

    /// The same question for a user whose last answer did not fit.
    pub(crate) fn again(&self, fault: &str) -> Self {
        let mut again = self.clone();
        match &mut again {
            Self::Elicit(ElicitParams::Form(form)) => {
                form.message = format!("{}\n\nThe last answer did not fit: {fault}", form.message);
            }
            Self::Later { question, .. } => **question = question.again(fault),
            _ => {}
        }
        again
    }

    /// Checks an answer: its shape, and for a form that was accepted, its content (MRTR-6).
    pub(crate) fn check(&self, answer: &RawJson, besides: Option<ContentCheck>) -> Result<(), BadAnswer> {
        let shape = |error: serde_json::Error| BadAnswer::Shape(error.to_string());
        // serde would take an array for the members in their order.
        if !answer.is_object() {
            return Err(BadAnswer::Shape("it is not an object".to_owned()));
        }
        match self {
            Self::Elicit(params) => {
                let result: ElicitResult = answer.to().map_err(shape)?;
                match (params, result.action) {
                    (ElicitParams::Form(form), ElicitAction::Accept) => {
                        let content = result.content.unwrap_or_else(RawJson::empty_object);
                        let validator = compile(&form.requested_schema);
                        // A form that cannot be compiled was refused when it was asked.
                        let Ok(validator) = validator else { return Ok(()) };
                        validator
                            .check(content.as_str())
                            .map_err(|violations| BadAnswer::Content(violations.to_string()))?;
                        besides.map_or(Ok(()), |check| check(&content).map_err(BadAnswer::Content))
                    }
                    _ => Ok(()),
                }
            }
            Self::Sample(_) => answer.to::<CreateMessageResult>().map(|_| ()).map_err(shape),
            Self::Roots => answer.to::<ListRootsResult>().map(|_| ()).map_err(shape),
            Self::Later { question, .. } => question.check(answer, besides),
        }
    }

    /// Checks that an answer has the right shape.
    pub(crate) fn check_shape(&self, answer: &RawJson) -> Result<(), String> {
        match self.check(answer, None) {
            Err(BadAnswer::Shape(reason)) => Err(reason),
            _ => Ok(()),
        }
    }

    /// What is wrong with the content of a form, so that it is put again.
    pub(crate) fn misfit(&self, answer: &RawJson) -> Option<String> {
        match self.check(answer, None) {
            Err(BadAnswer::Content(fault)) => Some(fault),
            _ => None,
        }
    }

    /// Refuses what no client could be asked: the fault is the author's.
    pub(crate) fn check_askable(&self) -> Result<(), CannotAsk> {
        match self {
            Self::Elicit(ElicitParams::Form(form)) => compile(&form.requested_schema)
                .map(|_| ())
                .map_err(|error| CannotAsk(format!("the schema of the form: {error}"))),
            Self::Later { question, .. } => question.check_askable(),
            _ => Ok(()),
        }
    }
}

/// Why a question cannot be put: a mistake of the handler's author.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CannotAsk(pub(crate) String);

/// The formats of fields are what the user is held to, unlike those of arguments (EL-2).
fn compile(schema: &RawJson) -> Result<Validator, crate::validate::SchemaError> {
    Validator::compile_with(schema.as_str(), &Options::default().assert_formats(true))
}

/// Whether a form has a field that 2025-06-18 does not know.
fn lets_choose_several(schema: &RawJson) -> bool {
    let properties = rewrite::member(schema.as_str(), "properties").ok().flatten().unwrap_or("{}");
    rewrite::members(properties).map_while(Result::ok).any(|(_, property)| {
        let kind = rewrite::member(property, "type").ok().flatten();
        kind.and_then(rewrite::decode_string).is_some_and(|kind| kind == "array")
    })
}

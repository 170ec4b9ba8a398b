//! What tools answer: one object for success and failure, with its members in a fixed order.

use latimer_core::validate::Violations;
use latimer_protocol::RawJson;
use latimer_protocol::wire::CallToolResult;
use serde::Serialize;

use crate::root::ListError;

/// The answer of a tool, as JSON. Equal calls of equal folders have equal bytes.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    /// Whether it did what it was asked for.
    pub(crate) ok: bool,
    /// The answer: an object that begins with `ok`.
    pub(crate) json: RawJson,
}

/// Why a tool did not do what it was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// The document, or an argument, is not as it has to be (`validation_failed`).
    Invalid(Problems),
    /// There is no such thing (`not_found`).
    NotFound(String),
    /// The server does not do that (`unsupported`).
    Unsupported {
        /// Why.
        detail: &'static str,
        /// The limit that it is about.
        limit: Option<usize>,
    },
    /// The backend did not take a document (`backend_error`).
    Backend {
        /// What it answered, or 503 where it did not.
        status: u16,
        /// In its own words.
        detail: String,
    },
    /// Something failed that the caller cannot mend (`internal_error`).
    Internal(String),
}

/// What is wrong, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Problems {
    pub(crate) list: Vec<Problem>,
    /// How many there are, where a schema was asked.
    pub(crate) total: Option<usize>,
    /// Whether there may be more than `total`.
    pub(crate) at_least: bool,
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Problem {
    /// Where, as a JSON Pointer (RFC 6901) into the document, or to an argument.
    pub path: String,
    /// Which keyword of the schema says so, as a JSON Pointer that goes on where each `$ref` leads to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schema_path: Option<String>,
    /// What was expected.
    pub msg: String,
}

/// How many violations are looked for, so that those that are listed are the first ones in order.
pub(crate) const SEARCHED: usize = 1_000;

impl Reply {
    /// A success.
    pub(crate) fn of(body: &impl Serialize) -> Result<Self, Failure> {
        Self::new(true, body)
    }

    pub(crate) fn new(ok: bool, body: &impl Serialize) -> Result<Self, Failure> {
        let json = RawJson::from_serialize(body);
        json.map(|json| Self { ok, json }).map_err(|error| Failure::Internal(error.to_string()))
    }

    /// The answer as a client gets it.
    pub(crate) fn into_result(self) -> CallToolResult {
        let mut result = CallToolResult::structured_raw(self.json);
        result.is_error = !self.ok;
        result
    }
}

/// The members of a failure, in their order; those of a success that has nothing to tell.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(crate) struct Body<'a> {
    pub(crate) ok: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) status: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) errors: Option<&'a [Problem]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) total: Option<usize>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(crate) at_least: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) detail: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) limit: Option<usize>,
}

impl Body<'static> {
    /// Nothing is wrong.
    pub(crate) const fn valid() -> Self {
        Self {
            ok: true,
            reason: None,
            status: None,
            errors: Some(&[]),
            total: None,
            at_least: false,
            detail: None,
            limit: None,
        }
    }
}

impl Failure {
    /// One thing that is wrong with an argument or a document.
    pub(crate) fn at(path: impl Into<String>, msg: impl Into<String>) -> Self {
        Self::Invalid(Problem { path: path.into(), schema_path: None, msg: msg.into() }.into())
    }

    /// Its members.
    pub(crate) fn body(&self) -> Body<'_> {
        let body = |reason| Body { reason: Some(reason), ..Body::default() };
        match self {
            Self::Invalid(problems) => Body {
                errors: Some(&problems.list),
                total: problems.total,
                at_least: problems.at_least,
                ..body("validation_failed")
            },
            Self::NotFound(detail) => Body { detail: Some(detail), ..body("not_found") },
            Self::Unsupported { detail, limit } => {
                Body { detail: Some(detail), limit: *limit, ..body("unsupported") }
            }
            Self::Backend { status, detail } => {
                Body { status: Some(*status), detail: Some(detail), ..body("backend_error") }
            }
            Self::Internal(detail) => Body { detail: Some(detail), ..body("internal_error") },
        }
    }

    /// The answer that says so.
    pub(crate) fn into_reply(self) -> Reply {
        let json = RawJson::from_serialize(&self.body());
        Reply { ok: false, json: json.unwrap_or_else(|_| RawJson::empty_object()) }
    }

    /// Why a folder could not be listed.
    pub(crate) fn of_list(what: &str, error: ListError) -> Self {
        match error {
            ListError::Crowded(most) => Self::Unsupported { detail: "too_many_files", limit: Some(most) },
            ListError::Io(said) => Self::Internal(format!("the folder of {what} cannot be listed: {said}")),
        }
    }
}

impl From<Problem> for Problems {
    fn from(problem: Problem) -> Self {
        Self { list: vec![problem], total: None, at_least: false }
    }
}

impl Problems {
    /// What a schema found: the first `most` by path, keyword and words.
    pub(crate) fn of(violations: &Violations, most: usize) -> Self {
        let problem = |violation: &latimer_core::validate::Violation| Problem {
            path: violation.pointer().to_owned(),
            schema_path: Some(violation.schema_pointer().to_owned()),
            msg: violation.message().to_owned(),
        };
        let mut list: Vec<_> = violations.list().iter().map(problem).collect();
        list.sort_unstable();
        list.truncate(most);
        Self { list, total: Some(violations.total()), at_least: !violations.is_complete() }
    }
}

//! Asking the user (EL-1 to EL-5): what a server asks, and what comes back.

use serde::{Deserialize, Serialize};

use crate::encode::{ObjectWriter, Shape, downlevel, write_object};
use crate::raw::RawJson;
use crate::revision::Revision;
use crate::rewrite::RewriteError;

/// The parameters of `elicitation/create`, in the newest form. [`write`](Self::write) makes the wire's text of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum ElicitParams {
    /// A form to fill in.
    Form(ElicitForm),
    /// A page to open (2025-11-25 on).
    Url(ElicitUrl),
}

/// A form to fill in (EL-2). Never ask for secrets with one (EL-4).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ElicitForm {
    /// What the user reads.
    pub message: String,
    /// The fields: an object schema whose properties are all flat.
    pub requested_schema: RawJson,
}

/// A page to open (EL-5): for what must not pass through the client.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ElicitUrl {
    /// What the user reads.
    pub message: String,
    /// Where the page is. It must carry no credentials and let nobody in by itself (EL-7).
    pub url: String,
    /// What the two sides call this question; 2025-11-25 demands it and 2026-07-28 does not know it (empty then).
    pub elicitation_id: String,
}

/// What the user decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ElicitAction {
    /// The form was filled in, or the page may be opened.
    Accept,
    /// The user said no.
    Decline,
    /// The user turned away without an answer.
    Cancel,
}

/// The result of `elicitation/create` (EL-3).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ElicitResult {
    /// What the user decided.
    pub action: ElicitAction,
    /// What the form holds, if it was accepted: an object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<RawJson>,
}

impl ElicitParams {
    /// Reads the parameters, whatever the revision that they came in. Without a `mode` they are a form (EL-2).
    ///
    /// # Errors
    /// When the mode is unknown, or a member that the mode demands is missing or of another type.
    pub fn read(raw: &RawJson) -> Result<Self, serde_json::Error> {
        let read: Read = raw.to()?;
        match read.mode.as_deref() {
            None | Some("form") => {
                let requested_schema = read.requested_schema.filter(RawJson::is_object);
                let requested_schema =
                    requested_schema.ok_or_else(|| missing("requestedSchema has to be an object"))?;
                Ok(Self::Form(ElicitForm { message: read.message, requested_schema }))
            }
            Some("url") => Ok(Self::Url(ElicitUrl {
                message: read.message,
                url: read.url.ok_or_else(|| missing("url is missing"))?,
                elicitation_id: read.elicitation_id.unwrap_or_default(),
            })),
            Some(_) => Err(missing("mode has to be form or url")),
        }
    }

    /// Appends the parameters' JSON as `revision` knows them.
    ///
    /// # Errors
    /// When the schema of a form is not sound JSON; `out` is then as it was.
    pub fn write(&self, revision: Revision, out: &mut Vec<u8>) -> Result<(), RewriteError> {
        match self {
            Self::Form(form) => {
                let mut newest = Vec::new();
                write_object(&mut newest, |object| {
                    object.string("mode", "form").string("message", &form.message);
                    object.raw("requestedSchema", form.requested_schema.as_str());
                });
                let newest = std::str::from_utf8(&newest)
                    .map_err(|error| RewriteError::Syntax(error.valid_up_to()))?;
                downlevel(Shape::ElicitFormParams, newest, revision, out)
            }
            Self::Url(url) => {
                write_object(out, |object| url.write_members(revision, object));
                Ok(())
            }
        }
    }
}

impl ElicitUrl {
    /// Writes the members as `revision` knows them.
    pub fn write_members(&self, revision: Revision, object: &mut ObjectWriter<'_>) {
        object.string("mode", "url").string("message", &self.message).string("url", &self.url);
        if !revision.is_modern() {
            object.string("elicitationId", &self.elicitation_id);
        }
    }
}

/// The parameters of either mode.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Read {
    mode: Option<String>,
    message: String,
    requested_schema: Option<RawJson>,
    url: Option<String>,
    elicitation_id: Option<String>,
}

fn missing(what: &'static str) -> serde_json::Error {
    serde::de::Error::custom(what)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn el_1_both_modes_are_read_and_what_fits_neither_is_not() {
        let read = |text: &str| ElicitParams::read(&RawJson::parse(text.to_owned()).unwrap());
        let form = r#"{"message":"m","requestedSchema":{"type":"object"},"x":1}"#;
        assert!(matches!(read(form), Ok(ElicitParams::Form(form)) if form.message == "m"));
        let url = r#"{"mode":"url","message":"m","url":"https://e.com/"}"#;
        assert!(matches!(read(url), Ok(ElicitParams::Url(url)) if url.elicitation_id.is_empty()));
        for bad in [
            r#"{"message":"m"}"#,
            r#"{"mode":"url","message":"m"}"#,
            r#"{"mode":"voice","message":"m","url":"u","requestedSchema":{}}"#,
            r#"{"message":"m","requestedSchema":5}"#,
            r#"{"requestedSchema":{}}"#,
        ] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn el_5_only_2025_11_25_names_a_url_elicitation() {
        let params = ElicitParams::Url(ElicitUrl {
            message: "m".to_owned(),
            url: "https://example.com/".to_owned(),
            elicitation_id: "e".to_owned(),
        });
        let text = |revision| {
            let mut out = Vec::new();
            params.write(revision, &mut out).unwrap();
            String::from_utf8(out).unwrap()
        };
        let modern = r#"{"mode":"url","message":"m","url":"https://example.com/"}"#;
        assert_eq!(text(Revision::V2026_07_28), modern);
        assert!(text(Revision::V2025_11_25).contains(r#""elicitationId":"e""#));
    }

    #[test]
    fn el_2_a_form_of_2025_06_18_has_no_mode() {
        let params = ElicitParams::Form(ElicitForm {
            message: "m".to_owned(),
            requested_schema: RawJson::parse(r#"{"type":"object","properties":{}}"#).unwrap(),
        });
        let mut out = Vec::new();
        params.write(Revision::V2025_06_18, &mut out).unwrap();
        assert_eq!(out, br#"{"message":"m","requestedSchema":{"type":"object","properties":{}}}"#);
    }

    #[test]
    fn el_3_results_are_read() {
        let read = |text: &str| serde_json::from_str::<ElicitResult>(text);
        assert_eq!(read(r#"{"action":"accept","content":{"a":1}}"#).unwrap().action, ElicitAction::Accept);
        assert_eq!(read(r#"{"action":"cancel","more":1}"#).unwrap().content, None);
        assert!(read(r#"{"action":"maybe"}"#).is_err());
    }
}

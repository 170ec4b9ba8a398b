//! What a client must be able to do.

use latimer_protocol::wire::ClientCapabilities;
use latimer_protocol::{ErrorCode, RawJson, Revision, RpcError};

/// A client capability without which something cannot work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Requirement {
    /// The client asks its user to fill in forms.
    Elicitation,
    /// The client has its user open pages (from 2025-11-25 on).
    ElicitationUrl,
    /// The client lets its model answer.
    Sampling,
    /// The client lets its model answer with the help of tools (from 2025-11-25 on).
    SamplingTools,
    /// The client names its roots.
    Roots,
    /// The client understands results that come later (the extension, from 2026-07-28 on; 2025-11-25 asks for
    /// tasks by itself).
    Tasks,
}

/// The extension that makes tools of 2026-07-28 tasks (TX-1).
pub const TASKS_EXTENSION: &str = "io.modelcontextprotocol/tasks";

impl Requirement {
    /// The capability's name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Elicitation => "elicitation",
            Self::ElicitationUrl => "elicitation.url",
            Self::Sampling => "sampling",
            Self::SamplingTools => "sampling.tools",
            Self::Roots => "roots",
            Self::Tasks => TASKS_EXTENSION,
        }
    }

    /// Whether a client that declared `capabilities` in `revision` can do it.
    pub fn is_met(self, capabilities: &ClientCapabilities, revision: Revision) -> bool {
        match self {
            Self::Elicitation => revision >= Revision::V2025_06_18 && capabilities.elicitation_form(),
            Self::ElicitationUrl => revision >= Revision::V2025_11_25 && capabilities.elicitation_url(),
            Self::Sampling => capabilities.sampling(),
            Self::SamplingTools => revision >= Revision::V2025_11_25 && capabilities.sampling_tools(),
            Self::Roots => capabilities.roots(),
            Self::Tasks => revision.is_modern() && capabilities.extension(TASKS_EXTENSION).is_some(),
        }
    }

    /// The error for a client that lacks some capabilities, told about `what` needs them (VER-7, MRTR-3). Older
    /// revisions have no code of their own for it.
    pub fn refusal(what: &str, missing: &[Self], revision: Revision) -> RpcError {
        let names: Vec<_> = missing.iter().map(|requirement| requirement.as_str()).collect();
        let message = format!(
            "{what} needs the client capabilities {}, which this client did not declare",
            names.join(", ")
        );
        if !revision.is_modern() {
            return RpcError::invalid_params(message);
        }
        let error = RpcError::new(ErrorCode::MISSING_CLIENT_CAPABILITY, message);
        match RawJson::parse(format!("{{\"requiredCapabilities\":{}}}", as_capabilities(missing))) {
            Ok(data) => error.with_data(data),
            Err(_) => error,
        }
    }
}

/// The requirements as a client would have declared them.
fn as_capabilities(missing: &[Requirement]) -> String {
    let has = |requirement| missing.contains(&requirement);
    let mut members = Vec::new();
    match (has(Requirement::Elicitation), has(Requirement::ElicitationUrl)) {
        (true, false) => members.push("\"elicitation\":{}".to_owned()),
        (false, true) => members.push("\"elicitation\":{\"url\":{}}".to_owned()),
        (true, true) => members.push("\"elicitation\":{\"form\":{},\"url\":{}}".to_owned()),
        (false, false) => {}
    }
    if has(Requirement::SamplingTools) {
        members.push("\"sampling\":{\"tools\":{}}".to_owned());
    } else if has(Requirement::Sampling) {
        members.push("\"sampling\":{}".to_owned());
    }
    if has(Requirement::Roots) {
        members.push("\"roots\":{}".to_owned());
    }
    if has(Requirement::Tasks) {
        members.push(format!("\"extensions\":{{\"{TASKS_EXTENSION}\":{{}}}}"));
    }
    format!("{{{}}}", members.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn capabilities(text: &str) -> ClientCapabilities {
        ClientCapabilities::new(RawJson::parse(text.to_owned()).unwrap()).unwrap()
    }

    #[test]
    fn mrtr_3_what_a_revision_does_not_know_nobody_can_do() {
        let all = capabilities(r#"{"elicitation":{"form":{},"url":{}},"sampling":{"tools":{}},"roots":{}}"#);
        let able = |requirement: Requirement, revision| requirement.is_met(&all, revision);
        assert!(able(Requirement::Sampling, Revision::V2024_11_05));
        assert!(!able(Requirement::Elicitation, Revision::V2025_03_26));
        assert!(able(Requirement::Elicitation, Revision::V2025_06_18));
        assert!(!able(Requirement::ElicitationUrl, Revision::V2025_06_18));
        assert!(able(Requirement::SamplingTools, Revision::V2026_07_28));
        assert!(!able(Requirement::Tasks, Revision::V2026_07_28));
        assert!(
            !Requirement::Elicitation
                .is_met(&capabilities(r#"{"elicitation":{"url":{}}}"#), Revision::V2026_07_28)
        );
    }

    #[test]
    fn ver_7_the_refusal_names_what_the_client_would_have_to_declare() {
        let data = |missing: &[Requirement]| {
            let error = Requirement::refusal("tool \"t\"", missing, Revision::V2026_07_28);
            assert_eq!(error.code, ErrorCode::MISSING_CLIENT_CAPABILITY);
            error.data.unwrap().as_str().to_owned()
        };
        assert_eq!(data(&[Requirement::Sampling]), r#"{"requiredCapabilities":{"sampling":{}}}"#);
        assert_eq!(
            data(&[Requirement::ElicitationUrl, Requirement::Elicitation, Requirement::SamplingTools]),
            r#"{"requiredCapabilities":{"elicitation":{"form":{},"url":{}},"sampling":{"tools":{}}}}"#
        );
        assert_eq!(
            data(&[Requirement::Tasks]),
            r#"{"requiredCapabilities":{"extensions":{"io.modelcontextprotocol/tasks":{}}}}"#
        );
        let older = Requirement::refusal("tool \"t\"", &[Requirement::Roots], Revision::V2025_11_25);
        assert_eq!(older.code, ErrorCode::INVALID_PARAMS);
    }
}

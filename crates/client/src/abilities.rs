//! What a client declares that it can do (EL-1, SA-1, RO-1, T11-1, TX-1).

use latimer_protocol::encode::write_object;
use latimer_protocol::{RawJson, Revision};

use crate::handlers::Handlers;
use crate::options::Options;

/// The name of the extension for tasks.
pub(crate) const TASKS: &str = "io.modelcontextprotocol/tasks";

/// What a client can do, in no revision's words yet.
#[derive(Clone, Debug)]
pub(crate) struct Abilities {
    pub(crate) handlers: Handlers,
    pub(crate) tasks: bool,
    extensions: Vec<(String, RawJson)>,
}

impl Abilities {
    pub(crate) fn of(options: &Options) -> Self {
        let extensions = options.extensions.iter().filter(|(name, _)| name != TASKS).cloned().collect();
        Self { handlers: options.handlers.clone(), tasks: options.tasks, extensions }
    }

    /// The capabilities as `revision` knows them, an object.
    pub(crate) fn declare(&self, revision: Revision) -> String {
        let Handlers { modes, sampling_tools, .. } = self.handlers;
        let newer = revision >= Revision::V2025_11_25;
        let elicits = self.elicits(revision);
        let samples = self.handlers.sampling.is_some();
        let mut out = Vec::new();
        write_object(&mut out, |object| {
            if elicits {
                object.object("elicitation", |elicitation| {
                    // An empty object is how 2025-06-18 says "forms".
                    if newer && modes.form() {
                        elicitation.raw("form", "{}");
                    }
                    if newer && modes.url() {
                        elicitation.raw("url", "{}");
                    }
                });
            }
            if samples {
                object.raw("sampling", if newer && sampling_tools { r#"{"tools":{}}"# } else { "{}" });
            }
            if self.handlers.roots.is_some() {
                object.raw("roots", if revision.is_modern() { "{}" } else { r#"{"listChanged":true}"# });
            }
            if self.tasks && revision == Revision::V2025_11_25 && (elicits || samples) {
                object.object("tasks", |tasks| {
                    tasks.raw("list", "{}").raw("cancel", "{}").object("requests", |requests| {
                        if samples {
                            requests.raw("sampling", r#"{"createMessage":{}}"#);
                        }
                        if elicits {
                            requests.raw("elicitation", r#"{"create":{}}"#);
                        }
                    });
                });
            }
            let tasks = self.tasks && revision.is_modern();
            if tasks || !self.extensions.is_empty() {
                object.object("extensions", |extensions| {
                    if tasks {
                        extensions.raw(TASKS, "{}");
                    }
                    for (name, settings) in &self.extensions {
                        extensions.raw(name, settings.as_str());
                    }
                });
            }
        });
        // What was made of text only is text.
        String::from_utf8(out).unwrap_or_default()
    }

    fn elicits(&self, revision: Revision) -> bool {
        let modes = self.handlers.modes;
        self.handlers.elicitation.is_some()
            && match revision {
                Revision::V2024_11_05 | Revision::V2025_03_26 => false,
                Revision::V2025_06_18 => modes.form(),
                Revision::V2025_11_25 | Revision::V2026_07_28 => true,
            }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::handlers::{ElicitationModes, Refusal};

    fn declared(options: &Options, revision: Revision) -> serde_json::Value {
        serde_json::from_str(&Abilities::of(options).declare(revision)).unwrap()
    }

    #[test]
    fn el_1_what_nobody_handles_is_not_declared() {
        let mut options = Options::default();
        for revision in [Revision::V2024_11_05, Revision::V2025_11_25] {
            assert_eq!(declared(&options, revision), serde_json::json!({}));
        }
        assert_eq!(
            declared(&options, Revision::V2026_07_28),
            serde_json::json!({"extensions": {"io.modelcontextprotocol/tasks": {}}})
        );
        options.tasks = false;
        assert_eq!(declared(&options, Revision::V2026_07_28), serde_json::json!({}));
    }

    #[test]
    fn el_1_sa_1_ro_1_t11_1_each_revision_gets_the_capabilities_that_it_knows() {
        let mut options = Options::default();
        options.handlers.on_elicitation(ElicitationModes::Both, |_| async { Err(Refusal::rejected("no")) });
        options.handlers.on_sampling(|_| async { Err(Refusal::rejected("no")) });
        options.handlers.sampling_tools = true;
        options.handlers.on_roots(|| async { Ok(Vec::new()) });
        options.extensions.push(("com.example/x".to_owned(), RawJson::empty_object()));
        let cases = [
            (
                Revision::V2024_11_05,
                r#"{"sampling":{},"roots":{"listChanged":true},"extensions":{"com.example/x":{}}}"#,
            ),
            (
                Revision::V2025_06_18,
                r#"{"elicitation":{},"sampling":{},"roots":{"listChanged":true},"extensions":{"com.example/x":{}}}"#,
            ),
            (
                Revision::V2025_11_25,
                r#"{"elicitation":{"form":{},"url":{}},"sampling":{"tools":{}},"roots":{"listChanged":true},
                    "tasks":{"list":{},"cancel":{},"requests":{"sampling":{"createMessage":{}},"elicitation":{"create":{}}}},
                    "extensions":{"com.example/x":{}}}"#,
            ),
            (
                Revision::V2026_07_28,
                r#"{"elicitation":{"form":{},"url":{}},"sampling":{"tools":{}},"roots":{},
                    "extensions":{"io.modelcontextprotocol/tasks":{},"com.example/x":{}}}"#,
            ),
        ];
        for (revision, text) in cases {
            let wanted: serde_json::Value = serde_json::from_str(text).unwrap();
            assert_eq!(declared(&options, revision), wanted, "{revision}");
        }
        options.handlers.modes = ElicitationModes::Url;
        assert_eq!(declared(&options, Revision::V2025_06_18)["elicitation"], serde_json::Value::Null);
    }
}

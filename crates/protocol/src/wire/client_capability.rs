//! What a client says it can do.

use crate::raw::RawJson;
use crate::rewrite::{RewriteError, member, members};

/// The capabilities of a client: its own words, and our answers to the questions that servers ask of them.
///
/// A capability counts as declared if its value is an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientCapabilities {
    raw: RawJson,
    declared: Declared,
}

/// Client capabilities must be an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("read the client's capabilities: {0}")]
pub struct CapabilitiesError(#[from] RewriteError);

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Declared {
    sampling: bool,
    sampling_tools: bool,
    sampling_context: bool,
    elicitation_form: bool,
    elicitation_url: bool,
    roots: bool,
    roots_list_changed: bool,
    tasks: bool,
}

impl Default for ClientCapabilities {
    fn default() -> Self {
        Self { raw: RawJson::empty_object(), declared: Declared::default() }
    }
}

impl ClientCapabilities {
    /// Reads the capabilities that a client declared.
    ///
    /// # Errors
    /// When they are no object.
    pub fn new(raw: RawJson) -> Result<Self, CapabilitiesError> {
        let mut declared = Declared::default();
        for entry in members(raw.as_str()) {
            let (name, value) = entry?;
            if !is_object(value) {
                continue;
            }
            match &*name {
                "sampling" => {
                    declared.sampling = true;
                    declared.sampling_tools = has_object(value, "tools")?;
                    declared.sampling_context = has_object(value, "context")?;
                }
                "elicitation" => {
                    declared.elicitation_url = has_object(value, "url")?;
                    // An empty object is how 2025-06-18 said "forms", and still means it.
                    declared.elicitation_form = has_object(value, "form")? || !declared.elicitation_url;
                }
                "roots" => {
                    declared.roots = true;
                    declared.roots_list_changed = member(value, "listChanged")? == Some("true");
                }
                "tasks" => declared.tasks = true,
                _ => {}
            }
        }
        Ok(Self { raw, declared })
    }

    /// The client's own words.
    pub fn as_raw(&self) -> &RawJson {
        &self.raw
    }

    /// It samples its model for us.
    pub fn sampling(&self) -> bool {
        self.declared.sampling
    }

    /// It lets the sampled model use tools.
    pub fn sampling_tools(&self) -> bool {
        self.declared.sampling_tools
    }

    /// It honours `includeContext` when sampling.
    pub fn sampling_context(&self) -> bool {
        self.declared.sampling_context
    }

    /// It shows forms to its user.
    pub fn elicitation_form(&self) -> bool {
        self.declared.elicitation_form
    }

    /// It opens URLs for its user.
    pub fn elicitation_url(&self) -> bool {
        self.declared.elicitation_url
    }

    /// It names its roots.
    pub fn roots(&self) -> bool {
        self.declared.roots
    }

    /// It announces changes of its roots.
    pub fn roots_list_changed(&self) -> bool {
        self.declared.roots_list_changed
    }

    /// It runs our requests as tasks (2025-11-25 only). The object tells which.
    pub fn tasks(&self) -> Option<&str> {
        if self.declared.tasks { self.capability("tasks") } else { None }
    }

    /// The settings of an extension, if the client declared it (VER-10).
    pub fn extension(&self, name: &str) -> Option<&str> {
        member(self.capability("extensions")?, name).ok().flatten().filter(|value| is_object(value))
    }

    fn capability(&self, name: &str) -> Option<&str> {
        member(self.raw.as_str(), name).ok().flatten().filter(|value| is_object(value))
    }
}

impl TryFrom<RawJson> for ClientCapabilities {
    type Error = CapabilitiesError;

    fn try_from(raw: RawJson) -> Result<Self, CapabilitiesError> {
        Self::new(raw)
    }
}

fn is_object(raw: &str) -> bool {
    raw.starts_with('{')
}

fn has_object(raw: &str, name: &str) -> Result<bool, RewriteError> {
    Ok(member(raw, name)?.is_some_and(is_object))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> ClientCapabilities {
        ClientCapabilities::new(RawJson::parse(text).unwrap()).unwrap()
    }

    #[test]
    fn an_empty_elicitation_means_forms() {
        assert!(of(r#"{"elicitation":{}}"#).elicitation_form());
        let both = of(r#"{"elicitation":{"form":{},"url":{}}}"#);
        assert!(both.elicitation_form() && both.elicitation_url());
        let url = of(r#"{"elicitation":{"url":{}}}"#);
        assert!(!url.elicitation_form() && url.elicitation_url());
    }

    #[test]
    fn only_objects_declare_a_capability() {
        let none = of(r#"{"sampling":null,"roots":true,"elicitation":[],"extensions":{"a/b":1}}"#);
        assert!(!none.sampling() && !none.roots() && !none.elicitation_form());
        assert_eq!(none.extension("a/b"), None);
        let some = of(r#"{"sampling":{"tools":{}},"roots":{"listChanged":true},"tasks":{"list":{}}}"#);
        assert!(some.sampling() && some.sampling_tools() && !some.sampling_context());
        assert!(some.roots() && some.roots_list_changed());
        assert_eq!(some.tasks(), Some(r#"{"list":{}}"#));
        assert!(ClientCapabilities::new(RawJson::parse("[]").unwrap()).is_err());
    }

    #[test]
    fn an_extension_is_found_with_its_settings() {
        let client = of(r#"{"extensions":{"io.modelcontextprotocol/tasks":{"x":1}}}"#);
        assert_eq!(client.extension("io.modelcontextprotocol/tasks"), Some(r#"{"x":1}"#));
        assert_eq!(client.extension("io.modelcontextprotocol/ui"), None);
    }
}

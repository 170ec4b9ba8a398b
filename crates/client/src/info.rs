//! What a server says about itself.

use latimer_protocol::frame::string;
use latimer_protocol::rewrite::{elements, member};
use latimer_protocol::{Era, RawJson, Revision};

/// What is known of the server since the connection was made.
#[derive(Clone, Debug)]
pub struct ServerInfo {
    pub(crate) revision: Revision,
    pub(crate) server: Option<RawJson>,
    pub(crate) capabilities: RawJson,
    pub(crate) instructions: Option<String>,
    pub(crate) supported: Vec<String>,
}

impl ServerInfo {
    /// The era that is spoken with it.
    pub fn era(&self) -> Era {
        self.revision.era()
    }

    /// The revision that is spoken with it.
    pub fn revision(&self) -> Revision {
        self.revision
    }

    /// Its name, if it says one. Unverified: nothing may depend on it (VER-6).
    pub fn name(&self) -> Option<String> {
        self.said("name")
    }

    /// Its version, if it says one.
    pub fn version(&self) -> Option<String> {
        self.said("version")
    }

    /// Its own words about its name, version, title and icons, an object.
    pub fn server_info(&self) -> Option<&RawJson> {
        self.server.as_ref()
    }

    /// What it can do, an object, in its own words.
    pub fn capabilities(&self) -> &RawJson {
        &self.capabilities
    }

    /// Whether it declared this capability: a path as `tools` or `resources.subscribe`, that leads to
    /// an object or to `true`.
    pub fn can(&self, capability: &str) -> bool {
        let found = capability
            .split('.')
            .try_fold(self.capabilities.as_str(), |object, name| member(object, name).ok().flatten());
        found.is_some_and(|value| value.starts_with('{') || value == "true")
    }

    /// How to use it, for the model.
    pub fn instructions(&self) -> Option<&str> {
        self.instructions.as_deref()
    }

    /// Every revision that it says it speaks (modern era; empty before).
    pub fn supported_versions(&self) -> &[String] {
        &self.supported
    }

    /// Reads the result of `initialize` (VER-L1) but for its revision.
    pub(crate) fn from_initialize(result: &RawJson, revision: Revision) -> Self {
        Self { server: object(result, "serverInfo"), ..Self::common(result, revision) }
    }

    /// Reads the result of `server/discover` (VER-4).
    pub(crate) fn from_discover(result: &RawJson, revision: Revision) -> Self {
        let server =
            object(result, "_meta").and_then(|meta| object(&meta, "io.modelcontextprotocol/serverInfo"));
        Self { server, supported: versions(result, "supportedVersions"), ..Self::common(result, revision) }
    }

    /// A modern server that told nothing about itself.
    pub(crate) fn silent(revision: Revision) -> Self {
        Self::common(&RawJson::empty_object(), revision)
    }

    fn common(result: &RawJson, revision: Revision) -> Self {
        Self {
            revision,
            server: None,
            capabilities: object(result, "capabilities").unwrap_or_else(RawJson::empty_object),
            instructions: text(result, "instructions"),
            supported: Vec::new(),
        }
    }

    fn said(&self, name: &str) -> Option<String> {
        text(self.server.as_ref()?, name)
    }
}

/// A string member of an object.
pub(crate) fn text(raw: &RawJson, name: &str) -> Option<String> {
    member(raw.as_str(), name).ok().flatten().and_then(string).map(std::borrow::Cow::into_owned)
}

/// The strings of an array member of an object; none where there is no such array.
pub(crate) fn versions(raw: &RawJson, name: &str) -> Vec<String> {
    let Some(array) = member(raw.as_str(), name).ok().flatten() else { return Vec::new() };
    elements(array).map_while(Result::ok).filter_map(string).map(std::borrow::Cow::into_owned).collect()
}

fn object(raw: &RawJson, name: &str) -> Option<RawJson> {
    let value = member(raw.as_str(), name).ok().flatten()?;
    raw.slice(value).ok().filter(RawJson::is_object)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_server_says_is_read_and_what_it_does_not_say_is_absent() {
        let result = RawJson::parse(
            r#"{"supportedVersions":["2026-07-28",5],"capabilities":{"tools":{},"resources":{"subscribe":true}},
            "instructions":"be kind","_meta":{"io.modelcontextprotocol/serverInfo":{"name":"s","x":1}}}"#,
        )
        .unwrap();
        let info = ServerInfo::from_discover(&result, Revision::V2026_07_28);
        assert_eq!((info.name().as_deref(), info.version()), (Some("s"), None));
        assert!(info.can("tools") && info.can("resources.subscribe"));
        assert!(!info.can("prompts") && !info.can("tools.listChanged"));
        assert_eq!(info.instructions(), Some("be kind"));
        assert_eq!(info.supported_versions(), ["2026-07-28"]);
        assert_eq!(info.server_info().unwrap().as_str(), r#"{"name":"s","x":1}"#);
        assert_eq!(ServerInfo::silent(Revision::V2026_07_28).capabilities().as_str(), "{}");
    }
}

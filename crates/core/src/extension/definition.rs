//! What is known of an extension before anybody calls it.

use latimer_protocol::RawJson;
use latimer_protocol::method::NameParam;

use super::id::ExtensionId;

/// An extension as its source or author describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExtensionDefinition {
    /// Its identifier.
    pub id: ExtensionId,
    /// What is announced under the identifier: an object, empty where there is nothing to set.
    pub settings: RawJson,
    /// Its methods, if it has any of its own.
    pub methods: Vec<ExtensionMethod>,
}

/// A method that an extension brings. It is served to clients of 2025-11-25 and newer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExtensionMethod {
    /// Its name: 1 to 128 visible ASCII characters, none of the protocol's own.
    pub name: String,
    /// What the header `Mcp-Name` has to repeat, from 2026-07-28 on (HDR-1).
    pub name_param: Option<NameParam>,
    /// Whether its result carries `ttlMs` and `cacheScope` from 2026-07-28 on (CACHE-1).
    pub cacheable: bool,
}

impl ExtensionDefinition {
    /// An extension without settings and methods: it is announced, and that is all.
    pub fn new(id: ExtensionId) -> Self {
        Self { id, settings: RawJson::empty_object(), methods: Vec::new() }
    }

    /// The same with settings, an object.
    #[must_use]
    pub fn settings(mut self, settings: RawJson) -> Self {
        self.settings = settings;
        self
    }

    /// The same with one more method.
    #[must_use]
    pub fn method(mut self, method: ExtensionMethod) -> Self {
        self.methods.push(method);
        self
    }
}

impl ExtensionMethod {
    /// A method of which nothing is mirrored and nothing kept.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), name_param: None, cacheable: false }
    }

    /// The same, with a result that may be kept.
    #[must_use]
    pub fn cacheable(mut self) -> Self {
        self.cacheable = true;
        self
    }

    /// The same, with a parameter that `Mcp-Name` repeats.
    #[must_use]
    pub fn named_by(mut self, param: NameParam) -> Self {
        self.name_param = Some(param);
        self
    }
}

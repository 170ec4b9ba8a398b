//! What a server says it can do.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::raw::RawJson;

/// The capabilities of a server, in the newest superset form.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerCapabilities {
    /// It has tools (TOOL-1).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tools: Option<ListCapability>,
    /// It has resources (RSC-1).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resources: Option<ResourcesCapability>,
    /// It has prompts (PR-1).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompts: Option<ListCapability>,
    /// It completes arguments (CMP-1; known from 2025-03-26 on): an object, usually empty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub completions: Option<RawJson>,
    /// It sends log messages (LOG-1): an object, usually empty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logging: Option<RawJson>,
    /// It has tasks (2025-11-25 only): an object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tasks: Option<RawJson>,
    /// Extensions by name, each with its settings, an object (VER-10; sent from 2025-11-25 on).
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub extensions: BTreeMap<String, RawJson>,
    /// What no specification names, each an object.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub experimental: BTreeMap<String, RawJson>,
}

/// A list that may announce its changes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ListCapability {
    /// Whether changes of the list are announced.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub list_changed: bool,
}

/// Resources that may announce their changes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ResourcesCapability {
    /// Whether changes of single resources are announced.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub subscribe: bool,
    /// Whether changes of the list are announced.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub list_changed: bool,
}

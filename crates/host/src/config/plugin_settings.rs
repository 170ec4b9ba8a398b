//! What a plugin is told: a tree of values that only the plugin knows the meaning of.

use std::fmt;

use serde_json::{Map, Value as Json, json};

use super::document::{Node, Value};
use super::setting::{Misfit, REFERENCE, Setting};

/// The settings of one plugin: an object. What came through a variable is text, and never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct PluginSettings {
    value: Json,
    shown: Json,
}

impl PluginSettings {
    /// The settings themselves, with whatever secrets are in them.
    #[must_use]
    pub fn expose(&self) -> &Json {
        &self.value
    }
}

impl fmt::Debug for PluginSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.shown)
    }
}

impl Setting for PluginSettings {
    fn expected() -> String {
        "a table of settings".into()
    }

    /// A JSON object. The environment is where secrets live, so that no text of it is shown.
    fn from_text(text: &str) -> Option<Self> {
        let value: Json = serde_json::from_str(text).ok()?;
        value.is_object().then(|| Self { shown: hidden(&value), value })
    }

    fn from_node(node: &Node) -> Result<Self, Vec<Misfit>> {
        match &node.value {
            Value::Table(_) => Ok(Self { value: tree(node, false), shown: tree(node, true) }),
            Value::Text(text) if node.interpolated => Self::from_text(text).ok_or_else(|| Misfit::of(node)),
            _ => Err(Misfit::of(node)),
        }
    }

    fn same(&self, other: &Self) -> bool {
        self.value == other.value
    }

    fn show(&self) -> Json {
        self.shown.clone()
    }

    fn schema() -> Json {
        json!({"type": ["object", "string"], "pattern": REFERENCE})
    }
}

const STARS: &str = "***";

/// A node as JSON; with `hide`, what variables were put into is stars.
fn tree(node: &Node, hide: bool) -> Json {
    match &node.value {
        // What was rejected has been reported: nobody gets to see this tree.
        Value::Null | Value::Rejected => Json::Null,
        Value::Bool(flag) => Json::Bool(*flag),
        Value::Integer(number) => (*number).into(),
        // Past 64 bits, or with a fraction: what no number of JSON can hold stays text.
        Value::Number(text) => serde_json::from_str(text).unwrap_or_else(|_| Json::String(text.clone())),
        Value::Text(_) if hide && !node.variables.is_empty() => Json::String(STARS.to_owned()),
        Value::Text(text) | Value::Date(text) => Json::String(text.clone()),
        Value::List(items) => items.iter().map(|item| tree(item, hide)).collect(),
        Value::Table(entries) => entries
            .iter()
            .map(|entry| (entry.key.clone(), tree(&entry.value, hide)))
            .collect::<Map<_, _>>()
            .into(),
    }
}

/// `value` with stars for its texts.
fn hidden(value: &Json) -> Json {
    match value {
        Json::String(_) => Json::String(STARS.to_owned()),
        Json::Array(items) => items.iter().map(hidden).collect(),
        Json::Object(members) => {
            members.iter().map(|(name, value)| (name.clone(), hidden(value))).collect::<Map<_, _>>().into()
        }
        plain => plain.clone(),
    }
}

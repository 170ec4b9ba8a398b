//! How the types of values are read from text and from a document, shown, and described.

use std::path::{Path, PathBuf};
use std::time::Duration;

use ipnet::IpNet;
use serde_json::{Value as Json, json};

use super::document::{Node, Span, Value};
use super::secret::Secret;
use super::values::{
    Authority, BindHost, ByteSize, EndpointPath, PluginName, PublicUrl, Scope, SealKey, ServerName,
    SocketMode, SocketPath, Transport, Transports, WebOrigin,
};
use crate::diagnostics::Found;
use crate::logging::{LogFilter, LogFormat};

/// A pattern that every value with a `${VAR}` in it matches; such a value may stand wherever a number or a choice may.
pub(crate) const REFERENCE: &str = "\\$\\{";

/// A value that its key does not take.
#[derive(Debug)]
pub(crate) struct Misfit {
    pub(crate) span: Span,
    pub(crate) found: Found,
    /// Whether what was found came through a variable and must not be shown.
    pub(crate) hidden: bool,
}

impl Misfit {
    pub(crate) fn of(node: &Node) -> Vec<Self> {
        vec![Self { span: node.span, found: node.value.found(), hidden: !node.variables.is_empty() }]
    }
}

/// A type that a key can have.
pub(crate) trait Setting: Sized + 'static {
    /// Completes "must be …".
    fn expected() -> String;

    /// Reads a flag, a variable, or text of a file.
    fn from_text(text: &str) -> Option<Self>;

    /// Reads a value of a file.
    fn from_node(node: &Node) -> Result<Self, Vec<Misfit>> {
        match &node.value {
            Value::Text(text) => Self::from_text(text).ok_or_else(|| Misfit::of(node)),
            _ => Err(Misfit::of(node)),
        }
    }

    /// The value as a report and the example show it.
    fn show(&self) -> Json;

    /// The JSON Schema of the value in a file.
    fn schema() -> Json;

    /// What ranges are about: the number, the bytes, the milliseconds.
    fn magnitude(&self) -> Option<u64> {
        None
    }

    /// Whether it is the same value as another. What is shown tells, unless it hides something.
    fn same(&self, other: &Self) -> bool {
        self.show() == other.show()
    }

    /// Makes a relative path start at `base`.
    fn rebase(&mut self, _base: &Path) {}
}

macro_rules! text_setting {
    ($($type:ty: $expected:expr, $schema:expr;)*) => {$(
        impl Setting for $type {
            fn expected() -> String {
                $expected.into()
            }

            fn from_text(text: &str) -> Option<Self> {
                text.parse().ok()
            }

            fn show(&self) -> Json {
                Json::String(self.to_string())
            }

            fn schema() -> Json {
                $schema
            }
        }
    )*};
}

text_setting! {
    String: "text", json!({"type": "string"});
    ServerName: ServerName::EXPECTED, json!({"type": "string", "minLength": 1});
    PluginName: PluginName::EXPECTED, json!({"type": "string", "minLength": 1});
    BindHost: BindHost::EXPECTED, json!({"type": "string", "minLength": 1});
    EndpointPath: EndpointPath::EXPECTED, json!({"type": "string", "pattern": format!("^/|{REFERENCE}")});
    Authority: Authority::EXPECTED, json!({"type": "string", "minLength": 1});
    WebOrigin: WebOrigin::EXPECTED, json!({"type": "string", "pattern": format!("://|{REFERENCE}")});
    PublicUrl: PublicUrl::EXPECTED, json!({"type": "string", "pattern": format!("^https?://|{REFERENCE}")});
    Scope: Scope::EXPECTED, json!({"type": "string", "minLength": 1});
    LogFilter: "error, warn, info, debug or trace, or a filter such as info,latimer_transport=debug",
        json!({"type": "string", "minLength": 1});
    Transport: Transport::EXPECTED, choice(&["http", "stdio", "tcp", "unix"]);
    SocketMode: SocketMode::EXPECTED, json!({"type": "string", "pattern": format!("^(0o)?[0-7]{{3,4}}$|{REFERENCE}")});
    LogFormat: "text or json", choice(&["text", "json"]);
}

/// One transport is written as a word, several are a list.
impl Setting for Transports {
    fn expected() -> String {
        Self::EXPECTED.into()
    }

    fn from_text(text: &str) -> Option<Self> {
        text.parse().ok()
    }

    fn from_node(node: &Node) -> Result<Self, Vec<Misfit>> {
        match &node.value {
            Value::Text(text) => Self::from_text(text).ok_or_else(|| Misfit::of(node)),
            _ => Self::new(Vec::from_node(node)?).ok_or_else(|| Misfit::of(node)),
        }
    }

    fn show(&self) -> Json {
        let mut words = self.iter().map(|one| one.show());
        match (words.next(), words.next()) {
            (Some(only), None) => only,
            _ => self.iter().map(|one| one.show()).collect(),
        }
    }

    fn schema() -> Json {
        let one = Transport::schema();
        json!({"anyOf": [one, {"type": "array", "items": one, "minItems": 1, "uniqueItems": true}]})
    }
}

impl Setting for SocketPath {
    fn expected() -> String {
        Self::EXPECTED.into()
    }

    fn from_text(text: &str) -> Option<Self> {
        text.parse().ok()
    }

    fn show(&self) -> Json {
        Json::String(self.to_string())
    }

    fn schema() -> Json {
        json!({"type": "string", "minLength": 1})
    }

    fn rebase(&mut self, base: &Path) {
        *self = self.clone().at(base);
    }
}

fn choice(choices: &[&str]) -> Json {
    json!({"type": "string", "anyOf": [{"enum": choices}, {"pattern": REFERENCE}]})
}

macro_rules! number_setting {
    ($($type:ty),*) => {$(
        impl Setting for $type {
            fn expected() -> String {
                "a whole number".into()
            }

            fn from_text(text: &str) -> Option<Self> {
                text.trim().parse().ok()
            }

            fn from_node(node: &Node) -> Result<Self, Vec<Misfit>> {
                let read = match &node.value {
                    Value::Integer(number) => Self::try_from(*number).ok(),
                    Value::Text(text) if node.interpolated => Self::from_text(text),
                    _ => None,
                };
                read.ok_or_else(|| Misfit::of(node))
            }

            fn show(&self) -> Json {
                json!(self)
            }

            fn schema() -> Json {
                json!({"type": ["integer", "string"], "pattern": REFERENCE})
            }

            fn magnitude(&self) -> Option<u64> {
                u64::try_from(*self).ok()
            }
        }
    )*};
}

number_setting!(u16, usize);

impl Setting for bool {
    fn expected() -> String {
        "true or false".into()
    }

    fn from_text(text: &str) -> Option<Self> {
        match text.trim().to_ascii_lowercase().as_str() {
            "true" | "1" | "yes" | "on" => Some(true),
            "false" | "0" | "no" | "off" => Some(false),
            _ => None,
        }
    }

    fn from_node(node: &Node) -> Result<Self, Vec<Misfit>> {
        let read = match &node.value {
            Value::Bool(flag) => Some(*flag),
            Value::Text(text) if node.interpolated => Self::from_text(text),
            _ => None,
        };
        read.ok_or_else(|| Misfit::of(node))
    }

    fn show(&self) -> Json {
        Json::Bool(*self)
    }

    fn schema() -> Json {
        json!({"type": ["boolean", "string"], "pattern": REFERENCE})
    }
}

impl Setting for ByteSize {
    fn expected() -> String {
        Self::EXPECTED.into()
    }

    fn from_text(text: &str) -> Option<Self> {
        text.parse().ok()
    }

    fn from_node(node: &Node) -> Result<Self, Vec<Misfit>> {
        let read = match &node.value {
            Value::Integer(number) => u64::try_from(*number).ok().map(Self::new),
            Value::Text(text) => Self::from_text(text),
            _ => None,
        };
        read.ok_or_else(|| Misfit::of(node))
    }

    fn show(&self) -> Json {
        Json::String(self.to_string())
    }

    fn schema() -> Json {
        json!({"type": ["integer", "string"], "minimum": 0, "pattern": format!("^[0-9]+ ?([KkMmGg][Ii]?)?[Bb]?$|{REFERENCE}")})
    }

    fn magnitude(&self) -> Option<u64> {
        Some(self.bytes())
    }
}

impl Setting for Duration {
    fn expected() -> String {
        "a duration with its unit, such as 500ms, 10s or 1h30m".into()
    }

    fn from_text(text: &str) -> Option<Self> {
        humantime::parse_duration(text).ok()
    }

    fn show(&self) -> Json {
        Json::String(humantime::format_duration(*self).to_string())
    }

    fn schema() -> Json {
        json!({"type": "string", "minLength": 2})
    }

    fn magnitude(&self) -> Option<u64> {
        u64::try_from(self.as_millis()).ok().or(Some(u64::MAX))
    }
}

impl Setting for IpNet {
    fn expected() -> String {
        "an IP address or a network such as 10.0.0.0/8".into()
    }

    fn from_text(text: &str) -> Option<Self> {
        text.parse::<Self>()
            .or_else(|_| text.parse::<std::net::IpAddr>().map(Self::from))
            .ok()
            .map(|net| net.trunc())
    }

    fn show(&self) -> Json {
        Json::String(self.to_string())
    }

    fn schema() -> Json {
        json!({"type": "string", "minLength": 2})
    }
}

impl Setting for PathBuf {
    fn expected() -> String {
        "the path of a file".into()
    }

    fn from_text(text: &str) -> Option<Self> {
        (!text.is_empty() && !text.contains('\0')).then(|| text.into())
    }

    fn show(&self) -> Json {
        Json::String(self.display().to_string())
    }

    fn schema() -> Json {
        json!({"type": "string", "minLength": 1})
    }

    fn rebase(&mut self, base: &Path) {
        if self.is_relative() {
            *self = base.join(&self);
        }
    }
}

impl Setting for Secret<String> {
    fn expected() -> String {
        "a bearer token (RFC 6750 §2.1: letters, digits and - . _ ~ + /, then any =)".into()
    }

    fn same(&self, other: &Self) -> bool {
        self.expose() == other.expose()
    }

    fn from_text(text: &str) -> Option<Self> {
        let body = text.trim_end_matches('=');
        let fits =
            !body.is_empty() && body.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~+/".contains(&b));
        fits.then(|| Self::new(text.to_owned()))
    }

    fn show(&self) -> Json {
        Json::String(self.to_string())
    }

    fn schema() -> Json {
        json!({"type": "string", "minLength": 1})
    }
}

impl Setting for SealKey {
    fn expected() -> String {
        SealKey::EXPECTED.into()
    }

    fn same(&self, other: &Self) -> bool {
        self.expose() == other.expose()
    }

    fn from_text(text: &str) -> Option<Self> {
        text.parse().ok()
    }

    fn show(&self) -> Json {
        Json::String(self.to_string())
    }

    fn schema() -> Json {
        json!({"type": "string", "minLength": 1})
    }
}

impl<T: Setting> Setting for Option<T> {
    fn expected() -> String {
        T::expected()
    }

    fn from_text(text: &str) -> Option<Self> {
        T::from_text(text).map(Some)
    }

    fn from_node(node: &Node) -> Result<Self, Vec<Misfit>> {
        T::from_node(node).map(Some)
    }

    fn show(&self) -> Json {
        self.as_ref().map_or(Json::Null, T::show)
    }

    fn schema() -> Json {
        T::schema()
    }

    fn magnitude(&self) -> Option<u64> {
        self.as_ref().and_then(T::magnitude)
    }

    fn rebase(&mut self, base: &Path) {
        if let Some(value) = self {
            value.rebase(base);
        }
    }
}

impl<T: Setting> Setting for Vec<T> {
    fn expected() -> String {
        format!("a list, each item {}", T::expected())
    }

    fn same(&self, other: &Self) -> bool {
        self.len() == other.len() && self.iter().zip(other).all(|(one, other)| one.same(other))
    }

    /// Items are separated by commas.
    fn from_text(text: &str) -> Option<Self> {
        if text.trim().is_empty() {
            return Some(Self::new());
        }
        text.split(',').map(|item| T::from_text(item.trim())).collect()
    }

    fn from_node(node: &Node) -> Result<Self, Vec<Misfit>> {
        let items = match &node.value {
            Value::List(items) => items,
            // Nothing but a variable is read as the variable would be.
            Value::Text(text) if node.interpolated => {
                return Self::from_text(text).ok_or_else(|| Misfit::of(node));
            }
            _ => return Err(Misfit::of(node)),
        };
        let (mut values, mut misfits) = (Self::new(), Vec::new());
        for item in items.iter().filter(|item| !matches!(item.value, Value::Rejected)) {
            match T::from_node(item) {
                Ok(value) => values.push(value),
                Err(more) => misfits.extend(more),
            }
        }
        if misfits.is_empty() { Ok(values) } else { Err(misfits) }
    }

    fn show(&self) -> Json {
        self.iter().map(T::show).collect()
    }

    fn schema() -> Json {
        json!({"type": ["array", "string"], "items": T::schema(), "pattern": REFERENCE})
    }
}

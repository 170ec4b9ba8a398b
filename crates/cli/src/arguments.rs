//! The arguments of a tool, from `NAME=VALUE` to JSON.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use latimer_protocol::RawJson;
use latimer_protocol::encode::write_object;
use latimer_protocol::rewrite::members;
use serde_json::Value;

/// An argument as it stands on the command line.
#[derive(Clone, Debug)]
pub(crate) struct Pair {
    /// Its name.
    pub(crate) name: String,
    /// Its value as text.
    pub(crate) value: String,
}

/// The text has no `=`, or nothing before it.
#[derive(Debug, thiserror::Error)]
#[error("write it as NAME=VALUE")]
pub(crate) struct NotAPair;

impl FromStr for Pair {
    type Err = NotAPair;

    fn from_str(text: &str) -> Result<Self, NotAPair> {
        match text.split_once('=') {
            Some((name, value)) if !name.is_empty() => {
                Ok(Self { name: name.to_owned(), value: value.to_owned() })
            }
            _ => Err(NotAPair),
        }
    }
}

/// Why the arguments make no JSON object.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ArgumentsError {
    /// The whole is no object.
    #[error("--args takes a JSON object such as '{{\"name\":\"Ada\"}}'{0}")]
    NotAnObject(String),
    /// A value does not have the type that the tool wants.
    #[error("--arg {name}: the tool wants {wanted}, not \"{found}\"")]
    Type {
        /// Of which argument.
        name: String,
        /// What types there may be.
        wanted: String,
        /// What was given, shortened.
        found: String,
    },
    /// A name was given twice.
    #[error("argument \"{0}\" is given twice")]
    Twice(String),
}

/// Puts the object of `--args` and the pairs of `--arg` together. What a pair's text means, the tool's input `schema` says:
/// numbers, booleans, null, objects and arrays are read as JSON, everything else is a string.
///
/// # Errors
/// When the whole is no object, a value is not of the type that the tool wants, or a name is given twice.
pub(crate) fn object(
    whole: Option<&str>,
    pairs: &[Pair],
    schema: Option<&RawJson>,
) -> Result<RawJson, ArgumentsError> {
    let whole = match whole {
        None => RawJson::empty_object(),
        Some(text) => RawJson::parse(text.to_owned())
            .map_err(|error| ArgumentsError::NotAnObject(format!(": {error}")))?,
    };
    if !whole.is_object() {
        return Err(ArgumentsError::NotAnObject(String::new()));
    }
    if pairs.is_empty() {
        return Ok(whole);
    }
    let schema: Value = schema.and_then(|schema| schema.to().ok()).unwrap_or_default();
    let mut seen = BTreeSet::new();
    let mut all: Vec<(String, String)> = Vec::new();
    for member in members(whole.as_str()) {
        let (name, value) = member.map_err(|error| ArgumentsError::NotAnObject(format!(": {error}")))?;
        all.push((name.into_owned(), value.to_owned()));
    }
    for pair in pairs {
        all.push((pair.name.clone(), typed(pair, &schema)?));
    }
    let mut out = Vec::new();
    write_object(&mut out, |object| {
        for (name, value) in &all {
            object.raw(name, value);
        }
    });
    if let Some((name, _)) = all.iter().find(|(name, _)| !seen.insert(name)) {
        return Err(ArgumentsError::Twice(name.clone()));
    }
    RawJson::parse_bytes(out.into()).map_err(|error| ArgumentsError::NotAnObject(format!(": {error}")))
}

/// The JSON text of one argument's value.
fn typed(pair: &Pair, schema: &Value) -> Result<String, ArgumentsError> {
    let property = &resolved(schema, schema)["properties"][&pair.name];
    let mut wanted = BTreeSet::new();
    kinds(property, schema, 0, &mut wanted);
    if wanted.is_empty() || wanted.contains(&Kind::String) {
        return Ok(Value::from(pair.value.as_str()).to_string());
    }
    match RawJson::parse(pair.value.clone()) {
        Ok(value) if wanted.contains(&Kind::of(value.as_str())) => Ok(value.to_string()),
        _ => Err(ArgumentsError::Type {
            name: pair.name.clone(),
            wanted: wanted.iter().map(ToString::to_string).collect::<Vec<_>>().join(" or "),
            found: pair.value.chars().take(64).collect(),
        }),
    }
}

/// A type of JSON values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Number,
    Boolean,
    Object,
    Array,
    Null,
    String,
}

impl Kind {
    /// The type of a JSON text.
    fn of(json: &str) -> Self {
        match json.as_bytes().first() {
            Some(b'{') => Self::Object,
            Some(b'[') => Self::Array,
            Some(b'"') => Self::String,
            Some(b't' | b'f') => Self::Boolean,
            Some(b'n') => Self::Null,
            _ => Self::Number,
        }
    }

    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "number" | "integer" => Self::Number,
            "boolean" => Self::Boolean,
            "object" => Self::Object,
            "array" => Self::Array,
            "null" => Self::Null,
            "string" => Self::String,
            _ => return None,
        })
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Number => "a number",
            Self::Boolean => "true or false",
            Self::Object => "a JSON object",
            Self::Array => "a JSON array",
            Self::Null => "null",
            Self::String => "a string",
        })
    }
}

/// How deep references and alternatives are followed; a schema may refer to itself.
const DEPTH: usize = 8;

/// Adds the types that a schema allows; none, where it does not say.
fn kinds(schema: &Value, root: &Value, depth: usize, found: &mut BTreeSet<Kind>) {
    if depth == DEPTH {
        return;
    }
    let schema = resolved(schema, root);
    match &schema["type"] {
        Value::String(name) => found.extend(Kind::named(name)),
        Value::Array(names) => found.extend(names.iter().filter_map(|name| Kind::named(name.as_str()?))),
        _ => {}
    }
    if !found.is_empty() {
        return;
    }
    let values = schema["enum"].as_array().into_iter().flatten().chain(schema.get("const"));
    found.extend(values.map(|value| Kind::of(&value.to_string())));
    for alternatives in ["anyOf", "oneOf", "allOf"] {
        for alternative in schema[alternatives].as_array().into_iter().flatten() {
            let mut inner = BTreeSet::new();
            kinds(alternative, root, depth + 1, &mut inner);
            found.extend(inner);
        }
    }
}

/// The schema that a reference within the document leads to; others are left alone.
fn resolved<'a>(schema: &'a Value, root: &'a Value) -> &'a Value {
    let mut schema = schema;
    for _ in 0..DEPTH {
        let target = schema["$ref"].as_str().and_then(|reference| reference.strip_prefix('#'));
        match target.and_then(|pointer| root.pointer(pointer)) {
            Some(target) => schema = target,
            None => break,
        }
    }
    schema
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCHEMA: &str = r##"{"type":"object","$defs":{"Size":{"type":"integer"},"Loop":{"$ref":"#/$defs/Loop"}},"properties":{
        "n":{"type":"number"},"b":{"type":"boolean"},"s":{"type":"string"},"o":{"type":"object"},"a":{"type":"array"},
        "maybe":{"anyOf":[{"$ref":"#/$defs/Size"},{"type":"null"}]},"text":{"type":["string","null"]},
        "pick":{"enum":[1,2]},"loop":{"$ref":"#/$defs/Loop"},"any":{}}}"##;

    fn made(whole: Option<&str>, pairs: &[&str]) -> Result<String, String> {
        let pairs: Vec<Pair> = pairs.iter().map(|pair| pair.parse().unwrap()).collect();
        let schema = RawJson::parse(SCHEMA).unwrap();
        object(whole, &pairs, Some(&schema)).map(|raw| raw.to_string()).map_err(|error| error.to_string())
    }

    #[test]
    fn the_schema_says_what_a_text_means() {
        for (pair, json) in [
            ("n=1.50", r#"{"n":1.50}"#),
            ("n=18446744073709551616", r#"{"n":18446744073709551616}"#),
            ("b=true", r#"{"b":true}"#),
            ("s=5", r#"{"s":"5"}"#),
            ("s=a=b \"q\"", r#"{"s":"a=b \"q\""}"#),
            ("s=", r#"{"s":""}"#),
            (r#"o={"x":[1]}"#, r#"{"o":{"x":[1]}}"#),
            ("a=[1, 2]", r#"{"a":[1, 2]}"#),
            ("maybe=7", r#"{"maybe":7}"#),
            ("maybe=null", r#"{"maybe":null}"#),
            ("text=null", r#"{"text":"null"}"#),
            ("pick=2", r#"{"pick":2}"#),
            ("loop=1", r#"{"loop":"1"}"#),
            ("any=1", r#"{"any":"1"}"#),
            ("unknown=true", r#"{"unknown":"true"}"#),
        ] {
            assert_eq!(made(None, &[pair]).as_deref(), Ok(json), "{pair}");
        }
    }

    #[test]
    fn a_value_of_another_type_is_told_before_anything_is_sent() {
        assert_eq!(made(None, &["n=ten"]).unwrap_err(), r#"--arg n: the tool wants a number, not "ten""#);
        assert_eq!(
            made(None, &["b=yes"]).unwrap_err(),
            r#"--arg b: the tool wants true or false, not "yes""#
        );
        assert!(made(None, &["a={}"]).unwrap_err().contains("a JSON array"));
        assert!(made(None, &["maybe=x"]).unwrap_err().contains("a number or null"));
    }

    #[test]
    fn pairs_add_to_the_whole_and_nothing_is_given_twice() {
        assert_eq!(made(Some(r#"{"z":1e2}"#), &["n=1"]).as_deref(), Ok(r#"{"z":1e2,"n":1}"#));
        assert_eq!(made(Some(r#" {"z":1e2} "#), &[]).as_deref(), Ok(r#"{"z":1e2}"#));
        assert!(made(Some(r#"{"n":1}"#), &["n=2"]).unwrap_err().contains("twice"));
        assert!(made(None, &["n=1", "n=2"]).unwrap_err().contains("twice"));
        for bad in ["[1]", "5", "{", ""] {
            assert!(made(Some(bad), &[]).unwrap_err().contains("JSON object"), "{bad}");
        }
    }

    #[test]
    fn a_pair_needs_a_name_and_an_equals_sign() {
        for bad in ["message", "=x", ""] {
            assert!(bad.parse::<Pair>().is_err(), "{bad}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_a_string_or_told_of(name in "[a-z]{1,5}", value in ".{0,40}") {
            let pair = Pair { name: name.clone(), value: value.clone() };
            let schema = RawJson::parse(SCHEMA).unwrap();
            if let Ok(raw) = object(None, &[pair], Some(&schema)) {
                let read: Value = raw.to().unwrap();
                let got = &read[&name];
                proptest::prop_assert!(got.as_str() == Some(&value) || got == &serde_json::from_str::<Value>(&value).unwrap());
            }
        }
    }
}

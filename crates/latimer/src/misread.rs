//! What to say of arguments that fit their schema, but not their types.

use std::borrow::Cow;
use std::fmt::{self, Write as _};

use latimer_protocol::tape::{Kind, Node, Tape, TapeBuffer};

use crate::integral::string_length;

/// Where arguments do not have their type, and what was expected there: said as the validator says it, for
/// instance `/party: expected integer from 0 to 255, got 300`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Misread {
    pointer: String,
    message: String,
}

impl Misread {
    /// From the error of reading `json`, which is well-formed.
    pub(crate) fn new(json: &str, error: &serde_json::Error) -> Self {
        let pointer = pointer_at(json, offset(json, error.line(), error.column()));
        let mut buffer = TapeBuffer::new();
        let tape = Tape::parse_into(&mut buffer, json).ok();
        let got = tape.and_then(|tape| tape.root().pointer(&pointer)).map(shown);
        let text = error.to_string();
        let place = format!(" at line {} column {}", error.line(), error.column());
        let message = message(text.strip_suffix(&place).unwrap_or(&text), got.as_deref());
        Self { pointer, message }
    }

    /// A property that is not there.
    pub(crate) fn missing(name: &str) -> Self {
        Self { pointer: String::new(), message: format!("missing required property \"{name}\"") }
    }
}

impl fmt::Display for Misread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = if self.pointer.is_empty() { "/" } else { &self.pointer };
        write!(f, "{}: {}", clipped(place), self.message)
    }
}

/// How many characters of a value or a place are shown.
const SHOWN: usize = 80;

fn clipped(text: &str) -> Cow<'_, str> {
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()).into(),
        None => text.into(),
    }
}

fn shown(node: Node<'_>) -> String {
    match node.kind() {
        Kind::Null => "null".to_owned(),
        Kind::Bool => node.as_bool().unwrap_or_default().to_string(),
        Kind::Number => clipped(node.number_text().unwrap_or_default()).into_owned(),
        Kind::String => {
            let raw = node.string().map_or("", |string| string.raw());
            clipped(&format!("\"{raw}\"")).into_owned()
        }
        Kind::Array => "an array".to_owned(),
        Kind::Object => "an object".to_owned(),
    }
}

/// The words of serde in those of the validator.
fn message(text: &str, got: Option<&str>) -> String {
    let named = |text: &str| text.trim_matches('`').to_owned();
    if let Some(name) = text.strip_prefix("missing field ") {
        return format!("missing required property \"{}\"", named(name));
    }
    if let Some(name) = text.strip_prefix("duplicate field ") {
        return format!("has the property \"{}\" under two names", named(name));
    }
    if text.starts_with("data did not match any variant") {
        return "matches none of the alternatives".to_owned();
    }
    let Some((_, expected)) = text.rsplit_once(", expected ") else { return clipped(text).into_owned() };
    let mut message = format!("expected {}", expectation(expected));
    if let Some(got) = got {
        let _ = write!(message, ", got {got}");
    }
    message
}

/// What serde expected, without names of Rust types.
fn expectation(expected: &str) -> Cow<'_, str> {
    if let Some(range) = range(expected) {
        return range.into();
    }
    if let Some(range) = expected.strip_prefix("a nonzero ").and_then(range) {
        return match range.strip_prefix("integer from 0 to ") {
            Some(most) => format!("integer from 1 to {most}").into(),
            None => format!("{range} other than 0").into(),
        };
    }
    match expected {
        "f32" | "f64" => "number".into(),
        "a string" | "string" => "string".into(),
        "a boolean" => "boolean".into(),
        "a sequence" => "array".into(),
        "a map" => "object".into(),
        "unit" => "null".into(),
        _ if expected.starts_with("struct ") => "object".into(),
        _ if expected.starts_with("tuple ") => "array".into(),
        _ if expected.contains("enum ") => "one of the alternatives".into(),
        _ => expected.replace('`', "\"").into(),
    }
}

fn range(name: &str) -> Option<String> {
    macro_rules! ranges {
        ($($type:ident)*) => {
            match name {
                $(stringify!($type) => Some(format!("integer from {} to {}", $type::MIN, $type::MAX)),)*
                _ => None,
            }
        };
    }
    ranges!(u8 u16 u32 u64 u128 usize i8 i16 i32 i64 i128 isize)
}

/// How many bytes had been read when an error was noticed.
fn offset(json: &str, line: usize, column: usize) -> usize {
    let before: usize = json.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
    before + column
}

/// A step from a value into one of its parts.
enum Step<'a> {
    /// The name of a member, as it is written, once it has been read.
    Member(Option<&'a str>),
    Element(usize),
}

/// The JSON Pointer of the value that was being read, or had just been read, at `offset`.
fn pointer_at(json: &str, offset: usize) -> String {
    let mut steps = Vec::new();
    let mut at = 0;
    while let Some(rest) = json.get(at..).filter(|_| at < offset) {
        let Some(next) = rest.find(['"', '{', '}', '[', ']', ',']) else { break };
        at += next;
        let Some((rest, &byte)) = json.get(at..).zip(json.as_bytes().get(at)).filter(|_| at < offset) else {
            break;
        };
        at += 1;
        match (byte, steps.last_mut()) {
            (b'"', last) => {
                let length = string_length(rest);
                at += length - 1;
                if let Some(Step::Member(name @ None)) = last {
                    *name = rest.get(..length);
                }
            }
            (b'{', _) => steps.push(Step::Member(None)),
            (b'[', _) => steps.push(Step::Element(0)),
            (b',', Some(Step::Member(name))) => *name = None,
            (b',', Some(Step::Element(index))) => *index += 1,
            (b'}' | b']', _) => drop(steps.pop()),
            _ => {}
        }
    }
    let mut pointer = String::new();
    for step in &steps {
        match step {
            Step::Member(Some(name)) => {
                let name = serde_json::from_str::<String>(name).unwrap_or_default();
                let _ = write!(pointer, "/{}", name.replace('~', "~0").replace('/', "~1"));
            }
            Step::Member(None) => {}
            Step::Element(index) => {
                let _ = write!(pointer, "/{index}");
            }
        }
    }
    pointer
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::num::NonZeroU8;

    use serde::Deserialize;
    use serde::de::DeserializeOwned;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "lowercase")]
    enum Colour {
        Red,
        Blue,
    }

    #[derive(Debug, Deserialize)]
    #[expect(dead_code, reason = "it is only read")]
    struct Part {
        size: NonZeroU8,
        colour: Option<Colour>,
        address: Option<std::net::Ipv4Addr>,
    }

    fn misread<T: DeserializeOwned + fmt::Debug>(json: &str) -> String {
        Misread::new(json, &serde_json::from_str::<T>(json).unwrap_err()).to_string()
    }

    #[test]
    fn the_place_and_the_expectation_are_named_without_serde() {
        type Parts = BTreeMap<String, Vec<Part>>;
        for (json, message) in [
            (r#"{"a":[{"size":300}]}"#, "/a/0/size: expected integer from 1 to 255, got 300"),
            (
                "{\"a\":[],\n \"b/~\":[{\"size\":1},\n {\"size\":\"x\"}]}",
                "/b~1~0/1/size: expected integer from 1 to 255, got \"x\"",
            ),
            (r#"{"a":[{"size":1},{}]}"#, "/a/1: missing required property \"size\""),
            (
                r#"{"a":[{"size":1,"colour":"green"}]}"#,
                "/a/0/colour: expected \"red\" or \"blue\", got \"green\"",
            ),
            (r#"{"a":[{"size":1,"address":"x"}]}"#, "/a/0/address: invalid IPv4 address syntax"),
            (r#"{"a":{"b":1}}"#, "/a: expected array, got an object"),
            (r#"{"a":[7]}"#, "/a/0: expected object, got 7"),
            ("7", "/: expected object, got 7"),
        ] {
            assert_eq!(misread::<Parts>(json), message);
        }
    }

    #[test]
    fn a_signed_integer_that_must_not_be_0_says_so() {
        let said = misread::<std::num::NonZeroI8>("0");
        assert_eq!(said, "/: expected integer from -128 to 127 other than 0, got 0");
    }

    #[test]
    fn long_values_and_names_are_cut() {
        let said = misread::<BTreeMap<String, u8>>(&format!(r#"{{"{0}":"{0}"}}"#, "é".repeat(1_000)));
        assert!(
            said.contains("expected integer from 0 to 255, got \"é") && said.chars().count() < 250,
            "{said}"
        );
    }
}

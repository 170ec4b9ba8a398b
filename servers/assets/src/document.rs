//! JSON documents, read once and written without what does not matter.

use std::sync::Arc;

use latimer_protocol::tape::{Kind, Node, Tape, TapeBuffer};
use serde_json::value::RawValue;
use sha2::{Digest as _, Sha256};

/// The SHA-256 of some bytes.
pub(crate) type Digest = [u8; 32];

/// How deep a document from disk may be nested: answers wrap it in a few levels more, and 128 are the most that a message may
/// have.
pub(crate) const MAX_DEPTH: usize = 100;

/// A JSON document from disk.
#[derive(Clone, Debug)]
pub(crate) struct Document {
    /// Its text without white space between values. Names, texts and numbers are written as they were.
    pub(crate) text: Arc<str>,
}

/// Why bytes are no document.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason} at line {line}, column {column}")]
pub(crate) struct ParseError {
    /// What is wrong.
    pub(crate) reason: &'static str,
    /// In which line, from 1.
    pub(crate) line: usize,
    /// At which character of the line, from 1.
    pub(crate) column: usize,
}

impl Document {
    /// # Errors
    /// When the bytes are no JSON that every parser reads in one way, or nest too deep.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, ParseError> {
        let text = str::from_utf8(bytes).map_err(|error| {
            let before = String::from_utf8_lossy(&bytes[..error.valid_up_to()]);
            ParseError::at("a byte that is not UTF-8", &before)
        })?;
        let mut buffer = TapeBuffer::new();
        let tape = Tape::parse_into(&mut buffer, text).map_err(|error| {
            let reason = match error {
                _ if error.is_end() => "unexpected end of JSON",
                _ if error.is_too_deep() => "nesting that is too deep",
                _ if error.is_too_long() => "more text than can be read",
                _ if error.is_lone_surrogate() => "a lone surrogate",
                _ if error.is_repeated_key() => "a member name for the second time",
                _ => "invalid JSON",
            };
            let before = text.get(..error.offset()).unwrap_or(text);
            ParseError::at(reason, before)
        })?;
        if depth(tape) > MAX_DEPTH {
            return Err(ParseError::at("nesting that is too deep", ""));
        }
        Ok(Self { text: compact(tape.root()).into() })
    }

    /// Its text for an answer.
    pub(crate) fn raw(&self) -> Box<RawValue> {
        raw(self.text.to_string())
    }
}

impl ParseError {
    /// What is wrong after some text.
    fn at(reason: &'static str, before: &str) -> Self {
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        Self { reason, line, column }
    }
}

/// Text that is known to be JSON, for an answer.
pub(crate) fn raw(text: String) -> Box<RawValue> {
    // It came off a tape. Should that ever be wrong, an answer with null is better than none.
    RawValue::from_string(text).unwrap_or_else(|_| RawValue::NULL.to_owned())
}

/// The SHA-256 of some bytes.
pub(crate) fn digest(bytes: &[u8]) -> Digest {
    Sha256::digest(bytes).into()
}

/// A value without white space.
pub(crate) fn compact(node: Node<'_>) -> String {
    let mut out = String::new();
    write(node, None, &mut out);
    out
}

/// An object without white space, and without one of its own members.
pub(crate) fn compact_without(node: Node<'_>, member: &str) -> String {
    let mut out = String::new();
    write(node, Some(member), &mut out);
    out
}

/// A value in the one form that all its spellings share, as far as numbers are written alike: members by name, texts with
/// as few escapes as JSON allows.
pub(crate) fn canonical(node: Node<'_>) -> String {
    let mut out = String::new();
    write_canonical(node, &mut out);
    out
}

/// Text as JSON.
pub(crate) fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

// Both walk as deep as a tape is: 128 levels at most.

fn write(node: Node<'_>, without: Option<&str>, out: &mut String) {
    match node.kind() {
        Kind::Array => {
            out.push('[');
            for (at, element) in node.elements().into_iter().flatten().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                write(element, None, out);
            }
            out.push(']');
        }
        Kind::Object => {
            out.push('{');
            let members = node.members().into_iter().flatten();
            let members = members.filter(|(name, _)| without.is_none_or(|without| *name != *without));
            for (at, (name, value)) in members.enumerate() {
                if at > 0 {
                    out.push(',');
                }
                out.push('"');
                out.push_str(name.raw());
                out.push_str("\":");
                write(value, None, out);
            }
            out.push('}');
        }
        Kind::String => {
            out.push('"');
            out.push_str(node.string().map_or("", |text| text.raw()));
            out.push('"');
        }
        _ => write_plain(node, out),
    }
}

fn write_canonical(node: Node<'_>, out: &mut String) {
    match node.kind() {
        Kind::Array => {
            out.push('[');
            for (at, element) in node.elements().into_iter().flatten().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                write_canonical(element, out);
            }
            out.push(']');
        }
        Kind::Object => {
            let members = node.members().into_iter().flatten();
            let mut members: Vec<_> = members.map(|(name, value)| (name.decode(), value)).collect();
            members.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
            out.push('{');
            for (at, (name, value)) in members.into_iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                out.push_str(&quoted(&name));
                out.push(':');
                write_canonical(value, out);
            }
            out.push('}');
        }
        Kind::String => out.push_str(&quoted(&node.as_str().unwrap_or_default())),
        _ => write_plain(node, out),
    }
}

fn write_plain(node: Node<'_>, out: &mut String) {
    match node.kind() {
        Kind::Number => out.push_str(node.number_text().unwrap_or("0")),
        Kind::Bool => out.push_str(if node.as_bool() == Some(true) { "true" } else { "false" }),
        _ => out.push_str("null"),
    }
}

/// How many arrays and objects are open at once at most.
fn depth(tape: Tape<'_>) -> usize {
    fn of(node: Node<'_>) -> usize {
        let below = match node.kind() {
            Kind::Array => node.elements().into_iter().flatten().map(of).max(),
            Kind::Object => node.members().into_iter().flatten().map(|(_, value)| of(value)).max(),
            _ => return 0,
        };
        1 + below.unwrap_or(0)
    }
    of(tape.root())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_keeps_its_spelling_and_loses_its_white_space() {
        let text = " { \"b\" : [ 1.0 , 1e400, 18446744073709551615 ] ,\n \"a\\u0062\" : \"x y\" } ";
        let document = Document::parse(text.as_bytes()).unwrap();
        assert_eq!(&*document.text, r#"{"b":[1.0,1e400,18446744073709551615],"a\u0062":"x y"}"#);
        assert_eq!(document.raw().get(), &*document.text);
    }

    #[test]
    fn the_canonical_form_does_not_depend_on_order_and_escapes() {
        let form = |text: &str| {
            let mut buffer = TapeBuffer::new();
            canonical(Tape::parse_into(&mut buffer, text).unwrap().root())
        };
        assert_eq!(form(r#"{"b":1,"\u0061":["\u00e9\n"]}"#), "{\"a\":[\"é\\n\"],\"b\":1}");
        assert_ne!(form("1"), form("1.0"));
    }

    #[test]
    fn what_is_no_document_is_told_with_its_place() {
        for (bytes, told) in [
            (&b"{\n  \"a\": 1,\n}"[..], "invalid JSON at line 3, column 1"),
            (b"", "unexpected end of JSON at line 1, column 1"),
            (b"{\"\xc3\xa9\":\xff}", "a byte that is not UTF-8 at line 1, column 6"),
            (b"{\"a\":1,\"a\":2}", "a member name for the second time at line 1, column 9"),
            (b"\xef\xbb\xbf{}", "invalid JSON at line 1, column 1"),
        ] {
            assert_eq!(Document::parse(bytes).unwrap_err().to_string(), told);
        }
        let nested = |depth| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(Document::parse(nested(MAX_DEPTH).as_bytes()).is_ok());
        assert!(Document::parse(nested(MAX_DEPTH + 1).as_bytes()).is_err());
    }
}

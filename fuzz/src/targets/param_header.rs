//! Tool arguments that travel as headers (XH-1 to XH-5). An input is an input schema, a line of three hyphens, arguments,
//! a line of three hyphens, and a header's value.
//!
//! Held: the headers of a schema are those that a walk over its tree finds, each with a name of its own that a header can
//! have; a value that is written fits a header and is found to agree with its argument, and with no other; what cannot be
//! written agrees with nothing.

use latimer_protocol::codec::param_header::{Mismatch, PREFIX, ParamHeader};
use latimer_protocol::codec::sentinel;

use crate::json::{Document, Json, Kind, Strings};
use crate::script;

/// See [`Target::words`](crate::Target::words).
pub const WORDS: &[&str] = &[
    "\"properties\":{",
    "\"x-mcp-header\":\"A\"",
    "\"type\":\"string\"",
    "\"type\":\"integer\"",
    "\"type\":\"boolean\"",
    "\"items\":",
    "\"anyOf\":[",
    "\"$defs\":",
    "\\u002d",
    "\n---\n",
    "{\"a\":",
    "null",
    "true",
    "4.2e1",
    "=?base64?",
    "?=",
    ",",
    "}",
    "]",
];

/// 2^53−1.
const MOST: i64 = (1 << 53) - 1;

/// Runs the target once.
pub fn run(data: &[u8]) {
    let Ok(input) = std::str::from_utf8(data) else { return };
    let [schema, arguments, header] = script::parts(input);
    let tree = Document::read(schema, Strings::Sound).ok();
    let tree = tree.filter(|tree| tree.value.depth() <= 128 && !tree.value.repeats_a_key());
    let headers = match ParamHeader::extract(schema) {
        Ok(headers) => headers,
        Err(error) => {
            assert!(error.to_string().contains("x-mcp-header"), "{error}");
            if let Some(tree) = tree {
                assert!(says_keyword(&tree.value), "an error about an annotation that is not there");
            }
            return;
        }
    };
    if let Some(tree) = tree {
        let mut found = Vec::new();
        annotations(&tree.value, &mut Vec::new(), &mut found);
        let theirs = headers.iter().map(|header| (header.path().to_vec(), header.header_name()));
        assert_eq!(theirs.collect::<Vec<_>>(), found);
    }
    for (at, one) in headers.iter().enumerate() {
        let name = one.header_name();
        assert!(name.strip_prefix(PREFIX).is_some_and(|name| !name.is_empty()));
        assert!(name.bytes().all(|byte| byte.is_ascii_graphic() && !b"\"(),/:;<=>?@[\\]{}".contains(&byte)));
        assert!(headers[..at].iter().all(|other| !other.header_name().eq_ignore_ascii_case(&name)));
        value(one, arguments, header);
    }
}

/// One header and the arguments that it stands for.
fn value(header: &ParamHeader, arguments: &str, given: &str) {
    let tree = Document::read(arguments, Strings::Sound).ok().filter(|tree| !tree.value.repeats_a_key());
    let argument = tree.as_ref().filter(|tree| tree.value.depth() <= 128).map(|tree| {
        let found = header.path().iter().try_fold(&tree.value, |object, name| object.member(name));
        found.filter(|found| found.text != "null")
    });
    if let Some(argument) = argument {
        assert_eq!(header.argument(arguments), argument.map(|argument| argument.text));
    }
    assert_eq!(header.check(None, None), Ok(()));
    assert_eq!(header.check(Some(given), None), Err(Mismatch::Unexpected));
    match header.value(arguments) {
        Ok(Some(value)) => {
            assert!(value.bytes().all(|byte| byte == b'\t' || (b' '..=b'~').contains(&byte)), "{value:?}");
            assert_eq!(header.check(Some(&value), Some(arguments)), Ok(()));
            assert_eq!(header.check(None, Some(arguments)), Err(Mismatch::Missing));
            if let Some(Some(argument)) = argument {
                spelled(argument, &value);
            }
            if header.check(Some(given), Some(arguments)).is_ok() {
                agree(given, &value);
            }
        }
        Ok(None) => {
            assert_eq!(header.check(None, Some(arguments)), Ok(()));
            assert_eq!(header.check(Some(given), Some(arguments)), Err(Mismatch::Unexpected));
        }
        Err(_) => {
            assert!(header.check(Some(given), Some(arguments)).is_err());
            assert_eq!(header.check(None, Some(arguments)), Err(Mismatch::Missing));
        }
    }
}

/// A header's value says what its argument says.
fn spelled(argument: &Json<'_>, value: &str) {
    let said = sentinel::decode(value).unwrap();
    match argument.kind {
        Kind::String => assert_eq!(said, argument.string().unwrap()),
        Kind::Word => assert_eq!(said, argument.text),
        Kind::Number => {
            let number: i64 = said.parse().unwrap();
            assert!((-MOST..=MOST).contains(&number));
            // Exact within the range, so that the nearest float is the number itself.
            assert_eq!(argument.text.parse::<f64>().ok(), said.parse::<f64>().ok());
        }
        Kind::Array(_) | Kind::Object(_) => panic!("a header for what has parts"),
    }
}

/// Two values that both agree with one argument say the same text, or the same number.
fn agree(given: &str, value: &str) {
    let (given, value) = (sentinel::decode(given).unwrap(), sentinel::decode(value).unwrap());
    let numbers = || Some((given.parse::<f64>().ok()?, value.parse::<f64>().ok()?));
    assert!(given == value || numbers().is_some_and(|(given, value)| given == value), "{given} {value}");
}

/// Walks the properties of a schema, which are the only ones that may be annotated.
fn annotations(schema: &Json<'_>, path: &mut Vec<String>, found: &mut Vec<(Vec<String>, String)>) {
    let Kind::Object(keywords) = &schema.kind else { return };
    for keyword in keywords {
        match keyword.key.as_deref() {
            Some("x-mcp-header") => {
                found.push((path.clone(), format!("{PREFIX}{}", keyword.value.string().unwrap())));
            }
            Some("properties") => {
                let Kind::Object(properties) = &keyword.value.kind else { continue };
                for property in properties {
                    path.push(property.key.clone().unwrap());
                    annotations(&property.value, path, found);
                    path.pop();
                }
            }
            _ => {}
        }
    }
}

fn says_keyword(json: &Json<'_>) -> bool {
    match &json.kind {
        Kind::Object(entries) => entries
            .iter()
            .any(|entry| entry.key.as_deref() == Some("x-mcp-header") || says_keyword(&entry.value)),
        Kind::Array(entries) => entries.iter().any(|entry| says_keyword(&entry.value)),
        Kind::Word | Kind::Number | Kind::String => false,
    }
}

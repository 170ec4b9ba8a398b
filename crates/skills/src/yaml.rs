//! YAML of the core schema as JSON text, in the author's order: without tags, anchors and merge keys.

use std::collections::HashSet;

use latimer_protocol::text::write_string;
use saphyr_parser::{Event, Parser, ScalarStyle, StrInput};

/// How deep values may be nested.
const MOST_DEPTH: usize = 32;

/// Why a text cannot be written as JSON. Lines count from 1.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum YamlError {
    #[error("line {line}: {reason}")]
    Syntax { line: usize, reason: String },
    #[error("line {0}: tags, anchors and aliases are not read; write the value itself")]
    Reference(usize),
    #[error("line {0}: a key has to be plain text")]
    Key(usize),
    #[error("line {line}: the key \"{key}\" is there twice")]
    Twice { line: usize, key: String },
    #[error("line {0}: JSON has no such number")]
    Number(usize),
    #[error("line {0}: nested too deep")]
    Deep(usize),
    #[error("line {0}: a second document")]
    Second(usize),
}

/// The JSON of a document; `null` where there is none.
pub(crate) fn to_json(text: &str) -> Result<String, YamlError> {
    let mut reader = Reader { events: Parser::new_from_str(text), line: 1 };
    let mut out = Vec::with_capacity(text.len() * 2);
    loop {
        match reader.next()? {
            Event::StreamEnd => break,
            Event::StreamStart | Event::DocumentStart(_) | Event::DocumentEnd | Event::Nothing => {}
            _ if !out.is_empty() => return Err(YamlError::Second(reader.line)),
            event => reader.node(&event, 0, &mut out)?,
        }
    }
    if out.is_empty() {
        out.extend_from_slice(b"null");
    }
    String::from_utf8(out)
        .map_err(|_| YamlError::Syntax { line: reader.line, reason: "not UTF-8".to_owned() })
}

struct Reader<'a> {
    events: Parser<'a, StrInput<'a>>,
    line: usize,
}

impl<'a> Reader<'a> {
    fn next(&mut self) -> Result<Event<'a>, YamlError> {
        match self.events.next_event() {
            Some(Ok((event, span))) => {
                self.line = span.start.line().max(1);
                Ok(event)
            }
            Some(Err(error)) => {
                Err(YamlError::Syntax { line: error.marker().line().max(1), reason: error.info().to_owned() })
            }
            None => Ok(Event::StreamEnd),
        }
    }

    fn node(&mut self, event: &Event<'a>, depth: usize, out: &mut Vec<u8>) -> Result<(), YamlError> {
        if depth > MOST_DEPTH {
            return Err(YamlError::Deep(self.line));
        }
        match event {
            Event::Scalar(text, ScalarStyle::Plain, 0, None) => self.plain(text, out),
            Event::Scalar(text, _, 0, None) => {
                write_string(text, out);
                Ok(())
            }
            Event::SequenceStart(0, None) => self.list(depth, out),
            Event::MappingStart(0, None) => self.table(depth, out),
            Event::Scalar(..) | Event::SequenceStart(..) | Event::MappingStart(..) | Event::Alias(_) => {
                Err(YamlError::Reference(self.line))
            }
            _ => Err(YamlError::Syntax { line: self.line, reason: "a value is missing".to_owned() }),
        }
    }

    fn list(&mut self, depth: usize, out: &mut Vec<u8>) -> Result<(), YamlError> {
        out.push(b'[');
        let mut first = true;
        loop {
            let event = self.next()?;
            if matches!(event, Event::SequenceEnd | Event::StreamEnd) {
                out.push(b']');
                return Ok(());
            }
            if !std::mem::take(&mut first) {
                out.push(b',');
            }
            self.node(&event, depth + 1, out)?;
        }
    }

    fn table(&mut self, depth: usize, out: &mut Vec<u8>) -> Result<(), YamlError> {
        let mut keys = HashSet::new();
        out.push(b'{');
        loop {
            let key = match self.next()? {
                Event::MappingEnd | Event::StreamEnd => {
                    out.push(b'}');
                    return Ok(());
                }
                Event::Scalar(key, _, 0, None) => key.into_owned(),
                _ => return Err(YamlError::Key(self.line)),
            };
            if !keys.is_empty() {
                out.push(b',');
            }
            write_string(&key, out);
            out.push(b':');
            if keys.contains(&key) {
                return Err(YamlError::Twice { line: self.line, key });
            }
            keys.insert(key);
            let value = self.next()?;
            self.node(&value, depth + 1, out)?;
        }
    }

    /// A plain scalar by the core schema (YAML 1.2.2 §10.3.2).
    fn plain(&self, text: &str, out: &mut Vec<u8>) -> Result<(), YamlError> {
        match text {
            "" | "~" | "null" | "Null" | "NULL" => out.extend_from_slice(b"null"),
            "true" | "True" | "TRUE" => out.extend_from_slice(b"true"),
            "false" | "False" | "FALSE" => out.extend_from_slice(b"false"),
            _ => match Number::of(text) {
                Number::None => write_string(text, out),
                Number::Written(number) => out.extend_from_slice(number.as_bytes()),
                Number::Unwritable => return Err(YamlError::Number(self.line)),
            },
        }
        Ok(())
    }
}

enum Number {
    /// It is text.
    None,
    /// As JSON writes it.
    Written(String),
    /// It is one that JSON cannot write.
    Unwritable,
}

impl Number {
    fn of(text: &str) -> Self {
        let (sign, digits) = match text.as_bytes()[0] {
            b'-' => ("-", &text[1..]),
            b'+' => ("", &text[1..]),
            _ => ("", text),
        };
        if matches!(digits, ".inf" | ".Inf" | ".INF") || matches!(text, ".nan" | ".NaN" | ".NAN") {
            return Self::Unwritable;
        }
        let radix = |prefix, radix| {
            let digits = text.strip_prefix(prefix)?;
            let fits = !digits.is_empty() && digits.chars().all(|c| c.is_digit(radix));
            fits.then(|| u128::from_str_radix(digits, radix).ok())
        };
        if let Some(integer) = radix("0o", 8).or_else(|| radix("0x", 16)) {
            return integer.map_or(Self::Unwritable, |integer| Self::Written(integer.to_string()));
        }
        if !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) {
            let digits = digits.trim_start_matches('0');
            return Self::Written(format!("{sign}{}", if digits.is_empty() { "0" } else { digits }));
        }
        if !is_decimal(digits) {
            return Self::None;
        }
        let number = text.parse().ok().and_then(serde_json::Number::from_f64);
        number.map_or(Self::Unwritable, |number| Self::Written(number.to_string()))
    }
}

/// Whether unsigned `text` is a decimal fraction with an optional exponent.
fn is_decimal(text: &str) -> bool {
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.strip_prefix(['-', '+']).unwrap_or(exponent)),
        None => (text, "0"),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    !exponent.is_empty()
        && digits(exponent)
        && !(whole.is_empty() && fraction.is_empty())
        && digits(whole)
        && digits(fraction)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn scalars_follow_the_core_schema() {
        for (yaml, json) in [
            ("12", "12"),
            ("-03", "-3"),
            ("+7", "7"),
            ("0", "0"),
            ("0o17", "15"),
            ("0xff", "255"),
            ("1.5", "1.5"),
            (".5", "0.5"),
            ("1.", "1.0"),
            ("1e3", "1000.0"),
            ("123456789012345678901234567890", "123456789012345678901234567890"),
            ("1.2.3", "\"1.2.3\""),
            ("2026-07-28", "\"2026-07-28\""),
            ("yes", "\"yes\""),
            ("-", "[null]"),
            ("TRUE", "true"),
            ("~", "null"),
            ("", "null"),
            ("'12'", "\"12\""),
            ("\"a\\nb\"", "\"a\\nb\""),
            ("e5", "\"e5\""),
        ] {
            assert_eq!(to_json(yaml).as_deref(), Ok(json), "{yaml}");
        }
    }

    #[test]
    fn collections_keep_their_order() {
        let yaml = "b: [1, {c: d}]\na:\n  - >\n    folded\n    text\n  - |\n    as\n    it is\n";
        let json = r#"{"b":[1,{"c":"d"}],"a":["folded text\n","as\nit is\n"]}"#;
        assert_eq!(to_json(yaml).as_deref(), Ok(json));
    }

    #[test]
    fn what_json_cannot_say_is_refused_by_its_line() {
        for (yaml, expected) in [
            ("a: 1\nb: &x 2", YamlError::Reference(2)),
            ("a: *x", YamlError::Syntax { line: 1, reason: String::new() }),
            ("a: !!str 1", YamlError::Reference(1)),
            ("a: 1\na: 2", YamlError::Twice { line: 2, key: "a".to_owned() }),
            ("? [a]\n: 1", YamlError::Key(1)),
            ("a: .nan", YamlError::Number(1)),
            ("a: -.inf", YamlError::Number(1)),
            ("a: 1\n---\nb: 2", YamlError::Second(3)),
        ] {
            match (to_json(yaml).unwrap_err(), expected) {
                (YamlError::Syntax { line, .. }, YamlError::Syntax { line: expected, .. }) => {
                    assert_eq!(line, expected, "{yaml}");
                }
                (error, expected) => assert_eq!(error, expected, "{yaml}"),
            }
        }
        assert!(to_json(&"[".repeat(100)).is_err());
    }

    proptest! {
        #[test]
        fn whatever_is_read_is_sound_json(text in "[ \\-:a-c0-9\\[\\]{},.\"'\n|>&*!#~ex+]{0,60}") {
            if let Ok(json) = to_json(&text) {
                prop_assert!(serde_json::from_str::<serde_json::Value>(&json).is_ok(), "{text:?} became {json}");
            }
        }

        #[test]
        fn json_objects_are_yaml_that_says_the_same(
            members in proptest::collection::btree_map("[a-z]{1,5}", any::<(i64, bool, String)>(), 0..6)
        ) {
            let json = serde_json::to_string(&members).unwrap();
            // YAML wants printable characters where JSON does not.
            prop_assume!(!json.contains(|c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}')));
            let read = to_json(&json);
            prop_assert_eq!(read, Ok(json));
        }
    }
}

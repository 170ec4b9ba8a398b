//! What makes JSON text sound: valid, within limits, and free of repeated keys.
//!
//! Everything a peer sends is found so before anything is built from it, in the one pass that also makes
//! its [tape](crate::tape).
//!
//! Repeated keys are refused because two readers that each pick another one of them see two
//! different messages, which is a way around validation and policy.

use std::fmt;

use crate::tape::{SharedBuffer, Tape};

/// How much structure one message may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// How many arrays and objects may be open at once; the outermost counts as 1. At most 128.
    pub depth: usize,
    /// How many values a message may hold, counting arrays, objects and everything in them, but not keys.
    pub values: usize,
}

impl Limits {
    /// The deepest nesting any configuration can allow.
    pub const MAX_DEPTH: usize = 128;
}

impl Default for Limits {
    fn default() -> Self {
        Self { depth: Self::MAX_DEPTH, values: 65_536 }
    }
}

/// Why a text was refused, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScanError {
    kind: Kind,
    offset: usize,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Kind {
    Utf8,
    Syntax(&'static str),
    /// The text ends where this should follow.
    End(&'static str),
    Surrogate(&'static str),
    Long(usize),
    Depth(usize),
    Values(usize),
    Repeated(Box<str>),
}

impl ScanError {
    pub(crate) const fn utf8() -> Self {
        Self { kind: Kind::Utf8, offset: 0 }
    }

    pub(crate) const fn syntax(expected: &'static str, offset: usize, at_end: bool) -> Self {
        let kind = if at_end { Kind::End(expected) } else { Kind::Syntax(expected) };
        Self { kind, offset }
    }

    pub(crate) const fn surrogate(expected: &'static str, offset: usize) -> Self {
        Self { kind: Kind::Surrogate(expected), offset }
    }

    pub(crate) const fn too_long(limit: usize) -> Self {
        Self { kind: Kind::Long(limit), offset: 0 }
    }

    pub(crate) const fn too_deep(limit: usize, offset: usize) -> Self {
        Self { kind: Kind::Depth(limit), offset }
    }

    pub(crate) const fn too_many_values(limit: usize, offset: usize) -> Self {
        Self { kind: Kind::Values(limit), offset }
    }

    pub(crate) const fn repeated(key: Box<str>, offset: usize) -> Self {
        Self { kind: Kind::Repeated(key), offset }
    }

    /// Whether the text is not JSON at all (as opposed to JSON beyond a limit or with a repeated key).
    pub const fn is_syntax(&self) -> bool {
        matches!(self.kind, Kind::Utf8 | Kind::Syntax(_) | Kind::End(_) | Kind::Surrogate(_))
    }

    /// Whether the text ends where something has to follow.
    pub const fn is_end(&self) -> bool {
        matches!(self.kind, Kind::End(_))
    }

    /// Whether a string is not Unicode: it has half of a surrogate pair.
    pub const fn is_lone_surrogate(&self) -> bool {
        matches!(self.kind, Kind::Surrogate(_))
    }

    /// Whether the text is longer than [`crate::tape::MAX_TEXT`].
    pub const fn is_too_long(&self) -> bool {
        matches!(self.kind, Kind::Long(_))
    }

    /// Whether an object names a member twice.
    pub const fn is_repeated_key(&self) -> bool {
        matches!(self.kind, Kind::Repeated(_))
    }

    /// Whether the text holds too many values.
    pub const fn is_too_many_values(&self) -> bool {
        matches!(self.kind, Kind::Values(_))
    }

    /// Whether the text is nested too deeply.
    pub const fn is_too_deep(&self) -> bool {
        matches!(self.kind, Kind::Depth(_))
    }

    /// Where in the text, in bytes from its start.
    pub const fn offset(&self) -> usize {
        self.offset
    }
}

impl fmt::Display for ScanError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            Kind::Utf8 => f.write_str("not UTF-8; send JSON encoded as UTF-8"),
            Kind::Syntax(expected) | Kind::Surrogate(expected) => {
                write!(f, "not JSON: expected {expected} at byte {}", self.offset)
            }
            Kind::End(expected) => {
                write!(f, "not JSON: it ends at byte {}, where {expected} should follow", self.offset)
            }
            Kind::Long(limit) => write!(f, "longer than {limit} bytes; send less at a time"),
            Kind::Depth(limit) => {
                write!(f, "nested deeper than {limit} levels at byte {}; flatten the message", self.offset)
            }
            Kind::Values(limit) => write!(f, "more than {limit} values in one message; send fewer at a time"),
            Kind::Repeated(key) => {
                write!(
                    f,
                    "the key \"{key}\" stands twice in one object, the second time at byte {}",
                    self.offset
                )
            }
        }
    }
}

impl std::error::Error for ScanError {}

/// Finds whether `text` is one sound JSON value within `limits`.
///
/// # Errors
/// On the first fault, in the order of the text.
pub fn check(text: &str, limits: &Limits) -> Result<(), ScanError> {
    let mut buffer = SharedBuffer::take();
    Tape::parse_within(buffer.get_mut(), text, limits).map(drop)
}

/// Decodes the escapes of a string's inside that a scan has found sound.
///
/// Text that no scan has seen is decoded as far as it goes: what is not a valid escape stays as it is.
pub(crate) fn unescape(inside: &str) -> String {
    let mut out = String::with_capacity(inside.len());
    let mut rest = inside;
    while let Some(at) = memchr::memchr(b'\\', rest.as_bytes()) {
        out.push_str(&rest[..at]);
        let (decoded, length) = decode_escape(&rest[at..]);
        out.push(decoded);
        rest = &rest[at + length..];
    }
    out.push_str(rest);
    out
}

/// The character that the escape at the start of `text` stands for, and the escape's length in bytes.
fn decode_escape(text: &str) -> (char, usize) {
    let unit = |at: usize| text.get(at..at + 4).and_then(|four| u16::from_str_radix(four, 16).ok());
    let simple = match text.as_bytes().get(1) {
        Some(b'"') => '"',
        Some(b'\\') => '\\',
        Some(b'/') => '/',
        Some(b'b') => '\u{8}',
        Some(b'f') => '\u{c}',
        Some(b'n') => '\n',
        Some(b'r') => '\r',
        Some(b't') => '\t',
        Some(b'u') => {
            let Some(first) = unit(2) else { return ('\\', 1) };
            let second = text.get(6..8).filter(|mark| *mark == "\\u").and_then(|_| unit(8));
            return match (char::from_u32(first.into()), second) {
                (Some(char), _) => (char, 6),
                (None, Some(second)) => match char::decode_utf16([first, second]).next() {
                    Some(Ok(char)) => (char, 12),
                    _ => (char::REPLACEMENT_CHARACTER, 6),
                },
                (None, None) => (char::REPLACEMENT_CHARACTER, 6),
            };
        }
        _ => return ('\\', 1),
    };
    (simple, 2)
}

/// The first position from `at` on that holds a quotation mark, a backslash or a control character.
///
/// Eight bytes at a time, and once a string proves long, 64: string contents are most of what passes through.
#[inline]
pub(crate) fn plain_until(bytes: &[u8], at: usize) -> usize {
    match bytes.get(at..).and_then(<[u8]>::first_chunk::<8>).map(specials) {
        Some(0) => plain_from(bytes, at + 8),
        None => plain_from(bytes, at),
        Some(hits) => at + (hits.trailing_zeros() / 8) as usize,
    }
}

/// Marks each byte that is special with its highest bit. The lowest bit that is set is exact; borrows can only spoil
/// those above it.
#[inline]
fn specials(chunk: &[u8; 8]) -> u64 {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x8080_8080_8080_8080;
    let word = u64::from_le_bytes(*chunk);
    let (quote, backslash) = (word ^ (ONES * 0x22), word ^ (ONES * 0x5C));
    let quotes = quote.wrapping_sub(ONES) & !quote;
    let backslashes = backslash.wrapping_sub(ONES) & !backslash;
    let controls = word.wrapping_sub(ONES * 0x20) & !word;
    (quotes | backslashes | controls) & HIGH
}

fn plain_from(bytes: &[u8], mut at: usize) -> usize {
    let long = at + LONG;
    while let Some(chunk) = bytes.get(at..).and_then(<[u8]>::first_chunk::<8>) {
        let hits = specials(chunk);
        if hits != 0 {
            return at + (hits.trailing_zeros() / 8) as usize;
        }
        at += 8;
        if at == long {
            at += plain_blocks(bytes.get(at..).unwrap_or_default());
        }
    }
    while bytes.get(at).is_some_and(|byte| !matches!(byte, b'"' | b'\\' | 0..0x20)) {
        at += 1;
    }
    at
}

/// From this length on, a string is looked at in blocks.
const LONG: usize = 64;

/// How many bytes at the beginning are plain, in whole blocks. The loop over a block has no exits, so that the compiler
/// makes vector instructions of it.
fn plain_blocks(bytes: &[u8]) -> usize {
    const BLOCK: usize = 64;
    let is_plain = |block: &&[u8; BLOCK]| {
        let special = block
            .iter()
            .fold(0, |all, &byte| all | u8::from((byte == b'"') | (byte == b'\\') | (byte < 0x20)));
        special == 0
    };
    bytes.as_chunks::<BLOCK>().0.iter().take_while(is_plain).count() * BLOCK
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn checked(text: &str) -> Result<(), ScanError> {
        check(text, &Limits::default())
    }

    #[test]
    fn depth_128_passes_and_129_does_not() {
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert_eq!(checked(&nested(128)), Ok(()));
        assert!(checked(&nested(129)).unwrap_err().is_too_deep());
        assert!(checked(&"[".repeat(1 << 20)).unwrap_err().is_too_deep());
    }

    #[test]
    fn values_65_536_pass_and_65_537_do_not() {
        let array = |elements: usize| format!("[{}0]", "0,".repeat(elements - 1));
        assert_eq!(checked(&array(65_535)), Ok(()));
        assert!(checked(&array(65_536)).unwrap_err().is_too_many_values());
    }

    #[test]
    fn a_repeated_key_is_found_however_it_is_spelled_and_however_many_there_are() {
        for text in [r#"{"a":1,"a":2}"#, r#"{"a":1,"\u0061":2}"#, r#"[{"x":{"b":1,"c":2,"b":3}}]"#] {
            assert!(checked(text).unwrap_err().is_repeated_key(), "{text}");
        }
        let many: Vec<String> = (0..1000).map(|i| format!("\"k{i}\":{i}")).collect();
        assert_eq!(checked(&format!("{{{}}}", many.join(","))), Ok(()));
        let error = checked(&format!("{{{},\"k500\":0}}", many.join(","))).unwrap_err();
        assert!(error.to_string().contains("\"k500\" stands twice"), "{error}");
    }

    #[test]
    fn equal_keys_of_different_objects_are_fine() {
        assert_eq!(checked(r#"{"a":{"a":{"a":1}},"b":[{"a":1},{"a":2}]}"#), Ok(()));
    }

    #[test]
    fn lone_surrogates_are_refused() {
        assert_eq!(checked(r#""\ud83d\ude00""#), Ok(()));
        for text in [r#""\ud83d""#, r#""\ud83dx""#, r#""\ude00""#, r#""\ud83d\u0041""#] {
            assert!(checked(text).unwrap_err().is_syntax(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn agrees_with_serde_json_on_mutilated_json(text in r#"[\[\]{}",:0-9eE.+\-\\utrfalsn \u{e9}]{0,40}"#) {
            let theirs = serde_json::from_str::<serde::de::IgnoredAny>(&text).is_ok();
            let ours = checked(&text);
            let same = match &ours {
                Ok(()) => theirs,
                Err(error) => !theirs || error.is_repeated_key() || error.to_string().contains("surrogate"),
            };
            prop_assert!(same, "{text:?}: {ours:?}, serde_json accepts it: {theirs}");
        }

        #[test]
        fn accepts_whatever_serde_json_writes(text in "\\PC*", number in any::<f64>(), list in proptest::collection::vec(any::<Option<i64>>(), 0..20)) {
            let value = serde_json::json!({ "text": text, "number": number, "list": list, text.clone() + "_": { "t": text } });
            prop_assert_eq!(checked(&value.to_string()), Ok(()));
        }

        #[test]
        fn unescapes_as_serde_json_does(text in any::<String>()) {
            let quoted = serde_json::to_string(&text).unwrap();
            prop_assert_eq!(unescape(&quoted[1..quoted.len() - 1]), text);
        }

        #[test]
        fn the_wide_search_finds_what_a_plain_one_finds(
            mut bytes in proptest::collection::vec(prop_oneof![0x20..0x22_u8, 0x23..0x5c_u8, 0x5d..=0xff_u8], 0..400),
            specials in proptest::collection::vec((any::<prop::sample::Index>(), prop_oneof![Just(b'"'), Just(b'\\'), 0..0x20_u8]), 0..3),
            from in 0..80_usize,
        ) {
            for (at, special) in specials {
                if !bytes.is_empty() {
                    *at.get_mut(&mut bytes) = special;
                }
            }
            let from = from.min(bytes.len());
            let rest = bytes[from..].iter().position(|byte| matches!(byte, b'"' | b'\\' | 0..0x20));
            prop_assert_eq!(plain_until(&bytes, from), rest.map_or(bytes.len(), |rest| from + rest));
        }
    }
}

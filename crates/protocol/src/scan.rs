//! One pass over JSON text that finds it sound, within limits, and free of repeated keys.
//!
//! Everything a peer sends goes through here before anything is built from it. The pass is
//! iterative, allocates only for the keys of open objects, and reports members on the way to whoever
//! asked, so that the envelope of a message is cut out in the same pass.
//!
//! Repeated keys are refused because two readers that each pick another one of them see two
//! different messages, which is a way around validation and policy.

use std::borrow::Cow;
use std::fmt;

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
    Depth(usize),
    Values(usize),
    Repeated(Box<str>),
}

impl ScanError {
    pub(crate) const fn utf8() -> Self {
        Self { kind: Kind::Utf8, offset: 0 }
    }

    const fn syntax(expected: &'static str, offset: usize) -> Self {
        Self { kind: Kind::Syntax(expected), offset }
    }

    /// Whether the text is not JSON at all (as opposed to JSON beyond a limit or with a repeated key).
    pub const fn is_syntax(&self) -> bool {
        matches!(self.kind, Kind::Utf8 | Kind::Syntax(_))
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
            Kind::Syntax(expected) => write!(f, "not JSON: expected {expected} at byte {}", self.offset),
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

/// Hears of the members of objects while a text is scanned.
pub(crate) trait Visit<'a> {
    /// A key was read; its object is the `depth`-th open container (the outermost is 1). `key` is decoded.
    fn key(&mut self, depth: usize, key: &str);
    /// The value of the last key at this depth has ended.
    fn value(&mut self, depth: usize, text: &'a str);
    /// An element of the outermost array has ended.
    fn element(&mut self, text: &'a str);
}

struct Ignore;

impl<'a> Visit<'a> for Ignore {
    fn key(&mut self, _: usize, _: &str) {}
    fn value(&mut self, _: usize, _: &'a str) {}
    fn element(&mut self, _: &'a str) {}
}

/// Finds whether `text` is one sound JSON value within `limits`.
///
/// # Errors
/// On the first fault, in the order of the text.
pub fn check(text: &str, limits: &Limits) -> Result<(), ScanError> {
    scan(text, limits, 0, &mut Ignore)
}

/// As [`check`], reporting the members of objects opened at depth `report` or less.
pub(crate) fn scan<'a, V: Visit<'a>>(
    text: &'a str,
    limits: &Limits,
    report: usize,
    visit: &mut V,
) -> Result<(), ScanError> {
    Scanner {
        text,
        bytes: text.as_bytes(),
        at: 0,
        limits: Limits { depth: limits.depth.min(Limits::MAX_DEPTH), values: limits.values },
        values: 0,
        keys: Vec::new(),
        open: Vec::with_capacity(16),
        report,
    }
    .run(visit)
}

struct Scanner<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    limits: Limits,
    values: usize,
    keys: Vec<KeySpan>,
    open: Vec<Open>,
    report: usize,
}

#[derive(Clone, Copy)]
struct KeySpan {
    start: usize,
    end: usize,
    escaped: bool,
}

struct Open {
    object: bool,
    /// Where its keys begin in `keys`.
    keys: usize,
    /// Where it begins in the text.
    start: usize,
    /// Where the value of the current member or element begins.
    value: usize,
}

impl<'a> Scanner<'a> {
    fn run<V: Visit<'a>>(mut self, visit: &mut V) -> Result<(), ScanError> {
        'value: loop {
            // At the start of a value.
            self.space();
            self.values += 1;
            if self.values > self.limits.values {
                return Err(ScanError { kind: Kind::Values(self.limits.values), offset: self.at });
            }
            let start = self.at;
            if let Some(open) = self.open.last_mut() {
                open.value = start;
            }
            match self.bytes.get(start) {
                Some(b'{') => {
                    self.push(true)?;
                    self.space();
                    if self.bytes.get(self.at) == Some(&b'}') {
                        self.at += 1;
                        self.open.pop();
                    } else {
                        self.key(visit)?;
                        continue 'value;
                    }
                }
                Some(b'[') => {
                    self.push(false)?;
                    self.space();
                    if self.bytes.get(self.at) == Some(&b']') {
                        self.at += 1;
                        self.open.pop();
                    } else {
                        continue 'value;
                    }
                }
                Some(b'"') => {
                    self.string()?;
                }
                Some(b't') => self.literal(b"true")?,
                Some(b'f') => self.literal(b"false")?,
                Some(b'n') => self.literal(b"null")?,
                Some(b'-' | b'0'..=b'9') => self.number()?,
                _ => return Err(ScanError::syntax("a value", start)),
            }
            // After a value: close what ends here, then go on to the next one.
            loop {
                let Some(open) = self.open.last() else {
                    self.space();
                    return if self.at == self.bytes.len() {
                        Ok(())
                    } else {
                        Err(ScanError::syntax("the end of the text", self.at))
                    };
                };
                let depth = self.open.len();
                let (object, value) = (open.object, open.value);
                if object {
                    if depth <= self.report {
                        visit.value(depth, &self.text[value..self.at]);
                    }
                } else if depth == 1 && self.report > 0 {
                    visit.element(&self.text[value..self.at]);
                }
                self.space();
                match (self.bytes.get(self.at), object) {
                    (Some(b','), true) => {
                        self.at += 1;
                        self.space();
                        self.key(visit)?;
                        continue 'value;
                    }
                    (Some(b','), false) => {
                        self.at += 1;
                        continue 'value;
                    }
                    (Some(b'}'), true) => {
                        self.at += 1;
                        self.close_object()?;
                    }
                    (Some(b']'), false) => {
                        self.at += 1;
                        self.open.pop();
                    }
                    (_, true) => return Err(ScanError::syntax("`,` or `}`", self.at)),
                    (_, false) => return Err(ScanError::syntax("`,` or `]`", self.at)),
                }
            }
        }
    }

    fn push(&mut self, object: bool) -> Result<(), ScanError> {
        if self.open.len() >= self.limits.depth {
            return Err(ScanError { kind: Kind::Depth(self.limits.depth), offset: self.at });
        }
        self.open.push(Open { object, keys: self.keys.len(), start: self.at, value: self.at });
        self.at += 1;
        Ok(())
    }

    fn key<V: Visit<'a>>(&mut self, visit: &mut V) -> Result<(), ScanError> {
        if self.bytes.get(self.at) != Some(&b'"') {
            return Err(ScanError::syntax("a key in quotation marks", self.at));
        }
        let start = self.at + 1;
        let escaped = self.string()?;
        let span = KeySpan { start, end: self.at - 1, escaped };
        self.keys.push(span);
        if self.open.len() <= self.report {
            visit.key(self.open.len(), &self.decoded(span));
        }
        self.space();
        if self.bytes.get(self.at) != Some(&b':') {
            return Err(ScanError::syntax("`:`", self.at));
        }
        self.at += 1;
        Ok(())
    }

    fn decoded(&self, key: KeySpan) -> Cow<'a, str> {
        let text = &self.text[key.start..key.end];
        if key.escaped { Cow::Owned(unescape(text)) } else { Cow::Borrowed(text) }
    }

    fn close_object(&mut self) -> Result<(), ScanError> {
        let Some(open) = self.open.pop() else { return Ok(()) };
        let keys = &self.keys[open.keys..];
        debug_assert!(open.start < self.at);
        let repeated = if keys.len() <= FEW && keys.iter().all(|key| !key.escaped) {
            let text = |key: &KeySpan| &self.bytes[key.start..key.end];
            keys.iter()
                .enumerate()
                .find(|(i, key)| keys[..*i].iter().any(|other| text(other) == text(key)))
                .map(|(_, key)| *key)
        } else {
            let mut sorted: Vec<(Cow<'a, str>, KeySpan)> =
                keys.iter().map(|key| (self.decoded(*key), *key)).collect();
            sorted.sort_unstable_by(|a, b| a.0.cmp(&b.0).then(a.1.start.cmp(&b.1.start)));
            sorted.windows(2).find(|pair| pair[0].0 == pair[1].0).map(|pair| pair[1].1)
        };
        if let Some(key) = repeated {
            let name: String = self.decoded(key).chars().take(64).collect();
            return Err(ScanError { kind: Kind::Repeated(name.into()), offset: key.start });
        }
        self.keys.truncate(open.keys);
        Ok(())
    }

    fn space(&mut self) {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.bytes.get(self.at) {
            self.at += 1;
        }
    }

    fn literal(&mut self, word: &'static [u8]) -> Result<(), ScanError> {
        if self.bytes[self.at..].starts_with(word) {
            self.at += word.len();
            Ok(())
        } else {
            Err(ScanError::syntax("a value", self.at))
        }
    }

    fn number(&mut self) -> Result<(), ScanError> {
        if self.bytes[self.at] == b'-' {
            self.at += 1;
        }
        match self.bytes.get(self.at) {
            Some(b'0') => self.at += 1,
            Some(b'1'..=b'9') => self.digits(),
            _ => return Err(ScanError::syntax("a digit", self.at)),
        }
        if self.bytes.get(self.at) == Some(&b'.') {
            self.at += 1;
            self.some_digits()?;
        }
        if let Some(b'e' | b'E') = self.bytes.get(self.at) {
            self.at += 1;
            if let Some(b'+' | b'-') = self.bytes.get(self.at) {
                self.at += 1;
            }
            self.some_digits()?;
        }
        Ok(())
    }

    fn some_digits(&mut self) -> Result<(), ScanError> {
        if !self.bytes.get(self.at).is_some_and(u8::is_ascii_digit) {
            return Err(ScanError::syntax("a digit", self.at));
        }
        self.digits();
        Ok(())
    }

    fn digits(&mut self) {
        while self.bytes.get(self.at).is_some_and(u8::is_ascii_digit) {
            self.at += 1;
        }
    }

    /// Passes a string, from its opening to behind its closing quotation mark; tells whether it has escapes.
    fn string(&mut self) -> Result<bool, ScanError> {
        self.at += 1;
        let mut escaped = false;
        loop {
            self.at = plain_until(self.bytes, self.at);
            match self.bytes.get(self.at) {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(escaped);
                }
                Some(b'\\') => {
                    escaped = true;
                    self.escape()?;
                }
                Some(_) => return Err(ScanError::syntax("an escaped control character", self.at)),
                None => return Err(ScanError::syntax("a closing quotation mark", self.at)),
            }
        }
    }

    fn escape(&mut self) -> Result<(), ScanError> {
        let start = self.at;
        match self.bytes.get(start + 1) {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => self.at += 2,
            Some(b'u') => {
                let unit = self.unit(start)?;
                self.at += 6;
                if (0xDC00..0xE000).contains(&unit) {
                    return Err(ScanError::syntax("a high surrogate before this low one", start));
                }
                if (0xD800..0xDC00).contains(&unit) {
                    let low = if self.bytes[self.at..].starts_with(b"\\u") { self.unit(self.at)? } else { 0 };
                    if !(0xDC00..0xE000).contains(&low) {
                        return Err(ScanError::syntax("a low surrogate after this high one", start));
                    }
                    self.at += 6;
                }
            }
            _ => return Err(ScanError::syntax("an escape that JSON knows", start)),
        }
        Ok(())
    }

    /// The four hexadecimal digits behind `\u` at `start`.
    fn unit(&self, start: usize) -> Result<u16, ScanError> {
        let digits =
            self.bytes.get(start + 2..start + 6).filter(|four| four.iter().all(u8::is_ascii_hexdigit));
        digits
            .and_then(|four| std::str::from_utf8(four).ok())
            .and_then(|four| u16::from_str_radix(four, 16).ok())
            .ok_or(ScanError::syntax("four hexadecimal digits", start + 2))
    }
}

/// Up to this many keys are compared pair by pair; more are sorted.
const FEW: usize = 16;

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
/// Eight bytes at a time: string contents are most of what passes through.
pub(crate) fn plain_until(bytes: &[u8], mut at: usize) -> usize {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x8080_8080_8080_8080;
    let zero = |x: u64| x.wrapping_sub(ONES) & !x & HIGH;
    while let Some(chunk) = bytes.get(at..).and_then(<[u8]>::first_chunk::<8>) {
        let word = u64::from_le_bytes(*chunk);
        // The lowest bit that is set is exact; borrows can only spoil those above it.
        let hits = zero(word ^ (ONES * 0x22))
            | zero(word ^ (ONES * 0x5C))
            | (word.wrapping_sub(ONES * 0x20) & !word & HIGH);
        if hits != 0 {
            return at + (hits.trailing_zeros() / 8) as usize;
        }
        at += 8;
    }
    while bytes.get(at).is_some_and(|byte| !matches!(byte, b'"' | b'\\' | 0..0x20)) {
        at += 1;
    }
    at
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
        fn the_wide_search_finds_what_a_plain_one_finds(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            let plain = bytes.iter().position(|byte| matches!(byte, b'"' | b'\\' | 0..0x20)).unwrap_or(bytes.len());
            prop_assert_eq!(plain_until(&bytes, 0), plain);
        }
    }
}

//! JSON strings as they stand in the text, compared and decoded.

use std::borrow::Cow;
use std::cmp::Ordering;

use crate::scan::unescape;

/// The text between the quotes of a valid JSON string.
///
/// Comparison is that of the decoded text, by code points, and allocates nothing.
#[derive(Debug, Clone, Copy)]
pub struct JsonStr<'a> {
    pub(super) raw: &'a str,
    pub(super) escaped: bool,
}

impl<'a> JsonStr<'a> {
    /// The string it means: borrowed, unless it holds escapes.
    #[must_use]
    pub fn decode(self) -> Cow<'a, str> {
        if self.escaped { Cow::Owned(unescape(self.raw)) } else { Cow::Borrowed(self.raw) }
    }

    /// The string itself, if it can be borrowed because it holds no escapes.
    #[must_use]
    pub fn borrowed(self) -> Option<&'a str> {
        (!self.escaped).then_some(self.raw)
    }

    /// The text between the quotes, escapes and all.
    #[must_use]
    pub fn raw(self) -> &'a str {
        self.raw
    }

    /// The code points that it means.
    pub fn chars(self) -> impl Iterator<Item = char> + 'a {
        Unescape { rest: self.raw }
    }

    /// How many code points it means.
    #[must_use]
    pub fn char_count(self) -> usize {
        if self.escaped { self.chars().count() } else { self.raw.chars().count() }
    }
}

impl PartialEq<str> for JsonStr<'_> {
    fn eq(&self, other: &str) -> bool {
        if self.escaped { self.chars().eq(other.chars()) } else { self.raw == other }
    }
}

impl PartialEq for JsonStr<'_> {
    fn eq(&self, other: &Self) -> bool {
        match (self.escaped, other.escaped) {
            (false, false) => self.raw == other.raw,
            _ => self.chars().eq(other.chars()),
        }
    }
}

impl Eq for JsonStr<'_> {}

impl PartialOrd for JsonStr<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for JsonStr<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        // UTF-8 sorts as its code points do, so both ways give one order.
        match (self.escaped, other.escaped) {
            (false, false) => self.raw.cmp(other.raw),
            _ => self.chars().cmp(other.chars()),
        }
    }
}

/// Decodes the inside of a JSON string that was already found sound.
struct Unescape<'a> {
    rest: &'a str,
}

impl Unescape<'_> {
    fn take(&mut self) -> Option<char> {
        let mut chars = self.rest.chars();
        let next = chars.next();
        self.rest = chars.as_str();
        next
    }

    fn hex(&mut self) -> u32 {
        let (digits, rest) = self.rest.split_at_checked(4).unwrap_or((self.rest, ""));
        self.rest = rest;
        u32::from_str_radix(digits, 16).unwrap_or(u32::from(char::REPLACEMENT_CHARACTER))
    }
}

impl Iterator for Unescape<'_> {
    type Item = char;

    fn next(&mut self) -> Option<char> {
        let plain = self.take()?;
        if plain != '\\' {
            return Some(plain);
        }
        Some(match self.take()? {
            'b' => '\u{8}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'u' => {
                let mut code = self.hex();
                if (0xd800..0xdc00).contains(&code) {
                    self.rest = self.rest.strip_prefix("\\u").unwrap_or("");
                    code = 0x1_0000 + ((code - 0xd800) << 10) + (self.hex().saturating_sub(0xdc00) & 0x3ff);
                }
                char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER)
            }
            literal => literal,
        })
    }
}

//! Request ids, kept as the peer wrote them.

use std::fmt;

/// A JSON-RPC request id as JSON text: `7`, `"7"` and `18446744073709551615` stay what they are
/// (BASE-1, BASE-2).
///
/// Two ids are equal when their texts are: a peer that spells one id in two ways within one
/// exchange has made two ids.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Id<'a>(&'a str);

impl<'a> Id<'a> {
    /// Takes the text of a JSON value for an id, if it is a string or an integer.
    pub fn from_json(text: &'a str) -> Option<Self> {
        let digits = text.strip_prefix('-').unwrap_or(text);
        let integer = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        (integer || text.starts_with('"')).then_some(Self(text))
    }

    /// The id's JSON text, with the quotation marks of a string.
    pub const fn as_json(&self) -> &'a str {
        self.0
    }

    /// An id of one's own, apart from the message.
    pub fn to_owned(self) -> RequestId {
        RequestId(self.0.into())
    }
}

impl fmt::Debug for Id<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

/// An [`Id`] that outlives its message.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RequestId(Box<str>);

impl RequestId {
    /// Borrows it.
    pub fn as_id(&self) -> Id<'_> {
        Id(&self.0)
    }

    /// A string id of one's own. `text` holds nothing that JSON would escape: ASCII letters, digits and hyphens.
    pub fn from_plain(text: &str) -> Self {
        debug_assert!(text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-'));
        Self(format!("\"{text}\"").into())
    }

    /// The id's JSON text.
    pub fn as_json(&self) -> &str {
        &self.0
    }
}

impl From<u64> for RequestId {
    fn from(number: u64) -> Self {
        Self(number.to_string().into())
    }
}

impl fmt::Debug for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base_1_strings_and_integers_are_ids_and_nothing_else_is() {
        for text in
            ["0", "-1", "18446744073709551615", "123456789012345678901234567890", r#""""#, r#""a\"b""#]
        {
            assert_eq!(Id::from_json(text).map(|id| id.as_json()), Some(text));
        }
        for text in ["null", "1.5", "1.0", "1e3", "true", "{}", "[1]", "-", ""] {
            assert_eq!(Id::from_json(text), None, "{text}");
        }
    }

    #[test]
    fn base_2_a_number_and_a_string_are_two_ids() {
        assert_ne!(Id::from_json("1"), Id::from_json("\"1\""));
    }
}

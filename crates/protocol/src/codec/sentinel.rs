//! Header values that may hold any text (ENC-1 to ENC-3): what a header cannot carry plainly travels as
//! `=?base64?…?=`.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

const PREFIX: &str = "=?base64?";
const SUFFIX: &str = "?=";

/// Why a header value could not be decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SentinelError {
    /// What stands between the markers is not standard base64 with padding.
    #[error("decode the header value: what stands between =?base64? and ?= is not standard base64")]
    Base64,
    /// The decoded bytes are not text.
    #[error("decode the header value: the base64 between =?base64? and ?= does not stand for UTF-8 text")]
    Utf8,
    /// A character that a header value must not hold as it is.
    #[error(
        "decode the header value: it holds a control character or one beyond ASCII; send it as =?base64?…?="
    )]
    Character,
}

/// The header value for `text`: itself where a header can carry it, its sentinel form elsewhere.
pub fn encode(text: &str) -> Cow<'_, str> {
    if is_plain(text) {
        Cow::Borrowed(text)
    } else {
        Cow::Owned(format!("{PREFIX}{}{SUFFIX}", STANDARD.encode(text)))
    }
}

/// The text that a header value stands for. Without both markers the value stands for itself (ENC-2).
///
/// # Errors
/// When the value holds what no header value may, or bad base64 between the markers.
pub fn decode(value: &str) -> Result<Cow<'_, str>, SentinelError> {
    if let Some(encoded) = encoded(value) {
        let bytes = STANDARD.decode(encoded).map_err(|_| SentinelError::Base64)?;
        return String::from_utf8(bytes).map(Cow::Owned).map_err(|_| SentinelError::Utf8);
    }
    if value.bytes().all(is_visible) { Ok(Cow::Borrowed(value)) } else { Err(SentinelError::Character) }
}

fn encoded(value: &str) -> Option<&str> {
    value.strip_prefix(PREFIX)?.strip_suffix(SUFFIX)
}

fn is_plain(text: &str) -> bool {
    let padded = text.starts_with([' ', '\t']) || text.ends_with([' ', '\t']);
    !padded && text.bytes().all(is_visible) && encoded(text).is_none()
}

fn is_visible(byte: u8) -> bool {
    matches!(byte, b'\t' | b' '..=b'~')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn enc_3_vectors() {
        for (text, value) in [
            ("Hello, 世界", "=?base64?SGVsbG8sIOS4lueVjA==?="),
            (" padded ", "=?base64?IHBhZGRlZCA=?="),
            ("line1\nline2", "=?base64?bGluZTEKbGluZTI=?="),
            ("=?base64?literal?=", "=?base64?PT9iYXNlNjQ/bGl0ZXJhbD89?="),
            ("us-west1", "us-west1"),
            ("a b\tc", "a b\tc"),
            ("", ""),
        ] {
            assert_eq!(encode(text), value);
            assert_eq!(decode(value).as_deref(), Ok(text));
        }
    }

    #[test]
    fn enc_2_a_value_without_both_markers_stands_for_itself() {
        for value in ["=?base64?SGk=", "SGk=?=", "=?BASE64?SGk=?=", "=?base64?="] {
            assert_eq!(decode(value).as_deref(), Ok(value));
            assert_eq!(encode(value), value);
        }
    }

    #[test]
    fn enc_2_bad_base64_between_the_markers_is_an_error() {
        for value in ["=?base64?SGk?=", "=?base64?S!k=?=", "=?base64?SG k=?=", "=?base64?-_-_?="] {
            assert_eq!(decode(value), Err(SentinelError::Base64), "{value}");
        }
        assert_eq!(decode("=?base64?/w==?="), Err(SentinelError::Utf8));
        assert_eq!(decode("=?base64??=").as_deref(), Ok(""));
    }

    #[test]
    fn raw_control_characters_and_text_beyond_ascii_are_refused() {
        for value in ["a\u{0}", "a\u{7f}", "é"] {
            assert_eq!(decode(value), Err(SentinelError::Character));
        }
    }
}

//! JSON text that is kept as it came.

use std::fmt;

use bytes::Bytes;
use bytestring::ByteString;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

use crate::scan::{self, Limits, ScanError};

/// One JSON value as text, in shared bytes: cloning it or cutting a part out of it copies nothing.
///
/// Whoever holds one knows that the text is well-formed JSON within the depth and value limits of
/// the scan that made it, and that no object in it names a member twice. Member order, number text
/// and unknown fields are those of the sender.
#[derive(Clone, PartialEq, Eq)]
pub struct RawJson(ByteString);

impl RawJson {
    /// Checks `text` against the default [`Limits`] and keeps it, without surrounding white space.
    ///
    /// # Errors
    /// When it is not one JSON value, is nested or fanned out beyond the limits, or repeats a key.
    pub fn parse(text: impl Into<ByteString>) -> Result<Self, ScanError> {
        let text = text.into();
        scan::check(&text, &Limits::default())?;
        Ok(Self(trimmed(text)))
    }

    /// As [`parse`](Self::parse), from bytes that may not even be UTF-8.
    ///
    /// # Errors
    /// As [`parse`](Self::parse), and when the bytes are not UTF-8.
    pub fn parse_bytes(bytes: Bytes) -> Result<Self, ScanError> {
        let text = ByteString::try_from(bytes).map_err(|_| ScanError::utf8())?;
        Self::parse(text)
    }

    /// The JSON text of a value.
    ///
    /// The limits that hold for input do not hold here: what this process itself says may be larger.
    ///
    /// # Errors
    /// When the value's `Serialize` fails, or a map key is not a string.
    pub fn from_serialize<T: Serialize + ?Sized>(value: &T) -> Result<Self, serde_json::Error> {
        Ok(Self::trusted(serde_json::to_string(value)?.into()))
    }

    /// Keeps text that a scan of ours has already found sound.
    pub(crate) fn trusted(text: ByteString) -> Self {
        Self(text)
    }

    /// The part of `self` that `part` points to, sharing the bytes.
    ///
    /// `part` must be a value inside `self.as_str()`, as [`crate::rewrite::members`] yields them; any
    /// other text is copied and checked anew.
    ///
    /// # Errors
    /// When `part` lies elsewhere and is not sound JSON.
    pub fn slice(&self, part: &str) -> Result<Self, ScanError> {
        if contains(&self.0, part) {
            scan::check(part, &Limits::default())?;
            Ok(Self(self.0.slice_ref(part)))
        } else {
            Self::parse(part)
        }
    }

    /// The literal `null`.
    pub fn null() -> Self {
        Self(ByteString::from_static("null"))
    }

    /// The literal `{}`.
    pub fn empty_object() -> Self {
        Self(ByteString::from_static("{}"))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the value is an object.
    pub fn is_object(&self) -> bool {
        self.0.starts_with('{')
    }

    /// Reads the value into a type.
    ///
    /// # Errors
    /// When the value does not have the type's shape.
    pub fn to<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        serde_json::from_str(&self.0)
    }

    /// The text as shared bytes.
    pub fn into_bytes(self) -> Bytes {
        self.0.into_bytes()
    }
}

fn contains(whole: &str, part: &str) -> bool {
    let (whole, part) = (whole.as_bytes().as_ptr_range(), part.as_bytes().as_ptr_range());
    whole.start <= part.start && part.end <= whole.end
}

fn trimmed(text: ByteString) -> ByteString {
    let inner = text.trim_matches([' ', '\t', '\n', '\r']);
    if inner.len() == text.len() { text } else { text.slice_ref(inner) }
}

impl fmt::Debug for RawJson {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for RawJson {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for RawJson {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let raw: &RawValue = serde_json::from_str(&self.0).map_err(serde::ser::Error::custom)?;
        raw.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for RawJson {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        Self::parse(String::from(Box::<str>::from(raw))).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_the_text_and_drops_only_surrounding_white_space() {
        let raw = RawJson::parse(" {\"b\":1.50, \"a\":\"\\u00e9\"}\n").unwrap();
        assert_eq!(raw.as_str(), "{\"b\":1.50, \"a\":\"\\u00e9\"}");
    }

    #[test]
    fn a_member_is_cut_out_without_a_copy() {
        let raw = RawJson::parse(r#"{"a":[1,2]}"#).unwrap();
        let part = &raw.as_str()[5..10];
        let cut = raw.slice(part).unwrap();
        assert_eq!(cut.as_str(), "[1,2]");
        assert_eq!(cut.as_str().as_ptr(), part.as_ptr());
        assert!(raw.slice(&raw.as_str()[1..3]).is_err_and(|error| error.is_syntax()));
    }

    #[test]
    fn passes_through_serde_unchanged() {
        #[derive(Serialize, Deserialize)]
        struct Holder {
            raw: RawJson,
        }
        let text = r#"{"raw":{"z":1e2,"a":18446744073709551615}}"#;
        let holder: Holder = serde_json::from_str(text).unwrap();
        assert_eq!(serde_json::to_string(&holder).unwrap(), text);
    }

    #[test]
    fn refuses_what_is_not_one_json_value() {
        for bad in ["", "{", "1 2", "{\"a\":1,\"a\":2}", "nul"] {
            assert!(RawJson::parse(bad).is_err(), "{bad}");
        }
        assert!(RawJson::parse_bytes(Bytes::from_static(b"\"\xff\"")).is_err());
    }
}

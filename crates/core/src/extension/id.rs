//! Identifiers of extensions.

use std::borrow::Borrow;
use std::fmt;
use std::str::FromStr;

use latimer_protocol::{MetaKey, MetaKeyError};

/// The identifier of an extension: a prefix and a name, such as `com.example/receipts` (VER-10, BASE-7).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ExtensionId(Box<str>);

/// Why a text does not identify an extension.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExtensionIdError {
    /// Prefix or name do not follow the grammar.
    #[error("\"{0}\" does not identify an extension: {1}")]
    Grammar(String, MetaKeyError),
    /// There is no prefix or no name.
    #[error("\"{0}\" does not identify an extension; write a prefix and a name, such as \"com.example/{0}\"")]
    Incomplete(String),
}

impl ExtensionId {
    /// Reads an identifier.
    ///
    /// # Errors
    /// When it has no prefix or no name, or does not follow the grammar of `_meta` keys.
    pub fn parse(text: &str) -> Result<Self, ExtensionIdError> {
        match MetaKey::parse(text) {
            Ok(MetaKey { prefix: Some(_), name }) if !name.is_empty() => Ok(Self(text.into())),
            Ok(key) => Err(ExtensionIdError::Incomplete(key.name.to_owned())),
            Err(error) => Err(ExtensionIdError::Grammar(text.to_owned(), error)),
        }
    }

    /// An identifier that stands in the code.
    ///
    /// # Panics
    /// When it is none.
    pub fn from_static(text: &'static str) -> Self {
        match Self::parse(text) {
            Ok(id) => id,
            Err(error) => panic!("{error}"),
        }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ExtensionId {
    type Err = ExtensionIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

impl Borrow<str> for ExtensionId {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ExtensionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for ExtensionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ver_10_an_identifier_has_a_prefix_and_a_name() {
        for good in ["io.modelcontextprotocol/ui", "com.example/a.b_c-1", "x/y"] {
            assert_eq!(ExtensionId::parse(good).map(|id| id.to_string()).as_deref(), Ok(good));
        }
        for bad in ["", "ui", "com.example/", "/ui", "com..example/ui", "com.example/a b", "a/b/c"] {
            assert!(ExtensionId::parse(bad).is_err(), "{bad}");
        }
        let mend = ExtensionId::parse("receipts").unwrap_err().to_string();
        assert!(mend.contains("\"com.example/receipts\""), "{mend}");
    }
}

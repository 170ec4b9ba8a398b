//! The grammar of `_meta` keys, which is that of extension identifiers too (BASE-7, VER-10).

/// A key of `_meta`, taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MetaKey<'a> {
    /// What stands before the slash, if there is one: labels joined by dots.
    pub prefix: Option<&'a str>,
    /// What stands behind it. Only behind a prefix may it be empty.
    pub name: &'a str,
}

/// Why a text is no key of `_meta`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MetaKeyError {
    /// A label of the prefix is empty, does not begin with a letter, ends with a hyphen, or holds something else.
    #[error(
        "the prefix consists of labels such as \"com.example\": letters, digits and inner hyphens, a letter first"
    )]
    Prefix,
    /// The name does not begin and end with a letter or digit, or holds something else than `-`, `_` and `.` between.
    #[error("the name consists of letters, digits and inner \"-\", \"_\" and \".\"")]
    Name,
}

impl<'a> MetaKey<'a> {
    /// Takes a key apart.
    ///
    /// # Errors
    /// When it does not follow the grammar.
    pub fn parse(key: &'a str) -> Result<Self, MetaKeyError> {
        let (prefix, name) = match key.split_once('/') {
            Some((prefix, name)) => (Some(prefix), name),
            None => (None, key),
        };
        if prefix.is_some_and(|prefix| !prefix.split('.').all(is_label)) {
            return Err(MetaKeyError::Prefix);
        }
        if is_name(name) || (name.is_empty() && prefix.is_some()) {
            Ok(Self { prefix, name })
        } else {
            Err(MetaKeyError::Name)
        }
    }
}

fn is_label(label: &str) -> bool {
    let bytes = label.as_bytes();
    bytes.first().is_some_and(u8::is_ascii_alphabetic)
        && bytes.last().is_some_and(u8::is_ascii_alphanumeric)
        && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'-')
}

fn is_name(name: &str) -> bool {
    let bytes = name.as_bytes();
    bytes.first().is_some_and(u8::is_ascii_alphanumeric)
        && bytes.last().is_some_and(u8::is_ascii_alphanumeric)
        && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base_7_keys_follow_the_grammar() {
        for (key, prefix, name) in [
            ("progressToken", None, "progressToken"),
            ("io.modelcontextprotocol/ui", Some("io.modelcontextprotocol"), "ui"),
            ("com.example.mcp/a_b-c.d", Some("com.example.mcp"), "a_b-c.d"),
            ("x/1", Some("x"), "1"),
            ("a-b.c1/", Some("a-b.c1"), ""),
        ] {
            assert_eq!(MetaKey::parse(key), Ok(MetaKey { prefix, name }), "{key}");
        }
        for key in ["/a", ".a/b", "1a/b", "a-/b", "a..b/c", "a b/c", "é/b"] {
            assert_eq!(MetaKey::parse(key), Err(MetaKeyError::Prefix), "{key}");
        }
        for key in ["", "-a", "a_", "a/b/c", "a/.", "a b", "é"] {
            assert_eq!(MetaKey::parse(key), Err(MetaKeyError::Name), "{key}");
        }
    }
}

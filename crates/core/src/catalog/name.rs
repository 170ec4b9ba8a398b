//! The grammar of tool and prompt names (TOOL-3).

/// Why a name is not one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// It is empty, or longer than 128 bytes.
    #[error("a name has 1 to 128 characters")]
    Length,
    /// It holds something else than ASCII letters, digits, `_`, `-` and `.`.
    #[error("a name consists of ASCII letters, digits, \"_\", \"-\" and \".\"")]
    Character,
}

/// Checks a tool's name.
pub(crate) fn check(name: &str) -> Result<(), NameError> {
    if name.is_empty() || name.len() > 128 {
        return Err(NameError::Length);
    }
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
    if name.bytes().all(fits) { Ok(()) } else { Err(NameError::Character) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tool_3_names_have_1_to_128_plain_characters() {
        for good in ["a", "get-sum_2.0", &"x".repeat(128)] {
            assert_eq!(check(good), Ok(()));
        }
        assert_eq!(check(""), Err(NameError::Length));
        assert_eq!(check(&"x".repeat(129)), Err(NameError::Length));
        for bad in ["a b", "a/b", "é", "a\n"] {
            assert_eq!(check(bad), Err(NameError::Character), "{bad:?}");
        }
    }
}

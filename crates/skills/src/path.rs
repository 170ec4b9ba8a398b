//! Where a file is among the skills, and its URI.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// What every URI of a skill begins with.
pub(crate) const SCHEME: &str = "skill://";

/// The file that makes a folder a skill.
pub(crate) const SKILL_FILE: &str = "SKILL.md";

/// Why a text is no path of a file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PathError {
    #[error("the path \"{0}\" has an empty segment; write it as \"folder/file\"")]
    Empty(String),
    #[error("the path \"{0}\" has a segment that begins with a dot; hidden files are not served")]
    Hidden(String),
    #[error("the path \"{0}\" holds a backslash or a control character; rename the file")]
    Character(String),
}

/// Checks a path relative to the root of all skills: segments joined by `/`, none of them hidden.
pub(crate) fn check(path: &str) -> Result<(), PathError> {
    for segment in path.split('/') {
        if segment.is_empty() {
            return Err(PathError::Empty(path.to_owned()));
        }
        if segment.starts_with('.') {
            return Err(PathError::Hidden(path.to_owned()));
        }
        if segment.contains(|c: char| c == '\\' || c.is_control()) {
            return Err(PathError::Character(path.escape_debug().to_string()));
        }
    }
    Ok(())
}

/// The URI of a file or folder. Every path has exactly one.
pub(crate) fn uri(path: &str) -> String {
    let mut uri = String::from(SCHEME);
    for (at, segment) in path.split('/').enumerate() {
        if at > 0 {
            uri.push('/');
        }
        uri.extend(utf8_percent_encode(segment, ENCODED));
    }
    uri
}

/// The last segment.
pub(crate) fn file_name(path: &str) -> &str {
    path.rsplit_once('/').map_or(path, |(_, name)| name)
}

/// The folder that holds a file or folder, if that is not the root.
pub(crate) fn parent(path: &str) -> Option<&str> {
    path.rsplit_once('/').map(|(parent, _)| parent)
}

/// The folder of a skill, if the path is that of its `SKILL.md`.
pub(crate) fn skill_of(path: &str) -> Option<&str> {
    path.strip_suffix(SKILL_FILE)?.strip_suffix('/')
}

/// What may stand in the host of a URI as it is (RFC 3986 §3.2.2): the first folder stands there.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'!')
    .remove(b'$')
    .remove(b'&')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')')
    .remove(b'*')
    .remove(b'+')
    .remove(b',')
    .remove(b';')
    .remove(b'=');

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_has_no_way_out_and_no_hidden_segment() {
        for good in ["a/SKILL.md", "a b/ü.txt", "a/b..c"] {
            assert_eq!(check(good), Ok(()), "{good}");
        }
        for bad in ["", "/a", "a//b", "a/", "../a", "a/./b", ".git/config", "a\\b", "a\nb"] {
            assert!(check(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn uris_are_encoded_segment_by_segment() {
        assert_eq!(uri("acme/refunds/SKILL.md"), "skill://acme/refunds/SKILL.md");
        assert_eq!(uri("a b/50%#?ü:@.md"), "skill://a%20b/50%25%23%3F%C3%BC%3A%40.md");
    }

    #[test]
    fn a_skill_is_known_by_its_file() {
        assert_eq!(skill_of("acme/refunds/SKILL.md"), Some("acme/refunds"));
        for path in ["SKILL.md", "a/skill.md", "a/SKILL.md/b", "a/XSKILL.md"] {
            assert_eq!(skill_of(path), None, "{path}");
        }
    }
}

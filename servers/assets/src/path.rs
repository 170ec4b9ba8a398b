//! Paths within a folder, as callers write them.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// The longest path, in bytes.
const LONGEST: usize = 1_024;

/// What the name of a schema's file ends with.
pub(crate) const SCHEMA_SUFFIX: &str = ".schema.json";
/// What the name of every file ends with.
pub(crate) const SUFFIX: &str = ".json";

/// A path from a folder down to a file: segments joined by `/`, none of them empty, `.` or `..`, none with a backslash or a
/// control character.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct RelPath(String);

impl RelPath {
    /// The path, unless it could lead out of the folder or means different things to different systems.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let is_segment = |segment: &str| {
            !matches!(segment.trim(), "" | "." | "..")
                && !segment.contains(|c: char| c == '\\' || c.is_control())
        };
        let fits = text.len() <= LONGEST && text.split('/').all(is_segment);
        fits.then(|| Self(text.to_owned()))
    }

    /// The path that stands percent-encoded in a URI. Encoded slashes are no slashes, and refused.
    pub(crate) fn decode(text: &str) -> Option<Self> {
        let segment = |segment| {
            let decoded = percent_decode_str(segment).decode_utf8().ok()?;
            (!decoded.contains('/')).then_some(decoded)
        };
        let segments: Option<Vec<_>> = text.split('/').map(segment).collect();
        Self::parse(&segments?.join("/"))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether a listing would name such a file: a JSON file with no hidden folder or file on the way.
    pub(crate) fn is_listable(&self) -> bool {
        self.0.ends_with(SUFFIX) && !self.0.split('/').any(|segment| segment.starts_with('.'))
    }
}

/// The URI of a file. Every path has exactly one.
pub(crate) fn uri(scheme: &str, path: &str) -> String {
    let mut uri = format!("{scheme}:///");
    for (at, segment) in path.split('/').enumerate() {
        if at > 0 {
            uri.push('/');
        }
        uri.extend(utf8_percent_encode(segment, ENCODED));
    }
    uri
}

/// The folder of a path, with the slash at its end; nothing for a file of the folder itself.
pub(crate) fn folder(path: &str) -> &str {
    path.rfind('/').map_or("", |at| &path[..=at])
}

/// The file's name up to its first dot.
pub(crate) fn component(path: &str) -> &str {
    let name = path.rsplit('/').next().unwrap_or(path);
    name.split('.').next().unwrap_or(name)
}

/// What may stand in a path of a URI as it is (RFC 3986 §3.3).
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_has_no_way_out() {
        for good in ["a.json", "a b/ü.json", "a/b..c", "_skip/x.json", "..a"] {
            assert_eq!(RelPath::parse(good).unwrap().as_str(), good);
        }
        let long = "x".repeat(LONGEST + 1);
        for bad in [
            "", " ", "/", "/a", "a//b", "a/", "..", "../a", "a/../b", "a/./b", "a/ .. /b", "a\\b", "a\0b",
            "a\nb", &long,
        ] {
            assert_eq!(RelPath::parse(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn what_is_encoded_has_no_way_out_either() {
        assert_eq!(RelPath::decode("a%20b/%C3%BC.json").unwrap().as_str(), "a b/ü.json");
        for bad in ["%2e%2e/a", "a%2f..%2fb", "a/%2E%2E/b", "a%5cb", "a%00b", "%ff"] {
            assert_eq!(RelPath::decode(bad), None, "{bad}");
        }
    }

    #[test]
    fn uris_are_encoded_segment_by_segment() {
        assert_eq!(uri("schema", "a b/50%#?ü.json"), "schema:///a%20b/50%25%23%3F%C3%BC.json");
        assert_eq!((folder("a/b/c.json"), folder("c.json")), ("a/b/", ""));
        assert_eq!((component("a/b.example.json"), component("b")), ("b", "b"));
    }
}

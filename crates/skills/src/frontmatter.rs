//! The frontmatter of a `SKILL.md`: YAML between two lines of three hyphens.

use std::collections::BTreeMap;

use latimer_protocol::RawJson;
use latimer_protocol::scan::ScanError;
use serde::Deserialize;

use crate::yaml::{self, YamlError};

/// How long it may be, in bytes.
const MOST_BYTES: usize = 64 << 10;

/// How long a description may be, in characters (Agent Skills).
const MOST_DESCRIPTION: usize = 1024;

/// Metadata keys of this prefix are the protocol's.
const RESERVED: &str = "io.modelcontextprotocol/";

/// What a skill says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Frontmatter {
    /// All of it, in the author's order.
    pub(crate) json: RawJson,
    pub(crate) name: String,
    pub(crate) description: String,
}

/// Why a text has no frontmatter that a skill may have. Lines count from the beginning of the file.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FrontmatterError {
    #[error("it is not UTF-8; save it as UTF-8")]
    Utf8,
    #[error("it does not begin with frontmatter; begin with \"---\", name and description, and \"---\"")]
    Missing,
    #[error("its frontmatter has more than {MOST_BYTES} bytes; move text to the body")]
    Long,
    #[error("its frontmatter, {0}")]
    Yaml(#[from] YamlError),
    #[error("its frontmatter: {0}")]
    Scan(#[from] ScanError),
    #[error("its frontmatter needs \"name\" and \"description\", both text: {0}")]
    Members(#[from] serde_json::Error),
    #[error(
        "its name is \"{0}\"; a name has 1 to 64 lower-case letters, digits and single hyphens between them"
    )]
    Name(String),
    #[error(
        "its description is empty or longer than {MOST_DESCRIPTION} characters; say what it does and when to use it"
    )]
    Description,
    #[error("its metadata has the key \"{0}\"; keys of that prefix are reserved for the protocol")]
    Reserved(String),
}

#[derive(Deserialize)]
struct Known {
    name: String,
    description: String,
}

#[derive(Deserialize)]
struct WithMetadata {
    #[serde(default)]
    metadata: BTreeMap<String, serde::de::IgnoredAny>,
}

impl Frontmatter {
    /// Reads the frontmatter of a whole `SKILL.md`.
    pub(crate) fn read(text: &str) -> Result<Self, FrontmatterError> {
        let yaml = block(text).ok_or(FrontmatterError::Missing)?;
        if yaml.len() > MOST_BYTES {
            return Err(FrontmatterError::Long);
        }
        let json = RawJson::parse(yaml::to_json(yaml)?)?;
        let Known { name, description } = json.to()?;
        if !is_name(&name) {
            return Err(FrontmatterError::Name(name.chars().take(80).collect()));
        }
        if description.trim().is_empty() || description.chars().count() > MOST_DESCRIPTION {
            return Err(FrontmatterError::Description);
        }
        // Metadata of another kind than the specification's is the author's own, and kept as it is.
        if let Ok(WithMetadata { metadata }) = json.to()
            && let Some(key) = metadata.into_keys().find(|key| key.starts_with(RESERVED))
        {
            return Err(FrontmatterError::Reserved(key));
        }
        Ok(Self { json, name, description })
    }
}

/// Whether a text is the name of a skill: 1 to 64 lower-case letters, digits and hyphens, a hyphen neither at an end
/// nor beside another (Agent Skills).
pub(crate) fn is_name(name: &str) -> bool {
    (1..=64).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
        && name.split('-').all(|part| !part.is_empty())
}

/// The YAML between the two lines. The first of them is kept as an empty line, so that lines count as in the file.
fn block(text: &str) -> Option<&str> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let rest = text.strip_prefix("---")?;
    let start = rest.strip_prefix('\r').unwrap_or(rest);
    if !start.starts_with('\n') {
        return None;
    }
    let mut at = rest.len() - start.len() + 1;
    for line in rest[at..].split_inclusive('\n') {
        let bare = line.strip_suffix('\n').unwrap_or(line);
        let bare = bare.strip_suffix('\r').unwrap_or(bare);
        if bare.strip_prefix("---").is_some_and(|rest| rest.trim_matches([' ', '\t']).is_empty()) {
            return Some(&rest[..at]);
        }
        at += line.len();
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(text: &str) -> Result<String, String> {
        Frontmatter::read(text).map(|it| it.json.to_string()).map_err(|error| error.to_string())
    }

    #[test]
    fn sk_1_frontmatter_is_kept_whole_in_its_order() {
        let text = "---\ndescription: Does it.\nname: do-it\nlicense: MIT\nmetadata:\n  version: \"1.0\"\n---\nBody\n---\n";
        let json =
            r#"{"description":"Does it.","name":"do-it","license":"MIT","metadata":{"version":"1.0"}}"#;
        assert_eq!(read(text).as_deref(), Ok(json));
        let windows = text.replace('\n', "\r\n");
        assert_eq!(read(&windows).as_deref(), Ok(json));
        assert_eq!(read(&format!("\u{feff}{text}")).as_deref(), Ok(json));
        assert!(read("---\nname: a\ndescription: b\n--- \t").is_ok());
    }

    #[test]
    fn a_file_without_frontmatter_is_told_how_to_begin() {
        for text in
            ["", "# Title", "---", "---\n", "--- \nname: a\n---\n", "---\nname: a\n", "\n---\nname: a\n---\n"]
        {
            assert!(read(text).unwrap_err().contains("begin with \"---\""), "{text:?}");
        }
    }

    #[test]
    fn name_and_description_are_needed() {
        for (yaml, reason) in [
            ("", "needs \"name\""),
            ("name: a", "missing field `description`"),
            ("name: 1\ndescription: a", "both text"),
            ("name: a\ndescription: ''", "description is empty"),
            ("name: a\ndescription: [a]", "both text"),
            ("- a", "both text"),
            ("name: a\ndescription: b\nc: &x 1", "line 4: tags, anchors"),
            ("name: a\ndescription: b\nmetadata: {io.modelcontextprotocol/x: 1}", "reserved"),
        ] {
            let error = read(&format!("---\n{yaml}\n---\n")).unwrap_err();
            assert!(error.contains(reason), "{yaml}: {error}");
        }
        let long = "x".repeat(MOST_DESCRIPTION);
        assert!(read(&format!("---\nname: a\ndescription: {long}\n---\n")).is_ok());
        assert!(read(&format!("---\nname: a\ndescription: {long}x\n---\n")).is_err());
    }

    #[test]
    fn sk_1_names_follow_the_grammar() {
        for good in ["a", "pdf-processing", "1-2-3", &"x".repeat(64)] {
            assert!(is_name(good), "{good}");
        }
        for bad in ["", "-a", "a-", "a--b", "A", "a_b", "a.b", "é", "a b", &"x".repeat(65)] {
            assert!(!is_name(bad), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in any::<String>(), yaml in "[ -~\n]{0,80}") {
            let _ = Frontmatter::read(&text);
            let _ = Frontmatter::read(&format!("---\n{yaml}\n---\n"));
        }

        #[test]
        fn what_is_written_is_read(
            name in "[a-z0-9]{1,20}(-[a-z0-9]{1,20}){0,2}", description in "[ -~]{1,100}", body in any::<String>()
        ) {
            prop_assume!(!description.trim().is_empty());
            let quoted = serde_json::to_string(&description).unwrap();
            let read = Frontmatter::read(&format!("---\nname: {name:?}\ndescription: {quoted}\n---\n{body}")).unwrap();
            prop_assert_eq!((read.name, read.description), (name, description));
        }
    }
}

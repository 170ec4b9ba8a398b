//! Which schema a document is validated against.

use latimer_protocol::tape::Node;

use crate::path::{RelPath, SCHEMA_SUFFIX, SUFFIX};
use crate::schemas::name;
use crate::settings::Settings;

/// Why text names no schema: a word that clients know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Misnamed {
    /// It does not begin with a published prefix.
    Foreign,
    /// It leads out of the folder.
    Outside,
    /// It names no file.
    Nothing,
}

impl Misnamed {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Foreign => "schema_must_use_canonical_host",
            Self::Outside => "schema_outside_configured_root",
            Self::Nothing => "invalid_schema_marker",
        }
    }
}

impl Settings {
    /// The path of the schema that a caller names: a name, a path or a published URL.
    pub(crate) fn schema_path(&self, text: &str) -> Result<RelPath, Misnamed> {
        if text.trim().is_empty() {
            return Err(Misnamed::Nothing);
        }
        if text.contains("://") { self.published(text) } else { self.relative(text) }
    }

    /// The path of the schema that the marker of a document names.
    pub(crate) fn marked_path(&self, text: &str) -> Result<RelPath, Misnamed> {
        if text.contains(':') || !self.relative_markers { self.published(text) } else { self.relative(text) }
    }

    /// All that follows a published prefix is the path.
    fn published(&self, text: &str) -> Result<RelPath, Misnamed> {
        let rests = self.canonical_prefixes.iter().filter_map(|prefix| text.strip_prefix(prefix.as_str()));
        let rest = rests.min_by_key(|rest| rest.len()).ok_or(Misnamed::Foreign)?;
        let rest = rest.strip_suffix('#').unwrap_or(rest);
        if rest.is_empty() || rest.ends_with('/') || rest.contains(['?', '#']) {
            return Err(Misnamed::Nothing);
        }
        let path = RelPath::decode(rest).ok_or(Misnamed::Outside)?;
        self.unaliased(path)
    }

    fn relative(&self, text: &str) -> Result<RelPath, Misnamed> {
        let path = RelPath::parse(text).ok_or(Misnamed::Outside)?;
        let path = if path.as_str().ends_with(SUFFIX) {
            path
        } else {
            RelPath::parse(&format!("{text}{SCHEMA_SUFFIX}")).ok_or(Misnamed::Outside)?
        };
        self.unaliased(path)
    }

    /// The path that another name of a schema stands for.
    fn unaliased(&self, path: RelPath) -> Result<RelPath, Misnamed> {
        let Some(meant) = self.aliases.get(name(path.as_str())) else { return Ok(path) };
        let suffix = if meant.ends_with(SUFFIX) { "" } else { SCHEMA_SUFFIX };
        RelPath::parse(&format!("{meant}{suffix}")).ok_or(Misnamed::Outside)
    }

    /// The legacy keys that a document has, in order.
    pub(crate) fn legacy_keys_of(&self, document: Node<'_>) -> Vec<&str> {
        let mut found: Vec<_> =
            self.legacy_keys.iter().map(String::as_str).filter(|key| document.get(key).is_some()).collect();
        found.sort_unstable();
        found.dedup();
        found
    }
}

#[cfg(test)]
mod tests {
    use url::Url;

    use super::*;

    fn settings(relative_markers: bool) -> Settings {
        Settings {
            canonical_prefixes: vec![Url::parse("https://shop.example/schema/1.2/").unwrap()],
            relative_markers,
            aliases: [("old-product".to_owned(), "product".to_owned())].into(),
            ..Settings::default()
        }
    }

    #[test]
    fn all_that_follows_a_published_prefix_is_the_path() {
        let marked = |text: &str| {
            let path = settings(false).marked_path(&format!("https://shop.example/schema/1.2/{text}"));
            path.map(|path| path.as_str().to_owned()).map_err(Misnamed::word)
        };
        assert_eq!(marked("product.schema.json").unwrap(), "product.schema.json");
        assert_eq!(marked("product.schema.json#").unwrap(), "product.schema.json");
        assert_eq!(marked("sub/product.schema.json").unwrap(), "sub/product.schema.json");
        assert_eq!(marked("product").unwrap(), "product");
        assert_eq!(marked("old-product.schema.json").unwrap(), "product.schema.json");
        for text in [
            "../x.json",
            "a/../x.json",
            "..",
            "a/..",
            "%2e%2e/x.json",
            "a/%2E./x.json",
            "a%2fb.json",
            "a\\b",
            "%00",
        ] {
            assert_eq!(marked(text), Err("schema_outside_configured_root"), "{text}");
        }
        for text in ["", "a/", "product.schema.json?x", "product.schema.json#/properties"] {
            assert_eq!(marked(text), Err("invalid_schema_marker"), "{text}");
        }
    }

    #[test]
    fn another_host_scheme_or_version_is_foreign() {
        for text in [
            "http://shop.example/schema/1.2/product.schema.json",
            "https://shop.example/schema/1.3/product.schema.json",
            "https://shop.example@evil.example/schema/1.2/product.schema.json",
            "https://shop.example.evil.example/schema/1.2/product.schema.json",
            "https://SHOP.example/schema/1.2/product.schema.json",
            "https://shop.example/schema/1.2",
            "//shop.example/schema/1.2/product.schema.json",
            "product.schema.json",
            "file:///etc/passwd",
            "urn:product",
        ] {
            assert_eq!(settings(false).marked_path(text), Err(Misnamed::Foreign), "{text}");
        }
    }

    #[test]
    fn a_relative_marker_is_a_name_or_a_path_where_that_is_allowed() {
        let marked = |text: &str| settings(true).marked_path(text).map(|path| path.as_str().to_owned());
        for text in ["product", "product.schema.json", "old-product"] {
            assert_eq!(marked(text).unwrap(), "product.schema.json");
        }
        for text in ["../product", "/product", "a//b", "a\\b", "//shop.example/x"] {
            assert_eq!(marked(text), Err(Misnamed::Outside), "{text}");
        }
        assert_eq!(marked("http://evil.example/product"), Err(Misnamed::Foreign));
    }

    #[test]
    fn a_caller_may_name_a_schema_in_any_way() {
        let path = |text: &str| settings(false).schema_path(text).map(|path| path.as_str().to_owned());
        for text in ["product", "product.schema.json", "https://shop.example/schema/1.2/product.schema.json"]
        {
            assert_eq!(path(text).unwrap(), "product.schema.json");
        }
        assert_eq!(path(" "), Err(Misnamed::Nothing));
        assert_eq!(path("https://evil.example/product"), Err(Misnamed::Foreign));
    }
}

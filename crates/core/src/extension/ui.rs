//! MCP Apps: pages that a host shows beside a tool (APP-1 to APP-5).
//!
//! A page is a resource of its own scheme and type, a tool says in `_meta.ui` which page shows its results, and all
//! talk between page and host stays with them. Of a server that leaves one thing besides: to announce the extension
//! as soon as it has a tool with a page, or a page.

use std::borrow::Cow;

use latimer_protocol::rewrite::{decode_string, elements, member};

/// The extension's identifier.
pub const ID: &str = "io.modelcontextprotocol/ui";

/// What the URI of a page begins with.
pub const SCHEME: &str = "ui://";

/// The type of a page.
pub const MIME_TYPE: &str = "text/html;profile=mcp-app";

/// Whether a client that declares these settings shows pages.
pub(crate) fn shows_pages(settings: &str) -> bool {
    let Ok(Some(types)) = member(settings, "mimeTypes") else { return false };
    types.starts_with('[')
        && elements(types)
            .map_while(Result::ok)
            .filter_map(decode_string)
            .any(|mime_type| is_page_type(&mime_type))
}

/// Whether the tool of this definition has a page.
pub(crate) fn has_page(definition: &str) -> bool {
    let of = |raw, name| member(raw, name).ok().flatten().filter(|raw: &&str| raw.starts_with('{'));
    of(definition, "_meta").and_then(|meta| of(meta, "ui")).is_some()
}

/// Whether a URI is that of a page.
pub(crate) fn is_page(uri: &str) -> bool {
    uri.starts_with(SCHEME)
}

/// Types are compared without regard to case and to white space around the semicolon.
fn is_page_type(text: &str) -> bool {
    let plain: Cow<'_, str> = if text.contains(' ') { text.replace(' ', "").into() } else { text.into() };
    plain.eq_ignore_ascii_case(MIME_TYPE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn app_1_only_the_type_of_pages_counts() {
        assert!(shows_pages(r#"{"mimeTypes":["text/html;profile=mcp-app"]}"#));
        assert!(shows_pages(r#"{"mimeTypes":["x/y","text/html; profile=mcp-app"]}"#));
        for settings in [
            "{}",
            r#"{"mimeTypes":[]}"#,
            r#"{"mimeTypes":"text/html;profile=mcp-app"}"#,
            r#"{"mimeTypes":["text/html"]}"#,
            r#"{"mimeTypes":[1,null,{"a":"text/html;profile=mcp-app"}]}"#,
        ] {
            assert!(!shows_pages(settings), "{settings}");
        }
    }

    #[test]
    fn app_2_a_tool_with_a_page_is_known_by_its_metadata() {
        assert!(has_page(r#"{"name":"a","_meta":{"ui":{"resourceUri":"ui://a/b"}}}"#));
        for definition in [r#"{"name":"a"}"#, r#"{"_meta":{"ui":1}}"#, r#"{"_meta":[]}"#, r#"{"ui":{}}"#] {
            assert!(!has_page(definition), "{definition}");
        }
    }
}

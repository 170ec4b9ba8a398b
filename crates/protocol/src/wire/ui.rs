//! What MCP Apps add to the metadata of tools and pages (APP-2, APP-3).

use serde::{Deserialize, Serialize};

/// `_meta.ui` of a tool.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UiToolMeta {
    /// The page that shows the tool's results, a `ui://` resource of the same server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource_uri: Option<String>,
    /// Who may call the tool; empty means both.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub visibility: Vec<UiVisibility>,
}

/// Who may call a tool.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum UiVisibility {
    /// The model.
    Model,
    /// The pages of the same server.
    App,
}

/// `_meta.ui` of a page: what its sandbox has to let it do.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UiResourceMeta {
    /// The origins that the page reaches; without it, none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub csp: Option<UiCsp>,
    /// What the page asks its browser for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub permissions: Option<UiPermissions>,
    /// An origin of the page's own, in the form that its host wants.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub domain: Option<String>,
    /// Whether the host draws a border and a background around the page; without it, the host decides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prefers_border: Option<bool>,
}

/// The origins that a page reaches, such as `https://api.example.com` or `https://*.example.com`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UiCsp {
    /// What it talks to (`connect-src`).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub connect_domains: Vec<String>,
    /// Where its scripts, styles, pictures, fonts and media come from.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub resource_domains: Vec<String>,
    /// What it frames (`frame-src`).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub frame_domains: Vec<String>,
    /// What its document may take for its base (`base-uri`).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub base_uri_domains: Vec<String>,
}

/// What a page asks its browser for. It has to work without, too.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UiPermissions {
    /// The camera.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub camera: Option<UiPermission>,
    /// The microphone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub microphone: Option<UiPermission>,
    /// Where the user is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub geolocation: Option<UiPermission>,
    /// Writing to the clipboard.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clipboard_write: Option<UiPermission>,
}

/// A permission that is asked for: an object without members.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UiPermission {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn app_3_metadata_is_written_with_the_names_of_the_extension() {
        let meta = UiResourceMeta {
            csp: Some(UiCsp { connect_domains: vec!["https://a.b".to_owned()], ..UiCsp::default() }),
            permissions: Some(UiPermissions {
                clipboard_write: Some(UiPermission {}),
                ..UiPermissions::default()
            }),
            domain: None,
            prefers_border: Some(false),
        };
        let text = r#"{"csp":{"connectDomains":["https://a.b"]},"permissions":{"clipboardWrite":{}},"prefersBorder":false}"#;
        assert_eq!(serde_json::to_string(&meta).unwrap(), text);
        assert_eq!(serde_json::from_str::<UiResourceMeta>(text).unwrap(), meta);
    }
}

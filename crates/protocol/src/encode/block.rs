//! Content blocks for clients that do not know their type: a text says what the block was.

use std::borrow::Cow;

use super::object::write_object;
use crate::rewrite::{Change, Edits, decode_string, members};

/// For 2024-11-05, which knows neither sounds nor links.
pub(super) fn without_audio_or_link(raw: &str) -> Change {
    convert(raw, true)
}

/// For 2025-03-26, which knows no links.
pub(super) fn without_link(raw: &str) -> Change {
    convert(raw, false)
}

fn convert(raw: &str, audio_too: bool) -> Change {
    let block = Block::read(raw);
    match block.kind.as_deref() {
        Some("resource_link") => Change::Replace(block.as_text(&block.link())),
        Some("audio") if audio_too => Change::Replace(block.as_text(&block.sound())),
        _ => Change::Keep,
    }
}

/// The members of a block that its text tells of.
#[derive(Default)]
struct Block<'a> {
    kind: Option<Cow<'a, str>>,
    name: Option<Cow<'a, str>>,
    title: Option<Cow<'a, str>>,
    uri: Option<Cow<'a, str>>,
    description: Option<Cow<'a, str>>,
    mime_type: Option<Cow<'a, str>>,
    annotations: Option<&'a str>,
}

impl<'a> Block<'a> {
    fn read(raw: &'a str) -> Self {
        let mut block = Self::default();
        for (name, value) in members(raw).map_while(Result::ok) {
            match &*name {
                "type" => block.kind = decode_string(value),
                "name" => block.name = decode_string(value),
                "title" => block.title = decode_string(value),
                "uri" => block.uri = decode_string(value),
                "description" => block.description = decode_string(value),
                "mimeType" => block.mime_type = decode_string(value),
                "annotations" if value.starts_with('{') => block.annotations = Some(value),
                _ => {}
            }
        }
        block
    }

    fn link(&self) -> String {
        let uri = self.uri.as_deref().unwrap_or_default();
        let mut text = match self.title.as_deref().or(self.name.as_deref()) {
            Some(name) if !name.is_empty() => format!("{name}: {uri}"),
            _ => uri.to_owned(),
        };
        if let Some(mime_type) = self.mime_type.as_deref() {
            text.push_str(&format!(" ({mime_type})"));
        }
        if let Some(description) = self.description.as_deref() {
            text.push_str(&format!("\n{description}"));
        }
        text
    }

    fn sound(&self) -> String {
        let mime_type = self.mime_type.as_deref().unwrap_or("unknown type");
        format!("[audio content ({mime_type}) left out: this protocol revision cannot carry it]")
    }

    fn as_text(&self, text: &str) -> String {
        let mut out = Vec::new();
        write_object(&mut out, |object| {
            object.string("type", "text").string("text", text);
            if let Some(annotations) = self.annotations {
                let mut known = Vec::new();
                // Both revisions in question are older than `lastModified`.
                if Edits::new().remove(["lastModified"]).apply(annotations, &mut known).is_ok() {
                    object.key("annotations").extend_from_slice(&known);
                }
            }
        });
        String::from_utf8(out).unwrap_or_default()
    }
}

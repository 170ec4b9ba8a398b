//! Content blocks as text.

use latimer_client::Block;
use latimer_protocol::wire::{ContentBlock, ResourceBody, ResourceContents};

/// A block as a person reads it: text as it is, everything else named.
pub(crate) fn block(block: &Block) -> String {
    match block {
        Block::Known(known) => content(known),
        Block::Other(raw) => raw.to_string(),
    }
}

/// As [`block`], for content that is known.
pub(crate) fn content(content: &ContentBlock) -> String {
    match content {
        ContentBlock::Text(text) => text.text.clone(),
        ContentBlock::Image(image) => binary("image", Some(&image.mime_type), &image.data),
        ContentBlock::Audio(audio) => binary("audio", Some(&audio.mime_type), &audio.data),
        ContentBlock::ResourceLink(link) => format!("[resource {} at {}]", link.name, link.uri),
        ContentBlock::Resource(embedded) => resource(&embedded.resource),
    }
}

fn resource(contents: &ResourceContents) -> String {
    match &contents.body {
        ResourceBody::Text(text) => text.clone(),
        ResourceBody::Blob(blob) => {
            let what = format!("resource {}", contents.uri);
            binary(&what, contents.mime_type.as_deref(), blob)
        }
    }
}

/// Stands for bytes; `--json` has them in base64.
fn binary(what: &str, mime_type: Option<&str>, base64: &str) -> String {
    let padding = base64.bytes().rev().take_while(|byte| *byte == b'=').count();
    let bytes = (base64.len() / 4 * 3).saturating_sub(padding);
    let mime_type = mime_type.map(|mime_type| format!(" {mime_type}")).unwrap_or_default();
    format!("[{what}{mime_type}, {bytes} bytes]")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_named_and_counted_but_never_shown() {
        assert_eq!(content(&ContentBlock::image([0x1b; 4], "image/png")), "[image image/png, 4 bytes]");
        let blob = ResourceContents::blob("x://y", [0; 6]);
        assert_eq!(content(&ContentBlock::resource(blob)), "[resource x://y, 6 bytes]");
        assert_eq!(content(&ContentBlock::link("x://y", "n")), "[resource n at x://y]");
    }
}

//! A file of a skill.

use bytes::Bytes;
use latimer_protocol::wire::ResourceContents;
use sha2::{Digest, Sha256};

use crate::mime;

/// A file, with what is promised of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct File {
    bytes: Bytes,
    /// `sha256:` and 64 hexadecimal digits.
    pub(crate) digest: String,
    pub(crate) mime_type: &'static str,
}

impl File {
    pub(crate) fn new(path: &str, bytes: Bytes) -> Self {
        let is_text = std::str::from_utf8(&bytes).is_ok();
        let mut digest = String::with_capacity(71);
        digest.push_str("sha256:");
        for byte in Sha256::digest(&bytes) {
            digest.extend(
                [byte >> 4, byte & 15].map(|digit| char::from_digit(digit.into(), 16).unwrap_or('0')),
            );
        }
        Self { digest, mime_type: mime::of(path, is_text), bytes }
    }

    pub(crate) fn size(&self) -> u64 {
        self.bytes.len() as u64
    }

    /// The text, if it is one.
    pub(crate) fn text(&self) -> Option<&str> {
        std::str::from_utf8(&self.bytes).ok()
    }

    /// What `resources/read` answers: the very bytes that the digest is of.
    pub(crate) fn contents(&self, uri: &str) -> ResourceContents {
        let contents = match self.text() {
            Some(text) => ResourceContents::text(uri, text),
            None => ResourceContents::blob(uri, &self.bytes),
        };
        contents.with_mime_type(self.mime_type)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use latimer_protocol::wire::ResourceBody;

    #[test]
    fn sk_1_a_digest_is_that_of_the_bytes() {
        let file = File::new("a.txt", Bytes::from_static(b"abc"));
        let digest = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!((file.digest.as_str(), file.size(), file.mime_type), (digest, 3, "text/plain"));
    }

    #[test]
    fn bytes_that_are_no_text_are_a_blob() {
        let file = File::new("a", Bytes::from_static(b"\xff\x00"));
        assert_eq!(file.mime_type, "application/octet-stream");
        assert_eq!(file.contents("skill://a").body, ResourceBody::Blob("/wA=".to_owned()));
        let file = File::new("a.PNG", Bytes::from_static(b"text"));
        assert_eq!(file.contents("skill://a.PNG").body, ResourceBody::Text("text".to_owned()));
        assert_eq!(file.mime_type, "image/png");
    }
}

//! What requests come to.

use std::marker::PhantomData;

use latimer_protocol::RawJson;
use latimer_protocol::rewrite::{elements, member};
use latimer_protocol::wire::ContentBlock;
use serde::de::DeserializeOwned;

use crate::error::{ClientError, Fault};

/// A result as the server wrote it; `T` is the type that [`view`](Self::view) reads it into.
#[derive(Clone, Debug)]
pub struct Reply<T> {
    raw: RawJson,
    view: PhantomData<fn() -> T>,
}

impl<T: DeserializeOwned> Reply<T> {
    /// Reads the result. What the type does not know is only in [`raw`](Self::raw).
    ///
    /// # Errors
    /// When the result lacks what it has to have, or has it in another form.
    pub fn view(&self) -> Result<T, ClientError> {
        self.raw.to().map_err(|source| Fault::View { what: "result", source }.into())
    }
}

impl<T> Reply<T> {
    pub(crate) fn new(raw: RawJson) -> Self {
        Self { raw, view: PhantomData }
    }

    /// The result in the server's own words.
    pub fn raw(&self) -> &RawJson {
        &self.raw
    }

    /// The result in the server's own words.
    pub fn into_raw(self) -> RawJson {
        self.raw
    }
}

/// What a tool call came to.
#[derive(Clone, Debug)]
pub struct CallOutcome {
    raw: RawJson,
    content: Vec<Block>,
    structured: Option<RawJson>,
    is_error: bool,
}

/// One piece of content.
#[derive(Clone, Debug, PartialEq)]
pub enum Block {
    /// Of a kind that this client knows.
    Known(Box<ContentBlock>),
    /// Of another kind, or not in the form that its kind has.
    Other(RawJson),
}

impl Block {
    /// The text, if it is a text.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Known(block) => match &**block {
                ContentBlock::Text(text) => Some(&text.text),
                _ => None,
            },
            Self::Other(_) => None,
        }
    }
}

impl CallOutcome {
    pub(crate) fn read(raw: RawJson) -> Result<Self, ClientError> {
        let broken = |detail: &str| ClientError::malformed("the result of tools/call", detail);
        if !raw.is_object() {
            return Err(broken("it is not an object"));
        }
        let find = |name| member(raw.as_str(), name).ok().flatten();
        let own = |text| raw.slice(text).map_err(|error| broken(&error.to_string()));
        let mut content = Vec::new();
        // Missing content breaks the protocol (TOOL-6), but some servers send structured content alone.
        for block in find("content").filter(|text| *text != "null").map(elements).into_iter().flatten() {
            let block = own(block.map_err(|_| broken("its content is not an array"))?)?;
            content.push(
                block
                    .to()
                    .map_or_else(|_| Block::Other(block.clone()), |known| Block::Known(Box::new(known))),
            );
        }
        let structured = find("structuredContent").map(own).transpose()?;
        let is_error = find("isError") == Some("true");
        Ok(Self { content, structured, is_error, raw })
    }

    /// What the tool answered, for the model.
    pub fn content(&self) -> &[Block] {
        &self.content
    }

    /// All texts of the content, a line break between them.
    pub fn text(&self) -> String {
        self.content.iter().filter_map(Block::as_text).collect::<Vec<_>>().join("\n")
    }

    /// The same as data; `null` is data too.
    pub fn structured(&self) -> Option<&RawJson> {
        self.structured.as_ref()
    }

    /// Whether the tool failed; the content then says why.
    pub fn is_error(&self) -> bool {
        self.is_error
    }

    /// The result in the server's own words.
    pub fn raw(&self) -> &RawJson {
        &self.raw
    }

    /// The result in the server's own words.
    pub fn into_raw(self) -> RawJson {
        self.raw
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<CallOutcome, ClientError> {
        CallOutcome::read(RawJson::parse(text.to_owned()).unwrap())
    }

    #[test]
    fn a_result_is_viewed_without_losing_what_is_unknown() {
        let text = r#"{"content":[{"type":"text","text":"a"},{"type":"hologram","z":1.50},{"type":"text","text":"b"}],
            "structuredContent":null,"isError":true,"x-extra":1}"#;
        let outcome = read(text).unwrap();
        assert_eq!(outcome.text(), "a\nb");
        assert!(
            matches!(&outcome.content()[1], Block::Other(raw) if raw.as_str() == r#"{"type":"hologram","z":1.50}"#)
        );
        assert_eq!(outcome.structured().unwrap().as_str(), "null");
        assert!(outcome.is_error());
        assert_eq!(outcome.raw().as_str(), text);
    }

    #[test]
    fn a_result_of_another_shape_is_an_error_and_missing_content_is_none() {
        assert!(read("[]").is_err());
        assert!(read(r#"{"content":{}}"#).is_err());
        let outcome = read(r#"{"structuredContent":{"a":1}}"#).unwrap();
        assert!(outcome.content().is_empty() && !outcome.is_error());
    }
}

//! One entry of a list: a tool, a resource, a template or a prompt.

use std::marker::PhantomData;

use latimer_protocol::RawJson;
use serde::de::DeserializeOwned;

use crate::error::{ClientError, Fault};
use crate::info;

/// A definition as the server wrote it, with the fields that every client shows.
///
/// `T` is the type that [`view`](Self::view) reads it into: [`Tool`](latimer_protocol::wire::Tool) say.
#[derive(Clone, Debug)]
pub struct Entry<T> {
    key: String,
    raw: RawJson,
    view: PhantomData<fn() -> T>,
}

impl<T: DeserializeOwned> Entry<T> {
    /// Reads the whole definition. What the type does not know is only in [`raw`](Self::raw).
    ///
    /// # Errors
    /// When the server wrote a member in another form than the protocol has for it.
    pub fn view(&self) -> Result<T, ClientError> {
        self.raw.to().map_err(|source| Fault::View { what: "definition", source }.into())
    }
}

impl<T> Entry<T> {
    /// Takes a definition that has this member, which tells it from others.
    pub(crate) fn read(raw: RawJson, key: &str) -> Option<Self> {
        let key = info::text(&raw, key)?;
        Some(Self { key, raw, view: PhantomData })
    }

    /// What it is asked for by: the name of a tool or prompt, the URI of a resource, the URI template of a template.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// Its name for people, if it has one.
    pub fn title(&self) -> Option<String> {
        info::text(&self.raw, "title")
    }

    /// What it says about itself, if anything.
    pub fn description(&self) -> Option<String> {
        info::text(&self.raw, "description")
    }

    /// The definition in the server's own words.
    pub fn raw(&self) -> &RawJson {
        &self.raw
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use latimer_protocol::wire::Tool;

    #[test]
    fn tool_4_a_definition_stays_what_the_server_wrote_even_where_it_cannot_be_viewed() {
        let text = r#"{"name":"t","title":null,"inputSchema":{"$defs":{"a":1.50}},"icons":5,"x":{"y":[]}}"#;
        let entry: Entry<Tool> = Entry::read(RawJson::parse(text).unwrap(), "name").unwrap();
        assert_eq!((entry.key(), entry.title()), ("t", None));
        assert_eq!(entry.raw().as_str(), text);
        assert!(entry.view().is_err());
        assert!(Entry::<Tool>::read(RawJson::parse("{}").unwrap(), "name").is_none());
    }
}

//! The arguments of a call, and the index over them that reading their message has made.

use std::fmt;
use std::ops::Deref;

use bytestring::ByteString;

use crate::raw::RawJson;
use crate::tape::{SharedBuffer, Tape};

/// The arguments of a call: an object as text, with an index over it if they came in a message.
///
/// Who checks them, and who reads them into a type, goes by the index instead of parsing the text again.
#[derive(Clone)]
pub struct Arguments {
    pub(crate) raw: RawJson,
    pub(crate) index: Option<ArgumentsIndex>,
}

/// The index over a message, and where in it the arguments are.
#[derive(Clone)]
pub struct ArgumentsIndex {
    /// The text of the whole message.
    pub(crate) text: ByteString,
    pub(crate) buffer: SharedBuffer,
    pub(crate) root: u32,
}

impl ArgumentsIndex {
    /// Whether it is the index over this text, at this place.
    pub(crate) fn is_over(&self, raw: &RawJson) -> bool {
        let root = Tape::of(self.buffer.get(), &self.text, self.root).root();
        let start = self.text.as_ptr().addr() + root.offset();
        raw.as_str().as_ptr().addr() == start
    }
}

impl Arguments {
    /// The index, if there is one. Its outermost value is the arguments; it lies on the whole message.
    pub fn tape(&self) -> Option<Tape<'_>> {
        self.index.as_ref().map(|index| Tape::of(index.buffer.get(), &index.text, index.root))
    }

    /// The text without the index.
    pub fn into_raw(self) -> RawJson {
        self.raw
    }
}

impl Deref for Arguments {
    type Target = RawJson;

    fn deref(&self) -> &RawJson {
        &self.raw
    }
}

impl From<RawJson> for Arguments {
    fn from(raw: RawJson) -> Self {
        Self { raw, index: None }
    }
}

impl fmt::Debug for Arguments {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.raw.fmt(f)
    }
}

impl fmt::Debug for ArgumentsIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ArgumentsIndex").field("root", &self.root).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Frame, Limits, Message};

    fn arguments(text: &str) -> Arguments {
        let text = ByteString::from(format!(
            r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"n":[1],"arguments":{text} ,"name":"é"}}}}"#
        ));
        let Ok(Frame::Message(Message::Request(request))) = Frame::decode(&text, &Limits::default()) else {
            panic!("not a request")
        };
        request.params.detach(&text).take_arguments().unwrap()
    }

    #[test]
    fn the_index_over_arguments_says_what_their_text_says() {
        let given = arguments(r#"{"a":[1,{"b":"é"}],"c":{} }"#);
        assert_eq!(given.as_str(), r#"{"a":[1,{"b":"é"}],"c":{} }"#);
        let root = given.tape().unwrap().root();
        let names: Vec<_> = root.members().unwrap().map(|(name, _)| name.decode()).collect();
        assert_eq!(names, ["a", "c"]);
        assert_eq!(root.pointer("/a/1/b").unwrap().as_str().unwrap(), "é");
    }

    #[test]
    fn the_index_over_arguments_in_a_batch_is_that_of_their_message() {
        let batch = ByteString::from(
            r#"[{"method":"n"}, {"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"arguments":{"a":"x"}}}]"#
                .to_owned(),
        );
        let Ok(Frame::Batch(elements)) = Frame::decode(&batch, &Limits::default()) else {
            panic!("no batch")
        };
        let Ok(Message::Request(request)) = Message::decode(elements[1], &Limits::default()) else {
            panic!("not a request")
        };
        let given = request.params.detach(&batch).take_arguments().unwrap();
        assert_eq!(given.tape().unwrap().root().get("a").unwrap().as_str().unwrap(), "x");
    }

    #[test]
    fn an_index_is_handed_out_once() {
        let text = ByteString::from(
            r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"arguments":{"a":1}}}"#.to_owned(),
        );
        let Ok(Frame::Message(Message::Request(request))) = Frame::decode(&text, &Limits::default()) else {
            panic!("not a request")
        };
        let mut params = request.params.detach(&text);
        assert!(params.take_arguments().unwrap().tape().is_some());
        assert!(params.take_arguments().unwrap().tape().is_none());
        assert_eq!(params.arguments().unwrap().as_str(), r#"{"a":1}"#);
    }
}

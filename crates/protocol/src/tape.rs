//! A flat index over JSON text: random access without a tree.
//!
//! A [`Tape`] costs eight bytes a value (and eight a member name) beside the text it borrows, whatever the text holds;
//! `serde_json::Value` costs up to 98 times the text. It is built in one pass without recursion, into a [`TapeBuffer`]
//! that the caller may keep and use again.
//!
//! What parses here is valid JSON (RFC 8259) that no two parsers can read differently: member names are unique within
//! their object, and every string is Unicode (a lone surrogate is refused). Numbers keep their text.

use std::borrow::Cow;
use std::fmt;

mod entry;
mod parser;
mod read;
mod shared;
mod spans;
mod string;

use entry::{
    Entry, PAYLOAD, TAG_ARRAY, TAG_ESCAPED, TAG_FALSE, TAG_NULL, TAG_NUMBER, TAG_OBJECT, TAG_STRING, TAG_TRUE,
};
use parser::Parser;
pub use read::{Reader, Unread};
pub(crate) use shared::SharedBuffer;
pub(crate) use spans::Spanned;
pub use string::JsonStr;

use crate::scan::{Limits, ScanError};

/// How many arrays and objects may be open at once.
pub const MAX_DEPTH: usize = Limits::MAX_DEPTH;

/// The longest text that can be indexed, in bytes.
pub const MAX_TEXT: usize = PAYLOAD as usize;

/// What kind of JSON value a [`Node`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// `null`
    Null,
    /// `true` or `false`
    Bool,
    /// A number of any size; see [`Node::number_text`].
    Number,
    /// A string
    String,
    /// An array
    Array,
    /// An object
    Object,
}

/// The memory of a [`Tape`], to be used again for the next text.
#[derive(Clone, Default)]
pub struct TapeBuffer {
    entries: Vec<Entry>,
    keys: Vec<u32>,
}

impl TapeBuffer {
    /// An empty buffer. It allocates when it is first parsed into.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The memory it holds, in bytes.
    #[must_use]
    pub fn allocated(&self) -> usize {
        self.entries.capacity() * size_of::<Entry>() + self.keys.capacity() * size_of::<u32>()
    }

    /// Gives memory back when more than `bytes` are held, so that one large message does not cost for ever.
    pub fn trim(&mut self, bytes: usize) {
        if self.allocated() > bytes {
            *self = Self::default();
        }
    }
}

impl fmt::Debug for TapeBuffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TapeBuffer").field("allocated", &self.allocated()).finish()
    }
}

/// JSON text and the index over it.
#[derive(Clone, Copy)]
pub struct Tape<'a> {
    text: &'a str,
    entries: &'a [Entry],
    root: u32,
}

impl<'a> Tape<'a> {
    /// Indexes `text`, which must hold one JSON value and nothing else but whitespace.
    ///
    /// Takes time linear in the text (objects of more than a few members are also sorted by name, to find duplicates)
    /// and at most five times its size in memory, none if `buffer` is large enough already.
    ///
    /// # Errors
    ///
    /// [`ScanError`] for anything that is not valid JSON, is nested deeper than [`MAX_DEPTH`], or could be read in two
    /// ways.
    pub fn parse_into(buffer: &'a mut TapeBuffer, text: &'a str) -> Result<Self, ScanError> {
        Self::parse_within(buffer, text, &Limits { depth: MAX_DEPTH, values: usize::MAX })
    }

    /// As [`parse_into`](Self::parse_into), within limits.
    ///
    /// # Errors
    ///
    /// As [`parse_into`](Self::parse_into), and beyond a limit.
    pub fn parse_within(
        buffer: &'a mut TapeBuffer,
        text: &'a str,
        limits: &Limits,
    ) -> Result<Self, ScanError> {
        Parser::new(buffer, text, limits).run()?;
        Ok(Self::of(buffer, text, 0))
    }

    /// What was read of `text` into `buffer`, be it up to a fault; `root` is to be the outermost value.
    pub(crate) fn of(buffer: &'a TapeBuffer, text: &'a str, root: u32) -> Self {
        Self { text, entries: &buffer.entries, root }
    }

    /// The outermost value.
    #[must_use]
    pub fn root(self) -> Node<'a> {
        self.node(self.root)
    }

    /// The node at an index that [`Node::index`] gave. A member's name lies just before its value and reads as a string;
    /// past the end of the tape everything reads as `null`.
    #[must_use]
    pub fn node(self, index: u32) -> Node<'a> {
        Node { text: self.text, entries: self.entries, index }
    }

    /// How many values and member names the tape holds: those beside the outermost value, too.
    #[must_use]
    pub fn entries(self) -> usize {
        self.entries.len()
    }
}

impl fmt::Debug for Tape<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tape").field("bytes", &self.text.len()).field("entries", &self.entries.len()).finish()
    }
}

/// One value on a [`Tape`]. Copying it is free.
#[derive(Clone, Copy)]
pub struct Node<'a> {
    text: &'a str,
    entries: &'a [Entry],
    index: u32,
}

impl<'a> Node<'a> {
    /// What kind of value it is.
    #[must_use]
    pub fn kind(self) -> Kind {
        match self.entry().tag() {
            TAG_FALSE | TAG_TRUE => Kind::Bool,
            TAG_NUMBER => Kind::Number,
            TAG_STRING | TAG_ESCAPED => Kind::String,
            TAG_ARRAY => Kind::Array,
            TAG_OBJECT => Kind::Object,
            _ => Kind::Null,
        }
    }

    /// Its position on the tape: what tells it from every other node of the same tape.
    #[must_use]
    pub fn index(self) -> u32 {
        self.index
    }

    /// The tape of which it is the outermost value.
    #[must_use]
    pub fn tape(self) -> Tape<'a> {
        Tape { text: self.text, entries: self.entries, root: self.index }
    }

    /// Where in the text it begins: a string behind its quotation mark.
    pub(crate) fn offset(self) -> usize {
        self.entry().offset as usize
    }

    /// Whether it is `null`.
    #[must_use]
    pub fn is_null(self) -> bool {
        self.kind() == Kind::Null
    }

    /// The boolean, if it is one.
    #[must_use]
    pub fn as_bool(self) -> Option<bool> {
        match self.entry().tag() {
            TAG_TRUE => Some(true),
            TAG_FALSE => Some(false),
            _ => None,
        }
    }

    /// The number as it was written, if it is one.
    #[must_use]
    pub fn number_text(self) -> Option<&'a str> {
        let entry = self.entry();
        (entry.tag() == TAG_NUMBER).then(|| self.slice(entry))
    }

    /// The string, if it is one: borrowed, unless it holds escapes.
    #[must_use]
    pub fn as_str(self) -> Option<Cow<'a, str>> {
        self.string().map(JsonStr::decode)
    }

    /// The string before decoding, if it is one.
    #[must_use]
    pub fn string(self) -> Option<JsonStr<'a>> {
        let entry = self.entry();
        matches!(entry.tag(), TAG_STRING | TAG_ESCAPED).then(|| JsonStr::at(self.text, entry))
    }

    /// The elements, if it is an array.
    #[must_use]
    pub fn elements(self) -> Option<Elements<'a>> {
        let entry = self.entry();
        (entry.tag() == TAG_ARRAY).then(|| Elements { next: self.at(self.index + 1), end: entry.payload() })
    }

    /// How many elements or members it has: none, if it is neither an array nor an object. Takes time linear in them.
    #[must_use]
    pub fn len(self) -> usize {
        let entry = self.entry();
        let names = match entry.tag() {
            TAG_ARRAY => 0,
            TAG_OBJECT => 1,
            _ => return 0,
        };
        let (mut at, mut count) = (self.index + 1, 0);
        while at < entry.payload() {
            at = parser::next(self.entries, at + names);
            count += 1;
        }
        count
    }

    /// Whether it has neither elements nor members.
    #[must_use]
    pub fn is_empty(self) -> bool {
        let entry = self.entry();
        !entry.is_container() || entry.payload() == self.index + 1
    }

    /// The members in the order of the text, if it is an object.
    #[must_use]
    pub fn members(self) -> Option<Members<'a>> {
        let entry = self.entry();
        (entry.tag() == TAG_OBJECT).then(|| Members { next: self.at(self.index + 1), end: entry.payload() })
    }

    /// The member named `key`, if it is an object that has one. Takes time linear in the members.
    #[must_use]
    pub fn get(self, key: &str) -> Option<Node<'a>> {
        let object = self.entry();
        if object.tag() != TAG_OBJECT {
            return None;
        }
        let (mut at, end) = (self.index + 1, object.payload());
        let members = self.entries.get(..end as usize)?;
        loop {
            let [name, value] = *members.get(at as usize..)?.first_chunk()?;
            let is_named = match name.tag() {
                TAG_STRING => name.payload() as usize == key.len() && name.bytes(self.text) == key.as_bytes(),
                _ => JsonStr::at(self.text, name) == *key,
            };
            if is_named {
                return Some(self.at(at + 1));
            }
            at = if value.is_container() { value.payload() } else { at + 2 };
        }
    }

    /// The value that a JSON Pointer (RFC 6901) leads to from here.
    #[must_use]
    pub fn pointer(self, pointer: &str) -> Option<Node<'a>> {
        if pointer.is_empty() {
            return Some(self);
        }
        pointer.strip_prefix('/')?.split('/').try_fold(self, |node, token| match node.kind() {
            Kind::Array => node.elements()?.nth(token.parse().ok()?),
            Kind::Object if token.contains('~') => node.get(&token.replace("~1", "/").replace("~0", "~")),
            Kind::Object => node.get(token),
            _ => None,
        })
    }

    fn at(self, index: u32) -> Self {
        Self { index, ..self }
    }

    fn entry(self) -> Entry {
        self.entries.get(self.index as usize).copied().unwrap_or(Entry::new(TAG_NULL, 0, 0))
    }

    fn slice(self, entry: Entry) -> &'a str {
        JsonStr::at(self.text, entry).raw
    }

    /// The index past this value and everything in it.
    fn next(self) -> u32 {
        parser::next(self.entries, self.index)
    }
}

impl fmt::Debug for Node<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Node").field("kind", &self.kind()).field("index", &self.index).finish()
    }
}

/// The elements of an array on a [`Tape`].
#[derive(Debug, Clone)]
pub struct Elements<'a> {
    next: Node<'a>,
    end: u32,
}

impl<'a> Iterator for Elements<'a> {
    type Item = Node<'a>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let node = self.next;
        if node.index >= self.end {
            return None;
        }
        self.next.index = node.next();
        Some(node)
    }
}

/// The members of an object on a [`Tape`].
#[derive(Debug, Clone)]
pub struct Members<'a> {
    next: Node<'a>,
    end: u32,
}

impl<'a> Iterator for Members<'a> {
    type Item = (JsonStr<'a>, Node<'a>);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let name = self.next;
        let value = name.at(name.index + 1);
        // A name without a value is the end of a text with a fault.
        if value.index >= self.end {
            return None;
        }
        self.next.index = value.next();
        Some((JsonStr::at(name.text, name.entry()), value))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    fn error(text: &str) -> ScanError {
        Tape::parse_into(&mut TapeBuffer::new(), text).expect_err(text)
    }

    fn tree(node: Node<'_>) -> Value {
        match node.kind() {
            Kind::Null => Value::Null,
            Kind::Bool => node.as_bool().into(),
            Kind::Number => serde_json::from_str(node.number_text().unwrap()).unwrap(),
            Kind::String => node.as_str().unwrap().into(),
            Kind::Array => node.elements().unwrap().map(tree).collect(),
            Kind::Object => Value::Object(
                node.members().unwrap().map(|(name, value)| (name.decode().into(), tree(value))).collect(),
            ),
        }
    }

    fn json() -> impl Strategy<Value = Value> {
        let text = || prop_oneof![any::<String>(), "[a-c\"\\\\\u{0}-\u{1f}😀]{0,6}"];
        let scalar = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            any::<f64>().prop_filter_map("finite", |number| number.is_finite().then(|| Value::from(number))),
            text().prop_map(Value::from),
        ];
        scalar.prop_recursive(5, 64, 12, move |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..12).prop_map(Value::from),
                proptest::collection::btree_map(text(), inner, 0..12)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]

        #[test]
        fn a_tape_says_what_the_text_says(value in json(), pretty in any::<bool>()) {
            let text = if pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) }.unwrap();
            let mut buffer = TapeBuffer::new();
            prop_assert_eq!(tree(Tape::parse_into(&mut buffer, &text).unwrap().root()), value);
        }

        #[test]
        fn a_tape_takes_what_serde_json_takes(value in json(), at in any::<prop::sample::Index>(), with in "[]\\[{},:\"0-9eE.+ntf\\\\u-]{0,3}") {
            // Valid text with one small change: often still JSON, mostly not.
            let mut text = value.to_string();
            let cuts: Vec<_> = text.char_indices().map(|(at, char)| at..at + char.len_utf8()).collect();
            text.replace_range(at.get(&cuts).clone(), &with);
            let ours = Tape::parse_into(&mut TapeBuffer::new(), &text).map(|_| ());
            // What serde_json refuses beside the grammar is a number past a double; what it takes beside us are duplicates.
            match serde_json::from_str::<Value>(&text) {
                Ok(_) => prop_assert!(ours.as_ref().map_or_else(ScanError::is_repeated_key, |()| true), "{ours:?} {text}"),
                Err(error) if error.to_string().contains("number out of range") => {}
                Err(_) => prop_assert!(ours.is_err(), "{text}"),
            }
        }

        #[test]
        fn any_text_is_answered(text in any::<String>()) {
            let _ = Tape::parse_into(&mut TapeBuffer::new(), &text);
        }

        #[test]
        fn duplicate_names_are_found_in_every_spelling(count in 0..40_usize, twice in any::<prop::sample::Index>()) {
            let mut names: Vec<String> = (0..=count).map(|number| format!("n{number}")).collect();
            let text = |names: &[String]| {
                let members: Vec<_> = names.iter().map(|name| format!("\"{name}\":0")).collect();
                format!("{{{}}}", members.join(","))
            };
            prop_assert!(Tape::parse_into(&mut TapeBuffer::new(), &text(&names)).is_ok());
            names.push(twice.get(&names).replace('n', "\\u006e"));
            prop_assert!(error(&text(&names)).is_repeated_key());
        }
    }

    #[test]
    fn text_that_is_no_json_is_refused_where_it_goes_wrong() {
        for (text, said) in [
            ("", "not JSON: it ends at byte 0, where a value should follow"),
            ("[1,", "not JSON: it ends at byte 3, where a value should follow"),
            ("[1,]", "not JSON: expected a value at byte 3"),
            ("{\"a\":1,}", "not JSON: expected a key in quotation marks at byte 7"),
            ("{\"a\"}", "not JSON: expected `:` at byte 4"),
            ("{\"a\":1]", "not JSON: expected `,` or `}` at byte 6"),
            ("[1}", "not JSON: expected `,` or `]` at byte 2"),
            ("01", "not JSON: expected the end of the text at byte 1"),
            ("1 2", "not JSON: expected the end of the text at byte 2"),
            ("-", "not JSON: it ends at byte 1, where a digit should follow"),
            ("1.e1", "not JSON: expected a digit at byte 2"),
            ("nul", "not JSON: it ends at byte 3, where a value should follow"),
            ("nil", "not JSON: expected a value at byte 1"),
            ("\"\u{1}\"", "not JSON: expected an escaped control character at byte 1"),
            ("\"\\x\"", "not JSON: expected an escape that JSON knows at byte 2"),
            ("\"\\u12", "not JSON: it ends at byte 5, where four hexadecimal digits should follow"),
            ("\u{feff}1", "not JSON: expected a value at byte 0"),
            (
                "{\"a\":1,\"b\":2,\"a\":3}",
                "the key \"a\" stands twice in one object, the second time at byte 14",
            ),
        ] {
            assert_eq!(error(text).to_string(), said, "{text}");
        }
    }

    #[test]
    fn a_lone_surrogate_is_refused_and_a_pair_decoded() {
        for text in [r#""\ud800""#, r#""\udc00""#, r#""\ud800\ud800""#, r#""\ud800x""#, r#""\udc00\ud800""#] {
            assert!(error(text).is_lone_surrogate(), "{text}");
        }
        let mut buffer = TapeBuffer::new();
        let root = Tape::parse_into(&mut buffer, r#""\ud83d\ude00\n""#).unwrap().root();
        assert_eq!(root.as_str().unwrap(), "😀\n");
        assert_eq!(root.string().unwrap().char_count(), 2);
    }

    #[test]
    fn nesting_ends_at_the_limit() {
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(Tape::parse_into(&mut TapeBuffer::new(), &nested(MAX_DEPTH)).is_ok());
        assert!(error(&nested(MAX_DEPTH + 1)).is_too_deep());
        assert!(error(&"[".repeat(1_000_000)).is_too_deep());
    }

    #[test]
    fn a_pointer_leads_to_members_and_elements() {
        let mut buffer = TapeBuffer::new();
        let root = Tape::parse_into(&mut buffer, r#"{"a":[10,{"b/c":{"~":true}}],"":7}"#).unwrap().root();
        assert_eq!(root.pointer("/a/0").unwrap().number_text(), Some("10"));
        assert_eq!(root.pointer("/a/1/b~1c/~0").unwrap().as_bool(), Some(true));
        assert_eq!(root.pointer("/").unwrap().number_text(), Some("7"));
        assert_eq!(root.pointer("").unwrap().kind(), Kind::Object);
        for absent in ["a", "/b", "/a/2", "/a/x", "/a/0/0"] {
            assert!(root.pointer(absent).is_none(), "{absent}");
        }
    }

    #[test]
    fn a_buffer_is_used_again_and_can_be_trimmed() {
        let mut buffer = TapeBuffer::new();
        let text = format!("[{}0]", "0,".repeat(10_000));
        Tape::parse_into(&mut buffer, &text).unwrap();
        let held = buffer.allocated();
        assert!(held <= 4 * text.len() + 64, "{held}");
        Tape::parse_into(&mut buffer, "[1,[2],3]").unwrap();
        assert_eq!(buffer.allocated(), held);
        buffer.trim(1_024);
        assert_eq!(buffer.allocated(), 0);
    }
}

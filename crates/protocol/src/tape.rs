//! A flat index over JSON text: random access without a tree.
//!
//! A [`Tape`] costs eight bytes a value (and eight a member name) beside the text it borrows, whatever the text holds;
//! `serde_json::Value` costs up to 98 times the text. It is built in one pass without recursion, into a [`TapeBuffer`]
//! that the caller may keep and use again.
//!
//! What parses here is valid JSON (RFC 8259) that no two parsers can read differently: member names are unique within
//! their object, and every string is Unicode (a lone surrogate is refused). Numbers keep their text.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt;

use memchr::memchr2;

/// How many arrays and objects may be open at once.
pub const MAX_DEPTH: usize = 128;

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

/// Text that [`Tape::parse_into`] refuses, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{kind} at byte {offset}")]
pub struct TapeError {
    kind: TapeErrorKind,
    offset: usize,
}

impl TapeError {
    /// What is wrong.
    #[must_use]
    pub fn kind(self) -> TapeErrorKind {
        self.kind
    }

    /// Where it was noticed: a byte offset into the text.
    #[must_use]
    pub fn offset(self) -> usize {
        self.offset
    }
}

/// What can be wrong with text that should be indexed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TapeErrorKind {
    /// The text ends inside a value.
    #[error("unexpected end of JSON")]
    UnexpectedEnd,
    /// The grammar of RFC 8259 does not allow this byte.
    #[error("invalid JSON")]
    Syntax,
    /// More than [`MAX_DEPTH`] arrays and objects are open.
    #[error("nesting deeper than 128")]
    TooDeep,
    /// The text is longer than [`MAX_TEXT`].
    #[error("text too long to index")]
    TooLong,
    /// `\ud800` to `\udfff` outside a pair: not Unicode.
    #[error("lone surrogate in a string")]
    LoneSurrogate,
    /// An object has two members of one name.
    #[error("duplicate member name")]
    DuplicateKey,
}

/// The memory of a [`Tape`], to be used again for the next text.
#[derive(Default)]
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
}

impl<'a> Tape<'a> {
    /// Indexes `text`, which must hold one JSON value and nothing else but whitespace.
    ///
    /// Takes time linear in the text (objects of more than a few members are also sorted by name, to find duplicates)
    /// and at most five times its size in memory while it runs, none if `buffer` is large enough already.
    ///
    /// # Errors
    ///
    /// [`TapeError`] for anything that is not valid JSON, is nested deeper than [`MAX_DEPTH`], or could be read in two
    /// ways.
    pub fn parse_into(buffer: &'a mut TapeBuffer, text: &'a str) -> Result<Self, TapeError> {
        Parser::new(buffer, text).run()?;
        Ok(Self { text, entries: &buffer.entries })
    }

    /// The outermost value.
    #[must_use]
    pub fn root(self) -> Node<'a> {
        Node { tape: self, index: 0 }
    }

    /// How many values and member names the tape holds.
    #[must_use]
    pub fn entries(self) -> usize {
        self.entries.len()
    }

    /// Length in bytes of the longest JSON Pointer (RFC 6901) into this text, before escaping and counting seven digits
    /// for an array index.
    #[must_use]
    pub fn longest_pointer(self) -> usize {
        let mut open: Vec<(usize, usize)> = Vec::new();
        let mut longest = 0;
        let mut key: Option<usize> = None;
        let mut index = 0;
        while let Some(entry) = self.entries.get(index) {
            while open.last().is_some_and(|(end, _)| *end <= index) {
                open.pop();
            }
            let parent = open.last().map_or(0, |(_, length)| *length);
            let in_object = open.last().is_some() && self.is_key_position(&open, index, key.is_some());
            if in_object {
                key = Some(entry.length());
                index += 1;
                continue;
            }
            let own = match (key.take(), open.is_empty()) {
                (_, true) => 0,
                (Some(name), false) => parent + 1 + name,
                (None, false) => parent + 8,
            };
            longest = longest.max(own);
            if entry.is_container() {
                open.push((entry.next(), own));
            }
            index += 1;
        }
        longest
    }

    /// Whether the entry at `index` is a member name: inside an object, names and values alternate.
    fn is_key_position(self, open: &[(usize, usize)], index: usize, after_key: bool) -> bool {
        let _ = index;
        !after_key
            && open
                .last()
                .and_then(|(end, _)| self.container_ending(*end, index))
                .is_some_and(|entry| entry.tag() == TAG_OBJECT)
    }

    fn container_ending(self, _end: usize, _before: usize) -> Option<Entry> {
        None
    }

    fn entry(self, index: u32) -> Entry {
        self.entries.get(index as usize).copied().unwrap_or(Entry::new(TAG_NULL, 0, 0))
    }
}

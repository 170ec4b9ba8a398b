//! The pass over the text that builds a tape.

use memchr::memchr2;

use super::entry::{
    Entry, NONE, TAG_ARRAY, TAG_ESCAPED, TAG_FALSE, TAG_NULL, TAG_NUMBER, TAG_OBJECT, TAG_STRING, TAG_TRUE,
};
use super::{MAX_DEPTH, MAX_TEXT, Node, Tape, TapeBuffer, TapeError, TapeErrorKind};

/// Reads JSON without recursion: what is open is remembered in the entries themselves.
pub(super) struct Parser<'t> {
    text: &'t str,
    bytes: &'t [u8],
    at: usize,
    entries: &'t mut Vec<Entry>,
    keys: &'t mut Vec<u32>,
    open: u32,
    depth: usize,
}

impl<'t> Parser<'t> {
    pub(super) fn new(buffer: &'t mut TapeBuffer, text: &'t str) -> Self {
        buffer.entries.clear();
        buffer.keys.clear();
        Self {
            text,
            bytes: text.as_bytes(),
            at: 0,
            entries: &mut buffer.entries,
            keys: &mut buffer.keys,
            open: NONE,
            depth: 0,
        }
    }

    pub(super) fn run(mut self) -> Result<(), TapeError> {
        if self.text.len() > MAX_TEXT {
            return Err(self.error(TapeErrorKind::TooLong));
        }
        loop {
            if self.value()? {
                continue;
            }
            // A value has ended: close what ends with it, until another one must follow.
            loop {
                let byte = self.skip_whitespace();
                let Some(tag) = self.entries.get(self.open as usize).map(|entry| entry.tag()) else {
                    return if byte.is_none() { Ok(()) } else { Err(self.error(TapeErrorKind::Syntax)) };
                };
                match (byte, tag) {
                    (Some(b','), TAG_ARRAY) => self.at += 1,
                    (Some(b','), _) => {
                        self.at += 1;
                        self.key()?;
                    }
                    (Some(b']'), TAG_ARRAY) | (Some(b'}'), TAG_OBJECT) => {
                        self.close()?;
                        continue;
                    }
                    (Some(_), _) => return Err(self.error(TapeErrorKind::Syntax)),
                    (None, _) => return Err(self.error(TapeErrorKind::UnexpectedEnd)),
                }
                break;
            }
        }
    }

    /// Reads the start of a value. Answers whether another value must follow at once, because a container has opened.
    fn value(&mut self) -> Result<bool, TapeError> {
        match self.skip_whitespace() {
            Some(b'"') => self.string()?,
            Some(b'{') => {
                self.open(TAG_OBJECT)?;
                if self.skip_whitespace() != Some(b'}') {
                    self.key()?;
                    return Ok(true);
                }
                self.close()?;
            }
            Some(b'[') => {
                self.open(TAG_ARRAY)?;
                if self.skip_whitespace() != Some(b']') {
                    return Ok(true);
                }
                self.close()?;
            }
            Some(b'-' | b'0'..=b'9') => self.number()?,
            Some(b't') => self.literal("true", TAG_TRUE)?,
            Some(b'f') => self.literal("false", TAG_FALSE)?,
            Some(b'n') => self.literal("null", TAG_NULL)?,
            Some(_) => return Err(self.error(TapeErrorKind::Syntax)),
            None => return Err(self.error(TapeErrorKind::UnexpectedEnd)),
        }
        Ok(false)
    }

    fn open(&mut self, tag: u32) -> Result<(), TapeError> {
        if self.depth == MAX_DEPTH {
            return Err(self.error(TapeErrorKind::TooDeep));
        }
        self.depth += 1;
        let index = self.entries.len() as u32;
        self.push(Entry::new(tag, self.at as u32, self.open));
        self.open = index;
        self.at += 1;
        Ok(())
    }

    fn close(&mut self) -> Result<(), TapeError> {
        let end = self.entries.len() as u32;
        let index = self.open;
        if let Some(entry) = self.entries.get_mut(index as usize) {
            self.open = entry.payload();
            *entry = Entry::new(entry.tag(), entry.offset, end);
            if entry.tag() == TAG_OBJECT {
                self.refuse_duplicates(index)?;
            }
        }
        self.depth = self.depth.saturating_sub(1);
        self.at += 1;
        Ok(())
    }

    fn key(&mut self) -> Result<(), TapeError> {
        match self.skip_whitespace() {
            Some(b'"') => self.string()?,
            Some(_) => return Err(self.error(TapeErrorKind::Syntax)),
            None => return Err(self.error(TapeErrorKind::UnexpectedEnd)),
        }
        match self.skip_whitespace() {
            Some(b':') => self.at += 1,
            Some(_) => return Err(self.error(TapeErrorKind::Syntax)),
            None => return Err(self.error(TapeErrorKind::UnexpectedEnd)),
        }
        Ok(())
    }

    /// Whether two members of the object at `index`, which has just been closed, have one name.
    fn refuse_duplicates(&mut self, index: u32) -> Result<(), TapeError> {
        const PAIRWISE: usize = 8;
        let tape = Tape { text: self.text, entries: self.entries };
        let name = |key: u32| Node { tape, index: key }.string();
        self.keys.clear();
        let mut key = index + 1;
        while (key as usize) < tape.entries.len() {
            self.keys.push(key);
            key = Node { tape, index: key + 1 }.next();
        }
        let duplicate = if self.keys.len() <= PAIRWISE {
            let mut rest = self.keys.as_slice();
            loop {
                let Some((first, others)) = rest.split_first() else { break None };
                if let Some(second) = others.iter().find(|other| name(**other) == name(*first)) {
                    break Some(*second);
                }
                rest = others;
            }
        } else {
            self.keys.sort_unstable_by(|left, right| name(*left).cmp(&name(*right)));
            self.keys.windows(2).find(|pair| name(pair[0]) == name(pair[1])).map(|pair| pair[0].max(pair[1]))
        };
        match duplicate {
            Some(key) => {
                Err(TapeError { kind: TapeErrorKind::DuplicateKey, offset: tape.entry(key).offset as usize })
            }
            None => Ok(()),
        }
    }

    fn string(&mut self) -> Result<(), TapeError> {
        let start = self.at + 1;
        let mut tag = TAG_STRING;
        self.at = start;
        loop {
            let rest = self.bytes.get(self.at..).unwrap_or_default();
            let Some(length) = memchr2(b'"', b'\\', rest) else {
                self.at = self.bytes.len();
                return Err(self.error(TapeErrorKind::UnexpectedEnd));
            };
            if let Some(control) = rest.iter().take(length).position(|byte| *byte < 0x20) {
                self.at += control;
                return Err(self.error(TapeErrorKind::Syntax));
            }
            self.at += length;
            if self.peek() == Some(b'"') {
                break;
            }
            tag = TAG_ESCAPED;
            self.escape()?;
        }
        self.push(Entry::new(tag, start as u32, (self.at - start) as u32));
        self.at += 1;
        Ok(())
    }

    fn escape(&mut self) -> Result<(), TapeError> {
        let start = self.at;
        match self.bytes.get(self.at + 1) {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => self.at += 2,
            Some(b'u') => {
                let lone = TapeError { kind: TapeErrorKind::LoneSurrogate, offset: start };
                let unit = self.code_unit()?;
                let is_high = (0xd800..0xdc00).contains(&unit);
                let paired = is_high
                    && self.bytes.get(self.at..self.at + 2) == Some(b"\\u")
                    && (0xdc00..0xe000).contains(&self.code_unit()?);
                if (0xd800..0xe000).contains(&unit) && !paired {
                    return Err(lone);
                }
            }
            Some(_) => return Err(self.error(TapeErrorKind::Syntax)),
            None => return Err(self.error(TapeErrorKind::UnexpectedEnd)),
        }
        Ok(())
    }

    /// Reads `\uXXXX`.
    fn code_unit(&mut self) -> Result<u32, TapeError> {
        let digits =
            self.bytes.get(self.at + 2..self.at + 6).ok_or(self.error(TapeErrorKind::UnexpectedEnd))?;
        let mut unit = 0;
        for digit in digits {
            let value = char::from(*digit).to_digit(16).ok_or(self.error(TapeErrorKind::Syntax))?;
            unit = unit * 16 + value;
        }
        self.at += 6;
        Ok(unit)
    }

    fn number(&mut self) -> Result<(), TapeError> {
        let start = self.at;
        self.at += usize::from(self.peek() == Some(b'-'));
        if self.peek() == Some(b'0') {
            self.at += 1;
        } else {
            self.digits()?;
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            self.at += usize::from(matches!(self.peek(), Some(b'+' | b'-')));
            self.digits()?;
        }
        self.push(Entry::new(TAG_NUMBER, start as u32, (self.at - start) as u32));
        Ok(())
    }

    /// Reads at least one digit.
    fn digits(&mut self) -> Result<(), TapeError> {
        match self.peek() {
            Some(b'0'..=b'9') => {}
            Some(_) => return Err(self.error(TapeErrorKind::Syntax)),
            None => return Err(self.error(TapeErrorKind::UnexpectedEnd)),
        }
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        Ok(())
    }

    fn literal(&mut self, literal: &str, tag: u32) -> Result<(), TapeError> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        if rest.starts_with(literal.as_bytes()) {
            self.push(Entry::new(tag, self.at as u32, literal.len() as u32));
            self.at += literal.len();
            return Ok(());
        }
        let ends_early = literal.as_bytes().starts_with(rest);
        Err(self.error(if ends_early { TapeErrorKind::UnexpectedEnd } else { TapeErrorKind::Syntax }))
    }

    fn push(&mut self, entry: Entry) {
        if self.entries.len() == self.entries.capacity() {
            // Doubling would hold three times as much while it copies, so what is needed is found out first.
            let most = most_entries(self.text);
            let wanted = if self.text.len() <= SMALL { most } else { count_entries(self.bytes).min(most) };
            self.entries.reserve_exact(wanted.saturating_sub(self.entries.len()).max(1));
        }
        self.entries.push(entry);
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn skip_whitespace(&mut self) -> Option<u8> {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
        self.peek()
    }

    fn error(&self, kind: TapeErrorKind) -> TapeError {
        TapeError { kind, offset: self.at }
    }
}

/// Text of so many bytes gets a tape for the worst case, without a look at it.
const SMALL: usize = 4_096;

/// What valid text of this length cannot exceed: every entry but the first takes at least two bytes.
fn most_entries(text: &str) -> usize {
    text.len() / 2 + 2
}

/// How many entries valid text needs; a few more, if it holds empty containers.
fn count_entries(bytes: &[u8]) -> usize {
    let mut count = 1;
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        at += 1;
        match byte {
            // Whatever is not the outermost value stands behind one of these.
            b'[' | b'{' | b',' | b':' => count += 1,
            b'"' => loop {
                let rest = bytes.get(at..).unwrap_or_default();
                let Some(length) = memchr2(b'"', b'\\', rest) else { return count };
                at += length + 1;
                if rest.get(length) == Some(&b'"') {
                    break;
                }
                at += 1;
            },
            _ => {}
        }
    }
    count
}

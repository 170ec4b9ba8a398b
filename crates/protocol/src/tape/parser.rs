//! The one pass over JSON text: it finds the text sound and builds the tape on the way.

use memchr::memchr2;

use super::entry::{
    Entry, NONE, TAG_ARRAY, TAG_ESCAPED, TAG_FALSE, TAG_NULL, TAG_NUMBER, TAG_OBJECT, TAG_STRING, TAG_TRUE,
};
use super::{JsonStr, MAX_TEXT, TapeBuffer};
use crate::scan::{Limits, ScanError, plain_until};

/// Reads JSON without recursion: what is open is remembered in the entries themselves.
pub(super) struct Parser<'t> {
    text: &'t str,
    bytes: &'t [u8],
    at: usize,
    entries: &'t mut Vec<Entry>,
    keys: &'t mut Vec<u32>,
    /// The innermost container that is open, and what it is.
    open: u32,
    inside: u32,
    depth: usize,
    values: usize,
    limits: Limits,
}

impl<'t> Parser<'t> {
    pub(super) fn new(buffer: &'t mut TapeBuffer, text: &'t str, limits: &Limits) -> Self {
        buffer.entries.clear();
        buffer.keys.clear();
        Self {
            text,
            bytes: text.as_bytes(),
            at: 0,
            entries: &mut buffer.entries,
            keys: &mut buffer.keys,
            open: NONE,
            inside: TAG_NULL,
            depth: 0,
            values: 0,
            limits: Limits { depth: limits.depth.min(Limits::MAX_DEPTH), values: limits.values },
        }
    }

    /// Reads the whole text. What was read before a fault is left as a sound tape.
    pub(super) fn run(mut self) -> Result<(), ScanError> {
        if self.text.len() > MAX_TEXT {
            return Err(ScanError::too_long(MAX_TEXT));
        }
        self.read().inspect_err(|_| self.close_all())
    }

    fn read(&mut self) -> Result<(), ScanError> {
        loop {
            if self.value()? {
                continue;
            }
            // A value has ended: close what ends with it, until another one must follow.
            loop {
                match (self.next_byte(), self.inside) {
                    (Some(b','), TAG_OBJECT) => {
                        self.at += 1;
                        self.key()?;
                    }
                    (Some(b','), TAG_ARRAY) => self.at += 1,
                    (Some(b']'), TAG_ARRAY) => {
                        self.close();
                        continue;
                    }
                    (Some(b'}'), TAG_OBJECT) => {
                        let object = self.close();
                        self.refuse_repeated(object)?;
                        continue;
                    }
                    (None, TAG_NULL) => return Ok(()),
                    (_, TAG_NULL) => return Err(self.expected("the end of the text")),
                    (_, TAG_OBJECT) => return Err(self.expected("`,` or `}`")),
                    _ => return Err(self.expected("`,` or `]`")),
                }
                break;
            }
        }
    }

    /// Reads the start of a value. Answers whether another value must follow at once, because a container has opened.
    fn value(&mut self) -> Result<bool, ScanError> {
        let byte = self.next_byte();
        self.values += 1;
        if self.values > self.limits.values {
            return Err(ScanError::too_many_values(self.limits.values, self.at));
        }
        match byte {
            Some(b'"') => self.string()?,
            Some(b'{') => {
                self.open(TAG_OBJECT)?;
                if self.next_byte() != Some(b'}') {
                    self.key()?;
                    return Ok(true);
                }
                self.close();
            }
            Some(b'[') => {
                self.open(TAG_ARRAY)?;
                if self.next_byte() != Some(b']') {
                    return Ok(true);
                }
                self.close();
            }
            Some(b'-' | b'0'..=b'9') => self.number()?,
            Some(b't') => self.literal("true", TAG_TRUE)?,
            Some(b'f') => self.literal("false", TAG_FALSE)?,
            Some(b'n') => self.literal("null", TAG_NULL)?,
            _ => return Err(self.expected("a value")),
        }
        Ok(false)
    }

    fn open(&mut self, tag: u32) -> Result<(), ScanError> {
        if self.depth >= self.limits.depth {
            return Err(ScanError::too_deep(self.limits.depth, self.at));
        }
        self.depth += 1;
        let index = self.entries.len() as u32;
        self.push(Entry::new(tag, self.at as u32, self.open));
        self.open = index;
        self.inside = tag;
        self.at += 1;
        Ok(())
    }

    /// Closes the innermost container, and answers which it was.
    fn close(&mut self) -> u32 {
        let closed = self.open;
        let end = self.entries.len() as u32;
        let around = match self.entries.get_mut(closed as usize) {
            Some(entry) => {
                let around = entry.payload();
                *entry = Entry::new(entry.tag(), entry.offset, end);
                around
            }
            None => NONE,
        };
        self.open = around;
        self.inside = self.entries.get(around as usize).map_or(TAG_NULL, |entry| entry.tag());
        self.depth = self.depth.saturating_sub(1);
        self.at += 1;
        closed
    }

    /// Closes whatever is open, after a fault.
    fn close_all(&mut self) {
        while self.open != NONE {
            self.close();
        }
    }

    fn key(&mut self) -> Result<(), ScanError> {
        if self.next_byte() != Some(b'"') {
            return Err(self.expected("a key in quotation marks"));
        }
        self.string()?;
        if self.next_byte() != Some(b':') {
            return Err(self.expected("`:`"));
        }
        self.at += 1;
        Ok(())
    }

    /// Whether two members of the object at `index`, which has just been closed, have one name.
    fn refuse_repeated(&mut self, index: u32) -> Result<(), ScanError> {
        let Self { text, ref entries, ref mut keys, .. } = *self;
        keys.clear();
        let mut at = index + 1;
        while (at as usize) < entries.len() {
            keys.push(at);
            at = next(entries, at + 1);
        }
        let entry = |key: u32| entries.get(key as usize).copied().unwrap_or(Entry::new(TAG_NULL, 0, 0));
        let name = |key: u32| JsonStr::at(text, entry(key));
        let repeated = if keys.len() <= FEW {
            let same = |one: Entry, other: Entry| match (one.tag(), other.tag()) {
                // Their lengths tell most of them apart.
                (TAG_STRING, TAG_STRING) => {
                    one.payload() == other.payload() && one.bytes(text) == other.bytes(text)
                }
                _ => JsonStr::at(text, one) == JsonStr::at(text, other),
            };
            let is_repeated =
                |at: usize, one: Entry| keys.iter().take(at).any(|other| same(one, entry(*other)));
            keys.iter().enumerate().find(|(at, key)| is_repeated(*at, entry(**key))).map(|(_, key)| *key)
        } else {
            keys.sort_unstable_by(|left, right| name(*left).cmp(&name(*right)));
            keys.windows(2).find(|pair| name(pair[0]) == name(pair[1])).map(|pair| pair[0].max(pair[1]))
        };
        match repeated {
            Some(key) => {
                let name: String = name(key).chars().take(SHOWN).collect();
                Err(ScanError::repeated(name.into(), entry(key).offset as usize))
            }
            None => Ok(()),
        }
    }

    /// Passes a string, from its opening to behind its closing quotation mark.
    fn string(&mut self) -> Result<(), ScanError> {
        let start = self.at + 1;
        self.at = plain_until(self.bytes, start);
        let tag = if self.peek() == Some(b'"') { TAG_STRING } else { self.rest_of_string()? };
        self.push(Entry::new(tag, start as u32, (self.at - start) as u32));
        self.at += 1;
        Ok(())
    }

    /// Goes on in a string at what is not plain, up to its closing quotation mark.
    #[cold]
    fn rest_of_string(&mut self) -> Result<u32, ScanError> {
        loop {
            match self.peek() {
                Some(b'"') => return Ok(TAG_ESCAPED),
                Some(b'\\') => self.escape()?,
                Some(_) => return Err(self.expected("an escaped control character")),
                None => return Err(self.expected("a closing quotation mark")),
            }
            self.at = plain_until(self.bytes, self.at);
        }
    }

    fn escape(&mut self) -> Result<(), ScanError> {
        let start = self.at;
        self.at += 1;
        match self.peek() {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => self.at += 1,
            Some(b'u') => {
                let unit = self.code_unit()?;
                if (0xdc00..0xe000).contains(&unit) {
                    return Err(ScanError::surrogate("a high surrogate before this low one", start));
                }
                if (0xd800..0xdc00).contains(&unit) {
                    let low = if self.bytes.get(self.at..self.at + 2) == Some(b"\\u") {
                        self.at += 1;
                        self.code_unit()?
                    } else {
                        0
                    };
                    if !(0xdc00..0xe000).contains(&low) {
                        return Err(ScanError::surrogate("a low surrogate after this high one", start));
                    }
                }
            }
            _ => return Err(self.expected("an escape that JSON knows")),
        }
        Ok(())
    }

    /// Reads `uXXXX`.
    fn code_unit(&mut self) -> Result<u32, ScanError> {
        let mut unit = 0;
        for _ in 0..4 {
            self.at += 1;
            let digit = self.peek().and_then(|byte| char::from(byte).to_digit(16));
            unit = unit * 16 + digit.ok_or_else(|| self.expected("four hexadecimal digits"))?;
        }
        self.at += 1;
        Ok(unit)
    }

    fn number(&mut self) -> Result<(), ScanError> {
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
    fn digits(&mut self) -> Result<(), ScanError> {
        let from = self.at;
        let mut at = from;
        while self.bytes.get(at).is_some_and(u8::is_ascii_digit) {
            at += 1;
        }
        self.at = at;
        if at == from { Err(self.expected("a digit")) } else { Ok(()) }
    }

    fn literal(&mut self, literal: &'static str, tag: u32) -> Result<(), ScanError> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        if !rest.starts_with(literal.as_bytes()) {
            self.at += rest.iter().zip(literal.as_bytes()).take_while(|(one, other)| one == other).count();
            return Err(self.expected("a value"));
        }
        self.push(Entry::new(tag, self.at as u32, literal.len() as u32));
        self.at += literal.len();
        Ok(())
    }

    fn push(&mut self, entry: Entry) {
        if self.entries.len() == self.entries.capacity() {
            self.grow();
        }
        self.entries.push(entry);
    }

    #[cold]
    fn grow(&mut self) {
        // Doubling would hold three times as much while it copies, so what is needed is found out first.
        let most = most_entries(self.text).min(self.limits.values.saturating_mul(2).saturating_add(2));
        let wanted = if self.text.len() <= SMALL { most } else { count_entries(self.bytes).min(most) };
        self.entries.reserve_exact(wanted.saturating_sub(self.entries.len()).max(1));
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    /// The next byte that is no white space.
    fn next_byte(&mut self) -> Option<u8> {
        loop {
            let byte = self.peek()?;
            if byte > b' ' || !matches!(byte, b' ' | b'\t' | b'\n' | b'\r') {
                return Some(byte);
            }
            self.at += 1;
        }
    }

    #[cold]
    fn expected(&self, what: &'static str) -> ScanError {
        ScanError::syntax(what, self.at, self.at >= self.bytes.len())
    }
}

impl Entry {
    /// Its text, without a look at where characters begin.
    pub(super) fn bytes(self, text: &str) -> &[u8] {
        let start = self.offset as usize;
        text.as_bytes().get(start..start + self.payload() as usize).unwrap_or_default()
    }
}

impl<'a> JsonStr<'a> {
    pub(super) fn at(text: &'a str, entry: Entry) -> Self {
        let start = entry.offset as usize;
        let raw = text.get(start..start + entry.payload() as usize).unwrap_or("");
        Self { raw, escaped: entry.tag() == TAG_ESCAPED }
    }
}

/// The index past a value and everything in it.
pub(super) fn next(entries: &[Entry], index: u32) -> u32 {
    match entries.get(index as usize) {
        Some(entry) if entry.is_container() => entry.payload(),
        _ => index + 1,
    }
}

/// Up to this many names are compared pair by pair; more are sorted.
const FEW: usize = 8;

/// How many characters of a name that stands twice are shown.
const SHOWN: usize = 64;

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

//! The one pass over JSON text: it finds the text sound and builds the tape on the way.

use memchr::memchr2;

use super::entry::{
    Entry, NONE, TAG_ARRAY, TAG_ESCAPED, TAG_FALSE, TAG_NULL, TAG_NUMBER, TAG_OBJECT, TAG_STRING, TAG_TRUE,
};
use super::{JsonStr, MAX_TEXT, TapeBuffer};
use crate::scan::{Limits, ScanError, plain_until};

/// Boxed, so that what goes well hands nothing back in memory.
type Fault = Box<ScanError>;

/// Reads JSON without recursion: what is open is remembered in the entries themselves.
///
/// Where the reading is in the text goes from hand to hand instead of through memory.
pub(super) struct Parser<'t> {
    text: &'t str,
    bytes: &'t [u8],
    entries: &'t mut Vec<Entry>,
    keys: &'t mut Vec<u32>,
    /// The innermost container that is open, and what it is.
    open: u32,
    inside: u32,
    depth: usize,
    /// How many more values there may be.
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
            entries: &mut buffer.entries,
            keys: &mut buffer.keys,
            open: NONE,
            inside: TAG_NULL,
            depth: 0,
            values: limits.values,
            limits: Limits { depth: limits.depth.min(Limits::MAX_DEPTH), values: limits.values },
        }
    }

    /// Reads the whole text. What was read before a fault is left as a sound tape.
    pub(super) fn run(mut self) -> Result<(), ScanError> {
        if self.text.len() > MAX_TEXT {
            return Err(ScanError::too_long(MAX_TEXT));
        }
        self.read().map_err(|fault| {
            while self.open != NONE {
                self.close();
            }
            *fault
        })
    }

    fn read(&mut self) -> Result<(), Fault> {
        let mut at = 0;
        loop {
            // A value.
            let byte = self.next_byte(&mut at);
            let Some(left) = self.values.checked_sub(1) else {
                return Err(Box::new(ScanError::too_many_values(self.limits.values, at)));
            };
            self.values = left;
            match byte {
                Some(b'"') => at = self.string(at)?,
                Some(b'{') => {
                    at = self.open(TAG_OBJECT, at)?;
                    if self.next_byte(&mut at) != Some(b'}') {
                        at = self.key(at)?;
                        continue;
                    }
                    self.close();
                    at += 1;
                }
                Some(b'[') => {
                    at = self.open(TAG_ARRAY, at)?;
                    if self.next_byte(&mut at) != Some(b']') {
                        continue;
                    }
                    self.close();
                    at += 1;
                }
                Some(b'-' | b'0'..=b'9') => at = self.number(at)?,
                Some(b't') => at = self.literal(b"true", TAG_TRUE, at)?,
                Some(b'f') => at = self.literal(b"false", TAG_FALSE, at)?,
                Some(b'n') => at = self.literal(b"null", TAG_NULL, at)?,
                _ => return Err(self.expected("a value", at)),
            }
            // It has ended: close what ends with it, until another one must follow.
            loop {
                let byte = self.next_byte(&mut at);
                match self.inside {
                    TAG_OBJECT => match byte {
                        Some(b',') => {
                            at += 1;
                            self.next_byte(&mut at);
                            at = self.key(at)?;
                            break;
                        }
                        Some(b'}') => {
                            let object = self.close();
                            self.refuse_repeated(object)?;
                        }
                        _ => return Err(self.expected("`,` or `}`", at)),
                    },
                    TAG_ARRAY => match byte {
                        Some(b',') => {
                            at += 1;
                            break;
                        }
                        Some(b']') => {
                            self.close();
                        }
                        _ => return Err(self.expected("`,` or `]`", at)),
                    },
                    _ if byte.is_none() => return Ok(()),
                    _ => return Err(self.expected("the end of the text", at)),
                }
                at += 1;
            }
        }
    }

    #[inline]
    fn open(&mut self, tag: u32, at: usize) -> Result<usize, Fault> {
        if self.depth >= self.limits.depth {
            return Err(Box::new(ScanError::too_deep(self.limits.depth, at)));
        }
        self.depth += 1;
        let index = self.entries.len() as u32;
        self.push(Entry::new(tag, at as u32, self.open));
        self.open = index;
        self.inside = tag;
        Ok(at + 1)
    }

    /// Closes the innermost container, and answers which it was.
    #[inline]
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
        closed
    }

    /// Reads a member's name and the colon behind it.
    #[inline]
    fn key(&mut self, at: usize) -> Result<usize, Fault> {
        if self.peek(at) != Some(b'"') {
            return Err(self.expected("a key in quotation marks", at));
        }
        let mut at = self.string(at)?;
        if self.next_byte(&mut at) != Some(b':') {
            return Err(self.expected("`:`", at));
        }
        Ok(at + 1)
    }

    /// Whether two members of the object at `index`, which has just been closed, have one name.
    #[inline]
    fn refuse_repeated(&mut self, index: u32) -> Result<(), Fault> {
        // A bit for each name, by its length and a few of its bytes: as long as all are different, so are the names.
        let (mut seen, mut at) = (0_u64, index + 1);
        while let Some(name) = self.entries.get(at as usize) {
            let (bytes, length) = (name.bytes(self.text), name.payload());
            let [Some(first), Some(last)] = [bytes.first(), bytes.last()] else {
                return self.compare_names(index);
            };
            let hash = length.wrapping_mul(7)
                ^ u32::from(*first).wrapping_mul(29)
                ^ u32::from(*last).wrapping_mul(11);
            let bit = 1 << (hash & 63);
            if seen & bit != 0 || name.tag() != TAG_STRING {
                return self.compare_names(index);
            }
            seen |= bit;
            at = next(self.entries, at + 1);
        }
        Ok(())
    }

    /// Compares the names of the object at `index` with each other.
    #[cold]
    #[inline(never)]
    fn compare_names(&mut self, index: u32) -> Result<(), Fault> {
        let Self { text, ref entries, ref mut keys, .. } = *self;
        keys.clear();
        let (mut at, mut is_plain) = (index + 1, true);
        while let Some(name) = entries.get(at as usize) {
            keys.push(at);
            is_plain &= name.tag() == TAG_STRING;
            at = next(entries, at + 1);
        }
        let entry = |key: u32| entries.get(key as usize).copied().unwrap_or(Entry::new(TAG_NULL, 0, 0));
        let repeated = if is_plain {
            repeated(keys, |key| entry(key).bytes(text))
        } else {
            respelled(text, keys, entry)
        };
        match repeated {
            Some(key) => {
                let name: String = JsonStr::at(text, entry(key)).chars().take(SHOWN).collect();
                Err(Box::new(ScanError::repeated(name.into(), entry(key).offset as usize)))
            }
            None => Ok(()),
        }
    }

    /// Passes a string, from its opening to behind its closing quotation mark.
    #[inline]
    fn string(&mut self, at: usize) -> Result<usize, Fault> {
        let start = at + 1;
        let mut end = plain_until(self.bytes, start);
        let mut tag = TAG_STRING;
        if self.peek(end) != Some(b'"') {
            end = self.rest_of_string(end)?;
            tag = TAG_ESCAPED;
        }
        self.push(Entry::new(tag, start as u32, (end - start) as u32));
        Ok(end + 1)
    }

    /// Goes on in a string at what is not plain, up to its closing quotation mark.
    #[cold]
    #[inline(never)]
    fn rest_of_string(&self, mut at: usize) -> Result<usize, Fault> {
        loop {
            match self.peek(at) {
                Some(b'"') => return Ok(at),
                Some(b'\\') => at = self.escape(at)?,
                Some(_) => return Err(self.expected("an escaped control character", at)),
                None => return Err(self.expected("a closing quotation mark", at)),
            }
            at = plain_until(self.bytes, at);
        }
    }

    fn escape(&self, start: usize) -> Result<usize, Fault> {
        let unpaired = |expected| Err(Box::new(ScanError::surrogate(expected, start)));
        match self.peek(start + 1) {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => Ok(start + 2),
            Some(b'u') => match self.code_unit(start)? {
                0xdc00..0xe000 => unpaired("a high surrogate before this low one"),
                0xd800..0xdc00 => {
                    let second = start + 6;
                    let is_escape = self.bytes.get(second..second + 2) == Some(b"\\u");
                    let low = if is_escape { self.code_unit(second)? } else { 0 };
                    match low {
                        0xdc00..0xe000 => Ok(second + 6),
                        _ => unpaired("a low surrogate after this high one"),
                    }
                }
                _ => Ok(start + 6),
            },
            _ => Err(self.expected("an escape that JSON knows", start + 1)),
        }
    }

    /// The four hexadecimal digits behind `\u` at `start`.
    fn code_unit(&self, start: usize) -> Result<u32, Fault> {
        (start + 2..start + 6).try_fold(0, |unit, at| {
            let digit = self.peek(at).and_then(|byte| char::from(byte).to_digit(16));
            digit.map(|digit| unit * 16 + digit).ok_or_else(|| self.expected("four hexadecimal digits", at))
        })
    }

    #[inline]
    fn number(&mut self, start: usize) -> Result<usize, Fault> {
        let mut at = start + usize::from(self.peek(start) == Some(b'-'));
        at = if self.peek(at) == Some(b'0') { at + 1 } else { self.digits(at)? };
        if self.peek(at) == Some(b'.') {
            at = self.digits(at + 1)?;
        }
        if matches!(self.peek(at), Some(b'e' | b'E')) {
            at += 1;
            at = self.digits(at + usize::from(matches!(self.peek(at), Some(b'+' | b'-'))))?;
        }
        self.push(Entry::new(TAG_NUMBER, start as u32, (at - start) as u32));
        Ok(at)
    }

    /// Reads at least one digit.
    #[inline]
    fn digits(&self, from: usize) -> Result<usize, Fault> {
        let mut at = from;
        while self.bytes.get(at).is_some_and(u8::is_ascii_digit) {
            at += 1;
        }
        if at == from { Err(self.expected("a digit", at)) } else { Ok(at) }
    }

    #[inline]
    fn literal<const N: usize>(&mut self, literal: &[u8; N], tag: u32, at: usize) -> Result<usize, Fault> {
        let rest = self.bytes.get(at..).unwrap_or_default();
        if rest.first_chunk() != Some(literal) {
            let same = rest.iter().zip(literal).take_while(|(one, other)| one == other).count();
            return Err(self.expected("a value", at + same));
        }
        self.push(Entry::new(tag, at as u32, N as u32));
        Ok(at + N)
    }

    #[inline]
    fn push(&mut self, entry: Entry) {
        if self.entries.len() == self.entries.capacity() {
            self.grow();
        }
        self.entries.push(entry);
    }

    #[cold]
    #[inline(never)]
    fn grow(&mut self) {
        // Doubling would hold three times as much while it copies, so what is needed is found out first.
        let most = most_entries(self.text).min(self.limits.values.saturating_mul(2).saturating_add(2));
        let wanted = if self.text.len() <= SMALL { most } else { count_entries(self.bytes).min(most) };
        self.entries.reserve_exact(wanted.saturating_sub(self.entries.len()).max(LEAST));
    }

    #[inline]
    fn peek(&self, at: usize) -> Option<u8> {
        self.bytes.get(at).copied()
    }

    /// The next byte that is no white space.
    #[inline]
    fn next_byte(&self, at: &mut usize) -> Option<u8> {
        loop {
            let byte = self.peek(*at)?;
            if byte > b' ' || !matches!(byte, b' ' | b'\t' | b'\n' | b'\r') {
                return Some(byte);
            }
            *at += 1;
        }
    }

    #[cold]
    #[inline(never)]
    fn expected(&self, what: &'static str, at: usize) -> Fault {
        Box::new(ScanError::syntax(what, at, at >= self.bytes.len()))
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

/// The first of the names that has stood before, or one of them.
fn repeated<'a>(keys: &mut [u32], name: impl Fn(u32) -> &'a [u8]) -> Option<u32> {
    if keys.len() <= FEW {
        let is_repeated = |at: usize, key: u32| keys.iter().take(at).any(|other| name(*other) == name(key));
        return keys.iter().enumerate().find(|(at, key)| is_repeated(*at, **key)).map(|(_, key)| *key);
    }
    keys.sort_unstable_by(|left, right| name(*left).cmp(name(*right)));
    keys.windows(2).find(|pair| name(pair[0]) == name(pair[1])).map(|pair| pair[0].max(pair[1]))
}

/// As [`repeated`], where some names have escapes: each of those is decoded once, however often it is compared.
fn respelled(text: &str, keys: &mut [u32], entry: impl Fn(u32) -> Entry) -> Option<u32> {
    let mut decoded = String::new();
    let mut places: Vec<(u32, u32, u32)> = Vec::new();
    for key in keys.iter().filter(|key| entry(**key).tag() == TAG_ESCAPED) {
        let start = decoded.len() as u32;
        decoded.push_str(&JsonStr::at(text, entry(*key)).decode());
        places.push((*key, start, decoded.len() as u32));
    }
    repeated(keys, |key| match places.binary_search_by_key(&key, |(key, ..)| *key) {
        Ok(found) => places
            .get(found)
            .and_then(|(_, start, end)| decoded.as_bytes().get(*start as usize..*end as usize))
            .unwrap_or_default(),
        Err(_) => entry(key).bytes(text),
    })
}

/// Up to this many names are compared pair by pair; more are sorted.
const FEW: usize = 8;

/// How many characters of a name that stands twice are shown.
const SHOWN: usize = 64;

/// Text of so many bytes gets a tape for the worst case, without a look at it.
const SMALL: usize = 4_096;

/// How many more entries there is room for at the least, once there was too little.
const LEAST: usize = 64;

/// What text of this length cannot exceed: every entry but the first takes at least two bytes, if what was opened is closed.
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

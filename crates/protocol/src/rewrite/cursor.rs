//! Walks JSON text without building anything.

use std::borrow::Cow;

use memchr::memchr2;

/// How deep arrays and objects may nest before the text is refused.
pub const MAX_DEPTH: usize = 128;

/// Why a text could not be walked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RewriteError {
    /// The text is not JSON from this byte on.
    #[error("malformed JSON at byte {0}")]
    Syntax(usize),
    /// Arrays and objects nest deeper than [`MAX_DEPTH`].
    #[error("JSON nested deeper than 128 levels at byte {0}")]
    Depth(usize),
    /// Members were asked of a value that is no object.
    #[error("not a JSON object")]
    NotAnObject,
    /// Elements were asked of a value that is no array.
    #[error("not a JSON array")]
    NotAnArray,
}

/// A position in JSON text, and how deep it lies.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cursor<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        Self { text, at: 0, depth: 0 }
    }

    pub(crate) fn at(&self) -> usize {
        self.at
    }

    /// Goes back to a place seen before, on the same level.
    pub(crate) fn back_to(&mut self, at: usize) {
        self.at = at;
    }

    /// The text from `start` to here; both lie on token borders.
    pub(crate) fn since(&self, start: usize) -> &'a str {
        self.text.get(start..self.at).unwrap_or_default()
    }

    pub(crate) fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    pub(crate) fn syntax(&self) -> RewriteError {
        RewriteError::Syntax(self.at)
    }

    pub(crate) fn white(&mut self) {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.peek() {
            self.at += 1;
        }
    }

    /// Steps over `byte` if it is next.
    pub(crate) fn take(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    /// Steps over `byte`, which must be next.
    pub(crate) fn expect(&mut self, byte: u8) -> Result<(), RewriteError> {
        if self.take(byte) { Ok(()) } else { Err(self.syntax()) }
    }

    /// Steps into the object or array that `open` begins.
    pub(crate) fn enter(&mut self, open: u8) -> Result<(), RewriteError> {
        self.expect(open)?;
        self.depth += 1;
        if self.depth > MAX_DEPTH { Err(RewriteError::Depth(self.at)) } else { Ok(()) }
    }

    /// Steps out over the closing byte.
    pub(crate) fn leave(&mut self, close: u8) -> Result<(), RewriteError> {
        self.depth = self.depth.saturating_sub(1);
        self.expect(close)
    }

    /// Reads `"key" :` and the white space around it; the cursor then stands on the value.
    pub(crate) fn key(&mut self) -> Result<Cow<'a, str>, RewriteError> {
        self.white();
        let start = self.at;
        self.string()?;
        let literal = self.since(start);
        self.white();
        self.expect(b':')?;
        self.white();
        Ok(decode(literal))
    }

    /// Steps over the end of the text, which may only be white space.
    pub(crate) fn end(&mut self) -> Result<(), RewriteError> {
        self.white();
        if self.at == self.text.len() { Ok(()) } else { Err(self.syntax()) }
    }

    /// Steps over one value and returns its text. Iterative: the kinds of the open brackets are bits.
    pub(crate) fn value(&mut self) -> Result<&'a str, RewriteError> {
        const { assert!(MAX_DEPTH <= u128::BITS as usize) };
        let start = self.at;
        let outside = self.depth;
        let mut objects: u128 = 0;
        loop {
            match self.peek() {
                Some(open @ (b'{' | b'[')) => {
                    self.enter(open)?;
                    let object = open == b'{';
                    objects = (objects << 1) | u128::from(object);
                    self.white();
                    if self.peek() != Some(if object { b'}' } else { b']' }) {
                        if object {
                            self.skip_key()?;
                        }
                        continue;
                    }
                }
                Some(b'"') => self.string()?,
                _ => self.scalar()?,
            }
            loop {
                if self.depth == outside {
                    return Ok(self.since(start));
                }
                self.white();
                let object = objects & 1 == 1;
                if self.take(b',') {
                    self.white();
                    if object {
                        self.skip_key()?;
                    }
                    break;
                }
                self.leave(if object { b'}' } else { b']' })?;
                objects >>= 1;
            }
        }
    }

    fn skip_key(&mut self) -> Result<(), RewriteError> {
        self.string()?;
        self.white();
        self.expect(b':')?;
        self.white();
        Ok(())
    }

    /// Steps over a string literal.
    fn string(&mut self) -> Result<(), RewriteError> {
        self.expect(b'"')?;
        let bytes = self.text.as_bytes();
        loop {
            let rest = bytes.get(self.at..).unwrap_or_default();
            let Some(found) = memchr2(b'"', b'\\', rest) else { return Err(self.syntax()) };
            self.at += found + 1;
            if rest.get(found) == Some(&b'"') {
                return Ok(());
            }
            match self.peek() {
                Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' | b'u') => self.at += 1,
                _ => return Err(self.syntax()),
            }
        }
    }

    /// Steps over a number or one of the three words.
    fn scalar(&mut self) -> Result<(), RewriteError> {
        let rest = self.text.get(self.at..).unwrap_or_default();
        if let Some(word) = ["true", "false", "null"].into_iter().find(|word| rest.starts_with(word)) {
            self.at += word.len();
            return Ok(());
        }
        self.take(b'-');
        if !self.take(b'0') {
            self.digits()?;
        }
        if self.take(b'.') {
            self.digits()?;
        }
        if self.take(b'e') || self.take(b'E') {
            if !self.take(b'+') {
                self.take(b'-');
            }
            self.digits()?;
        }
        Ok(())
    }

    fn digits(&mut self) -> Result<(), RewriteError> {
        let start = self.at;
        while let Some(b'0'..=b'9') = self.peek() {
            self.at += 1;
        }
        if self.at == start { Err(self.syntax()) } else { Ok(()) }
    }
}

/// The text that a string literal stands for. One whose escapes stand for no text (half a surrogate pair)
/// is given as written, without its quotes.
pub(crate) fn decode(literal: &str) -> Cow<'_, str> {
    let inner = literal.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(literal);
    if memchr::memchr(b'\\', inner.as_bytes()).is_none() {
        return Cow::Borrowed(inner);
    }
    serde_json::from_str(literal).map_or(Cow::Borrowed(inner), Cow::Owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole(text: &str) -> Result<&str, RewriteError> {
        let mut cursor = Cursor::new(text);
        cursor.white();
        let value = cursor.value()?;
        cursor.end()?;
        Ok(value)
    }

    #[test]
    fn a_value_is_stepped_over_whole() {
        for text in [
            "0",
            "-1.5e+10",
            "true",
            "null",
            "\"\\\"\"",
            "{}",
            "[ ]",
            "[1 , [2,{\"a\" : []}]]",
            "{\"a\":{\"b\":\"]}\"},\"c\":[{}]}",
        ] {
            assert_eq!(whole(text), Ok(text));
        }
        assert_eq!(whole(" [1]\n"), Ok("[1]"));
    }

    #[test]
    fn malformed_text_is_an_error() {
        for text in [
            "",
            " ",
            "{",
            "[",
            "[1",
            "[1,",
            "[1,]",
            "{\"a\"",
            "{\"a\":",
            "{\"a\":1,}",
            "{1:2}",
            "[1}",
            "{\"a\":1]",
            "1 2",
            "\"",
            "\"\\",
            "\"\\x\"",
            "-",
            "1.",
            "1e",
            "01",
            "tru",
            "}",
            ",",
            "{\"a\" 1}",
            "[1 2]",
        ] {
            assert!(matches!(whole(text), Err(RewriteError::Syntax(_))), "{text}");
        }
    }

    #[test]
    fn nesting_is_bounded() {
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(whole(&nested(MAX_DEPTH)).is_ok());
        assert!(matches!(whole(&nested(MAX_DEPTH + 1)), Err(RewriteError::Depth(_))));
        assert!(matches!(whole(&"{\"a\":".repeat(100_000)), Err(RewriteError::Depth(_))));
    }
}

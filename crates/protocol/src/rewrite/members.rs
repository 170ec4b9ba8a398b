//! Reading the top level of an object or an array, without copying.

use std::borrow::Cow;

use super::cursor::{Cursor, RewriteError, decode};

/// The members of the object `raw` in order: decoded key and text of the value.
///
/// The first error ends the iteration; a text that is no object yields [`RewriteError::NotAnObject`].
pub fn members(raw: &str) -> Members<'_> {
    Members(Walk::new(raw, b'{', b'}', RewriteError::NotAnObject))
}

/// The elements of the array `raw` in order.
///
/// The first error ends the iteration; a text that is no array yields [`RewriteError::NotAnArray`].
pub fn elements(raw: &str) -> Elements<'_> {
    Elements(Walk::new(raw, b'[', b']', RewriteError::NotAnArray))
}

/// The value of the object's first member of this name. What follows that member is not looked at.
///
/// # Errors
/// When `raw` is no object, or malformed before the member.
pub fn member<'a>(raw: &'a str, name: &str) -> Result<Option<&'a str>, RewriteError> {
    for member in members(raw) {
        let (key, value) = member?;
        if key == name {
            return Ok(Some(value));
        }
    }
    Ok(None)
}

/// The text of a JSON string, or `None` if `raw` is another kind of value.
pub fn decode_string(raw: &str) -> Option<Cow<'_, str>> {
    let raw = raw.trim_matches([' ', '\t', '\n', '\r']);
    let sound = raw.len() >= 2 && raw.starts_with('"') && raw.ends_with('"');
    sound.then(|| decode(raw))
}

/// See [`members`].
#[derive(Debug, Clone)]
pub struct Members<'a>(Walk<'a>);

impl<'a> Iterator for Members<'a> {
    type Item = Result<(Cow<'a, str>, &'a str), RewriteError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.0.next_with(|cursor| {
            let key = cursor.key()?;
            Ok((key, cursor.value()?))
        })
    }
}

/// See [`elements`].
#[derive(Debug, Clone)]
pub struct Elements<'a>(Walk<'a>);

impl<'a> Iterator for Elements<'a> {
    type Item = Result<&'a str, RewriteError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.0.next_with(Cursor::value)
    }
}

#[derive(Debug, Clone)]
struct Walk<'a> {
    cursor: Cursor<'a>,
    open: u8,
    close: u8,
    mismatch: RewriteError,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum State {
    Before,
    Inside,
    Done,
}

impl<'a> Walk<'a> {
    fn new(raw: &'a str, open: u8, close: u8, mismatch: RewriteError) -> Self {
        Self { cursor: Cursor::new(raw), open, close, mismatch, state: State::Before }
    }

    fn next_with<T>(
        &mut self,
        read: impl FnOnce(&mut Cursor<'a>) -> Result<T, RewriteError>,
    ) -> Option<Result<T, RewriteError>> {
        let step = self.step(read).transpose();
        if !matches!(step, Some(Ok(_))) {
            self.state = State::Done;
        }
        step
    }

    fn step<T>(
        &mut self,
        read: impl FnOnce(&mut Cursor<'a>) -> Result<T, RewriteError>,
    ) -> Result<Option<T>, RewriteError> {
        let cursor = &mut self.cursor;
        cursor.white();
        match self.state {
            State::Done => return Ok(None),
            State::Before => {
                if cursor.peek() != Some(self.open) {
                    return Err(self.mismatch);
                }
                cursor.enter(self.open)?;
                self.state = State::Inside;
                cursor.white();
                if cursor.peek() == Some(self.close) {
                    cursor.leave(self.close)?;
                    cursor.end()?;
                    return Ok(None);
                }
            }
            State::Inside => {
                if !cursor.take(b',') {
                    cursor.leave(self.close)?;
                    cursor.end()?;
                    return Ok(None);
                }
                cursor.white();
            }
        }
        read(cursor).map(Some)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_come_in_order_with_decoded_keys() {
        let text = " { \"a\\u002Fb\" : [1, 2] , \"c\":{} } ";
        let found: Vec<_> = members(text).map(Result::unwrap).collect();
        assert_eq!(found, [(Cow::Borrowed("a/b"), "[1, 2]"), (Cow::Borrowed("c"), "{}")]);
        assert_eq!(members("{}").count(), 0);
        assert_eq!(member(text, "c"), Ok(Some("{}")));
        assert_eq!(member(text, "d"), Ok(None));
    }

    #[test]
    fn elements_come_in_order() {
        let found: Vec<_> = elements("[1 ,\"]\",[ ]]").map(Result::unwrap).collect();
        assert_eq!(found, ["1", "\"]\"", "[ ]"]);
        assert_eq!(elements("[]").count(), 0);
    }

    #[test]
    fn the_first_error_ends_the_iteration() {
        assert_eq!(members("[1]").collect::<Vec<_>>(), [Err(RewriteError::NotAnObject)]);
        assert_eq!(elements("{}").collect::<Vec<_>>(), [Err(RewriteError::NotAnArray)]);
        for bad in ["{\"a\":1", "{\"a\":1} x", "{\"a\":1,}", "{,}"] {
            let all: Vec<_> = members(bad).collect();
            assert!(all.last().is_some_and(Result::is_err), "{bad}");
            assert!(all.iter().filter(|member| member.is_err()).count() == 1);
        }
    }

    #[test]
    fn only_strings_are_decoded_as_strings() {
        assert_eq!(decode_string("\"a\\nb\"").as_deref(), Some("a\nb"));
        assert_eq!(decode_string(" \"x\" ").as_deref(), Some("x"));
        assert_eq!(decode_string("1"), None);
        assert_eq!(decode_string("\""), None);
    }
}

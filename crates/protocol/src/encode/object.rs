//! Writing objects and arrays by hand, straight into the reply buffer.

use crate::raw::RawJson;
use crate::text::write_string;

/// Writes the members of one object, with the commas between them. The braces are the caller's.
#[derive(Debug)]
pub struct ObjectWriter<'o> {
    out: &'o mut Vec<u8>,
    empty: bool,
}

impl<'o> ObjectWriter<'o> {
    /// Begins after an opening brace.
    pub fn new(out: &'o mut Vec<u8>) -> Self {
        Self { out, empty: true }
    }

    /// Goes on in an object that has members already.
    pub fn resume(out: &'o mut Vec<u8>) -> Self {
        Self { out, empty: false }
    }

    /// Writes the key; what is then written to the returned buffer must be one value.
    pub fn key(&mut self, name: &str) -> &mut Vec<u8> {
        if !self.empty {
            self.out.push(b',');
        }
        self.empty = false;
        write_string(name, self.out);
        self.out.push(b':');
        self.out
    }

    /// A string member.
    pub fn string(&mut self, name: &str, value: &str) -> &mut Self {
        write_string(value, self.key(name));
        self
    }

    /// A string member, if there is one.
    pub fn optional_string(&mut self, name: &str, value: Option<&str>) -> &mut Self {
        if let Some(value) = value {
            self.string(name, value);
        }
        self
    }

    /// A member whose value is JSON text already.
    pub fn raw(&mut self, name: &str, value: &str) -> &mut Self {
        self.key(name).extend_from_slice(value.as_bytes());
        self
    }

    /// A member whose value is JSON text already, if there is one.
    pub fn optional_raw(&mut self, name: &str, value: Option<&RawJson>) -> &mut Self {
        if let Some(value) = value {
            self.raw(name, value.as_str());
        }
        self
    }

    /// `true` or `false`.
    pub fn boolean(&mut self, name: &str, value: bool) -> &mut Self {
        self.raw(name, if value { "true" } else { "false" })
    }

    /// A number. What JSON has no number for (infinities, NaN) is written as `null`.
    pub fn number(&mut self, name: &str, value: f64) -> &mut Self {
        let text = serde_json::Number::from_f64(value).map_or_else(|| "null".to_owned(), |it| it.to_string());
        self.raw(name, &text)
    }

    /// An array of what `write` appends for each item.
    pub fn array<T>(
        &mut self,
        name: &str,
        items: impl IntoIterator<Item = T>,
        write: impl FnMut(T, &mut Vec<u8>),
    ) -> &mut Self {
        write_array(items, self.key(name), write);
        self
    }

    /// An object of the members that `write` writes.
    pub fn object(&mut self, name: &str, write: impl FnOnce(&mut ObjectWriter<'_>)) -> &mut Self {
        write_object(self.key(name), write);
        self
    }
}

/// Appends an object of the members that `write` writes.
pub fn write_object(out: &mut Vec<u8>, write: impl FnOnce(&mut ObjectWriter<'_>)) {
    out.push(b'{');
    write(&mut ObjectWriter::new(out));
    out.push(b'}');
}

/// Appends an array of what `write` appends for each item.
pub fn write_array<T>(
    items: impl IntoIterator<Item = T>,
    out: &mut Vec<u8>,
    mut write: impl FnMut(T, &mut Vec<u8>),
) {
    out.push(b'[');
    for (index, item) in items.into_iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        write(item, out);
    }
    out.push(b']');
}

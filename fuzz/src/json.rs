//! JSON (RFC 8259) read slowly and plainly into a tree that keeps every byte.

/// Deeper than any reader of ours goes.
const DEEPEST: usize = 200;

/// How strings are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Strings {
    /// As RFC 8259 has them, and no half of a surrogate pair.
    Sound,
    /// Any bytes between the quotation marks, with escapes told by their letter alone.
    Loose,
}

/// Why a text is not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It is no JSON.
    Syntax,
    /// It nests deeper than this reader goes.
    Deep,
}

/// A value with the white space around it.
#[derive(Debug)]
pub(crate) struct Document<'a> {
    pub(crate) before: &'a str,
    pub(crate) value: Json<'a>,
    pub(crate) after: &'a str,
}

/// A value and its text.
#[derive(Debug)]
pub(crate) struct Json<'a> {
    pub(crate) text: &'a str,
    pub(crate) kind: Kind<'a>,
}

#[derive(Debug)]
pub(crate) enum Kind<'a> {
    /// null, true or false.
    Word,
    Number,
    String,
    Array(Vec<Entry<'a>>),
    Object(Vec<Entry<'a>>),
}

/// A member of an object, or an element of an array.
#[derive(Debug)]
pub(crate) struct Entry<'a> {
    /// Everything before the value: white space, and the key with its colon.
    pub(crate) before: &'a str,
    /// What the key stands for, in an object.
    pub(crate) key: Option<String>,
    pub(crate) value: Json<'a>,
    /// The white space behind the value.
    pub(crate) after: &'a str,
}

impl<'a> Document<'a> {
    /// Reads a whole text.
    pub(crate) fn read(text: &'a str, strings: Strings) -> Result<Self, Fault> {
        let mut reader = Reader { text, at: 0, strings };
        let before = reader.white();
        let value = reader.value(0)?;
        let after = reader.white();
        if reader.at == text.len() { Ok(Self { before, value, after }) } else { Err(Fault::Syntax) }
    }
}

impl Json<'_> {
    /// How many arrays and objects are open at the deepest place.
    pub(crate) fn depth(&self) -> usize {
        match self.entries() {
            Some(entries) => 1 + entries.iter().map(|entry| entry.value.depth()).max().unwrap_or_default(),
            None => 0,
        }
    }

    /// How many values there are, this one counted.
    pub(crate) fn values(&self) -> usize {
        1 + self.entries().unwrap_or_default().iter().map(|entry| entry.value.values()).sum::<usize>()
    }

    /// Whether any object names a member twice.
    pub(crate) fn repeats_a_key(&self) -> bool {
        let entries = self.entries().unwrap_or_default();
        let repeats = entries.iter().enumerate().any(|(at, entry)| {
            entry.key.is_some() && entries[..at].iter().any(|earlier| earlier.key == entry.key)
        });
        repeats || entries.iter().any(|entry| entry.value.repeats_a_key())
    }

    /// The first member of this name.
    pub(crate) fn member(&self, name: &str) -> Option<&Self> {
        let Kind::Object(members) = &self.kind else { return None };
        members.iter().find(|member| member.key.as_deref() == Some(name)).map(|member| &member.value)
    }

    /// What the string stands for, if it is one.
    pub(crate) fn string(&self) -> Option<String> {
        matches!(self.kind, Kind::String).then(|| decode(self.text))
    }

    pub(crate) fn is_object(&self) -> bool {
        matches!(self.kind, Kind::Object(_))
    }

    /// Whether both say the same: the order of members, white space and the writing of strings do not count, the
    /// writing of numbers does.
    pub(crate) fn says(&self, other: &Self) -> bool {
        match (&self.kind, &other.kind) {
            (Kind::String, Kind::String) => self.string() == other.string(),
            (Kind::Array(ours), Kind::Array(theirs)) => {
                ours.len() == theirs.len()
                    && ours.iter().zip(theirs).all(|(our, their)| our.value.says(&their.value))
            }
            (Kind::Object(ours), Kind::Object(theirs)) => {
                ours.len() == theirs.len()
                    && ours.iter().all(|our| {
                        let key = our.key.as_deref().unwrap_or_default();
                        other.member(key).is_some_and(|their| our.value.says(their))
                    })
            }
            (Kind::Word, Kind::Word) | (Kind::Number, Kind::Number) => self.text == other.text,
            _ => false,
        }
    }

    /// Writes the same in other words: members from last to first, white space everywhere, strings all escapes.
    pub(crate) fn reworded(&self) -> String {
        match &self.kind {
            Kind::Word | Kind::Number => self.text.to_owned(),
            Kind::String => escaped(&decode(self.text)),
            Kind::Array(entries) => {
                let entries: Vec<_> = entries.iter().map(|entry| entry.value.reworded()).collect();
                format!("[ {}\n]", entries.join(" ,\t"))
            }
            Kind::Object(entries) => {
                let member = |entry: &Entry<'_>| {
                    let key = escaped(entry.key.as_deref().unwrap_or_default());
                    format!("{key} : {}", entry.value.reworded())
                };
                let entries: Vec<_> = entries.iter().rev().map(member).collect();
                format!("{{ {}\r\n}}", entries.join("\n, "))
            }
        }
    }

    fn entries(&self) -> Option<&[Entry<'_>]> {
        match &self.kind {
            Kind::Array(entries) | Kind::Object(entries) => Some(entries),
            Kind::Word | Kind::Number | Kind::String => None,
        }
    }
}

/// What a string literal stands for; as written, without its quotation marks, where it stands for no text.
fn decode(literal: &str) -> String {
    serde_json::from_str(literal).unwrap_or_else(|_| {
        let inner = literal.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
        inner.unwrap_or(literal).to_owned()
    })
}

fn escaped(text: &str) -> String {
    let units: String = text.encode_utf16().map(|unit| format!("\\u{unit:04X}")).collect();
    format!("\"{units}\"")
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    strings: Strings,
}

impl<'a> Reader<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn take(&mut self, word: &str) -> bool {
        let found = self.rest().starts_with(word);
        if found {
            self.at += word.len();
        }
        found
    }

    fn expect(&mut self, word: &str) -> Result<(), Fault> {
        if self.take(word) { Ok(()) } else { Err(Fault::Syntax) }
    }

    fn white(&mut self) -> &'a str {
        let rest = self.rest();
        let length = rest.len() - rest.trim_start_matches([' ', '\t', '\n', '\r']).len();
        self.at += length;
        &rest[..length]
    }

    fn value(&mut self, depth: usize) -> Result<Json<'a>, Fault> {
        if depth > DEEPEST {
            return Err(Fault::Deep);
        }
        let start = self.at;
        let kind = match self.rest().chars().next() {
            Some('{') => Kind::Object(self.entries("{", "}", depth)?),
            Some('[') => Kind::Array(self.entries("[", "]", depth)?),
            Some('"') => {
                self.string()?;
                Kind::String
            }
            Some('-' | '0'..='9') => {
                self.number()?;
                Kind::Number
            }
            _ if self.take("null") || self.take("true") || self.take("false") => Kind::Word,
            _ => return Err(Fault::Syntax),
        };
        Ok(Json { text: &self.text[start..self.at], kind })
    }

    fn entries(&mut self, open: &str, close: &str, depth: usize) -> Result<Vec<Entry<'a>>, Fault> {
        self.expect(open)?;
        let inside = self.at;
        self.white();
        if self.take(close) {
            return Ok(Vec::new());
        }
        self.at = inside;
        let mut entries = Vec::new();
        loop {
            let start = self.at;
            self.white();
            let key = if open == "{" { Some(self.key()?) } else { None };
            let before = &self.text[start..self.at];
            let value = self.value(depth + 1)?;
            let after = self.white();
            entries.push(Entry { before, key, value, after });
            if !self.take(",") {
                self.expect(close)?;
                return Ok(entries);
            }
        }
    }

    fn key(&mut self) -> Result<String, Fault> {
        let start = self.at;
        self.string()?;
        let literal = &self.text[start..self.at];
        self.white();
        self.expect(":")?;
        self.white();
        Ok(decode(literal))
    }

    fn string(&mut self) -> Result<(), Fault> {
        let start = self.at;
        self.expect("\"")?;
        let mut chars = self.rest().char_indices();
        let inside = self.at;
        while let Some((at, char)) = chars.next() {
            match char {
                '"' => {
                    self.at = inside + at + 1;
                    let literal = &self.text[start..self.at];
                    let sound = serde_json::from_str::<String>(literal).is_ok();
                    return if sound || self.strings == Strings::Loose { Ok(()) } else { Err(Fault::Syntax) };
                }
                '\\' if chars.next().is_none_or(|(_, letter)| !"\"\\/bfnrtu".contains(letter)) => {
                    return Err(Fault::Syntax);
                }
                _ => {}
            }
        }
        Err(Fault::Syntax)
    }

    fn number(&mut self) -> Result<(), Fault> {
        self.take("-");
        if !self.take("0") {
            self.digits()?;
        }
        if self.take(".") {
            self.digits()?;
        }
        if self.take("e") || self.take("E") {
            let _ = self.take("+") || self.take("-");
            self.digits()?;
        }
        Ok(())
    }

    fn digits(&mut self) -> Result<(), Fault> {
        let start = self.at;
        while self.rest().starts_with(|char: char| char.is_ascii_digit()) {
            self.at += 1;
        }
        if self.at == start { Err(Fault::Syntax) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Document<'_>, Fault> {
        Document::read(text, Strings::Sound)
    }

    #[test]
    fn it_accepts_and_refuses_what_serde_json_does() {
        for text in [
            "0",
            "-1.5e+10",
            "[]",
            "{ }",
            " [1 , {\"a\":null}]\n",
            "\"\\ud83d\\ude00\"",
            "01",
            "1.",
            "-",
            "+1",
            "[1,]",
            "{\"a\"}",
            "{1:2}",
            "\"\n\"",
            "\"\\x\"",
            "\"\\ud83d\"",
            "nul",
            "1 2",
            "",
        ] {
            let theirs = serde_json::from_str::<serde_json::Value>(text).is_ok();
            assert_eq!(read(text).is_ok(), theirs, "{text}");
        }
    }

    #[test]
    fn it_counts_and_compares() {
        let document = read(r#"{"a":[1,{"\u0062":2}],"c":"x"}"#).unwrap();
        assert_eq!((document.value.depth(), document.value.values()), (3, 6));
        assert!(!document.value.repeats_a_key());
        assert!(read(r#"[{"a":1,"\u0061":2}]"#).unwrap().value.repeats_a_key());
        let reworded = document.value.reworded();
        assert!(document.value.says(&read(&reworded).unwrap().value), "{reworded}");
        assert!(!document.value.says(&read(r#"{"a":[1,{"b":2.0}],"c":"x"}"#).unwrap().value));
    }
}

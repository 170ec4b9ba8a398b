//! The span rewriter. An input is a list of edits, a line of three hyphens, and JSON text:
//!
//! ```text
//! remove tools/*/icons
//! set _meta/seen true
//! ---
//! {"tools":[{"icons":[],"name":"a"}]}
//! ```
//!
//! The edits are `remove`, `replace`, `set`, `add` and `map`; a path's steps stand between slashes, `.` is the whole
//! text, `*` each entry. Lines that are no edits are skipped.
//!
//! Held: the text comes out as a slow editor of a tree leaves it, to the byte, so that nothing outside of the edited
//! spans changes; it is edited exactly where it can be read; sound text stays sound; an error leaves the output alone;
//! members and elements are those of the tree.

use latimer_protocol::rewrite::{Change, Edits, MAX_DEPTH, Step, elements, members};

use crate::json::{Document, Entry, Json, Kind, Strings};

/// See [`Target::words`](crate::Target::words).
pub const WORDS: &[&str] = &[
    "remove a\n",
    "set a/b 1\n",
    "add a/* null\n",
    "replace * \"x\"\n",
    "map */*\n",
    "map .\n",
    "remove *\n",
    "set a/*/b {}\n",
    "\n---\n",
    "{\"a\":",
    "\"b\":",
    "\"\\u0061\":",
    "\"*\":",
    ",",
    "[",
    "]",
    "{",
    "}",
    "null",
    "1.50e+1",
    " ",
];

/// How many edits are read.
const MOST_EDITS: usize = 24;

/// Runs the target once.
pub fn run(data: &[u8]) {
    let Ok(input) = std::str::from_utf8(data) else { return };
    let (script, text) = input.split_once("\n---\n").unwrap_or(("", input));
    let edits: Vec<Edit<'_>> = script.lines().filter_map(Edit::read).take(MOST_EDITS).collect();
    let mut rewriter = Edits::new();
    edits.iter().for_each(|edit| edit.give(&mut rewriter));

    let mut out = b"before".to_vec();
    let edited = rewriter.apply(text, &mut out);
    let document = Document::read(text, Strings::Loose).ok();
    let document = document.filter(|document| document.value.depth() <= MAX_DEPTH);
    let Some(document) = document else {
        assert!(edited.is_err(), "text that is no JSON was edited");
        return assert_eq!(out, b"before");
    };
    assert_eq!(edited, Ok(()));
    let out = std::str::from_utf8(&out).unwrap().strip_prefix("before").unwrap();
    let places: Vec<Place<'_>> = edits.iter().map(|edit| Place { path: &edit.path, edit }).collect();
    assert_eq!(out, Editor.document(&document, &places));
    if edits.is_empty() {
        assert_eq!(out, text);
    }
    if Document::read(text, Strings::Sound).is_ok() {
        assert!(serde_json::from_str::<&serde_json::value::RawValue>(out).is_ok(), "{out}");
    }
    top_level(text, &document);
}

/// Members and elements, read without a tree.
fn top_level(text: &str, document: &Document<'_>) {
    match &document.value.kind {
        Kind::Object(entries) => {
            let ours = members(text).map(Result::unwrap);
            let ours: Vec<_> = ours.map(|(key, value)| (key.into_owned(), value)).collect();
            let theirs = entries.iter().map(|entry| (entry.key.clone().unwrap(), entry.value.text));
            assert_eq!(ours, theirs.collect::<Vec<_>>());
            assert!(elements(text).next().unwrap().is_err());
        }
        Kind::Array(entries) => {
            assert!(elements(text).map(Result::unwrap).eq(entries.iter().map(|entry| entry.value.text)));
            assert!(members(text).next().unwrap().is_err());
        }
        Kind::Word | Kind::Number | Kind::String => {
            assert!(members(text).next().unwrap().is_err() && elements(text).next().unwrap().is_err());
        }
    }
}

struct Edit<'a> {
    path: Vec<Step<'a>>,
    deed: Deed<'a>,
}

#[derive(Clone, Copy, PartialEq)]
enum Deed<'a> {
    Remove,
    Replace(&'a str),
    Set(&'a str),
    Add(&'a str),
    Map,
}

impl<'a> Edit<'a> {
    fn read(line: &'a str) -> Option<Self> {
        let mut words = line.splitn(3, ' ');
        let (verb, path) = (words.next()?, words.next()?);
        let raw = words.next().filter(|raw| Document::read(raw, Strings::Sound).is_ok());
        let deed = match verb {
            "remove" => Deed::Remove,
            "replace" => Deed::Replace(raw?),
            "set" => Deed::Set(raw?),
            "add" => Deed::Add(raw?),
            "map" => Deed::Map,
            _ => return None,
        };
        let path = if path == "." { Vec::new() } else { path.split('/').map(Step::from).collect() };
        Some(Self { path, deed })
    }

    fn give(&self, edits: &mut Edits<'a>) {
        let path = self.path.iter().copied();
        match self.deed {
            Deed::Remove => edits.remove(path),
            Deed::Replace(raw) => edits.replace(path, raw),
            Deed::Set(raw) => edits.set(path, raw),
            Deed::Add(raw) => edits.add(path, raw),
            Deed::Map => edits.map(path, mapped),
        };
    }
}

/// What `map` does: numbers go, strings become 0, everything else stays.
fn mapped(raw: &str) -> Change {
    match raw.as_bytes().first() {
        Some(b'-' | b'0'..=b'9') => Change::Remove,
        Some(b'"') => Change::Replace("0".to_owned()),
        _ => Change::Keep,
    }
}

/// An edit, and how far below the present place it applies.
#[derive(Clone, Copy)]
struct Place<'e> {
    path: &'e [Step<'e>],
    edit: &'e Edit<'e>,
}

/// Edits a tree as the rewriter's documentation says.
struct Editor;

impl Editor {
    fn document(&self, document: &Document<'_>, places: &[Place<'_>]) -> String {
        let value = self.value(&document.value, places).unwrap_or_else(|| "null".to_owned());
        format!("{}{value}{}", document.before, document.after)
    }

    /// The value after its edits, unless it goes.
    fn value(&self, json: &Json<'_>, places: &[Place<'_>]) -> Option<String> {
        match here(places) {
            Some(Deed::Remove) => return None,
            Some(Deed::Replace(raw) | Deed::Set(raw)) => return Some(raw.to_owned()),
            Some(Deed::Map) => match mapped(json.text) {
                Change::Remove => return None,
                Change::Replace(raw) => return Some(raw),
                Change::Keep => {}
            },
            Some(Deed::Add(_)) | None => {}
        }
        Some(match &json.kind {
            Kind::Array(entries) if !entries.is_empty() => {
                let each = below(places, Step::Each);
                format!("[{}]", self.entries(entries, |_| each.clone()).join(","))
            }
            Kind::Object(entries) => self.object(json, entries, places),
            _ => json.text.to_owned(),
        })
    }

    fn object(&self, json: &Json<'_>, entries: &[Entry<'_>], places: &[Place<'_>]) -> String {
        let mut parts = self.entries(entries, |entry| {
            let named = below(places, Step::Member(entry.key.as_deref().unwrap_or_default()));
            if named.is_empty() { below(places, Step::Each) } else { named }
        });
        for name in names(places) {
            let there = entries.iter().any(|entry| entry.key.as_deref() == Some(name));
            if let Some(raw) = created(&below(places, Step::Member(name))).filter(|_| !there) {
                parts.push(format!("{}:{raw}", quoted(name)));
            }
        }
        let inside = json.text.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')).unwrap();
        // The white space of an empty object stays.
        let white = if entries.is_empty() { inside } else { "" };
        format!("{{{white}{}}}", parts.join(","))
    }

    fn entries<'e>(
        &self,
        entries: &[Entry<'_>],
        places: impl Fn(&Entry<'_>) -> Vec<Place<'e>>,
    ) -> Vec<String> {
        let part = |entry: &Entry<'_>| {
            let value = self.value(&entry.value, &places(entry))?;
            Some(format!("{}{value}{}", entry.before, entry.after))
        };
        entries.iter().filter_map(part).collect()
    }
}

/// What is to be done at this very place: the last edit counts.
fn here<'e>(places: &[Place<'e>]) -> Option<Deed<'e>> {
    places.iter().rev().find(|place| place.path.is_empty()).map(|place| place.edit.deed)
}

/// The edits of the places that `step` leads to.
fn below<'e>(places: &[Place<'e>], step: Step<'_>) -> Vec<Place<'e>> {
    let inner = |place: &Place<'e>| {
        let (first, path) = place.path.split_first()?;
        (*first == step).then_some(Place { path, edit: place.edit })
    };
    places.iter().filter_map(inner).collect()
}

/// The members that edits name, in the order in which they name them first.
fn names<'e>(places: &[Place<'e>]) -> Vec<&'e str> {
    let mut names = Vec::new();
    for place in places {
        if let Some(Step::Member(name)) = place.path.first()
            && !names.contains(name)
        {
            names.push(*name);
        }
    }
    names
}

/// What becomes of a member that is not there.
fn created(places: &[Place<'_>]) -> Option<String> {
    if let Some(Deed::Set(raw) | Deed::Add(raw)) = here(places) {
        return Some(raw.to_owned());
    }
    let member = |name| Some(format!("{}:{}", quoted(name), created(&below(places, Step::Member(name)))?));
    let members: Vec<String> = names(places).into_iter().filter_map(member).collect();
    (!members.is_empty()).then(|| format!("{{{}}}", members.join(",")))
}

/// A JSON string, with escapes where there must be some, short ones for quotation marks, backslashes, tabs and ends of lines.
fn quoted(text: &str) -> String {
    let escaped: String = text
        .chars()
        .map(|char| match char {
            '"' | '\\' => format!("\\{char}"),
            '\n' => "\\n".to_owned(),
            '\r' => "\\r".to_owned(),
            '\t' => "\\t".to_owned(),
            '\0'..' ' => format!("\\u{:04x}", u32::from(char)),
            char => char.to_string(),
        })
        .collect();
    format!("\"{escaped}\"")
}

//! A set of edits, and the one pass that carries them out.

use std::fmt;

use super::cursor::{Cursor, RewriteError};
use crate::text::write_string;

/// One step of a path into a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step<'e> {
    /// The member of this (decoded) name.
    Member(&'e str),
    /// Every element of an array, or every member of an object that no other edit names.
    Each,
}

/// `"*"` is [`Step::Each`], any other text a [`Step::Member`].
impl<'e> From<&'e str> for Step<'e> {
    fn from(name: &'e str) -> Self {
        if name == "*" { Self::Each } else { Self::Member(name) }
    }
}

/// What is to become of a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// It stays; edits below it still apply.
    Keep,
    /// It goes, with its key and comma.
    Remove,
    /// This JSON text takes its place.
    Replace(String),
}

/// Edits of one JSON text, addressed by path. Later edits of the same path take the place of earlier ones.
///
/// ```
/// # use latimer_protocol::rewrite::Edits;
/// let mut edits = Edits::new();
/// edits.remove(["tools", "*", "icons"]).set(["_meta", "seen"], "true");
/// let mut out = Vec::new();
/// edits.apply(r#"{"tools":[{"icons":[],"name":"a"}], "x":1.0}"#, &mut out)?;
/// assert_eq!(out, br#"{"tools":[{"name":"a"}], "x":1.0,"_meta":{"seen":true}}"#);
/// # Ok::<(), latimer_protocol::rewrite::RewriteError>(())
/// ```
#[derive(Debug, Default)]
pub struct Edits<'e> {
    root: Node<'e>,
}

impl<'e> Edits<'e> {
    /// No edits: the text is copied.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.root.is_idle() && self.root.action.is_none()
    }

    /// Puts `raw` (sound JSON) in the place of the value at `path`, where there is one.
    pub fn replace<S: Into<Step<'e>>>(
        &mut self,
        path: impl IntoIterator<Item = S>,
        raw: &'e str,
    ) -> &mut Self {
        self.node(path).edit(Some(Action::Replace(raw)), None);
        self
    }

    /// Removes the value at `path`. Removing the whole text leaves `null`.
    pub fn remove<S: Into<Step<'e>>>(&mut self, path: impl IntoIterator<Item = S>) -> &mut Self {
        self.node(path).edit(Some(Action::Remove), None);
        self
    }

    /// As [`replace`](Self::replace); where the member (or an object on the way) is absent, it is added at the end.
    pub fn set<S: Into<Step<'e>>>(&mut self, path: impl IntoIterator<Item = S>, raw: &'e str) -> &mut Self {
        self.node(path).edit(Some(Action::Replace(raw)), Some(raw));
        self
    }

    /// Adds the member with the value `raw` (sound JSON) where it is absent, and leaves it alone where it is not.
    pub fn add<S: Into<Step<'e>>>(&mut self, path: impl IntoIterator<Item = S>, raw: &'e str) -> &mut Self {
        self.node(path).edit(None, Some(raw));
        self
    }

    /// Asks `change` what to do with the text of each value at `path`.
    pub fn map<S: Into<Step<'e>>>(
        &mut self,
        path: impl IntoIterator<Item = S>,
        change: impl Fn(&str) -> Change + Send + Sync + 'e,
    ) -> &mut Self {
        self.node(path).edit(Some(Action::Map(Box::new(change))), None);
        self
    }

    /// Appends the edited `text` to `out`.
    ///
    /// # Errors
    /// When the text is malformed or nested too deep; `out` is then as it was.
    pub fn apply(&self, text: &str, out: &mut Vec<u8>) -> Result<(), RewriteError> {
        let before = out.len();
        let edited = self.whole(text, out);
        if edited.is_err() {
            out.truncate(before);
        }
        edited
    }

    fn whole(&self, text: &str, out: &mut Vec<u8>) -> Result<(), RewriteError> {
        let mut cursor = Cursor::new(text);
        cursor.white();
        out.extend_from_slice(cursor.since(0).as_bytes());
        if !self.root.write(&mut cursor, out)? {
            out.extend_from_slice(b"null");
        }
        let end = cursor.at();
        cursor.end()?;
        out.extend_from_slice(cursor.since(end).as_bytes());
        Ok(())
    }

    fn node<S: Into<Step<'e>>>(&mut self, path: impl IntoIterator<Item = S>) -> &mut Node<'e> {
        let mut node = &mut self.root;
        for step in path {
            node = match step.into() {
                Step::Each => node.each.get_or_insert_default(),
                Step::Member(name) => node.member(name),
            };
        }
        node
    }
}

/// The edits of one place and of those below it.
#[derive(Debug, Default)]
struct Node<'e> {
    action: Option<Action<'e>>,
    insert: Option<&'e str>,
    members: Vec<(&'e str, Node<'e>)>,
    each: Option<Box<Node<'e>>>,
}

enum Action<'e> {
    Replace(&'e str),
    Remove,
    Map(Box<dyn Fn(&str) -> Change + Send + Sync + 'e>),
}

impl fmt::Debug for Action<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Replace(raw) => f.debug_tuple("Replace").field(raw).finish(),
            Self::Remove => f.write_str("Remove"),
            Self::Map(_) => f.write_str("Map"),
        }
    }
}

impl<'e> Node<'e> {
    fn member(&mut self, name: &'e str) -> &mut Node<'e> {
        let at = self.members.iter().position(|(known, _)| *known == name).unwrap_or_else(|| {
            self.members.push((name, Node::default()));
            self.members.len() - 1
        });
        &mut self.members[at].1
    }

    /// Takes the place of earlier edits of this very place; those below it stay.
    fn edit(&mut self, action: Option<Action<'e>>, insert: Option<&'e str>) {
        self.action = action;
        self.insert = insert;
    }

    /// Whether a member below may have to be added.
    fn creates(&self) -> bool {
        self.members.iter().any(|(_, node)| node.inserts())
    }

    /// Whether the member that this node stands for is added where it is absent.
    fn inserts(&self) -> bool {
        self.insert.is_some() || self.creates()
    }

    /// Whether nothing below this place is edited.
    fn is_idle(&self) -> bool {
        self.members.is_empty() && self.each.is_none()
    }

    /// Writes the value under the cursor; `false` if it is to go, and then nothing was written.
    fn write(&self, cursor: &mut Cursor<'_>, out: &mut Vec<u8>) -> Result<bool, RewriteError> {
        let start = cursor.at();
        match &self.action {
            None => {}
            Some(Action::Remove) => {
                cursor.value()?;
                return Ok(false);
            }
            Some(Action::Replace(raw)) => {
                cursor.value()?;
                out.extend_from_slice(raw.as_bytes());
                return Ok(true);
            }
            Some(Action::Map(change)) => match change(cursor.value()?) {
                Change::Keep => cursor.back_to(start),
                Change::Remove => return Ok(false),
                Change::Replace(raw) => {
                    out.extend_from_slice(raw.as_bytes());
                    return Ok(true);
                }
            },
        }
        match cursor.peek() {
            Some(b'{') if !self.is_idle() => self.object(cursor, out)?,
            Some(b'[') if self.each.is_some() => self.array(cursor, out)?,
            _ => out.extend_from_slice(cursor.value()?.as_bytes()),
        }
        Ok(true)
    }

    fn object(&self, cursor: &mut Cursor<'_>, out: &mut Vec<u8>) -> Result<(), RewriteError> {
        let creates = self.creates();
        let mut seen = if creates { vec![false; self.members.len()] } else { Vec::new() };
        let mut empty = true;
        container(cursor, out, *b"{}", |cursor, out| {
            let start = cursor.at();
            let key = cursor.key()?;
            let named = self.members.iter().position(|(name, _)| *name == key);
            if let Some(seen) = named.and_then(|at| seen.get_mut(at)) {
                *seen = true;
            }
            let node =
                named.and_then(|at| self.members.get(at)).map(|(_, node)| node).or(self.each.as_deref());
            out.extend_from_slice(cursor.since(start).as_bytes());
            let kept = match node {
                Some(node) => node.write(cursor, out)?,
                None => {
                    out.extend_from_slice(cursor.value()?.as_bytes());
                    true
                }
            };
            empty &= !kept;
            Ok(kept)
        })?;
        if creates {
            out.pop();
            for ((name, node), seen) in self.members.iter().zip(seen) {
                if !seen {
                    node.create(name, &mut empty, out);
                }
            }
            out.push(b'}');
        }
        Ok(())
    }

    /// Writes the member that this node stands for, if one is to be added.
    fn create(&self, name: &str, empty: &mut bool, out: &mut Vec<u8>) {
        if !self.inserts() {
            return;
        }
        if !*empty {
            out.push(b',');
        }
        *empty = false;
        write_string(name, out);
        out.push(b':');
        if let Some(raw) = self.insert {
            out.extend_from_slice(raw.as_bytes());
            return;
        }
        out.push(b'{');
        let mut empty = true;
        for (name, node) in &self.members {
            node.create(name, &mut empty, out);
        }
        out.push(b'}');
    }

    fn array(&self, cursor: &mut Cursor<'_>, out: &mut Vec<u8>) -> Result<(), RewriteError> {
        container(cursor, out, *b"[]", |cursor, out| {
            let start = cursor.at();
            cursor.white();
            out.extend_from_slice(cursor.since(start).as_bytes());
            match &self.each {
                Some(node) => node.write(cursor, out),
                None => Ok(false),
            }
        })
    }
}

/// Copies the brackets, commas and white space of an object or array around what `entry` writes. An entry that
/// is not kept loses its white space and one comma.
fn container(
    cursor: &mut Cursor<'_>,
    out: &mut Vec<u8>,
    [open, close]: [u8; 2],
    mut entry: impl FnMut(&mut Cursor<'_>, &mut Vec<u8>) -> Result<bool, RewriteError>,
) -> Result<(), RewriteError> {
    cursor.enter(open)?;
    out.push(open);
    let start = cursor.at();
    cursor.white();
    if cursor.peek() == Some(close) {
        out.extend_from_slice(cursor.since(start).as_bytes());
        out.push(close);
        return cursor.leave(close);
    }
    cursor.back_to(start);
    let mut empty = true;
    loop {
        let before = out.len();
        if !empty {
            out.push(b',');
        }
        let kept = entry(cursor, out)?;
        let end = cursor.at();
        cursor.white();
        if kept {
            out.extend_from_slice(cursor.since(end).as_bytes());
            empty = false;
        } else {
            out.truncate(before);
        }
        if !cursor.take(b',') {
            cursor.leave(close)?;
            out.push(close);
            return Ok(());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edited(edits: &Edits<'_>, text: &str) -> String {
        let mut out = b"kept".to_vec();
        edits.apply(text, &mut out).unwrap();
        String::from_utf8(out).unwrap().strip_prefix("kept").unwrap().to_owned()
    }

    #[test]
    fn a_removed_member_takes_its_comma_along() {
        let mut edits = Edits::new();
        edits.remove(["a"]).remove(["c"]);
        for (text, want) in [
            (r#"{"a":1,"b":2,"c":3}"#, r#"{"b":2}"#),
            (r#"{"b":2,"a":1}"#, r#"{"b":2}"#),
            (r#"{ "a" : 1 , "b" : 2 }"#, r#"{ "b" : 2 }"#),
            (r#"{"a":{"x":[1]},"c":"}"}"#, "{}"),
            (r#"{"\u0061":1,"b":"a"}"#, r#"{"b":"a"}"#),
            (r#"{"b":{"a":1}}"#, r#"{"b":{"a":1}}"#),
            (r#"["a"]"#, r#"["a"]"#),
            ("{ }", "{ }"),
        ] {
            assert_eq!(edited(&edits, text), want);
        }
    }

    #[test]
    fn each_reaches_elements_and_members_that_no_edit_names() {
        let mut edits = Edits::new();
        edits.remove(["*", "x"]).replace(["a", "y"], "0");
        assert_eq!(edited(&edits, r#"[{"x":1,"y":2},3,{"x":4}]"#), r#"[{"y":2},3,{}]"#);
        assert_eq!(
            edited(&edits, r#"{"a":{"x":1,"y":2},"b":{"x":1,"y":2}}"#),
            r#"{"a":{"x":1,"y":0},"b":{"y":2}}"#
        );
    }

    #[test]
    fn a_member_called_star_can_be_named() {
        let mut edits = Edits::new();
        edits.remove([Step::Member("*")]);
        assert_eq!(edited(&edits, r#"{"*":1,"a":2}"#), r#"{"a":2}"#);
    }

    #[test]
    fn set_replaces_or_adds_and_add_only_adds() {
        let mut edits = Edits::new();
        edits.set(["m", "s"], "1").add(["d"], "2");
        assert_eq!(edited(&edits, "{}"), r#"{"m":{"s":1},"d":2}"#);
        assert_eq!(edited(&edits, r#"{"d":9,"m":{"s":9,"t":3}}"#), r#"{"d":9,"m":{"s":1,"t":3}}"#);
        assert_eq!(edited(&edits, r#"{"m":{"t":3} }"#), r#"{"m":{"t":3,"s":1} ,"d":2}"#);
        assert_eq!(edited(&edits, r#"{"m":null,"d":1}"#), r#"{"m":null,"d":1}"#);
    }

    #[test]
    fn a_later_edit_takes_the_place_of_an_earlier_one_of_the_same_path() {
        for (text, removed, added) in
            [("{}", "{}", r#"{"a":{"b":2}}"#), (r#"{"a":{"b":9}}"#, r#"{"a":{}}"#, r#"{"a":{"b":9}}"#)]
        {
            let mut edits = Edits::new();
            edits.set(["a", "b"], "1").remove(["a", "b"]);
            assert_eq!(edited(&edits, text), removed);
            edits.add(["a", "b"], "2");
            assert_eq!(edited(&edits, text), added);
            edits.map(["a", "b"], |_| Change::Remove);
            assert_eq!(edited(&edits, text), removed);
        }
    }

    #[test]
    fn members_below_each_entry_are_added_where_there_are_entries_and_nowhere_else() {
        let mut edits = Edits::new();
        edits.set(["a", "*", "b"], "1");
        assert_eq!(edited(&edits, r#"{"a":[{},{"b":0},3]}"#), r#"{"a":[{"b":1},{"b":1},3]}"#);
        assert_eq!(edited(&edits, "{}"), "{}");
    }

    #[test]
    fn a_map_decides_by_the_text_and_edits_below_what_it_keeps_apply() {
        let mut edits = Edits::new();
        edits
            .map(["*"], |raw| match raw {
                "1" => Change::Remove,
                "2" => Change::Replace("\"two\"".to_owned()),
                _ => Change::Keep,
            })
            .remove(["*", "a"]);
        assert_eq!(edited(&edits, r#"[1,2,3,{"a":1,"b":1},1]"#), r#"["two",3,{"b":1}]"#);
    }

    #[test]
    fn the_whole_text_can_be_edited() {
        let mut edits = Edits::new();
        edits.replace([""; 0], "7");
        assert_eq!(edited(&edits, " {} "), " 7 ");
        edits.remove([""; 0]);
        assert_eq!(edited(&edits, "{}"), "null");
    }

    #[test]
    fn an_error_leaves_the_output_as_it_was() {
        let mut edits = Edits::new();
        edits.remove(["a", "b"]);
        for bad in ["", "{\"a\":{\"b\":1}", "{\"a\":{\"b\":}}", "{\"a\":1 \"b\":2}", "{\"a\":1}}"] {
            let mut out = b"before".to_vec();
            assert!(edits.apply(bad, &mut out).is_err(), "{bad}");
            assert_eq!(out, b"before");
        }
    }
}

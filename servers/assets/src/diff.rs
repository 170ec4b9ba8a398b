//! The difference between two documents, as a JSON Patch (RFC 6902) of `add`, `remove` and `replace`.
//!
//! Applied in order, a patch makes the new document of the base, up to the order of members. Equal means written alike:
//! `true` is not `1`, and `1`, `1.0` and `1e0` are three numbers, so that a patch carries every digit; texts are equal
//! whatever escapes they are written with.
//!
//! Operations are in the order of their paths as text. Those of one array that is compared element by element stay together,
//! at the place of the array's path, in the order in which they have to be applied.

mod arrays;
mod digests;
#[cfg(test)]
mod tests;

use std::borrow::Cow;

use latimer_protocol::tape::{Kind, Node, Tape, TapeBuffer};
use serde::Serialize;
use serde_json::value::RawValue;

use crate::arguments::{Arguments, escaped};
use crate::assets::Assets;
use crate::document::{compact, raw};
use crate::reply::{Failure, Reply};

use arrays::Budget;
use digests::Digests;

/// The largest patch, in bytes. A larger one gives way to one that replaces the whole document.
const MOST_BYTES: usize = 4 << 20;

/// How arrays are compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Arrays {
    /// As one value: an array that differs is replaced.
    #[default]
    Whole,
    /// Element by element, as far as the effort is bounded; beyond that as a whole.
    Elements,
}

#[derive(Serialize)]
struct Difference<'a> {
    ok: bool,
    patch: &'a [Operation],
}

/// One operation of a patch.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Operation {
    /// `add`, `remove` or `replace`.
    pub(crate) op: &'static str,
    /// Where, as a JSON Pointer.
    pub(crate) path: String,
    /// What is put there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) value: Option<Box<RawValue>>,
}

impl Assets {
    /// The tool `diff_assets`.
    pub(crate) fn diff_assets(&self, arguments: Arguments<'_>) -> Result<Reply, Failure> {
        let mut nothing = TapeBuffer::new();
        let nothing =
            Tape::parse_into(&mut nothing, "{}").map_err(|error| Failure::Internal(error.to_string()))?;
        // Null is a document like others; only what is not there is an empty object.
        let document = |name| arguments.given(name).unwrap_or(nothing.root());
        let arrays = match arguments.text("arrays")?.as_deref() {
            None | Some("whole") => Arrays::Whole,
            Some("elements") => Arrays::Elements,
            Some(_) => return Err(Failure::at("/arrays", "arrays must be \"whole\" or \"elements\"")),
        };
        let patch = difference(&compact(document("base")), &compact(document("new")), arrays)?;
        Reply::of(&Difference { ok: true, patch: &patch })
    }
}

/// The patch that makes `new` of `base`, both JSON texts.
pub(crate) fn difference(base: &str, new: &str, arrays: Arrays) -> Result<Vec<Operation>, Failure> {
    let unread = |error: latimer_protocol::scan::ScanError| Failure::Internal(error.to_string());
    let (mut ours, mut theirs) = (TapeBuffer::new(), TapeBuffer::new());
    let base = Tape::parse_into(&mut ours, base).map_err(unread)?.root();
    let new = Tape::parse_into(&mut theirs, new).map_err(unread)?.root();
    let digests = (arrays == Arrays::Elements).then(|| (Digests::of(base), Digests::of(new)));
    let mut differ = Differ { digests, budget: Budget::default(), bytes: 0 };
    let mut units = Vec::new();
    let mut path = String::new();
    differ.values(base, new, &mut path, &mut units);
    if differ.is_too_large() {
        return Ok(vec![Operation::replace("", new)]);
    }
    units.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(units.into_iter().flat_map(|unit| unit.operations).collect())
}

/// Operations that stay together.
struct Unit {
    path: String,
    operations: Vec<Operation>,
}

impl From<Operation> for Unit {
    fn from(operation: Operation) -> Self {
        Self { path: operation.path.clone(), operations: vec![operation] }
    }
}

impl Operation {
    fn add(path: &str, value: Node<'_>) -> Self {
        Self { op: "add", path: path.to_owned(), value: Some(raw(compact(value))) }
    }

    fn replace(path: &str, value: Node<'_>) -> Self {
        Self { op: "replace", ..Self::add(path, value) }
    }

    fn remove(path: &str) -> Self {
        Self { op: "remove", path: path.to_owned(), value: None }
    }

    /// Its size as JSON, about.
    fn bytes(&self) -> usize {
        24 + self.path.len() + self.value.as_ref().map_or(0, |value| 9 + value.get().len())
    }
}

struct Differ {
    /// Of the values of both documents, where arrays are compared element by element.
    digests: Option<(Digests, Digests)>,
    budget: Budget,
    /// What the patch has so far.
    bytes: usize,
}

impl Differ {
    fn is_too_large(&self) -> bool {
        self.bytes > MOST_BYTES
    }

    fn push(&mut self, operation: Operation, units: &mut Vec<Unit>) {
        self.bytes += operation.bytes();
        if !self.is_too_large() {
            units.push(operation.into());
        }
    }

    /// What makes one value of another. As deep as a tape is: 128 levels at most.
    fn values(&mut self, base: Node<'_>, new: Node<'_>, path: &mut String, units: &mut Vec<Unit>) {
        if self.is_too_large() {
            return;
        }
        match (base.kind(), new.kind()) {
            (Kind::Object, Kind::Object) => self.objects(base, new, path, units),
            (Kind::Array, Kind::Array) if equal(base, new) => {}
            (Kind::Array, Kind::Array) if self.digests.is_some() => self.arrays(base, new, path, units),
            _ if equal(base, new) => {}
            _ => self.push(Operation::replace(path, new), units),
        }
    }

    fn objects(&mut self, base: Node<'_>, new: Node<'_>, path: &mut String, units: &mut Vec<Unit>) {
        let (ours, theirs) = (members(base), members(new));
        let (mut ours, mut theirs) = (ours.into_iter().peekable(), theirs.into_iter().peekable());
        loop {
            let order = match (ours.peek(), theirs.peek()) {
                (None, None) => return,
                (Some(_), None) => std::cmp::Ordering::Less,
                (None, Some(_)) => std::cmp::Ordering::Greater,
                (Some((ours, _)), Some((theirs, _))) => ours.cmp(theirs),
            };
            let ours = if order.is_le() { ours.next() } else { None };
            let theirs = if order.is_ge() { theirs.next() } else { None };
            let Some((name, _)) = ours.as_ref().or(theirs.as_ref()) else { return };
            let before = path.len();
            path.push('/');
            path.push_str(&escaped(name));
            match (ours.map(|(_, value)| value), theirs.map(|(_, value)| value)) {
                (Some(ours), Some(theirs)) => self.values(ours, theirs, path, units),
                (Some(_), None) => self.push(Operation::remove(path), units),
                (None, Some(theirs)) => self.push(Operation::add(path, theirs), units),
                (None, None) => {}
            }
            path.truncate(before);
        }
    }
}

/// The members of an object by name.
fn members<'a>(object: Node<'a>) -> Vec<(Cow<'a, str>, Node<'a>)> {
    let members = object.members().into_iter().flatten();
    let mut members: Vec<_> = members.map(|(name, value)| (name.decode(), value)).collect();
    members.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
    members
}

/// Whether two values are written alike, up to the order of members and escapes.
fn equal(base: Node<'_>, new: Node<'_>) -> bool {
    match (base.kind(), new.kind()) {
        (Kind::Null, Kind::Null) => true,
        (Kind::Bool, Kind::Bool) => base.as_bool() == new.as_bool(),
        (Kind::Number, Kind::Number) => base.number_text() == new.number_text(),
        (Kind::String, Kind::String) => base.string() == new.string(),
        (Kind::Array, Kind::Array) => {
            let (Some(mut ours), Some(mut theirs)) = (base.elements(), new.elements()) else { return false };
            loop {
                match (ours.next(), theirs.next()) {
                    (None, None) => return true,
                    (Some(ours), Some(theirs)) if equal(ours, theirs) => {}
                    _ => return false,
                }
            }
        }
        (Kind::Object, Kind::Object) => {
            let (ours, theirs) = (members(base), members(new));
            ours.len() == theirs.len()
                && ours.iter().zip(&theirs).all(|((ours, _), (theirs, _))| ours == theirs)
                && ours.iter().zip(&theirs).all(|((_, ours), (_, theirs))| equal(*ours, *theirs))
        }
        _ => false,
    }
}

//! The instance as the validator sees it: `jsonschema`'s representation traits over a tape.

use std::borrow::Cow;
use std::cell::Cell;
use std::iter;

use jsonschema::JsonType;
use jsonschema::json::{Array, Json, Node, NodeIdentity, Object};
use latimer_protocol::tape::{self, JsonStr, Kind, Tape};
use serde_json::{Map, Number, Value};

use super::equality;
use super::number::TextNumber;

/// JSON text behind a tape, as a representation that `jsonschema` validates.
#[derive(Debug)]
pub(super) struct TapeJson;

impl Json for TapeJson {
    type Node<'a> = Instance<'a>;
    type PreparedKey = Box<str>;
    type StringBuffer = ();

    // Looking a name up passes over the others by their lengths, which is cheaper than to hand out all of them.
    const KEYS_PER_LOOKUP: usize = 0;

    fn prepare_key(key: &str) -> Box<str> {
        key.into()
    }

    fn with_string_node<T>((): &mut (), string: &str, f: impl FnOnce(Instance<'_>) -> T) -> T {
        f(Instance { at: Place::Name(string), ration: None })
    }
}

/// How much an explanation may still cost.
///
/// `jsonschema` collects every error there is, and a hostile instance has millions. It asks the instance for each step
/// and each error, so the instance can end it: when the ration is used up, containers have no more elements, and what is
/// left to do depends on the schema alone. Errors found after that may be untrue; they are marked as stale.
#[derive(Debug)]
pub(super) struct Ration {
    errors: Cell<u32>,
    steps: Cell<usize>,
}

impl Ration {
    /// Errors at least, those within branches of `anyOf` and `oneOf` included.
    const ERRORS: u32 = 64;
    /// Members of one object; bounds the lists of unexpected names that errors hold.
    const MEMBERS: usize = 8_192;

    /// Enough to walk over `tape` a few times, and to find more errors than the `listed` ones.
    pub(super) fn for_tape(tape: Tape<'_>, listed: usize) -> Self {
        let errors = Self::ERRORS.max(u32::try_from(listed).unwrap_or(Self::ERRORS).saturating_mul(4));
        Self { errors: Cell::new(errors), steps: Cell::new(4_096 + 8 * tape.entries()) }
    }

    /// Whether there was too little to look at everything.
    pub(super) fn is_spent(&self) -> bool {
        self.errors.get() == 0 || self.steps.get() == 0
    }

    fn step(&self) -> bool {
        let steps = self.steps.get();
        self.steps.set(steps.saturating_sub(1));
        steps > 0 && self.errors.get() > 0
    }

    /// Counts an error, and answers the value to report for its instance.
    fn error(&self) -> Value {
        if self.is_spent() {
            return STALE;
        }
        self.errors.set(self.errors.get() - 1);
        Value::Null
    }
}

/// What an error reports for its instance once the ration is spent. The instance itself is never copied into an error.
const STALE: Value = Value::Bool(false);

/// Whether an error was found after its ration was spent.
pub(super) fn is_stale(reported: &Value) -> bool {
    *reported == STALE
}

/// A value of the instance.
#[derive(Debug, Clone, Copy)]
pub(super) struct Instance<'a> {
    at: Place<'a>,
    ration: Option<&'a Ration>,
}

#[derive(Debug, Clone, Copy)]
enum Place<'a> {
    Value(tape::Node<'a>),
    /// A member's name, which `propertyNames` validates like a value.
    Name(&'a str),
}

impl<'a> Instance<'a> {
    /// For a verdict.
    pub(super) fn new(tape: Tape<'a>) -> Self {
        Self { at: Place::Value(tape.root()), ration: None }
    }

    /// For an explanation within `ration`.
    pub(super) fn rationed(tape: Tape<'a>, ration: &'a Ration) -> Self {
        Self { at: Place::Value(tape.root()), ration: Some(ration) }
    }

    fn value(&self) -> Option<tape::Node<'a>> {
        match self.at {
            Place::Value(node) => Some(node),
            Place::Name(_) => None,
        }
    }

    fn of(&self, node: tape::Node<'a>) -> Self {
        Self { at: Place::Value(node), ration: self.ration }
    }

    fn kind(&self) -> Kind {
        self.value().map_or(Kind::String, tape::Node::kind)
    }
}

impl<'a> Node<'a, TapeJson> for Instance<'a> {
    type Object = Container<'a>;
    type Array = Container<'a>;
    type Number = TextNumber<'a>;

    fn as_object(&self) -> Option<Container<'a>> {
        (self.kind() == Kind::Object).then_some(Container(*self))
    }

    fn as_array(&self) -> Option<Container<'a>> {
        (self.kind() == Kind::Array).then_some(Container(*self))
    }

    fn as_string(&self) -> Option<Cow<'a, str>> {
        match self.at {
            Place::Value(node) => node.as_str(),
            Place::Name(name) => Some(Cow::Borrowed(name)),
        }
    }

    fn as_number(&self) -> Option<TextNumber<'a>> {
        self.value()?.number_text().map(TextNumber)
    }

    fn as_boolean(&self) -> Option<bool> {
        self.value()?.as_bool()
    }

    fn is_null(&self) -> bool {
        self.kind() == Kind::Null
    }

    fn is_number(&self) -> bool {
        self.kind() == Kind::Number
    }

    fn is_string(&self) -> bool {
        self.kind() == Kind::String
    }

    fn json_type(&self) -> JsonType {
        match self.kind() {
            Kind::Null => JsonType::Null,
            Kind::Bool => JsonType::Boolean,
            Kind::Number => JsonType::Number,
            Kind::String => JsonType::String,
            Kind::Array => JsonType::Array,
            Kind::Object => JsonType::Object,
        }
    }

    fn string_length(&self) -> Option<u64> {
        let count = match self.at {
            Place::Value(node) => node.string()?.char_count(),
            Place::Name(name) => name.chars().count(),
        };
        Some(count as u64)
    }

    fn equals_value(&self, expected: &Value) -> bool {
        match self.at {
            Place::Value(node) => equality::equals_value(node, expected),
            Place::Name(name) => expected.as_str() == Some(name),
        }
    }

    fn to_value(&self) -> Cow<'a, Value> {
        Cow::Owned(match (self.ration, self.at) {
            // The validator asks for this once for each error it finds.
            (Some(ration), _) => ration.error(),
            (None, Place::Value(node)) => to_value(node),
            (None, Place::Name(name)) => Value::from(name),
        })
    }

    fn identity(&self) -> Option<NodeIdentity> {
        Some(match self.at {
            // A call sees one tape, so the index alone tells its nodes apart.
            Place::Value(node) => NodeIdentity::tagged(0, node.index()),
            Place::Name(name) => NodeIdentity::tagged(name.as_ptr() as usize, u32::MAX),
        })
    }
}

/// An array or an object of the instance.
#[derive(Debug, Clone, Copy)]
pub(super) struct Container<'a>(Instance<'a>);

impl<'a> Container<'a> {
    fn raw_elements(&self) -> iter::Flatten<std::option::IntoIter<tape::Elements<'a>>> {
        self.0.value().and_then(tape::Node::elements).into_iter().flatten()
    }
}

impl<'a> Object<'a, TapeJson> for Container<'a> {
    type Node = Instance<'a>;
    type MemberName = Name<'a>;
    type MembersIter = Members<'a>;

    fn len(&self) -> usize {
        self.0.value().map_or(0, tape::Node::len)
    }

    fn is_empty(&self) -> bool {
        self.0.value().is_none_or(tape::Node::is_empty)
    }

    fn get(&self, key: &Box<str>) -> Option<Instance<'a>> {
        self.0.value()?.get(key).map(|node| self.0.of(node))
    }

    fn members(&self) -> Members<'a> {
        Members { of: self.0, left: Ration::MEMBERS, members: self.0.value().and_then(tape::Node::members) }
    }
}

impl<'a> Array<'a, TapeJson> for Container<'a> {
    type Node = Instance<'a>;
    type ElementsIter = Elements<'a>;

    fn len(&self) -> usize {
        self.0.value().map_or(0, tape::Node::len)
    }

    fn elements(&self) -> Elements<'a> {
        Elements { of: self.0, elements: self.0.value().and_then(tape::Node::elements) }
    }

    fn is_unique(&self) -> bool {
        equality::is_unique(self.raw_elements())
    }
}

/// The elements of an array, as far as the ration goes.
#[derive(Debug)]
pub(super) struct Elements<'a> {
    of: Instance<'a>,
    elements: Option<tape::Elements<'a>>,
}

impl<'a> Iterator for Elements<'a> {
    type Item = Instance<'a>;

    fn next(&mut self) -> Option<Instance<'a>> {
        if self.of.ration.is_some_and(|ration| !ration.step()) {
            return None;
        }
        self.elements.as_mut()?.next().map(|node| self.of.of(node))
    }
}

/// The members of an object, as far as the ration goes.
#[derive(Debug)]
pub(super) struct Members<'a> {
    of: Instance<'a>,
    left: usize,
    members: Option<tape::Members<'a>>,
}

impl<'a> Iterator for Members<'a> {
    type Item = (Name<'a>, Instance<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(ration) = self.of.ration {
            self.left = self.left.checked_sub(1)?;
            if !ration.step() {
                return None;
            }
        }
        let (name, value) = self.members.as_mut()?.next()?;
        Some((Name::from(name), self.of.of(value)))
    }
}

/// A member's name, decoded.
#[derive(Debug)]
pub(super) struct Name<'a>(Cow<'a, str>);

impl<'a> From<JsonStr<'a>> for Name<'a> {
    fn from(name: JsonStr<'a>) -> Self {
        Self(name.decode())
    }
}

impl AsRef<str> for Name<'_> {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl<'a> From<Name<'a>> for Cow<'a, str> {
    fn from(name: Name<'a>) -> Self {
        name.0
    }
}

/// The node as a tree. Only for what cannot be asked of a node itself; no keyword in use needs it for a verdict.
fn to_value(node: tape::Node<'_>) -> Value {
    use jsonschema::json::JsonNumber as _;

    match node.kind() {
        Kind::Null => Value::Null,
        Kind::Bool => Value::Bool(node.as_bool() == Some(true)),
        Kind::Number => Value::Number(
            node.number_text().map_or(Number::from(0), |text| TextNumber(text).to_number().into_owned()),
        ),
        Kind::String => Value::String(node.as_str().unwrap_or_default().into_owned()),
        Kind::Array => Value::Array(node.elements().into_iter().flatten().map(to_value).collect()),
        Kind::Object => {
            let members = node.members().into_iter().flatten();
            Value::Object(
                members
                    .map(|(name, value)| (name.decode().into_owned(), to_value(value)))
                    .collect::<Map<_, _>>(),
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use jsonschema::json::conformance;
    use latimer_protocol::tape::TapeBuffer;

    use super::*;

    #[test]
    fn the_tape_keeps_the_contract_of_the_validator() {
        let text = conformance::document().to_string();
        let mut buffer = TapeBuffer::new();
        let tape = Tape::parse_into(&mut buffer, &text).unwrap();
        conformance::assert_conformance::<TapeJson>(&Instance::new(tape));
    }

    #[test]
    fn a_spent_ration_ends_every_iteration() {
        let mut buffer = TapeBuffer::new();
        let tape = Tape::parse_into(&mut buffer, "[1,2,3]").unwrap();
        let ration = Ration { errors: Cell::new(1), steps: Cell::new(100) };
        let instance = Instance::rationed(tape, &ration);
        let mut elements = instance.as_array().unwrap().elements();
        assert!(!is_stale(&instance.to_value()) && ration.is_spent());
        assert!(elements.next().is_none());
        assert!(is_stale(&instance.to_value()));
    }
}

//! The instance as the validator sees it: `jsonschema`'s representation traits over a tape.

use std::borrow::Cow;
use std::cell::Cell;

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
        f(Instance(Place::Name(string)))
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

/// The text that is validated.
#[derive(Debug)]
pub(super) struct Subject<'a> {
    tape: Tape<'a>,
    /// What an explanation of it may still cost; there is none for a verdict.
    ration: Option<Ration>,
}

impl<'a> Subject<'a> {
    /// For a verdict.
    pub(super) fn new(tape: Tape<'a>) -> Self {
        Self { tape, ration: None }
    }

    /// For an explanation within a ration.
    pub(super) fn rationed(tape: Tape<'a>, ration: Ration) -> Self {
        Self { tape, ration: Some(ration) }
    }

    /// Whether there was a ration, and it was too little to look at everything.
    pub(super) fn is_spent(&self) -> bool {
        self.ration.as_ref().is_some_and(Ration::is_spent)
    }

    /// All of it.
    pub(super) fn root(&'a self) -> Instance<'a> {
        self.at(self.tape.root())
    }

    fn at(&'a self, node: tape::Node<'_>) -> Instance<'a> {
        Instance(Place::Value(self, node.index()))
    }
}

/// A value of the instance. Small, since the validator hands it on for each step.
#[derive(Debug, Clone, Copy)]
pub(super) struct Instance<'a>(Place<'a>);

#[derive(Debug, Clone, Copy)]
enum Place<'a> {
    Value(&'a Subject<'a>, u32),
    /// A member's name, which `propertyNames` validates like a value.
    Name(&'a str),
}

impl<'a> Instance<'a> {
    fn value(&self) -> Option<tape::Node<'a>> {
        match self.0 {
            Place::Value(subject, index) => Some(subject.tape.node(index)),
            Place::Name(_) => None,
        }
    }

    fn container(&self, kind: Kind) -> Option<Container<'a>> {
        match self.0 {
            Place::Value(subject, index) if subject.tape.node(index).kind() == kind => {
                Some(Container { subject, index })
            }
            _ => None,
        }
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
        self.container(Kind::Object)
    }

    fn as_array(&self) -> Option<Container<'a>> {
        self.container(Kind::Array)
    }

    fn as_string(&self) -> Option<Cow<'a, str>> {
        match self.0 {
            Place::Value(subject, index) => subject.tape.node(index).as_str(),
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
        let count = match self.0 {
            Place::Value(subject, index) => subject.tape.node(index).string()?.char_count(),
            Place::Name(name) => name.chars().count(),
        };
        Some(count as u64)
    }

    fn equals_value(&self, expected: &Value) -> bool {
        match self.0 {
            Place::Value(subject, index) => equality::equals_value(subject.tape.node(index), expected),
            Place::Name(name) => expected.as_str() == Some(name),
        }
    }

    fn to_value(&self) -> Cow<'a, Value> {
        Cow::Owned(match self.0 {
            Place::Value(Subject { tape, ration: None }, index) => to_value(tape.node(index)),
            // The validator asks for this once for each error it finds.
            Place::Value(Subject { ration: Some(ration), .. }, _) => ration.error(),
            Place::Name(name) => Value::from(name),
        })
    }

    fn identity(&self) -> Option<NodeIdentity> {
        Some(match self.0 {
            // A call sees one tape, so the index alone tells its nodes apart.
            Place::Value(_, index) => NodeIdentity::tagged(0, index),
            Place::Name(name) => NodeIdentity::tagged(name.as_ptr() as usize, u32::MAX),
        })
    }
}

/// An array or an object of the instance.
#[derive(Debug, Clone, Copy)]
pub(super) struct Container<'a> {
    subject: &'a Subject<'a>,
    index: u32,
}

impl<'a> Container<'a> {
    fn node(&self) -> tape::Node<'a> {
        self.subject.tape.node(self.index)
    }
}

impl<'a> Object<'a, TapeJson> for Container<'a> {
    type Node = Instance<'a>;
    type MemberName = Name<'a>;
    type MembersIter = Members<'a>;

    fn len(&self) -> usize {
        self.node().len()
    }

    fn is_empty(&self) -> bool {
        self.node().is_empty()
    }

    fn get(&self, key: &Box<str>) -> Option<Instance<'a>> {
        self.node().get(key).map(|node| self.subject.at(node))
    }

    fn members(&self) -> Members<'a> {
        Members { subject: self.subject, left: Ration::MEMBERS, members: self.node().members() }
    }
}

impl<'a> Array<'a, TapeJson> for Container<'a> {
    type Node = Instance<'a>;
    type ElementsIter = Elements<'a>;

    fn len(&self) -> usize {
        self.node().len()
    }

    fn elements(&self) -> Elements<'a> {
        Elements { subject: self.subject, elements: self.node().elements() }
    }

    fn is_unique(&self) -> bool {
        equality::is_unique(self.node().elements().into_iter().flatten())
    }
}

/// The elements of an array, as far as the ration goes.
#[derive(Debug)]
pub(super) struct Elements<'a> {
    subject: &'a Subject<'a>,
    elements: Option<tape::Elements<'a>>,
}

impl<'a> Iterator for Elements<'a> {
    type Item = Instance<'a>;

    fn next(&mut self) -> Option<Instance<'a>> {
        if self.subject.ration.as_ref().is_some_and(|ration| !ration.step()) {
            return None;
        }
        self.elements.as_mut()?.next().map(|node| self.subject.at(node))
    }
}

/// The members of an object, as far as the ration goes.
#[derive(Debug)]
pub(super) struct Members<'a> {
    subject: &'a Subject<'a>,
    left: usize,
    members: Option<tape::Members<'a>>,
}

impl<'a> Iterator for Members<'a> {
    type Item = (Name<'a>, Instance<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(ration) = &self.subject.ration {
            self.left = self.left.checked_sub(1)?;
            if !ration.step() {
                return None;
            }
        }
        let (name, value) = self.members.as_mut()?.next()?;
        Some((Name::from(name), self.subject.at(value)))
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
        conformance::assert_conformance::<TapeJson>(&Subject::new(tape).root());
    }

    #[test]
    fn a_spent_ration_ends_every_iteration() {
        let mut buffer = TapeBuffer::new();
        let tape = Tape::parse_into(&mut buffer, "[1,2,3]").unwrap();
        let ration = Ration { errors: Cell::new(1), steps: Cell::new(100) };
        let subject = Subject::rationed(tape, ration);
        let instance = subject.root();
        let mut elements = instance.as_array().unwrap().elements();
        assert!(!is_stale(&instance.to_value()) && subject.is_spent());
        assert!(elements.next().is_none());
        assert!(is_stale(&instance.to_value()));
    }
}

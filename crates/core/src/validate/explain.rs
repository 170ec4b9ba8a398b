//! From the errors of the validator to violations that a model can act on.

use std::fmt::Write as _;

use jsonschema::ValidationError;
use jsonschema::error::{TypeKind, ValidationErrorKind as Kind};
use latimer_protocol::tape::{Node, Tape, TapeBuffer};
use serde_json::Value;

use super::instance::{Ration, Subject, is_stale};
use super::preview::{self, quoted};
use super::schema::Compiled;
use super::suggest;
use super::violation::{Violation, Violations};

/// Says what is wrong with `tape`, which was found invalid, and lists `listed` of it.
pub(super) fn explain(
    compiled: &Compiled,
    schema: &str,
    base: Option<&str>,
    tape: Tape<'_>,
    listed: usize,
) -> Violations {
    // Every error holds a pointer to its place; names this long are no mistake of a model.
    if longest_pointer(tape.root()) > LONGEST_POINTER {
        return Violations::one(
            "",
            "does not match the schema; its property names are too long to say where",
        );
    }
    let subject = Subject::rationed(tape, Ration::for_tape(tape, listed));
    let errors: Vec<_> = compiled.iter_errors(subject.root()).collect();

    let mut buffer = TapeBuffer::new();
    let schema = Tape::parse_into(&mut buffer, schema).ok().map(Tape::root);
    let mut explainer = Explainer { instance: tape.root(), schema, base, listed, list: Vec::new(), total: 0 };
    for error in errors.iter().filter(|error| !is_stale(error.instance())) {
        explainer.add(error);
    }
    if explainer.total == 0 {
        // The ration was spent within the branches of one error. What they found in time is still true.
        errors.iter().filter(|error| has_fresh_branch(error)).take(1).for_each(|error| explainer.add(error));
    }
    if explainer.total == 0 {
        explainer.push("", "", "does not match the schema");
    }
    Violations { list: explainer.list, total: explainer.total, complete: !subject.is_spent() }
}

/// In bytes. An error holds its pointer, and there may be some hundred errors at a time.
const LONGEST_POINTER: usize = 4_096;
/// How many errors of an alternative are told.
const TOLD: usize = 3;
/// How deep alternatives within alternatives are told.
const NESTED: usize = 3;

struct Explainer<'a> {
    instance: Node<'a>,
    schema: Option<Node<'a>>,
    /// Where the schema is, if it refers to documents elsewhere.
    base: Option<&'a str>,
    listed: usize,
    list: Vec<Violation>,
    total: usize,
}

impl Explainer<'_> {
    fn add(&mut self, error: &ValidationError<'_>) {
        let (pointer, keyword) = (error.instance_path().as_str(), error.evaluation_path().as_str());
        match error.kind() {
            Kind::AdditionalProperties { unexpected } | Kind::UnevaluatedProperties { unexpected } => {
                let known = self.known_properties(error);
                for name in unexpected {
                    let message = if self.list.len() < self.listed {
                        suggest::unknown_property(name, &known)
                    } else {
                        String::new()
                    };
                    self.push(pointer, keyword, message);
                }
            }
            _ => {
                let message =
                    if self.list.len() < self.listed { self.message(error, 0) } else { String::new() };
                self.push(pointer, keyword, message);
            }
        }
    }

    fn push(&mut self, pointer: &str, keyword: &str, message: impl Into<Box<str>>) {
        self.total += 1;
        if self.list.len() < self.listed {
            self.list.push(Violation {
                pointer: pointer.into(),
                schema_pointer: keyword.into(),
                message: message.into(),
            });
        }
    }

    /// The properties that the schema names beside the keyword that found an unexpected one, if the instance does not
    /// have them already.
    fn known_properties(&self, error: &ValidationError<'_>) -> Vec<String> {
        let (Some(schema), Some((parent, _))) = (self.schema, error.schema_path().as_str().rsplit_once('/'))
        else {
            return Vec::new();
        };
        // What another document says is not kept.
        if self.is_elsewhere(error) {
            return Vec::new();
        }
        let object = self.instance.pointer(error.instance_path().as_str());
        let named =
            schema.pointer(parent).and_then(|parent| parent.get("properties")).and_then(Node::members);
        named
            .into_iter()
            .flatten()
            .take(suggest::CANDIDATES)
            .map(|(name, _)| name.decode().into_owned())
            .filter(|name| object.is_none_or(|object| object.get(name).is_none()))
            .collect()
    }

    /// Whether a keyword of another document found the error.
    fn is_elsewhere(&self, error: &ValidationError<'_>) -> bool {
        let Some(at) = error.absolute_keyword_location() else { return false };
        let Some(base) = self.base else { return false };
        let document = at.as_str().split('#').next().unwrap_or_default();
        document != base
    }

    fn got(&self, error: &ValidationError<'_>) -> String {
        self.instance.pointer(error.instance_path().as_str()).map_or_else(|| "nothing".into(), preview::node)
    }

    /// What was expected by an error, and what was found.
    fn message(&self, error: &ValidationError<'_>, nested: usize) -> String {
        if let Some(expected) = plain_expectation(error) {
            return format!("expected {expected}, got {}", self.got(error));
        }
        let count = || {
            let node = self.instance.pointer(error.instance_path().as_str());
            node.map_or(0, |node| match node.string() {
                Some(text) => text.char_count(),
                None => {
                    node.elements().map_or_else(|| node.members().map_or(0, Iterator::count), Iterator::count)
                }
            })
        };
        match error.kind() {
            Kind::Required { property } => format!("missing required property {}", preview::value(property)),
            Kind::AdditionalProperties { unexpected } | Kind::UnevaluatedProperties { unexpected } => {
                let known = self.known_properties(error);
                match unexpected.as_slice() {
                    [] => "has a property that is not allowed".into(),
                    [name] => suggest::unknown_property(name, &known),
                    [name, rest @ ..] => {
                        format!("{} and {} more", suggest::unknown_property(name, &known), rest.len())
                    }
                }
            }
            Kind::FalseSchema => format!("must not be present, got {}", self.got(error)),
            Kind::MinLength { limit } => {
                format!("expected at least {}, got {} ({})", characters(*limit), self.got(error), count())
            }
            Kind::MaxLength { limit } => {
                format!("expected at most {}, got {} ({})", characters(*limit), self.got(error), count())
            }
            Kind::MinItems { limit } => format!("expected at least {}, got {}", items(*limit), count()),
            Kind::MaxItems { limit } => format!("expected at most {}, got {}", items(*limit), count()),
            Kind::AdditionalItems { limit } => {
                format!("expected at most {}, got {}", items(*limit as u64), count())
            }
            Kind::UnevaluatedItems { unexpected } => {
                format!("has {} more than the schema allows", items(unexpected.len() as u64))
            }
            Kind::MinProperties { limit } => {
                format!("expected at least {}, got {}", properties(*limit), count())
            }
            Kind::MaxProperties { limit } => {
                format!("expected at most {}, got {}", properties(*limit), count())
            }
            Kind::UniqueItems => "expected items that differ from each other, got an item twice".into(),
            Kind::Contains => "expected items of another kind among these (contains)".into(),
            Kind::PropertyNames { error } => match error.kind() {
                Kind::Pattern { pattern } => {
                    format!("has a property whose name does not match the pattern {}", preview::text(pattern))
                }
                kind => format!("has a property whose name is not allowed ({})", kind.keyword()),
            },
            Kind::Not { schema } => {
                format!("must not match {}, got {}", preview::value(schema), self.got(error))
            }
            Kind::AnyOf { context } | Kind::OneOfNotValid { context } => {
                self.alternatives(error, context, nested)
            }
            Kind::OneOfMultipleValid { context } => {
                let matching: Vec<_> = (1..)
                    .zip(context)
                    .filter(|(_, errors)| errors.is_empty())
                    .map(|(n, _): (u32, _)| n)
                    .collect();
                let matching: Vec<_> = matching.iter().take(5).map(u32::to_string).collect();
                format!(
                    "must match exactly one of {} alternatives, but matches more (numbers {})",
                    context.len(),
                    matching.join(", ")
                )
            }
            kind => format!("does not satisfy {}, got {}", kind.keyword(), self.got(error)),
        }
    }

    /// What would have satisfied `anyOf` or `oneOf`: the alternatives, where they are simple; otherwise what the closest
    /// one lacks.
    fn alternatives(
        &self,
        error: &ValidationError<'_>,
        branches: &[Vec<ValidationError<'static>>],
        nested: usize,
    ) -> String {
        let here = error.instance_path().as_str();
        let mut simple: Vec<String> = Vec::new();
        for branch in branches {
            match branch
                .iter()
                .find(|error| error.instance_path().as_str() == here)
                .and_then(plain_expectation)
            {
                Some(expected) if !simple.contains(&expected) => simple.push(expected),
                Some(_) => {}
                None => {
                    simple.clear();
                    break;
                }
            }
        }
        if !simple.is_empty() {
            return format!("expected {}, got {}", preview::clip(&simple.join(" or ")), self.got(error));
        }

        let fresh =
            |branch: &[ValidationError<'static>]| branch.iter().any(|error| !is_stale(error.instance()));
        let closest =
            (1_usize..).zip(branches).filter(|(_, branch)| fresh(branch)).min_by_key(|(_, branch)| {
                // An alternative of another type, or with another tag, was not meant.
                let other_type = branch.iter().any(|error| {
                    matches!(error.kind(), Kind::Type { .. }) && error.instance_path().as_str() == here
                });
                let other_tag = branch
                    .iter()
                    .any(|error| matches!(error.kind(), Kind::Constant { .. } | Kind::Enum { .. }));
                (other_type, other_tag, branch.len())
            });
        let mut message = format!("matches none of {} alternatives", branches.len());
        let Some((number, branch)) = closest.filter(|_| nested < NESTED) else { return message };
        let _ = write!(message, "; for number {number}: ");
        for (index, error) in branch.iter().filter(|error| !is_stale(error.instance())).take(TOLD).enumerate()
        {
            if index > 0 {
                message.push_str("; ");
            }
            let place = error.instance_path().as_str();
            if place != here {
                let _ = write!(message, "{place}: ");
            }
            message.push_str(&self.message(error, nested + 1));
        }
        if branch.len() > TOLD {
            let _ = write!(message, "; and {} more", branch.len() - TOLD);
        }
        message
    }
}

/// What an error expected in place of the instance, where that can be said in a few words.
fn plain_expectation(error: &ValidationError<'_>) -> Option<String> {
    Some(match error.kind() {
        Kind::Type { kind: TypeKind::Single(kind) } => kind.to_string(),
        Kind::Type { kind: TypeKind::Multiple(kinds) } => {
            kinds.iter().map(|kind| kind.to_string()).collect::<Vec<_>>().join(" or ")
        }
        Kind::Constant { expected_value } => preview::value(expected_value),
        Kind::Enum { options } => match &**options {
            Value::Array(options) if options.len() > 1 => format!("one of {}", preview::list(options)),
            Value::Array(options) => preview::list(options),
            other => preview::value(other),
        },
        Kind::Minimum { limit } => format!("a number of at least {limit}"),
        Kind::Maximum { limit } => format!("a number of at most {limit}"),
        Kind::ExclusiveMinimum { limit } => format!("a number greater than {limit}"),
        Kind::ExclusiveMaximum { limit } => format!("a number less than {limit}"),
        Kind::MultipleOf { multiple_of } => format!("a multiple of {multiple_of}"),
        Kind::Pattern { pattern } => format!("a string that matches the pattern {}", preview::text(pattern)),
        Kind::Format { format } => format!("a string of format {}", quoted(format)),
        _ => return None,
    })
}

fn characters(count: u64) -> String {
    plural(count, "character", "characters")
}

fn items(count: u64) -> String {
    plural(count, "item", "items")
}

fn properties(count: u64) -> String {
    plural(count, "property", "properties")
}

fn plural(count: u64, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

fn has_fresh_branch(error: &ValidationError<'_>) -> bool {
    match error.kind() {
        Kind::AnyOf { context } | Kind::OneOfNotValid { context } => {
            context.iter().flatten().any(|error| !is_stale(error.instance()) || has_fresh_branch(error))
        }
        _ => false,
    }
}

/// The length in bytes of the longest JSON Pointer into a value, or a little more.
fn longest_pointer(root: Node<'_>) -> usize {
    /// The `/` and an index of seven digits.
    const INDEX: usize = 8;

    type Children<'a> = Box<dyn Iterator<Item = (usize, Node<'a>)> + 'a>;
    fn children(node: Node<'_>) -> Option<Children<'_>> {
        if let Some(elements) = node.elements() {
            return Some(Box::new(elements.map(|node| (INDEX, node))));
        }
        node.members().map(|members| -> Children<'_> {
            Box::new(members.map(|(name, node)| {
                let escaped = name.raw().bytes().filter(|byte| matches!(byte, b'/' | b'~')).count();
                (1 + name.raw().len() + escaped, node)
            }))
        })
    }

    let mut longest = 0;
    let mut open: Vec<(usize, Children<'_>)> =
        children(root).map(|children| (0, children)).into_iter().collect();
    while let Some((length, rest)) = open.last_mut() {
        let length = *length;
        match rest.next() {
            Some((step, node)) => {
                longest = longest.max(length + step);
                open.extend(children(node).map(|children| (length + step, children)));
            }
            None => drop(open.pop()),
        }
    }
    longest
}

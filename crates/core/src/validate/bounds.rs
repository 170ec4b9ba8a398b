//! How much work a schema may ask for at one value of the instance.
//!
//! Keywords such as `anyOf` and `$ref` apply further schemas to the same value. A chain of them costs stack at every level
//! of a recursive instance, and a few dozen definitions that each refer to the next one twice are evaluated 2^n times. So
//! both are counted when a schema is compiled (TOOL-4), from above: where a reference could lead to several places, the
//! costliest counts.

use std::collections::HashMap;
use std::iter;
use std::sync::Arc;

use latimer_protocol::tape::{Kind, Node, Tape, TapeBuffer};

use super::schema::SchemaError;

/// How many schemas may apply to one value through each other. With an instance of the deepest nesting that is half of the
/// stack of a worker thread (2 MiB).
pub(super) const CHAIN: usize = 16;
/// How many schemas may apply to one value in all.
pub(super) const APPLIED: u32 = 4_096;

/// Checks the schema on `tape` against [`CHAIN`] and [`APPLIED`].
pub(super) fn check(tape: Tape<'_>) -> Result<(), SchemaError> {
    check_documents(&[("", tape)])
}

/// Checks the schema at a URI, together with the documents that it reaches.
pub(super) fn check_all(schema: (&str, &str), reached: &[(Box<str>, Arc<str>)]) -> Result<(), SchemaError> {
    let reached = reached.iter().map(|(uri, text)| (&**uri, &**text));
    let all: Vec<_> = iter::once(schema).chain(reached).collect();
    let mut buffers: Vec<_> = all.iter().map(|_| TapeBuffer::new()).collect();
    let tapes =
        all.iter().zip(&mut buffers).map(|((uri, text), buffer)| Ok((*uri, Tape::parse_into(buffer, text)?)));
    let tapes: Vec<_> = tapes.collect::<Result<_, SchemaError>>()?;
    check_documents(&tapes)
}

fn check_documents(documents: &[(&str, Tape<'_>)]) -> Result<(), SchemaError> {
    let objects = || {
        (0_u32..).zip(documents).flat_map(|(document, (_, tape))| {
            let places =
                (0..tape.entries() as u32).map(move |index| Place { document, node: tape.node(index) });
            places.filter(|place| place.node.kind() == Kind::Object)
        })
    };
    let mut bounds = Bounds { resources: Vec::new(), anchors: HashMap::new(), applied: HashMap::new() };
    for place in objects() {
        let id = place.node.get("$id").and_then(Node::as_str);
        if place.node.index() == 0 {
            let uri = documents.get(place.document as usize).map_or("", |(uri, _)| uri);
            bounds.resources.push((last_segment(uri), place));
        }
        if let Some(id) = id {
            bounds.resources.push((last_segment(&id), place));
        }
        for keyword in ["$anchor", "$dynamicAnchor", "$id"] {
            if let Some(name) = place.node.get(keyword).and_then(Node::as_str) {
                // draft-07 writes an anchor as an `$id` that is a fragment.
                let name = name.strip_prefix('#').unwrap_or(&name).to_owned();
                bounds.anchors.entry(name).or_default().push(place);
            }
        }
    }
    objects().try_for_each(|place| bounds.applied_by(place, 0).map(drop))
}

/// A value of one of the documents.
#[derive(Clone, Copy)]
struct Place<'a> {
    document: u32,
    node: Node<'a>,
}

impl<'a> Place<'a> {
    fn of(self, node: Node<'a>) -> Self {
        Self { node, ..self }
    }
}

/// What a schema applies to one value.
#[derive(Debug, Clone, Copy, Default)]
struct Applied {
    /// How many schemas, itself included.
    count: u32,
    /// The longest way from it to another one.
    chain: usize,
}

impl Applied {
    const ITSELF: Self = Self { count: 1, chain: 0 };

    fn and(self, other: Self) -> Result<Self, SchemaError> {
        let both =
            Self { count: self.count.saturating_add(other.count), chain: self.chain.max(other.chain + 1) };
        if both.count > APPLIED || both.chain > CHAIN { Err(SchemaError::TooComplex) } else { Ok(both) }
    }
}

struct Bounds<'a> {
    /// The documents and what has an `$id` in them, by the last segment of their URIs.
    resources: Vec<(String, Place<'a>)>,
    anchors: HashMap<String, Vec<Place<'a>>>,
    /// What is known so far, by document and index on its tape. Nothing, while it is being found out: a cycle is not run
    /// through twice for one value.
    applied: HashMap<(u32, u32), Applied>,
}

impl<'a> Bounds<'a> {
    fn applied_by(&mut self, schema: Place<'a>, depth: usize) -> Result<Applied, SchemaError> {
        if schema.node.kind() != Kind::Object {
            return Ok(Applied::ITSELF);
        }
        let at = (schema.document, schema.node.index());
        if let Some(known) = self.applied.get(&at) {
            return Ok(*known);
        }
        // Keeps this walk itself from going deeper than what it allows.
        if depth > CHAIN {
            return Err(SchemaError::TooComplex);
        }
        self.applied.insert(at, Applied::default());
        let mut applied = Applied::ITSELF;
        for (keyword, value) in schema.node.members().into_iter().flatten() {
            let keyword = keyword.decode();
            match &*keyword {
                "not" | "if" | "then" | "else" => {
                    applied = applied.and(self.applied_by(schema.of(value), depth + 1)?)?;
                }
                "allOf" | "anyOf" | "oneOf" => {
                    for inner in value.elements().into_iter().flatten() {
                        applied = applied.and(self.applied_by(schema.of(inner), depth + 1)?)?;
                    }
                }
                "dependentSchemas" | "dependencies" => {
                    for (_, inner) in value.members().into_iter().flatten() {
                        applied = applied.and(self.applied_by(schema.of(inner), depth + 1)?)?;
                    }
                }
                "$ref" | "$dynamicRef" | "$recursiveRef" => {
                    // What a dynamic reference leads to may be in any document.
                    let within = (keyword == "$ref").then_some(schema.document);
                    let mut costliest = Applied::default();
                    for target in self.targets(&value.as_str().unwrap_or_default(), within) {
                        let target = self.applied_by(target, depth + 1)?;
                        costliest.count = costliest.count.max(target.count);
                        costliest.chain = costliest.chain.max(target.chain);
                    }
                    applied = applied.and(costliest)?;
                }
                _ => {}
            }
        }
        self.applied.insert(at, applied);
        Ok(applied)
    }

    /// Where a reference may lead; one that is a fragment alone, only within its document if there is one.
    fn targets(&self, reference: &str, within: Option<u32>) -> Vec<Place<'a>> {
        let (uri, fragment) = reference.split_once('#').unwrap_or((reference, ""));
        let within = within.filter(|_| uri.is_empty());
        let is_within = |place: &Place<'a>| within.is_none_or(|document| place.document == document);
        let segment = last_segment(uri);
        let named = |(last, _): &&(String, Place<'a>)| uri.is_empty() || *last == segment;
        // What is named in a way that is not seen through could be any of them.
        let is_seen = self.resources.iter().any(|resource| named(&resource));
        let resources = self.resources.iter().filter(|resource| !is_seen || named(resource));
        let resources = resources.map(|(_, place)| *place).filter(is_within);
        let fragment = percent_decoded(fragment);
        if fragment.is_empty() {
            return resources.collect();
        }
        if fragment.starts_with('/') {
            return resources.filter_map(|place| Some(place.of(place.node.pointer(&fragment)?))).collect();
        }
        self.anchors.get(&fragment).into_iter().flatten().copied().filter(is_within).collect()
    }
}

/// The last segment of a URI, decoded. References and the identifiers that they lead to agree in it, whatever is before.
fn last_segment(uri: &str) -> String {
    percent_decoded(uri.trim_end_matches('#').rsplit(['/', ':']).next().unwrap_or_default())
}

fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((byte, after)) = rest.split_first() {
        rest = after;
        let escaped = after.get(..2).and_then(|hex| u8::from_str_radix(str::from_utf8(hex).ok()?, 16).ok());
        match escaped.filter(|_| *byte == b'%') {
            Some(escaped) => {
                bytes.push(escaped);
                rest = after.get(2..).unwrap_or_default();
            }
            None => bytes.push(*byte),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(schema: &str) -> Result<(), SchemaError> {
        check(Tape::parse_into(&mut TapeBuffer::new(), schema).unwrap())
    }

    /// Definitions that each hold what `body` makes of the name of the next one.
    fn definitions(count: usize, body: impl Fn(&str) -> String) -> String {
        let defs: Vec<_> = (0..count).map(|n| format!("\"d{n}\":{}", body(&format!("d{}", n + 1)))).collect();
        format!(
            r##"{{"items":{{"$ref":"#/$defs/d0"}},"$defs":{{{},"d{count}":{{"items":{{"$ref":"#"}}}}}}}}"##,
            defs.join(",")
        )
    }

    #[test]
    fn tool_4_a_long_chain_at_one_value_is_refused() {
        let references = |count| definitions(count, |next| format!(r##"{{"$ref":"#/$defs/{next}"}}"##));
        assert_eq!(checked(&references(CHAIN - 1)), Ok(()));
        assert_eq!(checked(&references(CHAIN + 1)), Err(SchemaError::TooComplex));
        assert_eq!(checked(&references(5_000)), Err(SchemaError::TooComplex));
        // The other way round, so that each link is known before the one that leads to it.
        let backwards: Vec<_> =
            (0..50).map(|n| format!(r##""d{}":{{"$ref":"#/$defs/d{n}"}}"##, n + 1)).collect();
        let backwards = format!(r#"{{"$defs":{{"d0":true,{}}}}}"#, backwards.join(","));
        assert_eq!(checked(&backwards), Err(SchemaError::TooComplex));
        let nested = |count: usize| format!("{}true{}", r#"{"not":"#.repeat(count), "}".repeat(count));
        assert_eq!(checked(&nested(CHAIN)), Ok(()));
        assert_eq!(checked(&nested(CHAIN + 3)), Err(SchemaError::TooComplex));
    }

    #[test]
    fn tool_4_schemas_that_multiply_at_one_value_are_refused() {
        let doubling = |count| {
            definitions(count, |next| {
                format!(r##"{{"anyOf":[{{"$ref":"#/$defs/{next}"}},{{"$ref":"#/$defs/{next}"}}]}}"##)
            })
        };
        assert_eq!(checked(&doubling(7)), Ok(()));
        assert_eq!(checked(&doubling(14)), Err(SchemaError::TooComplex));
        assert_eq!(checked(&definitions(1000, |_| r#"{"type":"string"}"#.into())), Ok(()));
    }

    #[test]
    fn what_recurs_into_the_instance_is_no_chain() {
        assert_eq!(checked(r##"{"properties":{"next":{"$ref":"#"}},"allOf":[{"$ref":"#"}]}"##), Ok(()));
        let deep = format!("{}true{}", r#"{"items":"#.repeat(120), "}".repeat(120));
        assert_eq!(checked(&deep), Ok(()));
    }

    #[test]
    fn references_are_found_through_anchors_escapes_and_identifiers() {
        let chain = |reference: &str, target: &str| {
            let long = format!("{}true{}", r#"{"not":"#.repeat(CHAIN - 1), "}".repeat(CHAIN - 1));
            checked(&format!(
                r##"{{"not":{{"not":{{"$ref":"{reference}"}}}},"$defs":{{"a b":{{{target}"not":{long}}}}}}}"##
            ))
        };
        assert_eq!(chain("#/$defs/absent", ""), Ok(()));
        for (reference, target) in [
            ("#/$defs/a%20b", ""),
            ("#name", r#""$anchor":"name","#),
            ("#name", r##""$id":"#name","##),
            ("https://example.com/b", r#""$id":"https://example.com/b","#),
            ("b#", r#""$id":"https://example.com/b","#),
        ] {
            assert_eq!(chain(reference, target), Err(SchemaError::TooComplex), "{reference}");
        }
    }
}

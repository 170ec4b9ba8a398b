//! How much work a schema may ask for at one value of the instance.
//!
//! Keywords such as `anyOf` and `$ref` apply further schemas to the same value. A chain of them costs stack at every level
//! of a recursive instance, and a few dozen definitions that each refer to the next one twice are evaluated 2^n times. So
//! both are counted when a schema is compiled (TOOL-4), from above: where a reference could lead to several places, the
//! costliest counts.

use std::collections::HashMap;

use latimer_protocol::tape::{Kind, Node, Tape};

use super::schema::SchemaError;

/// How many schemas may apply to one value through each other. With an instance of the deepest nesting that is half of the
/// stack of a worker thread (2 MiB).
pub(super) const CHAIN: usize = 16;
/// How many schemas may apply to one value in all.
pub(super) const APPLIED: u32 = 4_096;

/// Checks the schema on `tape` against [`CHAIN`] and [`APPLIED`].
pub(super) fn check(tape: Tape<'_>) -> Result<(), SchemaError> {
    let objects = || {
        (0..tape.entries() as u32).map(|index| tape.node(index)).filter(|node| node.kind() == Kind::Object)
    };
    let is_resource = |node: &Node<'_>| node.index() == 0 || node.get("$id").is_some();
    let mut bounds = Bounds {
        resources: objects().filter(is_resource).collect(),
        anchors: HashMap::new(),
        applied: HashMap::new(),
    };
    for object in objects() {
        for keyword in ["$anchor", "$dynamicAnchor", "$id"] {
            if let Some(name) = object.get(keyword).and_then(Node::as_str) {
                // draft-07 writes an anchor as an `$id` that is a fragment.
                let name = name.strip_prefix('#').unwrap_or(&name).to_owned();
                bounds.anchors.entry(name).or_default().push(object);
            }
        }
    }
    objects().try_for_each(|object| bounds.applied_by(object, 0).map(drop))
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
    resources: Vec<Node<'a>>,
    anchors: HashMap<String, Vec<Node<'a>>>,
    /// What is known so far, by index on the tape. Nothing, while it is being found out: a cycle is not run through twice
    /// for one value.
    applied: HashMap<u32, Applied>,
}

impl<'a> Bounds<'a> {
    fn applied_by(&mut self, schema: Node<'a>, depth: usize) -> Result<Applied, SchemaError> {
        if schema.kind() != Kind::Object {
            return Ok(Applied::ITSELF);
        }
        if let Some(known) = self.applied.get(&schema.index()) {
            return Ok(*known);
        }
        // Keeps this walk itself from going deeper than what it allows.
        if depth > CHAIN {
            return Err(SchemaError::TooComplex);
        }
        self.applied.insert(schema.index(), Applied::default());
        let mut applied = Applied::ITSELF;
        for (keyword, value) in schema.members().into_iter().flatten() {
            match &*keyword.decode() {
                "not" | "if" | "then" | "else" => {
                    applied = applied.and(self.applied_by(value, depth + 1)?)?;
                }
                "allOf" | "anyOf" | "oneOf" => {
                    for schema in value.elements().into_iter().flatten() {
                        applied = applied.and(self.applied_by(schema, depth + 1)?)?;
                    }
                }
                "dependentSchemas" | "dependencies" => {
                    for (_, schema) in value.members().into_iter().flatten() {
                        applied = applied.and(self.applied_by(schema, depth + 1)?)?;
                    }
                }
                "$ref" | "$dynamicRef" | "$recursiveRef" => {
                    let mut costliest = Applied::default();
                    for target in self.targets(&value.as_str().unwrap_or_default()) {
                        let target = self.applied_by(target, depth + 1)?;
                        costliest.count = costliest.count.max(target.count);
                        costliest.chain = costliest.chain.max(target.chain);
                    }
                    applied = applied.and(costliest)?;
                }
                _ => {}
            }
        }
        self.applied.insert(schema.index(), applied);
        Ok(applied)
    }

    /// Where a reference may lead within the schema.
    fn targets(&self, reference: &str) -> Vec<Node<'a>> {
        let fragment = reference.split_once('#').map_or("", |(_, fragment)| fragment);
        let fragment = percent_decoded(fragment);
        if fragment.is_empty() {
            return if reference == "#" && self.resources.len() == 1 {
                self.resources.clone()
            } else {
                self.resources.iter().copied().filter(|resource| could_be(*resource, reference)).collect()
            };
        }
        if fragment.starts_with('/') {
            return self.resources.iter().filter_map(|resource| resource.pointer(&fragment)).collect();
        }
        self.anchors.get(&fragment).cloned().unwrap_or_default()
    }
}

/// Whether a reference without a fragment may name a resource: their last segments agree, or it is `#`.
fn could_be(resource: Node<'_>, reference: &str) -> bool {
    let reference = reference.trim_end_matches('#');
    let id = resource.get("$id").and_then(Node::as_str).unwrap_or_default();
    let last = |uri: &str| uri.trim_end_matches('#').rsplit(['/', ':']).next().unwrap_or_default().to_owned();
    reference.is_empty() || last(&id) == last(reference)
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
    use latimer_protocol::tape::TapeBuffer;

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

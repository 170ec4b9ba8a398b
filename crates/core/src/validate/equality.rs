//! Equality as JSON Schema means it, over the tape: `const`, `enum` and `uniqueItems`.
//!
//! Numbers are equal by value, objects whatever the order of their members. Time is near linear for instances made to
//! be slow: large objects are compared sorted, and `uniqueItems` groups its elements by a keyed hash first.

use std::hash::{BuildHasher, Hash, Hasher, RandomState};

use latimer_protocol::tape::{Kind, Node};
use serde_json::Value;

use super::number::TextNumber;

/// Whether a node equals a value of the schema.
pub(super) fn equals_value(node: Node<'_>, expected: &Value) -> bool {
    match expected {
        Value::Null => node.is_null(),
        Value::Bool(expected) => node.as_bool() == Some(*expected),
        Value::Number(expected) => node.number_text().is_some_and(|text| TextNumber(text).equals(expected)),
        Value::String(expected) => node.string().is_some_and(|text| text == **expected),
        Value::Array(expected) => node.elements().is_some_and(|mut elements| {
            expected.iter().all(|value| elements.next().is_some_and(|element| equals_value(element, value)))
                && elements.next().is_none()
        }),
        Value::Object(expected) => node.members().is_some_and(|members| {
            let mut matched = 0;
            for (name, value) in members {
                // The length first: it keeps an object that is far too large from being decoded.
                if matched == expected.len()
                    || !expected.get(&*name.decode()).is_some_and(|expected| equals_value(value, expected))
                {
                    return false;
                }
                matched += 1;
            }
            matched == expected.len()
        }),
    }
}

/// Whether all elements of an array differ from each other.
pub(super) fn is_unique<'a>(elements: impl Iterator<Item = Node<'a>> + Clone) -> bool {
    const PAIRWISE: usize = 8;
    let count = elements.clone().take(PAIRWISE + 1).count();
    if count <= PAIRWISE {
        let mut rest = elements;
        while let Some(first) = rest.next() {
            if rest.clone().any(|other| equal(first, other)) {
                return false;
            }
        }
        return true;
    }
    let state = RandomState::new();
    let Some(tape) = elements.clone().next().map(Node::tape) else { return true };
    // Half of the hash is enough to tell apart what a message can hold, and keeps this as small as the tape.
    let mut hashed: Vec<(u32, u32)> = Vec::new();
    hashed.reserve_exact(elements.clone().count());
    hashed.extend(elements.map(|element| (hash(element, &state) as u32, element.index())));
    hashed.sort_unstable();
    // Nobody can make different elements share a hash without knowing its key, so groups of more than a few are equal
    // elements, and the first comparison settles them.
    hashed.chunk_by(|left, right| left.0 == right.0).all(|group| {
        let mut rest = group;
        while let Some(((_, first), others)) = rest.split_first() {
            if others.iter().any(|(_, other)| equal(tape.node(*first), tape.node(*other))) {
                return false;
            }
            rest = others;
        }
        true
    })
}

/// Whether two nodes are equal.
fn equal(left: Node<'_>, right: Node<'_>) -> bool {
    match (left.kind(), right.kind()) {
        (Kind::Null, Kind::Null) => true,
        (Kind::Bool, Kind::Bool) => left.as_bool() == right.as_bool(),
        (Kind::Number, Kind::Number) => match (left.number_text(), right.number_text()) {
            (Some(left), Some(right)) => TextNumber(left).decimal() == TextNumber(right).decimal(),
            _ => false,
        },
        (Kind::String, Kind::String) => left.string() == right.string(),
        (Kind::Array, Kind::Array) => match (left.elements(), right.elements()) {
            (Some(mut left), Some(mut right)) => loop {
                match (left.next(), right.next()) {
                    (None, None) => break true,
                    (Some(left), Some(right)) if equal(left, right) => {}
                    _ => break false,
                }
            },
            _ => false,
        },
        (Kind::Object, Kind::Object) => equal_objects(left, right),
        _ => false,
    }
}

fn equal_objects(left: Node<'_>, right: Node<'_>) -> bool {
    let (Some(ours), Some(theirs)) = (left.members(), right.members()) else { return false };
    // Mostly the members stand in one order. Names alone decide that: values looked at twice here would be looked at
    // 2^depth times below.
    let mut names = (ours.clone(), theirs.clone());
    let in_step = loop {
        match (names.0.next(), names.1.next()) {
            (None, None) => break true,
            (Some((our_name, _)), Some((their_name, _))) if our_name == their_name => {}
            (Some(_), Some(_)) => break false,
            _ => return false,
        }
    };
    if in_step {
        return ours.zip(theirs).all(|((_, ours), (_, theirs))| equal(ours, theirs));
    }
    let (our_names, their_names) = (names_in_order(left), names_in_order(right));
    our_names.len() == their_names.len()
        && our_names
            .iter()
            .zip(&their_names)
            .all(|(ours, theirs)| left.tape().node(*ours).string() == right.tape().node(*theirs).string())
        && our_names
            .iter()
            .zip(&their_names)
            .all(|(ours, theirs)| equal(left.tape().node(ours + 1), right.tape().node(theirs + 1)))
}

/// Where the names of an object's members stand on its tape, sorted by name.
fn names_in_order(object: Node<'_>) -> Vec<u32> {
    let members = || object.members().into_iter().flatten();
    let mut names = Vec::new();
    names.reserve_exact(members().count());
    names.extend(members().map(|(_, value)| value.index() - 1));
    names.sort_unstable_by_key(|name| object.tape().node(*name).string());
    names
}

/// A hash that equal nodes share.
fn hash(node: Node<'_>, state: &RandomState) -> u64 {
    let mut hasher = state.build_hasher();
    hash_into(node, state, &mut hasher);
    hasher.finish()
}

fn hash_into(node: Node<'_>, state: &RandomState, hasher: &mut impl Hasher) {
    match node.kind() {
        Kind::Null => hasher.write_u8(0),
        Kind::Bool => (1_u8, node.as_bool()).hash(hasher),
        Kind::Number => {
            let decimal = TextNumber(node.number_text().unwrap_or_default()).decimal();
            (2_u8, decimal.scale()).hash(hasher);
            decimal.significant().for_each(|digit| hasher.write_u8(digit));
        }
        Kind::String => {
            hasher.write_u8(3);
            if let Some(text) = node.string() {
                text.chars().for_each(|char| hasher.write_u32(char.into()));
            }
        }
        Kind::Array => {
            hasher.write_u8(4);
            let mut count = 0_u64;
            for element in node.elements().into_iter().flatten() {
                hash_into(element, state, hasher);
                count += 1;
            }
            hasher.write_u64(count);
        }
        Kind::Object => {
            // A sum, since order does not count.
            let mut sum = 0_u64;
            for (name, value) in node.members().into_iter().flatten() {
                let mut member = state.build_hasher();
                name.chars().for_each(|char| member.write_u32(char.into()));
                member.write_u8(5);
                hash_into(value, state, &mut member);
                sum = sum.wrapping_add(member.finish());
            }
            (6_u8, sum).hash(hasher);
        }
    }
}

#[cfg(test)]
mod tests {
    use latimer_protocol::tape::{Tape, TapeBuffer};

    use super::*;

    fn same(left: &str, right: &str) -> bool {
        let (mut ours, mut theirs) = (TapeBuffer::new(), TapeBuffer::new());
        let left = Tape::parse_into(&mut ours, left).unwrap().root();
        let right = Tape::parse_into(&mut theirs, right).unwrap().root();
        let state = RandomState::new();
        let same = equal(left, right);
        assert_eq!(same, equal(right, left), "symmetric");
        assert!(!same || hash(left, &state) == hash(right, &state), "equal values share a hash");
        same
    }

    fn unique(text: &str) -> bool {
        let mut buffer = TapeBuffer::new();
        is_unique(Tape::parse_into(&mut buffer, text).unwrap().root().elements().unwrap())
    }

    #[test]
    fn equality_looks_at_values_not_at_spelling() {
        assert!(same("1", "1.0"));
        assert!(same(r#""\u0061\n""#, r#""a\u000a""#));
        assert!(same(r#"{"a":1,"b":[true,null]}"#, r#" { "b" : [true,null], "\u0061" : 10e-1 } "#));
        for (left, right) in [
            ("1", "true"),
            ("0", "null"),
            ("\"1\"", "1"),
            ("[1,2]", "[2,1]"),
            ("[1]", "[1,1]"),
            (r#"{"a":1}"#, r#"{"a":1,"b":1}"#),
            (r#"{"a":1,"b":2}"#, r#"{"b":1,"a":2}"#),
            (r#"{"a":1,"b":2}"#, r#"{"a":1,"c":2}"#),
            ("{}", "[]"),
            ("9007199254740992", "9007199254740993"),
        ] {
            assert!(!same(left, right), "{left} ≠ {right}");
        }
    }

    #[test]
    fn duplicates_are_found_in_short_and_long_arrays() {
        assert!(unique("[]") && unique("[1,2,3]") && !unique("[1,2,1.0]"));
        let many: Vec<String> = (0..1000).map(|n| format!(r#"{{"n":{n},"m":0}}"#)).collect();
        assert!(unique(&format!("[{}]", many.join(","))));
        assert!(!unique(&format!(r#"[{},{{"m":0.0,"n":7e0}}]"#, many.join(","))));
    }

    #[test]
    fn objects_in_another_order_at_every_depth_are_compared_in_linear_time() {
        let nest = |open: &str, close: &str| format!("{}0{}", open.repeat(120), close.repeat(120));
        assert!(same(&nest(r#"{"a":"#, r#","b":1,"c":2}"#), &nest(r#"{"a":"#, r#","c":2,"b":1}"#)));
    }
}

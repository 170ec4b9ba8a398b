use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn patch(base: &str, new: &str, arrays: Arrays) -> String {
    serde_json::to_string(&difference(base, new, arrays).unwrap()).unwrap()
}

/// Applies a patch to text, with our own eyes: a tree whose numbers keep their spelling.
fn applied(base: &str, operations: &[Operation]) -> Tree {
    let mut tree = Tree::parse(base);
    for operation in operations {
        let value = operation.value.as_ref().map(|value| Tree::parse(value.get()));
        let Some((parent, last)) = operation.path.rsplit_once('/') else {
            assert_eq!((operation.path.as_str(), operation.op), ("", "replace"));
            tree = value.unwrap();
            continue;
        };
        let mut at = &mut tree;
        let decode = |segment: &str| segment.replace("~1", "/").replace("~0", "~");
        for segment in parent.split('/').skip(1) {
            at = match at {
                Tree::Array(elements) => &mut elements[segment.parse::<usize>().unwrap()],
                Tree::Object(members) => members.get_mut(&decode(segment)).unwrap(),
                Tree::Plain(_) => panic!("{} leads into a plain value", operation.path),
            };
        }
        match (at, operation.op) {
            (Tree::Object(members), "add") => assert!(members.insert(decode(last), value.unwrap()).is_none()),
            (Tree::Object(members), "replace") => {
                assert!(members.insert(decode(last), value.unwrap()).is_some());
            }
            (Tree::Object(members), "remove") => assert!(members.remove(&decode(last)).is_some()),
            (Tree::Array(elements), "add") => elements.insert(last.parse().unwrap(), value.unwrap()),
            (Tree::Array(elements), "replace") => elements[last.parse::<usize>().unwrap()] = value.unwrap(),
            (Tree::Array(elements), "remove") => drop(elements.remove(last.parse().unwrap())),
            (_, op) => panic!("{op} at {}", operation.path),
        }
    }
    tree
}

#[derive(Clone, Debug, PartialEq)]
enum Tree {
    Plain(String),
    Array(Vec<Tree>),
    Object(std::collections::BTreeMap<String, Tree>),
}

impl Tree {
    fn parse(text: &str) -> Self {
        fn tree(node: Node<'_>) -> Tree {
            match node.kind() {
                Kind::Array => Tree::Array(node.elements().unwrap().map(tree).collect()),
                Kind::Object => {
                    let members = node.members().unwrap();
                    Tree::Object(members.map(|(name, value)| (name.decode().into(), tree(value))).collect())
                }
                Kind::String => Tree::Plain(format!("\"{}", node.as_str().unwrap())),
                _ => Tree::Plain(compact(node)),
            }
        }
        tree(Tape::parse_into(&mut TapeBuffer::new(), text).unwrap().root())
    }
}

fn json() -> impl Strategy<Value = Value> {
    let scalar = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-2_i64..3).prop_map(Value::from),
        Just(json!(1.0)),
        Just(json!(u64::MAX)),
        "[ab/~\\-é\"]{0,2}".prop_map(Value::from),
    ];
    scalar.prop_recursive(4, 48, 6, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            proptest::collection::btree_map("[ab/~\\-]{0,2}", inner, 0..5)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// A document, and one that has much in common with it.
fn pair() -> impl Strategy<Value = (Value, Value)> {
    let other = |base: Value| {
        let changed = base.clone();
        let near = (any::<prop::sample::Index>(), json())
            .prop_map(move |(at, value)| change(changed.clone(), at, &value));
        (Just(base), prop_oneof![4 => near, 1 => json()])
    };
    json().prop_flat_map(other)
}

/// Puts a value somewhere into a document, or in place of something there.
fn change(mut document: Value, at: prop::sample::Index, value: &Value) -> Value {
    match &mut document {
        Value::Array(elements) if elements.is_empty() || at.index(3) == 0 => {
            elements.insert(at.index(elements.len() + 1), value.clone());
        }
        Value::Array(elements) => {
            let place = at.index(elements.len());
            if at.index(5) == 1 {
                elements.remove(place);
            } else {
                elements[place] = change(elements[place].clone(), at, value);
            }
        }
        Value::Object(members) if !members.is_empty() => {
            let key = members.keys().nth(at.index(members.len())).unwrap().clone();
            let inner = members.remove(&key).unwrap();
            if at.index(4) != 1 {
                members.insert(key, change(inner, at, value));
            }
        }
        other => *other = value.clone(),
    }
    document
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn a_patch_makes_the_new_document_of_the_base((base, new) in pair(), elements in any::<bool>()) {
        let arrays = if elements { Arrays::Elements } else { Arrays::Whole };
        let (base_text, new_text) = (base.to_string(), new.to_string());
        let operations = difference(&base_text, &new_text, arrays).unwrap();
        prop_assert_eq!(applied(&base_text, &operations), Tree::parse(&new_text));

        let text = serde_json::to_string(&operations).unwrap();
        let independent: json_patch::Patch = serde_json::from_str(&text).unwrap();
        let mut document = base;
        json_patch::patch(&mut document, &independent).unwrap();
        prop_assert_eq!(document, new);
    }

    #[test]
    fn equal_documents_have_an_empty_patch_and_equal_pairs_the_same_one((base, new) in pair(), elements in any::<bool>()) {
        let arrays = if elements { Arrays::Elements } else { Arrays::Whole };
        let pretty = |value: &Value| serde_json::to_string_pretty(value).unwrap();
        prop_assert_eq!(patch(&base.to_string(), &pretty(&base), arrays), "[]");
        let once = patch(&base.to_string(), &new.to_string(), arrays);
        prop_assert_eq!(patch(&pretty(&base), &pretty(&new), arrays), once);
    }

    #[test]
    fn the_operations_of_whole_arrays_are_sorted_by_path((base, new) in pair()) {
        let operations = difference(&base.to_string(), &new.to_string(), Arrays::Whole).unwrap();
        prop_assert!(operations.is_sorted_by(|a, b| a.path < b.path));
    }
}

#[test]
fn what_is_written_otherwise_is_replaced() {
    for (base, new, expected) in [
        ("true", "1", r#"[{"op":"replace","path":"","value":1}]"#),
        ("1", "1.0", r#"[{"op":"replace","path":"","value":1.0}]"#),
        ("[]", "{}", r#"[{"op":"replace","path":"","value":{}}]"#),
        (r#"{"a":0}"#, r#"{"a":false}"#, r#"[{"op":"replace","path":"/a","value":false}]"#),
        (
            r#"{"a":18446744073709551615}"#,
            r#"{"a":18446744073709551616,"b":1e400}"#,
            r#"[{"op":"replace","path":"/a","value":18446744073709551616},{"op":"add","path":"/b","value":1e400}]"#,
        ),
        (r#"{"":1}"#, "{}", r#"[{"op":"remove","path":"/"}]"#),
        (
            r#"{"a/b":1,"m~n":2}"#,
            r#"{"m~n":3}"#,
            r#"[{"op":"remove","path":"/a~1b"},{"op":"replace","path":"/m~0n","value":3}]"#,
        ),
        (
            r#"{"a":{"b":1},"a-b":1}"#,
            r#"{"a":{"b":2},"a-b":2}"#,
            r#"[{"op":"replace","path":"/a-b","value":2},{"op":"replace","path":"/a/b","value":2}]"#,
        ),
        ("{\"a\":\"\\u00e9\"}", "{\"a\":\"é\"}", "[]"),
        ("{\"a\":[1,2]}", "{\"a\":[2,1]}", r#"[{"op":"replace","path":"/a","value":[2,1]}]"#),
    ] {
        assert_eq!(patch(base, new, Arrays::Whole), expected, "{base} {new}");
    }
}

#[test]
fn elements_come_go_and_change_at_their_places() {
    for (base, new, expected) in [
        ("[1,2,3]", "[1,3]", r#"[{"op":"remove","path":"/1"}]"#),
        ("[1,3]", "[1,2,3,4]", r#"[{"op":"replace","path":"","value":[1,2,3,4]}]"#),
        (
            r#"["the first of some words","the third of some words"]"#,
            r#"["the first of some words","b","the third of some words","d"]"#,
            r#"[{"op":"add","path":"/1","value":"b"},{"op":"add","path":"/3","value":"d"}]"#,
        ),
        (
            r#"[{"name":"a long name that stays","n":1},{"name":"another long name that stays","n":2}]"#,
            r#"[{"name":"a long name that stays","n":1},{"name":"another long name that stays","n":3}]"#,
            r#"[{"op":"replace","path":"/1/n","value":3}]"#,
        ),
        (
            "[[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19],7]",
            "[[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18],7]",
            r#"[{"op":"remove","path":"/0/18"}]"#,
        ),
    ] {
        assert_eq!(patch(base, new, Arrays::Elements), expected, "{base} {new}");
    }
}

#[test]
fn arrays_that_would_take_too_long_to_compare_are_replaced() {
    let numbers = |from: usize| {
        let numbers: Vec<_> = (from..from + 2_000).map(|n| n.to_string()).collect();
        format!("[{},0]", numbers.join(","))
    };
    let operations = difference(&numbers(1), &numbers(1_001), Arrays::Elements).unwrap();
    assert_eq!(operations.len(), 1);
    assert_eq!((operations[0].op, operations[0].path.as_str()), ("replace", ""));
    // What both begin and end with is free.
    let long = numbers(1).replace(",1000,", ",");
    assert_eq!(patch(&numbers(1), &long, Arrays::Elements), r#"[{"op":"remove","path":"/999"}]"#);
}

#[test]
fn a_patch_that_would_be_much_larger_than_the_document_replaces_it() {
    let document = |value: u8| {
        let members: Vec<_> = (0..1_000).map(|n| format!("\"{n}\":{value}")).collect();
        format!("{{\"{}\":{{{}}}}}", "long".repeat(2_000), members.join(","))
    };
    let operations = difference(&document(0), &document(1), Arrays::Whole).unwrap();
    assert_eq!((operations.len(), operations[0].path.as_str()), (1, ""));
}

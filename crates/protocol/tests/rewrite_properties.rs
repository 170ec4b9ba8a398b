//! The span rewriter on arbitrary JSON, and on arbitrary text.
#![allow(clippy::unwrap_used, reason = "a test that cannot unwrap has failed")]

use latimer_protocol::rewrite::{Change, Edits, elements, members};
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::Value;

fn white() -> impl Strategy<Value = &'static str> {
    prop_oneof![4 => Just(""), 1 => Just(" "), 1 => Just("\n\t ")]
}

fn key() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("\"a\"".to_owned()),
        Just("\"\\u0061\"".to_owned()),
        Just("\"b\"".to_owned()),
        Just("\"*\"".to_owned()),
        any::<String>().prop_map(|text| serde_json::to_string(&text).unwrap()),
    ]
}

/// JSON text with odd spellings and white space.
fn json() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("1.50e+1".to_owned()),
        Just("-0".to_owned()),
        Just("null".to_owned()),
        Just("true".to_owned()),
        any::<String>().prop_map(|text| serde_json::to_string(&text).unwrap()),
    ];
    leaf.prop_recursive(4, 48, 5, |inner| {
        let spaced = |part: BoxedStrategy<String>| {
            (white(), part, white()).prop_map(|(before, part, after)| format!("{before}{part}{after}"))
        };
        let member =
            (key(), white(), inner.clone()).prop_map(|(key, white, value)| format!("{key}{white}:{value}"));
        prop_oneof![
            vec(spaced(inner.boxed()), 0..5).prop_map(|items| format!("[{}]", items.join(","))),
            vec(spaced(member.boxed()), 0..5).prop_map(|items| format!("{{{}}}", items.join(","))),
        ]
    })
}

/// Walks everything and changes nothing.
fn idle() -> Edits<'static> {
    let mut edits = Edits::new();
    edits
        .map([""; 0], |_| Change::Keep)
        .map(["*"], |_| Change::Keep)
        .map(["*", "*"], |_| Change::Keep)
        .map(["a", "*"], |_| Change::Keep)
        .map(["*", "*", "*"], |_| Change::Keep);
    edits
}

fn without_a(value: &mut Value) {
    match value {
        Value::Object(object) => {
            object.remove("a");
            object.values_mut().for_each(drop_b);
        }
        Value::Array(items) => items.iter_mut().for_each(drop_b),
        _ => {}
    }
}

fn drop_b(value: &mut Value) {
    if let Value::Object(object) = value {
        object.remove("b");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn without_a_change_every_byte_is_copied(text in json()) {
        let mut out = Vec::new();
        idle().apply(&text, &mut out).unwrap();
        prop_assert_eq!(String::from_utf8(out).unwrap(), text);
    }

    #[test]
    fn removing_is_what_removing_from_a_tree_is(text in json()) {
        let mut edits = Edits::new();
        edits.remove(["a"]).remove(["*", "b"]);
        let mut out = Vec::new();
        edits.apply(&text, &mut out).unwrap();
        let mut want: Value = serde_json::from_str(&text).unwrap();
        without_a(&mut want);
        prop_assert_eq!(serde_json::from_slice::<Value>(&out).unwrap(), want);
    }

    #[test]
    fn setting_is_what_setting_in_a_tree_is(text in json()) {
        let mut edits = Edits::new();
        edits.set(["a"], "[1]").set(["new", "x"], "2");
        let mut out = Vec::new();
        edits.apply(&text, &mut out).unwrap();
        let mut want: Value = serde_json::from_str(&text).unwrap();
        if let Value::Object(object) = &mut want {
            object.insert("a".to_owned(), serde_json::json!([1]));
            if let Value::Object(new) = object.entry("new").or_insert_with(|| serde_json::json!({})) {
                new.insert("x".to_owned(), serde_json::json!(2));
            }
        }
        prop_assert_eq!(serde_json::from_slice::<Value>(&out).unwrap(), want);
    }

    #[test]
    fn members_and_elements_are_those_of_the_tree(text in json()) {
        match serde_json::from_str::<Value>(&text).unwrap() {
            Value::Object(_) => {
                let mut seen = serde_json::Map::new();
                for member in members(&text) {
                    let (key, value) = member.unwrap();
                    seen.insert(key.into_owned(), serde_json::from_str(value).unwrap());
                }
                prop_assert_eq!(Value::Object(seen), serde_json::from_str::<Value>(&text).unwrap());
            }
            Value::Array(items) => {
                let seen: Vec<Value> = elements(&text).map(|item| serde_json::from_str(item.unwrap()).unwrap()).collect();
                prop_assert_eq!(seen, items);
            }
            _ => prop_assert!(members(&text).next().unwrap().is_err() && elements(&text).next().unwrap().is_err()),
        }
    }

    #[test]
    fn mutilated_text_never_panics(text in json(), cut in any::<proptest::sample::Index>(), extra in "[\\[\\]{}:,\"\\\\a1 ]{0,3}") {
        let mut at = cut.index(text.len() + 1);
        while !text.is_char_boundary(at) {
            at -= 1;
        }
        let text = format!("{}{extra}{}", &text[..at], text.get(at + 1..).unwrap_or_default());
        let mut out = Vec::new();
        let sound = serde_json::from_str::<Value>(&text).is_ok();
        let edited = idle().apply(&text, &mut out);
        if sound {
            prop_assert!(edited.is_ok());
        }
        if edited.is_err() {
            prop_assert!(out.is_empty());
        }
        members(&text).for_each(drop);
        elements(&text).for_each(drop);
    }
}

//! JSON Schema as tools use it: verdicts, the words for what is wrong, and instances made to be expensive.

use latimer_core::validate::{Options, Validator, Violation, Violations};
use proptest::prelude::*;
use serde_json::{Value, json};

fn validator(schema: &str) -> Validator {
    Validator::compile(schema).unwrap_or_else(|error| panic!("{schema}: {error}"))
}

fn violations(schema: &str, instance: &str) -> Violations {
    validator(schema).check(instance).expect_err(instance)
}

/// What is said about an instance, or "" if it is valid.
fn said(schema: &str, instance: &str) -> String {
    validator(schema).check(instance).map_or_else(|violations| violations.to_string(), |()| String::new())
}

#[test]
fn every_keyword_says_what_it_expected() {
    for (schema, instance, expected) in [
        (r#"{"type":"integer"}"#, r#""abc""#, r#"/: expected integer, got "abc""#),
        (r#"{"type":["integer","null"]}"#, "1.5", "/: expected null or integer, got 1.5"),
        (
            r#"{"properties":{"age":{"type":"integer"}}}"#,
            r#"{"age":"x"}"#,
            r#"/age: expected integer, got "x""#,
        ),
        (r#"{"required":["name"]}"#, "{}", r#"/: missing required property "name""#),
        (r#"{"enum":["asc","desc"]}"#, r#""up""#, r#"/: expected one of "asc", "desc", got "up""#),
        (r#"{"const":{"a":[1]}}"#, r#"{"a":[2]}"#, r#"/: expected {"a":[1]}, got {"a":[2]}"#),
        (r#"{"minimum":3}"#, "2", "/: expected a number of at least 3, got 2"),
        (r#"{"maximum":3}"#, "3.5", "/: expected a number of at most 3, got 3.5"),
        (r#"{"exclusiveMinimum":3}"#, "3", "/: expected a number greater than 3, got 3"),
        (r#"{"exclusiveMaximum":3}"#, "3", "/: expected a number less than 3, got 3"),
        (r#"{"multipleOf":0.1}"#, "0.25", "/: expected a multiple of 0.1, got 0.25"),
        (r#"{"minLength":3}"#, r#""\u00e4b""#, r#"/: expected at least 3 characters, got "\u00e4b" (2)"#),
        (r#"{"maxLength":1}"#, r#""ab""#, r#"/: expected at most 1 character, got "ab" (2)"#),
        (r#"{"pattern":"^a+$"}"#, r#""b""#, r#"/: expected a string that matches the pattern ^a+$, got "b""#),
        (r#"{"minItems":2}"#, "[1]", "/: expected at least 2 items, got 1"),
        (r#"{"maxItems":1}"#, "[1,2]", "/: expected at most 1 item, got 2"),
        (
            r#"{"uniqueItems":true}"#,
            "[1,1.0]",
            "/: expected items that differ from each other, got an item twice",
        ),
        (r#"{"prefixItems":[true],"items":false}"#, "[1,2]", "/1: must not be present, got 2"),
        (r#"{"minProperties":1}"#, "{}", "/: expected at least 1 property, got 0"),
        (r#"{"maxProperties":0}"#, r#"{"a":1}"#, "/: expected at most 0 properties, got 1"),
        (r#"{"dependentRequired":{"a":["b"]}}"#, r#"{"a":1}"#, r#"/: missing required property "b""#),
        (
            r#"{"properties":{"name":true},"additionalProperties":false}"#,
            r#"{"nmae":1}"#,
            r#"/: unknown property "nmae" (did you mean "name"?)"#,
        ),
        (
            r#"{"allOf":[{"properties":{"a":true}}],"unevaluatedProperties":false}"#,
            r#"{"b":1}"#,
            r#"/: unknown property "b""#,
        ),
        (r#"{"properties":{"a":false}}"#, r#"{"a":1}"#, "/a: must not be present, got 1"),
        (r#"{"not":{"type":"null"}}"#, "null", r#"/: must not match {"type":"null"}, got null"#),
        (r#"{"anyOf":[{"type":"string"},{"type":"null"}]}"#, "1", "/: expected string or null, got 1"),
        (r#"{"oneOf":[{"const":"a"},{"const":"b"}]}"#, "1", r#"/: expected "a" or "b", got 1"#),
        (
            r#"{"oneOf":[{"type":"integer"},{"minimum":1},{"type":"null"}]}"#,
            "2",
            "/: must match exactly one of 3 alternatives, but matches more (numbers 1, 2)",
        ),
        (
            r#"{"propertyNames":{"pattern":"^x"}}"#,
            r#"{"a":1}"#,
            "/: has a property whose name does not match the pattern ^x",
        ),
        ("false", "1", "/: must not be present, got 1"),
    ] {
        assert_eq!(said(schema, instance), expected, "{schema} {instance}");
    }
}

#[test]
fn alternatives_tell_what_the_closest_one_lacks() {
    let schema = r#"{"oneOf":[
        {"properties":{"kind":{"const":"file"},"path":{"type":"string"}},"required":["kind","path"]},
        {"properties":{"kind":{"const":"url"},"url":{"type":"string"},"depth":{"type":"integer"}},"required":["kind","url"]},
        {"type":"null"}
    ]}"#;
    assert_eq!(
        said(schema, r#"{"kind":"url","depth":"deep"}"#),
        "/: matches none of 3 alternatives; for number 2: missing required property \"url\"; \
         /depth: expected integer, got \"deep\""
    );
}

#[test]
fn every_violation_has_its_place_as_a_json_pointer() {
    let found = violations(
        r##"{"properties":{"a/b":{"items":{"$ref":"#/$defs/n"}},"m~n":{"$ref":"#/$defs/n"}},"$defs":{"n":{"type":"integer"}}}"##,
        r#"{"a/b":[0,"x",{}],"m~n":null}"#,
    );
    let pointers: Vec<_> = found.list().iter().map(Violation::pointer).collect();
    assert_eq!(pointers, ["/a~1b/1", "/a~1b/2", "/m~0n"]);
    assert!(found.is_complete() && found.total() == 3);
    assert_eq!(violations("false", "1").list()[0].pointer(), "");
}

#[test]
fn references_anchors_and_conditions_hold() {
    let tree = r##"{"$ref":"#node","$defs":{"n":{"$anchor":"node","type":"object","properties":{"value":{"type":"integer"},
        "children":{"type":"array","items":{"$ref":"#/$defs/n"}}},"required":["value"]}}}"##;
    assert_eq!(said(tree, r#"{"value":1,"children":[{"value":2,"children":[]}]}"#), "");
    assert_eq!(
        said(tree, r#"{"value":1,"children":[{"value":2,"children":[{}]}]}"#),
        r#"/children/0/children/0: missing required property "value""#
    );

    let condition = r#"{"if":{"properties":{"by":{"const":"id"}},"required":["by"]},"then":{"required":["id"]},
        "else":{"required":["name"]}}"#;
    assert_eq!(said(condition, r#"{"by":"id","id":1}"#), "");
    assert_eq!(said(condition, r#"{"by":"id"}"#), r#"/: missing required property "id""#);
    assert_eq!(said(condition, "{}"), r#"/: missing required property "name""#);

    let dynamic = r##"{"$id":"https://example.com/tree","$dynamicAnchor":"node","type":"object",
        "properties":{"data":true,"children":{"type":"array","items":{"$dynamicRef":"#node"}}}}"##;
    assert_eq!(said(dynamic, r#"{"children":[{"children":[]}]}"#), "");
    assert_eq!(
        said(dynamic, r#"{"children":[{"children":1}]}"#),
        "/children/0/children: expected array, got 1"
    );
}

#[test]
fn the_older_dialects_keep_their_own_keywords() {
    let draft7 = r##"{"$schema":"http://json-schema.org/draft-07/schema#","definitions":{"s":{"type":"string"}},
        "items":[{"$ref":"#/definitions/s"}],"additionalItems":false}"##;
    assert_eq!(said(draft7, r#"["a"]"#), "");
    assert_eq!(said(draft7, "[1]"), "/0: expected string, got 1");
    assert_eq!(said(draft7, r#"["a",1]"#), "/: expected at most 1 item, got 2");
    let draft2019 = r##"{"$schema":"https://json-schema.org/draft/2019-09/schema","$recursiveAnchor":true,
        "properties":{"next":{"$recursiveRef":"#"}},"unevaluatedProperties":false}"##;
    assert_eq!(said(draft2019, r#"{"next":{"next":{}}}"#), "");
    assert!(said(draft2019, r#"{"next":{"prev":{}}}"#).starts_with(r#"/next: unknown property "prev""#));
}

#[test]
fn numbers_are_compared_by_value_and_never_rounded() {
    assert_eq!(said(r#"{"type":"integer"}"#, "1.0"), "");
    assert_eq!(said(r#"{"type":"integer"}"#, "1e3"), "");
    assert_eq!(said(r#"{"type":"integer"}"#, "123456789012345678901234567890"), "");
    assert_eq!(said(r#"{"const":9007199254740993}"#, "9007199254740993.0"), "");
    assert_ne!(said(r#"{"const":9007199254740993}"#, "9007199254740992"), "");
    assert_ne!(said(r#"{"maximum":9007199254740992}"#, "9007199254740993"), "");
    assert_ne!(said(r#"{"maximum":1e300}"#, "1e400"), "");
    assert_eq!(said(r#"{"minimum":0}"#, "1e400"), "");
    assert_eq!(said(r#"{"uniqueItems":true}"#, "[18446744073709551616,18446744073709551617]"), "");
    assert_ne!(said(r#"{"enum":[1,2]}"#, "true"), "");
}

#[test]
fn the_length_of_a_string_counts_code_points() {
    for text in [r#""😀""#, r#""\ud83d\ude00""#, r#""ä""#] {
        assert_eq!(said(r#"{"minLength":1,"maxLength":1}"#, text), "", "{text}");
    }
}

#[test]
fn formats_are_annotations_unless_asked_for() {
    let schema = r#"{"format":"date-time"}"#;
    assert_eq!(said(schema, r#""yesterday""#), "");
    let strict = Validator::compile_with(schema, &Options::default().assert_formats(true)).unwrap();
    assert_eq!(
        strict.check(r#""yesterday""#).unwrap_err().to_string(),
        r#"/: expected a string of format "date-time", got "yesterday""#
    );
    assert!(strict.check(r#""2026-07-28T12:00:00Z""#).is_ok());
}

#[test]
fn text_that_cannot_be_read_is_a_violation() {
    for (text, expected) in [
        ("", "/: not JSON: it ends at byte 0, where a value should follow"),
        ("{", "/: not JSON: it ends at byte 1, where a key in quotation marks should follow"),
        (r#"{"a":1,"a":2}"#, "/: the key \"a\" stands twice in one object, the second time at byte 8"),
        (r#""\ud800""#, "/: not JSON: expected a low surrogate after this high one at byte 1"),
    ] {
        assert_eq!(said("true", text), expected);
    }
    assert!(said("true", &"[".repeat(1_000_000)).contains("nested deeper than 128"));
}

#[test]
fn ten_violations_are_listed_and_the_rest_counted() {
    let wrong = |count: usize| format!("[{}]", vec!["0"; count].join(","));
    let schema = r#"{"items":{"type":"string"}}"#;
    let found = violations(schema, &wrong(12));
    assert_eq!((found.list().len(), found.total(), found.is_complete()), (10, 12, true));
    assert!(found.to_string().ends_with("/9: expected string, got 0\n… and 2 more"));
    let found = violations(schema, &wrong(60_000));
    assert_eq!(found.list().len(), 10);
    assert!(!found.is_complete() && found.to_string().contains("… and at least "));
}

#[test]
fn messages_stay_short_whatever_the_instance_holds() {
    let long = "x".repeat(500_000);
    let schema = r#"{"properties":{"a":{"type":"integer"},"b":{"enum":["c"]}},"additionalProperties":false,"maxProperties":1}"#;
    for instance in [
        json!({ "a": long, "b": [long, long] }),
        json!({ "a": vec![0; 10_000], "b": {"x": {"y": vec!["z"; 1000]}} }),
        json!({ (long.clone()): 1, "b": 1 }),
        json!((0..5000).map(|n| (format!("name-{n}"), Value::Null)).collect::<serde_json::Map<_, _>>()),
    ] {
        let text = said(schema, &instance.to_string());
        assert!(!text.is_empty() && text.len() < 10 * 400, "{} bytes: {}", text.len(), &text[..200]);
    }
}

#[test]
fn nested_alternatives_end() {
    // Every level has two ways to go on, and the innermost value fails them all.
    let schema = r##"{"anyOf":[{"type":"array","items":{"$ref":"#"}},{"items":{"$ref":"#"},"type":["array","null"]}]}"##;
    let nested = format!("{}0{}", "[".repeat(120), "]".repeat(120));
    assert!(said(schema, &nested).starts_with("/: matches none of 2 alternatives"));
    let one_of = schema.replace("anyOf", "oneOf");
    assert!(!said(&one_of, &nested).is_empty());
}

#[test]
fn the_deepest_instance_fits_on_the_stack_of_a_worker_with_the_longest_chain_of_schemas() {
    // Each definition leads to the next one at the same value, the last one a step into the instance and back to the first.
    let chain = |count: usize, link: &dyn Fn(&str) -> String| {
        let links: Vec<_> =
            (0..count).map(|n| format!("\"d{n}\":{}", link(&format!("#/$defs/d{}", n + 1)))).collect();
        let last = r##"{"type":["array","string"],"items":{"$ref":"#/$defs/d0"}}"##;
        format!(r##"{{"$ref":"#/$defs/d0","$defs":{{{},"d{count}":{last}}}}}"##, links.join(","))
    };
    let reference = |next: &str| format!(r#"{{"$ref":"{next}"}}"#);
    let alternative = |next: &str| format!(r#"{{"anyOf":[{{"type":"null"}},{{"$ref":"{next}"}}]}}"#);
    assert!(Validator::compile(&chain(16, &reference)).is_err(), "one more than the longest");

    let schemas = [chain(15, &reference), chain(7, &alternative)];
    let worker = std::thread::Builder::new().stack_size(2 * 1024 * 1024).spawn(move || {
        schemas.map(|schema| {
            let nested = |leaf: &str| format!("{}{leaf}{}", "[".repeat(128), "]".repeat(128));
            ["\"x\"", "0"].map(|leaf| validator(&schema).check(&nested(leaf)).is_ok())
        })
    });
    assert_eq!(worker.unwrap().join().unwrap(), [[true, false]; 2]);
}

#[test]
fn a_validator_is_shared_between_threads() {
    let shared = std::sync::Arc::new(validator(r#"{"type":"object","required":["a"]}"#));
    let threads: Vec<_> = (0..4)
        .map(|_| {
            let shared = shared.clone();
            std::thread::spawn(move || shared.check(r#"{"a":1}"#).is_ok() && shared.check("{}").is_err())
        })
        .collect();
    assert!(threads.into_iter().all(|thread| thread.join().unwrap()));
}

/// Schemas of the kinds that tools use, over a small vocabulary so that instances often come close.
fn schemas() -> impl Strategy<Value = Value> {
    let name = || prop::sample::select(vec!["a", "b", "c"]);
    let constant = || prop_oneof![instances(), Just(json!(1.0)), Just(json!([1, {"a": 2.0}]))];
    let leaf = prop_oneof![
        Just(json!(true)),
        Just(json!(false)),
        prop::sample::select(vec!["null", "boolean", "integer", "number", "string", "array", "object"])
            .prop_map(|kind| json!({ "type": kind })),
        Just(json!({"type": ["integer", "null"]})),
        constant().prop_map(|value| json!({ "const": value })),
        prop::collection::vec(constant(), 1..4).prop_map(|values| json!({ "enum": values })),
        (-3..3).prop_map(|n| json!({"minimum": n, "exclusiveMaximum": n + 4})),
        (1..4).prop_map(|n| json!({ "multipleOf": f64::from(n) / 2.0 })),
        (0..3).prop_map(|n| json!({"minLength": n, "maxLength": n + 2, "pattern": "^[a-c]*$"})),
        (0..3).prop_map(|n| json!({"minItems": n, "maxItems": n + 2, "uniqueItems": n != 1})),
        (0..3).prop_map(|n| json!({"minProperties": n, "maxProperties": n + 2})),
        prop::collection::btree_set(name(), 0..3).prop_map(|names| json!({ "required": names })),
        Just(json!({"propertyNames": {"enum": ["a", "b"]}})),
        Just(json!({"$ref": "#"})),
        Just(json!({"$ref": "#/$defs/d"})),
    ];
    let schema = leaf.prop_recursive(4, 24, 3, move |inner| {
        let properties = || prop::collection::btree_map(name(), inner.clone(), 0..3);
        prop_oneof![
            (properties(), inner.clone())
                .prop_map(|(some, rest)| json!({"properties": some, "additionalProperties": rest})),
            (properties(), inner.clone()).prop_map(|(some, rest)| {
                json!({"allOf": [{"properties": some}], "unevaluatedProperties": rest})
            }),
            (inner.clone(), properties())
                .prop_map(|(first, some)| json!({"patternProperties": {"^a": first}, "properties": some})),
            properties().prop_map(|some| json!({ "dependentSchemas": some })),
            (inner.clone(), inner.clone())
                .prop_map(|(first, rest)| json!({"prefixItems": [first], "items": rest})),
            (inner.clone(), inner.clone())
                .prop_map(|(first, rest)| json!({"prefixItems": [first], "unevaluatedItems": rest})),
            (inner.clone(), 0..2, 1..3).prop_map(|(inner, low, high)| {
                json!({"contains": inner, "minContains": low, "maxContains": high})
            }),
            prop::collection::vec(inner.clone(), 1..4).prop_map(|all| json!({ "allOf": all })),
            prop::collection::vec(inner.clone(), 1..4).prop_map(|any| json!({ "anyOf": any })),
            prop::collection::vec(inner.clone(), 1..4).prop_map(|one| json!({ "oneOf": one })),
            inner.clone().prop_map(|inner| json!({ "not": inner })),
            (inner.clone(), inner.clone(), inner.clone())
                .prop_map(|(cond, then, other)| json!({"if": cond, "then": then, "else": other})),
        ]
    });
    // `$ref` to the root only below a step into the instance: a schema that refers to itself in place has no verdict.
    (schema, prop_oneof![Just(json!({"type": "integer"})), Just(json!({"maxLength": 1}))]).prop_map(|(schema, def)| {
        json!({"$defs": {"d": def}, "properties": {"c": schema}, "items": schema, "allOf": [in_place(&schema)]})
    })
}

/// The schema without references to the root in place.
fn in_place(schema: &Value) -> Value {
    let text = schema.to_string().replace(r##""$ref":"#""##, r##""$ref":"#/$defs/d""##);
    text.parse().expect("a reference in place of a reference")
}

fn instances() -> BoxedStrategy<Value> {
    let scalar = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-4..5).prop_map(Value::from),
        (-8..9).prop_map(|n| json!(f64::from(n) / 2.0)),
        prop::sample::select(vec!["", "a", "b", "abc", "ä\n", "\"\\", "😀"]).prop_map(Value::from),
        prop::sample::select(vec![
            json!(u64::MAX),
            json!(i64::MIN),
            json!(9_007_199_254_740_993_u64),
            json!(1e300)
        ]),
    ];
    scalar
        .prop_recursive(3, 16, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..12).prop_map(Value::from),
                prop::collection::btree_map(prop::sample::select(vec!["a", "b", "c", "d"]), inner, 0..4)
                    .prop_map(|members| json!(members)),
            ]
        })
        .boxed()
}

/// A value that comes close to `value`, or is the same in another spelling.
fn changed(mut value: Value, change: u8, other: Value) -> Value {
    match (&mut value, change) {
        (Value::Array(items), 0) => items.push(other),
        (Value::Array(items), 1) => drop(items.pop()),
        (Value::Object(members), 0) => drop(members.insert("e".into(), other)),
        (Value::Object(members), 1) => members.retain(|name, _| name != "a"),
        (Value::Array(items), 2) => {
            items.iter_mut().for_each(|item| *item = changed(item.take(), 3, Value::Null));
        }
        (Value::Object(members), 2) => {
            members.values_mut().for_each(|value| *value = changed(value.take(), 3, Value::Null));
        }
        // Past 2^53 the shortest text of a double is another number than the integer was.
        (Value::Number(number), 3) => {
            value = number.as_f64().filter(|n| n.abs() < 9e15).map_or(Value::Null, Value::from);
        }
        _ => {}
    }
    value
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn the_tape_gets_the_verdict_of_the_tree(schema in schemas(), instances in prop::collection::vec(instances(), 1..8)) {
        let over_tape = Validator::compile(&schema.to_string()).unwrap();
        let over_tree = jsonschema::options().with_draft(jsonschema::Draft::Draft202012).build(&schema).unwrap();
        for instance in instances {
            let found = over_tape.check(&instance.to_string());
            prop_assert_eq!(found.is_ok(), over_tree.is_valid(&instance), "{} {}", schema, instance);
            if let Err(found) = found {
                // Whatever is said is said about a place that exists.
                prop_assert!(!found.list().is_empty() && found.list().len() <= Violations::LISTED);
                for violation in found.list() {
                    prop_assert!(instance.pointer(violation.pointer()).is_some(), "{} {}", schema, violation);
                    prop_assert!(!violation.message().is_empty());
                }
            }
        }
    }

    #[test]
    fn constants_are_equal_where_the_tree_is(value in instances(), other in instances(), change in 0..5_u8) {
        let near = changed(value.clone(), change, other);
        for (left, right) in [(&value, &near), (&near, &value), (&value, &value)] {
            let equal = jsonschema::json::cmp::equal(left, right);
            for schema in [json!({ "const": left }), json!({"enum": [left, {"x": {"y": null}}]})] {
                prop_assert_eq!(validator(&schema.to_string()).check(&right.to_string()).is_ok(), equal, "{} {}", left, right);
            }
        }
    }

    #[test]
    fn items_are_unique_where_the_tree_says_so(mut items in prop::collection::vec(instances(), 0..24), change in 0..5_u8) {
        if let [first, .., last] = &items[..] {
            items.push(changed(first.clone(), change, last.clone()));
        }
        let unique = validator(r#"{"uniqueItems":true}"#).check(&json!(items).to_string()).is_ok();
        prop_assert_eq!(unique, jsonschema::json::unique::is_unique(&items), "{:?}", items);
    }

    #[test]
    fn any_schema_and_any_text_are_answered(schema in any::<String>(), text in any::<String>()) {
        let _ = Validator::compile(&schema);
        let _ = validator(r#"{"type":"object","additionalProperties":false}"#).check(&text);
    }
}

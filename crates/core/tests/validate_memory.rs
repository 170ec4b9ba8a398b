//! What validation may cost: at most eight times the size of a hostile message, whatever it is made of.
//!
//! One test in a process of its own, since the allocator counts for all threads. A reallocation counts as both blocks at
//! once, so the figures are upper bounds.

use std::fmt::Write as _;

use latimer_core::validate::Validator;
use peak_alloc::PeakAlloc;

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

const MIB: usize = 1024 * 1024;
/// Values that a message may hold.
const VALUES: usize = 65_536;
const LIMIT: usize = 8;
/// In bytes: ten violations, and the errors that they are made of.
const ANSWER: usize = 128 * 1024;

/// What a tool for searching and editing might ask for.
const REALISTIC: &str = r##"{
    "type": "object",
    "properties": {
        "query": {"type": "string", "minLength": 1, "maxLength": 200, "pattern": "^[^\\n]*$"},
        "limit": {"type": "integer", "minimum": 1, "maximum": 100},
        "tags": {"type": "array", "items": {"type": "string"}, "uniqueItems": true},
        "order": {"enum": ["newest", "oldest", "relevance"]},
        "since": {"anyOf": [{"type": "string", "format": "date-time"}, {"type": "integer"}, {"type": "null"}]},
        "items": {"type": "array", "items": {"$ref": "#/$defs/item"}},
        "filter": {"$ref": "#/$defs/filter"}
    },
    "required": ["query"],
    "additionalProperties": false,
    "$defs": {
        "item": {
            "type": "object",
            "properties": {"id": {"type": "integer"}, "name": {"type": "string"}},
            "required": ["id"],
            "additionalProperties": false
        },
        "filter": {
            "oneOf": [
                {"type": "object", "properties": {"not": {"$ref": "#/$defs/filter"}}, "required": ["not"]},
                {"type": "object", "properties": {"all": {"type": "array", "items": {"$ref": "#/$defs/filter"}}}, "required": ["all"]},
                {"type": "array", "items": {"$ref": "#/$defs/filter"}},
                {"type": "string"}
            ]
        }
    }
}"##;

/// Schemas and what a check against them may cost: [`LIMIT`] times the body itself, or [`LIMIT`] times the largest body.
///
/// The second stands where the validator must remember something for each value. That is bounded by the number of values,
/// which a body much smaller than the largest can hold as well.
const SCHEMAS: &[(&str, Relative, &str)] = &[
    ("object", Relative::ToBody, r#"{"type":"object"}"#),
    ("realistic", Relative::ToBody, REALISTIC),
    ("strings", Relative::ToBody, r#"{"type":"array","items":{"type":"string"}}"#),
    ("no properties", Relative::ToBody, r#"{"additionalProperties":false,"properties":{"a":true}}"#),
    (
        "names",
        Relative::ToBody,
        r#"{"propertyNames":{"pattern":"^x"},"items":{"propertyNames":{"minLength":3}}}"#,
    ),
    (
        "alternatives",
        Relative::ToBody,
        r##"{"anyOf":[{"type":"string"},{"type":"array","items":{"$ref":"#"}},{"type":"object","additionalProperties":{"$ref":"#"},"minProperties":5}]}"##,
    ),
    (
        "unevaluated",
        Relative::ToLargest,
        r#"{"unevaluatedProperties":false,"unevaluatedItems":false,"allOf":[{"properties":{"a":true}}]}"#,
    ),
    (
        "unique",
        Relative::ToLargest,
        r##"{"uniqueItems":true,"items":{"$ref":"#"},"additionalProperties":{"$ref":"#"}}"##,
    ),
];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Relative {
    ToBody,
    ToLargest,
}

fn bodies(size: usize, values: usize) -> Vec<(&'static str, String)> {
    let fill = |open: &str, part: &dyn Fn(usize) -> String, cost: usize, close: &str| {
        let mut text = String::with_capacity(size);
        text.push_str(open);
        let mut used = 1;
        for index in 0.. {
            let part = part(index);
            if used + cost > values || text.len() + part.len() + 1 + close.len() > size {
                break;
            }
            if index > 0 {
                text.push(',');
            }
            text.push_str(&part);
            used += cost;
        }
        text.push_str(close);
        text
    };
    let nested = |open: &str, close: &str| {
        let frame = format!("{}\"\"{}", open.repeat(120), close.repeat(120));
        frame.replacen("\"\"", &format!("\"{}\"", "x".repeat(size - frame.len())), 1)
    };
    let deep_parts = |index: usize| {
        let mut part = String::new();
        let _ = write!(part, "{}{index}{}", "[".repeat(100), "]".repeat(100));
        part
    };
    vec![
        ("zeros", fill("[", &|_| "0".into(), 1, "]")),
        ("zeros as items", fill(r#"{"query":"a","items":["#, &|_| "0".into(), 1, "]}")),
        ("numbers", fill("[", &|index| format!("{index}.25e3"), 1, "]")),
        (
            "records",
            fill(
                r#"{"query":"a","items":["#,
                &|index| format!(r#"{{"id":{index},"name":"n{index}"}}"#),
                3,
                "]}",
            ),
        ),
        (
            "wrong records",
            fill(r#"{"query":"a","items":["#, &|index| format!(r#"{{"id":"{index}","nmae":0}}"#), 3, "]}"),
        ),
        ("records of an empty name", fill("[", &|_| r#"{"":0}"#.into(), 2, "]")),
        ("records as items", fill(r#"{"query":"a","items":["#, &|_| r#"{"":0}"#.into(), 2, "]}")),
        ("members", fill("{", &|index| format!("\"{index:x}\":0"), 1, "}")),
        ("tags", fill(r#"{"query":"a","tags":["#, &|index| format!("\"{index:x}\""), 1, "]}")),
        ("equal tags", fill(r#"{"query":"a","tags":["#, &|_| "\"\"".into(), 1, "]}")),
        ("escapes", format!("{{\"query\":\"{}\"}}", "\\u00e4".repeat((size - 20) / 6))),
        ("a long name", format!("{{\"{}\":[0,0,0,0,0,0,0,0]}}", "x".repeat(size - 30))),
        ("deep arrays", nested("[", "]")),
        ("deep objects", nested("{\"a\":", "}")),
        (
            "deep filters",
            format!(
                "{{\"query\":\"a\",\"filter\":{}}}",
                nested("{\"not\":", "}").replacen(&"x".repeat(64), "", 1)
            ),
        ),
        (
            "deep filters without an end",
            format!("{{\"query\":\"a\",\"filter\":{}0{}}}", "{\"not\":[".repeat(60), "]}".repeat(60)),
        ),
        ("many deep arrays", fill("[", &deep_parts, 101, "]")),
    ]
}

/// The most that checking `body` adds to the memory in use, and whether it is valid.
fn growth(validator: &Validator, body: &str) -> (usize, bool) {
    MEMORY.reset_peak_usage();
    let before = MEMORY.current_usage();
    let valid = validator.check(body).is_ok();
    (MEMORY.peak_usage().saturating_sub(before), valid)
}

#[test]
fn a_hostile_message_costs_at_most_eight_times_its_size() {
    let mut over = String::new();
    // The cap on a message may be raised; one schema is enough to see that nothing else grows with it.
    for (size, schemas) in [(MIB, SCHEMAS), (8 * MIB, &SCHEMAS[1..2])] {
        let bodies = bodies(size, VALUES);
        for (schema, relative, text) in schemas {
            let validator = Validator::compile(text).unwrap();
            // What a thread or a pattern keeps from its first use on is no part of a message's cost.
            let _ = validator.check(r#"{"query":"x"}"#);
            for (body, text) in &bodies {
                assert!(text.len() <= size, "{body}: {}", text.len());
                let (bytes, valid) = growth(&validator, text);
                let times = bytes as f64 / text.len() as f64;
                println!(
                    "{schema:<14}{body:<30}{:>6} KiB{:>7} KiB{times:>7.2}x  {}",
                    text.len() / 1024,
                    bytes / 1024,
                    if valid { "valid" } else { "invalid" }
                );
                // The answer itself takes some KiB, whatever the message.
                let allowed = LIMIT * if *relative == Relative::ToBody { text.len() } else { size } + ANSWER;
                if bytes > allowed {
                    let _ = writeln!(over, "{schema}, {body}: {bytes} bytes for {}", text.len());
                }
            }
        }
    }
    assert!(over.is_empty(), "more than {LIMIT} times the message:\n{over}");

    let validator = Validator::compile(REALISTIC).unwrap();
    let usual = r#"{"query":"tapestry","limit":5,"tags":["a","b"],"items":[{"id":1,"name":"x"}]}"#;
    assert!(growth(&validator, usual).1);
    assert_eq!(growth(&validator, usual), (0, true), "the second check of a valid message allocates nothing");
}

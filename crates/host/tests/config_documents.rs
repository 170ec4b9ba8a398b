//! The schema and the example agree with the reader; the report is complete; the reader survives any bytes.

use std::fs;

use latimer_host::config::{Loader, example, schema};
use proptest::prelude::*;
use serde_json::{Value, json};
use tempfile::TempDir;

/// 32 bytes in base64.
const KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

fn load(
    name: &str,
    bytes: &[u8],
) -> Result<latimer_host::config::Loaded, latimer_host::diagnostics::ConfigErrors> {
    let directory = TempDir::new().expect("a directory");
    fs::write(directory.path().join(name), bytes).expect("written");
    Loader::new(directory.path()).file(name).environment([("ALICE_TOKEN", "abc"), ("SEAL_KEY", KEY)]).load()
}

#[test]
fn the_example_loads_and_changes_nothing() {
    let loaded =
        load("latimer.yaml", example().as_bytes()).unwrap_or_else(|errors| panic!("{}", errors.render()));
    assert_eq!(format!("{:?}", loaded.config), format!("{:?}", latimer_host::config::Config::default()));
    assert!(loaded.warnings.is_empty());
}

#[test]
fn what_the_example_comments_out_loads_too() {
    let text: String =
        example().lines().map(|line| format!("{}\n", line.strip_prefix("# ").unwrap_or(line))).collect();
    let loaded =
        load("latimer.yaml", text.as_bytes()).unwrap_or_else(|errors| panic!("{}\n{text}", errors.render()));
    let config = &loaded.config;
    assert!(config.instructions.is_some() && config.public_url.is_some() && config.tls_key.is_some());
    assert!(config.plugins["example"].enabled);
    assert_eq!(config.tokens["example"].token.expose(), "abc");
    let defaults: Vec<_> = loaded
        .report()
        .values
        .into_iter()
        .filter(|value| value.origin.place.is_none())
        .map(|value| value.key)
        .collect();
    assert!(defaults.is_empty(), "not in the example: {defaults:?}");
}

#[test]
fn the_report_has_every_key_of_the_schema() {
    fn keys(schema: &Value, path: &str, into: &mut Vec<String>) {
        for (name, inner) in schema["properties"].as_object().into_iter().flatten() {
            let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
            match (&inner["properties"], &inner["additionalProperties"]) {
                (Value::Object(_), _) => keys(inner, &path, into),
                (_, each @ Value::Object(_)) => keys(each, &format!("{path}.x"), into),
                _ => into.push(path),
            }
        }
    }
    let schema: Value = serde_json::from_str(&schema()).expect("JSON");
    let mut expected = Vec::new();
    keys(&schema, "", &mut expected);
    expected.retain(|key| key != "$schema");
    let loaded = load("a.yaml", b"plugins: {x: {settings: {}}}\ntokens: {x: {token: a}}\n").expect("loads");
    let mut told: Vec<_> = loaded.report().values.into_iter().map(|value| value.key).collect();
    told.sort();
    expected.sort();
    assert_eq!(told, expected);
}

#[test]
fn the_schema_takes_what_the_reader_takes_and_refuses_unknown_keys() {
    let schema: Value = serde_json::from_str(&schema()).expect("JSON");
    let validator = jsonschema::draft202012::new(&schema).expect("a valid schema");
    let cases = [
        (json!({}), true),
        (json!({"port": 1, "host": "::", "log_level": "WARNING", "transport": "stdio"}), true),
        (
            json!({"port": "${PORT:-1}", "transport": "${PORT:-http}", "strict_empty_errors": "${NO:-true}"}),
            true,
        ),
        (json!({"limits": {"message_bytes": 4096, "ring_bytes": "1MiB", "drain": "10s"}}), true),
        (
            json!({"autoload": ["a"], "plugins": {"a": {"enabled": true}}, "allowed_origins": ["https://a"]}),
            true,
        ),
        (json!({"tokens": {"alice": {"token": "${ALICE_TOKEN}", "scopes": ["a"]}}, "$schema": "x"}), true),
        (json!({"autoload": "${PORT:-a,b}", "public_url": "https://a/mcp", "path": "/m"}), true),
        (json!({"prot": 1}), false),
        (json!({"port": 65_536}), false),
        (json!({"port": "80"}), false),
        (json!({"transport": "sse"}), false),
        (json!({"limits": {"drain": 10}}), false),
        (json!({"limits": {"message_bytes": 1}}), false),
        (json!({"limits": {"message_bytes": "much"}}), false),
        (json!({"plugins": {"a b": {}}}), false),
        (json!({"plugins": {"a": {"enable": true}}}), false),
        (json!({"tokens": {"alice": {}}}), false),
        (json!({"path": "mcp"}), false),
        (json!([]), false),
    ];
    for (document, good) in cases {
        assert_eq!(validator.is_valid(&document), good, "schema: {document}");
        let loaded = load("a.json", document.to_string().as_bytes());
        assert_eq!(loaded.is_ok(), good, "reader: {document}: {loaded:?}");
    }
}

#[test]
fn the_report_serialises_with_values_and_origins() {
    let loaded = load("a.yaml", b"port: 8080\nallowed_hosts: [b]\n").expect("loads");
    let report = serde_json::to_value(loaded.report()).expect("serialises");
    let of =
        |key: &str| report["values"].as_array().and_then(|all| all.iter().find(|v| v["key"] == key)).cloned();
    let port = of("port").expect("port");
    assert_eq!(port["value"], 8080);
    assert_eq!(port["origin"]["place"], json!({"kind": "file", "file": "a.yaml", "line": 1, "column": 7}));
    assert_eq!(of("allowed_hosts").expect("hosts")["value"], json!(["b"]));
    assert_eq!(of("host").expect("host")["origin"]["place"], Value::Null);
    assert_eq!(report["file"], "a.yaml");
}

#[test]
fn documents_from_outside_the_grammar_are_answered() {
    for name in ["a.yaml", "a.toml", "a.json"] {
        for bytes in [
            &b"\0"[..],
            b"\xff\xfe",
            b"[",
            b"]",
            b"{",
            b"- - - -",
            b"&a *a",
            b"%YAML 9",
            b"\"",
            b"'",
            b"!",
            b"a: *b",
            b"?",
            b"|",
            b">",
            b"@",
        ] {
            if let Err(errors) = load(name, bytes) {
                assert!(!errors.render().is_empty());
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn the_loader_answers_any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..200), format in 0usize..3) {
        if let Err(errors) = load(["a.yaml", "a.toml", "a.json"][format], &bytes) {
            prop_assert!(!errors.render().is_empty());
        }
    }

    #[test]
    fn the_loader_answers_text_that_looks_like_a_configuration(
        parts in prop::collection::vec(
            prop::sample::select(vec![
                "port", "limits", "plugins", "tokens", "token", "autoload", "${A}", "${A:-1}", "$", ":", ": ", "=", "\n", "\n  ",
                "{", "}", "[", "]", ",", "\"", "'", "1", "1MiB", "true", "null", "- ", "&a ", "*a", "|", ">", "#", "\t", "é", "---\n", "...",
                "!!str ", "? ", "<<", "\r\n", "\\", "\u{feff}", "\u{2028}",
            ]),
            0..40,
        ),
        format in 0usize..3,
    ) {
        if let Err(errors) = load(["a.yaml", "a.toml", "a.json"][format], parts.concat().as_bytes()) {
            prop_assert!(!errors.render().is_empty());
        }
    }
}

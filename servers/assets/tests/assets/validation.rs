//! Validation: references, formats, limits, and schemas made to be expensive.

use latimer_assets::{Format, Settings};
use serde_json::{Value, json};

use crate::support::{Folders, client, told};

async fn errors(settings: Settings, asset: Value, schema: &str) -> Value {
    let client = client(settings).await;
    told(&client, "validate_asset", json!({ "asset": asset, "schema": schema })).await
}

#[tokio::test]
async fn references_lead_to_files_by_identifier_place_and_published_address() {
    let folders = Folders::new();
    folders.write(
        "schemas/order.schema.json",
        r#"{"$id":"https://ids.example/s/order","properties":{
            "by_id":{"$ref":"urn:catalogue:unit"},
            "by_place":{"$ref":"parts/line.schema.json"},
            "published":{"$ref":"https://catalogue.example/v1/parts/money.json#/$defs/code"},
            "plain":{"$ref":"schema:///parts/money.json"}}}"#,
    );
    folders.write("schemas/unit.schema.json", r#"{"$id":"urn:catalogue:unit","type":"string"}"#);
    folders.write("schemas/parts/line.schema.json", r#"{"properties":{"money":{"$ref":"money.json"}}}"#);
    folders.write("schemas/parts/money.json", r#"{"type":"object","$defs":{"code":{"enum":["EUR"]}}}"#);
    let prefixes = json!({
        "schemas_dir": "schemas", "examples_dir": "examples", "canonical_prefixes": ["https://catalogue.example/v1"],
        "watch": false
    });
    let settings = Settings::from_value(&prefixes, &folders.path("")).unwrap();
    let client = client(settings).await;
    let validate = async |asset: Value| {
        told(&client, "validate_asset", json!({ "asset": asset, "schema": "order" })).await
    };
    let good = json!({ "by_id": "x", "by_place": { "money": {} }, "published": "EUR", "plain": {} });
    assert_eq!(validate(good).await, json!({ "ok": true, "errors": [] }));
    let bad =
        validate(json!({ "by_id": 1, "by_place": { "money": 1 }, "published": "USD", "plain": 1 })).await;
    let paths: Vec<_> = bad["errors"].as_array().unwrap().iter().map(|error| &error["path"]).collect();
    assert_eq!(paths, ["/by_id", "/by_place/money", "/plain", "/published"]);
}

#[tokio::test]
async fn nothing_is_fetched_whatever_a_reference_says() {
    let folders = Folders::new();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap();
    for (name, target) in
        [("http", format!("http://{address}/a.json")), ("file", "file:///etc/hostname".to_owned())]
    {
        folders.write(&format!("schemas/{name}.schema.json"), &json!({ "$ref": target }).to_string());
        let told = errors(folders.settings(), json!({}), name).await;
        let msg = format!(
            "schema_resolution_failed: {name}.schema.json: $ref leads to {target}, and there is no such schema"
        );
        assert_eq!(told["errors"], json!([{ "path": "/schema", "msg": msg }]));
    }
    assert_eq!(listener.accept().unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
}

#[tokio::test]
async fn a_format_is_an_assertion_where_that_is_set() {
    let folders = Folders::new();
    folders.write("schemas/a.schema.json", r#"{"properties":{"at":{"format":"date-time"}}}"#);
    let asset = || json!({ "at": "noon" });
    assert_eq!(errors(folders.settings(), asset(), "a").await["ok"], true);
    let strict = Settings { format: Format::Assertion, ..folders.settings() };
    let told = errors(strict, asset(), "a").await;
    assert_eq!(told["errors"][0]["schema_path"], "/properties/at/format");
}

#[tokio::test]
async fn errors_are_the_first_in_order_with_the_number_of_all() {
    let folders = Folders::new();
    folders.write("schemas/a.schema.json", r#"{"additionalProperties":{"type":"string"}}"#);
    let members: serde_json::Map<_, _> = (0..150).rev().map(|n| (format!("m{n:03}"), json!(n))).collect();
    let told = errors(folders.settings(), Value::Object(members.clone()), "a").await;
    let errors_told = told["errors"].as_array().unwrap();
    assert_eq!((errors_told.len(), &told["total"]), (100, &json!(150)));
    assert!(told.get("at_least").is_none());
    assert_eq!((&errors_told[0]["path"], &errors_told[99]["path"]), (&json!("/m000"), &json!("/m099")));
    let few = Settings { max_errors: 2, ..folders.settings() };
    let told = errors(few, Value::Object(members), "a").await;
    assert_eq!((told["errors"].as_array().unwrap().len(), &told["total"]), (2, &json!(150)));
}

#[tokio::test]
async fn more_errors_than_are_looked_for_are_told_as_a_least_number() {
    let folders = Folders::new();
    folders.write("schemas/a.schema.json", r#"{"properties":{"n":{"items":{"type":"string"}}}}"#);
    let told = errors(folders.settings(), json!({ "n": vec![1; 10_000] }), "a").await;
    assert_eq!((told["errors"].as_array().unwrap().len(), &told["at_least"]), (100, &json!(true)));
    assert_eq!(told["total"], 4_000);
}

#[tokio::test]
async fn schemas_made_to_be_expensive_are_refused_with_the_reason() {
    let folders = Folders::new();
    for number in 0..20 {
        let next = json!({ "$ref": format!("d{}.schema.json", number + 1) });
        folders
            .write(&format!("schemas/d{number}.schema.json"), &json!({ "anyOf": [next, next] }).to_string());
    }
    folders.write("schemas/d20.schema.json", "{}");
    folders.write("schemas/back.schema.json", r#"{"properties":{"a":{"pattern":"(a)\\1"}}}"#);
    folders.write("schemas/slow.schema.json", r#"{"properties":{"a":{"pattern":"^(a+)+$"}}}"#);
    folders.write("schemas/large.schema.json", &json!({ "title": "x".repeat(1 << 20) }).to_string());
    for (schema, reason) in [
        ("d0", "too complex"),
        ("back", "look-around and back-references are not supported"),
        ("large", "it has more than 1048576 bytes"),
    ] {
        let told = errors(folders.settings(), json!({}), schema).await;
        let msg = told["errors"][0]["msg"].as_str().unwrap();
        assert!(msg.starts_with("schema_resolution_failed: ") && msg.contains(reason), "{msg}");
    }
    // A pattern that others need exponential time for: this ends.
    let told = errors(folders.settings(), json!({ "a": format!("{}!", "a".repeat(100_000)) }), "slow").await;
    assert_eq!(told["reason"], "validation_failed");
}

#[tokio::test]
async fn a_schema_that_refers_to_itself_through_others_is_no_trouble() {
    let folders = Folders::new();
    folders.write("schemas/a.schema.json", r#"{"properties":{"b":{"$ref":"b.schema.json"}}}"#);
    folders.write(
        "schemas/b.schema.json",
        r#"{"properties":{"a":{"$ref":"a.schema.json"},"n":{"type":"null"}}}"#,
    );
    let told = errors(folders.settings(), json!({ "b": { "a": { "b": { "n": 1 } } } }), "a").await;
    assert_eq!(told["errors"][0]["path"], "/b/a/b/n");
}

#[tokio::test]
async fn a_marker_that_a_schema_knows_through_references_stays() {
    let folders = Folders::new();
    folders.write("schemas/base.json", r#"{"allOf":[{"required":["$schema"]}]}"#);
    folders.write("schemas/outer.schema.json", r#"{"$ref":"base.json"}"#);
    folders.write("schemas/closed.schema.json", r#"{"additionalProperties":false}"#);
    let client = client(folders.settings()).await;
    for schema in ["outer", "outer.schema.json", "closed"] {
        let told = told(&client, "validate_asset", json!({ "asset": { "$schema": schema } })).await;
        assert_eq!(told, json!({ "ok": true, "errors": [] }), "{schema}");
    }
}

#[tokio::test]
async fn another_key_may_be_the_marker() {
    let folders = Folders::new();
    folders.write("schemas/a.schema.json", r#"{"additionalProperties":false}"#);
    let client = client(Settings { marker_key: "kind/of".to_owned(), ..folders.settings() }).await;
    assert_eq!(told(&client, "validate_asset", json!({ "asset": { "kind/of": "a" } })).await["ok"], true);
    let told = told(&client, "validate_asset", json!({ "asset": {} })).await;
    assert_eq!(told["errors"], json!([{ "path": "/kind~1of", "msg": "top-level kind/of is required" }]));
}

#[tokio::test]
async fn whatever_a_schema_says_it_is_used_or_refused_with_a_reason() {
    let folders = Folders::new();
    let odd = [
        r#"{"$id":"x#fragment"}"#,
        r##"{"$id":"#fragment"}"##,
        r#"{"$id":"http://[bad"}"#,
        r#"{"$id":"http://a b/"}"#,
        r#"{"$id":""}"#,
        r#"{"$id":5}"#,
        r#"{"$id":"urn:x:y","$ref":"z"}"#,
        r#"{"$id":"schema:///other.schema.json","$ref":"0.schema.json"}"#,
        r#"{"$ref":"http://[bad"}"#,
        r#"{"$ref":"%"}"#,
        r#"{"$ref":""}"#,
        r##"{"$ref":"#"}"##,
        r##"{"$ref":"#/$defs/%zz"}"##,
        r#"{"$ref":5}"#,
        r#"{"$schema":5}"#,
        r#"{"$schema":"https://elsewhere.example/meta"}"#,
        r#"{"$schema":"0.schema.json"}"#,
        r##"{"$schema":"http://json-schema.org/draft-07/schema#","$id":"#a","$ref":"#a"}"##,
        r##"{"$anchor":"a","$defs":{"b":{"$anchor":"a"}},"$ref":"#a"}"##,
        r##"{"$dynamicRef":"#absent"}"##,
        r#"{"$vocabulary":{"https://elsewhere.example/v":true}}"#,
        r#"{"maximum":1e400}"#,
        r#"{"minLength":1e400}"#,
        r#"{"multipleOf":0}"#,
        r#"{"required":"x"}"#,
        r#"{"items":{"$id":"inner","$ref":"0.schema.json"}}"#,
        "[]",
        "null",
        "3",
        "true",
        "false",
        "",
        "\u{feff}{}",
    ];
    for (number, text) in odd.iter().enumerate() {
        folders.write(&format!("schemas/{number}.schema.json"), text);
        folders.write(
            &format!("schemas/ref{number}.schema.json"),
            &format!("{{\"$ref\":\"{number}.schema.json\"}}"),
        );
    }
    let client = client(folders.settings()).await;
    for (number, text) in odd.iter().enumerate() {
        for schema in [number.to_string(), format!("ref{number}")] {
            let told =
                told(&client, "validate_asset", json!({ "asset": { "a": [1] }, "schema": schema })).await;
            assert!(told["ok"] == true || told["reason"] == "validation_failed", "{schema} {text}: {told}");
        }
    }
    let audit = told(&client, "audit", json!({})).await;
    assert_eq!(audit["schemas_checked"], odd.len() * 2);
}

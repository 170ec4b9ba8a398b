//! What the server says of itself.

use latimer::Revision;
use latimer_assets::{OpenError, Settings};
use serde_json::json;

use crate::support::{ERAS, Folders, client, golden_settings, told};

#[tokio::test]
async fn tools_are_described_with_arguments_answers_and_hints() {
    let client = client(golden_settings()).await.revision(Revision::LATEST_MODERN);
    let tools = client.list_tools().await.unwrap();
    let names: Vec<_> = tools.iter().map(|tool| tool.name.as_str()).collect();
    assert_eq!(
        names,
        [
            "audit",
            "diff_assets",
            "get_example",
            "get_schema",
            "governance_audit",
            "list_examples",
            "list_schemas",
            "populate_backend",
            "validate",
            "validate_asset",
            "validate_many"
        ]
    );
    for tool in &tools {
        let hints = tool.annotations.as_ref().unwrap();
        let posts = tool.name == "populate_backend";
        assert_eq!(
            (hints.read_only_hint, hints.open_world_hint),
            (Some(!posts), Some(posts)),
            "{}",
            tool.name
        );
        assert_eq!((hints.idempotent_hint, hints.destructive_hint), (Some(true), Some(false)));
        assert!(tool.title.is_some() && tool.description.is_some() && tool.output_schema.is_some());
        assert!(tool.input_schema.as_str().contains("\"additionalProperties\":false"), "{}", tool.name);
    }
    let validate = tools.iter().find(|tool| tool.name == "validate").unwrap();
    assert!(validate.description.as_deref().unwrap().contains("gone in 1.0"));
}

#[test]
fn a_folder_of_schemas_has_to_be_there() {
    let folders = Folders::new();
    let settings = Settings { schemas_dir: folders.path("absent"), ..folders.settings() };
    let error = latimer_assets::source(settings).unwrap_err();
    assert!(matches!(error, OpenError::Schemas { .. }));
    assert!(error.to_string().ends_with("create it, or name another one"), "{error}");
    folders.write("file", "");
    let settings = Settings { schemas_dir: folders.path("file"), ..folders.settings() };
    assert!(latimer_assets::source(settings).is_err());
}

#[tokio::test]
async fn without_examples_lists_are_empty_and_everything_is_well() {
    let folders = Folders::new();
    for revision in ERAS {
        let client = client(folders.settings()).await.revision(revision);
        assert_eq!(told(&client, "list_schemas", json!({})).await, json!({ "ok": true, "schemas": [] }));
        assert_eq!(told(&client, "list_examples", json!({})).await, json!({ "ok": true, "examples": [] }));
        let audit = told(&client, "audit", json!({})).await;
        assert_eq!((&audit["status"], &audit["examples_checked"]), (&json!("ok"), &json!(0)));
    }
}

#[tokio::test]
async fn paths_of_lists_can_be_asked_for() {
    let client = client(golden_settings()).await;
    let schemas = told(&client, "list_schemas", json!({})).await;
    for schema in schemas["schemas"].as_array().unwrap() {
        for name in ["name", "path"] {
            let got = told(&client, "get_schema", json!({ "name": schema[name] })).await;
            assert_eq!((&got["ok"], &got["version"]), (&json!(true), &schema["version"]), "{schema}");
        }
    }
    let examples = told(&client, "list_examples", json!({})).await;
    for example in examples["examples"].as_array().unwrap() {
        let got = told(&client, "get_example", json!({ "path": example["path"] })).await;
        let is_json = example["path"] != "drafts/broken.json";
        assert_eq!(got["ok"], is_json, "{example}");
    }
}

#[tokio::test]
async fn more_files_than_allowed_are_told_with_the_limit() {
    let folders = Folders::new();
    for number in 0..3 {
        folders.write(&format!("schemas/{number}.schema.json"), "{}");
        folders.write(&format!("examples/{number}.json"), "{}");
    }
    let client = client(Settings { max_files: 2, ..folders.settings() }).await;
    let expected = json!({ "ok": false, "reason": "unsupported", "detail": "too_many_files", "limit": 2 });
    for tool in ["list_schemas", "list_examples", "audit"] {
        assert_eq!(told(&client, tool, json!({})).await, expected, "{tool}");
    }
    // What needs no listing goes on.
    assert_eq!(told(&client, "get_schema", json!({ "name": "0" })).await["ok"], true);
}

#[tokio::test]
async fn thousands_of_files_are_listed() {
    let folders = Folders::new();
    for number in 0..3_000 {
        folders.write(&format!("examples/{}/e.{number}.json", number % 7), "{}");
    }
    let client = client(folders.settings()).await;
    let examples = told(&client, "list_examples", json!({ "component": "e" })).await;
    assert_eq!(examples["examples"].as_array().unwrap().len(), 3_000);
    assert_eq!(client.list_resources().await.unwrap().len(), 3_000);
    assert_eq!(told(&client, "audit", json!({})).await["missing_schema"].as_array().unwrap().len(), 3_000);
}

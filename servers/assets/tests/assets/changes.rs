//! What changes on disk while the server runs.

use std::fs;

use latimer::{Engine, Revision};
use latimer_assets::Settings;
use serde_json::{Value, json};

use crate::support::{ERAS, Folders, Wire, client, server, told};

async fn engine(folders: &Folders, watch: bool) -> Engine {
    server(Settings { watch, ..folders.settings() }).build().await.unwrap()
}

async fn subscribe(wire: &mut Wire, uri: &str) {
    wire.request("resources/subscribe", json!({ "uri": uri })).await;
}

/// The URIs of what is said to hold something else now, up to that of `last`.
async fn updates(wire: &mut Wire, last: &str) -> Vec<String> {
    let mut uris = Vec::new();
    loop {
        let message = wire.receive().await;
        if message["method"] == "notifications/resources/updated" {
            uris.push(message["params"]["uri"].as_str().unwrap().to_owned());
            if uris.last().unwrap() == last {
                return uris;
            }
        }
    }
}

#[tokio::test]
async fn tools_see_what_is_on_disk_whether_it_is_watched_or_not() {
    for watch in [true, false] {
        let folders = Folders::new();
        let client = client(Settings { watch, ..folders.settings() }).await;
        let validate = async |n: Value| {
            told(&client, "validate_asset", json!({ "asset": { "n": n }, "schema": "a" })).await
        };
        assert_eq!(validate(json!(1)).await["ok"], false);
        folders.write("schemas/a.schema.json", r#"{"properties":{"n":{"$ref":"b.json"}}}"#);
        assert!(validate(json!(1)).await["errors"][0]["msg"].as_str().unwrap().contains("no such schema"));
        folders.write("schemas/b.json", r#"{"type":"string"}"#);
        assert_eq!(validate(json!(1)).await["errors"][0]["path"], "/n");
        // The same length, in the same moment.
        folders.write("schemas/b.json", r#"{"type":"number"}"#);
        assert_eq!(validate(json!(1)).await["ok"], true);
        folders.write("examples/e.json", r#"{"$schema":"a","n":2}"#);
        assert_eq!(told(&client, "get_example", json!({ "path": "e.json" })).await["validated"], true);
        fs::remove_file(folders.path("schemas/b.json")).unwrap();
        assert_eq!(validate(json!(1)).await["ok"], false);
        fs::remove_dir_all(folders.path("schemas")).unwrap();
        assert_eq!(told(&client, "list_schemas", json!({})).await, json!({ "ok": true, "schemas": [] }));
    }
}

#[tokio::test]
async fn rsc_4_files_that_come_and_go_are_announced_as_they_do() {
    let folders = Folders::new();
    folders.write("schemas/a.schema.json", "{}");
    let mut wire = Wire::open(&engine(&folders, true).await).await;
    wire.lists(&["schema:///a.schema.json"]).await;
    folders.write("schemas/sub/b.schema.json", "{}");
    wire.lists(&["schema:///a.schema.json", "schema:///sub/b.schema.json"]).await;
    // A folder that was not there when the server began.
    folders.write("examples/e.json", "{}");
    wire.lists(&["example:///e.json", "schema:///a.schema.json", "schema:///sub/b.schema.json"]).await;
    fs::rename(folders.path("schemas/sub"), folders.path("schemas/other")).unwrap();
    wire.lists(&["example:///e.json", "schema:///a.schema.json", "schema:///other/b.schema.json"]).await;
    folders.write("schemas/a.schema.json", "{");
    wire.lists(&["example:///e.json", "schema:///other/b.schema.json"]).await;
}

#[cfg(unix)]
#[tokio::test]
async fn folders_that_go_come_back_or_become_links_are_followed() {
    let folders = Folders::new();
    folders.write("examples/a.json", "{}");
    folders.write("second/b.json", "{}");
    folders.write("third/c.json", "{}");
    let mut wire = Wire::open(&engine(&folders, true).await).await;
    wire.lists(&["example:///a.json"]).await;
    fs::remove_dir_all(folders.path("examples")).unwrap();
    wire.lists(&[]).await;
    std::os::unix::fs::symlink("second", folders.path("examples")).unwrap();
    wire.lists(&["example:///b.json"]).await;
    folders.write("second/b2.json", "{}");
    wire.lists(&["example:///b.json", "example:///b2.json"]).await;
    // As a link is replaced in one step.
    std::os::unix::fs::symlink("third", folders.path("next")).unwrap();
    fs::rename(folders.path("next"), folders.path("examples")).unwrap();
    wire.lists(&["example:///c.json"]).await;
    folders.write("third/c2.json", "{}");
    wire.lists(&["example:///c.json", "example:///c2.json"]).await;
}

#[tokio::test]
async fn one_folder_may_lie_in_the_other() {
    let folders = Folders::new();
    folders.write("schemas/examples/a.json", "{}");
    let settings =
        Settings { examples_dir: folders.path("schemas/examples"), watch: true, ..folders.settings() };
    let mut wire = Wire::open(&server(settings).build().await.unwrap()).await;
    wire.lists(&["example:///a.json"]).await;
    folders.write("schemas/new/b.schema.json", "{}");
    wire.lists(&["example:///a.json", "schema:///new/b.schema.json"]).await;
    folders.write("schemas/examples/new/c.schema.json", "{}");
    wire.lists(&[
        "example:///a.json",
        "example:///new/c.schema.json",
        "schema:///examples/new/c.schema.json",
        "schema:///new/b.schema.json",
    ])
    .await;
}

#[tokio::test]
async fn rsc_5_other_contents_are_announced_and_the_same_again_are_not() {
    let folders = Folders::new();
    for file in ["a", "b", "c"] {
        folders.write(&format!("examples/{file}.json"), "1");
    }
    let mut wire = Wire::open(&engine(&folders, true).await).await;
    for file in ["a", "b", "c"] {
        subscribe(&mut wire, &format!("example:///{file}.json")).await;
    }
    folders.write("examples/a.json", "1");
    folders.write("examples/b.json", "2");
    assert_eq!(updates(&mut wire, "example:///b.json").await, ["example:///b.json"]);
    fs::remove_file(folders.path("examples/c.json")).unwrap();
    assert_eq!(updates(&mut wire, "example:///c.json").await, ["example:///c.json"]);
}

#[tokio::test]
async fn without_a_watch_the_next_call_has_changes_announced() {
    let folders = Folders::new();
    let engine = engine(&folders, false).await;
    let mut wire = Wire::open(&engine).await;
    assert!(wire.resources().await.is_empty());
    folders.write("examples/a.json", "1");
    wire.request("tools/call", json!({ "name": "list_schemas", "arguments": {} })).await;
    wire.lists(&["example:///a.json"]).await;
}

#[tokio::test]
async fn sub_1_a_listener_of_the_modern_era_is_told() {
    let folders = Folders::new();
    folders.write("schemas/a.schema.json", "{}");
    let engine = engine(&folders, true).await;
    let mut wire = Wire::connect(&engine);
    let uri = "schema:///a.schema.json";
    wire.send(json!({
        "jsonrpc": "2.0", "id": 1, "method": "subscriptions/listen",
        "params": {
            "_meta": {
                "io.modelcontextprotocol/protocolVersion": Revision::LATEST_MODERN.to_string(),
                "io.modelcontextprotocol/clientCapabilities": {}
            },
            "notifications": { "resourceSubscriptions": [uri], "resourcesListChanged": true }
        }
    }))
    .await;
    assert_eq!(wire.receive().await["method"], "notifications/subscriptions/acknowledged");
    folders.write("schemas/a.schema.json", "{ }");
    let mut methods = [wire.receive().await, wire.receive().await].map(|message| message["method"].clone());
    methods.sort_by_key(Value::to_string);
    assert_eq!(methods, ["notifications/resources/list_changed", "notifications/resources/updated"]);
}

#[tokio::test]
async fn a_server_that_is_closed_lets_go_of_its_folders() {
    let folders = Folders::new();
    for revision in ERAS {
        let client = client(Settings { watch: true, ..folders.settings() }).await.revision(revision);
        assert_eq!(told(&client, "list_schemas", json!({})).await["ok"], true);
        client.close().await;
        assert!(client.call("list_schemas", json!({})).await.is_err());
    }
}

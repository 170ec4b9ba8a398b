//! Tools that ask nobody.

use std::io::Read as _;

use latimer::prelude::*;
use latimer::wire::{ResourceBody, Role};
use latimer::{Principal, TestClient};
use serde_json::Value;

use crate::support::{ERAS, client, each_era};

#[tokio::test]
async fn echo_and_add() {
    for client in each_era().await {
        assert_eq!(client.call("echo", json!({ "message": "hello" })).await.unwrap().text(), "Echo: hello");
        let sum = client.call("add", json!({ "a": 2, "b": 3 })).await.unwrap();
        assert_eq!(sum.text(), "The sum of 2 and 3 is 5.");
        assert!(client.call("add", json!({ "a": "2", "b": 3 })).await.unwrap().is_error());
        let unknown = client.call("no-such-tool", json!({})).await.unwrap_err().to_string();
        assert!(unknown.contains("no-such-tool"), "{unknown}");
    }
}

/// The original failed with -32603 where the arguments were left out.
#[tokio::test]
async fn arguments_may_be_left_out() {
    for client in each_era().await {
        for tool in ["getTinyImage", "get-env", "get-resource-links", "mcp_apps_hello_world"] {
            let result: Value = client.request("tools/call", &json!({ "name": tool })).await.unwrap();
            assert!(result["content"].is_array() && result["isError"] != true, "{tool}: {result}");
        }
    }
}

#[tokio::test]
async fn a_tiny_image_is_a_picture() {
    for client in each_era().await {
        let called = client.call("getTinyImage", json!({})).await.unwrap();
        let ContentBlock::Image(image) = &called.result.content[1] else { panic!("no picture") };
        assert_eq!((image.mime_type.as_str(), &image.data[..8]), ("image/png", "iVBORw0K"));
    }
}

#[tokio::test]
async fn annotations_say_for_whom_a_message_is() {
    for client in each_era().await {
        for (kind, priority, audience) in [
            ("error", 1.0, vec![Role::User, Role::Assistant]),
            ("success", 0.7, vec![Role::User]),
            ("debug", 0.3, vec![Role::Assistant]),
        ] {
            let arguments = json!({ "messageType": kind, "includeImage": kind == "error" });
            let called = client.call("annotatedMessage", arguments).await.unwrap();
            let ContentBlock::Text(text) = &called.result.content[0] else { panic!("no text") };
            let annotations = text.annotations.as_ref().unwrap();
            assert_eq!((annotations.priority, &annotations.audience), (Some(priority), &audience));
            assert_eq!(called.result.content.len(), if kind == "error" { 2 } else { 1 });
        }
        assert!(client.call("annotatedMessage", json!({ "messageType": "x" })).await.unwrap().is_error());
    }
}

#[tokio::test]
async fn tool_7_structured_content_comes_with_the_same_text() {
    for client in each_era().await {
        for location in ["New York", "Chicago", "Los Angeles"] {
            let called =
                client.call("get-structured-content", json!({ "location": location })).await.unwrap();
            let weather: Value = called.structured().unwrap();
            assert!(weather["temperature"].is_number() && weather["humidity"].is_number());
            assert_eq!(serde_json::from_str::<Value>(&called.text()).unwrap(), weather);
        }
    }
}

/// The newer server showed its whole environment, with all secrets in it.
#[tokio::test]
async fn only_what_is_allowed_of_the_environment_is_shown() {
    for client in each_era().await {
        let shown: Value =
            serde_json::from_str(&client.call("get-env", json!({})).await.unwrap().text()).unwrap();
        // Cargo sets it for tests; the other one that is allowed is not set.
        let names: Vec<_> = shown.as_object().unwrap().keys().collect();
        let expected: &[&str] =
            if std::env::var_os("CARGO_PKG_NAME").is_some() { &["CARGO_PKG_NAME"] } else { &[] };
        assert_eq!(names, expected);
    }
}

#[tokio::test]
async fn resources_are_embedded() {
    for client in each_era().await {
        for (id, is_text) in [(1, true), (100, false)] {
            let called = client.call("getResourceReference", json!({ "resourceId": id })).await.unwrap();
            let ContentBlock::Resource(embedded) = &called.result.content[1] else { panic!("no resource") };
            assert_eq!(embedded.resource.uri, format!("test://static/resource/{id}"));
            assert_eq!(matches!(embedded.resource.body, ResourceBody::Text(_)), is_text);
            assert_eq!(client.read(&embedded.resource.uri).await.unwrap().contents[0], embedded.resource);
        }
        for id in [0, 101] {
            let called = client.call("getResourceReference", json!({ "resourceId": id })).await.unwrap();
            assert!(called.is_error() && called.text().contains("resourceId"), "{}", called.text());
        }
        let called =
            client.call("get-resource-reference", json!({ "resourceType": "Blob", "resourceId": 7 }));
        let called = called.await.unwrap();
        let ContentBlock::Resource(embedded) = &called.result.content[1] else { panic!("no resource") };
        assert_eq!(embedded.resource.uri, "demo://resource/dynamic/blob/7");
    }
}

#[tokio::test]
async fn links_lead_to_resources() {
    for client in each_era().await {
        let called = client.call("get-resource-links", json!({ "count": 4 })).await.unwrap();
        let links = called.result.content.iter().filter_map(|block| match block {
            ContentBlock::ResourceLink(link) => Some(link),
            _ => None,
        });
        let links = links.collect::<Vec<_>>();
        assert_eq!(links.len(), 4);
        for link in links {
            assert!(client.read(&link.uri).await.is_ok(), "{}", link.uri);
        }
        assert!(client.call("get-resource-links", json!({ "count": 11 })).await.unwrap().is_error());
    }
}

#[tokio::test(start_paused = true)]
async fn a_long_running_operation_reports_each_step() {
    for client in each_era().await {
        let called = client.call("longRunningOperation", json!({ "duration": 6, "steps": 3 })).await.unwrap();
        assert_eq!(called.text(), "Long running operation completed. Duration: 6 seconds, Steps: 3.");
        let steps: Vec<_> = called.progress.iter().map(|step| (step.progress, step.total)).collect();
        assert_eq!(steps, [(1.0, Some(3.0)), (2.0, Some(3.0)), (3.0, Some(3.0))]);
        assert!(!client.call("longRunningOperation", json!({})).await.unwrap().is_error());
        assert!(!client.call("longRunningOperation", json!({ "steps": 0 })).await.unwrap().is_error());
    }
}

/// The original had no upper bound.
#[tokio::test(start_paused = true)]
async fn a_long_running_operation_has_its_bounds() {
    for client in each_era().await {
        for arguments in [
            json!({ "duration": 601 }),
            json!({ "duration": -1 }),
            json!({ "steps": 1001 }),
            json!({ "duration": 100, "steps": 2 }),
        ] {
            assert!(client.call("longRunningOperation", &arguments).await.unwrap().is_error(), "{arguments}");
        }
    }
}

/// The compressed resource of a call, by its link.
async fn link_of(client: &TestClient, arguments: Value) -> String {
    let called = client.call("gzip-file-as-resource", arguments).await.unwrap();
    match &called.result.content[0] {
        ContentBlock::ResourceLink(link) => link.uri.clone(),
        other => panic!("{other:?}"),
    }
}

async fn unpacked(client: &TestClient, uri: &str) -> Vec<u8> {
    let contents: Value = client.request("resources/read", &json!({ "uri": uri })).await.unwrap();
    let blob = contents["contents"][0]["blob"].as_str().unwrap().to_owned();
    let blob = base64::Engine::decode(&base64::engine::general_purpose::STANDARD, blob).unwrap();
    let mut bytes = Vec::new();
    flate2::read::GzDecoder::new(blob.as_slice()).read_to_end(&mut bytes).unwrap();
    bytes
}

#[tokio::test]
async fn data_is_compressed_and_kept() {
    for client in each_era().await {
        let data = json!({ "name": "a.txt.gz", "data": "data:text/plain;base64,aGVsbG8=" });
        let uri = link_of(&client, data).await;
        assert!(uri.ends_with("/a.txt.gz"), "{uri}");
        assert_eq!(unpacked(&client, &uri).await, b"hello");
        assert!(unpacked(&client, &link_of(&client, json!({})).await).await.starts_with(b"# Everything"));
        let embedded = json!({ "outputType": "resource", "data": "data:,x" });
        let called = client.call("gzip-file-as-resource", embedded).await.unwrap();
        assert!(matches!(called.result.content[0], ContentBlock::Resource(_)));
    }
}

/// The newer server fetched any URL, in the network of its host.
#[tokio::test]
async fn nothing_is_fetched() {
    let client = client().await;
    for data in ["http://127.0.0.1/", "https://169.254.169.254/latest", "file:///etc/passwd", "data:nothing"]
    {
        let called = client.call("gzip-file-as-resource", json!({ "data": data })).await.unwrap();
        assert!(called.is_error() && called.text().contains("data: URI"), "{}", called.text());
    }
    for name in ["", "../a", "a/b", ".hidden", "ä", &"x".repeat(101)] {
        let called = client.call("gzip-file-as-resource", json!({ "name": name })).await.unwrap();
        assert!(called.is_error(), "{name}");
    }
}

/// The newer server kept what all sessions made in one map.
#[tokio::test]
async fn ver_9_what_is_kept_is_seen_by_nobody_else() {
    let client = client().await;
    for revision in ERAS {
        let ada = client.revision(revision).as_principal(Principal::named("ada", [] as [&str; 0]));
        let bob = client.revision(revision).as_principal(Principal::named("bob", [] as [&str; 0]));
        let hers = link_of(&ada, json!({ "name": "a.gz", "data": "data:,hers" })).await;
        assert!(bob.read(&hers).await.is_err() && client.revision(revision).read(&hers).await.is_err());
        let his = link_of(&bob, json!({ "name": "a.gz", "data": "data:,his" })).await;
        assert_eq!(unpacked(&ada, &hers).await, b"hers");
        assert_eq!(unpacked(&bob, &his).await, b"his");
        assert_eq!(hers == his, !revision.is_modern());
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_kept_is_bounded_in_time_and_number() {
    let client = client().await.revision(ERAS[0]);
    for number in 0..17 {
        link_of(&client, json!({ "name": format!("{number}.gz") })).await;
    }
    assert!(client.read("demo://resource/session/0.gz").await.is_err(), "the oldest has given way");
    assert!(client.read("demo://resource/session/1.gz").await.is_ok());
    tokio::time::advance(std::time::Duration::from_secs(3600)).await;
    assert!(client.read("demo://resource/session/16.gz").await.is_err());
}

#[tokio::test]
async fn app_1_the_hello_world_speaks_in_words_too() {
    for client in each_era().await {
        let tools = client.list_tools().await.unwrap();
        let tool = tools.iter().find(|tool| tool.name == "mcp_apps_hello_world").unwrap();
        let meta: Value = tool.meta.as_ref().unwrap().to().unwrap();
        assert_eq!(meta["ui"]["resourceUri"], "ui://hello-world/app.html");
        for count in 1..=2 {
            let called = client.call("mcp_apps_hello_world", json!({})).await.unwrap();
            assert!(called.text().starts_with("Hello from an MCP App!"));
            let hello: Value = called.structured().unwrap();
            assert_eq!(hello["features"].as_array().unwrap().len(), 3);
            assert!(hello["stats"]["requestCount"].as_u64().unwrap() >= count);
            let meta: Value = called.result.meta.as_ref().unwrap().to().unwrap();
            assert_eq!(meta["processed"], true);
        }
        let page = client.read("ui://hello-world/app.html").await.unwrap();
        assert_eq!(page.contents[0].mime_type.as_deref(), Some("text/html;profile=mcp-app"));
    }
}

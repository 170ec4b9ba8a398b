//! What is offered.

use std::collections::BTreeSet;

use latimer::Revision;
use latimer::prelude::*;
use serde_json::Value;

use crate::support::{client, each_era, server};

const TOOLS: [&str; 30] = [
    "add",
    "annotatedMessage",
    "ask-user-and-model",
    "echo",
    "elicitInputs",
    "get-annotated-message",
    "get-env",
    "get-resource-links",
    "get-resource-reference",
    "get-roots-list",
    "get-structured-content",
    "get-sum",
    "get-tiny-image",
    "getResourceReference",
    "getTinyImage",
    "gzip-file-as-resource",
    "longRunningOperation",
    "mcp_apps_hello_world",
    "sampleLLM",
    "simulate-research-query",
    "toggle-extra-resource",
    "toggle-simulated-logging",
    "toggle-subscriber-updates",
    "trigger-elicitation-request",
    "trigger-elicitation-request-async",
    "trigger-long-running-operation",
    "trigger-resource-update",
    "trigger-sampling-request",
    "trigger-sampling-request-async",
    "trigger-url-elicitation",
];

#[tokio::test]
async fn ver_8_all_tools_are_there_whatever_the_client_can_do() {
    let plain = client().await;
    let able = plain.capabilities(json!({ "sampling": {}, "elicitation": {}, "roots": {} })).unwrap();
    for client in [plain.clone(), able] {
        for revision in Revision::ALL {
            let tools = client.revision(revision).list_tools().await.unwrap();
            let names: BTreeSet<_> = tools.iter().map(|tool| tool.name.as_str()).collect();
            assert_eq!(names, BTreeSet::from(TOOLS), "{revision}");
        }
    }
    for tool in plain.list_tools().await.unwrap() {
        assert!(tool.title.is_some() && tool.description.is_some(), "{}", tool.name);
    }
}

/// The original said of fields with defaults that they had to be given.
#[tokio::test]
async fn fields_with_defaults_may_be_left_out() {
    for tool in client().await.list_tools().await.unwrap() {
        let schema: Value = tool.input_schema.to().unwrap();
        let properties = schema["properties"].as_object().cloned().unwrap_or_default();
        let required = schema["required"].as_array().cloned().unwrap_or_default();
        for (name, property) in properties {
            let has_default = property.get("default").is_some();
            assert!(!(has_default && required.contains(&json!(name))), "{}: {name}", tool.name);
        }
    }
}

#[tokio::test]
async fn a_hundred_resources_come_in_pages_of_ten() {
    let client = server().page_size(10).test().await.unwrap();
    for revision in Revision::ALL {
        let client = client.revision(revision);
        let (mut cursor, mut seen) = (None, Vec::new());
        loop {
            let params = cursor.map_or_else(|| json!({}), |cursor: Value| json!({ "cursor": cursor }));
            let page: Value = client.request("resources/list", &params).await.unwrap();
            let resources = page["resources"].as_array().unwrap().clone();
            // The original told the contents in the list.
            assert!(resources.iter().all(|it| it.get("text").is_none() && it.get("blob").is_none()));
            seen.extend(resources.iter().map(|it| it["uri"].as_str().unwrap().to_owned()));
            match page.get("nextCursor") {
                Some(next) => {
                    assert_eq!(resources.len(), 10);
                    cursor = Some(next.clone());
                }
                None => break,
            }
        }
        let distinct: BTreeSet<_> = seen.iter().collect();
        assert_eq!((seen.len(), distinct.len()), (108, 108), "none comes twice");
        assert_eq!(seen.iter().filter(|uri| uri.starts_with("test://static/resource/")).count(), 100);
        assert!(client.request::<Value>("resources/list", &json!({ "cursor": "bm8=" })).await.is_err());
    }
}

#[tokio::test]
async fn templates_and_prompts_are_the_documented_ones() {
    for client in each_era().await {
        let templates = client.list_resource_templates().await.unwrap();
        let templates: BTreeSet<_> = templates.into_iter().map(|template| template.uri_template).collect();
        let expected = [
            "demo://resource/dynamic/blob/{resourceId}",
            "demo://resource/dynamic/text/{resourceId}",
            "demo://resource/session/{handle}/{name}",
            "demo://resource/session/{name}",
            "demo://resource/updates/{handle}",
            "test://static/resource/{id}",
        ];
        assert_eq!(templates, expected.map(String::from).into());
        let prompts = client.list_prompts().await.unwrap();
        let prompts: BTreeSet<_> = prompts.into_iter().map(|prompt| prompt.name).collect();
        let expected = [
            "args-prompt",
            "completable-prompt",
            "complex_prompt",
            "resource-prompt",
            "resource_prompt",
            "simple-prompt",
            "simple_prompt",
        ];
        assert_eq!(prompts, expected.map(String::from).into());
    }
}

#[tokio::test]
async fn the_server_introduces_itself() {
    let discovered: Value = client().await.request("server/discover", &json!({})).await.unwrap();
    assert!(discovered["instructions"].as_str().unwrap().starts_with("# Everything server"));
    let capabilities = &discovered["capabilities"];
    for capability in ["tools", "resources", "prompts", "completions", "logging"] {
        assert!(capabilities.get(capability).is_some(), "{capability}: {capabilities}");
    }
    assert!(capabilities["extensions"].get("io.modelcontextprotocol/ui").is_some());
}

#[tokio::test]
async fn the_source_loads_beside_others() {
    let other = Server::new("other").source(latimer_everything::source().unwrap());
    let client = other.test().await.unwrap();
    assert_eq!(client.call("echo", json!({ "message": "hi" })).await.unwrap().text(), "Echo: hi");
    // What it changes is told by the server that has loaded it.
    let begun = client.call("toggle-subscriber-updates", json!({})).await.unwrap();
    assert!(begun.text().contains("Handle:"), "{}", begun.text());
}

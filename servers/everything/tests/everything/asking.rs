//! Tools that ask the client.

use std::sync::{Arc, Mutex};

use latimer::prelude::*;
use latimer::wire::{CreateMessageResult, ElicitAction, Root};
use latimer::{Revision, TestClient, TestError};
use serde_json::Value;

use crate::support::{client, each_era};

fn sampled(text: &str) -> CreateMessageResult {
    let result = json!({ "role": "assistant", "content": { "type": "text", "text": text }, "model": "test" });
    serde_json::from_value(result).unwrap()
}

#[tokio::test]
async fn sa_1_the_client_s_model_is_asked() {
    for client in each_era().await {
        let asked = Arc::new(Mutex::new(None));
        let seen = asked.clone();
        let client = client.on_sample(move |params| {
            *seen.lock().unwrap() = Some(params);
            sampled("42")
        });
        let called = client.call("sampleLLM", json!({ "prompt": "why?" })).await.unwrap();
        assert_eq!(called.text(), "LLM sampling result: 42");
        let asked = asked.lock().unwrap().take().unwrap();
        assert_eq!((asked.max_tokens, asked.temperature), (100, Some(0.7)));
        assert_eq!(asked.system_prompt.as_deref(), Some("You are a helpful test server."));
    }
}

#[tokio::test]
async fn el_2_a_form_has_a_field_of_every_kind() {
    for client in each_era().await {
        let schemas = Arc::new(Mutex::new(Vec::new()));
        let seen = schemas.clone();
        let user = client.on_elicit(move |asked| {
            seen.lock().unwrap().push(asked.schema.unwrap());
            json!({ "name": "Ada", "integer": 7 })
        });
        for tool in ["elicitInputs", "trigger-elicitation-request"] {
            let called = user.call(tool, json!({})).await.unwrap();
            assert!(called.text().starts_with("User provided"), "{}", called.text());
            assert!(called.text().contains("\"Ada\""));
        }
        let schemas = schemas.lock().unwrap().clone();
        let of = |at: usize| schemas[at]["properties"].as_object().unwrap();
        assert_eq!((of(0).len(), of(1).len()), (9, 13));
        assert_eq!(schemas[0]["properties"]["integer"]["default"], 42);
        assert!(schemas[1]["properties"]["titledMultipleSelectEnum"]["items"]["anyOf"].is_array());
        assert_eq!(schemas[1]["required"], json!(["name"]));
        for (action, words) in [(ElicitAction::Decline, "declined"), (ElicitAction::Cancel, "cancelled")] {
            let called = client.on_elicit(move |_| action).call("elicitInputs", json!({})).await.unwrap();
            assert!(!called.is_error() && called.text().contains(words), "{}", called.text());
        }
    }
}

#[tokio::test]
async fn the_user_and_the_model_are_asked_together() {
    for client in each_era().await {
        let both = client.on_sample(|_| sampled("left")).on_elicit(|_| json!({ "answer": "right" }));
        let called = both.call("ask-user-and-model", json!({ "question": "Which way?" })).await.unwrap();
        assert_eq!(called.text(), "The user says: right\nThe model says: left");
    }
}

#[tokio::test]
async fn el_5_a_page_is_opened() {
    for client in each_era().await {
        let user = client.on_elicit(|asked| {
            assert_eq!(asked.url.as_deref(), Some("https://example.com/a"));
            ElicitAction::Accept
        });
        let called =
            user.call("trigger-url-elicitation", json!({ "url": "https://example.com/a" })).await.unwrap();
        assert_eq!(called.text(), "User agreed to open https://example.com/a.");
        let called =
            user.call("trigger-url-elicitation", json!({ "url": "javascript:alert(1)" })).await.unwrap();
        assert!(called.is_error());
    }
}

#[tokio::test]
async fn el_5_a_page_that_comes_first_is_an_error_once() {
    let [legacy, modern] = each_era().await;
    let arguments = json!({ "url": "https://example.com/a", "errorPath": true });
    let user = legacy.on_elicit(|_| ElicitAction::Accept);
    for _ in 0..2 {
        match user.call("trigger-url-elicitation", &arguments).await {
            Err(TestError::Rpc(error)) => {
                assert_eq!(error.code.0, -32042);
                assert!(error.data.unwrap().as_str().contains("https://example.com/a"));
            }
            other => panic!("{other:?}"),
        }
        let called = user.call("trigger-url-elicitation", &arguments).await.unwrap();
        assert_eq!(called.text(), "User was asked to open https://example.com/a first.");
    }
    // There the caller is asked, and the handler runs again.
    let user = modern.on_elicit(|_| ElicitAction::Accept);
    let called = user.call("trigger-url-elicitation", &arguments).await.unwrap();
    assert_eq!(called.text(), "User was asked to open https://example.com/a first.");
}

#[tokio::test]
async fn ro_1_roots_are_listed() {
    for client in each_era().await {
        let roots = client.with_roots([Root::new("file:///home/ada"), Root::new("file:///tmp")]);
        let called = roots.call("get-roots-list", json!({})).await.unwrap();
        assert!(called.text().contains("1. without a name: file:///home/ada\n2."), "{}", called.text());
        let none = client.with_roots([]).call("get-roots-list", json!({})).await.unwrap();
        assert!(none.text().contains("none right now"), "{}", none.text());
    }
}

/// VER-7: what the client cannot do is told when it calls.
#[tokio::test]
async fn ver_7_who_cannot_answer_is_refused_in_words() {
    let client = client().await;
    for revision in Revision::ALL {
        for (tool, arguments, needs) in [
            ("sampleLLM", json!({ "prompt": "?" }), "sampling"),
            ("elicitInputs", json!({}), "elicitation"),
            ("trigger-elicitation-request", json!({}), "elicitation"),
            ("trigger-url-elicitation", json!({ "url": "https://example.com" }), "elicitation.url"),
            ("get-roots-list", json!({}), "roots"),
        ] {
            let refused = client.revision(revision).call(tool, arguments).await;
            let words = match refused {
                Err(TestError::Rpc(error)) => {
                    assert!(!revision.is_modern() || error.code.0 == -32021, "{error}");
                    error.message.into_owned()
                }
                Ok(called) => {
                    assert!(called.is_error());
                    called.text()
                }
                Err(other) => panic!("{other}"),
            };
            assert!(words.contains(needs), "{revision} {tool}: {words}");
        }
    }
}

/// Polls a task of 2026-07-28 to its end, and answers what it asks.
async fn result_of(client: &TestClient, task: &str, answer: Value) -> (Value, Vec<String>) {
    let mut stages = Vec::new();
    loop {
        let task_now: Value = client.request("tasks/get", &json!({ "taskId": task })).await.unwrap();
        if let Some(stage) = task_now["statusMessage"].as_str()
            && stages.last().is_none_or(|last| last != stage)
        {
            stages.push(stage.to_owned());
        }
        match task_now["status"].as_str().unwrap() {
            "working" => tokio::time::sleep(std::time::Duration::from_millis(200)).await,
            "input_required" => {
                let asked = task_now["inputRequests"].as_object().unwrap();
                let key = asked.keys().next().unwrap().clone();
                let meanings =
                    &asked[&key]["params"]["requestedSchema"]["properties"]["interpretation"]["oneOf"];
                assert_eq!(meanings.as_array().unwrap().len(), 3);
                let responses = json!({ key: { "action": "accept", "content": answer } });
                let update = json!({ "taskId": task, "inputResponses": responses });
                client.request::<Value>("tasks/update", &update).await.unwrap();
            }
            "completed" => return (task_now["result"].clone(), stages),
            other => panic!("{other}: {task_now}"),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn tx_1_research_is_a_task_that_asks() {
    let tasks = json!({ "elicitation": {}, "extensions": { "io.modelcontextprotocol/tasks": {} } });
    let client = client().await.capabilities(&tasks).unwrap();
    for ambiguous in [false, true] {
        let arguments = json!({ "topic": "python", "ambiguous": ambiguous });
        let params = json!({ "name": "simulate-research-query", "arguments": arguments });
        let begun: Value = client.request("tools/call", &params).await.unwrap();
        assert_eq!(begun["resultType"], "task", "{begun}");
        let task = begun["taskId"].as_str().unwrap();
        let (result, stages) = result_of(&client, task, json!({ "interpretation": "technical" })).await;
        let text = result["content"][0]["text"].as_str().unwrap();
        assert!(text.starts_with("# Research report: python"), "{text}");
        assert_eq!(text.contains("Understood as: technical"), ambiguous, "{text}");
        assert!(stages.iter().any(|stage| stage == "Analyzing content..."), "{stages:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn t11_2_research_is_a_task_of_2025_11_25_and_nothing_else() {
    let client = client().await.revision(Revision::V2025_11_25);
    let mut params =
        json!({ "name": "simulate-research-query", "arguments": { "topic": "x", "ambiguous": true } });
    let refused = client.request::<Value>("tools/call", &params).await.unwrap_err();
    assert!(matches!(refused, TestError::Rpc(_)), "{refused}");
    params["task"] = json!({ "ttl": 300_000 });
    let begun: Value = client.request("tools/call", &params).await.unwrap();
    let task = json!({ "taskId": begun["task"]["taskId"] });
    let result: Value = client.request("tasks/result", &task).await.unwrap();
    // The client has no user who could be asked.
    assert!(result["content"][0]["text"].as_str().unwrap().contains("left open"), "{result}");
}

#[tokio::test]
async fn what_takes_long_is_asked_of_every_client() {
    for client in each_era().await {
        let client = client.on_sample(|_| sampled("in the end")).on_elicit(|_| json!({ "name": "Ada" }));
        let called =
            client.call("trigger-sampling-request-async", json!({ "prompt": "why?" })).await.unwrap();
        assert_eq!(called.text(), "LLM sampling result: in the end");
        let called = client.call("trigger-elicitation-request-async", json!({})).await.unwrap();
        assert!(called.text().starts_with("The user answered: ") && called.text().contains("Ada"));
    }
}

#[tokio::test]
async fn what_has_two_names_does_the_same_under_both() {
    let client = client().await;
    let sum = json!({ "a": 2, "b": 3 });
    for (original, newer, arguments) in [
        ("add", "get-sum", sum),
        ("getTinyImage", "get-tiny-image", json!({})),
        ("annotatedMessage", "get-annotated-message", json!({ "messageType": "error" })),
        ("longRunningOperation", "trigger-long-running-operation", json!({ "duration": 0, "steps": 2 })),
    ] {
        let original = client.call(original, arguments.clone()).await.unwrap();
        assert_eq!(client.call(newer, arguments).await.unwrap().text(), original.text(), "{newer}");
    }
}

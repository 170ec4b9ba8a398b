//! What belongs to a session, and to clients that have none.

use latimer::prelude::*;
use latimer::{Principal, Revision};
use serde_json::Value;

use crate::support::{Wire, client};

const URI: &str = "demo://resource/dynamic/text/1";

fn number(text: &str, label: &str) -> String {
    text.lines().find_map(|line| line.strip_prefix(label)).unwrap().trim().to_owned()
}

/// The original made noise from the beginning; the newer server did not.
#[tokio::test(start_paused = true)]
async fn nothing_happens_by_itself() {
    let client = client().await;
    let mut wire = Wire::open(client.engine()).await;
    wire.request("resources/subscribe", json!({ "uri": URI })).await;
    tokio::time::sleep(std::time::Duration::from_secs(60)).await;
    wire.hears_nothing().await;
}

/// The original awaited an answer of the client's model before it answered.
#[tokio::test(start_paused = true)]
async fn rsc_5_to_subscribe_is_answered_at_once_and_updates_come_when_asked_for() {
    let client = client().await;
    let mut wire = Wire::open(client.engine()).await;
    let mut other = Wire::open(client.engine()).await;
    for wire in [&mut wire, &mut other] {
        let subscribed = wire.request("resources/subscribe", json!({ "uri": URI })).await;
        assert_eq!(subscribed["result"], json!({}));
    }
    assert!(wire.text("toggle-subscriber-updates", json!({})).await.contains("are on"));
    for _ in 0..3 {
        let update = wire.receive().await;
        assert_eq!(update["method"], "notifications/resources/updated", "{update}");
        assert_eq!(update["params"]["uri"], URI);
    }
    // Whoever did not ask for it hears nothing.
    other.hears_nothing().await;
    assert!(wire.text("toggle-subscriber-updates", json!({})).await.contains("are off"));
    tokio::time::sleep(std::time::Duration::from_secs(60)).await;
    wire.hears_nothing().await;
    other.hears_nothing().await;
}

#[tokio::test]
async fn rsc_5_an_update_and_a_change_of_the_list_reach_every_session() {
    let client = client().await;
    let mut wire = Wire::open(client.engine()).await;
    let mut other = Wire::open(client.engine()).await;
    let uri = "test://static/resource/7";
    other.request("resources/subscribe", json!({ "uri": uri })).await;
    wire.text("trigger-resource-update", json!({ "id": 7 })).await;
    assert_eq!(other.receive().await["params"]["uri"], uri);
    for _ in 0..2 {
        wire.text("toggle-extra-resource", json!({})).await;
        assert_eq!(other.receive().await["method"], "notifications/resources/list_changed");
    }
    let refused = wire.call("trigger-resource-update", json!({ "id": 101 })).await;
    assert_eq!(refused["result"]["isError"], true, "{refused}");
}

#[tokio::test(start_paused = true)]
async fn log_2_simulated_messages_go_to_the_session_that_wants_them() {
    let client = client().await;
    let mut wire = Wire::open(client.engine()).await;
    let mut other = Wire::open(client.engine()).await;
    wire.request("logging/setLevel", json!({ "level": "error" })).await;
    assert!(wire.text("toggle-simulated-logging", json!({ "stderr": true })).await.contains("is on"));
    let (mut levels, mut lines) = (Vec::new(), 0);
    while levels.len() < 4 {
        let message = wire.receive().await;
        match message["method"].as_str().unwrap() {
            "notifications/message" => levels.push(message["params"]["level"].as_str().unwrap().to_owned()),
            "notifications/stderr" => lines += 1,
            other => panic!("{other}"),
        }
    }
    // What is below the level that the session set is left out.
    assert_eq!(levels, ["error", "critical", "alert", "emergency"]);
    assert!(lines >= 7, "{lines}");
    other.hears_nothing().await;
    wire.text("toggle-simulated-logging", json!({})).await;
    tokio::time::sleep(std::time::Duration::from_secs(60)).await;
    wire.hears_nothing().await;
}

#[tokio::test(start_paused = true)]
async fn simulations_end_with_their_session_and_their_server() {
    let client = client().await;
    let metrics = tokio::runtime::Handle::current().metrics();
    let before = metrics.num_alive_tasks();
    let mut wire = Wire::open(client.engine()).await;
    wire.text("toggle-simulated-logging", json!({})).await;
    wire.text("toggle-subscriber-updates", json!({})).await;
    drop(wire);
    while metrics.num_alive_tasks() > before {
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    }
    // What the client itself began with may have ended meanwhile.
    let before = metrics.num_alive_tasks();
    client.call("toggle-subscriber-updates", json!({})).await.unwrap();
    assert!(metrics.num_alive_tasks() > before);
    client.close().await;
    while metrics.num_alive_tasks() > before {
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn simulations_are_bounded_in_number() {
    let client = client().await;
    for _ in 0..16 {
        assert!(!client.call("toggle-subscriber-updates", json!({})).await.unwrap().is_error());
    }
    let refused = client.call("toggle-subscriber-updates", json!({})).await.unwrap();
    assert!(refused.is_error() && refused.text().contains("too many"), "{}", refused.text());
    // They end after ten minutes.
    tokio::time::sleep(std::time::Duration::from_secs(606)).await;
    assert!(!client.call("toggle-subscriber-updates", json!({})).await.unwrap().is_error());
}

/// The same in 2026-07-28, which has no sessions.
#[tokio::test(start_paused = true)]
async fn ver_9_updates_without_a_session_belong_to_a_handle() {
    let client = client().await;
    let begun = client.call("toggle-subscriber-updates", json!({})).await.unwrap().text();
    let (uri, handle) = (number(&begun, "Resource:"), number(&begun, "Handle:"));
    let mut wire = Wire::connect(client.engine());
    let meta = json!({
        "io.modelcontextprotocol/protocolVersion": Revision::LATEST_MODERN.as_str(),
        "io.modelcontextprotocol/clientCapabilities": {}
    });
    wire.send(json!({
        "jsonrpc": "2.0", "id": 1, "method": "subscriptions/listen",
        "params": { "_meta": meta, "notifications": { "resourceSubscriptions": [uri] } }
    }))
    .await;
    let acknowledged = wire.receive().await;
    assert_eq!(acknowledged["method"], "notifications/subscriptions/acknowledged", "{acknowledged}");
    for _ in 0..2 {
        let update = wire.receive().await;
        assert_eq!(update["method"], "notifications/resources/updated", "{update}");
        assert_eq!(update["params"]["uri"], uri);
    }
    assert!(client.read(&uri).await.is_ok());
    let bob = client.as_principal(Principal::named("bob", [] as [&str; 0]));
    assert!(bob.read(&uri).await.is_err());
    let off = json!({ "handle": handle });
    assert!(bob.call("toggle-subscriber-updates", &off).await.unwrap().is_error());
    assert!(!client.call("toggle-subscriber-updates", &off).await.unwrap().is_error());
    assert!(client.call("toggle-subscriber-updates", &off).await.unwrap().is_error());
    assert!(client.read(&uri).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn log_3_messages_without_a_session_come_with_the_call() {
    let client = client().await;
    let called = client.call("toggle-simulated-logging", json!({ "messages": 3 })).await.unwrap();
    let levels: Vec<_> = called.logs.iter().map(|log| log.level).collect();
    assert_eq!(levels, [LogLevel::Debug, LogLevel::Info, LogLevel::Notice]);
    let refused = client.call("toggle-simulated-logging", json!({ "stderr": true })).await.unwrap();
    assert!(refused.is_error());
}

/// The newer server kept all of it in one map.
#[tokio::test]
async fn two_sessions_do_not_see_each_other_s_resources() {
    let client = client().await;
    let mut one = Wire::open(client.engine()).await;
    let mut two = Wire::open(client.engine()).await;
    let uri = "demo://resource/session/a.gz";
    let called = one.call("gzip-file-as-resource", json!({ "name": "a.gz", "data": "data:,one" })).await;
    assert_eq!(called["result"]["content"][0]["uri"], uri, "{called}");
    let read = |response: Value| response["result"]["contents"][0]["blob"].clone();
    let ours = read(one.request("resources/read", json!({ "uri": uri })).await);
    assert!(ours.is_string());
    assert!(two.request("resources/read", json!({ "uri": uri })).await["error"].is_object());
    two.call("gzip-file-as-resource", json!({ "name": "a.gz", "data": "data:,two" })).await;
    let theirs = read(two.request("resources/read", json!({ "uri": uri })).await);
    assert!(theirs.is_string() && theirs != ours);
    assert_eq!(read(one.request("resources/read", json!({ "uri": uri })).await), ours);
}

/// Same ids in two sessions do not meet, and one that ends ends nothing of the other.
#[tokio::test(start_paused = true)]
async fn a_cancelled_or_aborted_call_ends_nothing_else() {
    let client = client().await;
    let mut one = Wire::open(client.engine()).await;
    let mut two = Wire::open(client.engine()).await;
    let mut three = Wire::open(client.engine()).await;
    let call = json!({
        "jsonrpc": "2.0", "id": "same", "method": "tools/call",
        "params": {
            "_meta": { "progressToken": "same" },
            "name": "longRunningOperation",
            "arguments": { "duration": 4, "steps": 2 }
        }
    });
    for wire in [&mut one, &mut two, &mut three] {
        wire.send(call.clone()).await;
    }
    one.send(json!({
        "jsonrpc": "2.0", "method": "notifications/cancelled", "params": { "requestId": "same" }
    }))
    .await;
    one.hears_nothing().await;
    drop(three);
    // Progress comes to the session of the call.
    for step in [1, 2] {
        let progress = two.receive().await;
        assert_eq!(progress["method"], "notifications/progress", "{progress}");
        assert_eq!(progress["params"]["progress"].as_f64(), Some(f64::from(step)));
        assert_eq!(progress["params"]["progressToken"], "same");
    }
    let done = two.receive().await;
    assert_eq!(done["id"], "same");
    assert!(done["result"]["content"][0]["text"].as_str().unwrap().contains("completed"));
    one.hears_nothing().await;
}

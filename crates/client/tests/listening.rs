//! Subscriptions in bytes (SUB-1 to SUB-10): streams of a modern server, and what stands for them in a legacy session.

#![allow(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

mod support;

use std::sync::atomic::{AtomicUsize, Ordering};

use latimer_client::{Client, Event, Filter, Options};
use latimer_protocol::RawJson;
use serde_json::json;
use support::script::server as script;
use support::{Answer, Request, Server, accepted, error, legacy, modern, result, stream};
use tokio::sync::oneshot;

fn raw(text: &str) -> RawJson {
    RawJson::parse(text.to_owned()).unwrap()
}

/// A notification of the subscription that a request opened, as an event.
fn event(request: &Request, method: &str, params: &str) -> String {
    let id = request.id();
    let more = if params.is_empty() { String::new() } else { format!(",{params}") };
    format!(
        "data: {{\"jsonrpc\":\"2.0\",\"method\":\"notifications/{method}\",\"params\":{{\"_meta\":{{\"io.modelcontextprotocol/subscriptionId\":{id}}}{more}}}}}\n\n"
    )
}

fn acknowledged(request: &Request) -> String {
    event(
        request,
        "subscriptions/acknowledged",
        r#""notifications":{"toolsListChanged":true,"resourceSubscriptions":["a://b"]}"#,
    )
}

#[tokio::test]
async fn sub_1_sub_2_sub_5_a_subscription_is_acknowledged_heard_and_ended_in_good_order() {
    let server = Server::start(modern(|request| {
        let mut events = acknowledged(request);
        events.push_str(": still there\n\n");
        events.push_str(&event(request, "tools/list_changed", ""));
        events.push_str(&event(request, "resources/updated", r#""uri":"a://b/c""#));
        events.push_str(&event(request, "tasks", r#""taskId":"t","status":"working""#));
        let id = request.id();
        events.push_str(&format!(
            "data: {{\"jsonrpc\":\"2.0\",\"id\":{id},\"result\":{{\"resultType\":\"complete\"}}}}\n\n"
        ));
        Answer::Last(stream(&events))
    }))
    .await;
    let client = server.connect(Options::default()).await.unwrap();
    let mut subscription = client.listen(Filter::lists().uri("a://b").task("t")).await.unwrap();
    let request = server.first("subscriptions/listen");
    assert_eq!(request.header("mcp-method"), Some("subscriptions/listen"));
    assert_eq!(
        request.json()["params"]["notifications"],
        json!({"toolsListChanged": true, "promptsListChanged": true, "resourcesListChanged": true,
               "resourceSubscriptions": ["a://b"], "taskIds": ["t"]})
    );
    let honoured = subscription.honoured();
    assert!(honoured.tools && !honoured.prompts && honoured.uris == ["a://b"]);
    assert_eq!(subscription.next().await.unwrap(), Some(Event::ToolsChanged));
    assert_eq!(
        subscription.next().await.unwrap(),
        Some(Event::ResourceUpdated { uri: "a://b/c".to_owned() })
    );
    assert!(matches!(subscription.next().await.unwrap(), Some(Event::Task { id, .. }) if id == "t"));
    assert_eq!(subscription.next().await.unwrap(), None);
    assert_eq!(subscription.next().await.unwrap(), None);
}

#[tokio::test(start_paused = true)]
async fn sub_6_a_stream_that_breaks_off_is_opened_anew_and_the_gap_told() {
    let streams = AtomicUsize::new(0);
    let server = Server::start(modern(move |request| match streams.fetch_add(1, Ordering::Relaxed) {
        0 => Answer::Last(stream(&(acknowledged(request) + &event(request, "tools/list_changed", "")))),
        1 => support::json("503 Service Unavailable", ""),
        _ => Answer::Held(
            stream(&(acknowledged(request) + &event(request, "prompts/list_changed", ""))),
            oneshot::channel().0,
        ),
    }))
    .await;
    let client = server.connect(Options::default()).await.unwrap();
    let mut subscription = client.listen(Filter::lists()).await.unwrap();
    let mut heard = Vec::new();
    for _ in 0..3 {
        heard.push(subscription.next().await.unwrap().unwrap());
    }
    assert_eq!(heard, [Event::ToolsChanged, Event::Gap, Event::PromptsChanged]);
    let ids: std::collections::BTreeSet<_> = server
        .seen()
        .into_iter()
        .filter(|request| request.method() == "subscriptions/listen")
        .map(|request| request.id())
        .collect();
    assert_eq!(ids.len(), 3);
}

#[tokio::test(start_paused = true)]
async fn sub_6_a_server_that_does_not_come_back_ends_the_subscription() {
    let streams = AtomicUsize::new(0);
    let server = Server::start(modern(move |request| match streams.fetch_add(1, Ordering::Relaxed) {
        0 => Answer::Last(stream(&acknowledged(request))),
        _ => support::json("503 Service Unavailable", ""),
    }))
    .await;
    let client = server.connect(Options::default()).await.unwrap();
    let mut subscription = client.listen(Filter::lists()).await.unwrap();
    assert_eq!(subscription.next().await.unwrap_err().http_status(), Some(503));
    assert_eq!(subscription.next().await.unwrap(), None);
    assert_eq!(server.methods().iter().filter(|method| *method == "subscriptions/listen").count(), 11);
}

#[tokio::test]
async fn sub_5_dropping_a_subscription_closes_its_stream_and_a_refusal_is_an_error() {
    let (gone, closed) = oneshot::channel();
    let gone = std::sync::Mutex::new(Some(gone));
    let server = Server::start(modern(move |request| match gone.lock().unwrap().take() {
        Some(gone) => Answer::Held(stream(&acknowledged(request)), gone),
        None => error(request, "400 Bad Request", -32021, r#"{"requiredCapabilities":{}}"#),
    }))
    .await;
    let client = server.connect(Options::default()).await.unwrap();
    drop(client.listen(Filter::lists()).await.unwrap());
    closed.await.unwrap();
    let error = client.listen(Filter::default().task("t")).await.unwrap_err();
    assert_eq!(error.rpc().unwrap().code.0, -32021);
}

#[tokio::test]
async fn stdio_7_two_subscriptions_share_a_pipe_and_each_hears_its_own() {
    let client = Client::connect(script("modern"), Options::default()).await.unwrap();
    let mut tools = client.listen(Filter { tools: true, ..Filter::default() }).await.unwrap();
    let mut prompts = client.listen(Filter { prompts: true, ..Filter::default() }).await.unwrap();
    client.call_tool("change", raw("{}")).await.unwrap();
    assert_eq!(tools.next().await.unwrap(), Some(Event::ToolsChanged));
    assert_eq!(prompts.next().await.unwrap(), Some(Event::PromptsChanged));
    client.call_tool("end", raw("{}")).await.unwrap();
    assert_eq!(tools.next().await.unwrap(), None);
    // The other was cancelled, and is opened anew.
    assert_eq!(prompts.next().await.unwrap(), Some(Event::Gap));
    drop(prompts);
    loop {
        let seen: serde_json::Value =
            client.call_tool("seen", raw("{}")).await.unwrap().structured().unwrap().to().unwrap();
        let of = |method: &str| -> Vec<&serde_json::Value> {
            seen.as_array().unwrap().iter().filter(|message| message["method"] == method).collect()
        };
        let (listens, cancelled) = (of("subscriptions/listen"), of("notifications/cancelled"));
        assert_eq!(listens.len(), 3);
        // SUB-5: it arrives on its own.
        if cancelled.iter().any(|message| message["params"]["requestId"] == listens[2]["id"]) {
            break;
        }
    }
}

#[tokio::test]
async fn rsc_5_a_legacy_session_is_subscribed_to_and_heard_through_the_same_door() {
    let streams = AtomicUsize::new(0);
    let rest = legacy("2025-11-25", move |request| match request.method().as_str() {
        "GET" if streams.fetch_add(1, Ordering::Relaxed) == 0 => Answer::Last(stream(
            "retry: 1\ndata: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/resources/updated\",\"params\":{\"uri\":\"a://b\"}}\n\n\
             data: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/resources/updated\",\"params\":{\"uri\":\"z://b\"}}\n\n\
             data: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/prompts/list_changed\"}\n\n\
             data: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/tools/list_changed\"}\n\n",
        )),
        "GET" => Answer::Held(stream(": open\n\n"), oneshot::channel().0),
        "DELETE" => accepted(),
        _ => result(request, "{}"),
    });
    let server = Server::start(move |request: &Request| match request.method().as_str() {
        "initialize" => {
            let body = support::result_text(
                request,
                r#"{"protocolVersion":"2025-11-25","capabilities":{"tools":{"listChanged":true},"resources":{"subscribe":true}}}"#,
            );
            Answer::Bytes(support::http("200 OK", "application/json", "mcp-session-id: s-1\r\n", &body))
        }
        _ => rest(request),
    })
    .await;
    let client = server.connect(Options::default()).await.unwrap();
    let mut subscription = client.listen(Filter::lists().uri("a://b")).await.unwrap();
    let honoured = subscription.honoured();
    assert!(honoured.tools && !honoured.prompts && honoured.uris == ["a://b"]);
    assert_eq!(subscription.next().await.unwrap(), Some(Event::ResourceUpdated { uri: "a://b".to_owned() }));
    assert_eq!(subscription.next().await.unwrap(), Some(Event::ToolsChanged));
    // The stream named no event, so that nothing can be resumed.
    assert_eq!(subscription.next().await.unwrap(), Some(Event::Gap));
    assert_eq!(server.first("resources/subscribe").json()["params"], json!({"uri": "a://b"}));
    let second = client.listen(Filter::default().uri("a://b")).await.unwrap();
    drop(subscription);
    drop(second);
    server.wait_for("resources/unsubscribe").await;
    client.close().await;
    assert_eq!(server.methods().iter().filter(|method| *method == "resources/unsubscribe").count(), 1);
}

#[tokio::test]
async fn lh_8_another_session_is_subscribed_anew() {
    let sessions = AtomicUsize::new(0);
    let server = Server::start(move |request: &Request| {
        let current = format!("s-{}", sessions.load(Ordering::Relaxed));
        match request.method().as_str() {
            "server/discover" => support::json("400 Bad Request", ""),
            "initialize" => {
                let number = sessions.fetch_add(1, Ordering::Relaxed) + 1;
                let body = support::result_text(
                    request,
                    r#"{"protocolVersion":"2025-11-25","capabilities":{"resources":{"subscribe":true}}}"#,
                );
                let extra = format!("mcp-session-id: s-{number}\r\n");
                Answer::Bytes(support::http("200 OK", "application/json", &extra, &body))
            }
            "notifications/initialized" => accepted(),
            "GET" if current == "s-1" => Answer::Last(stream("id: 1\nretry: 1\ndata: \n\n")),
            "GET" => Answer::Held(stream(": open\n\n"), oneshot::channel().0),
            "tools/call" if current == "s-1" => {
                Answer::Bytes("HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n".to_owned())
            }
            _ => result(request, r#"{"content":[]}"#),
        }
    })
    .await;
    let client = server.connect(Options::default()).await.unwrap();
    let mut subscription = client.listen(Filter::default().uri("a://b")).await.unwrap();
    client.call_tool("t", raw("{}")).await.unwrap();
    assert_eq!(subscription.next().await.unwrap(), Some(Event::Gap));
    let subscribed: Vec<_> = server
        .seen()
        .into_iter()
        .filter(|request| request.method() == "resources/subscribe")
        .map(|request| request.header("mcp-session-id").unwrap().to_owned())
        .collect();
    assert_eq!(subscribed, ["s-1", "s-2"]);
}

#[tokio::test]
async fn ic_7_a_session_that_its_listening_stream_finds_gone_is_replaced() {
    let sessions = AtomicUsize::new(0);
    let server = Server::start(move |request: &Request| {
        let known =
            request.header("mcp-session-id") == Some(&format!("s-{}", sessions.load(Ordering::Relaxed)));
        match request.method().as_str() {
            "server/discover" => support::json("400 Bad Request", ""),
            "initialize" => {
                let number = sessions.fetch_add(1, Ordering::Relaxed) + 1;
                let body = support::result_text(
                    request,
                    r#"{"protocolVersion":"2025-11-25","capabilities":{"tools":{"listChanged":true}}}"#,
                );
                let extra = format!("mcp-session-id: s-{number}\r\n");
                Answer::Bytes(support::http("200 OK", "application/json", &extra, &body))
            }
            "notifications/initialized" => accepted(),
            // The first stream ends, and with it the session.
            "GET" if known && sessions.load(Ordering::Relaxed) == 1 => {
                sessions.store(10, Ordering::Relaxed);
                Answer::Last(stream("id: 1\nretry: 1\ndata: \n\n"))
            }
            "GET" if known => Answer::Held(
                stream("data: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/tools/list_changed\"}\n\n"),
                oneshot::channel().0,
            ),
            _ => Answer::Bytes("HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n".to_owned()),
        }
    })
    .await;
    let client = server.connect(Options::default()).await.unwrap();
    let mut subscription = client.listen(Filter::lists()).await.unwrap();
    let mut heard = Vec::new();
    while !heard.contains(&Event::ToolsChanged) || !heard.contains(&Event::Gap) {
        heard.push(subscription.next().await.unwrap().unwrap());
    }
    assert_eq!(server.methods().iter().filter(|method| *method == "initialize").count(), 2);
}

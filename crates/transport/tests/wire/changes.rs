//! Who is told what changed: `subscriptions/listen`, and the sessions of older revisions (SUB-1 to SUB-10, RSC-5).

use std::sync::Arc;
use std::time::Duration;

use latimer_core::local::{LocalEntry, LocalSource};
use latimer_core::{Engine, Limits};
use latimer_protocol::RawJson;
use latimer_store::Store;
use serde_json::{Value, json};

use super::client::{Ask, Connection, Event, Stream, call};
use super::server::{Server, Setup};
use super::stdio::{Pipe, cancel, legacy, modern};

const NEWEST: &str = "2025-11-25";
const ID: &str = "io.modelcontextprotocol/subscriptionId";
const STATIC: &str = "test://static";
const OTHER: &str = "test://panics";

/// A listen request for all lists and some resources.
fn listen(id: Value, uris: &[&str]) -> Ask {
    Ask::modern_with_id(id, "subscriptions/listen", asked(uris))
}

fn asked(uris: &[&str]) -> Value {
    json!({ "notifications": {
        "toolsListChanged": true,
        "promptsListChanged": true,
        "resourcesListChanged": true,
        "resourceSubscriptions": uris,
    } })
}

/// A listen request for resources alone.
fn listen_to(id: Value, uris: &[&str]) -> Ask {
    let params = json!({ "notifications": { "resourceSubscriptions": uris } });
    Ask::modern_with_id(id, "subscriptions/listen", params)
}

/// The stream of a listen request, behind its acknowledgement.
async fn listening(server: &Server, ask: &Ask) -> Stream {
    let mut stream = Stream::open(server, ask).await;
    let first = stream.next().await.unwrap().json();
    assert_eq!(first["method"], "notifications/subscriptions/acknowledged", "{first}");
    stream
}

async fn add_tool(engine: &Engine, name: &'static str) {
    let source = LocalSource::new(name);
    let tool = latimer_protocol::wire::Tool::new(name, RawJson::parse(r#"{"type":"object"}"#).unwrap());
    source.insert(LocalEntry::tool(&tool, Arc::new(|_| Box::pin(std::future::pending()))).unwrap()).unwrap();
    engine.catalog().load(Arc::new(source)).await.unwrap();
}

fn updated(message: &Value) -> &str {
    assert_eq!(message["method"], "notifications/resources/updated", "{message}");
    message["params"]["uri"].as_str().unwrap()
}

async fn next(stream: &mut Stream) -> Value {
    loop {
        let event = stream.next().await.expect("an event");
        if !event.data.is_empty() {
            return event.json();
        }
    }
}

#[tokio::test]
async fn sub_2_the_acknowledgement_comes_first_and_names_what_is_honoured() {
    let server = Server::start().await;
    let mut stream = Stream::open(&server, &listen(json!("1"), &[STATIC, "test://unknown", STATIC])).await;
    let honoured = json!({
        "toolsListChanged": true,
        "promptsListChanged": true,
        "resourcesListChanged": true,
        "resourceSubscriptions": [STATIC],
    });
    let expected = json!({
        "jsonrpc": "2.0",
        "method": "notifications/subscriptions/acknowledged",
        "params": { "notifications": honoured, "_meta": { ID: "1" } },
    });
    assert_eq!(next(&mut stream).await, expected);
    // Of what was not asked for, and of what is not there, nothing is told.
    server.engine.catalog().update(OTHER);
    server.engine.catalog().update("test://unknown");
    server.engine.catalog().update(STATIC);
    let message = next(&mut stream).await;
    let expected = json!({
        "jsonrpc": "2.0",
        "method": "notifications/resources/updated",
        "params": { "uri": STATIC, "_meta": { ID: "1" } },
    });
    assert_eq!(message, expected);
    add_tool(&server.engine, "new").await;
    let message = next(&mut stream).await;
    assert_eq!(message["method"], "notifications/tools/list_changed");
    assert_eq!(message["params"], json!({ "_meta": { ID: "1" } }));
    server.engine.catalog().unload("bench").await.unwrap();
    let mut methods = Vec::new();
    for _ in 0..3 {
        methods.push(next(&mut stream).await["method"].as_str().unwrap().to_owned());
    }
    methods.sort_unstable();
    assert_eq!(
        methods,
        [
            "notifications/prompts/list_changed",
            "notifications/resources/list_changed",
            "notifications/tools/list_changed"
        ]
    );
}

#[tokio::test]
async fn sub_4_several_subscriptions_are_told_apart_by_their_ids() {
    let server = Server::start().await;
    let mut number = listening(&server, &listen_to(json!(1), &[STATIC])).await;
    let mut text = listening(&server, &listen_to(json!("1"), &[STATIC, OTHER])).await;
    server.engine.catalog().update(OTHER);
    server.engine.catalog().update(STATIC);
    let message = next(&mut number).await;
    assert_eq!((updated(&message), &message["params"]["_meta"][ID]), (STATIC, &json!(1)));
    for uri in [OTHER, STATIC] {
        let message = next(&mut text).await;
        assert_eq!((updated(&message), &message["params"]["_meta"][ID]), (uri, &json!("1")));
    }
}

#[tokio::test]
async fn sub_5_a_server_that_stops_answers_those_who_listen() {
    let mut server = Server::start().await;
    let streams = [
        listening(&server, &listen(json!(7), &[])).await,
        listening(&server, &listen(json!("x"), &[])).await,
    ];
    server.stop();
    for (stream, id) in streams.into_iter().zip([json!(7), json!("x")]) {
        let events = stream.rest().await;
        assert_eq!(events.len(), 1);
        let answer = events[0].json();
        assert_eq!((&answer["id"], &answer["result"]["resultType"]), (&id, &json!("complete")));
        assert_eq!(answer["result"]["_meta"][ID], id);
    }
    server.stopped().await;
}

#[tokio::test]
async fn sub_8_what_cannot_be_listened_to_is_refused() {
    let server = Server::limited(Limits { subscriptions: 1, ..Limits::default() }).await;
    let ask =
        |notifications: Value| Ask::modern("subscriptions/listen", json!({ "notifications": notifications }));
    let answer = server.ask(&ask(json!({ "taskIds": ["t"] }))).await;
    assert_eq!((answer.status(), answer.code()), (400, Some(-32021)));
    let required = json!({ "extensions": { "io.modelcontextprotocol/tasks": {} } });
    assert_eq!(answer.json()["error"]["data"]["requiredCapabilities"], required);
    for wrong in [json!(7), json!({ "toolsListChanged": "yes" }), json!({ "resourceSubscriptions": [1] })] {
        assert_eq!(server.ask(&ask(wrong)).await.code(), Some(-32602));
    }
    let answer = server.ask(&ask(json!({ "resourceSubscriptions": [STATIC, OTHER] }))).await;
    assert_eq!(answer.code(), Some(-32602));
    assert!(answer.text().contains("more than 1"), "{}", answer.text());
    assert_eq!(server.ask(&Ask::modern("subscriptions/listen", json!({}))).await.code(), Some(-32602));
    server.assert_serves().await;
}

#[tokio::test]
async fn listen_requests_are_counted_apart_from_calls() {
    let limits = Limits { calls: 1, listens: 3, listens_per_caller: 2, ..Limits::default() };
    let server = Server::limited(limits).await;
    let _first = listening(&server, &listen(json!(1), &[])).await;
    let _second = listening(&server, &listen(json!(2), &[])).await;
    server.assert_serves().await;
    assert_eq!(server.engine.in_flight(), 0);
    let answer = server.ask(&listen(json!(3), &[])).await;
    assert_eq!((answer.status(), &answer.json()["id"]), (429, &json!(3)));
    assert!(answer.header("retry-after").is_some());
}

#[tokio::test]
async fn a_slow_reader_is_told_of_20_000_updates_once_each() {
    let server = Server::start().await;
    let mut stalled = listening(&server, &listen(json!(1), &[STATIC, OTHER])).await;
    for _ in 0..10_000 {
        server.engine.catalog().update(STATIC);
        server.engine.catalog().update(OTHER);
    }
    add_tool(&server.engine, "new").await;
    assert_eq!(next(&mut stalled).await["method"], "notifications/tools/list_changed");
    assert_eq!(updated(&next(&mut stalled).await), STATIC);
    assert_eq!(updated(&next(&mut stalled).await), OTHER);
    // The last change is told, and nothing before it again.
    server.engine.catalog().update(OTHER);
    assert_eq!(updated(&next(&mut stalled).await), OTHER);
    server.assert_serves().await;
}

#[tokio::test]
async fn gw_4_what_is_told_is_advertised() {
    let server = Server::start().await;
    let lists = json!({ "listChanged": true });
    let resources = json!({ "listChanged": true, "subscribe": true });
    let modern = server.ask(&Ask::modern("server/discover", json!({}))).await.json();
    for revision in ["2025-03-26", "2025-06-18", NEWEST] {
        let legacy = server.ask(&Ask::initialize(revision)).await.json();
        for answer in [&legacy, &modern] {
            let capabilities = &answer["result"]["capabilities"];
            assert_eq!((&capabilities["tools"], &capabilities["prompts"]), (&lists, &lists));
            assert_eq!(capabilities["resources"], resources);
        }
    }
}

async fn subscribe(server: &Server, session: &str, method: &str, uri: &str) -> Value {
    let ask = Ask::legacy(session, 1, &format!("resources/{method}"), &json!({ "uri": uri }));
    server.ask(&ask).await.json()
}

#[tokio::test]
async fn rsc_5_a_session_is_told_on_its_stream() {
    let server = Server::start().await;
    for (revision, new) in [("2025-03-26", "one"), ("2025-06-18", "two"), (NEWEST, "three")] {
        let session = server.session(revision).await;
        // Before the stream is there, and twice: both is fine.
        for _ in 0..2 {
            assert_eq!(subscribe(&server, &session, "subscribe", STATIC).await["result"], json!({}));
        }
        let mut stream = Stream::open(&server, &Ask::listen(&session)).await;
        assert_eq!(subscribe(&server, &session, "subscribe", OTHER).await["result"], json!({}));
        let other = server.session(revision).await;
        let mut elsewhere = Stream::open(&server, &Ask::listen(&other)).await;
        server.engine.catalog().update(STATIC);
        server.engine.catalog().update(OTHER);
        let message = next(&mut stream).await;
        let expected = json!({
            "jsonrpc": "2.0",
            "method": "notifications/resources/updated",
            "params": { "uri": STATIC },
        });
        assert_eq!(message, expected);
        assert_eq!(updated(&next(&mut stream).await), OTHER);
        for _ in 0..2 {
            assert_eq!(subscribe(&server, &session, "unsubscribe", STATIC).await["result"], json!({}));
        }
        server.engine.catalog().update(STATIC);
        server.engine.catalog().update(OTHER);
        assert_eq!(updated(&next(&mut stream).await), OTHER);
        add_tool(&server.engine, new).await;
        for stream in [&mut stream, &mut elsewhere] {
            let message = next(stream).await;
            assert_eq!(message, json!({ "jsonrpc": "2.0", "method": "notifications/tools/list_changed" }));
        }
        let end = Ask::new("DELETE", "/mcp").with("Mcp-Session-Id", &session);
        assert_eq!(server.ask(&end).await.status(), 204);
        server.engine.catalog().update(OTHER);
        assert_eq!(stream.rest().await, []);
    }
}

#[tokio::test]
async fn rsc_5_what_cannot_be_subscribed_to_is_refused() {
    let server = Server::limited(Limits { subscriptions: 1, ..Limits::default() }).await;
    let session = server.session(NEWEST).await;
    let unknown = subscribe(&server, &session, "subscribe", "test://unknown").await;
    assert_eq!(unknown["error"]["code"], -32002);
    assert_eq!(unknown["error"]["data"]["uri"], "test://unknown");
    let missing = server.ask(&Ask::legacy(&session, 1, "resources/subscribe", &json!({}))).await;
    assert_eq!(missing.code(), Some(-32602));
    assert_eq!(subscribe(&server, &session, "subscribe", STATIC).await["result"], json!({}));
    assert_eq!(subscribe(&server, &session, "subscribe", OTHER).await["error"]["code"], -32602);
    assert_eq!(subscribe(&server, &session, "unsubscribe", STATIC).await["result"], json!({}));
    assert_eq!(subscribe(&server, &session, "subscribe", OTHER).await["result"], json!({}));
    assert_eq!(subscribe(&server, &session, "unsubscribe", "test://unknown").await["result"], json!({}));
}

#[tokio::test]
async fn lh_7_of_two_streams_the_newest_is_told_and_then_the_older_one() {
    let server = Server::limited(Limits { stream_grace: Duration::ZERO, ..Limits::default() }).await;
    let session = server.session("2025-06-18").await;
    subscribe(&server, &session, "subscribe", STATIC).await;
    let mut older = Stream::open(&server, &Ask::listen(&session)).await;
    server.engine.catalog().update(STATIC);
    assert_eq!(updated(&next(&mut older).await), STATIC);
    let mut newest = Stream::open(&server, &Ask::listen(&session)).await;
    server.engine.catalog().update(STATIC);
    assert_eq!(updated(&next(&mut newest).await), STATIC);
    add_tool(&server.engine, "new").await;
    assert_eq!(next(&mut newest).await["method"], "notifications/tools/list_changed");
    drop(newest);
    // The server notices some time that the newest is gone; the older one has been told nothing until then.
    let telling = async {
        loop {
            server.engine.catalog().update(STATIC);
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        message = next(&mut older) => assert_eq!(updated(&message), STATIC),
        () = telling => {}
    }
}

#[tokio::test]
async fn lh_5_what_came_while_the_connection_was_broken_is_told_on_resuming() {
    let server = Server::start().await;
    for revision in ["2025-06-18", NEWEST] {
        let session = server.session(revision).await;
        subscribe(&server, &session, "subscribe", STATIC).await;
        subscribe(&server, &session, "subscribe", OTHER).await;
        let mut stream = Stream::open(&server, &Ask::listen(&session)).await;
        server.engine.catalog().update(STATIC);
        let mut seen: Event = stream.next().await.unwrap();
        if seen.data.is_empty() {
            seen = stream.next().await.unwrap();
        }
        assert_eq!(updated(&seen.json()), STATIC);
        for _ in 0..3 {
            drop(stream);
            for _ in 0..10_000 {
                server.engine.catalog().update(OTHER);
            }
            let resume = Ask::listen(&session).with("Last-Event-ID", seen.id.as_deref().unwrap());
            stream = Stream::open(&server, &resume).await;
            seen = stream.next().await.unwrap();
            assert_eq!(updated(&seen.json()), OTHER);
        }
        server.engine.catalog().update(STATIC);
        assert_eq!(updated(&next(&mut stream).await), STATIC);
    }
}

#[tokio::test]
async fn a_server_that_stops_ends_the_streams_of_sessions() {
    let mut server = Server::start().await;
    let session = server.session(NEWEST).await;
    let stream = Stream::open(&server, &Ask::listen(&session)).await;
    server.stop();
    assert!(stream.rest().await.iter().all(|event| event.data.is_empty()));
    server.stopped().await;
}

#[tokio::test]
async fn changes_reach_those_who_listen_on_another_process_of_the_store() {
    let store = Store::memory();
    let setup = || Setup { store: Some(store.clone()), ..Setup::default() };
    let (here, there) = (Server::with(setup()).await, Server::with(setup()).await);
    let mut modern = listening(&here, &listen_to(json!(1), &[STATIC])).await;
    there.engine.catalog().update(STATIC);
    assert_eq!(updated(&next(&mut modern).await), STATIC);

    let session = here.session("2025-06-18").await;
    let mut stream = Stream::open(&here, &Ask::listen(&session)).await;
    // Subscribed there, where the stream is not: it may have changed until word of it came here.
    subscribe(&there, &session, "subscribe", STATIC).await;
    assert_eq!(updated(&next(&mut stream).await), STATIC);
    there.engine.catalog().update(STATIC);
    assert_eq!(updated(&next(&mut stream).await), STATIC);
    add_tool(&there.engine, "new").await;
    assert_eq!(next(&mut stream).await["method"], "notifications/tools/list_changed");

    // A newer stream there takes over, and looks at everything once.
    let mut newest = Stream::open(&there, &Ask::listen(&session)).await;
    let mut messages = Vec::new();
    for _ in 0..4 {
        messages.push(next(&mut newest).await["method"].as_str().unwrap().to_owned());
    }
    assert_eq!(messages.pop().as_deref(), Some("notifications/resources/updated"));
    here.engine.catalog().update(STATIC);
    assert_eq!(updated(&next(&mut newest).await), STATIC);
    let end = Ask::new("DELETE", "/mcp").with("Mcp-Session-Id", &session);
    assert_eq!(there.ask(&end).await.status(), 204);
    assert_eq!(stream.rest().await, []);
    assert_eq!(newest.rest().await, []);
}

/// The next messages of a pipe, by the subscription that they belong to.
async fn told(pipe: &mut Pipe, count: usize) -> Vec<(Value, String)> {
    let mut messages = Vec::new();
    for _ in 0..count {
        let message = pipe.next().await;
        messages.push((message["params"]["_meta"][ID].clone(), updated(&message).to_owned()));
    }
    messages.sort_by_key(|(id, _)| id.to_string());
    messages
}

#[tokio::test]
async fn stdio_7_all_eras_share_the_pipe() {
    let mut pipe = Pipe::open().await;
    for id in [json!(1), json!("1")] {
        let ack = pipe.ask(&listen_to(id.clone(), &[STATIC]).body).await;
        assert_eq!(ack["method"], "notifications/subscriptions/acknowledged");
        assert_eq!(ack["params"]["_meta"][ID], id);
    }
    pipe.initialize("2024-11-05").await;
    pipe.send(r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#).await;
    let subscribed = pipe.ask(legacy(2, "resources/subscribe", &json!({ "uri": STATIC }))).await;
    assert_eq!(subscribed["result"], json!({}));
    let unknown = pipe.ask(legacy(2, "resources/subscribe", &json!({ "uri": "test://unknown" }))).await;
    assert_eq!(unknown["error"]["code"], -32002);
    pipe.engine.catalog().update(STATIC);
    let uri = || STATIC.to_owned();
    assert_eq!(told(&mut pipe, 3).await, [(json!("1"), uri()), (json!(1), uri()), (json!(null), uri())]);
    // CAN-2: who is cancelled hears nothing more, not even an answer.
    pipe.send(cancel(json!(1))).await;
    assert_eq!(pipe.ask(modern(json!(3), "tools/call", call("accept"))).await["id"], 3);
    pipe.engine.catalog().update(STATIC);
    assert_eq!(told(&mut pipe, 2).await, [(json!("1"), uri()), (json!(null), uri())]);
    let unsubscribed = pipe.ask(legacy(4, "resources/unsubscribe", &json!({ "uri": STATIC }))).await;
    assert_eq!(unsubscribed["result"], json!({}));
    pipe.engine.catalog().update(STATIC);
    assert_eq!(told(&mut pipe, 1).await, [(json!("1"), uri())]);
    add_tool(&pipe.engine, "new").await;
    assert_eq!(pipe.next().await, json!({ "jsonrpc": "2.0", "method": "notifications/tools/list_changed" }));
    // SUB-5: who still listens at the end is answered.
    pipe.finish().await;
    let answer = pipe.next().await;
    assert_eq!((&answer["id"], &answer["result"]["_meta"][ID]), (&json!("1"), &json!("1")));
    assert_eq!(pipe.try_next().await, None);
}

#[tokio::test]
async fn ver_l3_nothing_is_told_before_the_client_is_ready() {
    let mut pipe = Pipe::open().await;
    pipe.initialize(NEWEST).await;
    add_tool(&pipe.engine, "early").await;
    assert_eq!(pipe.ask(legacy(1, "ping", &json!({}))).await["result"], json!({}));
    pipe.send(r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#).await;
    assert_eq!(pipe.ask(legacy(2, "ping", &json!({}))).await["result"], json!({}));
    add_tool(&pipe.engine, "late").await;
    assert_eq!(pipe.next().await["method"], "notifications/tools/list_changed");
    // A client that begins anew has subscribed to nothing.
    pipe.ask(legacy(3, "resources/subscribe", &json!({ "uri": STATIC }))).await;
    pipe.initialize(NEWEST).await;
    pipe.engine.catalog().update(STATIC);
    assert_eq!(pipe.ask(legacy(4, "tools/call", &call("accept"))).await["id"], 4);
    pipe.engine.catalog().update(STATIC);
    add_tool(&pipe.engine, "later").await;
    assert_eq!(pipe.next().await["method"], "notifications/tools/list_changed");
}

#[tokio::test]
async fn a_pipe_that_is_not_read_is_told_little() {
    let mut pipe = Pipe::limited(Limits { ring_bytes: 4_096, ..Limits::default() }).await;
    pipe.ask(&listen_to(json!(1), &[STATIC]).body).await;
    for _ in 0..20_000 {
        pipe.engine.catalog().update(STATIC);
        tokio::task::yield_now().await;
    }
    // What waited is what the buffers hold, and the last change.
    pipe.finish().await;
    let mut count = 0;
    while let Some(message) = pipe.try_next().await {
        if message.get("id").is_some() {
            break;
        }
        count += usize::from(updated(&message) == STATIC);
    }
    assert!((1..100).contains(&count), "{count}");
}

#[tokio::test]
async fn a_client_that_hangs_up_is_listened_for_no_more() {
    let server = Server::limited(Limits { listens_per_caller: 1, ..Limits::default() }).await;
    drop(listening(&server, &listen(json!(1), &[])).await);
    loop {
        let mut connection = Connection::open(&server).await;
        connection.send(&listen(json!(2), &[])).await;
        let head = connection.head().await;
        if head.status == 200 {
            break;
        }
        assert_eq!(head.status, 429);
    }
}

//! Batches: sessions and connections of 2025-03-26, and nobody else (BASE-4).

use std::time::Duration;

use latimer_core::Limits;
use latimer_transport::http::HttpOptions;
use serde_json::{Value, json};

use super::client::{Ask, Connection, Stream, call, call_with_progress};
use super::server::{Server, Setup, reaches};
use super::stdio::{Pipe, cancel};

const BATCHES: &str = "2025-03-26";

fn request(id: impl Into<Value>, method: &str, params: Value) -> Value {
    json!({ "jsonrpc": "2.0", "id": id.into(), "method": method, "params": params })
}

fn note(method: &str) -> Value {
    json!({ "jsonrpc": "2.0", "method": method })
}

fn batch(session: &str, messages: Value) -> Ask {
    Ask::post(messages.to_string()).with("Mcp-Session-Id", session)
}

/// The id, and the code or `null`, of each answer.
fn answers(array: &Value) -> Value {
    let answers = array.as_array().unwrap_or_else(|| panic!("no array: {array}"));
    answers.iter().map(|answer| json!([answer["id"], answer["error"]["code"]])).collect()
}

/// A batch with everything that may and may not be in one, and its answers.
fn motley() -> (Value, Value) {
    let modern = json!({ "_meta": { "io.modelcontextprotocol/protocolVersion": "2026-07-28" } });
    let messages = json!([
        request(1, "tools/call", call("accept")),
        note("notifications/initialized"),
        request("1", "ping", json!({})),
        7,
        request(2, "nonsense", json!({})),
        [request(3, "ping", json!({}))],
        request(4, "initialize", json!({ "protocolVersion": BATCHES })),
        request(1, "ping", json!({})),
        { "jsonrpc": "2.0", "id": 5 },
        request(6, "tools/list", modern),
        request(Value::Null, "ping", json!({})),
        request(8, "tools/call", call("unknown")),
    ]);
    let expected = json!([
        [1, null],
        ["1", null],
        [null, -32600],
        [2, -32601],
        [null, -32600],
        [4, -32600],
        [1, -32600],
        [5, -32600],
        [6, -32600],
        [null, -32600],
        [8, -32602],
    ]);
    (messages, expected)
}

#[tokio::test]
async fn base_4_over_http_a_batch_is_answered_by_one_array() {
    let server = Server::start().await;
    let session = server.session(BATCHES).await;
    let (messages, expected) = motley();
    let answer = server.ask(&batch(&session, messages)).await;
    assert_eq!((answer.status(), answer.header("content-type")), (200, Some("application/json")));
    assert_eq!(answers(&answer.json()), expected);
    assert_eq!(answer.json()[0]["result"]["content"][0]["text"], "accepted");
}

#[tokio::test]
async fn base_4_over_a_byte_stream_a_batch_is_answered_by_one_line() {
    let mut pipe = Pipe::open().await;
    pipe.initialize(BATCHES).await;
    let (messages, expected) = motley();
    let line = pipe.ask(messages.to_string()).await;
    assert_eq!(answers(&line), expected);
    pipe.assert_serves().await;
}

#[tokio::test]
async fn base_4_what_wants_no_answer_gets_none() {
    let server = Server::start().await;
    let session = server.session(BATCHES).await;
    let response = json!({ "jsonrpc": "2.0", "id": 1, "result": {} });
    let silent = [json!([note("notifications/initialized"), note("x")]), json!([response, response])];
    let mut pipe = Pipe::open().await;
    pipe.initialize(BATCHES).await;
    for messages in silent {
        let answer = server.ask(&batch(&session, messages.clone())).await;
        assert_eq!((answer.status(), answer.body.len()), (202, 0), "{messages}");
        pipe.send(messages.to_string()).await;
    }
    // The next answer is that of the next request.
    pipe.assert_serves().await;
}

#[tokio::test]
async fn base_4_what_is_no_batch_is_refused_whole() {
    let limits = Limits { batch_messages: 2, ..Limits::default() };
    let server = Server::limited(limits.clone()).await;
    let session = server.session(BATCHES).await;
    let mut pipe = Pipe::limited(limits).await;
    pipe.initialize(BATCHES).await;
    let wait = |id: u64| request(id, "tools/call", call("wait"));
    let response = json!({ "jsonrpc": "2.0", "id": 1, "result": {} });
    for messages in [json!([]), json!([wait(1), response]), json!([wait(1), wait(2), wait(3)])] {
        let answer = server.ask(&batch(&session, messages.clone())).await;
        assert_eq!((answer.status(), answer.code()), (400, Some(-32600)), "{messages}");
        assert_eq!(answer.json()["id"], Value::Null);
        assert_eq!(pipe.code(messages.to_string()).await, -32600, "{messages}");
    }
    assert_eq!((*server.bench.started.borrow(), *pipe.bench.started.borrow()), (0, 0));
}

#[tokio::test]
async fn base_4_other_revisions_have_no_batches() {
    let server = Server::start().await;
    let messages = json!([request(1, "ping", json!({}))]);
    for revision in ["2025-06-18", "2025-11-25"] {
        let session = server.session(revision).await;
        let answer = server.ask(&batch(&session, messages.clone())).await;
        assert_eq!((answer.status(), answer.code()), (400, Some(-32600)), "{revision}");
    }
    let session = server.session(BATCHES).await;
    for ask in [
        Ask::post(messages.to_string()),
        batch(&session, messages.clone()).with("MCP-Protocol-Version", "2026-07-28"),
        batch(&session, messages.clone()).with("MCP-Protocol-Version", "nonsense"),
    ] {
        let answer = server.ask(&ask).await;
        assert_eq!((answer.status(), answer.code()), (400, Some(-32600)), "{ask:?}");
    }
    assert_eq!(server.ask(&batch(&"0".repeat(32), messages.clone())).await.status(), 404);
    let handshake = Ask::initialize(BATCHES).body;
    let handshake = format!("[{}]", String::from_utf8(handshake).unwrap());
    assert_eq!(server.ask(&Ask::post(handshake.clone())).await.status(), 400);
    let mut pipe = Pipe::open().await;
    assert_eq!(pipe.code(handshake).await, -32600);
    for revision in ["2024-11-05", "2025-06-18", "2025-11-25"] {
        pipe.initialize(revision).await;
        assert_eq!(pipe.code(messages.to_string()).await, -32600, "{revision}");
    }
}

#[tokio::test]
async fn base_4_what_calls_of_a_batch_say_comes_before_the_array() {
    let server = Server::start().await;
    let session = server.session(BATCHES).await;
    let mut pipe = Pipe::open().await;
    pipe.initialize(BATCHES).await;
    let messages = json!([
        request(1, "tools/call", call("wait")),
        request(2, "tools/call", call_with_progress("chatty", &json!({}))),
        request(3, "ping", json!({})),
    ]);
    let mut stream = Stream::open(&server, &batch(&session, messages.clone())).await;
    pipe.send(messages.to_string()).await;
    for _ in 0..3 {
        assert!(stream.next().await.unwrap().json()["method"].is_string());
        assert!(pipe.next().await["method"].is_string());
    }
    // The waiting call holds up its batch, and nobody else.
    let pong = server.ask(&Ask::legacy(&session, 9, "ping", &json!({}))).await;
    assert_eq!(pong.json()["result"], json!({}));
    pipe.assert_serves().await;
    server.open_gate(1);
    pipe.bench.gate.add_permits(1);
    let last = stream.rest().await;
    assert_eq!(last.len(), 1);
    for array in [last[0].json(), pipe.next().await] {
        assert_eq!(answers(&array), json!([[1, null], [2, null], [3, null]]));
        assert_eq!(array[0]["result"]["content"][0]["text"], "waited");
    }
}

#[tokio::test]
async fn can_1_a_cancelled_call_leaves_a_hole() {
    let server = Server::start().await;
    let session = server.session(BATCHES).await;
    let mut pipe = Pipe::open().await;
    pipe.initialize(BATCHES).await;
    let wait = |id: u64| request(id, "tools/call", call("wait"));
    let messages = json!([wait(1), wait(2), request(3, "ping", json!({}))]);
    let mut connection = Connection::open(&server).await;
    connection.send(&batch(&session, messages.clone())).await;
    pipe.send(messages.to_string()).await;
    reaches(&server.bench.started, 2).await;
    reaches(&pipe.bench.started, 2).await;
    server.ask(&Ask::post(cancel(json!(1))).with("Mcp-Session-Id", &session)).await;
    pipe.send(cancel(json!(1))).await;
    reaches(&server.bench.dropped, 1).await;
    reaches(&pipe.bench.dropped, 1).await;
    server.open_gate(1);
    pipe.bench.gate.add_permits(1);
    for array in [connection.next_answer().await.json(), pipe.next().await] {
        assert_eq!(answers(&array), json!([[2, null], [3, null]]));
    }
    // Where nothing is left, nothing is sent.
    let mut connection = Connection::open(&server).await;
    connection.send(&batch(&session, json!([wait(4)]))).await;
    pipe.send(json!([wait(4)]).to_string()).await;
    reaches(&server.bench.started, 3).await;
    reaches(&pipe.bench.started, 3).await;
    server
        .ask(
            &Ask::post(json!([serde_json::from_str::<Value>(&cancel(json!(4))).unwrap()]).to_string())
                .with("Mcp-Session-Id", &session),
        )
        .await;
    pipe.send(format!("[{}]", cancel(json!(4)))).await;
    let answer = connection.next_answer().await;
    assert_eq!((answer.status(), answer.body.len()), (202, 0));
    reaches(&pipe.bench.dropped, 2).await;
    pipe.assert_serves().await;
}

#[tokio::test]
async fn lh_3_a_disconnect_does_not_end_a_batch() {
    let options = HttpOptions { patience: Duration::from_millis(30), ..HttpOptions::default() };
    let server = Server::with(Setup { options, ..Setup::default() }).await;
    let session = server.session(BATCHES).await;
    let messages = json!([
        request(1, "tools/call", call_with_progress("noisy", &json!({ "count": 1 }))),
        request(2, "tools/call", call("wait")),
    ]);
    let mut stream = Stream::open(&server, &batch(&session, messages)).await;
    let seen = stream.next().await.unwrap().id.unwrap();
    reaches(&server.bench.started, 2).await;
    drop(stream);
    server.open_gate(2);
    reaches(&server.bench.finished, 2).await;
    let resumed = Stream::open(&server, &Ask::listen(&session).with("Last-Event-ID", &seen)).await;
    let rest = resumed.rest().await;
    assert_eq!(answers(&rest.last().unwrap().json()), json!([[1, null], [2, null]]));
    assert_eq!(*server.bench.dropped.borrow(), 0);
}

#[tokio::test]
async fn each_call_of_a_batch_counts() {
    let limits = Limits { calls_per_session: 2, ..Limits::default() };
    let server = Server::limited(limits.clone()).await;
    let session = server.session(BATCHES).await;
    let mut pipe = Pipe::limited(limits).await;
    pipe.initialize(BATCHES).await;
    let wait = |id: u64| request(id, "tools/call", call("wait"));
    let messages = json!([wait(1), wait(2), wait(3)]);
    let mut connection = Connection::open(&server).await;
    connection.send(&batch(&session, messages.clone())).await;
    pipe.send(messages.to_string()).await;
    reaches(&server.bench.started, 2).await;
    reaches(&pipe.bench.started, 2).await;
    server.open_gate(2);
    pipe.bench.gate.add_permits(2);
    for array in [connection.next_answer().await.json(), pipe.next().await] {
        assert_eq!(answers(&array), json!([[1, null], [2, null], [3, -32603]]));
    }
    assert_eq!(server.engine.in_flight(), 0);
}

#[tokio::test]
async fn log_2_a_level_that_a_batch_sets_holds_for_what_follows_in_it() {
    let server = Server::start().await;
    let session = server.session(BATCHES).await;
    let mut pipe = Pipe::open().await;
    pipe.initialize(BATCHES).await;
    let messages = json!([
        request(1, "logging/setLevel", json!({ "level": "error" })),
        request(2, "tools/call", call("chatty")),
    ]);
    let answer = server.ask(&batch(&session, messages.clone())).await;
    assert_eq!(answer.header("content-type"), Some("application/json"), "{}", answer.text());
    assert_eq!(answers(&answer.json()), json!([[1, null], [2, null]]));
    assert_eq!(answers(&pipe.ask(messages.to_string()).await), json!([[1, null], [2, null]]));
}

/// The handshake of a client that tells its roots.
fn initialize_with_roots() -> Vec<u8> {
    let client = json!({ "name": "wire", "version": "1" });
    let params = json!({ "protocolVersion": BATCHES, "capabilities": { "roots": {} }, "clientInfo": client });
    request(0, "initialize", params).to_string().into_bytes()
}

#[tokio::test]
async fn base_4_answers_in_a_batch_reach_who_asked() {
    let server = Server::start().await;
    let opened = server.ask(&Ask::post(initialize_with_roots())).await;
    let session = opened.header("mcp-session-id").unwrap();
    let mut pipe = Pipe::open().await;
    pipe.ask(initialize_with_roots()).await;
    let calls = json!([request(1, "tools/call", call("rooted")), request(2, "tools/call", call("rooted"))]);
    let mut stream = Stream::open(&server, &batch(session, calls.clone())).await;
    pipe.send(calls.to_string()).await;
    let answer = |asked: &Value| {
        assert_eq!(asked["method"], "roots/list", "{asked}");
        let roots = json!([{ "uri": format!("file:///{}", asked["id"]) }]);
        json!({ "jsonrpc": "2.0", "id": asked["id"], "result": { "roots": roots } })
    };
    let mut answers = Vec::new();
    for _ in 0..2 {
        answers.push(answer(&stream.next().await.unwrap().json()));
    }
    let taken = server.ask(&batch(session, json!(answers))).await;
    assert_eq!((taken.status(), taken.body.len()), (202, 0));
    let answers = [answer(&pipe.next().await), answer(&pipe.next().await)];
    pipe.send(json!(answers).to_string()).await;
    for array in [stream.rest().await.pop().unwrap().json(), pipe.next().await] {
        for result in array.as_array().unwrap() {
            let text = result["result"]["content"][0]["text"].as_str();
            assert!(text.is_some_and(|text| text.starts_with("file:///")), "{array}");
        }
        assert_ne!(array[0]["result"], array[1]["result"]);
    }
}

//! Sessions and their streams: Streamable HTTP of 2025-03-26, 2025-06-18 and 2025-11-25.

use std::collections::HashSet;
use std::time::Duration;

use latimer_core::Limits;
use latimer_transport::http::HttpOptions;
use serde_json::{Value, json};

use super::client::{Ask, Connection, Stream, call, call_with_progress};
use super::server::{Server, Setup, reaches};

const NEWEST: &str = "2025-11-25";

fn impatient() -> HttpOptions {
    HttpOptions { patience: Duration::from_millis(30), ..HttpOptions::default() }
}

#[tokio::test]
async fn ver_l2_the_version_is_negotiated() {
    let server = Server::start().await;
    for (wish, answer) in [
        ("2025-03-26", "2025-03-26"),
        ("2025-06-18", "2025-06-18"),
        ("2025-11-25", "2025-11-25"),
        ("2026-07-28", NEWEST),
        ("2099-01-01", NEWEST),
        ("nonsense", NEWEST),
    ] {
        let opened = server.ask(&Ask::initialize(wish)).await;
        assert_eq!(opened.json()["result"]["protocolVersion"], answer);
        let session = opened.header("mcp-session-id").unwrap();
        assert!(session.len() >= 32 && session.bytes().all(|byte| (0x21..=0x7e).contains(&byte)));
        let pong = server.ask(&Ask::legacy(session, 1, "ping", &json!({}))).await;
        assert_eq!(pong.json()["result"], json!({}));
    }
    let bad = json!({ "jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {} });
    assert_eq!(server.ask(&Ask::post(bad.to_string())).await.code(), Some(-32602));
}

#[tokio::test]
async fn ver_l4_the_version_header_names_a_revision_of_sessions() {
    let server = Server::start().await;
    let session = server.session(NEWEST).await;
    let ping = || Ask::legacy(&session, 1, "ping", &json!({}));
    for garbage in ["garbage", "1900-01-01", "", "2025-11-2", "9999"] {
        let answer = server.ask(&ping().with("MCP-Protocol-Version", garbage)).await;
        assert_eq!((answer.status(), answer.code()), (400, Some(-32600)), "{garbage}");
        let listen = Ask::listen(&session).with("MCP-Protocol-Version", garbage);
        assert_eq!(server.ask(&listen).await.status(), 400);
    }
    for good in ["2025-11-25", "2025-06-18"] {
        assert_eq!(server.ask(&ping().with("MCP-Protocol-Version", good)).await.status(), 200);
        let initialize = Ask::initialize(NEWEST).with("MCP-Protocol-Version", good);
        assert_eq!(server.ask(&initialize).await.status(), 200);
    }
    assert_eq!(server.ask(&ping()).await.status(), 200);
}

#[tokio::test]
async fn lh_8_requests_name_a_living_session() {
    let server = Server::start().await;
    let body = json!({ "jsonrpc": "2.0", "id": 7, "method": "tools/list" }).to_string();
    let missing = server.ask(&Ask::post(body.clone())).await;
    assert_eq!((missing.status(), missing.code(), &missing.json()["id"]), (400, Some(-32600), &json!(7)));
    assert_eq!(server.ask(&Ask::new("GET", "/mcp").with("Accept", "text/event-stream")).await.status(), 400);
    assert_eq!(server.ask(&Ask::new("DELETE", "/mcp")).await.status(), 400);
    let session = server.session(NEWEST).await;
    let good = Ask::post(body.clone()).with("Mcp-Session-Id", &session);
    assert_eq!(server.ask(&good).await.status(), 200);
    assert_eq!(server.ask(&good.clone().with("Mcp-Session-Id", &session)).await.status(), 400);
    for unknown in
        ["0".repeat(32), session.to_uppercase() + "x", "x".to_owned(), String::new(), "../..".to_owned()]
    {
        let answer = server.ask(&Ask::post(body.clone()).with("Mcp-Session-Id", &unknown)).await;
        assert_eq!(answer.status(), 404, "{unknown}");
        assert_eq!(server.ask(&Ask::listen(&unknown)).await.status(), 404);
    }
    let end = Ask::new("DELETE", "/mcp").with("Mcp-Session-Id", &session);
    let ended = server.ask(&end).await;
    assert_eq!((ended.status(), ended.body.len()), (204, 0));
    for ask in [good, end, Ask::listen(&session)] {
        let answer = server.ask(&ask).await;
        assert_eq!((answer.status(), answer.code()), (404, Some(-32600)));
    }
    server.assert_serves().await;
}

#[tokio::test]
async fn lh_9_a_session_is_nobody_elses() {
    let tokens = vec![("token-of-alice", "alice"), ("token-of-bob", "bob")];
    let server = Server::with(Setup { tokens, ..Setup::default() }).await;
    let (alice, bob) = ("Bearer token-of-alice", "Bearer token-of-bob");
    let opened = server.ask(&Ask::initialize(NEWEST).with("Authorization", alice)).await;
    let session = opened.header("mcp-session-id").unwrap().to_owned();
    let params = call("wait");
    let stream = Ask::legacy(&session, 1, "tools/call", &params).with("Authorization", alice);
    let mut waiting = Connection::open(&server).await;
    waiting.send(&stream).await;
    reaches(&server.bench.started, 1).await;
    let cancel =
        json!({ "jsonrpc": "2.0", "method": "notifications/cancelled", "params": { "requestId": 1 } });
    for ask in [
        Ask::legacy(&session, 2, "tools/list", &json!({})),
        Ask::listen(&session),
        Ask::listen(&session).with("Last-Event-ID", "c0-1"),
        Ask::new("DELETE", "/mcp").with("Mcp-Session-Id", &session),
        Ask::post(cancel.to_string()).with("Mcp-Session-Id", &session),
    ] {
        assert_eq!(server.ask(&ask.clone().with("Authorization", bob)).await.status(), 404, "{ask:?}");
        assert_eq!(server.ask(&ask.clone()).await.status(), 401, "{ask:?}");
    }
    server.open_gate(1);
    assert_eq!(waiting.next_answer().await.json()["result"]["content"][0]["text"], "waited");
}

#[tokio::test]
async fn base_3_notifications_and_responses_are_accepted_without_a_body() {
    let server = Server::start().await;
    let session = server.session(NEWEST).await;
    for body in [
        json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }),
        json!({ "jsonrpc": "2.0", "method": "notifications/nonsense", "params": { "x": 1 } }),
        json!({ "jsonrpc": "2.0", "method": "notifications/cancelled", "params": { "requestId": 77 } }),
        json!({ "jsonrpc": "2.0", "method": "notifications/cancelled" }),
        json!({ "jsonrpc": "2.0", "id": 5, "result": {} }),
    ] {
        let answer = server.ask(&Ask::post(body.to_string()).with("Mcp-Session-Id", &session)).await;
        assert_eq!((answer.status(), answer.body.len()), (202, 0), "{body}");
    }
    let lost = json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }).to_string();
    assert_eq!(server.ask(&Ask::post(lost)).await.status(), 400);
}

#[tokio::test]
async fn base_5_an_error_comes_with_status_200() {
    let server = Server::start().await;
    let session = server.session(NEWEST).await;
    for (method, params, code) in [
        ("nonsense", json!({}), -32601),
        ("server/discover", json!({}), -32601),
        ("tools/call", call("unknown"), -32602),
        ("resources/read", json!({ "uri": "test://unknown" }), -32002),
        ("tools/list", json!({ "cursor": "nonsense" }), -32602),
        ("logging/setLevel", json!({ "level": "loud" }), -32602),
        ("prompts/get", json!({ "name": "greeting" }), -32602),
    ] {
        let answer = server.ask(&Ask::legacy(&session, "s", method, &params)).await;
        assert_eq!((answer.status(), answer.code()), (200, Some(code)), "{method}: {}", answer.text());
        assert_eq!(answer.json()["id"], "s");
    }
}

#[tokio::test]
async fn a_call_that_said_nothing_is_answered_in_json_and_one_that_did_in_one_write() {
    let server = Server::start().await;
    for revision in ["2025-03-26", "2025-06-18", NEWEST] {
        let session = server.session(revision).await;
        let plain = server.ask(&Ask::legacy(&session, 1, "tools/call", &call("accept"))).await;
        assert_eq!(plain.header("content-type"), Some("application/json"));
        let mut connection = Connection::open(&server).await;
        connection.send(&Ask::legacy(&session, 2, "tools/call", &call("wait"))).await;
        reaches(&server.bench.started, 1).await;
        server.open_gate(1);
        assert_eq!(connection.next_answer().await.header("content-type"), Some("application/json"));

        let mut connection = Connection::open(&server).await;
        let params = call_with_progress("chatty", &json!({}));
        connection.send(&Ask::legacy(&session, 3, "tools/call", &params)).await;
        assert!(connection.head().await.is_stream());
        let chunk = String::from_utf8(connection.chunk().await.unwrap()).unwrap();
        assert!(chunk.contains("careful") && chunk.contains("\"id\":3"), "{chunk}");
        assert_eq!(connection.chunk().await, None);
    }
}

#[tokio::test]
async fn lh_4_only_clients_of_2025_11_25_are_primed() {
    let server = Server::with(Setup { options: impatient(), ..Setup::default() }).await;
    for revision in ["2025-03-26", "2025-06-18", NEWEST] {
        let session = server.session(revision).await;
        // A call that is silent for long becomes a stream; so does one that speaks and goes on.
        let noisy = call_with_progress("noisy", &json!({ "count": 1 }));
        for params in [call("wait"), noisy] {
            let ask = Ask::legacy(&session, 1, "tools/call", &params);
            let stream = Stream::open(&server, &ask).await;
            server.open_gate(1);
            let events = stream.rest().await;
            let primes = events.iter().filter(|event| event.data.is_empty()).count();
            assert_eq!(primes, usize::from(revision == NEWEST), "{revision}: {events:?}");
            assert!(events.iter().all(|event| event.id.is_some()));
            if revision == NEWEST {
                assert!(events[0].data.is_empty());
            }
            assert_eq!(events.last().unwrap().json()["id"], 1);
        }
    }
}

#[tokio::test]
async fn lh_5_event_ids_are_unique_in_a_session() {
    let server = Server::start().await;
    let session = server.session(NEWEST).await;
    let mut ids = HashSet::new();
    let mut streams = Vec::new();
    for id in 0..4 {
        let params = call_with_progress("noisy", &json!({ "count": 5 }));
        streams.push(Stream::open(&server, &Ask::legacy(&session, id, "tools/call", &params)).await);
    }
    server.open_gate(4);
    for (stream, id) in streams.into_iter().zip(0..) {
        let events = stream.rest().await;
        assert_eq!(events.len(), 7);
        assert_eq!(events.last().unwrap().json()["id"], json!(id));
        assert!(events.into_iter().all(|event| ids.insert(event.id.unwrap())));
    }
}

#[tokio::test]
async fn lh_3_a_client_that_vanishes_gets_its_answer_when_it_comes_back() {
    let server = Server::start().await;
    for revision in ["2025-06-18", NEWEST] {
        let session = server.session(revision).await;
        let begun = *server.bench.finished.borrow();
        let params = call_with_progress("noisy", &json!({ "count": 2 }));
        let mut stream = Stream::open(&server, &Ask::legacy(&session, 1, "tools/call", &params)).await;
        let seen = stream.next().await.unwrap().id.unwrap();
        drop(stream);
        // The handler does not notice.
        server.open_gate(1);
        reaches(&server.bench.finished, begun + 1).await;
        assert_eq!(*server.bench.dropped.borrow(), 0);
        let events =
            Stream::open(&server, &Ask::listen(&session).with("Last-Event-ID", &seen)).await.rest().await;
        let answer = events.last().unwrap();
        assert_eq!(answer.json()["result"]["content"][0]["text"], "done");
        // Each event comes once, from where the client was.
        let progress: Vec<_> =
            events.iter().filter_map(|event| event.json()["params"]["progress"].as_f64()).collect();
        assert!(progress.ends_with(&[2.0]) && progress.len() == events.len() - 1, "{events:?}");
        // Who has seen the answer has seen all, and the stream is over.
        let seen = answer.id.clone().unwrap();
        let again = Stream::open(&server, &Ask::listen(&session).with("Last-Event-ID", &seen)).await;
        assert_eq!(again.rest().await, []);
        // In another session there is no such stream.
        let other = server.session(revision).await;
        for seen in [seen.as_str(), "c0-1", "nonsense", "", "c000000000000-0"] {
            let answer = server.ask(&Ask::listen(&other).with("Last-Event-ID", seen)).await;
            assert_eq!(answer.status(), 400, "{seen:?}");
        }
    }
}

#[tokio::test]
async fn lh_5_of_two_streams_of_a_session_each_brings_back_its_own() {
    let server = Server::start().await;
    let session = server.session(NEWEST).await;
    let mut seen = Vec::new();
    for id in [1, 2] {
        let params = call_with_progress("noisy", &json!({ "count": 2 }));
        let mut stream = Stream::open(&server, &Ask::legacy(&session, id, "tools/call", &params)).await;
        seen.push((id, stream.next().await.unwrap().id.unwrap()));
    }
    server.open_gate(2);
    reaches(&server.bench.finished, 2).await;
    for (id, seen) in seen {
        let resumed = Ask::listen(&session).with("Last-Event-ID", &seen);
        let events = Stream::open(&server, &resumed).await.rest().await;
        let answers: Vec<_> = events.iter().filter(|event| event.json().get("result").is_some()).collect();
        assert_eq!(answers.len(), 1, "{events:?}");
        assert_eq!(answers[0].json()["id"], id);
        // What is left of two steps of one call, and no more.
        assert!(events.len() <= 3, "{events:?}");
    }
}

#[tokio::test]
async fn lh_5_of_a_stream_that_was_trimmed_the_rest_is_replayed() {
    let limits = Limits { ring_events: 8, ..Limits::default() };
    let server = Server::limited(limits).await;
    let session = server.session(NEWEST).await;
    let params = call_with_progress("shouts", &json!({ "count": 2_000 }));
    let mut stream = Stream::open(&server, &Ask::legacy(&session, 1, "tools/call", &params)).await;
    let seen = stream.next().await.unwrap().id.unwrap();
    drop(stream);
    server.open_gate(1);
    reaches(&server.bench.finished, 1).await;
    let events =
        Stream::open(&server, &Ask::listen(&session).with("Last-Event-ID", &seen)).await.rest().await;
    assert!(events.len() <= 2 * 8, "{}", events.len());
    assert_eq!(events.last().unwrap().json()["result"]["content"][0]["text"], "done");
}

#[tokio::test]
async fn lh_4_a_connection_that_the_server_lets_go_is_picked_up_again() {
    let server = Server::start().await;
    let session = server.session(NEWEST).await;
    for (tool, text) in [("polling", "after the pause"), ("polling_at_once", "after no pause")] {
        let ask = Ask::legacy(&session, 1, "tools/call", &call(tool));
        let events = Stream::open(&server, &ask).await.rest().await;
        let last = events.last().unwrap();
        assert!(events.iter().all(|event| event.data.is_empty()), "{events:?}");
        assert_eq!(last.retry, Some(20));
        let seen = last.id.clone().unwrap();
        let resumed = Stream::open(&server, &Ask::listen(&session).with("Last-Event-ID", &seen)).await;
        server.open_gate(1);
        let events = resumed.rest().await;
        assert_eq!(events.len(), 1);
        assert_eq!(events[0].json()["result"]["content"][0]["text"], text);
    }
    // Older clients cannot come back, so their connections stay.
    server.open_gate(1);
    let session = server.session("2025-06-18").await;
    let answer = server.ask(&Ask::legacy(&session, 1, "tools/call", &call("polling"))).await;
    assert_eq!(answer.json()["result"]["content"][0]["text"], "after the pause");
}

#[tokio::test]
async fn can_1_a_cancelled_call_is_not_answered() {
    let server = Server::with(Setup { options: impatient(), ..Setup::default() }).await;
    let session = server.session(NEWEST).await;
    let mut stream = Stream::open(&server, &Ask::legacy(&session, "one", "tools/call", &call("wait"))).await;
    assert_eq!(stream.next().await.unwrap().data, "");
    let cancel = |id: Value| {
        let params = json!({ "requestId": id, "reason": "changed my mind" });
        let body = json!({ "jsonrpc": "2.0", "method": "notifications/cancelled", "params": params });
        Ask::post(body.to_string()).with("Mcp-Session-Id", &session)
    };
    // Neither another id nor another session's request of the same id.
    let other = server.session(NEWEST).await;
    let elsewhere = cancel(json!("one")).replacing("Mcp-Session-Id", &other);
    for ask in [cancel(json!(1)), cancel(json!("two")), elsewhere] {
        assert_eq!(server.ask(&ask).await.status(), 202);
    }
    assert_eq!(*server.bench.dropped.borrow(), 0);
    assert_eq!(server.ask(&cancel(json!("one"))).await.status(), 202);
    reaches(&server.bench.dropped, 1).await;
    assert_eq!(stream.rest().await, []);
    server.open_gate(1);
    server.assert_serves().await;
}

#[tokio::test]
async fn base_1_an_id_in_flight_is_not_taken_twice() {
    let server = Server::start().await;
    let (one, other) = (server.session(NEWEST).await, server.session(NEWEST).await);
    let mut first = Connection::open(&server).await;
    first.send(&Ask::legacy(&one, 1, "tools/call", &call("wait"))).await;
    reaches(&server.bench.started, 1).await;
    let again = server.ask(&Ask::legacy(&one, 1, "tools/call", &call("accept"))).await;
    assert_eq!(again.code(), Some(-32600));
    let elsewhere = server.ask(&Ask::legacy(&other, 1, "tools/call", &call("accept"))).await;
    assert_eq!(elsewhere.json()["result"]["content"][0]["text"], "accepted");
    server.open_gate(1);
    assert_eq!(first.next_answer().await.json()["result"]["content"][0]["text"], "waited");
    let later = server.ask(&Ask::legacy(&one, 1, "tools/call", &call("accept"))).await;
    assert_eq!(later.json()["result"]["content"][0]["text"], "accepted");
}

#[tokio::test]
async fn a_stream_of_a_session_ends_with_the_session() {
    let server = Server::start().await;
    for revision in ["2025-06-18", NEWEST] {
        let session = server.session(revision).await;
        let mut stream = Stream::open(&server, &Ask::listen(&session)).await;
        if revision == NEWEST {
            let prime = stream.next().await.unwrap();
            assert!(prime.data.is_empty() && prime.id.is_some());
            let resumed = Ask::listen(&session).with("Last-Event-ID", &prime.id.unwrap());
            drop(Stream::open(&server, &resumed).await);
        }
        let end = Ask::new("DELETE", "/mcp").with("Mcp-Session-Id", &session);
        assert_eq!(server.ask(&end).await.status(), 204);
        assert_eq!(stream.rest().await, []);
    }
    let session = server.session(NEWEST).await;
    let mut call = Connection::open(&server).await;
    call.send(&Ask::legacy(&session, 1, "tools/call", &super::client::call("wait"))).await;
    reaches(&server.bench.started, 1).await;
    server.ask(&Ask::new("DELETE", "/mcp").with("Mcp-Session-Id", &session)).await;
    reaches(&server.bench.dropped, 1).await;
    assert_eq!(call.next_answer().await.status(), 202);
}

#[tokio::test]
async fn a_silent_stream_says_that_it_is_alive() {
    let options = HttpOptions { keep_alive: Duration::from_millis(10), ..impatient() };
    let server = Server::with(Setup { options, ..Setup::default() }).await;
    let session = server.session("2025-06-18").await;
    for ask in [
        Ask::listen(&session),
        Ask::legacy(&session, 1, "tools/call", &call("wait")),
        Ask::modern("tools/call", call("wait")),
    ] {
        let mut stream = Stream::open(&server, &ask).await;
        stream.comment().await;
        stream.comment().await;
    }
}

#[tokio::test]
async fn a_session_lives_as_long_as_its_calls() {
    let options = HttpOptions { keep_alive: Duration::from_millis(100), ..impatient() };
    let limits = Limits { session_idle: Duration::from_secs(2), ..Limits::default() };
    let server = Server::with(Setup { options, limits, ..Setup::default() }).await;
    let session = server.session(NEWEST).await;
    let mut stream = Stream::open(&server, &Ask::legacy(&session, 1, "tools/call", &call("wait"))).await;
    assert_eq!(stream.next().await.unwrap().data, "");
    // The session's idle time passes while the server says that it is alive.
    for _ in 0..25 {
        stream.comment().await;
    }
    assert_eq!(server.ask(&Ask::legacy(&session, 2, "ping", &json!({}))).await.status(), 200);
    server.open_gate(1);
    assert_eq!(stream.next().await.unwrap().json()["result"]["content"][0]["text"], "waited");
}

#[tokio::test]
async fn a_17th_stream_is_too_many() {
    let server = Server::start().await;
    let session = server.session(NEWEST).await;
    let mut streams = Vec::new();
    for _ in 0..16 {
        streams.push(Stream::open(&server, &Ask::listen(&session)).await);
    }
    let answer = server.ask(&Ask::listen(&session)).await;
    assert_eq!(answer.status(), 429);
    assert!(answer.header("retry-after").is_some() && answer.code().is_some());
    // Answers to calls are no streams of this kind: they are bounded with the calls.
    let params = call_with_progress("noisy", &json!({ "count": 1 }));
    for id in 0..20 {
        streams.push(Stream::open(&server, &Ask::legacy(&session, id, "tools/call", &params)).await);
    }
    let other = server.session(NEWEST).await;
    drop(Stream::open(&server, &Ask::listen(&other)).await);
    server.assert_serves().await;
}

#[tokio::test]
async fn sessions_are_limited_in_all_and_per_caller() {
    let limits = Limits { sessions: 3, sessions_per_peer: 2, sessions_per_principal: 2, ..Limits::default() };
    let server = Server::limited(limits.clone()).await;
    let first = server.session(NEWEST).await;
    server.session(NEWEST).await;
    let answer = server.ask(&Ask::initialize(NEWEST)).await;
    assert_eq!((answer.status(), &answer.json()["id"]), (429, &json!(0)));
    assert!(answer.header("retry-after").is_some() && answer.code().is_some());
    server.ask(&Ask::new("DELETE", "/mcp").with("Mcp-Session-Id", &first)).await;
    server.session(NEWEST).await;
    server.assert_serves().await;

    let tokens = vec![("a", "alice"), ("b", "bob")];
    let server = Server::with(Setup { limits, tokens, ..Setup::default() }).await;
    let open = |token: &str| Ask::initialize(NEWEST).with("Authorization", &format!("Bearer {token}"));
    let mut statuses = Vec::new();
    for token in ["a", "a", "a", "b", "b"] {
        statuses.push(server.ask(&open(token)).await.status());
    }
    assert_eq!(statuses, [200, 200, 429, 200, 503]);
}

#[tokio::test]
async fn calls_in_flight_are_limited_in_all_and_per_caller() {
    let limits = Limits { calls: 3, calls_per_session: 2, ..Limits::default() };
    let server = Server::limited(limits).await;
    let session = server.session(NEWEST).await;
    let mut waiting = Vec::new();
    let legacy = |id: i64| Ask::legacy(&session, id, "tools/call", &call("wait"));
    for id in 1..=2 {
        let mut connection = Connection::open(&server).await;
        connection.send(&legacy(id)).await;
        waiting.push(connection);
    }
    reaches(&server.bench.started, 2).await;
    let answer = server.ask(&legacy(3)).await;
    assert_eq!((answer.status(), &answer.json()["id"]), (429, &json!(3)));
    assert!(answer.header("retry-after").is_some());
    let mut connection = Connection::open(&server).await;
    connection.send(&Ask::modern("tools/call", call("wait"))).await;
    waiting.push(connection);
    reaches(&server.bench.started, 3).await;
    let answer = server.ask(&Ask::modern("tools/call", call("accept"))).await;
    assert_eq!(answer.status(), 503);
    assert!(answer.header("retry-after").is_some());
    server.open_gate(3);
    for connection in &mut waiting {
        assert_eq!(connection.next_answer().await.json()["result"]["content"][0]["text"], "waited");
    }
    server.assert_serves().await;
    assert_eq!(server.engine.in_flight(), 0);
}

#[tokio::test]
async fn many_calls_of_one_session_run_side_by_side() {
    let server = Server::start().await;
    let session = server.session(NEWEST).await;
    let mut waiting = Vec::new();
    for id in 0..200 {
        let mut connection = Connection::open(&server).await;
        connection.send(&Ask::legacy(&session, id, "tools/call", &call("wait"))).await;
        waiting.push(connection);
    }
    reaches(&server.bench.started, 200).await;
    server.open_gate(200);
    for (connection, id) in waiting.iter_mut().zip(0..) {
        let answer = connection.next_answer().await;
        assert_eq!((answer.status(), &answer.json()["id"]), (200, &json!(id)));
    }
}

#[tokio::test]
async fn log_2_a_session_hears_from_its_level_on() {
    let server = Server::start().await;
    let session = server.session(NEWEST).await;
    for (level, heard) in [("debug", 2), ("info", 1), ("error", 0)] {
        let set = server.ask(&Ask::legacy(&session, 1, "logging/setLevel", &json!({ "level": level }))).await;
        assert_eq!(set.json()["result"], json!({}));
        let answer = server.ask(&Ask::legacy(&session, 2, "tools/call", &call("chatty"))).await;
        let messages = if answer.head.is_stream() { answer.events().len() - 1 } else { 0 };
        assert_eq!(messages, heard, "{level}");
    }
}

#[tokio::test]
async fn a_stalled_reader_delays_nobody_and_its_answer_is_kept() {
    let server = Server::start().await;
    for revision in ["2025-06-18", NEWEST] {
        let session = server.session(revision).await;
        let before = *server.bench.started.borrow();
        let params = call_with_progress("noisy", &json!({ "count": 20_000 }));
        let mut stalled = Connection::open(&server).await;
        stalled.send(&Ask::legacy(&session, 1, "tools/call", &params)).await;
        reaches(&server.bench.started, before + 1).await;
        // Nothing of it was read. Others are served, and it goes on to its end.
        for id in 2..20 {
            let answer = server.ask(&Ask::legacy(&session, id, "tools/call", &call("accept"))).await;
            assert_eq!(answer.json()["result"]["content"][0]["text"], "accepted");
        }
        server.open_gate(1);
        reaches(&server.bench.finished, before + 1).await;
        let answer = stalled.next_answer().await;
        let events = answer.events();
        assert!(events.len() <= 256 + 64, "{}", events.len());
        assert_eq!(events.last().unwrap().json()["result"]["content"][0]["text"], "done");
        let progress: Vec<_> = events
            .iter()
            .filter(|event| !event.data.is_empty())
            .filter_map(|event| event.json()["params"]["progress"].as_f64())
            .collect();
        // PRG-1, and the newest is the one that matters.
        assert!(progress.windows(2).all(|pair| pair[0] < pair[1]));
        assert_eq!(progress.last(), Some(&20_000.0));
    }
}

#[tokio::test]
async fn what_a_stalled_reader_is_told_meanwhile_is_bounded() {
    let server = Server::start().await;
    let session = server.session(NEWEST).await;
    let params = call_with_progress("shouts", &json!({ "count": 20_000 }));
    for (ask, nth) in
        [Ask::legacy(&session, 1, "tools/call", &params), Ask::modern("tools/call", params.clone())]
            .iter()
            .zip(1..)
    {
        let mut stalled = Connection::open(&server).await;
        stalled.send(ask).await;
        reaches(&server.bench.started, nth).await;
        server.assert_serves().await;
        server.open_gate(1);
        reaches(&server.bench.finished, nth).await;
        let events = stalled.next_answer().await.events();
        // Twenty megabytes were said; the ring and the buffers of the network hold less.
        assert!(events.len() < 15_000, "{}", events.len());
        assert_eq!(events.last().unwrap().json()["result"]["content"][0]["text"], "done");
        assert_eq!(events[events.len() - 2].json()["params"]["progress"], json!(20_000.0));
    }
}

#[tokio::test]
async fn a_stalled_modern_reader_delays_nobody() {
    let server = Server::start().await;
    let params = call_with_progress("noisy", &json!({ "count": 20_000 }));
    let mut stalled = Connection::open(&server).await;
    stalled.send(&Ask::modern("tools/call", params)).await;
    reaches(&server.bench.started, 1).await;
    server.assert_serves().await;
    server.open_gate(1);
    reaches(&server.bench.finished, 1).await;
    let events = stalled.next_answer().await.events();
    assert!(events.len() <= 256 + 1, "{}", events.len());
    assert_eq!(events.last().unwrap().json()["result"]["content"][0]["text"], "done");
}

#[tokio::test]
async fn a_client_that_says_too_much_of_itself_is_refused() {
    let server = Server::start().await;
    let params = json!({
        "protocolVersion": NEWEST,
        "capabilities": {},
        "clientInfo": { "name": "x".repeat(20_000), "version": "1" },
    });
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params });
    let answer = server.ask(&Ask::post(body.to_string())).await;
    assert_eq!((answer.status(), answer.code()), (400, Some(-32602)));
    assert!(answer.header("mcp-session-id").is_none());
    server.assert_serves().await;
}

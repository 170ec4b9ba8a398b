//! Messages that no client would send: each is refused in JSON, and the server goes on.

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::json;

use super::client::{Answer, Ask, Connection, MODERN, call};
use super::server::{Server, Setup};
use latimer_core::Limits;
use latimer_transport::http::HttpOptions;

const LIMIT: usize = 1_048_576;

/// A modern `tools/call` of a tool that takes any arguments, with these.
fn accept(arguments: &str) -> Ask {
    let good = Ask::modern("tools/call", call("accept"));
    let text = String::from_utf8(good.body.clone()).unwrap();
    let body = text.replace("\"arguments\":{}", &format!("\"arguments\":{arguments}"));
    assert_ne!(text, body);
    good.with_body(body)
}

fn assert_accepted(answer: &Answer) {
    let text = answer.text();
    let text = &text[..text.len().min(500)];
    assert_eq!(answer.status(), 200, "{text}");
    assert_eq!(answer.json()["result"]["content"][0]["text"], "accepted", "{text}");
}

fn assert_refused(what: &str, answer: &Answer, status: u16, code: i64) {
    let text = answer.text();
    assert_eq!((what, answer.status(), answer.code()), (what, status, Some(code)), "{text}");
    assert_eq!(answer.header("content-type"), Some("application/json"));
    for word in ["secret", "panicked", ".rs:", "<html", "RUST_BACKTRACE"] {
        assert!(!text.contains(word), "{text}");
    }
}

/// Arguments whose message nests as deep as said: the message and its `params` are the first two levels.
fn nested(depth: usize) -> String {
    let inner = depth - 3;
    format!("{{\"a\":{}{}}}", "[".repeat(inner), "]".repeat(inner))
}

#[tokio::test]
async fn bad_json_is_a_parse_error() {
    let server = Server::start().await;
    for (what, body) in [
        ("nothing", &b""[..]),
        ("white space", b" \n"),
        ("a word", b"hello"),
        ("half an object", b"{\"jsonrpc\":\"2.0\","),
        ("two values", b"{} {}"),
        ("a trailing comma", b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\",}"),
        ("not a number", b"{\"jsonrpc\":\"2.0\",\"id\":NaN,\"method\":\"ping\"}"),
        ("a raw control character", b"{\"jsonrpc\":\"2.0\",\"id\":\"\x01\",\"method\":\"ping\"}"),
        ("invalid UTF-8", b"{\"jsonrpc\":\"2.0\",\"id\":\"\xff\",\"method\":\"ping\"}"),
        ("an overlong encoding", b"{\"jsonrpc\":\"2.0\",\"id\":\"\xc0\xaf\",\"method\":\"ping\"}"),
        ("half a surrogate", b"{\"jsonrpc\":\"2.0\",\"id\":\"\\ud800\",\"method\":\"ping\"}"),
        ("UTF-16", b"\xff\xfe{\x00}\x00"),
    ] {
        assert_refused(what, &server.ask(&Ask::post(body)).await, 400, -32700);
        assert_refused(
            what,
            &server.ask(&Ask::post(body).with("MCP-Protocol-Version", MODERN)).await,
            400,
            -32700,
        );
    }
    server.assert_serves().await;
}

#[tokio::test]
async fn base_1_what_is_no_request_is_invalid() {
    let server = Server::start().await;
    for body in [
        "null",
        "1",
        "\"x\"",
        "{}",
        r#"{"jsonrpc":"1.0","id":1,"method":"tools/list"}"#,
        r#"{"id":1,"method":"tools/list"}"#,
        r#"{"jsonrpc":"2.0","id":1}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":7}"#,
        r#"{"jsonrpc":"2.0","id":null,"method":"tools/list"}"#,
        r#"{"jsonrpc":"2.0","id":1.5,"method":"tools/list"}"#,
        r#"{"jsonrpc":"2.0","id":{},"method":"tools/list"}"#,
        r#"{"jsonrpc":"2.0","id":1,"result":{},"error":{}}"#,
        "[]",
        r#"[{"jsonrpc":"2.0","id":1,"method":"tools/list"}]"#,
        "[1,2,3]",
    ] {
        assert_refused(body, &server.ask(&Ask::post(body)).await, 400, -32600);
        let modern = Ask::post(body).with("MCP-Protocol-Version", MODERN).with("Mcp-Method", "tools/list");
        assert_refused(body, &server.ask(&modern).await, 400, -32600);
    }
    for revision in ["2025-06-18", "2025-11-25"] {
        let session = server.session(revision).await;
        let batch = r#"[{"jsonrpc":"2.0","id":1,"method":"ping"}]"#;
        let answer = server.ask(&Ask::post(batch).with("Mcp-Session-Id", &session)).await;
        assert_refused("a batch", &answer, 400, -32600);
    }
    server.assert_serves().await;
}

#[tokio::test]
async fn a_parameter_of_the_wrong_type_is_refused_and_no_more() {
    let server = Server::start().await;
    for params in ["null", "[]", "1", "\"x\""] {
        let body = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{params}}}"#);
        let answer = server.ask(&Ask::modern("tools/list", json!({})).with_body(body)).await;
        assert_eq!(answer.status(), 400, "{params}: {}", answer.text());
        assert!(matches!(answer.code(), Some(-32600 | -32602)), "{params}: {}", answer.text());
    }
}

#[tokio::test]
async fn nesting_of_128_passes_and_of_129_does_not() {
    let server = Server::start().await;
    assert_accepted(&server.ask(&accept(&nested(128))).await);
    assert_refused("129", &server.ask(&accept(&nested(129))).await, 400, -32700);
    let deep = "[".repeat(900_000);
    assert_refused("unclosed", &server.ask(&Ask::post(deep)).await, 400, -32700);
    server.assert_serves().await;
}

#[tokio::test]
async fn a_message_of_65_536_values_passes_and_one_more_does_not() {
    let server = Server::start().await;
    let envelope = {
        fn values(value: &serde_json::Value) -> usize {
            1 + match value {
                serde_json::Value::Array(items) => items.iter().map(values).sum(),
                serde_json::Value::Object(members) => members.values().map(values).sum(),
                _ => 0,
            }
        }
        values(&serde_json::from_slice(&accept(r#"{"a":[]}"#).body).unwrap())
    };
    let of = |total: usize| {
        let zeros = vec!["0"; total - envelope].join(",");
        accept(&format!(r#"{{"a":[{zeros}]}}"#))
    };
    assert_accepted(&server.ask(&of(65_536)).await);
    assert_refused("65,537", &server.ask(&of(65_537)).await, 400, -32600);
    server.assert_serves().await;
}

#[tokio::test]
async fn duplicate_keys_are_refused_where_two_parsers_could_disagree() {
    let server = Server::start().await;
    let good = || Ask::modern("tools/call", call("accept"));
    let replaced = |from: &str, to: &str| {
        let text = String::from_utf8(good().body).unwrap();
        assert!(text.contains(from), "{text}");
        good().with_body(text.replacen(from, to, 1))
    };
    for (what, ask) in [
        ("the envelope", replaced("\"jsonrpc\":", "\"jsonrpc\":\"2.0\",\"jsonrpc\":")),
        ("the id", replaced("\"id\":1", "\"id\":1,\"id\":2")),
        ("params", replaced("\"name\":", "\"name\":\"echo\",\"name\":")),
        ("an escaped key", replaced("\"name\":", "\"n\\u0061me\":\"echo\",\"name\":")),
        ("_meta", replaced("\"_meta\":{", "\"_meta\":{\"a\":1,\"a\":1,")),
        ("two _meta", replaced("\"_meta\":", "\"_meta\":{},\"_meta\":")),
        ("arguments", accept(r#"{"a":1,"a":2}"#)),
        ("arguments, deep", accept(r#"{"a":[{"b":{"c":1,"c":1}}]}"#)),
        ("arguments, escaped", accept(r#"{"a":{"\u0062":1,"b":1}}"#)),
    ] {
        let answer = server.ask(&ask).await;
        assert_eq!((what, answer.status(), answer.code()), (what, 400, Some(-32600)), "{}", answer.text());
    }
    assert_accepted(&server.ask(&accept(r#"{"a":{"b":1},"b":{"b":1}}"#)).await);
}

/// A good message of exactly so many bytes.
fn of_size(size: usize) -> Ask {
    let empty = accept(r#"{"a":""}"#);
    let filler = "x".repeat(size - empty.body.len());
    let ask = accept(&format!(r#"{{"a":"{filler}"}}"#));
    assert_eq!(ask.body.len(), size);
    ask
}

#[tokio::test]
async fn a_message_of_1_048_576_bytes_passes_and_one_more_byte_does_not() {
    let server = Server::start().await;
    for bend in [Ask::clone as fn(&Ask) -> Ask, |ask| ask.clone().in_chunks()] {
        assert_accepted(&server.ask(&bend(&of_size(LIMIT))).await);
        assert_refused("one more", &server.ask(&bend(&of_size(LIMIT + 1))).await, 413, -32600);
        assert_refused("much more", &server.ask(&bend(&of_size(4 * LIMIT))).await, 413, -32600);
    }
    server.assert_serves().await;
}

#[tokio::test]
async fn a_body_that_is_announced_too_large_is_refused_before_it_is_sent() {
    let server = Server::start().await;
    let head = format!(
        "POST /mcp HTTP/1.1\r\nHost: localhost\r\nAccept: */*\r\nContent-Type: application/json\r\n\
         Expect: 100-continue\r\nContent-Length: {}\r\n\r\n",
        1_u64 << 40
    );
    let mut connection = Connection::open(&server).await;
    connection.send_bytes(head.as_bytes()).await;
    assert_refused("announced", &connection.next_answer().await, 413, -32600);
    server.assert_serves().await;
}

#[tokio::test]
async fn an_endless_body_ends_with_its_connection() {
    let server = Server::start().await;
    let mut connection = Connection::open(&server).await;
    let head = "POST /mcp HTTP/1.1\r\nHost: localhost\r\nAccept: */*\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n";
    connection.send_bytes(head.as_bytes()).await;
    let mut chunk = b"10000\r\n".to_vec();
    chunk.extend(vec![b' '; 0x10000]);
    chunk.extend_from_slice(b"\r\n");
    // Far more than anybody reads: the server answers and hangs up meanwhile.
    for _ in 0..1_000 {
        connection.send_bytes(&chunk).await;
    }
    server.assert_serves().await;
}

#[tokio::test]
async fn a_body_that_does_not_arrive_is_given_up() {
    let options =
        HttpOptions { read_timeout: std::time::Duration::from_millis(50), ..HttpOptions::default() };
    let server = Server::with(Setup { options, ..Setup::default() }).await;
    let mut connection = Connection::open(&server).await;
    let head = "POST /mcp HTTP/1.1\r\nHost: localhost\r\nAccept: */*\r\nContent-Type: application/json\r\nContent-Length: 10\r\n\r\n{";
    connection.send_bytes(head.as_bytes()).await;
    assert_refused("half a body", &connection.next_answer().await, 408, -32600);
    // Nor does half a header block, or half the preface of HTTP/2, or nothing at all, keep a connection for ever.
    for half in ["POST /mcp HTTP/1.1\r\nHos", "P", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", ""] {
        let mut connection = Connection::open(&server).await;
        connection.send_bytes(half.as_bytes()).await;
        while !connection.is_closed().await {}
    }
    server.assert_serves().await;
}

#[tokio::test]
async fn a_header_block_over_16_kib_is_refused() {
    let server = Server::start().await;
    let of = |size: usize| {
        let ask = Ask::modern("tools/call", call("accept"));
        let block = |ask: &Ask| {
            let headers = ask.headers.iter().map(|(name, value)| name.len() + value.len() + 4).sum::<usize>();
            headers + format!("Content-Length: {}\r\n", ask.body.len()).len()
        };
        let filler = "x".repeat(size - block(&ask) - "X-Filler: \r\n".len());
        let ask = ask.with("X-Filler", &filler);
        assert_eq!(block(&ask), size);
        ask
    };
    assert_accepted(&server.ask(&of(16 << 10)).await);
    assert_refused("one more", &server.ask(&of((16 << 10) + 1)).await, 431, -32600);
    for size in [60 << 10, 200 << 10, 2 << 20] {
        let mut connection = Connection::open(&server).await;
        connection.send(&of(size)).await;
        // The answer to what is far beyond the limit may get lost in what was not read.
        if let Some(head) = connection.try_head().await {
            assert_eq!(head.status, 431, "{size}");
        }
    }
    let mut many = Ask::modern("tools/call", call("accept"));
    for number in 0..500 {
        many = many.with(&format!("X-{number}"), "x");
    }
    assert_eq!(Connection::open(&server).await.ask(&many).await.status(), 431);
    server.assert_serves().await;
}

#[tokio::test]
async fn h_3_forms_that_the_client_cannot_read_are_not_acceptable() {
    let server = Server::start().await;
    let good = || accept(r#"{"a":1}"#);
    let cases = [
        (good().without("Accept"), 406),
        (good().replacing("Accept", "application/json"), 406),
        (good().replacing("Accept", "text/event-stream"), 406),
        (good().replacing("Accept", "text/html"), 406),
        (good().without("Content-Type"), 415),
        (good().replacing("Content-Type", "text/plain"), 415),
        (good().replacing("Content-Type", "application/x-www-form-urlencoded"), 415),
    ];
    for (ask, status) in cases {
        assert_refused(&format!("{ask:?}"), &server.ask(&ask).await, status, -32600);
    }
    for ask in [
        good().replacing("Accept", "*/*"),
        good().replacing("Accept", "text/event-stream").with("Accept", "application/json"),
        good().replacing("Content-Type", "application/json; charset=utf-8"),
    ] {
        assert_accepted(&server.ask(&ask).await);
    }
    let session = server.session("2025-06-18").await;
    let listen = Ask::listen(&session).replacing("Accept", "application/json");
    assert_refused("GET", &server.ask(&listen).await, 406, -32600);
}

#[tokio::test]
async fn what_is_not_http_gets_no_stack_trace() {
    let server = Server::start().await;
    for bytes in [
        &b"\x00\x01\x02\x03\r\n\r\n"[..],
        b"GET / HTTP/9.9\r\n\r\n",
        b"POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Length: x\r\n\r\n",
        b"POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST /mcp HTTP/1.1\r\nHost localhost\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n",
    ] {
        let mut connection = Connection::open(&server).await;
        connection.send_bytes(bytes).await;
        // A half-closed connection ends what waits for more.
        connection.finish().await;
        let said = connection.everything().await;
        let text = String::from_utf8_lossy(&said);
        assert!(!text.contains("HTTP/1.1 5") && !text.contains(".rs:") && !text.contains("<html"), "{text}");
    }
    server.assert_serves().await;
}

#[tokio::test]
async fn panics_and_failures_become_references() {
    let server = Server::start().await;
    for tool in ["panics", "panics_later", "fails", "breaks_its_promise"] {
        for session in
            [None, Some(server.session("2025-06-18").await), Some(server.session("2025-11-25").await)]
        {
            let ask = match &session {
                None => Ask::modern("tools/call", call(tool)),
                Some(session) => Ask::legacy(session, 1, "tools/call", &call(tool)),
            };
            let answer = server.ask(&ask).await;
            if tool == "breaks_its_promise" {
                assert_eq!(answer.status(), 200);
                continue;
            }
            let result = &answer.json()["result"];
            assert_eq!(
                (answer.status(), &result["isError"]),
                (200, &json!(true)),
                "{tool}: {}",
                answer.text()
            );
            let text = result["content"][0]["text"].as_str().unwrap();
            assert!(text.contains("reference ") && !text.contains("secret"), "{text}");
        }
    }
    let answer = server.ask(&Ask::modern("resources/read", json!({ "uri": "test://panics" }))).await;
    assert_eq!(answer.code(), Some(-32603));
    assert!(!answer.text().contains("secret"));
    server.assert_serves().await;
}

#[tokio::test]
async fn can_3_a_call_that_never_ends_is_stopped_and_others_are_not_affected() {
    let limits = Limits { call_timeout: std::time::Duration::from_millis(100), ..Limits::default() };
    let server = Server::limited(limits).await;
    let session = server.session("2025-11-25").await;
    let legacy = Ask::legacy(&session, 1, "tools/call", &call("wait"));
    for (nth, ask) in [Ask::modern("tools/call", call("wait")), legacy].into_iter().enumerate() {
        let mut connection = Connection::open(&server).await;
        connection.send(&ask).await;
        super::server::reaches(&server.bench.started, nth + 1).await;
        server.assert_serves().await;
        let answer = connection.next_answer().await;
        assert_eq!(answer.json()["result"]["isError"], true, "{}", answer.text());
        super::server::reaches(&server.bench.dropped, nth + 1).await;
    }
    assert_eq!(server.engine.in_flight(), 0);
}

#[test]
fn no_body_is_the_servers_fault() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let server = runtime.block_on(Server::start());
    let session = runtime.block_on(server.session("2025-11-25"));
    let message = prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..200),
        "[\\[\\]{}\",:0-9a-z\\\\ .-]{0,80}".prop_map(String::into_bytes),
        bent(),
    ];
    let mut runner = TestRunner::new(Config { cases: 256, failure_persistence: None, ..Config::default() });
    let outcome = runner.run(&(message, 0..3_u8), |(body, kind)| {
        let ask = match kind {
            0 => Ask::post(body),
            1 => Ask::post(body).with("Mcp-Session-Id", &session),
            _ => Ask::modern("tools/call", call("echo")).with_body(body),
        };
        let answer = runtime.block_on(server.ask(&ask));
        prop_assert!(answer.status() < 500, "{:?}", answer);
        if answer.status() != 202 {
            prop_assert_eq!(&answer.json()["jsonrpc"], "2.0");
        }
        Ok(())
    });
    outcome.unwrap();
    runtime.block_on(server.assert_serves());
}

/// Good messages with a few bytes changed.
pub(crate) fn bent() -> impl Strategy<Value = Vec<u8>> {
    let good = prop_oneof![
        Just(Ask::modern("tools/call", json!({ "name": "echo", "arguments": { "message": "x" } })).body),
        Just(Ask::legacy("", 1, "tools/call", &call("chatty")).body),
        Just(Ask::initialize("2025-11-25").body),
        Just(Ask::modern("resources/read", json!({ "uri": "test://static" })).body),
    ];
    let changes = proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 0..4);
    (good, changes).prop_map(|(mut bytes, changes)| {
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        bytes
    })
}

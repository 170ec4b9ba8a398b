//! HTTP+SSE of 2024-11-05 (SSE-1): one event stream, and messages posted beside it.

use std::time::Duration;

use latimer_core::Limits;
use latimer_transport::http::HttpOptions;
use serde_json::{Value, json};

use super::client::{Answer, Ask, Connection, Stream, call, call_with_progress};
use super::server::{Server, Setup, reaches};
use super::stdio::{cancel, legacy, modern};

fn on() -> HttpOptions {
    HttpOptions { http_sse: true, ..HttpOptions::default() }
}

async fn start() -> Server {
    Server::with(Setup { options: on(), ..Setup::default() }).await
}

fn get() -> Ask {
    Ask::new("GET", "/sse").with("Accept", "text/event-stream")
}

/// A client: its stream, and where it posts.
struct Client<'a> {
    server: &'a Server,
    stream: Stream,
    endpoint: String,
    token: Option<&'static str>,
}

impl<'a> Client<'a> {
    async fn open(server: &'a Server) -> Self {
        Self::with(server, None).await
    }

    async fn with(server: &'a Server, token: Option<&'static str>) -> Self {
        let mut ask = get();
        if let Some(token) = token {
            ask = ask.with("Authorization", token);
        }
        let mut stream = Stream::open(server, &ask).await;
        let first = stream.next().await.unwrap();
        assert_eq!(first.kind.as_deref(), Some("endpoint"));
        assert!(first.data.starts_with("/message?sessionId="), "{first:?}");
        Self { server, stream, endpoint: first.data, token }
    }

    fn message(&self, body: impl Into<Vec<u8>>) -> Ask {
        let ask = Ask::new("POST", &self.endpoint).with("Content-Type", "application/json").with_body(body);
        match self.token {
            Some(token) => ask.with("Authorization", token),
            None => ask,
        }
    }

    async fn try_post(&self, body: impl Into<Vec<u8>>) -> Answer {
        self.server.ask(&self.message(body)).await
    }

    async fn post(&self, body: impl Into<Vec<u8>>) {
        let answer = self.try_post(body).await;
        assert_eq!((answer.status(), answer.body.len()), (202, 0), "{answer:?}");
    }

    async fn next(&mut self) -> Value {
        let event = self.stream.next().await.expect("an event");
        assert_eq!((event.kind.as_deref(), &event.id), (Some("message"), &None));
        event.json()
    }

    async fn ask(&mut self, body: impl Into<Vec<u8>>) -> Value {
        self.post(body).await;
        self.next().await
    }

    async fn initialize(&mut self, revision: &str) {
        let answer = self.ask(Ask::initialize(revision).body).await;
        assert_eq!(answer["result"]["protocolVersion"], revision);
    }
}

#[tokio::test]
async fn sse_1_a_session_of_each_older_revision_works() {
    let server = start().await;
    for revision in ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"] {
        let mut client = Client::open(&server).await;
        assert_eq!(client.ask(legacy(0, "tools/list", &json!({}))).await["error"]["code"], -32600);
        client.initialize(revision).await;
        client.post(r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#).await;
        let answer = client.ask(legacy(1, "tools/call", &call("accept"))).await;
        assert_eq!(answer["result"]["content"][0]["text"], "accepted");
        // Line breaks between the values of a message are white space.
        let pretty = "{\n\"jsonrpc\": \"2.0\",\r\n\"id\": 2,\n\"method\": \"ping\"\n}\n";
        assert_eq!(client.ask(pretty).await, json!({ "jsonrpc": "2.0", "id": 2, "result": {} }));
        client.post(legacy(3, "tools/call", &call_with_progress("chatty", &json!({})))).await;
        let said = [client.next().await, client.next().await, client.next().await];
        assert!(said.iter().all(|message| message["method"].is_string()), "{said:?}");
        assert_eq!(client.next().await["id"], 3);
    }
}

#[tokio::test]
async fn sse_1_calls_run_side_by_side_and_are_cancelled_by_id() {
    let server = start().await;
    let mut client = Client::open(&server).await;
    let mut other = Client::open(&server).await;
    assert_ne!(client.endpoint, other.endpoint);
    client.initialize("2024-11-05").await;
    other.initialize("2024-11-05").await;
    client.post(legacy(1, "tools/call", &call("wait"))).await;
    client.post(legacy(2, "tools/call", &call("wait"))).await;
    other.post(legacy(1, "tools/call", &call("wait"))).await;
    reaches(&server.bench.started, 3).await;
    assert_eq!(client.ask(legacy(3, "ping", &json!({}))).await["id"], 3);
    client.post(cancel(json!(1))).await;
    reaches(&server.bench.dropped, 1).await;
    server.open_gate(2);
    assert_eq!(client.next().await["id"], 2);
    assert_eq!(other.next().await["result"]["content"][0]["text"], "waited");
}

#[tokio::test]
async fn sse_1_batches_work_as_on_any_byte_stream() {
    let server = start().await;
    let mut client = Client::open(&server).await;
    client.initialize("2025-03-26").await;
    let ping = |id: u64| json!({ "jsonrpc": "2.0", "id": id, "method": "ping" });
    let array = client.ask(json!([ping(1), ping(2)]).to_string()).await;
    assert_eq!((&array[0]["id"], &array[1]["id"]), (&json!(1), &json!(2)));
}

#[tokio::test]
async fn sse_1_a_question_of_the_server_is_answered_by_a_post() {
    let server = start().await;
    let mut client = Client::open(&server).await;
    let params = json!({
        "protocolVersion": "2024-11-05",
        "capabilities": { "roots": {} },
        "clientInfo": { "name": "wire", "version": "1" },
    });
    client.ask(legacy(0, "initialize", &params)).await;
    let asked = client.ask(legacy(1, "tools/call", &call("rooted"))).await;
    assert_eq!(asked["method"], "roots/list", "{asked}");
    let answer =
        json!({ "jsonrpc": "2.0", "id": asked["id"], "result": { "roots": [{ "uri": "file:///here" }] } });
    let told = client.ask(answer.to_string()).await;
    assert_eq!((&told["id"], &told["result"]["content"][0]["text"]), (&json!(1), &json!("file:///here")));
}

#[tokio::test]
async fn sse_1_a_session_ends_with_its_stream_and_its_calls_with_it() {
    let server = start().await;
    let mut client = Client::open(&server).await;
    client.initialize("2024-11-05").await;
    client.post(legacy(1, "tools/call", &call("wait"))).await;
    reaches(&server.bench.started, 1).await;
    let message = client.message(legacy(2, "ping", &json!({})));
    drop(client);
    reaches(&server.bench.dropped, 1).await;
    let answer = server.ask(&message).await;
    assert_eq!((answer.status(), answer.code()), (404, Some(-32600)));
}

#[tokio::test]
async fn sse_1_a_session_is_nobody_elses() {
    let tokens = vec![("token-of-alice", "alice"), ("token-of-bob", "bob")];
    let server = Server::with(Setup { tokens, options: on(), ..Setup::default() }).await;
    assert_eq!(server.ask(&get()).await.status(), 401);
    let mut client = Client::with(&server, Some("Bearer token-of-alice")).await;
    client.initialize("2024-11-05").await;
    let ping = client.message(legacy(1, "ping", &json!({})));
    assert_eq!(server.ask(&ping.clone().without("Authorization")).await.status(), 401);
    let foreign = ping.clone().replacing("Authorization", "Bearer token-of-bob");
    assert_eq!(server.ask(&foreign).await.status(), 404);
    assert_eq!(server.ask(&ping).await.status(), 202);
    assert_eq!(client.next().await["id"], 1);
}

#[tokio::test]
async fn sse_1_what_is_no_message_for_it_is_refused_where_it_was_posted() {
    let limits = Limits { message_bytes: 2_000, ..Limits::default() };
    let server = Server::with(Setup { limits, options: on(), ..Setup::default() }).await;
    let mut client = Client::open(&server).await;
    client.initialize("2024-11-05").await;
    let ping = client.message(legacy(1, "ping", &json!({})));
    for (what, ask, status) in [
        ("bad JSON", client.message("{"), 400),
        ("not UTF-8", client.message(b"\"\xff\"".to_vec()), 400),
        ("no message", client.message("7"), 400),
        ("too large", client.message(" ".repeat(2_001)), 413),
        ("another content type", ping.clone().replacing("Content-Type", "text/plain"), 415),
        ("a foreign host", ping.clone().replacing("Host", "evil.example"), 403),
        ("a foreign origin", ping.clone().with("Origin", "https://evil.example"), 403),
        ("modern", client.message(modern(json!(5), "tools/list", json!({}))), 400),
        ("modern by its method", client.message(legacy(5, "server/discover", &json!({}))), 400),
        ("no session", Ask { target: "/message".into(), ..ping.clone() }, 400),
        (
            "an unknown session",
            Ask { target: format!("/message?sessionId={}", "0".repeat(32)), ..ping.clone() },
            404,
        ),
        ("another method", Ask { target: client.endpoint.clone(), ..Ask::new("GET", "") }, 405),
        ("the stream posted to", Ask { target: "/sse".into(), ..ping.clone() }, 405),
        ("a stream that is not read as one", get().replacing("Accept", "application/json"), 406),
    ] {
        let answer = server.ask(&ask).await;
        assert_eq!(answer.status(), status, "{what}: {}", answer.text());
        assert!(answer.json()["error"]["message"].is_string(), "{what}");
    }
    let hint = server.ask(&client.message(modern(json!(5), "tools/list", json!({})))).await.json();
    assert_eq!(hint["id"], 5);
    assert!(hint["error"]["message"].as_str().unwrap().contains("/mcp"), "{hint}");
    // Nothing of it came to the session.
    assert_eq!(client.ask(legacy(9, "ping", &json!({}))).await["id"], 9);
    let preflight = server.ask(&Ask::new("OPTIONS", &client.endpoint)).await;
    assert_eq!(preflight.status(), 204);
}

#[tokio::test]
async fn sse_1_where_it_is_off_the_mend_is_named() {
    let server = Server::start().await;
    for ask in [get(), Ask::post("{}"), Ask::new("OPTIONS", "/sse")] {
        let ask = Ask {
            target: if ask.method == "POST" { "/message?sessionId=1".into() } else { "/sse".into() },
            ..ask
        };
        let answer = server.ask(&ask).await;
        assert_eq!(answer.status(), 404);
        let message = answer.json()["error"]["message"].to_string();
        assert!(message.contains("http_sse") && message.contains("/mcp"), "{message}");
    }
}

#[tokio::test]
async fn sse_1_sessions_are_limited_in_all_and_per_caller() {
    let tokens = vec![("token-of-alice", "alice"), ("token-of-bob", "bob")];
    let limits = Limits { sessions: 3, sessions_per_principal: 2, ..Limits::default() };
    let server = Server::with(Setup { tokens, limits, options: on(), ..Setup::default() }).await;
    let (alice, bob) = ("Bearer token-of-alice", "Bearer token-of-bob");
    let first = Client::with(&server, Some(alice)).await;
    let _second = Client::with(&server, Some(alice)).await;
    let third = server.ask(&get().with("Authorization", alice)).await;
    assert_eq!((third.status(), third.header("retry-after")), (429, Some("1")));
    let _bobs = Client::with(&server, Some(bob)).await;
    assert_eq!(server.ask(&get().with("Authorization", bob)).await.status(), 503);
    let message = first.message(legacy(1, "ping", &json!({})));
    drop(first);
    // The end of a stream is noticed when its connection is.
    while server.ask(&message).await.status() != 404 {}
    let _again = Client::with(&server, Some(bob)).await;
}

#[tokio::test]
async fn h_7_a_silent_stream_says_that_it_is_alive() {
    let options = HttpOptions { keep_alive: Duration::from_millis(20), ..on() };
    let server = Server::with(Setup { options, ..Setup::default() }).await;
    let mut client = Client::open(&server).await;
    client.stream.comment().await;
    client.stream.comment().await;
    client.initialize("2024-11-05").await;
}

#[tokio::test]
async fn a_reader_that_does_not_read_is_given_up_and_delays_nobody() {
    let limits = Limits { ring_bytes: 1 << 10, calls_per_session: 1, ..Limits::default() };
    let server = Server::with(Setup { limits, options: on(), ..Setup::default() }).await;
    let mut client = Client::open(&server).await;
    client.initialize("2024-11-05").await;
    // Refusals do not wait for the reader: they add up until it is given up.
    let long = "x".repeat(100_000);
    let mut connection = Connection::open(&server).await;
    let mut posted = 0;
    loop {
        let refused = json!({ "jsonrpc": "2.0", "id": long, "method": "nonsense" });
        let answer = connection.ask(&client.message(refused.to_string())).await;
        if answer.status() == 404 {
            break;
        }
        assert_eq!(answer.status(), 202);
        posted += 1;
        assert!(posted < 2_000, "the server keeps what nobody reads");
    }
    let mut other = Client::open(&server).await;
    other.initialize("2024-11-05").await;
    server.assert_serves().await;
}

#[tokio::test]
async fn a_stop_ends_the_streams() {
    let mut server = start().await;
    let address = server.address;
    let mut client = Connection::over(tokio::net::TcpStream::connect(address).await.unwrap());
    client.send(&get()).await;
    assert!(client.head().await.is_stream());
    assert!(String::from_utf8(client.chunk().await.unwrap()).unwrap().starts_with("event: endpoint\n"));
    server.stop();
    assert_eq!(client.chunk().await, None);
    server.stopped().await;
}

//! Who may ask, from where, and what every answer says to a browser.

use std::time::Duration;

use http_body_util::{BodyExt, Full};
use latimer_core::Limits;
use latimer_transport::http::{HttpOptions, HttpService};
use serde_json::json;

use super::client::{Answer, Ask, Connection, MODERN, Stream, call};
use super::server::{Server, Setup, engine, reaches};

async fn with(options: HttpOptions) -> Server {
    Server::with(Setup { options, ..Setup::default() }).await
}

fn assert_hardened(answer: &Answer) {
    assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{answer:?}");
    assert_eq!(answer.header("x-frame-options"), Some("DENY"), "{answer:?}");
    let policy = answer.header("content-security-policy").unwrap_or_default();
    assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"), "{answer:?}");
}

/// Requests of every fate.
fn every_fate(session: &str) -> Vec<Ask> {
    vec![
        Ask::modern("tools/list", json!({})),
        Ask::modern("tools/call", call("unknown")),
        Ask::modern("nonsense", json!({})),
        Ask::legacy(session, 1, "ping", &json!({})),
        Ask::initialize("2025-11-25"),
        Ask::post("{"),
        Ask::post("{}").without("Accept"),
        Ask::post("{}").without("Content-Type"),
        Ask::post("{}").with("Origin", "https://evil.example.com"),
        Ask::post("{}").replacing("Host", "evil.example.com"),
        Ask::post(" ".repeat(2 << 20)),
        Ask::post("{}").with("X-Long", &"x".repeat(20_000)),
        Ask::new("GET", "/mcp"),
        Ask::new("DELETE", "/mcp"),
        Ask::new("PUT", "/mcp"),
        Ask::new("OPTIONS", "/mcp").with("Origin", "http://localhost"),
        Ask::new("GET", "/"),
        Ask::new("HEAD", "/"),
        Ask::new("GET", "/health"),
        Ask::new("GET", "/health/ready"),
        Ask::new("GET", "/nonsense"),
        Ask::new("GET", "/../etc/passwd"),
        Ask::new("POST", "/"),
        Ask::new("TRACE", "/mcp"),
        Ask::new("CONNECT", "localhost:80"),
    ]
}

#[tokio::test]
async fn every_answer_is_hardened_and_only_pages_are_html() {
    let server = Server::start().await;
    let session = server.session("2025-11-25").await;
    for ask in every_fate(&session) {
        let answer = server.ask(&ask).await;
        assert_hardened(&answer);
        assert_eq!(answer.header("strict-transport-security"), None);
        let html = answer.header("content-type").is_some_and(|kind| kind.contains("html"));
        assert_eq!(html, ask.target == "/" && ask.method != "POST", "{ask:?}");
    }
    let stream =
        server.ask(&Ask::modern("tools/call", super::client::call_with_progress("chatty", &json!({})))).await;
    assert!(stream.head.is_stream());
    assert_hardened(&stream);
    server.assert_serves().await;
}

#[tokio::test]
async fn clients_that_come_over_https_are_told_to_stay_there() {
    let options = HttpOptions {
        public_url: Some("https://mcp.example.com/mcp".parse().unwrap()),
        ..HttpOptions::default()
    };
    let server = with(options).await;
    for ask in every_fate("x") {
        let answer = server.ask(&ask).await;
        assert!(
            answer.header("strict-transport-security").is_some_and(|value| value.starts_with("max-age="))
        );
    }
    let answer = server.ask(&Ask::modern("tools/list", json!({})).replacing("Host", "mcp.example.com")).await;
    assert_eq!(answer.status(), 200);
}

#[tokio::test]
async fn h_2_evil_hosts_and_origins_are_refused_and_our_own_are_not() {
    let server = Server::start().await;
    let port = server.address.port();
    let good = || Ask::modern("tools/list", json!({}));
    let hosts = [
        format!("localhost:{port}"),
        format!("127.0.0.1:{port}"),
        format!("[::1]:{port}"),
        "localhost".to_owned(),
    ];
    for host in &hosts {
        let ask = good().replacing("Host", host);
        assert_eq!(server.ask(&ask).await.status(), 200, "{host}");
        let with_origin =
            ask.with("Origin", &format!("http://{}:{port}", host.trim_end_matches(&format!(":{port}"))));
        let answer = server.ask(&with_origin).await;
        assert_eq!(answer.status(), 200, "{host}");
        assert!(answer.header("access-control-allow-origin").is_some());
    }
    for host in [
        "evil.example.com",
        "localhost.evil.example.com",
        "127.0.0.1.nip.io",
        "localhost@evil.example.com",
        "",
        "[::2]",
        "127.0.0.2:x",
    ] {
        let answer = server.ask(&good().replacing("Host", host)).await;
        assert_eq!((answer.status(), answer.code()), (403, Some(-32600)), "{host}");
    }
    assert_eq!(server.ask(&good().with("Host", "evil.example.com")).await.status(), 403);
    assert_eq!(server.ask(&good().without("Host")).await.status(), 403);
    for (target, host, status) in [
        ("http://localhost/mcp", "localhost:80", 200),
        ("http://evil.example.com/mcp", "localhost", 403),
        ("http://localhost/mcp", "evil.example.com", 403),
        ("http://localhost/mcp", "127.0.0.1", 403),
    ] {
        let ask = Ask { target: target.to_owned(), ..good() }.replacing("Host", host);
        assert_eq!(server.ask(&ask).await.status(), status, "{target} {host}");
    }
    for origin in [
        "https://evil.example.com",
        "null",
        "http://localhost:1",
        "http://localhost.evil.example.com",
        "file://",
        "",
        "http://127.0.0.1@evil.example.com",
    ] {
        for ask in [good(), Ask::new("OPTIONS", "/mcp"), Ask::new("GET", "/"), Ask::initialize("2025-11-25")]
        {
            let answer = server.ask(&ask.with("Origin", origin)).await;
            assert_eq!((answer.status(), answer.code()), (403, Some(-32600)), "{origin}");
            assert_eq!(answer.header("access-control-allow-origin"), None);
        }
    }
    server.assert_serves().await;
}

#[tokio::test]
async fn h_21_browsers_learn_what_they_may_send_and_read() {
    let options =
        HttpOptions { allowed_origins: vec!["https://app.example.com".to_owned()], ..HttpOptions::default() };
    let tokens = vec![("token", "alice")];
    let server = Server::with(Setup { options, tokens, ..Setup::default() }).await;
    let preflight = Ask::new("OPTIONS", "/mcp")
        .with("Origin", "https://app.example.com")
        .with("Access-Control-Request-Method", "POST")
        .with("Access-Control-Request-Headers", "content-type, mcp-param-region, x-secret");
    let answer = server.ask(&preflight).await;
    assert_eq!(answer.status(), 204);
    assert_eq!(answer.header("access-control-allow-origin"), Some("https://app.example.com"));
    let methods = answer.header("access-control-allow-methods").unwrap();
    assert!(["GET", "POST", "DELETE", "OPTIONS"].iter().all(|method| methods.contains(method)), "{methods}");
    let headers = answer.header("access-control-allow-headers").unwrap().to_ascii_lowercase();
    let headers: Vec<_> = headers.split(", ").collect();
    for header in [
        "content-type",
        "accept",
        "authorization",
        "mcp-protocol-version",
        "mcp-method",
        "mcp-name",
        "mcp-param-region",
        "mcp-session-id",
        "last-event-id",
        "traceparent",
        "tracestate",
        "baggage",
    ] {
        assert!(headers.contains(&header), "{header}");
    }
    assert!(!headers.contains(&"x-secret"));
    // The page may read the answer, refusals included.
    let ask = Ask::modern("tools/list", json!({})).with("Origin", "https://app.example.com");
    for (ask, status) in [(ask.clone(), 401), (ask.with("Authorization", "Bearer token"), 200)] {
        let answer = server.ask(&ask).await;
        assert_eq!(answer.status(), status);
        let exposed = answer.header("access-control-expose-headers").unwrap().to_ascii_lowercase();
        for header in ["www-authenticate", "mcp-session-id", "mcp-protocol-version"] {
            assert!(exposed.contains(header), "{exposed}");
        }
        assert!(answer.header("vary").is_some_and(|vary| vary.contains("Origin")));
    }
}

#[tokio::test]
async fn auth_2_tokens_are_demanded_where_they_are_set() {
    let tokens = vec![("the-token", "alice")];
    let server = Server::with(Setup { tokens, ..Setup::default() }).await;
    let good = || Ask::modern("tools/list", json!({}));
    let authorized = good().with("Authorization", "Bearer the-token");
    assert_eq!(server.ask(&authorized).await.status(), 200);
    assert_eq!(server.ask(&good().with("authorization", "bearer the-token")).await.status(), 200);
    let in_query = Ask { target: "/mcp?access_token=the-token&token=the-token".to_owned(), ..good() };
    for (ask, challenge) in [
        (good(), "Bearer"),
        (in_query, "Bearer"),
        (Ask::initialize("2025-11-25"), "Bearer"),
        (Ask::new("GET", "/mcp"), "Bearer"),
        (Ask::post("not json"), "Bearer"),
        (good().with("Authorization", "Bearer wrong"), "Bearer error=\"invalid_token\""),
        (good().with("Authorization", "Bearer the-token-and-more"), "Bearer error=\"invalid_token\""),
        (good().with("Authorization", "Bearer"), "Bearer error=\"invalid_token\""),
        (good().with("Authorization", "Basic the-token"), "Bearer error=\"invalid_token\""),
        (authorized.clone().with("Authorization", "Bearer the-token"), "Bearer error=\"invalid_token\""),
    ] {
        let answer = server.ask(&ask).await;
        assert_eq!(answer.status(), 401, "{ask:?}");
        assert_eq!(answer.header("www-authenticate"), Some(challenge), "{ask:?}");
        assert!(answer.code().is_some() && !answer.text().contains("the-token"));
    }
    for open in ["/", "/health", "/health/ready"] {
        assert_eq!(server.ask(&Ask::new("GET", open)).await.status(), 200);
    }
    // A large message is refused as politely.
    let large = good().with_body(" ".repeat(1_000_000));
    assert_eq!(server.ask(&large).await.status(), 401);
}

#[tokio::test]
async fn strict_empty_errors_empties_failures_of_headers_origin_and_session_only() {
    let server = with(HttpOptions { strict_empty_errors: true, ..HttpOptions::default() }).await;
    let session = server.session("2025-11-25").await;
    let good = || Ask::legacy(&session, 1, "ping", &json!({}));
    for (ask, status) in [
        (good().with("Origin", "https://evil.example.com"), 403),
        (good().replacing("Host", "evil.example.com"), 403),
        (good().without("Accept"), 406),
        (good().without("Content-Type"), 415),
        (good().with("X-Long", &"x".repeat(20_000)), 431),
        (good().without("Mcp-Session-Id"), 400),
        (good().replacing("Mcp-Session-Id", "unknown"), 404),
        (good().with("MCP-Protocol-Version", "garbage"), 400),
        (Ask::new("GET", "/mcp"), 406),
        (Ask::listen(&session).with("Last-Event-ID", "x"), 400),
    ] {
        let answer = server.ask(&ask).await;
        assert_eq!((answer.status(), answer.body.len()), (status, 0), "{ask:?}");
        assert_hardened(&answer);
    }
    for (ask, status) in [
        (good().with_body("{"), 400),
        (good().with_body("[]"), 400),
        (good().with_body(" ".repeat(2 << 20)), 413),
        (Ask::legacy(&session, 1, "nonsense", &json!({})), 200),
        (Ask::modern("nonsense", json!({})), 404),
        (Ask::modern("tools/list", json!({})).without("Mcp-Method"), 400),
        (Ask::new("GET", "/mcp").with("MCP-Protocol-Version", MODERN), 405),
    ] {
        let answer = server.ask(&ask).await;
        assert_eq!(answer.status(), status, "{ask:?}");
        assert!(answer.code().is_some());
    }
}

#[tokio::test]
async fn health_is_told_and_the_landing_page_shows_the_name_as_text() {
    let name = r#"<script>alert("x")</script>&'"#;
    let server = Server::with(Setup { name: Some(name), ..Setup::default() }).await;
    for (path, word) in [("/health", "ok"), ("/health/ready", "ready")] {
        let answer = server.ask(&Ask::new("GET", path)).await;
        assert_eq!((answer.status(), answer.json()), (200, json!({ "status": word })));
        assert_eq!(server.ask(&Ask::new("POST", path)).await.status(), 405);
        // A probe names the host by its address.
        let probe = Ask::new("GET", path).replacing("Host", "10.1.2.3:12200");
        assert_eq!(server.ask(&probe).await.status(), 200);
    }
    let page = server.ask(&Ask::new("GET", "/")).await.text();
    assert!(!page.contains("<script") && !page.contains(name), "{page}");
    assert!(page.contains("&lt;script&gt;") && page.contains(&format!(":{}/mcp", server.address.port())));
    // What is to be copied from it is JSON, whatever the name.
    for snippet in page.split("<pre>").skip(1).filter(|part| part.starts_with('{')) {
        let text = snippet.split("</pre>").next().unwrap();
        let text = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&amp;", "&")]
            .iter()
            .fold(text.to_owned(), |text, (from, to)| text.replace(from, to));
        let config: serde_json::Value =
            serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
        let servers = config.get("mcpServers").or_else(|| config.get("servers")).unwrap();
        assert!(servers[name]["url"].is_string(), "{config}");
    }
}

#[tokio::test]
async fn a_stop_lets_calls_finish_and_takes_no_more() {
    let mut server = Server::start().await;
    let session = server.session("2025-11-25").await;
    let listening = Stream::open(&server, &Ask::listen(&session)).await;
    let mut calls = Vec::new();
    for ask in
        [Ask::modern("tools/call", call("wait")), Ask::legacy(&session, 1, "tools/call", &call("wait"))]
    {
        let mut connection = Connection::open(&server).await;
        connection.send(&ask).await;
        calls.push(connection);
    }
    // One that streams already, one whose client has gone, and one that came back.
    let params = super::client::call_with_progress("noisy", &json!({ "count": 1 }));
    let streaming = Stream::open(&server, &Ask::legacy(&session, 2, "tools/call", &params)).await;
    let mut left = Stream::open(&server, &Ask::legacy(&session, 3, "tools/call", &params)).await;
    let seen = left.next().await.unwrap().id.unwrap();
    drop(left);
    let resumed = Stream::open(&server, &Ask::listen(&session).with("Last-Event-ID", &seen)).await;
    reaches(&server.bench.started, 4).await;
    let idle = Connection::open(&server).await;

    server.stop();
    // The stream of the session ends, which shows that the stop has begun; no new connection is taken.
    let rest = listening.rest().await;
    assert!(rest.iter().all(|event| event.data.is_empty()), "{rest:?}");
    assert!(tokio::net::TcpStream::connect(server.address).await.is_err());
    server.open_gate(4);
    for connection in &mut calls {
        assert_eq!(connection.next_answer().await.json()["result"]["content"][0]["text"], "waited");
    }
    for stream in [streaming, resumed] {
        let events = stream.rest().await;
        assert_eq!(events.last().unwrap().json()["result"]["content"][0]["text"], "done");
    }
    drop(idle);
    assert_eq!(*server.bench.dropped.borrow(), 0);
    server.stopped().await;
}

#[tokio::test]
async fn a_stop_does_not_wait_for_ever() {
    let limits = Limits { drain: Duration::from_millis(50), ..Limits::default() };
    let mut server = Server::limited(limits).await;
    let mut connection = Connection::open(&server).await;
    connection.send(&Ask::modern("tools/call", call("wait"))).await;
    reaches(&server.bench.started, 1).await;
    let dropped = server.bench.dropped.clone();
    server.stop();
    server.stopped().await;
    // Its connection is cut, and the call with it.
    assert!(connection.is_closed().await);
    reaches(&dropped, 1).await;
}

#[tokio::test]
async fn a_server_that_stops_says_that_it_is_not_ready() {
    let (engine, _) = engine(&Setup::default()).await;
    let service = HttpService::new(engine, HttpOptions::default()).unwrap();
    let ask = |path: &str| {
        let request =
            http::Request::get(path).header("host", "localhost").body(Full::new(bytes::Bytes::new()));
        hyper::service::Service::call(&service, request.unwrap())
    };
    assert_eq!(ask("/health/ready").await.unwrap().status(), 200);
    service.close();
    let answer = ask("/health/ready").await.unwrap();
    assert_eq!(answer.status(), 503);
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(body, r#"{"status":"stopping"}"#);
    assert_eq!(ask("/health").await.unwrap().status(), 200);
}

#[tokio::test]
async fn one_connection_too_many_is_turned_away() {
    let limits = latimer_core::Limits { connections: 2, ..latimer_core::Limits::default() };
    let server = Server::limited(limits).await;
    let (mut first, mut second) = (Connection::open(&server).await, Connection::open(&server).await);
    let health = Ask::new("GET", "/health");
    assert_eq!(first.ask(&health).await.status(), 200);
    assert_eq!(second.ask(&health).await.status(), 200);
    let mut third = Connection::open(&server).await;
    let head = third.head().await;
    assert_eq!((head.status, head.header("retry-after")), (503, Some("1")));
    assert!(third.is_closed().await);
    drop(first);
    // Its end is noticed before long.
    loop {
        let mut next = Connection::open(&server).await;
        next.send(&health).await;
        if next.try_head().await.is_some_and(|head| head.status == 200) {
            break;
        }
    }
}

#[tokio::test]
async fn a_client_that_leaves_its_answers_unread_loses_its_connection() {
    let write_timeout = Duration::from_millis(50);
    let server = with(HttpOptions { write_timeout, ..HttpOptions::default() }).await;
    let mut stalled = Connection::open(&server).await;
    let params = super::client::call_with_progress("endless", &json!({}));
    stalled.send(&Ask::modern("tools/call", params)).await;
    reaches(&server.bench.dropped, 1).await;
    server.assert_serves().await;
}

#[tokio::test]
async fn a_slash_at_the_end_of_the_path_changes_nothing() {
    let server = Server::start().await;
    for target in ["/mcp/", "/mcp"] {
        let params = json!({ "name": "echo", "arguments": { "message": "here" } });
        let ask = Ask { target: target.into(), ..Ask::modern("tools/call", params) };
        assert_eq!(server.ask(&ask).await.json()["result"]["content"][0]["text"], "here");
    }
    for target in ["/mcp//", "//mcp", "/mcp/x", "/mcpx"] {
        let ask = Ask { target: target.into(), ..Ask::modern("tools/list", json!({})) };
        assert_eq!(server.ask(&ask).await.status(), 404, "{target}");
    }
}

//! Requests and answers over HTTP, in bytes.

#![allow(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

mod support;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use latimer_client::{Client, Options, Target};
use latimer_protocol::RawJson;
use support::{Answer, Request, Server, error, http, modern, result, result_text, stream, unexpected};
use tokio::sync::oneshot;

fn raw(text: &str) -> RawJson {
    RawJson::parse(text.to_owned()).unwrap()
}

const NO_TOOLS: &str = r#"{"tools":[]}"#;

/// A modern server without tools to list, whose tools can be called nevertheless.
fn calls(answer: impl Fn(&Request) -> Answer + Send + Sync) -> impl Fn(&Request) -> Answer + Send + Sync {
    modern(move |request| match request.method().as_str() {
        "tools/list" => result(request, NO_TOOLS),
        _ => answer(request),
    })
}

#[tokio::test]
async fn ic_4_a_stream_is_read_however_it_is_written() {
    let server = Server::start(calls(|request| {
        let id = request.id();
        Answer::Last(stream(&format!(
            "\u{feff}: a comment\r\n\r\nevent: message\r\ndata: {{\"jsonrpc\":\"2.0\",\r\ndata:\"method\":\"notifications/message\",\"params\":{{\"level\":\"info\",\"data\":\"hi\"}}}}\r\n\r\n\
             id: 5\ndata:\n\n: more\nevent: other\ndata: not for us\n\n\
             data: {{\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\",\"params\":{{\"progressToken\":{id},\"progress\":1,\"total\":2}}}}\n\n\
             data: {{\"jsonrpc\":\"2.0\",\"id\":{id},\ndata: \"result\":{{\"content\":[],\"x\":1.50}}}}\n\n"
        )))
    }))
    .await;
    let heard = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&heard);
    let options = Options::default()
        .with_notifications(move |notification| log.lock().unwrap().extend(notification.log()));
    let client = server.connect(options).await.unwrap();
    let mut reports = Vec::new();
    let outcome =
        client.call_tool("t", raw("{}")).on_progress(|report| reports.push(report.progress)).await.unwrap();
    assert_eq!(outcome.raw().as_str(), "{\"content\":[],\"x\":1.50}");
    assert_eq!(reports, [1.0]);
    assert_eq!(heard.lock().unwrap()[0].data.as_str(), "\"hi\"");
}

#[tokio::test]
async fn hdr_1_names_travel_as_headers_even_where_a_header_cannot_carry_them() {
    let server =
        Server::start(calls(|request| result(request, r#"{"content":[],"contents":[],"messages":[]}"#)))
            .await;
    let client = server.connect(Options::default()).await.unwrap();
    client.call_tool("wörld ", raw("{}")).await.unwrap();
    client.read_resource("file:///a b").await.unwrap();
    client.get_prompt("p", &[("k", "v")]).await.unwrap();
    assert_eq!(server.first("tools/call").header("mcp-name"), Some("=?base64?d8O2cmxkIA==?="));
    assert_eq!(server.first("resources/read").header("mcp-name"), Some("file:///a b"));
    let prompt = server.first("prompts/get");
    assert_eq!(prompt.header("mcp-name"), Some("p"));
    assert_eq!(prompt.json()["params"]["arguments"], serde_json::json!({"k": "v"}));
}

const TOOLS: &str = r#"{"tools":[
    {"name":"good","inputSchema":{"type":"object","properties":{"region":{"type":"string","x-mcp-header":"Region"}}}},
    {"name":"bad","inputSchema":{"type":"object","properties":{"n":{"type":"number","x-mcp-header":"N"}}}}]}"#;

#[tokio::test]
async fn xh_3_xh_4_arguments_travel_as_headers_and_broken_tools_are_dropped() {
    let server = Server::start(modern(|request| match request.method().as_str() {
        "tools/list" => result(request, TOOLS),
        _ => result(request, r#"{"content":[]}"#),
    }))
    .await;
    let client = server.connect(Options::default()).await.unwrap();
    // Without being asked to, it lists the tools first: it has to know what to repeat.
    client.call_tool("good", raw(r#"{"region":"us-west1"}"#)).await.unwrap();
    assert_eq!(server.methods(), ["server/discover", "tools/list", "tools/call"]);
    assert_eq!(server.first("tools/call").header("mcp-param-region"), Some("us-west1"));
    let error = client.call_tool("bad", raw("{}")).await.unwrap_err().to_string();
    assert!(error.contains("/n: the property must have the type"), "{error}");
    let listed = client.list_tools().await.unwrap();
    assert_eq!(listed.iter().map(latimer_client::Entry::key).collect::<Vec<_>>(), ["good"]);
}

#[tokio::test]
async fn xh_6_after_a_header_mismatch_the_tools_are_listed_anew_and_the_call_repeated_once() {
    let server = Server::start(modern({
        let lists = AtomicUsize::new(0);
        move |request| match (request.method().as_str(), request.header("mcp-param-region")) {
            ("tools/list", _) if lists.fetch_add(1, Ordering::Relaxed) == 0 => result(request, NO_TOOLS),
            ("tools/list", _) => result(request, TOOLS),
            (_, Some("x")) => result(request, r#"{"content":[]}"#),
            _ => error(request, "400 Bad Request", -32020, "null"),
        }
    }))
    .await;
    let client = server.connect(Options::default()).await.unwrap();
    client.call_tool("good", raw(r#"{"region":"x"}"#)).await.unwrap();
    let error = client.call_tool("good", raw(r#"{"region":"y"}"#)).await.unwrap_err();
    assert_eq!((error.rpc().unwrap().code.0, error.http_status()), (-32020, Some(400)));
    let methods = server.methods();
    assert_eq!(
        methods[1..],
        ["tools/list", "tools/call", "tools/list", "tools/call", "tools/call", "tools/list", "tools/call"]
    );
}

#[tokio::test]
async fn det_6_an_absent_result_type_is_complete_and_an_unknown_one_an_error() {
    let server = Server::start(calls(|request| match request.json()["params"]["name"].as_str() {
        Some("absent") => result(request, r#"{"content":[]}"#),
        Some("complete") => result(request, r#"{"resultType":"complete","content":[]}"#),
        Some("input") => result(
            request,
            r#"{"resultType":"input_required","inputRequests":{"k":{"method":"elicitation/create","params":{}}}}"#,
        ),
        _ => result(request, r#"{"resultType":"later","content":[]}"#),
    }))
    .await;
    let client = server.connect(Options::default()).await.unwrap();
    for good in ["absent", "complete"] {
        client.call_tool(good, raw("{}")).await.unwrap();
    }
    for (bad, word) in
        [("unknown", "\"later\" is unknown"), ("input", "asks for input with elicitation/create")]
    {
        let error = client.call_tool(bad, raw("{}")).await.unwrap_err().to_string();
        assert!(error.contains(word), "{error}");
    }
}

#[tokio::test]
async fn can_2_dropping_a_modern_call_closes_its_stream() {
    let (gone, closed) = oneshot::channel();
    let gone = Mutex::new(Some(gone));
    let server = Server::start(calls(move |_| {
        Answer::Held(stream(": open\n\n"), gone.lock().unwrap().take().unwrap())
    }))
    .await;
    let client = server.connect(Options::default()).await.unwrap();
    let call = tokio::spawn(async move { client.call_tool("t", raw("{}")).await.map(drop) });
    server.wait_for("tools/call").await;
    call.abort();
    closed.await.unwrap();
    assert!(!server.methods().contains(&"notifications/cancelled".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn can_3_time_runs_out_without_progress_and_starts_anew_with_it() {
    let server = Server::start(calls(|request| {
        let id = request.id();
        let mut pieces = vec![(Duration::ZERO, stream(""))];
        if request.json()["params"]["name"] == "lively" {
            for progress in 0..8 {
                let event = format!("data: {{\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\",\"params\":{{\"progressToken\":{id},\"progress\":{progress}}}}}\n\n");
                pieces.push((Duration::from_secs(50), event));
            }
        }
        pieces.push((Duration::from_secs(50), format!("data: {}\n\n", result_text(request, "{\"content\":[]}"))));
        if request.json()["params"]["name"] == "dull" {
            pieces.insert(1, (Duration::from_secs(50), ": still there\n\n".to_owned()));
        }
        Answer::Slowly(pieces)
    }))
    .await;
    let client = server.connect(Options::default()).await.unwrap();
    let mut reports = 0;
    client.call_tool("lively", raw("{}")).on_progress(|_| reports += 1).await.unwrap();
    assert_eq!(reports, 8);
    let error = client.call_tool("dull", raw("{}")).on_progress(|_| ()).await.unwrap_err();
    assert!(error.is_timeout(), "{error}");

    let mut options = Options::default();
    options.timeouts.total = Duration::from_secs(200);
    let client = server.connect(options).await.unwrap();
    let error = client.call_tool("lively", raw("{}")).on_progress(|_| ()).await.unwrap_err();
    assert!(error.is_timeout() && error.to_string().contains("200s"), "{error}");
}

#[tokio::test]
async fn pag_1_pages_are_followed_and_the_empty_cursor_is_a_cursor() {
    let server = Server::start(modern(|request| match request.json()["params"]["cursor"].as_str() {
        None => result(request, r#"{"prompts":[{"name":"a"}],"nextCursor":""}"#),
        Some("") => result(request, r#"{"prompts":[{"no":"name"},{"name":"b","x":1}],"nextCursor":"2"}"#),
        _ => result(request, r#"{"prompts":[{"name":"c"}]}"#),
    }))
    .await;
    let client = server.connect(Options::default()).await.unwrap();
    let prompts = client.list_prompts().await.unwrap();
    let names: Vec<_> = prompts.iter().map(latimer_client::Entry::key).collect();
    assert_eq!(names, ["a", "b", "c"]);
    assert_eq!(prompts[1].raw().as_str(), r#"{"name":"b","x":1}"#);
}

#[tokio::test]
async fn a_list_without_an_end_is_an_error() {
    let pages = AtomicUsize::new(0);
    let server = Server::start(modern(move |request| {
        let page = pages.fetch_add(1, Ordering::Relaxed);
        let cursor = if request.method() == "tools/list" { 7 } else { page };
        result(request, &format!(r#"{{"tools":[],"resources":[],"nextCursor":"{cursor}"}}"#))
    }))
    .await;
    let mut options = Options::default();
    options.limits.list_pages = 10;
    let client = server.connect(options).await.unwrap();
    let error = client.list_tools().await.unwrap_err().to_string();
    assert!(error.contains("the cursor \"7\" twice"), "{error}");
    let error = client.list_resources().await.unwrap_err().to_string();
    assert!(error.contains("no end after 10 pages"), "{error}");
}

#[tokio::test]
async fn a_message_beyond_the_limit_fails_its_call_and_no_other() {
    let server = Server::start(calls(|request| {
        let filler = "x".repeat(300_000);
        match request.json()["params"]["name"].as_str() {
            Some("json") => result(request, &format!(r#"{{"content":[],"x":"{filler}"}}"#)),
            Some("stream") => Answer::Last(stream(&format!("data: {filler}\n\n"))),
            _ => result(request, r#"{"content":[]}"#),
        }
    }))
    .await;
    let mut options = Options::default();
    options.limits.message = 200_000;
    let client = server.connect(options).await.unwrap();
    for name in ["json", "stream"] {
        let error = client.call_tool(name, raw("{}")).await.unwrap_err().to_string();
        assert!(error.contains("larger than 200000 bytes"), "{error}");
    }
    client.call_tool("small", raw("{}")).await.unwrap();
}

#[tokio::test]
async fn an_answer_in_many_pieces_is_put_together_whether_json_or_a_stream() {
    let text: String = (0..50_000).map(|number| format!("{number} ")).collect();
    let answered = text.clone();
    let server = Server::start(calls(move |request| {
        let body = result_text(request, &format!(r#"{{"content":[{{"type":"text","text":"{answered}"}}]}}"#));
        let (head, body) = match request.json()["params"]["name"].as_str() {
            Some("json") => {
                let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n\r\n";
                (head.to_owned(), body)
            }
            _ => (stream(""), format!("data: {body}\n\n")),
        };
        let pieces = body.as_bytes().chunks(10_000).map(|piece| String::from_utf8(piece.to_vec()).unwrap());
        Answer::Slowly(std::iter::once(head).chain(pieces).map(|piece| (Duration::ZERO, piece)).collect())
    }))
    .await;
    let client = server.connect(Options::default()).await.unwrap();
    for name in ["json", "stream"] {
        assert!(client.call_tool(name, raw("{}")).await.unwrap().text() == text, "{name}");
    }
}

#[tokio::test]
async fn two_hundred_calls_at_once_each_get_their_own_answer() {
    let server = Server::start(calls(|request| {
        let arguments = request.json()["params"]["arguments"].to_string();
        result(request, &format!(r#"{{"content":[],"structuredContent":{arguments}}}"#))
    }))
    .await;
    let client = server.connect(Options::default()).await.unwrap();
    let calls: Vec<_> = (0..200)
        .map(|number| {
            let client = client.clone();
            tokio::spawn(async move {
                let arguments = raw(&format!("{{\"n\":{number}}}"));
                let outcome = client.call_tool("echo", arguments.clone()).await.unwrap();
                assert_eq!(outcome.structured(), Some(&arguments));
            })
        })
        .collect();
    for call in calls {
        call.await.unwrap();
    }
    // The tools were listed once for all of them.
    assert_eq!(server.methods().iter().filter(|method| *method == "tools/list").count(), 1);
}

#[tokio::test]
async fn redirects_are_followed_within_the_origin_and_no_token_leaves_it() {
    let elsewhere = Server::start(unexpected).await;
    let to = elsewhere.url.clone();
    let rest = modern(|request| result(request, NO_TOOLS));
    let server = Server::start(move |request| match request.path.as_str() {
        "/mcp" => Answer::Bytes(http("307 Moved", "text/plain", "location: /mcp/\r\n", "")),
        "/mcp/" if request.method() == "tools/list" => {
            Answer::Bytes(http("308 Moved", "text/plain", &format!("location: {to}\r\n"), ""))
        }
        _ => rest(request),
    })
    .await;
    let options = Options::default().with_bearer("t0ken").unwrap();
    let client = server.connect(options).await.unwrap();
    assert!(server.seen().iter().all(|request| request.header("authorization") == Some("Bearer t0ken")));
    let error = client.list_tools().await.unwrap_err().to_string();
    assert!(error.contains(&format!("redirects to {}", elsewhere.url)), "{error}");
    assert!(elsewhere.seen().is_empty());
}

#[tokio::test]
async fn an_answer_that_breaks_off_or_is_no_message_is_an_error_that_says_so() {
    let server = Server::start(calls(|request| match request.json()["params"]["name"].as_str() {
        Some("ends") => Answer::Last(stream(": nothing\n\n")),
        Some("page") => Answer::Bytes(http("200 OK", "text/html", "", "<title>Sign in</title>")),
        Some("empty") => support::accepted(),
        Some("other") => support::json("200 OK", r#"{"jsonrpc":"2.0","id":"x","result":{}}"#),
        _ => Answer::Last(
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 99\r\n\r\n{".to_owned(),
        ),
    }))
    .await;
    let client = server.connect(Options::default()).await.unwrap();
    for (name, word) in [
        ("ends", "the stream ended before the answer"),
        ("page", "(\"<title>Sign in</title>\")"),
        ("empty", "HTTP 202 with an empty body"),
        ("other", "HTTP 200"),
        ("broken", "connection broke off"),
    ] {
        let error = client.call_tool(name, raw("{}")).await.unwrap_err().to_string();
        assert!(error.contains(word), "{name}: {error}");
    }
}

#[tokio::test]
async fn https_trusts_an_authority_from_a_file_and_no_other() {
    let key = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let ca = folder.path().join("ca.pem");
    std::fs::write(&ca, key.cert.pem()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![key.cert.der().clone()],
            rustls_pki_types::PrivatePkcs8KeyDer::from(key.signing_key.serialize_der()).into(),
        )
        .unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(tls));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let answer = Arc::new(modern(unexpected));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (acceptor, answer) = (acceptor.clone(), Arc::clone(&answer));
            tokio::spawn(async move {
                if let Ok(stream) = acceptor.accept(stream).await {
                    support::serve(stream, Arc::default(), answer).await;
                }
            });
        }
    });
    let target = Target::http(&format!("https://localhost:{port}/mcp")).unwrap();
    let error = Client::connect(target.clone(), Options::default()).await.unwrap_err();
    assert!(error.is_unreachable() && error.to_string().contains("certificate"), "{error}");
    let mut options = Options::default();
    options.extra_ca = Some(ca);
    assert_eq!(Client::connect(target, options).await.unwrap().info().name().as_deref(), Some("small"));
}

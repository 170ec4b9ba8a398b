//! Sessions and resumable streams of legacy servers, in bytes.

#![allow(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

mod support;

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use latimer_client::{Client, Options};
use latimer_protocol::RawJson;
use support::{Answer, Request, Server, accepted, legacy, result, result_text, stream, unexpected};
use tokio::sync::{mpsc, oneshot};

fn raw(text: &str) -> RawJson {
    RawJson::parse(text.to_owned()).unwrap()
}

async fn call(client: &Client) -> Result<String, latimer_client::ClientError> {
    Ok(client.call_tool("t", raw("{}")).await?.into_raw().as_str().to_owned())
}

#[tokio::test]
async fn lh_8_the_session_and_its_revision_go_with_every_request_until_it_is_deleted() {
    let server = Server::start(legacy("2025-11-25", |request| match request.verb.as_str() {
        "DELETE" => accepted(),
        _ => result(request, r#"{"content":[]}"#),
    }))
    .await;
    let client = server.connect(Options::default()).await.unwrap();
    call(&client).await.unwrap();
    client.close().await;
    for method in ["tools/call", "DELETE"] {
        let request = server.first(method);
        assert_eq!(request.header("mcp-session-id"), Some("s-1"));
        assert_eq!(request.header("mcp-protocol-version"), Some("2025-11-25"));
        assert_eq!(request.header("mcp-method"), None);
    }
    let call = server.first("tools/call").json();
    assert_eq!(call["params"], serde_json::json!({"name": "t", "arguments": {}}));
    let error = client.ping().await.unwrap_err();
    assert!(error.is_closed(), "{error}");
}

#[tokio::test]
async fn lh_8_a_session_that_the_server_forgot_is_replaced_once_for_all_calls() {
    let sessions = AtomicUsize::new(0);
    let server = Server::start(move |request| {
        let known = format!("s-{}", sessions.load(Ordering::Relaxed).max(2));
        match request.method().as_str() {
            "initialize" => {
                let number = sessions.fetch_add(1, Ordering::Relaxed) + 1;
                let body = result_text(request, r#"{"protocolVersion":"2025-11-25","capabilities":{}}"#);
                let extra = format!("mcp-session-id: s-{number}\r\n");
                Answer::Bytes(support::http("200 OK", "application/json", &extra, &body))
            }
            "server/discover" => support::json("400 Bad Request", ""),
            "notifications/initialized" => accepted(),
            _ if request.header("mcp-session-id") == Some(&known) => result(request, r#"{"content":[]}"#),
            _ => Answer::Bytes("HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n".to_owned()),
        }
    })
    .await;
    let client = server.connect(Options::default()).await.unwrap();
    let (first, second, third) = tokio::join!(call(&client), call(&client), call(&client));
    assert!(first.is_ok() && second.is_ok() && third.is_ok());
    let opened: Vec<_> =
        server.seen().into_iter().filter(|request| request.method() == "initialize").collect();
    assert_eq!(opened.len(), 2);
    assert!(opened.iter().all(|request| request.header("mcp-session-id").is_none()));
}

#[tokio::test]
async fn lh_8_a_server_that_forgets_every_session_is_given_up() {
    let server = Server::start(legacy("2025-11-25", |_| {
        Answer::Bytes("HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n".to_owned())
    }))
    .await;
    let client = server.connect(Options::default()).await.unwrap();
    let error = call(&client).await.unwrap_err();
    assert_eq!(error.http_status(), Some(404));
    assert_eq!(server.methods().iter().filter(|method| *method == "initialize").count(), 2);
}

#[tokio::test]
async fn lh_4_a_stream_that_ends_early_is_resumed_after_its_last_event() {
    let asked = Mutex::new(String::new());
    let server = Server::start(legacy("2025-11-25", move |request| match request.verb.as_str() {
        "POST" => {
            *asked.lock().unwrap() = request.id();
            Answer::Last(stream("id: e-1\nretry: 1\ndata: \n\n"))
        }
        _ => match request.header("last-event-id") {
            Some("e-1") => Answer::Last(stream(
                "id: e-2\ndata: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/message\",\"params\":{}}\n\n",
            )),
            Some("e-2") => {
                let id = asked.lock().unwrap().clone();
                Answer::Last(stream(&format!(
                    "id: e-3\ndata: {{\"jsonrpc\":\"2.0\",\"id\":{id},\"result\":{{\"content\":[]}}}}\n\n"
                )))
            }
            _ => unexpected(request),
        },
    }))
    .await;
    let client = server.connect(Options::default()).await.unwrap();
    assert_eq!(call(&client).await.unwrap(), r#"{"content":[]}"#);
    let resumed: Vec<_> = server.seen().into_iter().filter(|request| request.verb == "GET").collect();
    assert_eq!(resumed.len(), 2);
    for request in resumed {
        assert_eq!(request.header("mcp-session-id"), Some("s-1"));
        assert_eq!(request.header("accept"), Some("text/event-stream"));
    }
}

#[tokio::test(start_paused = true)]
async fn lh_4_a_stream_is_not_resumed_before_the_server_wants_it_nor_for_ever() {
    let server =
        Server::start(legacy("2025-11-25", |_| Answer::Last(stream("id: e-1\nretry: 5000\ndata: \n\n"))))
            .await;
    let client = server.connect(Options::default()).await.unwrap();
    let before = tokio::time::Instant::now();
    let resumed = async {
        server.wait_for("GET").await;
        before.elapsed()
    };
    let (result, waited) = tokio::join!(call(&client), resumed);
    assert!(waited >= std::time::Duration::from_secs(5), "{waited:?}");
    let error = result.unwrap_err();
    assert!(error.is_timeout() || error.to_string().contains("the stream ended"), "{error}");
}

#[tokio::test]
async fn a_stream_without_ids_that_ends_early_is_lost() {
    let server = Server::start(legacy("2025-06-18", |_| Answer::Last(stream(": hello\n\n")))).await;
    let client = server.connect(Options::default()).await.unwrap();
    let error = call(&client).await.unwrap_err().to_string();
    assert!(error.contains("may have done what was asked"), "{error}");
}

#[tokio::test]
async fn ping_1_requests_of_the_server_are_answered_on_posts_of_their_own() {
    let (answered, mut answers) = mpsc::unbounded_channel();
    let server = Server::start(legacy("2025-11-25", move |request: &Request| {
        if request.json()["method"].is_null() {
            answered.send(request.body.clone()).unwrap();
            return accepted();
        }
        let answer = result_text(request, r#"{"content":[]}"#);
        Answer::Last(stream(&format!(
            "data: {{\"jsonrpc\":\"2.0\",\"id\":\"p\",\"method\":\"ping\"}}\n\n\
             data: {{\"jsonrpc\":\"2.0\",\"id\":9,\"method\":\"sampling/createMessage\",\"params\":{{}}}}\n\n\
             data: {answer}\n\n"
        )))
    }))
    .await;
    let client = server.connect(Options::default()).await.unwrap();
    call(&client).await.unwrap();
    let mut both = [answers.recv().await.unwrap(), answers.recv().await.unwrap()];
    both.sort();
    assert_eq!(both[0], r#"{"jsonrpc":"2.0","id":"p","result":{}}"#);
    assert_eq!(
        both[1],
        r#"{"jsonrpc":"2.0","id":9,"error":{"code":-32601,"message":"method not found: sampling/createMessage"}}"#
    );
}

#[tokio::test]
async fn can_1_dropping_a_legacy_call_tells_the_server() {
    let server = Server::start(legacy("2025-11-25", |request| match request.method().as_str() {
        "notifications/cancelled" => accepted(),
        _ => Answer::Held(stream(": open\n\n"), oneshot::channel().0),
    }))
    .await;
    let client = server.connect(Options::default()).await.unwrap();
    let dropped = client.clone();
    let running = tokio::spawn(async move { call(&dropped).await });
    let id = server.wait_for("tools/call").await.json()["id"].clone();
    running.abort();
    let cancelled = server.wait_for("notifications/cancelled").await;
    assert_eq!(cancelled.json()["params"]["requestId"], id);
    assert_eq!(cancelled.header("mcp-session-id"), Some("s-1"));
}

#[tokio::test]
async fn lh_6_a_listening_stream_is_kept_open_for_whoever_wants_to_hear() {
    let streams = AtomicUsize::new(0);
    let server = Server::start(legacy("2025-11-25", move |request| {
        assert_eq!(request.verb, "GET");
        match streams.fetch_add(1, Ordering::Relaxed) {
            0 => Answer::Last(stream(
                "retry: 1\nid: g-1\ndata: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/tools/list_changed\"}\n\n",
            )),
            1 => Answer::Last(stream(
                "data: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/prompts/list_changed\"}\n\n",
            )),
            _ => Answer::Bytes("HTTP/1.1 405 No\r\ncontent-length: 0\r\n\r\n".to_owned()),
        }
    }))
    .await;
    let (heard, mut notifications) = mpsc::unbounded_channel();
    let options =
        Options::default().with_notifications(move |notification| heard.send(notification.method).unwrap());
    let _client = server.connect(options).await.unwrap();
    assert_eq!(notifications.recv().await.unwrap(), "notifications/tools/list_changed");
    assert_eq!(notifications.recv().await.unwrap(), "notifications/prompts/list_changed");
    let opened: Vec<_> = server.seen().into_iter().filter(|request| request.verb == "GET").collect();
    assert_eq!(opened[0].header("last-event-id"), None);
    assert_eq!(opened[1].header("last-event-id"), Some("g-1"));
}

#[tokio::test]
async fn log_2_the_log_level_is_set_where_the_server_has_one() {
    for (capabilities, asked) in [(r#"{"logging":{}}"#, true), ("{}", false)] {
        let rest = legacy("2025-11-25", |request| result(request, "{}"));
        let server = Server::start(move |request| match request.method().as_str() {
            "initialize" => {
                let body = format!(r#"{{"protocolVersion":"2025-11-25","capabilities":{capabilities}}}"#);
                result(request, &body)
            }
            _ => rest(request),
        })
        .await;
        let mut options = Options::default();
        options.log_level = Some(latimer_protocol::wire::LogLevel::Warning);
        server.connect(options).await.unwrap();
        assert_eq!(server.methods().contains(&"logging/setLevel".to_owned()), asked);
        if asked {
            assert_eq!(server.first("logging/setLevel").json()["params"]["level"], "warning");
        }
    }
}

#[tokio::test]
async fn base_4_a_batch_of_answers_is_read() {
    let server = Server::start(legacy("2025-03-26", |request| {
        let answer = result_text(request, r#"{"content":[]}"#);
        support::json(
            "200 OK",
            &format!(r#"[{{"jsonrpc":"2.0","method":"notifications/message","params":{{}}}},{answer}]"#),
        )
    }))
    .await;
    let client = server.connect(Options::default()).await.unwrap();
    assert_eq!(call(&client).await.unwrap(), r#"{"content":[]}"#);
}

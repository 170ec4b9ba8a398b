//! HTTP+SSE of 2024-11-05, in bytes (DET-3, SSE-1).

#![allow(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

mod support;

use std::sync::{Arc, Mutex};

use latimer_client::{Client, ClientError, EraPreference, Options, Target};
use latimer_protocol::{RawJson, Revision};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

fn raw(text: &str) -> RawJson {
    RawJson::parse(text.to_owned()).unwrap()
}

/// A server of 2024-11-05: it takes messages at `/message` and answers on the stream of `/sse`.
struct Old {
    url: String,
    seen: Arc<Mutex<Vec<(String, Value)>>>,
}

impl Old {
    async fn start(endpoint: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/sse", listener.local_addr().unwrap());
        let seen = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&seen);
        let (events, queue) = mpsc::unbounded_channel::<String>();
        let queue = Arc::new(tokio::sync::Mutex::new(queue));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (events, queue, log) = (events.clone(), Arc::clone(&queue), Arc::clone(&log));
                tokio::spawn(async move {
                    let _ = connection(stream, endpoint, &events, &queue, &log).await;
                });
            }
        });
        Self { url, seen }
    }

    async fn connect(&self, options: Options) -> Result<Client, ClientError> {
        Client::connect(Target::http(&self.url).unwrap(), options).await
    }

    fn seen(&self) -> Vec<(String, Value)> {
        self.seen.lock().unwrap().clone()
    }
}

async fn connection(
    stream: TcpStream,
    endpoint: &str,
    events: &mpsc::UnboundedSender<String>,
    queue: &tokio::sync::Mutex<mpsc::UnboundedReceiver<String>>,
    log: &Mutex<Vec<(String, Value)>>,
) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    loop {
        let (mut head, mut length) = (String::new(), 0);
        loop {
            let mut line = String::new();
            if stream.read_line(&mut line).await? == 0 {
                return Ok(());
            }
            if line == "\r\n" {
                break;
            }
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length: ") {
                length = value.trim().parse().unwrap();
            }
            head.push_str(&line);
        }
        let mut body = vec![0; length];
        stream.read_exact(&mut body).await?;
        if head.starts_with("GET /sse ") {
            let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n";
            stream.write_all(format!("{head}event: endpoint\r\ndata: {endpoint}\r\n\r\n").as_bytes()).await?;
            let mut queue = queue.lock().await;
            while let Some(event) = queue.recv().await {
                if event == "end" {
                    return Ok(());
                }
                stream.write_all(format!("event: message\r\ndata: {event}\r\n\r\n").as_bytes()).await?;
            }
            return Ok(());
        }
        if !head.starts_with("POST /message?session=1 ") {
            stream.write_all(b"HTTP/1.1 405 Method Not Allowed\r\ncontent-length: 0\r\n\r\n").await?;
            continue;
        }
        let message: Value = serde_json::from_slice(&body).unwrap();
        log.lock().unwrap().push((head, message.clone()));
        for event in answers(&message) {
            events.send(event).unwrap();
        }
        stream.write_all(b"HTTP/1.1 202 Accepted\r\ncontent-length: 8\r\n\r\nAccepted").await?;
    }
}

/// What the server says to a message, on its stream.
fn answers(message: &Value) -> Vec<String> {
    let result = |result: Value| json!({"jsonrpc": "2.0", "id": message["id"], "result": result}).to_string();
    match (message["method"].as_str(), message["params"]["name"].as_str()) {
        (Some("initialize"), _) => vec![result(json!({
            "protocolVersion": "2024-11-05", "capabilities": {"tools": {}}, "serverInfo": {"name": "old", "version": "1"},
        }))],
        (_, Some("ask")) => vec![
            json!({"jsonrpc": "2.0", "id": "r", "method": "roots/list"}).to_string(),
            result(json!({"content": []})),
        ],
        (_, Some("end")) => vec!["end".to_owned()],
        (_, Some("never")) => vec![],
        (Some("tools/call"), _) => vec![result(json!({"content": [{"type": "text", "text": "hi"}]}))],
        _ => vec![],
    }
}

#[tokio::test]
async fn det_3_a_server_that_takes_no_post_is_spoken_to_over_its_stream() {
    let server = Old::start("/message?session=1").await;
    let client = server.connect(Options::default()).await.unwrap();
    assert_eq!(client.info().revision(), Revision::V2024_11_05);
    let (one, two) = tokio::join!(client.call_tool("t", raw("{}")), client.call_tool("t", raw("{}")));
    assert_eq!((one.unwrap().text(), two.unwrap().text()), ("hi".to_owned(), "hi".to_owned()));
    let methods: Vec<_> = server.seen().iter().map(|(_, message)| message["method"].clone()).collect();
    assert_eq!(methods[..2], [json!("initialize"), json!("notifications/initialized")]);
    assert!(server.seen().iter().all(|(head, _)| !head.to_ascii_lowercase().contains("mcp-")));
}

#[tokio::test]
async fn det_3_a_chosen_revision_is_asked_for() {
    let server = Old::start("/message?session=1").await;
    let options = Options::default().with_era(EraPreference::Legacy(Revision::V2024_11_05));
    let client = server.connect(options).await.unwrap();
    assert_eq!(server.seen()[0].1["params"]["protocolVersion"], "2024-11-05");
    drop(client);
    let modern_only = Options::default().with_era(EraPreference::Modern);
    assert!(server.connect(modern_only).await.is_err());
}

#[tokio::test]
async fn sse_1_messages_go_to_the_servers_own_origin_only() {
    let server = Old::start("http://127.0.0.1:1/message").await;
    let error = server.connect(Options::default()).await.unwrap_err().to_string();
    assert!(error.contains("another origin"), "{error}");
}

#[tokio::test]
async fn a_question_is_answered_with_a_post_and_a_call_that_is_dropped_is_cancelled() {
    let server = Old::start("/message?session=1").await;
    let options = Options::default().with_roots(|| async { Ok(Vec::new()) });
    let client = server.connect(options).await.unwrap();
    client.call_tool("ask", raw("{}")).await.unwrap();
    let arrived = async {
        while !server.seen().iter().any(|(_, message)| message["params"]["name"] == "never") {
            client.call_tool("t", raw("{}")).await.unwrap();
        }
    };
    tokio::select! {
        answered = client.call_tool("never", raw("{}")).into_future() => panic!("{answered:?}"),
        () = arrived => {}
    }
    // Both arrive on their own; the next calls wait for them.
    loop {
        client.call_tool("t", raw("{}")).await.unwrap();
        let seen = server.seen();
        let answered =
            seen.iter().any(|(_, message)| message["id"] == "r" && message["result"]["roots"] == json!([]));
        let cancelled = seen.iter().any(|(_, message)| message["method"] == "notifications/cancelled");
        if answered && cancelled {
            break;
        }
    }
}

#[tokio::test]
async fn a_stream_that_ends_fails_what_is_in_flight_and_what_comes() {
    let server = Old::start("/message?session=1").await;
    let client = server.connect(Options::default()).await.unwrap();
    for _ in 0..2 {
        let error = client.call_tool("end", raw("{}")).await.unwrap_err();
        assert!(error.is_closed(), "{error}");
    }
}

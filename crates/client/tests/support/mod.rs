//! Small servers that speak exact bytes.

#![allow(dead_code, unreachable_pub, missing_docs, reason = "each test binary uses its own part")]

#[cfg(unix)]
pub mod lines;
pub mod script;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::{Notify, oneshot};

use latimer_client::{Client, ClientError, Options, Target};

/// A request as it came.
#[derive(Clone, Debug)]
pub struct Request {
    pub verb: String,
    pub path: String,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Request {
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut found = self.headers.iter().filter(|(known, _)| known == name);
        let first = found.next()?;
        assert!(found.next().is_none(), "the header {name} came twice");
        Some(&first.1)
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_default()
    }

    /// The JSON-RPC method; the verb for requests without a body.
    pub fn method(&self) -> String {
        self.json()["method"].as_str().unwrap_or(&self.verb).to_owned()
    }

    /// The JSON-RPC id as JSON text.
    pub fn id(&self) -> String {
        self.json()["id"].to_string()
    }
}

/// What a server does about a request.
pub enum Answer {
    /// Writes these bytes and keeps the connection.
    Bytes(String),
    /// Writes these bytes and closes the connection.
    Last(String),
    /// Writes these bytes and tells when the client has gone.
    Held(String, oneshot::Sender<()>),
    /// Writes one piece after the other as virtual time passes, and closes the connection.
    Slowly(Vec<(std::time::Duration, String)>),
}

/// A server on a port of its own that remembers what it was asked.
pub struct Server {
    pub url: String,
    seen: Arc<Log>,
}

/// What a server was asked.
#[derive(Default)]
pub struct Log {
    requests: Mutex<Vec<Request>>,
    grown: Notify,
}

impl Server {
    pub async fn start(answer: impl Fn(&Request) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/mcp", listener.local_addr().unwrap());
        let seen = Arc::new(Log::default());
        let (log, answer) = (Arc::clone(&seen), Arc::new(answer));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let _ = stream.set_nodelay(true);
                tokio::spawn(serve(stream, Arc::clone(&log), Arc::clone(&answer)));
            }
        });
        Self { url, seen }
    }

    /// Every request so far.
    pub fn seen(&self) -> Vec<Request> {
        self.seen.requests.lock().unwrap().clone()
    }

    /// The methods of every request so far.
    pub fn methods(&self) -> Vec<String> {
        self.seen().iter().map(Request::method).collect()
    }

    /// The first request of this method.
    pub fn first(&self, method: &str) -> Request {
        self.seen().into_iter().find(|request| request.method() == method).expect("it was asked")
    }

    /// Waits for a request of this method.
    pub async fn wait_for(&self, method: &str) -> Request {
        loop {
            let mut grown = std::pin::pin!(self.seen.grown.notified());
            grown.as_mut().enable();
            if let Some(request) = self.seen().into_iter().find(|request| request.method() == method) {
                return request;
            }
            grown.await;
        }
    }

    pub async fn connect(&self, options: Options) -> Result<Client, ClientError> {
        Client::connect(Target::http(&self.url).unwrap(), options).await
    }
}

/// Reads requests from one connection and answers them.
pub async fn serve<S: AsyncRead + AsyncWrite + Unpin>(
    mut stream: S,
    log: Arc<Log>,
    answer: Arc<impl Fn(&Request) -> Answer>,
) {
    let mut buffer = Vec::new();
    while let Some(request) = read(&mut stream, &mut buffer).await {
        log.requests.lock().unwrap().push(request.clone());
        log.grown.notify_waiters();
        match answer(&request) {
            Answer::Bytes(bytes) => {
                if stream.write_all(bytes.as_bytes()).await.is_err() {
                    return;
                }
            }
            Answer::Last(bytes) => {
                let _ = stream.write_all(bytes.as_bytes()).await;
                let _ = stream.shutdown().await;
                return;
            }
            Answer::Held(bytes, gone) => {
                let _ = stream.write_all(bytes.as_bytes()).await;
                while matches!(stream.read(&mut [0; 64]).await, Ok(length) if length > 0) {}
                let _ = gone.send(());
                return;
            }
            Answer::Slowly(pieces) => {
                for (pause, piece) in pieces {
                    tokio::time::sleep(pause).await;
                    let _ = stream.write_all(piece.as_bytes()).await;
                }
                let _ = stream.shutdown().await;
                return;
            }
        }
    }
}

async fn read<S: AsyncRead + Unpin>(stream: &mut S, buffer: &mut Vec<u8>) -> Option<Request> {
    let head = loop {
        if let Some(at) = buffer.windows(4).position(|window| window == b"\r\n\r\n") {
            break buffer.drain(..at + 4).collect::<Vec<u8>>();
        }
        if stream.read_buf(buffer).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8(head).unwrap();
    let mut lines: VecDeque<_> = head.trim_end().split("\r\n").collect();
    let mut first = lines.pop_front()?.split(' ');
    let (verb, path) = (first.next()?.to_owned(), first.next()?.to_owned());
    let headers: Vec<_> = lines
        .iter()
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    let length = headers.iter().find(|(name, _)| name == "content-length");
    let length: usize = length.map_or(0, |(_, value)| value.parse().unwrap());
    while buffer.len() < length {
        if stream.read_buf(buffer).await.ok()? == 0 {
            return None;
        }
    }
    let body = String::from_utf8(buffer.drain(..length).collect()).unwrap();
    Some(Request { verb, path, headers, body })
}

/// An HTTP answer with a body of this type.
pub fn http(status: &str, kind: &str, extra: &str, body: &str) -> String {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\n{extra}\r\n{body}")
}

/// An HTTP answer with JSON.
pub fn json(status: &str, body: &str) -> Answer {
    Answer::Bytes(http(status, "application/json", "", body))
}

/// A JSON-RPC result.
pub fn result(request: &Request, result: &str) -> Answer {
    json("200 OK", &result_text(request, result))
}

pub fn result_text(request: &Request, result: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":{},"result":{result}}}"#, request.id())
}

/// A JSON-RPC error.
pub fn error(request: &Request, status: &str, code: i64, data: &str) -> Answer {
    let id = request.id();
    json(
        status,
        &format!(r#"{{"jsonrpc":"2.0","id":{id},"error":{{"code":{code},"message":"no","data":{data}}}}}"#),
    )
}

/// The head of an event stream that ends with the connection, and its first bytes.
pub fn stream(events: &str) -> String {
    format!("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n{events}")
}

pub fn accepted() -> Answer {
    Answer::Bytes("HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n".to_owned())
}

/// A modern server: answers `server/discover`, and leaves the rest to `rest`.
pub fn modern(rest: impl Fn(&Request) -> Answer + Send + Sync) -> impl Fn(&Request) -> Answer + Send + Sync {
    move |request| match request.method().as_str() {
        "server/discover" => result(
            request,
            r#"{"resultType":"complete","supportedVersions":["2026-07-28"],"capabilities":{"tools":{}},
                "_meta":{"io.modelcontextprotocol/serverInfo":{"name":"small","version":"7"}}}"#,
        ),
        _ => rest(request),
    }
}

/// A legacy server with sessions: knows the handshake, and leaves the rest to `rest`.
pub fn legacy(
    revision: &'static str,
    rest: impl Fn(&Request) -> Answer + Send + Sync,
) -> impl Fn(&Request) -> Answer + Send + Sync {
    move |request| match request.method().as_str() {
        "server/discover" => json(
            "400 Bad Request",
            r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"no session"}}"#,
        ),
        "initialize" => {
            let body = format!(
                r#"{{"protocolVersion":"{revision}","capabilities":{{"tools":{{}}}},"serverInfo":{{"name":"old","version":"1"}}}}"#
            );
            let body = result_text(request, &body);
            Answer::Bytes(http("200 OK", "application/json", "mcp-session-id: s-1\r\n", &body))
        }
        "notifications/initialized" => accepted(),
        _ => rest(request),
    }
}

/// A request that was not expected.
pub fn unexpected(request: &Request) -> Answer {
    panic!("unexpected request: {request:?}")
}

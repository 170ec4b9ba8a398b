//! Small servers on sockets, where every message is a line.

use std::path::Path;
use std::sync::Arc;

use latimer_client::Target;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;

/// What a server does about a message.
pub enum Answer {
    /// Writes these messages.
    Lines(Vec<Value>),
    /// Writes these messages and closes the connection.
    Last(Vec<Value>),
    /// Reads nothing more, and keeps the connection open.
    Sleep,
}

/// What a server saw.
#[derive(Debug, PartialEq)]
pub enum Seen {
    Opened,
    Message(Value),
    Ended,
}

/// What a server has seen and nobody has looked at.
pub struct Sight(mpsc::UnboundedReceiver<Seen>);

type Manner = Arc<dyn Fn(&Value) -> Answer + Send + Sync>;

impl Sight {
    /// The next that the server sees.
    pub async fn next(&mut self) -> Seen {
        self.0.recv().await.expect("the server runs")
    }

    /// The methods of the messages up to the next end of a connection; that of an answer is `answer`.
    pub async fn methods(&mut self) -> Vec<String> {
        let mut methods = Vec::new();
        loop {
            match self.next().await {
                Seen::Opened => {}
                Seen::Message(message) => {
                    methods.push(message["method"].as_str().unwrap_or("answer").to_owned());
                }
                Seen::Ended => return methods,
            }
        }
    }
}

/// A server at a TCP port.
pub async fn tcp(answer: impl Fn(&Value) -> Answer + Send + Sync + 'static) -> (Target, Sight) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let target = Target::parse(&format!("tcp://{}", listener.local_addr().unwrap())).unwrap();
    let (answer, tell, sight) = manner(answer);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(converse(stream, tell.clone(), Arc::clone(&answer)));
        }
    });
    (target, sight)
}

/// The same with TLS.
pub async fn tls(
    acceptor: TlsAcceptor,
    answer: impl Fn(&Value) -> Answer + Send + Sync + 'static,
) -> (Target, Sight) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let target = Target::parse(&format!("tls://localhost:{port}")).unwrap();
    let (answer, tell, sight) = manner(answer);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (acceptor, tell, answer) = (acceptor.clone(), tell.clone(), Arc::clone(&answer));
            tokio::spawn(async move {
                if let Ok(stream) = acceptor.accept(stream).await {
                    converse(stream, tell, answer).await;
                }
            });
        }
    });
    (target, sight)
}

/// A server at a Unix socket; one that begins with a zero byte has no file.
pub fn unix(path: &Path, answer: impl Fn(&Value) -> Answer + Send + Sync + 'static) -> Sight {
    let listener = UnixListener::bind(path).unwrap();
    let (answer, tell, sight) = manner(answer);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(converse(stream, tell.clone(), Arc::clone(&answer)));
        }
    });
    sight
}

fn manner(
    answer: impl Fn(&Value) -> Answer + Send + Sync + 'static,
) -> (Manner, mpsc::UnboundedSender<Seen>, Sight) {
    let (tell, seen) = mpsc::unbounded_channel();
    (Arc::new(answer), tell, Sight(seen))
}

async fn converse(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    tell: mpsc::UnboundedSender<Seen>,
    answer: Manner,
) {
    let _ = tell.send(Seen::Opened);
    let (input, mut output) = tokio::io::split(stream);
    let mut lines = BufReader::new(input).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        let message: Value = serde_json::from_str(&line).unwrap();
        let answer = answer(&message);
        let _ = tell.send(Seen::Message(message));
        match answer {
            Answer::Lines(messages) => write(&mut output, &messages).await,
            Answer::Last(messages) => {
                write(&mut output, &messages).await;
                break;
            }
            Answer::Sleep => std::future::pending().await,
        }
    }
    let _ = output.shutdown().await;
    let _ = tell.send(Seen::Ended);
}

async fn write(output: &mut (impl AsyncWrite + Unpin), messages: &[Value]) {
    for message in messages {
        let _ = output.write_all(format!("{message}\n").as_bytes()).await;
    }
}

/// A result.
pub fn result(request: &Value, result: &Value) -> Value {
    json!({"jsonrpc": "2.0", "id": request["id"], "result": result})
}

/// An error.
pub fn error(request: &Value, code: i64) -> Value {
    json!({"jsonrpc": "2.0", "id": request["id"], "error": {"code": code, "message": "no"}})
}

/// Nothing.
pub fn silence() -> Answer {
    Answer::Lines(Vec::new())
}

/// A modern server; everything but `server/discover` is left to `rest`.
pub fn modern(rest: impl Fn(&Value) -> Answer) -> impl Fn(&Value) -> Answer {
    move |message| match message["method"].as_str() {
        Some("server/discover") => Answer::Lines(vec![result(
            message,
            &json!({"supportedVersions": ["2026-07-28"], "capabilities": {"tools": {}}}),
        )]),
        _ => rest(message),
    }
}

/// A server of 2025-06-18; everything but the handshake is left to `rest`.
pub fn legacy(rest: impl Fn(&Value) -> Answer) -> impl Fn(&Value) -> Answer {
    move |message| match message["method"].as_str() {
        Some("server/discover") => Answer::Lines(vec![error(message, -32601)]),
        Some("initialize") => Answer::Lines(vec![result(
            message,
            &json!({
                "protocolVersion": "2025-06-18",
                "capabilities": {"tools": {"listChanged": true}},
                "serverInfo": {"name": "small", "version": "1"},
            }),
        )]),
        Some("notifications/initialized") => silence(),
        _ => rest(message),
    }
}

/// Answers calls of tools with their arguments.
pub fn echo(message: &Value) -> Answer {
    let arguments = message["params"]["arguments"].clone();
    match message["method"].as_str() {
        Some("tools/call") => {
            Answer::Lines(vec![result(message, &json!({"content": [], "structuredContent": arguments}))])
        }
        _ => silence(),
    }
}

//! A client that writes HTTP/1.1 by hand, so that nothing between it and the server is too polite.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

use super::server::Server;

/// Both forms of an answer.
pub(crate) const BOTH: &str = "application/json, text/event-stream";
/// The modern revision.
pub(crate) const MODERN: &str = "2026-07-28";

/// Waits for something that has to come: a server that hangs fails the test instead of stopping it.
pub(crate) async fn in_time<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(Duration::from_secs(60), future).await.expect("the server hangs")
}

/// A request, ready to be bent.
#[derive(Clone, Debug)]
pub(crate) struct Ask {
    pub(crate) method: String,
    pub(crate) target: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    pub(crate) chunked: bool,
}

impl Ask {
    pub(crate) fn new(method: &str, target: &str) -> Self {
        let host = ("Host".to_owned(), "localhost".to_owned());
        Self {
            method: method.to_owned(),
            target: target.to_owned(),
            headers: vec![host],
            body: Vec::new(),
            chunked: false,
        }
    }

    /// A POST of a body to the endpoint.
    pub(crate) fn post(body: impl Into<Vec<u8>>) -> Self {
        let ask = Self::new("POST", "/mcp").with("Accept", BOTH).with("Content-Type", "application/json");
        Self { body: body.into(), ..ask }
    }

    /// A request of the modern era, as it has to be.
    pub(crate) fn modern(method: &str, params: Value) -> Self {
        Self::modern_with_id(json!(1), method, params)
    }

    pub(crate) fn modern_with_id(id: Value, method: &str, mut params: Value) -> Self {
        let is_of_task = method.starts_with("tasks/");
        let name = params.get("name").or_else(|| params.get("uri"));
        let name = name.or_else(|| params.get("taskId").filter(|_| is_of_task)).and_then(Value::as_str);
        let name = name.map(ToOwned::to_owned).filter(|_| method != "completion/complete");
        let meta = params.as_object_mut().unwrap().entry("_meta").or_insert_with(|| json!({}));
        meta["io.modelcontextprotocol/protocolVersion"] = json!(MODERN);
        if meta.get("io.modelcontextprotocol/clientCapabilities").is_none() {
            meta["io.modelcontextprotocol/clientCapabilities"] = json!({});
        }
        let body = json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params });
        let ask =
            Self::post(body.to_string()).with("MCP-Protocol-Version", MODERN).with("Mcp-Method", method);
        match name {
            Some(name) => ask.with("Mcp-Name", &name),
            None => ask,
        }
    }

    /// A request of an older revision.
    pub(crate) fn legacy(session: &str, id: impl Into<Value>, method: &str, params: &Value) -> Self {
        let body = json!({ "jsonrpc": "2.0", "id": id.into(), "method": method, "params": params });
        Self::post(body.to_string()).with("Mcp-Session-Id", session)
    }

    /// The request that opens a session.
    pub(crate) fn initialize(revision: &str) -> Self {
        let client = json!({ "name": "wire", "version": "1" });
        let params = json!({ "protocolVersion": revision, "capabilities": {}, "clientInfo": client });
        let body = json!({ "jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params });
        Self::post(body.to_string())
    }

    /// The GET that opens or resumes a stream of a session.
    pub(crate) fn listen(session: &str) -> Self {
        Self::new("GET", "/mcp").with("Accept", "text/event-stream").with("Mcp-Session-Id", session)
    }

    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(other, _)| !other.eq_ignore_ascii_case(name));
        self
    }

    pub(crate) fn replacing(self, name: &str, value: &str) -> Self {
        self.without(name).with(name, value)
    }

    pub(crate) fn with_body(self, body: impl Into<Vec<u8>>) -> Self {
        Self { body: body.into(), ..self }
    }

    pub(crate) fn in_chunks(self) -> Self {
        Self { chunked: true, ..self }
    }

    /// The bytes of the request.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut out = format!("{} {} HTTP/1.1\r\n", self.method, self.target).into_bytes();
        for (name, value) in &self.headers {
            out.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
        }
        if self.chunked {
            out.extend_from_slice(b"Transfer-Encoding: chunked\r\n\r\n");
            for chunk in self.body.chunks(60_000) {
                out.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
                out.extend_from_slice(chunk);
                out.extend_from_slice(b"\r\n");
            }
            out.extend_from_slice(b"0\r\n\r\n");
        } else {
            if self.method == "POST" {
                out.extend_from_slice(format!("Content-Length: {}\r\n", self.body.len()).as_bytes());
            }
            out.extend_from_slice(b"\r\n");
            out.extend_from_slice(&self.body);
        }
        out
    }
}

/// One connection.
pub(crate) struct Connection<S = TcpStream> {
    stream: BufReader<S>,
}

/// The status and headers of an answer.
#[derive(Clone, Debug)]
pub(crate) struct Head {
    pub(crate) status: u16,
    headers: Vec<(String, String)>,
}

/// A whole answer.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) head: Head,
    pub(crate) body: Vec<u8>,
}

/// An event of a stream.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Event {
    pub(crate) kind: Option<String>,
    pub(crate) id: Option<String>,
    pub(crate) retry: Option<u64>,
    pub(crate) data: String,
}

impl Event {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.data).unwrap_or_else(|error| panic!("{error}: {:?}", self.data))
    }
}

impl Head {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn is_stream(&self) -> bool {
        self.header("content-type") == Some("text/event-stream")
    }

    fn is_chunked(&self) -> bool {
        self.header("transfer-encoding") == Some("chunked")
    }
}

impl Answer {
    pub(crate) fn status(&self) -> u16 {
        self.head.status
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.header(name)
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }

    /// The JSON of the body: a JSON answer, or the last message of a stream.
    pub(crate) fn json(&self) -> Value {
        if self.head.is_stream() {
            return self.events().last().expect("a stream with messages").json();
        }
        assert_eq!(self.header("content-type"), Some("application/json"), "{self:?}");
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    pub(crate) fn events(&self) -> Vec<Event> {
        assert!(self.head.is_stream(), "{self:?}");
        let text = self.text();
        text.split("\n\n").filter(|block| !block.is_empty()).filter_map(event).collect()
    }

    /// The code of the JSON-RPC error.
    pub(crate) fn code(&self) -> Option<i64> {
        self.json()["error"]["code"].as_i64()
    }
}

impl Connection {
    pub(crate) async fn open(server: &Server) -> Self {
        Self::over(TcpStream::connect(server.address).await.unwrap())
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Connection<S> {
    pub(crate) fn over(stream: S) -> Self {
        Self { stream: BufReader::new(stream) }
    }

    pub(crate) async fn send(&mut self, ask: &Ask) {
        self.send_bytes(&ask.bytes()).await;
    }

    /// Sends bytes; a server that has answered and closed already is fine.
    pub(crate) async fn send_bytes(&mut self, bytes: &[u8]) {
        let _ = in_time(self.stream.write_all(bytes)).await;
        let _ = self.stream.flush().await;
    }

    pub(crate) async fn ask(&mut self, ask: &Ask) -> Answer {
        self.send(ask).await;
        self.answer(ask.method == "HEAD").await
    }

    pub(crate) async fn head(&mut self) -> Head {
        self.try_head().await.expect("the server closed the connection without an answer")
    }

    pub(crate) async fn try_head(&mut self) -> Option<Head> {
        let line = self.line().await?;
        let status = line.split(' ').nth(1).and_then(|status| status.parse().ok());
        let status = status.unwrap_or_else(|| panic!("not a status line: {line:?}"));
        let mut headers = Vec::new();
        loop {
            let line = self.line().await?;
            let Some((name, value)) = line.split_once(':') else { break };
            headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
        Some(Head { status, headers })
    }

    async fn answer(&mut self, bodiless: bool) -> Answer {
        let head = self.head().await;
        let body = if bodiless { Vec::new() } else { self.body(&head).await };
        Answer { head, body }
    }

    /// The next whole answer.
    pub(crate) async fn next_answer(&mut self) -> Answer {
        self.answer(false).await
    }

    async fn body(&mut self, head: &Head) -> Vec<u8> {
        let mut body = Vec::new();
        if head.is_chunked() {
            while let Some(chunk) = self.chunk().await {
                body.extend_from_slice(&chunk);
            }
        } else if let Some(length) = head.header("content-length") {
            body.resize(length.parse().unwrap(), 0);
            in_time(self.stream.read_exact(&mut body)).await.unwrap();
        } else if !matches!(head.status, 100..=199 | 204 | 304) {
            in_time(self.stream.read_to_end(&mut body)).await.unwrap();
        }
        body
    }

    /// The next chunk of a chunked body; `None` at its end, or where the connection broke off.
    pub(crate) async fn chunk(&mut self) -> Option<Vec<u8>> {
        let size = self.line().await?;
        let size = usize::from_str_radix(&size, 16).unwrap_or_else(|_| panic!("not a size: {size:?}"));
        let mut chunk = vec![0; size];
        in_time(self.stream.read_exact(&mut chunk)).await.ok()?;
        self.line().await;
        (size > 0).then_some(chunk)
    }

    async fn line(&mut self) -> Option<String> {
        let mut line = Vec::new();
        loop {
            let byte = in_time(self.stream.read_u8()).await.ok()?;
            match byte {
                b'\n' => break,
                b'\r' => {}
                byte => line.push(byte),
            }
        }
        Some(String::from_utf8(line).unwrap())
    }

    /// Whether the server has closed the connection: waits until it sends or closes.
    pub(crate) async fn is_closed(&mut self) -> bool {
        in_time(self.stream.read_u8()).await.is_err()
    }
}

/// An event stream that is read as it comes.
pub(crate) struct Stream<S = TcpStream> {
    connection: Connection<S>,
    text: String,
    /// Comments that were seen.
    pub(crate) comments: usize,
    ended: bool,
}

impl Stream {
    /// What comes behind the head of an event stream.
    pub(crate) fn over(connection: Connection) -> Self {
        Self { connection, text: String::new(), comments: 0, ended: false }
    }

    /// Sends a request whose answer is an event stream.
    pub(crate) async fn open(server: &Server, ask: &Ask) -> Self {
        let mut connection = Connection::open(server).await;
        connection.send(ask).await;
        let head = connection.head().await;
        assert!(head.status == 200 && head.is_stream(), "no stream: {head:?}");
        Self { connection, text: String::new(), comments: 0, ended: false }
    }

    /// The same for a request that may be answered at once: then the answer.
    pub(crate) async fn try_open(server: &Server, ask: &Ask) -> Result<Self, Answer> {
        let mut connection = Connection::open(server).await;
        connection.send(ask).await;
        let head = connection.head().await;
        if head.is_stream() {
            return Ok(Self { connection, text: String::new(), comments: 0, ended: false });
        }
        let body = connection.body(&head).await;
        Err(Answer { head, body })
    }

    /// The next message; events without one are skipped.
    pub(crate) async fn next_message(&mut self) -> Option<Value> {
        loop {
            let event = self.next().await?;
            if !event.data.is_empty() {
                return Some(event.json());
            }
        }
    }

    /// The next event; `None` at the end of the stream.
    pub(crate) async fn next(&mut self) -> Option<Event> {
        loop {
            while let Some(at) = self.text.find("\n\n") {
                let block: String = self.text.drain(..at + 2).collect();
                match event(&block) {
                    Some(event) => return Some(event),
                    None => self.comments += 1,
                }
            }
            if !self.more().await {
                return None;
            }
        }
    }

    /// Waits for a comment.
    pub(crate) async fn comment(&mut self) {
        let before = self.comments;
        while self.comments == before {
            match self.text.find("\n\n") {
                Some(at) => {
                    let block: String = self.text.drain(..at + 2).collect();
                    assert_eq!(event(&block), None, "an event where silence was expected");
                    self.comments += 1;
                }
                None => assert!(self.more().await, "the stream ended"),
            }
        }
    }

    /// All events up to the end.
    pub(crate) async fn rest(mut self) -> Vec<Event> {
        let mut events = Vec::new();
        while let Some(event) = self.next().await {
            events.push(event);
        }
        events
    }

    async fn more(&mut self) -> bool {
        if self.ended {
            return false;
        }
        match self.connection.chunk().await {
            Some(chunk) => self.text.push_str(std::str::from_utf8(&chunk).unwrap()),
            None => self.ended = true,
        }
        !self.ended
    }
}

/// The event of a block of lines; `None` where it is only comments.
fn event(block: &str) -> Option<Event> {
    let mut event = Event::default();
    let mut fields = 0;
    let mut data: Vec<&str> = Vec::new();
    for line in block.lines().filter(|line| !line.is_empty() && !line.starts_with(':')) {
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        fields += 1;
        match field {
            "id" => event.id = Some(value.to_owned()),
            "retry" => event.retry = Some(value.parse().unwrap()),
            "data" => data.push(value),
            "event" => event.kind = Some(value.to_owned()),
            other => panic!("an unknown field: {other:?}"),
        }
    }
    event.data = data.join("\n");
    (fields > 0).then_some(event)
}

impl Server {
    /// Asks on a connection of its own.
    pub(crate) async fn ask(&self, ask: &Ask) -> Answer {
        Connection::open(self).await.ask(ask).await
    }

    /// Opens a session.
    pub(crate) async fn session(&self, revision: &str) -> String {
        let answer = self.ask(&Ask::initialize(revision)).await;
        assert_eq!(answer.status(), 200, "{answer:?}");
        answer.header("mcp-session-id").expect("a session id").to_owned()
    }

    /// Shows that the server still does its work.
    pub(crate) async fn assert_serves(&self) {
        let params = json!({ "name": "echo", "arguments": { "message": "still here" } });
        let answer = self.ask(&Ask::modern("tools/call", params)).await;
        assert_eq!(answer.status(), 200, "{answer:?}");
        assert_eq!(answer.json()["result"]["content"][0]["text"], "still here");
    }
}

/// The parameters of a `tools/call` without arguments.
pub(crate) fn call(tool: &str) -> Value {
    json!({ "name": tool, "arguments": {} })
}

/// The same, with a progress token.
pub(crate) fn call_with_progress(tool: &str, arguments: &Value) -> Value {
    json!({ "name": tool, "arguments": arguments, "_meta": { "progressToken": "p" } })
}

impl<S: AsyncRead + AsyncWrite + Unpin> Connection<S> {
    /// Says that nothing more will be sent.
    pub(crate) async fn finish(&mut self) {
        let _ = self.stream.get_mut().shutdown().await;
    }

    /// Everything up to the end of the connection.
    pub(crate) async fn everything(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        let _ = in_time(self.stream.read_to_end(&mut bytes)).await;
        bytes
    }
}

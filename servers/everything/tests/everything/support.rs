//! Clients of the server.

use latimer::prelude::*;
use latimer::{Engine, Peer, Principal, Revision, TestClient};
use latimer_everything::{Environment, everything_with};
use latimer_transport::stream::{self, StreamOptions};
use serde_json::Value;
use tokio::io::{
    AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, DuplexStream, Lines, ReadHalf, WriteHalf,
};
use tokio::task::AbortHandle;

/// One revision of each era.
pub(crate) const ERAS: [Revision; 2] = [Revision::V2025_11_25, Revision::LATEST_MODERN];

pub(crate) fn server() -> Server {
    everything_with(Environment::showing(["CARGO_PKG_NAME", "EVERYTHING_IS_NOT_SET"]))
}

pub(crate) async fn client() -> TestClient {
    server().test().await.unwrap()
}

/// The same server in each era.
pub(crate) async fn each_era() -> [TestClient; 2] {
    let client = client().await;
    ERAS.map(|revision| client.revision(revision))
}

/// A legacy session on a byte stream, which is spoken to in JSON.
pub(crate) struct Wire {
    input: WriteHalf<DuplexStream>,
    output: Lines<BufReader<ReadHalf<DuplexStream>>>,
    server: AbortHandle,
    next: u64,
}

impl Wire {
    pub(crate) async fn open(engine: &Engine) -> Self {
        let mut wire = Self::connect(engine);
        let params = json!({
            "protocolVersion": "2025-11-25",
            "capabilities": {},
            "clientInfo": { "name": "test", "version": "1" }
        });
        wire.request("initialize", params).await;
        wire.send(json!({ "jsonrpc": "2.0", "method": "notifications/initialized" })).await;
        wire
    }

    pub(crate) fn connect(engine: &Engine) -> Self {
        let (ours, theirs) = tokio::io::duplex(1 << 16);
        let (input, output) = tokio::io::split(theirs);
        let serving = {
            let engine = engine.clone();
            async move {
                let forever = std::future::pending();
                stream::serve(
                    engine,
                    StreamOptions::default(),
                    Principal::anonymous(),
                    Peer::Local,
                    input,
                    output,
                    forever,
                )
                .await
            }
        };
        let server = tokio::spawn(serving).abort_handle();
        let (output, input) = tokio::io::split(ours);
        Self { input, output: BufReader::new(output).lines(), server, next: 1 }
    }

    pub(crate) async fn send(&mut self, message: Value) {
        self.input.write_all(format!("{message}\n").as_bytes()).await.unwrap();
    }

    /// The next message of the server.
    pub(crate) async fn receive(&mut self) -> Value {
        serde_json::from_str(&self.output.next_line().await.unwrap().unwrap()).unwrap()
    }

    /// Sends a request and returns its response; what comes before is left out.
    pub(crate) async fn request(&mut self, method: &str, params: Value) -> Value {
        let id = self.next;
        self.next += 1;
        self.send(json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params })).await;
        loop {
            let message = self.receive().await;
            if message["id"] == id {
                return message;
            }
        }
    }

    pub(crate) async fn call(&mut self, tool: &str, arguments: Value) -> Value {
        self.request("tools/call", json!({ "name": tool, "arguments": arguments })).await
    }

    /// The text of a call's first block.
    pub(crate) async fn text(&mut self, tool: &str, arguments: Value) -> String {
        let response = self.call(tool, arguments).await;
        response["result"]["content"][0]["text"].as_str().unwrap().to_owned()
    }

    /// Nothing comes before the answer to this.
    pub(crate) async fn hears_nothing(&mut self) {
        let id = self.next;
        self.next += 1;
        self.send(json!({ "jsonrpc": "2.0", "id": id, "method": "ping" })).await;
        assert_eq!(self.receive().await["id"], id);
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.server.abort();
    }
}

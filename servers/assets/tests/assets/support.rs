//! Servers, their folders, and clients of both eras.

use std::path::{Path, PathBuf};

use latimer::prelude::*;
use latimer::{Engine, Peer, Principal, Revision, TestClient};
use latimer_assets::Settings;
use latimer_transport::stream::{self, StreamOptions};
use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{
    AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, DuplexStream, Lines, ReadHalf, WriteHalf,
};
use tokio::task::AbortHandle;

/// One revision of each era.
pub(crate) const ERAS: [Revision; 2] = [Revision::V2025_11_25, Revision::LATEST_MODERN];

/// Where the recorded cases are.
pub(crate) fn golden_dir() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden")
}

pub(crate) fn golden_settings() -> Settings {
    let text = std::fs::read_to_string(golden_dir().join("settings.json")).unwrap();
    Settings::from_value(&serde_json::from_str(&text).unwrap(), &golden_dir()).unwrap()
}

pub(crate) fn server(settings: Settings) -> Server {
    Server::new("test").source(latimer_assets::source(settings).unwrap())
}

pub(crate) async fn client(settings: Settings) -> TestClient {
    server(settings).test().await.unwrap()
}

/// Folders that a test may change.
pub(crate) struct Folders(TempDir);

impl Folders {
    pub(crate) fn new() -> Self {
        let folders = Self(tempfile::tempdir().unwrap());
        std::fs::create_dir(folders.path("schemas")).unwrap();
        folders
    }

    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.0.path().join(path)
    }

    /// Puts a file there, whole: nobody sees it empty in between.
    pub(crate) fn write(&self, path: &str, text: &str) {
        let (path, new) = (self.path(path), self.path("new"));
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&new, text).unwrap();
        std::fs::rename(new, path).unwrap();
    }

    pub(crate) fn settings(&self) -> Settings {
        Settings { watch: false, ..Settings::of(self.path("schemas"), self.path("examples")) }
    }
}

/// The structured content of a call, which is an error result exactly if it is not ok.
pub(crate) async fn told(client: &TestClient, tool: &str, arguments: Value) -> Value {
    let called = client.call(tool, arguments).await.unwrap();
    let told: Value = called.structured().unwrap();
    assert_eq!(called.is_error(), told["ok"] == false, "{tool}: {told}");
    told
}

/// A connection on a byte stream, which is spoken to in JSON.
pub(crate) struct Wire {
    input: WriteHalf<DuplexStream>,
    output: Lines<BufReader<ReadHalf<DuplexStream>>>,
    server: AbortHandle,
    next: u64,
}

impl Wire {
    /// A session of 2025-11-25.
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
        let engine = engine.clone();
        let serving = async move {
            let forever = std::future::pending();
            let options = StreamOptions::default();
            stream::serve(engine, options, Principal::anonymous(), Peer::Local, input, output, forever).await
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

    /// Sends a request and returns its result; what comes before is left out.
    pub(crate) async fn request(&mut self, method: &str, params: Value) -> Value {
        let id = self.next;
        self.next += 1;
        self.send(json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params })).await;
        loop {
            let mut message = self.receive().await;
            if message["id"] == id {
                return message["result"].take();
            }
        }
    }

    /// The URIs of the resources there are.
    pub(crate) async fn resources(&mut self) -> Vec<String> {
        let listed = self.request("resources/list", json!({})).await;
        let resources = listed["resources"].as_array().unwrap().iter();
        resources.map(|resource| resource["uri"].as_str().unwrap().to_owned()).collect()
    }

    /// Waits until the list of resources is this one: it is looked at again each time that it is said to have changed.
    pub(crate) async fn lists(&mut self, expected: &[&str]) {
        while self.resources().await != expected {
            while self.receive().await["method"] != "notifications/resources/list_changed" {}
        }
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.server.abort();
    }
}

//! A server on each of its transports, and a client that speaks bytes to it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, ExitStatus, Stdio};

use serde_json::{Value, json};

use crate::support::{Lines, Process, latimer};

/// The transports, by the modes of their lines.
pub(crate) const MODES: [&str; 4] = ["stdio", "http", "tcp", "socket"];

/// A server on one transport, with a ready file.
pub(crate) struct Served {
    pub(crate) mode: &'static str,
    pub(crate) process: Process,
    pub(crate) lines: Lines,
    pub(crate) ready: String,
    folder: tempfile::TempDir,
    /// Open until the value is dropped, so that it is the signal that ends the process and not its input.
    pub(crate) stdin: Option<ChildStdin>,
}

/// A connection to a server.
pub(crate) struct Client {
    input: Box<dyn Write>,
    output: Box<dyn BufRead>,
    is_http: bool,
    /// The number of the last request.
    last: u32,
}

impl Served {
    /// Starts a server and does not wait for it.
    pub(crate) fn launch(mode: &'static str, config: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("latimer.yaml"), config).unwrap();
        let mut command = latimer(folder.path());
        let transport: &[&str] = match mode {
            "stdio" => &["--stdio"],
            "http" => &["--http", "127.0.0.1:0"],
            "tcp" => &["--tcp", "0"],
            _ => &["--unix", "s"],
        };
        command.arg("serve").args(transport).args(["--ready-file", "ready"]);
        // Is warned of once signals are heeded.
        command.env("LATIMER_NOTHING", "1");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut process = Process::start(&mut command);
        let lines = Lines::of(process.0.stderr.take().unwrap());
        let stdin = process.0.stdin.take();
        Self { mode, process, lines, ready: String::new(), folder, stdin }
    }

    /// Starts a server and waits until it is ready.
    pub(crate) fn start(mode: &'static str, config: &str) -> Self {
        let mut served = Self::launch(mode, config);
        let begin = format!("mcp:ready mode={mode} ");
        served.ready = served.lines.find(|line| line.starts_with(&begin).then(|| line.to_owned()));
        assert!(served.file("ready").exists(), "the ready file is there before the line");
        served
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A client; of standard streams there is only one.
    pub(crate) fn client(&mut self) -> Client {
        let port = self.ready.split_once(" port=").map(|(_, rest)| rest.split(' ').next().unwrap());
        let connect = || TcpStream::connect(format!("127.0.0.1:{}", port.unwrap())).unwrap();
        let (input, output): (Box<dyn Write>, Box<dyn Read>) = match self.mode {
            "stdio" => {
                let stdout = self.process.0.stdout.take().unwrap();
                (Box::new(self.stdin.take().unwrap()), Box::new(stdout))
            }
            "socket" => {
                let socket = UnixStream::connect(self.file("s")).unwrap();
                (Box::new(socket.try_clone().unwrap()), Box::new(socket))
            }
            _ => {
                let socket = connect();
                (Box::new(socket.try_clone().unwrap()), Box::new(socket))
            }
        };
        Client { input, output: Box::new(BufReader::new(output)), is_http: self.mode == "http", last: 0 }
    }

    /// Waits for the end, and holds what is left behind against what has to be: one shutdown line with every field of the ready
    /// line, no ready file and no socket.
    pub(crate) fn ended(&mut self) -> (ExitStatus, String) {
        let rest = self.lines.rest();
        let status = self.process.ended();
        let shutdown: Vec<&str> = rest.lines().filter(|line| line.starts_with("mcp:shutdown ")).collect();
        assert_eq!(shutdown.len(), 1, "{rest}");
        let fields = |line: &str| {
            let (fields, _) = line.split_once(" timestamp=").unwrap();
            fields.split_once(" mode=").unwrap().1.to_owned()
        };
        if !self.ready.is_empty() {
            assert_eq!(fields(shutdown[0]), fields(&self.ready));
        }
        let left: Vec<_> =
            std::fs::read_dir(self.folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(left, ["latimer.yaml"]);
        (status, rest)
    }
}

impl Client {
    /// A client of the Unix socket at a path.
    pub(crate) fn of_socket(path: &Path) -> Self {
        let socket = UnixStream::connect(path).unwrap();
        let output = BufReader::new(socket.try_clone().unwrap());
        Self { input: Box::new(socket), output: Box::new(output), is_http: false, last: 0 }
    }

    /// Sends a request of 2026-07-28.
    pub(crate) fn send(&mut self, method: &str, mut params: Value) {
        let name = params["name"].as_str().map(|name| format!("Mcp-Name: {name}\r\n")).unwrap_or_default();
        params["_meta"] = json!({
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientCapabilities": {},
            "io.modelcontextprotocol/clientInfo": { "name": "t", "version": "1" },
            "progressToken": 1,
        });
        self.last += 1;
        let body =
            json!({ "jsonrpc": "2.0", "id": self.last, "method": method, "params": params }).to_string();
        let text = if self.is_http {
            format!(
                "POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
                 Accept: application/json, text/event-stream\r\nMCP-Protocol-Version: 2026-07-28\r\n\
                 Mcp-Method: {method}\r\n{name}Content-Length: {}\r\n\r\n{body}",
                body.len()
            )
        } else {
            format!("{body}\n")
        };
        self.input.write_all(text.as_bytes()).unwrap();
        self.input.flush().unwrap();
    }

    /// Reads until a line has `text` in it.
    pub(crate) fn hear(&mut self, text: &str) {
        let mut all = String::new();
        while self.output.read_line(&mut all).unwrap() > 0 {
            if all.lines().next_back().is_some_and(|line| line.contains(text)) {
                return;
            }
        }
        panic!("\"{text}\" did not come; there was:\n{all}");
    }

    /// Reads what is left.
    pub(crate) fn rest(&mut self) -> String {
        let mut all = Vec::new();
        // A connection that is cut off says no more.
        let _ = self.output.read_to_end(&mut all);
        String::from_utf8_lossy(&all).into_owned()
    }
}

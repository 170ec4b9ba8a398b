//! Recorded conversations with the source `assets`: the same bytes over standard streams, a Unix socket and TCP.
//!
//! `LATIMER_GOLDEN=write cargo nextest run -p latimer-cli golden` writes the answers anew; read what has changed.

use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;

use super::support::{Lines, Process, latimer};

/// What is said, and what is answered, if anything.
struct Exchange {
    request: Vec<u8>,
    answer: Option<String>,
}

/// One connection of any kind, with what has to live as long.
struct Connection {
    input: Box<dyn Write>,
    output: BufReader<Box<dyn Read>>,
    _server: Process,
    _folder: tempfile::TempDir,
}

#[derive(Clone, Copy, Debug)]
enum Way {
    Stdio,
    Unix,
    Tcp,
}

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name)
}

/// Where the recorded cases of the source are.
fn cases() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../servers/assets/tests/golden").canonicalize().unwrap()
}

/// One of them; parameters and result are text as it stands there.
#[derive(Deserialize)]
struct Case {
    method: String,
    #[serde(default)]
    params: Option<Box<RawValue>>,
    result: Box<RawValue>,
}

/// The recorded cases as bare methods.
fn bare_cases() -> Vec<Exchange> {
    let text = std::fs::read_to_string(cases().join("cases.json")).unwrap();
    let cases: Vec<Case> = serde_json::from_str(&text).unwrap();
    let exchange = |(id, case): (usize, Case)| {
        let params = case.params.map_or(String::new(), |params| format!(",\"params\":{params}"));
        let method = case.method;
        let request = format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"method\":\"{method}\"{params}}}");
        let answer = format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"result\":{}}}", case.result);
        Exchange { request: request.into_bytes(), answer: Some(answer) }
    };
    cases.into_iter().enumerate().map(exchange).collect()
}

/// A folder with the configuration of a server for the recorded cases.
fn folder() -> tempfile::TempDir {
    let cases = cases();
    // A dollar sign begins the name of a variable in a configuration.
    let settings = std::fs::read_to_string(cases.join("settings.json")).unwrap().replace('$', "$$");
    let mut settings: serde_json::Value = serde_json::from_str(&settings).unwrap();
    for folder in ["schemas_dir", "examples_dir"] {
        settings[folder] = json!(cases.join(settings[folder].as_str().unwrap()));
    }
    let config = json!({
        "bare_methods": true,
        "autoload": ["assets"],
        "plugins": { "assets": { "settings": settings } },
    });
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("latimer.json"), config.to_string()).unwrap();
    folder
}

impl Connection {
    fn open(way: Way) -> Self {
        let folder = folder();
        let mut command = latimer(folder.path());
        command.arg("serve").stderr(Stdio::piped());
        let socket = folder.path().join("s");
        match way {
            Way::Stdio => command.arg("--stdio").stdin(Stdio::piped()).stdout(Stdio::piped()),
            Way::Unix => command.arg("--unix").arg(&socket).stdin(Stdio::null()).stdout(Stdio::null()),
            Way::Tcp => command.args(["--tcp", "0"]).stdin(Stdio::null()).stdout(Stdio::null()),
        };
        let mut server = Process::start(&mut command);
        let lines = Lines::of(server.0.stderr.take().unwrap());
        let ready = lines.find(|line| line.starts_with("mcp:ready").then(|| line.to_owned()));
        assert!(ready.contains(" schemas_dir=") && ready.contains(" examples_dir="), "{ready}");
        let (input, output): (Box<dyn Write>, Box<dyn Read>) = match way {
            Way::Stdio => {
                (Box::new(server.0.stdin.take().unwrap()), Box::new(server.0.stdout.take().unwrap()))
            }
            Way::Unix => {
                let socket = UnixStream::connect(socket).unwrap();
                socket.set_read_timeout(Some(LIMIT)).unwrap();
                (Box::new(socket.try_clone().unwrap()), Box::new(socket))
            }
            Way::Tcp => {
                let port = ready.split(' ').find_map(|field| field.strip_prefix("port=")).unwrap();
                let socket = TcpStream::connect(format!("127.0.0.1:{port}")).unwrap();
                socket.set_read_timeout(Some(LIMIT)).unwrap();
                (Box::new(socket.try_clone().unwrap()), Box::new(socket))
            }
        };
        Self { input, output: BufReader::new(output), _server: server, _folder: folder }
    }

    fn answer(&mut self, request: &[u8]) -> String {
        self.send(request);
        let mut answer = String::new();
        self.output.read_line(&mut answer).unwrap();
        answer.trim_end_matches('\n').to_owned()
    }

    fn send(&mut self, request: &[u8]) {
        self.input.write_all(&[request, b"\n"].concat()).unwrap();
        self.input.flush().unwrap();
    }
}

const LIMIT: Duration = Duration::from_secs(120);

/// Reads a file of exchanges.
fn exchanges(text: &str) -> Vec<Exchange> {
    let mut found: Vec<Exchange> = Vec::new();
    for line in text.lines() {
        if let Some(answer) = line.strip_prefix('<') {
            found.last_mut().unwrap().answer = Some(answer.trim_start().to_owned());
        } else if let Some(request) = request(line) {
            found.push(Exchange { request, answer: None });
        }
    }
    found
}

fn request(line: &str) -> Option<Vec<u8>> {
    if let Some(text) = line.strip_prefix("> ") {
        return Some(text.as_bytes().to_owned());
    }
    if let Some(digits) = line.strip_prefix(">b ") {
        let digit = |at: usize| u8::from_str_radix(&digits[at..at + 2], 16).unwrap();
        return Some((0..digits.len()).step_by(2).map(digit).collect());
    }
    let (count, text) = line.strip_prefix(">* ")?.split_once(' ').unwrap();
    Some(text.repeat(count.parse().unwrap()).into_bytes())
}

/// The exchanges of a file, or nothing where they were written anew.
fn recorded(name: &str) -> Option<Vec<Exchange>> {
    let path = golden(name);
    let text = std::fs::read_to_string(&path).unwrap();
    if std::env::var("LATIMER_GOLDEN").is_ok_and(|mode| mode == "write") {
        std::fs::write(&path, written_anew(&text)).unwrap();
        return None;
    }
    Some(exchanges(&text))
}

fn replay(exchanges: &[Exchange]) {
    assert!(exchanges.len() > 100);
    for way in [Way::Stdio, Way::Unix, Way::Tcp] {
        let mut connection = Connection::open(way);
        for exchange in exchanges {
            let Some(expected) = &exchange.answer else {
                // The next answer is that of the next request.
                connection.send(&exchange.request);
                continue;
            };
            let answer = connection.answer(&exchange.request);
            let asked =
                String::from_utf8_lossy(&exchange.request[..exchange.request.len().min(300)]).into_owned();
            assert_eq!(&answer, expected, "over {way:?} to {asked}");
        }
    }
}

/// The same text with the answers of now.
fn written_anew(text: &str) -> String {
    let mut connection = Connection::open(Way::Stdio);
    let mut out = String::new();
    let mut pending: Option<Vec<u8>> = None;
    for line in text.lines() {
        if line.starts_with('<') {
            writeln!(out, "< {}", connection.answer(&pending.take().unwrap())).unwrap();
            continue;
        }
        if let Some(request) = request(line) {
            if let Some(unanswered) = pending.replace(request) {
                connection.send(&unanswered);
            }
        } else if let (true, Some(unanswered)) = (line.is_empty(), pending.take()) {
            connection.send(&unanswered);
        }
        writeln!(out, "{line}").unwrap();
    }
    out
}

#[test]
fn bare_methods_are_answered_alike_over_every_byte_stream() {
    if let Some(frames) = recorded("bare.txt") {
        replay(&[bare_cases(), frames].into_iter().flatten().collect::<Vec<_>>());
    }
}

#[test]
fn mcp_is_answered_alike_over_every_byte_stream() {
    if let Some(exchanges) = recorded("mcp.txt") {
        replay(&exchanges);
    }
}

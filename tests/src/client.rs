//! Clients that do the deeds of a sheet against a server; most are programs of their own and print one JSON line per deed.

use std::{
    fs,
    io::{BufRead, BufReader, Read},
    process::{Command, Stdio},
    sync::mpsc::{self, RecvTimeoutError},
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    cell::{Cell, Outcome},
    process::{self, ProcessGroup},
    program,
    server::{HttpServer, Place, SocketServer},
    table::{Era, Leg, Table, Transport},
    tools, workspace,
};

/// A client that has not ended by then is killed. Its own limit for each deed is far below.
const CLIENT_LIMIT: Duration = Duration::from_secs(300);

/// What clients are asked to do, with which server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sheet {
    /// What every client does all day, with the demo sources of `latimer serve`.
    Deeds,
    /// What servers ask of clients and tell them, with `latimer-everything`.
    Asking,
}

impl Sheet {
    /// The name of the sheet, as the clients get it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Deeds => "deeds",
            Self::Asking => "asking",
        }
    }

    /// What is expected of each client.
    ///
    /// # Panics
    /// When the table is not there.
    #[must_use]
    pub fn table(self) -> Table {
        Table::load(self.file())
    }

    fn file(self) -> &'static str {
        match self {
            Self::Deeds => "table.json",
            Self::Asking => "asking.json",
        }
    }

    /// What the server offers, by the names under which the clients ask for it.
    ///
    /// # Panics
    /// When the file is missing or no JSON.
    #[must_use]
    pub fn demo(self) -> Value {
        let file = match self {
            Self::Deeds => "demo.json",
            Self::Asking => "everything.json",
        };
        let text = fs::read_to_string(workspace().join("tests/clients").join(file))
            .unwrap_or_else(|error| panic!("failed to read {file}: {error}"));
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{file} is no JSON: {error}"))
    }

    /// The server, for one leg.
    ///
    /// # Panics
    /// When it is not built, or does not start.
    #[must_use]
    pub fn target(self, transport: Transport) -> Target {
        let (program, command) = match self {
            Self::Deeds => (program::latimer(), &["serve"][..]),
            Self::Asking => (program::everything(), &[][..]),
        };
        match transport {
            Transport::Http => {
                let args = [command, &["--http", "127.0.0.1:0"]].concat();
                Target::Http(HttpServer::start(&program, &args))
            }
            Transport::Tcp => Target::Socket(SocketServer::tcp(&program, command)),
            Transport::Unix => Target::Socket(SocketServer::unix(&program, command)),
            Transport::Stdio => {
                let args = command.iter().copied().chain(["--stdio"]);
                Target::Stdio(
                    [program.display().to_string()].into_iter().chain(args.map(str::to_owned)).collect(),
                )
            }
        }
    }
}

/// A server for one leg: running, or the command that the client is to start.
#[derive(Debug)]
pub enum Target {
    /// A server that runs on HTTP.
    Http(HttpServer),
    /// A server that runs on a TCP port or a Unix socket.
    Socket(SocketServer),
    /// Program and arguments.
    Stdio(Vec<String>),
}

/// Lets the program behind `leg` do all deeds, and judges what it reports by the table.
///
/// # Panics
/// When anything differs from the table, in either direction.
pub fn run(sheet: Sheet, leg: Leg<'_>) {
    let mut command = match leg.client {
        "npm-sdk" => script("npm_sdk.mjs"),
        "npm-client" => script("npm_client.mjs"),
        "inspector" => script("inspector.mjs"),
        "py-mcp" => {
            let mut command = process::command(tools::python());
            command.arg(workspace().join("tests/clients/py_mcp.py"));
            command
        }
        other => panic!("no program is known for the client {other}"),
    };
    let target = sheet.target(leg.transport);
    command.arg(job(sheet, leg, &target).to_string());
    let (cells, said) = deeds_of(&mut command);
    judge(sheet, leg, &cells, &said, &target);
}

/// Compares `cells` with the table and leaves a report.
///
/// # Panics
/// When anything differs from the table, in either direction.
pub fn judge(sheet: Sheet, leg: Leg<'_>, cells: &[Cell], said: &str, target: &Target) {
    let table = sheet.table();
    let differences = table.differences(leg, cells);
    let cannot = cells.iter().filter(|cell| cell.outcome == Outcome::Cannot).count();
    let report =
        json!({ "width": table.width(), "cannot": cannot, "differences": differences, "cells": cells });
    crate::report("clients", &format!("{} {leg}", sheet.name()), &report);
    let log = match target {
        Target::Http(server) => server.log(),
        Target::Socket(server) => server.log(),
        Target::Stdio(_) => "(on the client's stderr)".to_owned(),
    };
    assert!(
        differences.is_empty(),
        "{leg} differs from tests/clients/{}:\n  {}\nthe client said:\n{said}\nthe server said:\n{log}",
        sheet.file(),
        differences.join("\n  ")
    );
}

fn script(name: &str) -> Command {
    let mut command = process::command(tools::node());
    // The scripts are reached through a link beside node_modules, and must be taken to lie there.
    command.args(["--preserve-symlinks", "--preserve-symlinks-main"]).arg(tools::npm_script(name));
    command
}

fn job(sheet: Sheet, leg: Leg<'_>, target: &Target) -> Value {
    let era = match leg.era {
        Era::Legacy => "legacy",
        Era::Modern => "modern",
    };
    let mut job = json!({ "sheet": sheet.name(), "era": era, "demo": sheet.demo() });
    match target {
        Target::Http(server) => {
            job["transport"] = "http".into();
            job["url"] = server.url().into();
        }
        Target::Socket(server) => match server.place() {
            Place::Tcp(address) => {
                job["transport"] = "tcp".into();
                job["host"] = address.ip().to_string().into();
                job["port"] = address.port().into();
            }
            Place::Unix(path) => {
                job["transport"] = "unix".into();
                job["path"] = path.display().to_string().into();
            }
        },
        Target::Stdio(command) => {
            job["transport"] = "stdio".into();
            job["command"] = json!(command);
        }
    }
    job
}

/// Runs a client to its end; returns its cells and everything else that it said.
fn deeds_of(command: &mut Command) -> (Vec<Cell>, String) {
    // The client and a server it starts find no configuration but what they are given.
    let folder = TempDir::new().expect("a temporary folder can be made");
    command.current_dir(folder.path()).env("HOME", folder.path());
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut process =
        ProcessGroup::spawn(command).unwrap_or_else(|error| panic!("failed to start {command:?}: {error}"));
    let stdout = process.child().stdout.take().expect("stdout is piped");
    let mut stderr = process.child().stderr.take().expect("stderr is piped");

    let errors = std::thread::spawn(move || {
        let mut said = Vec::new();
        // What could be read is what there is to show.
        let _ = stderr.read_to_end(&mut said);
        String::from_utf8_lossy(&said).into_owned()
    });
    let (line, lines) = mpsc::channel();
    std::thread::spawn(move || {
        for text in BufReader::new(stdout).lines().map_while(Result::ok) {
            if line.send(text).is_err() {
                break;
            }
        }
    });

    let deadline = Instant::now() + CLIENT_LIMIT;
    let (mut cells, mut said) = (Vec::new(), String::new());
    loop {
        match lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok(text) => match serde_json::from_str(&text) {
                Ok(cell) => cells.push(cell),
                Err(_) => said.push_str(&format!("{text}\n")),
            },
            Err(RecvTimeoutError::Disconnected) => break,
            Err(RecvTimeoutError::Timeout) => {
                said.push_str(&format!("killed after {} s\n", CLIENT_LIMIT.as_secs()));
                break;
            }
        }
    }
    // Ends what is left of it, which also ends the reading of stderr.
    let _ = process.kill();
    said.push_str(&errors.join().unwrap_or_default());
    (cells, said)
}

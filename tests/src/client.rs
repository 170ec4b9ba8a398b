//! A foreign client that is a program of its own and prints one JSON line per deed.

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
    server::HttpServer,
    table::{Era, Leg, Table, Transport},
    tools, workspace,
};

/// A client that has not ended by then is killed. Its own limit for each deed is far below.
const CLIENT_LIMIT: Duration = Duration::from_secs(300);

/// What the demo sources offer, by the names under which the clients ask for it.
///
/// # Panics
/// When `tests/clients/demo.json` is missing or no JSON.
#[must_use]
pub fn demo() -> Value {
    let text =
        fs::read_to_string(workspace().join("tests/clients/demo.json")).expect("demo.json is committed");
    serde_json::from_str(&text).expect("demo.json is JSON")
}

/// A server for one leg: running for HTTP, or the command that the client is to start.
#[derive(Debug)]
pub enum Target {
    /// A running server.
    Http(HttpServer),
    /// Program and arguments.
    Stdio(Vec<String>),
}

impl Target {
    /// `latimer serve` with its default sources.
    #[must_use]
    pub fn latimer(transport: Transport) -> Self {
        let program = program::latimer();
        match transport {
            Transport::Http => Self::Http(HttpServer::start(&program, &["serve", "--http", "127.0.0.1:0"])),
            Transport::Stdio => {
                Self::Stdio(vec![program.display().to_string(), "serve".to_owned(), "--stdio".to_owned()])
            }
        }
    }
}

/// Lets the program behind `leg` do all deeds, and judges what it reports by the table.
///
/// # Panics
/// When anything differs from the table, in either direction.
pub fn run(leg: Leg<'_>) {
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
    let target = Target::latimer(leg.transport);
    command.arg(job(leg, &target).to_string());
    let (cells, said) = deeds_of(&mut command);
    judge(leg, &cells, &said, &target);
}

/// Compares `cells` with the table and leaves a report.
///
/// # Panics
/// When anything differs from the table, in either direction.
pub fn judge(leg: Leg<'_>, cells: &[Cell], said: &str, target: &Target) {
    let table = Table::load();
    let differences = table.differences(leg, cells);
    let cannot = cells.iter().filter(|cell| cell.outcome == Outcome::Cannot).count();
    let report =
        json!({ "width": table.width(), "cannot": cannot, "differences": differences, "cells": cells });
    crate::report("clients", &leg.to_string(), &report);
    let log = match target {
        Target::Http(server) => server.log(),
        Target::Stdio(_) => "(on the client's stderr)".to_owned(),
    };
    assert!(
        differences.is_empty(),
        "{leg} differs from tests/clients/table.json:\n  {}\nthe client said:\n{said}\nthe server said:\n{log}",
        differences.join("\n  ")
    );
}

fn script(name: &str) -> Command {
    let mut command = process::command(tools::node());
    // The scripts are reached through a link beside node_modules, and must be taken to lie there.
    command.args(["--preserve-symlinks", "--preserve-symlinks-main"]).arg(tools::npm_script(name));
    command
}

fn job(leg: Leg<'_>, target: &Target) -> Value {
    let era = match leg.era {
        Era::Legacy => "legacy",
        Era::Modern => "modern",
    };
    match target {
        Target::Http(server) => {
            json!({ "era": era, "transport": "http", "url": server.url(), "demo": demo() })
        }
        Target::Stdio(command) => {
            json!({ "era": era, "transport": "stdio", "command": command, "demo": demo() })
        }
    }
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

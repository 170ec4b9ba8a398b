//! The servers that are measured.

use std::env;
use std::error::Error;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::process::Server;

/// What a server makes of its requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It sends them back.
    Floor,
    /// It keeps no sessions.
    Stateless,
    /// Clients of 2025-11-25 open a session.
    Sessions,
}

/// What a server is written in, and its program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Program {
    /// A program that lies beside the one that runs.
    Built(&'static str),
    /// A script for Node, of `benches/peers`.
    Node(&'static str),
    /// A script for Python, of `benches/peers`.
    Python(&'static str),
}

/// One of the servers: a program, how it is told what to be, and what it then is.
#[derive(Clone, Copy, Debug)]
pub struct Entrant {
    /// What it is called in the table.
    pub name: &'static str,
    /// How it is set up.
    pub configuration: &'static str,
    /// The program.
    pub program: Program,
    /// Its arguments.
    pub arguments: &'static [&'static str],
    /// What it is.
    pub kind: Kind,
}

/// All of them; the one that the others are measured against comes first.
pub const ENTRANTS: [Entrant; 11] = [
    Entrant {
        name: "raw hyper",
        configuration: "reads a body and sends it back",
        program: Program::Built("floor"),
        arguments: &[],
        kind: Kind::Floor,
    },
    Entrant {
        name: "axum",
        configuration: "the same on a route",
        program: Program::Built("axum-peer"),
        arguments: &[],
        kind: Kind::Floor,
    },
    Entrant {
        name: "hyper, serde_json",
        configuration: "reads the JSON into types and answers; knows no protocol, checks nothing",
        program: Program::Built("floor"),
        arguments: &["json"],
        kind: Kind::Stateless,
    },
    LATIMER,
    RMCP_JSON,
    Entrant {
        name: "rmcp 3.9, sessions",
        configuration: "its default; on raw hyper",
        program: Program::Built("rmcp-http-peer"),
        arguments: &["sessions"],
        kind: Kind::Sessions,
    },
    Entrant {
        name: "tower-mcp 0.25",
        configuration: "its default: sessions, JSON; no validation against schemas",
        program: Program::Built("tower-mcp-peer"),
        arguments: &[],
        kind: Kind::Sessions,
    },
    Entrant {
        name: "TypeScript SDK 1.32",
        configuration: "sessions, JSON; node:http, Node 22",
        program: Program::Node("npm_sdk.mjs"),
        arguments: &[],
        kind: Kind::Sessions,
    },
    Entrant {
        name: "TypeScript server 2.4",
        configuration: "its handler for both eras, JSON where it can; node:http, Node 22",
        program: Program::Node("npm_server.mjs"),
        arguments: &[],
        kind: Kind::Stateless,
    },
    Entrant {
        name: "Python mcp 2.3",
        configuration: "no sessions, JSON, no structured output; uvicorn with uvloop and httptools",
        program: Program::Python("py_mcp.py"),
        arguments: &[],
        kind: Kind::Stateless,
    },
    Entrant {
        name: "FastMCP 4.1",
        configuration: "no sessions, JSON, no structured output; uvicorn with uvloop and httptools",
        program: Program::Python("py_fastmcp.py"),
        arguments: &[],
        kind: Kind::Stateless,
    },
];

/// This server.
pub const LATIMER: Entrant = Entrant {
    name: "Latimer",
    configuration: "its default: sessions; validation, limits and identity on",
    program: Program::Built("subject"),
    arguments: &[],
    kind: Kind::Sessions,
};

/// This server with a long list of tools.
pub const LATIMER_LONG: Entrant = Entrant { arguments: &["long"], ..LATIMER };

/// This server with the limit on messages raised to 8 MiB.
pub const LATIMER_8_MIB: Entrant = Entrant { arguments: &["8-mib"], ..LATIMER };

/// rmcp as it is fastest.
pub const RMCP_JSON: Entrant = Entrant {
    name: "rmcp 3.9, JSON",
    configuration: "no sessions, JSON; on raw hyper",
    program: Program::Built("rmcp-http-peer"),
    arguments: &["json"],
    kind: Kind::Stateless,
};

impl Entrant {
    /// Starts the server.
    ///
    /// # Errors
    /// When the program is not built or installed, or does not start.
    pub fn launch(self) -> Result<Server, Box<dyn Error>> {
        let (program, script) = match self.program {
            Program::Built(name) => (program(name)?, None),
            Program::Node(script) => installed("BENCH_NODE", "BENCH_NODE_PEERS", script)?,
            Program::Python(script) => installed("BENCH_PYTHON", "BENCH_PYTHON_PEERS", script)?,
        };
        let arguments: Vec<OsString> = script
            .map(PathBuf::into_os_string)
            .into_iter()
            .chain(self.arguments.iter().map(Into::into))
            .collect();
        Ok(Server::start(&program, &arguments)?)
    }

    /// Bytes of the program, where it is one that stands alone.
    pub fn size(self) -> Option<u64> {
        let Program::Built(name) = self.program else { return None };
        Some(std::fs::metadata(program(name).ok()?).ok()?.len())
    }
}

/// A program that lies beside the one that runs.
///
/// # Errors
/// When it is not there.
pub fn program(name: &str) -> Result<PathBuf, Box<dyn Error>> {
    let beside: PathBuf = env::current_exe()?.with_file_name(Path::new(name));
    if beside.exists() {
        return Ok(beside);
    }
    Err(format!("{} is not built; cargo xtask bench builds everything that is measured", beside.display())
        .into())
}

/// An interpreter and a script, which `cargo xtask bench` names.
fn installed(
    interpreter: &str,
    folder: &str,
    script: &str,
) -> Result<(PathBuf, Option<PathBuf>), Box<dyn Error>> {
    match (env::var_os(interpreter), env::var_os(folder)) {
        (Some(program), Some(folder)) => Ok((program.into(), Some(Path::new(&folder).join(script)))),
        _ => Err("not installed; cargo xtask bench says why before it measures".into()),
    }
}

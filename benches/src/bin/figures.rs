//! Prints the first figures: CPU per call beside the floor, memory at rest, start to first answer, and what one
//! hostile message costs.
#![allow(clippy::print_stdout, reason = "the figures are this program's output")]

use std::error::Error;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use latimer_bench::load::{self, Connection};
use latimer_bench::message::{self, Client};
use latimer_bench::process::Server;

const ROUNDS: usize = 5;
const WARM_UP: Duration = Duration::from_millis(400);
const ROUND: Duration = Duration::from_millis(1200);

fn main() -> Result<(), Box<dyn Error>> {
    let (floor, subject) = (program("floor")?, program("subject")?);
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    println!("load average before: {}", load.trim());

    let began = Instant::now();
    let server = Server::start(&subject)?;
    Connection::open(server.address)?.exchange(&message::initialize())?;
    println!("start to first answer (initialize over HTTP): {:.2} ms", began.elapsed().as_secs_f64() * 1e3);
    println!("resident at rest: {} KiB", server.status_kib("VmRSS")?);

    for connections in [1, 32] {
        per_call(&floor, &subject, connections)?;
    }
    hostile(&subject)
}

fn program(name: &str) -> Result<PathBuf, Box<dyn Error>> {
    let beside = std::env::current_exe()?.with_file_name(name);
    if beside.exists() {
        return Ok(beside);
    }
    Err(format!("{} is not built; run cargo build --release -p latimer-bench", beside.display()).into())
}

/// CPU time per call of the floor and of both eras, in interleaved rounds.
fn per_call(floor: &Path, subject: &Path, connections: usize) -> Result<(), Box<dyn Error>> {
    let (floor, subject) = (Server::start(floor)?, Server::start(subject)?);
    let opened = Connection::open(subject.address)?.exchange(&message::initialize())?;
    let session = load::header(&opened.head, "mcp-session-id").ok_or("no session")?.to_owned();
    let legacy = message::call(Client::Legacy, Some(&session));
    let modern = message::call(Client::Modern, None);
    let cases: [(&str, &Server, &[u8]); 4] = [
        ("raw hyper echo, legacy body", &floor, &legacy),
        ("raw hyper echo, modern body", &floor, &modern),
        ("legacy session", &subject, &legacy),
        ("2026-07-28", &subject, &modern),
    ];
    let mut samples = [const { Vec::new() }; 4];
    for (_, server, request) in &cases {
        load::run(server.address, request, connections, WARM_UP)?;
    }
    for _ in 0..ROUNDS {
        for (at, (_, server, request)) in cases.iter().enumerate() {
            let before = server.cpu_nanos()?;
            let calls = load::run(server.address, request, connections, ROUND)?;
            let spent = server.cpu_nanos()? - before;
            samples[at].push(spent as f64 / 1e3 / calls.max(1) as f64);
        }
    }
    println!("CPU per call at {connections} connection(s), median of {ROUNDS} interleaved rounds:");
    let medians = samples.map(|mut sample| {
        sample.sort_by(f64::total_cmp);
        sample[sample.len() / 2]
    });
    for (at, (name, _, _)) in cases.iter().enumerate() {
        println!("  {name}: {:.2} us, {:.2}x the floor", medians[at], medians[at] / medians[at % 2]);
    }
    Ok(())
}

/// How much one hostile message at the limit makes the server grow.
fn hostile(subject: &Path) -> Result<(), Box<dyn Error>> {
    let fill = |unit: &str, open: &str, close: &str| {
        let room = (1 << 20) - 400 - open.len() - close.len();
        let count = room / (unit.len() + 1);
        format!("{open}{}{close}", vec![unit; count].join(","))
    };
    let bodies = [
        ("zeros", fill("0", "[", "]")),
        ("records", fill("{\"id\":1,\"name\":\"abc\",\"tags\":[\"x\",\"y\"]}", "[", "]")),
        ("nested", format!("{}{}", "[".repeat(500_000), "]".repeat(500_000))),
        ("{\"\":0}", fill("{\"\":0}", "[", "]")),
    ];
    println!("peak growth for one body of 1 MiB (a fresh server each; three sent):");
    for (name, payload) in bodies {
        let server = Server::start(subject)?;
        let mut connection = Connection::open(server.address)?;
        connection.exchange(&message::initialize())?;
        connection.exchange(&message::call(Client::Modern, None))?;
        let before = server.status_kib("VmRSS")?;
        server.forget_peak()?;
        let meta = "\"_meta\":{\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\",\"io.modelcontextprotocol/clientCapabilities\":{}}";
        let body = format!(
            "{{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"tools/call\",\"params\":{{{meta},\"name\":\"echo\",\"arguments\":{{\"message\":{payload}}}}}}}"
        );
        let headers = "MCP-Protocol-Version: 2026-07-28\r\nMcp-Method: tools/call\r\nMcp-Name: echo\r\n";
        let request = message::post(headers, &body);
        let mut status = 0;
        for _ in 0..3 {
            status = connection.exchange(&request)?.status;
        }
        let grown = server.status_kib("VmHWM")?.saturating_sub(before);
        println!(
            "  {name}: {} KiB sent, +{grown} KiB, {:.1}x, status {status}",
            body.len() / 1024,
            grown as f64 * 1024.0 / body.len() as f64
        );
    }
    Ok(())
}

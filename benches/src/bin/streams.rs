//! Prints what a call costs over a byte stream: Latimer over standard streams and TCP, beside a server on rmcp.
#![allow(clippy::print_stdout, reason = "the figures are this program's output")]

use std::error::Error;
use std::path::{Path, PathBuf};
use std::time::Duration;

use latimer_bench::message::Client;
use latimer_bench::stream::{Peer, Sample};

const ROUNDS: usize = 5;
const WARM_UP: Duration = Duration::from_millis(300);
const ROUND: Duration = Duration::from_millis(800);

/// The servers, the one that the others are measured against first.
const SERVERS: [&str; 4] = ["rmcp 3.9 stdio", "rmcp 3.9 stdio_pipes", "latimer stdio", "latimer TCP"];

fn main() -> Result<(), Box<dyn Error>> {
    let (rmcp, latimer) = (program("rmcp-peer")?, program("latimer")?);
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    println!("load average before: {}", load.trim());
    println!("tools/call of echo with 32 bytes, medians of {ROUNDS} interleaved rounds\n");
    for (era, client) in [("2025-11-25", Client::Legacy), ("2026-07-28", Client::Modern)] {
        let mut peers = start(&rmcp, &latimer, client)?;
        for flight in [1, 32] {
            let medians = measure(&mut peers, client, flight)?;
            println!("{era}, {flight} in flight        CPU µs/call    calls/s   rmcp stdio ÷ this");
            for (name, sample) in SERVERS.iter().zip(&medians) {
                let ratio = medians[0].micros / sample.micros;
                println!("  {name:<24} {:>9.2} {:>12.0} {ratio:>10.1}x CPU", sample.micros, sample.rate);
            }
            println!();
        }
    }
    Ok(())
}

fn start(rmcp: &Path, latimer: &Path, client: Client) -> Result<[Peer; SERVERS.len()], Box<dyn Error>> {
    let mut peers = [
        Peer::stdio(rmcp, &[])?,
        Peer::stdio(rmcp, &["pipes"])?,
        Peer::stdio(latimer, &["serve", "--stdio", "--load", "echo"])?,
        Peer::tcp(latimer, &["serve", "--tcp", "127.0.0.1:0", "--load", "echo"])?,
    ];
    if client == Client::Legacy {
        peers.iter_mut().try_for_each(Peer::initialize)?;
    }
    Ok(peers)
}

fn measure(
    peers: &mut [Peer; SERVERS.len()],
    client: Client,
    flight: usize,
) -> Result<[Sample; SERVERS.len()], Box<dyn Error>> {
    let mut samples = [const { Vec::new() }; SERVERS.len()];
    for peer in peers.iter_mut() {
        peer.load(client, flight, WARM_UP)?;
    }
    for _ in 0..ROUNDS {
        for (peer, samples) in peers.iter_mut().zip(&mut samples) {
            samples.push(peer.load(client, flight, ROUND)?);
        }
    }
    Ok(samples.map(|samples| Sample {
        micros: median(samples.iter().map(|sample| sample.micros)),
        rate: median(samples.iter().map(|sample| sample.rate)),
    }))
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn program(name: &str) -> Result<PathBuf, Box<dyn Error>> {
    let beside = std::env::current_exe()?.with_file_name(name);
    if beside.exists() {
        return Ok(beside);
    }
    let build = "cargo build --release -p latimer-cli -p latimer-bench --features latimer-bench/peer";
    Err(format!("{} is not built; run {build}", beside.display()).into())
}

//! Prints what a call costs over a byte stream: Latimer over standard streams and TCP, beside a server on rmcp.
#![allow(clippy::print_stdout, reason = "the figures are this program's output")]

use std::error::Error;
use std::path::Path;
use std::time::Duration;

use latimer_bench::contest::{median, program};
use latimer_bench::message::Client;
use latimer_bench::stream::{Peer, Sample};

const ROUNDS: usize = 5;
const WARM_UP: Duration = Duration::from_millis(300);
const ROUND: Duration = Duration::from_millis(800);

/// The servers, the one that the others are measured against first.
const SERVERS: [&str; 4] = ["rmcp 3.9, `stdio`", "rmcp 3.9, `stdio_pipes`", "Latimer, stdio", "Latimer, TCP"];

fn main() -> Result<(), Box<dyn Error>> {
    let (rmcp, latimer) = (program("rmcp-peer")?, program("latimer")?);
    println!(
        "`tools/call` over byte streams with 32 bytes, medians of {ROUNDS} interleaved rounds of {ROUND:?}\n"
    );
    println!("| client | in flight | server | CPU µs per call | rmcp's `stdio` ÷ this | calls/s |");
    println!("|---|---|---|---|---|---|");
    for client in Client::ALL {
        let mut peers = start(&rmcp, &latimer, client)?;
        for flight in [1, 32] {
            let medians = measure(&mut peers, client, flight)?;
            for (name, sample) in SERVERS.iter().zip(&medians) {
                let ratio = medians[0].micros / sample.micros;
                println!(
                    "| {} | {flight} | {name} | {:.2} | {ratio:.1} | {:.0} |",
                    client.name(),
                    sample.micros,
                    sample.rate
                );
            }
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

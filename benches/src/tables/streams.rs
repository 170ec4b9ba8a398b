//! What a call costs over a byte stream: Latimer over standard streams and TCP, beside a server on rmcp.

use std::error::Error;
use std::path::Path;

use serde_json::json;

use crate::contest::{lower_quartile, median};
use crate::entrant::program;
use crate::message::Client;
use crate::pace::Pace;
use crate::stream::{Peer, Sample};
use crate::table::{Table, number};

/// The servers, the one that the others are measured against first.
const SERVERS: [&str; 4] = ["rmcp 3.9, `stdio`", "rmcp 3.9, `stdio_pipes`", "Latimer, stdio", "Latimer, TCP"];

/// Loads the servers in turns, with one call in flight and with 32.
///
/// # Errors
/// When a server does not start, or answers wrongly.
pub fn measure(pace: Pace) -> Result<Table, Box<dyn Error>> {
    let Pace { rounds, round, .. } = pace;
    let mut table = Table::new(
        "streams",
        format!(
            "`tools/call` over byte streams with 32 bytes, {rounds} interleaved rounds of {round:?}: lower quartiles of CPU, \
             medians of the calls"
        ),
        &["client", "in flight", "server", "CPU µs per call", "rmcp's `stdio` ÷ this", "calls/s"],
    );
    let (rmcp, latimer) = (program("rmcp-peer")?, program("latimer")?);
    for client in Client::ALL {
        let mut peers = start(&rmcp, &latimer, client)?;
        for flight in [1, 32] {
            eprintln!("{} over byte streams, {flight} in flight", client.name());
            let samples = load(&mut peers, client, flight, pace)?;
            for (name, sample) in SERVERS.iter().zip(&samples) {
                table.row([
                    json!(client.name()),
                    json!(flight),
                    json!(name),
                    number(sample.micros, 2),
                    number(samples[0].micros / sample.micros, 1),
                    number(sample.rate, 0),
                ]);
            }
        }
    }
    Ok(table)
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

fn load(
    peers: &mut [Peer; SERVERS.len()],
    client: Client,
    flight: usize,
    pace: Pace,
) -> Result<[Sample; SERVERS.len()], Box<dyn Error>> {
    let mut samples = [const { Vec::new() }; SERVERS.len()];
    for peer in peers.iter_mut() {
        peer.load(client, flight, pace.warm_up)?;
    }
    for _ in 0..pace.rounds {
        for (peer, samples) in peers.iter_mut().zip(&mut samples) {
            samples.push(peer.load(client, flight, pace.round)?);
        }
    }
    Ok(samples.map(|samples| Sample {
        micros: lower_quartile(samples.iter().map(|sample| sample.micros)),
        rate: median(samples.iter().map(|sample| sample.rate)),
    }))
}

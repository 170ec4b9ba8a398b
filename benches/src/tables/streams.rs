//! What a call costs over a byte stream: Latimer over standard streams and TCP, beside a server on rmcp.

use std::error::Error;
use std::path::Path;

use serde_json::json;

use crate::contest::{lower_quartile, median};
use crate::entrant::program;
use crate::message::Client;
use crate::pace::Pace;
use crate::stream::Peer;
use crate::table::{Table, number};

/// The servers, the one that the others are measured against first.
const SERVERS: [&str; 4] = ["rmcp 3.9, `stdio`", "rmcp 3.9, `stdio_pipes`", "Latimer, stdio", "Latimer, TCP"];

/// How many calls are in flight.
const FLIGHTS: [usize; 2] = [1, 32];

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
    let mut peers = Vec::new();
    for client in Client::ALL {
        for (server, mut peer) in start(&rmcp, &latimer, client)?.into_iter().enumerate() {
            for flight in FLIGHTS {
                peer.load(client, flight, pace.warm_up)?;
            }
            peers.push((client, server, peer));
        }
    }
    // By what is in flight, then by client and server: every round has all of them, as over HTTP.
    let mut samples = vec![vec![Vec::new(); peers.len()]; FLIGHTS.len()];
    for at in 1..=rounds {
        eprintln!("calls over byte streams, round {at} of {rounds}");
        for (flight, samples) in FLIGHTS.into_iter().zip(&mut samples) {
            for ((client, _, peer), samples) in peers.iter_mut().zip(samples) {
                samples.push(peer.load(*client, flight, round)?);
            }
        }
    }
    for client in Client::ALL {
        for (flight, samples) in FLIGHTS.iter().zip(&samples) {
            let mut first = None;
            for ((_, server, _), samples) in peers.iter().zip(samples).filter(|((of, ..), _)| *of == client) {
                let micros = lower_quartile(samples.iter().map(|sample| sample.micros));
                let first = *first.get_or_insert(micros);
                table.row([
                    json!(client.name()),
                    json!(flight),
                    json!(SERVERS[*server]),
                    number(micros, 2),
                    number(first / micros, 1),
                    number(median(samples.iter().map(|sample| sample.rate)), 0),
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

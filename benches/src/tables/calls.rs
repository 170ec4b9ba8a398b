//! What a call over HTTP costs.

use std::error::Error;

use serde_json::{Value, json};

use crate::contest::{Contestant, Sample, lower_quartile, median};
use crate::message::Client;
use crate::pace::Pace;
use crate::payload::Payload;
use crate::table::{Table, number};

/// Connections, and what is sent over each.
const LOADS: [(usize, Payload); 5] = [
    (1, Payload::SMALL),
    (32, Payload::SMALL),
    (32, Payload::Text(4 << 10)),
    (32, Payload::Text(64 << 10)),
    (32, Payload::Records),
];

/// Loads the servers in turns with each kind of call. The first of them is the floor.
///
/// # Errors
/// When a server that answered before fails under load.
pub fn measure(contestants: &[Contestant], pace: Pace) -> Result<Table, Box<dyn Error>> {
    let Pace { rounds, round, .. } = pace;
    let mut table = Table::new(
        "calls",
        format!(
            "`tools/call` over HTTP, {rounds} interleaved rounds of {round:?}: lower quartiles of CPU, medians of the others"
        ),
        &[
            "client",
            "arguments",
            "connections",
            "server",
            "CPU µs per call",
            "÷ raw hyper",
            "calls/s per core",
            "calls/s",
            "p50 µs",
            "p99 µs",
        ],
    );
    for client in Client::ALL {
        for (connections, payload) in LOADS {
            eprintln!("{}, {}, {connections} connections", client.name(), payload.name());
            for row in rows(contestants, client, payload, connections, pace)? {
                let what = [json!(client.name()), json!(payload.name()), json!(connections)];
                table.row(what.into_iter().chain(row));
            }
        }
    }
    Ok(table)
}

/// The rows of one kind of call.
fn rows(
    contestants: &[Contestant],
    client: Client,
    payload: Payload,
    connections: usize,
    pace: Pace,
) -> Result<Vec<Vec<Value>>, Box<dyn Error>> {
    let mut samples: Vec<Option<Vec<Sample>>> = Vec::new();
    for contestant in contestants {
        let able = contestant.try_call(client, payload).is_ok();
        if able {
            contestant.load(client, payload, connections, pace.warm_up)?;
        }
        samples.push(able.then(Vec::new));
    }
    for _ in 0..pace.rounds {
        for (contestant, samples) in contestants.iter().zip(&mut samples) {
            if let Some(samples) = samples {
                samples.push(contestant.load(client, payload, connections, pace.round)?);
            }
        }
    }
    let middle = |samples: &[Sample], part: fn(&Sample) -> f64| median(samples.iter().map(part));
    let cpu = |samples: &[Sample]| lower_quartile(samples.iter().map(|sample| sample.cpu));
    let floor = samples.first().and_then(Option::as_deref).map(cpu);
    let rows = contestants.iter().zip(&samples).map(|(contestant, samples)| {
        let name = json!(contestant.entrant.name);
        let Some(samples) = samples else { return vec![name, json!("cannot")] };
        let cpu = cpu(samples);
        vec![
            name,
            number(cpu, 2),
            floor.map_or(Value::Null, |floor| number(cpu / floor, 2)),
            number(1e6 / cpu, 0),
            number(middle(samples, |sample| sample.rate), 0),
            number(middle(samples, |sample| sample.p50), 0),
            number(middle(samples, |sample| sample.p99), 0),
        ]
    });
    Ok(rows.collect())
}

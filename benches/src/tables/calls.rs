//! What a call over HTTP costs.

use std::error::Error;
use std::time::Duration;

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

/// Loads the servers in turns, with every kind of call in each round: what else the machine does for a while meets a few rounds of
/// all rows, instead of all rounds of one. The first of the servers is the floor.
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
    let kinds = Client::ALL.into_iter().flat_map(|client| LOADS.map(|load| (client, load)));
    let mut kinds: Vec<Kind> = kinds
        .map(|(client, (connections, payload))| Kind::begin(contestants, client, payload, connections, pace))
        .collect::<Result<_, _>>()?;
    for at in 1..=rounds {
        eprintln!("calls over HTTP, round {at} of {rounds}");
        kinds.iter_mut().try_for_each(|kind| kind.load(contestants, round))?;
    }
    for kind in &kinds {
        let what = [json!(kind.client.name()), json!(kind.payload.name()), json!(kind.connections)];
        for row in kind.rows(contestants) {
            table.row(what.iter().cloned().chain(row));
        }
    }
    Ok(table)
}

/// A kind of call, and how the servers did with it; nothing, where one cannot answer it.
struct Kind {
    client: Client,
    payload: Payload,
    connections: usize,
    samples: Vec<Option<Vec<Sample>>>,
}

impl Kind {
    /// Finds out who can answer it, and loads them for a while.
    fn begin(
        contestants: &[Contestant],
        client: Client,
        payload: Payload,
        connections: usize,
        pace: Pace,
    ) -> Result<Self, Box<dyn Error>> {
        let mut samples = Vec::new();
        for contestant in contestants {
            let able = contestant.try_call(client, payload).is_ok();
            if able {
                contestant.load(client, payload, connections, pace.warm_up)?;
            }
            samples.push(able.then(Vec::new));
        }
        Ok(Self { client, payload, connections, samples })
    }

    /// One round.
    fn load(&mut self, contestants: &[Contestant], round: Duration) -> Result<(), Box<dyn Error>> {
        for (contestant, samples) in contestants.iter().zip(&mut self.samples) {
            if let Some(samples) = samples {
                samples.push(contestant.load(self.client, self.payload, self.connections, round)?);
            }
        }
        Ok(())
    }

    fn rows(&self, contestants: &[Contestant]) -> Vec<Vec<Value>> {
        let middle = |samples: &[Sample], part: fn(&Sample) -> f64| median(samples.iter().map(part));
        let cpu = |samples: &[Sample]| lower_quartile(samples.iter().map(|sample| sample.cpu));
        let floor = self.samples.first().and_then(Option::as_deref).map(cpu);
        let rows = contestants.iter().zip(&self.samples).map(|(contestant, samples)| {
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
        rows.collect()
    }
}

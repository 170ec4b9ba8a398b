//! Prints what a call over HTTP costs beside other servers, what sessions and hostile messages take, and how long a start is.
//! Each table is Markdown.
#![allow(clippy::print_stdout, reason = "the figures are this program's output")]

use std::error::Error;
use std::time::{Duration, Instant};

use latimer_bench::contest::{Contestant, ENTRANTS, Entrant, LATIMER, RMCP_JSON, Sample, median, program};
use latimer_bench::hostile::Hostile;
use latimer_bench::load::Connection;
use latimer_bench::message::{self, Client};
use latimer_bench::payload::Payload;
use latimer_bench::process::Server;

const ROUNDS: usize = 5;
const WARM_UP: Duration = Duration::from_millis(200);
const ROUND: Duration = Duration::from_millis(600);
const SESSIONS: u64 = 1_000;

/// Connections, and what is sent over each.
const LOADS: [(usize, Payload); 5] = [
    (1, Payload::SMALL),
    (32, Payload::SMALL),
    (32, Payload::Text(4 << 10)),
    (32, Payload::Text(64 << 10)),
    (32, Payload::Records),
];

fn main() -> Result<(), Box<dyn Error>> {
    let contestants: Vec<Contestant> = ENTRANTS.into_iter().map(Entrant::start).collect::<Result<_, _>>()?;
    println!("`tools/call` over HTTP, medians of {ROUNDS} interleaved rounds of {ROUND:?}\n");
    println!(
        "| client | arguments | connections | server | CPU µs per call | ÷ raw hyper | calls/s | p50 µs | p99 µs |"
    );
    println!("|---|---|---|---|---|---|---|---|---|");
    for client in Client::ALL {
        for (connections, payload) in LOADS {
            calls(&contestants, client, payload, connections)?;
        }
    }
    drop(contestants);
    sessions()?;
    hostile()?;
    start()
}

/// The rows of one kind of call.
fn calls(
    contestants: &[Contestant],
    client: Client,
    payload: Payload,
    connections: usize,
) -> Result<(), Box<dyn Error>> {
    let mut samples: Vec<Vec<Sample>> = contestants.iter().map(|_| Vec::new()).collect();
    for contestant in contestants {
        contestant.try_call(client, payload)?;
        contestant.load(client, payload, connections, WARM_UP)?;
    }
    for _ in 0..ROUNDS {
        for (contestant, samples) in contestants.iter().zip(&mut samples) {
            samples.push(contestant.load(client, payload, connections, ROUND)?);
        }
    }
    let middle = |samples: &[Sample], part: fn(&Sample) -> f64| median(samples.iter().map(part));
    let floor = middle(&samples[0], |sample| sample.cpu);
    for (contestant, samples) in contestants.iter().zip(&samples) {
        let cpu = middle(samples, |sample| sample.cpu);
        println!(
            "| {} | {} | {connections} | {} | {cpu:.2} | {:.2} | {:.0} | {:.0} | {:.0} |",
            client.name(),
            payload.name(),
            contestant.entrant.name,
            cpu / floor,
            middle(samples, |sample| sample.rate),
            middle(samples, |sample| sample.p50),
            middle(samples, |sample| sample.p99),
        );
    }
    Ok(())
}

/// How much resident memory a session takes that does nothing.
fn sessions() -> Result<(), Box<dyn Error>> {
    println!("\nResident memory, at rest and with {SESSIONS} sessions that do nothing\n");
    println!("| server | at rest | each session |\n|---|---|---|");
    for entrant in ENTRANTS.into_iter().filter(|entrant| entrant.kind == LATIMER.kind) {
        let contestant = entrant.start()?;
        let mut connection = Connection::open(contestant.server.address)?;
        let before = contestant.server.status_kib("VmRSS")?;
        for _ in 0..SESSIONS {
            contestant.open_session(&mut connection)?;
        }
        let grown = contestant.server.status_kib("VmRSS")?.saturating_sub(before);
        let each = grown as f64 / SESSIONS as f64;
        println!("| {} | {:.1} MB | {each:.2} KiB |", entrant.name, before as f64 / 1024.0);
    }
    Ok(())
}

/// How much hostile messages of 1 MiB make a server grow.
fn hostile() -> Result<(), Box<dyn Error>> {
    println!("\nGrowth of a fresh server for hostile messages of 1 MiB, three sent one after the other\n");
    println!(
        "| message | server | growth | times its size | CPU ms each | status |\n|---|---|---|---|---|---|"
    );
    for hostile in Hostile::ALL {
        for entrant in [LATIMER, RMCP_JSON] {
            let contestant = entrant.start()?;
            contestant.try_call(Client::Modern, Payload::SMALL)?;
            let mut connection = Connection::open(contestant.server.address)?;
            let request = hostile.request(1 << 20);
            let (before, cpu) = (contestant.server.status_kib("VmRSS")?, contestant.server.cpu_nanos()?);
            contestant.server.forget_peak()?;
            let mut status = 0;
            for _ in 0..3 {
                status = connection.exchange(&request)?.status;
            }
            let grown = contestant.server.status_kib("VmHWM")?.saturating_sub(before);
            let spent = (contestant.server.cpu_nanos()? - cpu) as f64 / 3e6;
            println!(
                "| {} | {} | {grown} KiB | {:.1} | {spent:.1} | {status} |",
                hostile.name(),
                entrant.name,
                grown as f64 / 1024.0
            );
        }
    }
    Ok(())
}

/// How long it takes from the start of the program to its first answer.
fn start() -> Result<(), Box<dyn Error>> {
    let subject = program(LATIMER.program)?;
    let mut samples = Vec::new();
    for _ in 0..ROUNDS {
        let began = Instant::now();
        let server = Server::start(&subject, LATIMER.arguments)?;
        Connection::open(server.address)?.exchange(&message::initialize())?;
        samples.push(began.elapsed().as_secs_f64() * 1e3);
    }
    println!("\nStart to first answer (`initialize`): {:.1} ms", median(samples.into_iter()));
    Ok(())
}

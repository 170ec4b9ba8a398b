//! How many instructions a call takes, counted by callgrind. Without cache or branches: those belong to the machine.
#![allow(clippy::unwrap_used, reason = "a test that cannot unwrap has failed")]

use std::path::Path;
use std::process::Command;

use latimer_bench::budget::{self, Budget};
use latimer_bench::figure::{Figure, Quantity};
use latimer_bench::message::Client;
use latimer_bench::payload::Payload;

/// Calls of the shorter run, enough that what is done once has been done, and of the longer one.
fn counts(payload: Payload) -> (u64, u64) {
    if payload == Payload::Records { (5, 25) } else { (20, 120) }
}

/// The instructions of a run of so many calls, from the first of the program to the last.
fn run(client: Client, payload: Payload, count: u64, folder: &Path) -> u64 {
    let mut command = Command::new("valgrind");
    command.args(["--tool=callgrind", "--callgrind-out-file=/dev/null"]);
    command.arg(env!("CARGO_BIN_EXE_calls")).args([client.name(), payload.name(), &count.to_string()]);
    let output =
        command.current_dir(folder).output().expect("valgrind starts; cargo xtask setup installs it");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let collected = said.lines().find_map(|line| line.split_once("Collected : ")).unwrap().1;
    collected.trim().parse().unwrap()
}

/// The instructions of one call: what more calls take more.
fn per_call(client: Client, payload: Payload) -> u64 {
    let (fewer, more) = counts(payload);
    let folder = tempfile::tempdir().unwrap();
    let (many, few) = std::thread::scope(|scope| {
        let few = scope.spawn(|| run(client, payload, fewer, folder.path()));
        (run(client, payload, more, folder.path()), few.join().unwrap())
    });
    many.saturating_sub(few) / (more - fewer)
}

fn figure(client: Client, payload: Payload, value: u64) -> Figure {
    Figure::new(&[client.name(), payload.name()], Quantity::Instructions, value)
}

#[test]
fn a_call_takes_the_instructions_that_the_budget_says() {
    let mut measured = Vec::new();
    for client in Client::ALL {
        for payload in [Payload::SMALL, Payload::Records] {
            let instructions = per_call(client, payload);
            println!("{}, {}: {instructions}", client.name(), payload.name());
            measured.push(figure(client, payload, instructions));
        }
    }
    budget::hold("instructions", &measured).unwrap_or_else(|error| panic!("{error}"));
}

#[test]
fn a_call_that_does_more_is_over_the_budget() {
    let (small, larger) = (Payload::SMALL, Payload::Text(4 << 10));
    let figure = |instructions| [figure(Client::Modern, small, instructions)];
    let mut budget = Budget::parse("").unwrap();
    budget.replace("instructions", &figure(per_call(Client::Modern, small)));
    let violations = budget.check("instructions", &figure(per_call(Client::Modern, larger)));
    assert!(violations.len() == 1 && violations[0].is_over(), "{violations:?}");
}

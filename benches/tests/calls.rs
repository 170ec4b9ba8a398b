//! What a call may allocate.
//!
//! The allocator counts for all threads, so whatever counts takes its turn; the runner gives each test a process of its own
//! anyway.
#![allow(clippy::unwrap_used, reason = "a test that cannot unwrap has failed")]

use std::alloc::System;

use latimer_bench::budget::{self, Budget};
use latimer_bench::counting::{self, Cost};
use latimer_bench::figure::{Figure, Quantity};
use latimer_bench::in_process::InProcess;
use latimer_bench::message::Client;
use latimer_bench::payload::Payload;
use latimer_bench::subject;
use latimer_core::Limits;
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

#[global_allocator]
static GLOBAL: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

static TURN: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

async fn cost(server: latimer::Server, client: Client, payload: Payload) -> Cost {
    let server = InProcess::new(server, Limits::default()).await.unwrap();
    counting::call(GLOBAL, &server, client, payload).await.unwrap()
}

fn figures(client: Client, payload: Payload, cost: Cost) -> [Figure; 2] {
    let figure = |key, value| Figure::new(&[client.name(), payload.name(), key], Quantity::Call, value);
    [figure("allocations", cost.allocations), figure("bytes", cost.bytes)]
}

#[tokio::test]
async fn a_call_allocates_what_the_budget_says() {
    let _turn = TURN.lock().await;
    let mut measured = Vec::new();
    for client in Client::ALL {
        for payload in Payload::ALL {
            let cost = cost(subject::server(), client, payload).await;
            measured.extend(figures(client, payload, cost));
        }
    }
    for figure in &measured {
        println!("{}: {}", figure.name.join(", "), figure.value);
    }
    budget::hold("calls", &measured).unwrap_or_else(|error| panic!("{error}"));
}

#[tokio::test]
async fn one_allocation_more_per_call_is_over_the_budget() {
    let _turn = TURN.lock().await;
    for client in Client::ALL {
        let before = cost(subject::server(), client, Payload::SMALL).await;
        let dearer = subject::server().around(|call, next| {
            std::hint::black_box(Box::new(0_u64));
            next.run(call)
        });
        let plain = subject::server().around(|call, next| next.run(call));
        let around = cost(plain, client, Payload::SMALL).await;
        let after = cost(dearer, client, Payload::SMALL).await;
        assert_eq!(after.allocations, around.allocations + 1);

        let mut budget = Budget::parse("").unwrap();
        budget.replace("calls", &figures(client, Payload::SMALL, around));
        let violations = budget.check("calls", &figures(client, Payload::SMALL, after));
        assert_eq!(violations.len(), 2, "{violations:?}");
        assert!(violations.iter().all(budget::Violation::is_over), "{violations:?}");
        assert!(before <= around, "{before:?}, {around:?}");
    }
}

//! What sessions and hostile messages may hold in memory.
//!
//! The allocator counts for all threads, so whatever counts takes its turn. A reallocation counts as both blocks at once, so
//! peaks are upper bounds.
#![allow(clippy::unwrap_used, reason = "a test that cannot unwrap has failed")]

use http::StatusCode;
use latimer_bench::budget::{self, Budget};
use latimer_bench::figure::{Figure, Quantity};
use latimer_bench::hostile::Hostile;
use latimer_bench::in_process::{self, InProcess};
use latimer_bench::message::Client;
use latimer_bench::payload::Payload;
use latimer_bench::subject;
use latimer_core::Limits;
use peak_alloc::PeakAlloc;

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

static TURN: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

const MIB: usize = 1 << 20;
const SESSIONS: usize = 2_000;
/// What the design allows a hostile message, in times of its size.
const TIMES: usize = 8;
/// What the design allows an idle session, in bytes.
const SESSION: usize = 1024;

/// Bytes that a message adds to the memory in use at the most, and how it was answered.
async fn growth(server: &InProcess, hostile: Hostile, size: usize) -> (usize, StatusCode) {
    let request = in_process::arriving(&hostile.request(size)).unwrap();
    // What the client sends is not the server's to free: without this, it would make room for what is measured.
    let _sent = request.body().clone();
    let before = MEMORY.current_usage();
    MEMORY.reset_peak_usage();
    let response = server.send(request).await.unwrap();
    let status = response.status();
    in_process::collect(response).await.unwrap();
    (MEMORY.peak_usage() - before, status)
}

async fn warm(server: latimer::Server, limits: Limits) -> InProcess {
    let server = InProcess::new(server, limits).await.unwrap();
    for client in Client::ALL {
        let request = server.call(client, Payload::SMALL).unwrap();
        in_process::collect(server.send(request).await.unwrap()).await.unwrap();
    }
    server
}

fn figure(hostile: Hostile, size: usize, bytes: usize) -> Figure {
    let name = format!("{} MiB", size / MIB);
    Figure::new(&[&name, hostile.name()], Quantity::Peak, bytes as u64)
}

#[tokio::test]
async fn a_hostile_message_takes_the_memory_that_the_budget_says() {
    let _turn = TURN.lock().await;
    let mut measured = Vec::new();
    for size in [MIB, 8 * MIB] {
        let limits = Limits { message_bytes: size, ..Limits::default() };
        let server = warm(subject::server(), limits).await;
        for hostile in Hostile::ALL {
            let (bytes, status) = growth(&server, hostile, size).await;
            let times = bytes as f64 / size as f64;
            println!("{}, {} MiB: {bytes} bytes, {times:.2}x, {status}", hostile.name(), size / MIB);
            assert!(bytes <= TIMES * size, "{hostile:?}: {bytes} bytes for {size}");
            measured.push(figure(hostile, size, bytes));
        }
    }
    budget::hold("hostile", &measured).unwrap_or_else(|error| panic!("{error}"));
}

#[tokio::test]
async fn without_the_bound_on_values_a_hostile_message_is_over_the_budget() {
    let _turn = TURN.lock().await;
    let bound = warm(subject::server(), Limits::default()).await;
    let (bytes, status) = growth(&bound, Hostile::Zeros, MIB).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    let mut budget = Budget::parse("").unwrap();
    budget.replace("hostile", &[figure(Hostile::Zeros, MIB, bytes)]);
    let (again, _) = growth(&bound, Hostile::Zeros, MIB).await;
    assert_eq!(budget.check("hostile", &[figure(Hostile::Zeros, MIB, again)]), []);

    let mut limits = Limits::default();
    limits.json.values = usize::MAX;
    let unbound = warm(subject::server(), limits).await;
    let (bytes, _) = growth(&unbound, Hostile::Zeros, MIB).await;
    let violations = budget.check("hostile", &[figure(Hostile::Zeros, MIB, bytes)]);
    assert!(violations.len() == 1 && violations[0].is_over(), "{bytes} bytes: {violations:?}");
    println!("{}", violations[0]);
}

#[tokio::test]
async fn an_idle_session_takes_the_memory_that_the_budget_says() {
    let _turn = TURN.lock().await;
    let server = warm(subject::server(), Limits::default()).await;
    let before = MEMORY.current_usage();
    for _ in 0..SESSIONS {
        server.open_session().await.unwrap();
    }
    let each = (MEMORY.current_usage() - before) / SESSIONS;
    println!("{each} bytes");
    assert!(each < SESSION, "{each} bytes");
    let figure = Figure::new(&["bytes"], Quantity::Session, each as u64);
    budget::hold("session", &[figure]).unwrap_or_else(|error| panic!("{error}"));
}

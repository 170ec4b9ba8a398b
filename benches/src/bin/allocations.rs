//! Counts the allocations of one call, in process: exact, the same on every run.
#![allow(clippy::print_stdout, reason = "the figures are this program's output")]

use std::alloc::System;
use std::error::Error;

use latimer_bench::counting;
use latimer_bench::in_process::InProcess;
use latimer_bench::message::Client;
use latimer_bench::payload::Payload;
use latimer_bench::subject;
use latimer_core::Limits;
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

#[global_allocator]
static GLOBAL: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

fn main() -> Result<(), Box<dyn Error>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let server = InProcess::new(subject::server(), Limits::default()).await?;
        for client in Client::ALL {
            for payload in Payload::ALL {
                let cost = counting::call(GLOBAL, &server, client, payload).await?;
                println!(
                    "{}, {}: {} allocations, {} bytes",
                    client.name(),
                    payload.name(),
                    cost.allocations,
                    cost.bytes
                );
            }
        }
        Ok(())
    })
}

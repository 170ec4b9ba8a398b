//! Counts the allocations of one call, in process: exact, the same on every run.

use std::alloc::System;
use std::error::Error;

use latimer_bench::counting;
use latimer_bench::in_process::InProcess;
use latimer_bench::message::Client;
use latimer_bench::payload::Payload;
use latimer_bench::subject;
use latimer_bench::table::Table;
use latimer_core::Limits;
use serde_json::json;
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

#[global_allocator]
static GLOBAL: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

fn main() -> Result<(), Box<dyn Error>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let server = InProcess::new(subject::server(), Limits::default()).await?;
        let mut table = Table::new(
            "allocations",
            "What a call allocates, in process, in a release build",
            &["client", "arguments", "allocations", "bytes"],
        );
        for client in Client::ALL {
            for payload in Payload::ALL {
                let cost = counting::call(GLOBAL, &server, client, payload).await?;
                table.row([
                    json!(client.name()),
                    json!(payload.name()),
                    json!(cost.allocations),
                    json!(cost.bytes),
                ]);
            }
        }
        Ok(table.print()?)
    })
}

//! Serves the subject on a free port of 127.0.0.1 and prints the address. `long` has many tools more, `8-mib` takes messages of
//! that size.
#![allow(clippy::print_stdout, reason = "the address is this program's output")]

use latimer_bench::subject;
use latimer_core::Limits;
use latimer_transport::http::{Bound, HttpOptions, serve};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    runtime.block_on(async {
        let engine = match std::env::args().nth(1).as_deref() {
            None => subject::server().build().await?,
            Some("long") => subject::long().build().await?,
            Some("8-mib") => {
                let limits = Limits { message_bytes: 8 << 20, ..Limits::default() };
                subject::engine(subject::server(), limits).await?
            }
            Some(other) => return Err(format!("{other} is unknown; use long, 8-mib, or nothing").into()),
        };
        let bound = Bound::open(([127, 0, 0, 1], 0).into(), None).await?;
        println!("{}", bound.address());
        serve(bound, engine, HttpOptions::default(), std::future::pending()).await?;
        Ok(())
    })
}

//! Serves the subject on a free port of 127.0.0.1 and prints the address.
#![allow(clippy::print_stdout, reason = "the address is this program's output")]

use latimer_transport::http::{Bound, HttpOptions, serve};

/// That of the program `latimer`.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    runtime.block_on(async {
        let engine = latimer_bench::subject::server().build().await?;
        let bound = Bound::open(([127, 0, 0, 1], 0).into(), None).await?;
        println!("{}", bound.address());
        serve(bound, engine, HttpOptions::default(), std::future::pending()).await?;
        Ok(())
    })
}

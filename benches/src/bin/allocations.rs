//! Counts the allocations of one call, in process: exact, the same on every run.
#![allow(clippy::print_stdout, reason = "the figures are this program's output")]

use std::alloc::System;

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Full};
use hyper::service::Service;
use latimer_bench::message::{self, Client};
use latimer_transport::http::{HttpOptions, HttpService};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static GLOBAL: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let engine = latimer_bench::subject::server().build().await?;
        let service = HttpService::new(engine, HttpOptions::default())?;
        let opened = send(&service, request(&message::initialize())?).await?;
        let session = opened.0.ok_or("no session")?;
        for (name, client, session) in
            [("legacy", Client::Legacy, Some(session.as_str())), ("modern", Client::Modern, None)]
        {
            let bytes = message::call(client, session);
            for _ in 0..10 {
                send(&service, request(&bytes)?).await?;
            }
            let prepared = request(&bytes)?;
            let region = Region::new(GLOBAL);
            let (_, body) = send(&service, prepared).await?;
            let change = region.change();
            let answered = String::from_utf8_lossy(&body).contains(message::TEXT);
            println!(
                "{name}: {} allocations, {} bytes, answered: {answered}",
                change.allocations + change.reallocations,
                change.bytes_allocated
            );
        }
        Ok(())
    })
}

/// The request of an HTTP/1.1 text, as hyper would hand it over.
fn request(text: &[u8]) -> Result<Request<Full<Bytes>>, Box<dyn std::error::Error>> {
    let text = String::from_utf8(text.to_vec())?;
    let (head, body) = text.split_once("\r\n\r\n").ok_or("no body")?;
    let mut builder = Request::post("/mcp");
    for line in head.lines().skip(1) {
        if let Some((name, value)) = line.split_once(": ") {
            builder = builder.header(name, value);
        }
    }
    Ok(builder.body(Full::new(Bytes::from(body.to_owned())))?)
}

async fn send(
    service: &HttpService,
    request: Request<Full<Bytes>>,
) -> Result<(Option<String>, Bytes), Box<dyn std::error::Error>> {
    let response = Service::call(service, request).await?;
    let session =
        response.headers().get("mcp-session-id").and_then(|id| id.to_str().ok()).map(ToOwned::to_owned);
    Ok((session, response.into_body().collect().await?.to_bytes()))
}

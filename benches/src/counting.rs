//! What a call allocates.

use std::alloc::System;
use std::error::Error;

use memchr::memmem;
use stats_alloc::{Region, StatsAlloc};

use crate::in_process::{self, InProcess};
use crate::message::Client;
use crate::payload::Payload;

/// Calls before the first one that counts, so that what is kept from the first use on is there.
const WARM_UP: usize = 10;
/// Calls of which the cheapest counts.
const CALLS: usize = 5;

/// What one call allocates, from the request as hyper hands it over to the last byte of the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cost {
    /// Allocations, and reallocations.
    pub allocations: u64,
    /// Bytes allocated, and those by which reallocations grew.
    pub bytes: u64,
}

/// Counts what a call allocates. `allocator` has to be the program's global one.
///
/// It counts for all threads; the cheapest of several calls is what no other thread had a part in.
///
/// # Errors
/// When the answer is not what was asked for.
pub async fn call(
    allocator: &'static StatsAlloc<System>,
    server: &InProcess,
    client: Client,
    payload: Payload,
) -> Result<Cost, Box<dyn Error>> {
    let wanted = payload.answer();
    let mut cheapest: Option<Cost> = None;
    for at in 0..WARM_UP + CALLS {
        let request = server.call(client, payload)?;
        let region = Region::new(allocator);
        let response = server.send(request).await?;
        let body = in_process::collect(response).await?;
        let change = region.change();
        if memmem::find(&body, wanted.as_bytes()).is_none() {
            let body = String::from_utf8_lossy(&body);
            return Err(format!("{client:?}, {payload:?}: the answer is {body:.200}").into());
        }
        let cost = Cost {
            allocations: (change.allocations + change.reallocations) as u64,
            bytes: change.bytes_allocated as u64,
        };
        if at >= WARM_UP {
            cheapest = Some(cheapest.map_or(cost, |known| known.min(cost)));
        }
    }
    Ok(cheapest.ok_or("no call was counted")?)
}

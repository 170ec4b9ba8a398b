//! What a stream of notifications costs, read and unread.

use std::error::Error;
use std::time::Instant;

use memchr::memmem;
use serde_json::json;

use crate::contest::{Contestant, median};
use crate::entrant::LATIMER_LONG;
use crate::load::Connection;
use crate::message::{self, Client};
use crate::payload::Payload;
use crate::table::{Table, number};

/// Notifications of one call.
const NOTIFICATIONS: usize = 1_000;
/// Bytes of each that nobody reads: more in all than sockets hold.
const UNREAD: usize = 8 << 10;
const STREAMS: usize = 10;
const CALLS: usize = 500;

/// Reads streams of progress, and then leaves one unread beside other calls.
///
/// # Errors
/// When the server does not start, or a call fails.
pub fn measure() -> Result<Table, Box<dyn Error>> {
    let mut table = Table::new(
        "notifications",
        format!("A call that sends {NOTIFICATIONS} notifications of progress, in a session"),
        &["what", "figure", "unit"],
    );
    let contestant = LATIMER_LONG.start()?;
    read(&contestant, &mut table)?;
    unread(&contestant, &mut table)?;
    Ok(table)
}

fn request(session: &str, bytes: usize) -> Vec<u8> {
    let arguments = json!({"count": NOTIFICATIONS, "bytes": bytes});
    let params = json!({"name": "notify", "arguments": arguments, "_meta": {"progressToken": 1}});
    message::in_session(session, "tools/call", &params)
}

fn read(contestant: &Contestant, table: &mut Table) -> Result<(), Box<dyn Error>> {
    let mut connection = Connection::open(contestant.server.address)?;
    let session = contestant.open_session(&mut connection)?;
    let (mut cpu, mut times, mut came) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..STREAMS {
        let (began, before) = (Instant::now(), contestant.server.cpu_nanos()?);
        let answer = connection.exchange(&request(&session, 0))?;
        if memmem::find(&answer.body, b"\"result\"").is_none() {
            let body = String::from_utf8_lossy(&answer.body);
            return Err(format!("a call with progress was answered {}: {body:.300}", answer.status).into());
        }
        times.push(began.elapsed().as_secs_f64() * 1e3);
        cpu.push((contestant.server.cpu_nanos()? - before) as f64 / 1e3 / NOTIFICATIONS as f64);
        came.push(memmem::find_iter(&answer.body, b"notifications/progress").count() as f64);
    }
    table.row([json!("notifications that came, median of the calls"), number(median(came.into_iter()), 0)]);
    table.row([json!("CPU for each notification"), number(median(cpu.into_iter()), 2), json!("µs")]);
    table.row([json!("the whole call"), number(median(times.into_iter()), 1), json!("ms")]);
    Ok(())
}

fn unread(contestant: &Contestant, table: &mut Table) -> Result<(), Box<dyn Error>> {
    let mut beside = Connection::open(contestant.server.address)?;
    let call = contestant.request(Client::Legacy, Payload::SMALL, 7);
    let mut alone = micros(&mut beside, &call)?;
    let before = contestant.server.status_kib("VmRSS")?;
    let mut silent = Connection::open(contestant.server.address)?;
    let session = contestant.open_session(&mut silent)?;
    silent.send(&request(&session, UNREAD))?;
    let mut along = micros(&mut beside, &call)?;
    let grown = contestant.server.status_kib("VmRSS")?.saturating_sub(before);
    for (what, times) in [("alone", &mut alone), ("beside unread ones of 8 KiB", &mut along)] {
        times.sort_by(f64::total_cmp);
        let p99 = times.get(times.len() * 99 / 100).copied().unwrap_or_default();
        table.row([
            json!(format!("another session's call {what}, p50")),
            number(median(times.iter().copied()), 0),
            json!("µs"),
        ]);
        table.row([json!(format!("another session's call {what}, p99")), number(p99, 0), json!("µs")]);
    }
    table.row([json!("growth of the server for the unread ones"), json!(grown), json!("KiB")]);
    Ok(())
}

/// How long each of many calls takes, one after the other.
fn micros(connection: &mut Connection, call: &[u8]) -> Result<Vec<f64>, Box<dyn Error>> {
    let mut times = Vec::new();
    for _ in 0..CALLS {
        let began = Instant::now();
        let status = connection.exchange(call)?.status;
        if status != 200 {
            return Err(format!("a call beside was answered {status}").into());
        }
        times.push(began.elapsed().as_secs_f64() * 1e6);
    }
    Ok(times)
}

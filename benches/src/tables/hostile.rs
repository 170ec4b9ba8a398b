//! What hostile messages cost.

use std::error::Error;

use serde_json::json;

use crate::entrant::{LATIMER, LATIMER_8_MIB, RMCP_JSON};
use crate::hostile::Hostile;
use crate::load::Connection;
use crate::message::Client;
use crate::payload::Payload;
use crate::table::{Table, number};

/// Messages that are sent one after the other.
const MESSAGES: usize = 3;

/// Sends hostile messages to fresh servers.
///
/// # Errors
/// When a server does not start or gives no answer.
pub fn measure() -> Result<Table, Box<dyn Error>> {
    let mut table = Table::new(
        "hostile",
        format!("Growth of a fresh server for hostile messages, {MESSAGES} one after the other"),
        &["message", "size, MiB", "server", "growth, KiB", "times its size", "CPU ms each", "status"],
    );
    for hostile in Hostile::ALL {
        for (size, entrant) in [(1, LATIMER), (1, RMCP_JSON), (8, LATIMER_8_MIB)] {
            let contestant = entrant.start()?;
            contestant.try_call(Client::Modern, Payload::SMALL)?;
            let request = hostile.request(size << 20);
            let (before, cpu) = (contestant.server.status_kib("VmRSS")?, contestant.server.cpu_nanos()?);
            contestant.server.forget_peak()?;
            let mut status = 0;
            for _ in 0..MESSAGES {
                // A connection of its own: a server may close that of a message that it refuses.
                status = Connection::open(contestant.server.address)?.exchange(&request)?.status;
            }
            let grown = contestant.server.status_kib("VmHWM")?.saturating_sub(before);
            let spent = (contestant.server.cpu_nanos()? - cpu) as f64 / 1e6 / MESSAGES as f64;
            table.row([
                json!(hostile.name()),
                json!(size),
                json!(entrant.name),
                json!(grown),
                number(grown as f64 / 1024.0 / size as f64, 1),
                number(spent, 1),
                json!(status),
            ]);
        }
    }
    Ok(table)
}

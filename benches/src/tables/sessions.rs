//! What sessions keep in memory.

use std::error::Error;

use serde_json::json;

use crate::contest::Contestant;
use crate::entrant::{ENTRANTS, Kind};
use crate::load::Connection;
use crate::message;
use crate::table::{Table, number};

/// Sessions that do nothing.
const IDLE: usize = 1_000;
/// Sessions with an open stream, few enough for the usual limit of open files.
const STREAMS: usize = 400;

/// Opens sessions with each server that keeps them, and looks at its resident memory.
///
/// # Errors
/// When a server that started before does not start again, or opens no session.
pub fn measure(contestants: &[Contestant]) -> Result<Table, Box<dyn Error>> {
    let mut table = Table::new(
        "sessions",
        format!(
            "Resident memory of {IDLE} idle sessions, and of {STREAMS} with an open stream (GET), connections included"
        ),
        &["server", "each idle session, bytes", "each session with a stream, bytes"],
    );
    let able = |entrant| contestants.iter().any(|contestant| contestant.entrant.name == entrant);
    for entrant in ENTRANTS.into_iter().filter(|entrant| entrant.kind == Kind::Sessions && able(entrant.name))
    {
        eprintln!("sessions of {}", entrant.name);
        let idle = entrant.start()?;
        let mut connection = Connection::open(idle.server.address)?;
        let before = idle.server.status_kib("VmRSS")?;
        for _ in 0..IDLE {
            idle.open_session(&mut connection)?;
        }
        let grown = idle.server.status_kib("VmRSS")?.saturating_sub(before);
        drop(idle);

        let streaming = entrant.start()?;
        let mut connection = Connection::open(streaming.server.address)?;
        let before = streaming.server.status_kib("VmRSS")?;
        let mut streams = Vec::new();
        let mut refused = None;
        for _ in 0..STREAMS {
            let session = streaming.open_session(&mut connection)?;
            let mut stream = Connection::open(streaming.server.address)?;
            let head = stream.begin(&message::stream(&session))?;
            if head.status != 200 {
                refused = Some(head.status);
                break;
            }
            streams.push(stream);
        }
        let with_stream = streaming.server.status_kib("VmRSS")?.saturating_sub(before);
        table.row([
            json!(entrant.name),
            number(grown as f64 * 1024.0 / IDLE as f64, 0),
            match refused {
                None => number(with_stream as f64 * 1024.0 / STREAMS as f64, 0),
                Some(status) => json!(format!("cannot: status {status}")),
            },
        ]);
    }
    Ok(table)
}

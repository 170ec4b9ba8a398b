//! What programs weigh, and how long they take to answer first.

use std::error::Error;
use std::time::Instant;

use serde_json::{Value, json};

use crate::contest::{Contestant, median};
use crate::entrant::program;
use crate::load::Connection;
use crate::message;
use crate::table::{Table, number};

const STARTS: usize = 5;

/// Starts every server again, several times.
///
/// # Errors
/// When one that started before does not start again.
pub fn measure(contestants: &[Contestant]) -> Result<Table, Box<dyn Error>> {
    let mut table = Table::new(
        "programs",
        format!(
            "Programs: size, resident memory after the first answer, time to it (`initialize` over HTTP), medians of {STARTS} starts"
        ),
        &["server", "program, MB", "resident, MB", "start to first answer, ms"],
    );
    for Contestant { entrant, .. } in contestants {
        eprintln!("starts of {}", entrant.name);
        let (mut times, mut memory) = (Vec::new(), Vec::new());
        for _ in 0..STARTS {
            let began = Instant::now();
            let server = entrant.launch()?;
            Connection::open(server.address)?.exchange(&message::initialize())?;
            times.push(began.elapsed().as_secs_f64() * 1e3);
            memory.push(server.status_kib("VmRSS")? as f64 * 1024.0 / 1e6);
        }
        table.row([
            json!(entrant.name),
            entrant.size().map_or(Value::Null, |bytes| number(bytes as f64 / 1e6, 1)),
            number(median(memory.into_iter()), 1),
            number(median(times.into_iter()), 1),
        ]);
    }
    let latimer = std::fs::metadata(program("latimer")?)?.len();
    table.row([json!("the program `latimer`, all servers in it"), number(latimer as f64 / 1e6, 1)]);
    Ok(table)
}

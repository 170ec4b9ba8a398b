//! What a long list costs.

use std::error::Error;
use std::time::Instant;

use serde_json::{Value, json};

use crate::contest::median;
use crate::entrant::LATIMER_LONG;
use crate::load::Connection;
use crate::message;
use crate::subject::TOOLS;
use crate::table::{Table, number};

const LISTS: usize = 20;

/// Reads the list of a server of many tools to its end, page by page, several times.
///
/// # Errors
/// When the server does not start, or its list is not complete.
pub fn measure() -> Result<Table, Box<dyn Error>> {
    let mut table = Table::new(
        "lists",
        format!("`tools/list` of {TOOLS} tools, read to its end, medians of {LISTS}"),
        &["server", "pages", "KB in all", "CPU ms", "ms"],
    );
    let contestant = LATIMER_LONG.start()?;
    let mut connection = Connection::open(contestant.server.address)?;
    let session = contestant.open_session(&mut connection)?;
    let (mut cpu, mut times, mut pages, mut bytes) = (Vec::new(), Vec::new(), 0, 0);
    for _ in 0..LISTS {
        let (began, before) = (Instant::now(), contestant.server.cpu_nanos()?);
        let (mut cursor, mut tools) = (None::<String>, 0);
        (pages, bytes) = (0, 0);
        loop {
            let params = cursor.map_or(json!({}), |cursor| json!({"cursor": cursor}));
            let answer = connection.exchange(&message::in_session(&session, "tools/list", &params))?;
            let page: Value = serde_json::from_slice(&answer.body)?;
            pages += 1;
            bytes += answer.body.len();
            tools += page["result"]["tools"].as_array().map_or(0, Vec::len);
            match page["result"]["nextCursor"].as_str() {
                Some(next) => cursor = Some(next.to_owned()),
                None => break,
            }
        }
        if tools < TOOLS {
            return Err(format!("the list has {tools} of {TOOLS} tools").into());
        }
        times.push(began.elapsed().as_secs_f64() * 1e3);
        cpu.push((contestant.server.cpu_nanos()? - before) as f64 / 1e6);
    }
    table.row([
        json!(contestant.entrant.name),
        json!(pages),
        number(bytes as f64 / 1e3, 1),
        number(median(cpu.into_iter()), 2),
        number(median(times.into_iter()), 2),
    ]);
    Ok(table)
}

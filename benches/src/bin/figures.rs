//! Measures the servers over HTTP and byte streams, and prints a table a line as JSON: `figures [TABLE...] [-- SERVER...]`.
#![allow(clippy::print_stderr, reason = "whoever calls it wrongly is told")]

use std::error::Error;
use std::process::ExitCode;

use latimer_bench::pace::Pace;
use latimer_bench::tables::{calls, hostile, lists, notifications, programs, servers, sessions, streams};

/// What can be measured, in the order of the report.
const TABLES: [&str; 7] = ["calls", "sessions", "programs", "streams", "lists", "notifications", "hostile"];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (tables, names) = match arguments.iter().position(|word| word == "--") {
        Some(at) => (&arguments[..at], &arguments[at + 1..]),
        None => (&arguments[..], &[][..]),
    };
    if let Some(unknown) = tables.iter().find(|table| !TABLES.contains(&table.as_str())) {
        eprintln!("error: there is no table \"{unknown}\"; there are {}", TABLES.join(", "));
        return ExitCode::from(2);
    }
    match measure(tables, names) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn measure(tables: &[String], names: &[String]) -> Result<(), Box<dyn Error>> {
    let wants = |table: &str| tables.is_empty() || tables.iter().any(|wanted| wanted == table);
    let pace = Pace::asked();
    if wants("calls") || wants("sessions") || wants("programs") {
        let (contestants, table) = servers::start(names)?;
        table.print()?;
        if wants("calls") {
            calls::measure(&contestants, pace)?.print()?;
        }
        if wants("sessions") {
            sessions::measure(&contestants)?.print()?;
        }
        if wants("programs") {
            programs::measure(&contestants)?.print()?;
        }
    }
    if wants("streams") {
        streams::measure(pace)?.print()?;
    }
    if wants("lists") {
        lists::measure()?.print()?;
    }
    if wants("notifications") {
        notifications::measure()?.print()?;
    }
    if wants("hostile") {
        hostile::measure()?.print()?;
    }
    Ok(())
}

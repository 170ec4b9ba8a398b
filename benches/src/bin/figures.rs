//! Measures the servers over HTTP and byte streams, and prints a table a line as JSON.

use std::error::Error;

use latimer_bench::pace::Pace;
use latimer_bench::tables::{calls, hostile, lists, notifications, programs, servers, sessions, streams};

fn main() -> Result<(), Box<dyn Error>> {
    let pace = Pace::asked();
    let (contestants, table) = servers::start();
    table.print()?;
    calls::measure(&contestants, pace)?.print()?;
    sessions::measure(&contestants)?.print()?;
    programs::measure(&contestants)?.print()?;
    drop(contestants);
    streams::measure(pace)?.print()?;
    lists::measure()?.print()?;
    notifications::measure()?.print()?;
    hostile::measure()?.print()?;
    Ok(())
}

//! Small servers as child processes.

use latimer_client::Command;

/// Runs `tests/support/server.py` in one of its manners.
pub fn server(manner: &str) -> Command {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/server.py");
    Command::new("python3").arg("-u").arg(script).arg(manner)
}

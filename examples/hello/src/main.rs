//! The smallest server: one tool. Start it with `--stdio`, or without flags for HTTP.

use latimer::prelude::*;

/// Adds two numbers.
#[tool(read_only)]
fn add(a: f64, b: f64) -> f64 {
    a + b
}

fn main() -> latimer::Result {
    latimer::run(Server::new("hello").version(env!("CARGO_PKG_VERSION")).tool(add))
}

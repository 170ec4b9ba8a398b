//! For how long is measured.

use std::time::Duration;

/// Rounds in which the servers take turns.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// How many. Of CPU times the lower quartile counts, of everything else the median.
    pub rounds: usize,
    /// How long each is for each server.
    pub round: Duration,
    /// How long each server is loaded before the first.
    pub warm_up: Duration,
}

impl Pace {
    /// The pace that `BENCH_QUICK` asks for, which shows that everything runs, or that of figures to rely on.
    pub fn asked() -> Self {
        let quick = std::env::var_os("BENCH_QUICK").is_some_and(|value| !value.is_empty());
        let (rounds, round, warm_up) = if quick { (3, 100, 50) } else { (28, 100, 200) };
        Self { rounds, round: Duration::from_millis(round), warm_up: Duration::from_millis(warm_up) }
    }
}

//! Connections on which nothing happens.

use std::time::Duration;

use tokio::time::Instant;

/// Watches whether anything happens on a connection. The timer is looked at when it ends, not set anew with every message.
#[derive(Debug)]
pub(super) struct Idle {
    /// How long nothing may happen; `None`: for ever.
    most: Option<Duration>,
    last: Instant,
    /// How many messages had gone out by then.
    written: u64,
}

impl Idle {
    /// Nothing may happen for `most`; zero is for ever.
    pub(super) fn new(most: Duration) -> Self {
        Self { most: (!most.is_zero()).then_some(most), last: Instant::now(), written: 0 }
    }

    /// Something came in.
    pub(super) fn stir(&mut self) {
        if self.most.is_some() {
            self.last = Instant::now();
        }
    }

    /// Ends once nothing has happened for as long as that may be. `state` tells whether nothing is going on, and how many
    /// messages have gone out.
    pub(super) async fn over(&mut self, state: impl Fn() -> (bool, u64)) {
        let Some(most) = self.most else { return std::future::pending().await };
        loop {
            tokio::time::sleep_until(self.last + most).await;
            let (is_quiet, written) = state();
            if is_quiet && written == self.written {
                return;
            }
            (self.last, self.written) = (Instant::now(), written);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn only_silence_in_both_directions_without_a_call_is_idle() {
        let start = Instant::now();
        let mut idle = Idle::new(Duration::from_secs(10));
        let looks = AtomicU64::new(0);
        // At the first look a call goes on, at the second something has gone out, at the third nothing has happened.
        idle.over(|| match looks.fetch_add(1, Ordering::Relaxed) {
            0 => (false, 0),
            _ => (true, 1),
        })
        .await;
        assert_eq!((looks.into_inner(), start.elapsed().as_secs()), (3, 30));
    }

    #[tokio::test(start_paused = true)]
    async fn what_comes_in_begins_it_anew() {
        let start = Instant::now();
        let mut idle = Idle::new(Duration::from_secs(10));
        tokio::time::sleep(Duration::from_secs(7)).await;
        idle.stir();
        idle.over(|| (true, 0)).await;
        assert_eq!(start.elapsed().as_secs(), 17);
    }
}

//! The time by which deadlines are judged.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

/// A moment: milliseconds since the Unix epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(u64);

impl Timestamp {
    /// The latest moment that can be told.
    pub const MAX: Self = Self(u64::MAX);

    /// The moment `millis` milliseconds after the Unix epoch.
    #[must_use]
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis)
    }

    /// Milliseconds since the Unix epoch.
    #[must_use]
    pub const fn as_millis(self) -> u64 {
        self.0
    }

    /// The moment `after` later, rounded up to whole milliseconds; [`Timestamp::MAX`] where that cannot be told.
    #[must_use]
    pub fn saturating_add(self, after: Duration) -> Self {
        let millis = after.as_nanos().div_ceil(1_000_000);
        Self(self.0.saturating_add(u64::try_from(millis).unwrap_or(u64::MAX)))
    }

    /// The time from `earlier` to this moment; zero when `earlier` is later.
    #[must_use]
    pub fn saturating_since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }
}

/// Tells the time. Injected wherever a deadline is judged, so that a test or a replay decides what time it is.
pub trait Clock: Send + Sync + fmt::Debug {
    /// The present moment.
    fn now(&self) -> Timestamp;
}

/// The system's wall clock, which processes on one machine share and which goes on while the machine sleeps.
///
/// A step of the wall clock therefore moves all deadlines by as much.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let since_epoch = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Timestamp(u64::try_from(since_epoch.as_millis()).unwrap_or(u64::MAX))
    }
}

/// A clock that moves only when told to. Clones tell the same time.
#[derive(Clone, Debug)]
pub struct ManualClock(Arc<AtomicU64>);

impl ManualClock {
    /// A clock that stands at midnight (UTC) of 2026-07-28.
    #[must_use]
    pub fn new() -> Self {
        Self::at(Timestamp(1_785_196_800_000))
    }

    /// A clock that stands at `now`.
    #[must_use]
    pub fn at(now: Timestamp) -> Self {
        Self(Arc::new(AtomicU64::new(now.0)))
    }

    /// Moves the clock forward by `by`, rounded up to whole milliseconds.
    pub fn advance(&self, by: Duration) {
        let _ = self.0.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |now| {
            Some(Timestamp(now).saturating_add(by).0)
        });
    }

    /// Sets the clock, forward or back.
    pub fn set(&self, now: Timestamp) {
        self.0.store(now.0, Ordering::SeqCst);
    }
}

impl Default for ManualClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::SeqCst))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fraction_of_a_millisecond_counts_as_a_whole_one() {
        let now = Timestamp::from_millis(5);
        assert_eq!(now.saturating_add(Duration::from_nanos(1)), Timestamp::from_millis(6));
        assert_eq!(now.saturating_add(Duration::from_millis(2)), Timestamp::from_millis(7));
    }

    #[test]
    fn times_that_cannot_be_told_are_the_latest_or_none() {
        assert_eq!(Timestamp::from_millis(5).saturating_add(Duration::MAX), Timestamp::MAX);
        assert_eq!(Timestamp::from_millis(5).saturating_since(Timestamp::MAX), Duration::ZERO);
    }

    #[test]
    fn clones_of_a_manual_clock_tell_the_same_time() {
        let clock = ManualClock::new();
        let before = clock.now();
        clock.clone().advance(Duration::from_secs(3));
        assert_eq!(clock.now().saturating_since(before), Duration::from_secs(3));
        clock.set(before);
        assert_eq!(clock.now(), before);
    }
}

//! Streams of numbered entries.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;

use crate::kv::{Key, Ttl};
use crate::{BoxFuture, Result};

/// The number of an entry in its stream; the first is 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position(u64);

impl Position {
    /// Before the first entry.
    pub const START: Self = Self(0);

    /// The position of this number.
    #[must_use]
    pub const fn from_u64(number: u64) -> Self {
        Self(number)
    }

    /// The number of this position.
    #[must_use]
    pub const fn as_u64(self) -> u64 {
        self.0
    }
}

/// How much of a stream is kept, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retain {
    /// Entries kept at most; 0 counts as 1.
    pub max_entries: usize,
    /// Bytes kept at most, counting the entries' contents.
    pub max_bytes: usize,
    /// The stream expires this long after the last append; `None` when it does not.
    pub ttl: Option<Duration>,
}

/// An entry of a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogEntry {
    /// Its number.
    pub position: Position,
    /// What was appended.
    pub value: Bytes,
}

/// A part of a stream.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogPage {
    /// The entries, in order, at most as many as asked for.
    pub entries: Vec<LogEntry>,
    /// Whether entries may have been missed: some after the position asked for have been trimmed away, or the
    /// stream that gave out the position is gone (deleted or expired).
    pub trimmed: bool,
    /// The newest position of the stream, read or not; [`Position::START`] when there is no stream.
    pub last: Position,
}

/// Streams of numbered entries, bounded in entries and in bytes.
///
/// A stream begins with its first append and ends when it is deleted or expires; a stream of the same name begins
/// again with position 1. Give each stream a name of its own where that matters.
pub trait Log: Send + Sync + fmt::Debug {
    /// Appends an entry, and trims the oldest entries until the stream keeps to `retain` again. The entry appended
    /// is always kept. Sets the deadline of the stream from `retain.ttl`.
    ///
    /// # Errors
    /// [`is_too_large`](crate::StoreError::is_too_large) when `value` alone is larger than `retain.max_bytes`; and
    /// when the home cannot be reached, so all operations.
    fn append<'a>(
        &'a self,
        stream: Key<'a>,
        value: Bytes,
        retain: &'a Retain,
    ) -> BoxFuture<'a, Result<Position>>;

    /// Reads at most `limit` entries after a position.
    ///
    /// # Errors
    /// When the home cannot be reached.
    fn read<'a>(&'a self, stream: Key<'a>, after: Position, limit: usize) -> BoxFuture<'a, Result<LogPage>>;

    /// Removes the entries up to and including a position. The stream stays and goes on counting.
    ///
    /// # Errors
    /// When the home cannot be reached.
    fn trim<'a>(&'a self, stream: Key<'a>, through: Position) -> BoxFuture<'a, Result<()>>;

    /// Deletes a stream. Returns whether there was one.
    ///
    /// # Errors
    /// When the home cannot be reached.
    fn delete<'a>(&'a self, stream: Key<'a>) -> BoxFuture<'a, Result<bool>>;

    /// Sets the deadline of a stream. Returns whether there is one.
    ///
    /// # Errors
    /// When the home cannot be reached.
    fn touch<'a>(&'a self, stream: Key<'a>, ttl: Ttl) -> BoxFuture<'a, Result<bool>>;
}

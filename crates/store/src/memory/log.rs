//! Streams in memory.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use parking_lot::MutexGuard;

use super::path::Path;
use super::table::{Swept, Table};
use super::{PER_BLOCK, SWEEP_PER_WRITE, Shards};
use crate::clock::{Clock, Timestamp};
use crate::kv::{Key, Ttl};
use crate::log::{Log, LogEntry, LogPage, Position, Retain};
use crate::{BoxFuture, Result, StoreError};

/// Streams in this process's memory. See the [module](super).
#[derive(Debug)]
pub struct MemoryLog {
    shards: Shards<Table<Stream>>,
    clock: Arc<dyn Clock>,
}

impl MemoryLog {
    /// No streams yet. `clock` judges deadlines.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { shards: Shards::new(|hasher| Table::new(hasher.clone())), clock }
    }

    /// The number of streams in memory. It includes expired ones that have not been removed yet.
    #[must_use]
    pub fn resident(&self) -> usize {
        self.shards.sum(Table::len)
    }

    /// The bytes that all streams take, reckoned as [`MemoryKv::footprint`](super::MemoryKv::footprint) does.
    #[must_use]
    pub fn footprint(&self) -> usize {
        self.shards.sum(|table| table.footprint(Stream::footprint))
    }

    /// Locks a shard for a write, and removes a few expired streams on the way.
    fn sweeping(&self, partition: &str, now: Timestamp) -> MutexGuard<'_, Table<Stream>> {
        if let Some(mut other) = self.shards.next() {
            sweep(&mut other, now);
        }
        let mut table = self.shards.lock(partition);
        sweep(&mut table, now);
        table
    }
}

impl Log for MemoryLog {
    fn append<'a>(
        &'a self,
        stream: Key<'a>,
        value: Bytes,
        retain: &'a Retain,
    ) -> BoxFuture<'a, Result<Position>> {
        Box::pin(async move {
            if value.len() > retain.max_bytes {
                return Err(StoreError::too_large(value.len(), retain.max_bytes));
            }
            let value = Bytes::copy_from_slice(&value);
            let now = self.clock.now();
            let expires_at = retain.ttl.map(|ttl| now.saturating_add(ttl));
            let mut table = self.sweeping(stream.partition, now);
            if let Some(row) = table.get_mut(stream, now) {
                let position = row.value.append(value, retain);
                table.set_deadline(stream, expires_at);
                return Ok(position);
            }
            table.remove_expired(stream, now);
            let mut row = Stream::default();
            let position = row.append(value, retain);
            table.insert(Path::new(stream), row, expires_at);
            Ok(position)
        })
    }

    fn read<'a>(&'a self, stream: Key<'a>, after: Position, limit: usize) -> BoxFuture<'a, Result<LogPage>> {
        Box::pin(async move {
            let now = self.clock.now();
            let table = self.shards.lock(stream.partition);
            Ok(match table.get(stream, now) {
                Some(row) => row.value.read(after, limit),
                None => LogPage { trimmed: after > Position::START, ..LogPage::default() },
            })
        })
    }

    fn trim<'a>(&'a self, stream: Key<'a>, through: Position) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let now = self.clock.now();
            let mut table = self.sweeping(stream.partition, now);
            if let Some(row) = table.get_mut(stream, now) {
                row.value.trim(through);
            }
            Ok(())
        })
    }

    fn delete<'a>(&'a self, stream: Key<'a>) -> BoxFuture<'a, Result<bool>> {
        Box::pin(async move {
            let now = self.clock.now();
            let mut table = self.sweeping(stream.partition, now);
            table.remove_expired(stream, now);
            Ok(table.remove(stream).is_some())
        })
    }

    fn touch<'a>(&'a self, stream: Key<'a>, ttl: Ttl) -> BoxFuture<'a, Result<bool>> {
        Box::pin(async move {
            let now = self.clock.now();
            let mut table = self.shards.lock(stream.partition);
            let Some(row) = table.get(stream, now) else { return Ok(false) };
            let expires_at = ttl.deadline(now, Some(row.expires_at()));
            table.set_deadline(stream, expires_at);
            Ok(true)
        })
    }
}

/// Removes a few expired streams.
fn sweep(table: &mut Table<Stream>, now: Timestamp) {
    for _ in 0..SWEEP_PER_WRITE {
        if let Swept::Nothing = table.sweep_one(now) {
            return;
        }
    }
}

#[derive(Debug, Default)]
struct Stream {
    entries: VecDeque<Bytes>,
    /// The position of the newest entry there ever was.
    last: u64,
    /// The sum of the lengths of the entries.
    bytes: usize,
}

impl Stream {
    fn append(&mut self, value: Bytes, retain: &Retain) -> Position {
        self.bytes += value.len();
        self.last += 1;
        self.entries.push_back(value);
        while self.entries.len() > retain.max_entries.max(1) || self.bytes > retain.max_bytes {
            self.drop_oldest();
        }
        Position::from_u64(self.last)
    }

    fn read(&self, after: Position, limit: usize) -> LogPage {
        let trimmed_through = self.trimmed_through();
        let skip = usize::try_from(after.as_u64().saturating_sub(trimmed_through)).unwrap_or(usize::MAX);
        let first = after.as_u64().max(trimmed_through).saturating_add(1);
        let entries = self.entries.iter().skip(skip).take(limit).zip(first..);
        LogPage {
            entries: entries
                .map(|(value, number)| LogEntry {
                    position: Position::from_u64(number),
                    value: value.clone(),
                })
                .collect(),
            trimmed: after.as_u64() < trimmed_through || after.as_u64() > self.last,
            last: Position::from_u64(self.last),
        }
    }

    fn trim(&mut self, through: Position) {
        while !self.entries.is_empty() && self.trimmed_through() < through.as_u64() {
            self.drop_oldest();
        }
        self.entries.shrink_to(self.entries.len() * 2);
    }

    fn drop_oldest(&mut self) {
        if let Some(oldest) = self.entries.pop_front() {
            self.bytes -= oldest.len();
        }
    }

    /// The position of the newest entry that is gone.
    fn trimmed_through(&self) -> u64 {
        self.last - self.entries.len() as u64
    }

    fn footprint(&self) -> usize {
        let each = 2 * PER_BLOCK + 3 * size_of::<usize>();
        self.entries.capacity() * size_of::<Bytes>() + self.entries.len() * each + self.bytes
    }
}

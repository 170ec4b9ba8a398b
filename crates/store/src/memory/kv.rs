//! Entries in memory.

use std::sync::Arc;

use ahash::RandomState;
use bytes::Bytes;
use parking_lot::MutexGuard;

use super::index::Indexes;
use super::path::Path;
use super::table::{Row, Swept, Table};
use super::{PER_BLOCK, SWEEP_BATCH, SWEEP_PER_WRITE, Shards};
use crate::clock::{Clock, Timestamp};
use crate::kv::{Attempt, Batch, Entry, IndexCap, Key, Kv, Member, MemberPage, Ttl, Version, Write};
use crate::{BoxFuture, Result, StoreError};

/// Entries in this process's memory. See the [module](super).
#[derive(Debug)]
pub struct MemoryKv {
    shards: Shards<Shard>,
    clock: Arc<dyn Clock>,
}

impl MemoryKv {
    /// No entries yet. `clock` judges deadlines.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { shards: Shards::new(Shard::new), clock }
    }

    /// The number of entries in memory. It includes expired ones that have not been removed yet.
    #[must_use]
    pub fn resident(&self) -> usize {
        self.shards.sum(|shard| shard.table.len())
    }

    /// The bytes that all entries and indexes take, reckoned: exactly for hash tables, keys and values; with an
    /// average fill for ordered sets, and 16 bytes on each block for the allocator. Looks at every entry.
    #[must_use]
    pub fn footprint(&self) -> usize {
        self.shards.sum(|shard| shard.table.footprint(Slot::footprint) + shard.indexes.footprint())
    }

    /// Does one write.
    fn one(&self, partition: &str, mut write: Write<'_>) -> Result<Attempt> {
        compact(&mut write);
        self.sweeping(partition, 1, |shard, now| shard.write(partition, &write, now))
    }

    /// Does `writes` writes, and removes a few expired entries on the way. If an index is full, removes more and
    /// tries again, until that helps or there are none. `write` must write nothing when it fails.
    fn sweeping<T>(
        &self,
        partition: &str,
        writes: usize,
        write: impl Fn(&mut Shard, Timestamp) -> Result<T>,
    ) -> Result<T> {
        let now = self.clock.now();
        let mut budget = SWEEP_PER_WRITE.saturating_mul(writes);
        if let Some(mut other) = self.shards.next() {
            other.sweep(now, budget);
        }
        loop {
            let mut shard = self.shards.lock(partition);
            shard.sweep(now, budget);
            match write(&mut shard, now) {
                Err(error) if error.is_full() && shard.table.has_due(now) => budget = SWEEP_BATCH,
                result => return result,
            }
        }
    }

    /// Locks a shard in which nothing is left that has expired at `now`.
    fn settled(&self, partition: &str, now: Timestamp) -> MutexGuard<'_, Shard> {
        loop {
            let mut shard = self.shards.lock(partition);
            shard.sweep(now, SWEEP_BATCH);
            if !shard.table.has_due(now) {
                return shard;
            }
        }
    }
}

impl Kv for MemoryKv {
    fn get<'a>(&'a self, key: Key<'a>) -> BoxFuture<'a, Result<Option<Entry>>> {
        Box::pin(async move {
            let now = self.clock.now();
            let shard = self.shards.lock(key.partition);
            Ok(shard.table.get(key, now).map(entry))
        })
    }

    fn touch<'a>(&'a self, key: Key<'a>, ttl: Ttl) -> BoxFuture<'a, Result<Option<Entry>>> {
        Box::pin(async move {
            let now = self.clock.now();
            let mut shard = self.shards.lock(key.partition);
            let Some(mut found) = shard.table.get(key, now).map(entry) else { return Ok(None) };
            found.expires_at = ttl.deadline(now, Some(found.expires_at));
            shard.table.set_deadline(key, found.expires_at);
            Ok(Some(found))
        })
    }

    fn put<'a>(&'a self, key: Key<'a>, value: Bytes, ttl: Ttl) -> BoxFuture<'a, Result<Version>> {
        Box::pin(async move {
            let value = copied(&value);
            self.sweeping(key.partition, 1, |shard, now| Ok(shard.put(key, value.clone(), ttl, now)))
        })
    }

    fn put_if_absent<'a>(&'a self, key: Key<'a>, value: Bytes, ttl: Ttl) -> BoxFuture<'a, Result<Attempt>> {
        self.create_indexed(key, value, ttl, &[])
    }

    fn create_indexed<'a>(
        &'a self,
        key: Key<'a>,
        value: Bytes,
        ttl: Ttl,
        indexes: &'a [IndexCap<'a>],
    ) -> BoxFuture<'a, Result<Attempt>> {
        Box::pin(
            async move { self.one(key.partition, Write::Create { name: key.name, value, ttl, indexes }) },
        )
    }

    fn compare_and_swap<'a>(
        &'a self,
        key: Key<'a>,
        expected: Version,
        value: Bytes,
        ttl: Ttl,
    ) -> BoxFuture<'a, Result<Attempt>> {
        Box::pin(async move { self.one(key.partition, Write::Swap { name: key.name, expected, value, ttl }) })
    }

    fn delete<'a>(&'a self, key: Key<'a>) -> BoxFuture<'a, Result<Option<Entry>>> {
        Box::pin(async move {
            self.sweeping(key.partition, 1, |shard, now| {
                shard.forget_expired(key, now);
                Ok(shard.remove(key).as_ref().map(entry))
            })
        })
    }

    fn increment<'a>(&'a self, key: Key<'a>, by: i64, ttl: Ttl) -> BoxFuture<'a, Result<i64>> {
        Box::pin(async move {
            self.sweeping(key.partition, 1, |shard, now| {
                let count = match shard.table.get(key, now) {
                    Some(row) => counter(&row.value.value).ok_or_else(StoreError::not_a_counter)?,
                    None => 0,
                };
                let sum = count.checked_add(by).ok_or_else(StoreError::overflow)?;
                shard.put(key, sum.to_string().into(), ttl, now);
                Ok(sum)
            })
        })
    }

    fn apply<'a>(&'a self, partition: &'a str, mut writes: Vec<Write<'a>>) -> BoxFuture<'a, Result<Batch>> {
        Box::pin(async move {
            writes.iter_mut().for_each(compact);
            self.sweeping(partition, writes.len(), |shard, now| shard.apply(partition, &writes, now))
        })
    }

    fn scan<'a>(
        &'a self,
        index: Key<'a>,
        after: Option<&'a str>,
        limit: usize,
    ) -> BoxFuture<'a, Result<MemberPage>> {
        Box::pin(async move {
            let now = self.clock.now();
            let shard = self.settled(index.partition, now);
            let member = |path: &Path| {
                let row = shard.table.get(path.key(), now)?;
                Some(Member { name: path.name().into(), entry: entry(row) })
            };
            let mut members = shard.indexes.after(index, after).filter_map(member);
            let page = members.by_ref().take(limit).collect();
            Ok(MemberPage { members: page, more: members.next().is_some() })
        })
    }

    fn count<'a>(&'a self, index: Key<'a>) -> BoxFuture<'a, Result<usize>> {
        Box::pin(async move { Ok(self.settled(index.partition, self.clock.now()).indexes.len(index)) })
    }
}

#[derive(Debug)]
struct Shard {
    table: Table<Slot>,
    indexes: Indexes,
    /// The number of the last version given out in this shard.
    version: u64,
}

#[derive(Clone, Debug)]
struct Slot {
    value: Bytes,
    version: Version,
    /// The indexes that the entry is a member of.
    indexes: Box<[Path]>,
}

impl Slot {
    fn footprint(&self) -> usize {
        let indexes = if self.indexes.is_empty() { 0 } else { PER_BLOCK + size_of_val(&*self.indexes) };
        // The value is a block of its own, and once it is shared another holds its reference count.
        indexes + PER_BLOCK + self.value.len() + PER_BLOCK + 3 * size_of::<usize>()
    }
}

impl Shard {
    fn new(hasher: &RandomState) -> Self {
        Self { table: Table::new(hasher.clone()), indexes: Indexes::new(hasher.clone()), version: 0 }
    }

    fn sweep(&mut self, now: Timestamp, budget: usize) {
        for _ in 0..budget {
            match self.table.sweep_one(now) {
                Swept::Nothing => return,
                Swept::Extended => {}
                Swept::Expired(row) => self.leave_indexes(&row),
            }
        }
    }

    /// Does all writes or none.
    fn apply(&mut self, partition: &str, writes: &[Write<'_>], now: Timestamp) -> Result<Batch> {
        let mut before = Vec::with_capacity(writes.len());
        for (place, write) in writes.iter().enumerate() {
            let key = Key::new(partition, write.name());
            let row = self.table.get(key, now).cloned();
            let lost = match self.write(partition, write, now) {
                Ok(Attempt::Won(_)) => {
                    before.push((key, row));
                    continue;
                }
                Ok(Attempt::Lost(current)) => Ok(Batch::Refused { write: place, current }),
                Err(error) => Err(error),
            };
            // Backwards, because a later write may have changed what an earlier one wrote.
            for (key, row) in before.into_iter().rev() {
                self.remove(key);
                if let Some(row) = row {
                    self.put_back(row);
                }
            }
            return lost;
        }
        let version = |write: &Write<'_>| {
            self.table.get(Key::new(partition, write.name()), now).map(|row| row.value.version)
        };
        Ok(Batch::Applied(writes.iter().map(version).collect()))
    }

    /// Does one write if its condition holds; nothing otherwise. What a write without an entry wins is
    /// meaningless.
    fn write(&mut self, partition: &str, write: &Write<'_>, now: Timestamp) -> Result<Attempt> {
        let key = Key::new(partition, write.name());
        let current = self.table.get(key, now);
        let holds = match write {
            Write::Put { .. } | Write::Delete { expected: None, .. } => true,
            Write::Create { .. } => current.is_none(),
            Write::Swap { expected, .. } | Write::Delete { expected: Some(expected), .. } => {
                current.is_some_and(|row| row.value.version == *expected)
            }
            Write::Require { version, .. } => current.map(|row| row.value.version) == *version,
        };
        if !holds {
            return Ok(Attempt::Lost(current.map(entry)));
        }
        let version = match write {
            Write::Put { value, ttl, .. } | Write::Swap { value, ttl, .. } => {
                self.put(key, value.clone(), *ttl, now)
            }
            Write::Create { value, ttl, indexes, .. } => {
                self.create(key, value.clone(), *ttl, indexes, now)?
            }
            Write::Delete { .. } => {
                self.remove(key);
                Version::from_u64(self.version)
            }
            Write::Require { .. } => Version::from_u64(self.version),
        };
        Ok(Attempt::Won(version))
    }

    fn put(&mut self, key: Key<'_>, value: Bytes, ttl: Ttl, now: Timestamp) -> Version {
        let version = self.next_version();
        if let Some(row) = self.table.get_mut(key, now) {
            let expires_at = ttl.deadline(now, Some(row.expires_at()));
            row.value.value = value;
            row.value.version = version;
            self.table.set_deadline(key, expires_at);
        } else {
            self.forget_expired(key, now);
            let slot = Slot { value, version, indexes: Box::default() };
            self.table.insert(Path::new(key), slot, ttl.deadline(now, None));
        }
        version
    }

    /// Adds an entry where there is none.
    fn create(
        &mut self,
        key: Key<'_>,
        value: Bytes,
        ttl: Ttl,
        indexes: &[IndexCap<'_>],
        now: Timestamp,
    ) -> Result<Version> {
        self.forget_expired(key, now);
        for index in indexes {
            if index.cap.is_some_and(|cap| self.indexes.len(Key::new(key.partition, index.index)) >= cap) {
                return Err(StoreError::full(index));
            }
        }
        let path = Path::new(key);
        let indexes = indexes
            .iter()
            .enumerate()
            .filter(|(place, index)| indexes.iter().take(*place).all(|other| other.index != index.index))
            .map(|(_, index)| self.indexes.insert(Key::new(key.partition, index.index), &path))
            .collect();
        let version = self.next_version();
        self.table.insert(path, Slot { value, version, indexes }, ttl.deadline(now, None));
        Ok(version)
    }

    fn remove(&mut self, key: Key<'_>) -> Option<Row<Slot>> {
        let row = self.table.remove(key)?;
        self.leave_indexes(&row);
        Some(row)
    }

    fn put_back(&mut self, row: Row<Slot>) {
        for index in &row.value.indexes {
            self.indexes.insert(index.key(), row.path());
        }
        self.table.restore(row);
    }

    fn forget_expired(&mut self, key: Key<'_>, now: Timestamp) {
        if let Some(row) = self.table.remove_expired(key, now) {
            self.leave_indexes(&row);
        }
    }

    fn leave_indexes(&mut self, row: &Row<Slot>) {
        for index in &row.value.indexes {
            self.indexes.remove(index.key(), row.path());
        }
    }

    fn next_version(&mut self) -> Version {
        self.version += 1;
        Version::from_u64(self.version)
    }
}

fn entry(row: &Row<Slot>) -> Entry {
    Entry { value: row.value.value.clone(), version: row.value.version, expires_at: row.expires_at() }
}

fn counter(value: &[u8]) -> Option<i64> {
    std::str::from_utf8(value).ok()?.parse().ok()
}

/// A copy in a block of its own size.
fn copied(value: &Bytes) -> Bytes {
    Bytes::copy_from_slice(value)
}

fn compact(write: &mut Write<'_>) {
    match write {
        Write::Put { value, .. } | Write::Create { value, .. } | Write::Swap { value, .. } => {
            *value = copied(value);
        }
        Write::Delete { .. } | Write::Require { .. } => {}
    }
}

//! The home in this process's memory.
//!
//! Rows lie in shards, each behind a lock of its own that is held for one operation on a few rows; there is no
//! background thread, and every future is ready at its first poll.
//!
//! What expires is queued by its deadline. Each write removes a few rows whose time has come, more than it adds, in
//! its own shard and in one other by turns, so abandoned rows go away as long as anything is written at all. Extending a deadline does not move the row in the
//! queue: it is looked at when its old time comes, and queued anew. An operation for which expired rows would
//! matter (a full index, a count) removes those in its shard first, releasing the lock between batches.
//!
//! Values are copied when they are written, so that a small value does not keep a large network buffer alive. An
//! idle entry of 300 bytes in two indexes costs below 1 KB, all tables included; [`MemoryKv::footprint`] tells.

mod bus;
mod index;
mod kv;
mod log;
mod path;
mod table;

pub use bus::MemoryBus;
pub use kv::MemoryKv;
pub use log::MemoryLog;

use std::sync::atomic::{AtomicUsize, Ordering};

use ahash::RandomState;
use parking_lot::{Mutex, MutexGuard};

use crate::kv::Key;

/// Expired rows that each write removes at most.
const SWEEP_PER_WRITE: usize = 4;

/// Expired rows removed in one go, that is without releasing the lock, when all have to be.
const SWEEP_BATCH: usize = 64;

/// Enough that two threads seldom meet, few enough that an empty store costs little.
const SHARDS: usize = 16;

/// What the allocator is reckoned to add to each block.
const PER_BLOCK: usize = 16;

/// Shards, chosen by partition (or topic), each behind its lock.
#[derive(Debug)]
struct Shards<T> {
    hasher: RandomState,
    shards: [Mutex<T>; SHARDS],
    turn: AtomicUsize,
}

impl<T> Shards<T> {
    fn new(make: impl Fn(&RandomState) -> T) -> Self {
        let hasher = RandomState::new();
        let shards = std::array::from_fn(|_| Mutex::new(make(&hasher)));
        Self { hasher, shards, turn: AtomicUsize::new(0) }
    }

    /// Locks the shard of a partition.
    fn lock(&self, partition: &str) -> MutexGuard<'_, T> {
        // The remainder is below the number of shards, whatever the hash.
        self.shards[(self.hasher.hash_one(partition) % SHARDS as u64) as usize].lock()
    }

    /// Locks the shards by turns, unless the one whose turn it is is in use.
    fn next(&self) -> Option<MutexGuard<'_, T>> {
        self.shards[self.turn.fetch_add(1, Ordering::Relaxed) % SHARDS].try_lock()
    }

    fn sum(&self, of: impl Fn(&T) -> usize) -> usize {
        self.shards.iter().map(|shard| of(&shard.lock())).sum()
    }
}

fn hash(hasher: &RandomState, key: Key<'_>) -> u64 {
    hasher.hash_one(key)
}

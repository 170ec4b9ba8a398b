//! How many calls may be in flight at once.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::Hash;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use ahash::RandomState;
use parking_lot::Mutex;

const SHARDS: usize = 16;

/// Counts calls in flight, in all and per holder (a session, a principal, a peer).
#[derive(Debug)]
pub struct Admission<K> {
    inner: Arc<Inner<K>>,
}

#[derive(Debug)]
struct Inner<K> {
    all: AtomicUsize,
    most: AtomicUsize,
    most_per_holder: AtomicUsize,
    hasher: RandomState,
    shards: [Mutex<HashMap<K, usize, RandomState>>; SHARDS],
}

/// Why a call was not admitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Busy {
    /// The server has all the calls it takes.
    #[error("the server is at its limit of calls in flight; try again shortly")]
    Server,
    /// The caller has all the calls it may have.
    #[error("too many calls in flight from this caller; wait for one to finish")]
    Caller,
}

impl<K: Hash + Eq + Clone> Admission<K> {
    /// Admits `most` calls in all, and `most_per_holder` for each holder.
    pub fn new(most: usize, most_per_holder: usize) -> Self {
        let inner = Inner {
            all: AtomicUsize::new(0),
            most: AtomicUsize::new(most),
            most_per_holder: AtomicUsize::new(most_per_holder),
            hasher: RandomState::new(),
            shards: Default::default(),
        };
        Self { inner: Arc::new(inner) }
    }

    /// Admits so many from now on. Those that are in flight stay so.
    pub fn set(&self, most: usize, most_per_holder: usize) {
        self.inner.most.store(most, Ordering::Relaxed);
        self.inner.most_per_holder.store(most_per_holder, Ordering::Relaxed);
    }

    /// Admits one call; it is in flight until the permit is dropped.
    ///
    /// # Errors
    /// When a limit is reached.
    pub fn enter(&self, holder: &K) -> Result<Permit<K>, Busy> {
        let inner = &self.inner;
        if inner.all.fetch_add(1, Ordering::Relaxed) >= inner.most.load(Ordering::Relaxed) {
            inner.all.fetch_sub(1, Ordering::Relaxed);
            return Err(Busy::Server);
        }
        let shard = inner.shard(holder);
        {
            let mut held = inner.shards[shard].lock();
            let count = held.entry(holder.clone()).or_insert(0);
            if *count >= inner.most_per_holder.load(Ordering::Relaxed) {
                if *count == 0 {
                    held.remove(holder);
                }
                inner.all.fetch_sub(1, Ordering::Relaxed);
                return Err(Busy::Caller);
            }
            *count += 1;
        }
        Ok(Permit { inner: self.inner.clone(), holder: holder.clone(), shard })
    }

    /// How many calls are in flight.
    pub fn in_flight(&self) -> usize {
        self.inner.all.load(Ordering::Relaxed)
    }
}

impl<K: Hash> Inner<K> {
    fn shard(&self, holder: &K) -> usize {
        usize::try_from(self.hasher.hash_one(holder) % SHARDS as u64).unwrap_or(0)
    }
}

/// One call in flight. Dropping it ends the count.
#[derive(Debug)]
pub struct Permit<K: Hash + Eq + Clone> {
    inner: Arc<Inner<K>>,
    holder: K,
    shard: usize,
}

impl<K: Hash + Eq + Clone> Drop for Permit<K> {
    fn drop(&mut self) {
        self.inner.all.fetch_sub(1, Ordering::Relaxed);
        let mut held = self.inner.shards[self.shard].lock();
        if let Entry::Occupied(mut count) = held.entry(self.holder.clone()) {
            *count.get_mut() -= 1;
            if *count.get() == 0 {
                count.remove();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_caller_at_its_limit_leaves_room_for_the_others() {
        let admission = Admission::new(3, 2);
        let first = admission.enter(&"a").unwrap();
        let _second = admission.enter(&"a").unwrap();
        assert_eq!(admission.enter(&"a").unwrap_err(), Busy::Caller);
        let _third = admission.enter(&"b").unwrap();
        assert_eq!(admission.enter(&"c").unwrap_err(), Busy::Server);
        drop(first);
        let _fourth = admission.enter(&"a").unwrap();
        assert_eq!(admission.in_flight(), 3);
    }

    #[test]
    fn a_caller_without_calls_leaves_nothing_behind() {
        let admission = Admission::new(10, 2);
        drop(admission.enter(&7));
        assert!(admission.inner.shards.iter().all(|shard| shard.lock().is_empty()));
        assert_eq!(admission.in_flight(), 0);
    }
}

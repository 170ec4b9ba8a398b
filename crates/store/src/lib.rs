//! Keys, logs and a wake-up bus: the three primitives in which Latimer keeps state.
//!
//! Everything that outlives a request is written in these terms, so that the same code keeps its state in
//! memory, in a file that several processes share, or in a server that many machines share:
//!
//! - [`Kv`]: entries with a [`Version`] and an expiry, written unconditionally or on a condition, alone or several at
//!   once, and listed and capped by *indexes*.
//! - [`Log`]: streams of numbered entries, bounded in entries and in bytes, read from a position.
//! - [`Bus`]: messages to whoever listens now. **A hint, allowed to lose**: write to `Kv` or `Log` first, publish
//!   afterwards, and let whoever waits also look for itself.
//!
//! A [`Store`] bundles the three. What holds them is a *home*; this crate has the [`memory`] home.
//!
//! # Partitions
//!
//! A [`Key`] is a partition and a name. The partition is the unit of atomic writes: [`Kv::apply`] changes several
//! entries of one partition or none, and an index holds entries of its own partition only. Choose partitions as
//! small as the atomicity that you need and no smaller: a shared home keeps each partition in one place.
//! Entries, indexes and streams have separate namespaces.
//!
//! # What a home promises
//!
//! Each operation is atomic and costs one trip. Operations on one partition happen in one order, which all callers
//! agree on. Times come from the injected [`Clock`]; an entry whose deadline has come is absent for every operation,
//! whether or not its memory has been reclaimed. Nothing happens before a returned future is polled, and a
//! future dropped half-way has either done its work or not. A home never panics; what goes wrong is a
//! [`StoreError`].
//!
//! The `contract` feature holds the test suite that checks these promises against any home.
//!
//! # Example
//!
//! ```
//! use std::time::Duration;
//! use latimer_store::{Attempt, IndexCap, Key, Store, Ttl};
//!
//! # async fn example() -> latimer_store::Result<()> {
//! let store = Store::memory();
//! let key = Key::new("sessions", "5b1f");
//! let caps = [IndexCap::at_most("principal:ada", 128), IndexCap::at_most("all", 10_000)];
//! let ttl = Ttl::After(Duration::from_secs(1800));
//! match store.kv.create_indexed(key, "record".into(), ttl, &caps).await {
//!     Ok(Attempt::Won(version)) => assert_eq!(store.kv.get(key).await?.unwrap().version, version),
//!     Ok(Attempt::Lost(_)) => println!("there is a session of that name"),
//!     Err(error) if error.is_full() => println!("too many sessions"),
//!     Err(error) => return Err(error),
//! }
//! assert_eq!(store.kv.count(Key::new("sessions", "principal:ada")).await?, 1);
//! # Ok(())
//! # }
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(example()).unwrap();
//! ```

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

mod bus;
mod clock;
#[cfg(feature = "contract")]
pub mod contract;
mod error;
mod kv;
mod log;
pub mod memory;

pub use bus::{Bus, Receive, Signal, Subscription};
pub use clock::{Clock, ManualClock, SystemClock, Timestamp};
pub use error::StoreError;
pub use kv::{Attempt, Batch, Entry, IndexCap, Key, Kv, Member, MemberPage, Ttl, Version, Write};
pub use log::{Log, LogEntry, LogPage, Position, Retain};

/// What an asynchronous operation of a home returns.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// The result of an operation of a home.
pub type Result<T, E = StoreError> = std::result::Result<T, E>;

/// The three primitives of one home. Clones share it.
#[derive(Clone)]
pub struct Store {
    /// Entries.
    pub kv: Arc<dyn Kv>,
    /// Streams.
    pub log: Arc<dyn Log>,
    /// Wake-up messages.
    pub bus: Arc<dyn Bus>,
}

impl Store {
    /// A store in this process's memory, which ends with it. Time is the system's.
    #[must_use]
    pub fn memory() -> Self {
        Self::memory_with_clock(Arc::new(SystemClock))
    }

    /// A store in this process's memory whose deadlines are judged by `clock`.
    #[must_use]
    pub fn memory_with_clock(clock: Arc<dyn Clock>) -> Self {
        Self {
            kv: Arc::new(memory::MemoryKv::new(Arc::clone(&clock))),
            log: Arc::new(memory::MemoryLog::new(clock)),
            bus: Arc::new(memory::MemoryBus::new()),
        }
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").field("kv", &self.kv).field("log", &self.log).field("bus", &self.bus).finish()
    }
}

//! Entries: values under keys, with a version and an expiry.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;

use crate::clock::Timestamp;
use crate::{BoxFuture, Result};

/// Where an entry, an index or a stream lies.
///
/// Both halves are free text. What is written together lies in one partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key<'a> {
    /// The unit of atomic writes.
    pub partition: &'a str,
    /// The name within the partition.
    pub name: &'a str,
}

impl<'a> Key<'a> {
    /// The key of `name` in `partition`.
    #[must_use]
    pub const fn new(partition: &'a str, name: &'a str) -> Self {
        Self { partition, name }
    }
}

/// Tells one write of an entry from every other: no two writes of one key ever have the same version, not even when
/// the entry was deleted in between. Versions say nothing about order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Version(u64);

impl Version {
    /// The version of this number.
    #[must_use]
    pub const fn from_u64(number: u64) -> Self {
        Self(number)
    }

    /// The number of this version.
    #[must_use]
    pub const fn as_u64(self) -> u64 {
        self.0
    }
}

/// How a write sets the moment at which the entry expires. An entry is absent from that moment on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ttl {
    /// The entry does not expire.
    Forever,
    /// The entry expires this long after this write (rounded up to whole milliseconds).
    After(Duration),
    /// An entry that this write creates expires after this time; one that exists keeps the deadline it has.
    /// So counts a window that begins with its first event.
    Fixed(Duration),
    /// An existing entry keeps its deadline; one that this write creates does not expire.
    Keep,
}

impl Ttl {
    /// The deadline that a write at `now` sets: `existing` is that of the entry written over, if there is one.
    /// `None` stands for no deadline.
    #[must_use]
    pub fn deadline(self, now: Timestamp, existing: Option<Option<Timestamp>>) -> Option<Timestamp> {
        match (self, existing) {
            (Self::Forever, _) | (Self::Keep, None) => None,
            (Self::After(ttl), _) | (Self::Fixed(ttl), None) => Some(now.saturating_add(ttl)),
            (Self::Keep | Self::Fixed(_), Some(deadline)) => deadline,
        }
    }
}

/// An entry as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// What was written.
    pub value: Bytes,
    /// Which write it was.
    pub version: Version,
    /// When the entry expires; `None` when it does not.
    pub expires_at: Option<Timestamp>,
}

/// An index that a new entry shall be a member of, and how many members it may have then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IndexCap<'a> {
    /// The name of the index, in the partition of the entry.
    pub index: &'a str,
    /// The number of live members that the index may have, with the new one; no limit when `None`.
    pub cap: Option<usize>,
}

impl<'a> IndexCap<'a> {
    /// An index without a cap.
    #[must_use]
    pub const fn uncapped(index: &'a str) -> Self {
        Self { index, cap: None }
    }

    /// An index of at most `cap` live members.
    #[must_use]
    pub const fn at_most(index: &'a str, cap: usize) -> Self {
        Self { index, cap: Some(cap) }
    }
}

/// How a conditional write ended.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "a conditional write may have lost"]
pub enum Attempt {
    /// The condition held; the entry has this version now.
    Won(Version),
    /// The condition did not hold, nothing was written; this is the entry that stands there, if one does.
    Lost(Option<Entry>),
}

impl Attempt {
    /// The new version, if the condition held.
    #[must_use]
    pub fn won(self) -> Option<Version> {
        match self {
            Self::Won(version) => Some(version),
            Self::Lost(_) => None,
        }
    }
}

/// One write of several, all in one partition. See [`Kv::apply`].
#[derive(Clone, Debug)]
pub enum Write<'a> {
    /// Writes the entry, whether or not there is one. Index memberships stay.
    Put {
        /// The name of the entry.
        name: &'a str,
        /// What to write.
        value: Bytes,
        /// When it expires.
        ttl: Ttl,
    },
    /// Writes the entry on the condition that there is none, as a member of `indexes`.
    Create {
        /// The name of the entry.
        name: &'a str,
        /// What to write.
        value: Bytes,
        /// When it expires.
        ttl: Ttl,
        /// The indexes that it becomes a member of.
        indexes: &'a [IndexCap<'a>],
    },
    /// Writes the entry on the condition that it has the version `expected`. Index memberships stay.
    Swap {
        /// The name of the entry.
        name: &'a str,
        /// The version that it must have.
        expected: Version,
        /// What to write.
        value: Bytes,
        /// When it expires.
        ttl: Ttl,
    },
    /// Deletes the entry; with `expected`, on the condition that it has this version. Without, an absent entry is no
    /// hindrance.
    Delete {
        /// The name of the entry.
        name: &'a str,
        /// The version that it must have.
        expected: Option<Version>,
    },
    /// Writes nothing, but makes it a condition that the entry has this version (`None`: is absent).
    Require {
        /// The name of the entry.
        name: &'a str,
        /// The version that it must have.
        version: Option<Version>,
    },
}

impl<'a> Write<'a> {
    /// The name of the entry that this is about.
    #[must_use]
    pub fn name(&self) -> &'a str {
        match self {
            Self::Put { name, .. }
            | Self::Create { name, .. }
            | Self::Swap { name, .. }
            | Self::Delete { name, .. }
            | Self::Require { name, .. } => name,
        }
    }
}

/// How several writes ended.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "the writes may have been refused"]
pub enum Batch {
    /// All were done. For each the version that the entry has now; `None` where it is absent now.
    Applied(Vec<Option<Version>>),
    /// None was done, because the condition of one did not hold.
    Refused {
        /// Which: its place among the writes.
        write: usize,
        /// What stood there, if anything did; the writes before this one are reckoned in.
        current: Option<Entry>,
    },
}

/// A member of an index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// The name of the entry.
    pub name: Box<str>,
    /// The entry.
    pub entry: Entry,
}

/// A part of an index, ordered by name (by bytes).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MemberPage {
    /// The members, at most as many as asked for.
    pub members: Vec<Member>,
    /// Whether there were more after the last one. Ask again with its name.
    pub more: bool,
}

/// Entries: values under keys.
///
/// An expired entry is absent. `put`, `compare_and_swap`, `increment` and `touch` leave an existing entry in the
/// indexes that it was created in; its deletion or expiry takes it out of them, and whatever is later written
/// under its name starts outside them.
pub trait Kv: Send + Sync + fmt::Debug {
    /// Reads an entry.
    ///
    /// # Errors
    /// When the home cannot be reached; so all operations.
    fn get<'a>(&'a self, key: Key<'a>) -> BoxFuture<'a, Result<Option<Entry>>>;

    /// Reads an entry and sets its deadline in the same trip. The version stays; so do the indexes, in which it
    /// stays as long as it lives.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    fn touch<'a>(&'a self, key: Key<'a>, ttl: Ttl) -> BoxFuture<'a, Result<Option<Entry>>>;

    /// Writes an entry, whether or not there is one.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    fn put<'a>(&'a self, key: Key<'a>, value: Bytes, ttl: Ttl) -> BoxFuture<'a, Result<Version>>;

    /// Writes an entry if there is none.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    fn put_if_absent<'a>(&'a self, key: Key<'a>, value: Bytes, ttl: Ttl) -> BoxFuture<'a, Result<Attempt>>;

    /// Writes an entry if there is none, as a member of `indexes`. Naming an index twice counts once, with the
    /// smaller cap.
    ///
    /// # Errors
    /// [`StoreError::is_full`](crate::StoreError::is_full) when an index has as many live members as its cap allows;
    /// the first such in the order of `indexes` is named. That the entry exists is reported before that.
    fn create_indexed<'a>(
        &'a self,
        key: Key<'a>,
        value: Bytes,
        ttl: Ttl,
        indexes: &'a [IndexCap<'a>],
    ) -> BoxFuture<'a, Result<Attempt>>;

    /// Writes an entry if it has the version `expected`.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    fn compare_and_swap<'a>(
        &'a self,
        key: Key<'a>,
        expected: Version,
        value: Bytes,
        ttl: Ttl,
    ) -> BoxFuture<'a, Result<Attempt>>;

    /// Deletes an entry and returns it. Of several callers one gets it: so a nonce is consumed.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    fn delete<'a>(&'a self, key: Key<'a>) -> BoxFuture<'a, Result<Option<Entry>>>;

    /// Adds `by` to a counter and returns the sum. An absent counter counts as 0; the value of a counter is its
    /// decimal text. A write: it changes the version.
    ///
    /// # Errors
    /// [`is_not_a_counter`](crate::StoreError::is_not_a_counter) when the value is not the decimal text of an `i64`,
    /// [`is_overflow`](crate::StoreError::is_overflow) when the sum is none.
    fn increment<'a>(&'a self, key: Key<'a>, by: i64, ttl: Ttl) -> BoxFuture<'a, Result<i64>>;

    /// Does all `writes` in one partition, in their order, or none of them. Each sees what those before it did.
    ///
    /// # Errors
    /// As [`create_indexed`](Self::create_indexed).
    fn apply<'a>(&'a self, partition: &'a str, writes: Vec<Write<'a>>) -> BoxFuture<'a, Result<Batch>>;

    /// Lists at most `limit` members of an index whose names come after `after`, in the order of their names.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    fn scan<'a>(
        &'a self,
        index: Key<'a>,
        after: Option<&'a str>,
        limit: usize,
    ) -> BoxFuture<'a, Result<MemberPage>>;

    /// The number of live members of an index.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    fn count<'a>(&'a self, index: Key<'a>) -> BoxFuture<'a, Result<usize>>;
}

//! Rows that expire.

use std::collections::BTreeSet;

use ahash::RandomState;
use hashbrown::HashTable;

use super::path::Path;
use super::{PER_BLOCK, hash};
use crate::clock::Timestamp;
use crate::kv::Key;

/// Rows by key, and the queue in which they expire.
#[derive(Debug)]
pub(super) struct Table<V> {
    rows: HashTable<Row<V>>,
    /// Each row that expires is here once, at its deadline or before.
    due: BTreeSet<(Timestamp, Path)>,
    hasher: RandomState,
}

#[derive(Clone, Debug)]
pub(super) struct Row<V> {
    path: Path,
    /// [`Timestamp::MAX`] stands for never.
    deadline: Timestamp,
    /// Where in the queue the row is; [`Timestamp::MAX`] when it is not.
    queued: Timestamp,
    pub(super) value: V,
}

impl<V> Row<V> {
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn expires_at(&self) -> Option<Timestamp> {
        (self.deadline != Timestamp::MAX).then_some(self.deadline)
    }

    fn is_live(&self, now: Timestamp) -> bool {
        self.deadline > now || self.deadline == Timestamp::MAX
    }
}

impl<V> Table<V> {
    pub(super) fn new(hasher: RandomState) -> Self {
        Self { rows: HashTable::new(), due: BTreeSet::new(), hasher }
    }

    /// A row that has not expired.
    pub(super) fn get(&self, key: Key<'_>, now: Timestamp) -> Option<&Row<V>> {
        self.rows.find(hash(&self.hasher, key), |row| row.path.key() == key).filter(|row| row.is_live(now))
    }

    /// A row that has not expired, to be changed.
    pub(super) fn get_mut(&mut self, key: Key<'_>, now: Timestamp) -> Option<&mut Row<V>> {
        self.rows
            .find_mut(hash(&self.hasher, key), |row| row.path.key() == key)
            .filter(|row| row.is_live(now))
    }

    /// Adds a row. There must be none of its key, not even an expired one.
    pub(super) fn insert(&mut self, path: Path, value: V, expires_at: Option<Timestamp>) {
        let deadline = expires_at.unwrap_or(Timestamp::MAX);
        if deadline != Timestamp::MAX {
            self.due.insert((deadline, path.clone()));
        }
        let hasher = &self.hasher;
        self.rows.insert_unique(
            hash(hasher, path.key()),
            Row { path, deadline, queued: deadline, value },
            |row| hash(hasher, row.path.key()),
        );
    }

    /// Adds a row that was removed before, as it was.
    pub(super) fn restore(&mut self, row: Row<V>) {
        let expires_at = row.expires_at();
        self.insert(row.path, row.value, expires_at);
    }

    /// Removes a row, expired or not.
    pub(super) fn remove(&mut self, key: Key<'_>) -> Option<Row<V>> {
        let entry = self.rows.find_entry(hash(&self.hasher, key), |row| row.path.key() == key).ok()?;
        let (row, _) = entry.remove();
        if row.queued != Timestamp::MAX {
            self.due.remove(&(row.queued, row.path.clone()));
        }
        self.shrink();
        Some(row)
    }

    /// Removes a row if it has expired.
    pub(super) fn remove_expired(&mut self, key: Key<'_>, now: Timestamp) -> Option<Row<V>> {
        let found = self.rows.find(hash(&self.hasher, key), |row| row.path.key() == key);
        found.filter(|row| !row.is_live(now))?;
        self.remove(key)
    }

    /// Sets the deadline of a row. A later deadline leaves the queue as it is.
    pub(super) fn set_deadline(&mut self, key: Key<'_>, expires_at: Option<Timestamp>) {
        let Some(row) = self.rows.find_mut(hash(&self.hasher, key), |row| row.path.key() == key) else {
            return;
        };
        row.deadline = expires_at.unwrap_or(Timestamp::MAX);
        if row.deadline < row.queued {
            if row.queued != Timestamp::MAX {
                self.due.remove(&(row.queued, row.path.clone()));
            }
            row.queued = row.deadline;
            self.due.insert((row.queued, row.path.clone()));
        }
    }

    /// Whether the time of a row in the queue has come.
    pub(super) fn has_due(&self, now: Timestamp) -> bool {
        self.due.first().is_some_and(|(at, _)| *at <= now)
    }

    /// Looks at the first row in the queue if its time has come, and removes it unless it was extended.
    pub(super) fn sweep_one(&mut self, now: Timestamp) -> Swept<V> {
        if !self.has_due(now) {
            return Swept::Nothing;
        }
        let Some((_, path)) = self.due.pop_first() else { return Swept::Nothing };
        let hash = hash(&self.hasher, path.key());
        let Ok(mut entry) = self.rows.find_entry(hash, |row| row.path == path) else {
            return Swept::Extended;
        };
        let row = entry.get_mut();
        row.queued = Timestamp::MAX;
        if row.is_live(now) {
            if row.deadline != Timestamp::MAX {
                row.queued = row.deadline;
                self.due.insert((row.queued, path));
            }
            return Swept::Extended;
        }
        let (row, _) = entry.remove();
        self.shrink();
        Swept::Expired(row)
    }

    /// The number of rows, expired ones that are still there included.
    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    /// The bytes of the table and of its rows; `of` tells what a value holds elsewhere.
    pub(super) fn footprint(&self, of: impl Fn(&V) -> usize) -> usize {
        // A node of a B-tree holds eleven and is two thirds full on average.
        let due = self.due.len() * size_of::<(Timestamp, Path)>() * 3 / 2;
        let rows = self.rows.iter().map(|row| row.path.footprint() + of(&row.value)).sum::<usize>();
        PER_BLOCK + self.rows.allocation_size() + due + rows
    }

    /// Gives memory back after most rows have gone.
    fn shrink(&mut self) {
        if self.rows.capacity() > 64 && self.rows.len() < self.rows.capacity() / 8 {
            let hasher = &self.hasher;
            self.rows.shrink_to(self.rows.len() * 2, |row| hash(hasher, row.path.key()));
        }
    }
}

/// What [`Table::sweep_one`] found.
#[derive(Debug)]
pub(super) enum Swept<V> {
    /// No row's time has come.
    Nothing,
    /// The row was extended, and has been queued anew.
    Extended,
    /// The row has expired, and has been removed.
    Expired(Row<V>),
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: Key<'static> = Key::new("p", "n");

    fn at(millis: u64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    fn table() -> Table<u8> {
        let mut table = Table::new(RandomState::new());
        table.insert(Path::new(KEY), 7, Some(at(10)));
        table
    }

    #[test]
    fn an_extended_row_is_queued_anew_when_its_old_time_comes() {
        let mut table = table();
        table.set_deadline(KEY, Some(at(20)));
        assert!(table.has_due(at(10)));
        assert!(matches!(table.sweep_one(at(10)), Swept::Extended));
        assert!(!table.has_due(at(19)));
        assert!(matches!(table.sweep_one(at(20)), Swept::Expired(_)));
        assert_eq!(table.len(), 0);
    }

    #[test]
    fn a_shortened_row_expires_at_its_new_time_and_is_queued_once() {
        let mut table = table();
        table.set_deadline(KEY, Some(at(5)));
        assert!(matches!(table.sweep_one(at(4)), Swept::Nothing));
        assert!(matches!(table.sweep_one(at(5)), Swept::Expired(_)));
        assert!(table.due.is_empty());
    }

    #[test]
    fn a_row_made_permanent_leaves_the_queue() {
        let mut table = table();
        table.set_deadline(KEY, None);
        assert!(matches!(table.sweep_one(at(10)), Swept::Extended));
        assert!(table.due.is_empty());
        table.set_deadline(KEY, Some(at(30)));
        assert!(matches!(table.sweep_one(at(30)), Swept::Expired(_)));
    }

    #[test]
    fn a_removed_row_leaves_nothing_in_the_queue() {
        let mut table = table();
        table.set_deadline(KEY, Some(at(20)));
        assert!(table.remove(KEY).is_some());
        assert!(table.due.is_empty());
    }

    #[test]
    fn memory_is_given_back_when_most_rows_have_gone() {
        let mut table = Table::new(RandomState::new());
        let names: Vec<String> = (0..10_000).map(|n| n.to_string()).collect();
        for name in &names {
            table.insert(Path::new(Key::new("p", name)), 0_u8, Some(at(10)));
        }
        let full = table.footprint(|_| 0);
        while !matches!(table.sweep_one(at(10)), Swept::Nothing) {}
        assert!(table.footprint(|_| 0) < full / 50);
    }
}

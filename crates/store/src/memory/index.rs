//! Which entries are members of which index.

use std::borrow::Borrow;
use std::collections::BTreeSet;
use std::ops::Bound;

use ahash::RandomState;
use hashbrown::HashTable;

use super::path::Path;
use super::{PER_BLOCK, hash};
use crate::kv::Key;

/// The indexes of a shard. An index without members does not exist.
#[derive(Debug)]
pub(super) struct Indexes {
    indexes: HashTable<Index>,
    hasher: RandomState,
}

#[derive(Debug)]
struct Index {
    path: Path,
    members: Members,
}

/// Most indexes by principal have one member, and then need no block of their own.
#[derive(Debug)]
enum Members {
    One(Named),
    Many(BTreeSet<Named>),
}

/// The path of an entry, compared by its name: all members of an index are of one partition.
#[derive(Clone, Debug)]
struct Named(Path);

impl Indexes {
    pub(super) fn new(hasher: RandomState) -> Self {
        Self { indexes: HashTable::new(), hasher }
    }

    /// The number of members.
    pub(super) fn len(&self, index: Key<'_>) -> usize {
        self.find(index).map_or(0, |index| match &index.members {
            Members::One(_) => 1,
            Members::Many(members) => members.len(),
        })
    }

    /// Adds a member, and returns the index's own copy of its name.
    pub(super) fn insert(&mut self, index: Key<'_>, member: &Path) -> Path {
        let hash_of_key = hash(&self.hasher, index);
        if let Some(found) = self.indexes.find_mut(hash_of_key, |found| found.path.key() == index) {
            found.members.insert(Named(member.clone()));
            return found.path.clone();
        }
        let path = Path::new(index);
        let hasher = &self.hasher;
        let members = Members::One(Named(member.clone()));
        self.indexes.insert_unique(hash_of_key, Index { path: path.clone(), members }, |index| {
            hash(hasher, index.path.key())
        });
        path
    }

    /// Removes a member, and the index with its last one.
    pub(super) fn remove(&mut self, index: Key<'_>, member: &Path) {
        let hash_of_key = hash(&self.hasher, index);
        let Ok(mut found) = self.indexes.find_entry(hash_of_key, |found| found.path.key() == index) else {
            return;
        };
        if found.get_mut().members.remove(member) {
            found.remove();
            self.shrink();
        }
    }

    /// The members after a name, in order.
    pub(super) fn after(&self, index: Key<'_>, after: Option<&str>) -> impl Iterator<Item = &Path> {
        let (one, many) = match self.find(index).map(|index| &index.members) {
            None => (None, None),
            Some(Members::One(member)) => {
                let is_after = after.is_none_or(|after| member.0.name() > after);
                (is_after.then_some(member), None)
            }
            Some(Members::Many(members)) => {
                let lower = after.map_or(Bound::Unbounded, Bound::Excluded);
                (None, Some(members.range::<str, _>((lower, Bound::Unbounded))))
            }
        };
        one.into_iter().chain(many.into_iter().flatten()).map(|member| &member.0)
    }

    /// The bytes of the indexes, without the names of the members, which belong to the entries.
    pub(super) fn footprint(&self) -> usize {
        let each = |index: &Index| {
            // A node of a B-tree holds eleven and is two thirds full on average.
            let members = match &index.members {
                Members::One(_) => 0,
                Members::Many(members) => members.len().div_ceil(7) * 11 * size_of::<Named>(),
            };
            index.path.footprint() + members
        };
        PER_BLOCK + self.indexes.allocation_size() + self.indexes.iter().map(each).sum::<usize>()
    }

    fn find(&self, index: Key<'_>) -> Option<&Index> {
        self.indexes.find(hash(&self.hasher, index), |found| found.path.key() == index)
    }

    /// Gives memory back after most indexes have gone.
    fn shrink(&mut self) {
        if self.indexes.capacity() > 64 && self.indexes.len() < self.indexes.capacity() / 8 {
            let hasher = &self.hasher;
            self.indexes.shrink_to(self.indexes.len() * 2, |index| hash(hasher, index.path.key()));
        }
    }
}

impl Members {
    fn insert(&mut self, member: Named) {
        match self {
            Self::One(one) if *one == member => {}
            Self::One(one) => *self = Self::Many(BTreeSet::from([one.clone(), member])),
            Self::Many(many) => {
                many.insert(member);
            }
        }
    }

    /// Removes a member; says whether none is left.
    fn remove(&mut self, member: &Path) -> bool {
        match self {
            Self::One(one) => one.0 == *member,
            Self::Many(many) => {
                many.remove(member.name());
                if let (1, Some(last)) = (many.len(), many.first()) {
                    *self = Self::One(last.clone());
                }
                false
            }
        }
    }
}

impl Borrow<str> for Named {
    fn borrow(&self) -> &str {
        self.0.name()
    }
}

impl PartialEq for Named {
    fn eq(&self, other: &Self) -> bool {
        self.0.name() == other.0.name()
    }
}

impl Eq for Named {}

impl PartialOrd for Named {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Named {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.name().cmp(other.0.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INDEX: Key<'static> = Key::new("p", "i");

    fn names(indexes: &Indexes, after: Option<&str>) -> Vec<String> {
        indexes.after(INDEX, after).map(|path| path.name().to_owned()).collect()
    }

    #[test]
    fn an_index_goes_from_one_to_many_and_back_and_away() {
        let mut indexes = Indexes::new(RandomState::new());
        let paths = ["c", "a", "b"].map(|name| Path::new(Key::new("p", name)));
        for path in &paths {
            indexes.insert(INDEX, path);
            indexes.insert(INDEX, path);
        }
        assert_eq!(names(&indexes, None), ["a", "b", "c"]);
        assert_eq!(names(&indexes, Some("a")), ["b", "c"]);
        indexes.remove(INDEX, &paths[0]);
        indexes.remove(INDEX, &paths[1]);
        assert_eq!(names(&indexes, None), ["b"]);
        assert_eq!(names(&indexes, Some("b")), [""; 0]);
        indexes.remove(INDEX, &paths[1]);
        assert_eq!(indexes.len(INDEX), 1);
        indexes.remove(INDEX, &paths[2]);
        assert_eq!(indexes.len(INDEX), 0);
        assert!(indexes.indexes.is_empty());
    }
}

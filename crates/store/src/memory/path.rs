//! A key of its own.

use std::cmp::Ordering;
use std::sync::Arc;

use super::PER_BLOCK;
use crate::kv::Key;

/// A key that owns its text, in one shared block.
#[derive(Clone, Debug)]
pub(super) struct Path {
    text: Arc<str>,
    /// Where the partition ends and the name begins.
    split: usize,
}

impl Path {
    pub(super) fn new(key: Key<'_>) -> Self {
        Self { text: [key.partition, key.name].concat().into(), split: key.partition.len() }
    }

    pub(super) fn key(&self) -> Key<'_> {
        // `split` was taken between two strings: it is a character boundary within the text.
        let (partition, name) = self.text.split_at(self.split);
        Key { partition, name }
    }

    pub(super) fn name(&self) -> &str {
        self.key().name
    }

    /// The bytes of the shared block.
    pub(super) fn footprint(&self) -> usize {
        // The reference counts precede the text.
        PER_BLOCK + 2 * size_of::<usize>() + self.text.len()
    }
}

impl PartialEq for Path {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Path {}

impl PartialOrd for Path {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Path {
    fn cmp(&self, other: &Self) -> Ordering {
        self.key().cmp(&other.key())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_that_read_alike_when_joined_stay_apart() {
        let (one, two) = (Path::new(Key::new("ab", "c")), Path::new(Key::new("a", "bc")));
        assert_ne!(one, two);
        assert_eq!(one.key(), Key::new("ab", "c"));
        assert_eq!(two.name(), "bc");
    }
}

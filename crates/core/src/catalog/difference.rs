//! What a change of the catalog means for its callers.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::entry::Entry;
use super::snapshot::{Snapshot, Table, is_visible};
use crate::changes::Listing;
use crate::principal::Principal;

/// Which lists a change touched, and for whom: so much as every process has to know to tell only those who see it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Difference([BTreeSet<Touched>; 3]);

/// An entry that came, went or became another, by who could and who can see it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Touched {
    /// The scopes that it asked for; `None` where it was not there.
    before: Option<Vec<String>>,
    /// The scopes that it asks for; `None` where it is gone.
    after: Option<Vec<String>>,
    /// Whether its definition is what it was.
    same: bool,
}

/// How many kinds of callers a difference tells apart in one list. Past it everybody counts as concerned.
const MOST: usize = 64;

impl Difference {
    /// What is not in both snapshots alike.
    pub(crate) fn between(before: &Snapshot, after: &Snapshot) -> Self {
        let mut difference = Self::default();
        difference.add(Listing::Tools, &before.tools, &after.tools);
        difference.add(Listing::Prompts, &before.prompts, &after.prompts);
        difference.add(Listing::Resources, &before.resources, &after.resources);
        difference.add(Listing::Resources, &before.templates, &after.templates);
        difference
    }

    /// Whether no list differs.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.iter().all(BTreeSet::is_empty)
    }

    /// Takes another change in.
    pub(crate) fn merge(&mut self, other: Self) {
        for (own, other) in self.0.iter_mut().zip(other.0) {
            own.extend(other);
            bound(own);
        }
    }

    /// Whether a principal sees that a list differs.
    pub(crate) fn concerns(&self, listing: Listing, principal: &Principal) -> bool {
        self.0[listing as usize].iter().any(|touched| {
            let sees = |scopes: &Option<Vec<String>>| {
                scopes.as_ref().is_some_and(|scopes| is_visible(scopes, principal))
            };
            let (before, after) = (sees(&touched.before), sees(&touched.after));
            before != after || (before && !touched.same)
        })
    }

    fn add<E: Entry>(&mut self, listing: Listing, before: &Table<E>, after: &Table<E>) {
        let set = &mut self.0[listing as usize];
        let mut touch = |before: Option<&E>, after: Option<&E>, same| {
            let scopes = |entry: &E| entry.scopes().to_vec();
            set.insert(Touched { before: before.map(scopes), after: after.map(scopes), same });
        };
        // Both are sorted by key.
        let (mut old, mut new) = (before.entries.iter().peekable(), after.entries.iter().peekable());
        loop {
            let order = match (old.peek(), new.peek()) {
                (None, None) => break,
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (Some(old), Some(new)) => old.key().cmp(new.key()),
            };
            let gone = old.next_if(|_| order.is_le());
            let come = new.next_if(|_| order.is_ge());
            match (gone, come) {
                (Some(gone), Some(come)) => {
                    let same = gone.json() == come.json();
                    if !same || gone.scopes() != come.scopes() {
                        touch(Some(gone), Some(come), same);
                    }
                }
                (gone, come) => touch(gone.map(AsRef::as_ref), come.map(AsRef::as_ref), false),
            }
        }
        bound(set);
    }
}

fn bound(set: &mut BTreeSet<Touched>) {
    if set.len() > MOST {
        set.clear();
        set.insert(Touched { before: None, after: Some(Vec::new()), same: false });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn touched(before: Option<&[&str]>, after: Option<&[&str]>, same: bool) -> Difference {
        let scopes = |scopes: &[&str]| scopes.iter().map(ToString::to_string).collect();
        let mut difference = Difference::default();
        difference.0[Listing::Tools as usize].insert(Touched {
            before: before.map(scopes),
            after: after.map(scopes),
            same,
        });
        difference
    }

    #[test]
    fn only_those_who_see_it_are_concerned() {
        let nobody = Principal::anonymous();
        let admin = Principal::named("a", ["admin"]);
        let both = Principal::named("b", ["admin", "staff"]);
        for (difference, concerned) in [
            (touched(None, Some(&[]), false), [true, true, true]),
            (touched(Some(&["admin"]), None, false), [false, true, true]),
            (touched(Some(&["admin"]), Some(&["admin"]), false), [false, true, true]),
            // It is theirs no more, or for the first time; who sees it as before has nothing to hear.
            (touched(Some(&["admin"]), Some(&["staff"]), true), [false, true, false]),
            (touched(Some(&["admin"]), Some(&[]), true), [true, false, false]),
        ] {
            let found = [&nobody, &admin, &both].map(|who| difference.concerns(Listing::Tools, who));
            assert_eq!(found, concerned, "{difference:?}");
            assert!(!difference.concerns(Listing::Prompts, &both));
        }
    }
}

//! Entries and indexes against a model that is too simple to be wrong.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use bytes::Bytes;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::{Home, runtime};
use crate::{Attempt, Batch, Clock, Entry, IndexCap, Key, Kv, Result, Timestamp, Ttl, Version, Write};

const PARTITION: &str = "partition";
const NAMES: [&str; 4] = ["a", "b", "c", "d"];
const INDEXES: [&str; 3] = ["x", "y", "z"];

/// Sequences of all operations have the results that the model says, and leave the home as the model is.
pub fn entries_agree_with_a_simple_model(make: impl AsyncFn() -> Home) {
    let runtime = runtime();
    let config = Config { cases: 192, failure_persistence: None, ..Config::default() };
    let steps = prop::collection::vec(step(), 1..60);
    let result = TestRunner::new(config).run(&steps, |steps| {
        runtime.block_on(async { Run::new(make().await).all(steps).await });
        Ok(())
    });
    if let Err(error) = result {
        panic!("{error}");
    }
}

#[derive(Clone, Debug)]
enum Step {
    Advance(u64),
    Get(usize),
    Touch(usize, Ttl),
    Increment(usize, i64, Ttl),
    Scan(usize, Option<usize>, usize),
    Count(usize),
    One(Change),
    Batch(Vec<Change>),
}

/// A write whose versions are yet to be filled in.
#[derive(Clone, Debug)]
struct Change {
    kind: ChangeKind,
    name: usize,
    value: u8,
    ttl: Ttl,
    indexes: Vec<IndexCap<'static>>,
    /// Whether the version expected is that of the entry, or an older one.
    current: bool,
}

#[derive(Clone, Copy, Debug)]
enum ChangeKind {
    Put,
    Create,
    Swap,
    Delete,
    DeleteExpected,
    Require,
    RequireAbsent,
}

fn step() -> impl Strategy<Value = Step> {
    let (name, index) = (0..NAMES.len(), 0..INDEXES.len());
    prop_oneof![
        2 => (0_u64..3000).prop_map(Step::Advance),
        1 => name.clone().prop_map(Step::Get),
        2 => (name.clone(), ttl()).prop_map(|(name, ttl)| Step::Touch(name, ttl)),
        2 => (name.clone(), -3_i64..3, ttl()).prop_map(|(name, by, ttl)| Step::Increment(name, by, ttl)),
        1 => (index.clone(), prop::option::of(name), 0_usize..4)
            .prop_map(|(index, after, limit)| Step::Scan(index, after, limit)),
        1 => index.prop_map(Step::Count),
        6 => change().prop_map(Step::One),
        2 => prop::collection::vec(change(), 0..5).prop_map(Step::Batch),
    ]
}

fn ttl() -> impl Strategy<Value = Ttl> {
    let span = || (0_u64..4000).prop_map(Duration::from_millis);
    prop_oneof![Just(Ttl::Forever), Just(Ttl::Keep), span().prop_map(Ttl::After), span().prop_map(Ttl::Fixed),]
}

fn change() -> impl Strategy<Value = Change> {
    use ChangeKind::{Create, Delete, DeleteExpected, Put, Require, RequireAbsent, Swap};
    let kind = prop_oneof![
        2 => Just(Put), 4 => Just(Create), 3 => Just(Swap), 2 => Just(Delete),
        1 => Just(DeleteExpected), 1 => Just(Require), 1 => Just(RequireAbsent),
    ];
    let cap = (0..INDEXES.len(), prop::option::weighted(0.8, 0_usize..4))
        .prop_map(|(index, cap)| IndexCap { index: INDEXES[index], cap });
    let indexes = prop::collection::vec(cap, 0..3);
    (kind, 0..NAMES.len(), any::<u8>(), ttl(), indexes, prop::bool::weighted(0.8)).prop_map(
        |(kind, name, value, ttl, indexes, current)| Change { kind, name, value, ttl, indexes, current },
    )
}

/// An entry as the model has it. The version is unknown within the batch that wrote it.
#[derive(Clone, Debug)]
struct Row {
    value: Bytes,
    version: Option<Version>,
    expires_at: Option<Timestamp>,
    indexes: BTreeSet<&'static str>,
}

impl Row {
    fn assert_is(&self, entry: &Entry) {
        assert_eq!((&self.value, self.expires_at), (&entry.value, entry.expires_at));
        assert!(self.version.is_none_or(|version| version == entry.version));
    }
}

fn assert_same(row: Option<&Row>, entry: Option<&Entry>) {
    match (row, entry) {
        (Some(row), Some(entry)) => row.assert_is(entry),
        (None, None) => {}
        _ => panic!("expected {row:?}, found {entry:?}"),
    }
}

#[derive(Clone, Debug, Default)]
struct Model(BTreeMap<&'static str, Row>);

enum Refusal {
    Lost(Option<Row>),
    Full(&'static str),
}

impl Model {
    fn count(&self, index: &str) -> usize {
        self.0.values().filter(|row| row.indexes.contains(index)).count()
    }

    fn set(&mut self, now: Timestamp, name: &'static str, value: Bytes, ttl: Ttl) {
        let old = self.0.remove(name);
        let expires_at = ttl.deadline(now, old.as_ref().map(|row| row.expires_at));
        let indexes = old.map(|row| row.indexes).unwrap_or_default();
        self.0.insert(name, Row { value, version: None, expires_at, indexes });
        self.expire(now);
    }

    fn write(&mut self, now: Timestamp, write: &Write<'_>, change: &Change) -> Result<(), Refusal> {
        let name = NAMES[change.name];
        let current = self.0.get(name);
        let version = current.map(|row| row.version);
        let holds = match write {
            Write::Put { .. } | Write::Delete { expected: None, .. } => true,
            Write::Create { .. } | Write::Require { version: None, .. } => current.is_none(),
            Write::Swap { expected, .. }
            | Write::Delete { expected: Some(expected), .. }
            | Write::Require { version: Some(expected), .. } => version == Some(Some(*expected)),
        };
        if !holds {
            return Err(Refusal::Lost(current.cloned()));
        }
        match write {
            Write::Put { value, ttl, .. } | Write::Swap { value, ttl, .. } => {
                self.set(now, name, value.clone(), *ttl);
            }
            Write::Create { value, ttl, .. } => {
                let full = |cap: &&IndexCap<'_>| cap.cap.is_some_and(|most| self.count(cap.index) >= most);
                if let Some(cap) = change.indexes.iter().find(full) {
                    return Err(Refusal::Full(cap.index));
                }
                let expires_at = ttl.deadline(now, None);
                let indexes = change.indexes.iter().map(|cap| cap.index).collect();
                self.0.insert(name, Row { value: value.clone(), version: None, expires_at, indexes });
                self.expire(now);
            }
            Write::Delete { .. } => {
                self.0.remove(name);
            }
            Write::Require { .. } => {}
        }
        Ok(())
    }

    fn expire(&mut self, now: Timestamp) {
        self.0.retain(|_, row| row.expires_at.is_none_or(|at| at > now));
    }
}

/// The home and the model, side by side.
struct Run {
    home: Home,
    model: Model,
    /// Every version that each name has had.
    versions: BTreeMap<&'static str, Vec<Version>>,
}

impl Run {
    fn new(home: Home) -> Self {
        Self { home, model: Model::default(), versions: BTreeMap::new() }
    }

    async fn all(mut self, steps: Vec<Step>) {
        for step in steps {
            self.step(step).await;
        }
        for name in NAMES {
            let entry = self.kv().get(key(name)).await.unwrap();
            assert_same(self.model.0.get(name), entry.as_ref());
        }
        for index in INDEXES {
            self.scan(index, None, usize::MAX).await;
        }
    }

    fn kv(&self) -> &dyn Kv {
        &*self.home.store.kv
    }

    async fn step(&mut self, step: Step) {
        let now = self.home.clock.now();
        match step {
            Step::Advance(millis) => {
                self.home.clock.advance(Duration::from_millis(millis));
                self.model.expire(self.home.clock.now());
            }
            Step::Get(name) => {
                let entry = self.kv().get(key(NAMES[name])).await.unwrap();
                assert_same(self.model.0.get(NAMES[name]), entry.as_ref());
            }
            Step::Touch(name, ttl) => {
                let entry = self.kv().touch(key(NAMES[name]), ttl).await.unwrap();
                if let Some(row) = self.model.0.get_mut(NAMES[name]) {
                    row.expires_at = ttl.deadline(now, Some(row.expires_at));
                }
                assert_same(self.model.0.get(NAMES[name]), entry.as_ref());
                self.model.expire(now);
            }
            Step::Increment(name, by, ttl) => self.increment(now, NAMES[name], by, ttl).await,
            Step::Scan(index, after, limit) => {
                self.scan(INDEXES[index], after.map(|name| NAMES[name]), limit).await;
            }
            Step::Count(index) => {
                let count = self.kv().count(key(INDEXES[index])).await.unwrap();
                assert_eq!(count, self.model.count(INDEXES[index]));
            }
            Step::One(change) => self.one(now, &change).await,
            Step::Batch(changes) => self.batch(now, &changes).await,
        }
    }

    async fn increment(&mut self, now: Timestamp, name: &'static str, by: i64, ttl: Ttl) {
        let sum = self.kv().increment(key(name), by, ttl).await;
        let count = match self.model.0.get(name) {
            None => Some(0),
            Some(row) => std::str::from_utf8(&row.value).unwrap().parse::<i64>().ok(),
        };
        match (sum, count) {
            (Ok(sum), Some(count)) => {
                assert_eq!(sum, count + by);
                self.model.set(now, name, sum.to_string().into(), ttl);
                if let Some(entry) = self.kv().get(key(name)).await.unwrap() {
                    self.wrote(name, Some(entry.version));
                }
            }
            (Err(error), None) => assert!(error.is_not_a_counter(), "{error}"),
            (sum, count) => panic!("incremented {count:?} by {by} to {sum:?}"),
        }
    }

    async fn scan(&self, index: &str, after: Option<&str>, limit: usize) {
        let page = self.kv().scan(key(index), after, limit).await.unwrap();
        let all =
            self.model.0.iter().filter(|(name, row)| {
                row.indexes.contains(index) && after.is_none_or(|after| **name > after)
            });
        let expected: Vec<_> = all.collect();
        assert_eq!(page.more, expected.len() > limit);
        assert_eq!(page.members.len(), expected.len().min(limit));
        for (member, (name, row)) in page.members.iter().zip(expected) {
            assert_eq!(&*member.name, *name);
            row.assert_is(&member.entry);
        }
    }

    async fn one(&mut self, now: Timestamp, change: &Change) {
        let (name, ttl) = (NAMES[change.name], change.ttl);
        let write = self.filled(change);
        let before = self.model.0.get(name).cloned();
        let expected = self.model.write(now, &write, change);
        let done = match write {
            Write::Put { value, .. } => self.kv().put(key(name), value, ttl).await.map(Attempt::Won),
            Write::Create { value, indexes: [], .. } => self.kv().put_if_absent(key(name), value, ttl).await,
            Write::Create { value, indexes, .. } => {
                self.kv().create_indexed(key(name), value, ttl, indexes).await
            }
            Write::Swap { expected, value, .. } => {
                self.kv().compare_and_swap(key(name), expected, value, ttl).await
            }
            Write::Delete { expected: None, .. } => {
                let deleted = self.kv().delete(key(name)).await.unwrap();
                return assert_same(before.as_ref(), deleted.as_ref());
            }
            Write::Delete { .. } | Write::Require { .. } => {
                return self.batch_done(
                    self.kv().apply(PARTITION, vec![write]).await,
                    expected.map_err(|refusal| (0, refusal)),
                    &[change.name],
                );
            }
        };
        match (done, expected) {
            (Ok(Attempt::Won(version)), Ok(())) => self.wrote(name, Some(version)),
            (Ok(Attempt::Lost(entry)), Err(Refusal::Lost(row))) => assert_same(row.as_ref(), entry.as_ref()),
            (Err(error), Err(Refusal::Full(index))) => assert_eq!(error.full_index(), Some(index)),
            (done, _) => panic!("{change:?} ended as {done:?}"),
        }
    }

    async fn batch(&mut self, now: Timestamp, changes: &[Change]) {
        let writes: Vec<_> = changes.iter().map(|change| self.filled(change)).collect();
        let before = self.model.clone();
        let mut expected = Ok(());
        for (place, (write, change)) in writes.iter().zip(changes).enumerate() {
            if let Err(refusal) = self.model.write(now, write, change) {
                expected = Err((place, refusal));
                self.model = before;
                break;
            }
        }
        let done = self.kv().apply(PARTITION, writes).await;
        let names: Vec<_> = changes.iter().map(|change| change.name).collect();
        self.batch_done(done, expected, &names);
    }

    fn batch_done(&mut self, done: Result<Batch>, expected: Result<(), (usize, Refusal)>, names: &[usize]) {
        match (done, expected) {
            (Ok(Batch::Applied(versions)), Ok(())) => {
                assert_eq!(versions.len(), names.len());
                for (name, version) in names.iter().zip(versions) {
                    assert_eq!(version.is_some(), self.model.0.contains_key(NAMES[*name]));
                    self.wrote(NAMES[*name], version);
                }
            }
            (Ok(Batch::Refused { write, current }), Err((place, Refusal::Lost(row)))) => {
                assert_eq!(write, place);
                assert_same(row.as_ref(), current.as_ref());
            }
            (Err(error), Err((_, Refusal::Full(index)))) => assert_eq!(error.full_index(), Some(index)),
            (done, _) => panic!("the batch ended as {done:?}"),
        }
    }

    /// Notes the version of an entry that the model has just written, which must be new.
    fn wrote(&mut self, name: &'static str, version: Option<Version>) {
        let Some(version) = version else { return };
        let known = self.versions.entry(name).or_default();
        if let Some(row) = self.model.0.get_mut(name) {
            match row.version {
                None => assert!(!known.contains(&version), "the version {version:?} of `{name}` returned"),
                Some(unchanged) => assert_eq!(version, unchanged),
            }
            row.version = Some(version);
        }
        if !known.contains(&version) {
            known.push(version);
        }
    }

    /// The write of a change, with the versions of now.
    fn filled<'a>(&self, change: &'a Change) -> Write<'a> {
        let name = NAMES[change.name];
        let current = self.model.0.get(name).and_then(|row| row.version);
        let known = self.versions.get(name);
        let stale = known.and_then(|known| known.iter().find(|version| Some(**version) != current).copied());
        let expected = if change.current { current } else { stale }.unwrap_or(Version::from_u64(0));
        let value =
            if change.value.is_multiple_of(4) { "text".into() } else { change.value.to_string().into() };
        let ttl = change.ttl;
        match change.kind {
            ChangeKind::Put => Write::Put { name, value, ttl },
            ChangeKind::Create => Write::Create { name, value, ttl, indexes: &change.indexes },
            ChangeKind::Swap => Write::Swap { name, expected, value, ttl },
            ChangeKind::Delete => Write::Delete { name, expected: None },
            ChangeKind::DeleteExpected => Write::Delete { name, expected: Some(expected) },
            ChangeKind::Require => Write::Require { name, version: Some(expected) },
            ChangeKind::RequireAbsent => Write::Require { name, version: None },
        }
    }
}

fn key(name: &str) -> Key<'_> {
    Key::new(PARTITION, name)
}

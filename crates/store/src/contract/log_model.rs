//! Streams against a model that is too simple to be wrong.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::{Home, runtime};
use crate::{Clock, Key, LogPage, Position, Retain, Timestamp, Ttl};

const STREAM: Key<'static> = Key::new("partition", "stream");

/// Sequences of all operations on a stream have the results that the model says.
pub fn streams_agree_with_a_simple_model(make: impl AsyncFn() -> Home) {
    let runtime = runtime();
    let config = Config { cases: 192, failure_persistence: None, ..Config::default() };
    let steps = prop::collection::vec(step(), 1..60);
    let result = TestRunner::new(config).run(&steps, |steps| {
        runtime.block_on(async {
            let home = make().await;
            let mut model = Model::default();
            for step in steps {
                model.step(&home, step).await;
                model.expire(home.clock.now());
            }
        });
        Ok(())
    });
    if let Err(error) = result {
        panic!("{error}");
    }
}

#[derive(Clone, Debug)]
enum Step {
    Advance(u64),
    Append(usize, Retain),
    Read(u64, usize),
    Trim(u64),
    Delete,
    Touch(Option<u64>),
}

fn step() -> impl Strategy<Value = Step> {
    let retain =
        (0_usize..6, 4_usize..20, prop::option::of(0_u64..4000)).prop_map(|(entries, bytes, ttl)| Retain {
            max_entries: entries,
            max_bytes: bytes,
            ttl: ttl.map(Duration::from_millis),
        });
    prop_oneof![
        1 => (0_u64..3000).prop_map(Step::Advance),
        6 => (0_usize..8, retain).prop_map(|(length, retain)| Step::Append(length, retain)),
        4 => (0_u64..20, 0_usize..6).prop_map(|(after, limit)| Step::Read(after, limit)),
        1 => (0_u64..20).prop_map(Step::Trim),
        1 => Just(Step::Delete),
        1 => prop::option::of(0_u64..4000).prop_map(Step::Touch),
    ]
}

#[derive(Debug, Default)]
struct Model {
    exists: bool,
    entries: VecDeque<(u64, Bytes)>,
    last: u64,
    expires_at: Option<Timestamp>,
}

impl Model {
    fn expire(&mut self, now: Timestamp) {
        if self.expires_at.is_some_and(|at| at <= now) {
            *self = Self::default();
        }
    }

    async fn step(&mut self, home: &Home, step: Step) {
        let (log, now) = (&home.store.log, home.clock.now());
        match step {
            Step::Advance(millis) => home.clock.advance(Duration::from_millis(millis)),
            Step::Append(length, retain) => {
                let value = Bytes::from(vec![b'a' + length as u8; length]);
                let appended = log.append(STREAM, value.clone(), &retain).await;
                if length > retain.max_bytes {
                    assert!(appended.unwrap_err().is_too_large());
                    return;
                }
                self.exists = true;
                self.last += 1;
                self.entries.push_back((self.last, value));
                while self.entries.len() > retain.max_entries.max(1) || self.bytes() > retain.max_bytes {
                    self.entries.pop_front();
                }
                self.expires_at = retain.ttl.map(|ttl| now.saturating_add(ttl));
                assert_eq!(appended.unwrap().as_u64(), self.last);
            }
            Step::Read(after, limit) => {
                let page = log.read(STREAM, Position::from_u64(after), limit).await.unwrap();
                self.assert_is(&page, after, limit);
            }
            Step::Trim(through) => {
                log.trim(STREAM, Position::from_u64(through)).await.unwrap();
                self.entries.retain(|(number, _)| *number > through);
            }
            Step::Delete => {
                assert_eq!(log.delete(STREAM).await.unwrap(), self.exists);
                *self = Self::default();
            }
            Step::Touch(ttl) => {
                let ttl = ttl.map_or(Ttl::Forever, |millis| Ttl::After(Duration::from_millis(millis)));
                assert_eq!(log.touch(STREAM, ttl).await.unwrap(), self.exists);
                if self.exists {
                    self.expires_at = ttl.deadline(now, None);
                }
            }
        }
    }

    fn bytes(&self) -> usize {
        self.entries.iter().map(|(_, value)| value.len()).sum()
    }

    fn assert_is(&self, page: &LogPage, after: u64, limit: usize) {
        let expected = self.entries.iter().filter(|(number, _)| *number > after).take(limit);
        let found = page.entries.iter().map(|entry| (entry.position.as_u64(), entry.value.clone()));
        assert_eq!(found.collect::<Vec<_>>(), expected.cloned().collect::<Vec<_>>());
        // Every number after `after` that was ever given out is still there.
        let missed =
            (after + 1..=self.last).any(|number| self.entries.iter().all(|(kept, _)| *kept != number));
        assert_eq!(page.trimmed, missed || after > self.last, "after {after} of {self:?}");
        assert_eq!(page.last.as_u64(), self.last);
    }
}

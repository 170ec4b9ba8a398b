//! Running a handler again with the journal of any prefix of its rounds asks exactly the questions that are left.

use std::collections::BTreeSet;
use std::sync::Mutex;

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, join_all};
use latimer_protocol::RawJson;
use proptest::prelude::*;

use super::{Answered, AskError, Asking, Drive, Driven, Journal, Question, Way};

/// What a handler does.
#[derive(Clone, Debug)]
enum Step {
    /// Asks; keys may repeat.
    Ask(u8),
    /// Remembers something that takes its time.
    Once(u8),
    /// Waits for something else.
    Yield,
    /// Does programs side by side.
    Join(Vec<Vec<Step>>),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let leaf = prop_oneof![(0..8_u8).prop_map(Step::Ask), (0..4_u8).prop_map(Step::Once), Just(Step::Yield)];
    let step = leaf.prop_recursive(3, 24, 4, |inner| {
        let branches = proptest::collection::vec(proptest::collection::vec(inner, 0..4), 1..4);
        branches.prop_map(Step::Join)
    });
    proptest::collection::vec(step, 0..6)
}

/// Does what a handler of [`Step`]s does; `made` are the values that were made.
fn run<'a>(
    steps: &'a [Step],
    asking: &'a Asking,
    made: &'a Mutex<Vec<u8>>,
) -> BoxFuture<'a, Result<(), AskError>> {
    async move {
        for step in steps {
            match step {
                Step::Ask(key) => {
                    let answer = asking.ask(&format!("q{key}"), Question::Roots, None).await?;
                    assert_eq!(answer.as_str(), answer_to(*key).as_str());
                }
                Step::Once(key) => {
                    let name = format!("m{key}");
                    if asking.remembered(&name).is_none() {
                        let work = async {
                            tokio::task::yield_now().await;
                            // A branch beside this one may have been faster.
                            if asking.remembered(&name).is_none() {
                                made.lock().unwrap().push(*key);
                                asking.remember(&name, RawJson::null());
                            }
                        };
                        asking.uninterrupted(work).await;
                    }
                }
                Step::Yield => tokio::task::yield_now().await,
                Step::Join(branches) => {
                    let branches = branches.iter().map(|steps| run(steps, asking, made));
                    join_all(branches).await.into_iter().collect::<Result<(), _>>()?;
                }
            }
        }
        Ok(())
    }
    .boxed()
}

/// The keys that are asked when those of `known` are answered, and whether the steps come to their end.
fn model(steps: &[Step], known: &BTreeSet<u8>, asked: &mut BTreeSet<u8>) -> bool {
    for step in steps {
        let through = match step {
            Step::Ask(key) if !known.contains(key) => {
                asked.insert(*key);
                false
            }
            Step::Join(branches) => {
                // All of them are looked at, whichever is through.
                let through: Vec<_> = branches.iter().map(|steps| model(steps, known, asked)).collect();
                through.into_iter().all(|through| through)
            }
            _ => true,
        };
        if !through {
            return false;
        }
    }
    true
}

fn answer_to(key: u8) -> RawJson {
    RawJson::parse(format!("{{\"roots\":[{{\"uri\":\"file:///{key}\"}}]}}")).unwrap()
}

/// One run: the keys that it asked, and what is known then; no keys where it came to its end.
async fn round(
    steps: &[Step],
    journal: Journal,
    fresh: Vec<(String, Answered)>,
    made: &Mutex<Vec<u8>>,
) -> (Vec<u8>, Journal) {
    let asking = Asking::new(Way::Rounds(None), journal, fresh);
    match Drive::new(run(steps, &asking, made), &asking).await {
        Driven::Done(outcome) => {
            outcome.unwrap();
            (Vec::new(), asking.journal())
        }
        Driven::Asked => {
            let (asked, journal) = asking.take_asked().unwrap();
            (asked.into_iter().map(|(key, _)| key[1..].parse().unwrap()).collect(), journal)
        }
        Driven::Task => panic!("nobody wants a task"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_prefix_of_the_rounds_asks_exactly_what_is_left(steps in steps(), partial in any::<u8>()) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let made = Mutex::new(Vec::new());
            let mut known = BTreeSet::new();
            let (mut journal, mut fresh) = (Journal::default(), Vec::new());
            let mut prefixes = Vec::new();
            for rounds in 0.. {
                prop_assert!(rounds < 100, "no end");
                // A journal survives being written and read.
                let written = serde_json::to_string(&journal).unwrap();
                let read: Journal = serde_json::from_str(&written).unwrap();
                prop_assert_eq!(&read, &journal);
                prefixes.push((read.clone(), fresh.clone(), known.clone()));
                let (asked, after) = round(&steps, read, fresh, &made).await;
                let mut expected = BTreeSet::new();
                let ended = model(&steps, &known, &mut expected);
                prop_assert_eq!(ended, asked.is_empty());
                prop_assert_eq!(asked.iter().copied().collect::<BTreeSet<_>>(), expected);
                prop_assert_eq!(asked.iter().collect::<BTreeSet<_>>().len(), asked.len(), "no key twice");
                if ended {
                    break;
                }
                // The client answers some of them: at least one, not always all.
                let answered = asked.iter().enumerate().filter(|(at, _)| *at == 0 || partial & (1 << (at % 8)) != 0);
                let answered: Vec<u8> = answered.map(|(_, key)| *key).collect();
                fresh = answered.iter().map(|key| (format!("q{key}"), Answered::Result(answer_to(*key)))).collect();
                known.extend(answered);
                journal = after;
            }
            // Nothing that is remembered is made again.
            let mut once = made.lock().unwrap().clone();
            once.sort_unstable();
            let all = once.len();
            once.dedup();
            prop_assert_eq!(once.len(), all);
            // From any prefix the same questions are left.
            for (journal, fresh, known) in prefixes {
                let mut expected = BTreeSet::new();
                model(&steps, &known, &mut expected);
                let (asked, _) = round(&steps, journal, fresh, &Mutex::default()).await;
                prop_assert_eq!(asked.iter().copied().collect::<BTreeSet<_>>(), expected);
            }
            Ok(())
        })?;
    }
}

//! Several at once.

use std::collections::BTreeSet;

use tokio::task::JoinSet;

use super::Home;
use crate::{Attempt, Batch, IndexCap, Key, Position, Retain, Store, Ttl, Write};

const TASKS: usize = 8;
const ROUNDS: usize = 50;

/// Runs a task for each number below [`TASKS`] on several threads, and returns what they did.
async fn race<T: Send + 'static, F: Future<Output = T> + Send + 'static>(
    home: &Home,
    task: impl Fn(Store, usize) -> F,
) -> Vec<T> {
    let tasks: JoinSet<T> = (0..TASKS).map(|number| task(home.store.clone(), number)).collect();
    tasks.join_all().await
}

fn key(name: &str) -> Key<'_> {
    Key::new("partition", name)
}

fn number(value: &[u8]) -> i64 {
    std::str::from_utf8(value).unwrap().parse().unwrap()
}

/// For each name, of all who try; and the losers see the winner's entry.
pub async fn put_if_absent_has_one_winner(home: Home) {
    let won = race(&home, |store, task| async move {
        let mut won = 0;
        for round in 0..ROUNDS {
            let name = round.to_string();
            match store.kv.put_if_absent(key(&name), task.to_string().into(), Ttl::Forever).await.unwrap() {
                Attempt::Won(_) => won += 1,
                Attempt::Lost(entry) => assert_ne!(entry.unwrap().value, task.to_string()),
            }
            tokio::task::yield_now().await;
        }
        won
    })
    .await;
    assert_eq!(won.into_iter().sum::<usize>(), ROUNDS);
}

/// Each addition by read and swap arrives.
pub async fn compare_and_swap_loses_no_update(home: Home) {
    home.store.kv.put(key("sum"), "0".into(), Ttl::Forever).await.unwrap();
    race(&home, |store, _| async move {
        for _ in 0..ROUNDS {
            let mut current = store.kv.get(key("sum")).await.unwrap().unwrap();
            loop {
                let next = (number(&current.value) + 1).to_string().into();
                match store.kv.compare_and_swap(key("sum"), current.version, next, Ttl::Keep).await.unwrap() {
                    Attempt::Won(_) => break,
                    Attempt::Lost(entry) => current = entry.unwrap(),
                }
            }
        }
    })
    .await;
    let sum = home.store.kv.get(key("sum")).await.unwrap().unwrap();
    assert_eq!(sum.value, (TASKS * ROUNDS).to_string());
}

/// And no sum is told twice.
pub async fn increments_are_all_counted(home: Home) {
    let sums = race(&home, |store, _| async move {
        let mut sums = Vec::new();
        for _ in 0..ROUNDS {
            sums.push(store.kv.increment(key("sum"), 1, Ttl::Forever).await.unwrap());
        }
        sums
    })
    .await;
    let sums: BTreeSet<i64> = sums.into_iter().flatten().collect();
    assert_eq!(sums, (1..=(TASKS * ROUNDS) as i64).collect());
}

/// Of all who try.
pub async fn an_entry_is_deleted_by_one(home: Home) {
    for round in 0..ROUNDS {
        home.store.kv.put(key(&round.to_string()), "1".into(), Ttl::Forever).await.unwrap();
    }
    let deleted = race(&home, |store, _| async move {
        let mut deleted = 0;
        for round in 0..ROUNDS {
            deleted += usize::from(store.kv.delete(key(&round.to_string())).await.unwrap().is_some());
            tokio::task::yield_now().await;
        }
        deleted
    })
    .await;
    assert_eq!(deleted.into_iter().sum::<usize>(), ROUNDS);
}

/// At no moment, while entries come and go.
pub async fn a_cap_is_never_exceeded(home: Home) {
    const CAP: usize = 5;
    let created = race(&home, |store, task| async move {
        let mut created = 0;
        for round in 0..ROUNDS {
            let name = format!("{task}-{round}");
            let caps = [IndexCap::at_most("x", CAP)];
            match store.kv.create_indexed(key(&name), "1".into(), Ttl::Forever, &caps).await {
                Ok(attempt) => {
                    assert!(attempt.won().is_some());
                    created += 1;
                    assert!(store.kv.count(key("x")).await.unwrap() <= CAP);
                    tokio::task::yield_now().await;
                    if round % 2 == 0 {
                        store.kv.delete(key(&name)).await.unwrap().unwrap();
                    }
                }
                Err(error) => assert!(error.is_full(), "{error}"),
            }
        }
        created
    })
    .await;
    // Each task keeps what it creates in odd rounds, so that the index fills.
    assert_eq!(home.store.kv.count(key("x")).await.unwrap(), CAP);
    assert!(created.into_iter().sum::<usize>() >= CAP);
}

/// What moves from one entry to another is at all times in one of them.
pub async fn a_batch_is_seen_whole(home: Home) {
    const TOTAL: i64 = 1000;
    let index = [IndexCap::uncapped("accounts")];
    for (name, value) in [("a", TOTAL), ("b", 0)] {
        let value = value.to_string().into();
        let _ = home.store.kv.create_indexed(key(name), value, Ttl::Forever, &index).await.unwrap();
    }
    race(&home, |store, _| async move {
        for _ in 0..ROUNDS {
            loop {
                let page = store.kv.scan(key("accounts"), None, 2).await.unwrap();
                let [a, b] = &page.members[..] else { panic!("a member is missing") };
                let (from, to) = (number(&a.entry.value), number(&b.entry.value));
                assert_eq!(from + to, TOTAL);
                let swap = |member: &crate::Member, value: i64| {
                    let name = if &*member.name == "a" { "a" } else { "b" };
                    let value = value.to_string().into();
                    Write::Swap { name, expected: member.entry.version, value, ttl: Ttl::Keep }
                };
                let writes = vec![swap(a, from - 1), swap(b, to + 1)];
                if let Batch::Applied(_) = store.kv.apply("partition", writes).await.unwrap() {
                    break;
                }
            }
        }
    })
    .await;
    let moved = home.store.kv.get(key("b")).await.unwrap().unwrap();
    assert_eq!(moved.value, (TASKS * ROUNDS).to_string());
}

/// And the stream holds them in the order of their positions, each task's in the order in which it appended.
pub async fn appended_positions_are_unique_and_without_gaps(home: Home) {
    let retain = Retain { max_entries: TASKS * ROUNDS, max_bytes: 1 << 20, ttl: None };
    let positions = race(&home, move |store, _| async move {
        let mut positions = Vec::new();
        for _ in 0..ROUNDS {
            positions.push(store.log.append(key("stream"), "x".into(), &retain).await.unwrap().as_u64());
        }
        assert!(positions.is_sorted());
        positions
    })
    .await;
    let positions: BTreeSet<u64> = positions.into_iter().flatten().collect();
    let all: BTreeSet<u64> = (1..=(TASKS * ROUNDS) as u64).collect();
    assert_eq!(positions, all);
    let page = home.store.log.read(key("stream"), Position::START, usize::MAX).await.unwrap();
    assert!(page.entries.iter().map(|entry| entry.position.as_u64()).eq(all));
}

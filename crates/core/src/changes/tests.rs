use std::collections::HashSet;

use futures_util::FutureExt;
use proptest::prelude::*;

use super::*;
use crate::local::{EntryKind, LocalEntry, LocalSource};
use crate::{Catalog, Source};
use latimer_protocol::RawJson;

fn changes() -> Changes {
    Changes::new(Store::memory())
}

fn nobody() -> Principal {
    Principal::anonymous()
}

fn uris(uris: &[&str]) -> Interest {
    Interest { uris: uris.iter().map(|uri| (*uri).into()).collect(), ..Interest::default() }
}

/// Everything that waits.
fn heard(listener: &mut Listener) -> Vec<Change> {
    std::iter::from_fn(|| listener.next().now_or_never()).collect()
}

fn updated(uris: &[&str]) -> Vec<Change> {
    uris.iter().map(|uri| Change::Updated((*uri).into())).collect()
}

#[test]
fn without_a_reader_each_resource_waits_once() {
    let changes = changes();
    let mut listener = changes.listen(&nobody(), uris(&["a:1", "a:2"]));
    for number in 0..20_000 {
        changes.updated(&format!("a:{}", number % 10));
    }
    changes.task("a:1");
    assert_eq!(heard(&mut listener), updated(&["a:1", "a:2"]));
    changes.updated("a:2");
    assert_eq!(heard(&mut listener), updated(&["a:2"]));
}

#[test]
fn lh_7_of_a_line_the_newest_hears_and_what_it_leaves_the_one_before_hears() {
    let changes = changes();
    let listen = || changes.listen_in_line("line", &nobody(), uris(&["a:1", "a:2"]));
    let mut first = listen();
    let mut elsewhere = changes.listen_in_line("other", &nobody(), uris(&["a:1"]));
    changes.updated("a:1");
    let mut second = listen();
    changes.updated("a:2");
    assert_eq!(heard(&mut first), []);
    assert_eq!(heard(&mut second), updated(&["a:1", "a:2"]));
    changes.watch("line", "a:3");
    changes.updated("a:3");
    drop(second);
    changes.updated("a:1");
    assert_eq!(heard(&mut first), updated(&["a:3", "a:1"]));
    changes.unwatch("line", "a:1");
    changes.updated("a:1");
    assert_eq!(heard(&mut first), []);
    assert_eq!(heard(&mut elsewhere), updated(&["a:1"]));
    drop(first);
    assert!(!changes.has_line("line") && changes.has_line("other"));
}

#[tokio::test]
async fn another_process_on_the_store_hears_too() {
    let store = Store::memory();
    let (here, there) = (Changes::new(store.clone()), Changes::new(store));
    let mut listener = there.listen(&nobody(), uris(&["a:1", "a:2"]));
    let mut own = here.listen(&nobody(), uris(&["a:1"]));
    listener.join().await.unwrap();
    own.join().await.unwrap();
    here.updated("a:1");
    here.updated("a:3");
    assert_eq!(listener.next().await, Change::Updated("a:1".into()));
    assert_eq!(own.next().await, Change::Updated("a:1".into()));
    // Hints that were lost may have been about anything.
    for number in 0..1_000 {
        let uri = format!("a:{number}-{}", "x".repeat(1_000));
        here.updated(&uri);
        tokio::task::yield_now().await;
    }
    let mut both = HashSet::new();
    while both.len() < 2 {
        both.insert(listener.next().await);
    }
}

#[test]
fn a_listener_that_learns_of_a_resource_late_looks_at_it() {
    let changes = changes();
    let mut listener = changes.listen(&nobody(), uris(&["a:1", "a:2"]));
    changes.updated("a:2");
    listener.watch_exactly(&["a:1".into(), "a:3".into()]);
    assert_eq!(heard(&mut listener), updated(&["a:3"]));
    listener.keep_only(&uris(&["a:1"]));
    listener.assume_everything();
    assert_eq!(heard(&mut listener), updated(&["a:1"]));
}

fn tool(name: &str, scopes: &[&str]) -> LocalEntry {
    let json = format!(r#"{{"name":"{name}","inputSchema":{{"type":"object"}}}}"#);
    LocalEntry::new(
        EntryKind::Tool,
        name.to_owned(),
        RawJson::parse(json).unwrap(),
        Arc::new(|_| Box::pin(std::future::pending())),
    )
    .scoped(scopes.iter().map(ToString::to_string))
}

#[tokio::test]
async fn a_change_of_the_catalog_is_announced_to_those_who_see_it() {
    let store = Store::memory();
    let (here, there) = (Changes::new(store.clone()), Changes::new(store));
    let catalog = Arc::new(Catalog::default());
    catalog.announce_to(&here);
    let all = Interest { lists: Listing::ALL.into(), ..Interest::default() };
    let admin = Principal::named("admin", ["admin"]);
    let mut listeners = Vec::new();
    for changes in [&here, &there] {
        for principal in [&nobody(), &admin] {
            let mut listener = changes.listen(principal, all.clone());
            listener.join().await.unwrap();
            listeners.push(listener);
        }
    }
    let source = Arc::new(LocalSource::new("source"));
    source.insert(tool("secret", &["admin"])).unwrap();
    let loaded: Arc<dyn Source> = source.clone();
    catalog.load(loaded.clone()).await.unwrap();
    let tools = Change::List(Listing::Tools);
    assert_eq!(listeners[3].next().await, tools);
    assert_eq!(heard(&mut listeners[1]), vec![tools.clone()]);
    // The hints have come through, and are none for those who see no tool.
    assert_eq!((heard(&mut listeners[0]), heard(&mut listeners[2])), (vec![], vec![]));
    source.add(&loaded, &catalog, tool("open", &[])).unwrap();
    for listener in &mut listeners {
        assert_eq!(listener.next().await, tools);
    }
    // What is refused is announced to nobody.
    assert!(source.add(&loaded, &catalog, tool("no good name", &[])).is_err());
    for listener in &mut listeners {
        assert_eq!(heard(listener), []);
    }
}

#[derive(Clone, Debug)]
enum Step {
    Update(u8),
    Task(u8),
    Hear,
    Open,
    Close,
}

proptest! {
    #[test]
    fn no_last_change_is_lost_and_nothing_is_told_that_was_not_asked_for(
        steps in prop::collection::vec(
            prop_oneof![
                4 => (0_u8..6).prop_map(Step::Update),
                1 => (0_u8..6).prop_map(Step::Task),
                2 => Just(Step::Hear),
                1 => Just(Step::Open),
                1 => Just(Step::Close),
            ],
            1..80,
        ),
    ) {
        let changes = changes();
        let asked = uris(&["a:0", "a:1", "a:2"]);
        let listen = || changes.listen_in_line("line", &nobody(), asked.clone());
        let mut line = vec![listen()];
        // What was not heard since it last changed.
        let mut open: HashSet<Arc<str>> = HashSet::new();
        let hear = |line: &mut Vec<Listener>, open: &mut HashSet<Arc<str>>| {
            let mut all = Vec::new();
            for listener in line.iter_mut() {
                all.extend(heard(listener));
            }
            for change in all {
                let Change::Updated(uri) = change else { panic!("not asked for: {change:?}") };
                // Each is told once, and only where something changed.
                assert!(open.remove(&uri), "{uri}");
            }
            assert!(open.is_empty(), "{open:?}");
        };
        for step in steps {
            match step {
                Step::Update(number) => {
                    let uri: Arc<str> = format!("a:{number}").into();
                    changes.updated(&uri);
                    if asked.uris.contains(&uri) {
                        open.insert(uri);
                    }
                }
                Step::Task(number) => changes.task(&format!("a:{number}")),
                Step::Hear => hear(&mut line, &mut open),
                Step::Open => line.push(listen()),
                Step::Close if line.len() > 1 => _ = line.pop(),
                Step::Close => {}
            }
        }
        hear(&mut line, &mut open);
    }
}

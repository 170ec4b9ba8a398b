//! Streams.

use std::time::Duration;

use bytes::Bytes;

use super::Home;
use crate::{Key, Log, LogPage, Position, Retain, Ttl};

const STREAM: Key<'static> = Key::new("partition", "stream");
const SECOND: Duration = Duration::from_secs(1);
const AMPLE: Retain = Retain { max_entries: 100, max_bytes: 1000, ttl: None };

async fn append(log: &dyn Log, value: &'static str, retain: &Retain) -> u64 {
    log.append(STREAM, value.into(), retain).await.unwrap().as_u64()
}

async fn read(log: &dyn Log, after: u64) -> LogPage {
    log.read(STREAM, Position::from_u64(after), usize::MAX).await.unwrap()
}

fn numbers(page: &LogPage) -> Vec<u64> {
    page.entries.iter().map(|entry| entry.position.as_u64()).collect()
}

/// One by one.
pub async fn positions_start_at_one_and_increase(home: Home) {
    let log = &*home.store.log;
    for expected in 1..=5 {
        assert_eq!(append(log, "x", &AMPLE).await, expected);
    }
}

/// In order, as much as asked for, with the bytes that were appended.
pub async fn a_page_holds_what_comes_after_the_position(home: Home) {
    let log = &*home.store.log;
    assert_eq!(read(log, 0).await, LogPage::default());
    for value in ["a", "b", "c", "\0\u{ff}"] {
        append(log, value, &AMPLE).await;
    }
    let page = log.read(STREAM, Position::from_u64(1), 2).await.unwrap();
    assert_eq!(numbers(&page), [2, 3]);
    assert_eq!((page.trimmed, page.last.as_u64()), (false, 4));
    let page = read(log, 3).await;
    assert_eq!(page.entries[0].value, "\0\u{ff}");
    assert_eq!(numbers(&page), [4]);
    let page = read(log, 4).await;
    assert_eq!((numbers(&page), page.trimmed), (vec![], false));
}

/// As the last append says; 0 counts as 1.
pub async fn the_oldest_entries_go_when_there_are_too_many(home: Home) {
    let log = &*home.store.log;
    for _ in 0..4 {
        append(log, "x", &Retain { max_entries: 3, ..AMPLE }).await;
    }
    assert_eq!(numbers(&read(log, 0).await), [2, 3, 4]);
    append(log, "x", &Retain { max_entries: 0, ..AMPLE }).await;
    assert_eq!(numbers(&read(log, 0).await), [5]);
}

/// One large entry may cost several small ones.
pub async fn the_oldest_entries_go_when_there_are_too_many_bytes(home: Home) {
    let log = &*home.store.log;
    let retain = Retain { max_bytes: 6, ..AMPLE };
    for value in ["12", "12", "12"] {
        append(log, value, &retain).await;
    }
    assert_eq!(numbers(&read(log, 0).await), [1, 2, 3]);
    append(log, "123", &retain).await;
    assert_eq!(numbers(&read(log, 0).await), [3, 4]);
    append(log, "", &retain).await;
    assert_eq!(numbers(&read(log, 0).await), [3, 4, 5]);
}

/// Even when it takes all that there is.
pub async fn the_newest_entry_is_always_kept(home: Home) {
    let log = &*home.store.log;
    let retain = Retain { max_entries: 1, max_bytes: 3, ttl: None };
    append(log, "1", &retain).await;
    append(log, "123", &retain).await;
    let page = read(log, 0).await;
    assert_eq!(numbers(&page), [2]);
    assert_eq!(page.entries[0].value, "123");
}

/// And costs no other entry and no position.
pub async fn an_entry_larger_than_the_stream_is_refused(home: Home) {
    let log = &*home.store.log;
    let retain = Retain { max_bytes: 3, ..AMPLE };
    append(log, "123", &retain).await;
    let large = Bytes::from_static(b"1234");
    assert!(log.append(STREAM, large, &retain).await.unwrap_err().is_too_large());
    assert_eq!(numbers(&read(log, 0).await), [1]);
    assert_eq!(append(log, "1", &retain).await, 2);
}

/// Only one that has missed something.
pub async fn a_reader_left_behind_is_told(home: Home) {
    let log = &*home.store.log;
    for _ in 0..5 {
        append(log, "x", &Retain { max_entries: 2, ..AMPLE }).await;
    }
    for (after, trimmed) in [(0, true), (2, true), (3, false), (4, false), (5, false)] {
        assert_eq!(read(log, after).await.trimmed, trimmed, "after {after}");
    }
    assert_eq!(numbers(&read(log, 0).await), [4, 5]);
}

/// Whether all or some entries were trimmed away.
pub async fn a_trimmed_stream_goes_on_counting(home: Home) {
    let log = &*home.store.log;
    log.trim(STREAM, Position::from_u64(9)).await.unwrap();
    assert_eq!(read(log, 0).await, LogPage::default());
    for _ in 0..3 {
        append(log, "x", &AMPLE).await;
    }
    log.trim(STREAM, Position::from_u64(1)).await.unwrap();
    let page = read(log, 1).await;
    assert_eq!((numbers(&page), page.trimmed), (vec![2, 3], false));
    log.trim(STREAM, Position::from_u64(9)).await.unwrap();
    let page = read(log, 2).await;
    assert_eq!((numbers(&page), page.trimmed, page.last.as_u64()), (vec![], true, 3));
    assert_eq!(append(log, "x", &AMPLE).await, 4);
    assert_eq!(numbers(&read(log, 3).await), [4]);
}

/// Because what came after its position may be gone.
pub async fn a_reader_of_a_stream_that_is_gone_is_told(home: Home) {
    let log = &*home.store.log;
    append(log, "x", &AMPLE).await;
    append(log, "x", &AMPLE).await;
    assert!(log.delete(STREAM).await.unwrap());
    assert!(!log.delete(STREAM).await.unwrap());
    assert!(read(log, 2).await.trimmed);
    assert!(!read(log, 0).await.trimmed);
    assert_eq!(append(log, "x", &AMPLE).await, 1);
    let page = read(log, 2).await;
    assert_eq!((numbers(&page), page.trimmed), (vec![], true));
}

/// As a whole, counted from the last append or touch.
pub async fn a_stream_expires_unless_appended_to_or_touched(home: Home) {
    let log = &*home.store.log;
    let retain = Retain { ttl: Some(2 * SECOND), ..AMPLE };
    append(log, "x", &retain).await;
    home.clock.advance(SECOND);
    append(log, "x", &retain).await;
    home.clock.advance(SECOND);
    assert_eq!(numbers(&read(log, 0).await), [1, 2]);
    assert!(log.touch(STREAM, Ttl::After(3 * SECOND)).await.unwrap());
    home.clock.advance(2 * SECOND);
    assert_eq!(numbers(&read(log, 0).await), [1, 2]);
    home.clock.advance(SECOND);
    assert_eq!(numbers(&read(log, 0).await), []);
    assert!(!log.touch(STREAM, Ttl::Forever).await.unwrap());
    assert!(!log.delete(STREAM).await.unwrap());
    assert_eq!(append(log, "x", &AMPLE).await, 1);
    home.clock.advance(1000 * SECOND);
    assert_eq!(numbers(&read(log, 0).await), [1]);
}

/// As entries do; and a stream is no entry.
pub async fn streams_differ_by_partition_and_by_name(home: Home) {
    let log = &*home.store.log;
    for key in
        [STREAM, Key::new("partition", "other"), Key::new("other", "stream"), Key::new("partitions", "tream")]
    {
        assert_eq!(log.append(key, "x".into(), &AMPLE).await.unwrap().as_u64(), 1, "{key:?}");
    }
    assert_eq!(home.store.kv.get(STREAM).await.unwrap(), None);
    home.store.kv.put(STREAM, "x".into(), Ttl::Forever).await.unwrap();
    log.delete(STREAM).await.unwrap();
    assert!(home.store.kv.get(STREAM).await.unwrap().is_some());
}

//! Single entries.

use std::collections::HashSet;
use std::time::Duration;

use bytes::Bytes;

use super::Home;
use crate::{Attempt, Clock, Key, Ttl, Version};

const KEY: Key<'static> = Key::new("partition", "name");
const SECOND: Duration = Duration::from_secs(1);

/// Reading, touching or deleting what is not there is no error.
pub async fn an_absent_entry_reads_as_none(home: Home) {
    let kv = &home.store.kv;
    assert_eq!(kv.get(KEY).await.unwrap(), None);
    assert_eq!(kv.touch(KEY, Ttl::Forever).await.unwrap(), None);
    assert_eq!(kv.delete(KEY).await.unwrap(), None);
    assert_eq!(kv.get(KEY).await.unwrap(), None);
}

/// Value (any bytes), version and deadline are read as they were written.
pub async fn what_was_put_is_read(home: Home) {
    let kv = &home.store.kv;
    let value = Bytes::from((0..=255).collect::<Vec<u8>>());
    let version = kv.put(KEY, value.clone(), Ttl::After(SECOND)).await.unwrap();
    let entry = kv.get(KEY).await.unwrap().unwrap();
    assert_eq!(entry.value, value);
    assert_eq!(entry.version, version);
    assert_eq!(entry.expires_at, Some(home.clock.now().saturating_add(SECOND)));
    kv.put(KEY, Bytes::new(), Ttl::Forever).await.unwrap();
    assert_eq!(kv.get(KEY).await.unwrap().unwrap().value, Bytes::new());
}

/// A second put leaves nothing of the first.
pub async fn a_put_replaces_value_and_deadline(home: Home) {
    let kv = &home.store.kv;
    let first = kv.put(KEY, "1".into(), Ttl::After(SECOND)).await.unwrap();
    let second = kv.put(KEY, "2".into(), Ttl::Forever).await.unwrap();
    assert_ne!(first, second);
    home.clock.advance(SECOND);
    let entry = kv.get(KEY).await.unwrap().unwrap();
    assert_eq!((&entry.value[..], entry.expires_at), (&b"2"[..], None));
}

/// Keys are pairs, not joined texts; any text will do for either half.
pub async fn keys_differ_by_partition_and_by_name(home: Home) {
    let kv = &home.store.kv;
    let keys =
        [("a", "bc"), ("ab", "c"), ("abc", ""), ("", "abc"), ("a{b}", "c:d"), ("a{b}:c", "d"), ("ä\0", "🗝")]
            .map(|(partition, name)| Key::new(partition, name));
    for (number, key) in keys.into_iter().enumerate() {
        assert_eq!(kv.get(key).await.unwrap(), None, "{key:?}");
        kv.put(key, number.to_string().into(), Ttl::Forever).await.unwrap();
    }
    for (number, key) in keys.into_iter().enumerate() {
        assert_eq!(kv.get(key).await.unwrap().unwrap().value, number.to_string(), "{key:?}");
    }
}

/// The loser reads the winner's entry in the same trip.
pub async fn put_if_absent_writes_once_and_shows_what_stands_there(home: Home) {
    let kv = &home.store.kv;
    let version = kv.put_if_absent(KEY, "1".into(), Ttl::Forever).await.unwrap().won().unwrap();
    let Attempt::Lost(Some(entry)) = kv.put_if_absent(KEY, "2".into(), Ttl::Forever).await.unwrap() else {
        panic!("a second put_if_absent won");
    };
    assert_eq!((&entry.value[..], entry.version), (&b"1"[..], version));
    assert_eq!(kv.get(KEY).await.unwrap(), Some(entry));
}

/// Neither over another version nor over nothing.
pub async fn compare_and_swap_writes_only_over_the_expected_version(home: Home) {
    let kv = &home.store.kv;
    let nothing = kv.compare_and_swap(KEY, Version::from_u64(0), "0".into(), Ttl::Forever).await.unwrap();
    assert_eq!(nothing, Attempt::Lost(None));
    let first = kv.put(KEY, "1".into(), Ttl::Forever).await.unwrap();
    let swapped = kv.compare_and_swap(KEY, first, "2".into(), Ttl::After(SECOND)).await.unwrap();
    let second = swapped.won().unwrap();
    let Attempt::Lost(Some(entry)) = kv.compare_and_swap(KEY, first, "3".into(), Ttl::Forever).await.unwrap()
    else {
        panic!("a swap over a version that is gone won");
    };
    assert_eq!((&entry.value[..], entry.version), (&b"2"[..], second));
    assert_eq!(entry.expires_at, Some(home.clock.now().saturating_add(SECOND)));
    assert_eq!(kv.get(KEY).await.unwrap(), Some(entry));
}

/// Not even after deletion or expiry, so that an old swap never succeeds over a new entry.
pub async fn a_version_never_returns(home: Home) {
    let kv = &home.store.kv;
    let mut seen = HashSet::new();
    for _ in 0..3 {
        assert!(seen.insert(kv.put(KEY, "1".into(), Ttl::Forever).await.unwrap()));
        kv.delete(KEY).await.unwrap();
        let created = kv.put_if_absent(KEY, "1".into(), Ttl::After(SECOND)).await.unwrap();
        assert!(seen.insert(created.won().unwrap()));
        home.clock.advance(SECOND);
        kv.increment(KEY, 1, Ttl::Forever).await.unwrap();
        assert!(seen.insert(kv.get(KEY).await.unwrap().unwrap().version));
    }
}

/// So a nonce is consumed: whoever gets the entry is the only one.
pub async fn delete_returns_what_it_removed_once(home: Home) {
    let kv = &home.store.kv;
    let version = kv.put(KEY, "1".into(), Ttl::Forever).await.unwrap();
    let deleted = kv.delete(KEY).await.unwrap().unwrap();
    assert_eq!((&deleted.value[..], deleted.version), (&b"1"[..], version));
    assert_eq!(kv.delete(KEY).await.unwrap(), None);
}

/// A millisecond before it is there; at the deadline it is not. A time to live of zero is none.
pub async fn an_entry_is_absent_from_its_deadline_on(home: Home) {
    let kv = &home.store.kv;
    kv.put(KEY, "1".into(), Ttl::After(SECOND)).await.unwrap();
    home.clock.advance(SECOND - Duration::from_millis(1));
    assert!(kv.get(KEY).await.unwrap().is_some());
    home.clock.advance(Duration::from_millis(1));
    assert_eq!(kv.get(KEY).await.unwrap(), None);
    kv.put(KEY, "1".into(), Ttl::After(Duration::ZERO)).await.unwrap();
    assert_eq!(kv.get(KEY).await.unwrap(), None);
    kv.put(KEY, "1".into(), Ttl::After(Duration::MAX)).await.unwrap();
    assert!(kv.get(KEY).await.unwrap().is_some());
}

/// Whether or not the home has cleaned up.
pub async fn an_expired_entry_loses_every_condition_on_it(home: Home) {
    let kv = &home.store.kv;
    let version = kv.put(KEY, "1".into(), Ttl::After(SECOND)).await.unwrap();
    home.clock.advance(SECOND);
    let swapped = kv.compare_and_swap(KEY, version, "2".into(), Ttl::Forever).await.unwrap();
    assert_eq!(swapped, Attempt::Lost(None));
    assert_eq!(kv.touch(KEY, Ttl::Forever).await.unwrap(), None);
    assert_eq!(kv.delete(KEY).await.unwrap(), None);
    assert!(kv.put_if_absent(KEY, "3".into(), Ttl::Forever).await.unwrap().won().is_some());
}

/// A touch is no write: a swap that began before it still succeeds.
pub async fn touch_extends_and_shortens_but_does_not_change_the_version(home: Home) {
    let kv = &home.store.kv;
    let version = kv.put(KEY, "1".into(), Ttl::After(SECOND)).await.unwrap();
    let touched = kv.touch(KEY, Ttl::After(3 * SECOND)).await.unwrap().unwrap();
    assert_eq!((&touched.value[..], touched.version), (&b"1"[..], version));
    assert_eq!(touched.expires_at, Some(home.clock.now().saturating_add(3 * SECOND)));
    home.clock.advance(2 * SECOND);
    assert_eq!(kv.get(KEY).await.unwrap(), Some(touched));
    kv.touch(KEY, Ttl::Forever).await.unwrap();
    home.clock.advance(1000 * SECOND);
    assert_eq!(kv.touch(KEY, Ttl::After(SECOND)).await.unwrap().unwrap().version, version);
    home.clock.advance(SECOND);
    assert_eq!(kv.get(KEY).await.unwrap(), None);
}

/// Later writes keep the deadline that the first set.
pub async fn a_fixed_ttl_counts_from_creation(home: Home) {
    let kv = &home.store.kv;
    let deadline = Some(home.clock.now().saturating_add(2 * SECOND));
    kv.put(KEY, "1".into(), Ttl::Fixed(2 * SECOND)).await.unwrap();
    home.clock.advance(SECOND);
    let version = kv.put(KEY, "2".into(), Ttl::Fixed(2 * SECOND)).await.unwrap();
    assert_eq!(kv.get(KEY).await.unwrap().unwrap().expires_at, deadline);
    let _ = kv.compare_and_swap(KEY, version, "3".into(), Ttl::Fixed(2 * SECOND)).await.unwrap();
    assert_eq!(kv.touch(KEY, Ttl::Fixed(2 * SECOND)).await.unwrap().unwrap().expires_at, deadline);
    home.clock.advance(SECOND);
    assert_eq!(kv.get(KEY).await.unwrap(), None);
}

/// Whichever it is; and there is none on an entry that the write creates.
pub async fn keep_leaves_the_deadline(home: Home) {
    let kv = &home.store.kv;
    kv.put(KEY, "1".into(), Ttl::Keep).await.unwrap();
    assert_eq!(kv.get(KEY).await.unwrap().unwrap().expires_at, None);
    let deadline = kv.touch(KEY, Ttl::After(SECOND)).await.unwrap().unwrap().expires_at;
    home.clock.advance(SECOND / 2);
    kv.put(KEY, "2".into(), Ttl::Keep).await.unwrap();
    assert_eq!(kv.touch(KEY, Ttl::Keep).await.unwrap().unwrap().expires_at, deadline);
}

/// The use of [`Ttl::Fixed`]: a window that begins with its first event.
pub async fn a_counter_counts_and_starts_again_after_its_window(home: Home) {
    let kv = &home.store.kv;
    let window = Ttl::Fixed(2 * SECOND);
    assert_eq!(kv.increment(KEY, 2, window).await.unwrap(), 2);
    home.clock.advance(SECOND);
    assert_eq!(kv.increment(KEY, -5, window).await.unwrap(), -3);
    assert_eq!(kv.get(KEY).await.unwrap().unwrap().value, "-3");
    home.clock.advance(SECOND);
    assert_eq!(kv.increment(KEY, 1, window).await.unwrap(), 1);
}

/// And leaves it as it was.
pub async fn a_counter_refuses_what_is_no_number_and_what_does_not_fit(home: Home) {
    let kv = &home.store.kv;
    kv.put(KEY, "one".into(), Ttl::Forever).await.unwrap();
    assert!(kv.increment(KEY, 1, Ttl::Forever).await.unwrap_err().is_not_a_counter());
    assert_eq!(kv.get(KEY).await.unwrap().unwrap().value, "one");
    kv.put(KEY, i64::MAX.to_string().into(), Ttl::Forever).await.unwrap();
    assert!(kv.increment(KEY, 1, Ttl::Forever).await.unwrap_err().is_overflow());
    assert_eq!(kv.increment(KEY, 0, Ttl::Forever).await.unwrap(), i64::MAX);
    kv.put(KEY, i64::MIN.to_string().into(), Ttl::Forever).await.unwrap();
    assert!(kv.increment(KEY, -1, Ttl::Forever).await.unwrap_err().is_overflow());
}

/// A future that is dropped unpolled has written nothing.
pub async fn nothing_happens_before_the_first_poll(home: Home) {
    let kv = &home.store.kv;
    drop(kv.put(KEY, "1".into(), Ttl::Forever));
    drop(kv.increment(KEY, 1, Ttl::Forever));
    assert_eq!(kv.get(KEY).await.unwrap(), None);
}

//! Indexes and their caps.

use std::time::Duration;

use super::Home;
use crate::{Attempt, IndexCap, Key, Kv, MemberPage, Ttl};

const PARTITION: &str = "partition";
const SECOND: Duration = Duration::from_secs(1);

fn key(name: &str) -> Key<'_> {
    Key::new(PARTITION, name)
}

async fn create(kv: &dyn Kv, name: &str, ttl: Ttl, indexes: &[IndexCap<'_>]) {
    let attempt = kv.create_indexed(key(name), name.to_owned().into(), ttl, indexes).await.unwrap();
    assert!(attempt.won().is_some(), "there is a `{name}` already");
}

async fn is_full(kv: &dyn Kv, name: &str, indexes: &[IndexCap<'_>]) -> bool {
    match kv.create_indexed(key(name), name.to_owned().into(), Ttl::Forever, indexes).await {
        Ok(_) => false,
        Err(error) => error.is_full(),
    }
}

async fn names(kv: &dyn Kv, index: &str) -> Vec<String> {
    names_of(&kv.scan(key(index), None, usize::MAX).await.unwrap())
}

fn names_of(page: &MemberPage) -> Vec<String> {
    page.members.iter().map(|member| member.name.clone().into()).collect()
}

/// Not the entry, and no membership in the other indexes.
pub async fn a_full_index_refuses_and_writes_nothing(home: Home) {
    let kv = &*home.store.kv;
    let both = [IndexCap::uncapped("all"), IndexCap::at_most("ada", 2)];
    create(kv, "1", Ttl::Forever, &both).await;
    create(kv, "2", Ttl::Forever, &both).await;
    assert!(is_full(kv, "3", &both).await);
    assert_eq!(kv.get(key("3")).await.unwrap(), None);
    assert_eq!(names(kv, "all").await, ["1", "2"]);
    assert_eq!(kv.count(key("ada")).await.unwrap(), 2);
    create(kv, "3", Ttl::Forever, &[IndexCap::at_most("ada", 3)]).await;
    assert!(is_full(kv, "4", &[IndexCap::at_most("empty", 0)]).await);
}

/// In the order in which the writer named them.
pub async fn the_first_full_index_is_named(home: Home) {
    let kv = &*home.store.kv;
    create(kv, "1", Ttl::Forever, &[IndexCap::uncapped("x"), IndexCap::uncapped("y")]).await;
    let caps = [IndexCap::uncapped("x"), IndexCap::at_most("y", 1), IndexCap::at_most("x", 1)];
    let error = kv.create_indexed(key("2"), "2".into(), Ttl::Forever, &caps).await.unwrap_err();
    assert_eq!(error.full_index(), Some("y"));
}

/// Whoever repeats a creation learns that it was done.
pub async fn an_existing_entry_is_reported_before_a_full_index(home: Home) {
    let kv = &*home.store.kv;
    let caps = [IndexCap::at_most("x", 1)];
    create(kv, "1", Ttl::Forever, &caps).await;
    let again = kv.create_indexed(key("1"), "2".into(), Ttl::Forever, &caps).await.unwrap();
    assert!(matches!(again, Attempt::Lost(Some(entry)) if entry.value == "1"));
}

/// At once.
pub async fn deletion_makes_room(home: Home) {
    let kv = &*home.store.kv;
    let caps = [IndexCap::at_most("x", 1)];
    create(kv, "1", Ttl::Forever, &caps).await;
    assert!(is_full(kv, "2", &caps).await);
    kv.delete(key("1")).await.unwrap();
    assert_eq!(kv.count(key("x")).await.unwrap(), 0);
    create(kv, "2", Ttl::Forever, &caps).await;
    assert_eq!(names(kv, "x").await, ["2"]);
}

/// Neither towards a cap nor in a count nor in a scan.
pub async fn expired_members_do_not_count(home: Home) {
    let kv = &*home.store.kv;
    let caps = [IndexCap::at_most("x", 2)];
    create(kv, "1", Ttl::After(SECOND), &caps).await;
    create(kv, "2", Ttl::After(2 * SECOND), &caps).await;
    assert!(is_full(kv, "3", &caps).await);
    home.clock.advance(SECOND);
    assert_eq!(kv.count(key("x")).await.unwrap(), 1);
    assert_eq!(names(kv, "x").await, ["2"]);
    create(kv, "3", Ttl::Forever, &caps).await;
    assert!(is_full(kv, "4", &caps).await);
    assert_eq!(names(kv, "x").await, ["2", "3"]);
}

/// However many have expired since anything was last written, also when their old names are used again.
pub async fn many_expired_members_make_room_for_as_many(home: Home) {
    let kv = &*home.store.kv;
    let caps = [IndexCap::at_most("x", 300)];
    for _ in 0..2 {
        for number in 0..300 {
            create(kv, &number.to_string(), Ttl::After(SECOND), &caps).await;
        }
        assert!(is_full(kv, "more", &caps).await);
        home.clock.advance(SECOND);
    }
    assert_eq!(kv.count(key("x")).await.unwrap(), 0);
}

/// However many other entries of the partition expired before the member did.
pub async fn a_member_that_expired_after_many_others_makes_room(home: Home) {
    let kv = &*home.store.kv;
    for number in 0..300 {
        create(kv, &number.to_string(), Ttl::After(SECOND), &[]).await;
    }
    let caps = [IndexCap::at_most("x", 1)];
    create(kv, "old", Ttl::After(2 * SECOND), &caps).await;
    home.clock.advance(2 * SECOND);
    create(kv, "new", Ttl::Forever, &caps).await;
    assert_eq!(names(kv, "x").await, ["new"]);
}

/// Beyond the deadline that it was created with, and not beyond the new one.
pub async fn a_touched_member_stays(home: Home) {
    let kv = &*home.store.kv;
    let caps = [IndexCap::at_most("x", 1)];
    create(kv, "1", Ttl::After(SECOND), &caps).await;
    kv.touch(key("1"), Ttl::After(3 * SECOND)).await.unwrap();
    home.clock.advance(2 * SECOND);
    assert!(is_full(kv, "2", &caps).await);
    assert_eq!(names(kv, "x").await, ["1"]);
    home.clock.advance(SECOND);
    assert_eq!(kv.count(key("x")).await.unwrap(), 0);
}

/// A put, a swap and an increment leave it; a new entry of the old name is no member.
pub async fn membership_survives_overwriting_and_ends_with_the_entry(home: Home) {
    let kv = &*home.store.kv;
    create(kv, "1", Ttl::Forever, &[IndexCap::uncapped("x")]).await;
    let version = kv.put(key("1"), "2".into(), Ttl::Forever).await.unwrap();
    let _ = kv.compare_and_swap(key("1"), version, "3".into(), Ttl::Forever).await.unwrap();
    kv.increment(key("1"), 1, Ttl::After(SECOND)).await.unwrap();
    let page = kv.scan(key("x"), None, 10).await.unwrap();
    assert_eq!(names_of(&page), ["1"]);
    assert_eq!(page.members[0].entry, kv.get(key("1")).await.unwrap().unwrap());
    home.clock.advance(SECOND);
    kv.put(key("1"), "4".into(), Ttl::Forever).await.unwrap();
    assert_eq!(kv.count(key("x")).await.unwrap(), 0);
    assert_eq!(names(kv, "x").await, [""; 0]);
}

/// And its entry is one member.
pub async fn an_index_named_twice_counts_once_with_the_smaller_cap(home: Home) {
    let kv = &*home.store.kv;
    let caps = [IndexCap::at_most("x", 5), IndexCap::at_most("x", 1)];
    create(kv, "1", Ttl::Forever, &caps).await;
    assert_eq!(kv.count(key("x")).await.unwrap(), 1);
    assert!(is_full(kv, "2", &caps).await);
    kv.delete(key("1")).await.unwrap();
    assert_eq!(kv.count(key("x")).await.unwrap(), 0);
}

/// By bytes; each page goes on after the last name, whether or not that is still a member.
pub async fn a_scan_pages_in_the_order_of_names(home: Home) {
    let kv = &*home.store.kv;
    for name in ["b", "ä", "a", "c", "B", "aa"] {
        create(kv, name, Ttl::Forever, &[IndexCap::uncapped("x")]).await;
    }
    let first = kv.scan(key("x"), None, 2).await.unwrap();
    assert_eq!((names_of(&first), first.more), (vec!["B".to_owned(), "a".to_owned()], true));
    kv.delete(key("a")).await.unwrap();
    let second = kv.scan(key("x"), Some("a"), 3).await.unwrap();
    assert_eq!(names_of(&second), ["aa", "b", "c"]);
    assert!(second.more);
    let third = kv.scan(key("x"), Some("c"), 3).await.unwrap();
    assert_eq!((names_of(&third), third.more), (vec!["ä".to_owned()], false));
    let last = kv.scan(key("x"), Some("ä"), 3).await.unwrap();
    assert_eq!(last, MemberPage::default());
    assert_eq!(kv.scan(key("x"), None, 0).await.unwrap(), MemberPage { members: Vec::new(), more: true });
}

/// As entries do; an index and an entry of one name have nothing to do with each other.
pub async fn indexes_belong_to_their_partition(home: Home) {
    let kv = &*home.store.kv;
    let caps = [IndexCap::at_most("x", 1)];
    create(kv, "x", Ttl::Forever, &caps).await;
    let other = Key::new("other", "x");
    assert!(kv.create_indexed(other, "2".into(), Ttl::Forever, &caps).await.unwrap().won().is_some());
    kv.delete(other).await.unwrap();
    assert_eq!(kv.count(other).await.unwrap(), 0);
    assert_eq!(kv.count(key("x")).await.unwrap(), 1);
    assert_eq!(kv.get(key("x")).await.unwrap().unwrap().value, "x");
}

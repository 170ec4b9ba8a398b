//! Several writes at once.

use super::Home;
use crate::{Batch, IndexCap, Key, Kv, Ttl, Version, Write};

const PARTITION: &str = "partition";

fn key(name: &str) -> Key<'_> {
    Key::new(PARTITION, name)
}

fn put<'a>(name: &'a str, value: &'static str) -> Write<'a> {
    Write::Put { name, value: value.into(), ttl: Ttl::Forever }
}

fn create<'a>(name: &'a str, indexes: &'a [IndexCap<'a>]) -> Write<'a> {
    Write::Create { name, value: "new".into(), ttl: Ttl::Forever, indexes }
}

async fn value(kv: &dyn Kv, name: &str) -> Option<String> {
    let entry = kv.get(key(name)).await.unwrap()?;
    Some(String::from_utf8_lossy(&entry.value).into_owned())
}

async fn version(kv: &dyn Kv, name: &str) -> Option<Version> {
    Some(kv.get(key(name)).await.unwrap()?.version)
}

/// Each sees what those before it did; the versions are those that stand in the end.
pub async fn all_writes_are_done_in_order(home: Home) {
    let kv = &*home.store.kv;
    let old = kv.put(key("swapped"), "1".into(), Ttl::Forever).await.unwrap();
    let gone = kv.put(key("deleted"), "1".into(), Ttl::Forever).await.unwrap();
    let writes = vec![
        Write::Swap { name: "swapped", expected: old, value: "2".into(), ttl: Ttl::Forever },
        put("put", "1"),
        put("put", "2"),
        Write::Delete { name: "deleted", expected: Some(gone) },
        Write::Require { name: "deleted", version: None },
        create("created", &[]),
        Write::Delete { name: "never", expected: None },
    ];
    let Batch::Applied(versions) = kv.apply(PARTITION, writes).await.unwrap() else { panic!("refused") };
    let names = ["swapped", "put", "put", "deleted", "deleted", "created", "never"];
    for (name, told) in names.into_iter().zip(&versions) {
        assert_eq!(version(kv, name).await, *told, "{name}");
    }
    assert_eq!(versions.len(), names.len());
    assert_ne!(versions[0], Some(old));
    assert_eq!(value(kv, "swapped").await.as_deref(), Some("2"));
    assert_eq!(value(kv, "put").await.as_deref(), Some("2"));
    assert_eq!(value(kv, "deleted").await, None);
    assert_eq!(value(kv, "created").await.as_deref(), Some("new"));
}

/// Values, versions, deadlines and memberships are as before.
pub async fn a_lost_condition_undoes_everything(home: Home) {
    let kv = &*home.store.kv;
    let index = [IndexCap::uncapped("x")];
    let _ = kv.create_indexed(key("member"), "1".into(), Ttl::Forever, &index).await.unwrap();
    kv.put(key("other"), "1".into(), Ttl::After(std::time::Duration::from_secs(1))).await.unwrap();
    let before = [kv.get(key("member")).await.unwrap(), kv.get(key("other")).await.unwrap()];
    let writes = vec![
        put("other", "2"),
        Write::Delete { name: "member", expected: None },
        create("new", &index),
        put("member", "2"),
        create("other", &[]),
        put("never", "1"),
    ];
    let Batch::Refused { write, current } = kv.apply(PARTITION, writes).await.unwrap() else {
        panic!("applied")
    };
    assert_eq!(write, 4);
    assert_eq!(current.unwrap().value, "2");
    assert_eq!([kv.get(key("member")).await.unwrap(), kv.get(key("other")).await.unwrap()], before);
    assert_eq!(value(kv, "new").await, None);
    assert_eq!(value(kv, "never").await, None);
    let members = kv.scan(key("x"), None, 10).await.unwrap().members;
    assert_eq!(members.iter().map(|member| &*member.name).collect::<Vec<_>>(), ["member"]);

    let stale = version(kv, "member").await.unwrap();
    kv.put(key("member"), "3".into(), Ttl::Forever).await.unwrap();
    for lost in [
        Write::Swap { name: "member", expected: stale, value: "4".into(), ttl: Ttl::Forever },
        Write::Delete { name: "member", expected: Some(stale) },
        Write::Require { name: "member", version: Some(stale) },
        Write::Require { name: "member", version: None },
        Write::Delete { name: "absent", expected: Some(stale) },
    ] {
        let batch = kv.apply(PARTITION, vec![put("never", "1"), lost]).await.unwrap();
        assert!(matches!(batch, Batch::Refused { write: 1, .. }), "{batch:?}");
    }
    assert_eq!(value(kv, "never").await, None);
    assert_eq!(value(kv, "member").await.as_deref(), Some("3"));
}

/// As a lost condition does.
pub async fn a_full_index_undoes_everything(home: Home) {
    let kv = &*home.store.kv;
    let full = [IndexCap::uncapped("y"), IndexCap::at_most("x", 0)];
    let writes = vec![put("1", "1"), create("2", &full)];
    assert!(kv.apply(PARTITION, writes).await.unwrap_err().is_full());
    assert_eq!(value(kv, "1").await, None);
    assert_eq!(value(kv, "2").await, None);
    assert_eq!(kv.count(key("y")).await.unwrap(), 0);
}

/// And deletions before them make room.
pub async fn creations_in_one_batch_count_towards_the_cap(home: Home) {
    let kv = &*home.store.kv;
    let caps = [IndexCap::at_most("x", 2)];
    let three = ["1", "2", "3"].map(|name| create(name, &caps)).to_vec();
    assert!(kv.apply(PARTITION, three).await.unwrap_err().is_full());
    let with_deletion = vec![
        create("1", &caps),
        create("2", &caps),
        Write::Delete { name: "1", expected: None },
        create("3", &caps),
    ];
    assert!(matches!(kv.apply(PARTITION, with_deletion).await.unwrap(), Batch::Applied(_)));
    assert_eq!(kv.count(key("x")).await.unwrap(), 2);
}

/// So an entry moves between indexes.
pub async fn an_entry_is_created_anew_in_another_index(home: Home) {
    let kv = &*home.store.kv;
    let (from, to) = ([IndexCap::uncapped("from")], [IndexCap::uncapped("to")]);
    let created = kv.create_indexed(key("1"), "1".into(), Ttl::Forever, &from).await.unwrap();
    let writes = vec![Write::Delete { name: "1", expected: created.won() }, create("1", &to)];
    assert!(matches!(kv.apply(PARTITION, writes).await.unwrap(), Batch::Applied(_)));
    assert_eq!(kv.count(key("from")).await.unwrap(), 0);
    assert_eq!(kv.count(key("to")).await.unwrap(), 1);
}

/// It only makes the others depend on it.
pub async fn a_requirement_writes_nothing(home: Home) {
    let kv = &*home.store.kv;
    let version = kv.put(key("1"), "1".into(), Ttl::Forever).await.unwrap();
    let require = Write::Require { name: "1", version: Some(version) };
    let batch = kv.apply(PARTITION, vec![require, put("2", "1")]).await.unwrap();
    assert!(matches!(batch, Batch::Applied(versions) if versions[0] == Some(version)));
    assert_eq!(value(kv, "2").await.as_deref(), Some("1"));
}

/// It is vacuously done.
pub async fn an_empty_batch_is_applied(home: Home) {
    assert_eq!(home.store.kv.apply(PARTITION, Vec::new()).await.unwrap(), Batch::Applied(Vec::new()));
}

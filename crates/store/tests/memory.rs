//! The home in memory passes the contract, and what it promises beyond that.
#![allow(clippy::unwrap_used, reason = "tests, and what they share")]

use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::Bytes;
use latimer_store::contract::Home;
use latimer_store::memory::{MemoryBus, MemoryKv, MemoryLog};
use latimer_store::{BoxFuture, Bus, IndexCap, Key, Kv, Log, ManualClock, Position, Retain, Store, Ttl};

async fn memory() -> Home {
    Home::with_clock(Store::memory_with_clock)
}

latimer_store::contract_tests!(memory);

const HOUR: Duration = Duration::from_secs(3600);

/// The output of a future that is ready at the first poll.
fn ready<T>(mut future: BoxFuture<'_, T>) -> T {
    match future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("the future was not ready at the first poll"),
    }
}

fn create_sessions(kv: &MemoryKv, count: usize, each: impl Fn(usize) -> String) {
    for number in 0..count {
        let principal = format!("principal:{}", each(number));
        let caps = [IndexCap::at_most(&principal, 1000), IndexCap::uncapped("all")];
        let name = format!("{number:032x}");
        // The value is a small part of a large buffer, as it is when it comes from a socket.
        let value = Bytes::from(vec![0; 4096]).slice(..300);
        ready(kv.create_indexed(Key::new("sessions", &name), value, Ttl::After(HOUR), &caps))
            .unwrap()
            .won()
            .unwrap();
    }
}

#[test]
fn every_future_is_ready_at_the_first_poll() {
    let (store, key) = (Store::memory(), Key::new("p", "n"));
    let version = ready(store.kv.put(key, "1".into(), Ttl::Forever)).unwrap();
    ready(store.kv.get(key)).unwrap().unwrap();
    ready(store.kv.touch(key, Ttl::Keep)).unwrap().unwrap();
    ready(store.kv.compare_and_swap(key, version, "2".into(), Ttl::Forever)).unwrap().won().unwrap();
    ready(store.kv.increment(key, 1, Ttl::Forever)).unwrap();
    let _ = ready(store.kv.apply("p", Vec::new())).unwrap();
    ready(store.kv.scan(key, None, 1)).unwrap();
    ready(store.kv.count(key)).unwrap();
    ready(store.kv.delete(key)).unwrap().unwrap();
    ready(store.log.append(key, "1".into(), &Retain { max_entries: 1, max_bytes: 1, ttl: None })).unwrap();
    ready(store.log.read(key, Position::START, 1)).unwrap();
    ready(store.log.trim(key, Position::START)).unwrap();
    ready(store.log.touch(key, Ttl::Keep)).unwrap();
    ready(store.log.delete(key)).unwrap();
    let _subscription = ready(store.bus.subscribe("t")).unwrap();
    ready(store.bus.publish("t", "1".into())).unwrap();
}

#[test]
fn an_idle_entry_of_300_bytes_in_two_indexes_costs_below_one_kilobyte() {
    let clock = Arc::new(ManualClock::new());
    let kv = MemoryKv::new(clock.clone());
    let empty = kv.footprint();
    // Sizes just past and just before the tables double.
    for count in [4_000, 7_000, 8_000, 10_000] {
        let kv = MemoryKv::new(clock.clone());
        create_sessions(&kv, count, |number| number.to_string());
        let each = (kv.footprint() - empty) / count;
        println!("{count} entries, each in an index of its own and in one of all: {each} bytes each");
        assert!((400..1000).contains(&each), "{each} bytes for each of {count} entries");
    }
    let kv = MemoryKv::new(clock);
    create_sessions(&kv, 10_000, |number| (number % 100).to_string());
    let each = (kv.footprint() - empty) / 10_000;
    println!("10000 entries, in 100 indexes and in one of all: {each} bytes each");
    assert!((400..1000).contains(&each), "{each} bytes for each entry");
}

#[test]
fn abandoned_entries_go_away_while_others_are_written_anywhere() {
    let clock = ManualClock::new();
    let kv = MemoryKv::new(Arc::new(clock.clone()));
    create_sessions(&kv, 1000, |number| number.to_string());
    for partition in 0..1000 {
        let partition = partition.to_string();
        ready(kv.put(Key::new(&partition, "n"), "1".into(), Ttl::After(HOUR))).unwrap();
    }
    assert_eq!(kv.resident(), 2000);
    let full = kv.footprint();
    clock.advance(HOUR);
    for _ in 0..5000 {
        ready(kv.put(Key::new("elsewhere", "n"), "1".into(), Ttl::Forever)).unwrap();
    }
    assert_eq!(kv.resident(), 1);
    assert!(kv.footprint() < full / 10, "{} bytes of {full}", kv.footprint());
}

#[test]
fn entries_that_come_and_go_leave_nothing_behind() {
    let clock = ManualClock::new();
    let kv = MemoryKv::new(Arc::new(clock.clone()));
    let mut most = 0;
    for round in 0..20_000 {
        let name = round.to_string();
        let caps = [IndexCap::uncapped(&name), IndexCap::uncapped("all")];
        ready(kv.create_indexed(Key::new("p", &name), "1".into(), Ttl::After(HOUR), &caps))
            .unwrap()
            .won()
            .unwrap();
        ready(kv.touch(Key::new("p", &name), Ttl::After(2 * HOUR))).unwrap();
        if round % 2 == 0 {
            ready(kv.delete(Key::new("p", &name))).unwrap().unwrap();
        }
        clock.advance(HOUR / 100);
        most = most.max(kv.resident());
    }
    assert!(most <= 120, "{most} entries, where at most 101 live");
    assert!(kv.footprint() < 200_000);
}

#[test]
fn abandoned_streams_go_away_while_others_are_written_anywhere() {
    let clock = ManualClock::new();
    let log = MemoryLog::new(Arc::new(clock.clone()));
    let retain = Retain { max_entries: 4, max_bytes: 4000, ttl: Some(HOUR) };
    for stream in 0..1000 {
        let partition = stream.to_string();
        for _ in 0..10 {
            ready(log.append(Key::new(&partition, "s"), vec![0; 1000].into(), &retain)).unwrap();
        }
    }
    assert_eq!(log.resident(), 1000);
    let full = log.footprint();
    assert!((4_000_000..5_000_000).contains(&full), "{full} bytes");
    clock.advance(HOUR);
    for _ in 0..2500 {
        ready(log.append(Key::new("elsewhere", "s"), "1".into(), &retain)).unwrap();
    }
    assert_eq!(log.resident(), 1);
    assert!(log.footprint() < 100_000);
}

#[test]
fn a_topic_without_subscribers_takes_no_memory() {
    let bus = MemoryBus::new();
    ready(bus.publish("t", "1".into())).unwrap();
    assert_eq!(bus.topics(), 0);
    let first = ready(bus.subscribe("t")).unwrap();
    let second = ready(bus.subscribe("t")).unwrap();
    let other = ready(bus.subscribe("u")).unwrap();
    assert_eq!(bus.topics(), 2);
    drop((first, other));
    assert_eq!(bus.topics(), 1);
    drop(second);
    assert_eq!(bus.topics(), 0);
}

#[test]
fn a_slow_subscriber_keeps_the_newest_within_the_bounds_in_count_and_in_bytes() {
    use latimer_store::Signal;
    let bus = MemoryBus::new();
    for (messages, length, kept) in [(100, 8, 64), (100, 10_000, 6), (1, 100_000, 0), (64, 8, 64)] {
        let mut subscription = ready(bus.subscribe("t")).unwrap();
        for number in 0..messages {
            ready(bus.publish("t", vec![number; length].into())).unwrap();
        }
        let mut signals = Vec::new();
        let mut context = Context::from_waker(Waker::noop());
        while let Poll::Ready(Some(signal)) = subscription.poll_recv(&mut context) {
            signals.push(signal);
        }
        let mut expected: Vec<_> =
            (messages - kept..messages).map(|number| Signal::Message(vec![number; length].into())).collect();
        if kept < messages {
            expected.insert(0, Signal::Lagged);
        }
        assert!(signals == expected, "{messages} messages of {length} bytes");
    }
}

#[test]
fn a_subscription_outlives_its_bus() {
    let bus = MemoryBus::new();
    let mut subscription = ready(bus.subscribe("t")).unwrap();
    ready(bus.publish("t", "1".into())).unwrap();
    drop(bus);
    assert!(ready(Box::pin(subscription.recv())).is_some());
}

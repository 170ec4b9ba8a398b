//! Messages.

use std::future::poll_fn;

use super::Home;
use crate::{Bus, Signal, Subscription};

async fn publish(bus: &dyn Bus, topic: &str, message: impl ToString) {
    bus.publish(topic, message.to_string().into()).await.unwrap();
}

/// The next message, which must not be lost: for few messages to attentive subscribers.
async fn hear(subscription: &mut Subscription) -> String {
    match subscription.recv().await {
        Some(Signal::Message(message)) => String::from_utf8_lossy(&message).into_owned(),
        other => panic!("heard {other:?}"),
    }
}

/// And nobody else.
pub async fn a_message_reaches_all_subscribers_of_its_topic(home: Home) {
    let bus = &*home.store.bus;
    let mut one = bus.subscribe("topic").await.unwrap();
    let mut two = bus.subscribe("topic").await.unwrap();
    let mut other = bus.subscribe("topic/other").await.unwrap();
    publish(bus, "topic", "a").await;
    publish(bus, "topic/other", "b").await;
    assert_eq!(hear(&mut one).await, "a");
    assert_eq!(hear(&mut two).await, "a");
    assert_eq!(hear(&mut other).await, "b");
}

/// Of publication.
pub async fn messages_arrive_in_order(home: Home) {
    let bus = &*home.store.bus;
    let mut subscription = bus.subscribe("topic").await.unwrap();
    for number in 0..10 {
        publish(bus, "topic", number).await;
    }
    for number in 0..10 {
        assert_eq!(hear(&mut subscription).await, number.to_string());
    }
}

/// It is a hint.
pub async fn publishing_to_nobody_succeeds(home: Home) {
    publish(&*home.store.bus, "topic", "a").await;
    drop(home.store.bus.subscribe("topic").await.unwrap());
    publish(&*home.store.bus, "topic", "b").await;
}

/// Subscribe first, then look, then wait.
pub async fn what_was_published_before_is_not_heard(home: Home) {
    let bus = &*home.store.bus;
    let mut early = bus.subscribe("topic").await.unwrap();
    publish(bus, "topic", "before").await;
    assert_eq!(hear(&mut early).await, "before");
    let mut late = bus.subscribe("topic").await.unwrap();
    publish(bus, "topic", "after").await;
    assert_eq!(hear(&mut late).await, "after");
}

/// In the place where they are missing; what it hears is still in order.
pub async fn a_slow_subscriber_is_told_that_it_lost_messages(home: Home) {
    const MESSAGES: usize = 20_000;
    let bus = &*home.store.bus;
    let mut subscription = bus.subscribe("topic").await.unwrap();
    for number in 0..MESSAGES {
        publish(bus, "topic", number).await;
    }
    let (mut expected, mut lagged) = (0, false);
    while expected < MESSAGES {
        match subscription.recv().await.expect("the home stays") {
            Signal::Lagged => {
                // The last may be among the lost. Not for each: with a full queue every message costs another.
                if !std::mem::replace(&mut lagged, true) {
                    publish(bus, "topic", MESSAGES - 1).await;
                }
            }
            Signal::Message(message) => {
                let number: usize = std::str::from_utf8(&message).unwrap().parse().unwrap();
                assert!(number == expected || (lagged && number > expected), "{number} after {expected}");
                (expected, lagged) = (number + 1, false);
            }
        }
    }
}

/// Also when it was waiting before the message.
pub async fn a_waiting_subscriber_is_woken(home: Home) {
    let mut subscription = home.store.bus.subscribe("topic").await.unwrap();
    let (waits, waiting) = tokio::sync::oneshot::channel();
    let mut waits = Some(waits);
    let heard = tokio::spawn(async move {
        poll_fn(|cx| {
            let polled = subscription.poll_recv(cx);
            if polled.is_pending()
                && let Some(waits) = waits.take()
            {
                let _ = waits.send(());
            }
            polled
        })
        .await
    });
    waiting.await.unwrap();
    publish(&*home.store.bus, "topic", "a").await;
    assert_eq!(heard.await.unwrap(), Some(Signal::Message("a".into())));
}

/// Whichever it is.
pub async fn dropping_one_subscription_leaves_the_others(home: Home) {
    let bus = &*home.store.bus;
    let first = bus.subscribe("topic").await.unwrap();
    let mut second = bus.subscribe("topic").await.unwrap();
    drop(first);
    publish(bus, "topic", "a").await;
    assert_eq!(hear(&mut second).await, "a");
}

//! A call that goes on beside others of its connection.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::Poll;

use latimer_core::admission::Permit;
use latimer_core::engine::{Holder, Pending, Reply};
use latimer_core::outbox::Outbox;

use super::answering::Answering;

/// Carries a call to its end.
pub(super) async fn run(answering: Answering, pending: Pending, permit: Permit<Holder>) {
    let outbox = pending.outbox().clone();
    let reply = speak(&answering, pending).await;
    settle(answering, outbox, reply, permit).await;
}

/// Carries a call to its reply. What it says before that waits in its outbox while the reader is slow.
pub(super) async fn speak(answering: &Answering, mut pending: Pending) -> Option<Reply> {
    let out = &answering.out;
    let outbox = pending.outbox().clone();
    let mut room = pin!(None);
    poll_fn(|cx| {
        if let Poll::Ready(reply) = Pin::new(&mut pending).poll(cx) {
            return Poll::Ready(reply);
        }
        loop {
            if !out.has_room() {
                if room.is_none() {
                    let out = out.clone();
                    room.set(Some(Box::pin(async move { out.room().await })));
                }
                if room.as_mut().as_pin_mut().is_some_and(|waiting| waiting.poll(cx).is_pending()) {
                    return Poll::Pending;
                }
            }
            room.set(None);
            match outbox.poll_pop(cx) {
                Poll::Ready(event) => answering.say(&event),
                Poll::Pending => return Poll::Pending,
            }
        }
    })
    .await
}

/// Writes what a call said, and its reply, as soon as there is room. The permit is kept meanwhile, so that the cap on
/// calls bounds what waits for a reader that pauses.
pub(super) async fn settle(
    answering: Answering,
    outbox: Outbox,
    reply: Option<Reply>,
    permit: Permit<Holder>,
) {
    // Many large answers at once are no reason to give up a reader that reads.
    let held = reply.as_ref().map(|reply| answering.out.hold(reply.bytes.len()));
    if reply.is_some() {
        answering.room().await;
    }
    answering.finish(&outbox, reply);
    drop(held);
    drop(permit);
}

//! A call that goes on beside others of its connection.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::Poll;

use latimer_core::admission::Permit;
use latimer_core::engine::{Holder, Pending, Reply};
use latimer_core::outbox::{Event, Outbox};

use super::outgoing::Outgoing;

/// Writes what a call said, and its reply.
pub(super) fn finish(out: &Outgoing, outbox: &Outbox, reply: Option<Reply>) {
    // After a cancellation nothing more is sent for the request (STDIO-3).
    let Some(reply) = reply else { return };
    flush(out, outbox);
    out.push(&reply.bytes);
}

/// Writes what a call said.
pub(super) fn flush(out: &Outgoing, outbox: &Outbox) {
    while let Some(event) = outbox.pop() {
        send(out, &event);
    }
}

/// Carries a call to its end.
pub(super) async fn run(out: Outgoing, pending: Pending, permit: Permit<Holder>) {
    let outbox = pending.outbox().clone();
    let reply = speak(&out, pending).await;
    settle(out, outbox, reply, permit).await;
}

/// Carries a call to its reply. What it says before that waits in its outbox while the reader is slow.
pub(super) async fn speak(out: &Outgoing, mut pending: Pending) -> Option<Reply> {
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
                Poll::Ready(event) => send(out, &event),
                Poll::Pending => return Poll::Pending,
            }
        }
    })
    .await
}

/// Writes what a call said, and its reply, as soon as there is room. The permit is kept meanwhile, so that the cap on
/// calls bounds what waits for a reader that pauses.
pub(super) async fn settle(out: Outgoing, outbox: Outbox, reply: Option<Reply>, permit: Permit<Holder>) {
    // Many large answers at once are no reason to give up a reader that reads.
    if reply.is_some() {
        out.room().await;
    }
    finish(&out, &outbox, reply);
    drop(permit);
}

fn send(out: &Outgoing, event: &Event) {
    // A byte stream has no connection to come back to: only messages go out.
    if let Event::Message(text) = event {
        out.push(text);
    }
}

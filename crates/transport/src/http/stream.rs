//! The event stream of a call that nobody can come back to: modern calls, and legacy calls that ended at once.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use latimer_core::admission::Permit;
use latimer_core::engine::{Holder, Pending, Reply};
use latimer_core::outbox::{Event, Outbox};
use latimer_protocol::codec::sse;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::{Instant, Sleep};

/// What the call said and says, and at last its reply. Dropping it cancels the call (H-9).
pub(super) struct CallStream {
    outbox: Outbox,
    reply: ReplySlot,
    keep_alive: KeepAlive,
    over: bool,
    /// A reader that stalls keeps its call in flight.
    _permit: Option<Permit<Holder>>,
}

enum ReplySlot {
    Here(Option<Reply>),
    Coming { receiver: oneshot::Receiver<Option<Reply>>, task: JoinHandle<()> },
}

impl CallStream {
    /// The stream of a call that has ended: what it said, then its reply. One write.
    pub(super) fn ended(outbox: Outbox, reply: Reply, every: Duration) -> Self {
        Self {
            outbox,
            reply: ReplySlot::Here(Some(reply)),
            keep_alive: KeepAlive::new(every),
            over: false,
            _permit: None,
        }
    }

    /// The stream of a call that goes on, in a task of its own: a reader that stalls does not stall the call.
    pub(super) fn running(pending: Pending, permit: Permit<Holder>, every: Duration) -> Self {
        let outbox = pending.outbox().clone();
        let (sender, receiver) = oneshot::channel();
        let task = tokio::spawn(async move {
            // Nobody is there to hear of it: then the call was cancelled anyway.
            let _ = sender.send(pending.await);
        });
        Self {
            outbox,
            reply: ReplySlot::Coming { receiver, task },
            keep_alive: KeepAlive::new(every),
            over: false,
            _permit: Some(permit),
        }
    }

    pub(super) fn poll_data(&mut self, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        if self.over {
            return Poll::Ready(None);
        }
        let reply = match &mut self.reply {
            ReplySlot::Here(reply) => Poll::Ready(reply.take()),
            ReplySlot::Coming { receiver, .. } => {
                Pin::new(receiver).poll(cx).map(|outcome| outcome.ok().flatten())
            }
        };
        let mut out = Vec::new();
        // Events come before the reply; all of them are in once the reply is there.
        while let Poll::Ready(event) = self.outbox.poll_pop(cx) {
            if let Event::Message(text) = event {
                write_message(None, &text, &mut out);
            }
            if out.len() >= CHUNK && reply.is_pending() {
                break;
            }
        }
        if let Poll::Ready(reply) = reply {
            self.over = true;
            if let Some(reply) = reply {
                write_message(None, &reply.bytes, &mut out);
            }
        }
        match (out.is_empty(), self.over) {
            (false, _) => {
                self.keep_alive.restart();
                Poll::Ready(Some(out.into()))
            }
            (true, true) => Poll::Ready(None),
            (true, false) => self.keep_alive.poll_comment(cx).map(Some),
        }
    }
}

impl Drop for CallStream {
    fn drop(&mut self) {
        if let ReplySlot::Coming { task, .. } = &self.reply {
            task.abort();
        }
    }
}

/// Where a chunk is sent although more events wait.
pub(super) const CHUNK: usize = 64 << 10;

/// Appends a message as an event.
pub(super) fn write_message(id: Option<&str>, text: &[u8], out: &mut Vec<u8>) {
    sse::write_event(&sse::Event { id, data: text, ..sse::Event::default() }, out);
}

/// Comments that keep a silent stream alive (H-7).
pub(super) struct KeepAlive {
    every: Duration,
    sleep: Option<Pin<Box<Sleep>>>,
}

impl KeepAlive {
    pub(super) fn new(every: Duration) -> Self {
        Self { every, sleep: None }
    }

    pub(super) fn restart(&mut self) {
        self.sleep = None;
    }

    /// A comment, when the stream has been silent long enough.
    pub(super) fn poll_comment(&mut self, cx: &mut Context<'_>) -> Poll<Bytes> {
        let every = self.every;
        let sleep = self.sleep.get_or_insert_with(|| Box::pin(tokio::time::sleep(every)));
        if sleep.as_mut().poll(cx).is_pending() {
            return Poll::Pending;
        }
        sleep.as_mut().reset(Instant::now() + every);
        // Registers with the timer again.
        let _ = sleep.as_mut().poll(cx);
        let mut out = Vec::new();
        sse::write_comment("", &mut out);
        Poll::Ready(out.into())
    }
}

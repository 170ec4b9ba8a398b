//! What waits to be written: everything that is there goes out in one write.

use std::io;
use std::sync::Arc;

use latimer_protocol::codec::line;
use parking_lot::Mutex;
use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// The queue of a connection. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Outgoing(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    state: Mutex<State>,
    /// Something to write, or an end.
    work: Notify,
    /// Room for messages that can wait.
    room: Notify,
    /// Nothing more can be written.
    given_up: CancellationToken,
    soft: usize,
    hard: usize,
    full: usize,
}

#[derive(Debug, Default)]
struct State {
    waiting: Vec<u8>,
    /// Bytes in the write that is going on.
    writing: usize,
    /// Bytes of answers that wait for room.
    held: usize,
    /// Nothing waits for room any more.
    hurried: bool,
    closed: bool,
    broken: bool,
    /// How many messages were queued so far.
    messages: u64,
}

impl Outgoing {
    /// Messages that can wait do so from `soft` bytes on; at `hard` bytes the reader is given up. Past `full` bytes, those that
    /// wait included, it is [full](Self::is_full).
    pub(super) fn new(soft: usize, hard: usize, full: usize) -> Self {
        Self(Arc::new(Inner {
            state: Mutex::default(),
            work: Notify::new(),
            room: Notify::new(),
            given_up: CancellationToken::new(),
            soft,
            hard,
            full,
        }))
    }

    /// Queues a message, whatever waits already.
    pub(super) fn push(&self, message: &[u8]) {
        let mut state = self.0.state.lock();
        if state.broken {
            return;
        }
        // Whatever its size, one message is always taken: only what is left unread counts.
        if state.waiting.len() + state.writing > self.0.hard {
            tracing::warn!(
                limit = self.0.hard,
                "the client does not read its answers; the connection is closed"
            );
            drop(state);
            return self.give_up();
        }
        line::write_line(message, &mut state.waiting);
        state.messages += 1;
        drop(state);
        self.0.work.notify_one();
    }

    /// Counts the bytes of an answer that waits for room.
    pub(super) fn hold(&self, bytes: usize) -> Held {
        self.0.state.lock().held += bytes;
        Held { out: self.clone(), bytes }
    }

    /// Whether so much waits for the reader that nothing more may be begun for it.
    pub(super) fn is_full(&self) -> bool {
        let state = self.0.state.lock();
        !state.broken && state.waiting.len() + state.writing + state.held > self.0.full
    }

    /// Waits until something more may be begun.
    pub(super) async fn emptier(&self) {
        while self.is_full() {
            let mut notified = std::pin::pin!(self.0.room.notified());
            notified.as_mut().enable();
            if self.is_full() {
                notified.await;
            }
        }
    }

    /// Gives the reader up: nothing more is written.
    pub(super) fn give_up(&self) {
        {
            let mut state = self.0.state.lock();
            state.broken = true;
            state.waiting = Vec::new();
        }
        self.0.given_up.cancel();
        self.0.room.notify_waiters();
    }

    /// How many messages were queued so far.
    pub(super) fn written(&self) -> u64 {
        self.0.state.lock().messages
    }

    /// Whether a message that can wait may be queued.
    pub(super) fn has_room(&self) -> bool {
        let state = self.0.state.lock();
        state.broken || state.hurried || state.waiting.len() + state.writing < self.0.soft
    }

    /// Waits until a message that can wait may be queued.
    pub(super) async fn room(&self) {
        loop {
            let notified = self.0.room.notified();
            let mut notified = std::pin::pin!(notified);
            notified.as_mut().enable();
            if self.has_room() {
                return;
            }
            notified.await;
        }
    }

    /// Waits, where there is no room, until a write of what is queued has begun. Does not wait for any reader.
    pub(super) async fn tried(&self) {
        while !self.is_tried() {
            let mut notified = std::pin::pin!(self.0.room.notified());
            notified.as_mut().enable();
            if !self.is_tried() {
                notified.await;
            }
        }
    }

    /// Whether there is room, or a write of what is queued has begun.
    pub(super) fn is_tried(&self) -> bool {
        let state = self.0.state.lock();
        state.broken || state.writing > 0 || state.waiting.len() < self.0.soft
    }

    /// Lets what waits for room be queued at once: the connection ends.
    pub(super) fn hurry(&self) {
        self.0.state.lock().hurried = true;
        self.0.room.notify_waiters();
    }

    /// Whether nothing more can be written.
    pub(super) fn is_broken(&self) -> bool {
        self.0.state.lock().broken
    }

    /// Nothing more will be queued: [`write`](Self::write) ends when all is out.
    pub(super) fn close(&self) {
        self.0.state.lock().closed = true;
        self.0.work.notify_one();
    }

    /// Writes what is queued until the queue is closed and empty, or the reader is given up.
    pub(super) async fn write<W: AsyncWrite + Unpin>(&self, output: W) -> io::Result<()> {
        let written = tokio::select! {
            // A peer that has closed its end reads nothing either; which of the two it is, the write tells.
            biased;
            written = self.write_all(output) => written,
            () = self.0.given_up.cancelled() => return Ok(()),
        };
        if written.is_err() {
            self.give_up();
        }
        written
    }

    async fn write_all<W: AsyncWrite + Unpin>(&self, mut output: W) -> io::Result<()> {
        loop {
            let (batch, is_closed) = {
                let mut state = self.0.state.lock();
                let batch = std::mem::take(&mut state.waiting);
                state.writing = batch.len();
                (batch, state.closed)
            };
            self.0.room.notify_waiters();
            if batch.is_empty() && is_closed {
                // The other end learns that this was all.
                return output.shutdown().await;
            }
            if batch.is_empty() {
                self.0.work.notified().await;
                continue;
            }
            output.write_all(&batch).await?;
            output.flush().await?;
            self.0.state.lock().writing = 0;
        }
    }
}

/// The bytes of an answer that waits for room, for as long as it does.
#[derive(Debug)]
pub(super) struct Held {
    out: Outgoing,
    bytes: usize,
}

impl Drop for Held {
    fn drop(&mut self) {
        self.out.0.state.lock().held -= self.bytes;
        self.out.0.room.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::AsyncReadExt;

    #[tokio::test]
    async fn what_is_queued_comes_out_in_order_a_line_each() {
        let outgoing = Outgoing::new(100, 1000, 1000);
        let (mut near, far) = tokio::io::duplex(4096);
        for message in ["{\"a\":1}", "{\n\"b\":2}", "[]"] {
            outgoing.push(message.as_bytes());
        }
        outgoing.close();
        outgoing.write(far).await.unwrap();
        let mut out = String::new();
        near.read_to_string(&mut out).await.unwrap();
        assert_eq!(out, "{\"a\":1}\n{ \"b\":2}\n[]\n");
    }

    #[tokio::test]
    async fn a_client_that_never_reads_is_given_up_at_the_limit() {
        let outgoing = Outgoing::new(10, 100, 100);
        let (_near, far) = tokio::io::duplex(1);
        let writer = tokio::spawn({
            let outgoing = outgoing.clone();
            async move { outgoing.write(far).await }
        });
        assert!(outgoing.has_room());
        outgoing.push(&[b'1'; 50]);
        assert!(!outgoing.has_room() && !outgoing.is_broken());
        outgoing.push(&[b'1'; 60]);
        assert!(!outgoing.is_broken());
        outgoing.push(b"1");
        assert!(outgoing.is_broken());
        outgoing.room().await;
        // The write that nobody reads does not keep the connection.
        writer.await.unwrap().unwrap();
    }

    #[tokio::test]
    async fn a_message_larger_than_the_limit_comes_through() {
        let outgoing = Outgoing::new(10, 100, 100);
        outgoing.push(&[b'1'; 1000]);
        outgoing.close();
        let mut out = Vec::new();
        outgoing.write(&mut out).await.unwrap();
        assert_eq!(out.len(), 1001);
    }

    #[tokio::test]
    async fn a_message_that_can_wait_waits_for_the_reader() {
        let outgoing = Outgoing::new(4, 1000, 1000);
        outgoing.push(b"12345");
        let (mut near, far) = tokio::io::duplex(2);
        let writer = tokio::spawn({
            let outgoing = outgoing.clone();
            async move { outgoing.write(far).await }
        });
        let waiting = tokio::spawn({
            let outgoing = outgoing.clone();
            async move { outgoing.room().await }
        });
        let mut line = [0; 6];
        near.read_exact(&mut line).await.unwrap();
        waiting.await.unwrap();
        outgoing.close();
        writer.await.unwrap().unwrap();
    }
}

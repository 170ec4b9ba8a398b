//! What a call says before its answer.
//!
//! Handlers put events in and never wait; the transport takes them out as fast as its reader reads.
//! The room between them is bounded in events and bytes: past it, progress is merged (only the
//! newest counts) and the oldest log message gives way and is counted. How much a call may log at all, and how
//! what was dropped is told, is in `log_limit`.

use std::collections::VecDeque;
use std::fmt;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::Bytes;
use latimer_protocol::wire::LogLevel;
use parking_lot::Mutex;
use tokio::time::Instant;

use crate::context;
use crate::limits::Limits;
use crate::log_limit::LogLimit;

/// Something to be sent before the answer of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A notification, as complete JSON text.
    Message(Bytes),
    /// The connection may be closed; the client comes back for the rest after `retry` (LH-4).
    Disconnect {
        /// How long the client should wait.
        retry: Duration,
    },
}

/// The sending side, held by the call's context. Cheap to clone.
#[derive(Clone)]
pub struct Outbox(Arc<Mutex<Queue>>);

struct Queue {
    entries: VecDeque<Entry>,
    bytes: usize,
    most_events: usize,
    most_bytes: usize,
    /// Log messages that had to give way.
    lost: u64,
    logs: LogLimit,
    progress: f64,
    /// How many progress events there were, sent or merged.
    steps: u64,
    /// How many questions wait for the client, since when any does, and how long that was before.
    waiting: usize,
    since: Option<Instant>,
    waited: Duration,
    closed: bool,
    /// Whether the call goes on as a task when its connection is done with it.
    detached: bool,
    /// What a task is doing, in words, if that was not taken out yet.
    status: Option<String>,
    waker: Option<Waker>,
    /// Whoever runs the task.
    status_waker: Option<Waker>,
    /// Whoever waits for room.
    room: Option<Waker>,
}

struct Entry {
    kind: Kind,
    event: Event,
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Progress,
    Log,
    Control,
}

/// Says that the call waits for its client, until it is dropped.
pub(crate) struct Waiting(Outbox);

impl Drop for Waiting {
    fn drop(&mut self) {
        let mut queue = self.0.0.lock();
        queue.waiting -= 1;
        if queue.waiting == 0
            && let Some(since) = queue.since.take()
        {
            queue.waited += since.elapsed();
        }
    }
}

impl Outbox {
    /// An outbox that holds at most so many events and bytes at a time.
    pub fn new(most_events: usize, most_bytes: usize) -> Self {
        Self::within(&Limits { ring_events: most_events, ring_bytes: most_bytes, ..Limits::default() })
    }

    /// An outbox within the limits of a server.
    pub(crate) fn within(limits: &Limits) -> Self {
        Self(Arc::new(Mutex::new(Queue {
            entries: VecDeque::new(),
            bytes: 0,
            most_events: limits.ring_events.max(1),
            most_bytes: limits.ring_bytes,
            lost: 0,
            logs: LogLimit::new(limits),
            progress: f64::NEG_INFINITY,
            steps: 0,
            waiting: 0,
            since: None,
            waited: Duration::ZERO,
            closed: false,
            detached: false,
            status: None,
            waker: None,
            status_waker: None,
            room: None,
        })))
    }

    /// Puts in a progress notification, if `progress` is more than before (PRG-1). `message` writes
    /// the notification's text and is not asked where nothing would be sent.
    pub(crate) fn progress(&self, progress: f64, message: impl FnOnce() -> Bytes) {
        let mut queue = self.0.lock();
        if queue.closed || !progress.is_finite() || progress <= queue.progress {
            return;
        }
        queue.progress = progress;
        queue.steps += 1;
        queue.push(Kind::Progress, Event::Message(message()));
    }

    /// Notes that the call goes on, for a caller that did not ask to hear of it.
    pub(crate) fn step(&self) {
        self.0.lock().steps += 1;
    }

    /// Whether the call may log at a level that its caller wants, and then how many bytes of data. What it may not is
    /// counted.
    pub(crate) fn admit_log(&self, level: LogLevel) -> Option<usize> {
        let mut queue = self.0.lock();
        if queue.closed {
            return None;
        }
        let admitted = queue.logs.admit(level, Instant::now());
        if admitted.is_some() && queue.logs.is_full() {
            queue.tell_dropped();
        }
        admitted
    }

    /// Puts in what is to be told of log messages that were dropped, before the reply.
    pub(crate) fn tell_dropped(&self) {
        let mut queue = self.0.lock();
        if !queue.closed {
            queue.tell_dropped();
        }
    }

    /// Puts in a log message that was admitted.
    pub(crate) fn log(&self, message: Bytes) {
        let mut queue = self.0.lock();
        if !queue.closed {
            queue.push(Kind::Log, Event::Message(message));
        }
    }

    /// Says what a task is doing. Only the newest words wait, for whoever runs the task: the connection of a call that
    /// became one has nothing to do with them.
    pub(crate) fn status(&self, message: String) {
        let mut queue = self.0.lock();
        queue.steps += 1;
        queue.status = Some(message);
        if let Some(waker) = queue.status_waker.take() {
            waker.wake();
        }
    }

    /// Takes what a task is doing out, or has its runner woken when that is said.
    pub(crate) fn poll_status(&self, cx: &mut Context<'_>) -> Poll<String> {
        let mut queue = self.0.lock();
        match queue.status.take() {
            Some(status) => Poll::Ready(status),
            None => {
                queue.status_waker = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }

    /// Takes what a task is doing out, if that is new.
    pub(crate) fn take_status(&self) -> Option<String> {
        self.0.lock().status.take()
    }

    /// Says that the call goes on as a task when its connection is done with it. What was said before goes out there;
    /// nothing is said after (TX-8).
    pub(crate) fn detach(&self) {
        let mut queue = self.0.lock();
        queue.tell_dropped();
        queue.closed = true;
        queue.detached = true;
    }

    /// Whether the call goes on as a task.
    pub(crate) fn is_detached(&self) -> bool {
        self.0.lock().detached
    }

    /// Puts in a message that never gives way, such as a request to the client or its withdrawal. Whoever says many
    /// waits for room first.
    pub(crate) fn say(&self, message: Bytes) {
        let mut queue = self.0.lock();
        if !queue.closed {
            queue.push(Kind::Control, Event::Message(message));
        }
    }

    /// Says that the call waits for its client: that time does not count against the call.
    pub(crate) fn wait(&self) -> Waiting {
        let mut queue = self.0.lock();
        queue.waiting += 1;
        queue.since.get_or_insert_with(Instant::now);
        drop(queue);
        Waiting(self.clone())
    }

    /// Whether the call waits for its client, and how long it has done so in all.
    pub(crate) fn waited(&self) -> (bool, Duration) {
        let queue = self.0.lock();
        (queue.waiting > 0, queue.waited + queue.since.map_or(Duration::ZERO, |since| since.elapsed()))
    }

    /// Ends when fewer than `most` events wait to be taken out. One task at a time may wait.
    pub(crate) async fn room(&self, most: usize) {
        poll_fn(|cx| {
            let mut queue = self.0.lock();
            if queue.entries.len() < most {
                return Poll::Ready(());
            }
            queue.room = Some(cx.waker().clone());
            Poll::Pending
        })
        .await;
    }

    /// Asks for the connection to be closed, if the client can come back.
    pub(crate) fn disconnect(&self, retry: Duration) {
        let mut queue = self.0.lock();
        if !queue.closed {
            queue.push(Kind::Control, Event::Disconnect { retry });
        }
    }

    /// Takes no more events: the call is over (PRG-1). What is in stays to be taken out.
    pub fn close(&self) {
        self.0.lock().closed = true;
    }

    /// How often the call has made progress.
    pub fn steps(&self) -> u64 {
        self.0.lock().steps
    }

    /// How many log messages had to give way to newer ones.
    pub fn lost(&self) -> u64 {
        self.0.lock().lost
    }

    /// Whether nothing waits to be taken out.
    pub fn is_empty(&self) -> bool {
        self.0.lock().entries.is_empty()
    }

    /// Whether nothing waits to be taken out; has the task woken when something does.
    pub fn is_empty_or_wake(&self, cx: &mut Context<'_>) -> bool {
        let mut queue = self.0.lock();
        queue.wake_later(cx);
        queue.entries.is_empty()
    }

    /// Whether the call wants its connection closed before its reply.
    pub fn wants_disconnect(&self) -> bool {
        self.0.lock().entries.iter().any(|entry| matches!(entry.event, Event::Disconnect { .. }))
    }

    /// Takes the oldest event out.
    pub fn pop(&self) -> Option<Event> {
        self.0.lock().pop()
    }

    /// Takes the oldest event out, or has the task woken when there is one.
    pub fn poll_pop(&self, cx: &mut Context<'_>) -> Poll<Event> {
        let mut queue = self.0.lock();
        if let Some(event) = queue.pop() {
            return Poll::Ready(event);
        }
        queue.wake_later(cx);
        Poll::Pending
    }
}

impl Queue {
    fn wake_later(&mut self, cx: &Context<'_>) {
        if !self.waker.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
            self.waker = Some(cx.waker().clone());
        }
    }

    fn push(&mut self, kind: Kind, event: Event) {
        let size = size(&event);
        self.make_room_for(size);
        self.bytes += size;
        self.entries.push_back(Entry { kind, event });
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }

    fn tell_dropped(&mut self) {
        if self.logs.dropped() == 0 {
            return;
        }
        // What gives way to the message is told by it.
        self.make_room_for(TOLD_BYTES);
        if let Some(told) = self.logs.tell() {
            let text = context::notification("notifications/message", |out| told.write(out));
            self.push(Kind::Log, Event::Message(text));
        }
    }

    fn make_room_for(&mut self, size: usize) {
        while !self.entries.is_empty()
            && (self.entries.len() >= self.most_events || self.bytes + size > self.most_bytes)
        {
            if !self.make_room() {
                break;
            }
        }
    }

    /// Lets the oldest progress go, or, if there is none, the oldest log message.
    fn make_room(&mut self) -> bool {
        let oldest = |kind| self.entries.iter().position(|entry| entry.kind == kind);
        let Some(at) = oldest(Kind::Progress).or_else(|| oldest(Kind::Log)) else { return false };
        if let Some(entry) = self.entries.remove(at) {
            self.bytes -= size(&entry.event);
            if entry.kind == Kind::Log {
                self.lost += 1;
                self.logs.gave_way();
            }
        }
        true
    }

    fn pop(&mut self) -> Option<Event> {
        let entry = self.entries.pop_front()?;
        self.bytes -= size(&entry.event);
        if let Some(room) = self.room.take() {
            room.wake();
        }
        Some(entry.event)
    }
}

/// More than the message has that tells of dropped ones.
const TOLD_BYTES: usize = 256;

fn size(event: &Event) -> usize {
    match event {
        Event::Message(text) => text.len(),
        Event::Disconnect { .. } => 0,
    }
}

impl fmt::Debug for Outbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let queue = self.0.lock();
        f.debug_struct("Outbox").field("events", &queue.entries.len()).field("bytes", &queue.bytes).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(outbox: &Outbox) -> Vec<String> {
        std::iter::from_fn(|| outbox.pop())
            .map(|event| match event {
                Event::Message(text) => String::from_utf8(text.to_vec()).unwrap(),
                Event::Disconnect { .. } => "disconnect".to_owned(),
            })
            .collect()
    }

    #[test]
    fn prg_1_progress_only_grows_and_ends_with_the_call() {
        let outbox = Outbox::new(8, 1000);
        for progress in [1.0, 1.0, 0.5, f64::NAN, 2.0, f64::INFINITY] {
            outbox.progress(progress, || Bytes::from(progress.to_string()));
        }
        outbox.close();
        outbox.progress(3.0, || Bytes::from("3"));
        assert_eq!(texts(&outbox), ["1", "2"]);
        assert_eq!(outbox.steps(), 2);
    }

    #[test]
    fn without_a_reader_the_newest_progress_and_the_newest_logs_remain() {
        let outbox = Outbox::new(3, 1000);
        outbox.log(Bytes::from("a"));
        for progress in 0..20_000 {
            outbox.progress(f64::from(progress), || Bytes::from(progress.to_string()));
        }
        assert_eq!(texts(&outbox), ["a", "19998", "19999"]);
        for log in ["a", "b", "c", "d"] {
            outbox.log(Bytes::from(log));
        }
        assert_eq!(texts(&outbox), ["b", "c", "d"]);
        assert_eq!(outbox.lost(), 1);
    }

    #[test]
    fn sec_6_what_was_dropped_is_told_once_and_counts_what_gives_way_to_it() {
        let limits = Limits { ring_events: 2, log_burst: 3, log_rate: 0, ..Limits::default() };
        let outbox = Outbox::within(&limits);
        for text in ["a", "b", "c", "d"] {
            if outbox.admit_log(LogLevel::Warning).is_some() {
                outbox.log(Bytes::from(text));
            }
        }
        outbox.tell_dropped();
        outbox.tell_dropped();
        let texts = texts(&outbox);
        assert_eq!((texts.len(), texts[0].as_str()), (2, "c"));
        assert!(texts[1].contains("\"warning\"") && texts[1].contains("3 log messages"), "{texts:?}");
        outbox.close();
        assert_eq!(outbox.admit_log(LogLevel::Error), None);
        outbox.tell_dropped();
        assert!(outbox.is_empty());
    }

    #[test]
    fn bytes_are_bounded_too_and_a_disconnect_stays() {
        let outbox = Outbox::new(100, 10);
        outbox.disconnect(Duration::ZERO);
        for _ in 0..5 {
            outbox.log(Bytes::from("12345"));
        }
        assert_eq!(texts(&outbox), ["disconnect", "12345", "12345"]);
    }
}

//! Messages between the tasks of this process.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use parking_lot::Mutex;

use super::Shards;
use crate::bus::{Bus, Receive, Signal, Subscription};
use crate::{BoxFuture, Result};

/// Messages that wait for one subscriber at most; the oldest go first.
const MAX_WAITING: usize = 64;

/// Bytes of messages that wait for one subscriber at most.
const MAX_WAITING_BYTES: usize = 64 * 1024;

/// Messages within this process. See the [module](super).
///
/// At most 64 messages and 64 KiB wait for a subscriber; past that the oldest are lost, and it is told.
#[derive(Debug)]
pub struct MemoryBus {
    shards: Arc<Shards<Topics>>,
}

impl MemoryBus {
    /// No topics yet.
    #[must_use]
    pub fn new() -> Self {
        Self { shards: Arc::new(Shards::new(|_| Topics::default())) }
    }

    /// The number of topics that have a subscriber; others take no memory.
    #[must_use]
    pub fn topics(&self) -> usize {
        self.shards.sum(|topics| topics.by_name.len())
    }
}

impl Default for MemoryBus {
    fn default() -> Self {
        Self::new()
    }
}

impl Bus for MemoryBus {
    fn publish<'a>(&'a self, topic: &'a str, message: Bytes) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let mut wakers = Vec::new();
            if let Some(subscribers) = self.shards.lock(topic).by_name.get(topic) {
                wakers
                    .extend(subscribers.values().filter_map(|mailbox| mailbox.lock().push(message.clone())));
            }
            // Not under the lock: a waker runs others' code.
            wakers.into_iter().for_each(Waker::wake);
            Ok(())
        })
    }

    fn subscribe<'a>(&'a self, topic: &'a str) -> BoxFuture<'a, Result<Subscription>> {
        Box::pin(async move {
            let mailbox = Arc::new(Mutex::new(Mailbox::default()));
            let mut topics = self.shards.lock(topic);
            let id = topics.next_id;
            topics.next_id += 1;
            let name: Arc<str> = match topics.by_name.get_key_value(topic) {
                Some((name, _)) => Arc::clone(name),
                None => topic.into(),
            };
            topics.by_name.entry(Arc::clone(&name)).or_default().insert(id, Arc::clone(&mailbox));
            Ok(Subscription::new(Subscriber { shards: Arc::clone(&self.shards), topic: name, id, mailbox }))
        })
    }
}

#[derive(Debug, Default)]
struct Topics {
    by_name: HashMap<Arc<str>, HashMap<u64, Arc<Mutex<Mailbox>>>>,
    next_id: u64,
}

/// What waits for one subscriber.
#[derive(Debug, Default)]
struct Mailbox {
    waiting: VecDeque<Bytes>,
    bytes: usize,
    /// Whether messages were lost that the subscriber has not been told of.
    lagged: bool,
    waker: Option<Waker>,
}

impl Mailbox {
    /// Adds a message, and returns whom to wake.
    fn push(&mut self, message: Bytes) -> Option<Waker> {
        self.bytes += message.len();
        self.waiting.push_back(message);
        while self.waiting.len() > MAX_WAITING || self.bytes > MAX_WAITING_BYTES {
            self.pop();
            self.lagged = true;
        }
        self.waker.take()
    }

    fn pop(&mut self) -> Option<Bytes> {
        let oldest = self.waiting.pop_front()?;
        self.bytes -= oldest.len();
        Some(oldest)
    }
}

struct Subscriber {
    shards: Arc<Shards<Topics>>,
    topic: Arc<str>,
    id: u64,
    mailbox: Arc<Mutex<Mailbox>>,
}

impl Receive for Subscriber {
    fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<Option<Signal>> {
        let mut mailbox = self.mailbox.lock();
        if std::mem::take(&mut mailbox.lagged) {
            return Poll::Ready(Some(Signal::Lagged));
        }
        if let Some(message) = mailbox.pop() {
            return Poll::Ready(Some(Signal::Message(message)));
        }
        // Between bursts nothing is kept.
        mailbox.waiting = VecDeque::new();
        if !mailbox.waker.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
            mailbox.waker = Some(cx.waker().clone());
        }
        Poll::Pending
    }
}

impl Drop for Subscriber {
    fn drop(&mut self) {
        let mut topics = self.shards.lock(&self.topic);
        if let Some(subscribers) = topics.by_name.get_mut(&self.topic) {
            subscribers.remove(&self.id);
            if subscribers.is_empty() {
                topics.by_name.remove(&self.topic);
            }
        }
    }
}

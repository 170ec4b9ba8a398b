//! Event streams that a client can leave and come back to (LH-4, LH-5).
//!
//! What a legacy call says and answers is appended to a bounded stream of the store; whoever holds the
//! connection reads from there at the reader's own pace, and a client that comes back with
//! `Last-Event-ID` reads on from where it was, on whichever process it arrives.

mod event;
mod reader;

use std::time::Duration;

use bytes::Bytes;
use latimer_store::{Key, LogPage, Position, Retain, Store, StoreError, Ttl};
use tokio::sync::watch;

use crate::limits::LiveLimits;
use crate::random;
use crate::session::SessionId;
use event::{CALL, LISTENING, decode, encode};
pub use event::{Content, EventId, StreamEvent};
use reader::Readers;
pub use reader::{Pace, Reader};

/// The streams of a server.
#[derive(Clone, Debug)]
pub struct Streams {
    store: Store,
    limits: LiveLimits,
    readers: Readers,
}

/// Writes a stream.
#[derive(Clone, Debug)]
pub struct Writer {
    streams: Streams,
    session: SessionId,
    stream: Box<str>,
}

impl Streams {
    /// Streams in a store, within limits. What nobody fetches goes with its session.
    pub fn new(store: Store, limits: impl Into<LiveLimits>) -> Self {
        Self { store, limits: limits.into(), readers: Readers::default() }
    }

    /// How much of a stream is kept, and for how long.
    fn retain(&self) -> Retain {
        let limits = self.limits.now();
        Retain {
            max_entries: limits.ring_events,
            // One answer always has room, however large: it alone must not be refused.
            max_bytes: limits.ring_bytes.max(1),
            ttl: Some(limits.session_idle),
        }
    }

    /// How many streams of a session that have ended are kept for clients that come back.
    fn kept(&self) -> usize {
        self.limits.now().calls_per_session
    }

    /// A new stream of a call.
    pub fn open(&self, session: &SessionId) -> Writer {
        self.named(session, &format!("{CALL}{}", random::hex::<6>()))
    }

    /// A new stream of what concerns a session and no call of it. It takes no room before something is written.
    pub fn open_listening(&self, session: &SessionId) -> Writer {
        self.named(session, &format!("{LISTENING}{}", random::hex::<6>()))
    }

    /// The rest of a stream behind an event that a client has seen; `None` where the session has no such
    /// stream (any more).
    ///
    /// # Errors
    /// When the store fails.
    pub async fn resume(&self, session: &SessionId, seen: &EventId) -> Result<Option<Reader>, StoreError> {
        let writer = self.named(session, &seen.stream);
        let mut reader = writer.reader_after(seen.position).await?;
        let last = writer.page_after(seen.position, 1).await?.last;
        reader.newest = last;
        // The beginning of a stream of the session is no entry, see `Writer::prime`.
        if seen.position > last || (seen.position == Position::START && reader.is_of_call()) {
            return Ok(None);
        }
        if seen.position == last && last > Position::START {
            let before = Position::from_u64(last.as_u64() - 1);
            let newest = writer.page_after(before, 1).await?.entries.pop();
            reader.over = newest.is_some_and(|entry| decode(&entry.value).is_last());
        }
        Ok(Some(reader))
    }

    /// Forgets the ended streams of a session that is closed.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn forget(&self, session: &SessionId) -> Result<(), StoreError> {
        let list = self.named(session, ENDED);
        let ended = list.page_after(Position::START, self.kept()).await?.entries;
        for name in ended.iter().filter_map(|entry| std::str::from_utf8(&entry.value).ok()) {
            self.named(session, name).delete().await?;
        }
        list.delete().await
    }

    fn named(&self, session: &SessionId, stream: &str) -> Writer {
        Writer { streams: self.clone(), session: session.clone(), stream: stream.into() }
    }
}

/// The stream that names those that have ended; no event id can name it.
const ENDED: &str = "ended:";

impl Writer {
    /// The event that opens a stream of a session. It is not kept: a reader that comes back with its id begins
    /// at the beginning.
    pub fn prime(&self) -> StreamEvent {
        let id = EventId { stream: self.stream.clone(), position: Position::START };
        StreamEvent { id, content: Content::Prime }
    }

    /// Forgets a stream that nobody can come back to.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn delete(&self) -> Result<(), StoreError> {
        let partition = self.partition();
        self.streams.store.log.delete(Key::new(&partition, &self.stream)).await.map(|_| ())
    }

    /// Whether somebody reads it in this process.
    pub(crate) fn is_read(&self) -> bool {
        self.streams.readers.has(&self.stream)
    }

    /// Appends the last event. A session keeps as many ended streams as it may have calls in flight; past that, the
    /// one that ended first and that nobody reads here is forgotten.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn finish(&self, last: Content) -> Result<(), StoreError> {
        self.append(last).await?;
        let Streams { store, readers, .. } = &self.streams;
        let kept = self.streams.kept();
        let partition = self.partition();
        let list = Key::new(&partition, ENDED);
        let retain = Retain { max_entries: kept, max_bytes: usize::MAX, ..self.streams.retain() };
        for _ in 0..kept {
            let page = store.log.read(list, Position::START, 1).await?;
            let Some(oldest) = page.entries.first() else { break };
            if page.last.as_u64() - oldest.position.as_u64() + 1 < kept as u64 {
                break;
            }
            let name = std::str::from_utf8(&oldest.value).unwrap_or_default();
            if !readers.has(name) {
                store.log.delete(Key::new(&partition, name)).await?;
                break;
            }
            // Somebody reads it: it takes its place behind the others, and they are looked at.
            store.log.append(list, oldest.value.clone(), &retain).await?;
        }
        let name = Bytes::copy_from_slice(self.stream.as_bytes());
        store.log.append(list, name, &retain).await.map(|_| ())
    }

    /// Appends an event and wakes the reader.
    ///
    /// # Errors
    /// When the store fails, or the event alone is larger than a stream may be.
    pub async fn append(&self, content: Content) -> Result<EventId, StoreError> {
        let store = &self.streams.store;
        let value = encode(content);
        let retain = self.streams.retain();
        let retain = Retain { max_bytes: retain.max_bytes.max(value.len()), ..retain };
        let partition = self.partition();
        let position = store.log.append(Key::new(&partition, &self.stream), value, &retain).await?;
        store.bus.publish(&self.topic(), Bytes::new()).await?;
        Ok(EventId { stream: self.stream.clone(), position })
    }

    /// A reader from the beginning.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn reader(&self) -> Result<Reader, StoreError> {
        self.reader_after(Position::START).await
    }

    async fn reader_after(&self, after: Position) -> Result<Reader, StoreError> {
        // Listening begins before reading, so that nothing falls between the two.
        let wake = self.streams.store.bus.subscribe(&self.topic()).await?;
        self.streams.readers.add(&self.stream);
        let (read, newest) = (watch::Sender::new(after), after);
        Ok(Reader { writer: self.clone(), after, wake, over: false, read, newest })
    }

    async fn page_after(&self, after: Position, limit: usize) -> Result<LogPage, StoreError> {
        let partition = self.partition();
        self.streams.store.log.read(Key::new(&partition, &self.stream), after, limit).await
    }

    /// Keeps what was written although nothing follows for long.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn keep(&self) -> Result<(), StoreError> {
        let Some(ttl) = self.streams.retain().ttl else { return Ok(()) };
        let partition = self.partition();
        let log = &self.streams.store.log;
        log.touch(Key::new(&partition, &self.stream), Ttl::After(ttl)).await.map(|_| ())
    }

    /// Ends a stream whose session is gone: whoever still reads it learns so, and it is forgotten soon.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn end(&self) -> Result<(), StoreError> {
        self.append(Content::End).await?;
        self.retire().await
    }

    async fn retire(&self) -> Result<(), StoreError> {
        let ttl = self.streams.retain().ttl.map_or(KEPT_AFTER_END, |ttl| ttl.min(KEPT_AFTER_END));
        let partition = self.partition();
        let log = &self.streams.store.log;
        log.touch(Key::new(&partition, &self.stream), Ttl::After(ttl)).await.map(|_| ())
    }

    fn partition(&self) -> String {
        format!("session:{}", self.session)
    }

    fn topic(&self) -> String {
        format!("stream:{}:{}", self.session, self.stream)
    }
}

/// How long a stream is kept after its end was read.
const KEPT_AFTER_END: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests;

//! Event streams that a client can leave and come back to (LH-4, LH-5).
//!
//! What a legacy call says and answers is appended to a bounded stream of the store; whoever holds the
//! connection reads from there at the reader's own pace, and a client that comes back with
//! `Last-Event-ID` reads on from where it was, on whichever process it arrives.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::{BufMut, Bytes, BytesMut};
use latimer_store::{Key, LogPage, Position, Retain, Store, StoreError, Subscription, Ttl};

use parking_lot::Mutex;
use tokio::sync::watch;

use crate::limits::LiveLimits;
use crate::random;
use crate::session::SessionId;

/// The streams of a server.
#[derive(Clone, Debug)]
pub struct Streams {
    store: Store,
    limits: LiveLimits,
    readers: Readers,
}

/// The name of a stream within its session, and a position in it: what `id:` says of an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventId {
    stream: Box<str>,
    position: Position,
}

/// An event of a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamEvent {
    /// Where it stands.
    pub id: EventId,
    /// What it is.
    pub content: Content,
}

/// What an event is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// Nothing yet: it gives the client an id to come back with.
    Prime,
    /// A notification or request.
    Message(Bytes),
    /// The answer; nothing follows.
    Answer(Bytes),
    /// The connection is to be closed, the stream goes on.
    Disconnect {
        /// How long the client is to wait before it comes back.
        retry: Duration,
    },
    /// The call was cancelled; nothing follows.
    End,
}

/// Writes a stream.
#[derive(Clone, Debug)]
pub struct Writer {
    streams: Streams,
    session: SessionId,
    stream: Box<str>,
}

/// Reads a stream.
#[derive(Debug)]
pub struct Reader {
    writer: Writer,
    after: Position,
    wake: Subscription,
    /// Whether nothing follows what was read.
    over: bool,
    /// How far it has read, for those who write.
    read: watch::Sender<Position>,
    /// The newest event when it began.
    newest: Position,
}

/// How far the reader of a stream is, for whoever writes it.
#[derive(Clone, Debug)]
pub struct Pace {
    pub(crate) writer: Writer,
    /// How far it has read.
    pub(crate) read: watch::Receiver<Position>,
    /// The newest event when it began to read.
    pub(crate) newest: Position,
}

impl EventId {
    /// Reads what an `id:` said.
    pub fn parse(text: &str) -> Option<Self> {
        let (stream, position) = text.split_once('-')?;
        let sound = stream.starts_with([CALL, LISTENING])
            && stream.len() <= 32
            && stream.bytes().all(|byte| byte.is_ascii_alphanumeric());
        let position = position.parse().ok().map(Position::from_u64)?;
        sound.then(|| Self { stream: stream.into(), position })
    }
}

impl EventId {
    /// Its place in its stream.
    pub(crate) fn position(&self) -> Position {
        self.position
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.stream, self.position.as_u64())
    }
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

/// What the names of streams begin with.
const CALL: char = 'c';
const LISTENING: char = 's';
/// The stream that names those that have ended; no event id can name it.
const ENDED: &str = "ended:";

impl Content {
    /// Whether nothing follows.
    fn is_last(&self) -> bool {
        matches!(self, Self::Answer(_) | Self::End)
    }
}

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

impl Reader {
    /// The other end of the stream.
    pub fn writer(&self) -> &Writer {
        &self.writer
    }

    /// What whoever writes the stream has to know of its reader.
    pub fn pace(&self) -> Pace {
        Pace { writer: self.writer.clone(), read: self.read.subscribe(), newest: self.newest }
    }

    /// Whether it is the stream of a call, which ends with the call's answer.
    pub fn is_of_call(&self) -> bool {
        self.writer.stream.starts_with(CALL)
    }

    /// The next events, at least one; waits for them. Once the last one was read, the end comes again.
    ///
    /// A stream that was read to its end is kept for a minute more, in case its last events got lost on the way.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn next(&mut self) -> Result<Vec<StreamEvent>, StoreError> {
        loop {
            if self.over {
                let id = EventId { stream: self.writer.stream.clone(), position: self.after };
                return Ok(vec![StreamEvent { id, content: Content::End }]);
            }
            let page = self.writer.page_after(self.after, BATCH).await?;
            if !page.entries.is_empty() {
                let stream = &self.writer.stream;
                let events = page.entries.into_iter().map(|entry| {
                    let id = EventId { stream: stream.clone(), position: entry.position };
                    StreamEvent { id, content: decode(&entry.value) }
                });
                let events: Vec<_> = events.collect();
                let over = events.last().is_some_and(|event| event.content.is_last());
                if over {
                    self.writer.retire().await?;
                }
                // Nothing is waited for from here on: a reader that is dropped meanwhile reads the same again.
                self.after = events.last().map_or(self.after, |event| event.id.position);
                self.read.send_replace(self.after);
                self.over = over;
                return Ok(events);
            }
            // Less than was read already: the stream is gone, or begins anew.
            if page.last < self.after {
                self.over = true;
                continue;
            }
            // The bus may lose a wake-up, so that a reader looks by itself now and then.
            if let Ok(None) = tokio::time::timeout(LOOK_AGAIN, self.wake.recv()).await {
                tokio::time::sleep(LOOK_AGAIN).await;
            }
        }
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.writer.streams.readers.remove(&self.writer.stream);
    }
}

/// Which streams are being read in this process, by name, and how often.
#[derive(Clone, Debug, Default)]
struct Readers(Arc<Mutex<HashMap<Box<str>, usize>>>);

impl Readers {
    fn add(&self, stream: &str) {
        *self.0.lock().entry(stream.into()).or_default() += 1;
    }

    fn remove(&self, stream: &str) {
        let mut readers = self.0.lock();
        if let Some(count) = readers.get_mut(stream) {
            *count -= 1;
            if *count == 0 {
                readers.remove(stream);
            }
        }
    }

    fn has(&self, stream: &str) -> bool {
        self.0.lock().contains_key(stream)
    }
}

const BATCH: usize = 64;
/// How long a stream is kept after its end was read.
const KEPT_AFTER_END: Duration = Duration::from_secs(60);
const LOOK_AGAIN: Duration = Duration::from_secs(5);

fn encode(content: Content) -> Bytes {
    let tagged = |tag: u8, bytes: &[u8]| {
        let mut out = BytesMut::with_capacity(bytes.len() + 1);
        out.put_u8(tag);
        out.put_slice(bytes);
        out.freeze()
    };
    match content {
        Content::Prime => tagged(b'p', &[]),
        Content::Message(text) => tagged(b'm', &text),
        Content::Answer(text) => tagged(b'a', &text),
        Content::Disconnect { retry } => {
            tagged(b'd', &u64::try_from(retry.as_millis()).unwrap_or(u64::MAX).to_be_bytes())
        }
        Content::End => tagged(b'e', &[]),
    }
}

fn decode(value: &Bytes) -> Content {
    let rest = || value.slice(1..);
    match value.first() {
        Some(b'm') => Content::Message(rest()),
        Some(b'a') => Content::Answer(rest()),
        Some(b'd') => {
            let millis =
                value.get(1..9).and_then(|bytes| bytes.try_into().ok()).map_or(0, u64::from_be_bytes);
            Content::Disconnect { retry: Duration::from_millis(millis) }
        }
        Some(b'p') => Content::Prime,
        _ => Content::End,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use latimer_store::ManualClock;

    use super::*;
    use crate::limits::Limits;

    fn streams(events: usize) -> Streams {
        Streams::new(Store::memory(), &Limits { ring_events: events, ..Limits::default() })
    }

    fn session(digit: char) -> SessionId {
        SessionId::parse(&digit.to_string().repeat(32)).unwrap()
    }

    fn text(event: &StreamEvent) -> String {
        match &event.content {
            Content::Message(text) | Content::Answer(text) => String::from_utf8(text.to_vec()).unwrap(),
            other => format!("{other:?}"),
        }
    }

    #[tokio::test]
    async fn lh_5_a_client_that_comes_back_gets_the_rest_of_its_stream_and_of_no_other() {
        let streams = streams(16);
        let (one, other) = (streams.open(&session('a')), streams.open(&session('a')));
        let seen = one.append(Content::Prime).await.unwrap();
        other.append(Content::Message(Bytes::from("other"))).await.unwrap();
        one.append(Content::Message(Bytes::from("progress"))).await.unwrap();
        one.append(Content::Answer(Bytes::from("answer"))).await.unwrap();
        let seen = EventId::parse(&seen.to_string()).unwrap();
        let mut reader = streams.resume(&session('a'), &seen).await.unwrap().unwrap();
        let events: Vec<_> = reader.next().await.unwrap().iter().map(text).collect();
        assert_eq!(events, ["progress", "answer"]);
    }

    #[tokio::test]
    async fn another_sessions_stream_is_not_found() {
        let streams = streams(16);
        let seen = streams.open(&session('a')).append(Content::Prime).await.unwrap();
        assert!(streams.resume(&session('b'), &seen).await.unwrap().is_none());
        let ahead = EventId { position: Position::from_u64(7), ..seen };
        assert!(streams.resume(&session('a'), &ahead).await.unwrap().is_none());
    }

    #[tokio::test]
    async fn a_stream_that_was_read_to_its_end_ends_at_once_and_goes_soon() {
        let clock = Arc::new(ManualClock::new());
        let streams = Streams::new(Store::memory_with_clock(clock.clone()), Limits::default());
        let writer = streams.open(&session('a'));
        writer.append(Content::Prime).await.unwrap();
        let last = writer.append(Content::Answer(Bytes::from("answer"))).await.unwrap();
        // What nobody has read waits.
        clock.advance(Duration::from_secs(20 * 60));
        let mut reader = writer.reader().await.unwrap();
        assert_eq!(reader.next().await.unwrap().len(), 2);
        assert_eq!(reader.next().await.unwrap()[0].content, Content::End);
        let mut again = streams.resume(&session('a'), &last).await.unwrap().unwrap();
        assert_eq!(again.next().await.unwrap()[0].content, Content::End);
        clock.advance(KEPT_AFTER_END * 2);
        assert!(streams.resume(&session('a'), &last).await.unwrap().is_none());
    }

    #[tokio::test]
    async fn a_stream_that_expires_under_its_reader_ends() {
        let clock = Arc::new(ManualClock::new());
        let limits = Limits { session_idle: Duration::from_secs(10), ..Limits::default() };
        let streams = Streams::new(Store::memory_with_clock(clock.clone()), &limits);
        let writer = streams.open(&session('a'));
        writer.append(Content::Prime).await.unwrap();
        writer.append(Content::Message(Bytes::from("progress"))).await.unwrap();
        let mut reader = writer.reader().await.unwrap();
        assert_eq!(reader.next().await.unwrap().len(), 2);
        clock.advance(Duration::from_secs(9));
        writer.keep().await.unwrap();
        clock.advance(Duration::from_secs(9));
        writer.append(Content::Message(Bytes::from("more"))).await.unwrap();
        assert_eq!(text(&reader.next().await.unwrap()[0]), "more");
        clock.advance(Duration::from_secs(11));
        assert_eq!(reader.next().await.unwrap()[0].content, Content::End);
    }

    #[tokio::test]
    async fn a_session_keeps_a_bounded_number_of_ended_streams_and_each_that_is_read() {
        let limits = Limits { calls_per_session: 3, ..Limits::default() };
        let streams = Streams::new(Store::memory(), &limits);
        let answer = |text: &'static str| Content::Answer(Bytes::from(text));
        let read = streams.open(&session('a'));
        let first = read.append(Content::Prime).await.unwrap();
        read.finish(answer("read")).await.unwrap();
        let mut reader = streams.resume(&session('a'), &first).await.unwrap().unwrap();
        let running = streams.open(&session('a'));
        let begun = running.append(Content::Prime).await.unwrap();
        let mut seen = Vec::new();
        for _ in 0..5 {
            let writer = streams.open(&session('a'));
            seen.push(writer.append(Content::Prime).await.unwrap());
            writer.finish(answer("left")).await.unwrap();
        }
        let mut kept = Vec::new();
        for seen in &seen {
            kept.push(streams.resume(&session('a'), seen).await.unwrap().is_some());
        }
        assert_eq!(kept, [false, false, false, true, true]);
        assert!(streams.resume(&session('a'), &begun).await.unwrap().is_some());
        assert_eq!(reader.next().await.unwrap().iter().map(text).collect::<Vec<_>>(), ["read"]);
        // The list itself is no stream that a client could ask for.
        assert_eq!(EventId::parse("ended:-1"), None);
        streams.forget(&session('a')).await.unwrap();
        assert!(streams.resume(&session('a'), &seen[4]).await.unwrap().is_none());
    }

    #[tokio::test]
    async fn a_stream_of_the_session_is_resumed_from_its_beginning() {
        let streams = streams(16);
        let writer = streams.open_listening(&session('a'));
        let primed = writer.prime();
        assert_eq!(primed.content, Content::Prime);
        let id = EventId::parse(&primed.id.to_string()).unwrap();
        let mut reader = streams.resume(&session('a'), &id).await.unwrap().unwrap();
        assert!(!reader.is_of_call());
        writer.append(Content::Message(Bytes::from("news"))).await.unwrap();
        assert_eq!(text(&reader.next().await.unwrap()[0]), "news");
        let call = EventId { stream: "c123".into(), position: Position::START };
        assert!(streams.resume(&session('a'), &call).await.unwrap().is_none());
    }

    #[tokio::test]
    async fn the_answer_outlives_20_000_unread_messages() {
        let streams = streams(8);
        let writer = streams.open(&session('a'));
        let mut reader = writer.reader().await.unwrap();
        for progress in 0..20_000 {
            writer.append(Content::Message(Bytes::from(progress.to_string()))).await.unwrap();
        }
        writer.append(Content::Answer(Bytes::from("answer"))).await.unwrap();
        let events: Vec<_> = reader.next().await.unwrap().iter().map(text).collect();
        assert_eq!(events.len(), 8);
        assert_eq!(events.last().map(String::as_str), Some("answer"));
    }

    #[tokio::test]
    async fn a_reader_waits_for_what_is_not_there_yet() {
        let streams = streams(8);
        let writer = streams.open(&session('a'));
        let mut reader = writer.reader().await.unwrap();
        let waiting = tokio::spawn(async move { reader.next().await.unwrap() });
        let disconnect = Content::Disconnect { retry: Duration::from_millis(500) };
        writer.append(disconnect.clone()).await.unwrap();
        assert_eq!(waiting.await.unwrap()[0].content, disconnect);
    }

    #[test]
    fn strange_event_ids_are_none() {
        for bad in
            ["", "-", "a", "a-", "-1", "a-b", "c-1-2", "c/../b-1", "x1-1", &format!("{}-1", "a".repeat(33))]
        {
            assert_eq!(EventId::parse(bad), None, "{bad}");
        }
    }
}

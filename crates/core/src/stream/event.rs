//! Events of streams, their names, and the bytes that are kept of them.

use std::fmt;
use std::time::Duration;

use bytes::{BufMut, Bytes, BytesMut};
use latimer_store::Position;

/// The name of a stream within its session, and a position in it: what `id:` says of an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventId {
    pub(super) stream: Box<str>,
    pub(super) position: Position,
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

/// What the name of the stream of a call begins with.
pub(super) const CALL: char = 'c';
/// What the name of the stream of a session's own begins with.
pub(super) const LISTENING: char = 's';

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

impl Content {
    /// Whether nothing follows.
    pub(super) fn is_last(&self) -> bool {
        matches!(self, Self::Answer(_) | Self::End)
    }
}

pub(super) fn encode(content: Content) -> Bytes {
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

pub(super) fn decode(value: &Bytes) -> Content {
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

//! Reading a stream, from wherever its reader has come to.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use latimer_store::{Position, StoreError, Subscription};
use parking_lot::Mutex;
use tokio::sync::watch;

use super::Writer;
use super::event::{CALL, Content, EventId, StreamEvent, decode};

/// Reads a stream.
#[derive(Debug)]
pub struct Reader {
    pub(super) writer: Writer,
    pub(super) after: Position,
    pub(super) wake: Subscription,
    /// Whether nothing follows what was read.
    pub(super) over: bool,
    /// How far it has read, for those who write.
    pub(super) read: watch::Sender<Position>,
    /// The newest event when it began.
    pub(super) newest: Position,
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

const BATCH: usize = 64;
const LOOK_AGAIN: Duration = Duration::from_secs(5);

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
pub(super) struct Readers(Arc<Mutex<HashMap<Box<str>, usize>>>);

impl Readers {
    pub(super) fn add(&self, stream: &str) {
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

    pub(super) fn has(&self, stream: &str) -> bool {
        self.0.lock().contains_key(stream)
    }
}

//! The event stream of a legacy call or session: read from the store at the reader's own pace, so that a
//! client that goes away can come back for the rest (LH-4, LH-5).

use std::any::Any;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use latimer_core::admission::Permit;
use latimer_core::stream::{Content, Reader, StreamEvent};
use latimer_core::{BoxFuture, SessionId};
use latimer_protocol::codec::sse;
use latimer_store::StoreError;
use tokio_util::sync::DropGuard;

use super::stream::{KeepAlive, write_message};

/// A stream of a session, as its reader sees it.
pub(super) struct Replay {
    reading: BoxFuture<'static, (Reader, Result<Vec<StreamEvent>, StoreError>)>,
    /// What was read before the stream became one.
    first: Vec<StreamEvent>,
    keep_alive: KeepAlive,
    /// Ends the stream from outside.
    ended: Option<BoxFuture<'static, ()>>,
    over: bool,
    _hold: Hold,
}

/// What an open stream counts as.
pub(super) enum Hold {
    /// A stream that the client opened; one of its session tells that it is open.
    Stream { _permit: Permit<SessionId>, _connected: Option<DropGuard> },
    /// The calls that it answers: a reader that stalls keeps them in flight.
    Call { _permits: Arc<dyn Any + Send + Sync> },
}

impl Replay {
    /// The stream that a reader reads, after `first`, which was read already.
    pub(super) fn new(reader: Reader, first: Vec<StreamEvent>, keep_alive: Duration, hold: Hold) -> Self {
        Self {
            reading: read(reader),
            first,
            keep_alive: KeepAlive::new(keep_alive),
            ended: None,
            over: false,
            _hold: hold,
        }
    }

    /// Ends the stream when something else does.
    pub(super) fn until(mut self, end: impl Future<Output = ()> + Send + 'static) -> Self {
        self.ended = Some(Box::pin(end));
        self
    }

    pub(super) fn poll_data(&mut self, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        if self.over {
            return Poll::Ready(None);
        }
        let mut out = Vec::new();
        let first = std::mem::take(&mut self.first);
        self.write(first, &mut out);
        while out.is_empty() && !self.over {
            match self.reading.as_mut().poll(cx) {
                Poll::Ready((reader, Ok(events))) => {
                    self.write(events, &mut out);
                    self.reading = read(reader);
                }
                Poll::Ready((_, Err(error))) => {
                    tracing::error!(%error, "an event stream could not be read from the store");
                    self.over = true;
                }
                Poll::Pending => break,
            }
        }
        if !out.is_empty() {
            self.keep_alive.restart();
            return Poll::Ready(Some(out.into()));
        }
        let ended = self.ended.as_mut().is_some_and(|end| end.as_mut().poll(cx).is_ready());
        if self.over || ended {
            self.over = true;
            return Poll::Ready(None);
        }
        self.keep_alive.poll_comment(cx).map(Some)
    }

    fn write(&mut self, events: Vec<StreamEvent>, out: &mut Vec<u8>) {
        for event in events {
            let id = event.id.to_string();
            match event.content {
                Content::Prime => sse::write_priming(&id, None, out),
                Content::Message(text) => write_message(Some(&id), &text, out),
                Content::Answer(text) => {
                    write_message(Some(&id), &text, out);
                    self.over = true;
                }
                Content::Disconnect { retry } => {
                    let millis = u64::try_from(retry.as_millis()).unwrap_or(u64::MAX);
                    sse::write_priming(&id, Some(millis), out);
                    self.over = true;
                }
                Content::End => self.over = true,
            }
            if self.over {
                return;
            }
        }
    }
}

fn read(mut reader: Reader) -> BoxFuture<'static, (Reader, Result<Vec<StreamEvent>, StoreError>)> {
    Box::pin(async move {
        let events = reader.next().await;
        (reader, events)
    })
}

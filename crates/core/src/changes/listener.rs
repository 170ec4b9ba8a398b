//! The receiving end of changes.

use std::fmt;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll};

use latimer_store::{Signal, StoreError, Subscription};
use tokio::sync::watch;

use super::inbox::Inbox;
use super::outgoing::{self, Batch};
use super::{Change, Changes, Interest};

/// Hears of changes until it is dropped. See [`Changes::listen`].
pub struct Listener {
    changes: Changes,
    number: u64,
    line: Option<Box<str>>,
    inbox: Arc<Inbox>,
    /// The hints of other processes.
    hints: Option<Subscription>,
}

impl Listener {
    pub(super) fn new(changes: Changes, number: u64, line: Option<&str>, inbox: Arc<Inbox>) -> Self {
        Self { changes, number, line: line.map(Into::into), inbox, hints: None }
    }

    /// Listens to other processes, too.
    ///
    /// # Errors
    /// When the store cannot be reached.
    pub async fn join(&mut self) -> Result<(), StoreError> {
        self.hints = Some(self.changes.0.store.bus.subscribe(outgoing::TOPIC).await?);
        Ok(())
    }

    /// The next change; waits for it. Dropping the future loses nothing.
    pub async fn next(&mut self) -> Change {
        poll_fn(|cx| self.poll_next(cx)).await
    }

    /// As [`next`](Self::next), to be polled.
    pub fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Change> {
        self.poll_hints(cx);
        self.inbox.poll_pop(cx)
    }

    /// Takes in what other processes say, and has the task woken for more, while nothing can be told: the bus keeps
    /// little for those who do not listen.
    pub fn poll_hints(&mut self, cx: &mut Context<'_>) {
        while let Some(hints) = &mut self.hints {
            match hints.poll_recv(cx) {
                Poll::Ready(Some(Signal::Message(message))) => {
                    match Batch::read(&message, self.changes.origin()) {
                        Ok(Some(batch)) => batch.tell(&self.inbox),
                        // Its own.
                        Ok(None) => {}
                        Err(error) => {
                            tracing::warn!(%error, "a hint of another process could not be read");
                            self.inbox.everything();
                        }
                    }
                }
                Poll::Ready(Some(Signal::Lagged)) => self.inbox.everything(),
                Poll::Ready(None) => {
                    tracing::error!("changes on other processes are not heard any more: the store is gone");
                    self.hints = None;
                }
                Poll::Pending => break,
            }
        }
    }

    /// Has it told that everything it listens to may have changed.
    pub fn assume_everything(&self) {
        self.inbox.everything();
    }

    /// Listens to nothing that is not in `interest`.
    pub fn keep_only(&self, interest: &Interest) {
        self.inbox.keep_only(interest);
    }

    /// Listens to these resources and no others. Those that are new to it may have changed meanwhile.
    pub fn watch_exactly(&self, uris: &[Arc<str>]) {
        self.inbox.watch_exactly(uris);
    }

    /// Whether it hears, and no newer one of its line instead.
    pub fn hearing(&self) -> watch::Receiver<bool> {
        self.inbox.hearing()
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.changes.remove(self.number, self.line.as_deref());
    }
}

impl fmt::Debug for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listener")
            .field("number", &self.number)
            .field("line", &self.line)
            .finish_non_exhaustive()
    }
}

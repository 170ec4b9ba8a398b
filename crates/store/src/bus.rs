//! Messages to whoever listens now.

use std::fmt;
use std::future::poll_fn;
use std::task::{Context, Poll};

use bytes::Bytes;

use crate::{BoxFuture, Result};

/// What a subscription hears.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Signal {
    /// A message.
    Message(Bytes),
    /// Messages were lost here: the subscriber was slow, or the home was out of reach. Look at what they were about.
    Lagged,
}

/// Messages to whoever listens now. **A hint, allowed to lose**: what must not be lost is in [`Kv`](crate::Kv) or
/// [`Log`](crate::Log) before it is published.
///
/// Messages wait for a slow subscriber only within narrow bounds, so keep them small: name what changed.
pub trait Bus: Send + Sync + fmt::Debug {
    /// Sends a message to all who are subscribed to the topic now, on every instance.
    ///
    /// # Errors
    /// When the home cannot be reached.
    fn publish<'a>(&'a self, topic: &'a str, message: Bytes) -> BoxFuture<'a, Result<()>>;

    /// Subscribes to a topic. What is published from now on is heard, in the order of publication.
    ///
    /// # Errors
    /// When the home cannot be reached.
    fn subscribe<'a>(&'a self, topic: &'a str) -> BoxFuture<'a, Result<Subscription>>;
}

/// A subscription to a topic; dropping it unsubscribes.
pub struct Subscription(Box<dyn Receive>);

impl Subscription {
    /// The subscription of a home.
    #[must_use]
    pub fn new(receive: impl Receive + 'static) -> Self {
        Self(Box::new(receive))
    }

    /// The next signal; `None` when the home is gone and nothing will ever come. Dropping the future loses nothing.
    pub async fn recv(&mut self) -> Option<Signal> {
        poll_fn(|cx| self.poll_recv(cx)).await
    }

    /// As [`recv`](Self::recv), to be polled. Only the last waker is woken.
    pub fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<Option<Signal>> {
        self.0.poll_recv(cx)
    }
}

impl fmt::Debug for Subscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscription").finish_non_exhaustive()
    }
}

/// The receiving end that a home gives to a [`Subscription`].
pub trait Receive: Send {
    /// The next signal; `None` for ever after the last one.
    fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<Option<Signal>>;
}

//! Hearing of changes: `subscriptions/listen` (SUB-1 to SUB-10), and what stands for it on sessions.

mod filter;
mod inbox;

use std::fmt;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::Arc;
use std::time::Duration;

use latimer_protocol::encode::write_object;
use latimer_protocol::{Era, RawJson};
use tokio::sync::oneshot;
use tokio::task::AbortHandle;
use tokio::time::Instant;

pub use self::filter::Filter;
pub(crate) use self::inbox::{Inbox, Listening};
use crate::client::Client;
use crate::error::{ClientError, Fault};

/// How often in a row a subscription is renewed in vain before it is given up.
const ATTEMPTS: u32 = 10;

/// The longest pause between two attempts.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// Something that a subscription is about.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// The list of tools changed.
    ToolsChanged,
    /// The list of prompts changed.
    PromptsChanged,
    /// The list of resources or of templates changed.
    ResourcesChanged,
    /// A resource changed.
    ResourceUpdated {
        /// Which one; it may lie within the one that was named in the filter (SUB-7).
        uri: String,
    },
    /// A task went on.
    Task {
        /// Which one.
        id: String,
        /// How it stands, in the server's words.
        state: RawJson,
    },
    /// The subscription was interrupted, or too many events waited to be looked at. Nothing is sent again: list and read
    /// anew what matters (SUB-6).
    Gap,
}

/// Hears of changes until it is dropped, or the server ends it.
pub struct Subscription {
    client: Client,
    inbox: Arc<Inbox>,
    worker: AbortHandle,
}

impl Subscription {
    /// The next event; `None` when the server has ended the subscription in good order. Equal events that have not been
    /// looked at are one. May be dropped without losing an event.
    ///
    /// # Errors
    /// When the subscription ended otherwise and could not be renewed. Then it has ended.
    pub async fn next(&mut self) -> Result<Option<Event>, ClientError> {
        self.inbox.next().await
    }

    /// What of the filter the server honours (SUB-2).
    pub fn honoured(&self) -> Filter {
        self.inbox.honoured()
    }
}

impl Client {
    /// Subscribes to changes (SUB-1).
    ///
    /// A modern server sends them on a stream of its own, which is renewed when it breaks off ([`Event::Gap`] tells of it):
    /// at most ten times in a row in vain, after pauses that grow to 30 s. With a server of the years before, the filter's
    /// resources are subscribed to, and what it says in the session is heard; over HTTP that needs its listening stream
    /// (LH-6). Either way, what the server does not offer is left out of [`Subscription::honoured`].
    ///
    /// # Errors
    /// When the server refuses, or does not acknowledge the subscription in time.
    pub async fn listen(&self, filter: Filter) -> Result<Subscription, ClientError> {
        match self.info().era() {
            Era::Modern => self.listen_modern(filter).await,
            Era::Legacy => self.listen_legacy(filter).await,
        }
    }

    async fn listen_modern(&self, filter: Filter) -> Result<Subscription, ClientError> {
        let inbox = Inbox::new(filter);
        let (ready, acknowledged) = oneshot::channel();
        let worker = Worker { client: self.clone(), inbox: Arc::clone(&inbox), ready: Some(ready), vain: 0 };
        let worker = tokio::spawn(worker.run()).abort_handle();
        // Ends the worker also if nobody waits any longer.
        let subscription = Subscription { client: self.clone(), inbox, worker };
        acknowledged.await.unwrap_or_else(|_| Err(Fault::Closed.into()))?;
        Ok(subscription)
    }

    async fn listen_legacy(&self, filter: Filter) -> Result<Subscription, ClientError> {
        let inbox = Inbox::new(filter);
        inbox.honour(inbox.filter.within(self.info()));
        let listening = self.notices().listening();
        listening.overhear(&inbox);
        let mut renewals = listening.renewals.subscribe();
        self.connection().hear().await;
        let (client, heard) = (self.clone(), Arc::clone(&inbox));
        let worker = tokio::spawn(async move {
            loop {
                tokio::select! {
                    Ok(()) = renewals.changed() => {}
                    error = client.connection().over() => return heard.end(Err(error)),
                }
                for uri in heard.honoured().uris {
                    if let Err(error) = client.subscribe("resources/subscribe", &uri).await {
                        tracing::warn!(uri, %error, "no longer subscribed to a resource");
                    }
                }
                heard.push(Event::Gap);
            }
        });
        let subscription = Subscription { client: self.clone(), inbox, worker: worker.abort_handle() };
        for uri in subscription.honoured().uris {
            self.subscribe("resources/subscribe", &uri).await?;
        }
        Ok(subscription)
    }

    async fn subscribe(&self, method: &'static str, uri: &str) -> Result<(), ClientError> {
        let mut params = Vec::new();
        write_object(&mut params, |object| {
            object.string("uri", uri);
        });
        let params = RawJson::parse_bytes(params.into())
            .map_err(|error| ClientError::malformed("the URI", error.to_string()))?;
        self.request(method, params).await.map(drop)
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.worker.abort();
        if self.client.info().era() == Era::Modern {
            return;
        }
        let uris = self.client.notices().listening().leave(&self.inbox);
        // Without a runtime the process is about to end, and the session with it.
        if !uris.is_empty()
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
        {
            let client = self.client.clone();
            runtime.spawn(async move {
                for uri in uris {
                    if let Err(error) = client.subscribe("resources/unsubscribe", &uri).await {
                        tracing::debug!(uri, %error, "failed to unsubscribe");
                    }
                }
            });
        }
    }
}

impl fmt::Debug for Subscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscription").field("honoured", &self.honoured()).finish_non_exhaustive()
    }
}

/// Keeps a subscription of a modern server open.
struct Worker {
    client: Client,
    inbox: Arc<Inbox>,
    /// Tells of the first acknowledgement, or that there will be none.
    ready: Option<oneshot::Sender<Result<(), ClientError>>>,
    /// How often in a row it was opened in vain.
    vain: u32,
}

impl Worker {
    async fn run(mut self) {
        loop {
            let error = match self.once().await {
                Ok(()) => return self.end(Ok(())),
                Err(error) => error,
            };
            self.vain += 1;
            if self.ready.is_some() || !error.is_passing() || self.vain > ATTEMPTS {
                return self.end(Err(error));
            }
            tracing::debug!(%error, "opening a subscription anew");
            tokio::time::sleep(pause(self.vain)).await;
        }
    }

    fn end(&mut self, end: Result<(), ClientError>) {
        match (self.ready.take(), end) {
            (Some(ready), Err(error)) => drop(ready.send(Err(error))),
            (ready, end) => {
                self.inbox.end(end);
                if let Some(ready) = ready {
                    let _ = ready.send(Ok(()));
                }
            }
        }
    }

    /// One stream from its beginning to its end.
    async fn once(&mut self) -> Result<(), ClientError> {
        const METHOD: &str = "subscriptions/listen";
        let client = self.client.clone();
        let inbox = Arc::clone(&self.inbox);
        let id = client.next_id();
        let _registered = client.notices().listening().register(id, &inbox);
        let params = inbox.filter.params();
        let request = client.outgoing(id, METHOD, &params, false)?;
        let limit = client.timeouts().request;
        let deadline = Instant::now() + limit;
        let mut is_open = false;
        let mut exchange = std::pin::pin!(client.connection().exchange(request));
        loop {
            tokio::select! {
                biased;
                () = inbox.acknowledged.notified() => {
                    is_open = true;
                    self.acknowledged();
                }
                () = inbox.torn.notified() => {
                    let detail = "the server cancelled the subscription".to_owned();
                    return Err(Fault::Lost { method: METHOD.to_owned(), detail }.into());
                }
                result = &mut exchange => return result.map(drop),
                () = tokio::time::sleep_until(deadline), if !is_open => {
                    return Err(ClientError::timeout(METHOD, limit));
                }
            }
        }
    }

    fn acknowledged(&mut self) {
        match self.ready.take() {
            Some(ready) => drop(ready.send(Ok(()))),
            // What changed meanwhile was not told.
            None => self.client.notices().cache().clear(),
        }
        self.vain = 0;
    }
}

/// Half a second, doubled with every attempt, and between half and all of that, so that clients which lost their server
/// together do not come back together.
fn pause(vain: u32) -> Duration {
    let whole = Duration::from_millis(500).saturating_mul(1 << vain.min(10)).min(LONGEST_PAUSE);
    let share = RandomState::new().hash_one(vain) % 1000;
    whole / 2 + (whole / 2).mul_f64(share as f64 / 1000.0)
}

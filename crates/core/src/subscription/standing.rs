//! The standing stream of a session: where it is told what concerns no call of it (LH-6, TOOL-10).
//!
//! A session may hold several streams open; each message goes out on one of them (LH-7), the newest. Streams of one
//! process stand in a line, in which what was not told yet passes from one to the next. Between processes a record of
//! the session says where the newest stream is.
//!
//! What is told goes into the stream's log only a little ahead of its reader; the rest waits as changes, which merge.
//! When the connection breaks, the stream goes on for a grace time, so that a client that resumes it misses nothing.

use std::future::pending;
use std::time::Duration;

use bytes::Bytes;
use latimer_store::{Attempt, Key, Position, Signal, Store, StoreError, Subscription, Ttl};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::News;
use crate::changes::{Interest, Listing};
use crate::engine::Engine;
use crate::principal::Principal;
use crate::session::{Session, SessionError, SessionId};
use crate::stream::{Content, Pace};

/// A stream that a session holds open. It tells nothing before it [runs](Self::run).
#[derive(Debug)]
pub struct Standing {
    engine: Engine,
    session: SessionId,
    principal: Principal,
    news: News,
    /// Wakes when what the session watches may have changed on another process.
    woken: Subscription,
    /// What is said to the session outside its calls, besides changes.
    notices: Subscription,
    /// With the newest event of the stream as it is now.
    pace: Pace,
    claim: Claim,
}

/// How many events of the log its reader may not have read yet.
const AHEAD: u64 = 16;

impl Engine {
    /// Makes a stream the standing stream of a session. From now on changes are kept for it.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn stand(
        &self,
        session: &Session,
        principal: &Principal,
        pace: Pace,
    ) -> Result<Standing, StoreError> {
        let id = session.id.clone();
        let interest = Interest { lists: Listing::ALL.into(), uris: session.watched(), tasks: Vec::new() };
        let listener = self.changes().listen_in_line(&line(&id), principal, interest);
        let mut news = News::new(listener, self.catalog().clone(), principal.clone());
        news.join().await;
        let woken = self.sessions().woken(&id).await?;
        let notices = self.notices(&id).await?;
        let claim = Claim::new(self, &id);
        if claim.take().await? {
            // The stream of another process may not have come to tell everything.
            news.listener().assume_everything();
        }
        let mut standing = Standing {
            engine: self.clone(),
            session: id,
            principal: principal.clone(),
            news,
            woken,
            notices,
            pace,
            claim,
        };
        // What was subscribed to since the session was looked up.
        standing.look_again().await;
        Ok(standing)
    }
}

/// The name of the line of a session's streams among the listeners of this process.
pub(crate) fn line(session: &SessionId) -> String {
    format!("session:{session}")
}

impl Standing {
    /// Tells what changes, until `stopping` says that the server stops, the session is gone, or the connection has
    /// been gone for the grace time, which `connected` tells by being cancelled.
    pub async fn run(mut self, connected: CancellationToken, stopping: CancellationToken) {
        let grace = self.engine.limits().stream_grace;
        let alive = {
            let (engine, session) = (self.engine.clone(), self.session.clone());
            let (principal, writer) = (self.principal.clone(), self.pace.writer.clone());
            async move { engine.sessions().keep_alive(&session, &principal, &writer).await }
        };
        let mut alive = Box::pin(alive);
        let mut hearing = self.news.listener().hearing();
        let mut deadline = None;
        let mut refresh = tokio::time::interval_at(Instant::now() + CLAIMED / 4, CLAIMED / 4);
        let is_over = loop {
            let is_gone = deadline.is_some();
            let newest = self.pace.newest.as_u64();
            let room = async {
                let is_near = |read: &Position| newest.saturating_sub(read.as_u64()) < AHEAD;
                if self.pace.read.wait_for(is_near).await.is_err() {
                    // A reader that is gone reads on when the client comes back, with another stream like this one.
                    pending::<()>().await;
                }
            };
            let step = tokio::select! {
                biased;
                () = stopping.cancelled() => break false,
                () = connected.cancelled(), if !is_gone => Step::Gone,
                // A newer stream has taken over, and nobody reads this one.
                _ = hearing.wait_for(|hears| !hears), if is_gone => break true,
                () = elapsed(deadline), if is_gone => break true,
                // Not a session that only a client that is gone would keep.
                () = &mut alive, if !is_gone => break true,
                signal = self.woken.recv() => Step::Woken(signal),
                notice = self.notices.recv() => match notice {
                    Some(Signal::Message(message)) => Step::Tell(message),
                    // Hints may be lost.
                    Some(Signal::Lagged) => continue,
                    None => break true,
                },
                _ = refresh.tick() => Step::Refresh,
                message = self.news.next_in(room) => Step::Tell(message),
            };
            match step {
                Step::Gone => deadline = Some(Instant::now() + grace),
                // What this process changed, it told the listener.
                Step::Woken(Some(Signal::Message(by))) if by == self.claim.origin => {}
                Step::Woken(Some(_)) => {
                    if !self.look_again().await {
                        break true;
                    }
                }
                Step::Woken(None) => break true,
                Step::Refresh => self.claim.refresh().await,
                Step::Tell(message) => self.tell(message).await,
            }
        };
        self.end(is_over).await;
    }

    /// Gives up what the stream took. One that is over leaves nothing behind, unless it was resumed.
    async fn end(self, is_over: bool) {
        let Self { engine, session, news, pace: Pace { writer, .. }, claim, .. } = self;
        let is_elsewhere = !claim.holds().await.unwrap_or(false);
        drop(news);
        if !is_elsewhere && !engine.changes().has_line(&line(&session)) {
            claim.release().await;
        }
        if is_over
            && !is_elsewhere
            && !writer.is_read()
            && let Err(error) = writer.delete().await
        {
            tracing::error!(%error, "a stream that nobody reads could not be forgotten");
        }
    }

    async fn tell(&mut self, message: Bytes) {
        let told = async {
            if !self.claim.holds().await? {
                return Ok(None);
            }
            self.pace.writer.append(Content::Message(message)).await.map(Some)
        };
        match told.await {
            Ok(Some(event)) => self.pace.newest = event.position(),
            // The newest stream is elsewhere, and tells the same.
            Ok(None) => {}
            Err(error) => tracing::error!(%error, "a change could not be told on the stream of a session"),
        }
    }

    /// Looks at what the session watches now; `false` when it is gone.
    async fn look_again(&mut self) -> bool {
        match self.engine.sessions().find(&self.session, &self.principal).await {
            Ok(session) => {
                self.news.listener().watch_exactly(&session.watched());
                true
            }
            Err(SessionError::Gone) => false,
            Err(error) => {
                tracing::error!(%error, "what a session watches could not be read");
                true
            }
        }
    }
}

enum Step {
    Gone,
    Woken(Option<Signal>),
    Refresh,
    Tell(Bytes),
}

async fn elapsed(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline).await,
        None => pending().await,
    }
}

/// Says on which process the newest stream of a session is.
#[derive(Debug)]
struct Claim {
    store: Store,
    partition: String,
    origin: Bytes,
}

/// How long a claim outlives its process.
const CLAIMED: Duration = Duration::from_secs(60);

const NAME: &str = "standing";

impl Claim {
    fn new(engine: &Engine, session: &SessionId) -> Self {
        let origin = Bytes::copy_from_slice(engine.changes().origin().as_bytes());
        Self { store: engine.sessions().store().clone(), partition: format!("session:{session}"), origin }
    }

    fn key(&self) -> Key<'_> {
        Key::new(&self.partition, NAME)
    }

    /// Takes the claim, and tells whether another process held it.
    async fn take(&self) -> Result<bool, StoreError> {
        let before = self.store.kv.get(self.key()).await?;
        self.store.kv.put(self.key(), self.origin.clone(), Ttl::After(CLAIMED)).await?;
        Ok(before.is_some_and(|before| before.value != self.origin))
    }

    /// Whether this process holds the claim; takes it where nobody does.
    async fn holds(&self) -> Result<bool, StoreError> {
        let origin = self.origin.clone();
        Ok(match self.store.kv.put_if_absent(self.key(), origin, Ttl::After(CLAIMED)).await? {
            Attempt::Won(_) => true,
            Attempt::Lost(holder) => holder.is_none_or(|holder| holder.value == self.origin),
        })
    }

    async fn refresh(&self) {
        let refreshed = async {
            if self.holds().await? {
                self.store.kv.touch(self.key(), Ttl::After(CLAIMED)).await?;
            }
            Ok::<_, StoreError>(())
        };
        if let Err(error) = refreshed.await {
            tracing::warn!(%error, "the standing stream of a session could not be kept");
        }
    }

    async fn release(&self) {
        if let Err(error) = self.store.kv.delete(self.key()).await {
            tracing::warn!(%error, "the standing stream of a session could not be given up");
        }
    }
}

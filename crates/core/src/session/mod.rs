//! Legacy sessions: what `initialize` settled, kept in the store.
//!
//! A session belongs to the principal that opened it: for anybody else it does not exist (LH-9). It
//! costs one record, ends some time after its last request, and any process on the same store serves it.

mod known;
mod record;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use latimer_protocol::Revision;
use latimer_protocol::wire::LogLevel;
use latimer_store::{Attempt, Entry, IndexCap, Key, Store, StoreError, Subscription, Ttl, Version};

use self::known::Known;
use crate::context::Client;
use crate::limits::LiveLimits;
use crate::principal::{Account, Peer, Principal};
use crate::random;
use crate::stream::Writer;

const PARTITION: &str = "sessions";
const ALL: &str = "all";

/// The name of a session: 32 hexadecimal digits, random. A name and no credential.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct SessionId(Arc<str>);

impl SessionId {
    /// A new name, which nobody can guess.
    pub fn random() -> Self {
        Self(random::hex::<16>().into())
    }

    /// The session of this name, whether or not there is one; `None` where no session can be named so.
    pub fn parse(text: &str) -> Option<Self> {
        (text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit())).then(|| Self(text.into()))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A session as a request finds it.
#[derive(Clone, Debug)]
pub struct Session {
    /// Its name.
    pub id: SessionId,
    /// What was negotiated.
    pub revision: Revision,
    /// What the client said about itself.
    pub client: Client,
    /// The least level of log messages that it wants (LOG-2).
    pub log_level: LogLevel,
    /// The URIs that it watches, as a JSON array, if it watches any.
    pub(crate) watched: Option<Box<str>>,
    version: Version,
}

/// Why there is no session.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// It ended, never was, or is another principal's.
    #[error("no such session; send \"initialize\" without a session id to open a new one")]
    Gone,
    /// All the sessions that the server keeps are taken.
    #[error("the server is at its limit of sessions; try again later, or DELETE sessions that are done")]
    ServerFull,
    /// All the sessions that the caller may have are taken.
    #[error("too many sessions of this caller; DELETE those that are done")]
    CallerFull,
    /// What the client says about itself is too much to keep.
    #[error(
        "\"capabilities\" and \"clientInfo\" are larger than {MOST_CLIENT_BYTES} bytes together; say less"
    )]
    Client,
    /// The store failed.
    #[error("keep sessions: {0}")]
    Store(#[source] StoreError),
}

/// The sessions of a server.
#[derive(Clone, Debug)]
pub struct Sessions {
    store: Store,
    limits: LiveLimits,
    known: Arc<Known>,
}

/// How many bytes of its own words a client may leave in its session.
const MOST_CLIENT_BYTES: usize = 16 << 10;

/// The level of log messages that a session gets before it asks for another one.
pub const DEFAULT_LOG_LEVEL: LogLevel = LogLevel::Info;

impl Sessions {
    /// Sessions in a store, within limits.
    pub fn new(store: Store, limits: impl Into<LiveLimits>) -> Self {
        Self { store, limits: limits.into(), known: Arc::default() }
    }

    /// How long a session lives after its last request.
    fn idle(&self) -> Duration {
        self.limits.now().session_idle
    }

    /// Opens a session of a principal.
    ///
    /// # Errors
    /// When a limit is reached, or the store fails.
    pub async fn open(
        &self,
        principal: &Principal,
        peer: Peer,
        revision: Revision,
        client: Client,
    ) -> Result<Session, SessionError> {
        let info = client.info.as_ref().map_or(0, |info| info.as_str().len());
        if client.capabilities.as_raw().as_str().len() + info > MOST_CLIENT_BYTES {
            return Err(SessionError::Client);
        }
        let account = Account::of(principal, peer);
        let limits = self.limits.now();
        let most =
            if principal.is_anonymous() { limits.sessions_per_peer } else { limits.sessions_per_principal };
        let index = account.to_string();
        let caps = [IndexCap::at_most(&index, most), IndexCap::at_most(ALL, limits.sessions)];
        loop {
            let id = SessionId::random();
            let value = record::write(principal, revision, &client, DEFAULT_LOG_LEVEL, None);
            let key = Key::new(PARTITION, id.as_str());
            match self.store.kv.create_indexed(key, value, Ttl::After(self.idle()), &caps).await {
                Ok(Attempt::Won(version)) => {
                    let (log_level, watched) = (DEFAULT_LOG_LEVEL, None);
                    return Ok(Session { id, revision, client, log_level, watched, version });
                }
                Ok(Attempt::Lost(_)) => {}
                Err(error) if error.is_full() => {
                    return Err(match error.full_index() {
                        Some(ALL) => SessionError::ServerFull,
                        _ => SessionError::CallerFull,
                    });
                }
                Err(error) => return Err(SessionError::Store(error)),
            }
        }
    }

    /// Finds a session of a principal, and lets it live on.
    ///
    /// # Errors
    /// When there is none, or the store fails.
    pub async fn find(&self, id: &SessionId, principal: &Principal) -> Result<Session, SessionError> {
        // Looked at before it is touched, unless it is known: another principal's request must not keep it alive.
        let looked = if self.known.is_of(id, principal) {
            None
        } else {
            Some(Box::pin(self.look(id, principal)).await?)
        };
        let key = Key::new(PARTITION, id.as_str());
        let touched = self.store.kv.touch(key, Ttl::After(self.idle())).await.map_err(SessionError::Store)?;
        let touched = touched.ok_or(SessionError::Gone)?;
        match looked {
            Some((session, entry)) if entry.version == touched.version => Ok(session),
            _ => self.known.read(id, principal, &touched).ok_or(SessionError::Gone),
        }
    }

    /// Finds a session of a principal without letting it live on.
    ///
    /// # Errors
    /// As [`find`](Self::find).
    pub async fn peek(&self, id: &SessionId, principal: &Principal) -> Result<Session, SessionError> {
        self.look(id, principal).await.map(|(session, _)| session)
    }

    async fn look(&self, id: &SessionId, principal: &Principal) -> Result<(Session, Entry), SessionError> {
        let key = Key::new(PARTITION, id.as_str());
        let entry = self.store.kv.get(key).await.map_err(SessionError::Store)?.ok_or(SessionError::Gone)?;
        let session = self.known.read(id, principal, &entry).ok_or(SessionError::Gone)?;
        Ok((session, entry))
    }

    /// Ends a session of a principal.
    ///
    /// # Errors
    /// When there is none, or the store fails.
    pub async fn close(&self, id: &SessionId, principal: &Principal) -> Result<(), SessionError> {
        self.find(id, principal).await?;
        match self.store.kv.delete(Key::new(PARTITION, id.as_str())).await.map_err(SessionError::Store)? {
            Some(_) => {
                self.wake(id, "").await;
                Ok(())
            }
            None => Err(SessionError::Gone),
        }
    }

    /// Keeps a session of a principal, and a stream of it, alive as long as this is polled; ends when the session is
    /// gone. Costs a timer until a third of the session's idle time has passed.
    pub async fn keep_alive(&self, id: &SessionId, principal: &Principal, stream: &Writer) {
        loop {
            tokio::time::sleep(self.idle() / 3).await;
            if let Err(SessionError::Gone) = self.find(id, principal).await {
                return;
            }
            if let Err(error) = stream.keep().await {
                tracing::error!(%error, "a stream could not be kept in the store");
            }
        }
    }

    /// Keeps a session of a principal alive until it is closed, and hears of that at once.
    pub async fn closed(&self, id: &SessionId, principal: &Principal) {
        let every = (self.idle() / 3).clamp(Duration::from_millis(50), Duration::from_secs(15));
        let mut wake = self.store.bus.subscribe(&topic(id)).await.ok();
        loop {
            if let Err(SessionError::Gone) = self.find(id, principal).await {
                return;
            }
            let heard = async {
                match &mut wake {
                    Some(wake) => wake.recv().await,
                    None => None,
                }
            };
            if let Ok(None) = tokio::time::timeout(every, heard).await {
                tokio::time::sleep(every).await;
            }
        }
    }

    /// Changes the level of log messages that a session gets.
    ///
    /// # Errors
    /// When there is no such session any more, or the store fails.
    pub async fn set_log_level(
        &self,
        session: &Session,
        principal: &Principal,
        level: LogLevel,
    ) -> Result<(), SessionError> {
        self.rewrite(session.clone(), principal, |session| {
            session.log_level = level;
            Ok::<_, SessionError>(())
        })
        .await
    }

    /// Writes a session as `change` has it, whoever else changes it meanwhile.
    pub(crate) async fn rewrite<E: From<SessionError>>(
        &self,
        mut session: Session,
        principal: &Principal,
        change: impl Fn(&mut Session) -> Result<(), E>,
    ) -> Result<(), E> {
        let id = session.id.clone();
        let key = Key::new(PARTITION, id.as_str());
        loop {
            change(&mut session)?;
            let Session { revision, client, log_level, watched, version, .. } = &session;
            let value = record::write(principal, *revision, client, *log_level, watched.as_deref());
            let attempt = self.store.kv.compare_and_swap(key, *version, value, Ttl::After(self.idle())).await;
            session = match attempt.map_err(SessionError::Store)? {
                Attempt::Won(_) => return Ok(()),
                Attempt::Lost(Some(entry)) => {
                    record::read(&id, principal, &entry.value, entry.version).ok_or(SessionError::Gone)?
                }
                Attempt::Lost(None) => return Err(SessionError::Gone.into()),
            };
        }
    }

    /// Wakes those who wait for the end of a session, or for what it watches to change.
    /// `by` tells whose change it was.
    pub(crate) async fn wake(&self, id: &SessionId, by: &str) {
        // A hint: they look by themselves, too.
        let _ = self.store.bus.publish(&topic(id), Bytes::copy_from_slice(by.as_bytes())).await;
    }

    /// Hears of what [`wake`](Self::wake) tells.
    pub(crate) async fn woken(&self, id: &SessionId) -> Result<Subscription, StoreError> {
        self.store.bus.subscribe(&topic(id)).await
    }

    pub(crate) fn store(&self) -> &Store {
        &self.store
    }

    /// How many sessions there are.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn count(&self) -> Result<usize, StoreError> {
        self.store.kv.count(Key::new(PARTITION, ALL)).await
    }
}

fn topic(id: &SessionId) -> String {
    format!("session:{id}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::Limits;
    use latimer_protocol::RawJson;
    use latimer_protocol::wire::ClientCapabilities;
    use latimer_store::ManualClock;

    fn sessions(limits: &Limits) -> (Sessions, Arc<ManualClock>) {
        let clock = Arc::new(ManualClock::new());
        (Sessions::new(Store::memory_with_clock(clock.clone()), limits), clock)
    }

    fn client() -> Client {
        let capabilities = RawJson::parse(r#"{"sampling":{},"x":{"y":1}}"#).unwrap();
        Client {
            capabilities: ClientCapabilities::new(capabilities).unwrap(),
            info: Some(RawJson::parse(r#"{"name":"c","version":"1"}"#).unwrap()),
        }
    }

    #[tokio::test]
    async fn a_session_is_found_again_as_it_was_opened() {
        let (sessions, _) = sessions(&Limits::default());
        let alice = Principal::named("alice", ["read"]);
        let opened = sessions.open(&alice, Peer::Local, Revision::V2025_06_18, client()).await.unwrap();
        let found = sessions.find(&opened.id, &alice).await.unwrap();
        assert_eq!((found.revision, &found.client), (Revision::V2025_06_18, &client()));
        sessions.set_log_level(&found, &alice, LogLevel::Error).await.unwrap();
        assert_eq!(sessions.find(&opened.id, &alice).await.unwrap().log_level, LogLevel::Error);
    }

    #[tokio::test]
    async fn lh_9_for_another_principal_it_does_not_exist() {
        let (sessions, _) = sessions(&Limits::default());
        let alice = Principal::named("alice", [""; 0]);
        let id = sessions.open(&alice, Peer::Local, Revision::V2025_06_18, client()).await.unwrap().id;
        for other in [Principal::named("bob", [""; 0]), Principal::anonymous()] {
            assert!(matches!(sessions.find(&id, &other).await, Err(SessionError::Gone)));
            assert!(matches!(sessions.close(&id, &other).await, Err(SessionError::Gone)));
        }
        sessions.close(&id, &alice).await.unwrap();
        assert!(matches!(sessions.find(&id, &alice).await, Err(SessionError::Gone)));
    }

    #[tokio::test]
    async fn who_waits_for_its_end_hears_of_it() {
        let (sessions, _) = sessions(&Limits::default());
        let alice = Principal::named("alice", [""; 0]);
        let id = sessions.open(&alice, Peer::Local, Revision::V2025_06_18, client()).await.unwrap().id;
        let mut waiting = Box::pin(sessions.closed(&id, &alice));
        let pending =
            std::future::poll_fn(|cx| std::task::Poll::Ready(waiting.as_mut().poll(cx).is_pending()));
        assert!(pending.await);
        sessions.close(&id, &alice).await.unwrap();
        waiting.await;
    }

    #[tokio::test]
    async fn it_ends_some_time_after_its_last_request() {
        let (sessions, clock) =
            sessions(&Limits { session_idle: Duration::from_secs(10), ..Limits::default() });
        let nobody = Principal::anonymous();
        let id = sessions.open(&nobody, Peer::Local, Revision::V2025_03_26, client()).await.unwrap().id;
        for _ in 0..3 {
            clock.advance(Duration::from_secs(9));
            sessions.find(&id, &nobody).await.unwrap();
        }
        clock.advance(Duration::from_secs(11));
        assert!(matches!(sessions.find(&id, &nobody).await, Err(SessionError::Gone)));
        assert_eq!(sessions.count().await.unwrap(), 0);
    }

    #[tokio::test]
    async fn one_caller_cannot_take_all_sessions() {
        let limits =
            Limits { sessions: 3, sessions_per_principal: 1, sessions_per_peer: 2, ..Limits::default() };
        let (sessions, _) = sessions(&limits);
        let open = |principal: Principal| {
            let sessions = sessions.clone();
            async move {
                sessions
                    .open(&principal, Peer::Local, Revision::V2025_03_26, Client::default())
                    .await
                    .map(|_| ())
            }
        };
        let (alice, bob) = (Principal::named("alice", [""; 0]), Principal::named("bob", [""; 0]));
        open(alice.clone()).await.unwrap();
        assert!(matches!(open(alice).await, Err(SessionError::CallerFull)));
        open(Principal::anonymous()).await.unwrap();
        open(Principal::anonymous()).await.unwrap();
        assert!(matches!(open(bob).await, Err(SessionError::ServerFull)));
    }

    #[tokio::test]
    async fn a_client_that_says_too_much_of_itself_gets_no_session() {
        let (sessions, _) = sessions(&Limits::default());
        let info = RawJson::parse(format!("{{\"name\":\"{}\"}}", "x".repeat(MOST_CLIENT_BYTES))).unwrap();
        let client = Client { info: Some(info), ..client() };
        let opened = sessions.open(&Principal::anonymous(), Peer::Local, Revision::V2025_06_18, client).await;
        assert!(matches!(opened, Err(SessionError::Client)));
        assert_eq!(sessions.count().await.unwrap(), 0);
    }

    #[test]
    fn lh_8_ids_are_visible_ascii_and_strangers_ids_are_none() {
        assert_eq!(SessionId::parse(SessionId::random().as_str()).unwrap().as_str().len(), 32);
        for bad in ["", "x", &"g".repeat(32), &"0".repeat(33)] {
            assert_eq!(SessionId::parse(bad), None);
        }
    }
}

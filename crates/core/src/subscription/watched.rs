//! The resources that a session watches (RSC-5).

use std::sync::Arc;

use super::MOST_URI_BYTES;
use crate::principal::Principal;
use crate::session::{Session, SessionError, SessionId, Sessions};

/// Why a session does not watch a resource.
#[derive(Debug, thiserror::Error)]
pub enum WatchError {
    /// It watches as many as it may.
    #[error("too many subscriptions of this session, which may have {0}; unsubscribe from some")]
    Full(usize),
    /// The URIs that it watches are too long.
    #[error(
        "the URIs that this session subscribed to are larger than {MOST_URI_BYTES} bytes together; unsubscribe from some"
    )]
    Large,
    /// There is no session, or the store failed.
    #[error(transparent)]
    Session(#[from] SessionError),
}

impl Session {
    /// The resources that it watches.
    pub fn watched(&self) -> Vec<Arc<str>> {
        let watched = self.watched.as_deref().map(serde_json::from_str::<Vec<String>>);
        let watched = watched.and_then(Result::ok).unwrap_or_default();
        watched.into_iter().map(Arc::from).collect()
    }

    fn watch_only(&mut self, uris: &[Arc<str>]) -> usize {
        let texts: Vec<&str> = uris.iter().map(AsRef::as_ref).collect();
        // A list of strings can always be written.
        let json = serde_json::to_string(&texts).unwrap_or_default();
        let bytes = json.len();
        self.watched = (!uris.is_empty()).then(|| json.into());
        bytes
    }
}

impl Sessions {
    /// Has a session watch a resource, one of at most `most`. Watching it again changes nothing.
    ///
    /// # Errors
    /// When it watches too many, there is no such session, or the store fails.
    pub async fn watch(
        &self,
        id: &SessionId,
        principal: &Principal,
        uri: &str,
        most: usize,
    ) -> Result<(), WatchError> {
        let session = self.find(id, principal).await?;
        if session.watched().iter().any(|watched| watched.as_ref() == uri) {
            return Ok(());
        }
        self.rewrite(session, principal, |session| {
            let mut uris = session.watched();
            if uris.iter().any(|watched| watched.as_ref() == uri) {
                return Ok(());
            }
            if uris.len() >= most {
                return Err(WatchError::Full(most));
            }
            uris.push(uri.into());
            if session.watch_only(&uris) > MOST_URI_BYTES { Err(WatchError::Large) } else { Ok(()) }
        })
        .await
    }

    /// Has a session watch a resource no more. Where it did not, nothing changes.
    ///
    /// # Errors
    /// When there is no such session, or the store fails.
    pub async fn unwatch(
        &self,
        id: &SessionId,
        principal: &Principal,
        uri: &str,
    ) -> Result<(), SessionError> {
        let session = self.find(id, principal).await?;
        self.rewrite(session, principal, |session| {
            let mut uris = session.watched();
            uris.retain(|watched| watched.as_ref() != uri);
            session.watch_only(&uris);
            Ok(())
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use latimer_protocol::Revision;
    use latimer_protocol::wire::LogLevel;
    use latimer_store::Store;

    use super::*;
    use crate::context::Client;
    use crate::limits::Limits;
    use crate::principal::Peer;

    async fn opened() -> (Sessions, Session, Principal) {
        let sessions = Sessions::new(Store::memory(), Limits::default());
        let alice = Principal::named("alice", [""; 0]);
        let opened = sessions.open(&alice, Peer::Local, Revision::V2025_06_18, Client::default()).await;
        (sessions, opened.unwrap(), alice)
    }

    #[tokio::test]
    async fn rsc_5_what_a_session_watches_is_kept_with_it() {
        let (sessions, session, alice) = opened().await;
        for uri in ["a:1", "a:2", "a:1", "a:\"quoted\""] {
            sessions.watch(&session.id, &alice, uri, 3).await.unwrap();
        }
        // An older copy of the session changes only what it is about.
        sessions.set_log_level(&session, &alice, LogLevel::Error).await.unwrap();
        let found = sessions.find(&session.id, &alice).await.unwrap();
        assert_eq!((found.watched().len(), found.log_level), (3, LogLevel::Error));
        let full = sessions.watch(&session.id, &alice, "a:4", 3).await;
        assert!(matches!(full, Err(WatchError::Full(3))));
        for uri in ["a:1", "a:1", "a:unknown", "a:\"quoted\""] {
            sessions.unwatch(&session.id, &alice, uri).await.unwrap();
        }
        assert_eq!(sessions.find(&session.id, &alice).await.unwrap().watched(), ["a:2".into()]);
        sessions.close(&session.id, &alice).await.unwrap();
        let gone = sessions.watch(&session.id, &alice, "a:1", 3).await;
        assert!(matches!(gone, Err(WatchError::Session(SessionError::Gone))));
    }

    #[tokio::test]
    async fn long_uris_are_bounded_together() {
        let (sessions, session, alice) = opened().await;
        let mut outcome = Ok(());
        for number in 0..100 {
            let uri = format!("a:{number}{}", "x".repeat(1_000));
            outcome = sessions.watch(&session.id, &alice, &uri, 256).await;
            if outcome.is_err() {
                break;
            }
        }
        assert!(matches!(outcome, Err(WatchError::Large)));
        assert!(sessions.find(&session.id, &alice).await.unwrap().watched().len() > 50);
    }
}

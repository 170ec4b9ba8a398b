//! Records of sessions that were read lately, so that the calls of a busy session do not read the same bytes again.

use ahash::RandomState;
use bytes::Bytes;
use latimer_store::Entry;
use parking_lot::Mutex;

use super::{Session, SessionId, record};
use crate::principal::Principal;

/// How many are kept. One that shares its place with another is read again, which is what happens without this.
const PLACES: usize = 256;

/// The longest record that is kept: all of them together take less than a megabyte and a half.
const MOST_BYTES: usize = 2 << 10;

/// What records said, for the principal that they were read for.
#[derive(Debug)]
pub(super) struct Known {
    hasher: RandomState,
    places: Box<[Mutex<Option<Reading>>]>,
}

#[derive(Debug)]
struct Reading {
    value: Bytes,
    owner: Principal,
    session: Session,
}

impl Default for Known {
    fn default() -> Self {
        Self { hasher: RandomState::new(), places: (0..PLACES).map(|_| Mutex::default()).collect() }
    }
}

impl Known {
    /// Whether a session was read before, for this principal. Whose it is never changes.
    pub(super) fn is_of(&self, id: &SessionId, principal: &Principal) -> bool {
        let place = self.place(id).lock();
        place.as_ref().is_some_and(|known| known.session.id == *id && known.owner.name() == principal.name())
    }

    fn place(&self, id: &SessionId) -> &Mutex<Option<Reading>> {
        &self.places[(self.hasher.hash_one(id) % PLACES as u64) as usize]
    }

    /// What the store says now, as [`record::read`] reads it. The store is always asked before: it alone knows whether there
    /// is such a session still.
    pub(super) fn read(&self, id: &SessionId, principal: &Principal, entry: &Entry) -> Option<Session> {
        let mut place = self.place(id).lock();
        if let Some(known) = &*place
            && known.session.id == *id
            && known.value == entry.value
            && known.owner.name() == principal.name()
        {
            return Some(Session { version: entry.version, ..known.session.clone() });
        }
        let session = record::read(id, principal, &entry.value, entry.version)?;
        if entry.value.len() <= MOST_BYTES {
            *place = Some(Reading {
                value: entry.value.clone(),
                owner: principal.clone(),
                session: session.clone(),
            });
        }
        Some(session)
    }
}

#[cfg(test)]
mod tests {
    use crate::context::Client;
    use crate::limits::Limits;
    use crate::principal::Peer;
    use latimer_protocol::Revision;
    use latimer_protocol::wire::LogLevel;
    use latimer_store::Store;

    use super::super::Sessions;
    use super::*;

    /// Of two servers on one store, neither believes what it has read before.
    #[tokio::test]
    async fn what_another_server_wrote_or_ended_is_seen() {
        let store = Store::memory();
        let [one, other] = [(), ()].map(|()| Sessions::new(store.clone(), Limits::default()));
        let (alice, bob) = (Principal::named("alice", [""; 0]), Principal::named("bob", [""; 0]));
        let id = one.open(&alice, Peer::Local, Revision::V2025_11_25, Client::default()).await.unwrap().id;
        let seen = one.find(&id, &alice).await.unwrap();
        assert_eq!(seen.log_level, LogLevel::Info);
        other.set_log_level(&other.find(&id, &alice).await.unwrap(), &alice, LogLevel::Error).await.unwrap();
        assert_eq!(one.find(&id, &alice).await.unwrap().log_level, LogLevel::Error);
        assert!(one.find(&id, &bob).await.is_err());
        // What it knows of the session is no older than the store has it: this would fail otherwise.
        one.set_log_level(&one.find(&id, &alice).await.unwrap(), &alice, LogLevel::Debug).await.unwrap();
        assert_eq!(other.find(&id, &alice).await.unwrap().log_level, LogLevel::Debug);
        other.close(&id, &alice).await.unwrap();
        assert!(one.find(&id, &alice).await.is_err());
    }
}

//! The sessions that are open in this process.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderValue, StatusCode, header};
use latimer_core::{Account, Limits, Peer, Principal, SessionId};
use latimer_protocol::{ErrorCode, RpcError};
use parking_lot::Mutex;
use tokio::sync::mpsc;

use super::super::refusal::Refusal;
use super::inbox::Inbox;

/// The open sessions, by name. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(in super::super) struct Sessions(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    sessions: HashMap<SessionId, Session>,
    /// How many of them each account has.
    held: HashMap<Account, usize>,
}

#[derive(Debug)]
struct Session {
    /// The key of its principal: for anybody else it does not exist (SEC-1).
    owner: String,
    account: Account,
    lines: mpsc::Sender<Bytes>,
}

/// An open session; dropping it closes it.
pub(super) struct Open {
    all: Sessions,
    id: SessionId,
}

impl Sessions {
    /// Opens a session of a principal, within the limits of sessions.
    pub(super) fn open(
        &self,
        principal: &Principal,
        peer: Peer,
        limits: &Limits,
    ) -> Result<(Open, Inbox), Refusal> {
        let account = Account::of(principal, peer);
        let most =
            if principal.is_anonymous() { limits.sessions_per_peer } else { limits.sessions_per_principal };
        let (lines, inbox) = Inbox::new();
        let mut state = self.0.lock();
        if state.sessions.len() >= limits.sessions {
            return Err(full(
                StatusCode::SERVICE_UNAVAILABLE,
                "the server is at its limit of HTTP+SSE sessions; try again later",
            ));
        }
        if state.held.get(&account).is_some_and(|held| *held >= most) || most == 0 {
            return Err(full(
                StatusCode::TOO_MANY_REQUESTS,
                "too many HTTP+SSE sessions of this caller; close event streams that are done",
            ));
        }
        let id = SessionId::random();
        *state.held.entry(account.clone()).or_default() += 1;
        state.sessions.insert(id.clone(), Session { owner: principal.key(), account, lines });
        Ok((Open { all: self.clone(), id }, inbox))
    }

    /// The way into a session of a principal.
    pub(super) fn find(&self, id: &SessionId, principal: &Principal) -> Option<mpsc::Sender<Bytes>> {
        let state = self.0.lock();
        let session = state.sessions.get(id).filter(|session| session.owner == principal.key())?;
        Some(session.lines.clone())
    }
}

fn full(status: StatusCode, message: &'static str) -> Refusal {
    Refusal::content(status, RpcError::new(ErrorCode::INTERNAL_ERROR, message))
        .with(header::RETRY_AFTER, HeaderValue::from_static("1"))
}

impl Open {
    /// Its name.
    pub(super) fn id(&self) -> &SessionId {
        &self.id
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        let mut state = self.all.0.lock();
        let Some(session) = state.sessions.remove(&self.id) else { return };
        if let Entry::Occupied(mut held) = state.held.entry(session.account) {
            *held.get_mut() -= 1;
            if *held.get() == 0 {
                held.remove();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sse_1_a_session_is_its_principals_and_leaves_nothing_behind() {
        let sessions = Sessions::default();
        let (alice, bob) = (Principal::named("alice", ["a"]), Principal::named("bob", [""; 0]));
        let (open, _inbox) = sessions.open(&alice, Peer::Local, &Limits::default()).unwrap();
        let id = open.id().clone();
        // Scopes may change with the token.
        assert!(sessions.find(&id, &Principal::named("alice", [""; 0])).is_some());
        assert!(sessions.find(&id, &bob).is_none() && sessions.find(&id, &Principal::anonymous()).is_none());
        drop(open);
        assert!(sessions.find(&id, &alice).is_none());
        let state = sessions.0.lock();
        assert!(state.sessions.is_empty() && state.held.is_empty());
    }
}

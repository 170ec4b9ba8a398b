//! Requests that can be cancelled by their id.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt;
use std::sync::Arc;

use ahash::RandomState;
use latimer_protocol::{RequestId, RpcError};
use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;

use crate::session::SessionId;

/// Within which an id names one request: the same ids in two sessions do not meet.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Scope {
    /// A legacy session.
    Session(SessionId),
    /// A byte stream, by a number of this process.
    Connection(u64),
}

/// The cancellable requests of this process.
#[derive(Clone, Default)]
pub(crate) struct Inflight(Arc<Mutex<HashMap<Scope, Requests, RandomState>>>);

type Requests = HashMap<RequestId, Ends, RandomState>;

/// How a request is ended.
#[derive(Clone, Debug)]
pub(crate) struct Ends {
    /// Without an answer.
    pub(crate) cancel: CancellationToken,
    /// With one, for a request that goes on until then.
    pub(crate) finish: Option<CancellationToken>,
}

/// Keeps a request cancellable until it is dropped.
pub(crate) struct Registered {
    all: Inflight,
    scope: Scope,
    id: RequestId,
}

impl Inflight {
    /// Makes a request cancellable.
    ///
    /// # Errors
    /// -32600 where the id is in use (BASE-1).
    pub(crate) fn enter(&self, scope: Scope, id: RequestId, ends: Ends) -> Result<Registered, RpcError> {
        let mut all = self.0.lock();
        match all.entry(scope.clone()).or_default().entry(id.clone()) {
            Entry::Occupied(_) => {
                Err(RpcError::invalid_request("a request with this id is in flight; use each id once"))
            }
            Entry::Vacant(vacant) => {
                vacant.insert(ends);
                Ok(Registered { all: self.clone(), scope, id })
            }
        }
    }

    pub(crate) fn cancel(&self, scope: &Scope, id: &RequestId) {
        let ends = self.0.lock().get(scope).and_then(|requests| requests.get(id)).cloned();
        if let Some(ends) = ends {
            ends.cancel.cancel();
        }
    }

    pub(crate) fn cancel_all(&self, scope: &Scope) {
        self.of(scope).iter().for_each(|ends| ends.cancel.cancel());
    }

    /// Has those of a scope answered that go on until they are ended.
    pub(crate) fn finish_all(&self, scope: &Scope) {
        self.of(scope).iter().filter_map(|ends| ends.finish.as_ref()).for_each(CancellationToken::cancel);
    }

    fn of(&self, scope: &Scope) -> Vec<Ends> {
        self.0.lock().get(scope).into_iter().flat_map(HashMap::values).cloned().collect()
    }
}

impl Drop for Registered {
    fn drop(&mut self) {
        let mut all = self.all.0.lock();
        if let Some(requests) = all.get_mut(&self.scope) {
            requests.remove(&self.id);
            if requests.is_empty() {
                all.remove(&self.scope);
            }
        }
    }
}

impl fmt::Debug for Inflight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inflight").field("scopes", &self.0.lock().len()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_id_in_two_scopes_is_two_requests() {
        let inflight = Inflight::default();
        let (one, other) = (CancellationToken::new(), CancellationToken::new());
        let id = RequestId::from(1);
        let ends = |cancel: &CancellationToken| Ends { cancel: cancel.clone(), finish: None };
        let first = inflight.enter(Scope::Connection(1), id.clone(), ends(&one)).unwrap();
        let _second = inflight.enter(Scope::Connection(2), id.clone(), ends(&other)).unwrap();
        assert!(inflight.enter(Scope::Connection(1), id.clone(), ends(&other)).is_err());
        inflight.cancel(&Scope::Connection(1), &id);
        assert!(one.is_cancelled() && !other.is_cancelled());
        drop(first);
        assert!(inflight.enter(Scope::Connection(1), id, ends(&one)).is_ok());
        assert_eq!(inflight.0.lock().len(), 1);
    }
}

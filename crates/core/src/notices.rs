//! Notifications to a session or connection, outside any of its requests.

use std::fmt;

use bytes::Bytes;
use latimer_store::{Store, StoreError, Subscription};

use crate::inflight::Scope;

/// Carries notifications to whoever holds the stream of a session or connection. A hint: where nobody does, they are
/// lost.
#[derive(Clone)]
pub(crate) struct Notices {
    store: Store,
    instance: String,
}

impl Notices {
    pub(crate) fn new(store: Store, instance: String) -> Self {
        Self { store, instance }
    }

    /// Sends a notification, as complete JSON text.
    pub(crate) async fn send(&self, scope: &Scope, message: Bytes) -> Result<(), StoreError> {
        self.store.bus.publish(&self.topic(scope), message).await
    }

    /// Hears the notifications of a scope.
    pub(crate) async fn hear(&self, scope: &Scope) -> Result<Subscription, StoreError> {
        self.store.bus.subscribe(&self.topic(scope)).await
    }

    fn topic(&self, scope: &Scope) -> String {
        match scope {
            Scope::Session(session) => format!("notices:session:{session}"),
            Scope::Connection(number) => format!("notices:{}:{number}", self.instance),
        }
    }
}

impl fmt::Debug for Notices {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Notices").finish_non_exhaustive()
    }
}

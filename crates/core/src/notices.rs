//! Notifications to a session or connection, outside any of its requests.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use latimer_store::{Store, StoreError, Subscription};
use parking_lot::Mutex;

use crate::inflight::Scope;
use crate::session::SessionId;

/// Carries notifications to whoever holds the stream of a session or connection. A hint: where nobody does, they are
/// lost.
///
/// A connection is of this process: it takes them at once, so that what was sent before a reply stands before it
/// (PRG-1). The stream of a session may be anywhere.
#[derive(Clone)]
pub(crate) struct Notices {
    store: Store,
    connections: Connections,
}

/// Takes a notification, as complete JSON text. Never waits.
pub(crate) type Sink = Arc<dyn Fn(Bytes) + Send + Sync>;

type Connections = Arc<Mutex<HashMap<u64, Sink>>>;

/// Has a connection hear notifications until it is dropped.
pub struct Hearing {
    connections: Connections,
    number: u64,
}

impl Notices {
    pub(crate) fn new(store: Store) -> Self {
        Self { store, connections: Connections::default() }
    }

    /// Sends a notification, as complete JSON text.
    pub(crate) async fn send(&self, scope: &Scope, message: Bytes) -> Result<(), StoreError> {
        match scope {
            Scope::Session(session) => self.store.bus.publish(&topic(session), message).await,
            Scope::Connection(number) => {
                let sink = self.connections.lock().get(number).cloned();
                if let Some(sink) = sink {
                    sink(message);
                }
                Ok(())
            }
        }
    }

    /// Hears the notifications to a session.
    pub(crate) async fn hear(&self, session: &SessionId) -> Result<Subscription, StoreError> {
        self.store.bus.subscribe(&topic(session)).await
    }

    /// Has a connection take its notifications.
    pub(crate) fn attach(&self, number: u64, sink: Sink) -> Hearing {
        self.connections.lock().insert(number, sink);
        Hearing { connections: self.connections.clone(), number }
    }
}

impl Drop for Hearing {
    fn drop(&mut self) {
        self.connections.lock().remove(&self.number);
    }
}

fn topic(session: &SessionId) -> String {
    format!("notices:session:{session}")
}

impl fmt::Debug for Notices {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Notices").field("connections", &self.connections.lock().len()).finish_non_exhaustive()
    }
}

impl fmt::Debug for Hearing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hearing").field("number", &self.number).finish_non_exhaustive()
    }
}

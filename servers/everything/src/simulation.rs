//! What happens by itself once a client has asked for it, and never before.
//!
//! In a session a simulation belongs to the session: it is switched on and off, and ends with it. Where there is none,
//! as in 2026-07-28, it belongs to a handle that the client got and sends back (VER-9). It ends after ten minutes in any
//! case, and with the server. There are never more than [`MOST`] of them.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use latimer::prelude::*;
use latimer::{Error, SessionLine};
use parking_lot::Mutex;
use tokio::task::AbortHandle;
use tokio::time::{Instant, interval};

use crate::handle::Handle;

/// How long it takes from one event to the next.
pub(crate) const PERIOD: Duration = Duration::from_secs(5);
/// How long a simulation goes on at most.
const LONGEST: Duration = Duration::from_secs(600);
/// How many there are at most, and how many of them one principal without a session may have.
const MOST: usize = 256;
const MOST_OF_PRINCIPAL: usize = 16;

/// What is simulated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    /// Log messages.
    Logging,
    /// Updates of resources.
    Updates,
}

/// Whose simulation it is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Owner {
    /// A session's, by the name of its line.
    Session(String),
    /// That of whoever has the handle, and is this principal.
    Handle { principal: String, handle: Handle },
}

/// The simulations that are going on. Dropping it ends them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Simulations(Arc<Running>);

#[derive(Debug, Default)]
struct Running(Mutex<HashMap<(Kind, Owner), Simulation>>);

#[derive(Debug)]
struct Simulation {
    task: AbortHandle,
    /// How many events there were.
    events: Arc<Mutex<u64>>,
}

impl Simulations {
    /// Switches a simulation of a session on or off; whether it is on now. Each period, and at once, `event` happens, with
    /// its number.
    ///
    /// # Errors
    /// When there are too many.
    pub(crate) fn toggle<F, R>(&self, kind: Kind, line: SessionLine, event: F) -> latimer::Result<bool>
    where
        F: Fn(SessionLine, u64) -> R + Send + 'static,
        R: Future<Output = ()> + Send,
    {
        let owner = Owner::Session(line.name());
        if self.stop(kind, &owner) {
            return Ok(false);
        }
        self.begin(kind, owner, move |number| {
            let (line, event) = (line.clone(), event(line.clone(), number));
            async move {
                let is_open = line.is_open().await;
                if is_open {
                    event.await;
                }
                is_open
            }
        })?;
        Ok(true)
    }

    /// Begins a simulation; `event` says whether it goes on.
    ///
    /// # Errors
    /// When there are too many.
    pub(crate) fn begin<F, R>(&self, kind: Kind, owner: Owner, event: F) -> latimer::Result
    where
        F: Fn(u64) -> R + Send + 'static,
        R: Future<Output = bool> + Send,
    {
        let mut running = self.0.0.lock();
        let principal = match &owner {
            Owner::Session(_) => None,
            Owner::Handle { principal, .. } => Some(principal),
        };
        let same = |other: &Owner| matches!((other, principal), (Owner::Handle { principal, .. }, Some(ours)) if principal == ours);
        let of_principal = running.keys().filter(|(_, other)| same(other)).count();
        if running.len() >= MOST || of_principal >= MOST_OF_PRINCIPAL {
            return Err(Error::shown(
                "too many simulations are going on; switch one off, or wait until one has ended",
            ));
        }
        let events = Arc::new(Mutex::new(0));
        let key = (kind, owner);
        let work = {
            let (all, key, events) = (Arc::downgrade(&self.0), key.clone(), events.clone());
            async move {
                let until = Instant::now() + LONGEST;
                let mut ticks = interval(PERIOD);
                loop {
                    ticks.tick().await;
                    let number = {
                        let mut events = events.lock();
                        *events += 1;
                        *events
                    };
                    if Instant::now() >= until || !event(number).await {
                        break;
                    }
                }
                if let Some(all) = all.upgrade() {
                    all.0.lock().remove(&key);
                }
            }
        };
        // The lock is held until the simulation is known, so that it cannot end unknown.
        let task = tokio::spawn(work).abort_handle();
        running.insert(key, Simulation { task, events });
        Ok(())
    }

    /// Ends a simulation; whether it was going on.
    pub(crate) fn stop(&self, kind: Kind, owner: &Owner) -> bool {
        let stopped = self.0.0.lock().remove(&(kind, owner.clone()));
        stopped.map(|simulation| simulation.task.abort()).is_some()
    }

    /// Ends all of them.
    pub(crate) fn stop_all(&self) {
        self.0.0.lock().drain().for_each(|(_, simulation)| simulation.task.abort());
    }

    /// How many events of a simulation there were; `None` where it is not going on.
    pub(crate) fn events(&self, kind: Kind, owner: &Owner) -> Option<u64> {
        let running = self.0.0.lock();
        running.get(&(kind, owner.clone())).map(|simulation| *simulation.events.lock())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.lock().drain().for_each(|(_, simulation)| simulation.task.abort());
    }
}

/// The owner that a handle names, for whoever calls.
pub(crate) fn owner_of(cx: &Context, handle: Handle) -> Owner {
    Owner::Handle { principal: cx.principal().key(), handle }
}

//! What changed, told to whoever listens: here at once, and on every other process of the store by a hint.
//!
//! A change is a hint and never its content: a list changed, a resource was updated, a task moved on. What has not been
//! told yet is merged, so that a slow listener costs no more than what it listens to, and always hears of the last
//! change of everything. Between processes hints may get lost; a listener is told then that everything it listens
//! to may have changed.

mod inbox;
mod listener;
mod outgoing;

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Weak};

use latimer_store::Store;
use parking_lot::Mutex;

pub use listener::Listener;

use crate::catalog::Difference;
use crate::principal::Principal;
use crate::random;
use inbox::Inbox;
use outgoing::Outgoing;

/// The lists whose changes are announced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Listing {
    /// Tools.
    Tools,
    /// Prompts.
    Prompts,
    /// Resources and resource templates.
    Resources,
}

impl Listing {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Tools, Self::Prompts, Self::Resources];
}

/// Something that changed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Change {
    /// A list is another one.
    List(Listing),
    /// A resource, by its URI, has other contents.
    Updated(Arc<str>),
    /// A task, by its id, has another status.
    Task(Arc<str>),
}

/// What somebody listens to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Interest {
    /// Lists.
    pub lists: Vec<Listing>,
    /// Resources, by URI.
    pub uris: Vec<Arc<str>>,
    /// Tasks, by id.
    pub tasks: Vec<Arc<str>>,
}

/// Where changes are told and heard. Cheap to clone.
#[derive(Clone)]
pub struct Changes(Arc<Hub>);

struct Hub {
    store: Store,
    /// Tells this hub's hints from those of others.
    origin: String,
    listeners: Mutex<Listeners>,
    outgoing: Mutex<Outgoing>,
}

#[derive(Default)]
struct Listeners {
    next: u64,
    by_number: HashMap<u64, Arc<Inbox>>,
    /// Listeners that stand in one line, the newest last: only that one hears.
    lines: HashMap<Box<str>, Vec<u64>>,
}

/// A hub that may be gone.
#[derive(Clone)]
pub(crate) struct WeakChanges(Weak<Hub>);

impl Changes {
    /// Changes of this process, and those of all others on a store.
    pub fn new(store: Store) -> Self {
        Self(Arc::new(Hub {
            store,
            origin: random::hex::<8>(),
            listeners: Mutex::default(),
            outgoing: Mutex::default(),
        }))
    }

    /// Tells that a resource has other contents.
    pub fn updated(&self, uri: &str) {
        self.0.tell(|inbox| inbox.updated(uri));
        self.forward(|outgoing| outgoing.updated(uri));
    }

    /// Tells that a task has another status.
    pub fn task(&self, id: &str) {
        self.0.tell(|inbox| inbox.task(id));
        self.forward(|outgoing| outgoing.task(id));
    }

    /// Tells that lists are others.
    pub(crate) fn lists(&self, difference: Difference) {
        self.0.tell(|inbox| inbox.lists(&difference));
        self.forward(|outgoing| outgoing.lists(difference));
    }

    /// Begins to listen on behalf of a principal, who hears of no list that it does not see.
    ///
    /// Changes on other processes are heard once the listener [joined](Listener::join).
    pub fn listen(&self, principal: &Principal, interest: Interest) -> Listener {
        self.add(principal, interest, None)
    }

    /// As [`listen`](Self::listen), in a line: of several listeners in one line the newest hears, and when it leaves,
    /// the one before it goes on with what was not told yet.
    pub fn listen_in_line(&self, line: &str, principal: &Principal, interest: Interest) -> Listener {
        self.add(principal, interest, Some(line))
    }

    /// Has all listeners of a line listen to a resource too.
    pub fn watch(&self, line: &str, uri: &str) {
        self.0.tell_line(line, |inbox| inbox.watch(uri));
    }

    /// Has all listeners of a line listen to a resource no more.
    pub fn unwatch(&self, line: &str, uri: &str) {
        self.0.tell_line(line, |inbox| inbox.unwatch(uri));
    }

    /// Tells the listeners of a line, here, that every resource that they listen to has other contents.
    pub fn updated_in_line(&self, line: &str) {
        self.0.tell_line(line, Inbox::all_updated);
    }

    /// Whether somebody listens in a line.
    pub fn has_line(&self, line: &str) -> bool {
        self.0.listeners.lock().lines.contains_key(line)
    }

    /// The name of this hub among those of the store.
    pub(crate) fn origin(&self) -> &str {
        &self.0.origin
    }

    pub(crate) fn downgrade(&self) -> WeakChanges {
        WeakChanges(Arc::downgrade(&self.0))
    }

    fn add(&self, principal: &Principal, interest: Interest, line: Option<&str>) -> Listener {
        let inbox = Arc::new(Inbox::new(principal.clone(), interest));
        let mut listeners = self.0.listeners.lock();
        let number = listeners.next;
        listeners.next += 1;
        listeners.by_number.insert(number, inbox.clone());
        if let Some(line) = line {
            let before = listeners.lines.get(line).and_then(|line| line.last().copied());
            if let Some(before) = before.and_then(|before| listeners.by_number.get(&before)) {
                before.hand_over(&inbox);
            }
            listeners.lines.entry(line.into()).or_default().push(number);
        }
        drop(listeners);
        // What was told where there was no runtime goes out now.
        self.forward(|_| ());
        Listener::new(self.clone(), number, line, inbox)
    }

    fn remove(&self, number: u64, line: Option<&str>) {
        let mut listeners = self.0.listeners.lock();
        let Listeners { by_number, lines, .. } = &mut *listeners;
        let inbox = by_number.remove(&number);
        let Some(name) = line else { return };
        let Some(line) = lines.get_mut(name) else { return };
        let was_last = line.last() == Some(&number);
        line.retain(|other| *other != number);
        match line.last().and_then(|next| by_number.get(next)) {
            Some(next) if was_last => {
                if let Some(inbox) = inbox {
                    inbox.hand_over(next);
                }
            }
            Some(_) => {}
            None => _ = lines.remove(name),
        }
    }

    fn forward(&self, add: impl FnOnce(&mut Outgoing)) {
        let mut outgoing = self.0.outgoing.lock();
        add(&mut outgoing);
        if outgoing.is_idle()
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
        {
            outgoing.begin();
            drop(outgoing);
            runtime.spawn(outgoing::send(self.0.clone()));
        }
    }
}

impl Hub {
    fn tell(&self, tell: impl Fn(&Inbox)) {
        self.listeners.lock().by_number.values().for_each(|inbox| tell(inbox));
    }

    fn tell_line(&self, line: &str, tell: impl Fn(&Inbox)) {
        let listeners = self.listeners.lock();
        let numbers = listeners.lines.get(line).into_iter().flatten();
        numbers.filter_map(|number| listeners.by_number.get(number)).for_each(|inbox| tell(inbox));
    }
}

impl WeakChanges {
    pub(crate) fn upgrade(&self) -> Option<Changes> {
        self.0.upgrade().map(Changes)
    }
}

impl fmt::Debug for Changes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Changes").field("listeners", &self.0.listeners.lock().by_number.len()).finish()
    }
}

impl fmt::Debug for WeakChanges {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WeakChanges")
    }
}

#[cfg(test)]
mod tests;

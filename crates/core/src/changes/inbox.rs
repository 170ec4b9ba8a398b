//! What one listener has not been told yet.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use parking_lot::Mutex;
use tokio::sync::watch;

use super::{Change, Interest, Listing};
use crate::catalog::Difference;
use crate::principal::Principal;

/// Changes that wait for a listener, each once. It holds no more than what the listener listens to.
#[derive(Debug)]
pub(super) struct Inbox {
    principal: Principal,
    state: Mutex<State>,
    /// Whether it hears: of a line only the newest does.
    hears: watch::Sender<bool>,
}

#[derive(Debug, Default)]
struct State {
    /// For each list that is listened to, whether it changed.
    lists: [Option<bool>; 3],
    uris: Watched,
    tasks: Watched,
    waker: Option<Waker>,
}

/// Names that are listened to.
#[derive(Debug, Default)]
struct Watched {
    /// Whether each of them waits to be told.
    names: HashMap<Arc<str>, bool>,
    waiting: VecDeque<Arc<str>>,
}

impl Inbox {
    pub(super) fn new(principal: Principal, interest: Interest) -> Self {
        let mut state = State::default();
        for listing in interest.lists {
            state.lists[listing as usize] = Some(false);
        }
        interest.uris.into_iter().for_each(|uri| _ = state.uris.add(uri));
        interest.tasks.into_iter().for_each(|id| _ = state.tasks.add(id));
        Self { principal, state: Mutex::new(state), hears: watch::Sender::new(true) }
    }

    pub(super) fn updated(&self, uri: &str) {
        self.change(|state| state.uris.mark(uri));
    }

    pub(super) fn task(&self, id: &str) {
        self.change(|state| state.tasks.mark(id));
    }

    pub(super) fn lists(&self, difference: &Difference) {
        self.change(|state| {
            let concerned = |listing: &Listing| difference.concerns(*listing, &self.principal);
            Listing::ALL.into_iter().filter(concerned).filter(|listing| state.list(*listing)).count() > 0
        });
    }

    /// Anything may have changed.
    pub(super) fn everything(&self) {
        self.change(|state| {
            let lists = Listing::ALL.into_iter().filter(|listing| state.list(*listing)).count() > 0;
            let uris = state.uris.mark_all();
            state.tasks.mark_all() || uris || lists
        });
    }

    /// Every resource that is listened to has other contents.
    pub(super) fn all_updated(&self) {
        self.change(|state| state.uris.mark_all());
    }

    pub(super) fn watch(&self, uri: &str) {
        self.state.lock().uris.add(uri.into());
    }

    pub(super) fn unwatch(&self, uri: &str) {
        self.state.lock().uris.remove(uri);
    }

    /// Listens to nothing that is not in `interest`.
    pub(super) fn keep_only(&self, interest: &Interest) {
        let mut state = self.state.lock();
        for listing in Listing::ALL.into_iter().filter(|listing| !interest.lists.contains(listing)) {
            state.lists[listing as usize] = None;
        }
        state.uris.keep_only(&interest.uris);
        state.tasks.keep_only(&interest.tasks);
    }

    /// Listens to these resources, and no others. What was not listened to may have changed meanwhile.
    pub(super) fn watch_exactly(&self, uris: &[Arc<str>]) {
        let new: Vec<_> = {
            let mut state = self.state.lock();
            state.uris.keep_only(uris);
            uris.iter().filter(|uri| state.uris.add((*uri).clone())).collect()
        };
        self.change(|state| new.iter().filter(|uri| state.uris.mark(uri)).count() > 0);
    }

    /// Lets another one hear, and gives it what waits here.
    pub(super) fn hand_over(&self, next: &Self) {
        self.hears.send_replace(false);
        next.hears.send_replace(true);
        let mut state = self.state.lock();
        let lists = state.lists.map(|list| list == Some(true));
        state.lists.iter_mut().flatten().for_each(|changed| *changed = false);
        let (uris, tasks) = (state.uris.take(), state.tasks.take());
        drop(state);
        next.change(|state| {
            let mut any = false;
            for listing in Listing::ALL.into_iter().filter(|listing| lists[*listing as usize]) {
                any |= state.list(listing);
            }
            uris.iter().for_each(|uri| any |= state.uris.mark(uri));
            tasks.iter().for_each(|id| any |= state.tasks.mark(id));
            any
        });
    }

    pub(super) fn hearing(&self) -> watch::Receiver<bool> {
        self.hears.subscribe()
    }

    pub(super) fn poll_pop(&self, cx: &mut Context<'_>) -> Poll<Change> {
        let mut state = self.state.lock();
        if let Some(change) = state.pop() {
            return Poll::Ready(change);
        }
        if !state.waker.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
            state.waker = Some(cx.waker().clone());
        }
        Poll::Pending
    }

    /// `mark` says whether there is something to tell.
    fn change(&self, mark: impl FnOnce(&mut State) -> bool) {
        if !*self.hears.borrow() {
            return;
        }
        let waker = {
            let mut state = self.state.lock();
            if mark(&mut state) { state.waker.take() } else { None }
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl State {
    fn list(&mut self, listing: Listing) -> bool {
        match &mut self.lists[listing as usize] {
            Some(changed) => {
                *changed = true;
                true
            }
            None => false,
        }
    }

    fn pop(&mut self) -> Option<Change> {
        for listing in Listing::ALL {
            if self.lists[listing as usize] == Some(true) {
                self.lists[listing as usize] = Some(false);
                return Some(Change::List(listing));
            }
        }
        self.uris.pop().map(Change::Updated).or_else(|| self.tasks.pop().map(Change::Task))
    }
}

impl Watched {
    /// Whether it is new.
    fn add(&mut self, name: Arc<str>) -> bool {
        let before = self.names.len();
        self.names.entry(name).or_insert(false);
        self.names.len() > before
    }

    fn remove(&mut self, name: &str) {
        if self.names.remove(name) == Some(true) {
            self.waiting.retain(|waiting| waiting.as_ref() != name);
        }
    }

    fn keep_only(&mut self, names: &[Arc<str>]) {
        let wanted: HashSet<&Arc<str>> = names.iter().collect();
        self.names.retain(|name, _| wanted.contains(name));
        self.waiting.retain(|name| wanted.contains(name));
    }

    fn mark(&mut self, name: &str) -> bool {
        let Some((name, _)) = self.names.get_key_value(name) else { return false };
        let name = name.clone();
        if self.names.insert(name.clone(), true) == Some(false) {
            self.waiting.push_back(name);
        }
        true
    }

    fn mark_all(&mut self) -> bool {
        let names: Vec<_> = self.names.keys().cloned().collect();
        names.iter().for_each(|name| _ = self.mark(name));
        !names.is_empty()
    }

    fn pop(&mut self) -> Option<Arc<str>> {
        let name = self.waiting.pop_front()?;
        self.names.insert(name.clone(), false);
        Some(name)
    }

    fn take(&mut self) -> VecDeque<Arc<str>> {
        self.names.values_mut().for_each(|waits| *waits = false);
        std::mem::take(&mut self.waiting)
    }
}

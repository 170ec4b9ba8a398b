//! Where the events of a subscription wait for its owner.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use latimer_protocol::RawJson;
use latimer_protocol::rewrite::member;
use parking_lot::Mutex;
use tokio::sync::{Notify, watch};

use super::{Event, Filter};
use crate::error::ClientError;
use crate::info;
use crate::notification::Notification;

/// How many events wait, and how many bytes they may hold; past that the owner is told that it missed something.
const KEPT: usize = 1024;
const KEPT_BYTES: usize = 1024 * 1024;

/// The events that nobody has seen yet.
pub(crate) struct Inbox {
    pub(super) filter: Filter,
    state: Mutex<State>,
    arrived: Notify,
    /// The server acknowledged the subscription.
    pub(super) acknowledged: Notify,
    /// The server gave the subscription up without a result.
    pub(super) torn: Notify,
}

#[derive(Default)]
struct State {
    queue: VecDeque<Event>,
    bytes: usize,
    honoured: Filter,
    /// The server has acknowledged it before.
    was_open: bool,
    end: Option<Result<(), ClientError>>,
}

impl Inbox {
    pub(super) fn new(filter: Filter) -> Arc<Self> {
        Arc::new(Self {
            filter,
            state: Mutex::default(),
            arrived: Notify::new(),
            acknowledged: Notify::new(),
            torn: Notify::new(),
        })
    }

    /// The next event; `None` after the end.
    pub(super) async fn next(&self) -> Result<Option<Event>, ClientError> {
        loop {
            {
                let mut state = self.state.lock();
                if let Some(event) = state.queue.pop_front() {
                    state.bytes -= event.size();
                    return Ok(Some(event));
                }
                if let Some(end) = state.end.replace(Ok(())) {
                    return end.map(|()| None);
                }
                state.end = None;
            }
            self.arrived.notified().await;
        }
    }

    pub(super) fn honoured(&self) -> Filter {
        self.state.lock().honoured.clone()
    }

    pub(super) fn honour(&self, filter: Filter) {
        self.state.lock().honoured = filter;
    }

    /// Adds an event, unless the same one waits already: an owner that looks late needs to hear of it once.
    pub(super) fn push(&self, event: Event) {
        let mut state = self.state.lock();
        if state.queue.contains(&event) {
            return;
        }
        let size = event.size();
        if state.queue.len() >= KEPT || state.bytes + size > KEPT_BYTES {
            state.queue.clear();
            state.queue.push_back(Event::Gap);
            state.bytes = 0;
        }
        if size <= KEPT_BYTES {
            state.bytes += size;
            state.queue.push_back(event);
        }
        self.arrived.notify_one();
    }

    pub(super) fn end(&self, end: Result<(), ClientError>) {
        self.state.lock().end = Some(end);
        self.arrived.notify_one();
    }

    /// Takes a notification of this very subscription.
    fn take(&self, notification: &Notification) {
        if notification.method == "notifications/subscriptions/acknowledged" {
            let honoured = notification.params.as_ref().map(Filter::read).unwrap_or_default();
            let mut state = self.state.lock();
            state.honoured = honoured;
            let was_open = std::mem::replace(&mut state.was_open, true);
            drop(state);
            if was_open {
                // What changed since the stream before broke off was not told; what comes now comes after that.
                self.push(Event::Gap);
            }
            self.acknowledged.notify_one();
        } else if let Some(event) = Event::of(notification) {
            self.push(event);
        }
    }

    /// Takes a notification of the session, if it is one that the owner wants.
    fn overhear(&self, notification: &Notification) {
        let wanted = |event: &Event| {
            let filter = self.honoured();
            match event {
                Event::ToolsChanged => filter.tools,
                Event::PromptsChanged => filter.prompts,
                Event::ResourcesChanged => filter.resources,
                Event::ResourceUpdated { uri } => {
                    filter.uris.iter().any(|watched| uri.starts_with(watched.as_str()))
                }
                Event::Task { id, .. } => filter.tasks.contains(id),
                Event::Gap => true,
            }
        };
        if let Some(event) = Event::of(notification).filter(wanted) {
            self.push(event);
        }
    }
}

/// All subscriptions of a connection.
pub(crate) struct Listening {
    /// Those of a modern server by the ids of their requests (STDIO-7).
    own: Mutex<HashMap<u64, Arc<Inbox>>>,
    /// Those that overhear a legacy session.
    session: Mutex<Vec<Arc<Inbox>>>,
    /// Counts the sessions that took the place of another.
    pub(super) renewals: watch::Sender<u64>,
}

impl Default for Listening {
    fn default() -> Self {
        Self { own: Mutex::default(), session: Mutex::default(), renewals: watch::Sender::new(0) }
    }
}

impl Listening {
    /// Whether somebody overhears the session.
    pub(crate) fn is_heard(&self) -> bool {
        !self.session.lock().is_empty()
    }

    /// Takes a notification in; returns whether it was for a subscription alone.
    pub(crate) fn take(&self, notification: &Notification) -> bool {
        let id = notification.params.as_ref().and_then(subscription);
        if let Some(id) = id {
            let inbox = id.parse().ok().and_then(|id: u64| self.own.lock().get(&id).cloned());
            match inbox {
                Some(inbox) => inbox.take(notification),
                None => tracing::debug!(method = notification.method, id, "notification of no subscription"),
            }
            return true;
        }
        for inbox in &*self.session.lock() {
            inbox.overhear(notification);
        }
        false
    }

    /// A modern server gave up the subscription of this id (SUB-5).
    pub(crate) fn tear(&self, id: &str) {
        let inbox = id.parse().ok().and_then(|id: u64| self.own.lock().get(&id).cloned());
        if let Some(inbox) = inbox {
            inbox.torn.notify_one();
        }
    }

    /// Notifications of the session may have been lost.
    pub(crate) fn missed(&self) {
        for inbox in &*self.session.lock() {
            inbox.push(Event::Gap);
        }
    }

    /// Another session took the place of the one before.
    pub(crate) fn renewed(&self) {
        self.renewals.send_modify(|renewals| *renewals += 1);
    }

    /// Hands what comes for `id` to an inbox, until the value is dropped.
    pub(super) fn register(&self, id: u64, inbox: &Arc<Inbox>) -> Own<'_> {
        self.own.lock().insert(id, Arc::clone(inbox));
        Own { listening: self, id }
    }

    pub(super) fn overhear(&self, inbox: &Arc<Inbox>) {
        self.session.lock().push(Arc::clone(inbox));
    }

    /// Ends the overhearing; returns the URIs that nobody watches any more.
    pub(super) fn leave(&self, inbox: &Arc<Inbox>) -> Vec<String> {
        let mut session = self.session.lock();
        session.retain(|other| !Arc::ptr_eq(other, inbox));
        let mut uris = inbox.honoured().uris;
        uris.retain(|uri| !session.iter().any(|other| other.honoured().uris.contains(uri)));
        uris
    }
}

/// A subscription's place in the table.
pub(super) struct Own<'a> {
    listening: &'a Listening,
    id: u64,
}

impl Drop for Own<'_> {
    fn drop(&mut self) {
        self.listening.own.lock().remove(&self.id);
    }
}

/// The id of the subscription that a notification belongs to (SUB-3), as JSON text.
fn subscription(params: &RawJson) -> Option<&str> {
    let meta = member(params.as_str(), "_meta").ok().flatten()?;
    member(meta, "io.modelcontextprotocol/subscriptionId").ok().flatten()
}

impl Event {
    /// The bytes of it that a server chose.
    fn size(&self) -> usize {
        match self {
            Self::ResourceUpdated { uri } => uri.len(),
            Self::Task { id, state } => id.len() + state.as_str().len(),
            _ => 0,
        }
    }

    /// What a notification means to whoever subscribed to it.
    fn of(notification: &Notification) -> Option<Self> {
        let params = notification.params.as_ref();
        let text = |name| params.and_then(|params| info::text(params, name));
        Some(match notification.method.as_str() {
            "notifications/tools/list_changed" => Self::ToolsChanged,
            "notifications/prompts/list_changed" => Self::PromptsChanged,
            "notifications/resources/list_changed" => Self::ResourcesChanged,
            "notifications/resources/updated" => Self::ResourceUpdated { uri: text("uri")? },
            "notifications/tasks" | "notifications/tasks/status" => {
                Self::Task { id: text("taskId")?, state: params?.clone() }
            }
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn notification(method: &str, params: &str) -> Notification {
        Notification { method: method.to_owned(), params: Some(RawJson::parse(params.to_owned()).unwrap()) }
    }

    #[tokio::test]
    async fn stdio_7_subscriptions_are_told_apart_by_their_ids() {
        let listening = Listening::default();
        let (one, two) = (Inbox::new(Filter::lists()), Inbox::new(Filter::lists()));
        let (_one, _two) = (listening.register(1, &one), listening.register(2, &two));
        let meta = |id: &str| format!(r#"{{"_meta":{{"io.modelcontextprotocol/subscriptionId":{id}}}}}"#);
        assert!(listening.take(&notification("notifications/tools/list_changed", &meta("2"))));
        // The text "1" is another id than the number.
        assert!(listening.take(&notification("notifications/tools/list_changed", &meta("\"1\""))));
        assert!(!listening.take(&notification("notifications/tools/list_changed", "{}")));
        assert_eq!(two.next().await.unwrap(), Some(Event::ToolsChanged));
        one.end(Ok(()));
        assert_eq!(one.next().await.unwrap(), None);
        assert_eq!(one.next().await.unwrap(), None);
    }

    #[tokio::test]
    async fn events_that_nobody_looks_at_are_merged_and_bounded() {
        let inbox = Inbox::new(Filter::lists());
        for _ in 0..10_000 {
            inbox.push(Event::ToolsChanged);
        }
        for number in 0..KEPT {
            inbox.push(Event::ResourceUpdated { uri: number.to_string() });
        }
        assert_eq!(inbox.state.lock().queue.len(), 2);
        assert_eq!(inbox.next().await.unwrap(), Some(Event::Gap));
        for length in [KEPT_BYTES, KEPT_BYTES + 1, 10] {
            inbox.push(Event::ResourceUpdated { uri: "x".repeat(length) });
        }
        assert_eq!(inbox.next().await.unwrap(), Some(Event::Gap));
        assert_eq!(inbox.next().await.unwrap(), Some(Event::ResourceUpdated { uri: "x".repeat(10) }));
        assert_eq!(inbox.state.lock().bytes, 0);
    }
}

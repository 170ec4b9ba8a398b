//! Changes as the notifications that tell of them.

use std::fmt;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;

use bytes::Bytes;
use latimer_protocol::encode::write_notification;
use latimer_protocol::wire::ResourceUpdatedParams;
use latimer_protocol::{RawJson, RequestId};

use crate::BoxFuture;
use crate::catalog::Catalog;
use crate::changes::{Change, Listener, Listing};
use crate::principal::Principal;

/// What one principal is told, as notifications.
#[derive(Debug)]
pub struct News {
    listener: Listener,
    catalog: Arc<Catalog>,
    principal: Principal,
    /// The listen request that its notifications name.
    subscription: Option<RequestId>,
    tasks: Option<Arc<dyn TaskStatus>>,
    /// A task whose status is being asked for.
    asking: Option<Arc<str>>,
}

/// Knows the status of tasks.
pub trait TaskStatus: Send + Sync + fmt::Debug + 'static {
    /// Whether a principal has a task of this id.
    fn has<'a>(&'a self, principal: &'a Principal, id: &'a str) -> BoxFuture<'a, bool>;

    /// The parameters of `notifications/tasks` for a task as it is now; `None` where the principal has none of this id
    /// (any more). Dropping the future must do no harm.
    fn params<'a>(&'a self, principal: &'a Principal, id: &'a str) -> BoxFuture<'a, Option<RawJson>>;
}

impl News {
    pub(crate) fn new(listener: Listener, catalog: Arc<Catalog>, principal: Principal) -> Self {
        Self { listener, catalog, principal, subscription: None, tasks: None, asking: None }
    }

    /// The same, with every notification naming the request that asked for it (SUB-3).
    pub(super) fn of(mut self, subscription: RequestId, tasks: Arc<dyn TaskStatus>) -> Self {
        self.subscription = Some(subscription);
        self.tasks = Some(tasks);
        self
    }

    /// What hears.
    pub fn listener(&self) -> &Listener {
        &self.listener
    }

    /// As [`Listener::join`]; where it fails, only this process is heard.
    pub async fn join(&mut self) {
        if let Err(error) = self.listener.join().await {
            tracing::error!(%error, "changes on other processes are not heard");
        }
    }

    /// As [`next`](Self::next), once there is room for it: until then what changes waits here, and merges.
    pub async fn next_in(&mut self, room: impl Future<Output = ()>) -> Bytes {
        let mut room = pin!(room);
        poll_fn(|cx| {
            self.listener.poll_hints(cx);
            room.as_mut().poll(cx)
        })
        .await;
        self.next().await
    }

    /// The next notification, complete; waits for it. Dropping the future loses nothing.
    pub async fn next(&mut self) -> Bytes {
        loop {
            if let Some(id) = &self.asking {
                let params = match &self.tasks {
                    Some(tasks) => tasks.params(&self.principal, id).await,
                    None => None,
                };
                self.asking = None;
                match params {
                    Some(params) => return self.notification("notifications/tasks", Some(params.as_str())),
                    None => continue,
                }
            }
            match self.listener.next().await {
                Change::List(listing) => return self.notification(list_changed(listing), None),
                Change::Updated(uri) if self.catalog.snapshot().shows(&self.principal, &uri) => {
                    let mut params = Vec::new();
                    ResourceUpdatedParams { uri: uri.as_ref().to_owned() }.write(&mut params);
                    let params = String::from_utf8(params).unwrap_or_default();
                    return self.notification("notifications/resources/updated", Some(&params));
                }
                // What it cannot see does not exist for it.
                Change::Updated(_) => {}
                Change::Task(id) => self.asking = Some(id),
            }
        }
    }

    /// A notification of this subscription.
    pub(super) fn notification(&self, method: &str, params: Option<&str>) -> Bytes {
        let id = self.subscription.as_ref().map(|id| (SUBSCRIPTION, id.as_json()));
        let mut out = Vec::with_capacity(160);
        if let Err(error) = write_notification(method, params, id.as_slice(), &mut out) {
            // Parameters are objects that this process wrote.
            tracing::error!(%error, method, "a notification could not be written");
        }
        out.into()
    }
}

/// What names the listen request in `_meta` (SUB-3).
pub(super) const SUBSCRIPTION: &str = "io.modelcontextprotocol/subscriptionId";

const fn list_changed(listing: Listing) -> &'static str {
    match listing {
        Listing::Tools => "notifications/tools/list_changed",
        Listing::Prompts => "notifications/prompts/list_changed",
        Listing::Resources => "notifications/resources/list_changed",
    }
}

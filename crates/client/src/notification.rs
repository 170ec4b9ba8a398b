//! What servers say unasked, and how it finds whoever wants to hear it.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use latimer_protocol::rewrite::member;
use latimer_protocol::wire::{LogParams, ProgressParams};
use latimer_protocol::{Id, RawJson};
use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::cache::Cache;
use crate::desk::Desk;
use crate::info;
use crate::options::NotificationHandler;
use crate::subscription::Listening;

/// A notification from the server, as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notification {
    /// Its method, `notifications/tools/list_changed` say.
    pub method: String,
    /// Its parameters, an object.
    pub params: Option<RawJson>,
}

impl Notification {
    /// The log message that it is, if it is one (LOG-1).
    pub fn log(&self) -> Option<LogParams> {
        let params = self.params.as_ref().filter(|_| self.method == "notifications/message")?;
        params.to().ok()
    }

    /// The id of the page that the user is done with, if it tells of one (EL-5).
    pub fn elicitation_complete(&self) -> Option<String> {
        let params = self.params.as_ref().filter(|_| self.method == "notifications/elicitation/complete")?;
        info::text(params, "elicitationId")
    }

    fn progress(&self) -> Option<ProgressParams> {
        let params = self.params.as_ref().filter(|_| self.method == "notifications/progress")?;
        params.to().ok()
    }
}

/// Hands what a server says unasked to whom it concerns: progress to its call, changes to subscriptions and to what is
/// kept of results, and everything that is not for one of them alone to the handler.
pub(crate) struct Notices {
    handler: Option<NotificationHandler>,
    desk: Arc<Desk>,
    cache: Cache,
    listening: Listening,
    /// Some task went on.
    task_news: Notify,
    followed: Mutex<HashMap<u64, Arc<Queue>>>,
}

/// How many reports a call that does not look at them holds; the oldest give way.
const KEPT: usize = 64;

#[derive(Default)]
struct Queue {
    reports: Mutex<VecDeque<ProgressParams>>,
    arrived: Notify,
}

impl Notices {
    pub(crate) fn new(handler: Option<NotificationHandler>, desk: Arc<Desk>, cache: Cache) -> Self {
        let (listening, task_news) = (Listening::default(), Notify::new());
        Self { handler, desk, cache, listening, task_news, followed: Mutex::default() }
    }

    /// Whether anybody here wants to hear what a server says outside of calls. Some ask their questions there.
    pub(crate) fn is_heard(&self) -> bool {
        self.handler.is_some() || self.listening.is_heard() || self.desk.is_staffed()
    }

    /// Where the server's questions are answered.
    pub(crate) fn desk(&self) -> &Arc<Desk> {
        &self.desk
    }

    pub(crate) fn cache(&self) -> &Cache {
        &self.cache
    }

    pub(crate) fn listening(&self) -> &Listening {
        &self.listening
    }

    /// Tells that some task went on.
    pub(crate) fn task_news(&self) -> &Notify {
        &self.task_news
    }

    /// Takes a notification in. Never waits.
    pub(crate) fn deliver(&self, notification: Notification) {
        if let Some(progress) = notification.progress() {
            let followed = progress.progress_token.as_json().parse().ok().and_then(|id: u64| {
                let followed = self.followed.lock();
                followed.get(&id).map(Arc::clone)
            });
            if let Some(queue) = followed {
                let mut reports = queue.reports.lock();
                if reports.len() == KEPT {
                    reports.pop_front();
                }
                reports.push_back(progress);
                queue.arrived.notify_one();
                return;
            }
        }
        self.note(&notification);
        if self.listening.take(&notification) {
            return;
        }
        match &self.handler {
            Some(handler) => handler(notification),
            None => tracing::trace!(method = notification.method, "notification that nobody hears"),
        }
    }

    /// What a notification means for this client, whoever else hears of it.
    fn note(&self, notification: &Notification) {
        let find = |name| {
            let params = notification.params.as_ref()?;
            member(params.as_str(), name).ok().flatten()
        };
        match notification.method.as_str() {
            "notifications/cancelled" => {
                if let Some(id) = find("requestId").and_then(Id::from_json) {
                    self.desk.cancel(&id.to_owned());
                    self.listening.tear(id.as_json());
                }
            }
            "notifications/tools/list_changed" => self.cache.forget(&["tools/list"]),
            "notifications/prompts/list_changed" => self.cache.forget(&["prompts/list"]),
            "notifications/resources/list_changed" => {
                self.cache.forget(&["resources/list", "resources/templates/list"]);
            }
            "notifications/resources/updated" => {
                let uri = notification.params.as_ref().and_then(|params| info::text(params, "uri"));
                if let Some(uri) = uri {
                    self.cache.forget_resource(&uri);
                }
            }
            "notifications/tasks" | "notifications/tasks/status" => self.task_news.notify_waiters(),
            _ => {}
        }
    }

    /// Follows the progress under this token, which is the request's id (PRG-1).
    pub(crate) fn follow(self: &Arc<Self>, id: u64) -> Feed {
        let queue = Arc::new(Queue::default());
        self.followed.lock().insert(id, Arc::clone(&queue));
        Feed { id, queue, notices: Arc::clone(self) }
    }
}

/// The progress of one request; dropping it ends the following.
pub(crate) struct Feed {
    id: u64,
    queue: Arc<Queue>,
    notices: Arc<Notices>,
}

impl Feed {
    /// The next report. May be dropped without losing one.
    pub(crate) async fn next(&self) -> ProgressParams {
        loop {
            if let Some(report) = self.take() {
                return report;
            }
            self.queue.arrived.notified().await;
        }
    }

    /// A report that has come already.
    pub(crate) fn take(&self) -> Option<ProgressParams> {
        self.queue.reports.lock().pop_front()
    }
}

impl Drop for Feed {
    fn drop(&mut self) {
        self.notices.followed.lock().remove(&self.id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn notices(handler: Option<NotificationHandler>) -> Arc<Notices> {
        let options = crate::Options::default();
        let desk = Arc::new(Desk::new(crate::abilities::Abilities::of(&options), 1));
        Arc::new(Notices::new(handler, desk, Cache::new(&options.limits)))
    }

    fn progress(token: &str, value: u32) -> Notification {
        let params = format!(r#"{{"progressToken":{token},"progress":{value}}}"#);
        Notification {
            method: "notifications/progress".to_owned(),
            params: Some(RawJson::parse(params).unwrap()),
        }
    }

    #[tokio::test]
    async fn prg_1_progress_goes_to_its_call_and_the_rest_to_the_handler() {
        let others = Arc::new(Mutex::new(Vec::new()));
        let heard = Arc::clone(&others);
        let notices = notices(Some(Arc::new(move |notification| heard.lock().push(notification))));
        let feed = notices.follow(7);
        notices.deliver(progress("7", 1));
        notices.deliver(progress("\"7\"", 2));
        notices.deliver(progress("8", 3));
        assert_eq!(feed.next().await.progress, 1.0);
        assert_eq!(feed.take(), None);
        assert_eq!(*others.lock(), [progress("\"7\"", 2), progress("8", 3)]);
        drop(feed);
        assert!(notices.followed.lock().is_empty());
    }

    #[test]
    fn el_5_the_end_of_a_page_is_told_with_its_id() {
        let of = |method: &str, params: &str| {
            let params = Some(RawJson::parse(params.to_owned()).unwrap());
            Notification { method: method.to_owned(), params }.elicitation_complete()
        };
        let params = r#"{"elicitationId":"e"}"#;
        assert_eq!(of("notifications/elicitation/complete", params).as_deref(), Some("e"));
        assert_eq!(of("notifications/message", params), None);
        assert_eq!(of("notifications/elicitation/complete", "{}"), None);
    }

    #[test]
    fn a_flood_of_progress_keeps_the_newest_reports() {
        let notices = notices(None);
        let feed = notices.follow(1);
        for value in 0..1000 {
            notices.deliver(progress("1", value));
        }
        let kept: Vec<_> = std::iter::from_fn(|| feed.take()).map(|report| report.progress).collect();
        assert_eq!((kept.len(), kept.last()), (KEPT, Some(&999.0)));
    }
}

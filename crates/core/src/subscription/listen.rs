//! `subscriptions/listen`: a request that tells what changes until it is ended (SUB-1 to SUB-6).

use std::pin::pin;

use latimer_protocol::encode::{ListKind, ObjectWriter, ResultBody, Shape, write_object};
use latimer_protocol::{RawJson, Revision, RpcError};
use tokio_util::sync::CancellationToken;

use super::news::SUBSCRIPTION;
use super::{Filter, News};
use crate::catalog::View;
use crate::changes::Listing;
use crate::engine::{Engine, Reply, Request};
use crate::outbox::Outbox;

/// How many notifications wait for a reader before changes wait, and merge, behind them.
const WAITING: usize = 16;

impl Engine {
    /// Serves a listen request: what it is told goes into `outbox`, the acknowledgement first (SUB-2). Ends, with an
    /// answer, when `finish` says so (SUB-5).
    pub(crate) async fn listen(
        &self,
        request: &Request,
        outbox: &Outbox,
        finish: &CancellationToken,
    ) -> Result<Reply, RpcError> {
        let mut news = self.subscribe(request, outbox).await?;
        let mut finished = pin!(finish.cancelled());
        loop {
            let message = tokio::select! {
                biased;
                () = &mut finished => break,
                message = news.next_in(outbox.room(WAITING)) => message,
            };
            outbox.say(message);
        }
        let mut meta = Vec::new();
        write_object(&mut meta, |object| {
            object.raw(SUBSCRIPTION, request.id.as_json());
        });
        let meta = RawJson::parse_bytes(meta.into()).ok();
        self.reply(request, &ListenResult { meta }, None)
    }

    async fn subscribe(&self, request: &Request, outbox: &Outbox) -> Result<News, RpcError> {
        let caller = &request.caller;
        let mut filter = Filter::read(&request.params, &caller.client, self.limits().subscriptions)?;
        // Hears from before it is looked at what there is.
        let listener = self.changes().listen(&caller.principal, filter.interest());
        let mut news = News::new(listener, self.catalog().clone(), caller.principal.clone());
        news.join().await;
        let snapshot = self.catalog().snapshot();
        let view = snapshot.view(&caller.principal);
        filter.lists.retain(|listing| is_served(&view, *listing));
        filter.uris.retain(|uri| snapshot.shows(&caller.principal, uri));
        let tasks = self.task_status();
        let asked = std::mem::take(&mut filter.tasks);
        for id in asked {
            if tasks.has(&caller.principal, &id).await {
                filter.tasks.push(id);
            }
        }
        news.listener().keep_only(&filter.interest());
        let news = news.of(request.id.clone(), tasks);
        let mut honoured = Vec::new();
        write_object(&mut honoured, |object| filter.write(object.key("notifications")));
        let honoured = String::from_utf8(honoured).unwrap_or_default();
        outbox.say(news.notification("notifications/subscriptions/acknowledged", Some(&honoured)));
        Ok(news)
    }
}

/// Whether the capability is advertised that a list's announcements need (SUB-7).
fn is_served(view: &View, listing: Listing) -> bool {
    match listing {
        Listing::Tools => view.has(ListKind::Tools),
        Listing::Prompts => view.has(ListKind::Prompts),
        Listing::Resources => view.has(ListKind::Resources) || view.has(ListKind::ResourceTemplates),
    }
}

/// The end of a subscription.
struct ListenResult {
    meta: Option<RawJson>,
}

impl ResultBody for ListenResult {
    fn shape(&self) -> Shape {
        Shape::EmptyResult
    }

    fn needs(&self) -> Revision {
        Revision::V2026_07_28
    }

    fn meta(&self) -> Option<&RawJson> {
        self.meta.as_ref()
    }

    fn write_members(&self, _object: &mut ObjectWriter<'_>) {}
}

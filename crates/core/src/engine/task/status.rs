//! How tasks stand, for those who listen.

use std::sync::Weak;

use latimer_protocol::encode::{InputRequest, ObjectWriter, write_input_requests, write_object};
use latimer_protocol::{RawJson, Revision};

use super::{Engine, Found};
use crate::BoxFuture;
use crate::engine::Parts;
use crate::principal::Principal;
use crate::subscription::TaskStatus;
use crate::task::Finished;

/// The tasks of an engine, which keeps this itself.
#[derive(Debug)]
pub(in crate::engine) struct OwnTasks(Weak<Parts>);

impl OwnTasks {
    pub(in crate::engine) fn of(engine: &Engine) -> Self {
        Self(std::sync::Arc::downgrade(&engine.0))
    }

    async fn find(&self, principal: &Principal, id: &str) -> Option<Found> {
        let engine = Engine(self.0.upgrade()?);
        // Only 2026-07-28 listens.
        let found = engine.tasks().find(id, &principal.key()).await.ok()?;
        engine.attend(found).await.ok()
    }
}

impl TaskStatus for OwnTasks {
    fn has<'a>(&'a self, principal: &'a Principal, id: &'a str) -> BoxFuture<'a, bool> {
        Box::pin(async move { self.find(principal, id).await.is_some() })
    }

    fn params<'a>(&'a self, principal: &'a Principal, id: &'a str) -> BoxFuture<'a, Option<RawJson>> {
        Box::pin(async move {
            let found = self.find(principal, id).await?;
            let mut out = Vec::with_capacity(512);
            write_object(&mut out, |object| write_detailed(&found, Revision::LATEST_MODERN, object));
            RawJson::parse_bytes(out.into()).ok()
        })
    }
}

/// A task with what it asks or came to, as the extension shows it (TX-4, TX-8).
pub(super) fn write_detailed(found: &Found, revision: Revision, object: &mut ObjectWriter<'_>) {
    let Found { id, record } = found;
    record.task(id).write_members(revision, object);
    let params: Vec<_> =
        record.asked.iter().map(|asked| asked.question().params(revision).ok().flatten()).collect();
    let questions: Vec<_> = record
        .asked
        .iter()
        .zip(&params)
        .map(|(asked, params)| InputRequest {
            key: &asked.wire,
            method: asked.original().method(),
            params: params.as_ref().map(RawJson::as_str),
        })
        .collect();
    write_input_requests(&questions, object);
    match &record.finished {
        Some(Finished::Result { raw, .. }) => {
            object.raw("result", raw);
        }
        Some(finished) => {
            if let Some(error) = finished.error() {
                error.write(object.key("error"));
            }
        }
        None => {}
    }
}

//! `tasks/get`, `tasks/list` and `tasks/cancel`.

use latimer_protocol::RpcError;
use latimer_protocol::encode::write_object;

use super::status::write_detailed;
use super::{Engine, Reply, Request, task_error};

impl Engine {
    /// `tasks/get` (T11-4, TX-4).
    pub(in crate::engine) async fn get_task(&self, request: &Request) -> Result<Reply, RpcError> {
        let found = self.find_task(request).await?;
        let revision = request.caller.revision;
        Ok(self.task_reply(request, |object| {
            if revision.is_modern() {
                object.string("resultType", "complete");
                write_detailed(&found, revision, object);
            } else {
                found.record.task(&found.id).write_members(revision, object);
            }
        }))
    }

    /// `tasks/list`, of 2025-11-25 only: the newest first.
    pub(in crate::engine) async fn list_tasks(&self, request: &Request) -> Result<Reply, RpcError> {
        let (caller, revision) = (&request.caller, request.caller.revision);
        let list = self.task_list(caller);
        let bad = || RpcError::invalid_params("\"params.cursor\" is none of this list; begin without one");
        let after = match request.params.cursor()? {
            Some(cursor) => Some(self.0.seal_keys.open_text(&list, &cursor).ok_or_else(bad)?),
            None => None,
        };
        let page = self.tasks().list(&list, after.as_deref(), self.limits().page_size).await;
        let (page, more) = page.map_err(|error| task_error(&error.into()))?;
        let next = page.last().filter(|_| more);
        let next = next.and_then(|last| self.0.seal_keys.seal_text(&list, &last.id));
        let mut found = Vec::with_capacity(page.len());
        for one in page {
            found.push(self.attend(one).await.map_err(|error| task_error(&error))?);
        }
        Ok(self.task_reply(request, |object| {
            object.array("tasks", &found, |found, out| {
                write_object(out, |task| found.record.task(&found.id).write_members(revision, task));
            });
            object.optional_string("nextCursor", next.as_deref());
        }))
    }

    /// `tasks/cancel` (T11-4, TX-6).
    pub(in crate::engine) async fn cancel_task(&self, request: &Request) -> Result<Reply, RpcError> {
        let found = self.find_task(request).await?;
        let (record, cancelled) = self.end_task(&found).await.map_err(|error| task_error(&error))?;
        let revision = request.caller.revision;
        if revision.is_modern() {
            return Ok(self.task_reply(request, |object| {
                object.string("resultType", "complete");
            }));
        }
        if !cancelled {
            let message = format!("the task is {} already and cannot be cancelled", record.status);
            return Err(RpcError::invalid_params(message));
        }
        Ok(self.task_reply(request, |object| record.task(&found.id).write_members(revision, object)))
    }
}

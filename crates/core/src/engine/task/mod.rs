//! The methods of tasks: the core form of 2025-11-25 and the extension of 2026-07-28.

mod begin;
mod methods;
mod result;
mod status;
mod update;

use bytes::Bytes;
use latimer_protocol::encode::{ObjectWriter, Stamp, write_notification, write_object, write_result};
use latimer_protocol::wire::CallToolResult;
use latimer_protocol::{ErrorCode, Revision, RpcError};
use tokio_util::sync::CancellationToken;

pub(super) use begin::Turn;
pub(super) use status::OwnTasks;

use super::operation::tool_result;
use super::{Caller, Engine, Reply, Request};
use crate::BoxFuture;
use crate::ask::Asking;
use crate::call::{Call, Outcome};
use crate::catalog::ToolEntry;
use crate::context::Context;
use crate::inflight::Scope;
use crate::outbox::Outbox;
use crate::principal::Account;
use crate::requirement::Requirement;
use crate::task::{Changed, Finished, FirstRun, Found, Record, TaskCall, TaskError, Tasks};

impl Engine {
    /// The tasks of the server.
    pub fn tasks(&self) -> &Tasks {
        &self.0.tasks
    }

    /// Cancels and forgets the tasks of a session or connection that is ended, if nobody but its anonymous caller could fetch them.
    pub async fn abandon_tasks(&self, scope: &Scope) {
        let list = self.list_of(scope);
        let mut after = None;
        loop {
            let page = self.tasks().list(&list, after.as_deref(), PAGE).await;
            let (found, more) = match page {
                Ok(page) => page,
                Err(error) => return tracing::error!(%error, "the tasks of a session could not be ended"),
            };
            for found in &found {
                let ended = self.end_task(found).await;
                // It must not count against whoever comes from the same place next.
                let forgotten = self.tasks().forget(&found.id).await.map_err(TaskError::from);
                if let Err(error) = ended.and(forgotten) {
                    tracing::error!(task = found.id, %error, "a task could not be cancelled");
                }
            }
            after = found.into_iter().last().filter(|_| more).map(|last| last.id);
            if after.is_none() {
                return;
            }
        }
    }

    /// The task that a request names, if it is its caller's.
    async fn find_task(&self, request: &Request) -> Result<Found, RpcError> {
        let Caller { revision, client, .. } = &request.caller;
        if revision.is_modern() && !Requirement::Tasks.is_met(&client.capabilities, *revision) {
            return Err(Requirement::refusal(request.method.name, &[Requirement::Tasks], *revision));
        }
        let id = request.params.task_id()?;
        let owner = self.owner(&request.caller);
        let found = self.tasks().find(&id, &owner).await.map_err(|error| task_error(&error))?;
        self.attend(found).await.map_err(|error| task_error(&error))
    }

    /// Sees to a task whose server has gone while it worked: it goes on here, or has failed.
    async fn attend(&self, found: Found) -> Result<Found, TaskError> {
        if !self.tasks().is_orphan(&found).await? {
            return Ok(found);
        }
        let Found { id, record } = found;
        let run = record.run;
        let snapshot = self.0.catalog.snapshot();
        let tool = snapshot.tool(&record.call.principal(), &record.call.tool);
        let resumes = tool.is_some_and(|tool| tool.is_resumable()) && !self.tasks().is_shut();
        let changed = self.tasks().change(&id, |record, now| {
            Changed::when(match resumes {
                true => record.take_over(run, now),
                false => record.is_run_by(run) && record.fail(gone(), now),
            })
        });
        let (record, changed) = changed.await?;
        if changed {
            tracing::warn!(task = id, resumes, "the server that ran a task has gone");
            self.announce_task(&id, &record).await;
            if resumes {
                self.spawn_run(id.clone(), &record, FirstRun::Fresh);
            }
        }
        Ok(Found { id, record })
    }

    /// Cancels a task; how it stands then, and whether that was possible.
    async fn end_task(&self, found: &Found) -> Result<(Record, bool), TaskError> {
        let (engine, id) = (self.clone(), found.id.clone());
        // In a task of its own: what was stopped has to be noted, even if whoever asked for it has gone.
        let cancelling = tokio::spawn(async move {
            let tasks = engine.tasks();
            // Before the record says so: what is cancelled says nothing more.
            tasks.stop(&id).await;
            let changed = tasks.change(&id, |record, now| Changed::when(record.cancel(now))).await?;
            if let (record, true) = &changed {
                engine.announce_task(&id, record).await;
            }
            Ok(changed)
        });
        cancelling.await.unwrap_or(Err(TaskError::Stopping))
    }

    /// Whose the tasks of a caller are.
    fn owner(&self, caller: &Caller) -> String {
        match &caller.scope {
            Some(scope) if caller.principal.is_anonymous() && !caller.revision.is_modern() => {
                self.list_of(scope)
            }
            _ => caller.principal.key(),
        }
    }

    /// The list that a caller's tasks are in: that of its principal, or, for callers whom nobody knows, of what
    /// connects them to their requests (T11-6).
    fn task_list(&self, caller: &Caller) -> String {
        match &caller.scope {
            _ if !caller.principal.is_anonymous() => caller.principal.key(),
            Some(scope) if !caller.revision.is_modern() => self.list_of(scope),
            _ => Account::of(&caller.principal, caller.peer).to_string(),
        }
    }

    fn list_of(&self, scope: &Scope) -> String {
        match scope {
            Scope::Session(session) => format!("session:{session}"),
            Scope::Connection(number) => format!("connection:{}:{number}", self.0.instance),
        }
    }

    /// Tells whoever wants to hear of it how a task stands now.
    pub(crate) async fn announce_task(&self, id: &str, record: &Record) {
        self.changes().task(id);
        if record.call.revision() != Revision::V2025_11_25 {
            return;
        }
        let mut params = Vec::new();
        write_object(&mut params, |object| record.task(id).write_members(Revision::V2025_11_25, object));
        let mut out = Vec::with_capacity(params.len() + 80);
        let params = std::str::from_utf8(&params).ok();
        if write_notification("notifications/tasks/status", params, &[], &mut out).is_ok() {
            self.notify_caller(&self.caller_of(&record.call), out.into()).await;
        }
    }

    /// Sends a notification to the session or connection of a caller, outside any of its requests. A hint: it may get
    /// lost.
    pub(crate) async fn notify_caller(&self, caller: &Caller, message: Bytes) {
        if let Some(scope) = &caller.scope {
            self.notify(scope, message).await;
        }
    }

    /// The caller of a task, as this server reaches it.
    pub(crate) fn caller_of(&self, call: &TaskCall) -> Caller {
        call.caller(&self.0.instance)
    }

    /// What a handler of a task is called with.
    pub(crate) fn task_context(
        &self,
        call: &TaskCall,
        caller: &Caller,
        outbox: &Outbox,
        cancel: &CancellationToken,
        asking: Asking,
    ) -> Context {
        let mut inner = self.context_of(caller, call.meta.clone(), outbox, cancel);
        inner.progress_token.clone_from(&call.progress_token);
        inner.asking = asking;
        Context::new(inner)
    }

    /// Hands a call to its source.
    pub(crate) fn handle(&self, call: Call) -> BoxFuture<'static, Outcome> {
        self.0.handler.handle(call)
    }

    /// What a task came to, from what its handler said.
    pub(crate) fn finished(&self, call: &TaskCall, tool: &ToolEntry, outcome: Outcome) -> Finished {
        let capabilities = call.capabilities();
        match tool_result(tool, "tools/call", call.revision(), &capabilities, outcome) {
            Ok(result) => self.as_finished(call, &result),
            Err(error) => error.into(),
        }
    }

    pub(crate) fn as_finished(&self, call: &TaskCall, result: &CallToolResult) -> Finished {
        let mut out = Vec::new();
        let stamp = Stamp { server_info: None, cache: None };
        let written =
            write_result(result, call.revision(), &stamp, &mut out).map_err(|error| error.to_string());
        match written.and_then(|()| String::from_utf8(out).map_err(|error| error.to_string())) {
            Ok(raw) => Finished::Result { raw, is_error: result.is_error },
            Err(error) => {
                let reference = crate::error::reference();
                tracing::error!(%reference, %error, "the result of a task could not be written");
                RpcError::internal(&reference).into()
            }
        }
    }

    fn task_reply(&self, request: &Request, write: impl FnOnce(&mut ObjectWriter<'_>)) -> Reply {
        let mut out = Vec::with_capacity(512);
        write_object(&mut out, |object| {
            object.string("jsonrpc", "2.0").raw("id", request.id.as_json()).object("result", |result| {
                write(result);
                if request.caller.revision.is_modern() {
                    result.object("_meta", |meta| {
                        meta.raw("io.modelcontextprotocol/serverInfo", self.0.info.as_str());
                    });
                }
            });
        });
        Reply { bytes: out.into(), error: None }
    }
}

/// How many tasks are looked at in one trip.
const PAGE: usize = 100;

/// The failure of a task that nobody runs any more.
fn gone() -> RpcError {
    RpcError::new(ErrorCode::INTERNAL_ERROR, "the server that ran the task has gone")
}

/// What a caller learns of a task that could not be kept or found.
fn task_error(error: &TaskError) -> RpcError {
    match error {
        TaskError::Unknown => RpcError::invalid_params(error.to_string()),
        TaskError::ServerFull | TaskError::CallerFull | TaskError::Stopping => {
            RpcError::new(ErrorCode::INTERNAL_ERROR, error.to_string())
        }
        TaskError::Store(error) => task_error_text(error),
    }
}

fn task_error_text(error: &dyn std::fmt::Display) -> RpcError {
    let reference = crate::error::reference();
    tracing::error!(%reference, %error, "a task could not be kept or read");
    RpcError::internal(&reference)
}

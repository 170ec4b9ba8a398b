//! The methods of tasks: the core form of 2025-11-25 and the extension of 2026-07-28.

use std::time::Duration;

use bytes::Bytes;
use latimer_protocol::encode::{
    InputRequest, ObjectWriter, Stamp, write_input_requests, write_notification, write_object, write_result,
};
use latimer_protocol::wire::{self, CallToolResult, ProgressToken, TaskSupport};
use latimer_protocol::{ErrorCode, RawJson, Revision, RpcError, rewrite};
use tokio_util::sync::CancellationToken;

use super::operation::tool_result;
use super::{Caller, Engine, Reply, Request};
use crate::BoxFuture;
use crate::ask::{self, Asking, Live};
use crate::call::{Call, Outcome};
use crate::catalog::{Snapshot, ToolEntry};
use crate::context::{self, Context};
use crate::inflight::Scope;
use crate::outbox::Outbox;
use crate::principal::{Account, Principal};
use crate::requirement::Requirement;
use crate::subscription::TaskStatus;
use crate::task::{Answered, Changed, Finished, FirstRun, Found, Record, TaskCall, TaskError, Tasks};

/// Ties a message to its task (T11-5).
const RELATED_TASK: &str = "io.modelcontextprotocol/related-task";

/// What becomes of a call.
pub(super) enum Turn {
    /// It is answered when it is done.
    Call,
    /// It is a task from the beginning.
    Task {
        /// How long its caller wants it kept, in milliseconds.
        ttl: Option<u64>,
    },
}

impl Engine {
    /// The tasks of the server.
    pub fn tasks(&self) -> &Tasks {
        &self.0.tasks
    }

    /// Whether a call is a task from the beginning (T11-1, T11-2, TX-1, TX-2).
    pub(super) fn turn(
        &self,
        request: &Request,
        snapshot: &Snapshot,
        tool: &ToolEntry,
    ) -> Result<Turn, RpcError> {
        let Caller { revision, client, .. } = &request.caller;
        let support = tool.task_support();
        if revision.is_modern() {
            return match support {
                TaskSupport::Required if Requirement::Tasks.is_met(&client.capabilities, *revision) => {
                    Ok(Turn::Task { ttl: None })
                }
                TaskSupport::Required => {
                    let what = format!("tool \"{}\"", tool.name());
                    Err(Requirement::refusal(&what, &[Requirement::Tasks], *revision))
                }
                // Which calls are tasks is the server's choice here: what the client says of it means nothing (TX-10).
                TaskSupport::Forbidden | TaskSupport::Optional => Ok(Turn::Call),
            };
        }
        // Older clients do not know tasks, and a server without any does not look (T11-1).
        if *revision < Revision::V2025_11_25 || !snapshot.tasks() {
            return Ok(Turn::Call);
        }
        let refuse = |message: String| Err(RpcError::new(ErrorCode::METHOD_NOT_FOUND, message));
        match (request.params.task(), support) {
            (None, TaskSupport::Required) => {
                refuse(format!("tool \"{}\" runs as a task only; call it with \"task\"", tool.name()))
            }
            (Some(_), TaskSupport::Forbidden) => {
                refuse(format!("tool \"{}\" cannot be a task; call it without \"task\"", tool.name()))
            }
            (Some(task), _) => Ok(Turn::Task { ttl: ttl(task)? }),
            (None, _) => Ok(Turn::Call),
        }
    }

    /// Keeps a call as a task and begins to carry it out; the reply that says so.
    pub(super) async fn begin_task(
        &self,
        request: &Request,
        tool: &ToolEntry,
        arguments: RawJson,
        ttl: Option<u64>,
    ) -> Result<Reply, RpcError> {
        let (id, record) = self.create_task(request, tool, arguments, ttl, ask::Journal::default()).await?;
        self.spawn_run(id.clone(), FirstRun::Fresh);
        self.task_created(request, &id, &record)
    }

    /// Keeps a call that has begun as a task, and goes on with it; the reply that says so.
    pub(super) async fn turn_into_task(
        &self,
        request: &Request,
        tool: std::sync::Arc<ToolEntry>,
        handler: BoxFuture<'static, Outcome>,
        context: Context,
    ) -> Result<Reply, RpcError> {
        let arguments = request.params.arguments()?;
        let journal = context.asking().journal();
        let (id, record) = self.create_task(request, &tool, arguments, None, journal).await?;
        context.asking().set_task();
        context.outbox().detach();
        self.spawn_run(id.clone(), FirstRun::Going { handler, context, tool });
        self.task_created(request, &id, &record)
    }

    async fn create_task(
        &self,
        request: &Request,
        tool: &ToolEntry,
        arguments: RawJson,
        ttl: Option<u64>,
        journal: ask::Journal,
    ) -> Result<(String, Record), RpcError> {
        let caller = &request.caller;
        let meta = &request.params.meta;
        let token = meta.progress_token.as_ref();
        let token = token.and_then(|token| ProgressToken::from_json(token.as_str()));
        let call = TaskCall::new(caller, tool.name(), arguments, meta.raw.clone(), token);
        let limits = &self.0.limits;
        let ttl = ttl.map_or(limits.task_ttl, Duration::from_millis).min(limits.task_ttl_most);
        let tasks = self.tasks();
        let owner = caller.principal.key();
        let mut record = Record::new(owner, call, tasks.now(), millis(ttl), millis(limits.task_poll));
        record.journal = journal;
        let id = tasks.create(&self.task_list(caller), &record).await.map_err(|error| task_error(&error))?;
        Ok((id, record))
    }

    /// The list that a caller's tasks are in: that of its principal, or, for callers whom nobody knows, of what
    /// connects them to their requests (T11-6).
    fn task_list(&self, caller: &Caller) -> String {
        match (&caller.scope, caller.principal.is_anonymous()) {
            (_, false) => caller.principal.key(),
            (Some(Scope::Session(session)), true) => format!("session:{session}"),
            (Some(Scope::Connection(number)), true) => format!("connection:{}:{number}", self.0.instance),
            (None, true) => Account::of(&caller.principal, caller.peer).to_string(),
        }
    }

    fn task_created(&self, request: &Request, id: &str, record: &Record) -> Result<Reply, RpcError> {
        let revision = request.caller.revision;
        Ok(self.task_reply(request, |object| {
            if revision.is_modern() {
                object.string("resultType", "task");
                record.task(id).write_members(revision, object);
            } else {
                object.object("task", |task| record.task(id).write_members(revision, task));
            }
        }))
    }

    /// `tasks/get` (T11-4, TX-4).
    pub(super) async fn get_task(&self, request: &Request) -> Result<Reply, RpcError> {
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
    pub(super) async fn list_tasks(&self, request: &Request) -> Result<Reply, RpcError> {
        let (caller, revision) = (&request.caller, request.caller.revision);
        let index = self.task_list(caller);
        let bad = || RpcError::invalid_params("\"params.cursor\" is none of this list; begin without one");
        let after = match request.params.cursor()? {
            Some(cursor) => Some(self.0.seal_keys.open_text(&index, &cursor).ok_or_else(bad)?),
            None => None,
        };
        let page = self.tasks().list(&index, after.as_deref(), self.0.limits.page_size).await;
        let (found, more) = page.map_err(|error| task_error(&error.into()))?;
        let next =
            found.last().filter(|_| more).and_then(|last| self.0.seal_keys.seal_text(&index, &last.id));
        Ok(self.task_reply(request, |object| {
            object.array("tasks", &found, |found, out| {
                write_object(out, |task| found.record.task(&found.id).write_members(revision, task));
            });
            object.optional_string("nextCursor", next.as_deref());
        }))
    }

    /// `tasks/cancel` (T11-4, TX-6).
    pub(super) async fn cancel_task(&self, request: &Request) -> Result<Reply, RpcError> {
        let found = self.find_task(request).await?;
        let tasks = self.tasks();
        // Before the record says so: what is cancelled says nothing more.
        if !found.record.status.is_final() {
            tasks.stop(&found.id);
        }
        let changed = tasks.change(&found.id, |record, now| {
            if record.cancel(now) { Changed::Yes(true) } else { Changed::Not(false) }
        });
        let (record, cancelled) = changed.await.map_err(|error| task_error(&error))?;
        if cancelled {
            self.announce_task(&found.id, &record).await;
        }
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

    /// `tasks/update`, of the extension: answers to what a task has asked (TX-5).
    pub(super) async fn update_task(&self, request: &Request) -> Result<Reply, RpcError> {
        let found = self.find_task(request).await?;
        let responses = request.params.input_responses()?;
        let responses = responses.ok_or(RpcError::invalid_params("\"params.inputResponses\" is missing"))?;
        let unreadable = |error: &dyn std::fmt::Display| {
            RpcError::invalid_params(format!("\"params.inputResponses\" cannot be read: {error}"))
        };
        let mut answers = Vec::new();
        for member in rewrite::members(responses.as_str()) {
            let (key, value) = member.map_err(|error| unreadable(&error))?;
            let value = responses.slice(value).map_err(|error| unreadable(&error))?;
            // A wrong shape is told before anything is taken.
            if let Some(asked) = found.record.open(&key)
                && let Err(reason) = asked.question.check_shape(&value)
            {
                return Err(RpcError::invalid_params(format!("\"params.inputResponses.{key}\": {reason}")));
            }
            answers.push((key.into_owned(), value));
        }
        for (key, value) in answers {
            self.answer_task(&found.id, &key, ask::Answered::Result(value))
                .await
                .map_err(|error| task_error(&error))?;
        }
        Ok(self.task_reply(request, |object| {
            object.string("resultType", "complete");
        }))
    }

    /// `tasks/result`, of 2025-11-25 only: waits for the end, and asks what the task wants to know meanwhile (T11-4,
    /// T11-5).
    pub(super) async fn task_result(
        &self,
        request: &Request,
        context: &context::Inner,
    ) -> Result<Reply, RpcError> {
        let mut found = self.find_task(request).await?;
        let unreachable = |error: &dyn std::fmt::Display| task_error_text(error);
        let mut watch = self.tasks().watch(&found.id).await.map_err(|error| unreachable(&error))?;
        // However long it takes.
        let _waiting = context.outbox.wait();
        loop {
            match found.record.status {
                wire::TaskStatus::Working => watch.changed().await,
                wire::TaskStatus::InputRequired => {
                    tokio::select! {
                        asked = self.ask_for_task(request, context, &found) => asked?,
                        () = self.until_changed(&mut watch, &found) => {}
                    }
                }
                _ => break,
            }
            found = self.find_task(request).await?;
        }
        let Found { id, record } = &found;
        match &record.finished {
            Some(Finished::Result { raw, .. }) => {
                let related = format!("{{\"taskId\":\"{id}\"}}");
                let mut edits = rewrite::Edits::new();
                edits.set([rewrite::Step::Member("_meta"), rewrite::Step::Member(RELATED_TASK)], &related);
                let mut result = Vec::with_capacity(raw.len() + 128);
                edits.apply(raw, &mut result).map_err(|error| task_error_text(&error))?;
                let mut out = Vec::with_capacity(result.len() + 64);
                latimer_protocol::encode::write_rendered_response(request.id.as_id(), &result, &mut out);
                Ok(Reply { bytes: out.into(), error: None })
            }
            Some(finished) => Err(finished.error().unwrap_or_else(|| RpcError::internal("task"))),
            None => Err(RpcError::new(ErrorCode::INTERNAL_ERROR, "the task was cancelled and has no result")),
        }
    }

    /// Puts the open questions of a task to the client of a call of `tasks/result`.
    async fn ask_for_task(
        &self,
        request: &Request,
        context: &context::Inner,
        found: &Found,
    ) -> Result<(), RpcError> {
        let Some(scope) = request.caller.scope.clone() else { return std::future::pending().await };
        let live = Live {
            questions: self.0.questions.clone(),
            scope,
            revision: request.caller.revision,
            outbox: context.outbox.clone(),
            patience: self.0.limits.answer_timeout,
        };
        let related = format!("{{\"taskId\":\"{}\"}}", found.id);
        let meta = (RELATED_TASK, related.as_str());
        let questions = found.record.asked.iter().filter_map(|asked| {
            // Of several calls that wait for one task, one asks (LH-7).
            let claim = self.0.tasks.claim_question(&found.id, &asked.wire)?;
            Some(async {
                let answered = live.ask_with(&asked.question, None, &[meta]).await;
                drop(claim);
                (asked.wire.clone(), answered)
            })
        });
        let questions: Vec<_> = questions.collect();
        if questions.is_empty() {
            return std::future::pending().await;
        }
        for (key, answered) in futures_util::future::join_all(questions).await {
            let answered = match answered {
                Ok(answered) => answered,
                Err(error) => {
                    ask::Answered::from(Err(RpcError::new(ErrorCode::INTERNAL_ERROR, error.to_string())))
                }
            };
            self.answer_task(&found.id, &key, answered).await.map_err(|error| task_error(&error))?;
        }
        Ok(())
    }

    async fn until_changed(&self, watch: &mut crate::task::Watch, found: &Found) {
        loop {
            watch.changed().await;
            match self.tasks().load(&found.id).await {
                Ok(Some(record))
                    if record.status == found.record.status && record.asked == found.record.asked => {}
                _ => return,
            }
        }
    }

    /// Takes an answer to a question of a task; with the last one it works again.
    async fn answer_task(&self, id: &str, key: &str, answered: ask::Answered) -> Result<(), TaskError> {
        let changed = self.tasks().change(id, |record, now| {
            let misfit = match (&answered, record.open(key)) {
                (ask::Answered::Result(answer), Some(asked)) => asked.question.misfit(answer),
                _ => None,
            };
            if let Some(fault) = misfit {
                record.ask_again(key, &fault, now);
                return Changed::Yes(Answered::Noted);
            }
            match record.answer(key, answered.clone(), now) {
                Answered::Ignored => Changed::Not(Answered::Ignored),
                taken => Changed::Yes(taken),
            }
        });
        let (record, taken) = changed.await?;
        if taken != Answered::Ignored {
            self.announce_task(id, &record).await;
        }
        if taken == Answered::Complete {
            self.spawn_run(id.to_owned(), FirstRun::Fresh);
        }
        Ok(())
    }

    /// The task that a request names, if it is its caller's.
    async fn find_task(&self, request: &Request) -> Result<Found, RpcError> {
        let Caller { revision, client, principal, .. } = &request.caller;
        if revision.is_modern() && !Requirement::Tasks.is_met(&client.capabilities, *revision) {
            return Err(Requirement::refusal(request.method.name, &[Requirement::Tasks], *revision));
        }
        let id = request.params.task_id()?;
        self.tasks().find(&id, principal).await.map_err(|error| task_error(&error))
    }

    /// Tells whoever wants to hear of it how a task stands now.
    pub(crate) async fn announce_task(&self, id: &str, record: &Record) {
        let caller = record.call.caller();
        self.changes().task(id);
        if caller.revision == Revision::V2025_11_25 {
            let mut params = Vec::new();
            write_object(&mut params, |object| record.task(id).write_members(caller.revision, object));
            let mut out = Vec::with_capacity(params.len() + 80);
            let params = std::str::from_utf8(&params).ok();
            if write_notification("notifications/tasks/status", params, &[], &mut out).is_ok() {
                self.notify_caller(&caller, out.into()).await;
            }
        }
    }

    /// Sends a notification to the session or connection of a caller, outside any of its requests. A hint: it may get
    /// lost.
    pub(crate) async fn notify_caller(&self, caller: &Caller, message: Bytes) {
        if let Some(scope) = &caller.scope {
            self.notify(scope, message).await;
        }
    }

    /// What a handler of a task is called with.
    pub(crate) fn task_context(
        &self,
        call: &TaskCall,
        caller: &Caller,
        outbox: Outbox,
        cancel: CancellationToken,
        asking: Asking,
    ) -> Context {
        let mut inner = self.context_of(caller, call.meta.clone(), &outbox, &cancel);
        // The extension has no progress for tasks (TX-8).
        inner.progress_token = call.progress_token.clone().filter(|_| !caller.revision.is_modern());
        inner.asking = asking;
        Context::new(inner)
    }

    /// Hands a call to its source.
    pub(crate) fn handle(&self, call: Call) -> BoxFuture<'static, Outcome> {
        self.0.handler.handle(call)
    }

    /// What a task came to, from what its handler said.
    pub(crate) fn finished(&self, call: &TaskCall, tool: &ToolEntry, outcome: Outcome) -> Finished {
        let capabilities = call.caller().client.capabilities;
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

impl TaskStatus for Tasks {
    fn has<'a>(&'a self, principal: &'a Principal, id: &'a str) -> BoxFuture<'a, bool> {
        Box::pin(async move { self.find(id, principal).await.is_ok() })
    }

    fn params<'a>(&'a self, principal: &'a Principal, id: &'a str) -> BoxFuture<'a, Option<RawJson>> {
        Box::pin(async move {
            let found = self.find(id, principal).await.ok()?;
            let mut out = Vec::with_capacity(512);
            write_object(&mut out, |object| write_detailed(&found, Revision::LATEST_MODERN, object));
            RawJson::parse_bytes(out.into()).ok()
        })
    }
}

/// A task with what it asks or came to, as the extension shows it (TX-4, TX-8).
fn write_detailed(found: &Found, revision: Revision, object: &mut ObjectWriter<'_>) {
    let Found { id, record } = found;
    record.task(id).write_members(revision, object);
    let params: Vec<_> =
        record.asked.iter().map(|asked| asked.question.params(revision).ok().flatten()).collect();
    let questions: Vec<_> = record
        .asked
        .iter()
        .zip(&params)
        .map(|(asked, params)| InputRequest {
            key: &asked.wire,
            method: asked.question.method(),
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

/// `task.ttl`, where it is given.
fn ttl(task: &RawJson) -> Result<Option<u64>, RpcError> {
    let invalid =
        || RpcError::invalid_params("\"params.task\" is an object; its \"ttl\" is a number of milliseconds");
    if !task.is_object() {
        return Err(invalid());
    }
    match rewrite::member(task.as_str(), "ttl").map_err(|_| invalid())? {
        None | Some("null") => Ok(None),
        Some(text) => {
            let number: f64 = text.parse().map_err(|_| invalid())?;
            if !number.is_finite() || number < 0.0 {
                return Err(invalid());
            }
            // Far beyond any limit, a number saturates.
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "checked above, and saturating"
            )]
            Ok(Some(number as u64))
        }
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// What a caller learns of a task that could not be kept or found.
fn task_error(error: &TaskError) -> RpcError {
    match error {
        TaskError::Unknown => RpcError::invalid_params(error.to_string()),
        TaskError::ServerFull | TaskError::CallerFull => {
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

//! What becomes of a call: a task from the beginning, later, or never.

use std::sync::Arc;
use std::time::Duration;

use latimer_protocol::wire::{ProgressToken, TaskSupport};
use latimer_protocol::{ErrorCode, RawJson, Revision, RpcError, rewrite};

use super::{Caller, Engine, Reply, Request, task_error};
use crate::BoxFuture;
use crate::call::Outcome;
use crate::catalog::{Snapshot, ToolEntry};
use crate::context::Context;
use crate::principal::Account;
use crate::random;
use crate::requirement::Requirement;
use crate::task::{FirstRun, Record, TaskCall, TaskError};

/// What becomes of a call.
pub(in crate::engine) enum Turn {
    /// It is answered when it is done.
    Call,
    /// It is a task from the beginning.
    Task {
        /// How long its caller wants it kept, in milliseconds.
        ttl: Option<u64>,
    },
}

impl Engine {
    /// Whether a call is a task from the beginning (T11-1, T11-2, TX-1, TX-2).
    pub(in crate::engine) fn turn(
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
    pub(in crate::engine) async fn begin_task(
        &self,
        request: &Request,
        tool: &ToolEntry,
        arguments: RawJson,
        ttl: Option<u64>,
    ) -> Result<Reply, RpcError> {
        let record = self.new_record(request, tool, arguments, ttl, random::hex::<16>());
        self.keep_and_run(request, record, || FirstRun::Fresh).await
    }

    /// Keeps a call that has begun as a task, and goes on with it; the reply that says so.
    pub(in crate::engine) async fn turn_into_task(
        &self,
        request: &Request,
        tool: Arc<ToolEntry>,
        handler: BoxFuture<'static, Outcome>,
        context: Context,
        chain: String,
    ) -> Result<Reply, RpcError> {
        let arguments = request.params.arguments()?;
        let mut record = self.new_record(request, &tool, arguments, None, chain);
        record.journal = context.asking().journal();
        record.fresh = context.asking().left_fresh();
        let first = move || {
            context.asking().set_task();
            context.outbox().detach();
            FirstRun::Going { handler, context, tool }
        };
        self.keep_and_run(request, record, first).await
    }

    fn new_record(
        &self,
        request: &Request,
        tool: &ToolEntry,
        arguments: RawJson,
        ttl: Option<u64>,
        chain: String,
    ) -> Record {
        let caller = &request.caller;
        let meta = &request.params.meta;
        let token = meta.progress_token.as_ref();
        let token = token.and_then(|token| ProgressToken::from_json(token.as_str()));
        let call = TaskCall::new(caller, &self.0.instance, tool.name(), arguments, meta.raw.clone(), token);
        let limits = self.limits();
        let ttl = ttl.map_or(limits.task_ttl, Duration::from_millis);
        let ttl = ttl.max(LEAST_TTL).min(limits.task_ttl_most);
        let (ttl, poll) = (millis(ttl), millis(limits.task_poll));
        Record::new(self.owner(caller), chain, call, self.tasks().now(), ttl, poll)
    }

    /// Keeps a task and begins its first run, in a task of its own: one that was kept runs, even if whoever asked for it
    /// has gone.
    async fn keep_and_run(
        &self,
        request: &Request,
        record: Record,
        first: impl FnOnce() -> FirstRun + Send + 'static,
    ) -> Result<Reply, RpcError> {
        let caller = &request.caller;
        let mut lists = vec![self.task_list(caller)];
        if caller.principal.is_anonymous() {
            // However many sessions it opens.
            lists.push(Account::of(&caller.principal, caller.peer).to_string());
            lists.dedup();
        }
        let engine = self.clone();
        let keeping = tokio::spawn(async move {
            let id = engine.tasks().create(&lists, &record).await?;
            engine.spawn_run(id.clone(), &record, first());
            Ok((id, record))
        });
        let kept = keeping.await.unwrap_or(Err(TaskError::Stopping));
        let (id, record) = kept.map_err(|error| task_error(&error))?;
        Ok(self.task_created(request, &id, &record))
    }

    fn task_created(&self, request: &Request, id: &str, record: &Record) -> Reply {
        let revision = request.caller.revision;
        self.task_reply(request, |object| {
            if revision.is_modern() {
                object.string("resultType", "task");
                record.task(id).write_members(revision, object);
            } else {
                object.object("task", |task| record.task(id).write_members(revision, task));
            }
        })
    }
}

/// However short a time its caller wants it kept, a task can be fetched after it was told of (TX-3).
const LEAST_TTL: Duration = Duration::from_secs(1);

/// `task.ttl`, where it is given.
fn ttl(task: &RawJson) -> Result<Option<u64>, RpcError> {
    let invalid =
        || RpcError::invalid_params("\"params.task\" is an object; its \"ttl\" is a number of milliseconds");
    if !task.is_object() {
        return Err(invalid());
    }
    match rewrite::member(task.as_str(), "ttl").map_err(|_| invalid())? {
        None => Ok(None),
        // For ever is longer than anything.
        Some("null") => Ok(Some(u64::MAX)),
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

//! Carrying out a task: one run of its handler.

use std::future::poll_fn;
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt;
use latimer_protocol::Arguments;
use latimer_protocol::wire::CallToolResult;
use latimer_protocol::{ErrorCode, RpcError, rewrite};
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use super::RELATED_TASK;
use super::record::{Finished, Record};
use super::tasks::{Changed, LOOK_AGAIN, Running};
use crate::BoxFuture;
use crate::ask::{AskError, Asking, Claims, Drive, Driven, Question, Way};
use crate::call::{Call, Operation, Outcome};
use crate::catalog::ToolEntry;
use crate::context::Context;
use crate::engine::{Engine, MOST_ROUNDS, pages, take_pages};
use crate::error::reference;
use crate::outbox::{Event, Outbox};
use crate::trace;

/// What a run begins with.
pub(crate) enum FirstRun {
    /// The record alone.
    Fresh,
    /// A handler that has begun in its call and goes on as a task.
    Going {
        /// The handler.
        handler: BoxFuture<'static, Outcome>,
        /// Its context.
        context: Context,
        /// The tool.
        tool: Arc<ToolEntry>,
    },
}

/// How a run ended.
enum Ended {
    /// The handler has an outcome.
    Finished(Finished),
    /// It waits for answers.
    Asked,
    /// It waits for pages to be opened.
    Pages(Vec<(String, Question)>),
    /// Nobody wants it any more.
    Cancelled,
    /// The server stops.
    Stopped,
}

/// One run of a task.
struct Run<'a> {
    engine: &'a Engine,
    id: &'a str,
    /// The record as the run found it.
    record: Record,
}

impl Engine {
    /// Carries out the run of a task that its record says, in the background.
    pub(crate) fn spawn_run(&self, id: String, record: &Record, first: FirstRun) {
        let cancel = match &first {
            FirstRun::Fresh => CancellationToken::new(),
            FirstRun::Going { context, .. } => context.cancel_token().clone(),
        };
        let number = record.run;
        let span = trace::of_task(&record.call);
        let engine = self.clone();
        let Some(running) = self.tasks().begin(&id, number, &cancel) else {
            // Another server goes on with it, or says that it has gone.
            tokio::spawn(async move { engine.tasks().release(&id, number).await });
            return;
        };
        let work = async move {
            let run = AssertUnwindSafe(engine.run_task(&id, number, first, &cancel, &running)).catch_unwind();
            if run.await.is_err() {
                // Not that of the handler, which is caught where it runs.
                let reference = reference();
                tracing::error!(%reference, task = id, "a task panicked");
                engine.finish_task(&id, number, RpcError::internal(&reference).into()).await;
            }
            // Whoever cancels a task says so in its record next: until then the task must not look forsaken.
            if !cancel.is_cancelled() {
                engine.tasks().release(&id, number).await;
            }
            // Work that the handler handed elsewhere hears of the end.
            cancel.cancel();
            drop(running);
        };
        tokio::spawn(work.instrument(span));
    }

    async fn run_task(
        &self,
        id: &str,
        number: u32,
        first: FirstRun,
        cancel: &CancellationToken,
        running: &Running,
    ) {
        let record = match self.tasks().load(id).await {
            Ok(Some(record)) if record.is_run_by(number) => record,
            Ok(_) => return,
            Err(error) => return tracing::error!(task = id, %error, "a task could not be read"),
        };
        let run = Run { engine: self, id, record };
        if number > MOST_ROUNDS {
            let message = format!("the task asked more than {MOST_ROUNDS} times and was stopped");
            return self.finish_task(id, number, RpcError::invalid_request(message).into()).await;
        }
        let (handler, context, tool) = match first {
            FirstRun::Going { handler, context, tool } => (handler, context, tool),
            FirstRun::Fresh => match run.begin(cancel) {
                Ok(begun) => begun,
                Err(finished) => return self.finish_task(id, number, finished).await,
            },
        };
        let ended = tokio::select! {
            biased;
            () = running.stop.cancelled() => Ended::Stopped,
            () = run.cancelled(cancel) => Ended::Cancelled,
            ended = run.drive(handler, &context, &tool) => ended,
        };
        run.end(ended, &context, &tool).await;
    }

    async fn finish_task(&self, id: &str, number: u32, finished: Finished) {
        let changed = self
            .tasks()
            .change(id, |record, now| Changed::when(record.finish(number, finished.clone(), now)));
        match changed.await {
            Ok((record, true)) => self.announce_task(id, &record).await,
            Ok((_, false)) => {}
            Err(error) => tracing::error!(task = id, %error, "the result of a task could not be kept"),
        }
    }
}

impl Run<'_> {
    /// The handler, from the top.
    fn begin(
        &self,
        cancel: &CancellationToken,
    ) -> Result<(BoxFuture<'static, Outcome>, Context, Arc<ToolEntry>), Finished> {
        let Self { engine, id: _, record } = self;
        let caller = engine.caller_of(&record.call);
        let gone = || RpcError::invalid_params(format!("tool \"{}\" is no longer there", record.call.tool));
        let snapshot = engine.catalog().snapshot();
        let tool = snapshot.tool(&caller.principal, &record.call.tool).ok_or_else(gone)?.clone();
        let arguments = Arguments::from(record.call.arguments.clone());
        // Another version of the tool may want others.
        if let Err(violations) = tool.check_arguments(&arguments) {
            let message = format!("the arguments do not fit tool \"{}\":\n{violations}", tool.name());
            return Err(RpcError::invalid_params(message).into());
        }
        let mut fresh = record.fresh.clone();
        if let Err(error) = take_pages(&mut fresh) {
            return Err(engine.finished(&record.call, &tool, Err(error.into())));
        }
        let tasks = engine.tasks();
        let claims = Claims {
            store: tasks.store().clone(),
            chain: record.chain.clone(),
            ttl: Duration::from_millis(record.left(tasks.now()).max(1)),
            run: Some(record.run),
        };
        let asking = Asking::new(Way::Rounds(Some(claims)), record.journal.clone(), fresh);
        asking.set_task();
        let outbox = Outbox::within(&engine.limits());
        let context = engine.task_context(&record.call, &caller, &outbox, cancel, asking);
        let call = Call {
            operation: Operation::CallTool { tool: tool.clone(), arguments },
            context: context.clone(),
        };
        let engine = (*engine).clone();
        // What the handler does before it is polled happens there, too.
        let handler = Box::pin(async move { engine.handle(call).await });
        Ok((handler, context, tool))
    }

    /// Polls the handler to the end of its run, and passes on what it says meanwhile.
    async fn drive(
        &self,
        handler: BoxFuture<'static, Outcome>,
        context: &Context,
        tool: &ToolEntry,
    ) -> Ended {
        enum Step {
            Status(String),
            Said(Event),
            Over(std::thread::Result<Driven<Outcome>>),
        }
        let call = &self.record.call;
        let outbox = context.outbox().clone();
        let drive = AssertUnwindSafe(Drive::new(handler, context.asking())).catch_unwind();
        let mut drive = pin!(drive);
        loop {
            let step = poll_fn(|cx| {
                if let Poll::Ready(over) = drive.as_mut().poll(cx) {
                    return Poll::Ready(Step::Over(over));
                }
                if let Poll::Ready(status) = outbox.poll_status(cx) {
                    return Poll::Ready(Step::Status(status));
                }
                // What a call said before it became a task goes out on its own connection.
                if outbox.is_detached() { Poll::Pending } else { outbox.poll_pop(cx).map(Step::Said) }
            });
            match step.await {
                Step::Status(message) => self.say(message).await,
                Step::Said(event) => self.pass_on(event).await,
                Step::Over(Ok(Driven::Asked)) => return Ended::Asked,
                // A task does not become one again.
                Step::Over(Ok(Driven::Task)) => {}
                Step::Over(Ok(Driven::Done(outcome))) => {
                    let caller = self.engine.caller_of(call);
                    // Older clients are told of such pages by the error.
                    let asks = caller.revision.is_modern().then(|| pages(&outcome, &caller)).flatten();
                    return match asks {
                        Some(pages) => Ended::Pages(pages),
                        None => Ended::Finished(self.engine.finished(call, tool, outcome)),
                    };
                }
                Step::Over(Err(_)) => {
                    let reference = reference();
                    tracing::error!(%reference, task = self.id, "the handler of a task panicked");
                    let text = format!(
                        "the tool failed; the server's log has the reason under reference {reference}"
                    );
                    return Ended::Finished(self.engine.as_finished(call, &CallToolResult::error(text)));
                }
            }
        }
    }

    /// Ends when the task is cancelled, here or at another instance, has expired, or is in another run. Keeps up the
    /// lease meanwhile.
    async fn cancelled(&self, cancel: &CancellationToken) {
        let tasks = self.engine.tasks();
        let elsewhere = async {
            let mut watch = match tasks.watch(self.id).await {
                Ok(watch) => Some(watch),
                Err(error) => {
                    tracing::warn!(task = self.id, %error, "changes of a task are not heard");
                    None
                }
            };
            let mut is_first = true;
            loop {
                match tasks.load(self.id).await {
                    Ok(Some(record)) if record.is_run_by(self.record.run) => {}
                    Ok(_) => return,
                    Err(error) => tracing::warn!(task = self.id, %error, "a task could not be looked at"),
                }
                if !is_first && let Err(error) = tasks.renew(self.id, self.record.run).await {
                    tracing::warn!(task = self.id, %error, "the lease of a task could not be renewed");
                }
                is_first = false;
                let left = Duration::from_millis(self.record.left(tasks.now()).max(1));
                let look = async {
                    match &mut watch {
                        Some(watch) => watch.changed().await,
                        None => tokio::time::sleep(LOOK_AGAIN).await,
                    }
                };
                // At the latest when the task expires.
                let _ = tokio::time::timeout(left, look).await;
            }
        };
        tokio::select! {
            () = cancel.cancelled() => {}
            () = elsewhere => {}
        }
    }

    /// Keeps what the run came to.
    async fn end(&self, ended: Ended, context: &Context, tool: &ToolEntry) {
        let (engine, id, number) = (self.engine, self.id, self.record.run);
        let outbox = context.outbox();
        outbox.close();
        match ended {
            Ended::Cancelled => return,
            // Another server goes on with it.
            Ended::Stopped if tool.is_resumable() => return,
            Ended::Finished(_) | Ended::Asked | Ended::Pages(_) | Ended::Stopped => {}
        }
        // What was said before the end comes before it, and nothing after (PRG-1).
        if let Some(status) = outbox.take_status() {
            self.say(status).await;
        }
        while let Some(event) = Some(outbox).filter(|outbox| !outbox.is_detached()).and_then(Outbox::pop) {
            self.pass_on(event).await;
        }
        let asked = match ended {
            Ended::Finished(finished) => return engine.finish_task(id, number, finished).await,
            Ended::Asked => context.asking().take_asked(),
            Ended::Pages(pages) => Ok((pages, context.asking().journal())),
            Ended::Stopped | Ended::Cancelled => {
                let message = "the server was stopped before the task was done";
                let error = RpcError::new(ErrorCode::INTERNAL_ERROR, message);
                return engine.finish_task(id, number, error.into()).await;
            }
        };
        match asked {
            Ok((asked, journal)) => self.ask(asked, journal, context).await,
            Err(error) => {
                let finished = engine.finished(&self.record.call, tool, Err(error.into()));
                engine.finish_task(id, number, finished).await;
            }
        }
    }

    /// Keeps the questions with which the run ended.
    async fn ask(&self, asked: Vec<(String, Question)>, journal: crate::ask::Journal, context: &Context) {
        let fresh = context.asking().left_fresh();
        // Where a question cannot be written for its client, nobody would ever see it.
        if let Some(error) = asked
            .iter()
            .find_map(|(_, question)| question.params(self.record.call.revision()).err())
            .map(AskError::from)
        {
            let reference = reference();
            tracing::error!(%reference, task = self.id, %error, "a task could not ask its client");
            let error = RpcError::internal(&reference);
            return self.engine.finish_task(self.id, self.record.run, error.into()).await;
        }
        let most = self.engine.limits().task_journal_bytes;
        let changed = self.engine.tasks().change(self.id, |record, now| {
            let is_asked = record.ask(self.record.run, asked.clone(), journal.clone(), fresh.clone(), now);
            if is_asked && record.learnt() > most {
                record.fail(too_much(most), now);
            }
            Changed::when(is_asked)
        });
        match changed.await {
            Ok((record, true)) => self.engine.announce_task(self.id, &record).await,
            Ok((_, false)) => {}
            Err(error) => {
                tracing::error!(task = self.id, %error, "the questions of a task could not be kept");
            }
        }
    }

    /// Keeps what the handler says it is doing.
    async fn say(&self, message: String) {
        let changed = self
            .engine
            .tasks()
            .change(self.id, |record, now| Changed::when(record.say(self.record.run, message.clone(), now)));
        if let Ok((record, true)) = changed.await {
            self.engine.announce_task(self.id, &record).await;
        }
    }

    /// Passes on what the handler says to its caller.
    async fn pass_on(&self, event: Event) {
        let Event::Message(text) = event else { return };
        // A task that is over says nothing more, wherever it was ended (T11-6).
        let lives = matches!(
            self.engine.tasks().load(self.id).await,
            Ok(Some(record)) if record.is_run_by(self.record.run)
        );
        if lives {
            let text = related(&text, self.id).unwrap_or(text);
            self.engine.notify_caller(&self.engine.caller_of(&self.record.call), text).await;
        }
    }
}

/// The failure of a task that has learnt more than is kept.
pub(crate) fn too_much(most: usize) -> RpcError {
    let message = format!("what the task has learnt is larger than {most} bytes, more than is kept of one");
    RpcError::new(ErrorCode::INTERNAL_ERROR, message)
}

/// A notification that names the task which it belongs to (T11-5).
fn related(message: &Bytes, id: &str) -> Option<Bytes> {
    let task = format!("{{\"taskId\":\"{id}\"}}");
    let path = [
        rewrite::Step::Member("params"),
        rewrite::Step::Member("_meta"),
        rewrite::Step::Member(RELATED_TASK),
    ];
    let mut edits = rewrite::Edits::new();
    edits.set(path, &task);
    let mut out = Vec::with_capacity(message.len() + 128);
    edits.apply(std::str::from_utf8(message).ok()?, &mut out).ok()?;
    Some(out.into())
}

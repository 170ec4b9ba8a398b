//! Carrying out a task: one run of its handler.

use std::future::poll_fn;
use std::panic::AssertUnwindSafe;
use std::pin::pin;

use futures_util::FutureExt;
use latimer_protocol::RpcError;
use latimer_protocol::wire::CallToolResult;
use tokio_util::sync::CancellationToken;

use super::record::{Finished, Record};
use super::tasks::Changed;
use crate::BoxFuture;
use crate::ask::{Asking, Claims, Drive, Driven, Way};
use crate::call::{Call, Operation, Outcome};
use crate::catalog::ToolEntry;
use crate::context::Context;
use crate::engine::Engine;
use crate::error::reference;
use crate::outbox::{Event, Outbox};

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
        tool: std::sync::Arc<ToolEntry>,
    },
}

/// How a run ended.
enum Ended {
    /// The handler has an outcome.
    Finished(Finished),
    /// It waits for answers.
    Asked,
    /// Nobody wants it any more.
    Cancelled,
}

impl Engine {
    /// Runs a task in the background.
    pub(crate) fn spawn_run(&self, id: String, first: FirstRun) {
        let cancel = match &first {
            FirstRun::Fresh => CancellationToken::new(),
            FirstRun::Going { context, .. } => context.cancel_token().clone(),
        };
        let running = self.tasks().begin(&id, &cancel);
        let engine = self.clone();
        tokio::spawn(async move {
            engine.run_task(&id, first, &cancel).await;
            // Work that the handler handed elsewhere hears of the end.
            cancel.cancel();
            drop(running);
        });
    }

    async fn run_task(&self, id: &str, first: FirstRun, cancel: &CancellationToken) {
        let tasks = self.tasks();
        let record = match tasks.load(id).await {
            Ok(Some(record)) if !record.status.is_final() => record,
            Ok(_) => return,
            Err(error) => return tracing::error!(task = id, %error, "a task could not be read"),
        };
        let (handler, context, tool) = match first {
            FirstRun::Going { handler, context, tool } => (handler, context, tool),
            FirstRun::Fresh => match self.begin_run(id, &record, cancel) {
                Ok(begun) => begun,
                Err(error) => return self.finish_task(id, error.into()).await,
            },
        };
        let ended = self.drive_task(id, &record, handler, &context, &tool, cancel).await;
        let outbox = context.outbox().clone();
        match ended {
            Ended::Cancelled => outbox.close(),
            Ended::Finished(finished) => {
                // What was said before the end comes before it, and nothing after (PRG-1).
                outbox.close();
                while let Some(event) = outbox.pop() {
                    self.tell(id, &record, event).await;
                }
                self.finish_task(id, finished).await;
            }
            Ended::Asked => {
                while let Some(event) = outbox.pop() {
                    self.tell(id, &record, event).await;
                }
                self.ask_task(id, &context).await;
            }
        }
    }

    /// The handler, from the top.
    fn begin_run(
        &self,
        id: &str,
        record: &Record,
        cancel: &CancellationToken,
    ) -> Result<(BoxFuture<'static, Outcome>, Context, std::sync::Arc<ToolEntry>), RpcError> {
        let caller = record.call.caller();
        let gone = || RpcError::invalid_params(format!("tool \"{}\" is no longer there", record.call.tool));
        let tool =
            self.catalog().snapshot().tool(&caller.principal, &record.call.tool).ok_or_else(gone)?.clone();
        let tasks = self.tasks();
        let claims = Claims {
            store: tasks.store().clone(),
            chain: id.to_owned(),
            ttl: std::time::Duration::from_millis(record.left(tasks.now()).max(1)),
        };
        let asking = Asking::new(Way::Rounds(Some(claims)), record.journal.clone(), Vec::new());
        asking.set_task();
        let limits = self.limits();
        let outbox = Outbox::within(limits);
        let context = self.task_context(&record.call, &caller, outbox, cancel.clone(), asking);
        let operation = Operation::CallTool { tool: tool.clone(), arguments: record.call.arguments.clone() };
        let handler = self.handle(Call { operation, context: context.clone() });
        Ok((handler, context, tool))
    }

    /// Polls the handler to the end of its run, and passes on what it says meanwhile.
    async fn drive_task(
        &self,
        id: &str,
        record: &Record,
        handler: BoxFuture<'static, Outcome>,
        context: &Context,
        tool: &ToolEntry,
        cancel: &CancellationToken,
    ) -> Ended {
        enum Step {
            Said(Event),
            Over(std::thread::Result<Driven<Outcome>>),
        }
        let outbox = context.outbox().clone();
        let drive = AssertUnwindSafe(Drive::new(handler, context.asking())).catch_unwind();
        let mut drive = pin!(drive);
        let mut cancelled = pin!(self.cancelled(id, cancel));
        loop {
            let step = poll_fn(|cx| {
                if let std::task::Poll::Ready(over) = drive.as_mut().poll(cx) {
                    return std::task::Poll::Ready(Step::Over(over));
                }
                outbox.poll_pop(cx).map(Step::Said)
            });
            let step = tokio::select! {
                step = step => step,
                () = &mut cancelled => return Ended::Cancelled,
            };
            match step {
                Step::Said(event) => self.tell(id, record, event).await,
                Step::Over(Ok(Driven::Asked)) => return Ended::Asked,
                // A task does not become one again.
                Step::Over(Ok(Driven::Task)) => {}
                Step::Over(Ok(Driven::Done(outcome))) => {
                    return Ended::Finished(self.finished(&record.call, tool, outcome));
                }
                Step::Over(Err(_)) => {
                    let reference = reference();
                    tracing::error!(%reference, task = id, "the handler of a task panicked");
                    let text = format!(
                        "the tool failed; the server's log has the reason under reference {reference}"
                    );
                    return Ended::Finished(self.as_finished(&record.call, &CallToolResult::error(text)));
                }
            }
        }
    }

    /// Ends when the task is cancelled, here or at another instance, or has expired.
    async fn cancelled(&self, id: &str, cancel: &CancellationToken) {
        let elsewhere = async {
            let Ok(mut watch) = self.tasks().watch(id).await else { return std::future::pending().await };
            loop {
                match self.tasks().load(id).await {
                    Ok(Some(record)) if !record.status.is_final() => watch.changed().await,
                    Ok(_) => return,
                    Err(_) => watch.changed().await,
                }
            }
        };
        tokio::select! {
            () = cancel.cancelled() => {}
            () = elsewhere => {}
        }
    }

    /// Passes on what a handler says.
    async fn tell(&self, id: &str, record: &Record, event: Event) {
        match event {
            Event::Status(message) => {
                let changed = self.tasks().change(id, |record, now| {
                    if record.say(message.clone(), now) { Changed::Yes(true) } else { Changed::Not(false) }
                });
                if let Ok((record, true)) = changed.await {
                    self.announce_task(id, &record).await;
                }
            }
            Event::Message(text) => {
                // A cancelled task says nothing more, wherever it was cancelled (T11-6).
                let lives =
                    matches!(self.tasks().load(id).await, Ok(Some(record)) if !record.status.is_final());
                if lives {
                    self.notify_caller(&record.call.caller(), text).await;
                }
            }
            Event::Disconnect { .. } => {}
        }
    }

    async fn finish_task(&self, id: &str, finished: Finished) {
        let changed = self.tasks().change(id, |record, now| {
            if record.finish(finished.clone(), now) { Changed::Yes(true) } else { Changed::Not(false) }
        });
        match changed.await {
            Ok((record, true)) => self.announce_task(id, &record).await,
            Ok((_, false)) => {}
            Err(error) => tracing::error!(task = id, %error, "the result of a task could not be kept"),
        }
    }

    async fn ask_task(&self, id: &str, context: &Context) {
        let (asked, journal) = match context.asking().take_asked() {
            Ok(asked) => asked,
            Err(error) => {
                let error = RpcError::invalid_params(error.to_string());
                return self.finish_task(id, error.into()).await;
            }
        };
        let changed = self.tasks().change(id, |record, now| {
            let possible = record.ask(asked.clone(), journal.clone(), now);
            if possible { Changed::Yes(true) } else { Changed::Not(false) }
        });
        match changed.await {
            Ok((record, true)) => self.announce_task(id, &record).await,
            Ok((_, false)) => {}
            Err(error) => tracing::error!(task = id, %error, "the questions of a task could not be kept"),
        }
    }
}

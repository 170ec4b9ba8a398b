//! A request in progress: how long it may take, how it is cancelled, and what a panic becomes.

use std::fmt;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::FutureExt;
use latimer_protocol::encode::{Stamp, write_response};
use latimer_protocol::wire::CallToolResult;
use latimer_protocol::{RequestId, Revision, RpcError};
use tokio::time::{Instant, Sleep};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

use super::Reply;
use crate::error::reference;
use crate::inflight::Registered;
use crate::limits::Limits;
use crate::outbox::Outbox;

/// A request in progress. Resolves to its reply, or to `None` once it was cancelled, after which nothing
/// may be sent for it (CAN-1).
///
/// The first poll decides most calls: timers are armed only for those that do not end there. Dropping
/// it drops the handler and cancels what the handler handed elsewhere.
pub struct Pending {
    state: State,
    outbox: Outbox,
}

enum State {
    Ready(Option<Reply>),
    Running(Box<Running>),
    Over,
}

struct Running {
    work: Pin<Box<dyn Future<Output = std::thread::Result<Reply>> + Send>>,
    frame: Frame,
    cancel: CancellationToken,
    idle: Duration,
    total: Duration,
    clock: Option<Clock>,
    outbox: Outbox,
    _registered: Option<Registered>,
}

/// What a reply that does not come from the handler needs to know.
pub(super) struct Frame {
    pub(super) id: RequestId,
    pub(super) revision: Revision,
    pub(super) is_tool_call: bool,
    /// Whether it goes on until it is ended, however long that takes.
    pub(super) is_endless: bool,
    /// That of the call: what is logged of its end belongs there too.
    pub(super) span: tracing::Span,
}

struct Clock {
    cancelled: Pin<Box<WaitForCancellationFutureOwned>>,
    sleep: Pin<Box<Sleep>>,
    deadline: Instant,
    /// The steps of progress that were seen when the sleep was set, and how long the client was waited for.
    steps: u64,
    waited: Duration,
}

impl Pending {
    pub(super) fn new(
        work: impl Future<Output = Reply> + Send + 'static,
        outbox: Outbox,
        cancel: CancellationToken,
        registered: Option<Registered>,
        frame: Frame,
        limits: &Limits,
    ) -> Self {
        let running = Running {
            work: Box::pin(AssertUnwindSafe(work).catch_unwind()),
            frame,
            cancel,
            idle: limits.call_timeout,
            total: limits.call_timeout_total,
            clock: None,
            outbox: outbox.clone(),
            _registered: registered,
        };
        Self { state: State::Running(Box::new(running)), outbox }
    }

    pub(super) fn ready(reply: Reply, outbox: Outbox) -> Self {
        Self { state: State::Ready(Some(reply)), outbox }
    }

    /// What the call says before its reply.
    pub fn outbox(&self) -> &Outbox {
        &self.outbox
    }
}

impl Future for Pending {
    type Output = Option<Reply>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Reply>> {
        let this = &mut *self;
        let outcome = match &mut this.state {
            State::Ready(reply) => reply.take(),
            State::Over => None,
            State::Running(running) => match running.poll(&this.outbox, cx) {
                Poll::Ready(outcome) => outcome,
                Poll::Pending => return Poll::Pending,
            },
        };
        if outcome.is_some() {
            this.outbox.tell_dropped();
        }
        this.outbox.close();
        this.state = State::Over;
        Poll::Ready(outcome)
    }
}

impl Running {
    fn poll(&mut self, outbox: &Outbox, cx: &mut Context<'_>) -> Poll<Option<Reply>> {
        // The token of a call that goes on as a task is the task's: its end is not the call's, which owes its reply.
        if self.cancel.is_cancelled() && !outbox.is_detached() {
            return Poll::Ready(None);
        }
        match self.work.as_mut().poll(cx) {
            Poll::Ready(Ok(reply)) => return Poll::Ready(Some(reply)),
            Poll::Ready(Err(panic)) => return Poll::Ready(Some(self.panicked(panic.as_ref()))),
            Poll::Pending => {}
        }
        let (idle, total) = (self.idle, self.total);
        let clock = self.clock.get_or_insert_with(|| Clock::new(&self.cancel, idle, total, outbox.steps()));
        if clock.cancelled.as_mut().poll(cx).is_ready() && !outbox.is_detached() {
            return Poll::Ready(None);
        }
        if self.frame.is_endless {
            return Poll::Pending;
        }
        while clock.sleep.as_mut().poll(cx).is_ready() {
            let (now, steps) = (Instant::now(), outbox.steps());
            // Time in which the user is asked is not the handler's.
            let (waits, waited) = outbox.waited();
            let deadline = clock.deadline + waited;
            if !waits && now >= deadline {
                return Poll::Ready(Some(self.timed_out(total, "in all")));
            }
            if !waits && steps == clock.steps && waited == clock.waited {
                return Poll::Ready(Some(self.timed_out(idle, "without progress")));
            }
            clock.steps = steps;
            clock.waited = waited;
            let next = if waits { now + idle } else { (now + idle).min(deadline) };
            clock.sleep.as_mut().reset(next);
        }
        Poll::Pending
    }

    fn panicked(&self, panic: &(dyn std::any::Any + Send)) -> Reply {
        let _span = self.frame.span.enter();
        let said = panic.downcast_ref::<&str>().copied();
        let said = said.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("nothing");
        let reference = reference();
        tracing::error!(%reference, panic = said, "a handler panicked");
        self.failed(
            format!("the tool failed; the server's log has the reason under reference {reference}"),
            || RpcError::internal(&reference),
        )
    }

    fn timed_out(&self, limit: Duration, how: &str) -> Reply {
        let message =
            format!("the call took more than {} seconds {how} and was stopped", limit.as_secs_f64());
        let _span = self.frame.span.enter();
        tracing::warn!(%message, "a call timed out");
        let error = RpcError::new(latimer_protocol::ErrorCode::INTERNAL_ERROR, message.clone());
        self.failed(message, || error)
    }

    /// An error result for `tools/call`, a JSON-RPC error for anything else.
    fn failed(&self, message: String, error: impl FnOnce() -> RpcError) -> Reply {
        let Frame { id, revision, is_tool_call, .. } = &self.frame;
        if *is_tool_call {
            let mut out = Vec::new();
            let stamp = Stamp { server_info: None, cache: None };
            if write_response(id.as_id(), &CallToolResult::error(message), *revision, &stamp, &mut out)
                .is_ok()
            {
                return Reply { bytes: out.into(), error: None };
            }
        }
        Reply::error(Some(id), &error(), *revision)
    }
}

impl Clock {
    fn new(cancel: &CancellationToken, idle: Duration, total: Duration, steps: u64) -> Self {
        let now = Instant::now();
        let deadline = now + total;
        Self {
            cancelled: Box::pin(cancel.clone().cancelled_owned()),
            sleep: Box::pin(tokio::time::sleep_until((now + idle).min(deadline))),
            deadline,
            steps,
            waited: Duration::ZERO,
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Work that the handler handed elsewhere hears of the end through the token.
        if !self.outbox.is_detached() {
            self.cancel.cancel();
        }
    }
}

impl fmt::Debug for Pending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pending").field("outbox", &self.outbox).finish_non_exhaustive()
    }
}

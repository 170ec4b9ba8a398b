//! Running a handler until it is done, or can go no further without an answer.

use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use tokio::time::Sleep;

use super::asking::Asking;

/// Whether a run came to its end.
#[derive(Debug)]
pub(crate) enum Driven<T> {
    /// It did.
    Done(T),
    /// It waits for answers: see [`Asking::take_asked`].
    Asked,
    /// It goes on, as a task: its handler wants that, or it takes long.
    Task,
}

/// A handler in progress. It ends early when the handler has asked something and can make no more progress: nothing
/// has woken it while it was polled or in one more turn of the runtime, which wakes whom it has put off, and no work
/// is going on that a question must not break off.
pub(crate) struct Drive<'a, F> {
    pub(crate) handler: F,
    asking: &'a Asking,
    /// How long the handler may take before its call becomes a task, where it may.
    patience: Option<Duration>,
    sleep: Option<Pin<Box<Sleep>>>,
    /// What notes whether anything was put off to this turn of the runtime.
    last_turn: Option<Arc<Woken>>,
}

impl<'a, F> Drive<'a, F> {
    pub(crate) fn new(handler: F, asking: &'a Asking) -> Self {
        Self { handler, asking, patience: None, sleep: None, last_turn: None }
    }

    /// Makes the call a task when its handler takes longer than this.
    pub(crate) fn patient(mut self, patience: Option<Duration>) -> Self {
        self.patience = patience.filter(|_| self.asking.is_possible_task());
        self
    }
}

impl<F: Future + Unpin> Future for Drive<'_, F> {
    type Output = Driven<F::Output>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        let polling = this.asking.enter();
        if let Poll::Ready(outcome) = Pin::new(&mut this.handler).poll(cx) {
            return Poll::Ready(Driven::Done(outcome));
        }
        if this.asking.wants_task() {
            return Poll::Ready(Driven::Task);
        }
        if !this.asking.has_asked() {
            let Some(patience) = this.patience else { return Poll::Pending };
            let sleep = this.sleep.get_or_insert_with(|| Box::pin(tokio::time::sleep(patience)));
            return sleep.as_mut().poll(cx).map(|()| Driven::Task);
        }
        for _ in 0..POLLS {
            let woken = Arc::new(Woken { woken: AtomicBool::new(false), outer: cx.waker().clone() });
            let waker = Waker::from(woken.clone());
            if let Poll::Ready(outcome) = Pin::new(&mut this.handler).poll(&mut Context::from_waker(&waker)) {
                return Poll::Ready(Driven::Done(outcome));
            }
            if this.asking.wants_task() {
                return Poll::Ready(Driven::Task);
            }
            if woken.woken.load(Ordering::Acquire) {
                continue;
            }
            drop(polling);
            if this.asking.is_busy() {
                this.last_turn = None;
                return Poll::Pending;
            }
            if this.last_turn.take().is_some_and(|last| !last.woken.load(Ordering::Acquire)) {
                return Poll::Ready(Driven::Asked);
            }
            // The runtime wakes whoever has yielded once this task has yielded, too.
            this.last_turn = Some(woken);
            let turn = pin!(tokio::task::yield_now());
            return turn.poll(cx).map(|()| Driven::Asked);
        }
        // Others want their turn, too.
        this.last_turn = None;
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

/// How often a handler that has asked is polled at a time as long as it wakes itself.
const POLLS: usize = 32;

/// Notes that it was woken, and passes it on.
struct Woken {
    woken: AtomicBool,
    outer: Waker,
}

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.woken.store(true, Ordering::Release);
        self.outer.wake_by_ref();
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use futures_util::FutureExt;
    use futures_util::future::join;

    use super::*;
    use crate::ask::{Journal, Question, Way};

    #[tokio::test]
    async fn a_handler_that_wakes_itself_for_ever_does_not_hold_up_its_thread() {
        let asking = Asking::new(Way::Rounds(None), Journal::default(), Vec::new());
        let restless = poll_fn(|cx| {
            cx.waker().wake_by_ref();
            Poll::<()>::Pending
        });
        let handler = join(asking.ask("roots", Question::Roots, None), restless).boxed();
        let others = async {
            for _ in 0..10 {
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            biased;
            driven = Drive::new(handler, &asking) => panic!("it is never done: {}", matches!(driven, Driven::Asked)),
            () = others => {}
        }
    }
}

//! Running a handler until it is done, or can go no further without an answer.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use super::asking::Asking;

/// Whether a run came to its end.
#[derive(Debug)]
pub(crate) enum Driven<T> {
    /// It did.
    Done(T),
    /// It waits for answers: see [`Asking::take_asked`].
    Asked,
}

/// A handler in progress. It ends early when the handler has asked something and can make no more progress: nothing
/// has woken it while it was polled, and no work is going on that a question must not break off.
pub(crate) struct Drive<'a, F> {
    pub(crate) handler: F,
    pub(crate) asking: &'a Asking,
}

impl<F: Future + Unpin> Future for Drive<'_, F> {
    type Output = Driven<F::Output>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        let polling = this.asking.enter();
        if let Poll::Ready(outcome) = Pin::new(&mut this.handler).poll(cx) {
            return Poll::Ready(Driven::Done(outcome));
        }
        if !this.asking.has_asked() {
            return Poll::Pending;
        }
        loop {
            let woken = Arc::new(Woken { woken: AtomicBool::new(false), outer: cx.waker().clone() });
            let waker = Waker::from(woken.clone());
            if let Poll::Ready(outcome) = Pin::new(&mut this.handler).poll(&mut Context::from_waker(&waker)) {
                return Poll::Ready(Driven::Done(outcome));
            }
            if woken.woken.load(Ordering::Acquire) {
                continue;
            }
            drop(polling);
            return if this.asking.is_busy() { Poll::Pending } else { Poll::Ready(Driven::Asked) };
        }
    }
}

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

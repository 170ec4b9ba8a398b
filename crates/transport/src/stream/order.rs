//! Answers in the order of their requests.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use parking_lot::Mutex;
use tokio::sync::Notify;

/// The requests of a connection whose answers wait for each other. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(super) struct Order(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    queue: Mutex<Queue>,
    /// A request was answered.
    moved: Notify,
}

#[derive(Debug, Default)]
struct Queue {
    /// The number of the request at the front.
    first: u64,
    waiting: VecDeque<Place>,
}

#[derive(Debug)]
enum Place {
    /// Not answered yet, and who is to be told when it is its turn.
    Taken(Option<Waker>),
    /// Answered, or never to be.
    Done,
}

/// One request's place. Dropping it is being answered.
#[derive(Debug)]
pub(super) struct Turn {
    order: Order,
    number: u64,
}

impl Order {
    /// The place of a new request, behind all others.
    pub(super) fn take(&self) -> Turn {
        let mut queue = self.0.queue.lock();
        let number = queue.first + queue.waiting.len() as u64;
        queue.waiting.push_back(Place::Taken(None));
        drop(queue);
        Turn { order: self.clone(), number }
    }

    /// How many requests are not answered yet, or wait behind one that is not.
    pub(super) fn len(&self) -> usize {
        self.0.queue.lock().waiting.len()
    }

    /// Waits until fewer than `most` requests are not answered.
    pub(super) async fn below(&self, most: usize) {
        loop {
            let mut moved = std::pin::pin!(self.0.moved.notified());
            moved.as_mut().enable();
            if self.len() < most {
                return;
            }
            moved.await;
        }
    }
}

impl Turn {
    /// Whether everything before it is answered.
    pub(super) fn has_come(&self) -> bool {
        self.order.0.queue.lock().first == self.number
    }

    /// Waits until everything before it is answered.
    pub(super) async fn come(&self) {
        poll_fn(|cx| self.poll_come(cx)).await;
    }

    fn poll_come(&self, cx: &mut Context<'_>) -> Poll<()> {
        let mut queue = self.order.0.queue.lock();
        if queue.first == self.number {
            return Poll::Ready(());
        }
        let index = usize::try_from(self.number - queue.first).unwrap_or(usize::MAX);
        if let Some(Place::Taken(waker)) = queue.waiting.get_mut(index) {
            *waker = Some(cx.waker().clone());
        }
        Poll::Pending
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut queue = self.order.0.queue.lock();
        let index = usize::try_from(self.number - queue.first).unwrap_or(usize::MAX);
        if let Some(place) = queue.waiting.get_mut(index) {
            *place = Place::Done;
        }
        while let Some(Place::Done) = queue.waiting.front() {
            queue.waiting.pop_front();
            queue.first += 1;
        }
        let next = match queue.waiting.front_mut() {
            Some(Place::Taken(waker)) => waker.take(),
            _ => None,
        };
        drop(queue);
        if let Some(next) = next {
            next.wake();
        }
        self.order.0.moved.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[tokio::test]
    async fn a_turn_comes_when_all_before_it_are_over() {
        let order = Order::default();
        let (first, second, third) = (order.take(), order.take(), order.take());
        assert!(first.has_come() && !second.has_come());
        let waiting = tokio::spawn(async move {
            third.come().await;
            third
        });
        drop(second);
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        drop(first);
        let third = waiting.await.unwrap();
        assert_eq!((third.has_come(), order.len()), (true, 1));
    }

    #[tokio::test]
    async fn room_is_waited_for() {
        let order = Order::default();
        let turn = order.take();
        let waiting = tokio::spawn({
            let order = order.clone();
            async move { order.below(1).await }
        });
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        drop(turn);
        waiting.await.unwrap();
    }

    proptest! {
        #[test]
        fn whatever_the_order_of_ends_turns_come_in_the_order_of_requests(ends in Just((0..12).collect::<Vec<usize>>()).prop_shuffle()) {
            let order = Order::default();
            let mut turns: Vec<_> = (0..12).map(|_| Some(order.take())).collect();
            let mut over = [false; 12];
            for end in ends {
                for (index, turn) in turns.iter().enumerate() {
                    if let Some(turn) = turn {
                        prop_assert_eq!(turn.has_come(), over[..index].iter().all(|over| *over));
                    }
                }
                turns[end] = None;
                over[end] = true;
            }
            prop_assert_eq!(order.len(), 0);
        }
    }
}

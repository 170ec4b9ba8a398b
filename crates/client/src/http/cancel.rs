//! Requests whose caller goes away before the answer has come.

use bytes::Bytes;

use crate::envelope;

/// Waits for the answer to the request `id`. If the future is dropped before that, a task of its own tells the server with
/// `tell` that the answer is no longer wanted (CAN-1).
pub(super) async fn or_cancel<T, F>(
    id: u64,
    answer: impl Future<Output = T>,
    tell: impl FnOnce(Bytes) -> F,
) -> T
where
    F: Future<Output: Send> + Send + 'static,
{
    let mut cancel = Cancel { id, tell: Some(tell) };
    let answer = answer.await;
    cancel.tell = None;
    answer
}

/// Tells the server when it is dropped, unless there is nothing to tell any more.
struct Cancel<T, F>
where
    T: FnOnce(Bytes) -> F,
    F: Future<Output: Send> + Send + 'static,
{
    id: u64,
    tell: Option<T>,
}

impl<T, F> Drop for Cancel<T, F>
where
    T: FnOnce(Bytes) -> F,
    F: Future<Output: Send> + Send + 'static,
{
    fn drop(&mut self) {
        // Without a runtime the process is about to end, and the connection with it.
        if let Some(tell) = self.tell.take()
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
        {
            let telling = tell(envelope::cancelled(self.id));
            runtime.spawn(async move { drop(telling.await) });
        }
    }
}

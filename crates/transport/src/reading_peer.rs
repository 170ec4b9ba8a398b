//! A socket whose peer has to read: what is written to it may not stay unread for ever.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use pin_project_lite::pin_project;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Sleep;

pin_project! {
    /// Fails once a write has waited for the peer longer than it may. The timer runs only while a write waits.
    pub(crate) struct ReadingPeer<S> {
        #[pin]
        socket: S,
        patience: Duration,
        waiting: Option<Pin<Box<Sleep>>>,
    }
}

impl<S> ReadingPeer<S> {
    pub(crate) fn new(socket: S, patience: Duration) -> Self {
        Self { socket, patience, waiting: None }
    }
}

/// What a write that ended so, or waits, comes to.
fn watched<T>(
    outcome: Poll<io::Result<T>>,
    waiting: &mut Option<Pin<Box<Sleep>>>,
    patience: Duration,
    cx: &mut Context<'_>,
) -> Poll<io::Result<T>> {
    if outcome.is_ready() {
        *waiting = None;
        return outcome;
    }
    let sleep = waiting.get_or_insert_with(|| Box::pin(tokio::time::sleep(patience)));
    ready!(sleep.as_mut().poll(cx));
    Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the peer does not read")))
}

impl<S: AsyncRead> AsyncRead for ReadingPeer<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, out: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.project().socket.poll_read(cx, out)
    }
}

impl<S: AsyncWrite> AsyncWrite for ReadingPeer<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.project();
        watched(this.socket.poll_write(cx, bytes), this.waiting, *this.patience, cx)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.project();
        watched(this.socket.poll_write_vectored(cx, bytes), this.waiting, *this.patience, cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.project();
        // A flush that has nothing to wait for does not mean that the peer read.
        match this.socket.poll_flush(cx) {
            Poll::Pending => watched(Poll::Pending, this.waiting, *this.patience, cx),
            flushed @ Poll::Ready(_) => flushed,
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.project().socket.poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    #[tokio::test]
    async fn a_peer_that_reads_is_served_and_one_that_does_not_is_given_up() {
        let (near, mut far) = tokio::io::duplex(4);
        let mut socket = ReadingPeer::new(near, Duration::from_secs(60));
        let reading = tokio::spawn(async move {
            let mut all = [0; 12];
            far.read_exact(&mut all).await.unwrap();
            far
        });
        socket.write_all(&[b'x'; 12]).await.unwrap();
        let _far = reading.await.unwrap();
        // The timer of a write that came through is gone.
        assert!(socket.waiting.is_none());
        socket.patience = Duration::from_millis(10);
        let error = socket.write_all(b"more than fits").await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }
}

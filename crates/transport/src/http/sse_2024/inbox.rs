//! The input of a session: what is posted, as bytes.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use tokio::io::{AsyncRead, ReadBuf};
use tokio::sync::mpsc;

/// Reads the lines that were posted. Once the session is closed, reading fails as on a connection that was reset:
/// nobody is there who could hear an answer.
pub(super) struct Inbox {
    lines: mpsc::Receiver<Bytes>,
    rest: Bytes,
}

impl Inbox {
    /// An inbox, and how lines come into it. One waits at a time.
    pub(super) fn new() -> (mpsc::Sender<Bytes>, Self) {
        let (sender, lines) = mpsc::channel(1);
        (sender, Self { lines, rest: Bytes::new() })
    }
}

impl AsyncRead for Inbox {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        out: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.rest.is_empty() {
            match ready!(self.lines.poll_recv(cx)) {
                Some(line) => self.rest = line,
                None => return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into())),
            }
        }
        let length = self.rest.len().min(out.remaining());
        out.put_slice(&self.rest[..length]);
        self.rest.advance(length);
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::AsyncReadExt;

    #[tokio::test]
    async fn lines_come_out_as_bytes_and_then_a_reset() {
        let (sender, mut inbox) = Inbox::new();
        sender.send(Bytes::from("one\n")).await.unwrap();
        let mut three = [0; 3];
        inbox.read_exact(&mut three).await.unwrap();
        assert_eq!(&three, b"one");
        sender.send(Bytes::from("two\n")).await.unwrap();
        drop(sender);
        let mut out = Vec::new();
        let error = inbox.read_to_end(&mut out).await.unwrap_err();
        assert_eq!((out.as_slice(), error.kind()), (b"\ntwo\n".as_slice(), io::ErrorKind::ConnectionReset));
    }
}

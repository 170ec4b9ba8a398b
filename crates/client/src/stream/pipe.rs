//! The tasks that read from a server and write to it.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use bytestring::ByteString;
use latimer_protocol::Limits;
use latimer_protocol::codec::line::{LineDecoder, LineEvent};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::Shared;
use super::parting::Parting;
use crate::desk::Answering;
use crate::inbound::{self, Inbound};
use crate::notification::Notices;
use crate::pending::Ended;

/// How much is read at a time.
const CHUNK: usize = 64 * 1024;

/// Writes what is queued. When the connection closes, what is queued by then is still written, and this side of the stream
/// closed, both within `grace`.
pub(super) async fn write(
    mut to: impl AsyncWrite + Unpin,
    mut queue: mpsc::Receiver<Bytes>,
    closing: CancellationToken,
    grace: Duration,
) {
    let writing = async {
        loop {
            let message = tokio::select! {
                biased;
                message = queue.recv() => message,
                () = closing.cancelled() => None,
            };
            let Some(message) = message else { break };
            if to.write_all(&message).await.is_err() || to.flush().await.is_err() {
                // The reader notices the end of the server, and tells who waits.
                return;
            }
        }
        let _ = to.shutdown().await;
    };
    tokio::select! {
        () = writing => {}
        // A server that does not read does not keep the connection open.
        () = async { closing.cancelled().await; tokio::time::sleep(grace).await } => {}
    }
}

/// Reads the server's messages until there are no more, then fails what is still in flight.
pub(super) async fn read(
    from: impl AsyncRead + Unpin,
    shared: Arc<Shared>,
    answers: mpsc::WeakSender<Bytes>,
    mut parting: Parting,
) {
    // Dropped even if a handler of notifications panics, so that nobody waits for ever.
    let mut end = End { shared: &shared, ended: parting.unexplained() };
    let limit = shared.limits.message;
    let reading = lines(from, limit, |event| match event {
        LineEvent::Line(line) => message(line, &shared, &answers),
        LineEvent::TooLong => shared.pending.too_large(limit),
    });
    let read = tokio::select! {
        read = reading => read,
        () = parting.left_behind() => Ok(()),
    };
    end.ended = parting.explained(read.err()).await;
}

/// Hands the lines of a stream to a function until it ends.
pub(super) async fn lines(
    mut from: impl AsyncRead + Unpin,
    limit: usize,
    mut hear: impl FnMut(LineEvent),
) -> io::Result<()> {
    let mut decoder = LineDecoder::new(limit);
    let read = loop {
        let mut chunk = BytesMut::with_capacity(CHUNK);
        match from.read_buf(&mut chunk).await {
            Ok(0) => break Ok(()),
            Ok(_) => decoder.push(chunk.freeze()),
            Err(error) => break Err(error),
        }
        while let Some(event) = decoder.next_event() {
            hear(event);
        }
    };
    if let Some(event) = decoder.finish() {
        hear(event);
    }
    read
}

fn message(line: Bytes, shared: &Shared, answers: &mpsc::WeakSender<Bytes>) {
    let limits = Limits { values: shared.limits.values, ..Limits::default() };
    let messages = ByteString::try_from(line)
        .map_err(|_| "not UTF-8".to_owned())
        .and_then(|text| inbound::read(&text, &limits).map_err(|error| error.to_string()));
    let messages = match messages {
        Ok(messages) => messages,
        Err(reason) => {
            // Servers that print to stdout are common; what is no message harms none that is.
            tracing::warn!(reason, "left out a line of the server's that is no message");
            return;
        }
    };
    for message in messages {
        match message {
            Inbound::Response(response) => shared.pending.settle(response),
            Inbound::Notification(notification) => Notices::deliver(&shared.notices, notification),
            Inbound::Request(request) if shared.modern.load(Ordering::Relaxed) => {
                tracing::warn!(method = request.method, "left out a request of a modern server");
            }
            Inbound::Request(request) => match shared.notices.desk().take(request) {
                Answering::Now(answer) => {
                    let answer = super::framed(&answer.into());
                    if answers.upgrade().is_none_or(|answers| answers.try_send(answer).is_err()) {
                        tracing::warn!("no answer: the server does not read what it is sent");
                    }
                }
                Answering::Later(answer) => {
                    let answers = answers.clone();
                    tokio::spawn(async move {
                        if let Some(answer) = answer.await
                            && let Some(answers) = answers.upgrade()
                        {
                            let _ = answers.send(super::framed(&answer.into())).await;
                        }
                    });
                }
            },
        }
    }
}

/// Fails what is in flight when the reading ends, however it ends.
struct End<'a> {
    shared: &'a Shared,
    ended: Ended,
}

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.shared.pending.end(&self.ended);
    }
}

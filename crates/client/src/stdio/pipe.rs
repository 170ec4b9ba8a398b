//! The tasks that read from a child process and write to it.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::{Bytes, BytesMut};
use bytestring::ByteString;
use latimer_protocol::Limits;
use latimer_protocol::codec::line::{LineDecoder, LineEvent};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::{ChildStderr, ChildStdin, ChildStdout};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::Shared;
use super::process::Exit;
use crate::desk::Answering;
use crate::inbound::{self, Inbound};
use crate::notification::Notices;
use crate::pending::Ended;

/// How much is read at a time.
const CHUNK: usize = 64 * 1024;

/// How long a line of stderr may be.
const STDERR_LINE: usize = 64 * 1024;

/// Writes what is queued, and closes the server's stdin when the connection closes.
pub(super) async fn write(
    mut stdin: ChildStdin,
    mut queue: mpsc::Receiver<Bytes>,
    closing: CancellationToken,
) {
    let writing = async {
        while let Some(message) = queue.recv().await {
            if stdin.write_all(&message).await.is_err() || stdin.flush().await.is_err() {
                // The reader notices the end of the server, and tells who waits.
                return;
            }
        }
    };
    tokio::select! {
        () = closing.cancelled() => {}
        () = writing => {}
    }
}

/// Reads the server's messages until its stdout ends, then fails what is still in flight.
pub(super) async fn read(
    stdout: ChildStdout,
    shared: Arc<Shared>,
    answers: mpsc::WeakSender<Bytes>,
    mut exit: Exit,
) {
    // Dropped even if a handler of notifications panics, so that nobody waits for ever.
    let mut end = End { shared: &shared, program: exit.program().to_owned(), status: None };
    let limit = shared.limits.message;
    let reading = lines(stdout, limit, |event| match event {
        LineEvent::Line(line) => message(line, &shared, &answers),
        LineEvent::TooLong => shared.pending.too_large(limit),
    });
    tokio::select! {
        () = reading => {}
        // Something that the server started may hold its stdout open for ever.
        () = exit.clone().left_behind() => {}
    }
    end.status = exit.status().await;
}

/// Hands the server's stderr to a function, line by line.
pub(super) async fn relay(stderr: ChildStderr, hear: Arc<dyn Fn(&str) + Send + Sync>) {
    lines(stderr, STDERR_LINE, |event| {
        if let LineEvent::Line(line) = event {
            hear(&String::from_utf8_lossy(&line));
        }
    })
    .await;
}

async fn lines(mut from: impl AsyncRead + Unpin, limit: usize, mut hear: impl FnMut(LineEvent)) {
    let mut decoder = LineDecoder::new(limit);
    loop {
        let mut chunk = BytesMut::with_capacity(CHUNK);
        match from.read_buf(&mut chunk).await {
            Ok(0) | Err(_) => break,
            Ok(_) => decoder.push(chunk.freeze()),
        }
        while let Some(event) = decoder.next_event() {
            hear(event);
        }
    }
    if let Some(event) = decoder.finish() {
        hear(event);
    }
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
            tracing::warn!(reason, "left out a line of the server's stdout that is no message");
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
                        tracing::warn!("no answer: the server does not read its stdin");
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
    program: String,
    status: Option<String>,
}

impl Drop for End<'_> {
    fn drop(&mut self) {
        let (program, status) = (std::mem::take(&mut self.program), self.status.take());
        self.shared.pending.end(&Ended::Program { program, status });
    }
}

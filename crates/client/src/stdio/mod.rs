//! Servers that are child processes (STDIO-1 to STDIO-5).

mod pipe;
mod process;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::{BufMut, Bytes, BytesMut};
use latimer_protocol::RawJson;
use latimer_protocol::codec::line;
use tokio::sync::mpsc;

use self::process::Process;
use crate::envelope;
use crate::error::{ClientError, Fault};
use crate::notification::Notices;
use crate::options::{ClientLimits, Timeouts};
use crate::pending::{Pending, Ticket};
use crate::target::Command;

/// How many messages may wait for a server that does not read its stdin.
const QUEUED: usize = 32;

/// A running server and the requests that it has not answered yet.
pub(crate) struct StdioConnection {
    outgoing: mpsc::Sender<Bytes>,
    shared: Arc<Shared>,
    process: Process,
}

/// What the reading task and the callers share.
pub(crate) struct Shared {
    pending: Pending,
    notices: Arc<Notices>,
    limits: ClientLimits,
    /// A modern server sends no requests, and gets no answers to them (STDIO-2).
    modern: AtomicBool,
}

/// What becomes of a request whose caller no longer waits.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum WhenDropped {
    /// The server is told (STDIO-3).
    Cancel,
    /// The server is not told: `initialize` must not be cancelled (VER-L5), and a server whose era is not known need not know how.
    Forget,
}

impl StdioConnection {
    /// Starts the server and the tasks that read from it and write to it.
    pub(crate) fn start(
        command: &Command,
        notices: Arc<Notices>,
        limits: ClientLimits,
        timeouts: &Timeouts,
    ) -> Result<Self, ClientError> {
        let (process, pipes) = Process::start(command, timeouts.shutdown)?;
        let (outgoing, queue) = mpsc::channel(QUEUED);
        let shared =
            Arc::new(Shared { pending: Pending::default(), notices, limits, modern: AtomicBool::new(false) });
        tokio::spawn(pipe::write(pipes.stdin, queue, process.closing()));
        tokio::spawn(pipe::read(pipes.stdout, Arc::clone(&shared), outgoing.downgrade(), process.exit()));
        Ok(Self { outgoing, shared, process })
    }

    /// From now on the server is held to the modern rules.
    pub(crate) fn set_modern(&self) {
        self.shared.modern.store(true, Ordering::Relaxed);
    }

    /// Sends a request; the answer comes through the ticket.
    pub(crate) async fn send(&self, id: u64, method: &str, body: &Bytes) -> Result<Ticket, ClientError> {
        let ticket = self.shared.pending.register(id, method)?;
        self.write(body).await?;
        Ok(ticket)
    }

    /// Sends a request and waits for its answer.
    pub(crate) async fn exchange(
        &self,
        id: u64,
        method: &str,
        body: &Bytes,
        when_dropped: WhenDropped,
    ) -> Result<RawJson, ClientError> {
        let mut cancel = Cancel { connection: self, id, armed: false };
        let ticket = self.send(id, method, body).await?;
        cancel.armed = when_dropped == WhenDropped::Cancel;
        let answer = ticket.answer().await;
        cancel.armed = false;
        answer
    }

    /// Sends a message that wants no answer.
    pub(crate) async fn write(&self, body: &Bytes) -> Result<(), ClientError> {
        match self.outgoing.send(framed(body)).await {
            Ok(()) => Ok(()),
            Err(_) => Err(self.shared.pending.ended().unwrap_or_else(|| Fault::Closed.into())),
        }
    }

    /// Ends the server (STDIO-4) and waits for its end.
    pub(crate) async fn close(&self) {
        self.process.close().await;
    }
}

/// The message as a line of its own.
fn framed(body: &Bytes) -> Bytes {
    let mut out = BytesMut::with_capacity(body.len() + 1);
    out.put_slice(body);
    line::flatten(&mut out);
    out.put_u8(b'\n');
    out.freeze()
}

/// Tells the server when a request's caller goes away.
struct Cancel<'a> {
    connection: &'a StdioConnection,
    id: u64,
    armed: bool,
}

impl Drop for Cancel<'_> {
    fn drop(&mut self) {
        if self.armed {
            // A server that leaves the queue full does not get to know; it would not read it either.
            let _ = self.connection.outgoing.try_send(framed(&envelope::cancelled(self.id)));
        }
    }
}

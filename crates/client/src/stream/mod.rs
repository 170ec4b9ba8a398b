//! Servers on byte streams, where every message is a line: child processes (STDIO-1 to STDIO-5), and servers that listen on
//! TCP ports and Unix sockets.

mod parting;
mod pipe;
mod process;
mod socket;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::{BufMut, Bytes, BytesMut};
use latimer_protocol::RawJson;
use latimer_protocol::codec::line;
use tokio::sync::mpsc;

use self::parting::Parting;
use self::process::Process;
use self::socket::{Halves, Socket};
use crate::address::{TcpAddress, UnixAddress};
use crate::envelope;
use crate::error::{ClientError, Fault};
use crate::notification::Notices;
use crate::options::{ClientLimits, Options};
use crate::pending::{Pending, Ticket};
use crate::target::Command;

/// How many messages may wait for a server that does not read.
const QUEUED: usize = 32;

/// Where the other end of a stream is.
#[derive(Clone, Copy)]
pub(crate) enum Route<'a> {
    /// In a child process.
    Process(&'a Command),
    /// At a TCP port.
    Tcp(&'a TcpAddress),
    /// At a Unix socket.
    Unix(&'a UnixAddress),
}

/// A server on a byte stream, and the requests that it has not answered yet.
pub(crate) struct StreamConnection {
    outgoing: mpsc::Sender<Bytes>,
    shared: Arc<Shared>,
    carrier: Carrier,
}

/// What carries the bytes, and ends when the connection does.
enum Carrier {
    Process(Process),
    Socket(Socket),
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

impl StreamConnection {
    /// Starts the server or connects to it, and starts the tasks that read and write.
    pub(crate) async fn open(
        route: Route<'_>,
        notices: Arc<Notices>,
        options: &Options,
    ) -> Result<Self, ClientError> {
        let timeouts = &options.timeouts;
        let (outgoing, queue) = mpsc::channel(QUEUED);
        let shared = Arc::new(Shared {
            pending: Pending::default(),
            notices,
            limits: options.limits,
            modern: AtomicBool::new(false),
        });
        let (reader, answers) = (Arc::clone(&shared), outgoing.downgrade());
        let (address, Halves { input, output }) = match route {
            Route::Process(command) => {
                let (process, pipes) = Process::start(command, timeouts.shutdown)?;
                let parting = Parting::Process(process.exit());
                tokio::spawn(pipe::write(pipes.stdin, queue, process.closing(), timeouts.shutdown));
                tokio::spawn(pipe::read(pipes.stdout, reader, answers, parting));
                return Ok(Self { outgoing, shared, carrier: Carrier::Process(process) });
            }
            Route::Tcp(address) => {
                let halves = socket::tcp(address, timeouts.connect, options.extra_ca.as_deref()).await?;
                (address.to_string(), halves)
            }
            Route::Unix(address) => (address.to_string(), socket::unix(address, timeouts.connect).await?),
        };
        let socket = Socket::new();
        let parting = Parting::Peer { address, closing: socket.closing() };
        socket.spawn(pipe::write(output, queue, socket.closing(), timeouts.shutdown));
        socket.spawn(pipe::read(input, reader, answers, parting));
        Ok(Self { outgoing, shared, carrier: Carrier::Socket(socket) })
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

    /// Waits for the end of the connection, and tells why.
    pub(crate) async fn over(&self) -> ClientError {
        self.shared.pending.over().await
    }

    /// Ends the server if it is a child process (STDIO-4), or the connection to it, and waits for that.
    pub(crate) async fn close(&self) {
        match &self.carrier {
            Carrier::Process(process) => process.close().await,
            Carrier::Socket(socket) => socket.close().await,
        }
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
    connection: &'a StreamConnection,
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

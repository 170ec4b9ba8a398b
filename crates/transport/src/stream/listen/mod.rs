//! Listening for byte streams: many clients, each on a connection of its own.

mod error;
mod farewell;
#[cfg(unix)]
mod socket_file;
mod tcp;
#[cfg(unix)]
mod unix;

use std::future::Future;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use latimer_core::Engine;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};
use tokio::sync::Semaphore;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

use super::connection::{self, End, Party};
use super::options::StreamOptions;
use crate::accept;
use crate::reading_peer::ReadingPeer;

pub use error::ListenError;
pub use tcp::{TcpBound, serve_tcp};
#[cfg(unix)]
pub use unix::{UnixBound, serve_unix};

/// How long something that was written may wait for its reader.
const WRITE_PATIENCE: Duration = Duration::from_secs(60);

/// What the connections of a listener share.
#[derive(Clone)]
struct Shared {
    engine: Engine,
    options: StreamOptions,
    stop: CancellationToken,
}

/// The connections of a listener that takes no more. Dropping it ends them.
struct Open {
    connections: TaskTracker,
    _stop: DropGuard,
}

impl Open {
    /// Waits until all of them have ended.
    async fn wait(self) {
        self.connections.close();
        self.connections.wait().await;
    }
}

/// Takes connections until `stop` ends, and tells them to end then. `take` serves one; `refuse` says goodbye to one that is
/// one too many.
async fn accept_all<S, A, T, R>(
    shared: Shared,
    mut accept: impl FnMut() -> A,
    take: impl Fn(S, Shared) -> T,
    refuse: impl Fn(S, usize) -> R,
    stop: impl Future<Output = ()> + Send,
) -> Open
where
    A: Future<Output = io::Result<S>>,
    T: Future<Output = ()> + Send + 'static,
    R: Future<Output = ()> + Send + 'static,
{
    let most = shared.engine.limits().connections;
    let slots = Arc::new(Semaphore::new(most.min(Semaphore::MAX_PERMITS)));
    let farewells = Arc::new(Semaphore::new(farewell::MOST));
    let connections = TaskTracker::new();
    // Whatever ends this function ends the connections that are left, too.
    let guard = shared.stop.clone().drop_guard();
    let mut is_full = false;
    let mut stop = pin!(stop);
    loop {
        let socket = tokio::select! {
            socket = accept::patiently(&mut accept) => socket,
            () = &mut stop => break,
        };
        let Ok(slot) = slots.clone().try_acquire_owned() else {
            if !std::mem::replace(&mut is_full, true) {
                tracing::warn!(most, "all connections are taken; more are turned away");
            }
            // Those for whom there is no time even for that see the connection close.
            if let Ok(permit) = farewells.clone().try_acquire_owned() {
                let refusing = refuse(socket, most);
                tokio::spawn(async move {
                    refusing.await;
                    drop(permit);
                });
            }
            continue;
        };
        is_full = false;
        let serving = take(socket, shared.clone());
        connections.spawn(async move {
            serving.await;
            drop(slot);
        });
    }
    shared.stop.cancel();
    Open { connections, _stop: guard }
}

impl Shared {
    fn new(engine: Engine, options: StreamOptions) -> Self {
        Self { engine, options, stop: CancellationToken::new() }
    }

    /// Serves a connection to its end.
    async fn connection<R, W>(self, party: Party, mut input: R, output: W)
    where
        R: AsyncRead + Unpin + Send,
        W: AsyncWrite + Unpin + Send,
    {
        let output = ReadingPeer::new(output, WRITE_PATIENCE);
        let peer = format!("{:?}", party.peer);
        let stop = self.stop.cancelled_owned();
        let end = connection::serve(self.engine, self.options, party, &mut input, output, stop).await;
        match &end {
            End::Unidentified => {
                tracing::info!(%peer, "a client was turned away that did not say who it is");
                // What it sent besides would have the system throw away what it was told.
                farewell::listen_out(&mut input).await;
            }
            End::Unread => tracing::info!(%peer, "a connection was closed whose client does not read"),
            end => tracing::debug!(%peer, ?end, "a connection ended"),
        }
    }
}

/// Discards what comes until there is no more.
async fn drain<R: AsyncRead + Unpin>(input: &mut R) {
    let mut scratch = [0; 4096];
    while let Ok(1..) = input.read(&mut scratch).await {}
}

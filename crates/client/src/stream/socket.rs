//! A connection to a server that listens on a socket.

use std::future::Future;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rustls_pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::Instant;
use tokio_rustls::TlsConnector;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::address::{TcpAddress, UnixAddress};
use crate::error::{ClientError, Fault};
use crate::tls;

/// An open socket. Dropping it begins its end.
pub(super) struct Socket {
    closing: CancellationToken,
    /// Those that read and write.
    tasks: TaskTracker,
}

/// The two directions of a socket.
pub(super) struct Halves {
    pub(super) input: Box<dyn AsyncRead + Send + Unpin>,
    pub(super) output: Box<dyn AsyncWrite + Send + Unpin>,
}

impl Socket {
    /// The end of a connection, which tasks are yet to serve.
    pub(super) fn new() -> Self {
        let tasks = TaskTracker::new();
        tasks.close();
        Self { closing: CancellationToken::new(), tasks }
    }

    /// Trips when the end begins.
    pub(super) fn closing(&self) -> CancellationToken {
        self.closing.clone()
    }

    /// Lets a task read or write.
    pub(super) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.tasks.spawn(task);
    }

    /// Begins the end and waits for it.
    pub(super) async fn close(&self) {
        self.closing.cancel();
        self.tasks.wait().await;
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        self.closing.cancel();
    }
}

/// Connects to a port within `limit`, TLS included; `extra_ca` is trusted beside the usual authorities.
pub(super) async fn tcp(
    address: &TcpAddress,
    limit: Duration,
    extra_ca: Option<&Path>,
) -> Result<Halves, ClientError> {
    let tls = match address.is_tls() {
        true => Some(TlsConnector::from(Arc::new(tls::config(extra_ca)?))),
        false => None,
    };
    let deadline = Instant::now() + limit;
    let late = format!("no connection within {limit:?}");
    let stream = until(deadline, late, address, async {
        let stream = TcpStream::connect((address.host(), address.port())).await?;
        stream.set_nodelay(true)?;
        Ok(stream)
    });
    let stream = stream.await?;
    let Some(tls) = tls else {
        let (input, output) = stream.into_split();
        return Ok(Halves { input: Box::new(input), output: Box::new(output) });
    };
    let late = format!("no TLS handshake within {limit:?}; does the server speak TLS there?");
    let handshake = until(deadline, late, address, async {
        let name = ServerName::try_from(address.host().to_owned()).map_err(io::Error::other)?;
        tls.connect(name, stream).await
    });
    let (input, output) = tokio::io::split(handshake.await?);
    Ok(Halves { input: Box::new(input), output: Box::new(output) })
}

/// Connects to a Unix socket within `limit`.
#[cfg(unix)]
pub(super) async fn unix(address: &UnixAddress, limit: Duration) -> Result<Halves, ClientError> {
    let late = format!("no connection within {limit:?}");
    let path = address.to_path();
    let stream = until(Instant::now() + limit, late, address, tokio::net::UnixStream::connect(path)).await?;
    let (input, output) = stream.into_split();
    Ok(Halves { input: Box::new(input), output: Box::new(output) })
}

/// There are no such sockets.
#[cfg(not(unix))]
pub(super) async fn unix(address: &UnixAddress, _: Duration) -> Result<Halves, ClientError> {
    let (address, source) = (address.to_string(), io::Error::from(io::ErrorKind::Unsupported));
    let detail = "this system is reached by no Unix sockets; use tcp://HOST:PORT".to_owned();
    Err(Fault::Connect { address, detail, source: source.into() }.into())
}

/// Does a step of connecting; `late` says what is missing when it has not come to its end by then.
async fn until<T>(
    deadline: Instant,
    late: String,
    address: &(impl ToString + ?Sized),
    step: impl Future<Output = io::Result<T>>,
) -> Result<T, ClientError> {
    let error = match tokio::time::timeout_at(deadline, step).await {
        Ok(Ok(done)) => return Ok(done),
        Ok(Err(error)) => error,
        Err(_) => io::Error::new(io::ErrorKind::TimedOut, late),
    };
    let address = address.to_string();
    match error.kind() {
        io::ErrorKind::ConnectionRefused => Err(Fault::Refused { address }.into()),
        io::ErrorKind::NotFound => {
            let detail = "there is no such socket; is the server running?".to_owned();
            Err(Fault::Connect { address, detail, source: error.into() }.into())
        }
        _ => Err(Fault::Connect { address, detail: error.to_string(), source: error.into() }.into()),
    }
}

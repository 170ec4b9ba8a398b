//! Listening: connections in, HTTP/1.1 and HTTP/2, and an orderly end.

use std::convert::Infallible;
use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::GracefulShutdown;
use latimer_core::Engine;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::options::{HttpOptions, OptionsError};
use super::service::HttpService;
use crate::accept;
use crate::reading_peer::ReadingPeer;
use crate::tls::{self, TlsIdentity};

/// Why a listener could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The address is taken.
    #[error("listen on {0}: the address is in use; stop what listens there or choose another port")]
    InUse(SocketAddr),
    /// Another reason.
    #[error("listen on {address}: {error}")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// What went wrong.
        error: io::Error,
    },
    /// A listener that was handed over.
    #[error("listen on a socket that was handed over: {0}")]
    Adopt(io::Error),
    /// An option cannot be.
    #[error(transparent)]
    Options(#[from] OptionsError),
}

/// A listener that is open and not yet served.
#[derive(Debug)]
pub struct Bound {
    listener: TcpListener,
    address: SocketAddr,
    tls: Option<TlsIdentity>,
}

impl Bound {
    /// Opens a listener; port 0 takes any that is free.
    ///
    /// # Errors
    /// When the address is taken or not ours.
    pub async fn open(address: SocketAddr, tls: Option<TlsIdentity>) -> Result<Self, ServeError> {
        let opened = async {
            let listener = TcpListener::bind(address).await?;
            let bound = listener.local_addr()?;
            Ok::<_, io::Error>((listener, bound))
        };
        match opened.await {
            Ok((listener, address)) => Ok(Self { listener, address, tls }),
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => Err(ServeError::InUse(address)),
            Err(error) => Err(ServeError::Listen { address, error }),
        }
    }

    /// Takes a listener that is open already, as a service manager hands it over.
    ///
    /// # Errors
    /// When it is none, or the runtime does not take it.
    pub fn adopt(listener: std::net::TcpListener, tls: Option<TlsIdentity>) -> Result<Self, ServeError> {
        let opened = (|| {
            listener.set_nonblocking(true)?;
            let address = listener.local_addr()?;
            Ok((TcpListener::from_std(listener)?, address))
        })();
        let (listener, address) = opened.map_err(ServeError::Adopt)?;
        Ok(Self { listener, address, tls })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Whether it speaks TLS.
    pub fn is_tls(&self) -> bool {
        self.tls.is_some()
    }
}

/// Serves an engine on a listener until `stop` ends; then no more connections are taken, streams that wait end,
/// and calls in flight have the drain time to finish.
///
/// # Errors
/// When an option cannot be.
pub async fn serve(
    bound: Bound,
    engine: Engine,
    mut options: HttpOptions,
    stop: impl Future<Output = ()> + Send,
) -> Result<(), ServeError> {
    options.port = Some(bound.address.port());
    options.tls = bound.tls.is_some();
    let most = engine.limits().connections;
    let write_timeout = options.write_timeout;
    let builder = builder(&engine, options.read_timeout);
    let service = HttpService::new(engine, options)?;
    let graceful = GracefulShutdown::new();
    let acceptor = bound.tls.as_ref().map(TlsIdentity::http_acceptor);
    // Whatever ends this function ends the connections that are left, too.
    let mut connections = JoinSet::new();
    let slots = Arc::new(Semaphore::new(most.min(Semaphore::MAX_PERMITS)));
    let mut full = false;
    let mut stop = pin!(stop);
    'serving: loop {
        let mut accepted = pin!(accept::patiently(|| bound.listener.accept()));
        let (socket, peer) = loop {
            tokio::select! {
                accepted = &mut accepted => break accepted,
                // Forgotten as they end: each would keep its room until then.
                Some(_) = connections.join_next() => {}
                () = &mut stop => break 'serving,
            }
        };
        let Ok(slot) = slots.clone().try_acquire_owned() else {
            if !std::mem::replace(&mut full, true) {
                tracing::warn!(most, "all connections are taken; more are turned away");
            }
            turn_away(&socket, acceptor.is_some());
            continue;
        };
        full = false;
        // Small replies must not wait for the acknowledgement of earlier ones.
        let _ = socket.set_nodelay(true);
        let socket = ReadingPeer::new(socket, write_timeout);
        let service = service.clone();
        let builder = builder.clone();
        let watcher = graceful.watcher();
        let acceptor = acceptor.clone();
        connections.spawn(async move {
            let _slot = slot;
            let served = match acceptor {
                None => connection(&builder, socket, peer, service, watcher).await,
                Some(acceptor) => match tokio::time::timeout(tls::HANDSHAKE, acceptor.accept(socket)).await {
                    Ok(Ok(socket)) => connection(&builder, socket, peer, service, watcher).await,
                    Ok(Err(error)) => Err(error.into()),
                    Err(elapsed) => Err(elapsed.into()),
                },
            };
            if let Err(error) = served {
                tracing::debug!(%peer, %error, "a connection ended early");
            }
        });
    }
    drop(bound.listener);
    service.close();
    let finished = async {
        graceful.shutdown().await;
        // Calls go on whose clients have gone: they may have something to finish.
        service.calls().close();
        service.calls().wait().await;
    };
    let drain = service.engine().limits().drain;
    if tokio::time::timeout(drain, finished).await.is_err() {
        tracing::warn!(in_flight = service.engine().in_flight(), "calls were cut off after the drain time");
    }
    Ok(())
}

type ConnectionError = Box<dyn std::error::Error + Send + Sync>;

async fn connection<S>(
    builder: &auto::Builder<TokioExecutor>,
    socket: S,
    peer: SocketAddr,
    service: HttpService,
    watcher: hyper_util::server::graceful::Watcher,
) -> Result<(), ConnectionError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let asked = Arc::new(AtomicBool::new(false));
    let patience = service.options().read_timeout;
    let service = service_fn({
        let asked = asked.clone();
        move |request: http::Request<Incoming>| {
            asked.store(true, Ordering::Relaxed);
            let service = service.clone();
            // Boxed: hyper would keep the room of a call for as long as the connection is open.
            Box::pin(async move { Ok::<_, Infallible>(service.respond_to(request, Some(peer)).await) })
        }
    });
    let connection = builder.serve_connection(TokioIo::new(socket), service).into_owned();
    let mut connection = pin!(watcher.watch(connection));
    // hyper waits for ever for the bytes that tell HTTP/1.1 and HTTP/2 apart. Once there was a request, no timer is looked
    // at any more.
    let begun = poll_fn(|cx| match connection.as_mut().poll(cx) {
        Poll::Ready(ended) => Poll::Ready(Some(ended)),
        Poll::Pending if asked.load(Ordering::Relaxed) => Poll::Ready(None),
        Poll::Pending => Poll::Pending,
    });
    match tokio::time::timeout(patience, begun).await {
        Ok(Some(ended)) => ended,
        Ok(None) => connection.await,
        Err(elapsed) => Err(elapsed.into()),
    }
}

/// How many requests share an HTTP/2 connection at a time. Each may buffer one message before it is admitted, so that a
/// connection can hold this many messages that no cap on calls counts yet.
const STREAMS: u32 = 64;

fn builder(engine: &Engine, read_timeout: Duration) -> auto::Builder<TokioExecutor> {
    let header_bytes = engine.limits().header_bytes;
    let mut builder = auto::Builder::new(TokioExecutor::new());
    // The service answers a header block over the limit; what is far beyond it, hyper refuses by itself.
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(read_timeout)
        .max_buf_size((header_bytes * 4).max(64 << 10));
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_header_list_size(u32::try_from(header_bytes * 4).unwrap_or(u32::MAX))
        .max_concurrent_streams(STREAMS)
        .keep_alive_interval(Duration::from_secs(30))
        .keep_alive_timeout(Duration::from_secs(20));
    builder
}

/// Says why a connection is closed that is one too many, where that can be said at once.
fn turn_away(socket: &TcpStream, tls: bool) {
    const ANSWER: &[u8] =
        b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
    if !tls {
        // Whoever does not get it sees the connection close.
        let _ = socket.try_write(ANSWER);
    }
}

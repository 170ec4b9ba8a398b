//! Byte streams over TCP, with or without TLS.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use latimer_core::identify::Credentials;
use latimer_core::{Engine, Peer, Principal};
use tokio::net::{TcpListener, TcpStream};

use super::super::connection::Party;
use super::super::options::StreamOptions;
use super::error::ListenError;
use super::{Shared, accept_all, farewell};
use crate::tls::{self, TlsIdentity};

/// A TCP listener that is open and not yet served.
#[derive(Debug)]
pub struct TcpBound {
    listener: TcpListener,
    address: SocketAddr,
    tls: Option<TlsIdentity>,
}

impl TcpBound {
    /// Opens a listener; port 0 takes any that is free.
    ///
    /// # Errors
    /// When the address is taken or not ours.
    pub async fn open(address: SocketAddr, tls: Option<TlsIdentity>) -> Result<Self, ListenError> {
        let opened = async {
            let listener = TcpListener::bind(address).await?;
            let address = listener.local_addr()?;
            Ok((listener, address))
        };
        match opened.await {
            Ok((listener, address)) => Ok(Self { listener, address, tls }),
            Err(error) => Err(failed(address, error)),
        }
    }

    /// Takes over a listener that somebody else has opened.
    ///
    /// # Errors
    /// When it is none. Must be called inside a runtime.
    pub fn adopt(listener: std::net::TcpListener, tls: Option<TlsIdentity>) -> Result<Self, ListenError> {
        listener.set_nonblocking(true).map_err(ListenError::Adopt)?;
        let listener = TcpListener::from_std(listener).map_err(ListenError::Adopt)?;
        let address = listener.local_addr().map_err(ListenError::Adopt)?;
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

fn failed(address: SocketAddr, error: io::Error) -> ListenError {
    match error.kind() {
        io::ErrorKind::AddrInUse => ListenError::InUse(address),
        _ => ListenError::Tcp { address, error },
    }
}

/// Serves an engine on a listener until `stop` ends; then no more connections are taken, and calls in flight have the
/// drain time to finish.
///
/// Where the engine wants to know who calls, the first message of each connection has to be `auth` with a token.
pub async fn serve_tcp(
    bound: TcpBound,
    engine: Engine,
    options: StreamOptions,
    stop: impl Future<Output = ()> + Send,
) {
    let must_identify = engine.identify().identify(Credentials::default()).await.is_err();
    let listener = &bound.listener;
    let acceptor = bound.tls.as_ref().map(TlsIdentity::stream_acceptor);
    let is_tls = acceptor.is_some();
    let take = move |(socket, address): (TcpStream, SocketAddr), shared: Shared| {
        let acceptor = acceptor.clone();
        async move {
            settle(&socket);
            let peer = Peer::Address(address.ip().to_canonical());
            let party = Party { principal: Principal::anonymous(), peer, must_identify };
            let Some(acceptor) = acceptor else {
                let (input, output) = socket.into_split();
                return shared.connection(party, input, output).await;
            };
            match tokio::time::timeout(tls::HANDSHAKE, acceptor.accept(socket)).await {
                Ok(Ok(socket)) => {
                    let (input, output) = tokio::io::split(socket);
                    shared.connection(party, input, output).await;
                }
                Ok(Err(error)) => tracing::debug!(peer = %address, %error, "a TLS handshake failed"),
                Err(_) => tracing::debug!(peer = %address, "a TLS handshake took too long"),
            }
        }
    };
    let refuse = |(socket, _): (TcpStream, SocketAddr), most| async move {
        // Words that are not TLS would only confuse whoever expects it.
        if !is_tls {
            farewell::too_many(socket, most).await;
        }
    };
    let open = accept_all(Shared::new(engine, options), || listener.accept(), take, refuse, stop).await;
    // Whoever comes now finds nobody, instead of somebody who does not answer.
    drop(bound);
    open.wait().await;
}

/// How long a connection may be silent before the system finds out whether its other end is still there.
const KEEP_ALIVE: Duration = Duration::from_secs(60);

fn settle(socket: &TcpStream) {
    // Small answers must not wait for the acknowledgement of earlier ones.
    let _ = socket.set_nodelay(true);
    #[cfg(unix)]
    {
        // Whoever is gone without a word is found out; where that cannot be had, the idle time still ends it.
        let _ = rustix::net::sockopt::set_socket_keepalive(socket, true);
        #[cfg(any(target_os = "linux", target_os = "android", target_os = "freebsd"))]
        let _ = rustix::net::sockopt::set_tcp_keepidle(socket, KEEP_ALIVE);
    }
}

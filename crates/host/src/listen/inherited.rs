//! Sockets that a service manager has opened and hands over (sd_listen_fds(3)).
//!
//! | socket | name in `LISTEN_FDNAMES` | taken by |
//! |---|---|---|
//! | Unix, listening | any | `unix` |
//! | TCP, listening | `http`, `tcp` | that transport |
//! | TCP, listening | another, or none | the one of `http` and `tcp` that is served |

use std::net::TcpListener;

use crate::config::{Transport, Transports};
use crate::failure::Failure;

/// The sockets, each for its transport.
#[derive(Debug, Default)]
pub(crate) struct Inherited {
    /// For HTTP.
    pub(super) http: Option<TcpListener>,
    /// For newline-delimited JSON over TCP.
    pub(super) tcp: Option<TcpListener>,
    /// For newline-delimited JSON over a Unix socket.
    #[cfg(unix)]
    pub(super) unix: Option<std::os::unix::net::UnixListener>,
}

impl Inherited {
    /// Takes what was handed to this process. Sockets are handed over once: what is taken here is gone for others.
    ///
    /// # Errors
    /// When there is one that no transport can take.
    #[cfg(unix)]
    pub(crate) fn take(transports: &Transports) -> Result<Self, Failure> {
        let names = std::env::var("LISTEN_FDNAMES").unwrap_or_default();
        let names: Vec<&str> = names.split(':').collect();
        let mut sockets = listenfd::ListenFd::from_env();
        let mut taken = Self::default();
        for index in 0..sockets.len() {
            let name = names.get(index).copied().unwrap_or_default();
            if let Ok(Some(socket)) = sockets.take_tcp_listener(index) {
                let (slot, transport) = match named(name, transports)? {
                    Transport::Tcp => (&mut taken.tcp, Transport::Tcp),
                    _ => (&mut taken.http, Transport::Http),
                };
                put(slot, socket, transport)?;
            } else if let Ok(Some(socket)) = sockets.take_unix_listener(index) {
                put(&mut taken.unix, socket, Transport::Unix)?;
            } else {
                return Err(Failure::setup(format_args!(
                    "the service manager handed over file descriptor {}, which is no listening stream socket; \
                     let it hand over ListenStream sockets only",
                    index.saturating_add(3)
                )));
            }
        }
        Ok(taken)
    }

    /// Nothing is handed over here.
    ///
    /// # Errors
    /// Never.
    #[cfg(not(unix))]
    pub(crate) fn take(_: &Transports) -> Result<Self, Failure> {
        Ok(Self::default())
    }

    /// Refuses a socket that no transport of the configuration would serve.
    pub(super) fn check(&self, transports: &Transports) -> Result<(), Failure> {
        #[cfg(unix)]
        let unix = self.unix.is_some();
        #[cfg(not(unix))]
        let unix = false;
        let held = [
            (self.http.is_some(), Transport::Http),
            (self.tcp.is_some(), Transport::Tcp),
            (unix, Transport::Unix),
        ];
        match held.into_iter().find(|(held, transport)| *held && !transports.has(*transport)) {
            Some((_, transport)) => Err(Failure::setup(format_args!(
                "the service manager handed over a socket for {transport}, which transport does not have; \
                 add {transport} to it, or remove the socket"
            ))),
            None => Ok(()),
        }
    }
}

/// The transport of a TCP socket of this name.
#[cfg(unix)]
fn named(name: &str, transports: &Transports) -> Result<Transport, Failure> {
    match (name, transports.has(Transport::Http), transports.has(Transport::Tcp)) {
        ("http", ..) => Ok(Transport::Http),
        ("tcp", ..) => Ok(Transport::Tcp),
        (_, true, true) => Err(Failure::setup(
            "the service manager handed over a TCP socket, and both http and tcp are served; \
             name it with FileDescriptorName=http or FileDescriptorName=tcp",
        )),
        (_, false, true) => Ok(Transport::Tcp),
        _ => Ok(Transport::Http),
    }
}

#[cfg(unix)]
fn put<S>(slot: &mut Option<S>, socket: S, transport: Transport) -> Result<(), Failure> {
    match slot.replace(socket) {
        None => Ok(()),
        Some(_) => Err(Failure::setup(format_args!(
            "the service manager handed over two sockets for {transport}; let it hand over one"
        ))),
    }
}

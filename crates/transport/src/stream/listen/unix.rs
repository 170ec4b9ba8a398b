//! Byte streams over Unix sockets, whose clients the system knows.

use std::io;
use std::os::unix::net::UnixListener as StdListener;

use latimer_core::{Engine, Peer, Principal};
use tokio::net::{UnixListener, UnixStream};

use super::super::connection::Party;
use super::super::options::StreamOptions;
use super::error::ListenError;
use super::socket_file::SocketFile;
use super::{Shared, accept_all, farewell};

/// A Unix socket that is open and not yet served. Its file, where it has made one, is removed with it.
#[derive(Debug)]
pub struct UnixBound {
    listener: UnixListener,
    address: String,
    /// Who may connect, where no file says so.
    doorkeeper: Option<Doorkeeper>,
    _file: Option<SocketFile>,
}

/// Lets in who could open a file of this mode.
#[derive(Clone, Copy, Debug)]
struct Doorkeeper {
    mode: u32,
}

impl UnixBound {
    /// Opens a socket at a path, or, on Linux, one of the abstract namespace, `@name`. The file has `mode` from the
    /// moment on when it is there; abstract sockets, which have no file, let in only users that could open one of that
    /// mode. A file that a dead server left behind is replaced. Must be called inside a runtime.
    ///
    /// # Errors
    /// When another server answers there, something else than a socket is there, or the path cannot be used.
    pub fn open(address: &str, mode: u32) -> Result<Self, ListenError> {
        if let Some(name) = address.strip_prefix('@') {
            let listener = open_abstract(name, address)?;
            return Self::of(listener, address, Some(Doorkeeper { mode }), None);
        }
        if address.is_empty() || address.len() > MOST_PATH_BYTES || address.contains('\0') {
            return Err(ListenError::Name(address.to_owned()));
        }
        let (listener, file) = SocketFile::bind(address.as_ref(), mode)?;
        Self::of(listener, address, None, Some(file))
    }

    /// Takes over a socket that somebody else has opened, and whose file is theirs. One of the abstract namespace lets in the
    /// users that could open a file of `mode`. Must be called inside a runtime.
    ///
    /// # Errors
    /// When it is none.
    pub fn adopt(listener: StdListener, mode: u32) -> Result<Self, ListenError> {
        let place = listener.local_addr().map_err(ListenError::Adopt)?;
        match place.as_pathname() {
            Some(path) => Self::of(listener, &path.display().to_string(), None, None),
            None => Self::of(listener, &abstract_name(&place), Some(Doorkeeper { mode }), None),
        }
    }

    fn of(
        listener: StdListener,
        address: &str,
        doorkeeper: Option<Doorkeeper>,
        file: Option<SocketFile>,
    ) -> Result<Self, ListenError> {
        let failed = |error| ListenError::Unix { address: address.to_owned(), error };
        listener.set_nonblocking(true).map_err(failed)?;
        let listener = UnixListener::from_std(listener).map_err(failed)?;
        Ok(Self { listener, address: address.to_owned(), doorkeeper, _file: file })
    }

    /// Where it listens: the path, or `@` and the name.
    pub fn address(&self) -> &str {
        &self.address
    }
}

/// How long the path of a socket may be (`sun_path` of Linux, with its end).
const MOST_PATH_BYTES: usize = 107;

#[cfg(target_os = "linux")]
fn abstract_name(place: &std::os::unix::net::SocketAddr) -> String {
    use std::os::linux::net::SocketAddrExt;

    let name = place.as_abstract_name().unwrap_or_default();
    format!("@{}", String::from_utf8_lossy(name))
}

#[cfg(not(target_os = "linux"))]
fn abstract_name(_: &std::os::unix::net::SocketAddr) -> String {
    "@".to_owned()
}

#[cfg(target_os = "linux")]
fn open_abstract(name: &str, address: &str) -> Result<StdListener, ListenError> {
    use std::os::linux::net::SocketAddrExt;
    use std::os::unix::net::SocketAddr;

    if name.is_empty() {
        return Err(ListenError::Name(address.to_owned()));
    }
    let place = SocketAddr::from_abstract_name(name).map_err(|_| ListenError::Name(address.to_owned()))?;
    StdListener::bind_addr(&place).map_err(|error| match error.kind() {
        io::ErrorKind::AddrInUse => ListenError::Live(address.to_owned()),
        _ => ListenError::Unix { address: address.to_owned(), error },
    })
}

#[cfg(not(target_os = "linux"))]
fn open_abstract(_: &str, address: &str) -> Result<StdListener, ListenError> {
    let error = io::Error::new(io::ErrorKind::Unsupported, "only Linux has abstract sockets; give a path");
    Err(ListenError::Unix { address: address.to_owned(), error })
}

/// Serves an engine on a Unix socket until `stop` ends; then no more connections are taken, and calls in flight have the
/// drain time to finish. The caller of a connection is the principal `uid:N`, N being the user on its other end.
pub async fn serve_unix(
    bound: UnixBound,
    engine: Engine,
    options: StreamOptions,
    stop: impl Future<Output = ()> + Send,
) {
    let listener = &bound.listener;
    let doorkeeper = bound.doorkeeper;
    let take = move |socket: UnixStream, shared: Shared| async move {
        match identify(&socket, doorkeeper) {
            Ok(principal) => {
                let party = Party { principal, peer: Peer::Local, must_identify: false };
                let (input, output) = socket.into_split();
                shared.connection(party, input, output).await;
            }
            Err(reason) => {
                tracing::warn!(%reason, "a client was turned away");
                farewell::say(socket, reason).await;
            }
        }
    };
    let accept = || async { listener.accept().await.map(|(socket, _)| socket) };
    let open = accept_all(Shared::new(engine, options), accept, take, farewell::too_many, stop).await;
    // Whoever comes now finds nobody, instead of somebody who does not answer.
    drop(bound);
    open.wait().await;
}

fn identify(socket: &UnixStream, doorkeeper: Option<Doorkeeper>) -> Result<Principal, String> {
    let peer = socket.peer_cred().map_err(|error| format!("the system does not say who this is: {error}"))?;
    if let Some(doorkeeper) = doorkeeper
        && !doorkeeper.admits(peer.uid(), peer.gid())
    {
        return Err(format!("user {} may not connect here", peer.uid()));
    }
    Ok(Principal::named(&format!("uid:{}", peer.uid()), [""; 0]))
}

impl Doorkeeper {
    fn admits(self, user: u32, group: u32) -> bool {
        let (ours, our_group) = (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw());
        // Connecting to a socket takes the right to write to its file.
        user == 0
            || self.mode & 0o002 != 0
            || (group == our_group && self.mode & 0o020 != 0)
            || (user == ours && self.mode & 0o200 != 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_abstract_socket_lets_in_whom_a_file_of_its_mode_would() {
        let us = rustix::process::geteuid().as_raw();
        let ours = rustix::process::getegid().as_raw();
        let (other, others) = (us + 4242, ours + 4242);
        let admits = |mode, user, group| Doorkeeper { mode }.admits(user, group);
        assert!(admits(0o600, us, others) && admits(0o000, 0, others));
        assert!(!admits(0o600, other, ours) && admits(0o660, other, ours));
        assert!(!admits(0o660, other, others) && admits(0o666, other, others));
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn an_abstract_socket_that_was_handed_over_has_its_name_and_its_doorkeeper() {
        use std::os::linux::net::SocketAddrExt;

        let name = format!("latimer-adopted-{}", std::process::id());
        let place = std::os::unix::net::SocketAddr::from_abstract_name(&name).unwrap();
        let bound = UnixBound::adopt(StdListener::bind_addr(&place).unwrap(), 0o600).unwrap();
        assert_eq!(bound.address(), format!("@{name}"));
        assert_eq!(bound.doorkeeper.map(|doorkeeper| doorkeeper.mode), Some(0o600));
    }
}

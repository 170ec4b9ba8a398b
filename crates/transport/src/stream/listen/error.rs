//! Why a listener could not be opened.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

/// Why a listener for byte streams could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// The address is taken.
    #[error("listen on {0}: the address is in use; stop what listens there or choose another port")]
    InUse(SocketAddr),
    /// Another reason.
    #[error("listen on {address}: {error}")]
    Tcp {
        /// Where.
        address: SocketAddr,
        /// What went wrong.
        error: io::Error,
    },
    /// Another server listens there.
    #[error("listen on {0}: another server answers there; stop it or choose another path")]
    Live(String),
    /// Something else is there, which is left alone.
    #[error("listen on {}: what is there is no socket; remove it or choose another path", .0.display())]
    NotASocket(PathBuf),
    /// Several servers start there at once.
    #[error("listen on {}: another process is doing something there; try again", .0.display())]
    Busy(PathBuf),
    /// The address cannot be one.
    #[error("listen on \"{0}\": a Unix socket has a path of at most 107 bytes, or a name after \"@\"")]
    Name(String),
    /// Another reason.
    #[error("listen on {address}: {error}")]
    Unix {
        /// Where.
        address: String,
        /// What went wrong.
        error: io::Error,
    },
    /// A listener that was handed over cannot be used.
    #[error("use the listener that was handed over: {0}")]
    Adopt(io::Error),
}

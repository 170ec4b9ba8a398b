//! How a server goes away, as whoever reads from it finds out.

use std::io;

use tokio_util::sync::CancellationToken;

use super::process::Exit;
use crate::pending::Ended;

/// What is known of the end of a connection besides the end of what can be read.
pub(super) enum Parting {
    /// The server is a child process.
    Process(Exit),
    /// The server is at the other end of a socket.
    Peer {
        /// Its address, for messages.
        address: String,
        /// Trips when this side closes the connection.
        closing: CancellationToken,
    },
}

impl Parting {
    /// Waits until there is nothing more to be read, even if the stream itself does not end.
    pub(super) async fn left_behind(&self) {
        match self {
            // Something that the server started may hold its stdout open for ever.
            Self::Process(exit) => exit.clone().left_behind().await,
            Self::Peer { closing, .. } => closing.cancelled().await,
        }
    }

    /// The end, when nothing more can be said of it.
    pub(super) fn unexplained(&self) -> Ended {
        match self {
            Self::Process(exit) => Ended::Program { program: exit.program().to_owned(), status: None },
            Self::Peer { address, .. } => Ended::Peer { address: address.clone(), broken: None },
        }
    }

    /// The end in full; `broken` is what went wrong with reading. The rest of a connection is closed.
    pub(super) async fn explained(&mut self, broken: Option<io::Error>) -> Ended {
        match self {
            Self::Process(exit) => {
                let program = exit.program().to_owned();
                Ended::Program { program, status: exit.status().await }
            }
            Self::Peer { closing, .. } if closing.is_cancelled() => Ended::Closed,
            Self::Peer { address, closing } => {
                closing.cancel();
                Ended::Peer { address: address.clone(), broken: broken.map(|error| error.to_string()) }
            }
        }
    }
}

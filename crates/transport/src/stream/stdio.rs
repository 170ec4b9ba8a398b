//! The standard streams of the process.
//!
//! Pipes and sockets are waited for like any other connection. Files and terminals, which cannot be, are read and written
//! on threads of their own.

use std::time::Duration;

use latimer_core::{Engine, Peer, Principal};
use tokio::io::{AsyncRead, AsyncWrite};

use super::connection::{self, End, Party};
use super::options::StreamOptions;

type Input = Box<dyn AsyncRead + Send + Unpin>;
type Output = Box<dyn AsyncWrite + Send + Unpin>;

/// Serves the standard streams of this process as the anonymous local principal (STDIO-8).
pub async fn serve_stdio(
    engine: Engine,
    mut options: StreamOptions,
    stop: impl Future<Output = ()> + Send,
) -> End {
    // Whoever started the process ends it by closing its input.
    options.idle = Duration::ZERO;
    let party = Party { principal: Principal::anonymous(), peer: Peer::Local, must_identify: false };
    connection::serve(engine, options, party, input(), output(), stop).await
}

fn input() -> Input {
    #[cfg(target_os = "linux")]
    if let Some(input) = linux::input() {
        return input;
    }
    Box::new(tokio::io::stdin())
}

fn output() -> Output {
    #[cfg(target_os = "linux")]
    if let Some(output) = linux::output() {
        return output;
    }
    Box::new(tokio::io::stdout())
}

#[cfg(target_os = "linux")]
mod linux {
    use std::os::fd::{AsFd, BorrowedFd};
    use std::os::unix::net::UnixStream as StdStream;

    use rustix::fs::{FileType, fstat};
    use rustix::net::AddressFamily;
    use tokio::net::UnixStream;
    use tokio::net::unix::pipe;

    use super::{Input, Output};

    pub(super) fn input() -> Option<Input> {
        let stdin = std::io::stdin();
        match kind(stdin.as_fd())? {
            // Opened anew, so that nobody else who holds this end of the pipe has to know that it does not block.
            FileType::Fifo => {
                let pipe = pipe::OpenOptions::new().open_receiver("/proc/self/fd/0").ok()?;
                Some(Box::new(pipe))
            }
            FileType::Socket => Some(Box::new(socket(stdin.as_fd())?)),
            _ => None,
        }
    }

    pub(super) fn output() -> Option<Output> {
        let stdout = std::io::stdout();
        match kind(stdout.as_fd())? {
            FileType::Fifo => {
                let pipe = pipe::OpenOptions::new().open_sender("/proc/self/fd/1").ok()?;
                Some(Box::new(pipe))
            }
            FileType::Socket => Some(Box::new(socket(stdout.as_fd())?)),
            _ => None,
        }
    }

    fn kind(stream: BorrowedFd<'_>) -> Option<FileType> {
        fstat(stream).ok().map(|stat| FileType::from_raw_mode(stat.st_mode))
    }

    /// A Unix socket, which does not block from now on, for nobody who shares it.
    fn socket(stream: BorrowedFd<'_>) -> Option<UnixStream> {
        let is_unix = rustix::net::sockopt::socket_domain(stream).ok()? == AddressFamily::UNIX;
        // Whoever writes to standard error expects that it blocks.
        let is_stderr = same(stream, std::io::stderr().as_fd());
        if !is_unix || is_stderr {
            return None;
        }
        let stream = StdStream::from(stream.try_clone_to_owned().ok()?);
        stream.set_nonblocking(true).ok()?;
        UnixStream::from_std(stream).ok()
    }

    fn same(one: BorrowedFd<'_>, other: BorrowedFd<'_>) -> bool {
        match (fstat(one), fstat(other)) {
            (Ok(one), Ok(other)) => (one.st_dev, one.st_ino) == (other.st_dev, other.st_ino),
            _ => true,
        }
    }
}

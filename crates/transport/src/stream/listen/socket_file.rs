//! The file of a Unix socket: born with its rights, never taken from a living server, removed only by its maker.

use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::{FlockOperation, Mode, fchmod, flock};
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType};

use super::error::ListenError;

/// A socket's file, as long as the socket is ours.
#[derive(Debug)]
pub(super) struct SocketFile {
    path: PathBuf,
    /// Device and inode: the file that we made, whatever stands at its path by now.
    identity: (u64, u64),
}

/// How many connections wait to be taken.
const BACKLOG: i32 = 1024;

impl SocketFile {
    /// Opens a socket with a file of this mode.
    pub(super) fn bind(path: &Path, mode: u32) -> Result<(UnixListener, Self), ListenError> {
        let failed = |error: io::Error| ListenError::Unix { address: path.display().to_string(), error };
        // Of several servers that find a dead one's socket only one may replace it, and one that is there but does not
        // listen yet must not be taken for dead.
        let _locked = lock_folder(path)?;
        match Self::bind_new(path, mode) {
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => {}
            outcome => return outcome.map_err(failed),
        }
        remove_dead(path)?;
        match Self::bind_new(path, mode) {
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
                Err(ListenError::Live(path.display().to_string()))
            }
            outcome => outcome.map_err(failed),
        }
    }

    fn bind_new(path: &Path, mode: u32) -> io::Result<(UnixListener, Self)> {
        let socket =
            rustix::net::socket_with(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None)?;
        // On Linux the file is born with the mode of its socket, less the umask: there is no moment in which others may
        // connect that the mode keeps out.
        fchmod(&socket, Mode::from_raw_mode(mode))?;
        rustix::net::bind(&socket, &SocketAddrUnix::new(path)?)?;
        let made = Self::listening(path, mode, socket);
        if made.is_err() {
            let _ = fs::remove_file(path);
        }
        made
    }

    fn listening(path: &Path, mode: u32, socket: OwnedFd) -> io::Result<(UnixListener, Self)> {
        let born = fs::symlink_metadata(path)?;
        let file = Self { path: path.to_owned(), identity: (born.dev(), born.ino()) };
        if born.permissions().mode() & 0o777 != mode {
            // The umask took something away.
            fs::set_permissions(path, fs::Permissions::from_mode(mode))?;
        }
        rustix::net::listen(&socket, BACKLOG)?;
        Ok((UnixListener::from(socket), file))
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        let is_ours = fs::symlink_metadata(&self.path)
            .is_ok_and(|found| found.file_type().is_socket() && (found.dev(), found.ino()) == self.identity);
        if is_ours && let Err(error) = fs::remove_file(&self.path) {
            tracing::warn!(path = %self.path.display(), %error, "the socket's file could not be removed");
        }
    }
}

/// Removes a socket that nobody listens on any more.
fn remove_dead(path: &Path) -> Result<(), ListenError> {
    let failed = |error| ListenError::Unix { address: path.display().to_string(), error };
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(failed(error)),
        Ok(found) if !found.file_type().is_socket() => return Err(ListenError::NotASocket(path.to_owned())),
        Ok(_) => {}
    }
    match UnixStream::connect(path) {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
            tracing::info!(path = %path.display(), "replacing the socket that a dead server left behind");
            fs::remove_file(path).map_err(failed)
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        // It answers, or does not let us find out; either way it is not ours to remove.
        Ok(_) | Err(_) => Err(ListenError::Live(path.display().to_string())),
    }
}

/// Locks the folder of a socket against other servers that look for a dead one there. Gone with what is returned.
fn lock_folder(path: &Path) -> Result<fs::File, ListenError> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let failed = |error| ListenError::Unix { address: path.display().to_string(), error };
    let folder = fs::File::open(folder).map_err(failed)?;
    for _ in 0..ATTEMPTS {
        match flock(&folder, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => return Ok(folder),
            Err(rustix::io::Errno::WOULDBLOCK) => std::thread::sleep(PAUSE),
            Err(error) => return Err(failed(error.into())),
        }
    }
    Err(ListenError::Busy(path.to_owned()))
}

/// Others hold the lock for a few system calls only.
const ATTEMPTS: usize = 40;
const PAUSE: Duration = Duration::from_millis(50);

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;

    fn folder() -> tempfile::TempDir {
        tempfile::tempdir().unwrap()
    }

    fn mode(path: &Path) -> u32 {
        fs::symlink_metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn the_file_has_its_mode_and_goes_with_its_socket() {
        let folder = folder();
        let path = folder.path().join("s");
        for wanted in [0o600, 0o660, 0o666] {
            let (listener, file) = SocketFile::bind(&path, wanted).unwrap();
            assert_eq!(mode(&path), wanted);
            drop((listener, file));
            assert!(!path.exists());
        }
    }

    #[test]
    fn the_file_never_has_wider_rights_than_its_mode() {
        let folder = folder();
        let path = folder.path().join("s");
        let over = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let watching = scope.spawn(|| {
                let (mut seen, mut widest) = (0, 0);
                while !over.load(Ordering::Relaxed) {
                    if let Ok(found) = fs::symlink_metadata(&path) {
                        seen += 1;
                        widest |= found.permissions().mode() & 0o777;
                    }
                }
                (seen, widest)
            });
            for _ in 0..500 {
                drop(SocketFile::bind(&path, 0o600).unwrap());
            }
            over.store(true, Ordering::Relaxed);
            let (seen, widest) = watching.join().unwrap();
            assert!(seen == 0 || widest == 0o600, "{widest:o} of {seen}");
        });
    }

    #[test]
    fn a_living_server_keeps_its_socket() {
        let folder = folder();
        let path = folder.path().join("s");
        let (_listener, _file) = SocketFile::bind(&path, 0o600).unwrap();
        let error = SocketFile::bind(&path, 0o600).unwrap_err();
        assert!(matches!(error, ListenError::Live(_)), "{error}");
        UnixStream::connect(&path).unwrap();
    }

    #[test]
    fn a_dead_server_s_socket_is_replaced_by_one_of_those_that_find_it() {
        let folder = folder();
        let path = folder.path().join("s");
        for _ in 0..20 {
            drop(UnixListener::bind(&path).unwrap());
            let won = std::thread::scope(|scope| {
                let starting: Vec<_> =
                    (0..4).map(|_| scope.spawn(|| SocketFile::bind(&path, 0o600))).collect();
                let bound: Vec<_> = starting.into_iter().map(|one| one.join().unwrap()).collect();
                UnixStream::connect(&path).unwrap();
                bound.iter().filter(|bound| bound.is_ok()).count()
            });
            assert_eq!(won, 1);
        }
    }

    #[test]
    fn a_server_that_is_bound_and_does_not_listen_yet_is_not_taken_for_dead() {
        let folder = folder();
        let path = folder.path().join("s");
        let locked = lock_folder(&path).unwrap();
        let socket =
            rustix::net::socket_with(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None)
                .unwrap();
        rustix::net::bind(&socket, &SocketAddrUnix::new(&path).unwrap()).unwrap();
        std::thread::scope(|scope| {
            let second = scope.spawn(|| SocketFile::bind(&path, 0o600));
            // It waits, or has given up waiting; either way the first one goes on.
            std::thread::yield_now();
            rustix::net::listen(&socket, 1).unwrap();
            drop(locked);
            let error = second.join().unwrap().unwrap_err();
            assert!(matches!(error, ListenError::Live(_) | ListenError::Busy(_)), "{error}");
        });
        UnixStream::connect(&path).unwrap();
    }

    #[test]
    fn a_file_that_is_no_socket_is_left_alone() {
        let folder = folder();
        let path = folder.path().join("s");
        fs::write(&path, "precious").unwrap();
        let error = SocketFile::bind(&path, 0o600).unwrap_err();
        assert!(matches!(error, ListenError::NotASocket(_)), "{error}");
        assert_eq!(fs::read_to_string(&path).unwrap(), "precious");
    }

    #[test]
    fn only_its_own_file_is_removed() {
        let folder = folder();
        let path = folder.path().join("s");
        let (listener, file) = SocketFile::bind(&path, 0o600).unwrap();
        fs::remove_file(&path).unwrap();
        let _other = UnixListener::bind(&path).unwrap();
        drop((listener, file));
        UnixStream::connect(&path).unwrap();
    }
}

//! The file that is there while a process serves: `<pid> <time>` and a line end.
//!
//! A file is claimed, not just written: of two processes that name the same one, the second does not start. The claim is a
//! hard link, which fails where there is a file. Whoever has claimed it holds it open and locked for as long as it lives;
//! the number in it decides nothing, since it may be another process's by now. What a dead process left behind is replaced
//! under a lock of that very file, so that of two that find it one wins and the other sees the winner.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::process;

/// A claimed file. [`remove`](Self::remove) gives it up.
#[derive(Debug)]
pub struct ReadyFile {
    path: PathBuf,
    text: String,
    /// Locked.
    _held: File,
}

/// What a ready file says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// The number of the process.
    pub pid: u32,
    /// When it was ready.
    pub time: SystemTime,
}

/// Why a ready file could not be claimed.
#[derive(Debug, thiserror::Error)]
pub enum ReadyFileError {
    /// Another process serves under this file.
    #[error("the ready file {} names process {pid}, which holds it; stop it, or name another ready_file", path.display())]
    Taken {
        /// The file.
        path: PathBuf,
        /// The process.
        pid: u32,
    },
    /// Another process is claiming it now.
    #[error("the ready file {} is being taken by another process; start again, or name another ready_file", .0.display())]
    Contended(PathBuf),
    /// There is something else, which may be dear to somebody.
    #[error("the ready file {} is there and is none; remove it, or name another ready_file", .0.display())]
    Foreign(PathBuf),
    /// The system refuses.
    #[error("write the ready file {}: {error}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What went wrong.
        error: io::Error,
    },
}

/// The most that a ready file holds.
const MOST: u64 = 128;

impl ReadyFile {
    /// Claims the file at `path` for this process, and makes its folder if there is none.
    ///
    /// # Errors
    /// When another process holds it, something else is there, or it cannot be written.
    pub fn claim(path: &Path) -> Result<Self, ReadyFileError> {
        let pid = std::process::id();
        let text = format!("{pid} {}\n", humantime::format_rfc3339_seconds(SystemTime::now()));
        let failed = |error| ReadyFileError::Io { path: path.to_owned(), error };
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        fs::create_dir_all(folder).map_err(failed)?;
        let written = Draft::write(folder, &text).map_err(failed)?;
        loop {
            match fs::hard_link(&written.path, path) {
                Ok(()) => break,
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(failed(error)),
            }
            if replace(path, &written.path)? {
                break;
            }
        }
        let held = written.file.try_clone().map_err(failed)?;
        Ok(Self { path: path.to_owned(), text, _held: held })
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Removes the file, unless it is not this process's any more.
    pub fn remove(self) {
        if read(&self.path).is_ok_and(|text| text == self.text)
            && let Err(error) = fs::remove_file(&self.path)
        {
            tracing::warn!(path = %self.path.display(), %error, "the ready file could not be removed");
        }
    }
}

impl Stamp {
    /// Reads the ready file at `path`.
    ///
    /// # Errors
    /// When it cannot be read, or is none.
    pub fn read(path: &Path) -> io::Result<Self> {
        let text = read(path)?;
        Self::parse(&text).ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "it is no ready file"))
    }

    fn parse(text: &str) -> Option<Self> {
        let (pid, time) = text.trim_end().split_once(' ')?;
        Some(Self { pid: pid.parse().ok()?, time: humantime::parse_rfc3339(time).ok()? })
    }
}

/// Whether a process holds the ready file at `path`.
#[must_use]
pub fn is_held(path: &Path) -> bool {
    let is_file = fs::symlink_metadata(path).is_ok_and(|found| found.is_file());
    // Shared, so that those who look do not take each other for holders.
    is_file
        && File::open(path)
            .is_ok_and(|file| matches!(file.try_lock_shared(), Err(fs::TryLockError::WouldBlock)))
}

/// Whether process `pid` has the file at `path` open. Where the system does not tell, none has.
#[must_use]
pub fn is_open_in(path: &Path, pid: u32) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        let id = |path: &Path| fs::metadata(path).map(|found| (found.dev(), found.ino())).ok();
        let Some(meant) = id(path) else { return false };
        fs::read_dir(format!("/proc/{pid}/fd"))
            .is_ok_and(|open| open.flatten().any(|entry| id(&entry.path()) == Some(meant)))
    }
    #[cfg(not(unix))]
    {
        let _ = (path, pid);
        false
    }
}

/// Puts `written` in the place of what is at `path`, if nobody holds that. Returns whether it did; not, if the file
/// was another one by the time that it could be locked.
fn replace(path: &Path, written: &Path) -> Result<bool, ReadyFileError> {
    let failed = |error| ReadyFileError::Io { path: path.to_owned(), error };
    // What is no plain file must not even be opened: a pipe would wait for somebody to write to it.
    match fs::symlink_metadata(path) {
        Ok(found) if !found.is_file() => return Err(ReadyFileError::Foreign(path.to_owned())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        _ => {}
    }
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(failed(error)),
    };
    let mut text = String::new();
    match (&mut file).take(MOST).read_to_string(&mut text) {
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::InvalidData => {
            return Err(ReadyFileError::Foreign(path.to_owned()));
        }
        Err(error) => return Err(failed(error)),
    }
    let stamp = Stamp::parse(&text);
    // One that was cut off when it was written is empty.
    if stamp.is_none() && !text.is_empty() {
        return Err(ReadyFileError::Foreign(path.to_owned()));
    }
    match (file.try_lock(), stamp) {
        (Ok(()), _) => {}
        (Err(fs::TryLockError::WouldBlock), Some(stamp)) if process::exists(stamp.pid) => {
            return Err(ReadyFileError::Taken { path: path.to_owned(), pid: stamp.pid });
        }
        // What a dead process left is being replaced.
        (Err(fs::TryLockError::WouldBlock), _) => return Err(ReadyFileError::Contended(path.to_owned())),
        (Err(fs::TryLockError::Error(error)), _) => return Err(failed(error)),
    }
    if !is_at(&file, path) {
        return Ok(false);
    }
    fs::rename(written, path).map_err(failed)?;
    Ok(true)
}

/// Whether `file` is what is at `path` now.
#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    match (file.metadata(), fs::symlink_metadata(path)) {
        (Ok(held), Ok(found)) => (held.dev(), held.ino()) == (found.dev(), found.ino()),
        _ => false,
    }
}

#[cfg(not(unix))]
fn is_at(_: &File, path: &Path) -> bool {
    path.exists()
}

/// The text of a file that is at most as long as a ready file.
fn read(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    if !fs::symlink_metadata(path)?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "it is no ready file"));
    }
    File::open(path)?.take(MOST).read_to_string(&mut text)?;
    Ok(text)
}

/// A locked file under a name of its own, which goes with the value.
struct Draft {
    path: PathBuf,
    file: File,
}

impl Draft {
    fn write(folder: &Path, text: &str) -> io::Result<Self> {
        let mut number: u64 = 0;
        loop {
            let path = folder.join(format!(".latimer-{}-{number}.tmp", std::process::id()));
            match OpenOptions::new().write(true).create_new(true).open(&path) {
                Ok(file) => {
                    let mut draft = Self { path, file };
                    draft.file.lock()?;
                    draft.file.write_all(text.as_bytes())?;
                    #[cfg(unix)]
                    draft.file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o644))?;
                    return Ok(draft);
                }
                // An earlier process of this number may have left it.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists && number < 1_000 => number += 1,
                Err(error) => return Err(error),
            }
        }
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        // After a rename it is gone already.
        let _ = fs::remove_file(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;

    fn folder() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("deep/ready");
        (folder, path)
    }

    fn names(path: &Path) -> Vec<std::ffi::OsString> {
        let folder = path.parent().expect("a folder");
        fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").file_name()).collect()
    }

    #[test]
    fn a_claimed_file_says_who_and_when_and_goes_with_its_owner() {
        let (_folder, path) = folder();
        let file = ReadyFile::claim(&path).expect("claimed");
        let text = fs::read_to_string(&path).expect("readable");
        let stamp = Stamp::read(&path).expect("a ready file");
        assert!(
            stamp.pid == std::process::id() && text.ends_with("Z\n") && text.lines().count() == 1,
            "{text}"
        );
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(fs::metadata(&path).expect("there").permissions().mode() & 0o777, 0o644);
        }
        assert_eq!(names(&path), ["ready"]);
        file.remove();
        assert!(names(&path).is_empty());
    }

    #[test]
    fn a_file_that_is_held_is_left_alone() {
        let (_folder, path) = folder();
        let first = ReadyFile::claim(&path).expect("claimed");
        let text = fs::read_to_string(&path).expect("there");
        let error = ReadyFile::claim(&path).expect_err("taken").to_string();
        assert!(error.contains(&format!("names process {}", std::process::id())), "{error}");
        assert!(is_held(&path) && is_open_in(&path, std::process::id()));
        assert_eq!((fs::read_to_string(&path).expect("there"), names(&path)), (text, vec!["ready".into()]));
        drop(first);
        // As if its process had been killed.
        assert!(path.exists() && !is_held(&path));
        ReadyFile::claim(&path).expect("nobody holds it").remove();
    }

    #[test]
    fn a_file_that_names_a_process_that_never_held_it_does_not_block_the_start() {
        let (_folder, path) = folder();
        let mut other = Command::new("cat").stdin(Stdio::piped()).spawn().expect("cat is everywhere");
        fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        fs::write(&path, format!("{} 2026-11-26T09:00:00Z\n", other.id())).expect("written");
        assert!(!is_held(&path) && !is_open_in(&path, other.id()));
        let file = ReadyFile::claim(&path).expect("nobody holds it");
        assert_eq!(Stamp::read(&path).expect("a ready file").pid, std::process::id());
        file.remove();
        other.kill().expect("killed");
        other.wait().expect("waited for");
    }

    #[test]
    fn what_is_no_ready_file_is_neither_replaced_nor_removed() {
        let (_folder, path) = folder();
        fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        for bytes in [&b"dear: diary\n"[..], b"12 yesterday\n", b"\xff\xfe"] {
            fs::write(&path, bytes).expect("written");
            assert!(matches!(ReadyFile::claim(&path), Err(ReadyFileError::Foreign(_))));
            assert_eq!(fs::read(&path).expect("there"), bytes);
        }
        fs::remove_file(&path).expect("removed");
        fs::create_dir(&path).expect("made");
        assert!(matches!(ReadyFile::claim(&path), Err(ReadyFileError::Foreign(_))));
    }

    #[test]
    fn a_file_that_another_has_taken_over_is_not_removed() {
        let (_folder, path) = folder();
        let file = ReadyFile::claim(&path).expect("claimed");
        fs::write(&path, "1 2026-11-26T09:00:00Z\n").expect("written");
        file.remove();
        assert!(path.exists());
    }

    #[test]
    fn of_many_that_find_a_stale_file_exactly_one_gets_it() {
        let (_folder, path) = folder();
        fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        let mut gone = Command::new("true").spawn().expect("true is everywhere");
        gone.wait().expect("waited for");
        for _ in 0..50 {
            fs::write(&path, format!("{} 2026-11-26T09:00:00Z\n", gone.id())).expect("written");
            // Threads of one process would take each other's claims for stale ones of their own: tell them apart.
            let drafts: Vec<Draft> = (0..8)
                .map(|number| {
                    Draft::write(
                        path.parent().expect("a folder"),
                        &format!("1 2026-11-26T09:00:0{number}Z\n"),
                    )
                })
                .collect::<io::Result<_>>()
                .expect("written");
            let won: usize = std::thread::scope(|scope| {
                let path = &path;
                let tries: Vec<_> = drafts
                    .iter()
                    .map(|draft| scope.spawn(move || matches!(replace(path, &draft.path), Ok(true))))
                    .collect();
                tries.into_iter().map(|one| usize::from(one.join().expect("no panic"))).sum()
            });
            assert_eq!(won, 1);
        }
    }
}

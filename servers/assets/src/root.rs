//! A folder that is read from and never written to, with no way out of it.

use std::fmt;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use cap_std::ambient_authority;
use cap_std::fs::{Dir, Metadata, OpenOptions};

use crate::path::{RelPath, SUFFIX};

/// A folder and how much of it is looked at.
///
/// It is opened anew each time, so that it may appear, go and be replaced. Links within it are followed as far as they
/// stay within it: where they lead is decided by the system as it opens the file, not before.
#[derive(Clone, Debug)]
pub(crate) struct Root {
    pub(crate) dir: PathBuf,
    /// How large a file may be.
    pub(crate) max_bytes: usize,
    /// How many files there may be.
    pub(crate) max_files: usize,
    /// How deep it is looked into.
    pub(crate) max_depth: usize,
}

/// A file of a listing.
#[derive(Clone, Debug)]
pub(crate) struct Listed {
    /// Its path from the folder.
    pub(crate) path: String,
    /// What changes when the file is replaced or written to.
    pub(crate) stamp: Stamp,
}

/// What changes when a file is replaced or written to, as far as the system's clock can tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stamp {
    /// The size in bytes.
    pub(crate) len: u64,
    modified: Option<SystemTime>,
    changed: (i64, i64),
    inode: u64,
}

/// Why a folder cannot be listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ListError {
    /// It holds more than this many files.
    Crowded(usize),
    /// The system said no.
    Io(Said),
}

/// Why a file cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ReadError {
    /// There is no such file.
    Absent,
    /// It lies outside of the folder.
    Outside,
    /// It has more than this many bytes.
    TooLarge(usize),
    /// The system said no.
    Io(Said),
}

/// What the system said when it said no, in its words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Said {
    kind: io::ErrorKind,
    code: Option<i32>,
}

/// How many folders and other things are looked at for each file that there may be.
const SEEN_PER_FILE: usize = 4;

impl Root {
    /// The JSON files in the folder and below, by path. Hidden ones are left out, and links that lead outside; folders are
    /// not entered through links, which would show their files twice. A folder that is not there holds nothing.
    pub(crate) fn list(&self) -> Result<Vec<Listed>, ListError> {
        let root = match Dir::open_ambient_dir(&self.dir, ambient_authority()) {
            Ok(root) => root,
            Err(error) if is_absent(&error) => return Ok(Vec::new()),
            Err(error) => return Err(ListError::Io(Said::of(&error))),
        };
        let mut walk = Walk { of: self, root: &root, seen: 0, files: Vec::new() };
        walk.folder(&root, "", 1)?;
        let mut files = walk.files;
        files.sort_unstable_by(|a, b| a.path.cmp(&b.path));
        Ok(files)
    }

    /// The bytes of a file.
    pub(crate) fn read(&self, path: &RelPath) -> Result<Vec<u8>, ReadError> {
        if !path.is_listable() {
            return Err(ReadError::Absent);
        }
        let root = Dir::open_ambient_dir(&self.dir, ambient_authority()).map_err(|error| unread(&error))?;
        let path = Path::new(path.as_str());
        let file = match open(&root, path) {
            Err(error) if is_outside(&error) => {
                // A link may be written as an absolute path and lead back here.
                let within = self.resolved(path).ok_or(ReadError::Outside)?;
                open(&root, &within)
            }
            other => other,
        };
        let file = file.map_err(|error| unread(&error))?;
        if !file.metadata().map_err(|error| unread(&error))?.is_file() {
            return Err(ReadError::Absent);
        }
        let mut bytes = Vec::new();
        let most = self.max_bytes as u64;
        file.take(most + 1).read_to_end(&mut bytes).map_err(|error| unread(&error))?;
        if bytes.len() > self.max_bytes { Err(ReadError::TooLarge(self.max_bytes)) } else { Ok(bytes) }
    }

    /// Where a path leads within the folder once all links are followed.
    fn resolved(&self, path: &Path) -> Option<PathBuf> {
        let root = self.dir.canonicalize().ok()?;
        let full = root.join(path).canonicalize().ok()?;
        full.strip_prefix(&root).ok().map(Path::to_owned)
    }
}

struct Walk<'a> {
    of: &'a Root,
    root: &'a Dir,
    seen: usize,
    files: Vec<Listed>,
}

impl Walk<'_> {
    fn folder(&mut self, folder: &Dir, prefix: &str, depth: usize) -> Result<(), ListError> {
        let crowded = ListError::Crowded(self.of.max_files);
        for entry in folder.entries().map_err(|error| ListError::Io(Said::of(&error)))? {
            // What goes while it is looked at was not there.
            let Ok(entry) = entry else { continue };
            self.seen += 1;
            if self.seen > self.of.max_files.saturating_mul(SEEN_PER_FILE) {
                return Err(crowded);
            }
            let Ok(name) = entry.file_name().into_string() else { continue };
            let path = format!("{prefix}{name}");
            let Ok(kind) = entry.file_type() else { continue };
            if kind.is_dir() && !name.starts_with('.') {
                if depth < self.of.max_depth
                    && let Ok(inner) = entry.open_dir()
                {
                    self.folder(&inner, &format!("{path}/"), depth + 1)?;
                }
                continue;
            }
            let is_listable = |path: &str| RelPath::parse(path).is_some_and(|path| path.is_listable());
            if !(kind.is_file() || kind.is_symlink()) || !name.ends_with(SUFFIX) || !is_listable(&path) {
                continue;
            }
            let found = if kind.is_symlink() { self.target(&path) } else { entry.metadata().ok() };
            let Some(metadata) = found.filter(Metadata::is_file) else { continue };
            if self.files.len() == self.of.max_files {
                return Err(crowded);
            }
            self.files.push(Listed { path, stamp: Stamp::of(&metadata) });
        }
        Ok(())
    }

    /// What a link leads to, if that is within the folder.
    fn target(&self, path: &str) -> Option<Metadata> {
        match self.root.metadata(path) {
            Err(error) if is_outside(&error) => {
                let within = self.of.resolved(Path::new(path))?;
                self.root.metadata(within).ok()
            }
            other => other.ok(),
        }
    }
}

impl Stamp {
    fn of(metadata: &Metadata) -> Self {
        #[cfg(unix)]
        let (changed, inode) = {
            use cap_std::fs::MetadataExt as _;
            ((metadata.ctime(), metadata.ctime_nsec()), metadata.ino())
        };
        #[cfg(not(unix))]
        let (changed, inode) = ((0, 0), 0);
        let modified = metadata.modified().ok().map(cap_std::time::SystemTime::into_std);
        Self { len: metadata.len(), modified, changed, inode }
    }

    /// Whether the file may have been written to after `time` without this having changed: clocks of file systems are
    /// coarse.
    pub(crate) fn is_recent(&self, time: SystemTime) -> bool {
        const COARSE: std::time::Duration = std::time::Duration::from_secs(2);
        let settled = self.modified.and_then(|modified| time.duration_since(modified).ok());
        settled.is_none_or(|settled| settled < COARSE)
    }
}

impl Said {
    fn of(error: &io::Error) -> Self {
        Self { kind: error.kind(), code: error.raw_os_error() }
    }
}

impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.code {
            // Not all codes have a kind of their own.
            Some(code) => io::Error::from_raw_os_error(code).fmt(f),
            None => self.kind.fmt(f),
        }
    }
}

fn open(root: &Dir, path: &Path) -> io::Result<cap_std::fs::File> {
    let mut options = OpenOptions::new();
    options.read(true);
    // A pipe in place of a file must not hold up the call.
    #[cfg(unix)]
    {
        use cap_std::fs::OpenOptionsExt as _;
        options.custom_flags(rustix::fs::OFlags::NONBLOCK.bits().cast_signed());
    }
    root.open_with(path, &options)
}

fn unread(error: &io::Error) -> ReadError {
    if is_absent(error) {
        ReadError::Absent
    } else if is_outside(error) {
        ReadError::Outside
    } else {
        ReadError::Io(Said::of(error))
    }
}

fn is_absent(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory | io::ErrorKind::IsADirectory
    )
}

/// Whether it was not the system that refused: a path led outside.
fn is_outside(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::PermissionDenied && error.raw_os_error().is_none()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn root(dir: &Path) -> Root {
        Root { dir: dir.to_owned(), max_bytes: 16, max_files: 5, max_depth: 2 }
    }

    fn listed(root: &Root) -> Vec<String> {
        root.list().unwrap().into_iter().map(|file| file.path).collect()
    }

    fn read(root: &Root, path: &str) -> Result<Vec<u8>, ReadError> {
        root.read(&RelPath::parse(path).unwrap())
    }

    #[test]
    fn json_files_are_listed_by_path_and_nothing_else_is() {
        let dir = tempfile::tempdir().unwrap();
        for folder in ["b/c/d", ".git"] {
            fs::create_dir_all(dir.path().join(folder)).unwrap();
        }
        for file in ["b.json", "a.json", "b/x.json", "b/c/y.json", "note.txt", ".h.json", ".git/z.json"] {
            fs::write(dir.path().join(file), "{}").unwrap();
        }
        fs::create_dir(dir.path().join("folder.json")).unwrap();
        let root = root(dir.path());
        assert_eq!(listed(&root), ["a.json", "b.json", "b/x.json"]);
        assert_eq!(read(&root, "b/x.json").unwrap(), b"{}");
        for absent in ["note.txt", ".h.json", ".git/z.json", "absent.json", "folder.json", "a.json/b.json"] {
            assert_eq!(read(&root, absent), Err(ReadError::Absent), "{absent}");
        }
    }

    #[test]
    fn a_folder_that_is_not_there_is_empty_until_it_is() {
        let dir = tempfile::tempdir().unwrap();
        let root = root(&dir.path().join("later"));
        assert!(listed(&root).is_empty());
        assert_eq!(read(&root, "a.json"), Err(ReadError::Absent));
        fs::create_dir(&root.dir).unwrap();
        fs::write(root.dir.join("a.json"), "1").unwrap();
        assert_eq!(listed(&root), ["a.json"]);
    }

    #[test]
    fn too_many_files_and_too_large_ones_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        for number in 0..5 {
            fs::write(dir.path().join(format!("{number}.json")), "0123456789abcdef").unwrap();
        }
        let root = root(dir.path());
        assert_eq!(listed(&root).len(), 5);
        assert_eq!(read(&root, "0.json").unwrap().len(), 16);
        fs::write(dir.path().join("0.json"), "0123456789abcdefg").unwrap();
        assert_eq!(read(&root, "0.json"), Err(ReadError::TooLarge(16)));
        fs::write(dir.path().join("5.json"), "").unwrap();
        assert_eq!(root.list().unwrap_err(), ListError::Crowded(5));
    }

    #[cfg(unix)]
    #[test]
    fn links_are_followed_as_far_as_they_stay_within() {
        use std::os::unix::fs::symlink;
        let dir = tempfile::tempdir().unwrap();
        let inside = dir.path().join("inside");
        fs::create_dir(&inside).unwrap();
        fs::write(dir.path().join("secret.json"), "\"secret\"").unwrap();
        fs::write(inside.join("a.json"), "1").unwrap();
        symlink("a.json", inside.join("relative.json")).unwrap();
        symlink(inside.join("a.json"), inside.join("absolute.json")).unwrap();
        symlink("../secret.json", inside.join("out.json")).unwrap();
        symlink(dir.path().join("secret.json"), inside.join("out2.json")).unwrap();
        symlink(dir.path(), inside.join("up")).unwrap();
        symlink("loop.json", inside.join("loop.json")).unwrap();
        symlink("nowhere.json", inside.join("dangling.json")).unwrap();
        let root = root(&inside);
        assert_eq!(listed(&root), ["a.json", "absolute.json", "relative.json"]);
        for path in ["relative.json", "absolute.json"] {
            assert_eq!(read(&root, path).unwrap(), b"1");
        }
        for path in ["out.json", "out2.json", "up/secret.json", "up/inside/../secret.json"] {
            let read = RelPath::parse(path).map_or(Err(ReadError::Outside), |path| root.read(&path));
            assert_eq!(read, Err(ReadError::Outside), "{path}");
        }
        assert_eq!(read(&root, "dangling.json"), Err(ReadError::Absent));
        assert!(read(&root, "loop.json").is_err());
        // The folder itself may be a link, and be led elsewhere.
        let led = Root { dir: dir.path().join("led"), max_files: 10, ..root };
        symlink("inside", &led.dir).unwrap();
        assert_eq!(listed(&led).len(), 3);
        assert_eq!(read(&led, "absolute.json").unwrap(), b"1");
        fs::remove_file(&led.dir).unwrap();
        symlink(".", &led.dir).unwrap();
        // What led outside before is inside now.
        let all = ["a", "absolute", "out", "out2", "relative"].map(|name| format!("inside/{name}.json"));
        assert_eq!(listed(&led)[..5], all);
        assert_eq!(listed(&led)[5..], ["secret.json"]);
    }

    #[cfg(unix)]
    #[test]
    fn a_pipe_is_neither_listed_nor_waited_for() {
        let dir = tempfile::tempdir().unwrap();
        let mode = rustix::fs::Mode::from_raw_mode(0o600);
        let kind = rustix::fs::FileType::Fifo;
        rustix::fs::mknodat(rustix::fs::CWD, dir.path().join("pipe.json"), kind, mode, 0).unwrap();
        let root = root(dir.path());
        assert!(listed(&root).is_empty());
        assert_eq!(read(&root, "pipe.json"), Err(ReadError::Absent));
    }

    #[cfg(unix)]
    #[test]
    fn what_the_system_said_is_told_in_its_words() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("socket.json");
        let _socket = std::os::unix::net::UnixListener::bind(&path).unwrap();
        let Err(ReadError::Io(said)) = read(&root(dir.path()), "socket.json") else {
            panic!("a socket was read")
        };
        assert_eq!(said.to_string(), fs::read(&path).unwrap_err().to_string());
        let code = rustix::io::Errno::MFILE.raw_os_error();
        let said = Said::of(&io::Error::from_raw_os_error(code)).to_string();
        assert!(said.contains("open files") && said.contains(&code.to_string()), "{said}");
        assert_eq!(Said::of(&io::ErrorKind::TimedOut.into()).to_string(), "timed out");
    }
}

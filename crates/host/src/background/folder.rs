//! Where the files of background servers are.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use super::record::Record;
use crate::life::ready_file::Stamp;

/// The folder of all of them: `latimer` in the folder that `XDG_STATE_HOME` names, or in `~/.local/state`. Only its user can
/// look into it: what servers say may be anything.
#[derive(Clone, Debug)]
pub struct Folder(PathBuf);

/// Why the folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// Nothing says where it is.
    #[error(
        "find the folder for servers in the background: neither XDG_STATE_HOME nor HOME is set; set one of them"
    )]
    Homeless,
    /// Others could put files there, and so have this user write and stop what they like.
    #[error(
        "use the folder {}: it has to be its user's, and others may not write to it; chown it and chmod 700 it, or set XDG_STATE_HOME",
        .0.display()
    )]
    Shared(PathBuf),
    /// The system refuses.
    #[error("use the folder {}: {error}", path.display())]
    Io {
        /// The folder, or a file in it.
        path: PathBuf,
        /// What went wrong.
        error: io::Error,
    },
}

impl Folder {
    /// The folder of the process's user. Makes it, if there is none.
    ///
    /// # Errors
    /// When nothing says where it is, it cannot be made, or others may write to it.
    pub fn open() -> Result<Self, FolderError> {
        let absolute = |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
        let state =
            absolute("XDG_STATE_HOME").or_else(|| absolute("HOME").map(|home| home.join(".local/state")));
        let path = state.ok_or(FolderError::Homeless)?.join("latimer");
        let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(&path);
        let found = made.and_then(|()| fs::metadata(&path));
        let found = found.map_err(|error| FolderError::Io { path: path.clone(), error })?;
        if found.uid() != rustix::process::geteuid().as_raw() || found.mode() & 0o022 != 0 {
            return Err(FolderError::Shared(path));
        }
        Ok(Self(path))
    }

    /// What is known of the servers that run, by name. What is left of others is removed, but for what they said.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn running(&self) -> Result<Vec<Record>, FolderError> {
        let failed = |error| FolderError::Io { path: self.0.clone(), error };
        let mut running = Vec::new();
        for entry in fs::read_dir(&self.0).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            if path.extension().is_none_or(|extension| extension != "json") {
                continue;
            }
            match Record::read(&path) {
                Ok(record) if record.runs() => running.push(record),
                Ok(record) => self.forget(&record),
                Err(error) => {
                    tracing::warn!(path = %path.display(), %error, "what is known of a server cannot be read; removing it");
                    let _ = fs::remove_file(&path);
                }
            }
        }
        running.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(running)
    }

    /// What is known of the server of this name, if it runs.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn named(&self, name: &str) -> Result<Option<Record>, FolderError> {
        Ok(self.running()?.into_iter().find(|record| record.name == name))
    }

    /// Removes what is left of a server that does not run, but for what it said.
    pub(super) fn forget(&self, record: &Record) {
        let path = self.record(&record.name);
        // Another may have been started by that name meanwhile.
        if Record::read(&path).is_ok_and(|known| known.pid == record.pid && known.birth == record.birth) {
            let _ = fs::remove_file(path);
        }
        if Stamp::read(&record.ready_file).is_ok_and(|stamp| stamp.pid == record.pid) {
            let _ = fs::remove_file(&record.ready_file);
        }
    }

    /// Keeps others from starting a server of this name. Gone with what is returned; `None` if somebody is starting one.
    pub(super) fn lock(&self, name: &str) -> Result<Option<File>, FolderError> {
        let path = self.file(name, "lock");
        let failed = |error| FolderError::Io { path: path.clone(), error };
        let file = File::options().create(true).truncate(false).write(true).open(&path).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(file)),
            Err(fs::TryLockError::WouldBlock) => Ok(None),
            Err(fs::TryLockError::Error(error)) => Err(failed(error)),
        }
    }

    pub(super) fn record(&self, name: &str) -> PathBuf {
        self.file(name, "json")
    }

    pub(super) fn log(&self, name: &str) -> PathBuf {
        self.file(name, "log")
    }

    pub(super) fn ready(&self, name: &str) -> PathBuf {
        self.file(name, "ready")
    }

    /// A name has nothing in it that leads out of the folder: it is one that a plugin could have.
    fn file(&self, name: &str, extension: &str) -> PathBuf {
        self.0.join(Path::new(&format!("{name}.{extension}")))
    }
}

//! Finding a server in the background, and stopping it.

use std::io;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal};

use super::folder::{Folder, FolderError};
use super::record::Record;
use crate::life::process;
use crate::life::ready_file::{self, Stamp};

/// Which server is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Which {
    /// The only one that runs.
    Only,
    /// The one of this name.
    Name(String),
    /// The one with this process.
    Pid(u32),
    /// The one with this ready file.
    ReadyFile(PathBuf),
}

/// What became of a server that was to be stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stopped {
    /// It ended when it was asked to.
    Asked,
    /// It was killed.
    Killed,
}

/// Why a server could not be found or stopped.
#[derive(Debug, thiserror::Error)]
pub enum StopError {
    /// The folder.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// None runs.
    #[error("no server runs in the background; latimer ps lists those that do")]
    Nothing,
    /// Several run.
    #[error("several servers run in the background: {}; say which one", .0.join(", "))]
    Several(Vec<String>),
    /// None of that name runs.
    #[error("no server named \"{name}\" runs in the background; there are: {known}")]
    Unknown {
        /// The name.
        name: String,
        /// Those that do.
        known: String,
    },
    /// There is no such process.
    #[error("there is no process {0}")]
    NoProcess(u32),
    /// The ready file cannot be read.
    #[error("read the ready file {}: {error}", path.display())]
    ReadyFile {
        /// The file.
        path: PathBuf,
        /// What went wrong.
        error: io::Error,
    },
    /// Whoever wrote the ready file has gone.
    #[error("no server holds the ready file {}: what it names has ended; remove the file", .0.display())]
    NotHeld(PathBuf),
    /// The process is another one than is meant, for all that can be told.
    #[error("process {pid} is not known to be a server: {why}; stop it yourself if it is")]
    Foreign {
        /// The process.
        pid: u32,
        /// Why not.
        why: &'static str,
    },
    /// The system refuses.
    #[error("stop process {pid}: {error}")]
    Io {
        /// The process.
        pid: u32,
        /// What went wrong.
        error: io::Error,
    },
    /// It goes on.
    #[error(
        "process {pid} still runs after {}: calls in flight may take as long as its limits.drain; wait longer with --wait, \
         or kill it with --force",
        humantime::format_duration(*patience)
    )]
    GoesOn {
        /// The process.
        pid: u32,
        /// How long that was.
        patience: Duration,
    },
}

/// How often it is looked whether a process has gone.
const LOOK: Duration = Duration::from_millis(20);

/// Finds the server that is meant, and makes sure that its process is the server and not another that has its number now.
///
/// # Errors
/// When there is none, or it cannot be told.
pub fn find(folder: Option<&Folder>, which: &Which) -> Result<Record, StopError> {
    let mut running = folder.map_or_else(|| Ok(Vec::new()), Folder::running)?;
    match which {
        Which::Only if running.len() > 1 => {
            Err(StopError::Several(running.into_iter().map(|record| record.name).collect()))
        }
        Which::Only => running.pop().ok_or(StopError::Nothing),
        Which::Name(name) => {
            let names: Vec<&str> = running.iter().map(|record| record.name.as_str()).collect();
            let known = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
            let found = running.iter().find(|record| record.name == *name).cloned();
            found.ok_or_else(|| StopError::Unknown { name: name.clone(), known })
        }
        Which::Pid(pid) => match running.into_iter().find(|record| record.pid == *pid) {
            Some(record) => Ok(record),
            None => stranger(*pid, PathBuf::new()),
        },
        Which::ReadyFile(path) => {
            let stamp =
                Stamp::read(path).map_err(|error| StopError::ReadyFile { path: path.clone(), error })?;
            match running.into_iter().find(|record| record.pid == stamp.pid) {
                Some(record) => Ok(record),
                None => holder(&stamp, path.clone()),
            }
        }
    }
}

/// A process that was not started in the background: it has to be this very program.
fn stranger(pid: u32, ready_file: PathBuf) -> Result<Record, StopError> {
    if !process::exists(pid) {
        return Err(StopError::NoProcess(pid));
    }
    let program = |pid: &str| std::fs::read_link(format!("/proc/{pid}/exe"));
    match (program(&pid.to_string()), program("self")) {
        (Ok(its), Ok(ours)) if its == ours => Ok(record(pid, ready_file)),
        _ => Err(StopError::Foreign { pid, why: "it runs another program" }),
    }
}

/// The process that a ready file names: it has to hold that very file.
fn holder(stamp: &Stamp, path: PathBuf) -> Result<Record, StopError> {
    if !ready_file::is_held(&path) {
        return Err(StopError::NotHeld(path));
    }
    if cfg!(target_os = "linux") && !ready_file::is_open_in(&path, stamp.pid) {
        return Err(StopError::Foreign {
            pid: stamp.pid,
            why: "it does not hold the ready file that names it",
        });
    }
    // Where the system does not tell who holds it, the program has to do.
    if cfg!(target_os = "linux") { Ok(record(stamp.pid, path)) } else { stranger(stamp.pid, path) }
}

fn record(pid: u32, ready_file: PathBuf) -> Record {
    Record {
        name: pid.to_string(),
        pid,
        birth: process::birth(pid),
        since: String::new(),
        addresses: Vec::new(),
        ready_file,
        log: PathBuf::new(),
    }
}

/// Asks a server to stop, and waits until it has. One that goes on is killed if `force` says so.
///
/// # Errors
/// When it may not be asked, or goes on.
pub fn stop(
    folder: Option<&Folder>,
    record: &Record,
    patience: Duration,
    force: bool,
) -> Result<Stopped, StopError> {
    signal(record, Signal::TERM)?;
    let mut stopped = Stopped::Asked;
    if !gone(record, patience) {
        if !force {
            return Err(StopError::GoesOn { pid: record.pid, patience });
        }
        signal(record, Signal::KILL)?;
        stopped = Stopped::Killed;
        // The system takes its time to tear down a large process, but not for ever.
        if !gone(record, Duration::from_secs(30)) {
            return Err(StopError::GoesOn { pid: record.pid, patience });
        }
    }
    if let Some(folder) = folder {
        folder.forget(record);
    }
    Ok(stopped)
}

fn gone(record: &Record, patience: Duration) -> bool {
    let begun = Instant::now();
    while record.runs() {
        if begun.elapsed() >= patience {
            return false;
        }
        std::thread::sleep(LOOK);
    }
    true
}

fn signal(record: &Record, signal: Signal) -> Result<(), StopError> {
    let Some(pid) = i32::try_from(record.pid).ok().and_then(Pid::from_raw) else {
        return Err(StopError::NoProcess(record.pid));
    };
    match send(record, pid, signal) {
        // Gone before it was asked.
        Ok(()) | Err(rustix::io::Errno::SRCH) => Ok(()),
        Err(error) => Err(StopError::Io { pid: record.pid, error: error.into() }),
    }
}

/// Sends a signal to the very process that was found, even if its number were given to another this moment.
#[cfg(target_os = "linux")]
fn send(record: &Record, pid: Pid, signal: Signal) -> rustix::io::Result<()> {
    let process = rustix::process::pidfd_open(pid, rustix::process::PidfdFlags::empty())?;
    if record.runs() { rustix::process::pidfd_send_signal(&process, signal) } else { Ok(()) }
}

#[cfg(not(target_os = "linux"))]
fn send(record: &Record, pid: Pid, signal: Signal) -> rustix::io::Result<()> {
    if record.runs() { rustix::process::kill_process(pid, signal) } else { Ok(()) }
}

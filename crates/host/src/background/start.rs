//! Starting a server in the background, and waiting until it is ready.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant, SystemTime};

use serde_json::{Map, Value};

use super::folder::{Folder, FolderError};
use super::record::Record;
use crate::config::{Config, Transport};
use crate::life::line::read_ready;
use crate::life::process;
use crate::life::ready_file::{self, Stamp};

/// A server to be started.
#[derive(Debug)]
pub struct Start<'a> {
    /// The name to know it by.
    pub name: &'a str,
    /// The program, and the words behind it, without the ready file.
    pub command: (PathBuf, Vec<OsString>),
    /// The configuration that those words make.
    pub config: &'a Config,
    /// How long it may take.
    pub patience: Duration,
}

/// Why a server does not run.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The folder.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// It runs already.
    #[error("{name} runs already, as process {pid}; stop it, or start another one under another name")]
    Runs {
        /// Its name.
        name: String,
        /// Its process.
        pid: u32,
    },
    /// Somebody else is starting it.
    #[error("{0} is being started by somebody else; wait until it runs, or choose another name")]
    Contended(String),
    /// Another process has its ready file.
    #[error("the ready file {} names process {pid}, which holds it; stop it, or name another ready file", path.display())]
    Taken {
        /// The file.
        path: PathBuf,
        /// The process.
        pid: u32,
    },
    /// Standard streams need somebody at the other end.
    #[error("a server in the background has no standard input; serve http, tcp or unix instead of stdio")]
    Stdio,
    /// The system refuses.
    #[error("start {}: {error}", path.display())]
    Io {
        /// The program, or a file.
        path: PathBuf,
        /// What went wrong.
        error: io::Error,
    },
    /// It ended before it was ready.
    #[error("the server ended before it was ready ({status}); what it said is in {}", log.display())]
    Ended {
        /// How.
        status: ExitStatus,
        /// Where all that it said is.
        log: PathBuf,
        /// The last of it.
        said: String,
    },
    /// It did not become ready.
    #[error("the server was not ready within {} and was stopped; what it said is in {}", humantime::format_duration(*patience), log.display())]
    Late {
        /// How long that was.
        patience: Duration,
        /// Where all that it said is.
        log: PathBuf,
        /// The last of it.
        said: String,
    },
}

/// How often it is looked for the ready file.
const LOOK: Duration = Duration::from_millis(20);
/// How much of a log is looked at for its end, and how many lines of that are told.
const TAIL_BYTES: u64 = 16 << 10;
const TAIL_LINES: usize = 20;

impl Start<'_> {
    /// Starts it, and returns once it can be reached.
    ///
    /// # Errors
    /// When one of its name or with its ready file runs, or it does not become ready.
    pub fn run(self, folder: &Folder) -> Result<Record, StartError> {
        if self.config.transport.has(Transport::Stdio) {
            return Err(StartError::Stdio);
        }
        let Some(_lock) = folder.lock(self.name)? else {
            return Err(StartError::Contended(self.name.to_owned()));
        };
        if let Some(record) = folder.named(self.name)? {
            return Err(StartError::Runs { name: record.name, pid: record.pid });
        }
        let path = match &self.config.ready_file {
            Some(path) => {
                std::path::absolute(path).map_err(|error| StartError::Io { path: path.clone(), error })?
            }
            None => folder.ready(self.name),
        };
        if let Ok(stamp) = Stamp::read(&path)
            && ready_file::is_held(&path)
        {
            return Err(StartError::Taken { path, pid: stamp.pid });
        }
        let (ready_file, log) = (path, folder.log(self.name));
        let mut child = self.spawn(&ready_file, &log)?;
        let mut record = Record {
            name: self.name.to_owned(),
            pid: child.id(),
            birth: process::birth(child.id()),
            since: humantime::format_rfc3339_seconds(SystemTime::now()).to_string(),
            addresses: Vec::new(),
            ready_file,
            log,
        };
        let outcome = self.wait(&mut child, &mut record, folder);
        if outcome.is_err() {
            folder.forget(&record);
        }
        outcome.map(|()| record)
    }

    fn spawn(&self, ready_file: &std::path::Path, log: &std::path::Path) -> Result<Child, StartError> {
        let failed = |error| StartError::Io { path: log.to_owned(), error };
        // Others may not read what it says.
        let said =
            File::options().create(true).write(true).truncate(true).mode(0o600).open(log).map_err(failed)?;
        let (program, words) = &self.command;
        let mut flag = OsString::from("--ready-file=");
        flag.push(ready_file);
        Command::new(program)
            .args(words)
            .arg(flag)
            .stdin(Stdio::null())
            .stdout(said.try_clone().map_err(failed)?)
            .stderr(said)
            .spawn()
            .map_err(|error| StartError::Io { path: program.clone(), error })
    }

    /// Waits until it is ready, and puts down what is known of it meanwhile and then.
    fn wait(&self, child: &mut Child, record: &mut Record, folder: &Folder) -> Result<(), StartError> {
        let path = folder.record(self.name);
        let write = |record: &Record| {
            record.write(&path).map_err(|error| StartError::Io { path: path.clone(), error })
        };
        let mut outcome = write(record);
        let begun = Instant::now();
        while outcome.is_ok() {
            if Stamp::read(&record.ready_file).is_ok_and(|stamp| stamp.pid == record.pid) {
                // The file is there before the lines are.
                record.addresses = self.addresses(record);
                if record.addresses.len() == self.config.transport.iter().count() {
                    outcome = write(record);
                    if outcome.is_ok() {
                        return Ok(());
                    }
                }
            }
            let ended = child.try_wait();
            if let Ok(Some(status)) = ended {
                return Err(StartError::Ended { status, log: record.log.clone(), said: tail(record) });
            }
            if begun.elapsed() > self.patience {
                let (log, said) = (record.log.clone(), tail(record));
                outcome = Err(StartError::Late { patience: self.patience, log, said });
            } else {
                std::thread::sleep(LOOK);
            }
        }
        // What nobody knows of must not go on.
        let _ = child.kill();
        let _ = child.wait();
        outcome
    }

    /// Where it can be reached, as it says itself.
    fn addresses(&self, record: &Record) -> Vec<String> {
        let said = fs::read_to_string(&record.log).unwrap_or_default();
        let tls = self.config.tls_cert.is_some();
        said.lines().filter_map(read_ready).map(|line| address(&line, tls)).collect()
    }
}

/// One address, of the form that people paste.
fn address(line: &Map<String, Value>, tls: bool) -> String {
    let text = |name: &str| match line.get(name) {
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
        None => String::new(),
    };
    let host = text("host");
    let host = if host.contains(':') { format!("[{host}]") } else { host };
    match text("mode").as_str() {
        "http" => format!("{}://{host}:{}{}", if tls { "https" } else { "http" }, text("port"), text("path")),
        "tcp" => format!("{}://{host}:{}", if tls { "tls" } else { "tcp" }, text("port")),
        _ => format!("unix:{}", from_anywhere(text("path"))),
    }
}

/// The path of a socket as it holds in every folder: the server was started in ours.
fn from_anywhere(path: String) -> String {
    if path.starts_with('@') {
        return path;
    }
    let absolute = std::path::absolute(&path).ok();
    absolute.and_then(|absolute| absolute.to_str().map(str::to_owned)).unwrap_or(path)
}

/// The last of what a server has said.
fn tail(record: &Record) -> String {
    let read = || -> io::Result<String> {
        let mut file = File::open(&record.log)?;
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(TAIL_BYTES)))?;
        let mut bytes = Vec::new();
        file.take(TAIL_BYTES).read_to_end(&mut bytes)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    };
    let said = read().unwrap_or_default();
    let lines: Vec<&str> = said.lines().collect();
    lines.get(lines.len().saturating_sub(TAIL_LINES)..).unwrap_or_default().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_of_the_form_that_people_paste() {
        let at = |line: &str, tls| address(&read_ready(line).expect("a ready line"), tls);
        let http = "mcp:ready mode=http host=::1 port=80 path=/mcp timestamp=x";
        assert_eq!(at(http, false), "http://[::1]:80/mcp");
        assert_eq!(at(http, true), "https://[::1]:80/mcp");
        assert_eq!(
            at("mcp:ready mode=tcp host=127.0.0.1 port=7000 timestamp=x", false),
            "tcp://127.0.0.1:7000"
        );
        assert_eq!(at("mcp:ready mode=socket path=\"/a b\" timestamp=x", false), "unix:/a b");
        assert_eq!(at("mcp:ready mode=socket path=@a timestamp=x", false), "unix:@a");
    }
}

//! A server as a child process, and what the system says about it.

use std::ffi::OsStr;
use std::io::{self, BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// A server that has said where it listens. Ends when it is dropped.
#[derive(Debug)]
pub struct Server {
    child: Child,
    /// Where it listens.
    pub address: SocketAddr,
}

impl Server {
    /// Starts a program that prints its address as its first line, on core 0 where `taskset` can see to it.
    ///
    /// # Errors
    /// When it cannot be started or says no address.
    pub fn start(program: &Path, arguments: &[impl AsRef<OsStr>]) -> io::Result<Self> {
        let mut command = pinned(program);
        command.args(arguments).stdout(Stdio::piped()).stdin(Stdio::null());
        let mut child = command.spawn()?;
        let mut line = String::new();
        if let Some(stdout) = child.stdout.take() {
            BufReader::new(stdout).read_line(&mut line)?;
        }
        match line.trim().parse() {
            Ok(address) => Ok(Self { child, address }),
            Err(_) => {
                child.kill()?;
                child.wait()?;
                Err(io::Error::other(format!("{} said {line:?} instead of its address", program.display())))
            }
        }
    }

    /// CPU time of all its threads so far, in nanoseconds.
    ///
    /// # Errors
    /// Where there is no `/proc`.
    pub fn cpu_nanos(&self) -> io::Result<u64> {
        cpu_nanos(&self.child)
    }

    /// A line of its `/proc` status in KiB: `VmRSS`, `VmHWM`.
    ///
    /// # Errors
    /// Where there is no `/proc`.
    pub fn status_kib(&self, name: &str) -> io::Result<u64> {
        let text = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        line.and_then(|line| line.split_whitespace().next()?.parse().ok())
            .ok_or_else(|| io::Error::other(format!("no {name}")))
    }

    /// Forgets the peak of its memory, so that `VmHWM` begins anew.
    ///
    /// # Errors
    /// Where the system does not allow it.
    pub fn forget_peak(&self) -> io::Result<()> {
        std::fs::write(format!("/proc/{}/clear_refs", self.child.id()), "5")
    }
}

/// A command that runs a program on core 0, where `taskset` can see to it.
pub(crate) fn pinned(program: &Path) -> Command {
    let taskset = Command::new("taskset").arg("--version").stdout(Stdio::null()).status();
    if taskset.is_ok() {
        let mut command = Command::new("taskset");
        command.args(["-c", "0"]).arg(program);
        command
    } else {
        Command::new(program)
    }
}

/// CPU time of all threads of a process so far, in nanoseconds.
pub(crate) fn cpu_nanos(child: &Child) -> io::Result<u64> {
    let mut sum = 0;
    for task in std::fs::read_dir(format!("/proc/{}/task", child.id()))? {
        let text = std::fs::read_to_string(task?.path().join("schedstat"))?;
        sum += text.split_whitespace().next().and_then(|word| word.parse::<u64>().ok()).unwrap_or(0);
    }
    Ok(sum)
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

//! A child process with all its descendants, which ends when the value is dropped.

use std::{
    env,
    ffi::OsStr,
    io,
    process::{Child, Command, ExitStatus},
};

/// A command for `program` without the variables by which the developer's own servers are configured.
#[must_use]
pub fn command(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    for (name, _) in env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("LATIMER_") || text.starts_with("MCP_") {
            command.env_remove(&name);
        }
    }
    command
}

/// A child process in a process group of its own.
#[derive(Debug)]
pub struct ProcessGroup {
    child: Child,
}

impl ProcessGroup {
    /// Starts `command` as the leader of a new group.
    ///
    /// # Errors
    /// As [`Command::spawn`].
    pub fn spawn(command: &mut Command) -> io::Result<Self> {
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(command, 0);
        Ok(Self { child: command.spawn()? })
    }

    /// The process that was started.
    pub fn child(&mut self) -> &mut Child {
        &mut self.child
    }

    /// Kills the whole group and waits for its leader.
    ///
    /// # Errors
    /// As [`Child::wait`].
    pub fn kill(&mut self) -> io::Result<ExitStatus> {
        #[cfg(unix)]
        if let Some(group) = i32::try_from(self.child.id()).ok().and_then(rustix::process::Pid::from_raw) {
            // The group may be gone already; then there is nothing left to do.
            let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        }
        // Already ended is fine here as well.
        let _ = self.child.kill();
        self.child.wait()
    }
}

impl Drop for ProcessGroup {
    fn drop(&mut self) {
        let _ = self.kill();
    }
}

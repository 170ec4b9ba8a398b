//! A child process from its start to its end.

use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use latimer_protocol::codec::line::LineEvent;
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::pipe;
use crate::error::{ClientError, Fault};
use crate::target::{Command, Stderr};

/// How long the exit status of a server that closed its stdout is waited for, and the end of the stdout of a
/// server that exited.
const STATUS_LIMIT: Duration = Duration::from_millis(500);

/// How long a line of stderr may be.
const STDERR_LINE: usize = 64 * 1024;

/// A running child process. Dropping it begins its end; so does the end of the runtime.
pub(super) struct Process {
    closing: CancellationToken,
    exit: Exit,
}

/// The two pipes that carry messages.
pub(super) struct Pipes {
    pub(super) stdin: ChildStdin,
    pub(super) stdout: ChildStdout,
}

/// Tells when and how the process ended.
#[derive(Clone)]
pub(super) struct Exit {
    program: String,
    status: watch::Receiver<Option<String>>,
}

impl Process {
    /// Starts it in a process group of its own, and the task that sees to its end.
    pub(super) fn start(command: &Command, grace: Duration) -> Result<(Self, Pipes), ClientError> {
        let program = command.program.to_string_lossy().into_owned();
        let failed = |source| Fault::Spawn { program: program.clone(), source };
        let mut child = prepare(command).spawn().map_err(failed)?;
        let (Some(stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(failed(std::io::ErrorKind::BrokenPipe.into()).into());
        };
        if let (Some(stderr), Stderr::Lines(hear)) = (child.stderr.take(), &command.stderr) {
            tokio::spawn(relay(stderr, hear.clone()));
        }
        let closing = CancellationToken::new();
        let (status, ended) = watch::channel(None);
        tokio::spawn(supervise(child, closing.clone(), grace, status));
        Ok((Self { closing, exit: Exit { program, status: ended } }, Pipes { stdin, stdout }))
    }

    /// Trips when the end begins.
    pub(super) fn closing(&self) -> CancellationToken {
        self.closing.clone()
    }

    pub(super) fn exit(&self) -> Exit {
        self.exit.clone()
    }

    /// Begins the end and waits for it.
    pub(super) async fn close(&self) {
        self.closing.cancel();
        self.exit.clone().ended().await;
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.closing.cancel();
    }
}

impl Exit {
    pub(super) fn program(&self) -> &str {
        &self.program
    }

    /// The exit status, if the process ends soon.
    pub(super) async fn status(&mut self) -> Option<String> {
        let _ = tokio::time::timeout(STATUS_LIMIT, self.ended()).await;
        self.status.borrow().clone()
    }

    /// Waits for the end of the process, and a moment longer for what it wrote last.
    pub(super) async fn left_behind(mut self) {
        self.ended().await;
        tokio::time::sleep(STATUS_LIMIT).await;
    }

    async fn ended(&mut self) {
        // An error means that the supervisor is gone, and the process with it.
        let _ = self.status.wait_for(Option::is_some).await;
    }
}

/// Hands the server's stderr to a function, line by line.
async fn relay(stderr: ChildStderr, hear: Arc<dyn Fn(&str) + Send + Sync>) {
    // Where it breaks off, there is nothing more to hear.
    let _ = pipe::lines(stderr, STDERR_LINE, |event| {
        if let LineEvent::Line(line) = event {
            hear(&String::from_utf8_lossy(&line));
        }
    })
    .await;
}

fn prepare(command: &Command) -> tokio::process::Command {
    let mut prepared = tokio::process::Command::new(&command.program);
    prepared
        .args(&command.args)
        .envs(command.envs.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(match &command.stderr {
            Stderr::Inherit => Stdio::inherit(),
            Stderr::Discard => Stdio::null(),
            Stderr::Lines(_) => Stdio::piped(),
        })
        .kill_on_drop(true);
    if let Some(folder) = &command.folder {
        prepared.current_dir(folder);
    }
    #[cfg(unix)]
    prepared.process_group(0);
    prepared
}

/// Waits for the process to end, by itself or on demand (STDIO-4): its stdin is closed by whoever writes to
/// it, then it has `grace` to go, then SIGTERM and `grace` again, then SIGKILL.
async fn supervise(
    mut child: Child,
    closing: CancellationToken,
    grace: Duration,
    report: watch::Sender<Option<String>>,
) {
    let status = tokio::select! {
        status = child.wait() => status,
        () = closing.cancelled() => end(&mut child, grace).await,
    };
    let status = status.map_or_else(|error| error.to_string(), |status| status.to_string());
    report.send_replace(Some(status));
}

async fn end(child: &mut Child, grace: Duration) -> std::io::Result<std::process::ExitStatus> {
    #[cfg(unix)]
    for signal in [None, Some(rustix::process::Signal::TERM)] {
        if let Some(signal) = signal {
            signal_group(child, signal);
        }
        if let Ok(status) = tokio::time::timeout(grace, child.wait()).await {
            return status;
        }
    }
    #[cfg(not(unix))]
    if let Ok(status) = tokio::time::timeout(grace, child.wait()).await {
        return status;
    }
    #[cfg(unix)]
    signal_group(child, rustix::process::Signal::KILL);
    let _ = child.start_kill();
    child.wait().await
}

/// Signals the process and what it started. Its id is ours until it has been waited for.
#[cfg(unix)]
fn signal_group(child: &Child, signal: rustix::process::Signal) {
    let id = child.id().and_then(|id| i32::try_from(id).ok()).and_then(rustix::process::Pid::from_raw);
    if let Some(id) = id {
        // It may be gone already.
        let _ = rustix::process::kill_process_group(id, signal);
    }
}

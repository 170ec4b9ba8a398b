//! Running the program. Every wait has an end, and no process outlives its test.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, ChildStderr, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

/// The program.
pub(crate) const LATIMER: &str = env!("CARGO_BIN_EXE_latimer");

/// The longest that anything may take.
const LIMIT: Duration = Duration::from_secs(120);

/// What a run came to.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ran {
    /// The standard output of a run that went well.
    pub(crate) fn ok(self) -> String {
        assert_eq!(self.code, Some(0), "{self:?}");
        self.stdout
    }

    /// The same without what a server's program tells whoever watches it.
    pub(crate) fn without_life_lines(mut self) -> Self {
        let others = self.stderr.lines().filter(|line| !line.starts_with("mcp:"));
        self.stderr = others.map(|line| format!("{line}\n")).collect();
        self
    }

    /// All of it as one text, for a snapshot.
    pub(crate) fn shown(&self) -> String {
        let code = self.code.map_or("killed".to_owned(), |code| code.to_string());
        format!(
            "exit code: {code}\n--- stdout\n{}\n--- stderr\n{}",
            self.stdout.trim_end(),
            self.stderr.trim_end()
        )
    }
}

/// The program in `folder`, without the variables by which the developer's own servers are configured.
pub(crate) fn latimer(folder: &Path) -> Command {
    let mut command = Command::new(LATIMER);
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("LATIMER_") || text.starts_with("MCP_") {
            command.env_remove(&name);
        }
    }
    command.env("NO_COLOR", "1").current_dir(folder);
    command
}

/// Runs the program in an empty folder to its end.
pub(crate) fn run(args: &[&str]) -> Ran {
    let folder = tempfile::tempdir().unwrap();
    run_in(folder.path(), args, "")
}

/// Runs the program in `folder` with this standard input to its end.
pub(crate) fn run_in(folder: &Path, args: &[&str], input: &str) -> Ran {
    let mut command = latimer(folder);
    command.args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut process = Process::start(&mut command);
    let mut stdin = process.0.stdin.take().unwrap();
    let input = input.to_owned();
    std::thread::spawn(move || {
        // A program that does not read its input is not at fault.
        let _ = stdin.write_all(input.as_bytes());
    });
    let stdout = read(process.0.stdout.take().unwrap());
    let stderr = read(process.0.stderr.take().unwrap());
    let stdout = stdout.recv_timeout(LIMIT).unwrap_or_else(|_| panic!("latimer {args:?} does not end"));
    let stderr = stderr.recv_timeout(LIMIT).unwrap_or_else(|_| panic!("latimer {args:?} does not end"));
    Ran { code: process.ended().code(), stdout, stderr }
}

fn read(mut from: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        let _ = from.read_to_end(&mut bytes);
        let _ = sender.send(String::from_utf8_lossy(&bytes).into_owned());
    });
    receiver
}

/// A child process that ends at the latest with its value.
pub(crate) struct Process(pub(crate) Child);

impl Process {
    pub(crate) fn start(command: &mut Command) -> Self {
        Self(command.spawn().unwrap())
    }

    /// Sends it a signal.
    #[cfg(unix)]
    pub(crate) fn signal(&self, signal: rustix::process::Signal) {
        rustix::process::kill_process(rustix::process::Pid::from_child(&self.0), signal).unwrap();
    }

    /// Waits for its end, which its closed output has announced.
    pub(crate) fn ended(&mut self) -> ExitStatus {
        self.0.wait().unwrap()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The lines of a process's standard error, as they come.
pub(crate) struct Lines(Receiver<String>);

impl Lines {
    pub(crate) fn of(stderr: ChildStderr) -> Self {
        let (sender, receiver) = channel();
        // Reads to the end, so that the process never stands before a full pipe.
        std::thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                let _ = sender.send(line);
            }
        });
        Self(receiver)
    }

    /// Those of nothing.
    #[cfg(unix)]
    pub(crate) fn empty() -> Self {
        Self(channel().1)
    }

    /// The next line that `wanted` takes.
    pub(crate) fn find<T>(&self, wanted: impl Fn(&str) -> Option<T>) -> T {
        let mut seen = Vec::new();
        loop {
            match self.0.recv_timeout(LIMIT) {
                Ok(line) => match wanted(&line) {
                    Some(found) => return found,
                    None => seen.push(line),
                },
                Err(_) => panic!("the line did not come; there were:\n{}", seen.join("\n")),
            }
        }
    }

    /// What is left, when the process has closed it.
    pub(crate) fn rest(&self) -> String {
        let mut rest = String::new();
        while let Ok(line) = self.0.recv_timeout(LIMIT) {
            rest.push_str(&line);
            rest.push('\n');
        }
        rest
    }
}

/// `latimer serve` on a free port.
pub(crate) struct Served {
    pub(crate) url: String,
    pub(crate) process: Process,
    pub(crate) lines: Lines,
    folder: tempfile::TempDir,
}

impl Served {
    /// With all demo sources.
    pub(crate) fn start() -> Self {
        Self::with("", &[])
    }

    /// With this configuration file and these further flags.
    pub(crate) fn with(config: &str, args: &[&str]) -> Self {
        let (process, lines, folder) = Self::launch(config, args);
        let url = lines.find(|line| {
            let start = line.find("http://127.0.0.1:")?;
            let url = line[start..].split(['"', ' ']).next()?;
            url.ends_with("/mcp").then(|| url.to_owned())
        });
        Self { url, process, lines, folder }
    }

    /// Where it runs.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The same with a TCP port and a Unix socket beside HTTP; returns their URLs.
    pub(crate) fn on_sockets(config: &str) -> (Self, [String; 2]) {
        let served = Self::with(config, &["--tcp", "127.0.0.1:0", "--unix", "mcp.sock"]);
        let port = ready_port(&served.lines);
        let path = served.folder.path().join("mcp.sock");
        (served, [format!("tcp://127.0.0.1:{port}"), format!("unix:{}", path.display())])
    }

    /// The process alone, with what it says from the first line on.
    pub(crate) fn launch(config: &str, args: &[&str]) -> (Process, Lines, tempfile::TempDir) {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("latimer.yaml"), config).unwrap();
        let mut command = latimer(folder.path());
        command.args(["serve", "--http", "127.0.0.1:0"]).args(args);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut process = Process::start(&mut command);
        let lines = Lines::of(process.0.stderr.take().unwrap());
        (process, lines, folder)
    }
}

/// The TCP port at which a server says that it is ready.
pub(crate) fn ready_port(lines: &Lines) -> String {
    lines.find(|line| {
        let said = line.strip_prefix("mcp:ready mode=tcp host=127.0.0.1 port=")?;
        said.split(' ').next().map(str::to_owned)
    })
}

/// Runs a client command against `latimer serve`, over HTTP, sockets and a program; all have to come to the same.
pub(crate) fn over_all(command: &str, words: &[&str]) -> Ran {
    let (served, sockets) = Served::on_sockets("");
    let over = |url: &str| {
        let args: Vec<&str> = [command, url].into_iter().chain(words.iter().copied()).collect();
        run(&args)
    };
    let over_http = over(&served.url);
    for url in &sockets {
        assert_eq!(over_http.shown(), over(url).shown(), "{url}");
    }
    let program = ["--", LATIMER, "serve", "--stdio", "--log-level", "error"];
    let args: Vec<&str> = [command].into_iter().chain(words.iter().copied()).chain(program).collect();
    let over_stdio = run(&args).without_life_lines();
    assert_eq!(over_http.shown(), over_stdio.shown());
    over_http
}

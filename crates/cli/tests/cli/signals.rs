//! How the program ends when it is told to, on every transport and whatever it is doing.
//!
//! `LATIMER_SOAK_ROUNDS` says how often each case is gone through; twice, if it does not.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::os::unix::process::ExitStatusExt as _;
use std::process::Stdio;
use std::time::Duration;

use rustix::process::Signal;
use serde_json::json;

use crate::support::{LATIMER, Lines, Process, latimer};
use crate::wire::{MODES, Served};

/// Calls get little time to end in.
const HURRIED: &str = "limits: {drain: 10ms}\n";
const PATIENT: &str = "limits: {drain: 1h}\n";

fn rounds() -> usize {
    std::env::var("LATIMER_SOAK_ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(2)
}

/// Goes through one case on every transport with both signals.
fn each(case: impl Fn(&'static str, Signal)) {
    for _ in 0..rounds() {
        for mode in MODES {
            for signal in [Signal::INT, Signal::TERM] {
                case(mode, signal);
            }
        }
    }
}

/// Sends the signal, and holds the end of the process against it.
fn end(served: &mut Served, signal: Signal) -> String {
    served.process.signal(signal);
    let (status, rest) = served.ended();
    assert_eq!(status.signal(), Some(signal.as_raw()), "{} {status} {rest}", served.mode);
    rest
}

#[test]
fn an_idle_server_ends_by_the_signal() {
    each(|mode, signal| {
        let mut served = Served::start(mode, "");
        // A client that is there and says nothing is no reason to stay.
        let _client = (mode != "stdio").then(|| served.client());
        end(&mut served, signal);
    });
}

#[test]
fn a_call_in_flight_is_cut_off_after_the_drain_time() {
    each(|mode, signal| {
        let mut served = Served::start(mode, HURRIED);
        let mut client = served.client();
        client.send(
            "tools/call",
            json!({ "name": "countdown", "arguments": { "steps": 1000, "delay_ms": 100 } }),
        );
        client.hear("notifications/progress");
        end(&mut served, signal);
        assert!(!client.rest().contains("Counted down"));
    });
}

#[test]
fn a_call_in_flight_may_end_within_the_drain_time() {
    each(|mode, signal| {
        let mut served = Served::start(mode, PATIENT);
        let mut client = served.client();
        client
            .send("tools/call", json!({ "name": "countdown", "arguments": { "steps": 5, "delay_ms": 40 } }));
        client.hear("notifications/progress");
        end(&mut served, signal);
        let rest = client.rest();
        assert!(rest.contains("Counted down from 5."), "{mode}: {rest}");
    });
}

#[test]
fn a_stream_that_waits_for_changes_is_ended() {
    each(|mode, signal| {
        let mut served = Served::start(mode, PATIENT);
        let mut client = served.client();
        client.send("subscriptions/listen", json!({ "notifications": { "toolsListChanged": true } }));
        client.hear("notifications/subscriptions/acknowledged");
        end(&mut served, signal);
        let rest = client.rest();
        assert!(rest.contains("\"result\""), "{mode}: {rest}");
    });
}

#[test]
fn a_server_that_starts_ends_by_the_signal() {
    each(|mode, signal| {
        let mut served = Served::launch(mode, "");
        served.lines.find(|line| line.contains("LATIMER_NOTHING").then_some(()));
        end(&mut served, signal);
    });
}

/// In the few milliseconds in which the system loads the program there is nobody who could tell of it.
#[test]
fn a_server_that_has_hardly_begun_ends_by_the_signal() {
    each(|mode, signal| {
        let mut served = Served::launch(mode, "");
        served.process.signal(signal);
        let rest = served.lines.rest();
        let status = served.process.ended();
        assert_eq!(status.signal(), Some(signal.as_raw()), "{mode} {status} {rest}");
        let count = |begin: &str| rest.lines().filter(|line| line.starts_with(begin)).count();
        assert!(count("mcp:ready ") <= count("mcp:shutdown "), "{rest}");
        assert!(!served.file("ready").exists() && !served.file("s").exists());
    });
}

/// Starts a server whose configuration is a pipe that nobody has written to, and waits until it heeds signals.
#[cfg(target_os = "linux")]
fn reading() -> (Process, Lines, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("latimer.yaml");
    rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, rustix::fs::Mode::RWXU, 0)
        .unwrap();
    let mut command = latimer(folder.path());
    command.args(["serve", "--config", "latimer.yaml", "--tcp", "0"]);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut process = Process::start(&mut command);
    let lines = Lines::of(process.0.stderr.take().unwrap());
    let heeds = || {
        let status = std::fs::read_to_string(format!("/proc/{}/status", process.0.id())).unwrap();
        let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).unwrap().trim().to_owned();
        u64::from_str_radix(&caught, 16).unwrap() & (1 << (Signal::TERM.as_raw() - 1)) != 0
    };
    while !heeds() {
        std::thread::yield_now();
    }
    (process, lines, folder)
}

#[test]
#[cfg(target_os = "linux")]
fn a_signal_that_comes_while_the_configuration_is_read_is_told_of() {
    // As soon as they are heeded: many times, to meet every moment of that.
    for signal in [Signal::INT, Signal::TERM].repeat(10 * rounds()) {
        let (mut process, lines, folder) = reading();
        process.signal(signal);
        std::fs::write(folder.path().join("latimer.yaml"), "limits: {drain: 1s}\n").unwrap();
        let rest = lines.rest();
        assert_eq!(process.ended().signal(), Some(signal.as_raw()), "{rest}");
        assert_eq!(rest.matches("mcp:shutdown event=shutdown mode=tcp ").count(), 1, "{rest}");
    }
}

#[test]
#[cfg(target_os = "linux")]
fn a_configuration_that_never_comes_does_not_keep_the_process() {
    for times in [1, 2] {
        let (mut process, _lines, _folder) = reading();
        for _ in 0..times {
            process.signal(Signal::TERM);
        }
        assert_eq!(process.ended().signal(), Some(Signal::TERM.as_raw()));
    }
}

#[test]
fn a_signal_is_not_overtaken_by_the_end_of_the_input() {
    for _ in 0..20 * rounds() {
        let mut served = Served::start("stdio", "");
        served.process.signal(Signal::TERM);
        drop(served.stdin.take());
        let (status, rest) = served.ended();
        assert_eq!(status.signal(), Some(Signal::TERM.as_raw()), "{status} {rest}");
    }
}

#[test]
fn whoever_asks_twice_does_not_wait() {
    each(|mode, signal| {
        let mut served = Served::start(mode, PATIENT);
        let mut client = served.client();
        client.send(
            "tools/call",
            json!({ "name": "countdown", "arguments": { "steps": 1000, "delay_ms": 100 } }),
        );
        client.hear("notifications/progress");
        served.process.signal(Signal::TERM);
        served.lines.find(|line| line.contains("asked to stop").then_some(()));
        end(&mut served, signal);
    });
}

#[test]
fn standard_streams_beside_a_listener_end_the_process_with_their_input() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = latimer(folder.path());
    command.args(["serve", "--stdio", "--tcp", "0", "--unix", "s", "--ready-file", "ready"]);
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut process = Process::start(&mut command);
    let lines = Lines::of(process.0.stderr.take().unwrap());
    for mode in ["stdio", "tcp", "socket"] {
        lines.find(|line| line.contains(&format!("mcp:ready mode={mode} ")).then_some(()));
    }
    drop(process.0.stdin.take());
    let rest = lines.rest();
    assert_eq!(process.ended().code(), Some(0), "{rest}");
    assert_eq!(rest.matches("mcp:shutdown event=shutdown mode=").count(), 3, "{rest}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn lines_are_told_whatever_the_level_of_the_log_and_in_its_format() {
    let mut served = Served::start("tcp", "log_level: error\n");
    let rest = end(&mut served, Signal::TERM);
    assert_eq!(rest.lines().count(), 1, "{rest}");

    let folder = tempfile::tempdir().unwrap();
    let mut command = latimer(folder.path());
    command.args(["serve", "--unix", "a b", "--log-format", "json", "--log-level", "error"]);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut process = Process::start(&mut command);
    let lines = Lines::of(process.0.stderr.take().unwrap());
    let read = |line: &str| serde_json::from_str::<serde_json::Value>(line).unwrap();
    let ready = lines.find(|line| Some(read(line)));
    assert_eq!(
        (&ready["event"], &ready["mode"], &ready["path"]),
        (&"ready".into(), &"socket".into(), &"a b".into())
    );
    process.signal(Signal::TERM);
    let shutdown = read(lines.rest().trim_end());
    assert_eq!((&shutdown["event"], &shutdown["path"]), (&"shutdown".into(), &"a b".into()));
}

#[test]
fn a_standard_error_that_nobody_reads_any_more_neither_kills_nor_holds_up() {
    for signal in [Signal::INT, Signal::TERM] {
        let folder = tempfile::tempdir().unwrap();
        let mut command = latimer(folder.path());
        command.args(["serve", "--unix", "s", "--ready-file", "ready"]);
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(writer);
        let mut process = Process::start(&mut command);
        while !folder.path().join("ready").exists() {
            assert!(process.0.try_wait().unwrap().is_none(), "it lives without a standard error");
            std::thread::yield_now();
        }
        process.signal(signal);
        assert_eq!(process.ended().signal(), Some(signal.as_raw()));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}

#[test]
fn a_standard_error_that_is_never_read_holds_up_neither_clients_nor_signals() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = latimer(folder.path());
    command.args(["serve", "--unix", "s", "--ready-file", "ready", "--log-level", "trace", "--load", "echo"]);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut process = Process::start(&mut command);
    let mut unread = process.0.stderr.take().unwrap();
    while !folder.path().join("ready").exists() {
        assert!(process.0.try_wait().unwrap().is_none(), "it starts");
        std::thread::yield_now();
    }
    // Each is answered, once what there is to log of it is logged.
    let ask = |message: &[u8], times: usize| {
        let mut socket = UnixStream::connect(folder.path().join("s")).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        let mut answers = BufReader::new(socket.try_clone().unwrap()).lines();
        for _ in 0..times {
            socket.write_all(message).unwrap();
            assert!(answers.next().unwrap().unwrap().contains("\"id\""));
        }
    };
    // The log tells of the first few messages of each connection that are refused.
    for _ in 0..200 {
        ask(b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/list\",\"params\":7}\n", 16);
    }
    process.signal(Signal::TERM);
    assert_eq!(process.ended().signal(), Some(Signal::TERM.as_raw()));
    // It stood before a pipe that was full.
    let mut said = String::new();
    unread.read_to_string(&mut said).unwrap();
    assert!(said.len() > 48 << 10 && !said.contains("mcp:shutdown"), "{}", said.len());
}

#[test]
fn of_two_servers_with_one_ready_file_the_second_does_not_start() {
    let mut first = Served::start("tcp", "");
    let file = std::fs::read_to_string(first.file("ready")).unwrap();
    assert!(file.starts_with(&format!("{} ", first.process.0.id())), "{file}");
    let mut command = latimer(first.file("ready").parent().unwrap());
    command.args(["serve", "--tcp", "0", "--ready-file", "ready"]);
    let out = command.stdin(Stdio::null()).output().unwrap();
    let said = String::from_utf8(out.stderr).unwrap();
    assert_eq!(out.status.code(), Some(1), "{said}");
    assert!(
        said.contains(&format!("names process {}", first.process.0.id())) && !said.contains("mcp:"),
        "{said}"
    );
    assert_eq!(std::fs::read_to_string(first.file("ready")).unwrap(), file);
    first.client().send("tools/list", json!({}));

    // One that was killed leaves its file, which is no reason not to start.
    first.process.signal(Signal::KILL);
    first.process.ended();
    let left = tempfile::tempdir().unwrap();
    std::fs::copy(first.file("ready"), left.path().join("ready")).unwrap();
    let mut command = latimer(left.path());
    command
        .args(["serve", "--tcp", "0", "--ready-file", "ready"])
        .stdin(Stdio::null())
        .stderr(Stdio::piped());
    let mut process = Process::start(&mut command);
    let lines = Lines::of(process.0.stderr.take().unwrap());
    lines.find(|line| line.starts_with("mcp:ready ").then_some(()));
    let file = std::fs::read_to_string(left.path().join("ready")).unwrap();
    assert!(file.starts_with(&format!("{} ", process.0.id())), "{file}");
}

#[test]
fn of_many_that_start_at_once_with_one_ready_file_exactly_one_does() {
    for round in 0..rounds() {
        let folder = tempfile::tempdir().unwrap();
        // Every other time they find what a dead one has left.
        if round % 2 == 1 {
            let mut dead = std::process::Command::new("true").spawn().unwrap();
            dead.wait().unwrap();
            std::fs::write(folder.path().join("ready"), format!("{} 2026-11-26T09:00:00Z\n", dead.id()))
                .unwrap();
        }
        let mut all: Vec<(Process, Lines)> = (0..6)
            .map(|_| {
                let mut command = latimer(folder.path());
                command.args(["serve", "--tcp", "0", "--ready-file", "ready", "--log-level", "error"]);
                command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
                let mut process = Process::start(&mut command);
                let lines = Lines::of(process.0.stderr.take().unwrap());
                (process, lines)
            })
            .collect();
        let said: Vec<String> =
            all.iter().map(|(_, lines)| lines.find(|line| Some(line.to_owned()))).collect();
        let is_ready = |said: &String| said.starts_with("mcp:ready ");
        assert_eq!(said.iter().filter(|said| is_ready(said)).count(), 1, "{said:?}");
        for ((process, lines), said) in all.iter_mut().zip(&said) {
            if is_ready(said) {
                let file = std::fs::read_to_string(folder.path().join("ready")).unwrap();
                assert!(file.starts_with(&format!("{} ", process.0.id())), "{file}");
                process.signal(Signal::TERM);
            } else {
                assert!(said.contains("the ready file"), "{said}");
            }
            lines.rest();
            let status = process.ended();
            assert!(status.code() == Some(1) || (is_ready(said) && status.signal() == Some(15)), "{status}");
        }
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}

/// Starts the program at a terminal, and closes the terminal once it is ready.
const TERMINAL: &str = r#"
import os, pty, sys
pid, terminal = pty.fork()
if pid == 0:
    os.execv(sys.argv[1], sys.argv[1:])
said = b""
while b"mcp:ready " not in said:
    said += os.read(terminal, 4096)
os.close(terminal)
status = os.waitpid(pid, 0)[1]
print(os.WTERMSIG(status) if os.WIFSIGNALED(status) else "exit %d" % os.WEXITSTATUS(status))
"#;

#[test]
fn a_server_at_a_terminal_ends_when_that_is_closed() {
    let folder = tempfile::tempdir().unwrap();
    let serve = [LATIMER, "serve", "--tcp", "0", "--ready-file", "ready"];
    let mut command = std::process::Command::new("python3");
    command.current_dir(folder.path()).args(["-c", TERMINAL]).args(serve);
    let out = command.stdin(Stdio::null()).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&out.stdout), "1\n", "{out:?}");
    assert!(!folder.path().join("ready").exists());
}

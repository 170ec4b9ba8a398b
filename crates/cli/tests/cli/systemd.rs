//! A service manager that starts the program: what it is told, and the sockets that it hands over.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpStream;
use std::os::unix::net::{UnixDatagram, UnixStream};
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use rustix::process::Signal;

use crate::support::{LATIMER, Lines, Process, latimer};

const PING: &[u8] = b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}\n";

#[test]
fn the_service_manager_is_told_of_the_start_the_reload_the_end_and_that_it_is_alive() {
    let folder = tempfile::tempdir().unwrap();
    let manager = UnixDatagram::bind(folder.path().join("notify")).unwrap();
    manager.set_read_timeout(Some(Duration::from_secs(120))).unwrap();
    let mut command = latimer(folder.path());
    command.args(["serve", "--tcp", "0"]).stdin(Stdio::null()).stderr(Stdio::null());
    command.env("NOTIFY_SOCKET", folder.path().join("notify")).env("WATCHDOG_USEC", "20000");
    let mut process = Process::start(&mut command);
    let hear = |wanted: &str| {
        let mut buffer = [0; 4096];
        loop {
            let length = manager.recv(&mut buffer).unwrap();
            let said = String::from_utf8_lossy(&buffer[..length]).into_owned();
            if said.lines().any(|line| line == wanted) {
                return said;
            }
            assert_eq!(said, "WATCHDOG=1\n", "before {wanted}");
        }
    };
    hear("READY=1");
    (0..3).for_each(|_| drop(hear("WATCHDOG=1")));
    process.signal(Signal::HUP);
    assert!(hear("RELOADING=1").contains("MONOTONIC_USEC="));
    hear("READY=1");
    process.signal(Signal::TERM);
    hear("STOPPING=1");
    assert_eq!(process.ended().signal(), Some(15));
}

/// Opens sockets as a service manager does, and becomes the program: `tcp:NAME` or `unix:NAME` for each, a Unix socket at
/// the path `NAME.sock`.
const MANAGER: &str = r#"
import fcntl, os, socket, sys
specs, program = sys.argv[1].split(","), sys.argv[2:]
held = []
for spec in specs:
    kind, name = spec.split(":")
    one = socket.socket(socket.AF_UNIX if kind == "unix" else socket.AF_INET)
    one.bind(name + ".sock" if kind == "unix" else ("127.0.0.1", 0))
    one.listen()
    held.append(fcntl.fcntl(one.fileno(), fcntl.F_DUPFD, 100))
for index, fd in enumerate(held):
    os.dup2(fd, 3 + index)
os.environ.update(LISTEN_FDS=str(len(held)), LISTEN_PID=str(os.getpid()))
os.environ["LISTEN_FDNAMES"] = ":".join(spec.split(":")[1] for spec in specs)
os.execv(program[0], program)
"#;

fn handed_over(folder: &Path, sockets: &str, args: &[&str]) -> (Process, Lines) {
    let plain = latimer(folder);
    let mut command = Command::new("python3");
    for (name, value) in plain.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    command.current_dir(folder).args(["-c", MANAGER, sockets, LATIMER, "serve"]).args(args);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut process = Process::start(&mut command);
    let lines = Lines::of(process.0.stderr.take().unwrap());
    (process, lines)
}

fn port(lines: &Lines, mode: &str) -> u16 {
    let begin = format!("mcp:ready mode={mode} ");
    lines.find(|line| {
        let port = line.strip_prefix(&begin)?.split_once("port=")?.1.split(' ').next()?;
        port.parse().ok()
    })
}

fn answered(mut socket: impl std::io::Read + std::io::Write) {
    socket.write_all(PING).unwrap();
    let mut line = String::new();
    BufReader::new(socket).read_line(&mut line).unwrap();
    assert!(line.contains("\"id\":1"), "{line}");
}

#[test]
fn sockets_that_are_handed_over_are_served_each_by_its_transport() {
    let folder = tempfile::tempdir().unwrap();
    let args = ["--http", "1", "--tcp", "1", "--unix", "other"];
    let (mut process, lines) = handed_over(folder.path(), "unix:s,tcp:tcp,tcp:http", &args);
    let (http, tcp) = (port(&lines, "http"), port(&lines, "tcp"));
    lines.find(|line| line.starts_with("mcp:ready mode=socket path=s.sock").then_some(()));
    answered(UnixStream::connect(folder.path().join("s.sock")).unwrap());
    answered(TcpStream::connect(("127.0.0.1", tcp)).unwrap());
    let mut socket = TcpStream::connect(("127.0.0.1", http)).unwrap();
    socket.write_all(b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").unwrap();
    let mut line = String::new();
    BufReader::new(socket).read_line(&mut line).unwrap();
    assert!(line.starts_with("HTTP/1.1 "), "{line}");
    process.signal(Signal::TERM);
    lines.rest();
    assert_eq!(process.ended().signal(), Some(15));
    // Whoever made the socket keeps its file.
    assert!(folder.path().join("s.sock").exists() && !folder.path().join("other").exists());
}

#[test]
fn a_tcp_socket_without_a_name_is_for_the_transport_that_is_served() {
    for (flag, mode) in [("--http", "http"), ("--tcp", "tcp")] {
        let folder = tempfile::tempdir().unwrap();
        let (_process, lines) = handed_over(folder.path(), "tcp:latimer.socket", &[flag, "1"]);
        assert_ne!(port(&lines, mode), 1);
    }
}

#[test]
fn a_socket_that_no_transport_can_take_is_told() {
    for (sockets, args, told) in [
        ("tcp:x", &["--http", "1", "--tcp", "1"][..], "FileDescriptorName=http"),
        ("unix:x", &["--http", "1"], "a socket for unix, which transport does not have"),
        ("tcp:tcp", &["--http", "1"], "a socket for tcp, which transport does not have"),
        ("tcp:http,tcp:http", &["--http", "1"], "two sockets for http"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let (mut process, lines) = handed_over(folder.path(), sockets, args);
        let said = lines.rest();
        assert_eq!((process.ended().code(), said.lines().count()), (Some(2), 1), "{said}");
        assert!(said.contains(told), "{said}");
    }
}

//! What hostile clients send to byte streams: the memory stays flat, and everybody else is served.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::os::unix::net::UnixStream;
use std::process::Stdio;
use std::time::Duration;

use super::support::{Lines, Process, latimer};

/// Both kinds of sockets.
trait Socket: Read + Write + Send {
    fn half_close(&self);
    fn again(&self) -> Box<dyn Socket>;
}

impl Socket for TcpStream {
    fn half_close(&self) {
        self.shutdown(Shutdown::Write).unwrap();
    }

    fn again(&self) -> Box<dyn Socket> {
        Box::new(self.try_clone().unwrap())
    }
}

impl Socket for UnixStream {
    fn half_close(&self) {
        self.shutdown(Shutdown::Write).unwrap();
    }

    fn again(&self) -> Box<dyn Socket> {
        Box::new(self.try_clone().unwrap())
    }
}

struct Server {
    process: Process,
    tcp: String,
    unix: String,
    _folder: tempfile::TempDir,
}

/// How long anything may take.
const LIMIT: Duration = Duration::from_secs(60);

impl Server {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let unix = folder.path().join("s").display().to_string();
        let mut command = latimer(folder.path());
        command.args(["serve", "--load", "echo", "--log-level", "error", "--tcp", "0", "--unix", &unix]);
        command.env("LATIMER_BARE_METHODS", "true").env("LATIMER_LIMITS_CONNECTIONS", "32");
        let mut process =
            Process::start(command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()));
        let lines = Lines::of(process.0.stderr.take().unwrap());
        let port = lines.find(|line| {
            let port = line.strip_prefix("mcp:ready mode=tcp host=127.0.0.1 port=")?;
            Some(port.split(' ').next()?.to_owned())
        });
        lines.find(|line| line.starts_with("mcp:ready mode=socket").then_some(()));
        Self { process, tcp: format!("127.0.0.1:{port}"), unix, _folder: folder }
    }

    fn connect(&self, is_tcp: bool) -> Box<dyn Socket> {
        if is_tcp {
            let socket = TcpStream::connect(&self.tcp).unwrap();
            socket.set_read_timeout(Some(LIMIT)).unwrap();
            socket.set_write_timeout(Some(LIMIT)).unwrap();
            Box::new(socket)
        } else {
            let socket = UnixStream::connect(&self.unix).unwrap();
            socket.set_read_timeout(Some(LIMIT)).unwrap();
            socket.set_write_timeout(Some(LIMIT)).unwrap();
            Box::new(socket)
        }
    }

    /// A line of the system's account of the process, in KiB.
    fn memory(&self, name: &str) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.0.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).unwrap();
        line.trim().trim_end_matches(" kB").parse().unwrap()
    }

    /// Forgets what the process has needed at most so far.
    fn forget_peak(&self) {
        std::fs::write(format!("/proc/{}/clear_refs", self.process.0.id()), "5").unwrap();
    }

    /// Asks something, and is answered; once those that left are forgotten, where the server is full.
    fn assert_serves(&self, is_tcp: bool) {
        loop {
            let mut socket = self.connect(is_tcp);
            socket
                .write_all(
                    b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"echo\",\"params\":{\"message\":\"here\"}}",
                )
                .unwrap();
            socket.half_close();
            let mut answer = String::new();
            socket.read_to_string(&mut answer).unwrap();
            if answer.contains("here") {
                return;
            }
            assert!(answer.contains("all the 32 connections"), "{answer}");
        }
    }

    /// Sends something while its answers are read, and returns how many lines they came to.
    fn pour(&self, is_tcp: bool, blocks: impl Iterator<Item = Vec<u8>>) -> usize {
        let mut socket = self.connect(is_tcp);
        let answers = BufReader::new(socket.again());
        // What is not read the server would have to keep.
        let reading = std::thread::spawn(move || answers.split(b'\n').map(Result::unwrap).count());
        for block in blocks {
            socket.write_all(&block).unwrap();
        }
        socket.half_close();
        reading.join().unwrap()
    }

    /// All that is tried.
    fn attack(&self, is_tcp: bool) {
        let megabyte = || vec![b'x'; 1 << 20];
        // A line of 64 MiB that ends, and one that does not.
        let endless = || (0..64).map(|_| megabyte());
        assert_eq!(self.pour(is_tcp, endless().chain([b"\n".to_vec()])), 1);
        assert_eq!(self.pour(is_tcp, endless()), 1);
        let brackets = || [vec![b'['; 1 << 20], b"\n".to_vec()].concat();
        assert_eq!(self.pour(is_tcp, (0..8).map(|_| brackets())), 8);
        assert_eq!(self.pour(is_tcp, (0..8).map(|_| [vec![0; 1 << 20], b"\n".to_vec()].concat())), 8);
        assert_eq!(self.pour(is_tcp, (0..8).map(|_| [vec![0xff; 1 << 20], b"\n".to_vec()].concat())), 8);
        // Empty lines are not answered, and there may be as many as one likes.
        assert_eq!(self.pour(is_tcp, (0..8).map(|_| vec![b'\n'; 1 << 20])), 0);
        let calls = b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"echo\",\"params\":{\"message\":\"a\"}}\n"
            .repeat(1_000);
        assert_eq!(self.pour(is_tcp, (0..20).map(|_| calls.clone())), 20_000);
        // Those past the cap are told so, and all are let go.
        let crowd: Vec<_> = (0..64).map(|_| self.connect(is_tcp)).collect();
        drop(crowd);
        self.assert_serves(is_tcp);
        // A client that asks and never reads; it is let go when it leaves.
        let mut deaf = self.connect(is_tcp);
        let large = format!(
            "{{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"echo\",\"params\":{{\"message\":\"{}\"}}}}\n",
            "y".repeat(100_000)
        );
        for _ in 0..8 {
            deaf.write_all(large.as_bytes()).unwrap();
        }
        drop(deaf);
    }
}

#[test]
fn memory_stays_flat_whatever_is_sent() {
    let server = Server::start();
    let both = [true, false];
    for is_tcp in both {
        server.attack(is_tcp);
    }
    let warm = server.memory("VmRSS");
    for _ in 0..2 {
        for is_tcp in both {
            server.attack(is_tcp);
            server.assert_serves(is_tcp);
        }
    }
    let end = server.memory("VmRSS");
    println!("resident after the first round {warm} KiB, after two more {end} KiB");
    assert!(end * 10 <= warm * 11, "{warm} KiB grew to {end} KiB");
}

#[test]
fn a_line_of_64_mib_costs_no_more_than_the_longest_line() {
    let server = Server::start();
    for is_tcp in [true, false] {
        server.assert_serves(is_tcp);
        let before = server.memory("VmRSS");
        server.forget_peak();
        assert_eq!(server.pour(is_tcp, (0..64).map(|_| vec![b'x'; 1 << 20])), 1);
        let peak = server.memory("VmHWM");
        println!("before {before} KiB, at most {peak} KiB");
        // A message of 1 MiB has to fit, and grows there; what comes after it is not kept.
        assert!(peak <= before + 3 * 1024, "{before} KiB rose to {peak} KiB");
    }
}

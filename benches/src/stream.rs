//! A closed loop over one byte stream: as many calls are in flight as wanted, and each answer is followed by a call.

use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, ChildStderr, Stdio};
use std::time::{Duration, Instant};

use memchr::memmem::Finder;

use crate::message::{self, Client};
use crate::payload::{self, Payload};
use crate::process;

/// A server as a child process, and one connection to it. Ends when it is dropped.
pub struct Peer {
    child: Child,
    input: Box<dyn Read>,
    output: Box<dyn Write>,
    buffer: Vec<u8>,
    next: u64,
    _stderr: Option<BufReader<ChildStderr>>,
}

/// What a stretch of time came to.
#[derive(Clone, Copy, Debug)]
pub struct Sample {
    /// CPU time of the server for each call, in microseconds.
    pub micros: f64,
    /// Calls in a second.
    pub rate: f64,
}

impl Peer {
    /// Starts a program that speaks on its standard streams, on core 0.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn stdio(program: &Path, arguments: &[&str]) -> io::Result<Self> {
        let mut command = process::pinned(program);
        command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn()?;
        let (Some(output), Some(input)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(ErrorKind::BrokenPipe.into());
        };
        Ok(Self::over(child, Box::new(input), Box::new(output), None))
    }

    /// Starts a program that says on standard error, `mcp:ready … port=N`, where it listens, and connects.
    ///
    /// # Errors
    /// When it cannot be started, or ends without having said so.
    pub fn tcp(program: &Path, arguments: &[&str]) -> io::Result<Self> {
        let mut command = process::pinned(program);
        command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn()?;
        let mut stderr = BufReader::new(child.stderr.take().ok_or(ErrorKind::BrokenPipe)?);
        let port = match ready_port(&mut stderr) {
            Ok(port) => port,
            Err(error) => {
                child.kill()?;
                child.wait()?;
                return Err(error);
            }
        };
        let stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_nodelay(true)?;
        let input = stream.try_clone()?;
        Ok(Self::over(child, Box::new(input), Box::new(stream), Some(stderr)))
    }

    fn over(
        child: Child,
        input: Box<dyn Read>,
        output: Box<dyn Write>,
        stderr: Option<BufReader<ChildStderr>>,
    ) -> Self {
        Self { child, input, output, buffer: Vec::new(), next: 2, _stderr: stderr }
    }

    /// Opens a session of 2025-11-25. Calls of 2026-07-28 need none.
    ///
    /// # Errors
    /// When the connection breaks off or the answer is no result.
    pub fn initialize(&mut self) -> io::Result<()> {
        writeln!(self.output, "{}", message::INITIALIZE)?;
        let mut answered = false;
        while !answered {
            self.answers(|line| answered = line.windows(8).any(|word| word == b"\"result\""))?;
        }
        writeln!(self.output, "{}", message::INITIALIZED)
    }

    /// Makes calls for a time, `flight` of them at once.
    ///
    /// # Errors
    /// When the connection breaks off or an answer does not bring the text back.
    pub fn load(&mut self, client: Client, flight: usize, time: Duration) -> io::Result<Sample> {
        let text = Finder::new(payload::TEXT);
        let (began, before) = (Instant::now(), process::cpu_nanos(&self.child)?);
        let (mut calls, mut waiting, mut wrong) = (0_u64, 0, 0);
        loop {
            let more = if began.elapsed() < time { flight - waiting } else { 0 };
            self.call(client, more)?;
            waiting += more;
            if waiting == 0 {
                break;
            }
            let mut came = 0;
            self.answers(|line| {
                came += 1;
                wrong += usize::from(text.find(line).is_none());
            })?;
            waiting = waiting.saturating_sub(came);
            calls += came as u64;
        }
        if wrong > 0 {
            return Err(io::Error::other(format!("{wrong} of {calls} answers do not bring the text back")));
        }
        let spent = process::cpu_nanos(&self.child)? - before;
        let calls = calls.max(1) as f64;
        Ok(Sample { micros: spent as f64 / 1e3 / calls, rate: calls / began.elapsed().as_secs_f64() })
    }

    /// Sends several calls in one write.
    fn call(&mut self, client: Client, several: usize) -> io::Result<()> {
        let mut batch = String::new();
        for _ in 0..several {
            batch.push_str(&message::call_body(client, Payload::SMALL, self.next));
            batch.push('\n');
            self.next += 1;
        }
        self.output.write_all(batch.as_bytes())
    }

    /// Reads once and hands out the lines that are there.
    fn answers(&mut self, mut take: impl FnMut(&[u8])) -> io::Result<()> {
        let mut chunk = [0; 64 << 10];
        let read = self.input.read(&mut chunk)?;
        if read == 0 {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        self.buffer.extend_from_slice(&chunk[..read]);
        let Some(end) = memchr::memrchr(b'\n', &self.buffer) else { return Ok(()) };
        self.buffer[..end].split(|byte| *byte == b'\n').for_each(&mut take);
        self.buffer.drain(..=end);
        Ok(())
    }
}

/// Reads standard error up to the line that says the port.
fn ready_port(stderr: &mut impl BufRead) -> io::Result<u16> {
    let mut said = String::new();
    for line in stderr.lines() {
        let line = line?;
        let port = line.strip_prefix("mcp:ready ").and_then(|rest| {
            rest.split(' ').find_map(|word| word.strip_prefix("port=")).and_then(|port| port.parse().ok())
        });
        if let Some(port) = port {
            return Ok(port);
        }
        said = said + &line + "\n";
    }
    Err(io::Error::other(format!("the server did not say that it is ready:\n{said}")))
}

impl std::fmt::Debug for Peer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Peer").field("child", &self.child).finish_non_exhaustive()
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

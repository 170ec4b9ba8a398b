//! A closed loop over keep-alive connections: each sends a request when the answer to the last one is there.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

/// One HTTP/1.1 answer with a length.
#[derive(Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The header block.
    pub head: String,
    /// The body.
    pub body: Vec<u8>,
}

/// A keep-alive connection.
#[derive(Debug)]
pub struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Connection {
    /// Connects.
    ///
    /// # Errors
    /// When nothing listens there.
    pub fn open(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(30)))?;
        Ok(Self { stream, buffer: Vec::with_capacity(8192) })
    }

    /// Sends a request and reads its answer, whose body has to have a length.
    ///
    /// # Errors
    /// When the connection breaks off or the answer has no length.
    pub fn exchange(&mut self, request: &[u8]) -> io::Result<Answer> {
        self.stream.write_all(request)?;
        self.buffer.clear();
        let mut chunk = [0; 16 << 10];
        loop {
            let read = self.stream.read(&mut chunk)?;
            if read == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            self.buffer.extend_from_slice(&chunk[..read]);
            let Some(end) = self.buffer.windows(4).position(|four| four == b"\r\n\r\n") else { continue };
            let head = String::from_utf8_lossy(&self.buffer[..end]).into_owned();
            let length = header(&head, "content-length").and_then(|value| value.parse::<usize>().ok());
            let length = length.ok_or_else(|| io::Error::other("the answer has no length"))?;
            if self.buffer.len() >= end + 4 + length {
                let status = head.split(' ').nth(1).and_then(|word| word.parse().ok()).unwrap_or(0);
                return Ok(Answer { status, body: self.buffer[end + 4..end + 4 + length].to_vec(), head });
            }
        }
    }
}

/// The value of a header.
pub fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let mut lines = head.lines().filter_map(|line| line.split_once(':'));
    lines.find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
}

/// Sends the same request over `connections` connections for a time; tells how many answers came.
///
/// # Errors
/// When a connection fails or an answer is not a 200.
pub fn run(address: SocketAddr, request: &[u8], connections: usize, time: Duration) -> io::Result<u64> {
    let (stop, count) = (AtomicBool::new(false), AtomicU64::new(0));
    std::thread::scope(|scope| {
        let worker = || -> io::Result<()> {
            let mut connection = Connection::open(address)?;
            while !stop.load(Ordering::Relaxed) {
                let answer = connection.exchange(request)?;
                if answer.status != 200 {
                    return Err(io::Error::other(format!("status {}", answer.status)));
                }
                count.fetch_add(1, Ordering::Relaxed);
            }
            Ok(())
        };
        let workers: Vec<_> = (0..connections).map(|_| scope.spawn(worker)).collect();
        std::thread::sleep(time);
        stop.store(true, Ordering::Relaxed);
        workers
            .into_iter()
            .try_for_each(|worker| worker.join().unwrap_or_else(|_| Err(io::Error::other("a worker died"))))
    })?;
    Ok(count.into_inner())
}

//! A closed loop over keep-alive connections: each sends a request when the answer to the last one is there.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// One HTTP/1.1 answer.
#[derive(Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The header block.
    pub head: String,
    /// The body, with the sizes of its chunks where it came in chunks.
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

    /// Sends a request, and leaves its answer unread.
    ///
    /// # Errors
    /// When the connection breaks off.
    pub fn send(&mut self, request: &[u8]) -> io::Result<()> {
        self.stream.write_all(request)
    }

    /// Sends a request and reads the head of its answer, whose body goes on.
    ///
    /// # Errors
    /// When the connection breaks off.
    pub fn begin(&mut self, request: &[u8]) -> io::Result<Answer> {
        self.send(request)?;
        self.buffer.clear();
        let mut chunk = [0; 1024];
        loop {
            let read = self.stream.read(&mut chunk)?;
            if read == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            self.buffer.extend_from_slice(&chunk[..read]);
            if let Some(head) = Head::read(&self.buffer) {
                return Ok(Answer { status: head.status, head: head.text, body: Vec::new() });
            }
        }
    }

    /// Sends a request and reads its answer, whose body has a length or comes in chunks.
    ///
    /// # Errors
    /// When the connection breaks off.
    pub fn exchange(&mut self, request: &[u8]) -> io::Result<Answer> {
        self.send(request)?;
        self.buffer.clear();
        let mut chunk = [0; 64 << 10];
        let mut head = None;
        loop {
            let read = self.stream.read(&mut chunk)?;
            if read == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            self.buffer.extend_from_slice(&chunk[..read]);
            if head.is_none() {
                head = Head::read(&self.buffer);
            }
            if let Some(head) = head.take_if(|head| head.is_followed_by_all(&self.buffer)) {
                let body = self.buffer[head.end..].to_vec();
                return Ok(Answer { status: head.status, head: head.text, body });
            }
        }
    }
}

/// The head of an answer.
struct Head {
    text: String,
    status: u16,
    /// Where the body begins.
    end: usize,
    /// `None` for a body in chunks.
    length: Option<usize>,
}

impl Head {
    fn read(buffer: &[u8]) -> Option<Self> {
        let end = memchr::memmem::find(buffer, b"\r\n\r\n")?;
        let text = String::from_utf8_lossy(&buffer[..end]).into_owned();
        let status = text.split(' ').nth(1).and_then(|word| word.parse().ok()).unwrap_or(0);
        let length = match header(&text, "transfer-encoding") {
            Some(_) => None,
            None => Some(header(&text, "content-length").and_then(|value| value.parse().ok()).unwrap_or(0)),
        };
        Some(Self { text, status, end: end + 4, length })
    }

    /// Whether the body is there to its end. Nothing comes after it before the next request.
    fn is_followed_by_all(&self, buffer: &[u8]) -> bool {
        match self.length {
            Some(length) => buffer.len() >= self.end + length,
            None => buffer[self.end..].ends_with(b"0\r\n\r\n"),
        }
    }
}

/// The value of a header.
pub fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let mut lines = head.lines().filter_map(|line| line.split_once(':'));
    lines.find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
}

/// How long each of the calls took that were made in a stretch of time, in nanoseconds and ascending.
#[derive(Clone, Debug, Default)]
pub struct Latencies(Vec<u64>);

impl Latencies {
    /// How many calls there were.
    pub fn calls(&self) -> usize {
        self.0.len()
    }

    /// What so many hundredths of the calls took at the most, in microseconds.
    pub fn percentile(&self, hundredths: usize) -> f64 {
        let at = self.0.len() * hundredths / 100;
        self.0.get(at.min(self.0.len().saturating_sub(1))).map_or(0.0, |&nanos| nanos as f64 / 1e3)
    }
}

/// Sends each of the requests over and over for a time, over a connection of its own.
///
/// # Errors
/// When a connection fails or an answer is not a 200.
pub fn run(address: SocketAddr, requests: &[Vec<u8>], time: Duration) -> io::Result<Latencies> {
    let stop = AtomicBool::new(false);
    let mut all = std::thread::scope(|scope| {
        let worker = |request: &[u8]| -> io::Result<Vec<u64>> {
            let mut connection = Connection::open(address)?;
            let mut latencies = Vec::new();
            while !stop.load(Ordering::Relaxed) {
                let began = Instant::now();
                let answer = connection.exchange(request)?;
                latencies.push(began.elapsed().as_nanos() as u64);
                if answer.status != 200 {
                    return Err(io::Error::other(format!("status {}", answer.status)));
                }
            }
            Ok(latencies)
        };
        let workers: Vec<_> = requests.iter().map(|request| scope.spawn(move || worker(request))).collect();
        std::thread::sleep(time);
        stop.store(true, Ordering::Relaxed);
        let join = |worker: std::thread::ScopedJoinHandle<'_, _>| {
            worker.join().unwrap_or_else(|_| Err(io::Error::other("a worker died")))
        };
        workers.into_iter().map(join).collect::<io::Result<Vec<_>>>()
    })?
    .concat();
    all.sort_unstable();
    Ok(Latencies(all))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_with_a_length_ends_there() {
        let text = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nabcd";
        let head = Head::read(text).unwrap();
        assert!(head.is_followed_by_all(text) && !head.is_followed_by_all(&text[..text.len() - 1]));
        assert_eq!((head.status, &text[head.end..]), (200, &b"abcd"[..]));
    }

    #[test]
    fn an_answer_in_chunks_ends_with_the_empty_one() {
        let text = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nabcd\r\n0\r\n\r\n";
        let head = Head::read(text).unwrap();
        assert!(head.is_followed_by_all(text) && !head.is_followed_by_all(&text[..text.len() - 5]));
    }

    #[test]
    fn a_percentile_is_that_of_a_call() {
        let latencies = Latencies((1..=200).map(|micros| micros * 1000).collect());
        assert_eq!((latencies.percentile(50), latencies.percentile(99)), (101.0, 199.0));
        assert_eq!(Latencies::default().percentile(99), 0.0);
    }
}

//! Standard error: one thread writes it, and nobody else waits for it.
//!
//! Whoever started the process may never read what it says. The pipe is full then, and a write to it waits for ever; a server
//! that logged so would stand still for all its clients. What is said waits here instead, in order, and for no longer than
//! there is room: what is logged beyond that is lost and counted. What tells of the life of the process is never lost here,
//! and overtakes the log where lines were lost.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use crate::logging::{self, LogFormat};

/// The most lines, and bytes, of the log that wait.
const MOST_LINES: usize = 4096;
const MOST_BYTES: usize = 1 << 20;
/// How long the end of a process waits for what it has said to be read.
const PATIENCE: Duration = Duration::from_secs(1);

/// Says why the process ends, after all that was said before. Waits until it is written, but for a second or two at most.
pub fn last_words(text: &str) {
    flush();
    tell(text.to_owned());
    flush();
}

/// Waits until all that was said is written, but for a second at most.
pub fn flush() {
    ours().flush(PATIENCE);
}

/// Says something that is not to be lost.
pub(crate) fn tell(text: String) {
    ours().tell(text);
}

/// What takes lines of the log, one with each `write`. It never waits.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Log(pub(crate) LogFormat);

impl Write for Log {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        ours().log(line, self.0);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// That of this process.
fn ours() -> &'static Queue {
    static OURS: OnceLock<Queue> = OnceLock::new();
    OURS.get_or_init(|| Queue::before(io::stderr()))
}

/// What is said and not written yet.
#[derive(Debug, Default)]
struct Queue(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    /// There is something to write.
    more: Condvar,
    /// There is nothing left to write.
    done: Condvar,
}

#[derive(Debug, Default)]
struct State {
    waiting: VecDeque<Said>,
    /// How many bytes of the log wait, and how many lines.
    log_bytes: usize,
    log_lines: usize,
    /// How many lines of the log are lost and not told of, and in which format to tell.
    lost: Option<(u64, LogFormat)>,
    is_writing: bool,
}

#[derive(Debug)]
struct Said {
    text: Vec<u8>,
    is_log: bool,
}

impl Queue {
    /// Begins to write what is said to `output`. If that fails, what is said is lost; nothing else happens.
    fn before(mut output: impl Write + Send + 'static) -> Self {
        let queue = Self::default();
        let shared = Arc::clone(&queue.0);
        // Without a thread nothing is ever written; a process that can have none does not come to serve either.
        let _ = std::thread::Builder::new().name("standard-error".to_owned()).spawn(move || {
            loop {
                let text = shared.next();
                // Nobody is left to tell when standard error itself cannot be written.
                let _ = output.write_all(&text).and_then(|()| output.flush());
            }
        });
        queue
    }

    fn log(&self, line: &[u8], format: LogFormat) {
        let mut state = self.0.state();
        let (mut lines, mut bytes) = (MOST_LINES, MOST_BYTES);
        if state.lost.is_some() {
            // Whoever is behind catches up first: the log is read in long pieces then, with few gaps.
            (lines, bytes) = (lines / 2, bytes / 2);
        }
        if state.log_lines >= lines || state.log_bytes.saturating_add(line.len()) > bytes {
            let lost = state.lost.map_or(0, |(lost, _)| lost);
            state.lost = Some((lost.saturating_add(1), format));
            return;
        }
        if let Some(told) = state.told_of_lost() {
            state.push_log(told);
        }
        state.push_log(line.to_vec());
        self.0.more.notify_one();
    }

    fn tell(&self, text: String) {
        let mut state = self.0.state();
        let said = Said { text: text.into_bytes(), is_log: false };
        if state.lost.is_some() {
            let first = state.waiting.iter().take_while(|said| !said.is_log).count();
            state.waiting.insert(first, said);
        } else {
            state.waiting.push_back(said);
        }
        self.0.more.notify_one();
    }

    fn flush(&self, patience: Duration) {
        let state = self.0.state();
        let is_busy = |state: &mut State| state.is_writing || !state.is_empty();
        drop(self.0.done.wait_timeout_while(state, patience, is_busy));
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next to be written, once what was taken before is.
    fn next(&self) -> Vec<u8> {
        let mut state = self.state();
        state.is_writing = false;
        if state.is_empty() {
            self.done.notify_all();
        }
        let mut state =
            self.more.wait_while(state, |state| state.is_empty()).unwrap_or_else(PoisonError::into_inner);
        state.is_writing = true;
        let said = state.take();
        drop(state);
        said
    }
}

impl State {
    fn is_empty(&self) -> bool {
        self.waiting.is_empty() && self.lost.is_none()
    }

    fn push_log(&mut self, line: Vec<u8>) {
        self.log_lines += 1;
        self.log_bytes += line.len();
        self.waiting.push_back(Said { text: line, is_log: true });
    }

    /// What comes next; once nothing else waits, how much was lost behind it.
    fn take(&mut self) -> Vec<u8> {
        let Some(said) = self.waiting.pop_front() else { return self.told_of_lost().unwrap_or_default() };
        if said.is_log {
            self.log_lines = self.log_lines.saturating_sub(1);
            self.log_bytes = self.log_bytes.saturating_sub(said.text.len());
        }
        said.text
    }

    fn told_of_lost(&mut self) -> Option<Vec<u8>> {
        let (lost, format) = self.lost.take()?;
        Some(logging::lost(lost, format).into_bytes())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    #[test]
    fn nobody_waits_for_a_pipe_that_is_not_read_and_what_is_lost_is_told() {
        let (mut reader, writer) = io::pipe().expect("a pipe");
        let queue = Queue::before(writer.try_clone().expect("a copy"));
        let line = [[b'x'; 1023].as_slice(), b"\n"].concat();
        for _ in 0..3_000 {
            queue.log(&line, LogFormat::Text);
        }
        queue.flush(Duration::ZERO);
        queue.tell("mcp:shutdown\n".to_owned());
        drop(writer);
        let mut said = String::new();
        let mut block = [0; 4096];
        while !said.contains("standard error") {
            let read = reader.read(&mut block).expect("readable");
            said.push_str(std::str::from_utf8(&block[..read]).expect("ASCII"));
        }
        let lines: Vec<&str> = said.lines().collect();
        let shutdown = lines.iter().position(|line| *line == "mcp:shutdown").expect("told");
        // What is in the pipe comes before it, and one line that is being written.
        assert!(shutdown <= 66, "{shutdown}");
        let written = lines.iter().filter(|line| line.starts_with('x')).count();
        assert!((1024..=1024 + 66).contains(&written), "{written}");
        assert!(said.contains(&format!("lines={}", 3_000 - written)), "{}", lines[lines.len() - 1]);
    }

    #[test]
    fn as_long_as_none_is_lost_all_come_in_order() {
        let (mut reader, writer) = io::pipe().expect("a pipe");
        let queue = Queue::before(writer);
        queue.log(b"one\n", LogFormat::Text);
        queue.tell("two\n".to_owned());
        queue.log(b"three\n", LogFormat::Text);
        let mut said = [0; 14];
        reader.read_exact(&mut said).expect("readable");
        assert_eq!(&said, b"one\ntwo\nthree\n");
    }
}

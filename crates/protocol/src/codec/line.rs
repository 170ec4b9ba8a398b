//! Newline-delimited messages, as stdio and socket transports carry them.

use bytes::{Buf, Bytes, BytesMut};
use memchr::memchr;

/// How long one message may be unless told otherwise: 1 MiB.
pub const DEFAULT_MAX: usize = 1024 * 1024;

/// What a [`LineDecoder`] found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LineEvent {
    /// One line without its end. Never empty.
    Line(Bytes),
    /// A line longer than the limit began. Told once; the rest of the line is discarded.
    TooLong,
}

/// Cuts a stream of bytes into lines.
///
/// Feed it with [`push`](Self::push), then take events until there are none; at the end of the stream call
/// [`finish`](Self::finish). A line that lies whole within one chunk is handed out without a copy. `\r\n` ends
/// a line as `\n` does, and lines of nothing but white space are skipped. A line beyond the limit costs no memory: it is reported
/// once, discarded up to its newline, and reading goes on.
#[derive(Debug)]
pub struct LineDecoder {
    max: usize,
    /// The newest chunk, not looked at yet.
    chunk: Bytes,
    /// The beginning of a line from earlier chunks.
    partial: BytesMut,
    discarding: bool,
}

impl Default for LineDecoder {
    fn default() -> Self {
        Self::new(DEFAULT_MAX)
    }
}

impl LineDecoder {
    /// A decoder for lines of up to `max` bytes, their end not counted.
    pub fn new(max: usize) -> Self {
        Self { max, chunk: Bytes::new(), partial: BytesMut::new(), discarding: false }
    }

    /// Lets lines that are not looked at yet have up to `max` bytes.
    pub fn allow(&mut self, max: usize) {
        self.max = max;
    }

    /// Takes the next bytes. Events of earlier ones come first.
    pub fn push(&mut self, chunk: Bytes) {
        if self.chunk.is_empty() {
            self.chunk = chunk;
        } else if !chunk.is_empty() {
            let mut joined = BytesMut::with_capacity(self.chunk.len() + chunk.len());
            joined.extend_from_slice(&self.chunk);
            joined.extend_from_slice(&chunk);
            self.chunk = joined.freeze();
        }
    }

    /// The next event; `None` when more bytes are needed.
    pub fn next_event(&mut self) -> Option<LineEvent> {
        while !self.chunk.is_empty() {
            let Some(end) = memchr(b'\n', &self.chunk) else {
                return self.keep_rest();
            };
            let piece = self.chunk.split_to(end);
            self.chunk.advance(1);
            if std::mem::take(&mut self.discarding) {
                continue;
            }
            let line = if self.partial.is_empty() {
                piece
            } else {
                if self.partial.len() + piece.len() <= self.max + 1 {
                    self.keep(&piece);
                } else {
                    self.partial.clear();
                    return Some(LineEvent::TooLong);
                }
                self.partial.split().freeze()
            };
            if let Some(event) = self.whole(line) {
                return Some(event);
            }
        }
        None
    }

    /// The last line, if the stream ended without a newline. Take every other event first.
    pub fn finish(&mut self) -> Option<LineEvent> {
        if std::mem::take(&mut self.discarding) {
            self.partial.clear();
            return None;
        }
        let line = self.partial.split().freeze();
        self.whole(line)
    }

    /// How many bytes of memory are kept for a line whose end has not come. The newest chunk is not counted.
    pub fn held(&self) -> usize {
        self.partial.capacity()
    }

    /// Keeps what may be the beginning of a line, or gives it up as too long.
    fn keep_rest(&mut self) -> Option<LineEvent> {
        let rest = std::mem::take(&mut self.chunk);
        if self.discarding {
            return None;
        }
        // One byte beyond the limit may still be the `\r` of a line's end.
        let length = self.partial.len() + rest.len();
        let fits = length <= self.max || (length == self.max + 1 && rest.last() == Some(&b'\r'));
        if fits {
            self.keep(&rest);
            return None;
        }
        self.partial = BytesMut::new();
        self.discarding = true;
        Some(LineEvent::TooLong)
    }

    /// Adds to the beginning of a line. What is kept never takes more than the longest line would.
    fn keep(&mut self, piece: &[u8]) {
        let length = self.partial.len() + piece.len();
        if length > self.partial.capacity() {
            let mut larger = BytesMut::with_capacity(length.next_power_of_two().min(self.max + 1));
            larger.extend_from_slice(&self.partial);
            self.partial = larger;
        }
        self.partial.extend_from_slice(piece);
    }

    fn whole(&self, mut line: Bytes) -> Option<LineEvent> {
        let length = if line.last() == Some(&b'\r') { line.len() - 1 } else { line.len() };
        if length > self.max {
            return Some(LineEvent::TooLong);
        }
        line.truncate(length);
        let blank = line.iter().all(|byte| matches!(byte, b' ' | b'\t' | b'\r'));
        (!blank).then_some(LineEvent::Line(line))
    }
}

/// Appends a message and its newline. Line breaks inside the JSON text, where they can only be white space, become spaces.
pub fn write_line(json: &[u8], out: &mut Vec<u8>) {
    let start = out.len();
    out.extend_from_slice(json);
    flatten(out.get_mut(start..).unwrap_or_default());
    out.push(b'\n');
}

/// Replaces the line breaks of JSON text, where they can only be white space, by spaces.
pub fn flatten(json: &mut [u8]) {
    let mut from = 0;
    while let Some(rest) = json.get_mut(from..) {
        let Some(at) = memchr::memchr2(b'\n', b'\r', rest) else { return };
        if let Some(byte) = rest.get_mut(at) {
            *byte = b' ';
        }
        from += at + 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(max: usize, chunks: &[&'static str]) -> Vec<LineEvent> {
        let mut decoder = LineDecoder::new(max);
        let mut events = Vec::new();
        for chunk in chunks {
            decoder.push(Bytes::from_static(chunk.as_bytes()));
            events.extend(std::iter::from_fn(|| decoder.next_event()));
        }
        events.extend(decoder.finish());
        events
    }

    fn line(text: &'static str) -> LineEvent {
        LineEvent::Line(Bytes::from_static(text.as_bytes()))
    }

    #[test]
    fn lines_end_with_either_newline_and_blank_ones_are_skipped() {
        assert_eq!(decode(9, &["a\r\n\r\n \n\nb", "\n", "c"]), [line("a"), line("b"), line("c")]);
    }

    #[test]
    fn the_limit_counts_a_line_without_its_end() {
        assert_eq!(decode(3, &["abc\r\nabcd\nx\n"]), [line("abc"), LineEvent::TooLong, line("x")]);
        assert_eq!(decode(3, &["abc\r", "\nx\n"]), [line("abc"), line("x")]);
        assert_eq!(decode(3, &["abc\r", "d", "\nx\n"]), [LineEvent::TooLong, line("x")]);
        assert_eq!(decode(3, &["ab", "cd\nx"]), [LineEvent::TooLong, line("x")]);
        assert_eq!(decode(3, &["abcd"]), [LineEvent::TooLong]);
    }

    #[test]
    fn the_default_limit_passes_1_mib_and_not_one_byte_more() {
        for (length, passes) in [(1_048_576, true), (1_048_577, false)] {
            let mut decoder = LineDecoder::default();
            let mut bytes = vec![b'a'; length];
            bytes.push(b'\n');
            decoder.push(Bytes::from(bytes));
            assert_eq!(matches!(decoder.next_event(), Some(LineEvent::Line(_))), passes);
        }
    }

    #[test]
    fn an_oversized_line_is_told_once_and_holds_no_memory() {
        let mut decoder = LineDecoder::new(8);
        let mut events = Vec::new();
        for _ in 0..1000 {
            decoder.push(Bytes::from_static(&[b'x'; 64]));
            events.extend(std::iter::from_fn(|| decoder.next_event()));
            assert!(decoder.held() <= 64);
        }
        decoder.push(Bytes::from_static(b"\nafter\n"));
        events.extend(std::iter::from_fn(|| decoder.next_event()));
        assert_eq!(events, [LineEvent::TooLong, line("after")]);
    }

    #[test]
    fn the_beginning_of_a_line_takes_no_more_than_the_longest_line() {
        let mut decoder = LineDecoder::new(1_000_000);
        let mut events = Vec::new();
        while events.is_empty() {
            decoder.push(Bytes::from_static(&[b'x'; 1_000]));
            events.extend(std::iter::from_fn(|| decoder.next_event()));
            assert!(decoder.partial.capacity() <= 1_000_001, "{}", decoder.partial.capacity());
        }
        assert_eq!((events, decoder.partial.capacity()), (vec![LineEvent::TooLong], 0));
    }

    #[test]
    fn a_line_within_one_chunk_is_not_copied() {
        let chunk = Bytes::from_static(b"one\ntwo\n");
        let mut decoder = LineDecoder::default();
        decoder.push(chunk.clone());
        let Some(LineEvent::Line(one)) = decoder.next_event() else { panic!("no line") };
        assert_eq!(one.as_ptr(), chunk.as_ptr());
    }

    #[test]
    fn written_messages_hold_no_line_break_of_their_own() {
        let mut out = Vec::new();
        write_line(b"{\r\n \"a\":\"\\n\"}\n", &mut out);
        assert_eq!(out, b"{   \"a\":\"\\n\"} \n");
    }
}

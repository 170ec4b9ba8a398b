//! Server-sent events, as the WHATWG HTML standard (§9.2) defines them: written by servers, read by clients.

use bytes::{Buf, Bytes};
use memchr::memchr2;

/// One event to be sent.
#[derive(Debug, Clone, Copy, Default)]
pub struct Event<'a> {
    /// What a client resumes after. Line breaks and NUL cannot be carried and are left out.
    pub id: Option<&'a str>,
    /// The kind of event; without one it is `message`. Line breaks cannot be carried and are left out.
    pub event: Option<&'a str>,
    /// How many milliseconds a client should wait before it connects again.
    pub retry: Option<u64>,
    /// What it says. Text of several lines (`\n`, `\r\n` or `\r`) arrives with `\n` between them.
    pub data: &'a [u8],
}

/// Appends an event.
pub fn write_event(event: &Event<'_>, out: &mut Vec<u8>) {
    out.reserve(event.data.len() + 64);
    if let Some(kind) = event.event {
        write_field(b"event: ", kind, out);
    }
    if let Some(id) = event.id {
        write_field(b"id: ", id, out);
    }
    if let Some(retry) = event.retry {
        write_field(b"retry: ", &retry.to_string(), out);
    }
    write_lines(b"data: ", event.data, out);
    out.push(b'\n');
}

/// Appends the event that opens a stream of 2025-11-25: an id to resume after, and no data.
pub fn write_priming(id: &str, retry: Option<u64>, out: &mut Vec<u8>) {
    write_event(&Event { id: Some(id), retry, ..Event::default() }, out);
}

/// Appends a comment, which clients ignore. It keeps a silent stream alive.
pub fn write_comment(text: &str, out: &mut Vec<u8>) {
    write_lines(b": ", text.as_bytes(), out);
    out.push(b'\n');
}

fn write_field(name: &[u8], value: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(name);
    out.extend(value.bytes().filter(|byte| !matches!(byte, b'\n' | b'\r' | 0)));
    out.push(b'\n');
}

fn write_lines(name: &[u8], mut text: &[u8], out: &mut Vec<u8>) {
    loop {
        out.extend_from_slice(name);
        let Some(end) = memchr2(b'\n', b'\r', text) else {
            out.extend_from_slice(text);
            out.push(b'\n');
            return;
        };
        let (line, rest) = text.split_at(end);
        out.extend_from_slice(line);
        out.push(b'\n');
        text = rest.strip_prefix(b"\r\n").or_else(|| rest.get(1..)).unwrap_or_default();
    }
}

/// One event that came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    /// The kind of event, `message` where none was named.
    pub event: String,
    /// What it says; empty in a priming event. Bytes that are not UTF-8 became U+FFFD.
    pub data: String,
    /// The id in force: its own, or that of an earlier event. Empty if there was none yet.
    pub id: String,
}

/// What a [`Decoder`] found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DecoderEvent {
    /// An event.
    Event(Received),
    /// An event beyond the limit began. Told once; the rest of the event is discarded.
    TooLarge,
}

/// Reads events from a stream of bytes, cut in any way.
///
/// Feed it with [`push`](Self::push), then take events until there are none. An event that the end of
/// the stream cuts off is lost, as the standard wants it.
#[derive(Debug)]
pub struct Decoder {
    max: usize,
    /// The newest bytes, not looked at yet.
    chunk: Bytes,
    /// The beginning of a line from earlier chunks.
    line: Vec<u8>,
    /// The line before ended with `\r`, so that a `\n` now belongs to it.
    after_return: bool,
    first_line: bool,
    discarding: bool,
    /// Whether the line being discarded has any byte.
    discarded: bool,
    kind: String,
    data: String,
    id: String,
    last_id: String,
    retry: Option<u64>,
}

impl Decoder {
    /// A decoder for events of up to `max` bytes.
    pub fn new(max: usize) -> Self {
        Self {
            max,
            chunk: Bytes::new(),
            line: Vec::new(),
            after_return: false,
            first_line: true,
            discarding: false,
            discarded: false,
            kind: String::new(),
            data: String::new(),
            id: String::new(),
            last_id: String::new(),
            retry: None,
        }
    }

    /// Takes the next bytes. Take every event of earlier ones first; those not taken are lost.
    pub fn push(&mut self, chunk: Bytes) {
        self.chunk = chunk;
    }

    /// The next event; `None` when more bytes are needed.
    pub fn next_event(&mut self) -> Option<DecoderEvent> {
        while !self.chunk.is_empty() {
            if std::mem::take(&mut self.after_return) && self.chunk.first() == Some(&b'\n') {
                self.chunk.advance(1);
                continue;
            }
            let end = memchr2(b'\n', b'\r', &self.chunk);
            let piece = self.chunk.split_to(end.unwrap_or(self.chunk.len()));
            let event = if self.discarding {
                self.discarded |= !piece.is_empty();
                None
            } else if self.line.len() + piece.len() + self.data.len() > self.max {
                self.discard();
                Some(DecoderEvent::TooLarge)
            } else {
                self.line.extend_from_slice(&piece);
                None
            };
            let event = if end.is_some() {
                self.after_return = self.chunk.first() == Some(&b'\r');
                self.chunk.advance(1);
                event.or(self.end_line())
            } else {
                event
            };
            if event.is_some() {
                return event;
            }
        }
        None
    }

    /// The id to resume after: that of the last event that came whole. Empty if there was none.
    pub fn last_id(&self) -> &str {
        &self.last_id
    }

    /// How many milliseconds the server wants us to wait before we connect again.
    pub fn retry(&self) -> Option<u64> {
        self.retry
    }

    /// How many bytes of memory are kept: of an event whose end has not come, and of ids. The newest chunk is not counted.
    pub fn held(&self) -> usize {
        let texts = [&self.kind, &self.data, &self.id, &self.last_id];
        self.line.capacity() + texts.into_iter().map(String::capacity).sum::<usize>()
    }

    fn discard(&mut self) {
        self.discarding = true;
        self.discarded = true;
        self.line = Vec::new();
        self.data = String::new();
        self.kind = String::new();
        self.first_line = false;
    }

    fn end_line(&mut self) -> Option<DecoderEvent> {
        if self.discarding {
            // A blank line ends the event.
            self.discarding = std::mem::take(&mut self.discarded);
            return None;
        }
        let mut line = std::mem::take(&mut self.line);
        let content = line.as_slice();
        let content = match std::mem::take(&mut self.first_line) {
            true => content.strip_prefix("\u{feff}".as_bytes()).unwrap_or(content),
            false => content,
        };
        let event = if content.is_empty() {
            self.dispatch()
        } else {
            self.field(content);
            None
        };
        line.clear();
        self.line = line;
        event
    }

    fn field(&mut self, line: &[u8]) {
        let (name, value) = match memchr::memchr(b':', line) {
            Some(colon) => {
                let (name, value) = line.split_at(colon);
                let value = value.get(1..).unwrap_or_default();
                (name, value.strip_prefix(b" ").unwrap_or(value))
            }
            None => (line, &b""[..]),
        };
        match name {
            b"event" => self.kind = String::from_utf8_lossy(value).into_owned(),
            b"data" => {
                self.data.push_str(&String::from_utf8_lossy(value));
                self.data.push('\n');
            }
            b"id" if !value.contains(&0) => self.id = String::from_utf8_lossy(value).into_owned(),
            b"retry" if !value.is_empty() && value.iter().all(u8::is_ascii_digit) => {
                self.retry =
                    std::str::from_utf8(value).ok().and_then(|digits| digits.parse().ok()).or(self.retry);
            }
            _ => {}
        }
    }

    fn dispatch(&mut self) -> Option<DecoderEvent> {
        self.last_id.clone_from(&self.id);
        let mut data = std::mem::take(&mut self.data);
        let kind = std::mem::take(&mut self.kind);
        data.pop()?;
        let event = if kind.is_empty() { "message".to_owned() } else { kind };
        Some(DecoderEvent::Event(Received { event, data, id: self.last_id.clone() }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(chunks: &[&[u8]]) -> Vec<DecoderEvent> {
        let mut decoder = Decoder::new(64);
        let mut events = Vec::new();
        for chunk in chunks {
            decoder.push(Bytes::copy_from_slice(chunk));
            events.extend(std::iter::from_fn(|| decoder.next_event()));
        }
        events
    }

    fn received(event: &str, data: &str, id: &str) -> DecoderEvent {
        DecoderEvent::Event(Received { event: event.to_owned(), data: data.to_owned(), id: id.to_owned() })
    }

    #[test]
    fn events_are_written_field_by_field() {
        let mut out = Vec::new();
        write_event(
            &Event { id: Some("7"), event: Some("endpoint"), retry: Some(500), data: b"{}" },
            &mut out,
        );
        write_event(&Event { data: b"a\nb\r\nc\rd\n", ..Event::default() }, &mut out);
        write_priming("8\n", None, &mut out);
        write_comment("still\nhere", &mut out);
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "event: endpoint\nid: 7\nretry: 500\ndata: {}\n\n\
             data: a\ndata: b\ndata: c\ndata: d\ndata: \n\n\
             id: 8\ndata: \n\n\
             : still\n: here\n\n"
        );
    }

    #[test]
    fn every_kind_of_line_end_is_understood_across_chunks() {
        let want = [received("message", "a\nb", ""), received("message", "c", "")];
        assert_eq!(decode(&[b"data: a\ndata: b\n\ndata: c\n\n"]), want);
        assert_eq!(decode(&[b"data: a\rdata: b\r\rdata: c\r\r"]), want);
        assert_eq!(decode(&[b"data: a\r\ndata: b\r\n\r\ndata: c\r\n\r\n"]), want);
        assert_eq!(decode(&[b"data: a\r", b"\ndata: b\r", b"\n\r", b"\ndata:c\r\n\r\n"]), want);
    }

    #[test]
    fn the_standards_examples() {
        assert_eq!(
            decode(&[b"data: YHOO\ndata: +2\ndata: 10\n\n"]),
            [received("message", "YHOO\n+2\n10", "")]
        );
        assert_eq!(
            decode(&[b": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event\n\n"]),
            [
                received("message", "first event", "1"),
                received("message", "second event", ""),
                received("message", " third event", "")
            ]
        );
        assert_eq!(
            decode(&[b"data\n\ndata\ndata\n\ndata:"]),
            [received("message", "", ""), received("message", "\n", "")]
        );
        assert_eq!(decode(&[b"data:test\n\ndata: test\n\n"]), vec![received("message", "test", ""); 2]);
    }

    #[test]
    fn a_byte_order_mark_is_skipped_once_and_unknown_fields_always() {
        assert_eq!(
            decode(&[b"\xef\xbb", b"\xbfdata: a\nnoise: x\n\n", "\u{feff}data: b\n\n".as_bytes()]),
            [received("message", "a", "")]
        );
    }

    #[test]
    fn ids_last_until_replaced_and_those_with_nul_are_ignored() {
        let mut decoder = Decoder::new(64);
        decoder.push(Bytes::from_static(b"id: 1\ndata: a\n\nid: 2\0\nevent: x\ndata: b\n\nid: 3\n\nid: 4\n"));
        let events: Vec<_> = std::iter::from_fn(|| decoder.next_event()).collect();
        assert_eq!(events, [received("message", "a", "1"), received("x", "b", "1")]);
        assert_eq!(decoder.last_id(), "3");
    }

    #[test]
    fn a_retry_is_digits_only() {
        let mut decoder = Decoder::new(64);
        decoder.push(Bytes::from_static(b"retry: 10\nretry: 1s\nretry:\n\n"));
        assert_eq!(decoder.next_event(), None);
        assert_eq!(decoder.retry(), Some(10));
    }

    #[test]
    fn a_priming_event_is_read_back_with_its_id() {
        let mut out = Vec::new();
        write_priming("s-1", Some(2000), &mut out);
        assert_eq!(decode(&[&out]), [received("message", "", "s-1")]);
    }

    #[test]
    fn an_oversized_event_is_told_once_and_holds_no_memory() {
        let mut decoder = Decoder::new(16);
        let mut events = Vec::new();
        for chunk in std::iter::repeat_n(&b"data: xxxxxxxx\nda"[..], 1000) {
            decoder.push(Bytes::from_static(chunk));
            events.extend(std::iter::from_fn(|| decoder.next_event()));
            assert!(decoder.held() <= 64);
        }
        decoder.push(Bytes::from_static(b"\r\n\r\ndata: after\n\n"));
        events.extend(std::iter::from_fn(|| decoder.next_event()));
        assert_eq!(events, [DecoderEvent::TooLarge, received("message", "after", "")]);
    }
}

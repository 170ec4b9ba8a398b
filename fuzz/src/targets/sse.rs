//! The codec of server-sent events. The first line of an input may hold numbers: the limit, then the lengths of the
//! chunks; what stands below it is the stream.
//!
//! Held: events are those that a plain reading of the standard (WHATWG HTML §9.2.6) finds, whatever the chunks; with a
//! limit they are the same whatever the chunks, and memory is bounded by it; an event that was written is read back.

use latimer_protocol::codec::sse::{Decoder, DecoderEvent, Event, Received, write_comment, write_event};

use crate::script;

/// See [`Target::words`](crate::Target::words).
pub const WORDS: &[&str] = &[
    "data: ", "data:", "data", "event: ", "id: ", "id", "retry: ", ": ", ":", "\n", "\r", "\r\n", "\n\n",
    "\r\r", "\r\n\r\n", "\u{feff}", "\0", "message", "endpoint", "64 1 2\n",
];

/// Runs the target once.
pub fn run(data: &[u8]) {
    let (numbers, stream) = script::numbers(data);
    let max = numbers.first().map_or(64, |max| *max % 4096);
    let lengths = numbers.get(1..).filter(|lengths| !lengths.is_empty()).unwrap_or(&[7, 1, 30]);
    // Bytes that are no text become three each.
    let ample = 3 * stream.len() + 16;
    let plain = Plain::read(stream);
    for lengths in [&[usize::MAX], &[1][..], lengths] {
        let (events, decoder) = decoded(ample, stream, lengths);
        assert_eq!(events, plain.events);
        assert_eq!(decoder.last_id(), plain.last_id);
        assert_eq!(decoder.retry(), plain.retry);
    }
    let (whole, _) = decoded(max, stream, &[usize::MAX]);
    assert_eq!(decoded(max, stream, &[1]).0, whole);
    assert_eq!(decoded(max, stream, lengths).0, whole);
    written(stream);
}

fn decoded(max: usize, stream: &[u8], lengths: &[usize]) -> (Vec<DecoderEvent>, Decoder) {
    let mut decoder = Decoder::new(max);
    let mut events = Vec::new();
    for chunk in script::chunks(stream, lengths) {
        decoder.push(chunk);
        events.extend(std::iter::from_fn(|| decoder.next_event()));
        // A line, data, kind and two ids, threefold where they were no text, and what buffers grow by.
        assert!(decoder.held() <= 28 * max + 128, "{} bytes are held of {max}", decoder.held());
    }
    for event in &events {
        if let DecoderEvent::Event(event) = event {
            assert!(event.data.len() <= 3 * max + 1);
            assert!(!event.event.is_empty());
        }
    }
    (events, decoder)
}

/// A stream read as the standard is written.
#[derive(Default)]
struct Plain {
    events: Vec<DecoderEvent>,
    last_id: String,
    retry: Option<u64>,
}

impl Plain {
    fn read(stream: &[u8]) -> Self {
        let stream = stream.strip_prefix(b"\xef\xbb\xbf").unwrap_or(stream);
        let (mut event, mut data, mut id) = (String::new(), String::new(), String::new());
        let mut plain = Self::default();
        for line in lines(stream) {
            if line.is_empty() {
                plain.last_id.clone_from(&id);
                let (event, mut data) = (std::mem::take(&mut event), std::mem::take(&mut data));
                if data.pop().is_some() {
                    let event = if event.is_empty() { "message".to_owned() } else { event };
                    plain.events.push(DecoderEvent::Event(Received { event, data, id: id.clone() }));
                }
                continue;
            }
            let colon = line.iter().position(|byte| *byte == b':');
            let (name, value) = match colon {
                Some(0) => continue,
                Some(colon) => (&line[..colon], &line[colon + 1..]),
                None => (line, &b""[..]),
            };
            let value = String::from_utf8_lossy(value.strip_prefix(b" ").unwrap_or(value)).into_owned();
            match name {
                b"event" => event = value,
                b"data" => data = data + &value + "\n",
                b"id" if !value.contains('\0') => id = value,
                b"retry" if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) => {
                    plain.retry = value.parse().ok().or(plain.retry);
                }
                _ => {}
            }
        }
        plain
    }
}

/// The lines that have ended.
fn lines(mut stream: &[u8]) -> Vec<&[u8]> {
    let mut lines = Vec::new();
    while let Some(end) = stream.iter().position(|byte| matches!(byte, b'\n' | b'\r')) {
        lines.push(&stream[..end]);
        let length = if stream[end..].starts_with(b"\r\n") { 2 } else { 1 };
        stream = &stream[end + length..];
    }
    lines
}

/// Events made of parts of the input are read back as they were written.
fn written(stream: &[u8]) {
    let parts: Vec<&[u8]> = stream.split(|byte| *byte == b'|').take(8).collect();
    let texts: Vec<String> = parts.iter().map(|part| String::from_utf8_lossy(part).into_owned()).collect();
    let mut out = Vec::new();
    let mut want = Vec::new();
    let mut last_id = String::new();
    for (at, data) in parts.iter().enumerate() {
        let (event, id) = (texts.get(at + 1).map(String::as_str), texts.get(at + 2).map(String::as_str));
        write_event(&Event { id, event, retry: None, data }, &mut out);
        write_comment(&texts[at], &mut out);
        let bare = |text: &str| text.replace(['\n', '\r', '\0'], "");
        if let Some(id) = id {
            last_id = bare(id);
        }
        let event = event.map(bare).filter(|event| !event.is_empty());
        want.push(DecoderEvent::Event(Received {
            event: event.unwrap_or_else(|| "message".to_owned()),
            data: texts[at].replace("\r\n", "\n").replace('\r', "\n"),
            id: last_id.clone(),
        }));
    }
    assert_eq!(decoded(3 * out.len(), &out, &[11]).0, want);
}

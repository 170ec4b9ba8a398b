//! The line codec. The first line of an input may hold numbers: the limit, then the lengths of the chunks; what stands
//! below it is the stream.
//!
//! Held: lines are those that a plain split finds, whatever the chunks; what lies beyond the limit is told once and held
//! in no memory; a message that was written is read back as one line.

use bytes::Bytes;
use latimer_protocol::codec::line::{LineDecoder, LineEvent, flatten, write_line};

use crate::script;

/// See [`Target::words`](crate::Target::words).
pub const WORDS: &[&str] =
    &["\n", "\r", "\r\n", "\n\n", "\r\r\n", " \t\n", "{\"jsonrpc\":\"2.0\"}\n", "3 1 2\n"];

/// Runs the target once.
pub fn run(data: &[u8]) {
    let (numbers, stream) = script::numbers(data);
    let max = numbers.first().map_or(64, |max| *max % 4096);
    let lengths = numbers.get(1..).filter(|lengths| !lengths.is_empty()).unwrap_or(&[7, 1, 30]);
    let plain = plain(max, stream);
    assert_eq!(decoded(max, stream, &[usize::MAX]), plain);
    assert_eq!(decoded(max, stream, &[1]), plain);
    assert_eq!(decoded(max, stream, lengths), plain);
    written(&plain);
}

fn decoded(max: usize, stream: &[u8], lengths: &[usize]) -> Vec<LineEvent> {
    let mut decoder = LineDecoder::new(max);
    let mut events = Vec::new();
    for chunk in script::chunks(stream, lengths) {
        decoder.push(chunk);
        events.extend(std::iter::from_fn(|| decoder.next_event()));
        // The limit, and the `\r` that does not count.
        assert!(decoder.held() <= max + 1, "{} bytes are held of {max}", decoder.held());
    }
    events.extend(decoder.finish());
    events
}

/// The lines of a stream, found the plain way.
fn plain(max: usize, stream: &[u8]) -> Vec<LineEvent> {
    let mut events = Vec::new();
    for line in stream.split(|byte| *byte == b'\n') {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.len() > max {
            events.push(LineEvent::TooLong);
        } else if !line.iter().all(|byte| b" \t\r".contains(byte)) {
            events.push(LineEvent::Line(Bytes::copy_from_slice(line)));
        }
    }
    events
}

/// What is written as lines is read as those lines.
fn written(events: &[LineEvent]) {
    let mut stream = Vec::new();
    let mut want = Vec::new();
    for event in events {
        let LineEvent::Line(line) = event else { continue };
        write_line(line, &mut stream);
        let mut flat = line.to_vec();
        flatten(&mut flat);
        assert!(!flat.contains(&b'\n') && !flat.contains(&b'\r'));
        want.push(LineEvent::Line(Bytes::from(flat)));
    }
    assert_eq!(stream.iter().filter(|byte| **byte == b'\n').count(), want.len());
    assert_eq!(decoded(stream.len(), &stream, &[5]), want);
}

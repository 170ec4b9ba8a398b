//! The output of a session: each line is an event.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use latimer_protocol::codec::sse;
use memchr::memchr;
use tokio::io::{AsyncRead, DuplexStream, ReadBuf};

use super::super::stream::{CHUNK, KeepAlive};
use super::sessions::Open;

/// The event stream of a session. Dropping it ends the session.
pub(in super::super) struct SessionEvents {
    /// The event that says where to post.
    endpoint: Option<Bytes>,
    lines: DuplexStream,
    framing: Framing,
    keep_alive: KeepAlive,
    over: bool,
    _open: Open,
}

impl SessionEvents {
    pub(super) fn new(endpoint: &str, lines: DuplexStream, open: Open, keep_alive: Duration) -> Self {
        let mut first = Vec::new();
        let event =
            sse::Event { event: Some("endpoint"), data: endpoint.as_bytes(), ..sse::Event::default() };
        sse::write_event(&event, &mut first);
        Self {
            endpoint: Some(first.into()),
            lines,
            framing: Framing::default(),
            keep_alive: KeepAlive::new(keep_alive),
            over: false,
            _open: open,
        }
    }

    pub(in super::super) fn poll_data(&mut self, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        if let Some(endpoint) = self.endpoint.take() {
            return Poll::Ready(Some(endpoint));
        }
        if self.over {
            return Poll::Ready(None);
        }
        let mut out = Vec::new();
        let mut space = [0; 8 << 10];
        while out.len() < CHUNK {
            let mut read = ReadBuf::new(&mut space);
            match Pin::new(&mut self.lines).poll_read(cx, &mut read) {
                Poll::Ready(Ok(())) if !read.filled().is_empty() => {
                    self.framing.push(read.filled(), &mut out);
                }
                Poll::Ready(_) => {
                    self.over = true;
                    break;
                }
                Poll::Pending => break,
            }
        }
        if !out.is_empty() {
            self.keep_alive.restart();
            return Poll::Ready(Some(out.into()));
        }
        if self.over {
            return Poll::Ready(None);
        }
        // A comment in the midst of an event would be part of it; the rest of the event is on its way.
        if self.framing.inside { Poll::Pending } else { self.keep_alive.poll_comment(cx).map(Some) }
    }
}

/// Makes events of lines, cut in any way.
#[derive(Default)]
struct Framing {
    /// Whether an event has begun and not ended.
    inside: bool,
}

impl Framing {
    fn push(&mut self, mut bytes: &[u8], out: &mut Vec<u8>) {
        out.reserve(bytes.len() + 64);
        while !bytes.is_empty() {
            if !self.inside {
                out.extend_from_slice(b"event: message\ndata: ");
                self.inside = true;
            }
            let Some(end) = memchr(b'\n', bytes) else { return out.extend_from_slice(bytes) };
            let (line, rest) = bytes.split_at(end + 1);
            out.extend_from_slice(line);
            out.push(b'\n');
            self.inside = false;
            bytes = rest;
        }
    }
}

#[cfg(test)]
mod tests {
    use latimer_protocol::codec::sse::{Decoder, DecoderEvent};
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn sse_1_lines_cut_in_any_way_are_the_same_events(
            lines in proptest::collection::vec("[^\r\n\0]{1,40}", 0..6),
            sizes in proptest::collection::vec(1_usize..30, 1..20),
        ) {
            let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
            let (mut framing, mut out, mut rest) = (Framing::default(), Vec::new(), text.as_bytes());
            for size in sizes.iter().cycle() {
                if rest.is_empty() {
                    break;
                }
                let (piece, behind) = rest.split_at(rest.len().min(*size));
                framing.push(piece, &mut out);
                rest = behind;
            }
            prop_assert!(!framing.inside);
            let mut decoder = Decoder::new(1 << 20);
            decoder.push(out.into());
            let mut seen = Vec::new();
            while let Some(DecoderEvent::Event(event)) = decoder.next_event() {
                prop_assert_eq!(event.event, "message");
                seen.push(event.data);
            }
            prop_assert_eq!(seen, lines);
        }
    }
}

//! What a codec writes it reads back, however the bytes are cut.
#![allow(clippy::unwrap_used, reason = "a test that cannot unwrap has failed")]

use bytes::Bytes;
use latimer_protocol::codec::line::{LineDecoder, LineEvent, write_line};
use latimer_protocol::codec::param_header::ParamHeader;
use latimer_protocol::codec::sentinel;
use latimer_protocol::codec::sse::{self, Decoder, DecoderEvent, Event, Received};
use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;

/// Cuts bytes into chunks of these lengths, over and over.
fn chunks(bytes: &[u8], lengths: &[usize]) -> Vec<Bytes> {
    let mut rest = Bytes::copy_from_slice(bytes);
    let mut chunks = Vec::new();
    for length in lengths.iter().cycle() {
        if rest.is_empty() {
            break;
        }
        chunks.push(rest.split_to((*length).min(rest.len())));
    }
    chunks
}

fn lines(max: usize, bytes: &[u8], lengths: &[usize]) -> Vec<LineEvent> {
    let mut decoder = LineDecoder::new(max);
    let mut events = Vec::new();
    for chunk in chunks(bytes, lengths) {
        decoder.push(chunk);
        events.extend(std::iter::from_fn(|| decoder.next_event()));
    }
    events.extend(decoder.finish());
    events
}

/// What lines a text has, found the plain way.
fn plain_lines(max: usize, bytes: &[u8]) -> Vec<LineEvent> {
    bytes
        .split(|byte| *byte == b'\n')
        .map(|line| line.strip_suffix(b"\r").unwrap_or(line))
        .filter(|line| line.len() > max || !line.iter().all(|byte| matches!(byte, b' ' | b'\t' | b'\r')))
        .map(|line| {
            if line.len() > max { LineEvent::TooLong } else { LineEvent::Line(Bytes::copy_from_slice(line)) }
        })
        .collect()
}

fn events(bytes: &[u8], lengths: &[usize]) -> Vec<DecoderEvent> {
    let mut decoder = Decoder::new(1024);
    let mut events = Vec::new();
    for chunk in chunks(bytes, lengths) {
        decoder.push(chunk);
        events.extend(std::iter::from_fn(|| decoder.next_event()));
    }
    events
}

fn lengths() -> impl Strategy<Value = Vec<usize>> {
    vec(1..7_usize, 1..6)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn lines_are_the_same_under_any_chunking(text in "[ab \\r\\n]{0,60}", max in 0..8_usize, lengths in lengths()) {
        prop_assert_eq!(lines(max, text.as_bytes(), &lengths), plain_lines(max, text.as_bytes()));
    }

    #[test]
    fn written_lines_are_read_back(texts in vec(any::<String>(), 0..6), lengths in lengths()) {
        let messages: Vec<String> = texts.iter().map(|text| serde_json::to_string(&[text]).unwrap()).collect();
        let mut out = Vec::new();
        for message in &messages {
            write_line(message.as_bytes(), &mut out);
        }
        let want: Vec<_> =
            messages.into_iter().map(|message| LineEvent::Line(Bytes::from(message.into_bytes()))).collect();
        prop_assert_eq!(lines(4096, &out, &lengths), want);
    }

    #[test]
    fn written_events_are_read_back(
        sent in vec((of("[a-z]{1,4}"), of("[a-z0-9]{1,4}"), of(0..99_u64), "[a:é \\r\\n]{0,20}"), 0..6),
        lengths in lengths(),
    ) {
        let mut out = Vec::new();
        let mut want = Vec::new();
        let mut last_id = String::new();
        for (event, id, retry, data) in &sent {
            sse::write_event(
                &Event { id: id.as_deref(), event: event.as_deref(), retry: *retry, data: data.as_bytes() },
                &mut out,
            );
            sse::write_comment("ping", &mut out);
            if let Some(id) = id {
                last_id.clone_from(id);
            }
            want.push(DecoderEvent::Event(Received {
                event: event.clone().unwrap_or_else(|| "message".to_owned()),
                data: data.replace("\r\n", "\n").replace('\r', "\n"),
                id: last_id.clone(),
            }));
        }
        prop_assert_eq!(events(&out, &lengths), want);
    }

    #[test]
    fn events_are_the_same_under_any_chunking(text in "(data|id|event|retry|:|x| |é|\\r|\\n|\\r\\n|: |\u{feff}|\0){0,40}", lengths in lengths()) {
        prop_assert_eq!(events(text.as_bytes(), &lengths), events(text.as_bytes(), &[usize::MAX]));
    }

    #[test]
    fn header_values_are_read_back_and_are_fit_for_a_header(text in any::<String>()) {
        let value = sentinel::encode(&text);
        prop_assert!(value.bytes().all(|byte| matches!(byte, b'\t' | b' '..=b'~')));
        prop_assert_eq!(value.trim(), &*value);
        prop_assert_eq!(sentinel::decode(&value).unwrap(), text.as_str());
    }

    #[test]
    fn decoding_a_header_value_never_panics(text in "(=\\?base64\\?)?[A-Za-z0-9+/=!]{0,12}(\\?=)?") {
        if let Ok(decoded) = sentinel::decode(&text) {
            let encoded = sentinel::encode(&decoded);
            prop_assert_eq!(sentinel::decode(&encoded).unwrap(), decoded.as_ref());
        }
    }

    #[test]
    fn a_header_made_from_arguments_agrees_with_them(text in any::<String>(), number in -9_007_199_254_740_991..=9_007_199_254_740_991_i64) {
        let headers = ParamHeader::extract(
            r#"{"properties":{"s":{"type":"string","x-mcp-header":"S"},"n":{"type":"integer","x-mcp-header":"N"}}}"#,
        ).unwrap();
        let arguments = serde_json::json!({ "s": text, "n": number }).to_string();
        for header in headers {
            let value = header.value(&arguments).unwrap();
            prop_assert_eq!(header.check(value.as_deref(), Some(&arguments)), Ok(()));
        }
    }
}

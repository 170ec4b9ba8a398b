//! Header values that may hold any text (ENC-1 to ENC-3). An input is a text and, at once, a header's value.
//!
//! Held: every text becomes a value that is fit for a header and is read back; a value is read as a slow reading of the
//! rule has it; what was read is written to a value that is read alike.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use latimer_protocol::codec::sentinel::{SentinelError, decode, encode};

/// See [`Target::words`](crate::Target::words).
pub const WORDS: &[&str] = &["=?base64?", "?=", "=", "==", "SGk=", "/w==", "\t", " ", "\u{7f}", "-_", "+/"];

/// Runs the target once.
pub fn run(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let value = encode(&text);
    assert!(value.bytes().all(|byte| byte == b'\t' || (b' '..=b'~').contains(&byte)), "{value:?}");
    assert_eq!(value.trim_matches([' ', '\t']), value);
    assert_eq!(decode(&value).as_deref(), Ok(&*text));
    if value == text {
        assert!(!(text.starts_with("=?base64?") && text.len() > 10 && text.ends_with("?=")));
    } else {
        assert_eq!(*value, format!("=?base64?{}?=", STANDARD.encode(&*text)));
    }

    let read = decode(&text);
    let between = text.strip_prefix("=?base64?").and_then(|rest| rest.strip_suffix("?="));
    match between {
        Some(between) => match STANDARD.decode(between).map(String::from_utf8) {
            Ok(Ok(plain)) => {
                assert_eq!(read.as_deref(), Ok(plain.as_str()));
                // There is one way to write a value.
                assert_eq!(STANDARD.encode(&plain), between);
            }
            Ok(Err(_)) => assert_eq!(read, Err(SentinelError::Utf8)),
            Err(_) => assert_eq!(read, Err(SentinelError::Base64)),
        },
        None if text.chars().all(|char| char == '\t' || (' '..='~').contains(&char)) => {
            assert_eq!(read.as_deref(), Ok(&*text));
        }
        None => assert_eq!(read, Err(SentinelError::Character)),
    }
    if let Ok(read) = read {
        assert_eq!(decode(&encode(&read)).as_deref(), Ok(&*read));
    }
}

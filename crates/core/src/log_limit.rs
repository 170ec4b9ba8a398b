//! How much a call may log to its caller (LOG-4, SEC-6).
//!
//! Each call has a bucket of messages that refills at a steady rate; what does not fit is dropped before it is
//! written. What was dropped, here or because the reader is slow, is told in one message: when the bucket is full again,
//! or before the reply. That message has the gravest level that the call logged at, which its caller wants to hear of.
//! Data beyond the size of a message is cut, and says so.

use latimer_protocol::wire::{LogLevel, LogParams};
use latimer_protocol::{RawJson, frame};
use tokio::time::Instant;

use crate::limits::Limits;

/// The messages that one call may still send.
#[derive(Debug)]
pub(crate) struct LogLimit {
    burst: f64,
    /// Messages a second.
    rate: f64,
    /// The largest data of a message.
    most_bytes: usize,
    /// What is in the bucket, as of the last message.
    left: f64,
    last: Option<Instant>,
    gravest: LogLevel,
    /// Dropped, and not told yet.
    dropped: u64,
}

impl LogLimit {
    pub(crate) fn new(limits: &Limits) -> Self {
        let float = |number: usize| f64::from(u32::try_from(number).unwrap_or(u32::MAX));
        let burst = float(limits.log_burst);
        Self {
            burst,
            rate: float(limits.log_rate),
            most_bytes: limits.log_bytes,
            left: burst,
            last: None,
            gravest: LogLevel::Debug,
            dropped: 0,
        }
    }

    /// Whether a message may be sent, and then how large its data may be. One that may not is counted.
    pub(crate) fn admit(&mut self, level: LogLevel, now: Instant) -> Option<usize> {
        let passed = self.last.map_or(0.0, |last| now.saturating_duration_since(last).as_secs_f64());
        self.left = (self.left + passed * self.rate).min(self.burst);
        self.last = Some(now);
        self.gravest = self.gravest.max(level);
        if self.left < 1.0 {
            self.dropped += 1;
            return None;
        }
        self.left -= 1.0;
        Some(self.most_bytes)
    }

    /// Whether the bucket was full before the last message was taken out.
    pub(crate) fn is_full(&self) -> bool {
        self.left + 1.0 >= self.burst
    }

    /// Counts a message that gave way to a newer one.
    pub(crate) fn gave_way(&mut self) {
        self.dropped += 1;
    }

    /// How many messages were dropped, and not told yet.
    pub(crate) fn dropped(&self) -> u64 {
        self.dropped
    }

    /// The message that tells what was dropped since the last one.
    pub(crate) fn tell(&mut self) -> Option<LogParams> {
        let text = match std::mem::take(&mut self.dropped) {
            0 => return None,
            1 => "1 log message of this call was dropped".to_owned(),
            dropped => format!("{dropped} log messages of this call were dropped"),
        };
        let data = RawJson::from_serialize(&text).ok()?;
        Some(LogParams { level: self.gravest, logger: None, data })
    }
}

/// Data as it is, or, where it is too large, its beginning as a string that says so.
pub(crate) fn cut(data: RawJson, most: usize) -> RawJson {
    let size = data.as_str().len();
    if size <= most {
        return data;
    }
    // Of a string, what it says; of anything else, its JSON text.
    let text = frame::string(data.as_str());
    let text = text.as_deref().unwrap_or(data.as_str());
    let shown = beginning(text, most);
    let cut = format!("{shown}… (cut: {size} bytes, and at most {most} are sent)");
    RawJson::from_serialize(&cut).unwrap_or_else(|_| RawJson::empty_object())
}

/// The beginning of a text, in whole characters.
pub(crate) fn beginning(text: &str, most: usize) -> &str {
    let mut end = most.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;

    fn limit(log_burst: usize, log_rate: usize) -> LogLimit {
        LogLimit::new(&Limits { log_burst, log_rate, ..Limits::default() })
    }

    #[test]
    fn sec_6_a_bucket_of_messages_refills_at_its_rate() {
        let (mut limit, start) = (limit(3, 2), Instant::now());
        let mut admitted = |at: u64, level| limit.admit(level, start + Duration::from_millis(at)).is_some();
        assert!((0..3).all(|_| admitted(0, LogLevel::Info)));
        assert!(!admitted(0, LogLevel::Error) && !admitted(400, LogLevel::Info));
        assert!(admitted(500, LogLevel::Info) && !admitted(500, LogLevel::Info));
        // A clock that goes back gives nothing.
        assert!(!admitted(0, LogLevel::Info));
        assert_eq!(limit.dropped(), 4);
        assert!(!limit.is_full());
        let told = limit.tell().unwrap();
        assert_eq!(
            (told.level, told.data.as_str()),
            (LogLevel::Error, "\"4 log messages of this call were dropped\"")
        );
        assert!(limit.tell().is_none());
        limit.gave_way();
        assert_eq!(limit.tell().unwrap().data.as_str(), "\"1 log message of this call was dropped\"");
        assert!(limit.admit(LogLevel::Info, start + Duration::from_secs(60)).is_some() && limit.is_full());
    }

    #[test]
    fn sec_6_data_over_the_limit_is_cut_and_says_so() {
        let cut = |text: &str, most| cut(RawJson::parse(text.to_owned()).unwrap(), most).as_str().to_owned();
        assert_eq!(cut("\"abcd\"", 6), "\"abcd\"");
        assert_eq!(cut("\"abcd\"", 3), "\"abc… (cut: 6 bytes, and at most 3 are sent)\"");
        assert_eq!(cut(r#"{"a":"b"}"#, 4), r#""{\"a\"… (cut: 9 bytes, and at most 4 are sent)""#);
        assert_eq!(cut("\"äö\"", 3), "\"ä… (cut: 6 bytes, and at most 3 are sent)\"");
    }

    proptest! {
        #[test]
        fn sec_6_whatever_is_cut_is_json_and_bounded(text in any::<String>(), most in 0_usize..40) {
            let data = RawJson::from_serialize(&text).unwrap();
            let cut = cut(data, most);
            let cut: String = cut.to().unwrap();
            prop_assert!(cut == text || cut.len() <= most + 80, "{}", cut);
            prop_assert!(cut == text || text.starts_with(cut.split('…').next().unwrap()));
        }

        #[test]
        fn sec_6_every_message_is_admitted_or_counted(steps in proptest::collection::vec(0_u64..400, 0..60)) {
            let (mut limit, mut now) = (limit(5, 10), Instant::now());
            let (begin, mut admitted) = (now, 0_u64);
            for step in &steps {
                now += Duration::from_millis(*step);
                admitted += u64::from(limit.admit(LogLevel::Info, now).is_some());
            }
            prop_assert_eq!(admitted + limit.dropped(), steps.len() as u64);
            prop_assert!(admitted as f64 <= 5.0 + now.duration_since(begin).as_secs_f64() * 10.0 + 1e-6);
        }
    }
}

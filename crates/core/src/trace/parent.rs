//! `traceparent`: the trace, and the span of the caller in it (W3C Trace Context §3.2).

use std::fmt;

/// The identifier of a trace: 16 bytes that are not all zero.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct TraceId([u8; 16]);

/// A trace, the span of the caller in it, and what the caller does about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TraceParent {
    trace: TraceId,
    span: [u8; 8],
    flags: u8,
}

impl TraceParent {
    /// Reads the text: `00-{32 digits}-{16 digits}-{2 digits}`, hexadecimal in lower case. A version that is still to
    /// come may have more behind a further hyphen, and is read as far as this one goes.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        let hyphens = [2, 35, 52].into_iter().all(|at| bytes.get(at) == Some(&b'-'));
        if !hyphens {
            return None;
        }
        let [version] = hex(bytes.get(..2)?)?;
        let complete = match bytes.get(55) {
            None => true,
            Some(next) => version != 0 && *next == b'-',
        };
        let (trace, span) = (hex(bytes.get(3..35)?)?, hex(bytes.get(36..52)?)?);
        let [flags] = hex(bytes.get(53..55)?)?;
        let known = complete && version != 0xff && trace != [0; 16] && span != [0; 8];
        known.then_some(Self { trace: TraceId(trace), span, flags })
    }

    /// The trace.
    pub fn trace(&self) -> TraceId {
        self.trace
    }

    /// The span of the caller, as 16 hexadecimal digits.
    pub fn span(&self) -> impl fmt::Display + use<> {
        Digits(self.span)
    }

    /// Whether the caller records the trace.
    pub fn is_sampled(&self) -> bool {
        self.flags & 1 == 1
    }
}

impl fmt::Display for TraceParent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "00-{}-{}-{:02x}", self.trace, Digits(self.span), self.flags)
    }
}

impl fmt::Display for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Digits(self.0).fmt(f)
    }
}

impl fmt::Debug for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

struct Digits<const N: usize>([u8; N]);

impl<const N: usize> fmt::Display for Digits<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Reads hexadecimal digits in lower case.
fn hex<const N: usize>(digits: &[u8]) -> Option<[u8; N]> {
    let mut out = [0; N];
    if digits.len() != 2 * N {
        return None;
    }
    for (byte, pair) in out.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some(out)
}

fn digit(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn tr_1_the_texts_of_the_specification_are_read() {
        let text = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        let parent = TraceParent::parse(text).unwrap();
        assert_eq!(parent.trace().to_string(), "0af7651916cd43dd8448eb211c80319c");
        assert_eq!(parent.span().to_string(), "b7ad6b7169203331");
        assert!(parent.is_sampled());
        assert!(!TraceParent::parse(&text.replace("-01", "-00")).unwrap().is_sampled());
        let newer = format!("cc{}-more", &text[2..]);
        assert_eq!(TraceParent::parse(&newer).unwrap().to_string(), text);
    }

    #[test]
    fn what_is_malformed_is_none() {
        let good = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        for bad in [
            String::new(),
            good[..54].to_owned(),
            format!("{good}0"),
            format!("{good}-more"),
            format!(" {good}"),
            good.to_uppercase(),
            good.replace('a', "g"),
            format!("ff{}", &good[2..]),
            format!("cc{}.", &good[2..]),
            good.replace("0af7651916cd43dd8448eb211c80319c", &"0".repeat(32)),
            good.replace("b7ad6b7169203331", &"0".repeat(16)),
            good.replace('-', "_"),
            "é".repeat(28),
        ] {
            assert_eq!(TraceParent::parse(&bad), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(text in "00-[0-9a-f]{31}[1-9a-f]-[0-9a-f]{15}[1-9a-f]-[0-9a-f]{2}") {
            prop_assert_eq!(TraceParent::parse(&text).map(|parent| parent.to_string()), Some(text));
        }

        #[test]
        fn no_text_makes_it_panic_and_what_is_read_can_be_written(text in "\\PC{0,60}|[0-9a-f-]{50,60}") {
            if let Some(parent) = TraceParent::parse(&text) {
                prop_assert_eq!(TraceParent::parse(&parent.to_string()), Some(parent));
            }
        }
    }
}

//! `tracestate`: what the vendors of tracing systems say besides (W3C Trace Context §3.3).

/// The longest that is kept, in bytes.
const MOST_BYTES: usize = 512;

/// The most members that are kept.
const MOST_MEMBERS: usize = 32;

/// A list of what vendors say, to be handed on as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceState(Box<str>);

impl TraceState {
    /// Takes a text of at most 512 bytes and 32 members, each `key=value` in printable ASCII.
    pub fn parse(text: &str) -> Option<Self> {
        let members = || text.split(',').map(|member| member.trim_matches([' ', '\t']));
        let fits = text.len() <= MOST_BYTES
            && members().count() <= MOST_MEMBERS
            && members().all(|member| member.is_empty() || is_member(member))
            && members().any(|member| !member.is_empty());
        fits.then(|| Self(text.into()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn is_member(member: &str) -> bool {
    let key = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-*/@".contains(&byte);
    let value = |byte: u8| (0x20..=0x7e).contains(&byte) && byte != b'=';
    member.split_once('=').is_some_and(|(name, text)| {
        !name.is_empty() && name.bytes().all(key) && !text.is_empty() && text.bytes().all(value)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_vendors_are_kept_as_they_are() {
        for good in ["rojo=00f067aa0ba902b7,congo=t61rcWkgMzE", "a@b=1 2, c*/d=3", "a=1,,b=2"] {
            assert_eq!(TraceState::parse(good).as_ref().map(TraceState::as_str), Some(good));
        }
        let most: Vec<_> = (0..MOST_MEMBERS).map(|at| format!("k{at}=v")).collect();
        assert!(TraceState::parse(&most.join(",")).is_some());
        for bad in
            ["", ",", "a", "A=1", "a=", "=1", "a=b=c", "a=é", "a=\n", &format!("{},z=v", most.join(","))]
        {
            assert_eq!(TraceState::parse(bad), None, "{bad:?}");
        }
        assert!(TraceState::parse(&format!("a={}", "x".repeat(510))).is_some());
        assert!(TraceState::parse(&format!("a={}", "x".repeat(511))).is_none());
    }
}

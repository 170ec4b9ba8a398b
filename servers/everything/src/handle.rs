//! Handles: what a client sends to be connected with what it began before (VER-9).

use std::fmt;
use std::str::FromStr;

/// Names something that a call began. It cannot be guessed, and is good only for the principal that got it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Handle(String);

impl Handle {
    /// A new one, of 128 random bits.
    ///
    /// # Errors
    /// When the system has no randomness.
    pub(crate) fn random() -> Result<Self, getrandom::Error> {
        use fmt::Write as _;
        let mut bits = [0; 16];
        getrandom::fill(&mut bits)?;
        let text = bits.iter().fold(String::with_capacity(32), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        });
        Ok(Self(text))
    }
}

impl FromStr for Handle {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_handle = text.len() == 32 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        is_handle
            .then(|| Self(text.to_owned()))
            .ok_or("a handle has 32 hexadecimal digits; send one that a tool gave")
    }
}

impl fmt::Display for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

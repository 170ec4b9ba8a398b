//! A bearer token on the command line.

use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;

/// A bearer token. It never shows in debug output.
#[derive(Clone)]
pub(crate) struct Token(String);

impl Token {
    /// The token itself.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl FromStr for Token {
    type Err = Infallible;

    /// Takes any text without the white space around it; the client says whether a header can carry it.
    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(Self(text.trim().to_owned()))
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(..)")
    }
}

//! What a client shows to servers that want credentials.

use std::fmt;
use std::future::Future;
use std::pin::Pin;

use http::HeaderValue;
use url::Url;

use crate::error::{BoxError, ClientError, Fault};

/// A future that may be sent between threads.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Where the `Authorization` header of HTTP requests comes from, and the bearer token with which a connection to a socket begins.
///
/// It is asked before every request (H-20), or for every connection to a TCP port or Unix socket, whose `url` is
/// `tcp://HOST:PORT`, `tls://HOST:PORT` or `unix:PATH`.
/// What it returns goes to the target's own origin and nowhere else: redirects to another origin are refused.
pub trait Authorization: Send + Sync + fmt::Debug {
    /// The value of the header for the next request to `url`, or none. A server on a socket is shown what
    /// follows `Bearer `.
    ///
    /// # Errors
    /// When there should be credentials and none could be had; the request is then not sent.
    fn header<'a>(&'a self, url: &'a Url) -> BoxFuture<'a, Result<Option<HeaderValue>, BoxError>>;
}

/// The same bearer token for every request (RFC 6750 §2.1). It never shows in debug output.
#[derive(Clone)]
pub struct BearerToken(HeaderValue);

impl BearerToken {
    /// Takes a token as it is.
    ///
    /// # Errors
    /// When it is empty, or holds anything but visible ASCII characters.
    pub fn new(token: &str) -> Result<Self, ClientError> {
        if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(Fault::Token.into());
        }
        let mut value = HeaderValue::from_str(&format!("Bearer {token}")).map_err(|_| Fault::Token)?;
        value.set_sensitive(true);
        Ok(Self(value))
    }
}

impl Authorization for BearerToken {
    fn header<'a>(&'a self, _url: &'a Url) -> BoxFuture<'a, Result<Option<HeaderValue>, BoxError>> {
        let value = self.0.clone();
        Box::pin(async move { Ok(Some(value)) })
    }
}

impl fmt::Debug for BearerToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BearerToken(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_that_no_header_can_carry_is_refused_and_none_is_shown() {
        for bad in ["", "a b", "a\r\nb", "é"] {
            assert!(BearerToken::new(bad).is_err(), "{bad:?}");
        }
        assert!(!format!("{:?}", BearerToken::new("hunter2").unwrap()).contains("hunter2"));
    }
}

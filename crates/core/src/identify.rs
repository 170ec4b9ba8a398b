//! From credentials to a principal.

use std::fmt;

use sha2::{Digest, Sha256};
use subtle::{Choice, ConstantTimeEq};

use crate::BoxFuture;
use crate::principal::Principal;

/// What a request shows of its sender.
#[derive(Clone, Copy, Default)]
pub struct Credentials<'a> {
    /// The value of the `Authorization` header, if there was one.
    pub authorization: Option<&'a str>,
}

impl fmt::Debug for Credentials<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("authorization", &self.authorization.map(|_| "***")).finish()
    }
}

/// Why a request's sender was not accepted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unidentified {
    /// It showed no credentials where some are demanded.
    #[error("no credentials; send \"Authorization: Bearer TOKEN\"")]
    Missing,
    /// What it showed is not valid.
    #[error(
        "the credentials are not valid; send \"Authorization: Bearer TOKEN\" with a token of this server"
    )]
    Invalid,
}

impl Unidentified {
    /// The challenge for `WWW-Authenticate` (RFC 6750 §3).
    pub const fn challenge(&self) -> &'static str {
        match self {
            Self::Missing => "Bearer",
            Self::Invalid => "Bearer error=\"invalid_token\"",
        }
    }
}

/// A way to tell who sends a request. Asked on every request (AUTH-6).
pub trait Identify: Send + Sync + fmt::Debug {
    /// Tells who sends a request with these credentials.
    ///
    /// # Errors
    /// Where the sender must not go on.
    fn identify<'a>(&'a self, credentials: Credentials<'a>)
    -> BoxFuture<'a, Result<Principal, Unidentified>>;
}

/// Lets everybody in, as the anonymous principal.
#[derive(Clone, Debug)]
pub struct Open(Principal);

impl Default for Open {
    fn default() -> Self {
        Self(Principal::anonymous())
    }
}

impl Identify for Open {
    fn identify<'a>(&'a self, _: Credentials<'a>) -> BoxFuture<'a, Result<Principal, Unidentified>> {
        Box::pin(std::future::ready(Ok(self.0.clone())))
    }
}

/// Bearer tokens known beforehand (RFC 6750 §2.1).
///
/// Only digests of the tokens are kept. A look-up compares with every one of them in constant time,
/// so that its duration tells nothing about how much of a guess was right.
#[derive(Default)]
pub struct StaticTokens {
    known: Vec<([u8; 32], Principal)>,
}

impl StaticTokens {
    /// Adds the token of a principal.
    #[must_use]
    pub fn with(mut self, token: &str, principal: Principal) -> Self {
        self.known.push((digest(token), principal));
        self
    }

    fn find(&self, token: &str) -> Option<Principal> {
        let shown = digest(token);
        let mut found = None;
        for (known, principal) in &self.known {
            let same: Choice = known.ct_eq(&shown);
            if bool::from(same) {
                found = Some(principal);
            }
        }
        found.cloned()
    }
}

impl Identify for StaticTokens {
    fn identify<'a>(
        &'a self,
        credentials: Credentials<'a>,
    ) -> BoxFuture<'a, Result<Principal, Unidentified>> {
        let outcome = match credentials.authorization.map(bearer) {
            None => Err(Unidentified::Missing),
            Some(None) => Err(Unidentified::Invalid),
            Some(Some(token)) => self.find(token).ok_or(Unidentified::Invalid),
        };
        Box::pin(std::future::ready(outcome))
    }
}

impl fmt::Debug for StaticTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.known.iter().map(|(_, principal)| principal)).finish()
    }
}

fn digest(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}

/// The token of a `Bearer` authorization; the scheme's name has no case (RFC 9110 §11.1).
fn bearer(authorization: &str) -> Option<&str> {
    let (scheme, token) = authorization.split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn identify(authorization: Option<&str>) -> Result<String, Unidentified> {
        let tokens = StaticTokens::default()
            .with("correct horse", Principal::named("alice", ["read"]))
            .with("battery staple", Principal::named("bob", [""; 0]));
        tokens.identify(Credentials { authorization }).await.map(|principal| principal.to_string())
    }

    #[tokio::test]
    async fn a_token_names_its_principal() {
        assert_eq!(identify(Some("Bearer correct horse")).await.as_deref(), Ok("alice"));
        assert_eq!(identify(Some("bearer  battery staple")).await.as_deref(), Ok("bob"));
    }

    #[tokio::test]
    async fn auth_2_missing_and_wrong_credentials_are_told_apart() {
        assert_eq!(identify(None).await, Err(Unidentified::Missing));
        for wrong in ["Bearer x", "Bearer ", "Basic correct horse", "correct horse", ""] {
            assert_eq!(identify(Some(wrong)).await, Err(Unidentified::Invalid), "{wrong}");
        }
    }

    #[test]
    fn tokens_are_not_shown() {
        let tokens = StaticTokens::default().with("secret", Principal::named("alice", [""; 0]));
        assert_eq!(
            format!("{tokens:?} {:?}", Credentials { authorization: Some("Bearer secret") }).find("secret"),
            None
        );
    }
}

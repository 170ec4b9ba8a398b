//! Pages of lists and the cursors between them (PAG-1).

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use latimer_protocol::encode::ListKind;

/// A page of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// The entries as JSON, joined by commas.
    pub items: Bytes,
    /// The cursor of the next page, if there is one.
    pub next: Option<String>,
}

/// A cursor that this server did not make, or made for another list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the cursor is not valid; take it from \"nextCursor\" of the same list, or begin again without one")]
pub struct BadCursor;

/// The place behind an entry. It names the entry and does not count: what comes and goes before it
/// moves nothing.
#[derive(Debug)]
pub(super) struct Cursor<'a>(Cow<'a, str>);

impl Cursor<'_> {
    pub(super) fn encode(kind: ListKind, key: &str) -> String {
        URL_SAFE_NO_PAD.encode(format!("{}:{key}", kind.member()))
    }

    pub(super) fn decode(kind: ListKind, text: &str) -> Result<Self, BadCursor> {
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| BadCursor)?;
        let decoded = String::from_utf8(bytes).map_err(|_| BadCursor)?;
        let key =
            decoded.strip_prefix(kind.member()).and_then(|rest| rest.strip_prefix(':')).ok_or(BadCursor)?;
        Ok(Self(Cow::Owned(key.to_owned())))
    }

    pub(super) fn key(&self) -> &str {
        &self.0
    }
}

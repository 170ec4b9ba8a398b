//! Progress of a request.

use std::fmt;

use bytestring::ByteString;
use serde::{Deserialize, Serialize};

use crate::encode::write_object;
use crate::id::Id;
use crate::raw::RawJson;

/// What a requester chose to recognise the progress of its request by (PRG-1). Kept as the text that came, so
/// that `1` and `"1"` stay apart.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "RawJson", into = "RawJson")]
pub struct ProgressToken(ByteString);

/// A progress token must be a string or an integer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("read the progress token: it must be a string or an integer")]
pub struct ProgressTokenError;

impl ProgressToken {
    /// Takes the text of a JSON value for a token, if it is a string or an integer.
    pub fn from_json(text: &str) -> Option<Self> {
        Id::from_json(text).map(|_| Self(text.into()))
    }

    /// The token's JSON text, with the quotation marks of a string.
    pub fn as_json(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for ProgressToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<u64> for ProgressToken {
    fn from(number: u64) -> Self {
        Self(number.to_string().into())
    }
}

impl TryFrom<RawJson> for ProgressToken {
    type Error = ProgressTokenError;

    fn try_from(raw: RawJson) -> Result<Self, ProgressTokenError> {
        Self::from_json(raw.as_str()).ok_or(ProgressTokenError)
    }
}

impl From<ProgressToken> for RawJson {
    fn from(token: ProgressToken) -> Self {
        Self::trusted(token.0)
    }
}

/// The parameters of `notifications/progress`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ProgressParams {
    /// Whose progress it is.
    pub progress_token: ProgressToken,
    /// How far it is; must grow, must be finite.
    pub progress: f64,
    /// What it will come to, if known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total: Option<f64>,
    /// What is being done (known from 2025-03-26 on).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

impl ProgressParams {
    /// Appends the parameters' JSON in the newest form.
    pub fn write(&self, out: &mut Vec<u8>) {
        write_object(out, |object| {
            object.raw("progressToken", self.progress_token.as_json()).number("progress", self.progress);
            if let Some(total) = self.total {
                object.number("total", total);
            }
            object.optional_string("message", self.message.as_deref());
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_keep_their_type_and_text() {
        for text in ["1", "\"1\"", "18446744073709551615", "-5", "\"\\u0061\""] {
            assert_eq!(ProgressToken::from_json(text).unwrap().as_json(), text);
            let token: ProgressToken = serde_json::from_str(text).unwrap();
            assert_eq!(serde_json::to_string(&token).unwrap(), text);
        }
        for text in ["1.5", "null", "{}", ""] {
            assert_eq!(ProgressToken::from_json(text), None);
        }
    }
}

//! The handshake of the older revisions.

use std::borrow::Cow;

use latimer_protocol::wire::{ClientCapabilities, LogLevel};
use latimer_protocol::{OwnedParams, RawJson, Revision, RpcError};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::log_level;
use crate::context::Client;

/// What a client says in `initialize`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Initialize {
    /// What both will speak: what the client asked for, or, if that is not one of the older revisions,
    /// the newest of them (VER-L2).
    pub revision: Revision,
    /// What the client says about itself.
    pub client: Client,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct InitializeParams<'a> {
    #[serde(borrow)]
    protocol_version: Cow<'a, str>,
    #[serde(borrow, default)]
    capabilities: Option<&'a RawValue>,
    #[serde(borrow, default)]
    client_info: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct SetLevelParams<'a> {
    #[serde(borrow)]
    level: &'a RawValue,
}

impl Initialize {
    /// Reads the parameters of `initialize`. Capabilities may be missing: some clients leave them out.
    ///
    /// # Errors
    /// -32602 where the version is missing, or a member is of the wrong type.
    pub fn read(params: &OwnedParams) -> Result<Self, RpcError> {
        let raw = params.raw.clone().unwrap_or_else(RawJson::empty_object);
        let invalid =
            |error: &dyn std::fmt::Display| RpcError::invalid_params(format!("\"initialize\": {error}"));
        let read: InitializeParams<'_> =
            serde_json::from_str(raw.as_str()).map_err(|error| invalid(&error))?;
        let own = |part: &RawValue| raw.slice(part.get()).map_err(|error| invalid(&error));
        let capabilities = match read.capabilities {
            Some(capabilities) => {
                ClientCapabilities::new(own(capabilities)?).map_err(|error| invalid(&error))?
            }
            None => ClientCapabilities::default(),
        };
        let info = read.client_info.map(own).transpose()?;
        Ok(Self { revision: negotiated(&read.protocol_version), client: Client { capabilities, info } })
    }
}

/// The revision that answers a client's wish (VER-L2).
fn negotiated(wish: &str) -> Revision {
    match Revision::parse(wish) {
        Some(revision) if !revision.is_modern() => revision,
        _ => Revision::LATEST_LEGACY,
    }
}

/// Reads the parameters of `logging/setLevel`.
///
/// # Errors
/// -32602 where the level is none (LOG-2).
pub fn set_level(params: &OwnedParams) -> Result<LogLevel, RpcError> {
    let raw = params.raw.clone().unwrap_or_else(RawJson::empty_object);
    let missing = |_| RpcError::invalid_params("\"params.level\" is missing");
    let read: SetLevelParams<'_> = serde_json::from_str(raw.as_str()).map_err(missing)?;
    let level = raw.slice(read.level.get()).map_err(|error| RpcError::invalid_params(error.to_string()))?;
    log_level(&level)
}

#[cfg(test)]
mod tests {
    use super::*;
    use latimer_protocol::ErrorCode;

    fn params(text: &str) -> OwnedParams {
        OwnedParams { raw: Some(RawJson::parse(text.to_owned()).unwrap()), ..OwnedParams::default() }
    }

    #[test]
    fn ver_l2_a_known_version_is_echoed_and_an_unknown_one_answered_with_our_latest() {
        for (wish, answer) in [
            ("2024-11-05", "2024-11-05"),
            ("2025-06-18", "2025-06-18"),
            ("2025-11-25", "2025-11-25"),
            ("2026-07-28", "2025-11-25"),
            ("2099-01-01", "2025-11-25"),
            ("", "2025-11-25"),
        ] {
            let text =
                format!(r#"{{"protocolVersion":"{wish}","capabilities":{{}},"clientInfo":{{"name":"c"}}}}"#);
            assert_eq!(Initialize::read(&params(&text)).unwrap().revision.as_str(), answer);
        }
    }

    #[test]
    fn a_malformed_initialize_is_invalid_params() {
        for text in
            ["{}", r#"{"protocolVersion":1}"#, r#"{"protocolVersion":"2025-06-18","capabilities":[]}"#]
        {
            assert_eq!(
                Initialize::read(&params(text)).unwrap_err().code,
                ErrorCode::INVALID_PARAMS,
                "{text}"
            );
        }
        assert!(Initialize::read(&params(r#"{"protocolVersion":"2025-06-18"}"#)).is_ok());
    }

    #[test]
    fn log_2_levels_are_read() {
        assert_eq!(set_level(&params(r#"{"level":"error"}"#)), Ok(LogLevel::Error));
        for text in ["{}", r#"{"level":"loud"}"#, r#"{"level":null}"#] {
            assert_eq!(set_level(&params(text)).unwrap_err().code, ErrorCode::INVALID_PARAMS, "{text}");
        }
    }
}

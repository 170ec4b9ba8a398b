//! The handshake of the older revisions.

use latimer_protocol::frame::string;
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
    #[serde(borrow, default)]
    protocol_version: Option<&'a RawValue>,
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
        if !raw.is_object() {
            return Err(RpcError::invalid_params("\"params\" must be an object"));
        }
        let invalid =
            |name: &str, fault: &str| RpcError::invalid_params(format!("\"params.{name}\" {fault}"));
        let read: InitializeParams<'_> = serde_json::from_str(raw.as_str())
            .map_err(|_| RpcError::invalid_params("\"params\" cannot be read"))?;
        let version = read.protocol_version.ok_or_else(|| invalid("protocolVersion", "is missing"))?;
        let version = string(version.get()).ok_or_else(|| invalid("protocolVersion", "must be a string"))?;
        let own = |name: &str, part: &RawValue| {
            raw.slice(part.get()).map_err(|error| invalid(name, &format!("cannot be read: {error}")))
        };
        let capabilities = match read.capabilities {
            Some(capabilities) => {
                let capabilities = own("capabilities", capabilities)?;
                ClientCapabilities::new(capabilities)
                    .map_err(|_| invalid("capabilities", "must be an object"))?
            }
            None => ClientCapabilities::default(),
        };
        let info = read.client_info.map(|info| own("clientInfo", info)).transpose()?;
        Ok(Self { revision: negotiated(&version), client: Client { capabilities, info } })
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
    fn a_malformed_initialize_is_invalid_params_and_told_by_its_member() {
        for (text, message) in [
            ("{}", "\"params.protocolVersion\" is missing"),
            (r#"{"protocolVersion":1}"#, "\"params.protocolVersion\" must be a string"),
            (
                r#"{"protocolVersion":"2025-06-18","capabilities":[]}"#,
                "\"params.capabilities\" must be an object",
            ),
            (r#"["2025-06-18"]"#, "\"params\" must be an object"),
        ] {
            let error = Initialize::read(&params(text)).unwrap_err();
            assert_eq!((error.code, &*error.message), (ErrorCode::INVALID_PARAMS, message), "{text}");
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

//! Requests that describe themselves (2026-07-28).

use std::borrow::Cow;

use latimer_protocol::frame::{self, Meta};
use latimer_protocol::wire::{ClientCapabilities, LogLevel};
use latimer_protocol::{ErrorCode, OwnedMeta, RawJson, Revision, RpcError};

use super::log_level;
use crate::context::Client;

/// `io.modelcontextprotocol/protocolVersion`.
const VERSION_KEY: &str = "io.modelcontextprotocol/protocolVersion";
/// `io.modelcontextprotocol/clientCapabilities`.
const CAPABILITIES_KEY: &str = "io.modelcontextprotocol/clientCapabilities";

/// Whether the request says that it is one of the modern era (DUAL-1).
pub fn is_declared(meta: &Meta<'_>) -> bool {
    meta.protocol_version.is_some()
}

/// The version that a request declares, whether or not it is served.
///
/// # Errors
/// -32602 where a required key of `_meta` is missing or of the wrong type (VER-2).
pub fn declared_version<'a>(meta: &Meta<'a>) -> Result<Cow<'a, str>, RpcError> {
    let missing = |key: &str, kind: &str| {
        RpcError::invalid_params(format!(
            "\"_meta\" needs \"{key}\", {kind}; requests of 2026-07-28 describe themselves"
        ))
    };
    let version =
        meta.protocol_version.and_then(frame::string).ok_or_else(|| missing(VERSION_KEY, "a string"))?;
    if !meta.client_capabilities.is_some_and(|capabilities| capabilities.starts_with('{')) {
        return Err(missing(CAPABILITIES_KEY, "an object"));
    }
    Ok(version)
}

/// The modern revision of this name.
///
/// # Errors
/// -32022 with what is served instead (VER-3).
pub fn served(version: &str) -> Result<Revision, RpcError> {
    match Revision::parse(version) {
        Some(revision) if revision.is_modern() => Ok(revision),
        _ => Err(unsupported(version)),
    }
}

fn unsupported(version: &str) -> RpcError {
    #[derive(serde::Serialize)]
    struct Data<'a> {
        supported: Vec<&'static str>,
        requested: &'a str,
    }
    let supported: Vec<_> = supported().iter().map(|revision| revision.as_str()).collect();
    let message = format!("this protocol version is not served; use one of {}", supported.join(", "));
    let error = RpcError::new(ErrorCode::UNSUPPORTED_PROTOCOL_VERSION, message);
    match RawJson::from_serialize(&Data { supported, requested: version }) {
        Ok(data) => error.with_data(data),
        Err(_) => error,
    }
}

/// What `server/discover` and -32022 name, newest first. The older ones open with `initialize` (VER-4).
pub fn supported() -> Vec<Revision> {
    Revision::ALL.into_iter().rev().collect()
}

/// Who asks, and what it wants to hear, as the request says.
///
/// # Errors
/// -32602 where the capabilities cannot be read or the log level is none (LOG-3).
pub fn client(meta: &OwnedMeta) -> Result<(Client, Option<LogLevel>), RpcError> {
    let capabilities = match &meta.client_capabilities {
        Some(capabilities) => ClientCapabilities::new(capabilities.clone())
            .map_err(|error| RpcError::invalid_params(format!("\"{CAPABILITIES_KEY}\": {error}")))?,
        None => ClientCapabilities::default(),
    };
    let level = meta.log_level.as_ref().map(log_level).transpose()?;
    Ok((Client { capabilities, info: meta.client_info.clone() }, level))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(
        protocol_version: Option<&'static str>,
        client_capabilities: Option<&'static str>,
    ) -> Result<String, i64> {
        let meta = Meta { protocol_version, client_capabilities, ..Meta::default() };
        declared_version(&meta).map(Cow::into_owned).map_err(|error| error.code.0)
    }

    #[test]
    fn ver_2_missing_and_mistyped_keys_are_invalid_params() {
        assert_eq!(version(Some("\"2026-07-28\""), Some("{}")).as_deref(), Ok("2026-07-28"));
        for (version_key, capabilities) in [
            (None, Some("{}")),
            (Some("\"2026-07-28\""), None),
            (Some("1"), Some("{}")),
            (Some("\"2026-07-28\""), Some("[]")),
        ] {
            assert_eq!(version(version_key, capabilities), Err(-32602));
        }
    }

    #[test]
    fn ver_3_known_but_legacy_and_unknown_versions_are_unsupported() {
        assert_eq!(served("2026-07-28"), Ok(Revision::V2026_07_28));
        for version in ["1900-01-01", "2025-11-25", ""] {
            let error = served(version).unwrap_err();
            assert_eq!(error.code, ErrorCode::UNSUPPORTED_PROTOCOL_VERSION);
            let data = error.data.unwrap();
            assert!(data.as_str().contains(&format!("\"requested\":\"{version}\"")), "{data}");
            assert!(data.as_str().contains("\"supported\":[\"2026-07-28\",\"2025-11-25\""), "{data}");
        }
    }

    #[test]
    fn log_3_an_unknown_level_is_invalid_params() {
        let level = |text: &str| {
            let meta = OwnedMeta {
                log_level: Some(RawJson::parse(text.to_owned()).unwrap()),
                ..OwnedMeta::default()
            };
            client(&meta).map(|(_, level)| level).map_err(|error| error.code)
        };
        assert_eq!(level("\"warning\""), Ok(Some(LogLevel::Warning)));
        assert_eq!(level("\"loud\""), Err(ErrorCode::INVALID_PARAMS));
        assert_eq!(level("7"), Err(ErrorCode::INVALID_PARAMS));
    }
}

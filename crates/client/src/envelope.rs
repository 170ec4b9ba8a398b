//! Writing what the client sends.

use bytes::Bytes;
use latimer_protocol::encode::{write_notification, write_object};
use latimer_protocol::rewrite::{Edits, Step, member};
use latimer_protocol::wire::{Implementation, LogLevel};
use latimer_protocol::{RawJson, Revision};

use crate::abilities::Abilities;
use crate::error::{ClientError, Fault};

/// What every request of a client says about it in the modern era (VER-1), as JSON text.
#[derive(Clone, Debug)]
pub(crate) struct Introduction {
    revision: Revision,
    client_info: RawJson,
    log_level: Option<LogLevel>,
    abilities: Abilities,
    /// What this client can do for servers, in the words of the revision.
    capabilities: String,
}

impl Introduction {
    pub(crate) fn new(
        revision: Revision,
        client_info: &Implementation,
        log_level: Option<LogLevel>,
        abilities: Abilities,
    ) -> Result<Self, ClientError> {
        let client_info = RawJson::from_serialize(client_info)
            .map_err(|source| Fault::View { what: "client info", source })?;
        let capabilities = abilities.declare(revision);
        Ok(Self { revision, client_info, log_level, abilities, capabilities })
    }

    /// The same client in another revision.
    pub(crate) fn at(&self, revision: Revision) -> Self {
        Self { revision, capabilities: self.abilities.declare(revision), ..self.clone() }
    }

    pub(crate) fn revision(&self) -> Revision {
        self.revision
    }

    /// The parameters of `initialize` (VER-L1).
    pub(crate) fn initialize(&self) -> Vec<u8> {
        let mut params = Vec::new();
        write_object(&mut params, |object| {
            object
                .string("protocolVersion", self.revision.as_str())
                .raw("capabilities", &self.capabilities)
                .raw("clientInfo", self.client_info.as_str());
        });
        params
    }
}

/// A request as one line of JSON. `introduction` is merged into `_meta` if there is one, `progress` asks
/// for progress under the request's id. All else in `params` stays what it is.
pub(crate) fn request(
    id: u64,
    method: &str,
    params: &str,
    introduction: Option<&Introduction>,
    progress: bool,
) -> Result<Bytes, ClientError> {
    let fault = |reason| Fault::Params { method: method.to_owned(), reason };
    if !params.starts_with('{') {
        return Err(fault("its parameters have to be an object").into());
    }
    let meta = member(params, "_meta").ok().flatten();
    if meta.is_some_and(|meta| !meta.starts_with('{')) {
        return Err(fault("\"_meta\" in its parameters has to be an object").into());
    }
    let id = id.to_string();
    let revision = introduction.map(|it| format!("\"{}\"", it.revision));
    let level = introduction.and_then(|it| it.log_level).map(|level| format!("\"{level}\""));
    let mut edits = Edits::new();
    let mut meta = |name, value| {
        edits.set([Step::Member("_meta"), Step::Member(name)], value);
    };
    if let (Some(introduction), Some(revision)) = (introduction, &revision) {
        meta("io.modelcontextprotocol/protocolVersion", revision);
        meta("io.modelcontextprotocol/clientInfo", introduction.client_info.as_str());
        meta("io.modelcontextprotocol/clientCapabilities", &introduction.capabilities);
    }
    if let Some(level) = &level {
        meta("io.modelcontextprotocol/logLevel", level);
    }
    if progress {
        meta("progressToken", &id);
    }
    let mut out = Vec::with_capacity(params.len() + 512);
    let mut applied = Ok(());
    write_object(&mut out, |object| {
        object.string("jsonrpc", "2.0").raw("id", &id).string("method", method);
        // Legacy methods without parameters are sent without any.
        if params != "{}" || !edits.is_empty() {
            applied = edits.apply(params, object.key("params"));
        }
    });
    applied.map_err(|_| fault("its parameters are nested too deeply"))?;
    Ok(out.into())
}

/// A notification as one line of JSON.
pub(crate) fn notification(method: &str, params: Option<&str>) -> Bytes {
    let mut out = Vec::new();
    // Nothing is merged, so that nothing can fail.
    let _ = write_notification(method, params, &[], &mut out);
    out.into()
}

/// The notification that a request is no longer wanted (CAN-1).
pub(crate) fn cancelled(id: u64) -> Bytes {
    let params = format!("{{\"requestId\":{id},\"reason\":\"no longer wanted\"}}");
    notification("notifications/cancelled", Some(&params))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn introduction() -> Introduction {
        let options = crate::Options { tasks: false, ..crate::Options::default() };
        let client = Implementation::new("c", "1");
        Introduction::new(Revision::V2026_07_28, &client, Some(LogLevel::Info), Abilities::of(&options))
            .unwrap()
    }

    #[test]
    fn ver_1_a_modern_request_describes_itself_and_keeps_what_else_is_in_meta() {
        let params = r#"{"name":"x","_meta":{"a/b":1e2,"progressToken":"mine"},"arguments":{"n":1.50}}"#;
        let text = request(7, "tools/call", params, Some(&introduction()), true).unwrap();
        let value: serde_json::Value = serde_json::from_slice(&text).unwrap();
        assert_eq!(
            value["params"]["_meta"],
            serde_json::json!({
                "a/b": 1e2,
                "progressToken": 7,
                "io.modelcontextprotocol/protocolVersion": "2026-07-28",
                "io.modelcontextprotocol/clientInfo": {"name": "c", "version": "1"},
                "io.modelcontextprotocol/clientCapabilities": {},
                "io.modelcontextprotocol/logLevel": "info",
            })
        );
        let text = std::str::from_utf8(&text).unwrap();
        assert!(text.contains(r#""arguments":{"n":1.50}"#), "{text}");
    }

    #[test]
    fn a_legacy_request_is_sent_as_it_is() {
        let text = request(1, "ping", "{}", None, false).unwrap();
        assert_eq!(text, r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#);
        let text = request(2, "tools/list", r#"{"cursor":""}"#, None, false).unwrap();
        assert_eq!(text, r#"{"jsonrpc":"2.0","id":2,"method":"tools/list","params":{"cursor":""}}"#);
    }

    #[test]
    fn params_that_cannot_carry_meta_are_refused() {
        assert!(request(1, "m", "[1]", None, false).is_err());
        assert!(request(1, "m", r#"{"_meta":5}"#, Some(&introduction()), false).is_err());
    }
}

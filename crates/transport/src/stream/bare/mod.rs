//! Bare methods: a tool called by its own name, without a handshake, and answered with its structured result.

mod envelope;
mod request;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use bytestring::ByteString;
use latimer_core::Client;
use latimer_core::admission::Permit;
use latimer_core::catalog::ToolEntry;
use latimer_core::engine::{Caller, Holder, Reply, Request};
use latimer_protocol::frame::Params;
use latimer_protocol::{Method, OwnedParams, RawJson, RequestId, Revision};

use super::answering::Answering;
use super::connection::Connection;
pub(super) use envelope::{not_utf8, too_large};
use request::Reading;

/// The revision in which tools are called for bare methods: the newest that needs nothing said about the client.
const REVISION: Revision = Revision::LATEST_LEGACY;

/// A call of a bare method, and how it is answered.
#[derive(Debug)]
pub(super) struct BareCall {
    /// The id as the client wrote it; nobody wants an answer where there is none.
    id: Option<Box<str>>,
    tool: Arc<ToolEntry>,
    arguments: RawJson,
}

/// Numbers the calls, whose own ids need not be different.
static CALLS: AtomicU64 = AtomicU64::new(0);

impl Connection {
    /// Takes a message that may be a bare method. Gives it back where it is one of MCP.
    pub(super) async fn bare(
        &self,
        text: ByteString,
        permit: Option<Permit<Holder>>,
    ) -> Result<(), ByteString> {
        let is_mcp = |method: &str| self.is_mcp(method);
        match request::read(&text, &self.engine.limits().json, is_mcp) {
            Reading::Mcp => return Err(text),
            Reading::Nothing => {}
            Reading::Refused(answer) => {
                self.tell_of_refusal(0, "no bare method");
                self.give(answer);
            }
            Reading::Call { id, method, params } => {
                let snapshot = self.engine.catalog().snapshot();
                let Some(tool) = snapshot.tool(&self.principal, &method).cloned() else {
                    if let Some(id) = id {
                        self.give(envelope::unknown(id));
                    }
                    return Ok(());
                };
                let arguments = Params::of_arguments(params).detach(&text).arguments;
                let arguments = arguments.unwrap_or_else(RawJson::empty_object);
                let call = BareCall { id: id.map(Box::from), tool, arguments };
                self.begin_bare(call, permit).await;
            }
        }
        Ok(())
    }

    /// Whether a method is one of the protocol or of an extension.
    fn is_mcp(&self, method: &str) -> bool {
        Method::named(method).is_some()
            || [Revision::LATEST_LEGACY, Revision::LATEST_MODERN]
                .into_iter()
                .any(|revision| self.engine.method(method, revision).is_ok())
    }

    /// Gives an answer that is there already, when its turn has come.
    pub(super) fn give(&self, answer: Bytes) {
        let answering = Answering::mcp(self.out.clone(), self.bare_turn());
        self.pass(answering, Reply { bytes: answer, error: None });
    }

    async fn begin_bare(&self, call: BareCall, permit: Option<Permit<Holder>>) {
        let Some(method) = Method::named("tools/call") else { return };
        let mut name = Vec::new();
        latimer_protocol::text::write_string(call.tool.name(), &mut name);
        let params = OwnedParams {
            name: RawJson::parse_bytes(name.into()).ok(),
            arguments: Some(call.arguments.clone()),
            ..OwnedParams::default()
        };
        let caller = Caller {
            revision: REVISION,
            principal: self.principal.clone(),
            peer: self.peer,
            session: None,
            scope: Some(self.scope.clone()),
            // Nothing is known of it, so that nothing is asked of it.
            client: Client::default(),
            log_level: None,
            trace: None,
        };
        let id = RequestId::from_plain(&format!("bare-{}", CALLS.fetch_add(1, Ordering::Relaxed)));
        let turn = call.id.is_some().then(|| self.bare_turn()).flatten();
        let answering = Answering::bare(self.out.clone(), turn, call);
        self.begin(Request { id, method, params, caller }, answering, permit).await;
    }
}

impl BareCall {
    /// The answer, made of the one to the tool call; `None` where nobody wants one.
    pub(super) fn answer(&self, reply: &[u8]) -> Option<Bytes> {
        let id = self.id.as_deref()?;
        Some(envelope::of_reply(id, reply, &self.tool, &self.arguments))
    }
}

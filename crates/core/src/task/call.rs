//! The call that a task carries out, as it is stored.

use latimer_protocol::wire::{ClientCapabilities, ProgressToken};
use latimer_protocol::{RawJson, Revision};
use serde::{Deserialize, Serialize};

use crate::context::Client;
use crate::engine::Caller;
use crate::inflight::Scope;
use crate::principal::{Peer, Principal};
use crate::session::SessionId;

/// What is to be done, and for whom: all that a run needs, on any instance.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct TaskCall {
    /// The tool.
    pub(crate) tool: String,
    /// Its arguments.
    pub(crate) arguments: RawJson,
    /// `_meta` of the request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) meta: Option<RawJson>,
    /// What the caller recognises progress by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) progress_token: Option<ProgressToken>,
    revision: String,
    /// Who calls; `None` for the anonymous caller.
    name: Option<String>,
    scopes: Vec<String>,
    session: Option<String>,
    /// The connection, by a number of the instance that it belongs to.
    connection: Option<u64>,
    capabilities: RawJson,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    info: Option<RawJson>,
}

impl TaskCall {
    pub(crate) fn new(
        caller: &Caller,
        tool: &str,
        arguments: RawJson,
        meta: Option<RawJson>,
        progress_token: Option<ProgressToken>,
    ) -> Self {
        Self {
            tool: tool.to_owned(),
            arguments,
            meta,
            progress_token,
            revision: caller.revision.as_str().to_owned(),
            name: caller.principal.name().map(ToOwned::to_owned),
            scopes: caller.principal.scopes().map(ToOwned::to_owned).collect(),
            session: caller.session.as_ref().map(ToString::to_string),
            connection: match caller.scope {
                Some(Scope::Connection(number)) => Some(number),
                _ => None,
            },
            capabilities: caller.client.capabilities.as_raw().clone(),
            info: caller.client.info.clone(),
        }
    }

    /// The caller as it was when the task began.
    pub(crate) fn caller(&self) -> Caller {
        let session = self.session.as_deref().and_then(SessionId::parse);
        let scope = match (&session, self.connection) {
            (Some(session), _) => Some(Scope::Session(session.clone())),
            (None, Some(number)) => Some(Scope::Connection(number)),
            (None, None) => None,
        };
        Caller {
            revision: self.revision(),
            principal: match &self.name {
                Some(name) => Principal::named(name, &self.scopes),
                None => Principal::anonymous(),
            },
            peer: Peer::Local,
            session,
            scope,
            client: Client {
                capabilities: ClientCapabilities::new(self.capabilities.clone()).unwrap_or_default(),
                info: self.info.clone(),
            },
            log_level: None,
            trace: None,
        }
    }

    pub(crate) fn revision(&self) -> Revision {
        Revision::parse(&self.revision).unwrap_or(Revision::LATEST_MODERN)
    }
}

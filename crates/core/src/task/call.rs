//! The call that a task carries out, as it is stored.

use std::sync::Arc;

use latimer_protocol::wire::{ClientCapabilities, LogLevel, ProgressToken};
use latimer_protocol::{RawJson, Revision};
use serde::{Deserialize, Serialize};

use crate::context::Client;
use crate::engine::Caller;
use crate::inflight::Scope;
use crate::principal::{Peer, Principal};
use crate::session::SessionId;
use crate::trace::Trace;

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
    /// The caller's address, where it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    address: Option<std::net::IpAddr>,
    session: Option<String>,
    /// The connection, by the instance that it belongs to and its number there.
    connection: Option<(String, u64)>,
    capabilities: RawJson,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    info: Option<RawJson>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    log_level: Option<LogLevel>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    trace: Option<StoredTrace>,
}

/// What the transport said of the trace: the three texts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct StoredTrace {
    parent: Option<String>,
    state: Option<String>,
    baggage: Option<String>,
}

impl TaskCall {
    /// A call that arrived at `instance`.
    pub(crate) fn new(
        caller: &Caller,
        instance: &str,
        tool: &str,
        arguments: RawJson,
        meta: Option<RawJson>,
        progress_token: Option<ProgressToken>,
    ) -> Self {
        Self {
            tool: tool.to_owned(),
            arguments,
            meta,
            // The extension has neither progress nor log messages for tasks (TX-8).
            progress_token: progress_token.filter(|_| !caller.revision.is_modern()),
            log_level: caller.log_level.filter(|_| !caller.revision.is_modern()),
            revision: caller.revision.as_str().to_owned(),
            name: caller.principal.name().map(ToOwned::to_owned),
            scopes: caller.principal.scopes().map(ToOwned::to_owned).collect(),
            address: match caller.peer {
                Peer::Local => None,
                Peer::Address(address) => Some(address),
            },
            session: caller.session.as_ref().map(ToString::to_string),
            connection: match caller.scope {
                Some(Scope::Connection(number)) => Some((instance.to_owned(), number)),
                _ => None,
            },
            capabilities: caller.client.capabilities.as_raw().clone(),
            info: caller.client.info.clone(),
            trace: caller.trace.as_deref().map(StoredTrace::of),
        }
    }

    /// The caller as it was when the task began, as `instance` reaches it.
    pub(crate) fn caller(&self, instance: &str) -> Caller {
        let session = self.session.as_deref().and_then(SessionId::parse);
        let scope = match (&session, &self.connection) {
            (Some(session), _) => Some(Scope::Session(session.clone())),
            (None, Some((home, number))) if home == instance => Some(Scope::Connection(*number)),
            // A connection ends with its instance.
            (None, _) => None,
        };
        Caller {
            revision: self.revision(),
            principal: self.principal(),
            peer: self.address.map_or(Peer::Local, Peer::Address),
            session,
            scope,
            client: Client { capabilities: self.capabilities(), info: self.info.clone() },
            log_level: self.log_level,
            trace: self.trace().map(Arc::new),
        }
    }

    pub(crate) fn principal(&self) -> Principal {
        match &self.name {
            Some(name) => Principal::named(name, &self.scopes),
            None => Principal::anonymous(),
        }
    }

    pub(crate) fn capabilities(&self) -> ClientCapabilities {
        ClientCapabilities::new(self.capabilities.clone()).unwrap_or_default()
    }

    pub(crate) fn revision(&self) -> Revision {
        Revision::parse(&self.revision).unwrap_or(Revision::LATEST_MODERN)
    }

    pub(crate) fn session(&self) -> Option<&str> {
        self.session.as_deref()
    }

    /// What the transport said of the trace.
    pub(crate) fn trace(&self) -> Option<Trace> {
        let StoredTrace { parent, state, baggage } = self.trace.as_ref()?;
        Trace::read(parent.as_deref(), state.as_deref(), baggage.as_deref())
    }
}

impl StoredTrace {
    fn of(trace: &Trace) -> Self {
        Self {
            parent: trace.parent.map(|parent| parent.to_string()),
            state: trace.state.as_ref().map(|state| state.as_str().to_owned()),
            baggage: trace.baggage.as_ref().map(|baggage| baggage.as_str().to_owned()),
        }
    }
}

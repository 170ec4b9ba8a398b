//! What the server says of itself: capabilities, `initialize`, `server/discover`.

use bytestring::ByteString;
use latimer_protocol::encode::{ListKind, Shape, downlevel};
use latimer_protocol::wire::{
    DiscoverResult, InitializeResult, ListCapability, ResourcesCapability, ServerCapabilities,
};
use latimer_protocol::{Method, RawJson, RequestId, Revision, RpcError};

use super::{Engine, Reply, Request};
use crate::catalog::{Snapshot, View};
use crate::era::modern;
use crate::principal::Principal;
use crate::requirement::TASKS_EXTENSION;

impl Engine {
    /// The result of `initialize` for a negotiated revision, as a reply.
    ///
    /// # Errors
    /// -32603 where it cannot be written.
    pub fn initialize(
        &self,
        id: &RequestId,
        revision: Revision,
        principal: &Principal,
    ) -> Result<Reply, RpcError> {
        let snapshot = self.0.catalog.snapshot();
        let result = InitializeResult {
            protocol_version: revision,
            capabilities: self.capabilities(&snapshot, &snapshot.view(principal), revision),
            server_info: reduced(Shape::Implementation, &self.0.info, revision),
            instructions: self.0.instructions.clone(),
        };
        let mut out = Vec::with_capacity(512);
        let stamp = latimer_protocol::encode::Stamp { server_info: None, cache: None };
        match latimer_protocol::encode::write_response(id.as_id(), &result, revision, &stamp, &mut out) {
            Ok(()) => Ok(Reply { bytes: out.into(), error: None }),
            Err(error) => {
                let reference = crate::error::reference();
                tracing::error!(%reference, %error, "the result of initialize could not be written");
                Err(RpcError::internal(&reference))
            }
        }
    }

    pub(super) fn discover(
        &self,
        request: &Request,
        snapshot: &Snapshot,
        view: &View,
    ) -> Result<Reply, RpcError> {
        let result = DiscoverResult {
            supported_versions: modern::supported(),
            capabilities: self.capabilities(snapshot, view, request.caller.revision),
            instructions: self.0.instructions.clone(),
        };
        self.reply(request, &result, Some(self.list_hint(view)))
    }

    /// Refuses a method whose capability is not advertised (BASE-5).
    pub(super) fn check_served(
        &self,
        method: &'static Method,
        snapshot: &Snapshot,
        view: &View,
    ) -> Result<(), RpcError> {
        let served = match method.capability {
            None | Some("logging") => true,
            Some("tools") => view.has(ListKind::Tools),
            Some("prompts") => view.has(ListKind::Prompts),
            Some("resources" | "resources.subscribe") => has_resources(view),
            Some("completions") => snapshot.completes(),
            Some("tasks" | "tasks.list" | "tasks.cancel") => snapshot.tasks(),
            Some(extension) if extension == TASKS_CAPABILITY => snapshot.tasks(),
            Some(_) => false,
        };
        if served { Ok(()) } else { Err(RpcError::method_not_found(method.name)) }
    }

    /// What the view offers, as the revision says it.
    fn capabilities(&self, snapshot: &Snapshot, view: &View, revision: Revision) -> RawJson {
        // The core form and the extension are not told side by side (TX-10).
        let tasks = snapshot.tasks() && !revision.is_modern();
        let mut extensions = self.announced(snapshot);
        if snapshot.tasks() && revision.is_modern() {
            extensions.insert(TASKS_EXTENSION.to_owned(), RawJson::empty_object());
        }
        // Every transport tells its clients of changes (GW-4).
        let list = ListCapability { list_changed: true };
        let capabilities = ServerCapabilities {
            tasks: tasks.then(|| RawJson::parse(CORE_TASKS).unwrap_or_else(|_| RawJson::empty_object())),
            extensions,
            tools: view.has(ListKind::Tools).then_some(list),
            prompts: view.has(ListKind::Prompts).then_some(list),
            resources: has_resources(view)
                .then_some(ResourcesCapability { subscribe: true, list_changed: true }),
            completions: snapshot.completes().then(RawJson::empty_object),
            logging: Some(RawJson::empty_object()),
            ..ServerCapabilities::default()
        };
        let newest = RawJson::from_serialize(&capabilities).unwrap_or_else(|_| RawJson::empty_object());
        reduced(Shape::ServerCapabilities, &newest, revision)
    }
}

const TASKS_CAPABILITY: &str = "extensions.io.modelcontextprotocol/tasks";

/// The core tasks of 2025-11-25 (T11-1).
const CORE_TASKS: &str = r#"{"list":{},"cancel":{},"requests":{"tools":{"call":{}}}}"#;

fn has_resources(view: &View) -> bool {
    view.has(ListKind::Resources) || view.has(ListKind::ResourceTemplates)
}

/// A value as a revision knows it.
fn reduced(shape: Shape, newest: &RawJson, revision: Revision) -> RawJson {
    let mut out = Vec::new();
    let reduced = downlevel(shape, newest.as_str(), revision, &mut out).is_ok();
    let text = String::from_utf8(out).ok().filter(|_| reduced);
    text.and_then(|text| RawJson::parse(ByteString::from(text)).ok()).unwrap_or_else(|| newest.clone())
}

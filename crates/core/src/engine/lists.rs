//! The four list methods.

use latimer_protocol::RpcError;
use latimer_protocol::encode::{CacheHint, CacheScope, ListKind, ListResult};

use super::{Engine, Reply, Request};
use crate::catalog::View;

impl Engine {
    pub(super) fn list(&self, request: &Request, view: &View) -> Result<Reply, RpcError> {
        let kind = match request.method.name {
            "tools/list" => ListKind::Tools,
            "resources/list" => ListKind::Resources,
            "resources/templates/list" => ListKind::ResourceTemplates,
            _ => ListKind::Prompts,
        };
        let cursor = request.params.cursor()?;
        let page = view
            .page(kind, request.caller.revision, cursor.as_deref(), self.limits().page_size)
            .map_err(|error| RpcError::invalid_params(error.to_string()))?;
        let items = (!page.items.is_empty()).then_some(&page.items);
        let result = ListResult { kind, items, next_cursor: page.next.as_deref() };
        self.reply(request, &result, Some(self.list_hint(view)))
    }

    /// How long lists and the description of the server may be kept (CACHE-1): by everybody where
    /// everybody sees the same, else by the one who asked (AUTH-8).
    pub(super) fn list_hint(&self, view: &View) -> CacheHint {
        let scope = if view.is_shared() { CacheScope::Public } else { CacheScope::Private };
        CacheHint { ttl_ms: self.0.list_ttl_ms, scope }
    }
}

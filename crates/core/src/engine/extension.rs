//! The methods of extensions, and what is announced of them (VER-10).

use std::collections::BTreeMap;

use latimer_protocol::encode::{CacheHint, CacheScope, Shape, Stamp, write_raw_response};
use latimer_protocol::{Method, RawJson, Revision, RpcError, rewrite};

use super::operation::{fault, internal, mismatch, rpc};
use super::{Engine, Reply, Request};
use crate::call::{Answer, Call, Operation};
use crate::catalog::Snapshot;
use crate::context::Context;
use crate::extension::{ExtensionEntry, ExtensionResult};

impl Engine {
    /// The row of a request's method, if a client of this revision may send it (HDR-1, BASE-5): one of the
    /// protocol, or one that an extension brings (GW-6).
    ///
    /// # Errors
    /// -32601 where it may not.
    pub fn method(&self, name: &str, revision: Revision) -> Result<&'static Method, RpcError> {
        Method::request_to_server(name, revision)
            .or_else(|| self.0.extensions.row(name, revision))
            .or_else(|| self.0.catalog.snapshot().extensions().row(name, revision))
            .ok_or_else(|| RpcError::method_not_found(name))
    }

    /// Answers a method that the protocol itself does not have.
    pub(super) async fn call_extension(
        &self,
        request: &Request,
        snapshot: &Snapshot,
        context: Context,
    ) -> Result<Reply, RpcError> {
        let method = request.method;
        let entry = self.0.extensions.entry(method.name).or_else(|| snapshot.extensions().entry(method.name));
        let extension = entry.ok_or_else(|| RpcError::method_not_found(method.name))?.clone();
        let params = request.params.raw.clone().unwrap_or_else(RawJson::empty_object);
        let operation = Operation::CallExtension { extension: extension.clone(), method, params };
        match self.0.handler.handle(Call { operation, context }).await {
            Ok(Answer::Extension(result)) => self.reply_raw(request, &extension, &result),
            Ok(other) => Err(internal(request, method.name, &mismatch(&other))),
            Err(error) => Err(rpc(request, method.name, error)),
        }
    }

    /// What stands in `capabilities.extensions`.
    pub(super) fn announced(&self, snapshot: &Snapshot) -> BTreeMap<String, RawJson> {
        let all = snapshot.extensions().announced().chain(self.0.extensions.announced());
        all.map(|(id, settings)| (id.to_string(), settings.clone())).collect()
    }

    fn reply_raw(
        &self,
        request: &Request,
        extension: &ExtensionEntry,
        result: &ExtensionResult,
    ) -> Result<Reply, RpcError> {
        let raw = result.json.as_str();
        let silent = || matches!(rewrite::member(raw, "ttlMs"), Ok(None));
        let stale = CacheHint { ttl_ms: 0, scope: CacheScope::Private };
        let cache = result.cache.or_else(|| (request.method.cacheable && silent()).then_some(stale));
        let stamp = Stamp { server_info: Some(&self.0.info), cache };
        let (id, revision) = (request.id.as_id(), request.caller.revision);
        let mut out = Vec::with_capacity(raw.len() + 256);
        match write_raw_response(id, Shape::EmptyResult, raw, revision, &stamp, &mut out) {
            Ok(()) => Ok(Reply { bytes: out.into(), error: None }),
            Err(error) => {
                let error = fault(format!("the result of extension \"{}\": {error}", extension.id()));
                Err(internal(request, request.method.name, &error))
            }
        }
    }
}

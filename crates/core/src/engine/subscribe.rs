//! `resources/subscribe` and `resources/unsubscribe` of a session (RSC-5).

use std::borrow::Cow;

use latimer_protocol::wire::EmptyResult;
use latimer_protocol::{OwnedParams, Revision, RpcError};

use super::operation::no_resource;
use super::{Engine, Reply, Request};
use crate::catalog::Snapshot;
use crate::principal::Principal;
use crate::session::SessionError;
use crate::subscription::{WatchError, line};

impl Engine {
    /// The URI that a principal may subscribe to.
    ///
    /// # Errors
    /// -32602 where it is missing, and the revision's "resource not found" where the principal sees none (RSC-3).
    pub fn subscribable<'a>(
        &self,
        params: &'a OwnedParams,
        principal: &Principal,
        revision: Revision,
    ) -> Result<Cow<'a, str>, RpcError> {
        subscribable(&self.0.catalog.snapshot(), params, principal, revision)
    }

    pub(super) async fn watch(&self, request: &Request, snapshot: &Snapshot) -> Result<Reply, RpcError> {
        let caller = &request.caller;
        let session =
            caller.session.as_ref().ok_or_else(|| RpcError::method_not_found(request.method.name))?;
        let uri = subscribable(snapshot, &request.params, &caller.principal, caller.revision)?;
        let most = self.limits().subscriptions;
        let watched = self.sessions().watch(session, &caller.principal, &uri, most).await;
        watched.map_err(|error| refused(request, &error))?;
        self.0.changes.watch(&line(session), &uri);
        self.sessions().wake(session, self.0.changes.origin()).await;
        self.reply(request, &EmptyResult, None)
    }

    pub(super) async fn unwatch(&self, request: &Request) -> Result<Reply, RpcError> {
        let caller = &request.caller;
        let session =
            caller.session.as_ref().ok_or_else(|| RpcError::method_not_found(request.method.name))?;
        // What was subscribed to may be gone from the catalog.
        let uri = request.params.uri()?;
        let unwatched = self.sessions().unwatch(session, &caller.principal, &uri).await;
        unwatched.map_err(|error| refused(request, &WatchError::Session(error)))?;
        self.0.changes.unwatch(&line(session), &uri);
        self.sessions().wake(session, self.0.changes.origin()).await;
        self.reply(request, &EmptyResult, None)
    }
}

fn subscribable<'a>(
    snapshot: &Snapshot,
    params: &'a OwnedParams,
    principal: &Principal,
    revision: Revision,
) -> Result<Cow<'a, str>, RpcError> {
    let uri = params.uri()?;
    if snapshot.shows(principal, &uri) { Ok(uri) } else { Err(no_resource(&uri, revision)) }
}

fn refused(request: &Request, error: &WatchError) -> RpcError {
    match error {
        WatchError::Session(SessionError::Gone) => RpcError::invalid_request(error.to_string()),
        WatchError::Session(_) => {
            let reference = crate::error::reference();
            tracing::error!(%reference, %error, method = request.method.name, "a subscription could not be kept");
            RpcError::internal(&reference)
        }
        error => RpcError::invalid_params(error.to_string()),
    }
}

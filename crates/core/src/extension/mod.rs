//! Extensions: what a server or a client can do beyond the protocol itself (VER-10).
//!
//! An extension has an identifier, settings that the server announces under it in `capabilities.extensions`
//! (from 2025-11-25 on), and perhaps methods of its own. A server's own extensions implement [`Extension`];
//! a [`Source`] describes those that it brings in its definitions and answers their methods as it
//! answers any call. Which of them exist is known only at run time: an upstream server may bring some.
//!
//! Announcing an extension obliges its clients to nothing. An extension that makes sense only to clients that
//! know it says so itself, with [`Context::require_extension`](crate::Context::require_extension).

mod client;
mod definition;
mod id;
mod row;
mod table;
pub mod ui;

use std::fmt;
use std::sync::Arc;

use latimer_protocol::encode::CacheHint;
use latimer_protocol::{Method, RawJson};

pub use definition::{ExtensionDefinition, ExtensionMethod};
pub use id::{ExtensionId, ExtensionIdError};
pub use table::ExtensionError;
pub(crate) use table::{Clash, Extensions};

use crate::BoxFuture;
use crate::call::{Answer, Outcome};
use crate::context::Context;
use crate::error::CallError;
use crate::source::Source;

/// Something that a server can do beyond the protocol.
pub trait Extension: Send + Sync + fmt::Debug + 'static {
    /// What is announced of it, and the methods that it brings. Asked once, when it is registered.
    fn definition(&self) -> ExtensionDefinition;

    /// Answers a request of one of its methods.
    ///
    /// The future is polled in the caller's task first: it must not block. It is dropped when the call is
    /// cancelled or takes too long.
    fn call(&self, call: ExtensionCall) -> BoxFuture<'static, Result<ExtensionResult, CallError>>;
}

/// A request of an extension's method.
#[derive(Clone, Debug)]
pub struct ExtensionCall {
    /// The row of the method.
    pub method: &'static Method,
    /// `params`, an object; an empty one where the request has none.
    pub params: RawJson,
    /// For whom.
    pub context: Context,
}

impl ExtensionCall {
    /// The outcome, as calls of every kind have one.
    pub(crate) fn answered_by(self, extension: &dyn Extension) -> BoxFuture<'static, Outcome> {
        let work = extension.call(self);
        Box::pin(async move { work.await.map(Answer::Extension) })
    }
}

/// The result of an extension's method.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExtensionResult {
    /// An object. What every result of the caller's revision has (`resultType`, caching, the server's name) is added.
    pub json: RawJson,
    /// How long it may be kept. Without a word of its own or in the result, a result that says so is stale at once
    /// and its caller's alone (CACHE-1).
    pub cache: Option<CacheHint>,
}

impl ExtensionResult {
    /// A result that says nothing of how long it may be kept.
    pub fn new(json: RawJson) -> Self {
        Self { json, cache: None }
    }

    /// The same with how long it may be kept.
    #[must_use]
    pub fn kept(mut self, cache: CacheHint) -> Self {
        self.cache = Some(cache);
        self
    }
}

/// Who answers the methods of a registered extension.
#[derive(Clone, Debug)]
pub(crate) enum Owner {
    /// The extension itself.
    Own(Arc<dyn Extension>),
    /// The source that brought it.
    Source(Arc<dyn Source>),
}

/// A registered extension that brings methods, as a call pins it.
#[derive(Debug)]
pub struct ExtensionEntry {
    id: ExtensionId,
    owner: Owner,
}

impl ExtensionEntry {
    pub(crate) fn new(id: ExtensionId, owner: Owner) -> Self {
        Self { id, owner }
    }

    /// Its identifier.
    pub fn id(&self) -> &ExtensionId {
        &self.id
    }

    pub(crate) fn owner(&self) -> &Owner {
        &self.owner
    }
}

//! Where tools, resources and prompts come from.

use std::fmt;
use std::sync::Arc;

use latimer_protocol::RawJson;

use crate::BoxFuture;
use crate::call::{Call, Outcome};
use crate::catalog::Catalog;
use crate::extension::ExtensionDefinition;
pub use crate::requirement::Requirement;

/// A contributor of tools, resources, resource templates and prompts.
///
/// A Rust crate, an upstream server, an OpenAPI document and a WASM component are all sources; the
/// rest of Latimer cannot tell them apart. A source is opened once, before anything of it is
/// visible; then it answers calls, many at a time; then it is closed.
pub trait Source: Send + Sync + fmt::Debug + 'static {
    /// The name under which the source is loaded, unique in a server.
    fn name(&self) -> &str;

    /// Gets ready and tells what the source contributes.
    ///
    /// # Errors
    /// When it cannot work. Nothing of it becomes visible then.
    fn open(&self) -> BoxFuture<'_, Result<Definitions, SourceError>>;

    /// Tells into which catalog the source is being loaded, before it is opened: where it announces that a resource has
    /// other contents, or that it contributes something else now. It must not keep the catalog alive.
    fn join(&self, catalog: &Arc<Catalog>) {
        let _ = catalog;
    }

    /// Answers a call of one of its entries. The answer's kind has to match the operation.
    ///
    /// The future is polled in the caller's task first: it must not block. It is dropped when the
    /// call is cancelled or takes too long.
    fn call(&self, call: Call) -> BoxFuture<'static, Outcome>;

    /// Lets go of what `open` took. Calls have ended, or were cancelled, before.
    fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(std::future::ready(()))
    }
}

/// What a source contributes. Each list may be in any order; names and URIs are unique in a server.
#[derive(Clone, Debug, Default)]
pub struct Definitions {
    /// Tools, by `name`.
    pub tools: Vec<Definition>,
    /// Resources, by `uri`.
    pub resources: Vec<Definition>,
    /// Resource templates, by `uriTemplate`.
    pub templates: Vec<Definition>,
    /// Prompts, by `name`.
    pub prompts: Vec<Definition>,
    /// Whether the source answers `completion/complete` (CMP-1).
    pub completes: bool,
    /// The extensions that it brings (VER-10). Their methods are calls like all others.
    pub extensions: Vec<ExtensionDefinition>,
}

/// One definition: the entry of a list as it goes over the wire, in the newest form, and what the
/// server has to know besides.
#[derive(Clone, Debug)]
pub struct Definition {
    /// The entry as an object. Unknown members are kept (BASE-6).
    pub json: RawJson,
    /// What the client must be able to do (VER-7): a call without it is refused before it begins.
    pub requires: Vec<Requirement>,
    /// The scopes a principal must have been granted. Without them the entry does not exist for it.
    pub scopes: Vec<String>,
    /// Whether a task of this tool may be run again from its journal when the server that ran it has gone.
    pub resumable: bool,
    /// Whether the source checks the arguments of this tool itself. They reach it unchecked then, as any object: for tools
    /// whose failures have a shape of their own, whatever was wrong with the call.
    pub checks_arguments: bool,
}

impl Definition {
    /// A definition open to everybody.
    pub fn new(json: RawJson) -> Self {
        Self { json, requires: Vec::new(), scopes: Vec::new(), resumable: false, checks_arguments: false }
    }
}

/// Why a source did not open.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct SourceError {
    message: String,
    #[source]
    cause: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl SourceError {
    /// A reason in words: what is wrong and what to do about it.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), cause: None }
    }

    /// The same with the error behind it.
    #[must_use]
    pub fn because(mut self, cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.cause = Some(cause.into());
        self
    }
}

//! What an author puts around every call.

use std::fmt;
use std::sync::Arc;

use crate::BoxFuture;
use crate::call::Operation;
use crate::call::{Call, Outcome};
use crate::catalog::{PromptEntry, ResourceEntry, TemplateEntry, ToolEntry};
use crate::extension::{ExtensionCall, Owner};
use crate::source::Source;

/// Answers calls: the source at the end, or a middleware before it.
pub trait Handler: Send + Sync + fmt::Debug + 'static {
    /// Answers a call.
    fn handle(&self, call: Call) -> BoxFuture<'static, Outcome>;
}

/// The rest of the way of a call.
#[derive(Clone, Debug)]
pub struct Next(Arc<dyn Handler>);

impl Next {
    /// The way that ends at a handler.
    pub fn new(handler: Arc<dyn Handler>) -> Self {
        Self(handler)
    }

    /// The same way with a middleware before it.
    #[must_use]
    pub fn wrapped(self, middleware: Arc<dyn Middleware>) -> Self {
        Self(Arc::new(Around { middleware, next: self }))
    }

    /// Sends the call on.
    pub fn run(&self, call: Call) -> BoxFuture<'static, Outcome> {
        self.0.handle(call)
    }
}

/// Something around every call that reaches a source: it may look, change, refuse, or answer by itself.
///
/// Arguments are checked before; the answer is checked and written after.
pub trait Middleware: Send + Sync + 'static {
    /// Handles a call, usually by running `next`.
    fn around(&self, call: Call, next: Next) -> BoxFuture<'static, Outcome>;
}

impl<F, R> Middleware for F
where
    F: Fn(Call, Next) -> R + Send + Sync + 'static,
    R: Future<Output = Outcome> + Send + 'static,
{
    fn around(&self, call: Call, next: Next) -> BoxFuture<'static, Outcome> {
        Box::pin(self(call, next))
    }
}

/// A middleware and what comes after it.
pub(crate) struct Around {
    pub(crate) middleware: Arc<dyn Middleware>,
    pub(crate) next: Next,
}

impl Handler for Around {
    fn handle(&self, call: Call) -> BoxFuture<'static, Outcome> {
        self.middleware.around(call, self.next.clone())
    }
}

impl fmt::Debug for Around {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Around").field("next", &self.next).finish_non_exhaustive()
    }
}

/// Hands a call to the source of its entry.
#[derive(Debug)]
pub(crate) struct ToSource;

impl Handler for ToSource {
    fn handle(&self, call: Call) -> BoxFuture<'static, Outcome> {
        use crate::catalog::source_of;
        let source: &Arc<dyn Source> = match &call.operation {
            Operation::CallTool { tool, .. } => source_of::<ToolEntry>(tool),
            Operation::ReadResource { resource } => source_of::<ResourceEntry>(resource),
            Operation::ReadTemplate { template, .. } | Operation::CompleteTemplate { template, .. } => {
                source_of::<TemplateEntry>(template)
            }
            Operation::GetPrompt { prompt, .. } | Operation::CompletePrompt { prompt, .. } => {
                source_of::<PromptEntry>(prompt)
            }
            Operation::CallExtension { extension, method, params } => match extension.owner() {
                Owner::Source(source) => source,
                Owner::Own(extension) => {
                    let (params, context) = (params.clone(), call.context.clone());
                    return ExtensionCall { method, params, context }.answered_by(extension.as_ref());
                }
            },
        };
        source.clone().call(call)
    }
}

//! A server's parts as a source of another server.

use std::sync::{Arc, Weak};

use latimer_core::local::LocalSource;
use latimer_core::middleware::{Handler, Middleware, Next};
use latimer_core::source::{Definitions, SourceError};
use latimer_core::{BoxFuture, Call, Catalog, Outcome, Source};

use crate::handle::Handle;

/// The source of an author's functions, with the author's middleware around it.
#[derive(Debug)]
pub(crate) struct Assembled {
    itself: Weak<Self>,
    local: Arc<LocalSource>,
    handle: Handle,
    first: Next,
}

impl Assembled {
    pub(crate) fn new(
        local: Arc<LocalSource>,
        middleware: Vec<Arc<dyn Middleware>>,
        handle: Handle,
    ) -> Arc<Self> {
        let mut first = Next::new(Arc::new(ToLocal(local.clone())));
        for middleware in middleware.into_iter().rev() {
            first = first.wrapped(middleware);
        }
        Arc::new_cyclic(|itself| Self { itself: itself.clone(), local, handle, first })
    }
}

impl Source for Assembled {
    fn name(&self) -> &str {
        self.local.name()
    }

    fn join(&self, catalog: &Arc<Catalog>) {
        let itself: Weak<dyn Source> = self.itself.clone();
        self.handle.serve(itself, catalog);
    }

    fn open(&self) -> BoxFuture<'_, Result<Definitions, SourceError>> {
        self.local.open()
    }

    fn call(&self, call: Call) -> BoxFuture<'static, Outcome> {
        self.first.run(call)
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        self.local.close()
    }
}

#[derive(Debug)]
struct ToLocal(Arc<LocalSource>);

impl Handler for ToLocal {
    fn handle(&self, call: Call) -> BoxFuture<'static, Outcome> {
        self.0.call(call)
    }
}

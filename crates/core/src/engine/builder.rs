//! Putting an engine together.

use std::sync::{Arc, OnceLock};

use latimer_protocol::RawJson;
use latimer_protocol::wire::Implementation;
use latimer_store::{Clock, Store, SystemClock};
use tokio_util::sync::CancellationToken;

use super::{Engine, Parts};
use crate::admission::Admission;
use crate::ask::{Line, Questions, SealKeys};
use crate::catalog::Catalog;
use crate::changes::Changes;
use crate::extension::{Extension, ExtensionError, Extensions};
use crate::identify::{Identify, Open};
use crate::inflight::Inflight;
use crate::limits::{Limits, LiveLimits};
use crate::middleware::{Around, Handler, Middleware, Next, ToSource};
use crate::notices::Notices;
use crate::session::Sessions;
use crate::states::States;
use crate::stream::Streams;
use crate::task::Tasks;

/// What an engine is made of.
#[derive(Default)]
pub struct Builder {
    info: Option<Implementation>,
    instructions: Option<String>,
    identify: Option<Arc<dyn Identify>>,
    limits: Limits,
    store: Option<Store>,
    states: States,
    catalog: Option<Arc<Catalog>>,
    middleware: Vec<Arc<dyn Middleware>>,
    extensions: Extensions,
    seal_keys: Option<SealKeys>,
    clock: Option<Arc<dyn Clock>>,
    reruns: Option<bool>,
}

impl Builder {
    /// How the server introduces itself.
    #[must_use]
    pub fn info(mut self, info: Implementation) -> Self {
        self.info = Some(info);
        self
    }

    /// What the model should know before it uses the server.
    #[must_use]
    pub fn instructions(mut self, instructions: impl Into<String>) -> Self {
        self.instructions = Some(instructions.into());
        self
    }

    /// Who is let in; everybody, where nothing is said.
    #[must_use]
    pub fn identify(mut self, identify: Arc<dyn Identify>) -> Self {
        self.identify = Some(identify);
        self
    }

    /// The bounds.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Where state is kept; in memory, where nothing is said.
    #[must_use]
    pub fn store(mut self, store: Store) -> Self {
        self.store = Some(store);
        self
    }

    /// What handlers share.
    #[must_use]
    pub fn states(mut self, states: States) -> Self {
        self.states = states;
        self
    }

    /// A catalog that somebody else changes too.
    #[must_use]
    pub fn catalog(mut self, catalog: Arc<Catalog>) -> Self {
        self.catalog = Some(catalog);
        self
    }

    /// Puts a middleware around every call; the first one is outermost.
    #[must_use]
    pub fn middleware(mut self, middleware: Arc<dyn Middleware>) -> Self {
        self.middleware.push(middleware);
        self
    }

    /// An extension of the server itself. It takes the place of one that a source brings under the same
    /// identifier.
    ///
    /// # Errors
    /// When it cannot be served: its settings are no object, a method's name is none, or another extension of the
    /// server has the identifier or the method.
    pub fn extension(mut self, extension: Arc<dyn Extension>) -> Result<Self, ExtensionError> {
        self.extensions.register(extension)?;
        Ok(self)
    }

    /// What seals the state of calls that ask in 2026-07-28; a key of this process, where nothing is said.
    #[must_use]
    pub fn seal_keys(mut self, keys: SealKeys) -> Self {
        self.seal_keys = Some(keys);
        self
    }

    /// The time by which states expire; the system's, where nothing is said.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = Some(clock);
        self
    }

    /// Whether handlers that ask are run again from the top in legacy sessions too, as they are in 2026-07-28. Where
    /// nothing is said, debug builds do so and release builds do not.
    #[must_use]
    pub fn reruns(mut self, reruns: bool) -> Self {
        self.reruns = Some(reruns);
        self
    }

    /// The engine.
    pub fn build(self) -> Engine {
        let info = self.info.unwrap_or_else(|| Implementation::new("latimer", env!("CARGO_PKG_VERSION")));
        let store = self.store.unwrap_or_else(Store::memory);
        let mut handler: Arc<dyn Handler> = Arc::new(ToSource);
        for middleware in self.middleware.into_iter().rev() {
            handler = Arc::new(Around { middleware, next: Next::new(handler) });
        }
        let instance = crate::random::hex::<8>();
        let clock: Arc<dyn Clock> = self.clock.unwrap_or_else(|| Arc::new(SystemClock));
        let catalog = self.catalog.unwrap_or_default();
        let changes = Changes::new(store.clone());
        catalog.announce_to(&changes);
        let notices = Notices::new(store.clone());
        let limits = LiveLimits::from(&self.limits);
        let sessions = Sessions::new(store.clone(), limits.clone());
        let line = Line { changes: changes.clone(), sessions: sessions.clone(), limits: limits.clone() };
        Engine(Arc::new(Parts {
            catalog,
            identify: self.identify.unwrap_or_else(|| Arc::new(Open::default())),
            sessions,
            questions: Questions::new(store.clone(), notices.clone(), line),
            seal_keys: self.seal_keys.unwrap_or_else(SealKeys::of_process),
            tasks: Tasks::new(store.clone(), clock.clone(), limits.clone()),
            notices,
            instance,
            clock,
            reruns: self.reruns.unwrap_or(cfg!(debug_assertions)),
            store: store.clone(),
            streams: Streams::new(store, limits.clone()),
            name: info.name.clone(),
            info: RawJson::from_serialize(&info).unwrap_or_else(|_| RawJson::empty_object()),
            instructions: self.instructions,
            states: Arc::new(self.states),
            handler,
            extensions: self.extensions,
            admission: Admission::new(self.limits.calls, self.limits.calls_per_session),
            listens: Admission::new(self.limits.listens, self.limits.listens_per_caller),
            inflight: Inflight::default(),
            changes,
            task_status: OnceLock::new(),
            stopping: CancellationToken::new(),
            stopped_at: OnceLock::new(),
            // Changes are announced to those who listen (CACHE-3). Who does not, and caches between, ask again after
            // a minute.
            list_ttl_ms: 60_000,
            limits,
        }))
    }
}

impl std::fmt::Debug for Builder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Builder")
            .field("info", &self.info)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

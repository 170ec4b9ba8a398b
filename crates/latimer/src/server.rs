//! A server, put together.

use std::fmt;
use std::sync::Arc;

use latimer_core::ask::SealKeys;
use latimer_core::engine::Builder;
use latimer_core::local::LocalSource;
use latimer_core::middleware::{Middleware, Next};
use latimer_core::source::SourceError;
use latimer_core::states::States;
use latimer_core::{Call, Catalog, Engine, Extension, Limits, Outcome, Source};
use latimer_host::config::Loaded;
use latimer_protocol::wire::{Icon, Implementation};
use latimer_skills::Skills;

use crate::app::check_pages;
use crate::error::{BuildError, Fault};
use crate::handle::Handle;
use crate::layer::{Layered, LayeredService, NextService};
use crate::part::{Part, Parts, Shown};
use crate::source::Assembled;
use crate::{Error, IntoPrompt, IntoResource, IntoTool, TestClient};

/// A server: what it is called, what it offers, and what its functions share.
///
/// ```
/// use latimer::prelude::*;
///
/// /// Adds two numbers.
/// #[tool(read_only)]
/// fn add(a: f64, b: f64) -> f64 {
///     a + b
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> latimer::Result {
/// let client = Server::new("calculator").tool(add).test().await?;
/// assert_eq!(client.call("add", json!({ "a": 1, "b": 2 })).await?.text(), "3");
/// # Ok(()) }
/// ```
///
/// Mistakes, such as two tools of one name or a missing state, are found when the server is built, which
/// [`test`](Self::test) does too.
#[must_use = "a server does nothing until it is run, mounted or built"]
pub struct Server {
    info: Implementation,
    instructions: Option<String>,
    states: States,
    parts: Vec<Part>,
    sources: Vec<Arc<dyn Source>>,
    middleware: Vec<Arc<dyn Middleware>>,
    skills: Vec<Skills>,
    page_size: Option<usize>,
    http_sse: bool,
    local: Arc<LocalSource>,
    handle: Handle,
    seal_keys: Option<SealKeys>,
}

impl Server {
    /// A server that offers nothing yet. Its version is 0.0.0 until [`version`](Self::version) says otherwise.
    pub fn new(name: impl Into<String>) -> Self {
        let name = name.into();
        let local = Arc::new(LocalSource::new(name.clone()));
        Self {
            handle: Handle::new(&local),
            local,
            info: Implementation::new(name, "0.0.0"),
            instructions: None,
            states: States::default(),
            parts: Vec::new(),
            sources: Vec::new(),
            middleware: Vec::new(),
            skills: Vec::new(),
            page_size: None,
            http_sse: false,
            seal_keys: None,
        }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.info.name
    }

    /// Its version, usually `env!("CARGO_PKG_VERSION")`.
    pub fn version(mut self, version: impl Into<String>) -> Self {
        self.info.version = version.into();
        self
    }

    /// Its name for people.
    pub fn title(mut self, title: impl Into<String>) -> Self {
        self.info.title = Some(title.into());
        self
    }

    /// What it does.
    pub fn description(mut self, description: impl Into<String>) -> Self {
        self.info.description = Some(description.into());
        self
    }

    /// What the model should know before it uses the server.
    pub fn instructions(mut self, instructions: impl Into<String>) -> Self {
        self.instructions = Some(instructions.into());
        self
    }

    /// Where to read about it.
    pub fn website(mut self, url: impl Into<String>) -> Self {
        self.info.website_url = Some(url.into());
        self
    }

    /// Pictures for it.
    pub fn icons(mut self, icons: impl IntoIterator<Item = Icon>) -> Self {
        self.info.icons.extend(icons);
        self
    }

    /// How many entries one page of a list holds, at least one; 1,000 where nothing is said. In a program, its configuration
    /// may say otherwise. A source leaves this to the server that loads it.
    pub fn page_size(mut self, entries: usize) -> Self {
        self.page_size = Some(entries.max(1));
        self
    }

    /// Whether a program serves HTTP+SSE of 2024-11-05 too, where its configuration says nothing of it.
    pub fn http_sse(mut self, serves: bool) -> Self {
        self.http_sse = serves;
        self
    }

    /// A value that functions take as [`State<T>`](crate::State); one for each type, the last one counts.
    pub fn state<T: Send + Sync + 'static>(mut self, value: T) -> Self {
        self.states.insert(value);
        self
    }

    /// The keys that seal what calls of 2026-07-28 keep between their rounds: see [`guide::asking`](crate::guide::asking).
    /// Instances that share traffic share them. The configuration's `seal_keys` come before these; without any, the
    /// process makes a key for itself.
    pub fn seal_keys(mut self, keys: SealKeys) -> Self {
        self.seal_keys = Some(keys);
        self
    }

    /// Adds a tool: a function with `#[tool]`, or a [`Tool`](crate::Tool).
    pub fn tool<K>(mut self, tool: impl IntoTool<K>) -> Self {
        self.parts.push(tool.into_tool().into());
        self
    }

    /// Adds a resource or resource template: a function with `#[resource]`, or a [`Resource`](crate::Resource).
    pub fn resource<K>(mut self, resource: impl IntoResource<K>) -> Self {
        self.parts.push(resource.into_resource().into());
        self
    }

    /// Adds a prompt: a function with `#[prompt]`, or a [`Prompt`](crate::Prompt).
    pub fn prompt<K>(mut self, prompt: impl IntoPrompt<K>) -> Self {
        self.parts.push(prompt.into_prompt().into());
        self
    }

    /// Adds the marked methods of a value whose `impl` block has `#[latimer::tools]`.
    #[expect(clippy::should_implement_trait, reason = "it is the word that authors look for")]
    pub fn add(mut self, parts: impl Parts) -> Self {
        self.parts.extend(Arc::new(parts).parts());
        self
    }

    /// Adds what another source contributes, for example an upstream server.
    pub fn source(mut self, source: Arc<dyn Source>) -> Self {
        self.sources.push(source);
        self
    }

    /// Adds skills, from a folder or from the program itself, and serves them as `io.modelcontextprotocol/skills`.
    pub fn skills(mut self, skills: Skills) -> Self {
        self.skills.push(skills);
        self
    }

    /// Adds an extension: what the server can do beyond the protocol. Two that contradict each other keep the server
    /// from being built.
    pub fn extension(self, extension: impl Extension) -> Self {
        self.local.extend(Arc::new(extension));
        self
    }

    /// Does something before anything of the server becomes visible. If it fails, the server does not start.
    pub fn on_start<F, R>(self, hook: F) -> Self
    where
        F: FnOnce(Handle) -> R + Send + 'static,
        R: Future<Output = Result<(), Error>> + Send + 'static,
    {
        let handle = self.handle.clone();
        self.local.on_start(move || {
            let hook = hook(handle);
            Box::pin(async move {
                hook.await.map_err(|error| SourceError::new(format!("its start hook failed: {error}")))
            })
        });
        self
    }

    /// Does something after the last call has ended and everything is closed.
    pub fn on_stop<F, R>(self, hook: F) -> Self
    where
        F: FnOnce(Handle) -> R + Send + 'static,
        R: Future<Output = ()> + Send + 'static,
    {
        let handle = self.handle.clone();
        self.local.on_stop(move || Box::pin(hook(handle)));
        self
    }

    /// Puts a closure around every call; the first one is outermost.
    ///
    /// ```
    /// # use latimer::prelude::*;
    /// # let server = Server::new("bistro");
    /// server.around(|call, next| async move {
    ///     let target = call.operation.target().to_owned();
    ///     let outcome = next.run(call).await;
    ///     println!("{target}: {}", if outcome.is_ok() { "done" } else { "failed" });
    ///     outcome
    /// });
    /// ```
    pub fn around<F, R>(self, closure: F) -> Self
    where
        F: Fn(Call, Next) -> R + Send + Sync + 'static,
        R: Future<Output = Outcome> + Send + 'static,
    {
        self.middleware(closure)
    }

    /// Puts a middleware around every call; the first one is outermost.
    pub fn middleware(mut self, middleware: impl Middleware) -> Self {
        self.middleware.push(Arc::new(middleware));
        self
    }

    /// Puts a tower layer around every call; the first one is outermost.
    ///
    /// The layer is applied once, and the service that it makes is cloned for each call.
    pub fn layer<L>(self, layer: L) -> Self
    where
        L: tower_layer::Layer<NextService, Service: LayeredService> + Send + 'static,
    {
        self.middleware(Layered::new(layer))
    }

    /// What adds and removes tools, resources and prompts while the server runs. Functions may take it
    /// as `State<Handle>`.
    pub fn handle(&self) -> Handle {
        self.handle.clone()
    }

    /// The engine that answers the server's calls, with everything loaded.
    ///
    /// # Errors
    /// When a part is faulty or needs a state that is missing, two have one name, or a start hook fails.
    pub async fn build(self) -> Result<Engine, BuildError> {
        let catalog = Arc::new(Catalog::default());
        let (builder, sources) = self.assemble(&catalog)?;
        let engine = builder.catalog(catalog).build();
        Self::load(&engine, sources).await?;
        Ok(engine)
    }

    /// A client in the same process, for tests. It sends and reads real messages.
    ///
    /// # Errors
    /// As [`build`](Self::build).
    pub async fn test(self) -> Result<TestClient, BuildError> {
        Ok(TestClient::new(self.build().await?))
    }

    /// The server's parts as one source that another server loads, with its states and middleware.
    ///
    /// What the server says about itself is left behind: that is the other server's to say.
    ///
    /// # Errors
    /// As [`build`](Self::build), and when the server has further sources.
    pub fn into_source(mut self) -> Result<Arc<dyn Source>, BuildError> {
        if !self.sources.is_empty() {
            return Err(Fault::NotOneSource(self.info.name).into());
        }
        self.bind()?;
        Ok(Assembled::new(self.local.clone(), self.middleware, self.handle))
    }

    /// Everything but the loading of the sources, which a host may want to do in its own order.
    pub(crate) fn assemble(
        mut self,
        catalog: &Arc<Catalog>,
    ) -> Result<(Builder, Vec<Arc<dyn Source>>), BuildError> {
        self.bind()?;
        let local: Arc<dyn Source> = self.local.clone();
        self.handle.serve(Arc::downgrade(&local), catalog);
        let mut builder = Engine::builder().info(self.info).states(self.states);
        if let Some(instructions) = self.instructions {
            builder = builder.instructions(instructions);
        }
        if let Some(page_size) = self.page_size {
            builder = builder.limits(Limits { page_size, ..Limits::default() });
        }
        for middleware in self.middleware {
            builder = builder.middleware(middleware);
        }
        if let Some(keys) = self.seal_keys {
            builder = builder.seal_keys(keys);
        }
        let mut sources: Vec<Arc<dyn Source>> = vec![self.local.clone()];
        sources.append(&mut self.sources);
        Ok((builder, sources))
    }

    /// Loads the sources; what was loaded is closed again if one of them fails.
    pub(crate) async fn load(engine: &Engine, sources: Vec<Arc<dyn Source>>) -> Result<(), BuildError> {
        for source in sources {
            if let Err(error) = engine.catalog().load(source).await {
                engine.close().await;
                return Err(Fault::Catalog(error).into());
            }
        }
        Ok(())
    }

    /// How it introduces itself.
    pub(crate) fn info(&self) -> &Implementation {
        &self.info
    }

    /// What a program takes for its configuration where that says nothing.
    pub(crate) fn settle(&self, loaded: &mut Loaded) {
        let is_open = |key| loaded.provenance.of(key).place.is_none();
        let (page_size, http_sse) = (is_open("page_size"), is_open("http_sse"));
        if let Some(entries) = self.page_size.filter(|_| page_size) {
            loaded.config.page_size = entries;
        }
        if http_sse {
            loaded.config.http_sse = self.http_sse;
        }
    }

    /// The same server under another name.
    pub(crate) fn renamed(mut self, name: String) -> Self {
        self.info.name = name;
        self
    }

    /// Gives the functions their states and the source its entries.
    fn bind(&mut self) -> Result<(), BuildError> {
        // A source may bring the page of a tool that is not its own.
        if self.sources.is_empty() {
            check_pages(&self.parts)?;
        }
        self.handle.share(&mut self.states);
        for part in std::mem::take(&mut self.parts) {
            let entry = part.bind(&self.states)?;
            let shown = Shown(entry.kind(), entry.key()).to_string();
            let mend = Shown::rename(entry.kind());
            // The only reason for a refusal is a name that is taken.
            self.local.insert(entry).map_err(|_| Fault::Twice { entry: shown, mend })?;
        }
        self.bind_skills()?;
        Ok(())
    }

    fn bind_skills(&mut self) -> Result<(), Fault> {
        let Some(all) =
            std::mem::take(&mut self.skills).into_iter().map(Ok).reduce(|all, more| all?.and(more?))
        else {
            return Ok(());
        };
        let served = all?.serve().map_err(Fault::SkillsJson)?;
        for entry in served.entries().map_err(Fault::SkillsJson)? {
            let shown = Shown(entry.kind(), entry.key()).to_string();
            let mend = Shown::rename(entry.kind());
            self.local.insert(entry).map_err(|_| Fault::Twice { entry: shown, mend })?;
        }
        self.local.extend(Arc::new(served));
        Ok(())
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server")
            .field("info", &self.info)
            .field("states", &self.states)
            .field("parts", &self.parts)
            .field("sources", &self.sources)
            .finish_non_exhaustive()
    }
}

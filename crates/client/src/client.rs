//! The client itself.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use latimer_protocol::encode::{ObjectWriter, write_object};
use latimer_protocol::frame::string;
use latimer_protocol::rewrite::{elements, member};
use latimer_protocol::wire::{
    CompleteResult, GetPromptResult, Prompt, ReadResourceResult, Resource, ResourceTemplate, Tool,
};
use latimer_protocol::{Era, ErrorCode, RawJson};
use tokio::sync::Semaphore;

use crate::abilities::Abilities;
use crate::cache::Cache;
use crate::call::Call;
use crate::connect::{Connected, Opening};
use crate::connection::{Connection, Outgoing};
use crate::desk::Desk;
use crate::entry::Entry;
use crate::envelope::{self, Introduction};
use crate::error::{ClientError, Fault};
use crate::http;
use crate::info::ServerInfo;
use crate::notification::Notices;
use crate::options::{ClientLimits, Options, Timeouts};
use crate::outcome::{CallOutcome, Reply};
use crate::target::Target;
use crate::tools::KnownTools;

/// A connection to one server. Cloning it shares the connection; any number of requests may be in flight.
///
/// When the last clone is dropped, a child process is ended in the background (STDIO-4), a socket closed. A session over HTTP
/// only ends with [`close`](Self::close).
#[derive(Clone)]
pub struct Client(Arc<Inner>);

struct Inner {
    connection: Connection,
    info: ServerInfo,
    introduction: Option<Introduction>,
    notices: Arc<Notices>,
    ids: Arc<AtomicU64>,
    slots: Semaphore,
    timeouts: Timeouts,
    limits: ClientLimits,
    tools: KnownTools,
    has_tasks: bool,
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.notices.desk().close();
    }
}

/// What is to be completed (CMP-1).
#[derive(Clone, Copy, Debug)]
pub enum CompletionRef<'a> {
    /// An argument of the prompt of this name.
    Prompt(&'a str),
    /// A variable of this URI template.
    Resource(&'a str),
}

impl Client {
    /// Finds out which era the server is of, and opens the connection (DET-1 to DET-6).
    ///
    /// # Errors
    /// When the server cannot be reached or started, wants credentials, or speaks no revision that this client
    /// (or [`Options::era`]) allows.
    pub async fn connect(target: impl Into<Target>, options: Options) -> Result<Self, ClientError> {
        let desk = Arc::new(Desk::new(Abilities::of(&options), options.limits.questions));
        let cache = Cache::new(&options.limits);
        let notices = Arc::new(Notices::new(options.on_notification.clone(), desk, cache));
        let ids = Arc::new(AtomicU64::new(1));
        let opening = Opening { options: &options, notices: Arc::clone(&notices), ids: Arc::clone(&ids) };
        let Connected { connection, info, introduction } = opening.connect(&target.into()).await?;
        tracing::debug!(revision = %info.revision(), server = info.name(), "connected");
        let client = Self(Arc::new(Inner {
            connection,
            info,
            introduction,
            notices,
            ids,
            slots: Semaphore::new(options.limits.in_flight),
            timeouts: options.timeouts,
            limits: options.limits,
            tools: KnownTools::default(),
            has_tasks: options.tasks,
        }));
        if let Some(level) = options.log_level
            && client.info().era() == Era::Legacy
            && client.info().can("logging")
        {
            let params = params(|object| {
                object.string("level", level.as_str());
            });
            match Call::new(&client, "logging/setLevel", params, Ok).await {
                Err(error) if error.rpc().is_some() => {
                    tracing::warn!(%error, "the log level is the server's");
                }
                answer => drop(answer?),
            }
        }
        Ok(client)
    }

    /// What the server said about itself when the connection was made.
    pub fn info(&self) -> &ServerInfo {
        &self.0.info
    }

    /// Ends the connection for all clones: nothing more is sent, a session is deleted (LH-8), a child process
    /// ended (STDIO-4), a socket closed.
    pub async fn close(&self) {
        self.0.slots.close();
        self.0.notices.desk().close();
        self.0.connection.close().await;
    }

    /// Any request. `params` is an object; in the modern era, what the protocol wants to have in its `_meta` is added.
    pub fn request<'c>(&'c self, method: impl Into<Cow<'c, str>>, params: RawJson) -> Call<'c, RawJson> {
        Call::new(self, method, text(params.into_bytes().into()), Ok)
    }

    /// Calls a tool. `arguments` is an object.
    ///
    /// Over HTTP in the modern era, the first call lists the tools if they have not been listed yet: some of the
    /// arguments may have to travel as headers too (XH-4).
    pub fn call_tool(&self, name: &str, arguments: RawJson) -> Call<'_, CallOutcome> {
        let params = params(|object| {
            object.string("name", name).key("arguments").extend_from_slice(&arguments.into_bytes());
        });
        Call::new(self, "tools/call", params, CallOutcome::read)
    }

    /// Reads a resource.
    pub fn read_resource(&self, uri: &str) -> Call<'_, Reply<ReadResourceResult>> {
        let params = params(|object| {
            object.string("uri", uri);
        });
        Call::new(self, "resources/read", params, |raw| Ok(Reply::new(raw)))
    }

    /// Expands a prompt with these arguments.
    pub fn get_prompt(&self, name: &str, arguments: &[(&str, &str)]) -> Call<'_, Reply<GetPromptResult>> {
        let params = params(|object| {
            object.string("name", name).object("arguments", |object| strings(object, arguments));
        });
        Call::new(self, "prompts/get", params, |raw| Ok(Reply::new(raw)))
    }

    /// Completes the value of an argument. `known` are the other arguments as far as they are known (2025-06-18 on).
    pub fn complete(
        &self,
        of: CompletionRef<'_>,
        argument: &str,
        value: &str,
        known: &[(&str, &str)],
    ) -> Call<'_, Reply<CompleteResult>> {
        let params = params(|object| {
            object.object("ref", |object| {
                match of {
                    CompletionRef::Prompt(name) => object.string("type", "ref/prompt").string("name", name),
                    CompletionRef::Resource(uri) => object.string("type", "ref/resource").string("uri", uri),
                };
            });
            object.object("argument", |object| {
                object.string("name", argument).string("value", value);
            });
            if !known.is_empty() {
                object.object("context", |object| {
                    object.object("arguments", |object| strings(object, known));
                });
            }
        });
        Call::new(self, "completion/complete", params, |raw| Ok(Reply::new(raw)))
    }

    /// Asks a legacy server whether it is still there (PING-1). The modern era has no such request.
    pub fn ping(&self) -> Call<'_, ()> {
        Call::new(self, "ping", "{}".to_owned(), |_| Ok(()))
    }

    /// Tells a server of the years up to 2025 that the roots changed (RO-1). Later ones have no such notification, and
    /// without somebody who names the roots there are none to change.
    ///
    /// # Errors
    /// When the connection has ended.
    pub async fn roots_changed(&self) -> Result<(), ClientError> {
        if self.info().era() == Era::Modern || !self.notices().desk().handles("roots/list") {
            return Ok(());
        }
        let body = envelope::notification("notifications/roots/list_changed", None);
        self.connection().tell(body).await
    }

    /// Every tool. Over HTTP in the modern era, those with an invalid `x-mcp-header` are left out (XH-3).
    ///
    /// # Errors
    /// As every request, and when the list has no end or is larger than [`ClientLimits`] allow.
    pub async fn list_tools(&self) -> Result<Vec<Entry<Tool>>, ClientError> {
        let mut tools = self.list("tools/list", "tools", "name").await?;
        if self.0.connection.has_headers() {
            self.0.tools.learn(&mut tools);
        }
        Ok(tools)
    }

    /// Every resource.
    ///
    /// # Errors
    /// As [`list_tools`](Self::list_tools).
    pub async fn list_resources(&self) -> Result<Vec<Entry<Resource>>, ClientError> {
        self.list("resources/list", "resources", "uri").await
    }

    /// Every resource template.
    ///
    /// # Errors
    /// As [`list_tools`](Self::list_tools).
    pub async fn list_templates(&self) -> Result<Vec<Entry<ResourceTemplate>>, ClientError> {
        self.list("resources/templates/list", "resourceTemplates", "uriTemplate").await
    }

    /// Every prompt.
    ///
    /// # Errors
    /// As [`list_tools`](Self::list_tools).
    pub async fn list_prompts(&self) -> Result<Vec<Entry<Prompt>>, ClientError> {
        self.list("prompts/list", "prompts", "name").await
    }
}

/// What requests need of their client.
impl Client {
    pub(crate) fn connection(&self) -> &Connection {
        &self.0.connection
    }

    /// What goes with every request; `None` in the legacy era.
    pub(crate) fn introduction(&self) -> Option<&Introduction> {
        self.0.introduction.as_ref()
    }

    pub(crate) fn notices(&self) -> &Arc<Notices> {
        &self.0.notices
    }

    pub(crate) fn slots(&self) -> &Semaphore {
        &self.0.slots
    }

    pub(crate) fn timeouts(&self) -> &Timeouts {
        &self.0.timeouts
    }

    pub(crate) fn tools(&self) -> &KnownTools {
        &self.0.tools
    }

    pub(crate) fn limits(&self) -> &ClientLimits {
        &self.0.limits
    }

    /// Whether tools may be answered with tasks.
    pub(crate) fn has_tasks(&self) -> bool {
        self.0.has_tasks
    }

    /// A request that is ready to be sent.
    pub(crate) fn outgoing<'a>(
        &self,
        id: u64,
        method: &'a str,
        params: &str,
        progress: bool,
    ) -> Result<Outgoing<'a>, ClientError> {
        let introduction = self.introduction();
        let headers = match introduction.filter(|_| self.connection().has_headers()) {
            Some(introduction) => {
                let mirrored = match tool_name(method, params) {
                    Some(tool) => self.tools().annotations(&tool)?,
                    None => Vec::new(),
                };
                http::standard(introduction.revision(), method, params, &mirrored)?
            }
            None => ::http::HeaderMap::new(),
        };
        let body = envelope::request(id, method, params, introduction, progress)?;
        Ok(Outgoing { id, method, headers, body })
    }

    pub(crate) fn next_id(&self) -> u64 {
        self.0.ids.fetch_add(1, Ordering::Relaxed)
    }

    /// Lists the tools unless that has been done.
    pub(crate) async fn learn_tools(&self) -> Result<(), ClientError> {
        let tools = &self.0.tools;
        if tools.are_listed() {
            return Ok(());
        }
        let _once = tools.listing.lock().await;
        if tools.are_listed() {
            return Ok(());
        }
        match self.list_tools().await {
            Ok(_) => Ok(()),
            Err(error) if error.rpc().is_some() => {
                tracing::debug!(%error, "the server does not list its tools");
                tools.learn_nothing();
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    /// All pages of a list (PAG-1). What lacks the member that names it is left out.
    pub(crate) async fn list<T>(
        &self,
        method: &'static str,
        items: &str,
        key: &str,
    ) -> Result<Vec<Entry<T>>, ClientError> {
        match self.pages(method, items, key).await {
            // A cursor of a page that was kept may no longer be one (CACHE-3).
            Err(error)
                if self.info().era() == Era::Modern
                    && error.rpc().is_some_and(|error| error.code == ErrorCode::INVALID_PARAMS) =>
            {
                self.notices().cache().forget(&[method]);
                self.pages(method, items, key).await
            }
            listed => listed,
        }
    }

    async fn pages<T>(
        &self,
        method: &'static str,
        items: &str,
        key: &str,
    ) -> Result<Vec<Entry<T>>, ClientError> {
        let broken = |detail: String| ClientError::malformed("the list", format!("{method}: {detail}"));
        let ClientLimits { list_pages, list_bytes, .. } = self.0.limits;
        let mut all = Vec::new();
        let mut bytes = 0;
        let mut seen = HashSet::new();
        let mut cursor: Option<String> = None;
        for _ in 0..list_pages {
            let params = params(|object| {
                object.optional_string("cursor", cursor.as_deref());
            });
            let page = Call::new(self, method, params, Ok).await?;
            bytes += page.as_str().len();
            if bytes > list_bytes {
                return Err(Fault::ListTooLarge { method, limit: list_bytes }.into());
            }
            let find = |name| member(page.as_str(), name).map_err(|error| broken(error.to_string()));
            let found = find(items)?.ok_or_else(|| broken(format!("its result has no \"{items}\"")))?;
            for item in elements(found) {
                let item = item.map_err(|error| broken(error.to_string()))?;
                let item = page.slice(item).map_err(|error| broken(error.to_string()))?;
                match Entry::read(item, key) {
                    Some(entry) => all.push(entry),
                    None => tracing::warn!(method, key, "left out an entry that lacks what names it"),
                }
            }
            let next = match find("nextCursor")?.filter(|next| *next != "null") {
                None => return Ok(all),
                Some(next) => {
                    string(next).ok_or_else(|| broken("its nextCursor is not a string".to_owned()))?
                }
            };
            if !seen.insert(next.clone().into_owned()) {
                let cursor = next.chars().take(64).collect();
                return Err(Fault::RepeatedCursor { method, cursor }.into());
            }
            cursor = Some(next.into_owned());
        }
        Err(Fault::TooManyPages { method, limit: list_pages }.into())
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("info", &self.0.info).finish_non_exhaustive()
    }
}

fn tool_name<'p>(method: &str, params: &'p str) -> Option<Cow<'p, str>> {
    (method == "tools/call").then(|| member(params, "name").ok().flatten().and_then(string))?
}

fn params(write: impl FnOnce(&mut ObjectWriter<'_>)) -> String {
    let mut out = Vec::new();
    write_object(&mut out, write);
    text(out)
}

/// What was made of text only is text.
fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap_or_default()
}

fn strings(object: &mut ObjectWriter<'_>, members: &[(&str, &str)]) {
    for (name, value) in members {
        object.string(name, value);
    }
}

//! MCP Apps: pages that a host shows beside what a tool answers.

use std::fmt;
use std::sync::Arc;

use latimer_core::catalog::UriTemplate;
use latimer_core::extension::ui::{MIME_TYPE, SCHEME};
use latimer_core::{BoxFuture, CallError, Context};
use latimer_protocol::RawJson;
use latimer_protocol::rewrite::Edits;
use latimer_protocol::wire::{
    Icon, ReadResourceResult, UiCsp, UiPermission, UiPermissions, UiResourceMeta, UiToolMeta,
};

use crate::contents::IntoContents;
use crate::error::Fault;
use crate::part::Part;
use crate::{IntoResource, ReadRequest, Resource};

/// A page for MCP Apps (`io.modelcontextprotocol/ui`): HTML at a `ui://` URI, and what its sandbox has to let it do.
///
/// A tool says with `#[tool(ui = "ui://…")]` that the page shows its results.
///
/// ```
/// use latimer::App;
/// use latimer::prelude::*;
///
/// /// The weather of a town.
/// #[tool(ui = "ui://weather/today")]
/// async fn weather(town: String) -> String {
///     format!("{town}: sunny, 22 °C")
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> latimer::Result {
/// let page = App::html("ui://weather/today", "today", "<!doctype html><title>Today</title>")
///     .connects_to("https://api.weather.example")
///     .prefers_border(true);
/// let client = Server::new("weather").tool(weather).resource(page).test().await?;
/// assert!(client.read("ui://weather/today").await.is_ok());
/// # Ok(()) }
/// ```
pub struct App {
    uri: String,
    name: String,
    title: Option<String>,
    description: Option<String>,
    icons: Vec<Icon>,
    scopes: Vec<String>,
    ui: UiResourceMeta,
    page: Page,
}

type Page = Arc<
    dyn Fn(ReadRequest, Context) -> BoxFuture<'static, Result<ReadResourceResult, CallError>> + Send + Sync,
>;

/// Why a page or a tool with a page cannot be served.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AppFault {
    #[error("its URI does not begin with \"ui://\"; only pages of that scheme are shown")]
    Scheme,
    #[error("\"{0}\" is not an origin; write one such as \"https://api.example.com\"")]
    Origin(String),
    #[error("it shows the page \"{0}\", which is not there; add it with .resource(App::html(\"{0}\", …))")]
    NoPage(String),
    #[error("its page is not at a \"ui://\" URI; give it the one of an App")]
    Page,
    #[error("its metadata is no object")]
    Meta,
}

impl App {
    /// A page that never changes: an HTML5 document.
    pub fn html(uri: impl Into<String>, name: impl Into<String>, html: impl Into<Arc<str>>) -> Self {
        let html = html.into();
        Self::new(uri, name, move |_, _| std::future::ready(html.to_string()))
    }

    /// A page that is made when it is read: `handler` returns its HTML as text or bytes. If the URI has variables in
    /// braces, it stands for many pages.
    pub fn new<F, R>(uri: impl Into<String>, name: impl Into<String>, handler: F) -> Self
    where
        F: Fn(ReadRequest, Context) -> R + Send + Sync + 'static,
        R: Future<Output: IntoContents> + Send + 'static,
    {
        let page: Page = Arc::new(move |request, context| {
            let uri = request.uri.clone();
            let contents = handler(request, context);
            Box::pin(async move { contents.await.into_contents(&uri, Some(MIME_TYPE)) })
        });
        Self {
            uri: uri.into(),
            name: name.into(),
            title: None,
            description: None,
            icons: Vec::new(),
            scopes: Vec::new(),
            ui: UiResourceMeta::default(),
            page,
        }
    }

    /// Its name for people.
    #[must_use]
    pub fn title(mut self, title: impl Into<String>) -> Self {
        self.title = Some(title.into());
        self
    }

    /// What it shows.
    #[must_use]
    pub fn description(mut self, description: impl Into<String>) -> Self {
        self.description = Some(description.into());
        self
    }

    /// A picture for it.
    #[must_use]
    pub fn icon(mut self, icon: Icon) -> Self {
        self.icons.push(icon);
        self
    }

    /// A scope without which the page does not exist for a caller.
    #[must_use]
    pub fn scope(mut self, scope: impl Into<String>) -> Self {
        self.scopes.push(scope.into());
        self
    }

    /// An origin that it talks to, such as `https://api.example.com` or `wss://live.example.com`.
    #[must_use]
    pub fn connects_to(mut self, origin: impl Into<String>) -> Self {
        self.csp().connect_domains.push(origin.into());
        self
    }

    /// An origin from which it loads scripts, styles, pictures, fonts and media; `https://*.example.com` is one.
    #[must_use]
    pub fn loads_from(mut self, origin: impl Into<String>) -> Self {
        self.csp().resource_domains.push(origin.into());
        self
    }

    /// An origin that it frames.
    #[must_use]
    pub fn frames(mut self, origin: impl Into<String>) -> Self {
        self.csp().frame_domains.push(origin.into());
        self
    }

    /// An origin that its document may take for its base.
    #[must_use]
    pub fn bases_on(mut self, origin: impl Into<String>) -> Self {
        self.csp().base_uri_domains.push(origin.into());
        self
    }

    /// It asks for the camera. Hosts may refuse: the page has to work without.
    #[must_use]
    pub fn camera(mut self) -> Self {
        self.permissions().camera = Some(UiPermission {});
        self
    }

    /// It asks for the microphone.
    #[must_use]
    pub fn microphone(mut self) -> Self {
        self.permissions().microphone = Some(UiPermission {});
        self
    }

    /// It asks where its user is.
    #[must_use]
    pub fn geolocation(mut self) -> Self {
        self.permissions().geolocation = Some(UiPermission {});
        self
    }

    /// It asks to write to the clipboard.
    #[must_use]
    pub fn clipboard_write(mut self) -> Self {
        self.permissions().clipboard_write = Some(UiPermission {});
        self
    }

    /// An origin of its own, in the form that its host wants.
    #[must_use]
    pub fn domain(mut self, domain: impl Into<String>) -> Self {
        self.ui.domain = Some(domain.into());
        self
    }

    /// Whether its host draws a border and a background around it. Hosts differ where nothing is said.
    #[must_use]
    pub fn prefers_border(mut self, prefers: bool) -> Self {
        self.ui.prefers_border = Some(prefers);
        self
    }

    fn csp(&mut self) -> &mut UiCsp {
        self.ui.csp.get_or_insert_default()
    }

    fn permissions(&mut self) -> &mut UiPermissions {
        self.ui.permissions.get_or_insert_default()
    }

    fn fault(&self) -> Option<AppFault> {
        if !self.uri.starts_with(SCHEME) {
            return Some(AppFault::Scheme);
        }
        let csp = self.ui.csp.as_ref()?;
        let lists = [&csp.connect_domains, &csp.resource_domains, &csp.frame_domains, &csp.base_uri_domains];
        let odd = lists.into_iter().flatten().find(|origin| !is_origin(origin))?;
        Some(AppFault::Origin(odd.clone()))
    }

    /// What stands in `_meta` of its definition and of its contents, where a host looks for it.
    fn meta(&self) -> Option<RawJson> {
        #[derive(serde::Serialize)]
        struct Meta<'a> {
            ui: &'a UiResourceMeta,
        }
        if self.ui == UiResourceMeta::default() {
            return None;
        }
        RawJson::from_serialize(&Meta { ui: &self.ui }).ok()
    }
}

impl IntoResource<crate::part::Itself> for App {
    fn into_resource(self) -> Resource {
        let (fault, meta) = (self.fault(), self.meta());
        let of_contents = meta.clone();
        let page = self.page;
        let mut resource = Resource::bound(self.uri, self.name, move |_, _| {
            Ok(crate::resource::handler_of(move |request, context| {
                let (work, meta) = (page(request, context), of_contents.clone());
                async move {
                    let mut result = work.await?;
                    for contents in &mut result.contents {
                        contents.mime_type = Some(MIME_TYPE.to_owned());
                        contents.meta = contents.meta.take().or_else(|| meta.clone());
                    }
                    Ok(result)
                }
            }))
        })
        .mime_type(MIME_TYPE);
        if let Some(title) = self.title {
            resource = resource.title(title);
        }
        if let Some(description) = self.description {
            resource = resource.description(description);
        }
        if let Some(meta) = meta {
            resource = resource.meta(meta);
        }
        resource = self.icons.into_iter().fold(resource, Resource::icon);
        self.scopes.into_iter().fold(resource, Resource::scope).with_fault(fault)
    }
}

impl fmt::Debug for App {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("App").field("uri", &self.uri).field("ui", &self.ui).finish_non_exhaustive()
    }
}

/// A tool's metadata with what it says about its page. Hosts of before the extension was settled look for the
/// page's URI in a key of its own (APP-2).
pub(crate) fn with_ui(own: Option<&RawJson>, ui: &UiToolMeta) -> Result<RawJson, AppFault> {
    let nested = RawJson::from_serialize(ui).map_err(|_| AppFault::Meta)?;
    let flat = ui.resource_uri.as_ref().map(RawJson::from_serialize).transpose();
    let flat = flat.map_err(|_| AppFault::Meta)?;
    let mut edits = Edits::new();
    edits.set(["ui"], nested.as_str());
    if let Some(flat) = &flat {
        edits.set(["ui/resourceUri"], flat.as_str());
    }
    let mut out = Vec::new();
    let own = own.map_or("{}", RawJson::as_str);
    edits.apply(own, &mut out).map_err(|_| AppFault::Meta)?;
    RawJson::parse_bytes(out.into()).ok().filter(RawJson::is_object).ok_or(AppFault::Meta)
}

/// Every page that a tool of the server shows has to be there.
pub(crate) fn check_pages(parts: &[Part]) -> Result<(), Fault> {
    let is_there = |uri: &str| {
        parts.iter().any(|part| match part {
            Part::Resource(resource) if resource.is_template() => {
                UriTemplate::parse(resource.uri()).is_ok_and(|template| template.matches(uri).is_some())
            }
            Part::Resource(resource) => resource.uri() == uri,
            Part::Tool(_) | Part::Prompt(_) => false,
        })
    };
    for part in parts {
        let Part::Tool(tool) = part else { continue };
        if let Some(uri) = tool.page().filter(|uri| uri.starts_with(SCHEME) && !is_there(uri)) {
            return Err(tool.app_fault(AppFault::NoPage(uri.to_owned())));
        }
    }
    Ok(())
}

/// Whether a text may stand in a Content-Security-Policy as an origin, and only as one.
fn is_origin(text: &str) -> bool {
    text.split_once("://").is_some_and(|(scheme, host)| {
        !scheme.is_empty()
            && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric())
            && !host.is_empty()
            && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~:[]*/%".contains(&byte))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_origins_reach_a_policy() {
        for good in ["https://a.b", "wss://a.b:1", "https://*.a.b", "https://a.b/path/", "http://[::1]:2"] {
            assert!(is_origin(good), "{good}");
        }
        for bad in ["", "a.b", "https://", "https://a b", "https://a;script-src *", "https://a,b", "'self'"] {
            assert!(!is_origin(bad), "{bad}");
        }
    }
}

//! A tool that has the user open a page.

use std::collections::VecDeque;

use latimer::Error;
use latimer::prelude::*;
use latimer::wire::ElicitAction;
use parking_lot::Mutex;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::handle::Handle as Key;

pub(super) fn add(server: Server) -> Server {
    server.state(Visits::default()).tool(page)
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Page {
    /// The page, of the scheme https, or http on this machine.
    #[schemars(length(max = 2048))]
    url: String,
    /// Why the user should open it.
    #[serde(default = "please")]
    message: String,
    /// Whether the call fails until the page was opened (-32042 in 2025-11-25), instead of asking by itself.
    #[serde(default, rename = "errorPath")]
    error_path: bool,
}

fn please() -> String {
    "Please open this page.".to_owned()
}

/// Has the user open a page outside the client.
#[tool(name = "trigger-url-elicitation", title = "Page to open", requires(elicitation_url))]
async fn page(
    cx: &Context,
    visits: State<Visits>,
    Args(Page { url, message, error_path }): Args<Page>,
) -> latimer::Result<String> {
    check(&url)?;
    if error_path {
        let visit = visit(cx, &url).await?;
        if visits.end(&visit) {
            return Ok(format!("User was asked to open {url} first."));
        }
        visits.begin(visit);
        return Err(UrlRequired::new(message, url).into());
    }
    Ok(match cx.elicit_url("page", message, url.as_str()).await? {
        ElicitAction::Accept => format!("User agreed to open {url}."),
        ElicitAction::Decline => format!("User declined to open {url}."),
        ElicitAction::Cancel => format!("User turned away from {url}."),
    })
}

/// A caller chooses the page, so that what it can be is kept narrow (EL-7).
fn check(url: &str) -> Result<(), ToolError> {
    const LOCAL: [&str; 3] = ["http://localhost", "http://127.0.0.1", "http://[::1]"];
    let ends = |rest: &str| rest.is_empty() || rest.starts_with([':', '/', '?', '#']);
    let is_local = LOCAL.iter().any(|local| url.strip_prefix(local).is_some_and(ends));
    let authority = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://")).unwrap_or_default();
    let authority = authority.split(['/', '?', '#']).next().unwrap_or_default();
    let is_plain = url.chars().all(|c| c.is_ascii_graphic() && c != '\\');
    if is_plain
        && !authority.is_empty()
        && !authority.contains('@')
        && (url.starts_with("https://") || is_local)
    {
        return Ok(());
    }
    Err(ToolError::new(
        "url begins with https:// (or http://localhost) and names a host, without credentials",
    ))
}

/// Names the page for whoever calls: in a session, the page of this session; without, that of this call and of its
/// further rounds.
async fn visit(cx: &Context, url: &str) -> latimer::Result<String> {
    let whose = match cx.session_line() {
        Some(line) => line.name(),
        None if cx.revision().is_modern() => {
            cx.once("visit", async { Ok::<_, Error>(Key::random()?.to_string()) }).await?
        }
        None => cx.principal().key(),
    };
    Ok(format!("{whose} {url}"))
}

/// The pages that users were sent to, each good for one call. Past a bound the oldest is forgotten.
#[derive(Default)]
struct Visits(Mutex<VecDeque<String>>);

impl Visits {
    const MOST: usize = 256;

    fn begin(&self, visit: String) {
        let mut visits = self.0.lock();
        if visits.len() >= Self::MOST {
            visits.pop_front();
        }
        visits.push_back(visit);
    }

    /// Whether there was one.
    fn end(&self, visit: &str) -> bool {
        let mut visits = self.0.lock();
        let at = visits.iter().position(|other| other == visit);
        at.and_then(|at| visits.remove(at)).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_pages_that_harm_nobody_are_opened() {
        for good in ["https://a.example/b?c#d", "http://localhost:1/x", "http://127.0.0.1", "http://[::1]/"] {
            assert!(check(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "https://",
            "http://a.example",
            "http://localhost.example/",
            "http://localhost@a.example/",
            "https://user:password@a.example/",
            "javascript:alert(1)",
            "file:///etc/passwd",
            "https://a.example/ b",
            "https://\\a.example",
        ] {
            assert!(check(bad).is_err(), "{bad}");
        }
    }
}

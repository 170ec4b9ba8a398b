//! Resources that a session makes, and nobody else sees.
//!
//! Where a call belongs to a session, what it keeps is `demo://resource/session/<name>`, and each session has its own.
//! Where it does not, as in 2026-07-28, nothing but what the client sends can connect two of its requests (VER-9): what
//! it keeps is `demo://resource/session/<handle>/<name>`, under a handle that cannot be guessed. Both belong to the
//! principal that made them.

use std::collections::VecDeque;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use latimer::prelude::*;
use latimer::{Error, ReadRequest};
use parking_lot::Mutex;
use tokio::time::Instant;

use crate::handle::Handle;

pub(super) fn add(server: Server) -> Server {
    let shelf = Shelf::default();
    let of_session = {
        let shelf = shelf.clone();
        Resource::new(
            "demo://resource/session/{name}",
            "Session Resource",
            move |request: ReadRequest, cx: Context| std::future::ready(shelf.read(&cx, None, &request)),
        )
    };
    let of_handle = {
        let shelf = shelf.clone();
        Resource::new(
            "demo://resource/session/{handle}/{name}",
            "Kept Resource",
            move |request: ReadRequest, cx: Context| {
                let handle = request.variables.first().map(|(_, handle)| handle.clone()).unwrap_or_default();
                std::future::ready(shelf.read(&cx, Some(&handle), &request))
            },
        )
    };
    server
        .state(shelf)
        .resource(of_session.description("What a tool has kept for this session, by its name."))
        .resource(
            of_handle
                .description("What a tool has kept for a client without a session, by its handle and name."),
        )
}

/// The name of a resource: letters, digits, `.`, `_` and `-`, so that it stands in a URI as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Name(Box<str>);

impl FromStr for Name {
    type Err = &'static str;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        let is_name = (1..=100).contains(&name.len()) && name.chars().all(fits) && !name.starts_with('.');
        is_name.then(|| Self(name.into())).ok_or(
            "name has up to 100 letters, digits, dots, underscores and hyphens, and begins with no dot",
        )
    }
}

/// What is kept.
#[derive(Clone, Debug)]
pub(crate) struct Kept {
    pub(crate) bytes: Arc<[u8]>,
    pub(crate) mime_type: &'static str,
}

/// Keeps resources for an hour, within bounds: past them the oldest ones give way.
#[derive(Clone, Debug, Default)]
pub(crate) struct Shelf(Arc<Mutex<VecDeque<Entry>>>);

#[derive(Debug)]
struct Entry {
    place: Place,
    name: Name,
    kept: Kept,
    until: Instant,
}

/// Whose it is.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Place {
    principal: String,
    within: Within,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Within {
    Session(String),
    Handle(Handle),
}

/// How long a resource is kept.
const KEPT: Duration = Duration::from_secs(3600);
/// How many one place keeps.
const MOST_OF_PLACE: usize = 16;
/// How many are kept in all.
const MOST: usize = 1024;
/// How many bytes they have together.
const MOST_BYTES: usize = 64 << 20;

impl Shelf {
    /// Keeps something for whoever calls; its URI. What has the same name there is replaced.
    pub(crate) fn put(&self, cx: &Context, name: &Name, kept: Kept) -> latimer::Result<String> {
        if kept.bytes.len() > MOST_BYTES {
            return Err(Error::shown("the resource is too large to be kept"));
        }
        let (within, uri) = match cx.session_line() {
            Some(line) => (Within::Session(line.name()), format!("demo://resource/session/{name}")),
            None => {
                let handle = Handle::random()?;
                let uri = format!("demo://resource/session/{handle}/{name}");
                (Within::Handle(handle), uri)
            }
        };
        let place = Place { principal: cx.principal().key(), within };
        let now = Instant::now();
        let mut entries = self.0.lock();
        entries.retain(|entry| entry.until > now && !(entry.place == place && entry.name == *name));
        if entries.iter().filter(|entry| entry.place == place).count() >= MOST_OF_PLACE
            && let Some(oldest) = entries.iter().position(|entry| entry.place == place)
        {
            entries.remove(oldest);
        }
        let mut bytes = entries.iter().map(|entry| entry.kept.bytes.len()).sum::<usize>() + kept.bytes.len();
        while entries.len() >= MOST || bytes > MOST_BYTES {
            let Some(oldest) = entries.pop_front() else { break };
            bytes -= oldest.kept.bytes.len();
        }
        entries.push_back(Entry { place, name: name.clone(), kept, until: now + KEPT });
        Ok(uri)
    }

    fn read(
        &self,
        cx: &Context,
        handle: Option<&str>,
        request: &ReadRequest,
    ) -> Result<ResourceContents, Error> {
        let name = request.variables.last().and_then(|(_, name)| name.parse::<Name>().ok());
        let within = match (handle, cx.session_line()) {
            (Some(handle), _) => handle.parse().ok().map(Within::Handle),
            (None, Some(line)) => Some(Within::Session(line.name())),
            (None, None) => None,
        };
        let (name, within) = name.zip(within).ok_or(Error::NoResource)?;
        let place = Place { principal: cx.principal().key(), within };
        let now = Instant::now();
        let entries = self.0.lock();
        let found =
            entries.iter().find(|entry| entry.place == place && entry.name == name && entry.until > now);
        let kept = found.map(|entry| entry.kept.clone()).ok_or(Error::NoResource)?;
        drop(entries);
        Ok(ResourceContents::blob(&request.uri, &kept.bytes).with_mime_type(kept.mime_type))
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

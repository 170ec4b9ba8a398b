//! What one caller may see of a snapshot, and its lists, rendered once per revision.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use latimer_protocol::Revision;
use latimer_protocol::encode::{ListKind, downlevel};

use super::entry::Entry;
use super::page::{BadCursor, Cursor, Page};
use super::snapshot::{Snapshot, Table, is_visible};
use crate::principal::Principal;

/// What callers with the same rights see of a snapshot.
///
/// What a view hides is unreachable, and answers exactly like what does not exist.
#[derive(Debug)]
pub struct View {
    lists: [List; 4],
    shared: bool,
}

/// The entries of one kind that the view shows.
#[derive(Debug)]
struct List {
    kind: ListKind,
    /// Key and definition, in order.
    entries: Vec<(Box<str>, latimer_protocol::RawJson)>,
    rendered: [OnceLock<Rendered>; Revision::ALL.len()],
}

/// The definitions as one revision knows them, joined by commas.
#[derive(Debug)]
struct Rendered {
    bytes: Bytes,
    /// Where each entry ends in `bytes`.
    ends: Vec<usize>,
}

impl View {
    pub(super) fn new(snapshot: &Snapshot, principal: &Principal, scoped: bool) -> Self {
        Self {
            lists: [
                List::new(ListKind::Tools, &snapshot.tools, principal),
                List::new(ListKind::Resources, &snapshot.resources, principal),
                List::new(ListKind::ResourceTemplates, &snapshot.templates, principal),
                List::new(ListKind::Prompts, &snapshot.prompts, principal),
            ],
            shared: !scoped,
        }
    }

    /// Whether everybody sees the same.
    pub fn is_shared(&self) -> bool {
        self.shared
    }

    /// Whether there is anything of a kind.
    pub fn has(&self, kind: ListKind) -> bool {
        !self.list(kind).entries.is_empty()
    }

    /// A page of at most `size` entries of a list, from a cursor on.
    ///
    /// # Errors
    /// When the cursor is none of ours (PAG-1).
    pub fn page(
        &self,
        kind: ListKind,
        revision: Revision,
        cursor: Option<&str>,
        size: usize,
    ) -> Result<Page, BadCursor> {
        let list = self.list(kind);
        let from = match cursor {
            None => 0,
            Some(text) => {
                let after = Cursor::decode(kind, text)?;
                list.entries.partition_point(|(key, _)| key.as_ref() <= after.key())
            }
        };
        let to = list.entries.len().min(from.saturating_add(size.max(1)));
        let rendered = list.rendered(revision);
        let start = if from == 0 { 0 } else { rendered.ends[from - 1] + 1 };
        let end = if to == 0 { 0 } else { rendered.ends[to - 1] };
        let items = if start < end { rendered.bytes.slice(start..end) } else { Bytes::new() };
        let next = (to < list.entries.len()).then(|| Cursor::encode(kind, &list.entries[to - 1].0));
        Ok(Page { items, next })
    }

    fn list(&self, kind: ListKind) -> &List {
        &self.lists[match kind {
            ListKind::Tools => 0,
            ListKind::Resources => 1,
            ListKind::ResourceTemplates => 2,
            ListKind::Prompts => 3,
        }]
    }
}

impl List {
    fn new<E: Entry>(kind: ListKind, table: &Table<E>, principal: &Principal) -> Self {
        let visible = table.entries.iter().filter(|entry| is_visible(entry.scopes(), principal));
        let entries =
            visible.map(Arc::as_ref).map(|entry| (entry.key().into(), entry.json().clone())).collect();
        Self { kind, entries, rendered: Default::default() }
    }

    fn rendered(&self, revision: Revision) -> &Rendered {
        let at = Revision::ALL.iter().position(|other| *other == revision).unwrap_or(0);
        self.rendered[at].get_or_init(|| {
            let mut bytes = Vec::new();
            let mut ends = Vec::with_capacity(self.entries.len());
            for (key, json) in &self.entries {
                if !bytes.is_empty() {
                    bytes.push(b',');
                }
                let before = bytes.len();
                if let Err(error) = downlevel(self.kind.item(), json.as_str(), revision, &mut bytes) {
                    // Definitions are sound JSON, so that the rules can always be applied.
                    tracing::error!(%key, %error, "a definition could not be written for revision {revision}");
                    bytes.truncate(before);
                    bytes.extend_from_slice(json.as_str().as_bytes());
                }
                ends.push(bytes.len());
            }
            Rendered { bytes: bytes.into(), ends }
        })
    }
}

//! Who is told what changed: `subscriptions/listen` of 2026-07-28, and what the sessions of older revisions
//! subscribed to.
//!
//! Both listen to [`Changes`](crate::changes::Changes) and are told only what their principal can see. A modern
//! subscription is a request that goes on until it is ended, so that every transport serves it as it serves calls. What
//! a session watches is kept with the session; it is told on its standing stream.

mod filter;
mod listen;
mod news;
mod standing;
mod watched;

pub use news::{News, TaskStatus};
pub use standing::Standing;
pub(crate) use standing::line;
pub use watched::WatchError;

use filter::Filter;

/// The capability without which a client cannot ask for the status of tasks.
const TASKS: &str = "io.modelcontextprotocol/tasks";

/// How many bytes of URIs one session, one connection or one listen request may watch together, whatever their number.
pub const MOST_URI_BYTES: usize = 64 << 10;

#[cfg(test)]
mod tests;

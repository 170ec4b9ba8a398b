//! The core of Latimer, free of any transport: who calls ([`principal`], [`identify`]), what is offered
//! ([`catalog`], [`source`], [`extension`]), how a call runs ([`call`], [`context`], [`engine`], [`ask`], [`task`]),
//! what outlives a request ([`session`], [`stream`]), and who is told what changed ([`changes`], [`subscription`]).
//!
//! The core is modern: requests describe themselves. What the older revisions need besides is in
//! [`era::legacy`] and [`session`].

use std::pin::Pin;

pub mod admission;
pub mod ask;
pub mod call;
pub mod catalog;
pub mod changes;
pub mod context;
pub mod engine;
pub mod era;
pub mod error;
pub mod extension;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
pub mod identify;
mod inflight;
pub mod limits;
pub mod local;
mod log_limit;
pub mod middleware;
mod notices;
pub mod outbox;
pub mod principal;
mod random;
mod requirement;
pub mod session;
mod session_line;
pub mod source;
pub mod states;
pub mod stream;
pub mod subscription;
pub mod task;
pub mod trace;
pub mod validate;

pub use ask::{AskError, Elicited, Form, FormChoice, Question};
pub use call::{Answer, Call, Operation, Outcome};
pub use catalog::Catalog;
pub use changes::Changes;
pub use context::{Client, Context};
pub use engine::Engine;
pub use error::{CallError, ToolError};
pub use extension::{Extension, ExtensionId};
pub use inflight::Scope;
pub use limits::{Limits, LiveLimits};
pub use principal::{Account, Peer, Principal};
pub use requirement::{Requirement, TASKS_EXTENSION};
pub use session::{Session, SessionId};
pub use session_line::SessionLine;
pub use source::Source;

/// A boxed future that may move between threads.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

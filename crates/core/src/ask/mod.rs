//! Asking the client: its user, its model, its roots (MRTR-1 to MRTR-9, EL-1 to EL-5, SA-1, RO-1).
//!
//! A handler asks with [`Context::elicit_form`], [`Context::elicit_url`], [`Context::sample`] and
//! [`Context::roots`], and gets an answer, whatever the era. Behind them are two ways:
//!
//! - **live**, in legacy sessions: the question goes out at once on the call's own stream, and the handler waits;
//! - **rounds**, in 2026-07-28 and in tasks: a question without an answer is recorded, and the handler stays where
//!   it is. When it can make no more progress it is dropped, and the caller gets all the questions that were
//!   recorded. With the answers the handler runs again from the top: the earlier answers, and what
//!   [`Context::once`] remembers, come from a [`Journal`], which travels sealed in `requestState` or lies with the
//!   task.
//!
//! So a handler that asks is run more than once. What it does before it asks should be cheap and without effect, or
//! stand in `once`. Debug builds run the handlers of legacy sessions in rounds too, so that a handler for which
//! that is wrong fails early.
//!
//! [`Context::elicit_form`]: crate::Context::elicit_form
//! [`Context::elicit_url`]: crate::Context::elicit_url
//! [`Context::sample`]: crate::Context::sample
//! [`Context::roots`]: crate::Context::roots
//! [`Context::once`]: crate::Context::once

mod asking;
mod client_task;
mod context;
mod drive;
mod error;
pub mod form;
mod journal;
mod live;
mod page;
mod question;
#[cfg(test)]
mod replay_tests;
mod seal;

pub use error::AskError;
pub use form::{Elicited, Form, FormChoice};
pub use journal::Journal;
pub use live::{Outcome, Questions};
pub use page::{Ticket, UrlRequired};
pub use question::Question;
pub use seal::{SealKeyError, SealKeys};

pub(crate) use asking::{Asking, Claims, Way};
pub(crate) use drive::{Drive, Driven};
pub(crate) use journal::Answered;
pub(crate) use live::{Line, Live, TRIES};
pub(crate) use page::is_page;
#[cfg(feature = "fuzzing")]
pub(crate) use seal::SealError;
pub(crate) use seal::{Binding, Sealed};

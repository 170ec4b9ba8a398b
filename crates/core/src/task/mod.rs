//! Tasks: calls whose results are fetched later (T11-1 to T11-7, TX-1 to TX-10).
//!
//! A task is a call with a journal: its method and parameters, whose it is, what was answered and what is
//! remembered. That is what is stored, not a closure: a task that asks something ends its run, and with the answers
//! its handler runs again from the top, on whichever instance they reached.
//!
//! One engine stands under both forms: the core tasks of 2025-11-25, which the client asks for, and the extension
//! of 2026-07-28, where the server decides. `record` is the state machine, `tasks` keeps the records in the store,
//! `run` carries out the calls.
//!
//! # Whose a task is, and how long it lives
//!
//! A task belongs to the principal that began it (SEC-1). One that an anonymous caller began within a session, or on a
//! connection before 2026-07-28, belongs to that session or connection: nobody else could be told apart from its
//! caller. When such a session or connection is ended, its tasks are cancelled, for nobody can fetch them any more; those
//! of an identified principal go on. An anonymous task of 2026-07-28 is its own credential: whoever knows its
//! name, which nobody can guess, may fetch it.
//!
//! A run ends with its record, at the latest when the task expires.
//!
//! # Servers that go
//!
//! Whoever runs a task keeps up a lease in the store. When it has lapsed, the server is gone, and whoever looks at the
//! task next (`tasks/get`, `tasks/list`, `tasks/result`, `tasks/update`, `tasks/cancel`), on any instance, ends it as
//! failed; or, where the tool says that it is resumable, runs it again from its journal. A run that was overtaken
//! changes nothing any more. A server that is stopped in order gives its tasks the drain time, and then does the
//! same by itself.

mod asked;
mod call;
mod record;
mod run;
mod tasks;

pub(crate) use call::TaskCall;
pub(crate) use record::{Answered, Finished, Record};
pub(crate) use run::{FirstRun, too_much};
pub use tasks::Tasks;
pub(crate) use tasks::{Changed, Found, TaskError, Watch};

/// Ties a message to its task (T11-5).
pub(crate) const RELATED_TASK: &str = "io.modelcontextprotocol/related-task";

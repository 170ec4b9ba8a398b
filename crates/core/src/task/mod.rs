//! Tasks: calls whose results are fetched later (T11-1 to T11-7, TX-1 to TX-10).
//!
//! A task is a call with a journal: its method and parameters, whose it is, what was answered and what is
//! remembered. That is what is stored, not a closure: a task that asks something ends its run, and with the answers
//! its handler runs again from the top, on whichever instance they reached.
//!
//! One engine stands under both forms: the core tasks of 2025-11-25, which the client asks for, and the extension
//! of 2026-07-28, where the server decides. `record` is the state machine, `tasks` keeps the records in the store,
//! `run` carries out the calls.

mod asked;
mod call;
mod record;
mod run;
mod tasks;

pub(crate) use call::TaskCall;
pub(crate) use record::{Answered, Finished, Record};
pub(crate) use run::FirstRun;
pub use tasks::Tasks;
pub(crate) use tasks::{Changed, Found, TaskError, Watch};

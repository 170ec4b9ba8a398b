//! What a call costs.
//!
//! `figures` starts the subject, the floor (raw hyper that reads a body and sends it back) and other servers, loads all of them in
//! turns from another core, over HTTP and byte streams, and prints each server's CPU time per call and more ([`tables`]).
//! `cargo xtask bench` builds and runs it. Times are reported, never judged: they belong to the machine and its load.
//!
//! What is the same on every run is judged: [`budget`] holds what a call may allocate and execute, what sessions and hostile messages
//! may keep in memory, and what an author has to build.

pub mod arguments;
pub mod budget;
pub mod contest;
pub mod counting;
pub mod entrant;
pub mod figure;
pub mod hostile;
pub mod in_process;
pub mod load;
pub mod message;
pub mod pace;
pub mod payload;
pub mod process;
pub mod stream;
pub mod subject;
pub mod table;
pub mod tables;

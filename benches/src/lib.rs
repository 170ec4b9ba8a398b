//! What a call costs.
//!
//! `figures` starts the subject and the floor (a raw hyper server that reads a JSON body and sends one back), loads both in turns
//! from another core, and prints the server's CPU time per call. `streams` does the same over standard streams and TCP,
//! beside a server on rmcp. Times are reported, never judged: they belong
//! to the machine and its load.

pub mod load;
pub mod message;
pub mod process;
pub mod stream;
pub mod subject;

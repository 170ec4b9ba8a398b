//! The transports as their peers see them: bytes in, bytes out.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![allow(clippy::needless_pass_by_value, reason = "JSON reads best where it is written")]

mod ask;
mod asking;
mod bare;
mod batches;
mod changes;
mod client;
mod client_tasks;
mod extensions;
mod legacy;
mod logging;
mod messages;
mod modern;
mod request_state;
mod revisions;
mod security;
mod server;
mod sockets;
mod sse_2024;
mod stdio;
mod tasking;
mod tasks_core;
mod tasks_extension;
mod tls;
mod trace;

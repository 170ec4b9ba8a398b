//! How messages come in and replies go out: Streamable HTTP for both eras on one endpoint ([`http`]),
//! and newline-delimited JSON over byte streams ([`stream`]).
//!
//! Nothing in here knows what a tool is: requests are framed, checked, identified and handed to the
//! [`Engine`](latimer_core::Engine).

mod batch;
pub mod http;
pub mod stream;

//! How messages come in and replies go out: Streamable HTTP for both eras on one endpoint ([`http`]),
//! and newline-delimited JSON over byte streams ([`stream`]).
//!
//! Nothing in here knows what a tool is: requests are framed, checked, identified and handed to the
//! [`Engine`](latimer_core::Engine).

mod accept;
mod batch;
pub mod http;
mod reading_peer;
pub mod stream;
mod tls;

pub use tls::{TlsError, TlsIdentity};

//! The server that the official conformance suite tests, with the tools, resources and prompts that its
//! scenarios expect by name.

mod fixture;
pub mod skills;

pub use fixture::server;

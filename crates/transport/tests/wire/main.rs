//! The transports as their peers see them: bytes in, bytes out.

mod client;
mod legacy;
mod messages;
mod modern;
mod server;

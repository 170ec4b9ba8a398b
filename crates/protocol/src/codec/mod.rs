//! Codecs that servers and clients share, without I/O: bytes in, events out, and back.

pub mod line;
pub mod param_header;
pub mod sentinel;
pub mod sse;

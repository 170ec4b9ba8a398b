//! What the tests of the encoders share: the protocol's own JSON schemas, and arbitrary values to encode.
#![allow(dead_code, unreachable_pub, missing_docs, reason = "each test program uses a part of it")]

pub mod schemas;
pub mod values;

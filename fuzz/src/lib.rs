//! Fuzz targets of everything in Latimer that reads what others wrote, and the means to run them without a fuzzer.
//!
//! A [`Target`] takes any bytes and panics where a promise is broken. The same targets are run three ways: over their
//! [`corpus`] and its [mutations](mutator) in the ordinary tests, for minutes and without coverage by the program of
//! this crate, and under libFuzzer by the wrappers in `cargo-fuzz/`. What a target holds the code against is written
//! anew here, slowly and plainly, so that one mistake does not hide the other.
#![allow(clippy::unwrap_used, reason = "a target says by panicking that a promise is broken")]

mod artifact;
pub mod campaign;
pub mod corpus;
mod json;
pub mod mutator;
mod random;
mod script;
mod target;
pub mod targets;

pub use artifact::Artifact;
pub use random::Random;
pub use target::{TARGETS, Target};

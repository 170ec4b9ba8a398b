//! What the tools take, the same for every server that is written in Rust.

use schemars::JsonSchema;
use serde::Deserialize;

/// The arguments of `echo`.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct Message {
    /// What to return.
    pub message: String,
}

/// The arguments of `count`.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct Records {
    /// What to count.
    pub records: Vec<Record>,
}

/// One of the small objects.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct Record {
    /// A number.
    pub id: u64,
    /// A text.
    pub name: String,
    /// A truth value.
    pub even: bool,
    /// A number with a fraction.
    pub weight: f64,
}

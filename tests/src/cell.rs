//! What came of one deed of one client.

use serde::{Deserialize, Serialize};

/// One cell of the table, as a client reports it.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub struct Cell {
    /// The deed, by its name in the table.
    pub deed: String,
    /// What came of it.
    pub outcome: Outcome,
    /// What was seen: a value, or why not.
    pub detail: String,
}

/// What came of a deed.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// Done, with the right result.
    Yes,
    /// Tried, and failed.
    No,
    /// The client has no way to do it.
    Cannot,
}

//! What can go wrong in a home.

use std::error::Error;

use crate::kv::IndexCap;

/// Why an operation of a home failed. Nothing was written, unless [`is_unavailable`](Self::is_unavailable): then it
/// is not known.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct StoreError(Kind);

#[derive(Debug, thiserror::Error)]
enum Kind {
    #[error("add to the index `{index}`: it holds its {cap} members; delete one or wait until one expires")]
    Full { index: Box<str>, cap: usize },
    #[error("append {size} bytes: the stream keeps at most {limit}; raise its byte limit or send less")]
    TooLarge { size: usize, limit: usize },
    #[error(
        "increment the entry: its value is not a decimal 64-bit integer; use another key for the counter"
    )]
    NotACounter,
    #[error("increment the counter: the sum does not fit 64 bits; delete the counter to begin again")]
    Overflow,
    #[error("reach the store: {0}")]
    Unavailable(#[source] Box<dyn Error + Send + Sync>),
}

impl StoreError {
    /// The index already holds as many live members as `index.cap` allows.
    #[must_use]
    pub fn full(index: &IndexCap<'_>) -> Self {
        Self(Kind::Full { index: index.index.into(), cap: index.cap.unwrap_or(usize::MAX) })
    }

    /// A log entry of `size` bytes is by itself larger than the `limit` of its stream.
    #[must_use]
    pub fn too_large(size: usize, limit: usize) -> Self {
        Self(Kind::TooLarge { size, limit })
    }

    /// The entry to increment holds something else than a number.
    #[must_use]
    pub fn not_a_counter() -> Self {
        Self(Kind::NotACounter)
    }

    /// The incremented counter would leave the range of `i64`.
    #[must_use]
    pub fn overflow() -> Self {
        Self(Kind::Overflow)
    }

    /// The home cannot be reached, or does not answer as it should. Trying again later may help.
    #[must_use]
    pub fn unavailable(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self(Kind::Unavailable(source.into()))
    }

    /// Whether an index was full.
    #[must_use]
    pub fn is_full(&self) -> bool {
        matches!(self.0, Kind::Full { .. })
    }

    /// The name of the index that was full.
    #[must_use]
    pub fn full_index(&self) -> Option<&str> {
        match &self.0 {
            Kind::Full { index, .. } => Some(index),
            _ => None,
        }
    }

    /// Whether the message was larger than its stream may be.
    #[must_use]
    pub fn is_too_large(&self) -> bool {
        matches!(self.0, Kind::TooLarge { .. })
    }

    /// Whether the entry to increment was not a counter.
    #[must_use]
    pub fn is_not_a_counter(&self) -> bool {
        matches!(self.0, Kind::NotACounter)
    }

    /// Whether a counter would have left the range of `i64`.
    #[must_use]
    pub fn is_overflow(&self) -> bool {
        matches!(self.0, Kind::Overflow)
    }

    /// Whether the home could not be reached; it is then unknown whether a write happened.
    #[must_use]
    pub fn is_unavailable(&self) -> bool {
        matches!(self.0, Kind::Unavailable(_))
    }
}

//! Newline-delimited JSON over byte streams.

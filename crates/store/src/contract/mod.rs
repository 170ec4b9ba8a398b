//! The test suite that every home has to pass.

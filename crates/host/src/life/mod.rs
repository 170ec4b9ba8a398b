//! The life of a process, as whoever watches it sees it: lines that tell of its start and end, a file that is there
//! while it serves, the signals that it heeds, and the service manager that started it.

pub(crate) mod descriptors;
pub(crate) mod line;
pub mod process;
pub mod ready_file;
pub(crate) mod signals;
pub(crate) mod systemd;

pub use ready_file::{ReadyFile, ReadyFileError};
pub use signals::Signal;

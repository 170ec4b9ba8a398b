//! Servers that run in the background: started, listed and stopped by their names.
//!
//! Each has three files in one folder ([`Folder`]): what is known of it (`NAME.json`), what it has said (`NAME.log`), and,
//! unless it is configured to have it elsewhere, its ready file (`NAME.ready`).

mod folder;
mod record;
mod start;
mod stop;

pub use folder::{Folder, FolderError};
pub use record::Record;
pub use start::{Start, StartError};
pub use stop::{StopError, Stopped, Which, find, stop};

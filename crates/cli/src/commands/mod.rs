//! The commands, one file each.

pub(crate) mod call;
pub(crate) mod complete;
pub(crate) mod completions;
pub(crate) mod config;
pub(crate) mod content;
#[cfg(unix)]
pub(crate) mod down;
pub(crate) mod entries;
pub(crate) mod info;
pub(crate) mod man;
pub(crate) mod prompt;
pub(crate) mod prompts;
#[cfg(unix)]
pub(crate) mod ps;
pub(crate) mod read;
pub(crate) mod resources;
pub(crate) mod serve;
pub(crate) mod tools;
#[cfg(unix)]
pub(crate) mod up;
pub(crate) mod watch;

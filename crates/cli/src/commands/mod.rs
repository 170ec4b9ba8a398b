//! The commands, one file each.

pub(crate) mod call;
pub(crate) mod complete;
pub(crate) mod completions;
pub(crate) mod config;
pub(crate) mod content;
pub(crate) mod entries;
pub(crate) mod info;
pub(crate) mod man;
pub(crate) mod prompt;
pub(crate) mod prompts;
pub(crate) mod read;
pub(crate) mod resources;
pub(crate) mod serve;
pub(crate) mod tools;
pub(crate) mod watch;

//! What is known of a server in the background.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::life::process;

/// What is known of one server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// Its name.
    pub name: String,
    /// The number of its process.
    pub pid: u32,
    /// When its process began, in ticks since the machine did: a number is used again, both together are not.
    pub birth: Option<u64>,
    /// When it was started (RFC 3339).
    pub since: String,
    /// Where it can be reached; empty until it can.
    pub addresses: Vec<String>,
    /// Its ready file.
    pub ready_file: PathBuf,
    /// What it says.
    pub log: PathBuf,
}

impl Record {
    /// Whether its process, and not another of the same number, exists.
    #[must_use]
    pub fn runs(&self) -> bool {
        process::exists(self.pid) && self.birth == process::birth(self.pid)
    }

    pub(super) fn read(path: &Path) -> io::Result<Self> {
        Ok(serde_json::from_slice(&fs::read(path)?)?)
    }

    /// Writes it whole or not at all.
    pub(super) fn write(&self, path: &Path) -> io::Result<()> {
        let draft = path.with_extension(format!("{}.tmp", std::process::id()));
        let written = fs::File::create(&draft)
            .and_then(|mut file| file.write_all(serde_json::to_string(self)?.as_bytes()))
            .and_then(|()| fs::rename(&draft, path));
        if written.is_err() {
            let _ = fs::remove_file(&draft);
        }
        written
    }
}

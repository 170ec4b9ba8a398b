//! The places in the work tree that the commands use.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// The work tree.
#[derive(Debug)]
pub(crate) struct Tree {
    root: PathBuf,
}

impl Tree {
    /// The tree that this program was built from.
    pub(crate) fn find() -> Self {
        let xtask = Path::new(env!("CARGO_MANIFEST_DIR"));
        Self { root: xtask.parent().unwrap_or(xtask).to_path_buf() }
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// The manifests and scripts of the foreign clients.
    pub(crate) fn clients(&self) -> PathBuf {
        self.root.join("tests/clients")
    }

    /// The manifests and scripts of the servers that are measured beside ours.
    pub(crate) fn peers(&self) -> PathBuf {
        self.root.join("benches/peers")
    }

    /// What `setup` installs.
    pub(crate) fn tools(&self) -> PathBuf {
        self.root.join("target/tools")
    }

    /// What the tests leave to be summed up.
    pub(crate) fn reports(&self) -> PathBuf {
        self.root.join("target/reports")
    }

    /// A program that the workspace builds.
    pub(crate) fn program(&self, name: &str) -> PathBuf {
        self.root.join("target/debug").join(name).with_extension(std::env::consts::EXE_EXTENSION)
    }

    /// A program of the release build.
    pub(crate) fn release(&self, name: &str) -> PathBuf {
        self.root.join("target/release").join(name).with_extension(std::env::consts::EXE_EXTENSION)
    }

    /// Forgets the reports of an earlier run.
    pub(crate) fn clear_reports(&self) -> io::Result<()> {
        match fs::remove_dir_all(self.reports()) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}

//! The inputs that every run begins with, one file each in `corpus/TARGET/`.

use std::path::{Path, PathBuf};
use std::{fs, io};

use crate::target::Target;

/// One input and where it stands.
#[derive(Clone, Debug)]
pub struct Seed {
    /// Its file.
    pub path: PathBuf,
    /// What it holds.
    pub bytes: Vec<u8>,
}

/// The folder of this crate.
pub(crate) fn home() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The corpus of a target, in the order of its file names.
///
/// # Errors
/// When the folder or one of its files cannot be read.
pub fn of(target: &Target) -> io::Result<Vec<Seed>> {
    let folder = home().join("corpus").join(target.name);
    let mut paths: Vec<PathBuf> =
        fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<io::Result<_>>()?;
    paths.sort();
    paths.into_iter().map(|path| Ok(Seed { bytes: fs::read(&path)?, path })).collect()
}

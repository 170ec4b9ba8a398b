//! An input that broke a promise, kept as a file to run again.

use std::path::PathBuf;
use std::{fmt, fs, io};

use crate::corpus;

/// An input that broke a promise of a target.
#[derive(Debug)]
pub struct Artifact {
    target: &'static str,
    path: PathBuf,
    kept: io::Result<()>,
    bytes: Vec<u8>,
}

impl Artifact {
    /// Writes the input to `artifacts/TARGET/` under a name made from its contents.
    pub(crate) fn keep(target: &'static str, bytes: Vec<u8>) -> Self {
        let folder = corpus::home().join("artifacts").join(target);
        let path = folder.join(format!("crash-{:016x}", fingerprint(&bytes)));
        let kept = fs::create_dir_all(&folder).and_then(|()| fs::write(&path, &bytes));
        Self { target, path, kept, bytes }
    }

    /// Where it was written.
    pub fn path(&self) -> &std::path::Path {
        &self.path
    }
}

impl fmt::Display for Artifact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { target, path, kept, bytes } = self;
        let path = path.display();
        match kept {
            Ok(()) => write!(
                f,
                "{target} breaks a promise on {path}\nrun it again: cargo run -p latimer-fuzz -- replay {target} {path}"
            ),
            Err(error) => {
                write!(f, "{target} breaks a promise on {bytes:?}; failed to write {path}: {error}")
            }
        }
    }
}

/// FNV-1a.
fn fingerprint(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0xCBF2_9CE4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01B3))
}

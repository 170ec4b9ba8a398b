//! Random names.

use std::fmt::Write as _;

/// `N` random bytes in hexadecimal.
///
/// Should the system have no randomness, names come from the process' hash seed and a counter:
/// unique still, and only as unguessable as that seed.
pub(crate) fn hex<const N: usize>() -> String {
    let bytes = bytes::<N>();
    let mut text = String::with_capacity(2 * N);
    for byte in bytes {
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// `N` random bytes, as [`hex`] finds them.
pub(crate) fn bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0_u8; N];
    if getrandom::fill(&mut bytes).is_err() {
        fallback(&mut bytes);
    }
    bytes
}

fn fallback(bytes: &mut [u8]) {
    use std::hash::{BuildHasher, RandomState};
    use std::sync::atomic::{AtomicU64, Ordering};
    static COUNT: AtomicU64 = AtomicU64::new(0);
    for chunk in bytes.chunks_mut(8) {
        let hash = RandomState::new().hash_one(COUNT.fetch_add(1, Ordering::Relaxed)).to_le_bytes();
        chunk.copy_from_slice(&hash[..chunk.len()]);
    }
}

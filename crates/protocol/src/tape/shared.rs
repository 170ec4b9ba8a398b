//! Buffers that are handed on with what was read into them, and come back when the last one has let go.

use std::cell::RefCell;
use std::sync::Arc;

use super::TapeBuffer;

/// A [`TapeBuffer`] of the thread's pool, shared by those who read from it.
#[derive(Clone, Debug)]
pub(crate) struct SharedBuffer(Arc<TapeBuffer>);

/// What one buffer of the pool may hold, in bytes: enough for the index of most messages.
const KEPT_BYTES: usize = 64 << 10;

/// How many buffers a thread keeps.
const KEPT: usize = 4;

thread_local! {
    static POOL: RefCell<Vec<Arc<TapeBuffer>>> = const { RefCell::new(Vec::new()) };
}

impl SharedBuffer {
    /// A buffer that nobody else has.
    pub(crate) fn take() -> Self {
        let kept = POOL.try_with(|pool| pool.try_borrow_mut().ok()?.pop());
        Self(kept.ok().flatten().unwrap_or_default())
    }

    /// The buffer, to be read into. Copied if it is shared, which one that was just taken is not.
    pub(crate) fn get_mut(&mut self) -> &mut TapeBuffer {
        Arc::make_mut(&mut self.0)
    }

    /// The buffer.
    pub(crate) fn get(&self) -> &TapeBuffer {
        &self.0
    }
}

impl Drop for SharedBuffer {
    fn drop(&mut self) {
        let Some(buffer) = Arc::get_mut(&mut self.0) else { return };
        buffer.trim(KEPT_BYTES);
        // Nothing is kept by a thread that ends.
        let _ = POOL.try_with(|pool| {
            if let Ok(mut pool) = pool.try_borrow_mut()
                && pool.len() < KEPT
            {
                pool.push(self.0.clone());
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tape::Tape;

    #[test]
    fn a_buffer_comes_back_when_the_last_one_has_let_go() {
        let mut buffer = SharedBuffer::take();
        Tape::parse_into(buffer.get_mut(), "[1,2,3]").unwrap();
        let (held, place) = (buffer.get().allocated(), Arc::as_ptr(&buffer.0));
        assert!(held > 0);
        let other = buffer.clone();
        drop(buffer);
        assert_ne!(Arc::as_ptr(&SharedBuffer::take().0), place, "it is still in use");
        drop(other);
        // What was taken in between lies above it, or below.
        let taken = [SharedBuffer::take(), SharedBuffer::take()];
        assert!(taken.iter().any(|taken| Arc::as_ptr(&taken.0) == place && taken.get().allocated() == held));
    }

    #[test]
    fn what_a_thread_keeps_is_bounded() {
        let large = format!("[{}0]", "0,".repeat(100_000));
        let buffers: Vec<_> = (0..10)
            .map(|_| {
                let mut buffer = SharedBuffer::take();
                Tape::parse_into(buffer.get_mut(), &large).unwrap();
                buffer
            })
            .collect();
        drop(buffers);
        POOL.with(|pool| {
            assert!(pool.borrow().len() <= KEPT);
            assert!(pool.borrow().iter().all(|buffer| buffer.allocated() <= KEPT_BYTES));
        });
    }
}

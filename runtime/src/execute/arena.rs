//! The arena of a walk, kept by its thread for the next one: most runs then ask the allocator for none.

use std::cell::Cell;
use std::ops::Deref;

use bumpalo::Bump;

/// Bytes of a new arena: what most runs need.
const NEW_BYTES: usize = 4 * 1024;

/// The largest arena that is kept: one large event must not hold memory for ever.
const KEPT_BYTES: usize = 64 * 1024;

thread_local! {
    static KEPT: Cell<Option<Bump>> = const { Cell::new(None) };
}

/// An arena that nobody else uses, empty at first.
pub(super) struct Arena(Bump);

impl Arena {
    /// The one that this thread has kept, or a new one.
    pub(super) fn take() -> Self {
        // While a thread ends there may be nothing to keep things in any more.
        let kept = KEPT.try_with(Cell::take).ok().flatten();
        Self(kept.unwrap_or_else(|| Bump::with_capacity(NEW_BYTES)))
    }
}

impl Deref for Arena {
    type Target = Bump;

    fn deref(&self) -> &Bump {
        &self.0
    }
}

impl Drop for Arena {
    fn drop(&mut self) {
        let mut arena = std::mem::take(&mut self.0);
        arena.reset();
        if arena.allocated_bytes() <= KEPT_BYTES {
            let _ = KEPT.try_with(|kept| kept.set(Some(arena)));
        }
    }
}

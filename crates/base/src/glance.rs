//! Looking for a moment before waiting, where that was not in vain lately; and doing something now
//! and then. What a thread remembers for it takes no record, so that a task allocates nothing.

/// Calls `look` a few times with pauses in between, until it is true: for a poll that would else
/// queue for what another processor is about to give back. Returns whether it was true.
///
/// A thread on which this is in vain leaves it out the next times, so that where the other side
/// needs this very thread it costs next to nothing. Never under a checker, to which one more look
/// is nothing new.
#[inline]
pub fn glance(look: impl FnMut() -> bool) -> bool {
    local::may_glance() && local::glance(look)
}

/// True for one call of this thread in `n`. Under a checker always for some threads, never for
/// others.
#[inline]
pub fn now_and_then(n: u32) -> bool {
    local::now_and_then(n)
}

#[cfg(not(any(counterpoint_loom, counterpoint_shuttle)))]
mod local {
    use crate::prim::hint;
    use crate::tune::{GLANCES, GLANCES_LEFT_OUT};
    use core::cell::Cell;

    struct Memory {
        /// How many glances are left out next, and how many were the last time.
        left_out: Cell<u32>,
        last_left_out: Cell<u32>,
        calls: Cell<u32>,
    }

    thread_local! {
        // No destructor, so it can be used while the thread ends.
        static MEMORY: Memory = const {
            Memory {
                left_out: Cell::new(0),
                last_left_out: Cell::new(0),
                calls: Cell::new(0),
            }
        };
    }

    #[inline]
    pub(super) fn may_glance() -> bool {
        MEMORY.with(|memory| {
            let left_out = memory.left_out.get();
            memory.left_out.set(left_out.saturating_sub(1));
            left_out == 0
        })
    }

    #[cold]
    pub(super) fn glance(mut look: impl FnMut() -> bool) -> bool {
        // On a single processor as well, where it is in vain and so left out: to ask how many there
        // are allocates at the first time.
        for _ in 0..GLANCES {
            hint::spin_loop();
            if look() {
                MEMORY.with(|memory| memory.last_left_out.set(memory.last_left_out.get() / 2));
                return true;
            }
        }
        MEMORY.with(|memory| {
            let next = (2 * memory.last_left_out.get() + 1).min(GLANCES_LEFT_OUT);
            memory.last_left_out.set(next);
            memory.left_out.set(next);
        });
        false
    }

    #[inline]
    pub(super) fn now_and_then(n: u32) -> bool {
        MEMORY.with(|memory| {
            let calls = memory.calls.get().wrapping_add(1);
            memory.calls.set(calls);
            calls % n == 0
        })
    }
}

#[cfg(any(counterpoint_loom, counterpoint_shuttle))]
mod local {
    use crate::record;

    pub(super) fn may_glance() -> bool {
        false
    }

    pub(super) fn glance(_: impl FnMut() -> bool) -> bool {
        false
    }

    pub(super) fn now_and_then(_: u32) -> bool {
        record::with(|record| record.index() % 2 == 0)
    }
}

//! What a thread remembers of its own waits: whether it is worth while to look for a moment before
//! it sleeps, and how long ago it did something that is due now and then. It takes no record, so a
//! task allocates nothing.

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

/// Calls `look` for a moment, with longer and longer pauses in between, until it is true: for a thread
/// that would else sleep, about as long as it takes to fall asleep and to be woken.
///
/// A thread on which this is in vain again and again leaves it out most times. Never under a checker.
pub fn linger(look: impl FnMut() -> bool) {
    local::linger(look);
}

/// True for one call of this thread in `n`. Under a checker always for some threads, never for
/// others.
#[inline]
pub fn now_and_then(n: u32) -> bool {
    local::now_and_then(n)
}

#[cfg(not(any(counterpoint_loom, counterpoint_shuttle)))]
mod local {
    use crate::prim::{hint, thread};
    use crate::tune::{GLANCES, GLANCES_LEFT_OUT, LINGERS_IN_VAIN, LINGERS_LEFT_OUT, PARK_ROUNDS};
    use core::cell::Cell;

    /// Looks before a sleep.
    struct Lingers {
        /// How many were in vain since one was not.
        in_vain: Cell<u32>,
        /// How many are left out next, and how many were the last time.
        left_out: Cell<u32>,
        last: Cell<u32>,
    }

    impl Lingers {
        fn is_due(&self) -> bool {
            let left_out = self.left_out.get();
            self.left_out.set(left_out.saturating_sub(1));
            left_out == 0
        }

        fn paid(&self) {
            self.in_vain.set(0);
            self.last.set(0);
        }

        /// One that is left out makes the other side sleep as well: so a few in a row change nothing.
        fn was_in_vain(&self) {
            let in_vain = self.in_vain.get() + 1;
            if in_vain < LINGERS_IN_VAIN {
                self.in_vain.set(in_vain);
                return;
            }
            let next = (2 * self.last.get() + 1).min(LINGERS_LEFT_OUT);
            self.last.set(next);
            self.left_out.set(next);
        }
    }

    struct Memory {
        /// How many glances are left out next, and how many were the last time.
        left_out: Cell<u32>,
        last_left_out: Cell<u32>,
        lingers: Lingers,
        calls: Cell<u32>,
    }

    thread_local! {
        // No destructor, so it can be used while the thread ends.
        static MEMORY: Memory = const {
            Memory {
                left_out: Cell::new(0),
                last_left_out: Cell::new(0),
                lingers: Lingers {
                    in_vain: Cell::new(0),
                    left_out: Cell::new(0),
                    last: Cell::new(0),
                },
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

    pub(super) fn linger(mut look: impl FnMut() -> bool) {
        if thread::parallelism() < 2 || !MEMORY.with(|memory| memory.lingers.is_due()) {
            return;
        }
        for round in 0..PARK_ROUNDS {
            for _ in 0..1u32 << round {
                hint::spin_loop();
            }
            if look() {
                MEMORY.with(|memory| memory.lingers.paid());
                return;
            }
        }
        MEMORY.with(|memory| memory.lingers.was_in_vain());
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

    pub(super) fn linger(_: impl FnMut() -> bool) {}

    pub(super) fn now_and_then(_: u32) -> bool {
        record::with(|record| record.index() % 2 == 0)
    }
}

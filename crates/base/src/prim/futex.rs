//! A word on which threads sleep until another one wakes them.
//!
//! Three implementations of one contract: the kernel's futex on Linux; a table of mutexes and
//! condition variables keyed by address elsewhere, or with the cfg `counterpoint_generic_park`;
//! and one that parks the checker's threads.
//!
//! # Invariants
//! * I1: `wait` sleeps only if the word holds `expected` at one moment at which the sleeper is
//!   already findable by `wake_*`; so a waker that changes the word first and wakes afterwards
//!   is never missed.
//! * I2: `wait` may return for no reason. Callers look at their own state again.
//! * I3: `wake_*` uses the address alone, so it may run when the word is already gone.
//!
//! # Edges
//! none: sleeping and waking order nothing. The caller's own accesses of the word do.
//!
//! # Fork
//! With the kernel's futex the child's one thread can sleep and wake as before. With the table it
//! can as long as no other thread held the bucket's mutex at the moment of the fork (for some
//! instructions as it falls asleep, wakes, or is woken); a mutex held then stays held in the child.
//!
//! # Checked by
//! tests/futex.rs on both implementations, tests/fork.rs; the third by every model that waits.

use super::atomic::AtomicU32;
use super::time::Instant;
use super::{Branch, choose};

/// Why a sleep ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Slept {
    /// Woken, or for no reason, or not begun since the word had changed.
    Woken,
    /// The deadline came.
    TimedOut,
}

/// A 32-bit word that threads can sleep on.
pub struct Futex {
    word: AtomicU32,
    #[cfg(any(counterpoint_loom, counterpoint_shuttle))]
    sleepers: checked::Sleepers,
}

impl core::fmt::Debug for Futex {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_tuple("Futex").field(&self.word).finish()
    }
}

impl Futex {
    crate::const_fn! {
        /// A word that holds `value`, with nobody asleep.
        #[inline]
        pub const fn new(value: u32) -> Futex {
            Futex {
                word: AtomicU32::new(value),
                #[cfg(any(counterpoint_loom, counterpoint_shuttle))]
                sleepers: checked::Sleepers::new(),
            }
        }
    }

    /// The word itself.
    #[inline(always)]
    pub fn word(&self) -> &AtomicU32 {
        &self.word
    }

    /// Sleeps if the word holds `expected`, until woken or until `deadline`. May return for no
    /// reason.
    pub fn wait(&self, expected: u32, deadline: Option<Instant>) -> Slept {
        if choose(Branch::SpuriousWake) {
            return Slept::Woken;
        }
        imp::wait(self, expected, deadline)
    }

    /// Wakes one sleeper, if there is one.
    pub fn wake_one(&self) {
        imp::wake(self, false);
    }

    /// Wakes every sleeper.
    pub fn wake_all(&self) {
        imp::wake(self, true);
    }
}

#[cfg(all(
    target_os = "linux",
    not(any(counterpoint_loom, counterpoint_shuttle, counterpoint_generic_park))
))]
use linux as imp;

#[cfg(all(
    any(not(target_os = "linux"), counterpoint_generic_park),
    not(any(counterpoint_loom, counterpoint_shuttle))
))]
use generic as imp;

#[cfg(any(counterpoint_loom, counterpoint_shuttle))]
use checked as imp;

#[cfg(all(
    target_os = "linux",
    not(any(counterpoint_loom, counterpoint_shuttle, counterpoint_generic_park))
))]
mod linux {
    use super::{Futex, Instant, Slept};
    use core::ptr;

    pub(super) fn wait(futex: &Futex, expected: u32, deadline: Option<Instant>) -> Slept {
        let timeout = match deadline {
            None => None,
            Some(deadline) => {
                let left = deadline.saturating_duration_since(super::super::time::now());
                if left.is_zero() {
                    return Slept::TimedOut;
                }
                // A sleep too long for the kernel's clock is cut; the caller sleeps again.
                Some(libc::timespec {
                    tv_sec: libc::time_t::try_from(left.as_secs()).unwrap_or(1 << 30),
                    tv_nsec: libc::c_long::from(left.subsec_nanos() as i32),
                })
            }
        };
        let timeout = timeout.as_ref().map_or(ptr::null(), ptr::from_ref);
        // SAFETY: FUTEX_WAIT reads the word, which `futex` keeps alive, and the timeout, which is
        // null or points to the local above.
        let result = unsafe {
            libc::syscall(
                libc::SYS_futex,
                ptr::from_ref(&futex.word).cast::<u32>().cast_mut(),
                libc::FUTEX_WAIT | libc::FUTEX_PRIVATE_FLAG,
                expected,
                timeout,
            )
        };
        // EAGAIN (the word had changed) and EINTR are returns for no reason (I2); so is a timeout
        // of a kernel that reads another layout of the time than this target has.
        let timed_out = result == -1 && last_errno() == libc::ETIMEDOUT;
        if timed_out && deadline.is_some_and(super::super::time::reached) {
            Slept::TimedOut
        } else {
            Slept::Woken
        }
    }

    fn last_errno() -> i32 {
        std::io::Error::last_os_error().raw_os_error().unwrap_or(0)
    }

    pub(super) fn wake(futex: &Futex, all: bool) {
        let count = if all { i32::MAX } else { 1 };
        // SAFETY: FUTEX_WAKE uses the address as a key and does not touch the memory (I3).
        unsafe {
            libc::syscall(
                libc::SYS_futex,
                ptr::from_ref(&futex.word).cast::<u32>().cast_mut(),
                libc::FUTEX_WAKE | libc::FUTEX_PRIVATE_FLAG,
                count,
            );
        }
    }
}

#[cfg(all(
    any(not(target_os = "linux"), counterpoint_generic_park),
    not(any(counterpoint_loom, counterpoint_shuttle))
))]
mod generic {
    use super::super::atomic::RELAXED;
    use super::{Futex, Instant, Slept};
    use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

    /// One bucket serves many words: a wake-up wakes all its sleepers, most of them for no
    /// reason (I2).
    struct Bucket {
        lock: Mutex<()>,
        changed: Condvar,
    }

    const BUCKETS: usize = 64;
    static TABLE: [Bucket; BUCKETS] = [const {
        Bucket {
            lock: Mutex::new(()),
            changed: Condvar::new(),
        }
    }; BUCKETS];

    fn bucket(futex: &Futex) -> &'static Bucket {
        let address = core::ptr::from_ref(futex).addr();
        &TABLE[(address >> 4).wrapping_mul(0x9E37_79B9) >> 7 & (BUCKETS - 1)]
    }

    fn lock(bucket: &'static Bucket) -> MutexGuard<'static, ()> {
        bucket.lock.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn wait(futex: &Futex, expected: u32, deadline: Option<Instant>) -> Slept {
        let bucket = bucket(futex);
        let guard = lock(bucket);
        // Relaxed: the bucket's lock orders this look against a waker's visit (I1).
        if futex.word.load(RELAXED) != expected {
            return Slept::Woken;
        }
        let Some(deadline) = deadline else {
            drop(
                bucket
                    .changed
                    .wait(guard)
                    .unwrap_or_else(PoisonError::into_inner),
            );
            return Slept::Woken;
        };
        let left = deadline.saturating_duration_since(super::super::time::now());
        if left.is_zero() {
            return Slept::TimedOut;
        }
        let result = bucket.changed.wait_timeout(guard, left);
        let (_guard, result) = result.unwrap_or_else(PoisonError::into_inner);
        if result.timed_out() {
            Slept::TimedOut
        } else {
            Slept::Woken
        }
    }

    pub(super) fn wake(futex: &Futex, _all: bool) {
        let bucket = bucket(futex);
        // The lock is held for a moment, so that a sleeper is either asleep or sees the change.
        drop(lock(bucket));
        bucket.changed.notify_all();
    }
}

#[cfg(any(counterpoint_loom, counterpoint_shuttle))]
mod checked {
    use super::super::atomic::RELAXED;
    use super::super::{Branch, choose};
    use super::{Futex, Instant, Slept};
    use std::sync::{Mutex, PoisonError};

    #[cfg(counterpoint_loom)]
    use loom::thread::{Thread, current, park};
    #[cfg(counterpoint_shuttle)]
    use shuttle::thread::{Thread, current, park};

    /// Book-keeping that is no part of the model: between two operations of the engine nothing
    /// else runs, so this list changes together with the operation before it.
    pub(super) struct Sleepers(Mutex<Vec<Thread>>);

    impl Sleepers {
        pub(super) const fn new() -> Sleepers {
            Sleepers(Mutex::new(Vec::new()))
        }

        fn with<R>(&self, f: impl FnOnce(&mut Vec<Thread>) -> R) -> R {
            f(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
        }
    }

    pub(super) fn wait(futex: &Futex, expected: u32, deadline: Option<Instant>) -> Slept {
        if deadline.is_some() && choose(Branch::DeadlineFirst) {
            return Slept::TimedOut;
        }
        // A read-modify-write, since the kernel sees the newest value, not an older one.
        if futex.word.fetch_add(0, RELAXED) != expected {
            return Slept::Woken;
        }
        let me = current();
        futex.sleepers.with(|sleepers| sleepers.push(me.clone()));
        loop {
            park();
            if !futex
                .sleepers
                .with(|sleepers| sleepers.iter().any(|one| one.id() == me.id()))
            {
                return Slept::Woken;
            }
        }
    }

    pub(super) fn wake(futex: &Futex, all: bool) {
        // A step of its own: other threads may run between the change of the word and this.
        futex.word.load(RELAXED);
        loop {
            let sleeper = futex
                .sleepers
                .with(|list| (!list.is_empty()).then(|| list.remove(0)));
            let Some(sleeper) = sleeper else { return };
            sleeper.unpark();
            if !all {
                return;
            }
        }
    }
}

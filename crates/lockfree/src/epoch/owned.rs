//! A guard that may go to another thread. Its invariants stand in README.md beside this file.

use super::{Collector, Guard};
use core::fmt;
use core::ops::Deref;

/// A [`Guard`] that belongs to no thread: it may go to another one, as in a task that is moved while
/// it waits.
///
/// It has a record of its own, so it pins neither the thread that makes it nor the one that drops it.
/// What is loaded with it is kept as with any guard, and it holds up as much: not for a task that
/// waits for long. [`Stats`](super::Stats) names the thread that made it. References that were made by [`Shared::deref`](super::Shared::deref) may be held
/// while it waits; a [`Shared`](super::Shared) itself would keep the task on its thread.
///
/// # Cost
/// To make one takes a record, as [`Collector::register`]; to drop one gives it back, and frees what
/// can be freed. A guard of the thread is much cheaper.
///
/// # Panics
/// As [`Guard`]: dropping it runs closures that were deferred, by any thread. A panic of one of them
/// would end the program where a thread-local drops it.
///
/// # Examples
/// ```
/// use counterpoint_lockfree::epoch::{Atomic, Collector};
/// use std::sync::atomic::Ordering::Acquire;
///
/// let collector = Collector::new();
/// let name = Atomic::new("seven".to_owned());
/// let guard = collector.pin_owned();
/// // SAFETY: it is not null, and whoever takes it out retires it.
/// let text: &str = unsafe { name.load(Acquire, &guard).deref() };
/// std::thread::scope(|scope| {
///     scope.spawn(|| assert_eq!(text, "seven"));
/// });
/// std::thread::spawn(move || drop(guard)).join().unwrap();
/// # // SAFETY: nobody else uses it.
/// # drop(unsafe { name.into_owned() });
/// ```
pub struct OwnedGuard {
    guard: Guard,
}

// SAFETY: its record has no handle and no other guard, and no method gives one away: `Deref` alone
// leads to the guard, which cannot be cloned. So whoever has this is the record's thread (I1). What was
// deferred in it may be run by any thread.
unsafe impl Send for OwnedGuard {}

impl OwnedGuard {
    /// Unpins and pins again, which lets others go on. See [`Guard::repin`].
    #[track_caller]
    pub fn repin(&mut self) {
        self.guard.repin();
    }
}

impl Collector {
    /// Pins, for whoever has the guard.
    ///
    /// For an example see [`OwnedGuard`].
    #[track_caller]
    pub fn pin_owned(&self) -> OwnedGuard {
        let handle = self.register();
        // The guard keeps the record when the handle goes.
        let guard = handle.pin();
        OwnedGuard { guard }
    }
}

impl Deref for OwnedGuard {
    type Target = Guard;

    #[inline]
    fn deref(&self) -> &Guard {
        &self.guard
    }
}

impl fmt::Debug for OwnedGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OwnedGuard").finish_non_exhaustive()
    }
}

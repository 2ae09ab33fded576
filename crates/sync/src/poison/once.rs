//! Something that is done once, and not again after a panic.
//!
//! # Invariants
//! * I1: `poisoned` is written by the holder of the cell's claim only, and before it gives the claim
//!   up; the next holder sees it.

use core::fmt;
use core::panic::{RefUnwindSafe, UnwindSafe};
use counterpoint_base::const_fn;
use counterpoint_wait::select_biased;

use crate::once::{OnceCell, OnceCellError};
use crate::reset_event::ManualResetEvent;

/// Something that is done once, by whoever comes first; the others wait until it is done.
///
/// If the closure panics it is poisoned: all who wait and all who come panic, until
/// [`call_once_force`](Self::call_once_force) succeeds. [`crate::Once`] lets the next one try
/// instead.
///
/// ```
/// use counterpoint_sync::poison::Once;
///
/// static START: Once = Once::new();
/// START.call_once(|| println!("once"));
/// START.call_once(|| unreachable!());
/// assert!(START.is_completed());
/// ```
#[derive(Default)]
pub struct Once {
    done: OnceCell<()>,
    /// Set while the last call panicked and none is under way (I1).
    poisoned: ManualResetEvent,
}

// A panic is told to who comes next.
impl UnwindSafe for Once {}
impl RefUnwindSafe for Once {}

/// What [`Once::call_once_force`] tells its closure.
#[derive(Debug)]
pub struct OnceState {
    poisoned: bool,
}

impl OnceState {
    /// True if the call before panicked.
    #[inline]
    #[must_use]
    pub const fn is_poisoned(&self) -> bool {
        self.poisoned
    }
}

/// Poisons unless it is forgotten.
struct Alarm<'a>(&'a ManualResetEvent);

impl Drop for Alarm<'_> {
    fn drop(&mut self) {
        self.0.set();
    }
}

impl Once {
    const_fn! {
        /// Not done yet.
        #[inline]
        #[must_use]
        pub const fn new() -> Once {
            Once { done: OnceCell::new(), poisoned: ManualResetEvent::new(false) }
        }
    }

    /// Calls `f`, unless a call was done; blocks while one is under way. What it did is seen by the
    /// caller.
    ///
    /// # Panics
    /// If `f` does, or did before, or calls this.
    #[inline]
    #[track_caller]
    pub fn call_once<F: FnOnce()>(&self, f: F) {
        if !self.is_completed() {
            self.call(false, |_| f());
        }
    }

    /// As [`call_once`](Self::call_once), also if the call before panicked.
    ///
    /// # Panics
    /// If `f` does, or calls this.
    #[inline]
    #[track_caller]
    pub fn call_once_force<F: FnOnce(&OnceState)>(&self, f: F) {
        if !self.is_completed() {
            self.call(true, f);
        }
    }

    #[cold]
    #[track_caller]
    fn call(&self, forced: bool, f: impl FnOnce(&OnceState)) {
        let done = self.done.get_or_try_init(|| {
            let poisoned = self.poisoned.is_set();
            if poisoned && !forced {
                return Err(Poisoned);
            }
            self.poisoned.reset();
            let alarm = Alarm(&self.poisoned);
            f(&OnceState { poisoned });
            core::mem::forget(alarm);
            Ok(())
        });
        match done {
            Ok(()) => {}
            Err(OnceCellError::Init(Poisoned)) => poisoned(),
            Err(_) => panic!("counterpoint: poison::Once: called by its own closure"),
        }
    }

    /// True if a call was done.
    #[inline]
    pub fn is_completed(&self) -> bool {
        self.done.is_initialized()
    }

    /// True if the last call panicked and no other one is under way. Not of std's surface.
    pub fn is_poisoned(&self) -> bool {
        self.poisoned.is_set()
    }

    /// True if a call is under way at this moment. Not of std's surface.
    pub fn is_running(&self) -> bool {
        self.done.is_initializing()
    }

    /// Blocks this thread until a call was done.
    ///
    /// # Panics
    /// If the last call panicked, or does while this waits.
    ///
    /// # Deadlocks
    /// Waits for ever if nobody calls.
    #[track_caller]
    pub fn wait(&self) {
        let done = select_biased! {
            _ = self.done.wait_async() => true,
            () = self.poisoned.wait_async() => false,
        };
        if !done {
            poisoned();
        }
    }

    /// Blocks this thread until a call was done, whether others panicked or not.
    ///
    /// # Deadlocks
    /// Waits for ever if nobody calls.
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn wait_force(&self) {
        self.done.wait();
    }
}

/// The call before panicked.
struct Poisoned;

#[cold]
#[track_caller]
fn poisoned() -> ! {
    panic!("counterpoint: poison::Once: the call before panicked")
}

impl fmt::Debug for Once {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Once").finish_non_exhaustive()
    }
}

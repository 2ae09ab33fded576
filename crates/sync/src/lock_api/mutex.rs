//! Mutexes without a value.
//!
//! # Invariants
//! * I1: `hold` is touched by the holder of the lock only.
//! * I2: no wait ends by a panic of a sink: `lock_api` takes the lock again for guards that their owners still
//!   have, by the very calls that take it first.

use ::lock_api::GuardSend;
use core::fmt;
use core::mem::ManuallyDrop;
use counterpoint_base::prim::cell::UnsafeCell;
use counterpoint_base::prim::time::{Duration, Instant};
use counterpoint_wait::Stop;
use counterpoint_wait::hooks::{Calm, Hold};

use crate::condvar::Condvar;
use crate::mutex::{Mutex, MutexGuard};

macro_rules! raw_mutexes {
    ($($(#[$meta:meta])* $name:ident, $new:ident;)*) => {$(
        $(#[$meta])*
        pub struct $name {
            lock: Mutex<()>,
            hold: UnsafeCell<Hold>,
        }

        // SAFETY: what is held is written and read by the holder (I1), with the lock's ordering.
        unsafe impl Sync for $name {}
        // SAFETY: as above; a notice of a holder may be told of by any thread.
        unsafe impl Send for $name {}

        // What is in it is of no use to anybody after a panic or before.
        impl core::panic::UnwindSafe for $name {}
        impl core::panic::RefUnwindSafe for $name {}

        impl $name {
            /// Free.
            #[inline]
            pub const fn new() -> $name {
                $name {
                    lock: Mutex::$new(()),
                    hold: UnsafeCell::new(Hold::NONE),
                }
            }

            /// Keeps the lock without its guard.
            #[inline]
            fn keep(&self, guard: MutexGuard<'_, ()>) {
                let hold = guard.into_hold();
                // SAFETY: this thread holds the lock (I1).
                self.hold.with_mut(|it| unsafe { *it = hold });
            }

            #[inline]
            fn kept<E>(&self, guard: Result<MutexGuard<'_, ()>, E>) -> bool {
                guard.map(|guard| self.keep(guard)).is_ok()
            }

            /// The guard of the lock, which the caller holds; to be dropped once, or not at all. No
            /// panic poisons.
            #[inline]
            fn guard(&self) -> ManuallyDrop<MutexGuard<'_, ()>> {
                // SAFETY: the caller holds the lock (I1).
                let hold = self.hold.with(|it| unsafe { *it });
                ManuallyDrop::new(MutexGuard::new(&self.lock, true, hold))
            }

            /// Waits for `condvar` with the lock given back, at most until `deadline`, and takes the
            /// lock again, also if it panics.
            ///
            /// # Errors
            /// [`Stop::TimedOut`].
            ///
            /// # Safety
            /// The caller holds the lock, and uses nothing that it guards meanwhile.
            #[cfg_attr(feature = "hooks", track_caller)]
            pub unsafe fn wait_for(
                &self,
                condvar: &Condvar,
                deadline: Option<Instant>,
            ) -> Result<(), Stop> {
                /// Remembers how the lock is held, whatever happens.
                struct Again<'a>(&'a $name, ManuallyDrop<MutexGuard<'a, ()>>);
                impl Drop for Again<'_> {
                    fn drop(&mut self) {
                        // SAFETY: the guard is taken once, here.
                        self.0.keep(unsafe { ManuallyDrop::take(&mut self.1) });
                    }
                }
                let mut again = Again(self, self.guard());
                let guard: &mut MutexGuard<'_, ()> = &mut again.1;
                match deadline {
                    Some(deadline) => condvar.wait_deadline(guard, deadline),
                    None => {
                        condvar.wait(guard);
                        Ok(())
                    }
                }
            }
        }

        impl Default for $name {
            fn default() -> $name {
                $name::new()
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($name))
                    .field("locked", &self.lock.is_locked())
                    .finish_non_exhaustive()
            }
        }

        // SAFETY: the lock underneath is exclusive, and belongs to whoever holds it on any thread.
        unsafe impl ::lock_api::RawMutex for $name {
            #[allow(
                clippy::declare_interior_mutable_const,
                reason = "it makes a lock anew wherever it is named"
            )]
            const INIT: $name = $name::new();

            type GuardMarker = GuardSend;

            #[inline]
            #[cfg_attr(feature = "hooks", track_caller)]
            fn lock(&self) {
                let _calm = Calm::begin(); // I2
                self.keep(self.lock.lock());
            }

            #[inline]
            #[cfg_attr(feature = "hooks", track_caller)]
            fn try_lock(&self) -> bool {
                self.kept(self.lock.try_lock())
            }

            #[inline]
            unsafe fn unlock(&self) {
                drop(ManuallyDrop::into_inner(self.guard()));
            }

            #[inline]
            fn is_locked(&self) -> bool {
                self.lock.is_locked()
            }
        }

        // SAFETY: as above; the lock is given back, and taken again where that is asked for.
        unsafe impl ::lock_api::RawMutexFair for $name {
            unsafe fn unlock_fair(&self) {
                MutexGuard::unlock_fair(ManuallyDrop::into_inner(self.guard()));
            }

            #[cfg_attr(feature = "hooks", track_caller)]
            unsafe fn bump(&self) {
                let _calm = Calm::begin(); // I2
                let mut guard = self.guard();
                MutexGuard::bump(&mut guard);
                self.keep(ManuallyDrop::into_inner(guard));
            }
        }

        // SAFETY: as above; true only if the lock was taken.
        unsafe impl ::lock_api::RawMutexTimed for $name {
            type Duration = Duration;
            type Instant = Instant;

            #[cfg_attr(feature = "hooks", track_caller)]
            fn try_lock_for(&self, timeout: Duration) -> bool {
                self.kept(self.lock.lock_timeout(timeout))
            }

            #[cfg_attr(feature = "hooks", track_caller)]
            fn try_lock_until(&self, deadline: Instant) -> bool {
                self.kept(self.lock.lock_deadline(deadline))
            }
        }
    )*};
}

raw_mutexes! {
    /// A mutex without a value; see [`Mutex`] for its fairness.
    RawMutex, new;
    /// A mutex without a value that serves strictly in the order of arrival; see [`Mutex::fair`].
    RawFairMutex, fair;
}

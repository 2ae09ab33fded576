//! What pins a thread.

use super::local::Local;
use super::{Collector, Guard};
use core::fmt;
use core::panic::Location;

/// What pins its thread: one record of a [`Collector`].
///
/// It stays with the thread that made it. Dropping it hands on what that thread has deferred, and
/// runs what can be run (in a deferred closure that is left to whoever runs it); a [`Guard`] made by it may live longer. A guard that is forgotten keeps the
/// record pinned for ever, and with it whatever is retired from then on.
///
/// # Panics
/// Dropping the last handle and guard of a record runs closures that were deferred, by any thread; a
/// panic of one of them comes out, unless the thread unwinds, or ends and the collector is the default one. Keep a
/// handle of your own out of thread-locals if its closures may panic: that would end the program.
///
/// # Examples
/// ```
/// use counterpoint_lockfree::epoch::Collector;
///
/// let collector = Collector::new();
/// let handle = collector.register();
/// let guard = handle.pin();
/// guard.defer(|| println!("later"));
/// ```
pub struct LocalHandle {
    pub(super) local: *const Local,
}

// A panic leaves what is counted as it was.
impl core::panic::UnwindSafe for LocalHandle {}
impl core::panic::RefUnwindSafe for LocalHandle {}

impl LocalHandle {
    /// Pins the thread.
    ///
    /// # Cost
    /// One load, one store and a compiler's fence, where the system has `membarrier`; else a store
    /// and a fence. Less if the thread is pinned already.
    #[inline]
    #[track_caller]
    pub fn pin(&self) -> Guard {
        // SAFETY: this handle keeps the record, which belongs to this thread.
        unsafe { Local::pin(self.local, Location::caller()) }
    }

    /// Whether the thread is pinned in this record.
    pub fn is_pinned(&self) -> bool {
        // SAFETY: this handle keeps the record.
        unsafe { &*self.local }.is_pinned()
    }

    /// The collector.
    pub fn collector(&self) -> &Collector {
        // SAFETY: this handle keeps the record.
        unsafe { &*self.local }.collector()
    }

    /// The record, with its handle still counted.
    #[cfg(all(feature = "std", not(any(counterpoint_loom, counterpoint_shuttle))))]
    pub(super) fn into_raw(self) -> *const Local {
        core::mem::ManuallyDrop::new(self).local
    }
}

impl Drop for LocalHandle {
    fn drop(&mut self) {
        // SAFETY: this handle is counted, and goes.
        unsafe { Local::drop_handle(self.local) };
    }
}

impl fmt::Debug for LocalHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalHandle").finish_non_exhaustive()
    }
}

//! The collector that every thread has without asking.

use super::{Collector, Guard};

/// Pins the calling thread in the [default collector](default_collector).
///
/// # Cost
/// As [`LocalHandle::pin`](super::LocalHandle::pin). The first call of a thread takes a record. At
/// the end of a thread, in destructors of thread-locals that run after this one's, each pin takes a
/// record for itself.
///
/// # Panics
/// As [there](Guard). In destructors of thread-locals that run after this one's none of a closure comes
/// out, since it would end the program; in those that run before it may.
///
/// ```
/// use counterpoint_lockfree::epoch;
///
/// let guard = epoch::pin();
/// assert!(epoch::is_pinned());
/// drop(guard);
/// assert!(!epoch::is_pinned());
/// ```
#[inline]
#[track_caller]
pub fn pin() -> Guard {
    local::pin(core::panic::Location::caller())
}

/// Whether the calling thread is pinned in the [default collector](default_collector).
#[inline]
pub fn is_pinned() -> bool {
    local::is_pinned()
}

/// The collector of [`pin`]. It lives as long as the program.
pub fn default_collector() -> &'static Collector {
    local::default_collector()
}

#[cfg(not(any(counterpoint_loom, counterpoint_shuttle)))]
mod local {
    use super::{Collector, Guard};
    use crate::epoch::handle::LocalHandle;
    use crate::epoch::local::Local;
    use core::cell::Cell;
    use core::panic::Location;
    use core::ptr;
    use counterpoint_base::prim::sync::Lazy;

    static DEFAULT: Lazy<Collector> = Lazy::new();

    thread_local! {
        // No destructor, so it can be read while the thread ends.
        static LOCAL: Cell<*const Local> = const { Cell::new(ptr::null()) };
        static LAST: Last = const { Last };
    }

    struct Last;

    impl Drop for Last {
        fn drop(&mut self) {
            let local = LOCAL.get();
            if local.is_null() {
                return;
            }
            // What runs now may pin in this record still.
            // SAFETY: the record of this thread's handle.
            unsafe { &*local }.end_early();
            LOCAL.set(ptr::null());
            drop(LocalHandle { local });
        }
    }

    pub(super) fn default_collector() -> &'static Collector {
        DEFAULT.get_or_make(Collector::new)
    }

    #[inline]
    pub(super) fn pin(site: &'static Location<'static>) -> Guard {
        let local = LOCAL.get();
        if local.is_null() {
            return pin_first(site);
        }
        // SAFETY: the record of this thread's handle, which goes when the pointer does.
        unsafe { Local::pin(local, site) }
    }

    #[cold]
    #[inline(never)]
    fn pin_first(site: &'static Location<'static>) -> Guard {
        let is_ending = LAST.try_with(|_| ()).is_err();
        let handle = default_collector().register();
        if is_ending {
            // SAFETY: the handle keeps the record, which belongs to this thread.
            unsafe { &*handle.local }.end();
            // SAFETY: as above; the guard keeps the record from then on.
            return unsafe { Local::pin(handle.local, site) };
        }
        // Before it pins: that may run closures, which pin as well. An allocator that pins has set it
        // already.
        if LOCAL.get().is_null() {
            LOCAL.set(handle.into_raw());
        }
        // SAFETY: the record of this thread's handle.
        unsafe { Local::pin(LOCAL.get(), site) }
    }

    #[inline]
    pub(super) fn is_pinned() -> bool {
        let local = LOCAL.get();
        // SAFETY: null, or as in `pin`.
        unsafe { local.as_ref() }.is_some_and(Local::is_pinned)
    }
}

#[cfg(any(counterpoint_loom, counterpoint_shuttle))]
mod local {
    use super::{Collector, Guard};
    use crate::epoch::handle::LocalHandle;
    use crate::epoch::local::Local;
    use core::panic::Location;
    use counterpoint_base::prim::__engine_thread_local as thread_local;

    counterpoint_base::static_! {
        static DEFAULT: Collector = Collector::new();
    }

    thread_local! {
        static HANDLE: LocalHandle = default_collector().register();
    }

    pub(super) fn default_collector() -> &'static Collector {
        &DEFAULT
    }

    pub(super) fn pin(site: &'static Location<'static>) -> Guard {
        // SAFETY: the handle keeps the record, which belongs to this thread.
        let pinned = HANDLE.try_with(|handle| unsafe { Local::pin(handle.local, site) });
        pinned.unwrap_or_else(|_| {
            let handle = default_collector().register();
            // SAFETY: as above.
            unsafe { Local::pin(handle.local, site) }
        })
    }

    pub(super) fn is_pinned() -> bool {
        HANDLE.try_with(LocalHandle::is_pinned).unwrap_or(false)
    }
}

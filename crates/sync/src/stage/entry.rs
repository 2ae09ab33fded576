//! What a stage knows of one ticket. The protocol is in `raw.rs`, whose lock guards a [`Place`].

use core::fmt;
use core::ptr;
use counterpoint_base::prim::cell::UnsafeCell;
use counterpoint_wait::queue::Node;
use std::sync::Arc;

/// What was left for a ticket and not yet taken.
#[derive(Debug)]
pub(super) enum Mail<V> {
    Nothing,
    Token,
    Value(V),
}

impl<V> Mail<V> {
    pub(super) fn is_nothing(&self) -> bool {
        matches!(self, Mail::Nothing)
    }

    pub(super) fn take(&mut self) -> Mail<V> {
        core::mem::replace(self, Mail::Nothing)
    }
}

/// The node of one who waits: it keeps its entry.
pub(super) type Seat<T, V> = Node<Arc<Entry<T, V>>>;

/// What of an entry is reached under the lock of the stage only.
pub(super) struct Place<T, V> {
    /// The next entry of the same bucket of the table.
    pub(super) next: Option<Arc<Entry<T, V>>>,
    /// Its number: 0 as long as it is not in the table.
    pub(super) id: u64,
    /// The last `notify_all` that came by.
    pub(super) round: u64,
    /// The node that is linked for it, or null.
    pub(super) seat: *const Seat<T, V>,
    /// It was granted the headship and has neither taken nor lost it.
    pub(super) promised: bool,
    pub(super) mail: Mail<V>,
}

/// A ticket, as the table and those who wait with it know it. Opaque.
#[doc(hidden)]
pub struct Entry<T, V> {
    pub(super) token: T,
    pub(super) hash: u64,
    place: UnsafeCell<Place<T, V>>,
}

// SAFETY: tokens are compared by several threads at a time and dropped by any; the place is reached
// under the lock of the stage, and values go from thread to thread with it. Nodes obey `queue.rs`.
unsafe impl<T: Send + Sync, V: Send> Send for Entry<T, V> {}
// SAFETY: as above.
unsafe impl<T: Send + Sync, V: Send> Sync for Entry<T, V> {}

// No foreign code runs while a place is changed.
impl<T, V> core::panic::UnwindSafe for Entry<T, V> {}
impl<T, V> core::panic::RefUnwindSafe for Entry<T, V> {}

impl<T, V> fmt::Debug for Entry<T, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entry").finish_non_exhaustive()
    }
}

impl<T, V> Entry<T, V> {
    pub(super) fn new(token: T, hash: u64) -> Entry<T, V> {
        Entry {
            token,
            hash,
            place: UnsafeCell::new(Place {
                next: None,
                id: 0,
                round: 0,
                seat: ptr::null(),
                promised: false,
                mail: Mail::Nothing,
            }),
        }
    }

    /// Runs `f` on the place; `f` runs no foreign code and reaches no other place by this entry.
    ///
    /// # Safety
    /// The caller holds the lock of the stage that the entry belongs to, or is the only one who
    /// knows the entry.
    #[inline(always)]
    pub(super) unsafe fn place<R>(&self, f: impl FnOnce(&mut Place<T, V>) -> R) -> R {
        // SAFETY: exclusive by the caller's promise.
        self.place.with_mut(|place| f(unsafe { &mut *place }))
    }
}

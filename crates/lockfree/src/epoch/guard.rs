//! The guard of a pinned thread, and the one of who needs none.

use super::deferred::Deferred;
use super::local::Local;
use super::pointer::with_tag;
use super::{Collector, Pointable, Shared};
use core::fmt;
use core::panic::Location;
use core::ptr;

/// Keeps its thread pinned: what is loaded from an [`Atomic`](super::Atomic) while it lives is not
/// freed before it is dropped.
///
/// Guards of one thread nest; the innermost costs nothing, and the thread stays pinned until the
/// last one goes. Not to be held for long: while one thread stays pinned in an old epoch, what all
/// the others retire is kept. [`repin`](Guard::repin) now and then in a long loop.
///
/// # Panics
/// Closures that were deferred run when a guard is made, flushed, repinned or dropped, on any thread,
/// and not when something is deferred. One that panics does so out of that call, and is gone; the
/// others run later. While a thread unwinds its guards run none; for one that ends see
/// [`pin`](super::pin). Do not hold a lock there that such a closure takes.
pub struct Guard {
    /// Null for the one that protects nothing.
    pub(super) local: *const Local,
}

// A panic leaves what is counted as it was.
impl core::panic::UnwindSafe for Guard {}
impl core::panic::RefUnwindSafe for Guard {}

impl Guard {
    fn local(&self) -> Option<&Local> {
        // SAFETY: not null, so this guard is counted in the record, which keeps it.
        unsafe { self.local.as_ref() }
    }

    /// Calls `f` when no thread that is pinned now is pinned any longer; under
    /// [`unprotected`] at once.
    ///
    /// It may run on another thread, and late: at some pin after enough was deferred, or when somebody
    /// [flushes](Guard::flush), and at the latest when the collector is dropped; that of
    /// [`pin`](super::pin) never is. Nothing runs in this call. A closure that holds a clone of the
    /// collector may keep it for ever.
    ///
    /// # Cost
    /// A closure of more than three words is put into a box.
    ///
    /// ```
    /// use counterpoint_lockfree::epoch;
    ///
    /// let guard = epoch::pin();
    /// guard.defer(|| println!("later"));
    /// ```
    pub fn defer<F, R>(&self, f: F)
    where
        F: FnOnce() -> R + Send + 'static,
    {
        // SAFETY: `f` borrows nothing and may be sent.
        unsafe { self.defer_unchecked(f) };
    }

    /// Like [`defer`](Guard::defer) for a closure that borrows, or is not `Send`.
    ///
    /// # Safety
    /// Whatever `f` uses must live until it runs, and may be used by another thread then.
    ///
    /// ```
    /// use counterpoint_lockfree::epoch::{self, Atomic, Owned};
    /// use std::sync::atomic::Ordering::AcqRel;
    ///
    /// let name = Atomic::new("old");
    /// let guard = epoch::pin();
    /// let old = name.swap(Owned::new("new"), AcqRel, &guard);
    /// // SAFETY: nobody can reach it any longer, and nobody else takes it.
    /// unsafe { guard.defer_unchecked(move || println!("{} is gone", *old.into_owned())) };
    /// # // SAFETY: nobody else uses it.
    /// # drop(unsafe { name.into_owned() });
    /// ```
    pub unsafe fn defer_unchecked<F, R>(&self, f: F)
    where
        F: FnOnce() -> R,
    {
        let Some(local) = self.local() else {
            drop(f());
            return;
        };
        let bytes = size_of::<F>();
        // SAFETY: by the caller's promise.
        let deferred = unsafe { Deferred::new(move || drop(f())) };
        local.defer(deferred, bytes);
    }

    /// Frees what `pointer` points to, its destructor first, when no thread that is pinned now is
    /// pinned any longer; under [`unprotected`] at once.
    ///
    /// # Safety
    /// It is not null, and came from an [`Owned`](super::Owned). It was made unreachable for those
    /// who pin from now on, and nobody else destroys it. It may be dropped by another thread.
    ///
    /// ```
    /// use counterpoint_lockfree::epoch::{self, Atomic, Shared};
    /// use std::sync::atomic::Ordering::AcqRel;
    ///
    /// let node = Atomic::new(7);
    /// let guard = epoch::pin();
    /// let old = node.swap(Shared::null(), AcqRel, &guard);
    /// // SAFETY: just made unreachable by this thread.
    /// unsafe { guard.defer_destroy(old) };
    /// ```
    pub unsafe fn defer_destroy<T: ?Sized + Pointable>(&self, pointer: Shared<'_, T>) {
        let data = with_tag::<T>(pointer.data(), 0);
        debug_assert!(!data.is_null(), "counterpoint: nothing to destroy");
        let destroy = move || {
            // SAFETY: by the caller's promise, and the grace period is over.
            unsafe { T::destroy(data) };
        };
        let Some(local) = self.local() else {
            destroy();
            return;
        };
        // SAFETY: it came from an `Owned`, and is not freed yet.
        let bytes = unsafe { T::size(data) };
        // SAFETY: by the caller's promise.
        let deferred = unsafe { Deferred::new(destroy) };
        local.defer(deferred, bytes);
    }

    /// Hands on what this thread has deferred so far, and runs what can be run now: a part of what
    /// was deferred a while ago. What was deferred just before takes some more calls, with the
    /// guards of that time dropped.
    ///
    /// For what must not wait until more is deferred, such as a large object. Called all the time it
    /// costs every thread a barrier.
    ///
    /// ```
    /// use counterpoint_lockfree::epoch;
    /// # use std::sync::Arc;
    /// # use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
    ///
    /// # let done = Arc::new(AtomicBool::new(false));
    /// # let seen = done.clone();
    /// epoch::pin().defer(move || done.store(true, Relaxed));
    /// while !seen.load(Relaxed) {
    ///     epoch::pin().flush();
    /// }
    /// ```
    pub fn flush(&self) {
        if let Some(local) = self.local() {
            local.flush();
        }
    }

    /// Unpins and pins again, which lets others go on, if this is the only guard of its thread. Like
    /// a pin it runs now and then what others have deferred.
    ///
    /// What was loaded before is no longer protected; `&mut self` proves that it is not used.
    ///
    /// # Cost
    /// That of looking, while the epoch is the same.
    ///
    /// ```
    /// use counterpoint_lockfree::epoch;
    ///
    /// let mut guard = epoch::pin();
    /// for step in 0..1_000 {
    ///     // … something with `guard` …
    ///     if step % 64 == 0 {
    ///         guard.repin();
    ///     }
    /// }
    /// ```
    #[track_caller]
    pub fn repin(&mut self) {
        if let Some(local) = self.local() {
            local.repin(Location::caller());
        }
    }

    /// Unpins, calls `f`, and pins again, also when `f` panics, if this is the only guard of its
    /// thread; otherwise it stays pinned meanwhile. Like a pin it runs now and then what others have
    /// deferred.
    ///
    /// What was loaded before is no longer protected; `&mut self` proves that it is not used.
    ///
    /// ```
    /// use counterpoint_lockfree::epoch;
    ///
    /// let mut guard = epoch::pin();
    /// let answer = guard.repin_after(|| 42); // something that takes long
    /// assert_eq!(answer, 42);
    /// assert!(epoch::is_pinned());
    /// ```
    #[track_caller]
    pub fn repin_after<F, R>(&mut self, f: F) -> R
    where
        F: FnOnce() -> R,
    {
        struct Again(*const Local, &'static Location<'static>);
        impl Drop for Again {
            fn drop(&mut self) {
                if !self.0.is_null() {
                    // SAFETY: the handle that was counted for this time keeps the record.
                    unsafe { Local::pin_again(self.0, self.1) };
                }
            }
        }
        let again = Again(self.local, Location::caller());
        if !self.local.is_null() {
            // SAFETY: this guard is counted in the record, and `Again` counts it again.
            unsafe { Local::unpin_for_now(self.local) };
        }
        let result = f();
        drop(again);
        // Not in that destructor: what this runs may panic.
        if let Some(local) = self.local() {
            local.count_pin_again();
        }
        result
    }

    /// The collector that this guard pins; `None` for [`unprotected`].
    ///
    /// ```
    /// use counterpoint_lockfree::epoch;
    ///
    /// assert_eq!(epoch::pin().collector(), Some(epoch::default_collector()));
    /// ```
    pub fn collector(&self) -> Option<&Collector> {
        self.local().map(Local::collector)
    }
}

impl Drop for Guard {
    #[inline]
    fn drop(&mut self) {
        if !self.local.is_null() {
            // SAFETY: this guard is counted in the record, and goes.
            unsafe { Local::unpin(self.local) };
        }
    }
}

impl fmt::Debug for Guard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = if self.local.is_null() {
            "Guard(unprotected)"
        } else {
            "Guard"
        };
        f.debug_struct(name).finish_non_exhaustive()
    }
}

/// A guard that protects nothing: with it everything is loaded as it is, and what is deferred runs
/// at once.
///
/// For a structure that only this thread can reach, as while it is built or dropped.
///
/// # Safety
/// Nobody else changes or destroys what is loaded with it, and nobody still uses what is deferred
/// with it.
///
/// ```
/// use counterpoint_lockfree::epoch::{self, Atomic};
/// use std::sync::atomic::Ordering::Relaxed;
///
/// let node = Atomic::new(7);
/// // SAFETY: `node` is known to nobody else.
/// let guard = unsafe { epoch::unprotected() };
/// // SAFETY: as above, and it was just made.
/// assert_eq!(unsafe { node.load(Relaxed, guard).deref() }, &7);
/// // SAFETY: as above.
/// drop(unsafe { node.into_owned() });
/// ```
pub unsafe fn unprotected() -> &'static Guard {
    struct Nobody(Guard);
    // SAFETY: without a record every method works on its arguments alone.
    unsafe impl Sync for Nobody {}
    static NOBODY: Nobody = Nobody(Guard { local: ptr::null() });
    &NOBODY.0
}

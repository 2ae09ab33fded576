//! `crossbeam-epoch` 0.9: `Atomic`, `Owned`, `Shared`, `Guard`, `Collector`, `LocalHandle`, and the
//! functions around them.
//!
//! [`Pointable`] and [`Pointer`] speak of addresses, as there; what is pointed to is
//! implemented by ours, [`epoch::Pointable`], which is unsafe to
//! implement and keeps pointers.
//!
//! [`Guard::repin`] may run what others have deferred, as a pin does; there it runs nothing.
//!
//! ```
//! use counterpoint_compat::crossbeam_epoch::{self as epoch, Atomic, Owned};
//! use std::sync::atomic::Ordering::{AcqRel, Acquire};
//!
//! let name = Atomic::new("old");
//! let guard = &epoch::pin();
//! let old = name.swap(Owned::new("new"), AcqRel, guard);
//! // SAFETY: just taken out, by the only thread.
//! unsafe { guard.defer_destroy(old) };
//! // SAFETY: nobody frees it.
//! assert_eq!(unsafe { name.load(Acquire, guard).deref() }, &"new");
//! # // SAFETY: nobody else uses it.
//! # drop(unsafe { name.into_owned() });
//! ```

#![allow(clippy::disallowed_types, reason = "the orderings are its callers'")]

use core::fmt;
use core::ptr;
use counterpoint_base::prim::atomic::Ordering;
use counterpoint_lockfree::epoch;

pub use counterpoint_lockfree::epoch::{
    Collector, CompareExchangeError, Guard, LocalHandle, Owned, Shared, default_collector,
    is_pinned, pin, unprotected,
};

/// The error of the older exchanges.
#[deprecated(note = "Use `CompareExchangeError` instead")]
pub type CompareAndSetError<'g, T, P> = CompareExchangeError<'g, T, P>;

/// What a single word can point to, as an address. Every type that implements ours has it.
pub trait Pointable: epoch::Pointable<Parts = <Self as Pointable>::Init> {
    /// Below it the bits of an address are free for a tag.
    const ALIGN: usize = <Self as epoch::Pointable>::ALIGNMENT;

    /// What one is made of.
    type Init;

    /// Makes one.
    ///
    /// # Safety
    /// The result must be given to [`drop`](Pointable::drop) once, or it is leaked.
    unsafe fn init(init: <Self as Pointable>::Init) -> usize;

    /// A reference to it.
    ///
    /// # Safety
    /// `ptr` comes from [`init`](Pointable::init) and was not dropped, and nobody writes for as long as
    /// the reference is used.
    unsafe fn deref<'a>(ptr: usize) -> &'a Self;

    /// A reference through which it can be changed.
    ///
    /// # Safety
    /// As for [`deref`](Pointable::deref), and nobody else uses it meanwhile.
    unsafe fn deref_mut<'a>(ptr: usize) -> &'a mut Self;

    /// Drops it.
    ///
    /// # Safety
    /// As for [`deref`](Pointable::deref), and nobody uses it any longer.
    unsafe fn drop(ptr: usize);
}

impl<T: ?Sized + epoch::Pointable> Pointable for T {
    type Init = T::Parts;

    unsafe fn init(init: T::Parts) -> usize {
        // SAFETY: by the caller's promise.
        unsafe { T::make(init) }.expose_provenance()
    }

    unsafe fn deref<'a>(ptr: usize) -> &'a T {
        // SAFETY: by the caller's promise.
        let value = unsafe { T::as_ptr(ptr::with_exposed_provenance_mut(ptr)) };
        // SAFETY: as above.
        unsafe { &*value }
    }

    unsafe fn deref_mut<'a>(ptr: usize) -> &'a mut T {
        // SAFETY: by the caller's promise.
        let value = unsafe { T::as_mut_ptr(ptr::with_exposed_provenance_mut(ptr)) };
        // SAFETY: as above.
        unsafe { &mut *value }
    }

    unsafe fn drop(ptr: usize) {
        // SAFETY: by the caller's promise.
        unsafe { T::destroy(ptr::with_exposed_provenance_mut(ptr)) };
    }
}

/// A tagged pointer that can be put into an [`Atomic`], as an address: [`Owned`] or [`Shared`].
pub trait Pointer<T: ?Sized + Pointable>: epoch::Pointer<T> {
    /// The address with its tag.
    fn into_usize(self) -> usize;

    /// The pointer back.
    ///
    /// # Safety
    /// `data` comes from `into_usize` of the same type. One made from an [`Owned`] is taken back at
    /// most once.
    unsafe fn from_usize(data: usize) -> Self;
}

impl<T: ?Sized + Pointable, P: epoch::Pointer<T>> Pointer<T> for P {
    fn into_usize(self) -> usize {
        self.into_ptr().expose_provenance()
    }

    unsafe fn from_usize(data: usize) -> P {
        // SAFETY: by the caller's promise.
        unsafe { P::from_ptr(ptr::with_exposed_provenance_mut(data)) }
    }
}

/// The orderings of an older exchange: one, or one for each outcome.
#[deprecated(
    note = "`compare_and_set` and `compare_and_set_weak` that use this trait are deprecated, use \
            `compare_exchange` or `compare_exchange_weak instead`"
)]
pub trait CompareAndSetOrdering {
    /// The one for an exchange that succeeds.
    fn success(&self) -> Ordering;

    /// The one for an exchange that fails.
    fn failure(&self) -> Ordering;
}

#[allow(deprecated, reason = "a part of the surface")]
impl CompareAndSetOrdering for Ordering {
    fn success(&self) -> Ordering {
        *self
    }

    fn failure(&self) -> Ordering {
        match *self {
            Ordering::Relaxed | Ordering::Release => Ordering::Relaxed,
            Ordering::Acquire | Ordering::AcqRel => Ordering::Acquire,
            _ => Ordering::SeqCst,
        }
    }
}

#[allow(deprecated, reason = "a part of the surface")]
impl CompareAndSetOrdering for (Ordering, Ordering) {
    fn success(&self) -> Ordering {
        self.0
    }

    fn failure(&self) -> Ordering {
        self.1
    }
}

/// A pointer that threads change at once: see
/// [`epoch::Atomic`].
pub struct Atomic<T: ?Sized + Pointable>(epoch::Atomic<T>);

type Exchanged<'g, T, P> = Result<Shared<'g, T>, CompareExchangeError<'g, T, P>>;

impl<T> Atomic<T> {
    /// Allocates `init` and points to it.
    pub fn new(init: T) -> Atomic<T> {
        Atomic(epoch::Atomic::new(init))
    }
}

impl<T: ?Sized + Pointable> Atomic<T> {
    /// Allocates what `init` says and points to it.
    pub fn init(init: T::Init) -> Atomic<T> {
        Atomic(epoch::Atomic::init(init))
    }

    counterpoint_base::const_fn! {
        /// Points to nothing.
        pub const fn null() -> Atomic<T> {
            Atomic(epoch::Atomic::null())
        }
    }

    /// The pointer.
    #[inline]
    pub fn load<'g>(&self, order: Ordering, guard: &'g Guard) -> Shared<'g, T> {
        self.0.load(order, guard)
    }

    /// The pointer, with what it points to visible.
    #[inline]
    pub fn load_consume<'g>(&self, guard: &'g Guard) -> Shared<'g, T> {
        self.0.load_consume(guard)
    }

    /// Points to `new`.
    #[inline]
    pub fn store<P: Pointer<T>>(&self, new: P, order: Ordering) {
        self.0.store(new, order);
    }

    /// Points to `new`; returns what it pointed to before.
    #[inline]
    pub fn swap<'g, P: Pointer<T>>(
        &self,
        new: P,
        order: Ordering,
        guard: &'g Guard,
    ) -> Shared<'g, T> {
        self.0.swap(new, order, guard)
    }

    /// Points to `new` if it points to `current`; returns `new`.
    ///
    /// # Errors
    /// What it points to instead, and `new` back.
    #[inline]
    pub fn compare_exchange<'g, P: Pointer<T>>(
        &self,
        current: Shared<'_, T>,
        new: P,
        success: Ordering,
        failure: Ordering,
        guard: &'g Guard,
    ) -> Exchanged<'g, T, P> {
        self.0
            .compare_exchange(current, new, success, failure, guard)
    }

    /// The same, but it may fail although it points to `current`.
    ///
    /// # Errors
    /// What it points to, and `new` back.
    #[inline]
    pub fn compare_exchange_weak<'g, P: Pointer<T>>(
        &self,
        current: Shared<'_, T>,
        new: P,
        success: Ordering,
        failure: Ordering,
        guard: &'g Guard,
    ) -> Exchanged<'g, T, P> {
        self.0
            .compare_exchange_weak(current, new, success, failure, guard)
    }

    /// Asks `f` what to point to until that could be put there; returns the pointer before.
    ///
    /// # Errors
    /// The pointer for which `f` returned `None`.
    pub fn fetch_update<'g, F>(
        &self,
        set_order: Ordering,
        fail_order: Ordering,
        guard: &'g Guard,
        f: F,
    ) -> Result<Shared<'g, T>, Shared<'g, T>>
    where
        F: FnMut(Shared<'g, T>) -> Option<Shared<'g, T>>,
    {
        self.0.fetch_update(set_order, fail_order, guard, f)
    }

    /// `compare_exchange` with one ordering or two.
    ///
    /// # Errors
    /// As there.
    #[allow(deprecated, reason = "a part of the surface")]
    #[deprecated(note = "Use `compare_exchange` instead")]
    pub fn compare_and_set<'g, O: CompareAndSetOrdering, P: Pointer<T>>(
        &self,
        current: Shared<'_, T>,
        new: P,
        ord: O,
        guard: &'g Guard,
    ) -> Exchanged<'g, T, P> {
        self.compare_exchange(current, new, ord.success(), ord.failure(), guard)
    }

    /// `compare_exchange_weak` with one ordering or two.
    ///
    /// # Errors
    /// As there.
    #[allow(deprecated, reason = "a part of the surface")]
    #[deprecated(note = "Use `compare_exchange_weak` instead")]
    pub fn compare_and_set_weak<'g, O: CompareAndSetOrdering, P: Pointer<T>>(
        &self,
        current: Shared<'_, T>,
        new: P,
        ord: O,
        guard: &'g Guard,
    ) -> Exchanged<'g, T, P> {
        self.compare_exchange_weak(current, new, ord.success(), ord.failure(), guard)
    }

    /// Keeps of the tag the bits that are in `val` as well; returns the pointer before.
    pub fn fetch_and<'g>(&self, val: usize, order: Ordering, guard: &'g Guard) -> Shared<'g, T> {
        self.0.fetch_and(val, order, guard)
    }

    /// Adds the bits of `val` to the tag; returns the pointer before.
    pub fn fetch_or<'g>(&self, val: usize, order: Ordering, guard: &'g Guard) -> Shared<'g, T> {
        self.0.fetch_or(val, order, guard)
    }

    /// Flips the bits of `val` in the tag; returns the pointer before.
    pub fn fetch_xor<'g>(&self, val: usize, order: Ordering, guard: &'g Guard) -> Shared<'g, T> {
        self.0.fetch_xor(val, order, guard)
    }

    /// Takes what it points to.
    ///
    /// # Safety
    /// It is not null, and nobody else can reach it, now or later.
    pub unsafe fn into_owned(self) -> Owned<T> {
        // SAFETY: by the caller's promise.
        unsafe { self.0.into_owned() }
    }

    /// Takes what it points to; `None` if it is null.
    ///
    /// # Safety
    /// Nobody else can reach it, now or later.
    pub unsafe fn try_into_owned(self) -> Option<Owned<T>> {
        // SAFETY: by the caller's promise.
        unsafe { self.0.try_into_owned() }
    }
}

impl<T: ?Sized + Pointable> Default for Atomic<T> {
    fn default() -> Atomic<T> {
        Atomic::null()
    }
}

impl<T: ?Sized + Pointable> Clone for Atomic<T> {
    fn clone(&self) -> Atomic<T> {
        Atomic(self.0.clone())
    }
}

impl<T: ?Sized + Pointable> fmt::Debug for Atomic<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl<T: ?Sized + Pointable> fmt::Pointer for Atomic<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Pointer::fmt(&self.0, f)
    }
}

impl<T: ?Sized + Pointable> From<Owned<T>> for Atomic<T> {
    fn from(owned: Owned<T>) -> Atomic<T> {
        Atomic(owned.into())
    }
}

impl<T> From<Box<T>> for Atomic<T> {
    fn from(value: Box<T>) -> Atomic<T> {
        Atomic(value.into())
    }
}

impl<T> From<T> for Atomic<T> {
    fn from(value: T) -> Atomic<T> {
        Atomic::new(value)
    }
}

impl<T: ?Sized + Pointable> From<Shared<'_, T>> for Atomic<T> {
    fn from(shared: Shared<'_, T>) -> Atomic<T> {
        Atomic(shared.into())
    }
}

impl<T> From<*const T> for Atomic<T> {
    fn from(raw: *const T) -> Atomic<T> {
        Atomic(raw.into())
    }
}

//! A pointer that threads change at once, into memory that the epoch guards.

use super::pointer::{tag_bits, with_tag};
use super::{Guard, Owned, Pointable, Pointer, Shared};
use alloc::boxed::Box;
use core::fmt;
use core::marker::PhantomData;
use core::ptr;
use counterpoint_base::prim::atomic::{AtomicPtr, Order, RELAXED, acquire};

/// A pointer, null or to something on the heap, that any number of threads read and change; with a
/// tag in the bits that the alignment leaves free.
///
/// What is loaded from it lives as long as the [`Guard`] it was loaded with; it is not freed when
/// it is replaced, nor when the `Atomic` is dropped: see [`Guard::defer_destroy`] and
/// [`into_owned`](Atomic::into_owned). Not for a pointer to what is never freed while others look:
/// a plain atomic pointer needs no guard.
///
/// # Orderings
/// Each method takes one of std's orderings, or one with the name of its site, as from
/// `counterpoint::atomic::acquire`. Memory that is reached through the pointer must be handed over:
/// publish with release, load with acquire.
///
/// # Cost
/// That of an atomic word. Where the standard library has no such operation on pointers (the ones
/// on tags), a loop of exchanges.
///
/// # Examples
/// ```
/// use counterpoint_lockfree::epoch::{self, Atomic, Owned};
/// use std::sync::atomic::Ordering::{AcqRel, Acquire};
///
/// let config = Atomic::new("old");
/// let guard = epoch::pin();
/// let old = config.swap(Owned::new("new"), AcqRel, &guard);
/// // SAFETY: it came from the atomic while pinned, where it was initialized.
/// assert_eq!(unsafe { old.deref() }, &"old");
/// // SAFETY: it can no longer be reached, and only this thread took it out.
/// unsafe { guard.defer_destroy(old) };
/// # // SAFETY: nobody else uses it.
/// # drop(unsafe { config.into_owned() });
/// ```
pub struct Atomic<T: ?Sized + Pointable> {
    data: AtomicPtr<()>,
    marker: PhantomData<*mut T>,
}

// SAFETY: whoever reaches the value gets a reference to it, and may come to own it.
unsafe impl<T: ?Sized + Pointable + Send + Sync> Send for Atomic<T> {}
// SAFETY: as above.
unsafe impl<T: ?Sized + Pointable + Send + Sync> Sync for Atomic<T> {}

// A pointer is changed at once, or not.
impl<T: ?Sized + Pointable> core::panic::UnwindSafe for Atomic<T> {}
impl<T: ?Sized + Pointable> core::panic::RefUnwindSafe for Atomic<T> {}

/// A compare-exchange that failed: what was there, and what was to be put there.
pub struct CompareExchangeError<'g, T: ?Sized + Pointable, P: Pointer<T>> {
    /// What was there.
    pub current: Shared<'g, T>,
    /// What was not put there.
    pub new: P,
}

impl<T: ?Sized + Pointable, P: Pointer<T> + fmt::Debug> fmt::Debug
    for CompareExchangeError<'_, T, P>
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CompareExchangeError")
            .field("current", &self.current)
            .field("new", &self.new)
            .finish()
    }
}

/// How an exchange went: the pointer now there, or the error.
type Exchanged<'g, T, P> = Result<Shared<'g, T>, CompareExchangeError<'g, T, P>>;

impl<T> Atomic<T> {
    /// Allocates `value` and points to it.
    pub fn new(value: T) -> Atomic<T> {
        Atomic::init(value)
    }
}

impl<T: ?Sized + Pointable> Atomic<T> {
    counterpoint_base::const_fn! {
        const fn of(data: *mut ()) -> Atomic<T> {
            Atomic { data: AtomicPtr::new(data), marker: PhantomData }
        }

        /// Points to nothing.
        ///
        /// ```
        /// use counterpoint_lockfree::epoch::Atomic;
        ///
        /// static HEAD: Atomic<u64> = Atomic::null();
        /// ```
        pub const fn null() -> Atomic<T> {
            Atomic::of(ptr::null_mut())
        }
    }

    /// Allocates what `init` says and points to it: a value, or a slice of so many elements.
    ///
    /// ```
    /// use counterpoint_lockfree::epoch::Atomic;
    /// use std::mem::MaybeUninit;
    ///
    /// let slots = Atomic::<[MaybeUninit<u32>]>::init(8);
    /// // SAFETY: nobody else uses it.
    /// assert_eq!(unsafe { slots.into_owned() }.len(), 8);
    /// ```
    pub fn init(init: T::Parts) -> Atomic<T> {
        Atomic::of(Owned::<T>::init(init).into_ptr())
    }

    /// The pointer.
    ///
    /// # Panics
    /// If `order` is release or stronger than acquire allows for a load, as in `std`.
    #[inline]
    pub fn load<'g>(&self, order: impl Into<Order>, guard: &'g Guard) -> Shared<'g, T> {
        let _ = guard;
        Shared::of(self.data.load(order.into()))
    }

    /// The pointer, with what it points to visible, as by an acquire.
    ///
    /// Processors that order accesses by their data dependencies could do with less; this is an
    /// acquire on each, since compilers break such dependencies.
    ///
    /// ```
    /// use counterpoint_lockfree::epoch::{self, Atomic};
    ///
    /// let one = Atomic::new(1);
    /// let guard = epoch::pin();
    /// // SAFETY: it was made right here, and nobody frees it.
    /// assert_eq!(unsafe { one.load_consume(&guard).deref() }, &1);
    /// # // SAFETY: nobody else uses it.
    /// # drop(unsafe { one.into_owned() });
    /// ```
    #[inline]
    pub fn load_consume<'g>(&self, guard: &'g Guard) -> Shared<'g, T> {
        // Acquire: with a release of the caller's, to whom the edge belongs.
        self.load(acquire("epoch.consume"), guard)
    }

    /// Points to `new`. What it pointed to before is leaked, unless somebody else has it.
    ///
    /// # Panics
    /// If `order` is acquire or stronger than release allows for a store, as in `std`.
    #[inline]
    pub fn store<P: Pointer<T>>(&self, new: P, order: impl Into<Order>) {
        self.data.store(new.into_ptr(), order.into());
    }

    /// Points to `new`; returns what it pointed to before.
    #[inline]
    pub fn swap<'g, P: Pointer<T>>(
        &self,
        new: P,
        order: impl Into<Order>,
        guard: &'g Guard,
    ) -> Shared<'g, T> {
        let _ = guard;
        Shared::of(self.data.swap(new.into_ptr(), order.into()))
    }

    /// Points to `new` if it points to `current`, tag included; returns `new`.
    ///
    /// # Errors
    /// What it points to instead, and `new` back.
    ///
    /// # Panics
    /// If `failure` is release, as in `std`.
    ///
    /// ```
    /// use counterpoint_lockfree::epoch::{self, Atomic, Owned, Shared};
    /// use std::sync::atomic::Ordering::{AcqRel, Acquire};
    ///
    /// let once: Atomic<u32> = Atomic::null();
    /// let guard = epoch::pin();
    /// let put = |value| {
    ///     let owned = Owned::new(value);
    ///     once.compare_exchange(Shared::null(), owned, AcqRel, Acquire, &guard)
    /// };
    /// assert!(put(1).is_ok());
    /// let error = put(2).unwrap_err();
    /// assert_eq!(*error.new, 2);
    /// # // SAFETY: nobody else uses it.
    /// # drop(unsafe { once.into_owned() });
    /// ```
    #[inline]
    pub fn compare_exchange<'g, P: Pointer<T>>(
        &self,
        current: Shared<'_, T>,
        new: P,
        success: impl Into<Order>,
        failure: impl Into<Order>,
        guard: &'g Guard,
    ) -> Exchanged<'g, T, P> {
        let _ = guard;
        let new = new.into_ptr();
        let found = self
            .data
            .compare_exchange(current.data(), new, success.into(), failure.into());
        exchanged(found, new)
    }

    /// Like [`compare_exchange`](Atomic::compare_exchange), but may fail although it points to
    /// `current`: for loops.
    ///
    /// # Errors
    /// What it points to, and `new` back.
    ///
    /// # Panics
    /// If `failure` is release, as in `std`.
    #[inline]
    pub fn compare_exchange_weak<'g, P: Pointer<T>>(
        &self,
        current: Shared<'_, T>,
        new: P,
        success: impl Into<Order>,
        failure: impl Into<Order>,
        guard: &'g Guard,
    ) -> Exchanged<'g, T, P> {
        let _ = guard;
        let new = new.into_ptr();
        let found =
            self.data
                .compare_exchange_weak(current.data(), new, success.into(), failure.into());
        exchanged(found, new)
    }

    /// Asks `f` what to point to until that could be put there without a change in between;
    /// returns the pointer before.
    ///
    /// # Errors
    /// The pointer for which `f` returned `None`.
    ///
    /// # Panics
    /// If `fetch_order` is release, as in `std`; or if `f` does: then nothing is changed.
    ///
    /// ```
    /// use counterpoint_lockfree::epoch::{self, Atomic};
    /// use std::sync::atomic::Ordering::{AcqRel, Acquire};
    ///
    /// let node = Atomic::new(7_u64);
    /// let guard = epoch::pin();
    /// let mark = || {
    ///     node.fetch_update(AcqRel, Acquire, &guard, |at| (at.tag() == 0).then(|| at.with_tag(1)))
    /// };
    /// assert!(mark().is_ok());
    /// assert!(mark().is_err());
    /// # // SAFETY: nobody else uses it.
    /// # drop(unsafe { node.into_owned() });
    /// ```
    pub fn fetch_update<'g, F>(
        &self,
        set_order: impl Into<Order>,
        fetch_order: impl Into<Order>,
        guard: &'g Guard,
        mut f: F,
    ) -> Result<Shared<'g, T>, Shared<'g, T>>
    where
        F: FnMut(Shared<'g, T>) -> Option<Shared<'g, T>>,
    {
        let _ = guard;
        let (set, fetch) = (set_order.into(), fetch_order.into());
        let mut found = self.data.load(fetch);
        while let Some(new) = f(Shared::of(found)) {
            match self
                .data
                .compare_exchange_weak(found, new.data(), set, fetch)
            {
                Ok(before) => return Ok(Shared::of(before)),
                Err(other) => found = other,
            }
        }
        Err(Shared::of(found))
    }

    /// The same as [`fetch_update`](Atomic::fetch_update), by the name that std's atomics now have
    /// for it.
    ///
    /// # Errors
    /// The pointer for which `f` returned `None`.
    ///
    /// # Panics
    /// As `fetch_update`.
    pub fn try_update<'g, F>(
        &self,
        set_order: impl Into<Order>,
        fetch_order: impl Into<Order>,
        guard: &'g Guard,
        f: F,
    ) -> Result<Shared<'g, T>, Shared<'g, T>>
    where
        F: FnMut(Shared<'g, T>) -> Option<Shared<'g, T>>,
    {
        self.fetch_update(set_order, fetch_order, guard, f)
    }

    /// Keeps of the tag the bits that are in `tag` as well; returns the pointer before.
    ///
    /// ```
    /// use counterpoint_lockfree::epoch::{self, Atomic, Shared};
    /// use std::sync::atomic::Ordering::Relaxed;
    ///
    /// let atomic = Atomic::<u64>::from(Shared::null().with_tag(3));
    /// let guard = epoch::pin();
    /// assert_eq!(atomic.fetch_and(2, Relaxed, &guard).tag(), 3);
    /// assert_eq!(atomic.load(Relaxed, &guard).tag(), 2);
    /// ```
    pub fn fetch_and<'g>(
        &self,
        tag: usize,
        order: impl Into<Order>,
        guard: &'g Guard,
    ) -> Shared<'g, T> {
        self.change_tag(order.into(), guard, |before| before & tag)
    }

    /// Adds the bits of `tag` to the tag; returns the pointer before.
    ///
    /// ```
    /// use counterpoint_lockfree::epoch::{self, Atomic, Shared};
    /// use std::sync::atomic::Ordering::Relaxed;
    ///
    /// let atomic = Atomic::<u64>::from(Shared::null().with_tag(1));
    /// let guard = epoch::pin();
    /// assert_eq!(atomic.fetch_or(2, Relaxed, &guard).tag(), 1);
    /// assert_eq!(atomic.load(Relaxed, &guard).tag(), 3);
    /// ```
    pub fn fetch_or<'g>(
        &self,
        tag: usize,
        order: impl Into<Order>,
        guard: &'g Guard,
    ) -> Shared<'g, T> {
        self.change_tag(order.into(), guard, |before| before | tag)
    }

    /// Turns over the bits of the tag that are in `tag`; returns the pointer before.
    ///
    /// ```
    /// use counterpoint_lockfree::epoch::{self, Atomic, Shared};
    /// use std::sync::atomic::Ordering::Relaxed;
    ///
    /// let atomic = Atomic::<u64>::from(Shared::null().with_tag(1));
    /// let guard = epoch::pin();
    /// assert_eq!(atomic.fetch_xor(3, Relaxed, &guard).tag(), 1);
    /// assert_eq!(atomic.load(Relaxed, &guard).tag(), 2);
    /// ```
    pub fn fetch_xor<'g>(
        &self,
        tag: usize,
        order: impl Into<Order>,
        guard: &'g Guard,
    ) -> Shared<'g, T> {
        self.change_tag(order.into(), guard, |before| before ^ tag)
    }

    fn change_tag<'g>(
        &self,
        order: Order,
        guard: &'g Guard,
        change: impl Fn(usize) -> usize,
    ) -> Shared<'g, T> {
        let _ = guard;
        let bits = tag_bits::<T>();
        // Relaxed: a guess; the exchange that succeeds has the caller's ordering.
        let mut found = self.data.load(RELAXED);
        loop {
            let new = with_tag::<T>(found, change(found.addr() & bits));
            match self.data.compare_exchange_weak(found, new, order, RELAXED) {
                Ok(before) => return Shared::of(before),
                Err(other) => found = other,
            }
        }
    }

    /// Takes what it points to.
    ///
    /// # Safety
    /// It is not null, and nobody else can reach what it points to, by a guard either.
    pub unsafe fn into_owned(self) -> Owned<T> {
        // Relaxed: `self` shows that every other thread is done.
        let data = self.data.load(RELAXED);
        // SAFETY: by the caller's promise.
        unsafe { Shared::of(data).into_owned() }
    }

    /// Takes what it points to; `None` if it is null.
    ///
    /// # Safety
    /// Nobody else can reach what it points to, by a guard either.
    ///
    /// ```
    /// use counterpoint_lockfree::epoch::Atomic;
    ///
    /// struct Slot(Atomic<String>);
    ///
    /// impl Drop for Slot {
    ///     fn drop(&mut self) {
    ///         // SAFETY: `&mut self` shows that nobody else looks.
    ///         drop(unsafe { std::mem::take(&mut self.0).try_into_owned() });
    ///     }
    /// }
    /// drop(Slot(Atomic::new("a value".to_owned())));
    /// ```
    pub unsafe fn try_into_owned(self) -> Option<Owned<T>> {
        // Relaxed: `self` shows that every other thread is done.
        let data = self.data.load(RELAXED);
        // SAFETY: by the caller's promise.
        unsafe { Shared::of(data).try_into_owned() }
    }
}

/// The outcome of an exchange by which `new` was to be put.
#[inline]
fn exchanged<'g, T: ?Sized + Pointable, P: Pointer<T>>(
    found: Result<*mut (), *mut ()>,
    new: *mut (),
) -> Exchanged<'g, T, P> {
    match found {
        Ok(_) => Ok(Shared::of(new)),
        Err(current) => Err(CompareExchangeError {
            current: Shared::of(current),
            // SAFETY: it was not put there, and comes from a pointer of this type.
            new: unsafe { P::from_ptr(new) },
        }),
    }
}

impl<T: ?Sized + Pointable> Default for Atomic<T> {
    fn default() -> Atomic<T> {
        Atomic::null()
    }
}

/// The pointer is copied, not what it points to.
impl<T: ?Sized + Pointable> Clone for Atomic<T> {
    fn clone(&self) -> Atomic<T> {
        // Relaxed: as any use of the copy orders by itself.
        Atomic::of(self.data.load(RELAXED))
    }
}

impl<T: ?Sized + Pointable> fmt::Debug for Atomic<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Relaxed: shown, not followed.
        let shared: Shared<'_, T> = Shared::of(self.data.load(RELAXED));
        f.debug_struct("Atomic")
            .field("raw", &format_args!("{shared:p}"))
            .field("tag", &shared.tag())
            .finish()
    }
}

impl<T: ?Sized + Pointable> fmt::Pointer for Atomic<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Relaxed: shown, not followed.
        let shared: Shared<'_, T> = Shared::of(self.data.load(RELAXED));
        fmt::Pointer::fmt(&shared, f)
    }
}

impl<T: ?Sized + Pointable> From<Owned<T>> for Atomic<T> {
    fn from(owned: Owned<T>) -> Atomic<T> {
        Atomic::of(owned.into_ptr())
    }
}

impl<T> From<Box<T>> for Atomic<T> {
    fn from(value: Box<T>) -> Atomic<T> {
        Atomic::from(Owned::from(value))
    }
}

impl<T> From<T> for Atomic<T> {
    fn from(value: T) -> Atomic<T> {
        Atomic::new(value)
    }
}

impl<T: ?Sized + Pointable> From<Shared<'_, T>> for Atomic<T> {
    fn from(shared: Shared<'_, T>) -> Atomic<T> {
        Atomic::of(shared.data())
    }
}

impl<T> From<*const T> for Atomic<T> {
    /// # Panics
    /// If it is not aligned.
    fn from(raw: *const T) -> Atomic<T> {
        Atomic::from(Shared::from(raw))
    }
}

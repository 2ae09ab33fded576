//! The cell.

#[cfg(any(counterpoint_loom, counterpoint_shuttle))]
use super::checked::{Place, out};
#[cfg(not(any(counterpoint_loom, counterpoint_shuttle)))]
use super::place::{Place, out};
use core::fmt;
use core::mem;
use core::panic::{RefUnwindSafe, UnwindSafe};

/// A value of any type that threads read and replace as a whole, without a lock of their own.
///
/// It is as large as the value. Loads acquire, stores release, and what does both orders both: who
/// reads a value sees what came before it was written.
///
/// Where the processor has instructions for values of this size and alignment ([`is_lock_free`]),
/// each operation is one instruction, or a loop around one that goes on when another thread came in
/// between. These are values of 1, 2, 4 and 8 bytes, aligned to their size, on x86-64 and aarch64;
/// of 16 bytes on x86-64 processors that can, which is found out when the program runs. Padding in
/// the value does no harm.
///
/// All other values are kept under one of 64 sequence locks that all cells share. Their loads write
/// to no memory and do not disturb each other; their writers exclude each other for the length of
/// a copy. Under Miri and ThreadSanitizer all values are kept so.
///
/// Not for values that are larger than some words and written often: use a lock. For a large value
/// that is read far more often than written, [`SeqCell`](crate::SeqCell) has a lock of its own. Not
/// for signal handlers, unless the cell is lock-free.
///
/// Under a checker it is larger, and `as_ptr` is not there.
///
/// [`is_lock_free`]: AtomicCell::is_lock_free
///
/// # Examples
/// ```
/// use counterpoint_base::atomic::AtomicCell;
///
/// #[derive(Clone, Copy, Debug, PartialEq, Eq)]
/// enum Light { Red, Green }
///
/// static LIGHT: AtomicCell<Light> = AtomicCell::new(Light::Red);
///
/// assert_eq!(LIGHT.swap(Light::Green), Light::Red);
/// assert_eq!(LIGHT.compare_exchange(Light::Red, Light::Red), Err(Light::Green));
/// assert_eq!(LIGHT.load(), Light::Green);
/// ```
#[cfg_attr(not(any(counterpoint_loom, counterpoint_shuttle)), repr(transparent))]
pub struct AtomicCell<T>(Place<T>);

// SAFETY: the value moves between threads, and no reference to it is given away.
unsafe impl<T: Send> Send for AtomicCell<T> {}
// SAFETY: as above.
unsafe impl<T: Send> Sync for AtomicCell<T> {}

// A panic never leaves a value half written.
impl<T> UnwindSafe for AtomicCell<T> {}
impl<T> RefUnwindSafe for AtomicCell<T> {}

impl<T> AtomicCell<T> {
    crate::const_fn! {
        /// A cell that holds `value`.
        ///
        /// ```
        /// use counterpoint_base::atomic::AtomicCell;
        ///
        /// static RATIO: AtomicCell<f32> = AtomicCell::new(0.5);
        /// assert_eq!(RATIO.load(), 0.5);
        /// ```
        pub const fn new(value: T) -> AtomicCell<T> {
            AtomicCell(Place::new(value))
        }
    }

    /// The value.
    ///
    /// ```
    /// use counterpoint_base::atomic::AtomicCell;
    ///
    /// assert_eq!(AtomicCell::new("in").into_inner(), "in");
    /// ```
    #[cfg(not(any(counterpoint_loom, counterpoint_shuttle)))]
    pub const fn into_inner(self) -> T {
        out(self)
    }

    /// The value.
    #[cfg(any(counterpoint_loom, counterpoint_shuttle))]
    pub fn into_inner(self) -> T {
        out(self)
    }

    #[cfg(any(counterpoint_loom, counterpoint_shuttle))]
    pub(super) fn place(&self) -> &Place<T> {
        &self.0
    }

    /// Whether values of this type need no lock on any processor this program is compiled for.
    ///
    /// `false` for 16 bytes on x86-64, unless it is compiled for processors that have the
    /// instruction (`-C target-feature=+cmpxchg16b`); it is used all the same where it is found.
    ///
    /// ```
    /// use counterpoint_base::atomic::AtomicCell;
    ///
    /// assert!(!AtomicCell::<[u64; 9]>::is_lock_free());
    /// # if cfg!(all(target_arch = "x86_64", not(miri))) {
    /// assert!(AtomicCell::<Option<char>>::is_lock_free());
    /// # }
    /// ```
    pub const fn is_lock_free() -> bool {
        Place::<T>::LOCK_FREE
    }

    /// Replaces the value; the one before is dropped after that.
    ///
    /// # Panics
    /// If the destructor of the value before does; the new one is there.
    ///
    /// ```
    /// use counterpoint_base::atomic::AtomicCell;
    ///
    /// let cell = AtomicCell::new(7);
    /// cell.store(8);
    /// assert_eq!(cell.load(), 8);
    /// ```
    #[inline]
    pub fn store(&self, value: T) {
        if mem::needs_drop::<T>() {
            drop(self.swap(value));
        } else {
            self.0.store(value);
        }
    }

    /// Replaces the value, and returns the one before.
    ///
    /// ```
    /// use counterpoint_base::atomic::AtomicCell;
    ///
    /// let cell = AtomicCell::new(Some(String::from("first")));
    /// assert_eq!(cell.swap(None).as_deref(), Some("first"));
    /// ```
    #[inline]
    pub fn swap(&self, value: T) -> T {
        self.0.swap(value)
    }

    /// Where the value stands.
    ///
    /// To read or write there is a data race unless nobody else uses the cell meanwhile.
    ///
    /// ```
    /// use counterpoint_base::atomic::AtomicCell;
    ///
    /// let cell = AtomicCell::new(5);
    /// // SAFETY: nobody else uses the cell.
    /// assert_eq!(unsafe { cell.as_ptr().read() }, 5);
    /// ```
    #[cfg(not(any(counterpoint_loom, counterpoint_shuttle)))]
    #[inline]
    pub const fn as_ptr(&self) -> *mut T {
        self.0.as_ptr()
    }
}

impl<T: Default> AtomicCell<T> {
    /// Replaces the value by the default one, and returns it.
    ///
    /// # Panics
    /// If `T::default` does; the value stays.
    ///
    /// ```
    /// use counterpoint_base::atomic::AtomicCell;
    ///
    /// let cell = AtomicCell::new(vec![1]);
    /// assert_eq!((cell.take(), cell.take()), (vec![1], vec![]));
    /// ```
    pub fn take(&self) -> T {
        self.swap(T::default())
    }
}

impl<T: Copy> AtomicCell<T> {
    /// A copy of the value.
    ///
    /// ```
    /// use counterpoint_base::atomic::AtomicCell;
    ///
    /// assert_eq!(AtomicCell::new((1, 'b')).load(), (1, 'b'));
    /// ```
    #[inline]
    pub fn load(&self) -> T {
        self.0.load()
    }
}

impl<T: Copy + Eq> AtomicCell<T> {
    /// Replaces `current` by `new`; returns the value that stood there, which is equal to `current`.
    ///
    /// Values are compared by `Eq`, without a lock.
    ///
    /// # Errors
    /// The value that stands there, if it is not equal to `current`.
    ///
    /// # Panics
    /// If the comparison does; the value stays.
    ///
    /// ```
    /// use counterpoint_base::atomic::AtomicCell;
    ///
    /// let cell = AtomicCell::new(1);
    /// assert_eq!(cell.compare_exchange(2, 3), Err(1));
    /// assert_eq!(cell.compare_exchange(1, 2), Ok(1));
    /// ```
    #[inline]
    pub fn compare_exchange(&self, current: T, new: T) -> Result<T, T> {
        self.0.update(|found| (found == current).then_some(new))
    }

    /// Replaces the value by what `f` makes of it; returns the value before.
    ///
    /// `f` runs without a lock, and again if the value may have changed meanwhile. It may use other
    /// cells. (On processors that are neither x86-64 nor AArch64, and under Miri, it must not write one
    /// that is not [lock-free](Self::is_lock_free): it might be called for ever.)
    ///
    /// # Errors
    /// The value, if `f` makes nothing of it.
    ///
    /// # Panics
    /// If `f` does; the value stays.
    ///
    /// ```
    /// use counterpoint_base::atomic::AtomicCell;
    ///
    /// let cell = AtomicCell::new(7_u8);
    /// assert_eq!(cell.fetch_update(|n| n.checked_add(1)), Ok(7));
    /// assert_eq!(cell.fetch_update(|n| n.checked_add(255)), Err(8));
    /// ```
    #[inline]
    pub fn fetch_update<F: FnMut(T) -> Option<T>>(&self, f: F) -> Result<T, T> {
        self.0.update(f)
    }

    /// Replaces `current` by `new`; returns the value before either way.
    ///
    /// ```
    /// use counterpoint_base::atomic::AtomicCell;
    ///
    /// # #[allow(deprecated)]
    /// assert_eq!(AtomicCell::new(1).compare_and_swap(2, 3), 1);
    /// ```
    #[doc(hidden)]
    #[deprecated(note = "use `compare_exchange`")]
    pub fn compare_and_swap(&self, current: T, new: T) -> T {
        match self.compare_exchange(current, new) {
            Ok(before) | Err(before) => before,
        }
    }
}

impl<T> Drop for AtomicCell<T> {
    fn drop(&mut self) {
        if mem::needs_drop::<T>() {
            self.0.clear();
        }
    }
}

impl<T: Default> Default for AtomicCell<T> {
    fn default() -> AtomicCell<T> {
        AtomicCell::new(T::default())
    }
}

impl<T> From<T> for AtomicCell<T> {
    fn from(value: T) -> AtomicCell<T> {
        AtomicCell::new(value)
    }
}

impl<T: Copy + fmt::Debug> fmt::Debug for AtomicCell<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AtomicCell")
            .field("value", &self.load())
            .finish()
    }
}

//! Where the value of a cell stands, and how it is reached: by one instruction where there is one
//! for its size and alignment, else under the sequence lock of a stripe.

use super::AtomicCell;
#[cfg(all(
    target_arch = "x86_64",
    target_pointer_width = "64",
    target_feature = "sse2",
    not(any(miri, tsan))
))]
use super::pair;
use super::stripe::{self, Stripe, Wide};
use super::word;
use core::cell::UnsafeCell;
use core::mem::{ManuallyDrop, MaybeUninit, align_of, size_of};

#[repr(transparent)]
pub(super) struct Place<T>(UnsafeCell<MaybeUninit<T>>);

/// A cell is laid out like its value.
union Out<T> {
    cell: ManuallyDrop<AtomicCell<T>>,
    value: ManuallyDrop<T>,
}

/// The value of a cell that is not used any more.
pub(super) const fn out<T>(cell: AtomicCell<T>) -> T {
    let cell = ManuallyDrop::new(cell);
    let out = Out { cell };
    // SAFETY: the cell is transparent around an initialized value, which is not used again.
    let value = unsafe { out.value };
    ManuallyDrop::into_inner(value)
}

const fn fits<T>(bytes: usize) -> bool {
    size_of::<T>() == bytes && align_of::<T>() >= bytes
}

impl<T> Place<T> {
    /// Nothing to keep.
    const NOTHING: bool = size_of::<T>() == 0;
    /// As told in `word`.
    pub(super) const WORD: bool =
        word::HERE && (fits::<T>(1) || fits::<T>(2) || fits::<T>(4) || fits::<T>(8));
    /// As told in `pair`, if the processor can.
    const PAIR: bool = cfg!(all(
        target_arch = "x86_64",
        target_pointer_width = "64",
        target_feature = "sse2",
        not(any(miri, tsan))
    )) && fits::<T>(16);
    /// Whatever the processor.
    pub(super) const LOCK_FREE: bool =
        Self::NOTHING || Self::WORD || (Self::PAIR && cfg!(target_feature = "cmpxchg16b"));

    pub(super) const fn new(value: T) -> Place<T> {
        Place(UnsafeCell::new(MaybeUninit::new(value)))
    }

    #[inline(always)]
    pub(super) const fn as_ptr(&self) -> *mut T {
        self.0.get().cast()
    }

    /// Drops the value.
    pub(super) fn clear(&mut self) {
        // SAFETY: initialized, and not used again.
        unsafe { self.0.get_mut().assume_init_drop() };
    }

    #[inline(always)]
    fn is_pair() -> bool {
        #[cfg(all(
            target_arch = "x86_64",
            target_pointer_width = "64",
            target_feature = "sse2",
            not(any(miri, tsan))
        ))]
        {
            Self::PAIR && pair::works()
        }
        #[cfg(not(all(
            target_arch = "x86_64",
            target_pointer_width = "64",
            target_feature = "sse2",
            not(any(miri, tsan))
        )))]
        {
            false
        }
    }

    #[inline(always)]
    fn stripe(&self) -> &'static Stripe {
        stripe::of(self.as_ptr().addr())
    }

    /// Replaces the value, which has no destructor.
    #[inline]
    pub(super) fn store(&self, value: T) {
        if Self::NOTHING {
            return;
        }
        if Self::WORD {
            // SAFETY: of such a size and alignment, and accessed in this way alone.
            return unsafe { word::store(self.as_ptr(), value) };
        }
        #[cfg(all(
            target_arch = "x86_64",
            target_pointer_width = "64",
            target_feature = "sse2",
            not(any(miri, tsan))
        ))]
        if Self::PAIR {
            if pair::is_whole() {
                // SAFETY: as above, and it works.
                return unsafe { pair::store_whole(self.as_ptr(), value) };
            }
            return self.store_pair(value);
        }
        self.stripe().store(self, value);
    }

    /// Of 16 bytes, where they are not stored whole, or that is not known.
    #[cfg(all(
        target_arch = "x86_64",
        target_pointer_width = "64",
        target_feature = "sse2",
        not(any(miri, tsan))
    ))]
    #[cold]
    #[inline(never)]
    fn store_pair(&self, value: T) {
        if pair::works() {
            // SAFETY: of such a size and alignment, and it works.
            return unsafe { pair::store(self.as_ptr(), value) };
        }
        self.stripe().store(self, value);
    }

    /// Replaces the value, and returns the one before.
    #[inline]
    pub(super) fn swap(&self, value: T) -> T {
        if Self::NOTHING {
            return value;
        }
        if Self::WORD {
            // SAFETY: as in `store`.
            return unsafe { word::swap(self.as_ptr(), value) };
        }
        #[cfg(all(
            target_arch = "x86_64",
            target_pointer_width = "64",
            target_feature = "sse2",
            not(any(miri, tsan))
        ))]
        if Self::PAIR {
            if pair::is_whole() {
                // SAFETY: as in `store`.
                return unsafe { pair::swap(self.as_ptr(), value) };
            }
            return self.swap_pair(value);
        }
        self.stripe().swap(self, value)
    }

    /// As `store_pair`.
    #[cfg(all(
        target_arch = "x86_64",
        target_pointer_width = "64",
        target_feature = "sse2",
        not(any(miri, tsan))
    ))]
    #[cold]
    #[inline(never)]
    fn swap_pair(&self, value: T) -> T {
        if pair::works() {
            // SAFETY: as in `store_pair`.
            return unsafe { pair::swap(self.as_ptr(), value) };
        }
        self.stripe().swap(self, value)
    }
}

impl<T> Wide<T> for Place<T> {
    const MAY_RACE: bool = copy::MAY_RACE;

    type Copied = MaybeUninit<T>;

    #[inline(always)]
    unsafe fn copy(&self) -> MaybeUninit<T> {
        let mut copied = MaybeUninit::uninit();
        // SAFETY: writers write as told in `racy`.
        unsafe { copy::load(self.0.get(), &raw mut copied) };
        copied
    }

    #[inline(always)]
    unsafe fn copy_locked(&self) -> MaybeUninit<T> {
        // SAFETY: nobody writes while the stripe is locked.
        unsafe { self.0.get().read() }
    }

    #[inline(always)]
    unsafe fn confirm(&self, copied: MaybeUninit<T>) -> T {
        // SAFETY: by the caller's promise it is a value.
        unsafe { copied.assume_init() }
    }

    #[inline(always)]
    unsafe fn write(&self, value: T) {
        let value = MaybeUninit::new(value);
        // SAFETY: nobody else writes, and others copy as told in `racy` or under the lock.
        unsafe { copy::store(&raw const value, self.0.get()) };
    }

    #[cold]
    unsafe fn still(&self, before: &T) -> bool {
        // SAFETY: nobody writes while the stripe is locked.
        unsafe { copy::same(self.0.get(), (&raw const *before).cast()) }
    }
}

impl<T: Copy> Place<T> {
    #[inline]
    pub(super) fn load(&self) -> T {
        if Self::NOTHING {
            // SAFETY: of no bytes, and there is one.
            return unsafe { self.as_ptr().read() };
        }
        if Self::WORD {
            // SAFETY: as in `store`.
            return unsafe { word::load(self.as_ptr()) };
        }
        #[cfg(all(
            target_arch = "x86_64",
            target_pointer_width = "64",
            target_feature = "sse2",
            not(any(miri, tsan))
        ))]
        if Self::PAIR {
            if pair::is_whole() {
                // SAFETY: as in `store`.
                return unsafe { pair::load_whole(self.as_ptr()) };
            }
            return self.load_pair();
        }
        self.stripe().load(self)
    }

    /// As `store_pair`.
    #[cfg(all(
        target_arch = "x86_64",
        target_pointer_width = "64",
        target_feature = "sse2",
        not(any(miri, tsan))
    ))]
    #[cold]
    #[inline(never)]
    fn load_pair(&self) -> T {
        if pair::works() {
            // SAFETY: as in `store_pair`.
            return unsafe { pair::load(self.as_ptr()) };
        }
        self.stripe().load(self)
    }

    /// Replaces the value by what `f` makes of it, until nobody came in between.
    #[inline]
    pub(super) fn update(&self, f: impl FnMut(T) -> Option<T>) -> Result<T, T> {
        if Self::WORD {
            // SAFETY: as in `store`.
            return unsafe { word::update(self.as_ptr(), f) };
        }
        if Self::is_pair() {
            #[cfg(all(
                target_arch = "x86_64",
                target_pointer_width = "64",
                target_feature = "sse2",
                not(any(miri, tsan))
            ))]
            // SAFETY: as in `store`.
            return unsafe { pair::update(self.as_ptr(), f) };
        }
        self.stripe().update(self, f)
    }
}

#[cfg(all(
    any(target_arch = "x86_64", target_arch = "aarch64"),
    target_pointer_width = "64",
    target_endian = "little",
    not(miri)
))]
mod copy {
    pub(super) use crate::racy::{load, same, store};

    /// Whether a value may be copied while another thread writes.
    pub(super) const MAY_RACE: bool = true;
}

#[cfg(not(all(
    any(target_arch = "x86_64", target_arch = "aarch64"),
    target_pointer_width = "64",
    target_endian = "little",
    not(miri)
)))]
mod copy {
    use core::mem::MaybeUninit;

    /// Whether a value may be copied while another thread writes.
    pub(super) const MAY_RACE: bool = false;

    /// # Safety
    /// Nobody writes meanwhile.
    pub(super) unsafe fn load<T>(from: *const MaybeUninit<T>, to: *mut MaybeUninit<T>) {
        // SAFETY: by the caller's promise.
        unsafe { to.copy_from_nonoverlapping(from, 1) };
    }

    /// # Safety
    /// Nobody reads or writes meanwhile.
    pub(super) unsafe fn store<T>(from: *const MaybeUninit<T>, to: *mut MaybeUninit<T>) {
        // SAFETY: by the caller's promise.
        unsafe { to.copy_from_nonoverlapping(from, 1) };
    }
    /// Padding cannot be looked at here.
    ///
    /// # Safety
    /// Nobody writes meanwhile.
    pub(super) unsafe fn same<T>(_: *const MaybeUninit<T>, _: *const MaybeUninit<T>) -> bool {
        false
    }
}

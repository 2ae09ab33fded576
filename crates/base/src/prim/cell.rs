//! A cell whose accesses a checker can see.

#[cfg(counterpoint_loom)]
use loom::cell as engine;

#[cfg(not(counterpoint_loom))]
use core::cell as engine;

/// An `UnsafeCell` reached through closures, so that a checker sees when an access begins and
/// ends.
///
/// The closure must not let the pointer be used after it returns by code that other threads race
/// with; a reference made from it is checked at the moment it is made.
#[derive(Debug)]
#[repr(transparent)]
pub struct UnsafeCell<T: ?Sized>(engine::UnsafeCell<T>);

impl<T> UnsafeCell<T> {
    crate::const_fn! {
        /// Wraps `value`.
        #[inline]
        pub const fn new(value: T) -> UnsafeCell<T> {
            UnsafeCell(engine::UnsafeCell::new(value))
        }
    }

    /// The value back.
    #[inline]
    pub fn into_inner(self) -> T {
        self.0.into_inner()
    }
}

#[cfg(not(counterpoint_loom))]
impl<T: ?Sized> UnsafeCell<T> {
    /// Runs `f` with a pointer for reading.
    #[inline(always)]
    pub fn with<R>(&self, f: impl FnOnce(*const T) -> R) -> R {
        f(self.0.get())
    }

    /// Runs `f` with a pointer for writing.
    #[inline(always)]
    pub fn with_mut<R>(&self, f: impl FnOnce(*mut T) -> R) -> R {
        f(self.0.get())
    }

    /// A reference through exclusive access.
    #[inline(always)]
    pub fn get_mut(&mut self) -> &mut T {
        self.0.get_mut()
    }
}

#[cfg(counterpoint_loom)]
impl<T: ?Sized> UnsafeCell<T> {
    /// Runs `f` with a pointer for reading.
    #[track_caller]
    pub fn with<R>(&self, f: impl FnOnce(*const T) -> R) -> R {
        self.0.with(f)
    }

    /// Runs `f` with a pointer for writing.
    #[track_caller]
    pub fn with_mut<R>(&self, f: impl FnOnce(*mut T) -> R) -> R {
        self.0.with_mut(f)
    }

    /// A reference through exclusive access.
    #[track_caller]
    pub fn get_mut(&mut self) -> &mut T {
        // SAFETY: `&mut self` proves that nobody else has access; loom checks it as well.
        self.0.with_mut(|value| unsafe { &mut *value })
    }
}

//! A value that is made at its first use, and not again after a panic.
//!
//! # Invariants
//! * I1: `init` is touched by the holder of the cell's claim only, which is handed from thread to
//!   thread, or through exclusive access.

use core::cell::Cell;
use core::fmt;
use core::ops::Deref;
use core::panic::{RefUnwindSafe, UnwindSafe};
use counterpoint_base::const_fn;

use crate::once::OnceCell;

/// A value that is made when it is first used; the others wait until it is there.
///
/// If the initializer panics, so does every later use. [`LazyCell`](crate::LazyCell) is for
/// initializers that are asynchronous; they begin anew.
///
/// ```
/// use counterpoint_sync::poison::LazyLock;
///
/// static SQUARES: LazyLock<Vec<u32>> = LazyLock::new(|| (0..4).map(|n| n * n).collect());
/// assert_eq!(*SQUARES, [0, 1, 4, 9]);
/// ```
pub struct LazyLock<T, F = fn() -> T> {
    cell: OnceCell<T>,
    /// Gone once it was called (I1).
    init: Cell<Option<F>>,
}

// SAFETY: the value is shared; the initializer is called by one thread, which may be any (I1).
unsafe impl<T: Send + Sync, F: Send> Sync for LazyLock<T, F> {}

// An initializer that panicked is not seen again.
impl<T: UnwindSafe, F: UnwindSafe> UnwindSafe for LazyLock<T, F> {}
impl<T: UnwindSafe + RefUnwindSafe, F: UnwindSafe> RefUnwindSafe for LazyLock<T, F> {}

impl<T, F: FnOnce() -> T> LazyLock<T, F> {
    const_fn! {
        /// A value that `f` will make.
        #[inline]
        pub const fn new(f: F) -> LazyLock<T, F> {
            LazyLock { cell: OnceCell::new(), init: Cell::new(Some(f)) }
        }
    }

    /// The value; makes it, or waits until it is made, if it is not there.
    ///
    /// # Panics
    /// If the initializer does, or did before, or uses the value itself.
    #[inline]
    #[track_caller]
    pub fn force(this: &LazyLock<T, F>) -> &T {
        this.cell.get_or_init(|| match this.init.take() {
            Some(f) => f(),
            None => panic!("counterpoint: LazyLock: its initializer panicked before"),
        })
    }
}

impl<T, F: FnOnce() -> T> Deref for LazyLock<T, F> {
    type Target = T;

    /// As [`LazyLock::force`].
    #[inline]
    #[track_caller]
    fn deref(&self) -> &T {
        LazyLock::force(self)
    }
}

impl<T: Default> Default for LazyLock<T> {
    fn default() -> LazyLock<T> {
        LazyLock::new(T::default)
    }
}

impl<T: fmt::Debug, F> fmt::Debug for LazyLock<T, F> {
    /// Makes nothing.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        show(f.debug_tuple("LazyLock"), self.cell.get())
    }
}

/// A cell, with or without its value.
pub(super) fn show<T: fmt::Debug>(
    mut debug: fmt::DebugTuple<'_, '_>,
    value: Option<&T>,
) -> fmt::Result {
    match value {
        Some(value) => debug.field(value),
        None => debug.field(&format_args!("<uninit>")),
    };
    debug.finish()
}

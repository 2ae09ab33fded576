//! How locals are merged and how fresh ones are made: closures, told apart by type.

use core::fmt;
use core::mem::ManuallyDrop;

/// Merges a local value into the global one. Implemented, here only, for `Fn(&mut G, &L)` and, by
/// [`Consuming`], for `Fn(&mut G, L)`.
///
/// Merges must not depend on their order, unless an [`OrderedBufMutex`](super::OrderedBufMutex)
/// keeps it. A merge runs while its `BufMutex` is held, so it must not reach it again (see
/// [`Reentered`](super::Reentered)), and should be short.
pub trait Merge<G, L> {
    /// True if the merge takes the local by value.
    #[doc(hidden)]
    const CONSUMES: bool;

    /// Merges an owned local.
    #[doc(hidden)]
    fn merge(&self, global: &mut G, local: L);

    /// Merges a borrowed local; only if it does not consume.
    #[doc(hidden)]
    fn merge_ref(&self, global: &mut G, local: &L);
}

impl<G, L, F: Fn(&mut G, &L)> Merge<G, L> for F {
    const CONSUMES: bool = false;

    #[inline]
    fn merge(&self, global: &mut G, local: L) {
        self(global, &local);
    }

    #[inline]
    fn merge_ref(&self, global: &mut G, local: &L) {
        self(global, local);
    }
}

/// A merge that takes the local by value, so that it can move what the local owns; see
/// [`BufMutex::consuming`](super::BufMutex::consuming).
#[derive(Clone, Copy)]
pub struct Consuming<F>(pub(super) F);

impl<F> fmt::Debug for Consuming<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Consuming")
    }
}

impl<G, L, F: Fn(&mut G, L)> Merge<G, L> for Consuming<F> {
    const CONSUMES: bool = true;

    #[inline]
    fn merge(&self, global: &mut G, local: L) {
        (self.0)(global, local);
    }

    fn merge_ref(&self, _global: &mut G, _local: &L) {
        unreachable!("a consuming merge is given owned locals");
    }
}

/// Makes fresh locals. Implemented for [`FromDefault`] and for `Fn() -> L`.
pub trait Fresh<L> {
    /// A local that changes nothing when it is merged.
    fn fresh(&self) -> L;
}

/// Fresh locals are `L::default()`.
#[derive(Clone, Copy, Debug, Default)]
pub struct FromDefault;

impl<L: Default> Fresh<L> for FromDefault {
    #[inline]
    fn fresh(&self) -> L {
        L::default()
    }
}

impl<L, I: Fn() -> L> Fresh<L> for I {
    #[inline]
    fn fresh(&self) -> L {
        self()
    }
}

/// Drops a local when it ends, also by unwinding.
pub(super) struct DropLocal<'l, L>(pub(super) &'l mut ManuallyDrop<L>);

impl<L> Drop for DropLocal<'_, L> {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: whoever makes a `DropLocal` gives the local up (see `Sink::close`).
        unsafe { ManuallyDrop::drop(self.0) }
    }
}

//! Atomics whose orderings carry the name of their site.
//!
//! # Sites
//! [`RELAXED`] needs no name. Every other ordering is made by [`acquire`], [`release`] or
//! [`acq_rel`] with a name such as `"mutex.unlock"`, unique to the place. Under a checker, and with the
//! cfg `tsan`, the environment variable `COUNTERPOINT_WEAKEN` turns the site with that name into a
//! relaxed one: a model must then fail, or the ordering was not needed.
//!
//! ```
//! use counterpoint_base::prim::atomic::{AtomicU32, RELAXED, acquire, release};
//!
//! let ready = AtomicU32::new(0);
//! ready.store(1, release("doc.publish"));
//! assert_eq!(ready.load(acquire("doc.read")), 1);
//! assert_eq!(ready.swap(2, RELAXED), 1);
//! ```

use core::fmt;
use core::sync::atomic::Ordering;

#[cfg(not(any(counterpoint_loom, counterpoint_shuttle)))]
use core::sync::atomic as inner;
#[cfg(counterpoint_loom)]
use loom::sync::atomic as inner;
#[cfg(counterpoint_shuttle)]
use shuttle::sync::atomic as inner;

/// A memory ordering, and under a checker the decision whether its site is weakened.
///
/// Made by [`RELAXED`], [`acquire`], [`release`] and [`acq_rel`] only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Order(Ordering);

/// No ordering: the value alone matters.
pub const RELAXED: Order = Order(Ordering::Relaxed);

#[cfg(not(any(counterpoint_loom, counterpoint_shuttle, all(tsan, feature = "std"))))]
mod sites {
    use super::{Order, Ordering};

    /// Acquire at the site named `site`.
    #[inline(always)]
    pub const fn acquire(site: &'static str) -> Order {
        let _ = site;
        Order(Ordering::Acquire)
    }

    /// Release at the site named `site`.
    #[inline(always)]
    pub const fn release(site: &'static str) -> Order {
        let _ = site;
        Order(Ordering::Release)
    }

    /// Acquire and release at the site named `site`; for read-modify-write operations.
    #[inline(always)]
    pub const fn acq_rel(site: &'static str) -> Order {
        let _ = site;
        Order(Ordering::AcqRel)
    }

    #[inline(always)]
    pub(super) const fn weakened(_site: &'static str) -> bool {
        false
    }
}

#[cfg(any(counterpoint_loom, counterpoint_shuttle, all(tsan, feature = "std")))]
mod sites {
    use super::{Order, Ordering};

    /// True for the site named in `COUNTERPOINT_WEAKEN`.
    pub(super) fn weakened(site: &'static str) -> bool {
        static NAME: std::sync::OnceLock<Option<String>> = std::sync::OnceLock::new();
        NAME.get_or_init(|| std::env::var("COUNTERPOINT_WEAKEN").ok())
            .as_deref()
            == Some(site)
    }

    fn order(site: &'static str, ordering: Ordering) -> Order {
        Order(if weakened(site) {
            Ordering::Relaxed
        } else {
            ordering
        })
    }

    /// Acquire at the site named `site`.
    pub fn acquire(site: &'static str) -> Order {
        order(site, Ordering::Acquire)
    }

    /// Release at the site named `site`.
    pub fn release(site: &'static str) -> Order {
        order(site, Ordering::Release)
    }

    /// Acquire and release at the site named `site`; for read-modify-write operations.
    pub fn acq_rel(site: &'static str) -> Order {
        order(site, Ordering::AcqRel)
    }
}

pub use sites::{acq_rel, acquire, release};

/// A sequentially consistent fence at the site named `site`: with a second one on the other side
/// it orders a store before a later load.
#[inline(always)]
pub fn fence_seq_cst(site: &'static str) {
    if !sites::weakened(site) {
        raw_fence(Ordering::SeqCst);
    }
}

/// An acquire fence at the site named `site`.
#[inline(always)]
pub fn fence_acquire(site: &'static str) {
    if !sites::weakened(site) {
        raw_fence(Ordering::Acquire);
    }
}

/// A release fence at the site named `site`.
#[inline(always)]
pub fn fence_release(site: &'static str) {
    if !sites::weakened(site) {
        raw_fence(Ordering::Release);
    }
}

/// ThreadSanitizer does not understand fences; a read-modify-write of one shared word orders at
/// least as much.
#[cfg(tsan)]
fn raw_fence(_ordering: Ordering) {
    static WORD: inner::AtomicUsize = inner::AtomicUsize::new(0);
    WORD.fetch_add(1, Ordering::SeqCst);
}

#[cfg(not(tsan))]
#[inline(always)]
fn raw_fence(ordering: Ordering) {
    inner::fence(ordering);
}

/// Where jitter may let other threads go first; nothing without its cfg.
#[inline(always)]
fn point() {
    #[cfg(all(
        feature = "std",
        counterpoint_jitter,
        not(any(counterpoint_loom, counterpoint_shuttle))
    ))]
    super::jitter::point();
}

macro_rules! methods {
    ($value:ty) => {
        /// Reads the value.
        #[inline(always)]
        #[track_caller]
        pub fn load(&self, order: Order) -> $value {
            point();
            self.0.load(order.0)
        }

        /// Writes the value.
        #[inline(always)]
        #[track_caller]
        pub fn store(&self, value: $value, order: Order) {
            point();
            self.0.store(value, order.0);
        }

        /// Writes the value and returns the one it replaced.
        #[inline(always)]
        #[track_caller]
        pub fn swap(&self, value: $value, order: Order) -> $value {
            point();
            self.0.swap(value, order.0)
        }

        /// Replaces `current` by `new`.
        ///
        /// # Errors
        /// The value found, if it was not `current`.
        #[inline(always)]
        #[track_caller]
        pub fn compare_exchange(
            &self,
            current: $value,
            new: $value,
            success: Order,
            failure: Order,
        ) -> Result<$value, $value> {
            point();
            self.0.compare_exchange(current, new, success.0, failure.0)
        }

        /// Like [`compare_exchange`](Self::compare_exchange), but may fail with `current` itself.
        ///
        /// # Errors
        /// The value found.
        #[inline(always)]
        #[track_caller]
        pub fn compare_exchange_weak(
            &self,
            current: $value,
            new: $value,
            success: Order,
            failure: Order,
        ) -> Result<$value, $value> {
            #[cfg(feature = "std")]
            if crate::prim::choose(crate::prim::Branch::WeakFails) {
                return Err(self.0.load(failure.0));
            }
            point();
            self.0
                .compare_exchange_weak(current, new, success.0, failure.0)
        }
    };
}

macro_rules! integer {
    ($($name:ident: $value:ty, $doc:literal;)*) => {$(
        #[doc = $doc]
        #[derive(Default)]
        #[repr(transparent)]
        pub struct $name(inner::$name);

        impl $name {
            crate::const_fn! {
                /// Makes one that holds `value`.
                #[inline(always)]
                pub const fn new(value: $value) -> $name {
                    $name(inner::$name::new(value))
                }
            }

            methods!($value);

            /// Adds, wrapping around, and returns the value before.
            #[inline(always)]
            #[track_caller]
            pub fn fetch_add(&self, value: $value, order: Order) -> $value {
                point();
                self.0.fetch_add(value, order.0)
            }

            /// Subtracts, wrapping around, and returns the value before.
            #[inline(always)]
            #[track_caller]
            pub fn fetch_sub(&self, value: $value, order: Order) -> $value {
                point();
                self.0.fetch_sub(value, order.0)
            }

            /// Bitwise and; returns the value before.
            #[inline(always)]
            #[track_caller]
            pub fn fetch_and(&self, value: $value, order: Order) -> $value {
                point();
                self.0.fetch_and(value, order.0)
            }

            /// Bitwise or; returns the value before.
            #[inline(always)]
            #[track_caller]
            pub fn fetch_or(&self, value: $value, order: Order) -> $value {
                point();
                self.0.fetch_or(value, order.0)
            }

            /// The larger of both; returns the value before.
            #[inline(always)]
            #[track_caller]
            pub fn fetch_max(&self, value: $value, order: Order) -> $value {
                point();
                self.0.fetch_max(value, order.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&self.load(RELAXED), f)
            }
        }
    )*};
}

integer! {
    AtomicU8: u8, "An 8-bit word.";
    AtomicU32: u32, "A 32-bit word.";
    AtomicU64: u64, "A 64-bit word.";
    AtomicUsize: usize, "A word as large as a pointer.";
}

/// A flag.
#[derive(Default)]
#[repr(transparent)]
pub struct AtomicBool(inner::AtomicBool);

impl AtomicBool {
    crate::const_fn! {
        /// Makes one that holds `value`.
        #[inline(always)]
        pub const fn new(value: bool) -> AtomicBool {
            AtomicBool(inner::AtomicBool::new(value))
        }
    }

    methods!(bool);
}

impl fmt::Debug for AtomicBool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.load(RELAXED), f)
    }
}

/// A pointer.
#[repr(transparent)]
pub struct AtomicPtr<T>(inner::AtomicPtr<T>);

impl<T> AtomicPtr<T> {
    crate::const_fn! {
        /// Makes one that holds `value`.
        #[inline(always)]
        pub const fn new(value: *mut T) -> AtomicPtr<T> {
            AtomicPtr(inner::AtomicPtr::new(value))
        }
    }

    methods!(*mut T);
}

impl<T> fmt::Debug for AtomicPtr<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.load(RELAXED), f)
    }
}

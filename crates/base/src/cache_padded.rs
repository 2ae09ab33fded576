//! A value on cache lines of its own.

use core::fmt;
use core::ops::{Deref, DerefMut};

/// Pads and aligns a value to the length of a cache line.
///
/// Two values that different threads write often must not share a cache line, or each write takes
/// the line from the other thread ("false sharing"). Not for values that are written rarely, nor
/// for large arrays of small ones: the padding costs up to 256 bytes of memory and of cache each.
///
/// The alignment is 128 bytes on x86-64 (whose prefetcher fetches lines in pairs), aarch64,
/// arm64ec and powerpc64; 32 on arm, mips, sparc and hexagon; 16 on m68k; 256 on s390x; 64
/// elsewhere. It is a guess at compile time: the processor at hand may have other lines, which
/// costs speed or space, never correctness.
///
/// The value lies at the start: a pointer to the whole is a pointer to it (`repr(C)`).
///
/// # Examples
/// ```
/// use counterpoint_base::CachePadded;
/// use std::sync::atomic::AtomicUsize;
///
/// /// The ends of a queue: one thread writes each.
/// struct Ends {
///     head: CachePadded<AtomicUsize>,
///     tail: CachePadded<AtomicUsize>,
/// }
/// let ends = Ends { head: AtomicUsize::new(0).into(), tail: AtomicUsize::new(0).into() };
/// assert!((&raw const *ends.tail).addr().abs_diff((&raw const *ends.head).addr()) >= 16);
/// ```
#[derive(Clone, Copy, Default, Hash, PartialEq, Eq, PartialOrd, Ord)]
#[cfg_attr(
    any(
        target_arch = "x86_64",
        target_arch = "aarch64",
        target_arch = "arm64ec",
        target_arch = "powerpc64",
    ),
    repr(C, align(128))
)]
#[cfg_attr(
    any(
        target_arch = "arm",
        target_arch = "mips",
        target_arch = "mips32r6",
        target_arch = "mips64",
        target_arch = "mips64r6",
        target_arch = "sparc",
        target_arch = "hexagon",
    ),
    repr(C, align(32))
)]
#[cfg_attr(target_arch = "m68k", repr(C, align(16)))]
#[cfg_attr(target_arch = "s390x", repr(C, align(256)))]
#[cfg_attr(
    not(any(
        target_arch = "x86_64",
        target_arch = "aarch64",
        target_arch = "arm64ec",
        target_arch = "powerpc64",
        target_arch = "arm",
        target_arch = "mips",
        target_arch = "mips32r6",
        target_arch = "mips64",
        target_arch = "mips64r6",
        target_arch = "sparc",
        target_arch = "hexagon",
        target_arch = "m68k",
        target_arch = "s390x",
    )),
    repr(C, align(64))
)]
pub struct CachePadded<T> {
    value: T,
}

impl<T> CachePadded<T> {
    /// Pads `value`.
    ///
    /// ```
    /// use counterpoint_base::CachePadded;
    ///
    /// static COUNT: CachePadded<u32> = CachePadded::new(7);
    /// assert_eq!(*COUNT, 7);
    /// ```
    #[inline]
    pub const fn new(value: T) -> CachePadded<T> {
        CachePadded { value }
    }

    /// The value without its padding.
    ///
    /// ```
    /// use counterpoint_base::CachePadded;
    ///
    /// assert_eq!(CachePadded::new(7).into_inner(), 7);
    /// ```
    #[inline]
    pub fn into_inner(self) -> T {
        self.value
    }
}

impl<T> Deref for CachePadded<T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T> DerefMut for CachePadded<T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        &mut self.value
    }
}

impl<T> From<T> for CachePadded<T> {
    fn from(value: T) -> CachePadded<T> {
        CachePadded::new(value)
    }
}

impl<T: fmt::Debug> fmt::Debug for CachePadded<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CachePadded")
            .field("value", &self.value)
            .finish()
    }
}

impl<T: fmt::Display> fmt::Display for CachePadded<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.value, f)
    }
}

//! Loads that order what depends on them.

use core::sync::atomic::{
    AtomicBool, AtomicI8, AtomicI16, AtomicI32, AtomicIsize, AtomicPtr, AtomicU8, AtomicU16,
    AtomicU32, AtomicUsize, Ordering,
};
#[cfg(target_has_atomic = "64")]
use core::sync::atomic::{AtomicI64, AtomicU64};

/// A load after which what is reached through the value is seen as it was when the value was
/// stored.
///
/// Cheaper than acquire where the processor orders dependent loads by itself: arm and aarch64.
/// Elsewhere it is acquire. For the atomics of `core`.
///
/// Only for the one case it is made for, a pointer or an index that is followed; nothing else is
/// ordered. The language does not define what a dependency is: a program that learns the value by
/// other means (from a comparison, say) has none.
///
/// # Examples
/// ```
/// use counterpoint_base::atomic::AtomicConsume;
/// use std::sync::atomic::{AtomicPtr, Ordering};
///
/// static CONFIG: AtomicPtr<[u32; 2]> = AtomicPtr::new(std::ptr::null_mut());
///
/// CONFIG.store(Box::leak(Box::new([3, 4])), Ordering::Release);
/// // SAFETY: never freed.
/// let config = unsafe { CONFIG.load_consume().as_ref() };
/// assert_eq!(config, Some(&[3, 4]));
/// ```
pub trait AtomicConsume {
    /// What is loaded.
    type Val;

    /// Loads the value; see the trait.
    fn load_consume(&self) -> Self::Val;
}

macro_rules! consume {
    ($this:ident) => {{
        #[cfg(all(any(target_arch = "arm", target_arch = "aarch64"), not(any(miri, tsan))))]
        {
            let value = $this.load(Ordering::Relaxed);
            core::sync::atomic::compiler_fence(Ordering::Acquire);
            value
        }
        #[cfg(not(all(any(target_arch = "arm", target_arch = "aarch64"), not(any(miri, tsan)))))]
        {
            $this.load(Ordering::Acquire)
        }
    }};
    ($($atomic:ty, $value:ty;)*) => {$(
        impl AtomicConsume for $atomic {
            type Val = $value;

            #[inline]
            fn load_consume(&self) -> $value {
                consume!(self)
            }
        }
    )*};
}

consume! {
    AtomicBool, bool;
    AtomicI8, i8;
    AtomicI16, i16;
    AtomicI32, i32;
    AtomicIsize, isize;
    AtomicU8, u8;
    AtomicU16, u16;
    AtomicU32, u32;
    AtomicUsize, usize;
}

#[cfg(target_has_atomic = "64")]
consume! {
    AtomicI64, i64;
    AtomicU64, u64;
}

impl<T> AtomicConsume for AtomicPtr<T> {
    type Val = *mut T;

    #[inline]
    fn load_consume(&self) -> *mut T {
        consume!(self)
    }
}

//! What depends on `std`: the pair of fences between a pin and an advance, asymmetric with it, else
//! two of equal cost; and whatever has to do with panics.

#[cfg(feature = "std")]
pub(super) use counterpoint_base::fence::{heavy, light, restrain};

#[cfg(not(feature = "std"))]
pub(super) use counterpoint_base::prim::atomic::{fence_seq_cst as heavy, fence_seq_cst as light};

/// What [`light`] is where it costs nothing; else nothing.
#[cfg(not(feature = "std"))]
#[inline]
pub(super) fn restrain() {}

/// Calls `f`; a panic that comes out of it is swallowed, since the hook has told it and it would end
/// the program. Whether none came.
pub(super) fn quietly(f: impl FnOnce()) -> bool {
    #[cfg(feature = "std")]
    {
        use std::panic::{AssertUnwindSafe, catch_unwind};
        match catch_unwind(AssertUnwindSafe(f)) {
            Ok(()) => true,
            Err(payload) => {
                // Its destructor may panic as well.
                core::mem::forget(payload);
                false
            }
        }
    }
    #[cfg(not(feature = "std"))]
    {
        f();
        true
    }
}

/// Calls `f` until it comes back without a panic, then `last`; the first panic goes on after that,
/// unless the thread unwinds already.
pub(super) fn to_the_end(mut f: impl FnMut(), last: impl FnOnce()) {
    #[cfg(feature = "std")]
    {
        use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
        let mut first = None;
        while let Err(payload) = catch_unwind(AssertUnwindSafe(&mut f)) {
            match first {
                None => first = Some(payload),
                // Its destructor may panic as well.
                Some(_) => core::mem::forget(payload),
            }
        }
        last();
        match first {
            Some(payload) if panicking() => core::mem::forget(payload),
            Some(payload) => resume_unwind(payload),
            None => {}
        }
    }
    #[cfg(not(feature = "std"))]
    {
        f();
        last();
    }
}

/// Whether this thread unwinds; without `std` nobody can tell, and nobody catches a panic.
#[inline]
pub(super) fn panicking() -> bool {
    #[cfg(feature = "std")]
    {
        counterpoint_base::prim::thread::panicking()
    }
    #[cfg(not(feature = "std"))]
    {
        false
    }
}

//! The pair of fences between a pin and an advance: asymmetric where the program has `std`, else
//! two of equal cost.

#[cfg(feature = "std")]
pub(super) use counterpoint_base::fence::{heavy, light};

#[cfg(not(feature = "std"))]
pub(super) use counterpoint_base::prim::atomic::{fence_seq_cst as heavy, fence_seq_cst as light};

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

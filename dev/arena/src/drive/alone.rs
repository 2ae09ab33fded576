//! One thread that does everything by itself.

use crate::sample::{Sample, measure};
use crate::system;

/// Runs `op` over and over.
///
/// Not inlined: each subject gets a loop of its own, and both sides of a pair the same kind.
#[inline(never)]
pub(crate) fn repeat(ops: u64, mut op: impl FnMut()) -> Sample {
    system::pin_alone();
    measure(ops, || {
        for _ in 0..ops {
            op();
        }
    })
}

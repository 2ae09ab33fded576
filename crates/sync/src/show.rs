//! What the locks print of themselves.

use core::fmt;
use core::ops::Deref;

/// Prints a lock with what its guard shows, or with `<locked>` if there is none.
pub(crate) fn show<G: Deref<Target: fmt::Debug>>(
    f: &mut fmt::Formatter<'_>,
    name: &str,
    guard: Option<G>,
    poisoned: bool,
) -> fmt::Result {
    let mut debug = f.debug_struct(name);
    match guard {
        Some(guard) => debug.field("data", &&*guard),
        None => debug.field("data", &format_args!("<locked>")),
    };
    debug.field("poisoned", &poisoned).finish_non_exhaustive()
}

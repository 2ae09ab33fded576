//! A cell for any value that threads read and replace as a whole, and loads that order only what
//! depends on them.
//!
//! | you want | use |
//! |---|---|
//! | a value of any type, read and replaced as a whole | [`AtomicCell`] |
//! | a large `Copy` value that is read often | [`SeqCell`](crate::SeqCell) |
//! | to follow a pointer that another thread published | [`AtomicConsume`] |

mod cell;
#[cfg(any(counterpoint_loom, counterpoint_shuttle))]
mod checked;
mod consume;
mod fetch;
#[cfg(all(
    target_arch = "x86_64",
    target_pointer_width = "64",
    target_feature = "sse2",
    not(any(counterpoint_loom, counterpoint_shuttle, miri, tsan))
))]
mod pair;
#[cfg(not(any(counterpoint_loom, counterpoint_shuttle)))]
mod place;
mod stripe;
#[cfg(not(any(counterpoint_loom, counterpoint_shuttle)))]
mod word;

pub use cell::AtomicCell;
pub use consume::AtomicConsume;

//! The raw locks of `lock_api`: [`Mutex`](crate::Mutex) and [`RwLock`](crate::RwLock) without a value.
//!
//! With them `lock_api::Mutex<RawMutex, T>` and its kin have our queue, fairness and deadlines, and
//! whatever is generic over raw locks runs on them. Do not use them where a lock of this crate will
//! do: these have no asynchronous forms, are no arms of a select and know no poison.
//!
//! # Guards
//! They are `Send`: a lock belongs to its guard, not to a thread.
//!
//! # Hooks
//! One who writes or may upgrade is told to be held as with the guards of this crate. One who reads is
//! told to have come in and to be gone at once: there is no place to remember it in.
//!
//! ```
//! use counterpoint_sync::lock_api::RawMutex;
//!
//! let mutex = lock_api::Mutex::<RawMutex, _>::new(1);
//! *mutex.lock() += 1;
//! assert_eq!(mutex.into_inner(), 2);
//! ```

mod mutex;
mod rwlock;

use ::lock_api::GetThreadId;
use core::num::NonZeroUsize;
use counterpoint_base::record::thread_id;

pub use mutex::{RawFairMutex, RawMutex};
pub use rwlock::RawRwLock;

/// The number of the thread, which no other thread ever has.
#[derive(Debug)]
pub struct RawThreadId;

// SAFETY: the number is the thread's own for ever, so two threads that are alive differ.
unsafe impl GetThreadId for RawThreadId {
    const INIT: RawThreadId = RawThreadId;

    #[inline]
    fn nonzero_thread_id(&self) -> NonZeroUsize {
        let id = usize::try_from(thread_id())
            .ok()
            .and_then(NonZeroUsize::new);
        id.expect("counterpoint: more threads than a word can count")
    }
}

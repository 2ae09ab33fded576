//! `Parker`, `Unparker`, `ShardedLock` and `WaitGroup`.

mod sharded_lock;

use core::fmt;
use core::time::Duration;
use counterpoint_base::prim::time::Instant;
use counterpoint_wait::parker;

pub use counterpoint_sync::WaitGroup;
pub use counterpoint_wait::parker::Unparker;
pub use sharded_lock::{ShardedLock, ShardedLockReadGuard, ShardedLockWriteGuard};

/// Waits for a token that an [`Unparker`] leaves; see [`counterpoint_wait::parker::Parker`], whose
/// timed forms also tell why they returned.
///
/// ```
/// use counterpoint_compat::crossbeam_utils::sync::Parker;
/// use std::time::Duration;
///
/// let parker = Parker::new();
/// let unparker = parker.unparker().clone();
/// unparker.unpark();
/// parker.park(); // the token is there
/// parker.park_timeout(Duration::from_millis(1));
/// ```
#[derive(Default)]
pub struct Parker(parker::Parker);

impl Parker {
    /// A parker without a token.
    pub fn new() -> Parker {
        Parker(parker::Parker::new())
    }

    /// Waits until there is a token, and takes it.
    pub fn park(&self) {
        self.0.park();
    }

    /// The same, but not longer than `timeout`.
    pub fn park_timeout(&self, timeout: Duration) {
        let _why = self.0.park_timeout(timeout);
    }

    /// The same, but not longer than until `deadline`.
    pub fn park_deadline(&self, deadline: Instant) {
        let _why = self.0.park_deadline(deadline);
    }

    /// The other end, which is cloned and given away.
    pub fn unparker(&self) -> &Unparker {
        self.0.unparker()
    }

    /// The parker as a pointer; [`from_raw`](Self::from_raw) takes it back, or it leaks.
    pub fn into_raw(this: Parker) -> *const () {
        parker::Parker::into_raw(this.0)
    }

    /// Takes back what [`into_raw`](Self::into_raw) gave.
    ///
    /// # Safety
    /// `raw` comes from `into_raw`, and is taken back once.
    pub unsafe fn from_raw(raw: *const ()) -> Parker {
        // SAFETY: the caller's promise is the one that is asked for.
        Parker(unsafe { parker::Parker::from_raw(raw) })
    }
}

impl fmt::Debug for Parker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

//! Something that is done once, whose state can be asked for.

use core::fmt;
use counterpoint_sync::poison;

/// How far a [`Once`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnceState {
    /// Not called yet.
    New,
    /// The last call panicked.
    Poisoned,
    /// A call is under way.
    InProgress,
    /// Done.
    Done,
}

impl OnceState {
    /// True if the last call panicked.
    #[inline]
    pub const fn poisoned(self) -> bool {
        matches!(self, OnceState::Poisoned)
    }

    /// True if it is done.
    #[inline]
    pub const fn done(self) -> bool {
        matches!(self, OnceState::Done)
    }
}

/// Something that is done once, by whoever comes first; see [`counterpoint_sync::poison::Once`].
///
/// ```
/// use counterpoint_compat::parking_lot::{Once, OnceState};
///
/// let once = Once::new();
/// once.call_once(|| assert_eq!(once.state(), OnceState::InProgress));
/// assert!(once.state().done());
/// ```
#[derive(Default)]
pub struct Once(poison::Once);

impl Once {
    /// Not done yet.
    #[inline]
    pub const fn new() -> Once {
        Once(poison::Once::new())
    }

    /// How far it is; may be wrong at the next moment, unless it is done.
    pub fn state(&self) -> OnceState {
        if self.0.is_completed() {
            OnceState::Done
        } else if self.0.is_running() {
            OnceState::InProgress
        } else if self.0.is_poisoned() {
            OnceState::Poisoned
        } else {
            OnceState::New
        }
    }

    /// Calls `f`, unless a call was done; blocks while one is under way.
    ///
    /// # Panics
    /// If `f` does, or did before, or calls this.
    #[inline]
    #[track_caller]
    pub fn call_once<F: FnOnce()>(&self, f: F) {
        self.0.call_once(f);
    }

    /// As [`call_once`](Self::call_once), also if the call before panicked, of which it tells `f`.
    ///
    /// # Panics
    /// If `f` does, or calls this.
    #[inline]
    #[track_caller]
    pub fn call_once_force<F: FnOnce(OnceState)>(&self, f: F) {
        self.0.call_once_force(|state| {
            f(match state.is_poisoned() {
                true => OnceState::Poisoned,
                false => OnceState::New,
            });
        });
    }
}

impl fmt::Debug for Once {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Once")
            .field("state", &self.state())
            .finish()
    }
}

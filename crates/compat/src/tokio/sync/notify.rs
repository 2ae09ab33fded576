//! Says that something happened, without saying what.

use core::fmt;
use core::pin::Pin;
use counterpoint_base::const_fn;
use counterpoint_sync as sync;
use std::sync::Arc;

use crate::face::{futures, transparent};

/// Wakes tasks that wait for something to happen; see [`counterpoint_sync::Notify`].
#[derive(Default)]
#[repr(transparent)]
pub struct Notify(sync::Notify);

transparent! { Notify [] [] (sync::Notify); }

// Nothing is left half done by a panic.
impl core::panic::UnwindSafe for Notify {}
impl core::panic::RefUnwindSafe for Notify {}

impl Notify {
    const_fn! {
        /// One that nobody waits for, in a constant.
        pub const fn const_new() -> Notify {
            Notify(sync::Notify::new())
        }
    }

    /// One that nobody waits for.
    pub fn new() -> Notify {
        Notify::const_new()
    }

    /// Waits for a notification, from its first poll or [`enable`](Notified::enable) on; it receives
    /// every [`notify_waiters`](Self::notify_waiters) from now on.
    ///
    /// # Cancel safety
    /// Dropping it passes on a notification for one that it was handed.
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn notified(&self) -> Notified<'_> {
        Notified(self.0.notified())
    }

    /// As [`notified`](Self::notified); the future keeps this alive.
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn notified_owned(self: Arc<Self>) -> OwnedNotified {
        OwnedNotified(Notify::shared(&self).notified_owned())
    }

    /// Wakes the one that waits longest; if nobody waits, stores a notification.
    pub fn notify_one(&self) {
        self.0.notify_one();
    }

    /// Wakes the one that came last; if nobody waits, stores a notification.
    pub fn notify_last(&self) {
        self.0.notify_last();
    }

    /// Wakes all futures that were made before. Stores nothing.
    pub fn notify_waiters(&self) {
        self.0.notify_all();
    }
}

impl fmt::Debug for Notify {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

futures! {
    /// Waits for a notification; made by [`Notify::notified`].
    Notified ['a] ['a] (sync::Notified<'a>) -> (), |done| done, again ();
    /// Waits for a notification, and keeps the [`Notify`] alive; made by
    /// [`Notify::notified_owned`].
    OwnedNotified [] [] (sync::NotifiedOwned) -> (), |done| done, again ();
}

macro_rules! enable {
    ($($name:ty)*) => {$(
        impl $name {
            /// Takes its place in line now, without waiting. Returns true if it is notified already:
            /// then its next poll is ready.
            pub fn enable(self: Pin<&mut Self>) -> bool {
                // SAFETY: pinned with this and not moved.
                unsafe { self.map_unchecked_mut(|this| &mut this.0) }.enable()
            }
        }
    )*};
}

enable!(Notified<'_> OwnedNotified);

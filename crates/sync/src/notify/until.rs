//! Waiting for a predicate.
//!
//! # Waiting
//! The operation is created before the predicate is looked at, so a broadcast after the look
//! reaches it, and a notification for one is stored if nobody waits, or wakes another who looks.
//!
//! # Panic
//! The predicate runs while this waiter is in no queue and holds no notification, except the one
//! that made it look: that one has been received.

use core::fmt;
use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll};
use counterpoint_base::prim::time::Instant;
use counterpoint_wait::hooks::Site;
use counterpoint_wait::{Stop, block_on};

use super::{Notified, Notify};

/// Waits until a predicate is true; made by [`Notify::wait_until_async`].
#[must_use = "futures do nothing unless you `.await` them"]
pub struct WaitUntil<'a, F> {
    notify: &'a Notify,
    ready: F,
    notified: Notified<'a>,
    site: Site,
    /// The predicate was false since the last notification.
    looked: bool,
    done: bool,
}

impl<F> fmt::Debug for WaitUntil<'_, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WaitUntil")
            .field("notify", self.notify)
            .finish_non_exhaustive()
    }
}

impl<'a, F: FnMut() -> bool> WaitUntil<'a, F> {
    #[cfg_attr(feature = "hooks", track_caller)]
    pub(super) fn new(notify: &'a Notify, ready: F) -> WaitUntil<'a, F> {
        WaitUntil {
            notify,
            ready,
            notified: notify.notified(),
            site: Site::here(),
            looked: false,
            done: false,
        }
    }

    /// Blocks this thread until the predicate is true.
    ///
    /// # Deadlocks
    /// Inside a task this blocks the executor's thread; `.await` it there.
    pub fn wait(self) {
        block_on(self);
    }
}

impl<F: FnMut() -> bool> Future for WaitUntil<'_, F> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        // SAFETY: the operation is pinned with this and not moved; the other fields are not
        // structurally pinned.
        let this = unsafe { self.get_unchecked_mut() };
        assert!(
            !this.done,
            "counterpoint: Notify::wait_until_async polled after completion"
        );
        // SAFETY: as above.
        let mut notified = unsafe { Pin::new_unchecked(&mut this.notified) };
        loop {
            if !this.looked {
                if (this.ready)() {
                    this.done = true;
                    return Poll::Ready(());
                }
                this.looked = true;
            }
            if notified.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
            // A new one, before the predicate is looked at.
            notified.set(this.notify.notified().made_at(this.site));
            this.looked = false;
        }
    }
}

/// Blocks until `ready` returns true or the deadline comes.
#[cfg_attr(feature = "hooks", track_caller)]
pub(super) fn wait(
    notify: &Notify,
    deadline: Option<Instant>,
    mut ready: impl FnMut() -> bool,
) -> Result<(), Stop> {
    loop {
        let notified = notify.notified();
        if ready() {
            return Ok(());
        }
        match deadline {
            Some(deadline) => notified.deadline(deadline).wait()?,
            None => notified.wait(),
        }
    }
}

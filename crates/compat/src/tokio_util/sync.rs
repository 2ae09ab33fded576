//! A tree of tokens that are cancelled from the root down.
//!
//! Not here: `PollSemaphore`, `PollSender` and `ReusableBoxFuture`.
//!
//! ```
//! use counterpoint_compat::tokio_util::sync::CancellationToken;
//! use counterpoint_wait::block_on;
//!
//! let token = CancellationToken::new();
//! let child = token.child_token();
//! let guard = token.drop_guard();
//! assert!(!child.is_cancelled());
//! drop(guard);
//! block_on(child.cancelled());
//! ```

use core::fmt;
use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll};
use counterpoint_wait::cancel::{self, CancelToken};

use crate::face::futures;

/// What a token is cancelled for, as nobody says here.
const REASON: &str = "cancelled";

/// A token that is cancelled once, with all its children; see
/// [`counterpoint_wait::cancel::CancelToken`].
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct CancellationToken(CancelToken);

impl CancellationToken {
    /// A token that is not cancelled, with no parent.
    pub fn new() -> CancellationToken {
        CancellationToken(CancelToken::new())
    }

    /// A token that is cancelled with this one, or alone.
    pub fn child_token(&self) -> CancellationToken {
        CancellationToken(self.0.child())
    }

    /// Cancels the token and its children.
    pub fn cancel(&self) {
        self.0.cancel(REASON);
    }

    /// True once it is cancelled.
    pub fn is_cancelled(&self) -> bool {
        self.0.is_cancelled()
    }

    /// Waits until it is cancelled.
    ///
    /// # Cancel safety
    /// Dropping the future leaves nothing behind.
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn cancelled(&self) -> WaitForCancellationFuture<'_> {
        WaitForCancellationFuture(self.0.cancelled())
    }

    /// As [`cancelled`](Self::cancelled); the future keeps the token alive, in one allocation.
    pub fn cancelled_owned(self) -> WaitForCancellationFutureOwned {
        WaitForCancellationFutureOwned(Some(Box::pin(async move { self.0.cancelled().await })))
    }

    /// Cancels the token when the guard is dropped.
    pub fn drop_guard(self) -> DropGuard {
        DropGuard(Some(self))
    }

    /// Cancels the token when the guard is dropped, which borrows it.
    pub fn drop_guard_ref(&self) -> DropGuardRef<'_> {
        DropGuardRef(Some(self))
    }

    /// Runs `future` until it is ready or the token is cancelled: then yields `None`. If both happen at
    /// once the future wins; if the token is cancelled before, the future is not polled at all. Either way
    /// it is dropped before this is ready.
    pub async fn run_until_cancelled<F: Future>(&self, future: F) -> Option<F::Output> {
        self.0.run_until_cancelled(future).await
    }

    /// As [`run_until_cancelled`](Self::run_until_cancelled); the future keeps the token alive.
    pub async fn run_until_cancelled_owned<F: Future>(self, future: F) -> Option<F::Output> {
        self.0.run_until_cancelled(future).await
    }
}

impl fmt::Debug for CancellationToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CancellationToken")
            .field("is_cancelled", &self.is_cancelled())
            .finish()
    }
}

futures! {
    /// Waits until a token is cancelled; made by [`CancellationToken::cancelled`].
    WaitForCancellationFuture ['a] ['a] (cancel::Cancelled<'a>) -> (), |done| done, again ();
}

/// Waits until a token is cancelled, and keeps it alive; made by
/// [`CancellationToken::cancelled_owned`].
#[must_use = "futures do nothing unless you `.await` them"]
pub struct WaitForCancellationFutureOwned(
    /// None once it is ready: it stays so.
    Option<Pin<Box<dyn Future<Output = ()> + Send + Sync>>>,
);

impl Future for WaitForCancellationFutureOwned {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let Some(wait) = &mut self.0 else {
            return Poll::Ready(());
        };
        let polled = wait.as_mut().poll(cx);
        if polled.is_ready() {
            self.0 = None;
        }
        polled
    }
}

impl fmt::Debug for WaitForCancellationFutureOwned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WaitForCancellationFutureOwned")
            .finish_non_exhaustive()
    }
}

/// Cancels a token when dropped; made by [`CancellationToken::drop_guard`].
#[derive(Debug)]
#[must_use = "dropping the guard at once cancels the token at once"]
pub struct DropGuard(Option<CancellationToken>);

impl DropGuard {
    /// The token that it cancels.
    pub fn token(&self) -> &CancellationToken {
        self.0.as_ref().expect("taken only in `disarm` and in drop")
    }

    /// The token back; it is not cancelled.
    pub fn disarm(mut self) -> CancellationToken {
        self.0.take().expect("taken only here and in drop")
    }
}

impl Drop for DropGuard {
    fn drop(&mut self) {
        if let Some(token) = self.0.take() {
            token.cancel();
        }
    }
}

/// Cancels a token when dropped; made by [`CancellationToken::drop_guard_ref`].
#[derive(Debug)]
#[must_use = "dropping the guard at once cancels the token at once"]
pub struct DropGuardRef<'a>(Option<&'a CancellationToken>);

impl<'a> DropGuardRef<'a> {
    /// The token that it cancels.
    pub fn token(&self) -> &CancellationToken {
        self.0.expect("taken only in `disarm` and in drop")
    }

    /// The token back; it is not cancelled.
    pub fn disarm(mut self) -> &'a CancellationToken {
        self.0.take().expect("taken only here and in drop")
    }
}

impl Drop for DropGuardRef<'_> {
    fn drop(&mut self) {
        if let Some(token) = self.0.take() {
            token.cancel();
        }
    }
}

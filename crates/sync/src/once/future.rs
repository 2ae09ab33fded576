//! Futures that fill a cell: they claim it, run an asynchronous initializer, and may be bounded as
//! a whole.
//!
//! # Cancel
//! A future that is dropped or stopped drops the initializer, then the claim: the cell is empty, and
//! another one may begin. The same after a panic; that is not while unwinding, so a destructor that
//! panics as well aborts nothing, and the first panic goes on.
//!
//! # Waiting
//! The claim is an operation; bounds are looked at after it, or the initializer, was polled. They
//! stand in no queue of the cell.

use core::convert::Infallible;
use core::fmt;
use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll};
use counterpoint_base::prim::time::{Duration, Instant};
use counterpoint_wait::cancel::Ctl;
use counterpoint_wait::staged::{Limit, Never, Staged, Unlimited, wait_staged};
use counterpoint_wait::{Bounded, CtlStop, Operation, Stop, Stops, UntilStop};
use std::panic::{self, AssertUnwindSafe};

use super::verb::ClaimOnce;
use super::{Claim, OnceCell, OnceCellError, OnceInit};

mod sealed {
    #[expect(
        unnameable_types,
        reason = "so that nobody else implements the traits here"
    )]
    pub trait Sealed {}
}
pub(super) use sealed::Sealed;

/// Where the value comes from: [`Make`], [`TryMake`], or the future inside a
/// [`LazyCell`](super::LazyCell).
pub trait Source<T>: Sealed {
    /// Why there may be none.
    type Error;

    /// Polled by the holder of the claim only.
    #[doc(hidden)]
    fn poll_value(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<T, Self::Error>>;
}

/// Polls an initializer, or what drives it. If that panics, `spend` drops it before the panic goes on.
pub(super) fn poll_or_spend<S, R>(
    of: &mut S,
    poll: impl FnOnce(&mut S) -> R,
    spend: impl FnOnce(&mut S),
) -> R {
    // Nobody sees what a panic left behind: it is spent.
    match panic::catch_unwind(AssertUnwindSafe(|| poll(of))) {
        Ok(polled) => polled,
        Err(payload) => {
            drop(panic::catch_unwind(AssertUnwindSafe(|| spend(of))));
            panic::resume_unwind(payload)
        }
    }
}

/// A function that is called once there is a claim, and the future it makes.
struct Lazily<F, Fut> {
    /// Taken when it is called.
    start: Option<F>,
    /// Pinned with this.
    run: Option<Fut>,
}

impl<F: FnOnce() -> Fut, Fut: Future> Lazily<F, Fut> {
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Fut::Output> {
        // SAFETY: the function is not structurally pinned, and the future is not moved.
        let this = unsafe { self.get_unchecked_mut() };
        if let Some(start) = this.start.take() {
            this.run = Some(start());
        }
        let run = this
            .run
            .as_mut()
            .expect("made when the function was called");
        // SAFETY: as above.
        unsafe { Pin::new_unchecked(run) }.poll(cx)
    }
}

macro_rules! sources {
    ($($(#[$meta:meta])* $name:ident;)*) => {$(
        $(#[$meta])*
        pub struct $name<F, Fut>(Lazily<F, Fut>);

        impl<F, Fut> $name<F, Fut> {
            pub(super) const fn new(start: F) -> Self {
                $name(Lazily { start: Some(start), run: None })
            }
        }

        impl<F, Fut> fmt::Debug for $name<F, Fut> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($name)).finish_non_exhaustive()
            }
        }

        impl<F, Fut> Sealed for $name<F, Fut> {}

        impl<F: FnOnce() -> Fut, Fut: Future> $name<F, Fut> {
            fn poll_inner(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Fut::Output> {
                // SAFETY: pinned with this and not moved.
                unsafe { self.map_unchecked_mut(|this| &mut this.0) }.poll(cx)
            }
        }
    )*};
}

sources! {
    /// An asynchronous initializer.
    Make;
    /// An asynchronous initializer that may fail.
    TryMake;
}

impl<T, F: FnOnce() -> Fut, Fut: Future<Output = T>> Source<T> for Make<F, Fut> {
    type Error = Infallible;

    fn poll_value(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<T, Infallible>> {
        self.poll_inner(cx).map(Ok)
    }
}

impl<T, E, F: FnOnce() -> Fut, Fut: Future<Output = Result<T, E>>> Source<T> for TryMake<F, Fut> {
    type Error = E;

    fn poll_value(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<T, E>> {
        self.poll_inner(cx)
    }
}

/// Yields the value of a cell, and fills it if it is empty; made by
/// [`OnceCell::get_or_try_init_async`], and by bounding a [`GetOrInit`].
///
/// A bound covers waiting and the initializer. Zero or the past still tries once, with one poll of
/// the initializer; after a token that is cancelled already, nothing is tried.
///
/// # Cancel safety
/// Dropping it, or a bound, drops the initializer and leaves the cell empty for the next.
///
/// # Panics
/// If the initializer does; the cell is empty then. Polling it after it completed panics.
#[must_use = "futures do nothing unless you `.await` or `.wait()` for them"]
pub struct GetOrTryInit<'a, T, S, L = Unlimited> {
    cell: &'a OnceCell<T>,
    claim: ClaimOnce<'a, T>,
    run: Run<'a, T, S>,
    limit: L,
    tried: bool,
}

/// An initializer, and the claim while it is held.
struct Run<'a, T, S> {
    /// Pinned with this.
    source: Option<S>,
    init: Option<OnceInit<'a, T>>,
}

impl<T, S> Run<'_, T, S> {
    /// Drops the initializer in its place, then the claim. A destructor that asks for the value is
    /// told that it is inside the initializer.
    fn spend(&mut self) {
        let init = self.init.take();
        match &init {
            Some(init) => init.cell.raw.inside(|| self.source = None),
            None => self.source = None,
        }
    }
}

impl<T, S> Drop for Run<'_, T, S> {
    fn drop(&mut self) {
        self.spend();
    }
}

impl<T, S, L> fmt::Debug for GetOrTryInit<'_, T, S, L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GetOrTryInit")
            .field("claimed", &self.run.init.is_some())
            .field("done", &self.run.source.is_none())
            .finish_non_exhaustive()
    }
}

/// One that is bounded.
type BoundedGet<'a, T, S, X = ()> = GetOrTryInit<'a, T, S, Bounded<Never, X>>;

impl<'a, T, S> GetOrTryInit<'a, T, S> {
    #[cfg_attr(feature = "hooks", track_caller)]
    pub(super) fn new(cell: &'a OnceCell<T>, source: S) -> Self {
        GetOrTryInit {
            cell,
            claim: cell.claim_async(),
            run: Run {
                source: Some(source),
                init: None,
            },
            limit: Unlimited,
            tried: false,
        }
    }
}

impl<'a, T, S, L> GetOrTryInit<'a, T, S, L> {
    fn limited<M>(self, change: impl FnOnce(L) -> M) -> GetOrTryInit<'a, T, S, M> {
        GetOrTryInit {
            cell: self.cell,
            claim: self.claim,
            run: self.run,
            limit: change(self.limit),
            tried: self.tried,
        }
    }
}

macro_rules! modifiers {
    ([$($generics:tt)*] $limit:ty, |$old:ident| $from:expr, $pair:ty) => {
        impl<'a, T, S, $($generics)*> GetOrTryInit<'a, T, S, $limit> {
            /// Bounds it: stops after `timeout`. A time too long for the clock never comes. Of
            /// several bounds the earliest counts.
            pub fn timeout(self, timeout: Duration) -> BoundedGet<'a, T, S, $pair> {
                self.limited(|$old| $from.timeout(timeout))
            }

            /// Bounds it: stops at `deadline`.
            pub fn deadline(self, deadline: Instant) -> BoundedGet<'a, T, S, $pair> {
                self.limited(|$old| $from.deadline(deadline))
            }

            /// Bounds it: stops when the token of `ctl` is cancelled or at its deadline. With a token
            /// that is cancelled already nothing is tried.
            #[cfg_attr(feature = "hooks", track_caller)]
            pub fn with<'c>(self, ctl: &Ctl<'c>) -> BoundedGet<'a, T, S, ($pair, CtlStop<'c>)> {
                self.limited(|$old| $from.with(ctl))
            }

            /// Bounds it: stops, as if cancelled, when `stop` is ready; if both are, it wins.
            pub fn until<U: Future>(
                self,
                stop: U,
            ) -> BoundedGet<'a, T, S, ($pair, UntilStop<U>)> {
                self.limited(|$old| $from.until(stop))
            }
        }
    };
}

modifiers!([] Unlimited, |_free| Never::new(), ());
modifiers!([X: Stops] Bounded<Never, X>, |old| old, X);

type Got<'a, T, E> = Result<&'a T, OnceCellError<E>>;

impl<'a, T, S: Source<T>, L: Limit> GetOrTryInit<'a, T, S, L> {
    /// Blocks this thread until there is a value or an error; runs the initializer here.
    ///
    /// # Errors
    /// As of the future.
    ///
    /// # Deadlocks
    /// Inside a task this blocks the executor's thread; `.await` it there.
    pub fn wait(self) -> Got<'a, T, S::Error> {
        wait_staged(core::pin::pin!(self))
    }

    /// Claims and runs the initializer as far as it goes now.
    fn advance(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Got<'a, T, S::Error>> {
        // SAFETY: the claim and the source are pinned with this and not moved; the rest is not
        // structurally pinned.
        let this = unsafe { self.get_unchecked_mut() };
        if this.run.init.is_none() {
            // SAFETY: as above.
            let claim = unsafe { Pin::new_unchecked(&mut this.claim) };
            match L::bounds(|| claim.poll(cx)) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error.widen())),
                Poll::Ready(Ok(Claim::Full(value))) => return Poll::Ready(Ok(value)),
                Poll::Ready(Ok(Claim::Init(init))) => this.run.init = Some(init),
            }
        }
        let raw = &this.cell.raw;
        let poll = |run: &mut Run<'a, T, S>| {
            let source = run.source.as_mut().expect("not yet completed");
            // SAFETY: as above.
            let source = unsafe { Pin::new_unchecked(source) };
            raw.inside(|| source.poll_value(cx))
        };
        match poll_or_spend(&mut this.run, poll, Run::spend) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Ok(value)) => {
                let init = this.run.init.take().expect("claimed above");
                Poll::Ready(Ok(init.fill(value)))
            }
            Poll::Ready(Err(error)) => {
                this.run.spend();
                Poll::Ready(Err(OnceCellError::Init(error)))
            }
        }
    }

    /// It is over: of the initializer nothing is left but the value, if it made one.
    fn end(self: Pin<&mut Self>) {
        // SAFETY: the source is dropped in its place; the claim is not pinned.
        unsafe { self.get_unchecked_mut() }.run.spend();
    }
}

impl<'a, T, S: Source<T>, L: Limit> Future for GetOrTryInit<'a, T, S, L> {
    type Output = Got<'a, T, S::Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        assert!(
            self.run.source.is_some(),
            "counterpoint: OnceCell::get_or_init polled after completion"
        );
        // SAFETY: a plain flag, not pinned.
        let tried = &mut unsafe { self.as_mut().get_unchecked_mut() }.tried;
        let first = !core::mem::replace(tried, true);
        let done = if first && self.limit.stopped_already() {
            Err(Stop::Cancelled.into())
        } else if let Poll::Ready(done) = self.as_mut().advance(cx) {
            done
        } else {
            // SAFETY: pinned with this and not moved.
            let limit = unsafe { self.as_mut().map_unchecked_mut(|this| &mut this.limit) };
            match limit.poll_limit(cx) {
                // The claim may be granted later than the value is there.
                Poll::Ready(stop) => self.cell.get().ok_or(stop.into()),
                Poll::Pending => return Poll::Pending,
            }
        };
        self.end();
        Poll::Ready(done)
    }
}

impl<'a, T, S: Source<T>, L: Limit> Staged for GetOrTryInit<'a, T, S, L> {
    // The initializer runs in its poll.
    const COMMITTED: bool = false;

    fn set_blocking(self: Pin<&mut Self>, blocking: bool) {
        // SAFETY: the claim and the limit are pinned with this and not moved.
        let this = unsafe { self.get_unchecked_mut() };
        // SAFETY: as above.
        Operation::set_blocking(unsafe { Pin::new_unchecked(&mut this.claim) }, blocking);
        // SAFETY: as above.
        unsafe { Pin::new_unchecked(&mut this.limit) }.set_blocking(blocking);
    }

    fn wake_at(&self) -> Option<Instant> {
        self.limit.wake_at()
    }

    fn expire(self: Pin<&mut Self>, at: Instant) {
        // SAFETY: pinned with this and not moved.
        unsafe { self.map_unchecked_mut(|this| &mut this.limit) }.expire(at);
    }
}

/// Yields the value of a cell, and fills it if it is empty; made by
/// [`OnceCell::get_or_init_async`].
///
/// # Cancel safety
/// Dropping it drops the initializer and leaves the cell empty for the next.
///
/// # Panics
/// If the initializer does, or asks for the value that it is to make; the cell is empty then.
/// Polling it after it completed panics.
#[must_use = "futures do nothing unless you `.await` or `.wait()` for them"]
pub struct GetOrInit<'a, T, S>(GetOrTryInit<'a, T, S>);

impl<T, S> fmt::Debug for GetOrInit<'_, T, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<'a, T, S> GetOrInit<'a, T, S> {
    #[cfg_attr(feature = "hooks", track_caller)]
    pub(super) fn new(cell: &'a OnceCell<T>, source: S) -> Self {
        GetOrInit(GetOrTryInit::new(cell, source))
    }

    /// Bounds it: stops after `timeout`. A time too long for the clock never comes.
    pub fn timeout(self, timeout: Duration) -> BoundedGet<'a, T, S> {
        self.0.timeout(timeout)
    }

    /// Bounds it: stops at `deadline`.
    pub fn deadline(self, deadline: Instant) -> BoundedGet<'a, T, S> {
        self.0.deadline(deadline)
    }

    /// Bounds it: stops when the token of `ctl` is cancelled or at its deadline. With a token
    /// that is cancelled already nothing is tried.
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn with<'c>(self, ctl: &Ctl<'c>) -> BoundedGet<'a, T, S, ((), CtlStop<'c>)> {
        self.0.with(ctl)
    }

    /// Bounds it: stops, as if cancelled, when `stop` is ready; if both are, it wins.
    pub fn until<U: Future>(self, stop: U) -> BoundedGet<'a, T, S, ((), UntilStop<U>)> {
        self.0.until(stop)
    }
}

impl<'a, T, S: Source<T, Error = Infallible>> GetOrInit<'a, T, S> {
    /// Blocks this thread until there is a value; runs the initializer here.
    ///
    /// # Deadlocks
    /// Inside a task this blocks the executor's thread; `.await` it there.
    pub fn wait(self) -> &'a T {
        super::expect(self.0.wait())
    }
}

impl<'a, T, S: Source<T, Error = Infallible>> Future for GetOrInit<'a, T, S> {
    type Output = &'a T;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<&'a T> {
        // SAFETY: pinned with this and not moved.
        let inner = unsafe { self.map_unchecked_mut(|this| &mut this.0) };
        inner.poll(cx).map(super::expect)
    }
}

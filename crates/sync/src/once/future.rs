//! Futures that fill a cell: they claim it, run an asynchronous initializer, and may be bounded as
//! a whole.
//!
//! # Cancel
//! A future that is dropped or stopped drops the initializer, then the claim: the cell is empty, and
//! another one may begin. The same after a panic.
//!
//! # Waiting
//! The claim is an operation. Bounds are those of a second operation, which waits until the cell is
//! full: it stands in no queue unless there are bounds.

use core::convert::Infallible;
use core::fmt;
use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll};
use counterpoint_base::prim::time::{Duration, Instant};
use counterpoint_wait::cancel::Ctl;
use counterpoint_wait::hooks;
use counterpoint_wait::{Bounded, CtlStop, Stop, Stops, UntilStop, block_on};

use super::verb::{ClaimOnce, WaitOnce};
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

/// What may stop a future that fills a cell: [`Free`], or bounds.
pub trait Bound<'a, T: 'a>: Sealed {
    /// Whether it may stop anything.
    #[doc(hidden)]
    const STOPS: bool;

    /// Ready when it is stopped, or the cell is full.
    #[doc(hidden)]
    fn poll_bound(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<&'a T, Stop>>;
}

/// No bound.
#[derive(Clone, Copy, Debug)]
pub struct Free(());

impl Sealed for Free {}
impl<T, S> Sealed for Bounded<WaitOnce<'_, T>, S> {}

impl<'a, T: 'a> Bound<'a, T> for Free {
    const STOPS: bool = false;

    fn poll_bound(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<Result<&'a T, Stop>> {
        Poll::Pending
    }
}

impl<'a, T, S: Stops> Bound<'a, T> for Bounded<WaitOnce<'a, T>, S> {
    const STOPS: bool = true;

    fn poll_bound(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<&'a T, Stop>> {
        self.poll(cx)
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
pub struct GetOrTryInit<'a, T, S, B = Free> {
    cell: &'a OnceCell<T>,
    claim: ClaimOnce<'a, T>,
    run: Run<'a, T, S>,
    bound: B,
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

impl<T, S, B> fmt::Debug for GetOrTryInit<'_, T, S, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GetOrTryInit")
            .field("claimed", &self.run.init.is_some())
            .field("done", &self.run.source.is_none())
            .finish_non_exhaustive()
    }
}

/// One that is bounded.
type BoundedGet<'a, T, S, X = ()> = GetOrTryInit<'a, T, S, Bounded<WaitOnce<'a, T>, X>>;

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
            bound: Free(()),
            tried: false,
        }
    }

    fn bounded<B>(self, bound: impl FnOnce(WaitOnce<'a, T>) -> B) -> GetOrTryInit<'a, T, S, B> {
        assert!(!self.tried, "counterpoint: bounded after it was polled");
        GetOrTryInit {
            cell: self.cell,
            claim: self.claim,
            run: self.run,
            // Told of, it would look as if whoever fills the cell waited for it.
            bound: bound(self.cell.wait_async().untold()),
            tried: false,
        }
    }

    /// Bounds it: stops after `timeout`. A time too long for the clock never comes.
    pub fn timeout(self, timeout: Duration) -> BoundedGet<'a, T, S> {
        self.bounded(|wait| wait.timeout(timeout))
    }

    /// Bounds it: stops at `deadline`.
    pub fn deadline(self, deadline: Instant) -> BoundedGet<'a, T, S> {
        self.bounded(|wait| wait.deadline(deadline))
    }

    /// Bounds it: stops when the token of `ctl` is cancelled or at its deadline.
    pub fn with<'c>(self, ctl: &Ctl<'c>) -> BoundedGet<'a, T, S, ((), CtlStop<'c>)> {
        self.bounded(|wait| wait.with(ctl))
    }

    /// Bounds it: stops, as if cancelled, when `stop` is ready.
    pub fn until<U: Future>(self, stop: U) -> BoundedGet<'a, T, S, ((), UntilStop<U>)> {
        self.bounded(|wait| wait.until(stop))
    }
}

type Got<'a, T, E> = Result<&'a T, OnceCellError<E>>;

impl<'a, T, S: Source<T>, B: Bound<'a, T>> GetOrTryInit<'a, T, S, B> {
    /// Blocks this thread until there is a value or an error; runs the initializer here.
    ///
    /// # Errors
    /// As of the future.
    ///
    /// # Deadlocks
    /// Inside a task this blocks the executor's thread; `.await` it there.
    pub fn wait(self) -> Got<'a, T, S::Error> {
        block_on(self)
    }

    /// Claims and runs the initializer as far as it goes now.
    fn advance(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Got<'a, T, S::Error>> {
        // SAFETY: the claim and the source are pinned with this and not moved; the rest is not
        // structurally pinned.
        let this = unsafe { self.get_unchecked_mut() };
        if this.run.init.is_none() {
            // SAFETY: as above.
            let claim = unsafe { Pin::new_unchecked(&mut this.claim) };
            let claimed = match B::STOPS {
                true => hooks::bounded(|| claim.poll(cx)),
                false => claim.poll(cx),
            };
            match claimed {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error.widen())),
                Poll::Ready(Ok(Claim::Full(value))) => return Poll::Ready(Ok(value)),
                Poll::Ready(Ok(Claim::Init(init))) => this.run.init = Some(init),
            }
        }
        /// A panic drops the initializer and gives the claim up.
        struct Panicking<'r, 'a, T, S>(&'r mut Run<'a, T, S>);
        impl<T, S> Drop for Panicking<'_, '_, T, S> {
            fn drop(&mut self) {
                self.0.spend();
            }
        }
        let panicking = Panicking(&mut this.run);
        let source = panicking.0.source.as_mut().expect("not yet completed");
        // SAFETY: as above.
        let source = unsafe { Pin::new_unchecked(source) };
        let polled = this.cell.raw.inside(|| source.poll_value(cx));
        core::mem::forget(panicking);
        match polled {
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

impl<'a, T, S: Source<T>, B: Bound<'a, T>> Future for GetOrTryInit<'a, T, S, B> {
    type Output = Got<'a, T, S::Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        assert!(
            self.run.source.is_some(),
            "counterpoint: OnceCell::get_or_init polled after completion"
        );
        // SAFETY: pinned with this and not moved.
        let bound = unsafe { self.as_mut().map_unchecked_mut(|this| &mut this.bound) };
        let stopped = match bound.poll_bound(cx) {
            Poll::Ready(Err(stop)) => Some(stop),
            // Granted before the claim was: that one may still be queued.
            Poll::Ready(Ok(value)) => {
                self.end();
                return Poll::Ready(Ok(value));
            }
            Poll::Pending => None,
        };
        // SAFETY: a plain flag, not pinned.
        let tried = &mut unsafe { self.as_mut().get_unchecked_mut() }.tried;
        let first = !core::mem::replace(tried, true);
        let done = match stopped {
            Some(Stop::Cancelled) if first => Err(Stop::Cancelled.into()),
            _ => match (self.as_mut().advance(cx), stopped) {
                (Poll::Ready(done), _) => done,
                (Poll::Pending, Some(stop)) => Err(stop.into()),
                (Poll::Pending, None) => return Poll::Pending,
            },
        };
        self.end();
        Poll::Ready(done)
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

    /// Bounds it: stops when the token of `ctl` is cancelled or at its deadline.
    pub fn with<'c>(self, ctl: &Ctl<'c>) -> BoundedGet<'a, T, S, ((), CtlStop<'c>)> {
        self.0.with(ctl)
    }

    /// Bounds it: stops, as if cancelled, when `stop` is ready.
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
        block_on(self)
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

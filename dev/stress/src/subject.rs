//! A structure under test: its model, and how each operation of the model is done for real.

use crate::desk::Signal;
use crate::model::Model;
use crate::plan::Pick;
use counterpoint_base::prim::time::Duration;
use counterpoint_wait::cancel::{CancelToken, Ctl};
use counterpoint_wait::op::Verb;
use counterpoint_wait::{Op, Stop, block_on};
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::Poll;

/// A structure with its model.
///
/// To test a new one write a file in `subjects/`: the operations and what they return, the
/// [`Model`], and this trait; and give it a line in `subjects.rs`.
pub trait Subject: Model + Send + Sync + Sized + 'static {
    /// Its name in reports.
    const NAME: &'static str;

    /// Whether long histories of it are judged. Not if what happens can be understood in ever more
    /// ways as it goes on, or if after a while nothing happens any more.
    const LONG: bool = true;

    /// What the parties share.
    type Real: Send + Sync + 'static;

    /// What one party holds: guards, handles.
    type Local<'r>;

    /// A fresh one for so many parties.
    fn real(&self, parties: usize) -> Self::Real;

    /// What a party holds at the beginning. Called in the party's own thread.
    fn local<'r>(&self, real: &'r Self::Real, party: usize) -> Self::Local<'r>;

    /// Draws an operation for a party.
    fn choose(&self, party: usize, pick: &mut Pick<'_>) -> Self::Op;

    /// What a party does at the end of its steps: gives back what it may hold.
    fn closing(&self, party: usize) -> Option<Self::Op> {
        let _ = party;
        None
    }

    /// Does an operation, or begins to.
    fn start<'l, 'r: 'l>(
        &'l self,
        real: &'r Self::Real,
        local: &'l mut Self::Local<'r>,
        op: &Self::Op,
    ) -> Started<'l, Self::Ret>;

    /// Wakes those who wait and cannot be stopped in another way; called when a run has come to
    /// rest.
    fn stop(&self, real: &Self::Real) {
        let _ = real;
    }
}

/// What became of an operation that was begun.
pub enum Started<'l, R> {
    /// It is over.
    Done(R),
    /// It would have to wait, and may not.
    Refused,
    /// It may wait.
    Waits(Box<dyn Wait<R> + 'l>),
}

impl<R> std::fmt::Debug for Started<'_, R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Started::Done(_) => "Done",
            Started::Refused => "Refused",
            Started::Waits(_) => "Waits",
        })
    }
}

/// A boxed future.
pub type Awaited<'w, R> = Pin<Box<dyn Future<Output = Result<R, Stop>> + 'w>>;

/// An operation that was begun and may wait, in all its forms.
pub trait Wait<R> {
    /// Blocks the thread.
    fn block(self: Box<Self>, bound: &Bound<'_>) -> Result<R, Stop>;

    /// As a future, with a timeout or without.
    fn awaited<'w>(self: Box<Self>, timeout: Option<Duration>) -> Awaited<'w, R>
    where
        Self: 'w;
}

/// What ends a wait of a blocked thread.
#[derive(Debug)]
pub struct Bound<'b> {
    /// How it learns of the end of the run.
    pub end: End<'b>,
    /// A timeout.
    pub timeout: Option<Duration>,
}

/// How a wait learns of the end of the run.
#[derive(Debug)]
pub enum End<'b> {
    /// Not at all.
    Unknown,
    /// By a token.
    Token(&'b CancelToken),
    /// By a future.
    Signal(Signal<'b>),
}

impl<'l, R: 'l> Started<'l, R> {
    /// Waits by an operation; `done` makes something of its outcome.
    pub fn waits<V, F>(op: Op<V>, done: F) -> Started<'l, R>
    where
        V: Verb + 'l,
        F: FnOnce(V::Stoppable) -> Result<R, Stop> + 'l,
    {
        Started::Waits(Box::new(ByOp { op, done }))
    }

    /// Waits by another future, which knows no bounds of its own.
    pub fn awaits(future: impl Future<Output = R> + 'l) -> Started<'l, R> {
        Started::Waits(Box::new(ByFuture(future)))
    }
}

struct ByOp<V: Verb, F> {
    op: Op<V>,
    done: F,
}

impl<V: Verb, R, F: FnOnce(V::Stoppable) -> Result<R, Stop>> Wait<R> for ByOp<V, F> {
    fn block(self: Box<Self>, bound: &Bound<'_>) -> Result<R, Stop> {
        let ByOp { op, done } = *self;
        done(match (&bound.end, bound.timeout) {
            (End::Unknown, None) => V::finish(op.wait()),
            (End::Unknown, Some(timeout)) => op.timeout(timeout).wait(),
            (End::Token(token), None) => op.with(&Ctl::new().cancel(token)).wait(),
            (End::Token(token), Some(timeout)) => {
                op.with(&Ctl::new().cancel(token)).timeout(timeout).wait()
            }
            (End::Signal(signal), None) => op.until(signal.clone()).wait(),
            (End::Signal(signal), Some(timeout)) => {
                op.until(signal.clone()).timeout(timeout).wait()
            }
        })
    }

    fn awaited<'w>(self: Box<Self>, timeout: Option<Duration>) -> Awaited<'w, R>
    where
        Self: 'w,
    {
        let ByOp { op, done } = *self;
        match timeout {
            None => Box::pin(async move { done(V::finish(op.await)) }),
            Some(timeout) => Box::pin(async move { done(op.timeout(timeout).await) }),
        }
    }
}

struct ByFuture<F>(F);

impl<R, F: Future<Output = R>> Wait<R> for ByFuture<F> {
    fn block(self: Box<Self>, bound: &Bound<'_>) -> Result<R, Stop> {
        let mut future = Box::pin(self.0);
        let (end, timeout) = (&bound.end, bound.timeout);
        let mut stop = std::pin::pin!(async {
            match (end, timeout) {
                // Without a clock it comes at once.
                (_, Some(timeout)) if !cfg!(counterpoint_shuttle) => {
                    counterpoint_wait::timer::sleep(timeout).await;
                    return Stop::TimedOut;
                }
                (_, Some(_)) => return Stop::TimedOut,
                (End::Unknown, None) => std::future::pending().await,
                (End::Token(token), None) => token.cancelled().await,
                (End::Signal(signal), None) => signal.clone().await,
            }
            Stop::Cancelled
        });
        block_on(poll_fn(|cx| match future.as_mut().poll(cx) {
            Poll::Ready(ret) => Poll::Ready(Ok(ret)),
            Poll::Pending => stop.as_mut().poll(cx).map(Err),
        }))
    }

    fn awaited<'w>(self: Box<Self>, timeout: Option<Duration>) -> Awaited<'w, R>
    where
        Self: 'w,
    {
        let mut future = Box::pin(self.0);
        match timeout {
            None => Box::pin(async move { Ok(future.await) }),
            // A future without bounds of its own: what a task does is to look at the clock after it.
            Some(_) => Box::pin(poll_fn(move |cx| match future.as_mut().poll(cx) {
                Poll::Ready(ret) => Poll::Ready(Ok(ret)),
                Poll::Pending => Poll::Ready(Err(Stop::TimedOut)),
            })),
        }
    }
}

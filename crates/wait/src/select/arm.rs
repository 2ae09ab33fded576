//! The arms of a select: operations, which join its decision, and other futures, which are polled.

use core::fmt;
use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll, Waker};
use counterpoint_base::prim::time::Instant;

use crate::op::sealed::Sealed;
use crate::op::{Key, Operation};
use crate::queue::ArmRef;

/// What a select does with an arm. Implemented by [`ArmSlot`] and [`FutureSlot`].
#[doc(hidden)]
pub trait Arm: Sealed {
    /// Tries by itself; true if the output is in the slot.
    fn attempt(self: Pin<&mut Self>, key: Key) -> bool;
    /// Polls what cannot join the decision; true if the output is in the slot. Unless it `joins`,
    /// an operation takes no place in a queue for it.
    fn poll_soft(self: Pin<&mut Self>, cx: &mut Context<'_>, joins: bool) -> bool;
    /// Whether `poll_soft` may ever be true.
    fn has_soft(&self) -> bool;
    /// The select ends, and this arm with it: true if it was granted something before, and the
    /// output is in the slot.
    fn end(self: Pin<&mut Self>, key: Key) -> bool;
    /// Joins the decision; true if an attempt may succeed, and then it has not joined.
    fn register(self: Pin<&mut Self>, waker: Waker, arm: ArmRef, key: Key) -> bool;
    /// Leaves a decision that another arm has won, or that was aborted.
    fn unregister(self: Pin<&mut Self>, key: Key);
    /// It won: true if the output is in the slot.
    fn claim(self: Pin<&mut Self>, key: Key) -> bool;
    /// It won, but the select ends: gives the grant back.
    fn forfeit(self: Pin<&mut Self>, key: Key);
    /// The moment at which it wants to be polled at the latest.
    fn wake_at(&self) -> Option<Instant>;
    /// Whether a thread waits and minds `wake_at`.
    fn set_blocking(self: Pin<&mut Self>, blocking: bool);
    /// The thread slept until `at`.
    fn expire(self: Pin<&mut Self>, at: Instant);
    /// True if no foreign code runs when it is polled.
    fn is_committed(&self) -> bool;
}

/// An operation as an arm, with a place for its output.
#[must_use]
pub struct ArmSlot<O: Operation> {
    operation: O,
    output: Option<O::Output>,
}

/// Makes an operation an arm of a [`Select`](super::Select).
#[inline]
pub fn arm<O: Operation>(operation: O) -> ArmSlot<O> {
    ArmSlot {
        operation,
        output: None,
    }
}

/// A future as an arm, with a place for its output.
#[must_use]
pub struct FutureSlot<F: Future> {
    future: F,
    output: Option<F::Output>,
}

/// Makes any future an arm of a [`Select`](super::Select). It is polled when the task or thread
/// wakes; to keep it for a later select, hand in a `Pin<&mut F>`.
pub fn future_arm<F: Future>(future: F) -> FutureSlot<F> {
    FutureSlot {
        future,
        output: None,
    }
}

impl<O: Operation> fmt::Debug for ArmSlot<O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ArmSlot")
            .field("won", &self.output.is_some())
            .finish_non_exhaustive()
    }
}

impl<F: Future> fmt::Debug for FutureSlot<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FutureSlot")
            .field("won", &self.output.is_some())
            .finish_non_exhaustive()
    }
}

impl<O: Operation> ArmSlot<O> {
    /// The output, once this arm has won; `None` before and after it was taken.
    #[inline]
    pub fn take(self: Pin<&mut Self>) -> Option<O::Output> {
        self.output().take()
    }

    fn operation(self: Pin<&mut Self>) -> Pin<&mut O> {
        // SAFETY: the operation is pinned with the slot and not moved.
        unsafe { self.map_unchecked_mut(|slot| &mut slot.operation) }
    }

    fn output(self: Pin<&mut Self>) -> &mut Option<O::Output> {
        // SAFETY: the output is not pinned.
        &mut unsafe { self.get_unchecked_mut() }.output
    }

    #[inline]
    fn keep(self: Pin<&mut Self>, output: Option<O::Output>) -> bool {
        let won = output.is_some();
        if won {
            *self.output() = output;
        }
        won
    }
}

impl<O: Operation> Sealed for ArmSlot<O> {}

impl<O: Operation> Arm for ArmSlot<O> {
    #[inline]
    fn attempt(mut self: Pin<&mut Self>, key: Key) -> bool {
        let output = self.as_mut().operation().arm_try(key);
        self.keep(output)
    }

    fn poll_soft(mut self: Pin<&mut Self>, cx: &mut Context<'_>, joins: bool) -> bool {
        if !self.operation.has_soft() {
            return false;
        }
        let output = self.as_mut().operation().arm_soft(cx, joins);
        self.keep(output)
    }

    fn end(mut self: Pin<&mut Self>, key: Key) -> bool {
        if !self.operation.has_soft() {
            return false;
        }
        let output = self.as_mut().operation().arm_end(key);
        self.keep(output)
    }

    fn has_soft(&self) -> bool {
        self.operation.has_soft()
    }

    fn register(self: Pin<&mut Self>, waker: Waker, arm: ArmRef, key: Key) -> bool {
        self.operation().arm_register(waker, arm, key)
    }

    fn unregister(self: Pin<&mut Self>, key: Key) {
        self.operation().arm_unregister(key);
    }

    fn claim(mut self: Pin<&mut Self>, key: Key) -> bool {
        let output = self.as_mut().operation().arm_claim(key);
        self.keep(output)
    }

    fn forfeit(self: Pin<&mut Self>, key: Key) {
        self.operation().arm_forfeit(key);
    }

    fn wake_at(&self) -> Option<Instant> {
        self.operation.wake_at()
    }

    fn set_blocking(self: Pin<&mut Self>, blocking: bool) {
        self.operation().set_blocking(blocking);
    }

    fn expire(self: Pin<&mut Self>, at: Instant) {
        self.operation().expire(at);
    }

    fn is_committed(&self) -> bool {
        O::COMMITTED
    }
}

impl<F: Future> FutureSlot<F> {
    /// The output, once this arm has won; `None` before and after it was taken.
    pub fn take(self: Pin<&mut Self>) -> Option<F::Output> {
        // SAFETY: the output is not pinned.
        unsafe { self.get_unchecked_mut() }.output.take()
    }
}

impl<F: Future> Sealed for FutureSlot<F> {}

impl<F: Future> Arm for FutureSlot<F> {
    fn attempt(self: Pin<&mut Self>, _: Key) -> bool {
        false
    }

    fn poll_soft(self: Pin<&mut Self>, cx: &mut Context<'_>, _joins: bool) -> bool {
        // SAFETY: the future is pinned with the slot and not moved; the output is not pinned.
        let this = unsafe { self.get_unchecked_mut() };
        // SAFETY: as above.
        match unsafe { Pin::new_unchecked(&mut this.future) }.poll(cx) {
            Poll::Pending => false,
            Poll::Ready(output) => {
                this.output = Some(output);
                true
            }
        }
    }

    fn has_soft(&self) -> bool {
        true
    }

    fn end(self: Pin<&mut Self>, _: Key) -> bool {
        false
    }

    fn register(self: Pin<&mut Self>, _waker: Waker, _arm: ArmRef, _: Key) -> bool {
        false
    }

    fn unregister(self: Pin<&mut Self>, _: Key) {}

    fn claim(self: Pin<&mut Self>, _: Key) -> bool {
        unreachable!("a future does not join the decision")
    }

    fn forfeit(self: Pin<&mut Self>, _: Key) {
        unreachable!("a future does not join the decision")
    }

    fn wake_at(&self) -> Option<Instant> {
        None
    }

    fn set_blocking(self: Pin<&mut Self>, _blocking: bool) {}

    fn expire(self: Pin<&mut Self>, _at: Instant) {}

    fn is_committed(&self) -> bool {
        false
    }
}

/// The arms of one select: a nested pair for each, so that the whole is `Send` if its arms are.
#[doc(hidden)]
pub trait ArmList: Sealed {
    /// They go on waiting where they are when the select ends.
    const OUTLIVES: bool;
    /// How many there are.
    fn count(&self) -> usize;
    /// `Arm::attempt` of arm number `index`: the one step that is on every path.
    fn attempt(&mut self, index: usize, key: Key) -> bool;
    /// Calls `f` with arm number `index`.
    fn with(&mut self, index: usize, f: &mut dyn FnMut(Pin<&mut dyn Arm>));
    /// `Arm::has_soft` of arm number `index`.
    fn has_soft(&self, index: usize) -> bool;
    /// `Arm::wake_at` of arm number `index`.
    fn wake_at(&self, index: usize) -> Option<Instant>;
}

impl Sealed for () {}

impl ArmList for () {
    const OUTLIVES: bool = false;

    #[inline]
    fn count(&self) -> usize {
        0
    }

    #[inline]
    fn attempt(&mut self, index: usize, _: Key) -> bool {
        unreachable!("{index} more arms than there are")
    }

    #[inline]
    fn with(&mut self, index: usize, _f: &mut dyn FnMut(Pin<&mut dyn Arm>)) {
        unreachable!("{index} more arms than there are")
    }

    #[inline]
    fn has_soft(&self, _index: usize) -> bool {
        false
    }

    #[inline]
    fn wake_at(&self, _index: usize) -> Option<Instant> {
        None
    }
}

impl<A: Arm, R: ArmList> Sealed for (Pin<&mut A>, R) {}

impl<A: Arm, R: ArmList> ArmList for (Pin<&mut A>, R) {
    const OUTLIVES: bool = false;

    #[inline]
    fn count(&self) -> usize {
        1 + self.1.count()
    }

    #[inline]
    fn attempt(&mut self, index: usize, key: Key) -> bool {
        match index.checked_sub(1) {
            None => self.0.as_mut().attempt(key),
            Some(index) => self.1.attempt(index, key),
        }
    }

    #[inline]
    fn with(&mut self, index: usize, f: &mut dyn FnMut(Pin<&mut dyn Arm>)) {
        match index.checked_sub(1) {
            None => f(self.0.as_mut()),
            Some(index) => self.1.with(index, f),
        }
    }

    #[inline]
    fn has_soft(&self, index: usize) -> bool {
        match index.checked_sub(1) {
            None => self.0.has_soft(),
            Some(index) => self.1.has_soft(index),
        }
    }

    #[inline]
    fn wake_at(&self, index: usize) -> Option<Instant> {
        match index.checked_sub(1) {
            None => self.0.wake_at(),
            Some(index) => self.1.wake_at(index),
        }
    }
}

/// The output of the first arm, or of one of the others.
#[doc(hidden)]
#[derive(Debug)]
pub enum Either<L, R> {
    /// Of the first.
    Left(L),
    /// Of one of the others.
    Right(R),
}

/// Chooses the slot of an operation: preferred over [`FutureKind`] by method lookup.
#[doc(hidden)]
pub trait OpKind: Operation {
    /// The slot.
    fn arm_kind(&self) -> OpTag {
        OpTag
    }
}

impl<O: Operation> OpKind for O {}

/// Chooses the slot of any other future.
#[doc(hidden)]
pub trait FutureKind {
    /// The slot.
    fn arm_kind(&self) -> FutureTag {
        FutureTag
    }
}

impl<F: Future> FutureKind for &F {}

/// Makes an [`ArmSlot`].
#[doc(hidden)]
#[derive(Debug)]
pub struct OpTag;

impl OpTag {
    /// The slot.
    #[inline(always)]
    pub fn slot<O: Operation>(self, operation: O) -> ArmSlot<O> {
        arm(operation)
    }
}

/// Makes a [`FutureSlot`].
#[doc(hidden)]
#[derive(Debug)]
pub struct FutureTag;

impl FutureTag {
    /// The slot.
    #[inline(always)]
    pub fn slot<F: Future>(self, future: F) -> FutureSlot<F> {
        future_arm(future)
    }
}

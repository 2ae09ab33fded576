//! A select whose arms are known at run time only.

use core::fmt;
use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll};
use counterpoint_base::prim::time::{Duration, Instant, deadline};

use super::arm::{Arm, ArmList};
use super::{Patience, Selecting};
use crate::op::Key;

/// Waits for the first of a number of arms that is known at run time.
///
/// Make arms with [`arm`](super::arm) and [`future_arm`](super::future_arm), pin them, and add
/// them; the number that a wait returns is the one that `add` gave, and the output is taken from
/// the arm. An arm that has won is complete: [`remove`](Self::remove) it before the next wait.
/// Where the arms are known when you write the program, use [`select!`](macro@crate::select).
///
/// An arm of a barrier or of an event stays in its queue between two waits, and what it is granted
/// there is taken by the next one. One that is to write a sharded lock may have claimed it, so that
/// readers wait. To give its place up drop the arm.
///
/// # Cost
/// One allocation for the list of arms; a wait costs in proportion to their number and allocates
/// nothing.
///
/// ```
/// use counterpoint_wait::cancel::CancelToken;
/// use counterpoint_wait::select::{Select, arm};
/// use std::pin::pin;
///
/// let (a, b) = (CancelToken::new(), CancelToken::new());
/// b.cancel("done");
/// let (mut a, mut b) = (pin!(arm(a.cancelled())), pin!(arm(b.cancelled())));
/// let mut select = Select::new();
/// select.add(a.as_mut());
/// let second = select.add(b.as_mut());
/// assert_eq!(select.wait(), second);
/// ```
#[derive(Default)]
pub struct Select<'a> {
    arms: Vec<Option<Pin<&'a mut (dyn Arm + Send + 'a)>>>,
    biased: bool,
}

impl fmt::Debug for Select<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Select")
            .field("arms", &self.len())
            .finish_non_exhaustive()
    }
}

impl<'a> Select<'a> {
    /// A select without arms. Of several arms that could win, any may.
    pub const fn new() -> Select<'a> {
        Select {
            arms: Vec::new(),
            biased: false,
        }
    }

    /// A select without arms, in which the first that can win does.
    pub const fn biased() -> Select<'a> {
        Select {
            arms: Vec::new(),
            biased: true,
        }
    }

    /// Adds an arm and returns its number.
    pub fn add<A: Arm + Send + 'a>(&mut self, arm: Pin<&'a mut A>) -> usize {
        self.arms.push(Some(arm));
        self.arms.len() - 1
    }

    /// Removes an arm; the others keep their numbers. False if there was none.
    pub fn remove(&mut self, index: usize) -> bool {
        self.arms
            .get_mut(index)
            .is_some_and(|arm| arm.take().is_some())
    }

    /// How many arms there are.
    pub fn len(&self) -> usize {
        self.arms.iter().flatten().count()
    }

    /// True without arms.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn selecting(&mut self, patience: Patience) -> Selecting<&mut Select<'a>> {
        let biased = self.biased;
        Selecting::new(self, biased, patience)
    }

    /// Blocks this thread until an arm wins, and returns its number.
    ///
    /// # Deadlocks
    /// Without arms it waits for ever.
    pub fn wait(&mut self) -> usize {
        self.selecting(Patience::Forever)
            .wait()
            .expect("its patience has no end")
    }

    /// The number of an arm that can win without waiting.
    pub fn try_now(&mut self) -> Option<usize> {
        self.selecting(Patience::Now).wait()
    }

    /// Blocks this thread until an arm wins, at most for `timeout`; zero tries once.
    pub fn wait_timeout(&mut self, timeout: Duration) -> Option<usize> {
        self.selecting(Patience::Until(deadline(timeout))).wait()
    }

    /// Blocks this thread until an arm wins, at most until `deadline`; one in the past tries once.
    pub fn wait_deadline(&mut self, deadline: Instant) -> Option<usize> {
        self.selecting(Patience::Until(Some(deadline))).wait()
    }

    /// A future that yields the number of the arm that wins.
    ///
    /// # Cancel safety
    /// Dropping it leaves no arm registered.
    ///
    /// # Panics
    /// If it is polled after it was ready.
    pub fn wait_async(&mut self) -> SelectWait<'_, 'a> {
        SelectWait {
            selecting: self.selecting(Patience::Forever),
            done: false,
        }
    }
}

/// Waits for an arm of a [`Select`] as a task.
#[derive(Debug)]
#[must_use = "futures do nothing unless you `.await` them"]
pub struct SelectWait<'s, 'a> {
    selecting: Selecting<&'s mut Select<'a>>,
    done: bool,
}

impl SelectWait<'_, '_> {
    /// True once it was ready: it must not be polled again.
    pub fn is_terminated(&self) -> bool {
        self.done
    }
}

impl Future for SelectWait<'_, '_> {
    type Output = usize;

    #[track_caller]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<usize> {
        // SAFETY: the select is pinned with this and not moved; the flag is not pinned.
        let this = unsafe { self.get_unchecked_mut() };
        assert!(!this.done, "SelectWait polled after it was ready");
        // SAFETY: as above.
        let polled = unsafe { Pin::new_unchecked(&mut this.selecting) }.poll(cx);
        this.done = polled.is_ready();
        polled.map(|winner| winner.expect("its patience has no end"))
    }
}

#[cfg(feature = "futures")]
impl futures_core::FusedFuture for SelectWait<'_, '_> {
    fn is_terminated(&self) -> bool {
        self.done
    }
}

impl crate::op::sealed::Sealed for &mut Select<'_> {}

impl ArmList for &mut Select<'_> {
    const OUTLIVES: bool = true;

    fn count(&self) -> usize {
        self.arms.len()
    }

    fn attempt(&mut self, index: usize, key: Key) -> bool {
        let arm = self.arms[index].as_mut();
        arm.is_some_and(|arm| arm.as_mut().attempt(key))
    }

    fn with(&mut self, index: usize, f: &mut dyn FnMut(Pin<&mut dyn Arm>)) {
        if let Some(arm) = &mut self.arms[index] {
            f(arm.as_mut());
        }
    }

    fn has_soft(&self, index: usize) -> bool {
        self.arms[index].as_ref().is_some_and(|arm| arm.has_soft())
    }

    fn wake_at(&self, index: usize) -> Option<Instant> {
        self.arms[index].as_ref().and_then(|arm| arm.wake_at())
    }
}

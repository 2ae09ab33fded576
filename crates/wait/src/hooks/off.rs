//! The hooks without the feature: nothing.

use core::marker::PhantomData;
use core::task::Waker;

use crate::queue::WaitQueue;

/// A place in the program; known with the feature `hooks` only.
#[derive(Clone, Copy, Debug)]
pub struct Site;

impl Site {
    /// The caller.
    #[inline(always)]
    #[must_use]
    pub const fn here() -> Site {
        Site
    }

    /// The same, of an attempt that does not wait.
    #[inline(always)]
    #[must_use]
    pub const fn trying(self) -> Site {
        self
    }
}

/// What a guard needs to tell that it lets go; empty without the feature `hooks`.
#[derive(Clone, Copy, Debug)]
pub struct Hold;

impl Hold {
    /// Of a guard that was not told about.
    pub const NONE: Hold = Hold;
}

/// A guard is used by its holder: does nothing without the feature `hooks`.
#[inline(always)]
pub fn used(_hold: &Hold) {}

/// A guard has a new holder, the caller: does nothing without the feature `hooks`.
#[inline(always)]
pub fn moved(_hold: &Hold) {}

/// Runs `f`, whose waits something else may end as well: does nothing more without the feature
/// `hooks`.
#[inline(always)]
pub fn bounded<R>(f: impl FnOnce() -> R) -> R {
    f()
}

/// No panic of a sink comes through; there is none without the feature `hooks`.
#[derive(Debug)]
pub struct Calm(PhantomData<*mut ()>);

impl Calm {
    /// From now on.
    #[inline(always)]
    #[must_use]
    pub const fn begin() -> Calm {
        Calm(PhantomData)
    }
}

/// Runs `f`, which tells of a guard that an operation yields.
#[inline(always)]
pub(crate) fn in_poll<R>(f: impl FnOnce() -> R) -> R {
    f()
}

/// Whether a thread is blocked for an operation.
#[derive(Clone, Copy)]
pub(crate) struct Firm;

impl Firm {
    #[inline(always)]
    pub(crate) fn of(_blocking: bool) -> Firm {
        Firm
    }
}

/// Whether a thread polls a future of the user's, or several operations.
#[derive(Clone, Copy)]
pub(crate) struct Mixed;

impl Mixed {
    pub(crate) const YES: Mixed = Mixed;
    pub(crate) const NO: Mixed = Mixed;
}

/// Something is polled with a waker.
pub(crate) struct Polled;

impl Polled {
    #[inline(always)]
    pub(crate) fn by(_waker: &Waker) -> Polled {
        Polled
    }
}

/// A guard came to be: does nothing without the feature `hooks`.
#[inline(always)]
pub fn held<S, P>(
    _kind: &'static str,
    _queue: &WaitQueue<S, P>,
    _site: Site,
    _units: usize,
) -> Hold {
    Hold
}

/// A guard is about to let go: does nothing without the feature `hooks`.
#[inline(always)]
pub fn released(_hold: Hold) {}

/// A hold stands for another number of units: does nothing without the feature `hooks`.
#[inline(always)]
pub fn changed(_hold: &mut Hold, _units: usize) {}

/// What is held is given up for good: does nothing without the feature `hooks`.
#[inline(always)]
pub fn forgotten(_hold: Hold) {}

/// Units came to be that nobody holds: does nothing without the feature `hooks`.
#[inline(always)]
pub fn added<S, P>(_kind: &'static str, _queue: &WaitQueue<S, P>, _site: Site, _units: usize) {}

/// Units ended that nobody held: does nothing without the feature `hooks`.
#[inline(always)]
pub fn removed<S, P>(_kind: &'static str, _queue: &WaitQueue<S, P>, _site: Site, _units: usize) {}

/// A hold that is lent while its owner waits; empty without the feature `hooks`.
#[derive(Debug, Default)]
pub struct Lending;

impl Lending {
    /// Nothing is lent.
    #[inline(always)]
    #[must_use]
    pub const fn new() -> Lending {
        Lending
    }

    /// The owner of the hold waits: does nothing without the feature `hooks`.
    #[inline(always)]
    pub fn lend(&mut self, _hold: Hold) {}

    /// It waits no more: does nothing without the feature `hooks`.
    #[inline(always)]
    pub fn back(&mut self) {}

    /// The hold has ended: does nothing without the feature `hooks`.
    #[inline(always)]
    pub fn ended(&mut self) {}
}

/// Names a primitive: does nothing without the feature `hooks`.
#[inline(always)]
pub fn name<S, P>(_queue: &WaitQueue<S, P>, _name: &'static str) {}

/// Ranks a primitive: does nothing without the feature `hooks`.
#[inline(always)]
pub fn rank<S, P>(_queue: &WaitQueue<S, P>, _rank: u32) {}

/// What the primitive with `queue` was named: nothing without the feature `hooks`.
#[inline(always)]
pub fn label<S, P>(_queue: &WaitQueue<S, P>) -> Option<&'static str> {
    None
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Mark;

impl Mark {
    pub(crate) const NONE: Mark = Mark;

    #[inline(always)]
    pub(crate) const fn here() -> Mark {
        Mark
    }

    #[inline(always)]
    pub(crate) fn site(self) -> Site {
        Site
    }

    #[inline(always)]
    pub(crate) fn set_site(&mut self, _site: Site) {}

    #[inline(always)]
    pub(crate) fn silence(&mut self) {}

    #[inline(always)]
    pub(crate) fn enroll(
        &mut self,
        _kind: &'static str,
        _tag: &Tag,
        _units: usize,
        _alone: bool,
        _firm: Firm,
    ) -> Mark {
        Mark
    }

    #[inline(always)]
    pub(crate) fn waiting(self, _alone: bool) {}

    #[inline(always)]
    pub(crate) fn granted(self) {}

    #[inline(always)]
    pub(crate) fn taken(&mut self) {}

    #[inline(always)]
    pub(crate) fn left(&mut self) {}
}

/// Where a queue is that is about to move.
pub(crate) struct Place;

impl Place {
    #[inline(always)]
    pub(crate) const fn of<S, P>(_queue: &WaitQueue<S, P>) -> Place {
        Place
    }

    #[inline(always)]
    pub(crate) fn left(self) {}
}

/// The part of a queue that knows whether it was named.
#[derive(Debug)]
pub(crate) struct Tag;

impl Tag {
    #[inline(always)]
    pub(crate) const fn new() -> Tag {
        Tag
    }
}

//! The hooks without the feature: nothing.

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
}

/// What a guard needs to tell that it lets go; empty without the feature `hooks`.
#[derive(Clone, Copy, Debug)]
pub struct Hold;

impl Hold {
    /// Of a guard that was not told about.
    pub const NONE: Hold = Hold;
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

/// Names a primitive: does nothing without the feature `hooks`.
#[inline(always)]
pub fn name<S, P>(_queue: &WaitQueue<S, P>, _name: &'static str) {}

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
    pub(crate) fn enroll(&mut self, _kind: &'static str, _tag: &Tag, _units: usize) -> Mark {
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

/// The part of a queue that knows whether it was named.
#[derive(Debug)]
pub(crate) struct Tag;

impl Tag {
    #[inline(always)]
    pub(crate) const fn new() -> Tag {
        Tag
    }
}

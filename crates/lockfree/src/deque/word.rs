//! The word in which a deque says what belongs to whom: its bits, behind names.

/// A thief has asked for tasks that are the owner's.
const PENDING: u64 = 1;
/// Last in, first out: thieves took all that they were offered, so the next push offers more.
const HUNGRY: u64 = 2;
/// First in, first out: every task is taken by moving `start`, also by the owner.
const RUN: u64 = 4;
/// First in, first out: a run that a thief began, began at an odd position.
const ODD: u64 = 8;
/// Last in, first out: the owner fences in each pop, so a thief that asks needs no heavy fence.
const STRONG: u64 = 8;
const COUNT_SHIFT: u32 = 4;
const START_SHIFT: u32 = 32;

/// The most tasks that are offered at once.
const MOST: u32 = (1 << (START_SHIFT - COUNT_SHIFT)) - 1;

/// One value of the word.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Word(pub(super) u64);

impl Word {
    /// Not a word that ever stands there.
    pub(super) const NEVER: Word = Word(PENDING | RUN);

    /// `count` tasks from `start` on are offered, fewer if they are too many.
    pub(super) const fn open(start: u32, count: u32) -> Word {
        let count = if count < MOST { count } else { MOST };
        Word((start as u64) << START_SHIFT | (count as u64) << COUNT_SHIFT)
    }

    /// The same, after thieves took all that they were offered before.
    pub(super) const fn hungry(self) -> Word {
        Word(self.0 | HUNGRY)
    }

    /// The same, and the owner fences in each pop.
    pub(super) const fn strong(self) -> Word {
        Word(self.0 | STRONG)
    }

    /// The same, and the owner fences if it did at `other`. Not for a run.
    pub(super) const fn as_strong_as(self, other: Word) -> Word {
        Word(self.0 | other.0 & STRONG)
    }

    /// A thief asks; the ticket tells it from others that asked in the same state.
    pub(super) const fn pending(start: u32, ticket: u32) -> Word {
        Word((start as u64) << START_SHIFT | ((ticket & MOST) as u64) << COUNT_SHIFT | PENDING)
    }

    /// A run, of which `start` is next; it began at `base`.
    pub(super) const fn run(start: u32, base: u32) -> Word {
        let odd = if base % 2 == 1 { ODD } else { 0 };
        Word((start as u64) << START_SHIFT | RUN | odd)
    }

    /// After `count` offered tasks were taken from the front.
    pub(super) const fn without(self, count: u32) -> Word {
        self.later(count).raw_minus((count as u64) << COUNT_SHIFT)
    }

    /// After `count` tasks of a run were taken.
    pub(super) const fn later(self, count: u32) -> Word {
        Word(self.0.wrapping_add((count as u64) << START_SHIFT))
    }

    const fn raw_minus(self, bits: u64) -> Word {
        Word(self.0 - bits)
    }

    pub(super) const fn start(self) -> u32 {
        (self.0 >> START_SHIFT) as u32
    }

    /// How many tasks are offered; none while a thief asks.
    pub(super) const fn count(self) -> u32 {
        if self.is_pending() {
            0
        } else {
            (self.0 as u32) >> COUNT_SHIFT
        }
    }

    /// Where the offered tasks end.
    pub(super) const fn end(self) -> u32 {
        self.start().wrapping_add(self.count())
    }

    pub(super) const fn is_pending(self) -> bool {
        self.0 & PENDING != 0
    }

    pub(super) const fn is_run(self) -> bool {
        self.0 & RUN != 0
    }

    /// Whether the owner fences in each pop.
    pub(super) const fn is_strong(self) -> bool {
        self.0 & (STRONG | RUN) == STRONG
    }

    /// Whether the next push should offer something.
    #[inline(always)]
    pub(super) const fn wants(self) -> bool {
        self.0 as u32 & !(STRONG as u32) == HUNGRY as u32
    }

    /// Whether a run that a thief began, began at `position`, if it was that or the one before.
    pub(super) const fn began_at(self, position: u32) -> bool {
        (self.0 & ODD != 0) == (position % 2 == 1)
    }
}

/// How many positions lie from `from` to `to`; none if `to` is behind.
pub(super) const fn between(from: u32, to: u32) -> u32 {
    let distance = to.wrapping_sub(from);
    if (distance as i32) < 0 { 0 } else { distance }
}

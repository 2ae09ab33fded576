//! What an owner and its thieves share, and the thieves' side; the protocol is told in README.md
//! beside this file.

use alloc::boxed::Box;
use core::marker::PhantomData;
use core::ptr;
use counterpoint_base::CachePadded;
use counterpoint_base::fence;
use counterpoint_base::prim::atomic::{
    AtomicPtr, AtomicU32, AtomicU64, RELAXED, acq_rel, acquire, fence_seq_cst,
};
use counterpoint_base::prim::hint;
use counterpoint_base::tune::{FIRST_POSITION, RING, STEAL_PATIENCE};

use super::ring::Ring;
use super::word::{Word, between};

/// At which end the owner pops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flavor {
    Fifo,
    Lifo,
}

/// Written by the owner alone.
pub(super) struct Owned<T> {
    /// Behind the newest task.
    pub(super) bottom: AtomicU32,
    /// First in, first out, and no run: the oldest task.
    pub(super) front: AtomicU32,
    pub(super) ring: AtomicPtr<Ring<T>>,
}

/// Written by the thieves, seldom by the owner.
struct Common {
    word: AtomicU64,
    tickets: AtomicU32,
}

/// A deque.
pub(super) struct Shared<T> {
    pub(super) owned: CachePadded<Owned<T>>,
    common: CachePadded<Common>,
    pub(super) flavor: Flavor,
    marker: PhantomData<T>,
}

// SAFETY: a task belongs to one thread at a time (I1), and the ring's notes to the owner.
unsafe impl<T: Send> Send for Shared<T> {}
// SAFETY: as above.
unsafe impl<T: Send> Sync for Shared<T> {}

/// Tasks in a row that a thief has taken and not yet read.
pub(super) struct Claimed<T> {
    ring: *const Ring<T>,
    pub(super) start: u32,
    pub(super) count: u32,
}

impl<T> Claimed<T> {
    /// # Safety
    /// `position` is one of these, and is not read again.
    #[inline(always)]
    pub(super) unsafe fn take(&self, position: u32) -> T {
        // SAFETY: I1: it is this thief's, and by the caller's promise not yet read; I3: the ring is
        // kept until each task that was taken is out.
        unsafe { Ring::take(self.ring, position) }
    }
}

/// What became of an attempt to take.
pub(super) enum Attempt<T> {
    Empty,
    Lost,
    Claimed(Claimed<T>),
}

impl<T> Shared<T> {
    pub(super) fn new(flavor: Flavor) -> Shared<T> {
        Shared {
            owned: CachePadded::new(Owned {
                bottom: AtomicU32::new(FIRST_POSITION),
                front: AtomicU32::new(FIRST_POSITION),
                ring: AtomicPtr::new(Ring::allocate(RING, FIRST_POSITION)),
            }),
            common: CachePadded::new(Common {
                word: AtomicU64::new(Word::open(FIRST_POSITION, 0).0),
                tickets: AtomicU32::new(0),
            }),
            flavor,
            marker: PhantomData,
        }
    }

    /// The word as it is. Relaxed: what follows from it is settled by an exchange, or by the
    /// fences of E2.
    #[inline(always)]
    pub(super) fn word(&self) -> Word {
        Word(self.common.word.load(RELAXED))
    }

    /// Replaces the word, by the owner.
    #[inline(always)]
    pub(super) fn replace(
        &self,
        from: Word,
        to: Word,
        order: counterpoint_base::prim::atomic::Order,
    ) -> bool {
        // Relaxed in failure: the caller looks again.
        let swapped = self
            .common
            .word
            .compare_exchange(from.0, to.0, order, RELAXED);
        swapped.is_ok()
    }

    /// Writes the word as it is: whoever takes anything from now on sees what was done before.
    pub(super) fn seal(&self) -> Word {
        // Release [E3]: hands a new ring to the acquire of whoever takes from now on.
        let release = counterpoint_base::prim::atomic::release("deque.seal");
        Word(self.common.word.fetch_add(0, release))
    }

    /// How many tasks there seem to be. None: at one moment meanwhile there was none.
    pub(super) fn len(&self) -> u32 {
        // Acquire [E6], here and below: `bottom` is no older than what was taken by then.
        let word = Word(self.common.word.load(acquire("deque.seen_word")));
        let first = if self.first_is_in(word) {
            word.start()
        } else {
            self.owned.front.load(acquire("deque.seen_front"))
        };
        match between(first, self.bottom()) {
            // `bottom` may stand before tasks that are offered [I6].
            0 => self.word().count(),
            count => count,
        }
    }

    /// Behind the newest task.
    #[inline(always)]
    fn bottom(&self) -> u32 {
        // Acquire [E1, E6]: pairs with the releases in `push` and `pop`.
        self.owned.bottom.load(acquire("deque.bottom"))
    }

    /// Whether the word says which task is the oldest, and not `front`.
    fn first_is_in(&self, word: Word) -> bool {
        self.flavor == Flavor::Lifo || word.is_run()
    }

    /// Tries once to take the oldest tasks: as many as `choose` makes of the number of tasks that
    /// there seem to be, which is at least 1.
    #[inline]
    pub(super) fn claim(&self, choose: impl FnOnce(u32) -> u32) -> Attempt<T> {
        let word = self.word();
        if word.is_pending() {
            return self.help(word, choose);
        }
        let count = word.count();
        if count > 0 {
            // Relaxed: for a guess at how many there are.
            let bottom = self.owned.bottom.load(RELAXED);
            let all = between(word.start(), bottom).max(count);
            // Half of twice the offer is all of it: who makes room makes no more than is taken.
            let taken = choose(all.min(count.saturating_mul(2))).min(count);
            return self.take(word, word.without(taken), taken);
        }
        if word.is_run() {
            let all = between(word.start(), self.bottom());
            if all == 0 {
                return self.nothing();
            }
            // Or room would be made for tasks that went through meanwhile.
            if self.word() != word {
                return Attempt::Lost;
            }
            let taken = choose(all);
            return self.take(word, word.later(taken), taken);
        }
        self.ask(word, choose)
    }

    #[inline]
    fn take(&self, word: Word, to: Word, count: u32) -> Attempt<T> {
        // Acquire [E1, E3]: the tasks that were offered, and the ring they are in. Release [E6]: in
        // a run, that there were tasks. Relaxed: lost.
        let order = acq_rel("deque.claim");
        let taken = self
            .common
            .word
            .compare_exchange(word.0, to.0, order, RELAXED);
        if taken.is_err() {
            return Attempt::Lost;
        }
        self.claimed(word.start(), count)
    }

    #[inline]
    fn claimed(&self, start: u32, count: u32) -> Attempt<T> {
        // Acquire [E3]: pairs with the release in `replace_ring`; a ring no older than when the
        // tasks were taken.
        let ring = self.owned.ring.load(acquire("deque.ring"));
        Attempt::Claimed(Claimed { ring, start, count })
    }

    /// Empty, if it is so in the one order of all fences.
    #[cold]
    fn nothing(&self) -> Attempt<T> {
        fence_seq_cst("deque.empty"); // [E5]
        if self.len() == 0 {
            Attempt::Empty
        } else {
            Attempt::Lost
        }
    }

    /// Asks for tasks that are the owner's.
    #[cold]
    fn ask(&self, word: Word, choose: impl FnOnce(u32) -> u32) -> Attempt<T> {
        if self.len() == 0 {
            return self.nothing();
        }
        // Relaxed: any number that did not stand there lately.
        let ticket = self.common.tickets.fetch_add(1, RELAXED);
        let pending = Word::pending(word.start(), ticket).as_strong_as(word);
        // Relaxed: what the owner stored before an exchange of its own is ordered by the fence that
        // follows in `settle` [E2]; lost.
        let asked = self
            .common
            .word
            .compare_exchange(word.0, pending.0, RELAXED, RELAXED);
        if asked.is_err() {
            return Attempt::Lost;
        }
        self.settle(pending, choose)
    }

    /// Another thief asks: waits a little, and then settles what it asks for in its place.
    #[cold]
    fn help(&self, pending: Word, choose: impl FnOnce(u32) -> u32) -> Attempt<T> {
        for _ in 0..STEAL_PATIENCE {
            if self.word() != pending {
                return Attempt::Lost;
            }
            hint::spin_loop();
        }
        // That the word still stood there is ordered by the fence in `settle`, as in `ask`.
        self.settle(pending, choose)
    }

    /// Takes what the owner has not taken before it could see that somebody asks.
    fn settle(&self, pending: Word, choose: impl FnOnce(u32) -> u32) -> Attempt<T> {
        if pending.is_strong() {
            fence_seq_cst("deque.strong_steal"); // [E2]
        } else {
            fence::heavy("deque.steal"); // [E2]
        }
        let bottom = self.bottom();
        let first = match self.flavor {
            Flavor::Lifo => pending.start(),
            // Acquire [E6]: the run begins behind what is popped, and who sees it sees what was pushed
            // by then. The fence orders the rest.
            Flavor::Fifo => self.owned.front.load(acquire("deque.settled_front")),
        };
        let all = between(first, bottom);
        if all == 0 {
            // Relaxed, both: as nothing was taken, nothing is told.
            let calm = Word::open(pending.start(), 0).as_strong_as(pending);
            let _ = self
                .common
                .word
                .compare_exchange(pending.0, calm.0, RELAXED, RELAXED);
            return self.nothing();
        }
        let count = choose(all);
        let start = first.wrapping_add(count);
        let to = match self.flavor {
            Flavor::Lifo => Word::open(start, all - count)
                .hungry()
                .as_strong_as(pending),
            Flavor::Fifo => Word::run(start, first),
        };
        // Release [E1]: hands the tasks on to those who take the others; acquire [E3]: the ring.
        // Relaxed: lost to the owner, or to another thief.
        let order = acq_rel("deque.settle");
        let settled = self
            .common
            .word
            .compare_exchange(pending.0, to.0, order, RELAXED);
        if settled.is_err() {
            return Attempt::Lost;
        }
        self.claimed(first, count)
    }
}

/// Goes on when the destructor of a task has panicked.
struct Rest<'d, T> {
    ring: &'d Ring<T>,
    next: u32,
    end: u32,
}

impl<T> Rest<'_, T> {
    fn clear(&mut self) {
        while self.next != self.end {
            let position = self.next;
            self.next = position.wrapping_add(1);
            // SAFETY: nobody else has the deque, and the task was not taken.
            drop(unsafe { self.ring.read(position) });
        }
    }
}

impl<T> Drop for Rest<'_, T> {
    fn drop(&mut self) {
        self.clear();
    }
}

/// Frees a ring and those before it.
struct Rings<T>(*mut Ring<T>);

impl<T> Drop for Rings<T> {
    fn drop(&mut self) {
        while !self.0.is_null() {
            // SAFETY: nobody else has the deque; each ring comes from `allocate`.
            let ring = unsafe { Box::from_raw(self.0) };
            self.0 = ring.earlier.get();
        }
    }
}

impl<T> Drop for Shared<T> {
    fn drop(&mut self) {
        // Relaxed: `&mut self` shows that every other thread is done.
        let rings = Rings(self.owned.ring.load(RELAXED));
        debug_assert_ne!(rings.0, ptr::null_mut());
        let word = self.word();
        let next = if self.first_is_in(word) {
            word.start()
        } else {
            self.owned.front.load(RELAXED)
        };
        let end = self.owned.bottom.load(RELAXED);
        // SAFETY: as in `Rings`.
        let ring = unsafe { &*rings.0 };
        let mut rest = Rest { ring, next, end };
        rest.clear();
    }
}

//! The owner's side of a deque; the protocol is told in README.md beside this file.

use alloc::boxed::Box;
use core::cell::Cell;
use core::fmt;
use counterpoint_base::fence;
use counterpoint_base::prim::atomic::{RELAXED, fence_seq_cst, release};
use counterpoint_base::tune::{CALM_AFTER, FIRST_POSITION, IDLE_BEFORE_HALF, RING};

use super::ring::{Ring, Slot};
pub(super) use super::shared::Flavor;
use super::shared::Shared;
use super::stealer::Stealer;
use super::word::{Word, between};
use super::{Arc, len_of};

/// The end of a deque that one thread owns: it pushes tasks and pops them, while thieves take the
/// oldest ones through a [`Stealer`].
///
/// Made for schedulers: each of their threads has a worker. What is pushed and popped by the owner
/// alone costs neither a fence nor a locked instruction; the thieves pay.
///
/// Not for queues between threads of equal rank (see [`SegQueue`](crate::queue::SegQueue)), nor for
/// values that many threads push (see [`Injector`](super::Injector)). It moves to another thread,
/// but is not shared.
///
/// # Cost
/// On Linux a push or a pop is a few plain instructions while nobody steals, and the first theft
/// after a while a system call that disturbs the threads of this process, for as many tasks as
/// there are; elsewhere a pop has a fence. The ring of tasks starts with 64 places; it doubles
/// when it is full, and is halved when it was found empty often. A task takes its own size and
/// that of a `u32`, aligned.
///
/// # Progress
/// The owner never waits for anybody, and thieves wait for nobody for long. A thief that is
/// interrupted between taking a task and reading it keeps its place in the ring from being used
/// again; the ring may grow meanwhile.
///
/// # Examples
/// ```
/// use counterpoint_lockfree::deque::{Steal, Worker};
///
/// let worker = Worker::new_lifo();
/// worker.push(1);
/// worker.push(2);
/// worker.push(3);
/// let thief = worker.stealer();
/// assert_eq!(thief.steal(), Steal::Success(1));
/// assert_eq!(worker.pop(), Some(3));
/// assert_eq!(worker.pop(), Some(2));
/// assert_eq!(worker.pop(), None);
/// ```
pub struct Worker<T> {
    pub(super) shared: Arc<Shared<T>>,
    ring: Cell<*mut Ring<T>>,
    /// The places of the ring, and how many there are less one.
    places: Cell<*const Slot<T>>,
    mask: Cell<u32>,
    bottom: Cell<u32>,
    /// First in, first out, and no run: the oldest task. Last in, first out: the tasks from here
    /// on are the owner's, if the word is as it was seen.
    floor: Cell<u32>,
    /// The word, as it was when `floor` was known; `NEVER` while every pop fences. Not a run.
    seen: Cell<Word>,
    /// Whether this is a run (first in, first out), or every pop fences (last in, first out).
    robbed: Cell<bool>,
    /// Then: the word at the last pop.
    last: Cell<Word>,
    /// Then: pops during which no thief came.
    alone: Cell<u32>,
    /// How often the deque was found empty since the ring was replaced.
    idle: Cell<u32>,
}

// SAFETY: tasks are `Send`; the cells move with the owner.
unsafe impl<T: Send> Send for Worker<T> {}

impl<T> core::panic::UnwindSafe for Worker<T> {}
impl<T> core::panic::RefUnwindSafe for Worker<T> {}

/// Tasks that move to a worker one after the other.
pub(super) trait Loot<T> {
    fn left(&self) -> u32;
    /// The next one; there must be one.
    fn next(&mut self) -> T;
}

impl<T> Worker<T> {
    /// A deque whose owner pops the oldest task first, as the thieves do.
    ///
    /// ```
    /// use counterpoint_lockfree::deque::Worker;
    ///
    /// let worker = Worker::new_fifo();
    /// worker.push(1);
    /// worker.push(2);
    /// assert_eq!(worker.pop(), Some(1));
    /// ```
    pub fn new_fifo() -> Worker<T> {
        Worker::new(Flavor::Fifo)
    }

    /// A deque whose owner pops the newest task first.
    ///
    /// ```
    /// use counterpoint_lockfree::deque::Worker;
    ///
    /// let worker = Worker::new_lifo();
    /// worker.push(1);
    /// worker.push(2);
    /// assert_eq!(worker.pop(), Some(2));
    /// ```
    pub fn new_lifo() -> Worker<T> {
        Worker::new(Flavor::Lifo)
    }

    fn new(flavor: Flavor) -> Worker<T> {
        let shared = Shared::new(flavor);
        // Relaxed: just made.
        let ring = shared.owned.ring.load(RELAXED);
        // SAFETY: as above.
        let places = unsafe { &*ring }.places();
        Worker {
            places: Cell::new(places),
            mask: Cell::new(RING as u32 - 1),
            robbed: Cell::new(false),
            last: Cell::new(Word::NEVER),
            seen: Cell::new(shared.word()),
            shared: Arc::new(shared),
            ring: Cell::new(ring),
            bottom: Cell::new(FIRST_POSITION),
            floor: Cell::new(FIRST_POSITION),
            alone: Cell::new(0),
            idle: Cell::new(0),
        }
    }

    /// A handle by which other threads steal.
    pub fn stealer(&self) -> Stealer<T> {
        Stealer::new(self.shared.clone())
    }

    pub(super) fn flavor(&self) -> Flavor {
        self.shared.flavor
    }

    #[inline(always)]
    fn ring(&self) -> &Ring<T> {
        // SAFETY: the newest ring, which only the owner replaces, in `replace_ring`, where no
        // reference to it is held.
        unsafe { &*self.ring.get() }
    }

    /// Where the task of a position stands.
    #[inline(always)]
    fn slot(&self, position: u32) -> &Slot<T> {
        let index = position & self.mask.get();
        // SAFETY: the ring has as many places.
        let slot = unsafe { self.places.get().add(index as usize) };
        // SAFETY: as in `ring`.
        unsafe { &*slot }
    }

    /// The ring from now on.
    fn set_ring(&self, ring: *mut Ring<T>) {
        self.ring.set(ring);
        self.places.set(self.ring().places());
        self.mask.set(self.ring().capacity() - 1);
    }

    /// Adds a task. It does not order a later look at another variable: who tells a sleeper of it
    /// puts a sequentially consistent fence between the two.
    ///
    /// # Panics
    /// If there are 2^30 tasks, or room would be needed for so many: a place is used again once the thief
    /// that took its task has read it.
    #[inline]
    pub fn push(&self, task: T) {
        let bottom = self.bottom.get();
        let slot = self.slot(bottom);
        if !slot.is_free(bottom, self.mask.get()) {
            return self.push_into_full(task);
        }
        // SAFETY: I2: the slot is free, and is the owner's until it moves `bottom`.
        unsafe { slot.write(task) };
        self.advance(bottom, 1);
    }

    #[cold]
    #[inline(never)]
    fn push_into_full(&self, task: T) {
        self.make_room_slow(1);
        let bottom = self.bottom.get();
        // SAFETY: I2: as in `push`.
        unsafe { self.slot(bottom).write(task) };
        self.advance(bottom, 1);
    }

    /// Adds a task, and says whether it is the only one there is then: the moment to wake a thief.
    ///
    /// A thief that found nothing and is to sleep says so, makes a sequentially consistent fence, and
    /// looks once more. Then one of three is true: it finds this task; or `true` is said here, and what
    /// the thief has said is seen after that; or another task was left, and who takes that one looks
    /// for more later.
    ///
    /// # Cost
    /// That of a [`push`](Worker::push), and of such a fence.
    ///
    /// # Panics
    /// As [`push`](Worker::push).
    ///
    /// ```
    /// use counterpoint_lockfree::deque::Worker;
    ///
    /// let worker = Worker::new_lifo();
    /// assert!(worker.push_was_empty('a'));
    /// assert!(!worker.push_was_empty('b'));
    /// ```
    #[inline]
    pub fn push_was_empty(&self, task: T) -> bool {
        self.push(task);
        fence_seq_cst("deque.was_empty"); // [E5]
        self.len() <= 1
    }

    /// Tells of `count` tasks that were written behind `bottom`.
    #[inline(always)]
    fn advance(&self, bottom: u32, count: u32) {
        let bottom = bottom.wrapping_add(count);
        self.bottom.set(bottom);
        // Found once: to the compiler, what is stored in between might be this pointer.
        let shared = &*self.shared;
        Self::move_bottom(shared, bottom);
        if shared.word().wants() {
            self.offer();
        }
    }

    /// Tells the thieves where the newest task ends.
    #[inline(always)]
    fn move_bottom(shared: &Shared<T>, bottom: u32) {
        // Release [E1]: hands the tasks below it to the acquire in `settle` and to those of a run.
        // In a pop as well: a thief that reads this number sees those that are left [E6].
        shared.owned.bottom.store(bottom, release("deque.push"));
    }

    /// Tells the thieves where the oldest task begins, first in, first out.
    #[inline(always)]
    fn move_front(shared: &Shared<T>, front: u32) {
        // Release [E6]: who reads this sees the tasks behind it. The fence of E2 orders the rest.
        shared.owned.front.store(front, release("deque.front"));
    }

    /// Replaces the word by one that offers tasks, or takes some back, or the oldest one.
    fn give(&self, from: Word, to: Word) -> bool {
        // Release [E1, E2, E6]: hands the tasks to the acquire in `take`, and `bottom` to who asks
        // or counts.
        self.shared.replace(from, to, release("deque.offer"))
    }

    /// Offers half of the tasks to thieves that took all they were offered before.
    #[cold]
    #[inline(never)]
    fn offer(&self) {
        let word = self.shared.word();
        if !word.wants() {
            return;
        }
        let private = between(word.start(), self.bottom.get());
        let to = Word::open(word.start(), private - private / 2).hungry();
        if self.give(word, to.strong()) {
            self.be_robbed(to.strong());
            self.note(to);
        }
    }

    /// From now on there are thieves.
    fn be_robbed(&self, word: Word) {
        self.robbed.set(true);
        self.last.set(word);
        self.alone.set(0);
    }

    /// Whether thieves have stayed away for long, of which `word` tells.
    fn is_alone(&self, word: Word) -> bool {
        let alone = if self.last.get() == word {
            self.alone.get() + 1
        } else {
            0
        };
        self.last.set(word);
        self.alone.set(alone);
        alone >= CALM_AFTER
    }

    /// Notes a word that says what is the owner's.
    fn note(&self, word: Word) {
        self.seen
            .set(if self.robbed.get() { Word::NEVER } else { word });
        self.floor.set(word.end());
    }

    /// Takes a task: the newest or the oldest one, as the deque was made.
    ///
    /// `None` means: every task that was pushed before was taken.
    #[inline]
    pub fn pop(&self) -> Option<T> {
        match self.shared.flavor {
            Flavor::Lifo => self.pop_newest(),
            Flavor::Fifo => self.pop_oldest(),
        }
    }

    #[inline(always)]
    fn pop_newest(&self) -> Option<T> {
        let bottom = self.bottom.get();
        if bottom == self.floor.get() {
            return self.pop_offered();
        }
        let newest = bottom.wrapping_sub(1);
        // As in `advance`.
        let shared = &*self.shared;
        Self::move_bottom(shared, newest);
        // [E2]
        if !fence::try_light() {
            return self.pop_fenced(newest);
        }
        if shared.word() != self.seen.get() {
            return self.pop_settled(newest);
        }
        self.bottom.set(newest);
        // SAFETY: I1: it is the owner's: the word says so, and by E2 no thief found it there.
        Some(unsafe { self.slot(newest).read() })
    }

    /// The rest of a pop on a machine whose light fence is a fence.
    #[cold]
    #[inline(never)]
    fn pop_fenced(&self, newest: u32) -> Option<T> {
        if self.robbed.get() {
            // One fence will do: that of `settle_newest`.
            return self.pop_settled(newest);
        }
        fence::light("deque.pop_fence"); // [E2]
        if self.shared.word() != self.seen.get() {
            return self.pop_settled(newest);
        }
        self.bottom.set(newest);
        // SAFETY: I1: as in `pop_newest`.
        Some(unsafe { self.slot(newest).read() })
    }

    /// Takes the newest task, if it turns out to be the owner's.
    #[cold]
    #[inline(never)]
    fn pop_settled(&self, newest: u32) -> Option<T> {
        if !self.settle_newest(newest) {
            return None;
        }
        self.bottom.set(newest);
        // SAFETY: I1: it is the owner's.
        Some(unsafe { self.slot(newest).read() })
    }

    /// The owner has nothing, or all of it is offered.
    #[cold]
    #[inline(never)]
    fn pop_offered(&self) -> Option<T> {
        let word = self.shared.word();
        let bottom = self.bottom.get();
        if word.end() == bottom && word.count() == 0 {
            self.was_empty();
            return None;
        }
        let newest = bottom.wrapping_sub(1);
        // E6: who reads this sees that the task is offered. Who asks comes after the release of the
        // word that follows.
        Self::move_bottom(&self.shared, newest);
        self.pop_settled(newest)
    }

    /// Finds out whether the newest task is the owner's, or takes it back; `bottom` stands before
    /// it already. Otherwise nothing is left.
    #[cold]
    fn settle_newest(&self, newest: u32) -> bool {
        if self.robbed.get() {
            fence_seq_cst("deque.strong_pop"); // [E2]
        }
        loop {
            let word = self.shared.word();
            let (end, behind) = (word.end(), newest.wrapping_add(1));
            if end == behind && word.count() == 0 {
                // Thieves took all. Relaxed: nothing lies below it.
                self.shared.owned.bottom.store(end, RELAXED);
                if !word.is_pending() {
                    self.note(word);
                }
                self.was_empty();
                return false;
            }
            let robbed = self.robbed.get() && (word.is_pending() || !self.is_alone(word));
            let to = if word.is_pending() {
                // Gives half of the others.
                let private = between(end, newest);
                Word::open(end, private - private / 2).hungry()
            } else if end == behind {
                // Takes half of what was offered back.
                Word::open(word.start(), word.count() / 2)
            } else if robbed == self.robbed.get() {
                // By E2, for the word was read behind the fence: it is not offered.
                self.note(word);
                return true;
            } else {
                Word::open(word.start(), word.count())
            };
            let to = if robbed { to.strong() } else { to };
            if self.give(word, to) {
                self.robbed.set(robbed);
                self.last.set(to);
                self.note(to);
                return true;
            }
        }
    }

    #[inline(always)]
    fn pop_oldest(&self) -> Option<T> {
        let front = self.floor.get();
        if self.robbed.get() || front == self.bottom.get() {
            return self.pop_run();
        }
        let next = front.wrapping_add(1);
        // As in `advance`.
        let shared = &*self.shared;
        Self::move_front(shared, next);
        // [E2]
        if !fence::try_light() {
            return self.pop_front_fenced(front);
        }
        if shared.word() != self.seen.get() {
            return self.pop_front_settled(front);
        }
        self.floor.set(next);
        Some(self.own(front))
    }

    /// The rest of a pop on a machine whose light fence is a fence.
    #[cold]
    #[inline(never)]
    fn pop_front_fenced(&self, front: u32) -> Option<T> {
        fence::light("deque.front_fence"); // [E2]
        if self.shared.word() != self.seen.get() {
            return self.pop_front_settled(front);
        }
        self.floor.set(front.wrapping_add(1));
        Some(self.own(front))
    }

    /// Reads a task of the owner at the front.
    #[inline(always)]
    fn own(&self, position: u32) -> T {
        let slot = self.slot(position);
        // SAFETY: I1: the owner passed the position.
        let task = unsafe { slot.read() };
        slot.set_out(position);
        task
    }

    /// Takes the task at `front`, if it turns out to be the owner's, or else the next one of the
    /// run that has begun.
    #[cold]
    #[inline(never)]
    fn pop_front_settled(&self, front: u32) -> Option<T> {
        if !self.settle_oldest(front) {
            return self.pop_run();
        }
        self.floor.set(front.wrapping_add(1));
        Some(self.own(front))
    }

    /// Finds out whether the task at `front` is the owner's; `front` stands behind it already.
    /// If not, this is a run.
    fn settle_oldest(&self, front: u32) -> bool {
        let next = front.wrapping_add(1);
        loop {
            let word = self.shared.word();
            if word.is_run() {
                // I4: a thief saw `front` before or behind this task; which, is told in the word.
                self.be_robbed(word);
                return word.began_at(next);
            }
            if !word.is_pending() {
                return true;
            }
            // Gives the others.
            let to = Word::run(next, next);
            // E6: who sees what is left sees `bottom`.
            if self.give(word, to) {
                self.be_robbed(to);
                return true;
            }
        }
    }

    /// There is nothing, or this is a run: takes the oldest task as a thief does, and ends the run
    /// if thieves stay away.
    #[cold]
    #[inline(never)]
    fn pop_run(&self) -> Option<T> {
        let word = self.shared.word();
        if word.is_run() && !self.robbed.get() {
            // An owner that only pushes does not notice.
            self.be_robbed(word);
        }
        while self.robbed.get() {
            let word = self.shared.word();
            let front = word.start();
            let is_empty = front == self.bottom.get();
            if self.is_alone(word) {
                // Thieves do not look at it in a run.
                Self::move_front(&self.shared, front);
                let calm = Word::open(front, 0);
                // Release: `front` comes first. Who asks after that reads it behind a fence [E2].
                if self.shared.replace(word, calm, release("deque.calm")) {
                    self.robbed.set(false);
                    self.note(calm);
                    return self.pop_oldest();
                }
            } else if is_empty {
                break;
            // E6: who sees what is left sees `bottom`.
            } else if self.give(word, word.later(1)) {
                self.last.set(word.later(1));
                return Some(self.own(front));
            }
        }
        self.was_empty();
        None
    }

    /// Makes room for `count` more tasks.
    #[inline]
    pub(super) fn make_room(&self, count: u32) {
        let bottom = self.bottom.get();
        let is_free = |more: u32| self.ring().is_free(bottom.wrapping_add(more));
        if count > self.ring().capacity() || !(0..count).all(is_free) {
            self.make_room_slow(count);
        }
    }

    #[cold]
    #[inline(never)]
    fn make_room_slow(&self, count: u32) {
        self.look_after_earlier();
        let bottom = self.bottom.get();
        let capacity = self.ring().capacity();
        let is_free = |more: u32| self.ring().is_free(bottom.wrapping_add(more));
        if count <= capacity && (0..count).all(is_free) {
            return;
        }
        let wanted =
            (capacity as usize * 2).max((capacity as usize + count as usize).next_power_of_two());
        self.replace_ring(wanted);
    }

    /// Copies the tasks into a ring of another size, which is larger, or the deque is empty and no
    /// task taken by a thief is still to be read.
    fn replace_ring(&self, capacity: usize) {
        self.idle.set(0);
        let bottom = self.bottom.get();
        let old = self.ring.get();
        let lowest = bottom.wrapping_sub(self.ring().capacity());
        let new = Ring::<T>::allocate(capacity, lowest);
        // SAFETY: just made.
        let ring = unsafe { &*new };
        for position in (0..self.ring().capacity()).map(|more| lowest.wrapping_add(more)) {
            if self.is_out(position) {
                ring.set_out(position);
            } else {
                // SAFETY: only the owner writes, here; the new ring is not shared yet.
                unsafe { self.ring().copy(position, ring) };
            }
        }
        ring.earlier.set(old);
        self.set_ring(new);
        // Release [E3]: hands the copies to the acquire in `claimed`.
        self.shared.owned.ring.store(new, release("deque.grown"));
        let word = self.shared.seal();
        let first = match self.shared.flavor {
            Flavor::Fifo if !word.is_run() => self.floor.get(),
            _ => word.start(),
        };
        // SAFETY: kept until `look_after_earlier`, by the owner alone.
        unsafe { &*old }.unread.set((lowest, first));
        self.look_after_earlier();
    }

    /// Whether the task of `position` was read, in any ring.
    fn is_out(&self, position: u32) -> bool {
        let mut ring: *const Ring<T> = self.ring.get();
        while !ring.is_null() {
            // SAFETY: the rings are kept by the owner.
            let this = unsafe { &*ring };
            if this.is_out(position) {
                return true;
            }
            ring = this.earlier.get();
        }
        false
    }

    /// Notes in the newest ring which tasks were read in earlier ones, and frees those in which
    /// nobody reads any more.
    fn look_after_earlier(&self) {
        // Each ring by itself, the oldest one last.
        let mut keeper = self.ring();
        let mut at = keeper.earlier.get();
        while !at.is_null() {
            // SAFETY: the rings are kept by the owner.
            let ring = unsafe { &*at };
            let (mut from, to) = ring.unread.get();
            while from != to && self.is_out(from) {
                if !self.ring().is_out(from) {
                    self.ring().set_out(from);
                }
                from = from.wrapping_add(1);
            }
            ring.unread.set((from, to));
            let earlier = ring.earlier.get();
            if from == to {
                keeper.earlier.set(earlier);
                // SAFETY: I3: every task that was taken while it stood there is out, and it is in
                // no list any more.
                drop(unsafe { Box::from_raw(at) });
            } else {
                keeper = ring;
            }
            at = earlier;
        }
    }

    /// Called where the deque was found empty: a ring that is not needed any more is halved.
    fn was_empty(&self) {
        if self.ring().capacity() as usize > RING {
            self.halve();
        }
    }

    #[cold]
    fn halve(&self) {
        let idle = self.idle.get() + 1;
        self.idle.set(idle);
        if idle < IDLE_BEFORE_HALF {
            return;
        }
        self.look_after_earlier();
        let capacity = self.ring().capacity();
        let lowest = self.bottom.get().wrapping_sub(capacity);
        let mut positions = (0..capacity).map(|more| lowest.wrapping_add(more));
        if self.ring().earlier.get().is_null()
            && positions.all(|position| self.ring().is_out(position))
        {
            let old = self.ring.get();
            let new = Ring::<T>::allocate(capacity as usize / 2, self.bottom.get());
            self.set_ring(new);
            // Relaxed: nobody has taken a task and not read it; who takes one later sees the seal.
            self.shared.owned.ring.store(new, RELAXED);
            let _ = self.shared.seal();
            // SAFETY: I3: no task is left in it, and whoever takes one from now on sees the new.
            drop(unsafe { Box::from_raw(old) });
        }
        self.idle.set(0);
    }

    /// Adds tasks from elsewhere, for which room was made, so that they are popped in an order
    /// that fits where they come from.
    pub(super) fn fill(&self, mut loot: impl Loot<T>, from: Flavor) {
        let bottom = self.bottom.get();
        let count = loot.left();
        for at in 0..count {
            let place = if from == self.flavor() {
                at
            } else {
                count - 1 - at
            };
            // SAFETY: I2: room was made, and the slots are the owner's until it moves `bottom`.
            unsafe { self.ring().write(bottom.wrapping_add(place), loot.next()) };
        }
        if count > 0 {
            self.advance(bottom, count);
        }
    }

    /// Whether there is nothing to pop; a thief may take the last task right after.
    ///
    /// It orders nothing: who falls asleep on it needs a fence of their own.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many tasks there are; thieves may take some right after.
    ///
    /// ```
    /// use counterpoint_lockfree::deque::Worker;
    ///
    /// let worker = Worker::new_fifo();
    /// (0..100).for_each(|task| worker.push(task));
    /// assert_eq!(worker.len(), 100);
    /// ```
    #[inline]
    pub fn len(&self) -> usize {
        len_of(&self.shared)
    }
}

impl<T> fmt::Debug for Worker<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Worker")
            .field("flavor", &self.flavor())
            .field("len", &self.len())
            .finish()
    }
}

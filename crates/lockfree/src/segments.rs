//! Values in a chain of blocks: what [`SegQueue`](crate::queue::SegQueue) and the injector are
//! made of.
//!
//! # From
//! crossbeam's `SegQueue`: an index is moved by an exchange, and only then is the slot touched, so
//! no reclamation scheme is needed to look. Differs: a slot is written and given up by plain
//! stores. Who pops the last value of a block looks once whether the others are done; if one is
//! not, the block is put aside and looked at again when the next one is emptied. Emptied blocks are
//! used again. The fence stands on the way to "empty" alone.
//!
//! # State
//! An index is a lap, an offset, and in its lowest bit (`head` only) `HAS_NEXT`: the tail was seen
//! in a later block. Offsets:
//!
//! | offset | meaning | who leaves it |
//! |---|---|---|
//! | below `BLOCK` | of the next slot | whoever moves the index by one, or `head` by several |
//! | `BLOCK` | the last slot was taken, the next block is about to stand here | who took that slot |
//!
//! Of a slot:
//!
//! | state | meaning | who leaves it |
//! |---|---|---|
//! | `EMPTY` | no value yet | the pusher that moved `tail` over it |
//! | `FULL` | a value | the popper that moved `head` over it |
//! | `TAKEN` | the popper is done with it | who uses the block again |
//!
//! # Fields
//! The `value` of a slot belongs to its pusher while `EMPTY`, to its popper from then on. `next` is
//! written once, by the pusher of the last slot. A block in `spares` or in `aside` belongs to who
//! takes it out; `aside_next` is then written by its holder.
//!
//! # Invariants
//! * I1: each index is passed once: by an exchange, or from offset `BLOCK` by who took the last
//!   slot.
//! * I2: whoever has moved an index over a slot, and not marked it `TAKEN`, keeps its block alive:
//!   a block is used again or freed only when all its slots are `TAKEN`.
//! * I3: blocks are touched by those who keep them alive only; the pointers beside an index are
//!   read by all, and used after an exchange that proves that the index has not moved since.
//! * I4: a spare block is as new: no next, every slot `EMPTY`.
//!
//! # Edges
//! * E1: release of `FULL` in `push` → acquire in `Taken::read`: the value.
//! * E2: release of `TAKEN` → acquire in `is_done`: the popper no longer needs the block.
//! * E3: release of an index at the end of a block → acquire of that index: the block beside it.
//! * E4: release of the first block in `tail.block` and `head.block` → acquire there.
//! * E5: release of `next` → acquire in `next_of`: the next block, as new; and in `advance`, which
//!   looks for the block after that: the tail behind it.
//! * E6: release into `spares` and `aside` → acquire out of them: a block as new, or its links.
//! * E7: release of an index inside a block in `take` → acquire of it there: who sees the head
//!   sees every push that was seen before it was moved, so the tail never seems to lie behind it.
//! * E8: fence on the way to "empty" → the same in another thread: two threads that each push to
//!   one queue and then find the other one empty do not exist.
//! * E9: release of the tail in `push` → acquire in `len`: whoever sees the tail sees the head that
//!   its pusher had seen.
//!
//! # Waiting
//! Nobody sleeps. A thread interrupted between its exchange and its store keeps the popper of its
//! slot from going on, and at the end of a block everybody at that end: they back off, and yield
//! after some rounds.
//!
//! # Cancel
//! none.
//!
//! # Panic
//! No foreign code runs here but `Drop` of values, in the chain's own `drop` and where some were taken
//! and not read; both go on with the others when one panics.
//!
//! # Rejected
//! * A mark with a read-modify-write by which the last one at a block finds that it is the last
//!   (crossbeam): one locked instruction for each push and each pop, to free a block a little
//!   earlier in the rare case.
//! * A counter of finished poppers in the block: as many locked instructions, all on one line.
//!
//! # Checked by
//! dev/model tests/seg_queue.rs, with blocks of two and indices that wrap around;
//! tests/seg_queue.rs; histories in dev/stress.

use alloc::boxed::Box;
use core::marker::PhantomData;
use core::mem::MaybeUninit;
use core::ptr;
use counterpoint_base::prim::atomic::{
    AtomicPtr, AtomicU8, AtomicU64, RELAXED, acquire, fence_seq_cst, release,
};
use counterpoint_base::prim::cell::UnsafeCell;
use counterpoint_base::prim::hint;
use counterpoint_base::tune::{BLOCK, FIRST_LAP, SPARE_BLOCKS};
use counterpoint_base::{Backoff, CachePadded};

const EMPTY: u8 = 0;
const FULL: u8 = 1;
const TAKEN: u8 = 2;

/// Offsets of a lap; one more than there are slots at least.
const LAP: u64 = (BLOCK as u64 + 1).next_power_of_two();
/// The tail was seen in a later block.
const HAS_NEXT: u64 = 1;
/// One position of an index.
const STEP: u64 = 2;
/// Where indices begin.
const START: u64 = FIRST_LAP.wrapping_mul(LAP).wrapping_mul(STEP);

const fn offset(index: u64) -> usize {
    (index / STEP % LAP) as usize
}

const fn lap(index: u64) -> u64 {
    index / STEP / LAP
}

/// The first index of the block after the one of `index`.
const fn next_lap(index: u64) -> u64 {
    (index | (LAP * STEP - 1)).wrapping_add(1)
}

/// How many values lie between two indices. In 64 bits: an old head may lie further behind than
/// there can be values (then its exchange fails).
fn between(head: u64, tail: u64) -> u64 {
    const LAPS: u64 = u64::MAX / STEP / LAP;
    let laps = lap(tail).wrapping_sub(lap(head)) & LAPS;
    // Offset `BLOCK` is the beginning of the next block.
    (laps.wrapping_mul(BLOCK as u64) + offset(tail) as u64).wrapping_sub(offset(head) as u64)
}

struct Slot<T> {
    value: UnsafeCell<MaybeUninit<T>>,
    state: AtomicU8,
}

struct Block<T> {
    slots: [Slot<T>; BLOCK],
    next: AtomicPtr<Block<T>>,
    /// The next block of those put aside.
    aside_next: AtomicPtr<Block<T>>,
}

impl<T> Block<T> {
    fn allocate() -> *mut Block<T> {
        // In place: a block of large values is too much for a stack.
        let block = Box::into_raw(Box::<Block<T>>::new_uninit()).cast::<Block<T>>();
        // SAFETY: the memory of a block, which belongs to this thread.
        let slots = unsafe { &raw mut (*block).slots }.cast::<Slot<T>>();
        for at in 0..BLOCK {
            let slot = Slot {
                value: UnsafeCell::new(MaybeUninit::uninit()),
                state: AtomicU8::new(EMPTY),
            };
            // SAFETY: there are so many.
            let place = unsafe { slots.add(at) };
            // SAFETY: as above.
            unsafe { place.write(slot) };
        }
        // SAFETY: as above.
        let next = unsafe { &raw mut (*block).next };
        // SAFETY: as above.
        unsafe { next.write(AtomicPtr::new(ptr::null_mut())) };
        // SAFETY: as above.
        let aside_next = unsafe { &raw mut (*block).aside_next };
        // SAFETY: as above. Every field is written now.
        unsafe { aside_next.write(AtomicPtr::new(ptr::null_mut())) };
        block
    }

    /// # Safety
    /// `block` comes from `allocate` and is used by nobody.
    unsafe fn free(block: *mut Block<T>) {
        // SAFETY: by the caller's promise.
        drop(unsafe { Box::from_raw(block) });
    }

    /// The block after this one; waits for the pusher that is about to link it.
    fn next_of(&self) -> *mut Block<T> {
        let backoff = Backoff::new();
        loop {
            // Acquire [E5]: pairs with the release in `push`.
            let next = self.next.load(acquire("seg.next"));
            if !next.is_null() {
                return next;
            }
            backoff.snooze();
        }
    }

    /// True if every popper is done with its slot.
    fn is_done(&self) -> bool {
        // Acquire [E2]: pairs with the release in `Taken`.
        let done = |slot: &Slot<T>| slot.state.load(acquire("seg.done")) == TAKEN;
        self.slots.iter().all(done)
    }

    /// Makes an emptied block as new (I4).
    fn renew(&self) {
        // Relaxed: the block belongs to this thread, and is handed on by a release.
        self.next.store(ptr::null_mut(), RELAXED);
        for slot in &self.slots {
            slot.state.store(EMPTY, RELAXED);
        }
    }
}

/// An index and the block it lies in.
struct Position<T> {
    index: AtomicU64,
    block: AtomicPtr<Block<T>>,
}

impl<T> Position<T> {
    counterpoint_base::const_fn! {
        const fn new() -> Position<T> {
            Position { index: AtomicU64::new(START), block: AtomicPtr::new(ptr::null_mut()) }
        }
    }
}

/// An unbounded queue in blocks.
pub(crate) struct Segments<T> {
    head: CachePadded<Position<T>>,
    tail: CachePadded<Position<T>>,
    /// Blocks as new.
    spares: [AtomicPtr<Block<T>>; SPARE_BLOCKS],
    /// Blocks of which a slot was not yet `TAKEN` when the last one was.
    aside: AtomicPtr<Block<T>>,
    marker: PhantomData<T>,
}

// SAFETY: values move in and out of slots, each owned by one thread at a time (I1).
unsafe impl<T: Send> Send for Segments<T> {}
// SAFETY: as above.
unsafe impl<T: Send> Sync for Segments<T> {}

/// Some slots in a row, taken and not yet read.
pub(crate) struct Taken<'q, T> {
    queue: &'q Segments<T>,
    block: *mut Block<T>,
    next: usize,
    end: usize,
}

/// What became of an attempt to take.
pub(crate) enum Attempt<'q, T> {
    Empty,
    Lost,
    Taken(Taken<'q, T>),
}

impl<T> Segments<T> {
    /// Without a block: the first push makes one.
    #[cfg(not(counterpoint_loom))]
    pub(crate) const fn new() -> Segments<T> {
        Segments {
            head: CachePadded::new(Position::new()),
            tail: CachePadded::new(Position::new()),
            spares: [const { AtomicPtr::new(ptr::null_mut()) }; SPARE_BLOCKS],
            aside: AtomicPtr::new(ptr::null_mut()),
            marker: PhantomData,
        }
    }

    #[cfg(counterpoint_loom)]
    pub(crate) fn new() -> Segments<T> {
        Segments {
            head: CachePadded::new(Position::new()),
            tail: CachePadded::new(Position::new()),
            spares: core::array::from_fn(|_| AtomicPtr::new(ptr::null_mut())),
            aside: AtomicPtr::new(ptr::null_mut()),
            marker: PhantomData,
        }
    }

    /// A block as new: a spare one, or another.
    #[cold]
    fn fresh(&self) -> *mut Block<T> {
        for spare in &self.spares {
            // Relaxed: a look.
            if !spare.load(RELAXED).is_null() {
                // Acquire [E6]: pairs with the release in `keep`.
                let block = spare.swap(ptr::null_mut(), acquire("seg.spare"));
                if !block.is_null() {
                    return block;
                }
            }
        }
        Block::allocate()
    }

    /// Keeps a block that is as new for later, or frees it.
    ///
    /// # Safety
    /// `block` belongs to the caller.
    unsafe fn keep(&self, block: *mut Block<T>) {
        for spare in &self.spares {
            // Relaxed: a look; the failure publishes nothing.
            let null = ptr::null_mut();
            if spare.load(RELAXED).is_null()
                // Release [E6]: hands the block to the acquire in `fresh`.
                && spare.compare_exchange(null, block, release("seg.keep"), RELAXED).is_ok()
            {
                return;
            }
        }
        // SAFETY: it belongs to the caller, and nobody was told of it.
        unsafe { Block::free(block) };
    }

    /// Appends a value.
    #[inline]
    pub(crate) fn push(&self, value: T) {
        let backoff = Backoff::new();
        let mut next: *mut Block<T> = ptr::null_mut();
        let (tail, block) = loop {
            // Acquire [E3]: pairs with the release at the end of a block.
            let tail = self.tail.index.load(acquire("seg.tail"));
            // Acquire [E4]: pairs with the release of the first block.
            let block = self.tail.block.load(acquire("seg.tail_block"));
            let at = offset(tail);
            if at == BLOCK {
                backoff.snooze();
                continue;
            }
            if block.is_null() {
                self.install_first();
                continue;
            }
            // Before the exchange, so that others wait as shortly as possible.
            if at + 1 == BLOCK && next.is_null() {
                next = self.fresh();
            }
            let moved = tail.wrapping_add(STEP);
            // Release [E9]: for `len`; a success reads what the load read, and slots are ordered by
            // their states.
            let won = self.tail.index.compare_exchange_weak(
                tail,
                moved,
                release("seg.tail_taken"),
                RELAXED,
            );
            if won.is_ok() {
                break (tail, block);
            }
            backoff.spin();
        };
        let at = offset(tail);
        // SAFETY: I2: the exchange proves that the block is the one of this index (I3), and the
        // slot is not yet `TAKEN`.
        let block = unsafe { &*block };
        if at + 1 == BLOCK {
            // Relaxed: ordered by the release that follows.
            self.tail.block.store(next, RELAXED);
            // Release [E3]: hands on the block beside the index.
            self.tail
                .index
                .store(next_lap(tail), release("seg.tail_moved"));
            // Release [E5]: hands the next block to the acquire in `next_of`.
            block.next.store(next, release("seg.link"));
        }
        let slot = &block.slots[at];
        slot.value.with_mut(|to| {
            // SAFETY: I1: the slot belongs to this thread.
            unsafe { to.write(MaybeUninit::new(value)) };
        });
        // Release [E1]: hands the value to the acquire in `Taken::read`.
        slot.state.store(FULL, release("seg.full"));
        // After that, so that the popper does not wait for the allocator.
        if at + 1 != BLOCK && !next.is_null() {
            // SAFETY: it was taken for a last slot that somebody else got, and told to nobody.
            unsafe { self.keep(next) };
        }
    }

    #[cold]
    fn install_first(&self) {
        let first = self.fresh();
        let null = ptr::null_mut();
        // Release [E4]: hands the block to the acquire in `push`. Relaxed: another one stands
        // there, and its pusher tells of it.
        let installed =
            self.tail
                .block
                .compare_exchange(null, first, release("seg.first_tail"), RELAXED);
        if installed.is_ok() {
            // Release [E4]: the same for the acquire in `take`.
            self.head.block.store(first, release("seg.first_head"));
        } else {
            // SAFETY: told to nobody.
            unsafe { self.keep(first) };
        }
    }

    /// Takes the next value.
    #[inline]
    pub(crate) fn pop(&self) -> Option<T> {
        let backoff = Backoff::new();
        loop {
            match self.take(&backoff, |_, _| 1) {
                Attempt::Taken(taken) => return Some(taken.one()),
                Attempt::Empty => return None,
                Attempt::Lost => backoff.spin(),
            }
        }
    }

    /// Tries once to take the next slots: as many as `choose` makes of the number of values in the
    /// block, which is at least 1, and of the number in the queue, which is more if there are
    /// later blocks.
    #[inline]
    pub(crate) fn take(
        &self,
        backoff: &Backoff,
        choose: impl FnOnce(usize, usize) -> usize,
    ) -> Attempt<'_, T> {
        let (head, block, mut moved, here, all) = loop {
            // Acquire [E3]: pairs with the release at the end of a block.
            let head = self.head.index.load(acquire("seg.head"));
            // Acquire [E4]: pairs with the release of the first block.
            let block = self.head.block.load(acquire("seg.head_block"));
            let at = offset(head);
            if at == BLOCK {
                backoff.snooze();
                continue;
            }
            let (mut has_next, mut here, mut all) = (head & HAS_NEXT, BLOCK - at, usize::MAX);
            if has_next == 0 {
                // Relaxed: not behind the head, by [E7]; slots are ordered by their states.
                let mut tail = self.tail.index.load(RELAXED);
                if head == tail {
                    fence_seq_cst("seg.empty"); // [E8]
                    tail = self.tail.index.load(RELAXED);
                    if head == tail {
                        return Attempt::Empty;
                    }
                }
                all = usize::try_from(between(head, tail)).unwrap_or(usize::MAX);
                if lap(head) == lap(tail) {
                    here = all;
                } else {
                    has_next = HAS_NEXT;
                }
            }
            // The pusher of the first block is about to tell of it.
            if block.is_null() {
                backoff.snooze();
                continue;
            }
            break (head, block, head | has_next, here, all);
        };
        let count = choose(here, all);
        debug_assert!((1..=here).contains(&count));
        moved = moved.wrapping_add(count as u64 * STEP);
        // Release [E7]: tells the acquire above which tail was seen; a success reads what the load
        // read, and slots are ordered by their states.
        let won =
            self.head
                .index
                .compare_exchange_weak(head, moved, release("seg.head_taken"), RELAXED);
        if won.is_err() {
            return Attempt::Lost;
        }
        let (next, end) = (offset(head), offset(head) + count);
        if end == BLOCK {
            // SAFETY: I2: the exchange proves that the block is the one of this index (I3), and
            // its last slot is not yet `TAKEN`.
            self.advance(unsafe { &*block }, head);
        }
        Attempt::Taken(Taken {
            queue: self,
            block,
            next,
            end,
        })
    }

    /// Puts the next block beside the head, whose last slot in this one was taken.
    fn advance(&self, block: &Block<T>, head: u64) {
        let next = block.next_of();
        let mut index = next_lap(head);
        // SAFETY: the head has not reached the next block, so none of its slots is `TAKEN` (I2).
        let after = unsafe { &*next };
        // Acquire [E5]: whoever sees the mark sees the tail behind it [E7].
        if !after.next.load(acquire("seg.look")).is_null() {
            index |= HAS_NEXT;
        }
        // Relaxed: ordered by the release that follows.
        self.head.block.store(next, RELAXED);
        // Release [E3]: hands on the block beside the index.
        self.head.index.store(index, release("seg.head_moved"));
    }

    /// Uses a block again of which the last slot is `TAKEN`, or puts it aside; and the same for
    /// those put aside earlier.
    #[cold]
    fn retire(&self, block: *mut Block<T>) {
        // Relaxed: a look.
        let mut list = if self.aside.load(RELAXED).is_null() {
            ptr::null_mut()
        } else {
            // Acquire [E6]: pairs with the release in `put_aside`.
            self.aside.swap(ptr::null_mut(), acquire("seg.take_aside"))
        };
        let mut block = block;
        loop {
            // SAFETY: the caller was the last to take a slot of it, or took it out of `aside`: it
            // belongs to this thread, beside those who have not yet marked their slots.
            let this = unsafe { &*block };
            if this.is_done() {
                this.renew();
                // SAFETY: all slots were `TAKEN` (I2).
                unsafe { self.keep(block) };
            } else {
                // SAFETY: as above; it is not touched from here on.
                unsafe { self.put_aside(block) };
            }
            if list.is_null() {
                return;
            }
            block = list;
            // SAFETY: a block taken out of `aside`.
            let this = unsafe { &*block };
            // Relaxed: it belongs to this thread.
            list = this.aside_next.load(RELAXED);
        }
    }

    /// # Safety
    /// `block` belongs to the caller.
    unsafe fn put_aside(&self, block: *mut Block<T>) {
        // Relaxed: a guess; blocks are taken out all at once, so there is no ABA.
        let mut first = self.aside.load(RELAXED);
        loop {
            // SAFETY: by the caller's promise, until the exchange.
            unsafe { &*block }.aside_next.store(first, RELAXED);
            // Release [E6]: hands the link to the acquire in `retire`, beside those handed over by
            // earlier exchanges.
            let put =
                self.aside
                    .compare_exchange_weak(first, block, release("seg.put_aside"), RELAXED);
            match put {
                Ok(_) => return,
                Err(found) => first = found,
            }
        }
    }

    /// How many values there are: exact if nobody works on the queue.
    pub(crate) fn len(&self) -> usize {
        loop {
            // Acquire [E9]: the head that is read next is not older than the tail.
            let tail = self.tail.index.load(acquire("seg.len_tail"));
            // Acquire [E7]: nor is the tail that is read again older than the head.
            let head = self.head.index.load(acquire("seg.len_head"));
            // Relaxed: ordered by the load before. A tail that has not moved was the tail while
            // the head was read, and so is not behind it.
            if self.tail.index.load(RELAXED) == tail {
                return between(head, tail) as usize;
            }
            hint::spin_loop();
        }
    }

    /// Whether there are no values.
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        // Acquire [E7]: the tail that is read next is not older than the head.
        let head = self.head.index.load(acquire("seg.is_empty"));
        // Relaxed: ordered by the load before. Not the words are compared: the end of a block is
        // the beginning of the next one.
        between(head, self.tail.index.load(RELAXED)) == 0
    }
}

impl<T> Taken<'_, T> {
    /// The only value.
    #[inline]
    fn one(mut self) -> T {
        // The slots may hold nothing yet, but will.
        self.read()
    }

    /// How many were not yet read.
    pub(crate) fn count(&self) -> usize {
        self.end - self.next
    }

    /// The next value; there must be one.
    #[inline]
    pub(crate) fn read(&mut self) -> T {
        debug_assert!(self.next < self.end);
        let at = self.next;
        self.next += 1;
        // SAFETY: I2: the slot was taken and is not yet marked.
        let block = unsafe { &*self.block };
        let slot = &block.slots[at];
        // Acquire [E1]: pairs with the release in `push`.
        if slot.state.load(acquire("seg.read")) != FULL {
            wait_full(slot);
        }
        let value = slot.value.with(|from| {
            // SAFETY: I1: the slot belongs to this thread, and nobody writes.
            let value = unsafe { from.read() };
            // SAFETY: it is `FULL`.
            unsafe { value.assume_init() }
        });
        // Release [E2]: tells the acquire in `is_done` that the block is not needed here.
        slot.state.store(TAKEN, release("seg.taken"));
        if at + 1 == BLOCK {
            self.queue.retire(self.block);
        }
        value
    }
}

#[cold]
#[inline(never)]
fn wait_full<T>(slot: &Slot<T>) {
    let backoff = Backoff::new();
    // Acquire [E1]: as in `read`.
    while slot.state.load(acquire("seg.read_again")) != FULL {
        backoff.snooze();
    }
}

impl<T> Drop for Taken<'_, T> {
    fn drop(&mut self) {
        if self.next < self.end {
            let others = Others(self);
            others.0.clear();
        }
    }
}

impl<T> Taken<'_, T> {
    #[cold]
    fn clear(&mut self) {
        while self.next < self.end {
            drop(self.read());
        }
    }
}

/// Goes on when the destructor of a value has panicked.
struct Others<'t, 'q, T>(&'t mut Taken<'q, T>);

impl<T> Drop for Others<'_, '_, T> {
    fn drop(&mut self) {
        self.0.clear();
    }
}

/// Drops what is left, also when the destructor of a value has panicked.
struct Rest<'q, T>(&'q mut Segments<T>);

impl<T> Drop for Rest<'_, T> {
    fn drop(&mut self) {
        self.0.clear();
        self.0.free();
    }
}

impl<T> Drop for Segments<T> {
    fn drop(&mut self) {
        let rest = Rest(self);
        rest.0.clear();
    }
}

impl<T> Segments<T> {
    fn clear(&mut self) {
        if core::mem::needs_drop::<T>() {
            while let Some(value) = self.pop() {
                drop(value);
            }
        }
    }

    /// Frees all blocks; what they hold is leaked.
    fn free(&mut self) {
        // Relaxed, here and below: `&mut self` shows that every other thread is done.
        let lists = [
            (self.head.block.load(RELAXED), false),
            (self.aside.load(RELAXED), true),
        ];
        for (mut block, is_aside) in lists {
            while !block.is_null() {
                // SAFETY: a block of the chain, or one put aside, which nobody else uses.
                let this = unsafe { &*block };
                let link = if is_aside {
                    &this.aside_next
                } else {
                    &this.next
                };
                let next = link.load(RELAXED);
                // SAFETY: as above.
                unsafe { Block::free(block) };
                block = next;
            }
        }
        for spare in &self.spares {
            let block = spare.load(RELAXED);
            if !block.is_null() {
                // SAFETY: a spare block, which nobody else uses.
                unsafe { Block::free(block) };
            }
        }
    }
}

#[cfg(test)]
mod tests;

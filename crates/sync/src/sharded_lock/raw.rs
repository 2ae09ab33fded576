//! The sharded lock without its data: a word for writers, a count of readers for each thread, and the
//! queue of those who wait.
//!
//! # From
//! crossbeam's `ShardedLock` (a reader touches its own shard, a writer all of them) and the big-reader
//! locks of Linux (`percpu_rw_semaphore`: readers count on their own processor, a writer makes them
//! see its flag by a barrier that it pays for). Differs: a reader stores, and does not exchange; a
//! writer that waits can be dropped.
//!
//! # State
//! The word:
//! | bit | meaning | who leaves it |
//! |---|---|---|
//! | `WRITER` | claimed by a writer: no reader comes in | that writer |
//! | `DRAINING` | it waits for readers that were in before | that writer |
//! | `WAITERS` | the queue is not empty, or was not | whoever holds the queue lock and finds it empty |
//! | `POISONED` | a writer panicked | `clear_poison` |
//! | `CAREFUL` | it is not known yet that the light fence is free: readers take a longer way | a reader that knows it |
//!
//! A shard: `held` is how often its owner came in and has not gone, `crowd` the same, by all others, in
//! arithmetic that wraps around; their sum is the number of readers.
//!
//! # Fields
//! `held` of shard *i* is written by the thread that holds record *i* of `record.rs` alone, `crowd`
//! by whoever has a larger number or has lost its record. A waiter's `Role`: as payloads in `queue.rs` of
//! the wait room; written by the owner before it is linked.
//!
//! # Invariants
//! * I1: `held` has one writer at a time, and the next one sees what the last one stored, by the
//!   hand-over of its record (record.rs E1). So it is changed by a load and a store.
//! * I2: a reader is in if it found `WRITER` clear after it had counted itself; a writer if it found
//!   each sum zero after it had set `WRITER`. Both cannot be (E2).
//! * I3: once `WRITER` is set and the heavy fence is done, the sum of a shard only falls, but for
//!   readers that count themselves and go without having been in. Who reads `crowd` before `held`
//!   reads no sum that is too small: a reader that goes between the two is counted or not.
//! * I4: `WRITER` is set by an exchange that found it clear. The claim belongs to one operation or
//!   guard, which gives it up when it ends.
//! * I5: if `WRITER` is clear and somebody waits, somebody holds a baton or is about to grant: who
//!   gave the lock back and saw `WAITERS`, or left the queue.
//! * I6: `CAREFUL` is cleared only if the strategy of `fence.rs` is `Membarrier`, which then stays so.
//!
//! # Edges
//! * E1: release in `unlock` → acquire in `try_read` and `try_claim`: the data. Every change of the word
//!   is a read-modify-write, so it is handed on. Model: `readers_see_what_was_written`.
//! * E2: the light fence in `try_read` (after the count, before the word is read) ↔ the heavy one in
//!   `try_claim` (after `WRITER` was set, before the counts are read). Model: `writers_exclude_readers`.
//! * E3: release where a reader goes → acquire where its count is read: what it did with the data comes
//!   before the writer. Models: `writers_exclude_readers`, and for `crowd` `a_crowd_is_excluded`.
//! * E4: the light fence in `leave` (after the count went down, before `DRAINING` is read) ↔ the heavy
//!   one in `try_claim`: the reader sees that it is waited for, or the writer that it has gone. Model:
//!   `the_last_reader_wakes_the_writer`.
//!
//! # Waiting
//! Readers and writers that find `WRITER` set mark the word, under the queue lock and in one exchange
//! with that proof, before they are linked; `unlock` is a read-modify-write that sees the mark or comes
//! before. A writer that waits for readers looks at the counts under the queue lock before it is
//! linked; a reader that goes and sees `DRAINING` (E4) takes the lock and looks at all counts. If its look
//! comes first, the writer's finds what it did; else it finds the writer linked. The last of several sees
//! the others' counts through the lock.
//!
//! # Cancel
//! A writer that leaves while it waits for readers gives its claim up in the same hold of the lock and
//! lets in those it held back. One that is stopped or dropped before it was linked does so as well.
//!
//! # Panic
//! No foreign code runs here but wakers. A panicking writer unlocks and sets `POISONED`.
//!
//! # Rejected
//! * Counts that exchanges change: a read then costs three times as much.
//! * A count that is loaded, changed and stored each time: each store waits for the one before to
//!   arrive, some 8 cycles for each of the two. A first reader stores what it knows.
//! * A shard for each thread, made when it is needed: an allocation in `read`, and writers that walk a
//!   list.
//! * Admitting those who wait without an attempt of theirs: a reader that is not polled would hold up
//!   writers.
//!
//! # Checked by
//! dev/model tests/sharded_lock.rs; crates/sync tests/sharded_lock.rs.

use core::fmt;
use core::ptr;
use counterpoint_base::fence::Strategy;
use counterpoint_base::prim::atomic::{AtomicU32, AtomicU64, RELAXED, acquire, release};
use counterpoint_base::record::Record;
use counterpoint_base::tune::LOCK_SHARDS;
use counterpoint_base::{CachePadded, const_fn, fence, record};
use counterpoint_wait::queue::{End, Grant, Locked, Pick, WaitQueue};
use counterpoint_wait::waker::{WakeBatch, wake_in_batches};

use crate::telemetry::{Facts, Telemetry, at_one_instant};

const WRITER: u32 = 0b0001;
const DRAINING: u32 = 0b0010;
const WAITERS: u32 = 0b0100;
const POISONED: u32 = 0b1000;
const CAREFUL: u32 = 0b1_0000;

/// What somebody waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// To read.
    Reader,
    /// To claim the lock for writing.
    Writer,
    /// For readers to go: it has claimed the lock.
    Drainer,
}

/// Where a reader counted itself.
#[derive(Clone, Copy)]
pub(super) struct Slot<'a> {
    shard: &'a Shard,
    /// The record that owns the shard; [`NOBODY`] if the reader counted with the crowd. Never looked
    /// into.
    owner: *const Record,
}

/// No record of any thread.
const NOBODY: *const Record = ptr::dangling();

/// The readers that one thread counts, and others besides.
pub(super) struct Shard {
    held: AtomicU64,
    crowd: AtomicU64,
}

impl Shard {
    const_fn! {
        const fn new() -> Shard {
            Shard { held: AtomicU64::new(0), crowd: AtomicU64::new(0) }
        }
    }

    /// The owner has come in so often (I1).
    #[inline(always)]
    fn come(&self, held: u64) {
        // Relaxed: what follows the fence is not before it.
        self.held.store(held, RELAXED);
    }

    /// The owner has gone, but for so often (I1).
    #[inline(always)]
    fn go(&self, held: u64) {
        // Release [E3]: what it did with the data.
        self.held.store(held, release("sharded.leave"));
    }
}

/// The own words of a sharded lock.
pub struct State {
    word: AtomicU32,
    shards: [CachePadded<Shard>; LOCK_SHARDS],
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("State").finish_non_exhaustive()
    }
}

/// The queue of a sharded lock, locked.
pub(super) type LockedSharded<'q> = Locked<'q, State, Role>;

/// The words and the queue of a sharded lock.
pub(super) struct RawSharded {
    queue: WaitQueue<State, Role>,
}

#[cfg(not(counterpoint_loom))]
const fn shards() -> [CachePadded<Shard>; LOCK_SHARDS] {
    [const { CachePadded::new(Shard::new()) }; LOCK_SHARDS]
}

#[cfg(counterpoint_loom)]
fn shards() -> [CachePadded<Shard>; LOCK_SHARDS] {
    core::array::from_fn(|_| CachePadded::new(Shard::new()))
}

impl RawSharded {
    const_fn! {
        #[cfg_attr(feature = "hooks", track_caller)]
        pub(super) const fn new() -> RawSharded {
            RawSharded {
                queue: WaitQueue::new(State {
                    word: AtomicU32::new(if fence::PROBED { CAREFUL } else { 0 }),
                    shards: shards(),
                }),
            }
        }
    }

    #[inline(always)]
    pub(super) const fn queue(&self) -> &WaitQueue<State, Role> {
        &self.queue
    }

    #[inline(always)]
    fn word(&self) -> &AtomicU32 {
        &self.queue.state().word
    }

    #[inline(always)]
    fn shard(&self, index: usize) -> &Shard {
        &self.queue.state().shards[index % LOCK_SHARDS]
    }

    /// Comes in to read, unless a writer has claimed the lock.
    #[inline(always)]
    pub(super) fn try_read(&self) -> Option<Slot<'_>> {
        let came = record::with_current(|record| {
            let index = record.index();
            let shard = self.shard(index);
            // Relaxed: its own (I1).
            if index >= LOCK_SHARDS || shard.held.load(RELAXED) != 0 {
                return None;
            }
            shard.come(1);
            let owner: *const Record = record;
            Some(Slot { shard, owner })
        });
        match came.flatten() {
            // I6, I2
            Some(slot) if self.look(fence::light_known) & (WRITER | CAREFUL) == 0 => Some(slot),
            came => self.try_read_slow(came),
        }
    }

    /// Comes in again, with the crowd, or as the first thing that this thread does here.
    fn come_in(&self) -> Slot<'_> {
        record::with(|record| {
            let index = record.index();
            let shard = self.shard(index);
            if index < LOCK_SHARDS {
                // Relaxed: its own (I1).
                shard.come(shard.held.load(RELAXED) + 1);
                let owner: *const Record = &raw const **record;
                return Slot { shard, owner };
            }
            // Relaxed: as for the owner.
            shard.crowd.fetch_add(1, RELAXED);
            let owner = NOBODY;
            Slot { shard, owner }
        })
    }

    #[inline(always)]
    fn look(&self, light: impl Fn(&'static str)) -> u32 {
        // E2
        light("sharded.enter");
        // Acquire [E1]: pairs with the release in `unlock`.
        self.word().load(acquire("sharded.look"))
    }

    #[cold]
    #[inline(never)]
    fn try_read_slow<'a>(&'a self, came: Option<Slot<'a>>) -> Option<Slot<'a>> {
        let slot = came.unwrap_or_else(|| self.come_in());
        let word = self.look(fence::light);
        if word & CAREFUL != 0 && fence::strategy() == Strategy::Membarrier {
            // Relaxed: it says what never changes (I6).
            self.word().fetch_and(!CAREFUL, RELAXED);
        }
        if word & WRITER == 0 {
            return Some(slot); // I2
        }
        self.leave_slow(slot);
        None
    }

    /// A reader goes.
    #[inline(always)]
    pub(super) fn leave(&self, slot: Slot<'_>) {
        // Relaxed: its own, if it is (I1).
        if record::is_current(slot.owner) && slot.shard.held.load(RELAXED) == 1 {
            slot.shard.go(0);
            // I6
            if self.look_back(fence::light_known) & (DRAINING | CAREFUL) != 0 {
                self.left_slow();
            }
        } else {
            self.leave_slow(slot);
        }
    }

    /// A thread that has another record than it came in with is not the shard's owner any more (a
    /// destructor of thread-locals): it counts with the crowd.
    #[cold]
    #[inline(never)]
    fn leave_slow(&self, Slot { shard, owner }: Slot<'_>) {
        if record::is_current(owner) {
            // Relaxed: its own (I1).
            shard.go(shard.held.load(RELAXED) - 1);
        } else {
            // Release [E3].
            shard.crowd.fetch_sub(1, release("sharded.leave_crowd"));
        }
        self.left_slow();
    }

    #[inline(always)]
    fn look_back(&self, light: impl Fn(&'static str)) -> u32 {
        // E4
        light("sharded.left");
        // Relaxed: a look; the queue lock orders the rest.
        self.word().load(RELAXED)
    }

    #[cold]
    #[inline(never)]
    fn left_slow(&self) {
        if self.look_back(fence::light) & DRAINING != 0 {
            self.wake_drainer();
        }
    }

    #[cold]
    fn wake_drainer(&self) {
        let mut wakes = WakeBatch::new();
        let mut queue = self.queue.lock();
        if self.is_quiet() {
            let pick = |role: &mut Role, _| match role {
                Role::Drainer => Pick::Take,
                Role::Reader | Role::Writer => Pick::Skip,
            };
            queue.grant(End::First, Grant::Baton, &mut wakes, pick, |_| ());
        }
        drop(queue);
        wakes.wake();
    }

    /// True if no reader is in, for who has claimed the lock (I3).
    pub(super) fn is_quiet(&self) -> bool {
        self.queue.state().shards.iter().all(|shard| {
            // Acquire [E3], both.
            let crowd = shard.crowd.load(acquire("sharded.crowd"));
            let held = shard.held.load(acquire("sharded.held"));
            held.wrapping_add(crowd) == 0
        })
    }

    /// Claims the lock for writing; readers may still be in (I4).
    pub(super) fn try_claim(&self) -> bool {
        // Relaxed: a look; the exchange decides.
        let mut word = self.word().load(RELAXED);
        while word & WRITER == 0 {
            // Acquire [E1]: pairs with the release in `unlock`.
            match self.word().compare_exchange_weak(
                word,
                word | WRITER | DRAINING,
                acquire("sharded.claim"),
                RELAXED,
            ) {
                Ok(_) => {
                    // E2, E4
                    fence::heavy("sharded.claimed");
                    return true;
                }
                Err(found) => word = found,
            }
        }
        false
    }

    /// Whether the readers have gone, for who has claimed the lock; then it is held.
    pub(super) fn try_begin(&self) -> bool {
        if !self.is_quiet() {
            return false;
        }
        // Relaxed: it is a hint for readers, of which none is in.
        self.word().fetch_and(!DRAINING, RELAXED);
        true
    }

    /// Gives the claim back.
    pub(super) fn unlock(&self) {
        // Release [E1]: the data.
        let before = self
            .word()
            .fetch_and(!(WRITER | DRAINING), release("sharded.unlock"));
        if before & WAITERS != 0 {
            wake_in_batches(|wakes| self.settle(&mut self.queue.lock(), wakes));
        }
    }

    /// Gives up a claim with which nothing was written, for who holds the queue.
    pub(super) fn abandon(&self, _queue: &mut LockedSharded<'_>) {
        // Relaxed: nothing was written; what others wrote is handed on by the exchange.
        self.word().fetch_and(!(WRITER | DRAINING), RELAXED);
    }

    /// Grants all who read and the first that writes, if nobody has claimed the lock (I5). Returns
    /// true if the batch is full and there may be more.
    pub(super) fn settle(&self, queue: &mut LockedSharded<'_>, wakes: &mut WakeBatch) -> bool {
        let mut writer = false;
        // Relaxed: who has claimed it finds `WAITERS` as it unlocks.
        while self.word().load(RELAXED) & WRITER == 0 && !wakes.is_full() {
            let first = !writer;
            let pick = |role: &mut Role, _| match role {
                Role::Reader => Pick::Take,
                Role::Writer if first => {
                    writer = true;
                    Pick::Take
                }
                Role::Writer | Role::Drainer => Pick::Skip,
            };
            if !queue.grant(End::First, Grant::Baton, wakes, pick, |_| ()) {
                break;
            }
        }
        if queue.is_empty() {
            // Relaxed: nobody is in the queue, whose lock is held.
            self.word().fetch_and(!WAITERS, RELAXED);
        }
        wakes.is_full()
    }

    /// Marks that somebody waits. Returns false if nobody has claimed the lock.
    pub(super) fn mark(&self, _queue: &mut LockedSharded<'_>) -> bool {
        // Relaxed: a look; the exchange decides. It publishes nothing: the lock orders the queue.
        let mut word = self.word().load(RELAXED);
        while word & WRITER != 0 {
            match self
                .word()
                .compare_exchange_weak(word, word | WAITERS, RELAXED, RELAXED)
            {
                Ok(_) => return true,
                Err(found) => word = found,
            }
        }
        false
    }

    /// What state it is in; how many read is of no one instant, so it is not told.
    pub(super) fn telemetry(&self) -> Telemetry {
        at_one_instant("ShardedLock", &self.queue, |_| {
            // Relaxed: a look, and one only, so that all of it is of one instant.
            let word = self.word().load(RELAXED);
            let exclusive = word & (WRITER | DRAINING) == WRITER;
            Facts {
                held: exclusive.then_some(1),
                exclusive,
                poisoned: word & POISONED != 0,
                ..Facts::default()
            }
        })
    }

    pub(super) fn is_claimed(&self) -> bool {
        // Relaxed: a look.
        self.word().load(RELAXED) & WRITER != 0
    }

    pub(super) fn is_poisoned(&self) -> bool {
        // Relaxed: who reads or writes sees what was poisoned before by E1.
        self.word().load(RELAXED) & POISONED != 0
    }

    pub(super) fn poison(&self) {
        // Relaxed: ordered by the unlock that follows.
        self.word().fetch_or(POISONED, RELAXED);
    }

    pub(super) fn clear_poison(&self) {
        // Relaxed: the flag guards no data.
        self.word().fetch_and(!POISONED, RELAXED);
    }
}

//! Every capacity, batch and spin constant, with a small value under a model checker, so that a
//! model reaches the interesting states.

macro_rules! tune {
    ($($(#[$meta:meta])* $name:ident: $ty:ty = $real:expr, model $small:expr;)*) => {$(
        $(#[$meta])*
        pub const $name: $ty = if cfg!(any(counterpoint_loom, counterpoint_shuttle)) { $small } else { $real };
    )*};
}

tune! {
    /// Wakers collected under a queue lock before it is released to wake them.
    WAKE_BATCH: usize = 32, model 2;
    /// Doubling steps of busy waiting in `Backoff` before it yields.
    SPIN_STEPS: u32 = 6, model 0;
    /// Steps after which `Backoff` says that it is time to block.
    YIELD_STEPS: u32 = 10, model 1;
    /// Rounds of busy waiting for an internal lock before its thread sleeps.
    LOCK_SPINS: u32 = 40, model 1;
    /// Rounds of looking for a token before a thread sleeps in a wait, each twice as long as the one
    /// before: 255 pauses, 4 to 10 microseconds.
    PARK_ROUNDS: u32 = 8, model 0;
    /// Looks of a poll at what it waits for before it queues: a fifth of a microsecond.
    GLANCES: u32 = 12, model 1;
    /// The most waits that a thread queues for without such looks after they were in vain.
    GLANCES_LEFT_OUT: u32 = 127, model 1;
    /// How many looks before a sleep are in vain until some are left out.
    LINGERS_IN_VAIN: u32 = 8, model 1;
    /// The most sleeps that a thread begins without a look before them after those were in vain.
    LINGERS_LEFT_OUT: u32 = 15, model 1;
    /// Stripes of a `ShardedCounter`.
    COUNTER_STRIPES: usize = 16, model 2;
    /// Pauses for which a party of a rendezvous looks for its partner before it sleeps.
    RENDEZVOUS_SPINS: u32 = 1000, model 1;
    /// The same after partners came too late again and again.
    RENDEZVOUS_LEAST_SPINS: u32 = 50, model 1;
    /// Looks of a thread for somebody to exchange with before it queues.
    EXCHANGE_SPINS: u32 = 500, model 1;
    /// Heads of a stage that leave before one that was promised the headship and does not look loses it.
    STAGE_OVERTAKES: u32 = 16, model 2;
    /// Shards of a `ShardedLock`: threads that read without an exchange.
    LOCK_SHARDS: usize = 16, model 2;
    /// Reads of a `SeqCell` that may fail before the reader waits for the writers' lock.
    SEQ_TRIES: u32 = 32, model 1;
    /// Sequence locks for all `AtomicCell`s of values that no instruction takes whole.
    CELL_STRIPES: usize = 64, model 1;
    /// Records in the first segment of the table of threads; each next segment is twice as large.
    FIRST_SEGMENT: usize = 32, model 2;
    /// Segments of the table of threads.
    SEGMENTS: usize = 26, model 3;
    /// The lap in which the positions of a ring begin: under a checker two before they wrap around.
    FIRST_LAP: u64 = 0, model u64::MAX - 1;
    /// Values in a block of an unbounded queue.
    BLOCK: usize = 31, model 2;
    /// Emptied blocks that an unbounded queue keeps for its next values.
    SPARE_BLOCKS: usize = 2, model 2;
    /// What a thread retires before it hands it on.
    EPOCH_BAG: usize = 64, model 2;
    /// The same in bytes.
    EPOCH_BAG_BYTES: usize = 1 << 16, model 1 << 16;
    /// Pins of a thread between two looks at what others have retired.
    EPOCH_PINS: u32 = 128, model 64;
    /// Bags that a thread empties at once; one that goes empties all that it may.
    EPOCH_RUN: usize = 8, model 2;
    /// The most advances of a thread that goes: one grace period, and one more for what was deferred
    /// meanwhile.
    EPOCH_DRAIN: u32 = 8, model 5;
    /// Lines in a page of the book of holds.
    BOOK_LINES: usize = 32, model 1;
    /// Places in the first ring of a deque.
    RING: usize = 64, model 2;
    /// The position at which a deque begins: under a checker two before they wrap around.
    FIRST_POSITION: u32 = 0, model u32::MAX - 1;
    /// Looks of a thief at another one that asks the owner, before it does that work itself.
    STEAL_PATIENCE: u32 = 200, model 0;
    /// Pops of an owner without a thief in between, after which it counts as alone again.
    CALM_AFTER: u32 = 64, model 2;
    /// How often a deque is found empty before its ring is halved.
    IDLE_BEFORE_HALF: u32 = 64, model 1;
}

//! Links `counterpoint-base`, `counterpoint-lockfree` and `counterpoint-sync` without the standard
//! library and uses what they promise there.
//!
//! The exit code is the number of the first check that fails, and 0 if all hold. Were `std` in
//! the build, its panic handler would collide with the one below and nothing would link.

#![no_std]
#![no_main]

use core::alloc::{GlobalAlloc, Layout};
use core::ffi::{c_char, c_int, c_void};
use core::panic::PanicInfo;
use core::sync::atomic::AtomicU32;
use counterpoint_base::atomic::{AtomicCell, AtomicConsume};
use counterpoint_base::prim::atomic::{AtomicU32 as Counter, RELAXED};
use counterpoint_base::{Backoff, CachePadded};
use counterpoint_lockfree::deque::{Injector, Steal, Worker};
use counterpoint_lockfree::epoch::{Collector, Owned};
use counterpoint_lockfree::queue::{ArrayQueue, SegQueue, spsc};
use counterpoint_sync::rendezvous::{Disconnected, Meeting, TryRendezvousError};

// The C start-up code calls `main`.
#[link(name = "c")]
unsafe extern "C" {
    fn abort() -> !;
    fn aligned_alloc(align: usize, size: usize) -> *mut c_void;
    fn free(pointer: *mut c_void);
}

struct FromC;

// SAFETY: memory comes from the C library's allocator, as large and as aligned as asked for.
unsafe impl GlobalAlloc for FromC {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let align = layout.align().max(size_of::<usize>());
        // SAFETY: the alignment is a power of two, and the size a multiple of it.
        unsafe { aligned_alloc(align, layout.size().next_multiple_of(align)) }.cast()
    }

    unsafe fn dealloc(&self, pointer: *mut u8, _layout: Layout) {
        // SAFETY: the pointer comes from `alloc`.
        unsafe { free(pointer.cast()) };
    }
}

#[global_allocator]
static ALLOCATOR: FromC = FromC;

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    // SAFETY: `abort` has no preconditions.
    unsafe { abort() }
}

/// The prebuilt `alloc` refers to it for unwinding, which does not happen here.
// SAFETY: nothing else of this name is linked, for `std` is not.
#[unsafe(no_mangle)]
pub extern "C" fn rust_eh_personality() {}

/// Called by the C start-up code.
// SAFETY: no other `main` is linked; `#![no_main]` keeps the compiler from making one.
#[unsafe(no_mangle)]
pub extern "C" fn main(_count: c_int, _arguments: *const *const c_char) -> c_int {
    let checks = [
        backs_off(),
        pads(),
        cells(),
        queues(),
        frees_later(),
        deques(),
        swaps(),
        sees_who_is_gone(),
    ];
    match checks.iter().position(|holds| !holds) {
        Some(index) => index as c_int + 1,
        None => 0,
    }
}

/// Backing off comes to an end, and starts anew after a reset.
fn backs_off() -> bool {
    let backoff = Backoff::new();
    for _ in 0..1000 {
        if backoff.is_completed() {
            backoff.reset();
            return true;
        }
        backoff.spin();
        backoff.snooze();
    }
    false
}

/// Neighbours lie on different cache lines.
fn pads() -> bool {
    let pair = [CachePadded::new(1u8), CachePadded::new(2u8)];
    let distance = (&raw const *pair[1]).addr() - (&raw const *pair[0]).addr();
    distance >= 32 && *pair[0] + *pair[1] == 3
}

/// Cells of all kinds: of a word, of two, and larger.
fn cells() -> bool {
    let (word, pair, wide) = (
        AtomicCell::new((true, 1_u16)),
        AtomicCell::new(2_u128),
        AtomicCell::new([3_u64; 4]),
    );
    word.store((false, 4));
    let exchanged = pair.fetch_add(3) == 2 && pair.compare_exchange(5, 6) == Ok(5);
    let changed = wide.fetch_update(|all| Some(all.map(|one| one + 1))) == Ok([3; 4]);
    let loaded = word.load() == (false, 4) && pair.load() == 6 && wide.swap([0; 4]) == [4; 4];
    exchanged && changed && loaded && AtomicU32::new(7).load_consume() == 7
}

/// A queue gives back what was pushed, in order.
fn queues() -> bool {
    let queue = ArrayQueue::new(2);
    let pushed = queue.push(1).is_ok() && queue.push(2).is_ok() && queue.push(3) == Err(3);
    let bounded = pushed && queue.pop() == Some(1) && queue.into_iter().sum::<i32>() == 2;
    let queue: SegQueue<i32> = (0..100).collect();
    let (mut producer, mut consumer) = spsc::ring(3);
    let ring = producer.push(1).is_ok() && producer.push_slice(&[2, 3, 4]) == 2;
    let ring = ring && consumer.pop() == Some(1) && consumer.slots() == 2;
    bounded && queue.pop() == Some(0) && queue.into_iter().count() == 99 && ring
}

/// What is retired in a collector of one's own is freed when the collector goes, at the latest.
fn frees_later() -> bool {
    static FREED: Counter = Counter::new(0);
    struct Node;
    impl Drop for Node {
        fn drop(&mut self) {
            FREED.fetch_add(1, RELAXED);
        }
    }
    let collector = Collector::new();
    let handle = collector.register();
    for _ in 0..1_000 {
        let guard = handle.pin();
        let node = Owned::new(Node).into_shared(&guard);
        // SAFETY: nobody else knows it.
        unsafe { guard.defer_destroy(node) };
    }
    let early = FREED.load(RELAXED);
    drop((handle, collector));
    (1..1_000).contains(&early) && FREED.load(RELAXED) == 1_000
}

/// The owner pops the newest task, a thief takes the oldest, and a batch comes from the entrance.
fn deques() -> bool {
    let worker = Worker::new_lifo();
    (0..100).for_each(|task| worker.push(task));
    let own = worker.pop() == Some(99) && worker.stealer().steal() == Steal::Success(0);
    let entrance = Injector::new();
    (0..4).for_each(|task| entrance.push(task));
    own && entrance.steal_batch_and_pop(&worker) == Steal::Success(0) && worker.len() == 99
}

/// Two parties in memory of the caller's swap.
fn swaps() -> bool {
    let mut meeting = Meeting::new(1, 2);
    let (mut a, mut b) = meeting.split();
    let first = a.try_swap() == Err(TryRendezvousError::WouldBlock) && a.get_mut().is_none();
    *b.swap() += 10;
    let second = *a.swap() == 2;
    drop((a, b));
    first && second && meeting.into_inner() == (11, 2)
}

/// The last arrival counts, and then the partner is gone.
fn sees_who_is_gone() -> bool {
    let mut meeting = Meeting::new(1, 2);
    let (mut a, mut b) = meeting.split();
    let offered = b.try_swap().is_err();
    drop(b);
    offered && a.swap_checked() == Ok(&mut 2) && a.swap_checked() == Err(Disconnected)
}

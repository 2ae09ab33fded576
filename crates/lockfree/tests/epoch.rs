//! `epoch` on real threads. A test that takes random steps prints its seed; `EPOCH_SEED` repeats
//! one.
#![cfg(all(feature = "std", not(any(counterpoint_loom, counterpoint_shuttle))))]

use counterpoint_lockfree::epoch::{
    self, Atomic, Collector, Guard, LocalHandle, Owned, Pointable, Shared,
};
use std::cell::Cell;
use std::mem::MaybeUninit;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;
use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release, SeqCst};
use std::sync::atomic::{AtomicBool, AtomicUsize};
use std::sync::{Arc, Barrier, Mutex};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

/// Counts how often its clones were dropped.
#[derive(Clone)]
struct Counted(Arc<AtomicUsize>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_add(1, SeqCst);
    }
}

fn counter() -> Arc<AtomicUsize> {
    Arc::new(AtomicUsize::new(0))
}

/// A seed, printed.
fn seed() -> u64 {
    let given = std::env::var("EPOCH_SEED")
        .ok()
        .and_then(|text| text.parse().ok());
    let now = || {
        SystemTime::UNIX_EPOCH
            .elapsed()
            .unwrap_or_default()
            .as_nanos() as u64
    };
    let seed = given.unwrap_or_else(now);
    println!("EPOCH_SEED={seed}");
    seed
}

/// Marsaglia's xorshift.
struct Random(u64);

impl Random {
    fn new(seed: u64, thread: u64) -> Random {
        Random((seed ^ (thread + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15)) | 1)
    }

    fn below(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % n
    }
}

/// Flushes with new guards until `done`.
fn flush_until(handle: &LocalHandle, done: impl Fn() -> bool) {
    let begin = Instant::now();
    while !done() {
        assert!(begin.elapsed() < Duration::from_secs(30), "never freed");
        handle.pin().flush();
        thread::yield_now();
    }
}

#[test]
fn guards_nest() {
    let collector = Collector::new();
    let handle = collector.register();
    assert!(!handle.is_pinned());
    let outer = handle.pin();
    {
        let _inner = handle.pin();
        assert!(handle.is_pinned());
    }
    assert!(handle.is_pinned());
    drop(outer);
    assert!(!handle.is_pinned());
}

#[test]
fn a_guard_outlives_its_handle() {
    let drops = counter();
    let collector = Collector::new();
    let guard = collector.register().pin();
    let counted = Counted(drops.clone());
    guard.defer(move || drop(counted));
    drop(collector);
    assert_eq!(drops.load(SeqCst), 0);
    drop(guard);
    assert_eq!(drops.load(SeqCst), 1);
}

#[test]
fn a_pin_holds_the_epoch() {
    let collector = Collector::new();
    let (here, there) = (collector.register(), collector.register());
    let guard = here.pin();
    let before = collector.stats().epoch;
    for _ in 0..100 {
        there.pin().flush();
    }
    // Nothing to free: nobody advances.
    assert_eq!(collector.stats().epoch, before);
    guard.defer(|| ());
    for _ in 0..100 {
        there.pin().flush();
    }
    assert!(collector.stats().epoch <= before + 1);
    drop(guard);
    flush_until(&there, || collector.stats().waiting == 0);
    assert!(collector.stats().epoch >= before + 3);
}

#[test]
fn nothing_is_freed_while_an_older_pin_lives() {
    let drops = counter();
    let collector = Collector::new();
    let (reader, writer) = (collector.register(), collector.register());
    let reading = reader.pin();
    for _ in 0..1_000 {
        let counted = Counted(drops.clone());
        writer.pin().defer(move || drop(counted));
    }
    for _ in 0..10 {
        writer.pin().flush();
    }
    assert_eq!(drops.load(SeqCst), 0);
    let stats = collector.stats();
    assert_eq!((stats.waiting, stats.pinned), (1_000, 1));
    let oldest = stats.oldest_pin.expect("somebody is pinned");
    assert!(
        oldest
            .site
            .is_some_and(|site| site.file().ends_with("epoch.rs"))
    );
    assert!(oldest.thread > 0 && stats.to_string().contains("epoch.rs"));
    drop(reading);
    flush_until(&writer, || drops.load(SeqCst) == 1_000);
    assert_eq!(collector.stats().waiting_bytes, 0);
}

#[test]
fn repinning_lets_others_go_on() {
    let drops = counter();
    let collector = Collector::new();
    let (reader, writer) = (collector.register(), collector.register());
    let mut reading = reader.pin();
    let counted = Counted(drops.clone());
    writer.pin().defer(move || drop(counted));
    for _ in 0..10 {
        reading.repin();
        writer.pin().flush();
    }
    assert_eq!(drops.load(SeqCst), 1);
    assert!(reader.is_pinned());
    let pinned = reading.repin_after(|| reader.is_pinned());
    assert!(!pinned && reader.is_pinned());
    // Not the only guard: it stays pinned.
    let outer = reader.pin();
    assert!(reading.repin_after(|| reader.is_pinned()));
    drop((outer, reading));
    assert!(!reader.is_pinned());
}

#[test]
fn a_panic_while_unpinned_pins_again() {
    let collector = Collector::new();
    let handle = collector.register();
    let mut guard = handle.pin();
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        guard.repin_after(|| panic!("on purpose"))
    }));
    assert!(panicked.is_err() && handle.is_pinned());
    drop(guard);
    assert!(!handle.is_pinned());
}

#[test]
fn what_a_thread_leaves_is_freed_when_it_ends() {
    let drops = counter();
    let collector = Collector::new();
    let (theirs, counted) = (collector.clone(), Counted(drops.clone()));
    thread::spawn(move || {
        let handle = theirs.register();
        handle.pin().defer(move || drop(counted));
    })
    .join()
    .unwrap();
    assert_eq!(drops.load(SeqCst), 1);
    assert_eq!(collector.stats().waiting, 0);
}

#[test]
fn whoever_held_it_up_frees_what_an_ended_thread_left() {
    let drops = counter();
    let collector = Collector::new();
    let handle = collector.register();
    let guard = handle.pin();
    let (theirs, counted) = (collector.clone(), Counted(drops.clone()));
    thread::spawn(move || theirs.register().pin().defer(move || drop(counted)))
        .join()
        .unwrap();
    assert_eq!(drops.load(SeqCst), 0);
    drop(guard);
    assert_eq!(drops.load(SeqCst), 1);
}

#[test]
fn what_an_idle_thread_holds_is_freed_by_others() {
    let drops = counter();
    let collector = Collector::new();
    let (theirs, counted) = (collector.clone(), Counted(drops.clone()));
    let (retired, over) = (Arc::new(Barrier::new(2)), Arc::new(Barrier::new(2)));
    let idle = thread::spawn({
        let (retired, over) = (retired.clone(), over.clone());
        move || {
            let handle = theirs.register();
            handle.pin().defer(move || drop(counted));
            retired.wait();
            over.wait();
        }
    });
    retired.wait();
    let handle = collector.register();
    // Readers alone do it.
    for _ in 0..10_000 {
        drop(handle.pin());
    }
    assert_eq!(drops.load(SeqCst), 1);
    over.wait();
    idle.join().unwrap();
}

#[test]
fn the_default_collector_frees_what_ended_threads_left() {
    let drops = counter();
    for _ in 0..8 {
        let counted = Counted(drops.clone());
        thread::spawn(move || epoch::pin().defer(move || drop(counted)))
            .join()
            .unwrap();
    }
    let begin = Instant::now();
    while drops.load(SeqCst) < 8 {
        // Other tests are pinned now and then.
        assert!(begin.elapsed() < Duration::from_secs(30));
        epoch::pin().flush();
        thread::yield_now();
    }
}

#[test]
fn pinning_works_while_a_thread_ends() {
    struct Late(Arc<AtomicUsize>);
    impl Drop for Late {
        fn drop(&mut self) {
            let drops = self.0.clone();
            let guard = epoch::pin();
            guard.defer(move || drops.fetch_add(1, SeqCst));
            assert!(guard.collector() == Some(epoch::default_collector()));
        }
    }
    thread_local! {
        static LATE: std::cell::RefCell<Option<Late>> = const { std::cell::RefCell::new(None) };
    }
    let drops = counter();
    let theirs = drops.clone();
    thread::spawn(move || {
        // Destroyed after the handle of the collector, which is made later; and before.
        LATE.with(|late| *late.borrow_mut() = Some(Late(theirs)));
        drop(epoch::pin());
    })
    .join()
    .unwrap();
    let begin = Instant::now();
    while drops.load(SeqCst) < 1 {
        assert!(begin.elapsed() < Duration::from_secs(30));
        epoch::pin().flush();
    }
}

#[test]
fn a_collector_that_goes_runs_everything() {
    let drops = counter();
    let collector = Collector::new();
    let handle = collector.register();
    let guard = handle.pin();
    for _ in 0..1_000 {
        let counted = Counted(drops.clone());
        guard.defer(move || drop(counted));
    }
    drop(guard);
    let held = collector.register().pin();
    drop((collector, handle));
    drop(held);
    assert_eq!(drops.load(SeqCst), 1_000);
}

#[test]
fn a_panic_of_a_closure_leaves_the_others_for_later() {
    let drops = counter();
    let collector = Collector::new();
    let handle = collector.register();
    let guard = handle.pin();
    for number in 0..50 {
        let counted = Counted(drops.clone());
        guard.defer(move || {
            drop(counted);
            assert!(number % 10 != 3, "on purpose");
        });
    }
    drop(guard);
    let mut panics = 0;
    let begin = Instant::now();
    while collector.stats().waiting > 0 {
        assert!(begin.elapsed() < Duration::from_secs(30));
        let flush = AssertUnwindSafe(|| collector.register().pin().flush());
        panics += usize::from(catch_unwind(flush).is_err());
    }
    assert_eq!((panics, drops.load(SeqCst)), (5, 50));
    assert!(!handle.is_pinned());
    // As before.
    let counted = Counted(drops.clone());
    handle.pin().defer(move || drop(counted));
    flush_until(&handle, || drops.load(SeqCst) == 51);
}

#[test]
fn a_panic_while_the_collector_goes_leaves_nothing() {
    let drops = counter();
    let collector = Collector::new();
    let reader = collector.register();
    let handle = collector.register();
    let reading = reader.pin();
    for number in 0..200 {
        let counted = Counted(drops.clone());
        handle.pin().defer(move || {
            drop(counted);
            assert!(number != 7, "on purpose");
        });
    }
    drop((handle, collector));
    let gone = catch_unwind(AssertUnwindSafe(|| drop((reading, reader))));
    assert!(gone.is_err());
    assert_eq!(drops.load(SeqCst), 200);
}

#[test]
fn a_closure_may_pin_defer_flush_and_drop_handles() {
    let (drops, collector) = (counter(), Collector::new());
    let handle = collector.register();
    let (inner, counted) = (collector.clone(), Counted(drops.clone()));
    // Not `Send`, and run by this thread alone.
    let other = collector.register();
    let closure = move || {
        let guard = other.pin();
        guard.defer(move || drop(counted));
        guard.flush();
        drop((guard, other));
        let here = inner.register();
        here.pin().flush();
    };
    // SAFETY: no other thread uses this collector.
    unsafe { handle.pin().defer_unchecked(closure) };
    flush_until(&handle, || drops.load(SeqCst) == 1);
}

#[test]
fn a_closure_does_not_run_inside_the_one_that_deferred_it() {
    fn again(guard: &Guard, running: Arc<AtomicUsize>, left: usize, collector: Collector) {
        guard.defer(move || {
            assert_eq!(
                running.fetch_add(1, SeqCst),
                0,
                "one runs inside another one"
            );
            if left > 0 {
                let guard = collector.register().pin();
                again(&guard, running.clone(), left - 1, collector.clone());
            }
            running.fetch_sub(1, SeqCst);
        });
    }
    let collector = Collector::new();
    let handle = collector.register();
    again(&handle.pin(), counter(), 50, collector.clone());
    flush_until(&handle, || collector.stats().waiting == 0);
}

#[test]
fn objects_and_slices_are_destroyed_once() {
    let drops = counter();
    let collector = Collector::new();
    let handle = collector.register();
    let slot: Atomic<Counted> = Atomic::null();
    for _ in 0..10_000 {
        let guard = handle.pin();
        let old = slot.swap(Owned::new(Counted(drops.clone())), AcqRel, &guard);
        if !old.is_null() {
            // SAFETY: just taken out, by the only thread.
            unsafe { guard.defer_destroy(old) };
        }
    }
    // SAFETY: nobody else uses it.
    drop(unsafe { slot.into_owned() });
    drop((handle, collector));
    assert_eq!(drops.load(SeqCst), 10_000);

    let collector = Collector::new();
    let guard = collector.register().pin();
    let slice = Owned::<[MaybeUninit<u64>]>::init(100).into_shared(&guard);
    // SAFETY: nobody else knows it.
    unsafe { guard.defer_destroy(slice) };
    assert!(collector.stats().waiting_bytes >= 800);
}

#[test]
fn many_bytes_are_handed_on_early() {
    let drops = counter();
    let collector = Collector::new();
    let handle = collector.register();
    let mut most = 0;
    for _ in 0..100 {
        let guard = handle.pin();
        let large = Owned::new(([0_u8; 40_000], Counted(drops.clone()))).into_shared(&guard);
        // SAFETY: nobody else knows it.
        unsafe { guard.defer_destroy(large) };
        drop(guard);
        most = most.max(collector.stats().waiting);
    }
    assert!(most <= 12, "{most} large objects at once");
}

#[test]
fn without_protection_everything_happens_at_once() {
    let drops = counter();
    let slot = Atomic::new(Counted(drops.clone()));
    // SAFETY: only this thread knows `slot`.
    let guard = unsafe { epoch::unprotected() };
    let old = slot.swap(Shared::null(), Relaxed, guard);
    // SAFETY: just taken out.
    unsafe { guard.defer_destroy(old) };
    assert_eq!(drops.load(SeqCst), 1);
    let counted = Counted(drops.clone());
    guard.defer(move || drop(counted));
    assert_eq!(drops.load(SeqCst), 2);
    guard.flush();
    assert_eq!(guard.collector(), None);
}

#[test]
fn a_stall_is_told_of_once() {
    let told = counter();
    let collector = Collector::new();
    let theirs = told.clone();
    collector.on_stall(Duration::from_millis(20), move |stall| {
        assert!(stall.since >= Duration::from_millis(20));
        assert!(stall.stats.oldest_pin.is_some_and(|pin| pin.behind > 0));
        theirs.fetch_add(1, SeqCst);
    });
    let (reader, writer) = (collector.register(), collector.register());
    let reading = reader.pin();
    let begin = Instant::now();
    while told.load(SeqCst) == 0 {
        assert!(begin.elapsed() < Duration::from_secs(30), "nobody was told");
        writer.pin().defer(|| ());
    }
    for _ in 0..10_000 {
        writer.pin().defer(|| ());
    }
    assert_eq!(told.load(SeqCst), 1);
    drop(reading);
    flush_until(&writer, || collector.stats().waiting == 0);
}

#[test]
fn exchanges_on_pointers_and_tags() {
    let guard = epoch::pin();
    let slot = Atomic::new(1_u64);
    let first = slot.load(Acquire, &guard);
    let wrong = slot.compare_exchange(Shared::null(), Owned::new(2), AcqRel, Acquire, &guard);
    let error = wrong.unwrap_err();
    assert_eq!((*error.new, error.current), (2, first));
    let put = slot.compare_exchange(first, error.new, AcqRel, Acquire, &guard);
    let second = put.unwrap();
    // SAFETY: put there just now.
    assert_eq!(unsafe { second.deref() }, &2);
    assert_eq!(slot.fetch_or(5, AcqRel, &guard), second);
    assert_eq!(slot.fetch_and(4, AcqRel, &guard).tag(), 5);
    assert_eq!(slot.fetch_xor(6, AcqRel, &guard).tag(), 4);
    assert_eq!(slot.load(Acquire, &guard), second.with_tag(2));
    let marked = slot.try_update(AcqRel, Acquire, &guard, |at| Some(at.with_tag(1)));
    assert_eq!(marked, Ok(second.with_tag(2)));
    let refused = slot.fetch_update(AcqRel, Acquire, &guard, |_| None);
    assert_eq!(refused, Err(second.with_tag(1)));
    // SAFETY: taken out above, by this thread.
    unsafe { guard.defer_destroy(first) };
    // SAFETY: nobody else knows it.
    assert_eq!(*unsafe { slot.into_owned() }, 2);
}

/// Slots whose values carry a mark that their destructor takes away: a reader that finds it gone has
/// read what was freed.
#[test]
fn readers_never_see_what_was_freed() {
    const LIVE: usize = 0x00C0_FFEE;
    struct Value {
        mark: AtomicUsize,
        _counted: Counted,
    }
    impl Drop for Value {
        fn drop(&mut self) {
            assert_eq!(self.mark.swap(0, Relaxed), LIVE, "dropped twice");
        }
    }

    let (seed, made, drops) = (seed(), counter(), counter());
    let stop = Arc::new(AtomicBool::new(false));
    let collector = Collector::new();
    let slots: Arc<[Atomic<Value>; 4]> = Arc::new(std::array::from_fn(|_| Atomic::null()));
    let threads: Vec<_> = (0..4)
        .map(|number| {
            let (collector, slots, made) = (collector.clone(), slots.clone(), made.clone());
            let (drops, stop) = (drops.clone(), stop.clone());
            thread::spawn(move || {
                let mut random = Random::new(seed, number);
                let mut handle = collector.register();
                while !stop.load(Relaxed) {
                    let mut guard = handle.pin();
                    for _ in 0..random.below(8) {
                        let slot = &slots[random.below(4) as usize];
                        if random.below(3) == 0 {
                            made.fetch_add(1, Relaxed);
                            let value = Owned::new(Value {
                                mark: AtomicUsize::new(LIVE),
                                _counted: Counted(drops.clone()),
                            });
                            let old = slot.swap(value, AcqRel, &guard);
                            if !old.is_null() {
                                // SAFETY: just taken out, by this thread alone.
                                unsafe { guard.defer_destroy(old) };
                            }
                        } else {
                            let value = slot.load(Acquire, &guard);
                            // SAFETY: published by a release, and protected.
                            if let Some(value) = unsafe { value.as_ref() } {
                                assert_eq!(value.mark.load(Relaxed), LIVE, "freed too early");
                            }
                        }
                    }
                    match random.below(16) {
                        0 => guard.flush(),
                        1 => guard.repin(),
                        2 => guard.repin_after(thread::yield_now),
                        _ => {}
                    }
                    drop(guard);
                    if random.below(64) == 0 {
                        handle = collector.register();
                    }
                }
            })
        })
        .collect();
    thread::sleep(Duration::from_millis(600));
    stop.store(true, Relaxed);
    for thread in threads {
        thread.join().unwrap();
    }
    for slot in slots.iter() {
        // SAFETY: all threads are done.
        drop(unsafe { slot.clone().try_into_owned() });
    }
    drop(collector);
    assert!(made.load(SeqCst) > 0);
    assert_eq!(made.load(SeqCst), drops.load(SeqCst));
}

#[test]
fn an_update_that_panics_changes_nothing() {
    let guard = epoch::pin();
    let slot = Atomic::new(7_u64);
    let before = slot.load(Acquire, &guard);
    let update = AssertUnwindSafe(|| {
        slot.fetch_update(AcqRel, Acquire, &guard, |_| panic!("on purpose"))
            .is_ok()
    });
    assert!(catch_unwind(update).is_err());
    let update = AssertUnwindSafe(|| {
        slot.try_update(AcqRel, Acquire, &guard, |_| panic!("on purpose"))
            .is_ok()
    });
    assert!(catch_unwind(update).is_err());
    assert_eq!(slot.load(Acquire, &guard), before);
    // SAFETY: nobody else knows it.
    drop(unsafe { slot.into_owned() });
}

#[test]
fn a_listener_that_panics_leaves_the_collector_as_it_was() {
    let collector = Collector::new();
    collector.on_stall(Duration::ZERO, |_| panic!("on purpose"));
    let (reader, writer) = (collector.register(), collector.register());
    let reading = reader.pin();
    writer.pin().defer(|| ());
    let stuck = AssertUnwindSafe(|| {
        for _ in 0..3 {
            writer.pin().flush();
        }
    });
    assert!(catch_unwind(stuck).is_err());
    assert!(!writer.is_pinned());
    drop(reading);
    flush_until(&writer, || collector.stats().waiting == 0);
}

#[test]
fn values_that_panic_are_owned_as_by_a_box() {
    struct Fragile(Arc<AtomicUsize>);
    impl Clone for Fragile {
        fn clone(&self) -> Fragile {
            panic!("on purpose");
        }
    }
    impl Drop for Fragile {
        fn drop(&mut self) {
            self.0.fetch_add(1, SeqCst);
            assert!(thread::panicking(), "on purpose");
        }
    }
    let drops = counter();
    let owned = Owned::new(Fragile(drops.clone()));
    assert!(catch_unwind(AssertUnwindSafe(|| owned.clone())).is_err());
    let guard = epoch::pin();
    let slot: Atomic<Fragile> = Atomic::from(owned);
    let new = Owned::new(Fragile(drops.clone()));
    let error = slot.compare_exchange(Shared::null(), new, AcqRel, Acquire, &guard);
    let Err(error) = error else {
        panic!("it is not null");
    };
    // The value is not asked.
    assert!(format!("{error:?}").contains("new: Owned { raw: 0x"));
    assert!(catch_unwind(AssertUnwindSafe(|| drop(error))).is_err());
    assert_eq!(drops.load(SeqCst), 1);
    // SAFETY: nobody else knows it.
    let owned = unsafe { slot.into_owned() };
    assert!(catch_unwind(AssertUnwindSafe(|| drop(owned))).is_err());
    assert_eq!(drops.load(SeqCst), 2);
}

/// A value of no fixed size, whose methods panic when told to; what they do is done before.
struct Tail([u8]);

thread_local! {
    static PANICS: Cell<bool> = const { Cell::new(false) };
    static TAILS: Cell<usize> = const { Cell::new(0) };
}

fn perhaps() {
    assert!(!PANICS.get() || thread::panicking(), "on purpose");
}

// SAFETY: a box of three bytes, of which a pointer to the first is made and taken.
unsafe impl Pointable for Tail {
    const ALIGNMENT: usize = 1;

    type Parts = ();

    unsafe fn make((): ()) -> *mut () {
        perhaps();
        TAILS.set(TAILS.get() + 1);
        Box::into_raw(Box::new([7_u8; 3])).cast()
    }

    unsafe fn as_ptr(pointer: *mut ()) -> *const Tail {
        // SAFETY: by the caller's promise.
        unsafe { Tail::as_mut_ptr(pointer) }
    }

    unsafe fn as_mut_ptr(pointer: *mut ()) -> *mut Tail {
        perhaps();
        ptr::slice_from_raw_parts_mut(pointer.cast::<u8>(), 3) as *mut Tail
    }

    unsafe fn size(_: *mut ()) -> usize {
        perhaps();
        3
    }

    unsafe fn destroy(pointer: *mut ()) {
        TAILS.set(TAILS.get() - 1);
        // SAFETY: by the caller's promise.
        drop(unsafe { Box::from_raw(pointer.cast::<[u8; 3]>()) });
        perhaps();
    }
}

/// Whether `f` panics while the methods of [`Tail`] do.
fn breaks(f: impl FnOnce()) -> bool {
    PANICS.set(true);
    let panicked = catch_unwind(AssertUnwindSafe(f)).is_err();
    PANICS.set(false);
    panicked
}

#[test]
fn a_pointable_that_panics_breaks_nothing_else() {
    let collector = Collector::new();
    let handle = collector.register();
    assert!(breaks(|| drop(Owned::<Tail>::init(()))));
    assert!(breaks(|| {
        let _ = Atomic::<Tail>::init(());
    }));
    assert_eq!(TAILS.get(), 0);
    let guard = handle.pin();
    let slot = Atomic::<Tail>::init(());
    let tail = slot.load(Acquire, &guard);
    assert!(breaks(|| {
        // SAFETY: nobody frees it.
        let _ = unsafe { tail.deref() };
    }));
    // SAFETY: as above.
    assert_eq!(unsafe { tail.deref() }.0, [7; 3]);
    let new = Owned::<Tail>::init(());
    let Err(error) = slot.compare_exchange(Shared::null(), new, AcqRel, Acquire, &guard) else {
        panic!("it is not null");
    };
    assert!(breaks(|| drop(error)));
    assert_eq!(TAILS.get(), 1);
    // SAFETY: nothing is deferred where its size cannot be told.
    assert!(breaks(|| unsafe { guard.defer_destroy(tail) }));
    assert_eq!(collector.stats().waiting, 0);
    slot.store(Shared::null(), Release);
    // SAFETY: just taken out.
    unsafe { guard.defer_destroy(tail) };
    let ran = counter();
    let theirs = ran.clone();
    guard.defer(move || theirs.fetch_add(1, SeqCst));
    drop(guard);
    let panics = (0..8).filter(|_| breaks(|| handle.pin().flush())).count();
    assert_eq!((panics, TAILS.get(), ran.load(SeqCst)), (1, 0, 1));
    assert_eq!(collector.stats().waiting, 0);
}

#[test]
fn nothing_runs_where_something_is_deferred() {
    let collector = Collector::new();
    let handle = collector.register();
    let (lock, ran) = (Arc::new(Mutex::new(())), counter());
    for _ in 0..10_000 {
        let guard = handle.pin();
        let (theirs, ran) = (lock.clone(), ran.clone());
        let changing = lock.lock().unwrap();
        guard.defer(move || {
            assert!(theirs.try_lock().is_ok(), "run in the middle of a change");
            ran.fetch_add(1, SeqCst);
        });
        drop(changing);
    }
    // And yet it does not wait for somebody to flush.
    assert!(ran.load(SeqCst) > 9_000);
}

#[test]
fn a_pin_frees_a_part_of_what_a_stall_left() {
    let freed = counter();
    let collector = Collector::new();
    let (reader, writer) = (collector.register(), collector.register());
    let reading = reader.pin();
    let guard = writer.pin();
    for _ in 0..50_000 {
        let freed = freed.clone();
        guard.defer(move || freed.fetch_add(1, SeqCst));
    }
    drop((guard, reading));
    let begin = Instant::now();
    while collector.stats().waiting > 0 {
        assert!(begin.elapsed() < Duration::from_secs(30));
        let before = freed.load(SeqCst);
        writer.pin().flush();
        let run = freed.load(SeqCst) - before;
        assert!(run <= 2 * 8 * 64, "{run} at once");
    }
}

#[test]
fn others_run_what_lies_behind_a_closure_that_takes_long() {
    let collector = Collector::new();
    let (begun, over) = (Arc::new(Barrier::new(2)), Arc::new(Barrier::new(2)));
    let freed = counter();
    let handle = collector.register();
    {
        let guard = handle.pin();
        let (begun, over) = (begun.clone(), over.clone());
        guard.defer(move || {
            begun.wait();
            over.wait();
        });
        for _ in 0..64 * 100 {
            let freed = freed.clone();
            guard.defer(move || freed.fetch_add(1, SeqCst));
        }
    }
    let theirs = collector.clone();
    let slow = thread::spawn(move || {
        // Ends soon: what it left is run by this thread, too.
        let handle = theirs.register();
        (0..1_000).for_each(|_| handle.pin().flush());
    });
    begun.wait();
    // The slow one is pinned, so nothing new is due; what was already is within reach.
    (0..1_000).for_each(|_| handle.pin().flush());
    assert!(freed.load(SeqCst) >= 64 * 80, "{}", freed.load(SeqCst));
    over.wait();
    slow.join().unwrap();
    flush_until(&handle, || freed.load(SeqCst) == 64 * 100);
}

#[test]
fn two_threads_that_end_at_once_leave_nothing() {
    for _ in 0..2_000 {
        let (drops, collector) = (counter(), Collector::new());
        let both = Arc::new(Barrier::new(2));
        let threads = [0, 1].map(|_| {
            let (theirs, both) = (collector.clone(), both.clone());
            let counted = Counted(drops.clone());
            thread::spawn(move || {
                let handle = theirs.register();
                handle.pin().defer(move || drop(counted));
                both.wait();
            })
        });
        for thread in threads {
            thread.join().unwrap();
        }
        assert_eq!((drops.load(SeqCst), collector.stats().waiting), (2, 0));
    }
}

#[test]
fn who_repins_frees_what_others_left() {
    let (drops, collector) = (counter(), Collector::new());
    let handle = collector.register();
    let mut guard = handle.pin();
    let (theirs, counted) = (collector.clone(), Counted(drops.clone()));
    thread::spawn(move || theirs.register().pin().defer(move || drop(counted)))
        .join()
        .unwrap();
    assert_eq!(drops.load(SeqCst), 0);
    guard.repin();
    assert_eq!(drops.load(SeqCst), 1);
    // What one who idles has begun to collect.
    let idle = collector.register();
    let counted = Counted(drops.clone());
    idle.pin().defer(move || drop(counted));
    for _ in 0..1_000 {
        guard.repin();
    }
    assert_eq!(drops.load(SeqCst), 2);
}

#[test]
fn a_collector_that_goes_while_its_thread_unwinds_runs_everything() {
    let drops = counter();
    let counted = drops.clone();
    let panicked = catch_unwind(move || {
        let handle = Collector::new().register();
        let guard = handle.pin();
        for number in 0..200 {
            let counted = Counted(counted.clone());
            guard.defer(move || {
                drop(counted);
                assert!(number % 50 != 7, "on purpose");
            });
        }
        panic!("on purpose");
    });
    assert!(panicked.is_err());
    assert_eq!(drops.load(SeqCst), 200);
}

#[test]
fn two_panics_while_the_collector_goes_are_one() {
    let drops = counter();
    let collector = Collector::new();
    let (reader, handle) = (collector.register(), collector.register());
    let reading = reader.pin();
    for number in 0..300 {
        let counted = Counted(drops.clone());
        handle.pin().defer(move || {
            drop(counted);
            assert!(number % 70 != 7, "on purpose");
        });
    }
    drop((handle, collector));
    // The guard is the last, and its handle gone; a panic may come out of each.
    let gone = catch_unwind(AssertUnwindSafe(|| drop(reader)));
    let gone = gone.is_err() | catch_unwind(AssertUnwindSafe(|| drop(reading))).is_err();
    assert!(gone);
    assert_eq!(drops.load(SeqCst), 300);
}

#[test]
fn who_leaves_for_a_while_again_and_again_frees_what_it_retires() {
    let (ran, collector) = (counter(), Collector::new());
    let handle = collector.register();
    let mut guard = handle.pin();
    for _ in 0..10_000 {
        let ran = ran.clone();
        guard.defer(move || ran.fetch_add(1, SeqCst));
        guard.repin_after(|| ());
    }
    assert!(ran.load(SeqCst) > 9_000, "{} ran", ran.load(SeqCst));
}

/// A closure that ends a handle of its own does not run the next ones in the middle of itself.
#[test]
fn closures_that_register_are_not_nested() {
    let (ran, collector) = (counter(), Collector::new());
    let (reader, handle) = (collector.register(), collector.register());
    let (reading, guard) = (reader.pin(), handle.pin());
    for _ in 0..20_000 {
        let (inner, ran) = (collector.clone(), ran.clone());
        guard.defer(move || {
            inner.register().pin().defer(|| ());
            ran.fetch_add(1, SeqCst);
        });
    }
    drop((guard, reading));
    flush_until(&handle, || collector.stats().waiting == 0);
    assert_eq!(ran.load(SeqCst), 20_000);
    assert!(collector.stats().records <= 4, "{}", collector.stats());
}

/// Who was told runs a part of what a stall left each time, and goes on with it.
#[test]
fn who_was_told_frees_a_part_each_time() {
    let (freed, collector) = (counter(), Collector::new());
    let (reader, writer) = (collector.register(), collector.register());
    let reading = reader.pin();
    {
        let guard = writer.pin();
        for _ in 0..20_000 {
            let freed = freed.clone();
            guard.defer(move || freed.fetch_add(1, SeqCst));
        }
    }
    drop(writer);
    assert_eq!(freed.load(SeqCst), 0);
    drop(reading);
    let mut most = freed.load(SeqCst);
    assert!(most > 0);
    for _ in 0..100 {
        let before = freed.load(SeqCst);
        drop(reader.pin());
        most = most.max(freed.load(SeqCst) - before);
    }
    assert_eq!(freed.load(SeqCst), 20_000);
    assert!(most <= 2 * 8 * 64, "{most} at once");
}

/// It protects wherever it is, and what is deferred in it runs wherever it ends.
#[test]
fn an_owned_guard_goes_to_another_thread() {
    let (drops, collector) = (counter(), Collector::new());
    let slot = Arc::new(Atomic::new(Counted(drops.clone())));
    let writer = collector.register();
    for _ in 0..100 {
        let mut guard = collector.pin_owned();
        guard.repin();
        let (theirs, before) = (slot.clone(), drops.load(SeqCst));
        let new = Owned::new(Counted(drops.clone()));
        let old = slot.swap(new, AcqRel, &guard);
        // SAFETY: just taken out, by this thread alone.
        unsafe { writer.pin().defer_destroy(old) };
        let reads = thread::spawn(move || {
            // SAFETY: published by a release, and protected.
            let held = unsafe { theirs.load(Acquire, &guard).deref() };
            assert_eq!(held.0.load(SeqCst), before);
            guard.defer(|| ());
            guard
        });
        for _ in 0..10 {
            writer.pin().flush();
        }
        let guard = reads.join().unwrap();
        assert_eq!(drops.load(SeqCst), before, "freed while it was protected");
        drop(guard);
        flush_until(&writer, || drops.load(SeqCst) == before + 1);
    }
    flush_until(&writer, || collector.stats().waiting == 0);
    assert_eq!(collector.stats().records, 2);
    // SAFETY: all threads are done.
    drop(unsafe { Atomic::clone(&slot).into_owned() });
}

/// Each closure tells the record that it runs in, more often than that goes on at once. What comes
/// last is not forgotten.
#[test]
fn what_comes_after_the_last_turn_stays_told() {
    fn again(collector: &Collector, left: usize, ran: &Arc<AtomicUsize>) -> impl FnOnce() + use<> {
        let (collector, ran) = (collector.clone(), ran.clone());
        move || {
            ran.fetch_add(1, SeqCst);
            if left > 0 {
                let next: Box<dyn FnOnce()> = Box::new(again(&collector, left - 1, &ran));
                // SAFETY: it runs on this thread, the only one, and borrows nothing.
                unsafe { collector.register().pin().defer_unchecked(next) };
            }
        }
    }
    let (ran, collector) = (counter(), Collector::new());
    let (reader, ends) = (collector.register(), collector.register());
    let reading = reader.pin();
    // SAFETY: as above.
    unsafe { ends.pin().defer_unchecked(again(&collector, 20, &ran)) };
    drop(ends);
    assert_eq!(ran.load(SeqCst), 0);
    drop(reading);
    // Fewer than after which anybody looks.
    for _ in 0..60 {
        drop(reader.pin());
    }
    assert_eq!(ran.load(SeqCst), 21);
}

/// A closure ends the last guard of a record that was told to go on: whoever runs the closure does
/// so in its place.
#[test]
fn who_is_told_inside_a_closure_passes_it_on() {
    let (ran, collector) = (counter(), Collector::new());
    let [passes, reader, ends] = [(); 3].map(|()| collector.register());
    let kept = std::rc::Rc::new(std::cell::RefCell::new(None::<Guard>));
    {
        let (guard, kept) = (passes.pin(), kept.clone());
        guard.defer(|| panic!("so the next stays for later"));
        // SAFETY: it runs on this thread, the only one, and borrows nothing.
        unsafe { guard.defer_unchecked(move || drop(kept.take())) };
        guard.flush();
    }
    passes.pin().flush();
    *kept.borrow_mut() = Some(reader.pin());
    assert!(catch_unwind(AssertUnwindSafe(|| passes.pin().flush())).is_err());
    assert!(kept.borrow().is_some());
    let counted = ran.clone();
    ends.pin().defer(move || counted.fetch_add(1, SeqCst));
    drop(ends);
    assert!(kept.borrow().is_none());
    for _ in 0..60 {
        drop(reader.pin());
    }
    assert_eq!(ran.load(SeqCst), 1);
}

//! Models of the epoch: who is pinned keeps what it sees, and what is retired runs once.

use core::ptr;
use counterpoint_base::prim::atomic::{AtomicUsize, RELAXED};
use counterpoint_base::prim::cell::UnsafeCell;
use counterpoint_base::prim::sync::Arc;
use counterpoint_base::prim::thread::{self, JoinHandle};
use counterpoint_base::prim::time::Duration;
use counterpoint_lockfree::epoch::{self, Atomic, Collector, Guard, Shared};
use counterpoint_model::model;

/// What a node says when it was freed.
const FREED: u32 = u32::MAX;

/// A node whose accesses the checker sees, and which is marked where it would be freed.
struct Node(UnsafeCell<u32>);

/// A place from which a node can be taken, and the node.
struct Place {
    collector: Collector,
    slot: Atomic<Node>,
    node: Node,
    /// How often it was freed.
    freed: AtomicUsize,
}

// SAFETY: whether the node's accesses exclude each other is what the models are about.
unsafe impl Sync for Place {}
// SAFETY: as above.
unsafe impl Send for Place {}

impl Place {
    fn new() -> Arc<Place> {
        let place = Arc::new(Place {
            collector: Collector::new(),
            slot: Atomic::null(),
            node: Node(UnsafeCell::new(0)),
            freed: AtomicUsize::new(0),
        });
        place
            .slot
            .store(Shared::from(ptr::from_ref(&place.node)), RELAXED);
        place
    }

    /// Reads the node, if it is still there.
    fn look(&self, guard: &Guard) {
        // Relaxed: the node was made before the threads were.
        let node = self.slot.load(RELAXED, guard);
        // SAFETY: the place lives longer than the threads.
        if let Some(node) = unsafe { node.as_ref() } {
            // SAFETY: nobody writes before it may be freed; the checker looks.
            let value = node.0.with(|value| unsafe { *value });
            assert_ne!(value, FREED, "freed too early");
        }
    }

    /// Takes the node out and retires it.
    fn retire(&self, guard: &Guard) {
        if self.slot.swap(Shared::null(), RELAXED, guard).is_null() {
            return;
        }
        let place = ptr::from_ref(self);
        // SAFETY: the place lives longer than its collector's last handle.
        let free = move || unsafe { &*place }.free();
        // SAFETY: as above, and the node may be freed by any thread.
        unsafe { guard.defer_unchecked(free) };
    }

    fn free(&self) {
        // SAFETY: nobody reads any longer; the checker looks.
        self.node.0.with_mut(|value| unsafe { *value = FREED });
        assert_eq!(self.freed.fetch_add(1, RELAXED), 0, "freed twice");
    }

    /// Advances by one, if nobody holds it up, and frees what is due.
    fn flush(&self) {
        self.collector.register().pin().flush();
    }

    /// When all threads are done: everything that is retired can be freed.
    fn settle(&self) {
        let handle = self.collector.register();
        for _ in 0..8 {
            handle.pin().flush();
        }
        assert_eq!(
            self.collector.stats().waiting,
            0,
            "something is kept for ever"
        );
    }
}

fn spawn(place: &Arc<Place>, body: impl FnOnce(&Arc<Place>) + Send + 'static) -> JoinHandle<()> {
    let place = place.clone();
    thread::spawn(move || body(&place))
}

/// Retires the node, and does all it can to have it freed.
fn retire_and_free(place: &Arc<Place>) {
    let handle = place.collector.register();
    {
        let guard = handle.pin();
        place.retire(&guard);
        guard.flush();
    }
    for _ in 0..2 {
        handle.pin().flush();
    }
    // Leaves nothing.
}

fn join(threads: impl IntoIterator<Item = JoinHandle<()>>) {
    for thread in threads {
        thread.join().unwrap();
    }
}

model! {
    /// One reads what another one retires and frees.
    fn a_pinned_reader_keeps_what_it_sees(preemptions: Some(3)) {
        let place = Place::new();
        join([
            spawn(&place, |place| place.look(&place.collector.register().pin())),
            spawn(&place, retire_and_free),
        ]);
        place.settle();
        assert_eq!(place.freed.load(RELAXED), 1);
    }

    /// The same, with a reader that repins in between.
    fn a_repinned_reader_keeps_what_it_sees(preemptions: Some(3)) {
        let place = Place::new();
        join([
            spawn(&place, |place| {
                let mut guard = place.collector.register().pin();
                place.look(&guard);
                guard.repin();
                place.look(&guard);
            }),
            spawn(&place, retire_and_free),
        ]);
        place.settle();
        assert_eq!(place.freed.load(RELAXED), 1);
    }

    /// The same, with a reader that reads, leaves, and pins again: a scan that sees the second pin
    /// knows of the first one.
    fn an_earlier_pin_is_over(preemptions: Some(3)) {
        let place = Place::new();
        join([
            spawn(&place, |place| {
                let handle = place.collector.register();
                place.look(&handle.pin());
                drop(handle.pin());
            }),
            spawn(&place, retire_and_free),
        ]);
        place.settle();
    }

    /// One retires, another one advances and frees: it knows of the reader what the one knew that
    /// advanced before.
    fn who_frees_knows_what_others_scanned(preemptions: Some(2)) {
        let place = Place::new();
        join([
            spawn(&place, |place| place.look(&place.collector.register().pin())),
            spawn(&place, |place| {
                place.retire(&place.collector.register().pin());
                place.flush();
            }),
            spawn(&place, |place| {
                place.flush();
                place.flush();
            }),
        ]);
        place.settle();
        assert_eq!(place.freed.load(RELAXED), 1);
    }

    /// A thread defers while another one takes over what threads that are not pinned have deferred:
    /// each closure runs once.
    fn a_bag_is_taken_over_once(preemptions: Some(3)) {
        let place = Place::new();
        let sum = Arc::new(AtomicUsize::new(0));
        let owner = {
            let sum = sum.clone();
            spawn(&place, move |place| {
                let handle = place.collector.register();
                for bit in 0..2 {
                    let sum = sum.clone();
                    handle.pin().defer(move || sum.fetch_add(1 << bit, RELAXED));
                }
            })
        };
        let other = spawn(&place, |place| {
            place.flush();
            place.flush();
        });
        join([owner, other]);
        place.settle();
        assert_eq!(sum.load(RELAXED), 3);
    }

    /// A thread that ends while another one is pinned: what it leaves is freed by that one, or by the
    /// next that looks.
    fn an_ended_thread_leaves_nothing(preemptions: Some(3)) {
        let place = Place::new();
        join([
            spawn(&place, |place| place.look(&place.collector.register().pin())),
            spawn(&place, |place| place.retire(&place.collector.register().pin())),
        ]);
        place.settle();
        assert_eq!(place.freed.load(RELAXED), 1);
    }

    /// Handles come and go: a record belongs to one thread at a time.
    fn records_go_from_hand_to_hand(preemptions: Some(3)) {
        let place = Place::new();
        join([0, 1].map(|_| spawn(&place, |place| {
            for _ in 0..2 {
                let handle = place.collector.register();
                assert_eq!(handle.collector(), &place.collector);
            }
        })));
        assert!(place.collector.stats().records <= 2);
    }

    /// Who is held up tells whoever listens by then.
    fn who_is_stuck_is_told_of(preemptions: Some(3)) {
        let place = Place::new();
        let told = Arc::new(AtomicUsize::new(0));
        let reader = {
            let told = told.clone();
            spawn(&place, move |place| {
                let _reading = place.collector.register().pin();
                place.collector.on_stall(Duration::ZERO, move |stall| {
                    assert!(stall.stats.records > 0);
                    told.fetch_add(1, RELAXED);
                });
            })
        };
        let writer = spawn(&place, |place| {
            let handle = place.collector.register();
            for _ in 0..2 {
                let guard = handle.pin();
                guard.defer(|| ());
                guard.flush();
            }
        });
        join([reader, writer]);
        assert!(told.load(RELAXED) <= 2);
        place.settle();
    }

    /// Two threads use the collector that all have, and end.
    fn the_default_collector_serves_all(preemptions: Some(3)) {
        let sum = Arc::new(AtomicUsize::new(0));
        let threads = [1, 2].map(|value| {
            let sum = sum.clone();
            thread::spawn(move || {
                let guard = epoch::pin();
                guard.defer(move || sum.fetch_add(value, RELAXED));
                assert!(epoch::is_pinned());
            })
        });
        join(threads);
        for _ in 0..8 {
            epoch::pin().flush();
        }
        assert_eq!(sum.load(RELAXED), 3);
    }
}

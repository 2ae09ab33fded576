//! Models of the epoch: who is pinned keeps what it sees, and what is retired runs once.

use core::ptr;
use counterpoint_base::prim::atomic::{AtomicUsize, RELAXED, release};
use counterpoint_base::prim::cell::UnsafeCell;
use counterpoint_base::prim::sync::Arc;
use counterpoint_base::prim::thread::{self, JoinHandle};
use counterpoint_base::prim::time::Duration;
use counterpoint_lockfree::epoch::{self, Atomic, Collector, Guard, LocalHandle, Shared};
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

    /// Defers something that is counted.
    fn count(&self, guard: &Guard) {
        let place = ptr::from_ref(self);
        // SAFETY: the place lives longer than its collector's last handle.
        let count = move || unsafe { &*place }.freed.fetch_add(1, RELAXED);
        // SAFETY: as above.
        unsafe { guard.defer_unchecked(count) };
    }

    fn free(&self) {
        // SAFETY: nobody reads any longer; the checker looks.
        self.node.0.with_mut(|value| unsafe { *value = FREED });
        assert_eq!(self.freed.fetch_add(1, RELAXED), 0, "freed twice");
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

/// A handle or a guard that is made here and used by one other thread: registering is a model of its
/// own.
struct Lent<T>(T);

// SAFETY: it goes to a thread as that begins, and is used by it alone until that is joined.
unsafe impl<T> Send for Lent<T> {}
// SAFETY: a pointer, of whose accesses the checker looks whether they exclude each other.
unsafe impl<T> Sync for Lent<*const T> {}

/// Runs each body in a thread of its own, with a handle; afterwards everything can be
/// freed, also if they keep it.
fn run<const N: usize>(place: &Arc<Place>, bodies: [fn(&Place, &LocalHandle); N]) {
    let handles = bodies.map(|_| place.collector.register());
    run_with(place, handles, bodies);
}

/// The same with these handles.
fn run_with<const N: usize>(
    place: &Arc<Place>,
    handles: [LocalHandle; N],
    bodies: [fn(&Place, &LocalHandle); N],
) {
    let mut handles = handles.into_iter();
    let threads = bodies.map(|body| {
        let (place, handle) = (place.clone(), Lent(handles.next().unwrap()));
        thread::spawn(move || {
            let handle = handle;
            body(&place, &handle.0);
            handle
        })
    });
    let handles = threads.map(|thread| thread.join().unwrap());
    // They idle: what they have begun to collect is taken over.
    place.settle();
    drop(handles);
}

fn look(place: &Place, handle: &LocalHandle) {
    place.look(&handle.pin());
}

/// Retires the node, and does all it can to have it freed.
fn retire_and_free(place: &Place, handle: &LocalHandle) {
    {
        let guard = handle.pin();
        place.retire(&guard);
        guard.flush();
    }
    handle.pin().flush();
    handle.pin().flush();
}

fn spawn(place: &Arc<Place>, body: fn(&Place)) -> JoinHandle<()> {
    let place = place.clone();
    thread::spawn(move || body(&place))
}

fn join(threads: [JoinHandle<()>; 2]) {
    for thread in threads {
        thread.join().unwrap();
    }
}

model! {
    /// One reads what another one retires and frees.
    fn a_pinned_reader_keeps_what_it_sees(preemptions: Some(3)) {
        let place = Place::new();
        run(&place, [look, retire_and_free]);
        assert_eq!(place.freed.load(RELAXED), 1);
    }

    /// The same, with a reader that repins in between.
    fn a_repinned_reader_keeps_what_it_sees(preemptions: Some(2)) {
        let place = Place::new();
        run(&place, [
            |place, handle| {
                let mut guard = handle.pin();
                place.look(&guard);
                guard.repin();
                place.look(&guard);
            },
            retire_and_free,
        ]);
        assert_eq!(place.freed.load(RELAXED), 1);
    }

    /// The same, with a reader that reads, leaves, and pins again: a scan that sees the second pin
    /// knows of the first one.
    fn an_earlier_pin_is_over(preemptions: Some(2)) {
        let place = Place::new();
        run(&place, [
            |place, handle| {
                place.look(&handle.pin());
                drop(handle.pin());
            },
            retire_and_free,
        ]);
    }

    /// Who frees without a look at the records of its own knows what those knew that advanced: here
    /// of a reader that came after the retirer, whose stamp is older than it might be.
    fn who_frees_knows_what_others_knew(preemptions: Some(2)) {
        let place = Place::new();
        let [reader, advancer, retirer] = [(); 3].map(|()| place.collector.register());
        let (theirs, retiring) = (place.clone(), Lent(retirer.pin()));
        let advancing = advancer.pin();
        (0..2).for_each(|_| advancing.defer(|| ()));
        let retires = thread::spawn(move || {
            let retiring = retiring;
            theirs.retire(&retiring.0);
            // The bag is full.
            retiring.0.defer(|| ());
        });
        advancing.flush();
        let reading = reader.pin();
        let sees = !place.slot.load(RELAXED, &reading).is_null();
        retires.join().unwrap();
        drop(advancing);
        advancer.pin().flush();
        let (advancing, freeing) = (advancer.pin(), Lent(retirer.pin()));
        let frees = thread::spawn(move || {
            let freeing = freeing;
            freeing.0.flush();
            freeing
        });
        if sees {
            // SAFETY: nobody writes before it may be freed; the checker looks.
            let value = place.node.0.with(|value| unsafe { *value });
            assert_ne!(value, FREED, "freed too early");
        }
        drop(reading);
        advancing.flush();
        drop(frees.join().unwrap());
    }

    /// A thread defers while another one takes over what threads that are not pinned have deferred:
    /// each closure runs once.
    fn a_bag_is_taken_over_once(preemptions: Some(2)) {
        let place = Place::new();
        let handles = [(); 2].map(|()| place.collector.register());
        place.count(&handles[0].pin());
        run_with(&place, handles, [
            |place, handle| {
                for _ in 0..2 {
                    place.count(&handle.pin());
                }
            },
            |_, handle| handle.pin().flush(),
        ]);
        assert_eq!(place.freed.load(RELAXED), 3);
    }

    /// Two threads take over what a third one has deferred: one of them gets it, and leaves the bag to
    /// that afterwards.
    fn two_take_over_one_bag(preemptions: Some(2)) {
        let place = Place::new();
        let idle = place.collector.register();
        place.count(&idle.pin());
        run(&place, [|_, handle| handle.pin().flush(); 2]);
        assert_eq!(place.freed.load(RELAXED), 1);
        place.count(&idle.pin());
        place.settle();
        assert_eq!(place.freed.load(RELAXED), 2);
    }

    /// One ends that has deferred something, while another one ends as well: it is run by then.
    fn two_that_end_leave_nothing(preemptions: Some(2)) {
        let place = Place::new();
        let [first, second] = [(); 2].map(|()| Lent(place.collector.register()));
        let theirs = place.clone();
        let threads = [
            thread::spawn(move || {
                let handle = first;
                theirs.count(&handle.0.pin());
                drop(handle);
            }),
            thread::spawn(move || {
                let handle = second;
                drop(handle);
            }),
        ];
        join(threads);
        assert_eq!(place.freed.load(RELAXED), 1, "left behind");
        assert_eq!(place.collector.stats().waiting, 0);
    }

    /// A thread that reads holds up one that ends, and unpins: what that has left is run when the thread
    /// is told, at the latest as it unpins the next time.
    fn a_nudge_brings_what_it_is_about(preemptions: Some(2)) {
        let place = Place::new();
        let [ends, stays] = [(); 2].map(|()| place.collector.register());
        let pinned = Lent(stays.pin());
        let (here, theirs, ends) = (place.clone(), place.clone(), Lent(ends));
        let threads = [
            thread::spawn(move || {
                let handle = ends;
                theirs.retire(&handle.0.pin());
                drop(handle);
            }),
            thread::spawn(move || {
                let pinned = pinned;
                here.look(&pinned.0);
                drop(pinned);
            }),
        ];
        join(threads);
        drop(stays.pin());
        assert_eq!(place.freed.load(RELAXED), 1, "left behind");
        assert_eq!(place.collector.stats().waiting, 0);
    }

    /// What is loaded with the cheapest order is whole.
    fn consumed_nodes_are_whole(preemptions: None) {
        let place = Place::new();
        place.slot.store(Shared::null(), RELAXED);
        let pinned = [(); 2].map(|()| Lent(place.collector.register()));
        let [writer, reader] = pinned;
        let (here, there) = (place.clone(), place.clone());
        let threads = [
            thread::spawn(move || {
                let handle = writer;
                // SAFETY: not published yet; the checker looks.
                here.node.0.with_mut(|value| unsafe { *value = 7 });
                here.slot.store(Shared::from(ptr::from_ref(&here.node)), release("test.publish"));
                drop(handle);
            }),
            thread::spawn(move || {
                let handle = reader;
                let guard = handle.0.pin();
                let node = there.slot.load_consume(&guard);
                // SAFETY: the place lives longer than the threads.
                if let Some(node) = unsafe { node.as_ref() } {
                    // SAFETY: written before it was published; the checker looks.
                    assert_eq!(node.0.with(|value| unsafe { *value }), 7);
                }
                drop(guard);
                drop(handle);
            }),
        ];
        join(threads);
    }

    /// Handles come and go: a record belongs to one thread at a time.
    fn records_go_from_hand_to_hand(preemptions: Some(2)) {
        let place = Place::new();
        let threads = [0, 1].map(|_| spawn(&place, |place| {
            for _ in 0..2 {
                let handle = place.collector.register();
                assert_eq!(handle.collector(), &place.collector);
            }
        }));
        join(threads);
        assert!(place.collector.stats().records <= 4);
    }

    /// Who is held up tells whoever listens by then.
    fn who_is_stuck_is_told_of(preemptions: Some(2)) {
        let place = Place::new();
        run(&place, [
            |place, handle| {
                let _reading = handle.pin();
                let node = Lent(ptr::from_ref(&place.node));
                // SAFETY: told of to nobody yet; the checker looks.
                place.node.0.with_mut(|value| unsafe { *value = 7 });
                place.collector.on_stall(Duration::ZERO, move |stall| {
                    let Lent(node) = &node;
                    // SAFETY: the place lives longer than its collector's last handle.
                    let node = unsafe { &**node };
                    // SAFETY: written before; the checker looks.
                    assert_eq!(node.0.with(|value| unsafe { *value }), 7);
                    assert!(stall.stats.records > 0);
                });
            },
            |place, handle| {
                for _ in 0..2 {
                    let guard = handle.pin();
                    place.count(&guard);
                    guard.flush();
                }
            },
        ]);
    }

    /// Two threads use the collector that all have, and end: each finds the records of the other.
    fn the_default_collector_serves_all(preemptions: Some(2)) {
        let threads = [0, 1].map(|_| thread::spawn(|| {
            let guard = epoch::pin();
            assert!(epoch::is_pinned());
            drop(guard);
            assert!(!epoch::is_pinned());
        }));
        join(threads);
        assert!(epoch::default_collector().stats().records <= 2);
    }
}

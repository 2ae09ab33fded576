//! The collector that all threads have, as a thread ends; in a process of its own, where nobody
//! else is pinned.
#![cfg(all(feature = "std", not(any(counterpoint_loom, counterpoint_shuttle))))]

use counterpoint_lockfree::epoch;
use std::cell::RefCell;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::thread;

/// The tests look at what waits in a collector that they share.
static ALONE: Mutex<()> = Mutex::new(());

struct Late;

impl Drop for Late {
    fn drop(&mut self) {
        let guard = epoch::pin();
        guard.defer(|| panic!("on purpose"));
    }
}

thread_local! {
    static LATE: RefCell<Option<Late>> = const { RefCell::new(None) };
}

/// A panic that came out of a thread-local's destructor would end the program.
#[test]
fn a_thread_that_ends_swallows_panics() {
    let _alone = ALONE.lock().unwrap();
    for late_is_first in [false, true] {
        let set = || LATE.with(|late| *late.borrow_mut() = Some(Late));
        let ended = thread::spawn(move || {
            if late_is_first {
                set();
            }
            drop(epoch::pin());
            if !late_is_first {
                set();
            }
        });
        assert!(ended.join().is_ok());
    }
    assert_eq!(epoch::default_collector().stats().waiting, 0);
}

/// The same of whatever runs closures in such a destructor.
#[test]
fn a_late_guard_swallows_panics() {
    struct Late;
    impl Drop for Late {
        fn drop(&mut self) {
            let mut guard = epoch::pin();
            for _ in 0..20 {
                guard.defer(|| panic!("on purpose"));
                guard.flush();
                guard.repin();
                guard.repin_after(|| ());
                drop(epoch::pin());
            }
        }
    }
    thread_local! {
        static LATE: RefCell<Option<Late>> = const { RefCell::new(None) };
    }
    let _alone = ALONE.lock().unwrap();
    let ended = thread::spawn(|| {
        LATE.with(|late| *late.borrow_mut() = Some(Late));
        drop(epoch::pin());
    });
    assert!(ended.join().is_ok());
    assert_eq!(epoch::default_collector().stats().waiting, 0);
}

/// What a closure defers that runs as the thread ends is run as well.
#[test]
fn a_thread_that_ends_leaves_nothing_that_was_deferred_meanwhile() {
    let _alone = ALONE.lock().unwrap();
    let ran = Arc::new(AtomicUsize::new(0));
    let theirs = ran.clone();
    let ended = thread::spawn(move || {
        epoch::pin().defer(move || {
            theirs.fetch_add(1, SeqCst);
            epoch::pin().defer(move || theirs.fetch_add(1, SeqCst));
        });
    });
    assert!(ended.join().is_ok());
    assert_eq!(ran.load(SeqCst), 2);
    assert_eq!(epoch::default_collector().stats().waiting, 0);
}

//! What a thread remembers of its waits.
#![cfg(not(any(counterpoint_loom, counterpoint_shuttle)))]

use counterpoint_base::habit::{glance, linger, now_and_then};
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;

/// How often a glance that is in vain looks, on a thread that remembers none.
fn looks() -> u32 {
    let looks = Cell::new(0);
    assert!(!glance(|| {
        looks.set(looks.get() + 1);
        false
    }));
    looks.get()
}

#[test]
fn a_glance_ends_with_the_first_look_that_is_true() {
    let looks = Cell::new(0);
    let found = glance(|| {
        looks.set(looks.get() + 1);
        looks.get() == 3
    });
    assert!(found);
    assert_eq!(looks.get(), 3);
}

#[test]
fn a_glance_is_left_out_after_it_was_in_vain() {
    thread::spawn(|| {
        assert!(looks() > 0, "a fresh thread looks");
        assert_eq!(looks(), 0, "the next one is left out");
        let looked = (0..1_000).filter(|_| looks() > 0).count();
        assert!((1..100).contains(&looked), "{looked} of 1,000 in vain");
    })
    .join()
    .unwrap();
}

#[test]
fn glances_go_on_after_a_look_that_panics() {
    thread::spawn(|| {
        let panicked = catch_unwind(AssertUnwindSafe(|| glance(|| panic!("planned"))));
        assert!(panicked.is_err());
        assert!(glance(|| true), "it is not taken for one in vain");
    })
    .join()
    .unwrap();
}

#[test]
fn now_and_then_is_one_call_in_so_many() {
    thread::spawn(|| assert_eq!((0..100).filter(|_| now_and_then(4)).count(), 25))
        .join()
        .unwrap();
}

/// How often a look before a sleep that is in vain looks.
fn lingering_looks() -> u32 {
    let looks = Cell::new(0);
    linger(|| {
        looks.set(looks.get() + 1);
        false
    });
    looks.get()
}

#[test]
fn lingering_is_left_out_after_it_was_in_vain() {
    if thread::available_parallelism().is_ok_and(|threads| threads.get() == 1) {
        return;
    }
    thread::spawn(|| {
        for _ in 0..8 {
            assert!(lingering_looks() > 0, "a few in vain change nothing");
        }
        assert_eq!(lingering_looks(), 0, "then they are left out");
        let looked = (0..1_000).filter(|_| lingering_looks() > 0).count();
        assert!((50..100).contains(&looked), "{looked} of 1,000 in vain");
    })
    .join()
    .unwrap();
}

#[test]
fn lingering_goes_on_where_it_pays() {
    if thread::available_parallelism().is_ok_and(|threads| threads.get() == 1) {
        return;
    }
    thread::spawn(|| {
        let looks = Cell::new(0);
        for _ in 0..100 {
            linger(|| {
                looks.set(looks.get() + 1);
                true
            });
        }
        assert_eq!(looks.get(), 100, "each ends with its first look");
    })
    .join()
    .unwrap();
}

#[test]
fn lingering_goes_on_after_a_look_that_panics() {
    if thread::available_parallelism().is_ok_and(|threads| threads.get() == 1) {
        return;
    }
    thread::spawn(|| {
        for _ in 0..20 {
            let panicked = catch_unwind(AssertUnwindSafe(|| linger(|| panic!("planned"))));
            assert!(panicked.is_err(), "it is not taken for one in vain");
        }
    })
    .join()
    .unwrap();
}

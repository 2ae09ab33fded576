//! A glance looks a few times, and less often where that was in vain.
#![cfg(not(any(counterpoint_loom, counterpoint_shuttle)))]

use counterpoint_base::glance::{glance, now_and_then};
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
fn ends_with_the_first_look_that_is_true() {
    let looks = Cell::new(0);
    let found = glance(|| {
        looks.set(looks.get() + 1);
        looks.get() == 3
    });
    assert!(found);
    assert_eq!(looks.get(), 3);
}

#[test]
fn is_left_out_after_it_was_in_vain() {
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
fn goes_on_after_a_look_that_panics() {
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

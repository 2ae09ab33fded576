//! `SeqCell`: whole values of any layout, writers and readers that do not wait for each other.
#![cfg(all(feature = "std", not(any(counterpoint_loom, counterpoint_shuttle))))]

use counterpoint_base::SeqCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

const ROUNDS: u64 = if cfg!(miri) { 50 } else { 200_000 };

/// Padding in the middle and at the end.
#[derive(Clone, Copy, Debug, PartialEq)]
#[repr(C)]
struct Padded {
    a: u8,
    b: u64,
    c: u16,
}

#[test]
fn values_are_whole() {
    let cell = SeqCell::new([0_u64; 9]);
    let done = AtomicBool::new(false);
    std::thread::scope(|s| {
        for _ in 0..2 {
            s.spawn(|| {
                let mut last = 0;
                while !done.load(Ordering::Relaxed) {
                    let value = cell.load();
                    assert_eq!(value, [value[0]; 9], "torn");
                    assert!(value[0] >= last, "went back");
                    last = value[0];
                }
            });
        }
        for round in 1..=ROUNDS {
            cell.store([round; 9]);
        }
        done.store(true, Ordering::Relaxed);
    });
    assert_eq!(cell.load(), [ROUNDS; 9]);
}

#[test]
fn load_sees_what_came_before_the_store() {
    let before = AtomicU64::new(0);
    let cell = SeqCell::new([0_u64; 4]);
    std::thread::scope(|s| {
        s.spawn(|| {
            for round in 1..=ROUNDS {
                before.store(round, Ordering::Relaxed);
                cell.store([round; 4]);
            }
        });
        loop {
            let seen = cell.load()[0];
            assert!(before.load(Ordering::Relaxed) >= seen);
            if seen == ROUNDS {
                break;
            }
        }
    });
}

#[test]
fn any_layout() {
    #[derive(Clone, Copy, Debug, PartialEq)]
    #[repr(align(64))]
    struct Wide(u8);

    fn round_trip<T: Copy + PartialEq + std::fmt::Debug>(one: T, two: T) {
        let cell = SeqCell::new(one);
        assert_eq!(cell.load(), one);
        cell.store(two);
        assert_eq!(cell.load(), two);
        assert_eq!(cell.update(|_| one), two);
        assert_eq!(cell.load(), one);
    }

    round_trip((), ());
    round_trip(1_u8, 2);
    round_trip([1_u8; 13], [2; 13]);
    round_trip(Padded { a: 1, b: 2, c: 3 }, Padded { a: 4, b: 5, c: 6 });
    round_trip(Some((1_u8, 1_u32)), None);
    round_trip(Wide(1), Wide(2));
    round_trip(("a text", 'x', 1.5), ("another", 'y', 2.5));
    round_trip([[1_u128; 3]; 5], [[2; 3]; 5]);
}

#[test]
fn pointers_survive() {
    static ONE: [u32; 3] = [1, 2, 3];
    let cell = SeqCell::new((0_u8, &ONE[..2]));
    assert_eq!(cell.load().1, [1, 2]);
    cell.store((1, &ONE[1..]));
    assert_eq!(cell.load().1, [2, 3]);
}

#[test]
fn updates_are_not_lost() {
    let cell = SeqCell::new([0_u64; 3]);
    let rounds = ROUNDS / 10;
    std::thread::scope(|s| {
        for _ in 0..3 {
            s.spawn(|| {
                for _ in 0..rounds {
                    cell.update(|value| value.map(|word| word + 1));
                }
            });
        }
    });
    assert_eq!(cell.load(), [3 * rounds; 3]);
}

#[test]
fn closure_of_update_may_use_the_cell() {
    let cell = SeqCell::new([1, 2, 3]);
    let mut runs = 0;
    let before = cell.update(|value| {
        runs += 1;
        assert_eq!(cell.load(), value);
        if runs == 1 {
            cell.store([4, 5, 6]);
        }
        value.map(|word| word * 10)
    });
    assert_eq!(before, [4, 5, 6]);
    assert_eq!(cell.load(), [40, 50, 60]);
    assert_eq!(runs, 2);
}

#[test]
fn panicking_closure_changes_nothing() {
    let cell = SeqCell::new([1; 5]);
    catch_unwind(AssertUnwindSafe(|| cell.update(|_| panic!("no value")))).unwrap_err();
    assert_eq!(cell.load(), [1; 5]);
    cell.store([2; 5]);
    assert_eq!(cell.load(), [2; 5]);
}

#[test]
fn readers_get_through_against_constant_writes() {
    let cell = SeqCell::new([0_u64; 32]);
    let done = AtomicBool::new(false);
    std::thread::scope(|s| {
        for writer in 0..2 {
            let (cell, done) = (&cell, &done);
            s.spawn(move || {
                while !done.load(Ordering::Relaxed) {
                    cell.store([writer; 32]);
                }
            });
        }
        for _ in 0..ROUNDS / 100 {
            let value = cell.load();
            assert_eq!(value, [value[0]; 32]);
        }
        done.store(true, Ordering::Relaxed);
    });
}

#[test]
fn usual_traits() {
    fn send_sync<T: Send + Sync>() {}
    send_sync::<SeqCell<Padded>>();
    assert_eq!(SeqCell::<[u8; 3]>::default().load(), [0; 3]);
    assert_eq!(
        format!("{:?}", SeqCell::from((1, 'a'))),
        "SeqCell((1, 'a'))"
    );
}

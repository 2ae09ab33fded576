//! The way of processors that promise nothing of loads and stores, on one that does.

use super::{EXCHANGE, WAY, load, store, swap, update, way, works};
use crate::prim::atomic::RELAXED;
use std::cell::UnsafeCell;
use std::thread;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C, align(16))]
struct Twice(u64, u64);

struct Place(UnsafeCell<Twice>);

// SAFETY: the value is reached by the functions of `pair` alone.
unsafe impl Sync for Place {}

impl Place {
    fn load(&self) -> Twice {
        // SAFETY: a value of 16 bytes, aligned, which these methods alone access.
        unsafe { load(self.0.get()) }
    }

    fn store(&self, number: u64) {
        // SAFETY: as in `load`.
        unsafe { store(self.0.get(), Twice(number, number)) };
    }

    fn swap(&self, number: u64) -> Twice {
        // SAFETY: as in `load`.
        unsafe { swap(self.0.get(), Twice(number, number)) }
    }

    fn add(&self, number: u64) -> Twice {
        let add = |Twice(low, high)| Some(Twice(low + number, high + number));
        // SAFETY: as in `load`.
        let before = unsafe { update(self.0.get(), add) };
        before.expect("it is always replaced")
    }
}

#[test]
fn values_are_whole_by_exchanges_alone() {
    const ROUNDS: u64 = 20_000;
    if !works() {
        return;
    }
    // The ways go together: a test beside this one that has looked already uses the other.
    let usual = way();
    WAY.store(EXCHANGE, RELAXED);
    let place = Place(UnsafeCell::new(Twice(0, 0)));
    place.store(7);
    assert_eq!((place.load(), place.swap(8)), (Twice(7, 7), Twice(7, 7)));
    assert_eq!((place.add(1), place.load()), (Twice(8, 8), Twice(9, 9)));
    place.store(0);
    assert_eq!(place.load(), Twice(0, 0));
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                for _ in 0..ROUNDS {
                    place.add(1);
                }
            });
        }
        for _ in 0..ROUNDS {
            let Twice(low, high) = place.load();
            assert_eq!(low, high, "half of a value");
        }
    });
    assert_eq!(place.load(), Twice(2 * ROUNDS, 2 * ROUNDS));
    WAY.store(usual, RELAXED);
}

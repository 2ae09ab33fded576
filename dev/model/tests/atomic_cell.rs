//! Models of `AtomicCell`: values that one instruction takes, and wider ones under the lock of a
//! stripe, which all cells share here.

use counterpoint_base::atomic::AtomicCell;
use counterpoint_base::prim::atomic::{AtomicUsize, RELAXED};
use counterpoint_base::prim::sync::Arc;
use counterpoint_base::prim::thread;
use counterpoint_model::model;

/// Wider than any instruction takes.
type Wide = [u32; 9];

fn wide(number: u32) -> Wide {
    [number; 9]
}

/// A value that is told of before it is written.
struct Told<T> {
    cell: AtomicCell<T>,
    before: AtomicUsize,
}

/// One writes twice, another reads twice: what came before a write is seen with it.
fn told<T: Copy + Send + 'static>(of: fn(u32) -> T, number: fn(T) -> u32, swaps: bool) {
    let told = Arc::new(Told {
        cell: AtomicCell::new(of(0)),
        before: AtomicUsize::new(0),
    });
    let writer = {
        let told = told.clone();
        thread::spawn(move || {
            for value in 1..=2 {
                told.before.store(value as usize, RELAXED);
                if swaps {
                    assert_eq!(number(told.cell.swap(of(value))), value - 1);
                } else {
                    told.cell.store(of(value));
                }
            }
        })
    };
    let reader = {
        let told = told.clone();
        thread::spawn(move || {
            let first = number(told.cell.load());
            assert!(
                told.before.load(RELAXED) >= first as usize,
                "what came before the write is missing"
            );
            assert!(number(told.cell.load()) >= first, "went back");
        })
    };
    writer.join().unwrap();
    reader.join().unwrap();
    assert_eq!(number(told.cell.load()), 2);
}

/// Two add at once, each telling of it before; who finds the other's sum sees what the other told.
fn updated<T: Copy + Eq + Send + 'static>(of: fn(u32) -> T, number: fn(T) -> u32) {
    let cell = Arc::new((
        AtomicCell::new(of(0)),
        [AtomicUsize::new(0), AtomicUsize::new(0)],
    ));
    let threads = [0, 1].map(|me| {
        let cell = cell.clone();
        thread::spawn(move || {
            cell.1[me].store(1, RELAXED);
            let before = cell.0.fetch_update(|value| Some(of(number(value) + 1)));
            let is_second = before.is_ok_and(|value| number(value) == 1);
            assert!(
                !is_second || cell.1[1 - me].load(RELAXED) == 1,
                "what came before the other's update is missing"
            );
        })
    });
    for thread in threads {
        thread.join().unwrap();
    }
    assert_eq!(number(cell.0.load()), 2);
}

/// Who gives up on a value sees what came before it was written.
fn refused<T: Copy + Eq + Send + 'static>(of: fn(u32) -> T, number: fn(T) -> u32) {
    let cell = Arc::new((AtomicCell::new(of(0)), AtomicUsize::new(0)));
    let writer = {
        let cell = cell.clone();
        thread::spawn(move || {
            cell.1.store(1, RELAXED);
            cell.0.store(of(1));
        })
    };
    let other = {
        let cell = cell.clone();
        thread::spawn(move || {
            let change = |value| (number(value) == 0).then_some(of(0));
            if cell.0.fetch_update(change).is_err() {
                assert_eq!(
                    cell.1.load(RELAXED),
                    1,
                    "what came before the write is missing"
                );
            }
        })
    };
    writer.join().unwrap();
    other.join().unwrap();
}

/// Boxes are handed over by swaps: each is dropped once, and seen as it was made.
fn handed<T: Send + 'static>(of: fn(Box<AtomicUsize>) -> T, inside: fn(&T) -> usize) {
    let boxed = move |number: usize| {
        let made = Box::new(AtomicUsize::new(0));
        // Relaxed: the swap hands it over.
        made.store(number, RELAXED);
        of(made)
    };
    let cell = Arc::new(AtomicCell::new(boxed(1)));
    let threads = [2, 8].map(|number| {
        let cell = cell.clone();
        thread::spawn(move || {
            let first = inside(&cell.swap(boxed(number)));
            first + inside(&cell.swap(boxed(2 * number)))
        })
    });
    let taken: usize = threads
        .into_iter()
        .map(|thread| thread.join().unwrap())
        .sum();
    let left = inside(&cell.swap(boxed(0)));
    assert_eq!(taken + left, 31, "a value was seen twice, or half made");
}

model! {
    /// Of a word: no read goes back, and it sees what came before the write it finds.
    fn words_are_told() {
        told(|number| number, |number| number, false);
    }

    /// The same by swaps.
    fn words_are_told_by_swaps() {
        told(|number| number, |number| number, true);
    }

    /// Of a word: both updates count, and the second sees what came before the first.
    fn word_updates_are_not_lost() {
        updated(|number| number, |number| number);
    }

    /// Of a word: who gives up has seen what made it.
    fn word_updates_that_give_up() {
        refused(|number| number, |number| number);
    }

    /// Of a word: values with destructors.
    fn word_swaps_hand_values_over() {
        handed(|made| made, |made| made.load(RELAXED));
    }

    /// Wide: no read is torn or goes back, and it sees what came before the write it finds.
    fn wide_values_are_whole(preemptions: Some(2)) {
        told(wide, |value| value[0], false);
    }

    /// Wide: both updates count, and the second sees what came before the first.
    fn wide_updates_are_not_lost(preemptions: Some(3)) {
        updated(wide, |value| value[0]);
    }

    /// Wide: values with destructors.
    fn wide_swaps_hand_values_over(preemptions: Some(3)) {
        handed(|made| (made, [0_u64; 4]), |(made, _)| made.load(RELAXED));
    }
}

//! The counts are the known ones, on any number of threads.

use queens::queens::count;
use queens::{Task, run_all};

#[test]
fn known_counts() {
    for (size, ways) in [(1, 1), (2, 0), (4, 2), (6, 4), (8, 92), (9, 352)] {
        for threads in [1, 2, 5] {
            assert_eq!(
                count(size, threads),
                ways,
                "{size} queens, {threads} threads"
            );
        }
    }
}

struct Panics(u32);

impl Task for Panics {
    type Sum = u32;

    fn run(self, spawn: &mut dyn FnMut(Panics)) -> u32 {
        assert!(self.0 != 3, "planned");
        if self.0 < 100 {
            spawn(Panics(self.0 + 4));
        }
        1
    }
}

#[test]
fn a_task_that_panics_ends_the_run_and_is_told() {
    let caught = std::panic::catch_unwind(|| run_all([Panics(0), Panics(3)], 2));
    assert!(caught.is_err());
}

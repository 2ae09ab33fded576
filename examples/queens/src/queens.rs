//! In how many ways do `n` queens stand on a board of `n` by `n`, so that none attacks another?

use crate::{Task, run_all};

/// The largest board whose rows fit the word used here.
pub const LARGEST: u32 = 31;

/// Rows that are searched by one task.
const SMALL: u32 = 5;

/// A board of which some rows are filled: a bit for each column that is attacked.
#[derive(Clone, Copy, Debug)]
pub struct Board {
    size: u32,
    row: u32,
    columns: u32,
    left: u32,
    right: u32,
}

impl Board {
    /// An empty board.
    pub fn new(size: u32) -> Board {
        assert!(size <= LARGEST, "a board of {size} is too large");
        Board {
            size,
            row: 0,
            columns: 0,
            left: 0,
            right: 0,
        }
    }

    /// The boards with one queen more.
    fn next(self) -> impl Iterator<Item = Board> {
        let attacked = self.columns | self.left | self.right;
        let free = (0..self.size)
            .map(|at| 1 << at)
            .filter(move |bit| attacked & bit == 0);
        free.map(move |bit| Board {
            row: self.row + 1,
            columns: self.columns | bit,
            left: (self.left | bit) << 1,
            right: (self.right | bit) >> 1,
            ..self
        })
    }

    fn count(self) -> u64 {
        if self.row == self.size {
            1
        } else {
            self.next().map(Board::count).sum()
        }
    }
}

impl Task for Board {
    type Sum = u64;

    fn run(self, spawn: &mut dyn FnMut(Board)) -> u64 {
        if self.size - self.row <= SMALL {
            return self.count();
        }
        self.next().for_each(spawn);
        0
    }
}

/// Counts on so many threads.
pub fn count(size: u32, threads: usize) -> u64 {
    run_all([Board::new(size)], threads)
}

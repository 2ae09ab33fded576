//! Shapes on real threads.
//!
//! The threads walk over the same cells, some forwards and some backwards: so they meet in one of
//! every few cells, however far one is ahead, without a barrier that would order them there. Every
//! few cells all wait for each other; between two rows the outcomes are counted.

use super::{Counts, Outcome, Seen, Shape, Words};
use counterpoint_base::CachePadded;
use counterpoint_base::prim::thread::parallelism;
use std::cell::UnsafeCell;
use std::sync::Barrier;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// Cells in a row.
const CELLS: usize = 1024;

/// After so many cells all wait for each other.
const STRIDE: usize = 32;

/// For so many looks at the others a thread spins before it lets somebody else run.
const LOOKS: u32 = 2_000;

/// What one thread saw in each cell of a row.
struct Row(UnsafeCell<Vec<Seen>>);

// SAFETY: the owning thread writes while the others walk, and the first reads while all wait; a
// barrier lies in between.
unsafe impl Sync for Row {}

/// Runs a shape at least so often, and counts what came out.
pub fn run(shape: &Shape, runs: u64) -> Counts {
    let cells: Vec<Words> = (0..CELLS).map(|_| Words::new()).collect();
    let rows: Vec<Row> = shape
        .threads
        .iter()
        .map(|_| Row(UnsafeCell::new(vec![[0; 3]; CELLS])))
        .collect();
    let (walked, counted) = (
        Barrier::new(shape.threads.len()),
        Barrier::new(shape.threads.len()),
    );
    let places: Vec<CachePadded<AtomicUsize>> = shape
        .threads
        .iter()
        .map(|_| CachePadded::new(AtomicUsize::new(0)))
        .collect();
    let rounds = runs.div_ceil(CELLS as u64) as usize;
    let mut counts = Tally::default();
    thread::scope(|scope| {
        let (cells, rows, places) = (&cells, &rows, &places);
        let (walked, counted) = (&walked, &counted);
        for (party, (body, _)) in shape.threads.iter().enumerate().skip(1) {
            scope.spawn(move || {
                for round in 0..rounds {
                    walk(*body, cells, &rows[party], round, party, places);
                    walked.wait();
                    counted.wait();
                }
            });
        }
        for round in 0..rounds {
            walk(shape.threads[0].0, cells, &rows[0], round, 0, places);
            walked.wait();
            counts.add(shape, cells, rows);
            counted.wait();
        }
    });
    counts.finish()
}

/// Walks over the row, together with the others.
fn walk(
    body: fn(&Words) -> Seen,
    cells: &[Words],
    row: &Row,
    round: usize,
    party: usize,
    places: &[CachePadded<AtomicUsize>],
) {
    // SAFETY: only this thread uses its row until all have walked.
    let seen = unsafe { &mut *row.0.get() };
    let crowded = places.len() > parallelism();
    let parts = cells.chunks(STRIDE).zip(seen.chunks_mut(STRIDE));
    for (number, (cells, seen)) in parts.enumerate() {
        let place = round * CELLS + number * STRIDE + 1;
        // Relaxed, both: they tell where somebody is and must order nothing.
        places[party].store(place, Ordering::Relaxed);
        let mut looks = 0;
        while places
            .iter()
            .any(|other| other.load(Ordering::Relaxed) < place)
        {
            looks += 1;
            if looks > LOOKS || crowded {
                thread::yield_now();
            } else {
                std::hint::spin_loop();
            }
        }
        let pairs = cells.iter().zip(seen);
        if party % 2 == 0 {
            pairs.for_each(|(cell, seen)| *seen = body(cell));
        } else {
            pairs.rev().for_each(|(cell, seen)| *seen = body(cell));
        }
    }
}

/// Outcomes by number, as they come often.
#[derive(Default)]
struct Tally(std::collections::HashMap<Outcome, u64>);

impl Tally {
    fn add(&mut self, shape: &Shape, cells: &[Words], rows: &[Row]) {
        let rows: Vec<&Vec<Seen>> = rows
            .iter()
            // SAFETY: the others wait until this is done.
            .map(|row| unsafe { &*row.0.get() })
            .collect();
        let mut seen = vec![[0; 3]; rows.len()];
        for (number, cell) in cells.iter().enumerate() {
            for (seen, row) in seen.iter_mut().zip(&rows) {
                *seen = row[number];
            }
            let outcome = shape.outcome(&seen, cell);
            match self.0.get_mut(&outcome) {
                Some(count) => *count += 1,
                None => {
                    self.0.insert(outcome, 1);
                }
            }
            cell.reset();
        }
    }

    fn finish(self) -> Counts {
        self.0.into_iter().collect()
    }
}

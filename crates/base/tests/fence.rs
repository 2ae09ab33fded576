//! The fences on the hardware: the store-buffering litmus test.
#![cfg(all(feature = "std", not(any(counterpoint_loom, counterpoint_shuttle))))]

use counterpoint_base::CachePadded;
use counterpoint_base::fence::{self, Strategy};
use counterpoint_base::prim::atomic::{AtomicUsize, RELAXED, acquire, fence_seq_cst, release};
use counterpoint_base::prim::hint;
use std::time::{Duration, Instant};

#[derive(Default)]
struct Litmus {
    x: CachePadded<AtomicUsize>,
    y: CachePadded<AtomicUsize>,
    /// Rounds that each side has finished.
    done: [CachePadded<AtomicUsize>; 2],
    stop: CachePadded<AtomicUsize>,
}

impl Litmus {
    /// Meets the other side at the end of round `round`.
    fn meet(&self, side: usize, round: usize) {
        self.done[side].store(round, release("litmus.done"));
        let mut spins = 0_u32;
        while self.done[1 - side].load(acquire("litmus.other")) < round {
            spins += 1;
            if spins % 512 == 0 {
                std::thread::yield_now();
            } else {
                hint::spin_loop();
            }
        }
    }

    /// One side's rounds: what it saw in each, packed as one bit.
    fn side(&self, side: usize, fence: impl Fn(), time: Duration) -> Vec<bool> {
        let (mine, other) = if side == 0 {
            (&self.x, &self.y)
        } else {
            (&self.y, &self.x)
        };
        let begin = Instant::now();
        let mut seen = Vec::with_capacity(1 << 20);
        for round in 1.. {
            mine.store(round, RELAXED);
            fence();
            seen.push(other.load(RELAXED) >= round);
            if side == 0 && begin.elapsed() > time {
                self.stop.store(round, RELAXED);
            }
            self.meet(side, 2 * round);
            // Written before side 0 met, so both sides see it now.
            if self.stop.load(RELAXED) != 0 {
                break;
            }
            self.meet(side, 2 * round + 1);
        }
        seen
    }
}

/// Rounds run, and those in which neither side saw the other.
fn run(zero: impl Fn() + Send, one: impl Fn() + Send, time: Duration) -> (usize, usize) {
    let litmus = Litmus::default();
    let (zero, one) = std::thread::scope(|s| {
        let zero = s.spawn(|| litmus.side(0, zero, time));
        let one = s.spawn(|| litmus.side(1, one, time));
        (zero.join().unwrap(), one.join().unwrap())
    });
    assert_eq!(zero.len(), one.len());
    let both_missed = zero
        .iter()
        .zip(&one)
        .filter(|(zero, one)| !**zero && !**one)
        .count();
    (zero.len(), both_missed)
}

#[test]
fn store_buffering_is_forbidden() {
    let time = Duration::from_millis(300);
    let (rounds, missed) = run(|| (), || (), time);
    println!("no fences: {missed} of {rounds} rounds missed each other (allowed)");

    let (rounds, missed) = run(|| fence::light("litmus"), || fence::heavy("litmus"), time);
    println!(
        "light and heavy, {:?}: {missed} of {rounds}",
        fence::strategy()
    );
    assert_eq!(missed, 0);

    if fence::strategy() == Strategy::Membarrier {
        let fence = || fence_seq_cst("litmus");
        let (rounds, missed) = run(fence, fence, time);
        println!(
            "light and heavy as they are elsewhere, {:?}: {missed} of {rounds}",
            Strategy::SeqCst
        );
        assert_eq!(missed, 0);
    }
}

#[test]
fn strategy_is_the_same_for_all_threads() {
    let strategies: Vec<Strategy> = std::thread::scope(|s| {
        let threads: Vec<_> = (0..8)
            .map(|_| {
                s.spawn(|| {
                    fence::light("strategy");
                    fence::heavy("strategy");
                    fence::strategy()
                })
            })
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect()
    });
    assert!(
        strategies.iter().all(|strategy| *strategy == strategies[0]),
        "{strategies:?}"
    );
}

#[test]
fn strategy_can_be_forced() {
    if cfg!(any(counterpoint_no_membarrier, tsan, miri)) || !cfg!(target_os = "linux") {
        assert_eq!(fence::strategy(), Strategy::SeqCst);
    }
}

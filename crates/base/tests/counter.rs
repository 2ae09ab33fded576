//! `ShardedCounter`: no addition is lost, on whatever stripe it falls.
#![cfg(all(feature = "std", not(any(counterpoint_loom, counterpoint_shuttle))))]

use counterpoint_base::ShardedCounter;
use counterpoint_base::record;
use counterpoint_base::tune::COUNTER_STRIPES;

const ROUNDS: i64 = if cfg!(miri) { 20 } else { 10_000 };

#[test]
fn nothing_is_lost() {
    let counter = ShardedCounter::new();
    std::thread::scope(|s| {
        for _ in 0..8 {
            s.spawn(|| (0..ROUNDS).for_each(|_| counter.add(3)));
            s.spawn(|| (0..ROUNDS).for_each(|_| counter.sub(1)));
        }
    });
    assert_eq!(counter.sum(), 16 * ROUNDS);
    assert_eq!(
        format!("{counter:?}"),
        format!("ShardedCounter({})", 16 * ROUNDS)
    );
}

#[test]
fn one_thread_may_subtract_what_another_added() {
    let counter = ShardedCounter::default();
    counter.add(u64::MAX);
    counter.add(2);
    // Both alive at once, so on different stripes.
    std::thread::scope(|s| {
        s.spawn(|| counter.sub(5));
    });
    assert_eq!(counter.sum(), -4);
}

#[test]
fn more_threads_than_stripes_share() {
    let counter = ShardedCounter::new();
    let all_alive = std::sync::Barrier::new(2 * COUNTER_STRIPES);
    std::thread::scope(|s| {
        for _ in 0..2 * COUNTER_STRIPES {
            s.spawn(|| {
                record::with(|_| ());
                all_alive.wait();
                counter.add(1);
            });
        }
    });
    assert_eq!(counter.sum(), 2 * COUNTER_STRIPES as i64);
}

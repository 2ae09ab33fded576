//! The clock and the constants.
#![cfg(all(feature = "std", not(any(counterpoint_loom, counterpoint_shuttle))))]

use counterpoint_base::prim::{thread, time};
use counterpoint_base::tune;
use std::time::Duration;

#[test]
fn deadline_beyond_the_clock_is_never() {
    assert_eq!(time::deadline(Duration::MAX), None);
    assert_eq!(time::deadline(Duration::from_secs(u64::MAX)), None);
}

#[test]
fn deadline_lies_ahead() {
    let before = time::now();
    let deadline = time::deadline(Duration::from_secs(3_600)).unwrap();
    assert!(deadline >= before + Duration::from_secs(3_600));
    assert!(!time::reached(deadline));
    assert!(time::reached(time::deadline(Duration::ZERO).unwrap()));
}

#[test]
fn the_cheap_clock_goes_as_fast_as_the_other() {
    // It steps some milliseconds at a time.
    const STEPS: Duration = Duration::from_millis(20);
    let earliest = time::now();
    let start = time::coarse();
    let latest = time::now();
    let since = || Duration::from_nanos(time::coarse() - start);
    let mut last = Duration::ZERO;
    while last < 10 * STEPS {
        std::thread::sleep(STEPS);
        let passed = time::now() - latest;
        let coarse = since();
        assert!(coarse + STEPS >= passed, "{coarse:?} after {passed:?}");
        assert!(coarse >= last, "it never goes back");
        assert!(coarse <= time::now() - earliest + STEPS, "{coarse:?}");
        last = coarse;
    }
}

#[test]
fn a_thread_knows_its_name() {
    let named = |name: &str| {
        let thread = std::thread::Builder::new().name(name.to_owned());
        thread.spawn(thread::current_name).unwrap().join().unwrap()
    };
    assert_eq!(named("of a name"), "of a name");
    let nameless = std::thread::spawn(thread::current_name);
    assert_eq!(nameless.join().unwrap(), "");
}

#[test]
fn parallelism_is_at_least_one_and_stays() {
    assert!(thread::parallelism() >= 1);
    assert_eq!(thread::parallelism(), thread::parallelism());
}

/// What the code that uses the constants relies on; checked when this file is compiled.
const _: () = {
    // `Backoff` shifts by the spin steps, and reaches the end after the yield steps.
    assert!(tune::SPIN_STEPS < u32::BITS && tune::SPIN_STEPS < tune::YIELD_STEPS);
    // A record's index and one more fit into 32 bits.
    assert!((tune::FIRST_SEGMENT as u128) << tune::SEGMENTS <= 1 << 32);
    assert!(tune::FIRST_SEGMENT > 0 && tune::SEGMENTS > 0);
    assert!(tune::COUNTER_STRIPES > 0 && tune::WAKE_BATCH > 0);
};

#[test]
fn backoff_is_short_enough_to_be_a_spin() {
    // 2^0 + … + 2^SPIN_STEPS pauses of at most some 140 cycles.
    let pauses = (2_u64 << tune::SPIN_STEPS) - 1;
    assert!(
        pauses * 140 < 50_000,
        "busy waiting for longer than a switch of threads takes"
    );
}

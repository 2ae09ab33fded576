//! Durations of nothing, deadlines that are over, and such as never come.

use crate::verbs::{Limit, Timed, each_timed};
use std::thread;
use std::time::{Duration, Instant};

/// As late as an instant can be.
fn far() -> Instant {
    let now = Instant::now();
    let (mut far, mut step) = (now, 1_u64 << 62);
    while step > 0 {
        while let Some(later) = far.checked_add(Duration::from_secs(step)) {
            far = later;
        }
        step /= 2;
    }
    far
}

fn past() -> Instant {
    let now = Instant::now();
    now.checked_sub(Duration::from_secs(1)).unwrap_or(now)
}

/// Far above what a form takes that does not wait.
const SOON: Duration = Duration::from_secs(5);

#[test]
fn no_time_is_one_attempt() {
    each_timed(&mut |verb: &Timed<'_>| {
        let began = Instant::now();
        let limits = || {
            [
                Limit::For(Duration::ZERO),
                Limit::Until(past()),
                Limit::Until(began),
            ]
        };
        for limit in limits() {
            assert!(!(verb.wait)(limit), "closed: {}, {limit:?}", verb.name);
        }
        assert!(began.elapsed() < SOON, "{}", verb.name);
    });
    for number in 0..3 {
        each_timed(&mut |verb: &Timed<'_>| {
            let limit = match number {
                0 => Limit::For(Duration::ZERO),
                1 => Limit::Until(past()),
                _ => Limit::Until(Instant::now()),
            };
            (verb.open)();
            assert!((verb.wait)(limit), "open: {}, {limit:?}", verb.name);
        });
    }
}

#[test]
fn a_short_time_is_not_shorter() {
    const SHORT: Duration = Duration::from_millis(2);
    each_timed(&mut |verb: &Timed<'_>| {
        assert!(
            !(verb.wait)(Limit::For(Duration::from_nanos(1))),
            "{}",
            verb.name
        );
        let began = Instant::now();
        assert!(!(verb.wait)(Limit::For(SHORT)), "{}", verb.name);
        assert!(began.elapsed() >= SHORT, "{}", verb.name);
        let deadline = Instant::now() + SHORT;
        assert!(!(verb.wait)(Limit::Until(deadline)), "{}", verb.name);
        assert!(Instant::now() >= deadline, "{}", verb.name);
        // None of them has taken anything along.
        (verb.open)();
        assert!((verb.wait)(Limit::For(Duration::ZERO)), "{}", verb.name);
    });
}

#[test]
fn a_huge_time_waits_until_it_is_opened() {
    let huge = [
        Limit::For(Duration::MAX),
        Limit::For(Duration::from_secs(u64::MAX)),
        Limit::For(Duration::from_secs(1 << 40)),
        Limit::Until(far()),
        Limit::Until(far() - Duration::from_nanos(1)),
    ];
    for limit in huge {
        each_timed(&mut |verb: &Timed<'_>| {
            thread::scope(|scope| {
                let waits = scope.spawn(|| (verb.wait)(limit));
                thread::sleep(Duration::from_millis(1));
                assert!(!waits.is_finished(), "closed: {}, {limit:?}", verb.name);
                (verb.open)();
                assert!(waits.join().unwrap(), "open: {}, {limit:?}", verb.name);
            });
        });
    }
}

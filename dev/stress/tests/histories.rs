//! Histories of every structure, judged by its model: of real threads, and under shuttle of its
//! schedules.
//!
//! `COUNTERPOINT_HISTORIES` says how many of each (default 300), `COUNTERPOINT_SEED` what they are
//! drawn from. With real threads there are long ones besides: `COUNTERPOINT_LONG` says how many
//! (default 1), `COUNTERPOINT_LENGTH` of how many calls (default 1,000).
#![cfg(not(counterpoint_loom))]

use counterpoint_stress::report;
use counterpoint_stress::subject::Subject;

const PARTIES: usize = 3;
const STEPS: usize = 6;

fn histories() -> u64 {
    report::number("COUNTERPOINT_HISTORIES", 300)
}

#[cfg(not(counterpoint_shuttle))]
fn judge<S: Subject>(subject: S) {
    use counterpoint_stress::threads::Threads;
    let how = Threads {
        parties: PARTIES,
        steps: STEPS,
        histories: histories(),
        seed: report::number("COUNTERPOINT_SEED", 1),
        patience: std::time::Duration::from_secs(20),
        again: 3_000,
    };
    let count = how
        .run(subject)
        .unwrap_or_else(|failure| panic!("{failure}"));
    println!("{}: {count:?}", S::NAME);
    assert!(
        count.concurrent * 20 > count.histories,
        "hardly any calls overlapped, so little was shown: {count:?}"
    );
    report::tell(S::NAME, "histories", "threads", count.histories);
}

/// Long histories of one structure, whose parties go on and on.
#[cfg(not(counterpoint_shuttle))]
fn judge_long<S: Subject>(subject: S) {
    use counterpoint_stress::threads::Threads;
    if !S::LONG {
        return;
    }
    let length = report::number("COUNTERPOINT_LENGTH", 1_000) as usize;
    let how = Threads {
        parties: PARTIES,
        steps: length.div_ceil(PARTIES),
        histories: report::number("COUNTERPOINT_LONG", 1),
        seed: report::number("COUNTERPOINT_SEED", 1),
        patience: std::time::Duration::from_secs(600),
        again: 0,
    };
    let (concurrent, calls) = how
        .run_long(subject)
        .unwrap_or_else(|failure| panic!("{failure}"));
    println!(
        "{}: {calls} calls in {} long histories, {concurrent} overlap another",
        S::NAME,
        how.histories
    );
    report::tell(S::NAME, "long", "threads", calls as u64);
}

#[cfg(counterpoint_shuttle)]
fn judge<S: Subject>(subject: S) {
    use counterpoint_stress::schedules::Schedules;
    let how = Schedules {
        parties: PARTIES,
        steps: STEPS,
        schedules: histories() as usize,
    };
    let count = how
        .run(subject)
        .unwrap_or_else(|failure| panic!("{failure}"));
    report::tell(S::NAME, "histories", "shuttle", count);
}

macro_rules! histories {
    ($($name:ident: $subject:expr;)*) => {$(
        #[test]
        fn $name() {
            judge($subject);
            #[cfg(not(counterpoint_shuttle))]
            judge_long($subject);
        }
    )*};
}

counterpoint_stress::for_each_subject!(histories);

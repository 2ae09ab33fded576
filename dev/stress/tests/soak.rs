//! Everything at once, for long: histories of every structure, two structures at a time, on and on,
//! while somebody watches how much memory the process holds.
//!
//! `COUNTERPOINT_SOAK` says for how many seconds (default 2), `COUNTERPOINT_SEED` what the
//! histories are drawn from. `cargo xtask soak` runs it with pauses at atomic operations.
#![cfg(not(any(counterpoint_loom, counterpoint_shuttle)))]

use counterpoint_stress::report;
use counterpoint_stress::subject::Subject;
use counterpoint_stress::threads::Threads;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// Structures that are at work at the same time.
const AT_ONCE: usize = 2;

/// Memory may grow by so much, in percent, from the end of the first third to the end, and by so
/// many bytes more: a page here and there.
const GROWTH: u64 = 1;
const SLACK: u64 = 4 << 20;

/// In shorter runs memory has not settled.
const SETTLED: u64 = 120;

/// Runs histories of one structure with this seed, and returns how many calls there were.
type Work = fn(u64) -> u64;

fn work<S: Subject>(subject: S, seed: u64) -> u64 {
    let how = |histories, steps| Threads {
        parties: 3,
        steps,
        histories,
        seed,
        patience: Duration::from_secs(60),
        again: 1_000,
    };
    let short = how(200, 6)
        .run(subject)
        .unwrap_or_else(|failure| panic!("{failure}"));
    short.histories
}

fn work_long<S: Subject>(subject: S, seed: u64) -> u64 {
    if !S::LONG {
        return 0;
    }
    let how = Threads {
        parties: 3,
        steps: 400,
        histories: 2,
        seed,
        patience: Duration::from_secs(60),
        again: 0,
    };
    let (_, calls) = how
        .run_long(subject)
        .unwrap_or_else(|failure| panic!("{failure}"));
    calls as u64
}

macro_rules! all {
    ($($name:ident: $subject:expr;)*) => {
        const ALL: &[(&str, Work)] = &[$(
            (stringify!($name), |seed| work($subject, seed)),
            (stringify!($name), |seed| work_long($subject, seed)),
        )*];
    };
}

counterpoint_stress::for_each_subject!(all);

/// Bytes that the process holds in memory.
fn resident() -> u64 {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = text.split(' ').nth(1).and_then(|pages| pages.parse().ok());
    pages.unwrap_or(0_u64) * 4096
}

/// Every guard and permit that was had has been given back, and nobody waits.
#[cfg(feature = "ledger")]
fn nothing_is_held() {
    let snapshot = counterpoint_ledger::snapshot();
    assert!(
        snapshot.held.is_empty() && snapshot.waiting.is_empty(),
        "{}",
        counterpoint_ledger::report()
    );
}

#[test]
fn nothing_breaks_and_nothing_grows() {
    let seconds = report::number("COUNTERPOINT_SOAK", 2);
    let seed = report::number("COUNTERPOINT_SEED", 1);
    let (begin, length) = (Instant::now(), Duration::from_secs(seconds));
    let (next, calls) = (AtomicU64::new(0), AtomicU64::new(0));
    let over = AtomicBool::new(false);
    let failed = Mutex::new(None);
    let mut settled = 0;
    #[cfg(feature = "ledger")]
    counterpoint_ledger::start().expect("nobody else has started it");
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while !over.load(Ordering::Relaxed) {
                    let turn = next.fetch_add(1, Ordering::Relaxed);
                    let (name, work) = ALL[turn as usize % ALL.len()];
                    let seed = seed.wrapping_add(turn.wrapping_mul(0x9E37_79B9_7F4A_7C15));
                    match std::panic::catch_unwind(|| work(seed)) {
                        Ok(count) => _ = calls.fetch_add(count, Ordering::Relaxed),
                        Err(_) => {
                            *failed.lock().unwrap() = Some(format!("{name}, seed {seed}"));
                            over.store(true, Ordering::Relaxed);
                        }
                    }
                }
            });
        }
        while begin.elapsed() < length && !over.load(Ordering::Relaxed) {
            thread::sleep(Duration::from_secs(1).min(length));
            if begin.elapsed() < length / 3 {
                settled = settled.max(resident());
            }
            if begin.elapsed().as_secs() % 60 == 0 {
                let calls = calls.load(Ordering::Relaxed);
                println!(
                    "{:?}: {calls} histories and calls, {} bytes",
                    begin.elapsed(),
                    resident()
                );
            }
        }
        over.store(true, Ordering::Relaxed);
    });
    if let Some(what) = failed.into_inner().unwrap() {
        panic!("{what}: see above");
    }
    let (turns, calls, held) = (next.into_inner(), calls.into_inner(), resident());
    println!(
        "{turns} turns of {} kinds, {calls} histories and calls",
        ALL.len()
    );
    println!("{settled} bytes at most in the first third, {held} at the end");
    assert!(calls > 0);
    #[cfg(feature = "ledger")]
    nothing_is_held();
    if seconds >= SETTLED {
        let most = settled + settled * GROWTH / 100 + SLACK;
        assert!(held <= most, "memory grows: {settled} bytes, then {held}");
    }
    report::tell("everything", "soak", "threads", calls);
}

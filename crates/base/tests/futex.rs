//! `prim::futex`: the contract that both implementations keep (see the cfg
//! `counterpoint_generic_park`).
#![cfg(all(feature = "std", not(any(counterpoint_loom, counterpoint_shuttle))))]

use counterpoint_base::prim::atomic::{AtomicU32, RELAXED, acquire, release};
use counterpoint_base::prim::futex::{Futex, Slept};
use counterpoint_base::prim::lock::FutexLock;
use std::time::{Duration, Instant};

const SHORT: Duration = Duration::from_millis(30);
const LONG: Duration = Duration::from_secs(60);

/// Sleeps as a primitive does: until the word is not `expected` any more.
fn wait_while(futex: &Futex, expected: u32) {
    while futex.word().load(acquire("test.wait")) == expected {
        futex.wait(expected, Some(Instant::now() + LONG));
    }
}

#[test]
fn changed_word_is_not_slept_on() {
    let futex = Futex::new(1);
    let begin = Instant::now();
    assert_eq!(futex.wait(0, None), Slept::Woken);
    assert_eq!(futex.wait(0, Some(begin + LONG)), Slept::Woken);
    assert!(begin.elapsed() < LONG);
}

#[test]
fn deadline_ends_a_sleep_and_not_too_early() {
    let futex = Futex::new(0);
    let begin = Instant::now();
    let deadline = begin + SHORT;
    while futex.wait(0, Some(deadline)) != Slept::TimedOut {}
    assert!(begin.elapsed() >= SHORT);
}

#[test]
fn past_deadline_does_not_sleep() {
    let futex = Futex::new(0);
    let begin = Instant::now();
    assert_eq!(futex.wait(0, Some(begin)), Slept::TimedOut);
    assert!(begin.elapsed() < LONG);
}

#[test]
fn farthest_deadline_is_no_error() {
    let futex = Futex::new(0);
    let mut far = Instant::now();
    for shift in (0..64).rev() {
        far = far
            .checked_add(Duration::from_secs(1 << shift))
            .unwrap_or(far);
    }
    std::thread::scope(|s| {
        s.spawn(|| {
            while futex.word().load(acquire("test.far")) == 0 {
                assert_eq!(futex.wait(0, Some(far)), Slept::Woken);
            }
        });
        std::thread::sleep(SHORT);
        futex.word().store(1, release("test.change"));
        futex.wake_one();
    });
}

#[test]
fn wake_all_wakes_every_sleeper() {
    let futex = Futex::new(0);
    let begin = Instant::now();
    std::thread::scope(|s| {
        for _ in 0..8 {
            s.spawn(|| wait_while(&futex, 0));
        }
        std::thread::sleep(SHORT);
        futex.word().store(1, release("test.change"));
        futex.wake_all();
    });
    assert!(
        begin.elapsed() < LONG,
        "ended by a deadline, not by a wake-up"
    );
}

#[test]
fn each_wake_one_ends_a_sleep() {
    let futex = Futex::new(0);
    let left = AtomicU32::new(8);
    std::thread::scope(|s| {
        for _ in 0..8 {
            s.spawn(|| {
                wait_while(&futex, 0);
                left.fetch_sub(1, RELAXED);
            });
        }
        std::thread::sleep(SHORT);
        futex.word().store(1, release("test.change"));
        for woken in 1..=8 {
            futex.wake_one();
            let begin = Instant::now();
            while left.load(RELAXED) > 8 - woken {
                assert!(begin.elapsed() < LONG, "a wake-up is lost");
                std::thread::yield_now();
            }
        }
    });
}

#[test]
fn no_wake_up_is_lost_between_two_threads() {
    const ROUNDS: u32 = if cfg!(miri) { 50 } else { 10_000 };
    // The number of the round; each thread ends every second one.
    let futex = Futex::new(0);
    let begin = Instant::now();
    std::thread::scope(|s| {
        for side in 0..2 {
            let futex = &futex;
            s.spawn(move || {
                for round in (side..ROUNDS).step_by(2) {
                    if round > 0 {
                        wait_while(futex, round - 1);
                    }
                    futex.word().store(round + 1, release("test.change"));
                    futex.wake_one();
                }
            });
        }
    });
    assert!(
        begin.elapsed() < LONG,
        "ended by a deadline, not by a wake-up"
    );
}

#[test]
fn neighbours_do_not_take_each_others_wake_ups() {
    let futexes: Vec<Futex> = (0..64).map(|_| Futex::new(0)).collect();
    let begin = Instant::now();
    std::thread::scope(|s| {
        for futex in &futexes {
            s.spawn(|| wait_while(futex, 0));
        }
        for futex in &futexes {
            futex.word().store(1, release("test.change"));
            futex.wake_one();
        }
    });
    assert!(
        begin.elapsed() < LONG,
        "ended by a deadline, not by a wake-up"
    );
}

#[cfg(all(target_os = "linux", not(miri)))]
#[test]
fn sleeping_takes_no_processor_time() {
    fn processor_time() -> Duration {
        let mut time = libc::timespec {
            tv_sec: 0,
            tv_nsec: 0,
        };
        // SAFETY: the clock exists and the pointer is to a local.
        let result = unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut time) };
        assert_eq!(result, 0);
        Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
    }
    let futex = Futex::new(0);
    let deadline = Instant::now() + 10 * SHORT;
    let before = processor_time();
    while futex.wait(0, Some(deadline)) != Slept::TimedOut {}
    let used = processor_time() - before;
    assert!(used < Duration::from_millis(2), "{used:?}");
}

#[test]
fn lock_excludes() {
    struct Guarded(FutexLock, std::cell::UnsafeCell<u64>);
    // SAFETY: the number is touched only while the lock is held.
    unsafe impl Sync for Guarded {}

    const ROUNDS: u64 = if cfg!(miri) { 20 } else { 50_000 };
    let guarded = Guarded(FutexLock::new(), std::cell::UnsafeCell::new(0));
    std::thread::scope(|s| {
        for _ in 0..4 {
            s.spawn(|| {
                let guarded = &guarded;
                for _ in 0..ROUNDS {
                    let _held = guarded.0.lock();
                    // SAFETY: the lock is held.
                    unsafe { *guarded.1.get() += 1 };
                }
            });
        }
    });
    assert_eq!(guarded.1.into_inner(), 4 * ROUNDS);
}

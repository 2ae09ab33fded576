//! What an idle timed wait costs its thread; a binary of its own, so that nothing runs beside it.
#![cfg(target_os = "linux")]

use counterpoint_sync::{Mutex, Semaphore};
use counterpoint_wait::cancel::CancelToken;
use counterpoint_wait::{block_on, select, select_async};
use std::pin::pin;
use std::task::{Context, Waker};
use std::time::{Duration, Instant};

const IDLE: Duration = Duration::from_millis(200);
const TRIES: u32 = 20;

/// CPU time and context switches of the calling thread.
fn usage() -> (Duration, i64) {
    // SAFETY: plain numbers, for which zero is a value.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    // SAFETY: `usage` lives during the call.
    let failed = unsafe { libc::getrusage(libc::RUSAGE_THREAD, &mut usage) };
    assert_eq!(failed, 0);
    let time = |time: libc::timeval| {
        Duration::from_micros(time.tv_sec as u64 * 1_000_000 + time.tv_usec as u64)
    };
    let switches = usage.ru_nvcsw + usage.ru_nivcsw;
    (time(usage.ru_utime) + time(usage.ru_stime), switches)
}

/// What a plain sleep costs at this moment: on a busy machine the processor's caches are cold.
fn plain_sleep() -> Duration {
    let (cpu, _) = usage();
    std::thread::sleep(IDLE);
    usage().0 - cpu
}

/// What a second of idle wait may cost: 50 µs, and without optimization as many times more as such
/// code is slower.
const CPU: Duration = Duration::from_micros(if cfg!(debug_assertions) { 200 } else { 50 });

/// The cheapest of a few, since something else may disturb one: at most [`CPU`] beyond the dearest
/// plain sleep beside it, and two context switches.
fn idle(what: &str, wait: impl Fn()) {
    let (mut best, mut plain) = ((Duration::MAX, i64::MAX), Duration::ZERO);
    for _ in 0..TRIES {
        plain = plain.max(plain_sleep());
        let (cpu, switches) = usage();
        let start = Instant::now();
        wait();
        assert!(start.elapsed() >= IDLE, "{what} ended early");
        let (cpu_after, switches_after) = usage();
        best.0 = best.0.min(cpu_after - cpu);
        best.1 = best.1.min(switches_after - switches);
        if best.0 <= plain + CPU && best.1 <= 2 {
            println!("{what}: {best:?}, a plain sleep {plain:?}");
            return;
        }
    }
    panic!("{what}: {IDLE:?} idle cost {best:?}, a plain sleep up to {plain:?}");
}

#[test]
fn idle_timed_waits_cost_nothing() {
    let (mutex, fair) = (Mutex::new(()), Mutex::fair(()));
    let (token, semaphore) = (CancelToken::new(), Semaphore::new(0));
    let (_held, _held_fair) = (mutex.lock(), fair.lock());
    // The thread's record, and the timer thread.
    assert!(mutex.lock_timeout(Duration::from_millis(1)).is_err());
    block_on(async {
        assert!(
            mutex
                .lock_async()
                .timeout(Duration::from_millis(1))
                .await
                .is_err()
        )
    });

    idle("Mutex::lock_timeout", || {
        assert!(mutex.lock_timeout(IDLE).is_err())
    });
    idle("Mutex::lock_timeout (fair)", || {
        assert!(fair.lock_timeout(IDLE).is_err())
    });
    idle("Semaphore::acquire_timeout", || {
        assert!(semaphore.acquire_timeout(IDLE).is_err())
    });
    idle("CancelToken::cancelled", || {
        assert!(token.cancelled().timeout(IDLE).wait().is_err())
    });
    idle("select of three", || {
        select! {
            _guard = mutex.lock_async() => unreachable!(),
            _permit = semaphore.acquire_async() => unreachable!(),
            () = token.cancelled() => unreachable!(),
            timeout(IDLE) => {}
        }
    });
    idle("select with a bounded arm", || {
        select! {
            result = mutex.lock_async().timeout(IDLE) => assert!(result.is_err()),
            () = token.cancelled() => unreachable!(),
        }
    });
    idle("Mutex::lock in a task", || {
        block_on(async { assert!(mutex.lock_async().timeout(IDLE).await.is_err()) });
    });
    idle("select in a task", || {
        block_on(async {
            select_async! {
                _guard = mutex.lock_async() => unreachable!(),
                () = token.cancelled() => unreachable!(),
                timeout(IDLE) => {}
            }
        });
    });
}

/// Who queued behind a reservation, which was claimed after that, has nothing to look for.
#[test]
fn idle_behind_a_claimed_reservation_costs_nothing() {
    let mutex = Mutex::fair(());
    let (mut best, mut plain) = ((Duration::MAX, i64::MAX), Duration::ZERO);
    for _ in 0..2 * TRIES {
        let held = mutex.lock();
        let mut first = pin!(mutex.lock_async());
        let mut cx = Context::from_waker(Waker::noop());
        assert!(first.as_mut().poll(&mut cx).is_pending());
        drop(held);
        plain = plain.max(plain_sleep());
        // Claims as soon as the wait below has queued: its bound is looked at after that.
        let (cpu, switches) = usage();
        let mut claimed = None;
        let claim = std::future::poll_fn(|_| {
            if claimed.is_none() {
                if let std::task::Poll::Ready(guard) = first.as_mut().poll(&mut cx) {
                    claimed = Some(guard);
                }
            }
            std::task::Poll::<()>::Pending
        });
        let result = mutex.lock_async().until(claim).timeout(IDLE).wait();
        let (cpu_after, switches_after) = usage();
        if result.is_ok() {
            continue; // A slow machine: the reservation had its time.
        }
        best.0 = best.0.min(cpu_after - cpu);
        best.1 = best.1.min(switches_after - switches);
        // One look when the reservation has had its time, and the end.
        if best.0 <= plain + 2 * CPU && best.1 <= 3 {
            println!("behind a claimed reservation: {best:?}, a plain sleep {plain:?}");
            return;
        }
    }
    panic!(
        "{IDLE:?} idle behind a claimed reservation cost {best:?}, a plain sleep up to {plain:?}"
    );
}

//! After a fork the child's one thread can use its record, sleep with a deadline, and fence.
#![cfg(all(
    feature = "std",
    target_os = "linux",
    not(any(counterpoint_loom, counterpoint_shuttle, miri, tsan))
))]

use counterpoint_base::fence;
use counterpoint_base::prim::futex::{Futex, Slept};
use counterpoint_base::prim::lock::FutexLock;
use counterpoint_base::record;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// What the child does; its exit code.
fn child() -> i32 {
    let begin = Instant::now();
    let slept = record::with(|record| {
        let word = record
            .futex()
            .word()
            .load(counterpoint_base::prim::atomic::RELAXED);
        let deadline = begin + Duration::from_millis(5);
        loop {
            match record.futex().wait(word, Some(deadline)) {
                Slept::TimedOut => break begin.elapsed(),
                Slept::Woken => {}
            }
        }
    });
    if slept < Duration::from_millis(5) {
        return 1;
    }
    drop(FutexLock::new().lock());
    fence::light("fork");
    fence::heavy("fork");
    0
}

#[test]
fn child_can_wait() {
    fence::strategy();
    let stop = AtomicBool::new(false);
    let sleeping = Futex::new(0);
    std::thread::scope(|s| {
        // Threads that take and give back records, and one that sleeps, as the fork happens. On
        // the fallback of `Futex` a thread that holds the lock of a bucket would leave it locked,
        // which is why only the sleeper is on one.
        for _ in 0..2 {
            s.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    std::thread::spawn(|| record::with(|record| record.index()))
                        .join()
                        .unwrap();
                }
            });
        }
        s.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                sleeping.wait(0, Some(Instant::now() + Duration::from_secs(60)));
            }
        });
        for first_use_in_child in [false, true] {
            for _ in 0..20 {
                let result = std::thread::spawn(move || {
                    if !first_use_in_child {
                        record::with(|_| ());
                    }
                    fork_and_wait()
                });
                let status = result.join().unwrap();
                assert!(libc::WIFEXITED(status), "the child was killed: {status}");
                assert_eq!(libc::WEXITSTATUS(status), 0);
            }
        }
        stop.store(true, Ordering::Relaxed);
        // The address is the sleeper's; the word need not change for it to look at `stop`.
        sleeping
            .word()
            .store(1, counterpoint_base::prim::atomic::RELAXED);
        sleeping.wake_all();
    });
}

/// The status with which the child ended.
fn fork_and_wait() -> i32 {
    // SAFETY: the child uses only what this test is about, allocates nothing but perhaps a
    // segment of records (glibc's allocator is usable after a fork), and ends by `_exit`.
    let pid = unsafe { libc::fork() };
    if pid == 0 {
        // SAFETY: ends a child that hangs.
        unsafe { libc::alarm(20) };
        let code = std::panic::catch_unwind(child).unwrap_or(101);
        // SAFETY: ends the child at once.
        unsafe { libc::_exit(code) };
    }
    assert!(pid > 0, "fork: {}", std::io::Error::last_os_error());
    let mut status = 0;
    // SAFETY: waits for the child above; the pointer is to a local.
    let ended = unsafe { libc::waitpid(pid, &raw mut status, 0) };
    assert_eq!(ended, pid);
    status
}

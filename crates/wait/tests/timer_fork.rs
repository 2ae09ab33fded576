//! Waiting in the child of a fork, which has one thread and no timer thread.
#![cfg(all(target_os = "linux", not(tsan)))] // which refuses to go on in the child of many threads

use counterpoint_wait::parker::{Parker, UnparkReason};
use counterpoint_wait::timer::sleep;
use std::future::Future;
use std::pin::pin;
use std::task::{Context, Waker};
use std::time::Duration;

unsafe extern "C" {
    fn fork() -> i32;
    fn waitpid(pid: i32, status: *mut i32, options: i32) -> i32;
    fn _exit(status: i32) -> !;
}

/// Whether a task's sleep ends.
fn task_sleeps() -> bool {
    let parker = Parker::new();
    let waker = Waker::from(parker.unparker().clone());
    let mut cx = Context::from_waker(&waker);
    let mut sleep = pin!(sleep(Duration::from_millis(20)));
    while sleep.as_mut().poll(&mut cx).is_pending() {
        if parker.park_timeout(Duration::from_secs(10)) == UnparkReason::Timeout {
            return false;
        }
    }
    true
}

#[test]
fn child_of_a_fork_starts_its_own_thread() {
    assert!(task_sleeps());
    // A promise for later, which the parent's thread keeps and the child's must not rely on.
    let mut waits = pin!(sleep(Duration::from_millis(10)));
    let _ = waits.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    // SAFETY: the child uses only its own thread, memory and this library, then leaves.
    let child = unsafe { fork() };
    assert!(child >= 0);
    if child == 0 {
        let all = task_sleeps() && task_sleeps();
        // SAFETY: leaves without running anything of the parent's.
        unsafe { _exit(if all { 0 } else { 1 }) }
    }
    let mut status = -1;
    // SAFETY: waits for the child made above; `status` lives during the call.
    assert_eq!(unsafe { waitpid(child, &mut status, 0) }, child);
    assert_eq!(status, 0, "timers do not fire in the child");
    assert!(task_sleeps());
}

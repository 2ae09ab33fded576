//! Waiting in the child of a fork, which has one thread.
#![cfg(all(target_os = "linux", not(tsan)))] // which refuses to go on in the child of many threads

use counterpoint_sync::{Mutex, Semaphore};
use counterpoint_wait::cancel::CancelToken;
use counterpoint_wait::{block_on, select};
use std::future::Future;
use std::pin::pin;
use std::task::{Context, Waker};
use std::time::Duration;

const SHORT: Duration = Duration::from_millis(2);

/// Every kind of wait that one thread can make by itself.
fn waits(mutex: &Mutex<u32>, semaphore: &Semaphore, token: &CancelToken) -> bool {
    let Some(mut guard) = mutex.lock_timeout(SHORT).ok() else {
        return false;
    };
    *guard += 1;
    let held = mutex.lock_timeout(SHORT).is_err()
        && semaphore.acquire_timeout(SHORT).is_err()
        && token.cancelled().timeout(SHORT).wait().is_err()
        && block_on(async { mutex.lock_async().timeout(SHORT).await.is_err() });
    let selected = select! {
        _guard = mutex.lock_async() => false,
        () = token.cancelled() => false,
        timeout(SHORT) => true,
    };
    // Somebody queues, is granted, and gives up.
    let mut queued = Box::pin(mutex.lock_async());
    let polled = queued
        .as_mut()
        .poll(&mut Context::from_waker(Waker::noop()));
    drop(guard);
    drop(queued);
    held && selected && polled.is_pending() && mutex.try_lock().is_ok()
}

#[test]
fn a_child_waits_as_its_parent_did() {
    let (mutex, semaphore, token) = (Mutex::fair(0), Semaphore::new(0), CancelToken::new());
    assert!(waits(&mutex, &semaphore, &token));
    // A wait that is queued in the parent, and one by the thread that forks.
    let held = mutex.lock();
    let mut queued = pin!(mutex.lock_async());
    let mut cx = Context::from_waker(Waker::noop());
    assert!(queued.as_mut().poll(&mut cx).is_pending());
    // SAFETY: the child uses only its own thread, memory and this library, then leaves.
    let child = unsafe { libc::fork() };
    assert!(child >= 0);
    if child == 0 {
        drop(held);
        let claimed = queued.as_mut().poll(&mut cx).is_ready();
        let all = claimed && waits(&mutex, &semaphore, &token) && token.child().cancel("child");
        // SAFETY: leaves without running anything of the parent's.
        unsafe { libc::_exit(if all { 0 } else { 1 }) }
    }
    let mut status = -1;
    // SAFETY: waits for the child made above; `status` lives during the call.
    assert_eq!(unsafe { libc::waitpid(child, &mut status, 0) }, child);
    assert_eq!(status, 0, "a wait failed in the child");
    drop(held);
    assert!(queued.as_mut().poll(&mut cx).is_ready());
    assert!(waits(&mutex, &semaphore, &token));
}

/// Locks and waits in the destructors of a thread's locals.
#[test]
fn locks_work_in_destructors_of_thread_locals() {
    static MUTEX: Mutex<u32> = Mutex::new(0);
    struct Locks;
    impl Drop for Locks {
        fn drop(&mut self) {
            *MUTEX.lock() += 1;
            let mut guard = MUTEX.lock_timeout(SHORT).unwrap();
            *guard += 1;
            assert!(MUTEX.lock_timeout(SHORT).is_err());
            assert!(select! { _guard = MUTEX.lock_async() => false, timeout(SHORT) => true });
        }
    }
    thread_local! {
        static FIRST: Locks = const { Locks };
        static SECOND: std::cell::OnceCell<Locks> = const { std::cell::OnceCell::new() };
    }
    std::thread::spawn(|| {
        FIRST.with(|_| ());
        let held = MUTEX.lock();
        assert!(MUTEX.lock_timeout(SHORT).is_err());
        drop(held);
        SECOND.with(|second| drop(second.set(Locks)));
    })
    .join()
    .unwrap();
    assert_eq!(*MUTEX.lock(), 4);
}

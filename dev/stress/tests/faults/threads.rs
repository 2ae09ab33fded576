//! Threads that end: by a panic, while they hold something, and in the destructors of their own
//! values.

use crate::ignore;
use crate::leak::leak;
use counterpoint_base::thread::scope;
use counterpoint_sync::rendezvous::RendezvousError;
use counterpoint_sync::stage::Exit;
use counterpoint_sync::{
    Barrier, BufMutex, Exchanger, Mutex, MutexGuard, Notify, OnceCell, OwnedMutexGuard, Rendezvous,
    RwLock, Semaphore, Stage, WaitGroup,
};
use counterpoint_wait::block_on;
use counterpoint_wait::cancel::CancelToken;
use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

const SHORT: Duration = Duration::from_millis(2);

#[test]
fn who_ends_while_holding_keeps_what_it_holds() {
    let (mutex, semaphore, group) = (Mutex::new(1), Semaphore::new(1), WaitGroup::new());
    let (lock, sum) = (
        RwLock::new(1),
        BufMutex::new(0, |sum: &mut u32, part: &u32| *sum += part),
    );
    let read = RwLock::new(1);
    thread::scope(|s| {
        s.spawn(|| {
            leak(mutex.lock());
            leak(semaphore.acquire().unwrap());
            leak(lock.write());
            leak(read.read());
            leak(sum.share());
            leak(group.clone());
        });
    });
    // Nobody hangs, and nobody is let in.
    assert!(mutex.try_lock().is_err() && mutex.lock_timeout(SHORT).is_err());
    assert!(semaphore.try_acquire().is_err() && semaphore.acquire_timeout(SHORT).is_err());
    assert!(lock.try_read().is_err() && lock.write_timeout(SHORT).is_err());
    assert!(read.write_timeout(SHORT).is_err());
    assert_eq!(*read.read(), 1);
    assert!(sum.wait_idle_timeout(SHORT).is_err());
    assert!(group.wait_ref_timeout(SHORT).is_err());
    // What can be given back by another is.
    semaphore.add_permits(1);
    assert!(semaphore.try_acquire().is_ok());
    assert!(!mutex.is_poisoned() && !lock.is_poisoned());
}

#[test]
fn who_panics_while_holding_gives_it_back() {
    let (mutex, semaphore, group) = (Mutex::new(1), Semaphore::new(1), WaitGroup::new());
    let (lock, upgradable) = (RwLock::new(1), RwLock::new(1));
    let (mut party, partner) = Rendezvous::new();
    let ended = thread::scope(|s| {
        let thread = s.spawn(|| {
            let _worker = group.clone();
            let _partner = partner;
            let _guards = (mutex.lock(), lock.write(), upgradable.upgradable_read());
            let _permit = semaphore.acquire();
            panic!("the thread ends");
        });
        thread.join()
    });
    assert!(ended.is_err());
    assert!(mutex.is_poisoned() && mutex.try_lock().is_ok());
    assert!(lock.is_poisoned() && lock.try_write().is_ok());
    assert!(!upgradable.is_poisoned() && upgradable.try_write().is_ok());
    assert!(semaphore.try_acquire().is_ok());
    assert!(group.wait_ref_timeout(SHORT).is_ok());
    assert_eq!(
        party.wait_timeout(SHORT),
        Err(RendezvousError::Disconnected)
    );
}

#[test]
fn claims_headships_and_arrivals_of_a_thread_that_ends() {
    let (kept, given_back) = (OnceCell::new(), OnceCell::new());
    let (stage, left) = (Stage::new((), ()), Stage::new((), ()));
    let barrier = Barrier::new(2);
    let ended = thread::scope(|s| {
        let thread = s.spawn(|| {
            leak(kept.try_claim());
            leak(block_on(stage.enter_async(stage.ticket(1).unwrap())));
            leak(barrier.arrive());
            let _claim = given_back.try_claim();
            let _head = block_on(left.enter_async(left.ticket(1).unwrap()));
            panic!("the thread ends");
        });
        thread.join()
    });
    assert!(ended.is_err());
    // What it forgot is held for ever: nobody hangs, and nobody is let in.
    assert!(kept.try_claim().is_none() && kept.set(1).is_err());
    assert!(kept.wait_timeout(SHORT).is_err());
    assert!(kept.get_or_init_timeout(SHORT, || 1).is_err());
    assert!(stage.is_headed() && stage.ticket(1).is_none());
    let mut ticket = stage.ticket(2).unwrap();
    let entered = stage.enter(&mut ticket, Some(SHORT), |_| ());
    assert_eq!(entered, Exit::Timeout);
    // It can still be told.
    assert!(stage.notify(&2));
    assert_eq!(stage.enter(&mut ticket, None, |_| ()), Exit::Token);
    // An arrival stands.
    assert!(barrier.wait_timeout(SHORT).is_ok_and(|it| it.is_leader()));
    // What it had when it panicked was given back.
    assert_eq!(given_back.get_or_init(|| 1), &1);
    assert!(!left.is_headed());
    assert_eq!(
        left.enter(left.ticket(1).unwrap(), None, |_| 1),
        Exit::Finished(1)
    );
}

#[test]
fn a_scope_ends_although_its_threads_panic() {
    let mutex = Mutex::new(0);
    let ended = catch_unwind(AssertUnwindSafe(|| {
        scope(|s| {
            // At once, and while the others work.
            s.spawn(|_| panic!("the first function panics"));
            for _ in 0..2 {
                s.spawn(|_| *mutex.lock() += 1);
            }
        })
    }));
    // Told as a panic or as an error; either way all have ended.
    if let Ok(result) = ended {
        assert!(result.is_err());
    }
    assert_eq!(*mutex.lock(), 2);
}

/// A result that nobody wants, and that panics when it is dropped.
struct Unwanted(Arc<AtomicBool>);

impl Drop for Unwanted {
    fn drop(&mut self) {
        if self.0.swap(false, Ordering::SeqCst) {
            panic!("the result panics");
        }
    }
}

#[test]
fn results_that_panic_when_dropped() {
    let armed = Arc::new(AtomicBool::new(true));
    let result = Unwanted(armed.clone());
    // Told, or not; either way the scope ends.
    let _ = catch_unwind(AssertUnwindSafe(|| {
        scope(|s| ignore(s.spawn(move |_| result)))
    }));
    assert!(!armed.load(Ordering::SeqCst), "it was dropped");
    let next = scope(|s| s.spawn(|_| 1).join().unwrap());
    assert_eq!(next.unwrap(), 1);
}

/// Runs the last thing of a thread.
struct AtEnd(Option<Box<dyn FnOnce()>>);

impl Drop for AtEnd {
    fn drop(&mut self) {
        if let Some(end) = self.0.take() {
            end();
        }
    }
}

thread_local! {
    static FIRST: RefCell<Option<AtEnd>> = const { RefCell::new(None) };
    static LAST: RefCell<Option<AtEnd>> = const { RefCell::new(None) };
}

/// Runs `end` in destructors of a thread: before and after those of the library's own values,
/// whichever way round the system calls them.
fn in_destructors(end: impl Fn() + Clone + Send + 'static) {
    let thread = thread::spawn(move || {
        let (first, last) = (end.clone(), end.clone());
        FIRST.with(|slot| *slot.borrow_mut() = Some(AtEnd(Some(Box::new(first)))));
        // The library makes its own now.
        end();
        LAST.with(|slot| *slot.borrow_mut() = Some(AtEnd(Some(Box::new(last)))));
    });
    thread.join().expect("its destructors passed");
}

#[test]
fn destructors_of_a_thread_may_lock_and_wait() {
    let mutex = Arc::new(Mutex::new(0));
    let (semaphore, notify) = (Arc::new(Semaphore::new(1)), Arc::new(Notify::new()));
    let (lock, exchanger) = (Arc::new(RwLock::new(0)), Arc::new(Exchanger::new()));
    let (count, permits, signal) = (mutex.clone(), semaphore.clone(), notify.clone());
    let (shared, swaps) = (lock.clone(), exchanger.clone());
    in_destructors(move || {
        *count.lock() += 1;
        *shared.write() += 1;
        ignore(permits.acquire());
        // It waits, and is told that nobody came.
        assert!(signal.wait_timeout(SHORT).is_err());
        assert!(swaps.exchange_timeout((), SHORT).is_err());
        let token = CancelToken::new();
        assert!(token.child().cancelled().timeout(SHORT).wait().is_err());
        let (mut party, _partner) = Rendezvous::new();
        assert!(party.wait_timeout(SHORT).is_err());
        assert!(Barrier::new(2).wait_timeout(SHORT).is_err());
        let cell = OnceCell::new();
        assert!(cell.wait_timeout(SHORT).is_err());
        assert_eq!(cell.get_or_init(|| 1), &1);
        let stage = Stage::new((), ());
        let heads = block_on(stage.enter_async(stage.ticket(1).unwrap()));
        let entered = stage.enter(stage.ticket(2).unwrap(), Some(SHORT), |_| ());
        assert_eq!(entered, Exit::Timeout);
        ignore(heads);
        // It waits for others, who come.
        let (inner, other) = (Arc::new(Mutex::new(())), thread::current());
        let guard = inner.lock_owned();
        let waits = {
            let inner = inner.clone();
            thread::spawn(move || ignore(inner.lock()))
        };
        ignore((guard, other));
        waits.join().unwrap();
        ignore(inner.lock());
    });
    assert_eq!((*mutex.lock(), *lock.read()), (3, 3));
    assert_eq!(semaphore.available_permits(), 1);
}

#[test]
fn guards_that_a_thread_keeps_are_given_back_at_its_end() {
    thread_local! {
        static GUARD: RefCell<Option<OwnedMutexGuard<u32>>> = const { RefCell::new(None) };
    }
    let mutex = Arc::new(Mutex::new(1));
    let keeps = mutex.clone();
    let thread = thread::spawn(move || {
        let guard = keeps.lock_owned();
        GUARD.with(|slot| *slot.borrow_mut() = Some(guard));
    });
    // Held over the end of the function, given back by the destructor.
    assert_eq!(*mutex.lock(), 1);
    thread.join().unwrap();
    ignore(MutexGuard::map(mutex.lock(), |value| value));
}

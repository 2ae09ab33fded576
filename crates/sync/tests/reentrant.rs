//! The reentrant mutex, form by form.

mod task;

use counterpoint_sync::{
    LockError, MappedReentrantMutexGuard, ReentrantMutex, ReentrantMutexGuard, TryLockError,
};
use counterpoint_wait::cancel::{CancelToken, Ctl};
use counterpoint_wait::{block_on, select};
use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};
use task::Task;

const LONG: Duration = Duration::from_secs(600);
const SHORT: Duration = Duration::from_millis(2);

/// What another thread finds.
fn elsewhere<R: Send>(f: impl FnOnce() -> R + Send) -> R {
    thread::scope(|scope| scope.spawn(f).join().unwrap())
}

fn is_free<T: Send>(mutex: &ReentrantMutex<T>) -> bool {
    elsewhere(|| mutex.try_lock().is_ok())
}

#[test]
fn its_thread_takes_it_again_in_every_form() {
    for mutex in [
        ReentrantMutex::new(Cell::new(0)),
        ReentrantMutex::fair(Cell::new(0)),
    ] {
        let token = CancelToken::new();
        let ctl = Ctl::new().cancel(&token);
        let until = std::future::pending::<()>;
        let mut guards = vec![
            mutex.lock(),
            mutex.lock(),
            mutex.try_lock().unwrap(),
            mutex.lock_timeout(LONG).unwrap(),
            mutex.lock_timeout(Duration::ZERO).unwrap(),
            mutex.lock_deadline(Instant::now()).unwrap(),
            mutex.lock_async().wait(),
            mutex.lock_async().with(&ctl).wait().unwrap(),
            mutex.lock_async().until(until()).wait().unwrap(),
            block_on(mutex.lock_async()),
            select! { guard = mutex.lock_async() => guard, default => unreachable!("it is ours") },
        ];
        guards[3].set(5);
        assert_eq!(guards[7].get(), 5);
        assert!(mutex.is_locked() && mutex.is_owned_by_current_thread());
        assert!(!elsewhere(|| mutex.is_owned_by_current_thread()));
        // In no order at all; the last one unlocks.
        while guards.len() > 1 {
            drop(guards.swap_remove(guards.len() / 2));
            assert!(!is_free(&mutex));
        }
        drop(guards);
        assert!(is_free(&mutex) && !mutex.is_locked() && !mutex.is_owned_by_current_thread());
        assert_eq!(mutex.into_inner().get(), 5);
    }
}

#[test]
fn another_thread_waits_in_every_form() {
    let mutex = ReentrantMutex::new(Cell::new(0));
    let held = mutex.lock();
    let again = mutex.lock();
    elsewhere(|| {
        assert_eq!(mutex.try_lock().err(), Some(TryLockError::WouldBlock));
        assert_eq!(mutex.lock_timeout(SHORT).err(), Some(LockError::TimedOut));
        let soon = Instant::now() + SHORT;
        assert_eq!(mutex.lock_deadline(soon).err(), Some(LockError::TimedOut));
        let token = CancelToken::new();
        token.cancel("for this test");
        let ctl = Ctl::new().cancel(&token);
        let cancelled = mutex.lock_async().with(&ctl).wait();
        assert_eq!(cancelled.err(), Some(LockError::Cancelled));
        let until = mutex.lock_async().until(async {}).wait();
        assert_eq!(until.err(), Some(LockError::Cancelled));
        assert!(format!("{mutex:?}").contains("<locked>"));
    });
    thread::scope(|scope| {
        let waits = scope.spawn(|| {
            let guard = mutex.lock();
            guard.set(guard.get() + 1);
        });
        while mutex.telemetry().waiters == 0 {
            thread::yield_now();
        }
        drop(held);
        assert_eq!(mutex.telemetry().held, Some(1));
        again.set(7);
        drop(again);
        waits.join().unwrap();
    });
    assert_eq!(mutex.lock().get(), 8);
}

#[test]
fn no_addition_of_many_threads_is_lost() {
    let mutex = ReentrantMutex::new(Cell::new(0));
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..500 {
                    let outer = mutex.lock();
                    let before = outer.get();
                    let inner = mutex.lock();
                    drop(outer);
                    inner.set(before + 1);
                }
            });
        }
    });
    assert_eq!(mutex.lock().get(), 2000);
}

/// True if the lock that another thread gives back is kept for the first in line.
fn is_kept_for_the_first(mutex: &ReentrantMutex<()>) -> bool {
    let (held, release) = (AtomicBool::new(false), AtomicBool::new(false));
    thread::scope(|scope| {
        let holder = scope.spawn(|| {
            let guard = mutex.lock();
            held.store(true, Ordering::SeqCst);
            while !release.load(Ordering::SeqCst) {
                thread::yield_now();
            }
            drop(guard);
        });
        while !held.load(Ordering::SeqCst) {
            thread::yield_now();
        }
        let mut line = [(); 2].map(|()| Task::queued(mutex.lock_async()));
        release.store(true, Ordering::SeqCst);
        holder.join().unwrap();
        let kept = mutex.try_lock().is_err() && line[1].poll().is_pending();
        drop(line[0].ready());
        kept
    })
}

#[test]
fn a_fair_one_keeps_the_lock_for_the_first_in_line() {
    // It is kept for a while, which may be over before this thread goes on.
    let fair = ReentrantMutex::fair(());
    assert!((0..40).any(|_| is_kept_for_the_first(&fair)));
    let usual = ReentrantMutex::new(());
    assert!(!(0..40).all(|_| is_kept_for_the_first(&usual)));
}

#[test]
fn an_operation_that_is_dropped_or_granted_leaves_no_trace() {
    let mutex = ReentrantMutex::new(Cell::new(0));
    let (queued, release) = (AtomicUsize::new(0), AtomicBool::new(false));
    thread::scope(|scope| {
        scope.spawn(|| {
            let outer = mutex.lock();
            let inner = mutex.lock();
            queued.store(1, Ordering::SeqCst);
            while !release.load(Ordering::SeqCst) {
                thread::yield_now();
            }
            drop(outer);
            drop(inner);
            queued.store(2, Ordering::SeqCst);
        });
        while queued.load(Ordering::SeqCst) == 0 {
            thread::yield_now();
        }
        let first = Task::queued(mutex.lock_async());
        let mut second = Task::queued(mutex.lock_async());
        release.store(true, Ordering::SeqCst);
        while queued.load(Ordering::SeqCst) < 2 {
            thread::yield_now();
        }
        // The lock was granted to the first, which gives it up.
        drop(first);
        assert!(second.woken() > 0);
        second.ready().set(1);
    });
    assert!(is_free(&mutex));
}

#[test]
fn what_waits_in_a_task_does_not_forget_what_it_was_granted() {
    let mutex = ReentrantMutex::new(Cell::new(0));
    let (held, wait) = (AtomicBool::new(false), AtomicBool::new(true));
    thread::scope(|scope| {
        scope.spawn(|| {
            let _held = mutex.lock();
            held.store(true, Ordering::SeqCst);
            while wait.load(Ordering::SeqCst) {
                thread::yield_now();
            }
        });
        while !held.load(Ordering::SeqCst) {
            thread::yield_now();
        }
        let mut granted = Task::queued(mutex.lock_async());
        let mut behind = Task::queued(mutex.lock_async());
        wait.store(false, Ordering::SeqCst);
        while granted.woken() == 0 {
            thread::yield_now();
        }
        // This thread takes the lock beside its own operation, which then waits again.
        let mine = mutex.lock();
        let first = granted.poll();
        drop(first);
        drop(mine);
        drop(granted);
        drop(behind.ready());
    });
    assert!(is_free(&mutex));
}

#[test]
fn guards_are_mapped_bumped_and_unlocked() {
    let mutex = ReentrantMutex::new((Cell::new(1), Cell::new(2)));
    let part = ReentrantMutexGuard::map(mutex.lock(), |pair| &pair.1);
    let part = MappedReentrantMutexGuard::map(part, |cell| cell);
    assert_eq!(
        (part.get(), format!("{part:?}")),
        (2, "Cell { value: 2 }".into())
    );
    let other = ReentrantMutexGuard::try_map(mutex.lock(), |_| None::<&u8>).unwrap_err();
    drop(part);
    let mut guard = ReentrantMutexGuard::try_map(other, |_| None::<&u8>).unwrap_err();
    assert!(std::ptr::eq(
        ReentrantMutexGuard::mutex(&guard),
        &raw const mutex
    ));
    assert!(ReentrantMutexGuard::unlocked(&mut guard, || is_free(
        &mutex
    )));
    let second = mutex.lock();
    assert!(!ReentrantMutexGuard::unlocked(&mut guard, || is_free(
        &mutex
    )));
    ReentrantMutexGuard::bump(&mut guard);
    drop(second);
    thread::scope(|scope| {
        let waits = scope.spawn(|| mutex.lock().0.set(9));
        while mutex.telemetry().waiters == 0 {
            thread::yield_now();
        }
        ReentrantMutexGuard::bump(&mut guard);
        assert_eq!(guard.0.get(), 9);
        waits.join().unwrap();
    });
    ReentrantMutexGuard::unlock_fair(guard);
    assert!(is_free(&mutex));
    let mapped = ReentrantMutexGuard::try_map(mutex.lock(), |pair| Some(&pair.0)).unwrap();
    assert_eq!(mapped.get(), 9);
}

#[test]
fn a_panic_poisons_and_unlocks() {
    let mut mutex = ReentrantMutex::new(RefCell::new(0));
    let outer = mutex.lock();
    let inner = || {
        let _guard = mutex.lock();
        panic!("for this test");
    };
    assert!(catch_unwind(AssertUnwindSafe(inner)).is_err());
    assert!(mutex.is_poisoned() && !is_free(&mutex));
    mutex.clear_poison();
    drop(outer);
    assert!(is_free(&mutex) && !mutex.is_poisoned());
    let mut guard = mutex.lock();
    let unlocked = || ReentrantMutexGuard::unlocked(&mut guard, || panic!("for this test"));
    assert!(catch_unwind(AssertUnwindSafe(unlocked)).is_err());
    assert!(!is_free(&mutex));
    drop(guard);
    assert!(!mutex.is_poisoned() && is_free(&mutex));
    *mutex.get_mut().get_mut() = 3;
    assert_eq!(ReentrantMutex::from(4).into_inner(), 4);
    assert_eq!(ReentrantMutex::<u8>::default().into_inner(), 0);
    assert!(format!("{mutex:?}").contains("RefCell { value: 3 }"));
}

/// The thread's own number outlives its record, which goes to another thread while destructors run.
#[test]
fn a_thread_that_ends_is_not_taken_for_another() {
    static MUTEX: ReentrantMutex<Cell<usize>> = ReentrantMutex::new(Cell::new(0));
    struct Last(RefCell<Option<ReentrantMutexGuard<'static, Cell<usize>>>>);
    impl Drop for Last {
        fn drop(&mut self) {
            assert!(MUTEX.is_owned_by_current_thread());
            // Threads that begin now may be given the record of this one.
            for _ in 0..8 {
                assert!(elsewhere(|| {
                    counterpoint_base::record::with(|_| ());
                    !MUTEX.is_owned_by_current_thread() && MUTEX.try_lock().is_err()
                }));
            }
            assert!(MUTEX.try_lock().is_ok());
            self.0.take();
        }
    }
    thread_local! {
        static LAST: Last = const { Last(RefCell::new(None)) };
    }
    thread::spawn(|| {
        LAST.with(|last| *last.0.borrow_mut() = Some(MUTEX.lock()));
        // Made later, so given back earlier.
        counterpoint_base::record::with(|_| ());
    })
    .join()
    .unwrap();
    assert!(is_free(&MUTEX));
}

//! What std promises of its locks, asked of `sync::poison`. Of the locks each row is asked of all
//! that have it.

use counterpoint_sync::poison::{
    Barrier, Condvar, LazyLock, LockResult, Mutex, Once, OnceLock, PoisonError, RwLock,
    RwLockWriteGuard, TryLockError,
};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::thread;
use std::time::{Duration, Instant};

/// Longer than any wait that ends.
const LONG: Duration = Duration::from_secs(60);

fn panics<R>(f: impl FnOnce() -> R) -> bool {
    catch_unwind(AssertUnwindSafe(f)).is_err()
}

/// The rows that a lock passes, whichever way it is locked to write.
macro_rules! locks {
    ($($name:ident: $lock:ident, $write:ident, $try_write:ident, $shown:literal;)*) => {$(
        mod $name {
            use super::*;

            fn poison<T: Send + Sync>(lock: &$lock<T>) {
                let panicked = thread::scope(|scope| {
                    scope
                        .spawn(|| {
                            let _held = lock.$write().unwrap();
                            panic!("planned");
                        })
                        .join()
                });
                assert!(panicked.is_err());
            }

            #[test]
            fn one_at_a_time() {
                let lock = Arc::new($lock::new(0));
                let threads = [(); 4].map(|()| {
                    let lock = lock.clone();
                    thread::spawn(move || (0..500).for_each(|_| *lock.$write().unwrap() += 1))
                });
                for thread in threads {
                    thread.join().unwrap();
                }
                assert_eq!(*lock.$write().unwrap(), 2000);
            }

            #[test]
            fn a_lock_that_is_held_would_block() {
                let lock = $lock::new(1);
                let held = lock.$write().unwrap();
                assert!(matches!(lock.$try_write(), Err(TryLockError::WouldBlock)));
                drop(held);
                assert_eq!(*lock.$try_write().unwrap(), 1);
            }

            #[test]
            fn a_panic_poisons_every_way_to_the_value() {
                let mut lock = $lock::new(vec![1]);
                assert!(!lock.is_poisoned());
                poison(&lock);
                assert!(lock.is_poisoned());
                assert_eq!(*lock.$write().unwrap_err().into_inner(), [1]);
                match lock.$try_write() {
                    Err(TryLockError::Poisoned(error)) => assert_eq!(**error.get_ref(), [1]),
                    _ => panic!("not told of poison"),
                };
                lock.get_mut().unwrap_err().into_inner().push(2);
                assert_eq!(lock.into_inner().unwrap_err().into_inner(), [1, 2]);
            }

            #[test]
            fn poison_can_be_cleared() {
                let lock = $lock::new(1);
                poison(&lock);
                lock.clear_poison();
                assert!(!lock.is_poisoned() && lock.$write().is_ok() && lock.$try_write().is_ok());
                assert_eq!(lock.into_inner().unwrap(), 1);
            }

            #[test]
            fn a_destructor_that_runs_in_a_panic_does_not_poison() {
                let lock = $lock::new(0);
                struct Last<'a>(&'a $lock<i32>);
                impl Drop for Last<'_> {
                    fn drop(&mut self) {
                        *self.0.$write().unwrap() += 1;
                    }
                }
                assert!(panics(|| {
                    let _last = Last(&lock);
                    panic!("planned");
                }));
                assert_eq!(*lock.$write().unwrap(), 1);
            }

            #[test]
            fn values_come_in_and_out() {
                let dropped = Arc::new(());
                let lock = $lock::new(dropped.clone());
                assert!(Arc::ptr_eq(&lock.into_inner().unwrap(), &dropped));
                drop($lock::new(dropped.clone()));
                assert_eq!(Arc::strong_count(&dropped), 1);
                let mut lock = $lock::from(3);
                *lock.get_mut().unwrap() += 1;
                assert_eq!(*lock.$write().unwrap(), 4);
                assert_eq!(*$lock::<u8>::default().$write().unwrap(), 0);
            }

            #[test]
            fn values_without_a_size() {
                let lock: &$lock<[i32]> = &$lock::new([1, 2, 3]);
                lock.$write().unwrap()[0] = 4;
                assert_eq!(*lock.$write().unwrap(), [4, 2, 3]);
            }

            #[test]
            fn showing_never_waits() {
                let lock = $lock::new(1);
                assert_eq!(format!("{lock:?}"), concat!($shown, " { data: 1, poisoned: false, .. }"));
                let held = lock.$write().unwrap();
                assert_eq!(format!("{held:?} {held}"), "1 1");
                assert_eq!(
                    format!("{lock:?}"),
                    concat!($shown, " { data: <locked>, poisoned: false, .. }")
                );
            }

            #[test]
            fn errors_convert() {
                fn sum(lock: &$lock<i32>) -> Result<i32, Box<dyn std::error::Error + '_>> {
                    Ok(*lock.$write()? + 1)
                }
                let lock = $lock::new(1);
                assert_eq!(sum(&lock).unwrap(), 2);
                poison(&lock);
                assert!(sum(&lock).is_err());
                let or: LockResult<_> = lock.$write();
                assert_eq!(*or.unwrap_or_else(PoisonError::into_inner), 1);
            }
        }
    )*};
}

locks! {
    mutex: Mutex, lock, try_lock, "Mutex";
    rwlock: RwLock, write, try_write, "RwLock";
}

mod readers {
    use super::*;

    #[test]
    fn read_together_and_keep_writers_out() {
        let lock = RwLock::new(1);
        let (one, other) = (lock.read().unwrap(), lock.try_read().unwrap());
        assert!(matches!(lock.try_write(), Err(TryLockError::WouldBlock)));
        drop((one, other));
        let written = lock.write().unwrap();
        assert!(matches!(lock.try_read(), Err(TryLockError::WouldBlock)));
        drop(written);
    }

    #[test]
    fn do_not_poison() {
        let lock = RwLock::new(1);
        assert!(panics(|| {
            let _read = lock.read().unwrap();
            panic!("planned");
        }));
        assert!(lock.read().is_ok());
    }

    #[test]
    fn are_told_of_poison() {
        let lock = RwLock::new(1);
        assert!(panics(|| {
            let _written = lock.write().unwrap();
            panic!("planned");
        }));
        assert_eq!(*lock.read().unwrap_err().into_inner(), 1);
        assert!(matches!(lock.try_read(), Err(TryLockError::Poisoned(_))));
    }

    #[test]
    fn one_who_wrote_may_go_on_reading() {
        let lock = RwLock::new(1);
        let mut written = lock.write().unwrap();
        *written += 1;
        let read = RwLockWriteGuard::downgrade(written);
        assert_eq!(*read + *lock.read().unwrap(), 4);
        assert!(lock.try_write().is_err());
    }
}

mod condvar {
    use super::*;

    #[test]
    fn notifies_one_and_all() {
        for all in [false, true] {
            let shared = Arc::new((Mutex::new(0), Condvar::new()));
            let (sender, arrived) = channel();
            let threads = [(); 3].map(|()| {
                let (shared, sender) = (shared.clone(), sender.clone());
                thread::spawn(move || {
                    let (mutex, changed) = &*shared;
                    let mut tokens = mutex.lock().unwrap();
                    sender.send(()).unwrap();
                    while *tokens == 0 {
                        tokens = changed.wait(tokens).unwrap();
                    }
                    *tokens -= 1;
                })
            });
            for _ in 0..3 {
                arrived.recv().unwrap();
            }
            let (mutex, changed) = &*shared;
            if all {
                *mutex.lock().unwrap() = 3;
                changed.notify_all();
            } else {
                for _ in 0..3 {
                    *mutex.lock().unwrap() += 1;
                    changed.notify_one();
                }
            }
            for thread in threads {
                thread.join().unwrap();
            }
        }
    }

    #[test]
    fn waits_while_a_condition_holds() {
        let shared = Arc::new((Mutex::new(true), Condvar::new()));
        let other = shared.clone();
        let thread = thread::spawn(move || {
            *other.0.lock().unwrap() = false;
            other.1.notify_one();
        });
        let guard = shared.0.lock().unwrap();
        let guard = shared.1.wait_while(guard, |pending| *pending).unwrap();
        assert!(!*guard);
        thread.join().unwrap();
    }

    #[test]
    fn a_timed_wait_ends_and_tells_so() {
        let (mutex, changed) = (Mutex::new(()), Condvar::new());
        let before = Instant::now();
        let (guard, result) = changed
            .wait_timeout(mutex.lock().unwrap(), Duration::from_millis(5))
            .unwrap();
        assert!(result.timed_out() && before.elapsed() >= Duration::from_millis(5));
        #[expect(deprecated, reason = "it is there as in std")]
        let (guard, notified) = changed.wait_timeout_ms(guard, 1).unwrap();
        assert!(!notified);
        drop(guard);
    }

    #[test]
    fn a_timed_wait_looks_first_and_last() {
        let (mutex, changed) = (Mutex::new(0), Condvar::new());
        let guard = mutex.lock().unwrap();
        let (guard, result) = changed.wait_timeout_while(guard, LONG, |_| false).unwrap();
        assert!(!result.timed_out());
        let mut looks = 0;
        let (guard, result) = changed
            .wait_timeout_while(guard, Duration::from_millis(2), |_| {
                looks += 1;
                true
            })
            .unwrap();
        assert!(result.timed_out() && looks >= 2);
        let (guard, result) = changed
            .wait_timeout_while(guard, Duration::MAX, |_| false)
            .unwrap();
        assert!(!result.timed_out());
        drop(guard);
    }

    #[test]
    fn a_timed_wait_is_woken() {
        let shared = Arc::new((Mutex::new(false), Condvar::new()));
        let other = shared.clone();
        let guard = shared.0.lock().unwrap();
        let thread = thread::spawn(move || {
            *other.0.lock().unwrap() = true;
            other.1.notify_all();
        });
        let (guard, result) = shared
            .1
            .wait_timeout_while(guard, LONG, |done| !*done)
            .unwrap();
        assert!(*guard && !result.timed_out());
        thread.join().unwrap();
    }

    #[test]
    fn a_wait_is_told_of_poison() {
        let shared = Arc::new((Mutex::new(0), Condvar::new()));
        let other = shared.clone();
        let guard = shared.0.lock().unwrap();
        let thread = thread::spawn(move || {
            let mut guard = other.0.lock().unwrap();
            *guard = 1;
            other.1.notify_all();
            panic!("planned");
        });
        let woken = shared.1.wait_while(guard, |value| *value == 0);
        assert_eq!(*woken.unwrap_err().into_inner(), 1);
        assert!(thread.join().is_err());
        let guard = shared.0.lock().unwrap_err().into_inner();
        let timed = shared.1.wait_timeout(guard, Duration::from_millis(1));
        let (guard, result) = timed.unwrap_err().into_inner();
        assert!(*guard == 1 && result.timed_out());
    }

    #[test]
    fn a_condition_that_panics_poisons_and_unlocks() {
        let (mutex, changed) = (Mutex::new(0), Condvar::new());
        assert!(panics(|| {
            changed.wait_while(mutex.lock().unwrap(), |_| panic!("planned"))
        }));
        assert!(mutex.is_poisoned() && mutex.try_lock().is_err());
    }
}

mod once {
    use super::*;

    #[test]
    fn is_done_once() {
        static START: Once = Once::new();
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    START.call_once(|| {
                        assert!(START.is_running() && !START.is_completed());
                        COUNT.fetch_add(1, Ordering::Relaxed);
                    });
                    assert_eq!(COUNT.load(Ordering::Relaxed), 1);
                });
            }
        });
        assert!(START.is_completed());
        START.call_once(|| unreachable!());
        START.call_once_force(|_| unreachable!());
        START.wait();
    }

    #[test]
    fn a_panic_is_told_to_all_who_come_until_it_is_forced() {
        let once = Once::new();
        assert!(panics(|| once.call_once(|| panic!("planned"))));
        assert!(once.is_poisoned() && !once.is_completed() && !once.is_running());
        assert!(panics(|| once.call_once(|| unreachable!())));
        assert!(panics(|| once.wait()));
        assert!(panics(|| once.call_once_force(|_| panic!("again"))));
        let mut told = false;
        once.call_once_force(|state| told = state.is_poisoned());
        assert!(told && once.is_completed() && !once.is_poisoned());
        once.call_once(|| unreachable!());
        once.wait();
    }

    #[test]
    fn a_first_forced_call_is_not_told_of_poison() {
        let once = Once::new();
        once.call_once_force(|state| assert!(!state.is_poisoned()));
        assert!(once.is_completed());
    }

    #[test]
    fn who_waits_for_a_call_that_panics_panics_as_well() {
        let once = Once::new();
        let (sender, started) = channel();
        thread::scope(|scope| {
            let first = scope.spawn(|| {
                once.call_once(|| {
                    sender.send(()).unwrap();
                    // The second may come in this moment; it panics also if it comes later.
                    thread::sleep(Duration::from_millis(5));
                    panic!("planned");
                })
            });
            started.recv().unwrap();
            let second = scope.spawn(|| once.call_once(|| unreachable!()));
            assert!(first.join().is_err());
            assert!(second.join().is_err());
        });
    }

    #[test]
    fn waits_end_when_it_is_done() {
        let once = Once::new();
        thread::scope(|scope| {
            scope.spawn(|| once.wait());
            scope.spawn(|| once.wait_force());
            thread::sleep(Duration::from_millis(2));
            once.call_once(|| ());
        });
    }

    #[test]
    fn a_forced_wait_outlasts_a_panic() {
        let once = Once::new();
        assert!(panics(|| once.call_once(|| panic!("planned"))));
        thread::scope(|scope| {
            scope.spawn(|| once.wait_force());
            thread::sleep(Duration::from_millis(2));
            once.call_once_force(|_| ());
        });
    }

    #[test]
    fn a_call_from_within_panics() {
        let once = Once::new();
        assert!(panics(|| once.call_once(|| once.call_once(|| ()))));
        assert!(once.is_poisoned());
    }
}

mod cells {
    use super::*;

    #[test]
    fn are_filled_once() {
        let cell = OnceLock::new();
        assert_eq!(cell.get(), None);
        assert_eq!(cell.get_or_init(|| 1), &1);
        assert_eq!(cell.get_or_init(|| unreachable!()), &1);
        assert_eq!(cell.set(2), Err(2));
        assert_eq!((cell.wait(), cell.clone().into_inner()), (&1, Some(1)));
    }

    #[test]
    fn are_emptied_and_filled_again() {
        let mut cell = OnceLock::from(1);
        *cell.get_mut().unwrap() += 1;
        assert_eq!(
            (cell.take(), cell.take(), cell.get()),
            (Some(2), None, None)
        );
        assert_eq!((cell.set(3), cell.into_inner()), (Ok(()), Some(3)));
    }

    #[test]
    fn are_empty_after_a_panic() {
        let cell = OnceLock::new();
        assert!(panics(|| cell.get_or_init(|| panic!("planned"))));
        assert_eq!((cell.get(), cell.get_or_init(|| 1)), (None, &1));
    }

    #[test]
    fn setting_waits_for_one_who_fills() {
        let cell = OnceLock::new();
        let (sender, started) = channel();
        thread::scope(|scope| {
            scope.spawn(|| {
                cell.get_or_init(|| {
                    sender.send(()).unwrap();
                    thread::sleep(Duration::from_millis(5));
                    1
                });
            });
            started.recv().unwrap();
            assert_eq!(cell.set(2), Err(2));
        });
        assert_eq!(cell.get(), Some(&1));
    }

    #[test]
    fn drop_what_they_hold() {
        let value = Arc::new(());
        drop(OnceLock::from(value.clone()));
        drop(OnceLock::<Arc<()>>::new());
        drop(LazyLock::new(|| value.clone()));
        let lazy = LazyLock::new(|| value.clone());
        assert_eq!(Arc::strong_count(&lazy), 2);
        drop(lazy);
        assert_eq!(Arc::strong_count(&value), 1);
    }

    #[test]
    fn compare_and_show_themselves() {
        assert_eq!(OnceLock::from(1), OnceLock::from(1));
        assert_ne!(OnceLock::from(1), OnceLock::default());
        assert_eq!(format!("{:?}", OnceLock::from(1)), "OnceLock(1)");
        assert_eq!(
            format!("{:?}", OnceLock::<i32>::new()),
            "OnceLock(<uninit>)"
        );
        let lazy = LazyLock::new(|| 1);
        assert_eq!(format!("{lazy:?}"), "LazyLock(<uninit>)");
        assert_eq!(*lazy, 1);
        assert_eq!(format!("{lazy:?}"), "LazyLock(1)");
        assert_eq!(**LazyLock::force(&LazyLock::<String>::default()), *"");
    }

    #[test]
    fn a_lazy_value_is_made_once() {
        static CALLS: AtomicUsize = AtomicUsize::new(0);
        static VALUE: LazyLock<usize> = LazyLock::new(|| 7 + CALLS.fetch_add(1, Ordering::Relaxed));
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| assert_eq!(*VALUE, 7));
            }
        });
        assert_eq!(CALLS.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn a_lazy_value_that_panicked_stays_so() {
        let lazy: LazyLock<i32, _> = LazyLock::new(|| panic!("planned"));
        assert!(panics(|| *lazy) && panics(|| *LazyLock::force(&lazy)));
    }
}

#[test]
fn a_barrier_has_one_leader_a_round() {
    let barrier = Barrier::new(3);
    let rounds = 4;
    let led = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                for round in 0..rounds {
                    let leads = usize::from(barrier.wait().is_leader());
                    led.fetch_add(leads, Ordering::Relaxed);
                    barrier.wait();
                    assert_eq!(led.load(Ordering::Relaxed), round + 1);
                    barrier.wait();
                }
            });
        }
    });
}

/// Runs a closure when it is dropped.
struct AtEnd<F: FnOnce()>(Option<F>);

impl<F: FnOnce()> Drop for AtEnd<F> {
    fn drop(&mut self) {
        if let Some(f) = self.0.take() {
            f();
        }
    }
}

/// Runs it while the thread unwinds.
fn while_unwinding(f: impl FnOnce()) {
    let unwound = catch_unwind(AssertUnwindSafe(|| {
        let _end = AtEnd(Some(f));
        panic!("for this test");
    }));
    assert!(unwound.is_err());
}

#[test]
fn a_guard_from_before_a_panic_that_is_downgraded_poisons_nothing() {
    let lock = RwLock::new(1);
    let guard = lock.write().unwrap();
    while_unwinding(|| assert_eq!(*RwLockWriteGuard::downgrade(guard), 1));
    assert!(!lock.is_poisoned());
    let guard = lock.write().unwrap();
    while_unwinding(|| drop(guard));
    assert!(lock.is_poisoned());
}

#[test]
fn a_guard_from_before_a_panic_poisons_when_it_ends_and_not_when_it_waits() {
    let (mutex, condvar) = (Mutex::new(1), Condvar::new());
    let short = Duration::from_millis(1);
    let guard = mutex.lock().unwrap();
    while_unwinding(|| {
        let (guard, wait) = condvar.wait_timeout(guard, short).unwrap();
        assert!(wait.timed_out() && !mutex.is_poisoned());
        drop(guard);
        assert!(mutex.is_poisoned());
        mutex.clear_poison();
        // One that began in the panic poisons nothing.
        let guard = mutex.lock().unwrap();
        drop(condvar.wait_timeout_while(guard, short, |_| true).unwrap());
        assert!(!mutex.is_poisoned());
    });
}

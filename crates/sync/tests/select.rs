//! Select over locks and permits, on threads and in tasks, as a user writes it.
#![forbid(unsafe_code)]

use counterpoint_sync::{LockError, Mutex, Semaphore, WaitGroup};
use counterpoint_wait::cancel::{CancelToken, Ctl};
use counterpoint_wait::select::{Select, arm};
use counterpoint_wait::timer::sleep;
use counterpoint_wait::{block_on, select, select_async, select_biased};
use std::future::Future;
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;
use std::time::{Duration, Instant};

const SHORT: Duration = Duration::from_millis(2);
const LONG: Duration = Duration::from_secs(600);

#[derive(Default)]
struct Count(AtomicUsize);

impl Wake for Count {
    fn wake(self: Arc<Count>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

impl Count {
    fn wakes(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

fn poll_once<F: Future>(future: std::pin::Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

/// Runs `f`, which must end.
fn ends<T: Send + 'static>(f: impl FnOnce() -> T + Send + 'static) -> T {
    let (done, is_done) = mpsc::channel();
    let thread = thread::spawn(move || {
        let result = f();
        done.send(()).unwrap();
        result
    });
    let waited = is_done.recv_timeout(Duration::from_secs(60));
    assert_ne!(
        waited,
        Err(mpsc::RecvTimeoutError::Timeout),
        "waits for ever"
    );
    thread.join().unwrap()
}

#[test]
fn a_lock_a_token_and_a_delay() {
    let (mutex, token) = (Mutex::new(1), CancelToken::new());
    let what = |mutex: &Mutex<u32>, token: &CancelToken, delay| {
        select! {
            mut guard = mutex.lock_async() => { *guard += 1; "lock" }
            () = token.cancelled() => "token",
            () = sleep(delay) => "delay",
        }
    };
    assert_eq!(what(&mutex, &token, LONG), "lock");
    let held = mutex.lock();
    assert_eq!(what(&mutex, &token, SHORT), "delay");
    token.cancel("now");
    assert_eq!(what(&mutex, &token, LONG), "token");
    assert_eq!(*held, 2);
    drop(held);
    // Nobody was left in line.
    assert!(mutex.try_lock().is_ok());
}

#[test]
fn losers_leave_no_trace_in_a_fair_lock() {
    // A fair lock refuses `try_lock` while anyone is in line.
    let (first, second) = (Mutex::fair(()), Mutex::fair(()));
    let (held_first, held_second) = (first.lock(), second.lock());
    let which = select! {
        _guard = first.lock_async() => 1,
        _guard = second.lock_async() => 2,
        timeout(SHORT) => 3,
    };
    assert_eq!(which, 3);
    drop(held_second);
    assert!(second.try_lock().is_ok());
    let which = select! {
        _guard = first.lock_async() => 1,
        _guard = second.lock_async() => 2,
    };
    assert_eq!(which, 2);
    drop(held_first);
    assert!(first.try_lock().is_ok() && second.try_lock().is_ok());
}

#[test]
fn a_dropped_select_passes_a_won_lock_on() {
    // A fair mutex also wakes whoever stands behind a task that it grants, so that it looks.
    for (mutex, early) in [(Mutex::new(()), 0), (Mutex::fair(()), 1)] {
        let (token, count) = (CancelToken::new(), Arc::new(Count::default()));
        let held = mutex.lock();
        let mut select = Box::pin(async {
            select_async! {
                _guard = mutex.lock_async() => 1,
                () = token.cancelled() => 2,
            }
        });
        assert!(poll_once(select.as_mut()).is_pending());
        let mut next = pin!(mutex.lock_async());
        let waker = Waker::from(count.clone());
        let mut cx = Context::from_waker(&waker);
        assert!(next.as_mut().poll(&mut cx).is_pending());
        drop(held);
        assert_eq!(count.wakes(), early);
        drop(select);
        assert_eq!(count.wakes(), 1);
        assert!(next.as_mut().poll(&mut cx).is_ready());
    }
}

#[test]
fn a_select_that_another_arm_wins_passes_the_lock_on() {
    let (mutex, token) = (Mutex::new(()), CancelToken::new());
    let held = mutex.lock();
    let mut select = Box::pin(async {
        select_async! {
            () = token.cancelled() => 2,
            _guard = mutex.lock_async() => 1,
        }
    });
    assert!(poll_once(select.as_mut()).is_pending());
    token.cancel("first");
    drop(held);
    assert_eq!(poll_once(select.as_mut()), Poll::Ready(2));
    assert!(mutex.try_lock().is_ok());
}

#[test]
fn a_baton_that_came_too_late_is_waited_for_again() {
    let (mutex, token) = (Mutex::new(0), CancelToken::new());
    let held = mutex.lock();
    let mut select = pin!(async {
        select_async! {
            guard = mutex.lock_async() => *guard,
            () = token.cancelled() => unreachable!(),
        }
    });
    assert!(poll_once(select.as_mut()).is_pending());
    drop(held);
    let mut newcomer = mutex.try_lock().expect("granted is not held");
    assert!(poll_once(select.as_mut()).is_pending());
    *newcomer = 7;
    drop(newcomer);
    assert_eq!(poll_once(select.as_mut()), Poll::Ready(7));
}

#[test]
fn bounded_locks_are_arms() {
    let (mutex, token) = (Mutex::new(()), CancelToken::new());
    let held = mutex.lock();
    let result = select! {
        result = mutex.lock_async().timeout(SHORT) => result.map(drop),
        timeout(LONG) => Ok(()),
    };
    assert_eq!(result, Err(LockError::TimedOut));
    token.cancel("before");
    let result = select! {
        result = mutex.lock_async().with(&Ctl::new().cancel(&token)) => result.map(drop),
        timeout(LONG) => Ok(()),
    };
    assert_eq!(result, Err(LockError::Cancelled));
    drop(held);
    assert!(mutex.try_lock().is_ok());
}

#[test]
fn a_pinned_lock_keeps_its_place_in_a_fair_line() {
    let (mutex, token) = (Mutex::fair(0), CancelToken::new());
    let held = mutex.lock();
    let mut first = pin!(mutex.lock_async());
    for _ in 0..3 {
        let timed_out = select! {
            _guard = first.as_mut() => false,
            () = token.cancelled() => false,
            timeout(Duration::ZERO) => true,
        };
        assert!(timed_out);
    }
    let mut second = pin!(mutex.lock_async());
    assert!(poll_once(second.as_mut()).is_pending());
    for _ in 0..3 {
        select! { _guard = first.as_mut() => unreachable!(), default => {} }
    }
    drop(held);
    let mut guard = select! { guard = first.as_mut() => guard };
    *guard = 1;
    drop(guard);
    let Poll::Ready(guard) = poll_once(second.as_mut()) else {
        panic!("the second in line");
    };
    assert_eq!(*guard, 1);
}

/// The first in line was granted a fair lock and is never polled: whoever comes after gets it when
/// the grace period is over, and does not burn the processor meanwhile.
macro_rules! passes_over {
    ($($name:ident: |$mutex:ident, $token:ident| $select:expr;)*) => {$(
        #[test]
        fn $name() {
            ends(|| {
                let ($mutex, $token) = (&Mutex::fair(0), &CancelToken::new());
                let held = $mutex.lock();
                let mut dormant = pin!($mutex.lock_async());
                assert!(poll_once(dormant.as_mut()).is_pending());
                drop(held);
                assert!($mutex.try_lock().is_err(), "it is kept for the first in line");
                let got: u32 = $select;
                assert_eq!(got, 1);
            });
        }
    )*};
}

passes_over! {
    a_blocking_select_passes_over_who_is_not_polled: |mutex, token| select! {
        mut guard = mutex.lock_async() => { *guard += 1; *guard }
        () = token.cancelled() => 0,
    };
    a_timed_select_passes_over_who_is_not_polled: |mutex, token| select! {
        mut guard = mutex.lock_async() => { *guard += 1; *guard }
        () = token.cancelled() => 0,
        timeout(LONG) => 0,
    };
    a_select_in_a_task_passes_over_who_is_not_polled: |mutex, token| block_on(async {
        select_async! {
            mut guard = mutex.lock_async() => { *guard += 1; *guard }
            () = token.cancelled() => 0,
        }
    });
    a_timed_select_in_a_task_passes_over_who_is_not_polled: |mutex, token| block_on(async {
        select_async! {
            mut guard = mutex.lock_async() => { *guard += 1; *guard }
            () = token.cancelled() => 0,
            timeout(LONG) => 0,
        }
    });
    a_bounded_arm_passes_over_who_is_not_polled: |mutex, token| select! {
        guard = mutex.lock_async().timeout(LONG) => { let mut guard = guard.unwrap(); *guard += 1; *guard }
        () = token.cancelled() => 0,
    };
    a_pinned_arm_passes_over_who_is_not_polled: |mutex, token| {
        let mut lock = pin!(mutex.lock_async());
        select! {
            mut guard = lock.as_mut() => { *guard += 1; *guard }
            () = token.cancelled() => 0,
        }
    };
    a_dynamic_select_passes_over_who_is_not_polled: |mutex, token| {
        let (mut lock, mut stop) = (pin!(arm(mutex.lock_async())), pin!(arm(token.cancelled())));
        let mut select = Select::new();
        let number = select.add(lock.as_mut());
        select.add(stop.as_mut());
        assert_eq!(select.wait(), number);
        drop(select);
        let mut guard = lock.as_mut().take().unwrap();
        *guard += 1;
        *guard
    };
}

#[test]
fn a_select_passes_over_a_promised_permit() {
    ends(|| {
        let (semaphore, token) = (&Semaphore::fair(0), &CancelToken::new());
        let mut dormant = pin!(semaphore.acquire_async());
        assert!(poll_once(dormant.as_mut()).is_pending());
        semaphore.add_permits(1);
        let got = select! {
            permit = semaphore.acquire_async() => permit.is_ok(),
            () = token.cancelled() => false,
        };
        assert!(got);
        let got = block_on(async {
            select_async! {
                permit = semaphore.acquire_async() => permit.is_ok(),
                () = token.cancelled() => false,
            }
        });
        assert!(got);
    });
}

#[test]
fn a_select_waits_for_locks_permits_and_groups() {
    let (mutex, semaphore) = (Mutex::new(()), Semaphore::new(0));
    let group = WaitGroup::new();
    let worker = group.clone();
    let held = mutex.lock();
    let which = || {
        select_biased! {
            _guard = mutex.lock_async() => 1,
            _permit = semaphore.acquire_async() => 2,
            () = group.wait_ref_async() => 3,
            default => 4,
        }
    };
    assert_eq!(which(), 4);
    drop(worker);
    assert_eq!(which(), 3);
    semaphore.add_permits(1);
    assert_eq!(which(), 2);
    drop(held);
    assert_eq!(which(), 1);
}

#[test]
fn a_select_is_a_future_to_spawn() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let (mutex, token) = (Arc::new(Mutex::new(0)), CancelToken::new());
        let tasks: Vec<_> = (0..8)
            .map(|_| {
                let (mutex, token) = (mutex.clone(), token.clone());
                tokio::spawn(async move {
                    let mut sum = 0;
                    loop {
                        select_async! {
                            mut guard = mutex.lock_async() => {
                                *guard += 1;
                                sum += 1;
                                tokio::task::yield_now().await;
                            }
                            () = token.cancelled() => return sum,
                        }
                    }
                })
            })
            .collect();
        tokio::time::sleep(Duration::from_millis(30)).await;
        token.cancel("enough");
        let mut sum = 0;
        for task in tasks {
            sum += task.await.unwrap();
        }
        assert_eq!(*mutex.lock_async().await, sum);
        assert!(sum > 0);
        // tokio's own futures are arms as well.
        let which = select_async! {
            () = tokio::time::sleep(SHORT) => "tokio",
            () = sleep(LONG) => "ours",
        };
        assert_eq!(which, "tokio");
        let task = tokio::spawn(async { 5 });
        let five = select_async! { five = task => five.unwrap(), () = sleep(LONG) => 0 };
        assert_eq!(five, 5);
    });
}

#[test]
fn aborted_selects_leave_the_lock_to_others() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let (mutex, token) = (Arc::new(Mutex::fair(0)), CancelToken::new());
        for _ in 0..200 {
            let (mine, token) = (mutex.clone(), token.clone());
            let task = tokio::spawn(async move {
                select_async! {
                    mut guard = mine.lock_async() => *guard += 1,
                    () = token.cancelled() => {}
                }
            });
            let guard = mutex.lock_async().await;
            tokio::task::yield_now().await;
            drop(guard);
            task.abort();
            let _ = task.await;
            assert!(mutex.try_lock().is_ok());
        }
    });
}

#[test]
fn threads_and_tasks_select_over_the_same_locks() {
    const EACH: usize = 300;
    let locks = [Mutex::new(0), Mutex::fair(0)];
    let [a, b] = &locks;
    let start = Instant::now();
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                for _ in 0..EACH {
                    select! {
                        mut guard = a.lock_async() => *guard += 1,
                        mut guard = b.lock_async() => *guard += 1,
                    }
                }
            });
            scope.spawn(|| {
                block_on(async {
                    for _ in 0..EACH {
                        select_async! {
                            mut guard = a.lock_async() => *guard += 1,
                            mut guard = b.lock_async() => *guard += 1,
                        }
                    }
                });
            });
        }
    });
    assert!(start.elapsed() < Duration::from_secs(60));
    assert_eq!(
        locks.into_iter().map(Mutex::into_inner).sum::<usize>(),
        4 * EACH
    );
}

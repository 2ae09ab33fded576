//! The mutex: guards, poison, bounds, order, and what a future that nobody polls cannot do.

use counterpoint_sync::{
    LockError, MappedMutexGuard, Mutex, MutexGuard, OwnedMappedMutexGuard, OwnedMutexGuard,
    TryLockError,
};
use counterpoint_wait::block_on;
use counterpoint_wait::cancel::{CancelToken, Ctl};
use std::future::{Future, poll_fn};
use std::panic::{self, AssertUnwindSafe};
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::{Duration, Instant};

const SHORT: Duration = Duration::from_millis(2);

fn poll_once<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

/// Runs `f`, which must panic.
fn panics(f: impl FnOnce()) {
    panic::catch_unwind(AssertUnwindSafe(f)).expect_err("it must panic");
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

static COUNTER: Mutex<u32> = Mutex::new(0);
static IN_ORDER: Mutex<&str> = Mutex::fair("fair");

#[test]
fn a_static_lock_needs_no_start() {
    #[expect(
        clippy::declare_interior_mutable_const,
        reason = "made in a constant, used once"
    )]
    const PLACE: Mutex<[u8; 3]> = Mutex::new([1; 3]);
    *COUNTER.lock() += 1;
    assert_eq!(*COUNTER.lock(), 1);
    assert_eq!(*IN_ORDER.lock(), "fair");
    assert_eq!(PLACE.into_inner(), [1; 3]);
}

#[test]
fn exclusive_access_needs_no_lock() {
    let mut mutex = Mutex::from(1);
    *mutex.get_mut() += 1;
    assert_eq!(mutex.into_inner(), 2);
    assert_eq!(*Mutex::<u8>::default().lock(), 0);
}

#[test]
fn unsized_values_are_locked() {
    let slice: Box<Mutex<[u8]>> = Box::new(Mutex::new([1, 2, 3]));
    slice.lock()[1] = 7;
    assert_eq!(*slice.lock(), [1, 7, 3]);
    let object: Arc<Mutex<dyn FnMut() -> u32 + Send>> = Arc::new(Mutex::new({
        let mut calls = 0;
        move || {
            calls += 1;
            calls
        }
    }));
    assert_eq!((*object.lock())(), 1);
    assert_eq!((*object.lock_owned())(), 2);
    assert_eq!(block_on(async { (*object.lock_async().await)() }), 3);
    assert_eq!(block_on(async { (*object.lock_owned_async().await)() }), 4);
    let text: Arc<Mutex<dyn std::fmt::Display + Send>> = Arc::new(Mutex::new(5));
    assert_eq!(format!("{}", text.lock()), "5");
}

#[test]
fn try_lock_never_waits() {
    let mutex = Arc::new(Mutex::new(1));
    let guard = mutex.try_lock().unwrap();
    assert!(mutex.is_locked());
    assert_eq!(mutex.try_lock().err(), Some(TryLockError::WouldBlock));
    assert_eq!(mutex.try_lock_owned().err(), Some(TryLockError::WouldBlock));
    drop(guard);
    assert!(!mutex.is_locked());
    assert_eq!(*mutex.try_lock_owned().unwrap(), 1);
    assert!(mutex.try_lock().is_ok());
}

#[test]
fn bounded_locks_give_up_and_still_try_once() {
    for mutex in [Mutex::new(()), Mutex::fair(())] {
        let past = Instant::now();
        for time in [Duration::ZERO, SHORT, Duration::MAX] {
            assert!(mutex.lock_timeout(time).is_ok());
        }
        assert!(mutex.lock_deadline(past).is_ok());
        let held = mutex.lock();
        let start = Instant::now();
        assert_eq!(mutex.lock_timeout(SHORT).err(), Some(LockError::TimedOut));
        assert!(start.elapsed() >= SHORT);
        assert_eq!(
            mutex.lock_timeout(Duration::ZERO).err(),
            Some(LockError::TimedOut)
        );
        assert_eq!(mutex.lock_deadline(past).err(), Some(LockError::TimedOut));
        let until = Instant::now() + SHORT;
        assert_eq!(mutex.lock_deadline(until).err(), Some(LockError::TimedOut));
        assert!(Instant::now() >= until);
        drop(held);
        assert!(mutex.try_lock().is_ok());
    }
}

#[test]
fn a_timeout_too_long_for_the_clock_never_comes() {
    let mutex = Mutex::new(());
    let held = mutex.lock();
    thread::scope(|scope| {
        let waiter = scope.spawn(|| mutex.lock_timeout(Duration::MAX).is_ok());
        let task = scope
            .spawn(|| block_on(async { mutex.lock_async().timeout(Duration::MAX).await.is_ok() }));
        thread::yield_now();
        drop(held);
        assert!(waiter.join().unwrap());
        assert!(task.join().unwrap());
    });
}

#[test]
fn an_owned_guard_keeps_the_mutex_alive() {
    let mutex = Arc::new(Mutex::new(String::from("alive")));
    let guard = mutex.lock_owned();
    let weak = Arc::downgrade(&mutex);
    drop(mutex);
    assert_eq!(*guard, "alive");
    assert!(OwnedMutexGuard::mutex(&guard).is_locked());
    let part = OwnedMutexGuard::map(guard, String::as_mut_str);
    assert!(weak.upgrade().is_some());
    drop(part);
    assert!(weak.upgrade().is_none());
}

#[test]
fn an_owned_guard_moves_to_a_thread_that_panics() {
    let mutex = Arc::new(Mutex::new(1));
    let guard = mutex.lock_owned();
    let thread = thread::spawn(move || {
        let mut guard = guard;
        *guard = 2;
        panic!("with the guard");
    });
    assert_eq!(*mutex.lock(), 2);
    assert!(thread.join().is_err());
    assert!(mutex.is_poisoned());
}

#[test]
fn a_guard_held_by_a_task_that_panics_or_is_aborted_unlocks() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let mutex = Arc::new(Mutex::new(0));
        let guard = mutex.lock_owned_async().await;
        let task = tokio::spawn(async move {
            let _guard = guard;
            tokio::task::yield_now().await;
            panic!("in a task");
        });
        assert!(task.await.is_err());
        assert!(mutex.is_poisoned());
        mutex.clear_poison();
        let guard = mutex.lock_owned_async().await;
        let task = tokio::spawn(async move {
            let _guard = guard;
            std::future::pending::<()>().await;
        });
        tokio::task::yield_now().await;
        task.abort();
        assert!(task.await.unwrap_err().is_cancelled());
        assert!(mutex.try_lock().is_ok());
        assert!(!mutex.is_poisoned());
    });
}

#[test]
fn guards_of_parts() {
    let mutex = Arc::new(Mutex::new((1, Some(String::from("a")))));
    let part = MutexGuard::map(mutex.lock(), |pair| &mut pair.1);
    let mut text = MappedMutexGuard::try_map(part, Option::as_mut).expect("there is one");
    text.push('b');
    assert_eq!(mutex.try_lock().err(), Some(TryLockError::WouldBlock));
    let mut letter = MappedMutexGuard::map(text, |text| &mut text.as_mut_str()[..1]);
    letter.make_ascii_uppercase();
    drop(letter);
    assert_eq!(mutex.lock().1.as_deref(), Some("Ab"));

    let number = OwnedMutexGuard::map(mutex.lock_owned(), |pair| &mut pair.0);
    assert!(Arc::ptr_eq(OwnedMappedMutexGuard::mutex(&number), &mutex));
    let mut same = OwnedMappedMutexGuard::map(number, |number| number);
    *same += 1;
    drop(same);
    assert_eq!(mutex.try_lock().unwrap().0, 2);

    // Without a part the guard comes back and still holds the lock.
    mutex.lock().1 = None;
    let guard = MutexGuard::try_map(mutex.lock(), |pair| pair.1.as_mut()).unwrap_err();
    assert!(MutexGuard::mutex(&guard).is_locked());
    drop(guard);
    let part = MutexGuard::map(mutex.lock(), |pair| &mut pair.1);
    assert!(
        MappedMutexGuard::try_map(part, Option::as_mut)
            .unwrap_err()
            .is_none()
    );
    let guard = OwnedMutexGuard::try_map(mutex.lock_owned(), |pair| pair.1.as_mut()).unwrap_err();
    assert_eq!(guard.0, 2);
    drop(guard);
    assert!(mutex.try_lock().is_ok());
    assert!(!mutex.is_poisoned());
}

#[test]
fn a_panic_while_choosing_a_part_unlocks_and_poisons() {
    let mutex = Arc::new(Mutex::new(1));
    let choices: [&dyn Fn(); 6] = [
        &|| drop(MutexGuard::map(mutex.lock(), |_| -> &mut u32 { panic!() })),
        &|| {
            drop(MutexGuard::try_map(mutex.lock(), |_| -> Option<&mut u32> {
                panic!()
            }))
        },
        &|| {
            drop(OwnedMutexGuard::map(mutex.lock_owned(), |_| -> &mut u32 {
                panic!()
            }))
        },
        &|| {
            let guard = mutex.lock_owned();
            drop(OwnedMutexGuard::try_map(guard, |_| -> Option<&mut u32> {
                panic!()
            }));
        },
        &|| {
            let part = MutexGuard::map(mutex.lock(), |value| value);
            drop(MappedMutexGuard::map(part, |_| -> &mut u32 { panic!() }));
        },
        &|| {
            let part = OwnedMutexGuard::map(mutex.lock_owned(), |value| value);
            drop(OwnedMappedMutexGuard::map(part, |_| -> &mut u32 {
                panic!()
            }));
        },
    ];
    for choice in choices {
        assert!(!mutex.is_poisoned());
        panics(choice);
        assert!(mutex.try_lock().is_ok());
        assert!(mutex.is_poisoned());
        mutex.clear_poison();
    }
    assert_eq!(Arc::strong_count(&mutex), 1);
}

#[test]
fn a_panic_while_holding_sets_a_flag_that_stops_nobody() {
    let mutex = Arc::new(Mutex::new(1));
    panics(|| {
        let _guard = mutex.lock();
        panic!("while holding");
    });
    assert!(mutex.is_poisoned());
    *mutex.lock() += 1;
    assert!(mutex.try_lock().is_ok() && mutex.lock_timeout(SHORT).is_ok());
    assert!(mutex.is_poisoned(), "only `clear_poison` clears it");
    mutex.clear_poison();
    assert!(!mutex.is_poisoned());
    fn holds<T>(guard: T) {
        let _guard = guard;
        panic!("while holding");
    }
    let holders: [&dyn Fn(); 4] = [
        &|| holds(MutexGuard::map(mutex.lock(), |value| value)),
        &|| holds(mutex.lock_owned()),
        &|| holds(OwnedMutexGuard::map(mutex.lock_owned(), |value| value)),
        &|| holds(block_on(mutex.lock_async())),
    ];
    for hold in holders {
        panics(hold);
        assert!(mutex.is_poisoned());
        mutex.clear_poison();
    }
    assert_eq!(*mutex.lock(), 2);
}

#[test]
fn locking_while_unwinding_does_not_poison() {
    struct Locks<'a>(&'a Arc<Mutex<u32>>);
    impl Drop for Locks<'_> {
        fn drop(&mut self) {
            *self.0.lock() += 1;
            *self.0.lock_owned() += 1;
            *MutexGuard::map(self.0.lock(), |value| value) += 1;
            *block_on(self.0.lock_async()) += 1;
            MutexGuard::unlock_fair(self.0.lock());
        }
    }
    let mutex = Arc::new(Mutex::new(0));
    panics(|| {
        let _locks = Locks(&mutex);
        panic!("elsewhere");
    });
    assert!(!mutex.is_poisoned());
    assert_eq!(*mutex.lock(), 4);
    // With a waiter as well, and with the fair unlock by a holder that panics.
    struct UnlocksFairly<'a>(Option<MutexGuard<'a, u32>>);
    impl Drop for UnlocksFairly<'_> {
        fn drop(&mut self) {
            MutexGuard::unlock_fair(self.0.take().unwrap());
        }
    }
    panics(|| {
        let _held = UnlocksFairly(Some(mutex.lock()));
        panic!("while holding");
    });
    assert!(mutex.is_poisoned());
}

#[test]
fn debug_never_blocks() {
    let mutex = Arc::new(Mutex::new(5));
    assert_eq!(
        format!("{mutex:?}"),
        "Mutex { data: 5, poisoned: false, .. }"
    );
    let guard = mutex.lock();
    assert_eq!(
        format!("{mutex:?}"),
        "Mutex { data: <locked>, poisoned: false, .. }"
    );
    assert_eq!(format!("{guard:?} {guard}"), "5 5");
    let waiting = mutex.lock_async();
    assert!(format!("{waiting:?}").starts_with("Mutex::lock"));
    let part = MutexGuard::map(guard, |value| value);
    assert_eq!(format!("{part:?} {part}"), "5 5");
    drop(part);
    let part = OwnedMutexGuard::map(mutex.lock_owned(), |value| value);
    assert_eq!(format!("{part:?} {part}"), "5 5");
    assert_eq!(
        format!("{}", LockError::TimedOut),
        "the lock was not free before the deadline"
    );
}

#[test]
fn unlocked_runs_with_the_lock_released() {
    let mutex = Mutex::new(1);
    let mut guard = mutex.lock();
    let seen = MutexGuard::unlocked(&mut guard, || {
        *mutex.try_lock().expect("released") += 1;
        "seen"
    });
    assert_eq!((seen, *guard), ("seen", 2));
    assert!(mutex.is_locked());
    panics(|| MutexGuard::unlocked(&mut guard, || panic!("unlocked")));
    assert!(mutex.is_locked());
    *guard += 1;
    drop(guard);
    assert_eq!(*mutex.try_lock().unwrap(), 3);
}

#[test]
fn bump_lets_the_first_in_line_go_ahead() {
    let mutex = Mutex::new(Vec::new());
    let mut guard = mutex.lock();
    MutexGuard::bump(&mut guard);
    assert!(mutex.is_locked(), "nobody waits, nothing happens");
    let queued = AtomicBool::new(false);
    thread::scope(|scope| {
        let (queued, mutex) = (&queued, &mutex);
        let waiter = scope.spawn(move || {
            let tell = poll_fn(|_| {
                queued.store(true, Ordering::SeqCst);
                Poll::<()>::Pending
            });
            mutex
                .lock_async()
                .until(tell)
                .wait()
                .unwrap()
                .push("waiter");
        });
        while !queued.load(Ordering::SeqCst) {
            thread::yield_now();
        }
        // A reservation lasts a millisecond; on a slow machine it takes another one.
        while guard.is_empty() {
            MutexGuard::bump(&mut guard);
        }
        guard.push("bumper");
        waiter.join().unwrap();
    });
    assert_eq!(*guard, ["waiter", "bumper"]);
}

#[test]
fn unlock_fair_reserves_for_the_first_in_line() {
    let mutex = Arc::new(Mutex::new(0));
    let unlocks: [&dyn Fn(); 2] = [
        &|| MutexGuard::unlock_fair(mutex.try_lock().unwrap()),
        &|| OwnedMutexGuard::unlock_fair(mutex.try_lock_owned().unwrap()),
    ];
    // Nobody waits.
    unlocks[0]();
    unlocks[1]();
    for owned in [false, true] {
        let (held, held_owned) = if owned {
            (None, Some(mutex.lock_owned()))
        } else {
            (Some(mutex.lock()), None)
        };
        let mut first = pin!(mutex.lock_async());
        assert!(poll_once(first.as_mut()).is_pending());
        if let Some(held) = held {
            MutexGuard::unlock_fair(held);
        }
        if let Some(held) = held_owned {
            OwnedMutexGuard::unlock_fair(held);
        }
        assert!(mutex.try_lock().is_err(), "kept for the first in line");
        assert!(!mutex.is_locked());
        assert!(poll_once(first.as_mut()).is_ready());
    }
    assert_eq!(Arc::strong_count(&mutex), 1);
}

#[test]
fn a_fair_lock_is_served_strictly_in_order() {
    let mutex = Mutex::fair(());
    let held = mutex.lock();
    let mut line: Vec<_> = (0..8).map(|_| Box::pin(mutex.lock_async())).collect();
    for lock in &mut line {
        assert!(poll_once(lock.as_mut()).is_pending());
    }
    drop(line.remove(5));
    drop(line.remove(2));
    drop(held);
    while !line.is_empty() {
        assert!(mutex.try_lock().is_err(), "nobody overtakes");
        // One polled out of its turn does not get it either (within the grace period).
        let guard = match poll_once(line[0].as_mut()) {
            Poll::Ready(guard) => guard,
            Poll::Pending => panic!("the first in line"),
        };
        drop(line.remove(0));
        for lock in &mut line {
            assert!(poll_once(lock.as_mut()).is_pending());
        }
        drop(guard);
    }
    assert!(mutex.try_lock().is_ok());
}

#[test]
fn a_newcomer_to_a_fair_lock_queues() {
    let mutex = Mutex::fair(());
    let held = mutex.lock();
    let mut first = pin!(mutex.lock_async());
    assert!(poll_once(first.as_mut()).is_pending());
    drop(held);
    let mut newcomer = pin!(mutex.lock_async());
    assert!(poll_once(newcomer.as_mut()).is_pending());
    let Poll::Ready(guard) = poll_once(first.as_mut()) else {
        panic!("it was kept for the first");
    };
    assert!(poll_once(newcomer.as_mut()).is_pending());
    drop(guard);
    assert!(poll_once(newcomer.as_mut()).is_ready());
}

mod futurelock {
    use super::*;

    /// A task holds a future of the lock that it does not poll, and awaits the lock once more.
    fn dormant_and_again(mutex: Mutex<u32>, bounded: bool) {
        let mutex = Arc::new(mutex);
        ends(move || {
            let held = mutex.lock();
            let other = mutex.clone();
            let (queued, is_queued) = mpsc::channel();
            let task = thread::spawn(move || {
                block_on(async {
                    let mut dormant = pin!(other.lock_async());
                    assert!(poll_once_here(dormant.as_mut()).await.is_pending());
                    queued.send(()).unwrap();
                    let mut guard = if bounded {
                        other
                            .lock_async()
                            .timeout(Duration::from_secs(600))
                            .await
                            .unwrap()
                    } else {
                        other.lock_async().await
                    };
                    *guard += 1;
                    drop(guard);
                    *dormant.await += 1;
                });
            });
            is_queued.recv().unwrap();
            thread::sleep(SHORT);
            drop(held);
            task.join().unwrap();
            assert_eq!(*mutex.try_lock().unwrap(), 2);
        });
    }

    /// Polls once, with the task's own waker.
    async fn poll_once_here<F: Future>(mut future: Pin<&mut F>) -> Poll<F::Output> {
        poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx))).await
    }

    #[test]
    fn a_dormant_future_does_not_block_its_own_task() {
        dormant_and_again(Mutex::new(0), false);
        dormant_and_again(Mutex::new(0), true);
    }

    #[test]
    fn a_dormant_future_is_passed_over_by_a_thread() {
        for wait in [
            (|mutex| *mutex.lock() += 1) as fn(&Mutex<u32>),
            |mutex| *mutex.lock_timeout(Duration::from_secs(600)).unwrap() += 1,
            |mutex| *block_on(mutex.lock_async()) += 1,
            |mutex| {
                let timeout = Duration::from_secs(600);
                *block_on(mutex.lock_async().timeout(timeout)).unwrap() += 1;
            },
        ] {
            for mutex in [Mutex::new(0), Mutex::fair(0)] {
                ends(move || {
                    let held = mutex.lock();
                    let mut dormant = pin!(mutex.lock_async());
                    assert!(poll_once(dormant.as_mut()).is_pending());
                    drop(held);
                    wait(&mutex);
                    wait(&mutex);
                    assert!(
                        matches!(poll_once(dormant.as_mut()), Poll::Ready(guard) if *guard == 2)
                    );
                });
            }
        }
    }

    #[test]
    fn a_dormant_future_is_passed_over_by_a_task() {
        ends(|| {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .build()
                .unwrap();
            runtime.block_on(async {
                let mutex = Arc::new(Mutex::fair(0));
                let held = mutex.lock();
                let mut dormant = pin!(mutex.lock_async());
                assert!(poll_once(dormant.as_mut()).is_pending());
                drop(held);
                let tasks: Vec<_> = (0..3)
                    .map(|_| {
                        let mutex = mutex.clone();
                        tokio::spawn(async move { *mutex.lock_async().await += 1 })
                    })
                    .collect();
                for task in tasks {
                    task.await.unwrap();
                }
                assert_eq!(*dormant.await, 3);
            });
        });
    }

    #[test]
    fn who_stands_behind_a_reservation_sleeps_until_it_may_look() {
        // A task that looked again would be woken again and again.
        let mutex = Mutex::fair(());
        let held = mutex.lock();
        let mut first = pin!(mutex.lock_async());
        assert!(poll_once(first.as_mut()).is_pending());
        drop(held);
        struct Count(AtomicUsize);
        impl std::task::Wake for Count {
            fn wake(self: Arc<Count>) {
                self.0.fetch_add(1, Ordering::SeqCst);
            }
        }
        let count = Arc::new(Count(AtomicUsize::new(0)));
        let waker = Waker::from(count.clone());
        let mut cx = Context::from_waker(&waker);
        let mut second = pin!(mutex.lock_async());
        if second.as_mut().poll(&mut cx).is_ready() {
            return; // This machine took a millisecond for the lines between.
        }
        let Poll::Ready(guard) = poll_once(first.as_mut()) else {
            panic!("reserved, and nobody has looked since");
        };
        // The reservation was claimed, so there is nothing to look for any more.
        thread::sleep(Duration::from_millis(10));
        for _ in 0..5 {
            assert!(second.as_mut().poll(&mut cx).is_pending());
        }
        let wakes = count.0.load(Ordering::SeqCst);
        assert!(wakes <= 1, "{wakes} wake-ups for nothing");
        drop(guard);
        assert!(second.as_mut().poll(&mut cx).is_ready());
    }
}

/// A small generator with a seed to print.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }
}

/// One visit of a thread or task: by one of the ways to lock, which may give up.
async fn visit(mutex: &Arc<Mutex<(u64, u64)>>, dice: &mut Dice) -> u64 {
    let add = |pair: &mut (u64, u64)| {
        assert_eq!(pair.0, pair.1);
        pair.0 += 1;
        pair.1 += 1;
        1
    };
    let micros = Duration::from_micros(dice.roll(300));
    match dice.roll(8) {
        0 => mutex.try_lock().map_or(0, |mut guard| add(&mut guard)),
        1 => mutex
            .lock_async()
            .timeout(micros)
            .await
            .map_or(0, |mut guard| add(&mut guard)),
        2 => {
            let token = CancelToken::new();
            let ctl = Ctl::new().cancel(&token).timeout(micros);
            let mut lock = pin!(mutex.lock_async().with(&ctl));
            let polled = poll_fn(|cx| Poll::Ready(lock.as_mut().poll(cx))).await;
            if let Poll::Ready(result) = polled {
                return result.map_or(0, |mut guard| add(&mut guard));
            }
            token.cancel("rolled");
            lock.await.map_or(0, |mut guard| add(&mut guard))
        }
        3 => {
            // Polled once, then dropped.
            let mut lock = pin!(mutex.lock_async());
            match poll_fn(|cx| Poll::Ready(lock.as_mut().poll(cx))).await {
                Poll::Ready(mut guard) => add(&mut guard),
                Poll::Pending => 0,
            }
        }
        4 => add(&mut *mutex.lock_owned_async().await),
        5 => {
            let mut guard = mutex.lock_async().await;
            let added = add(&mut guard);
            MutexGuard::unlock_fair(guard);
            added
        }
        _ => add(&mut *mutex.lock_async().await),
    }
}

#[test]
fn threads_and_tasks_under_stress() {
    let seed = std::env::var("COUNTERPOINT_SEED")
        .ok()
        .and_then(|seed| seed.parse().ok())
        .unwrap_or_else(|| {
            let now = std::time::UNIX_EPOCH.elapsed().expect("after 1970");
            now.as_nanos() as u64
        });
    println!("COUNTERPOINT_SEED={seed}");
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    for mutex in [Mutex::new((0, 0)), Mutex::fair((0, 0))] {
        let mutex = Arc::new(mutex);
        let stop = Instant::now() + Duration::from_millis(400);
        let dice = move |number: u64| {
            Dice(
                seed.wrapping_add(number)
                    .wrapping_mul(0x9E37_79B9_7F4A_7C15)
                    | 1,
            )
        };
        let threads: Vec<_> = (0..3)
            .map(|number| {
                let mutex = mutex.clone();
                thread::spawn(move || {
                    let (mut dice, mut added) = (dice(number), 0);
                    while Instant::now() < stop {
                        added += match dice.roll(3) {
                            0 => mutex
                                .lock_timeout(Duration::from_micros(dice.roll(200)))
                                .map_or(0, |mut guard| {
                                    guard.0 += 1;
                                    guard.1 += 1;
                                    1
                                }),
                            1 => {
                                let mut guard = mutex.lock();
                                guard.0 += 1;
                                guard.1 += 1;
                                1
                            }
                            _ => block_on(visit(&mutex, &mut dice)),
                        };
                    }
                    added
                })
            })
            .collect();
        let tasks: Vec<_> = (10..16)
            .map(|number| {
                let mutex = mutex.clone();
                runtime.spawn(async move {
                    let (mut dice, mut added) = (dice(number), 0);
                    while Instant::now() < stop {
                        added += visit(&mutex, &mut dice).await;
                        if dice.roll(4) == 0 {
                            tokio::task::yield_now().await;
                        }
                    }
                    added
                })
            })
            .collect();
        let mut expected = 0;
        for thread in threads {
            expected += thread.join().unwrap();
        }
        for task in tasks {
            expected += runtime.block_on(task).unwrap();
        }
        let guard = mutex.try_lock().expect("nobody is left");
        assert_eq!(
            (guard.0, guard.1),
            (expected, expected),
            "COUNTERPOINT_SEED={seed}"
        );
    }
}

//! The same scenarios on every executor: tokio with several threads and with one, smol, and plain
//! threads; and a thread and a task that wait for the same object.

use counterpoint_sync::{LockError, Mutex, RwLock, RwLockError, Semaphore, WaitGroup};
use counterpoint_wait::cancel::{CancelToken, Ctl};
use counterpoint_wait::timer::sleep;
use counterpoint_wait::{Stop, block_on, select_async};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

type Task = Pin<Box<dyn Future<Output = ()> + Send>>;

const SHORT: Duration = Duration::from_millis(2);
const LONG: Duration = Duration::from_secs(600);

/// Starts tasks, all of which must end before it returns.
trait Executor {
    fn run(&self, tasks: Vec<Task>);
}

struct Tokio(tokio::runtime::Runtime);

impl Executor for Tokio {
    fn run(&self, tasks: Vec<Task>) {
        self.0.block_on(async {
            let handles: Vec<_> = tasks.into_iter().map(tokio::spawn).collect();
            for handle in handles {
                handle.await.unwrap();
            }
        });
    }
}

struct Smol;

impl Executor for Smol {
    fn run(&self, tasks: Vec<Task>) {
        smol::block_on(async {
            let handles: Vec<_> = tasks.into_iter().map(smol::spawn).collect();
            for handle in handles {
                handle.await;
            }
        });
    }
}

struct Threads;

impl Executor for Threads {
    fn run(&self, tasks: Vec<Task>) {
        let threads = tasks
            .into_iter()
            .map(|task| thread::spawn(|| block_on(task)));
        for thread in threads.collect::<Vec<_>>() {
            thread.join().unwrap();
        }
    }
}

fn tokio_multi_thread() -> Tokio {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    Tokio(builder.worker_threads(2).build().unwrap())
}

fn tokio_current_thread() -> Tokio {
    Tokio(
        tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap(),
    )
}

macro_rules! on_every_executor {
    ($($scenario:ident)*) => {$(
        mod $scenario {
            #[test]
            fn on_tokio_with_several_threads() {
                super::$scenario(&super::tokio_multi_thread());
            }

            #[test]
            fn on_tokio_with_one_thread() {
                super::$scenario(&super::tokio_current_thread());
            }

            #[test]
            fn on_smol() {
                super::$scenario(&super::Smol);
            }

            #[test]
            fn on_plain_threads() {
                super::$scenario(&super::Threads);
            }
        }
    )*};
}

on_every_executor! {
    tasks_add_under_a_lock
    tasks_and_a_thread_share_a_lock
    tasks_and_threads_read_and_write
    bounds_end_waits
    a_token_ends_all_waits
    permits_bound_the_crowd
    a_group_is_waited_for_by_tasks_and_a_thread
    selects_take_turns
}

fn task(future: impl Future<Output = ()> + Send + 'static) -> Task {
    Box::pin(future)
}

fn tasks_add_under_a_lock(executor: &dyn Executor) {
    for mutex in [Mutex::new(0), Mutex::fair(0)] {
        let mutex = Arc::new(mutex);
        let tasks = (0..8).map(|number| {
            let mutex = mutex.clone();
            task(async move {
                for _ in 0..50 {
                    if number % 2 == 0 {
                        *mutex.lock_async().await += 1;
                    } else {
                        *mutex.lock_owned_async().timeout(LONG).await.unwrap() += 1;
                    }
                }
            })
        });
        executor.run(tasks.collect());
        assert_eq!(*mutex.try_lock().unwrap(), 400);
    }
}

fn tasks_and_a_thread_share_a_lock(executor: &dyn Executor) {
    let mutex = Arc::new(Mutex::new(0));
    thread::scope(|scope| {
        scope.spawn(|| (0..200).for_each(|_| *mutex.lock() += 1));
        scope.spawn(|| (0..200).for_each(|_| *mutex.lock_timeout(LONG).unwrap() += 1));
        let tasks = (0..2).map(|_| {
            let mutex = mutex.clone();
            task(async move {
                for _ in 0..200 {
                    *mutex.lock_async().await += 1;
                }
            })
        });
        executor.run(tasks.collect());
    });
    assert_eq!(*mutex.try_lock().unwrap(), 800);
}

fn tasks_and_threads_read_and_write(executor: &dyn Executor) {
    for lock in [RwLock::new((0, 0)), RwLock::fair((0, 0))] {
        let lock = Arc::new(lock);
        thread::scope(|scope| {
            scope.spawn(|| {
                for _ in 0..100 {
                    let mut pair = lock.write();
                    pair.0 += 1;
                    pair.1 += 1;
                }
            });
            scope.spawn(|| {
                for _ in 0..100 {
                    let pair = lock.read_timeout(LONG).unwrap();
                    assert_eq!(pair.0, pair.1);
                }
            });
            let tasks = (0..4).map(|number| {
                let lock = lock.clone();
                task(async move {
                    for _ in 0..50 {
                        if number == 0 {
                            let mut pair = lock.write_owned_async().await;
                            pair.0 += 1;
                            pair.1 += 1;
                        } else {
                            let pair = lock.read_async().timeout(LONG).await.unwrap();
                            assert_eq!(pair.0, pair.1);
                        }
                    }
                })
            });
            executor.run(tasks.collect());
        });
        assert_eq!(*lock.try_read().unwrap(), (150, 150));
        let held = lock.clone().read_owned();
        let writer = lock.clone();
        executor.run(vec![task(async move {
            let error = writer.write_async().timeout(SHORT).await.err();
            assert_eq!(error, Some(RwLockError::TimedOut));
        })]);
        drop(held);
    }
}

fn bounds_end_waits(executor: &dyn Executor) {
    let mutex = Arc::new(Mutex::new(()));
    let held = mutex.lock_owned();
    let tasks = (0..4).map(|number| {
        let mutex = mutex.clone();
        task(async move {
            let token = CancelToken::new();
            let ctl = Ctl::new().cancel(&token).timeout(SHORT);
            let result = match number {
                0 => mutex.lock_async().timeout(SHORT).await.map(drop),
                1 => mutex.lock_async().with(&ctl).await.map(drop),
                2 => mutex.lock_async().until(sleep(SHORT)).await.map(drop),
                _ => mutex
                    .lock_async()
                    .timeout(LONG)
                    .timeout(Duration::ZERO)
                    .await
                    .map(drop),
            };
            let why = if number == 2 {
                LockError::Cancelled
            } else {
                LockError::TimedOut
            };
            assert_eq!(result, Err(why));
        })
    });
    executor.run(tasks.collect());
    drop(held);
    assert!(mutex.try_lock().is_ok());
}

fn a_token_ends_all_waits(executor: &dyn Executor) {
    let (mutex, token) = (Arc::new(Mutex::new(())), CancelToken::new());
    let held = mutex.lock_owned();
    let waits = (0..6).map(|_| {
        let (mutex, token) = (mutex.clone(), token.child());
        task(async move {
            let ctl = Ctl::new().cancel(&token);
            assert_eq!(
                mutex.lock_async().with(&ctl).await.err(),
                Some(LockError::Cancelled)
            );
            assert_eq!(token.reason(), Some("all"));
        })
    });
    let cancels = token.clone();
    let canceller = task(async move {
        sleep(SHORT).await;
        cancels.cancel("all");
    });
    executor.run(waits.chain([canceller]).collect());
    drop(held);
    assert!(mutex.try_lock().is_ok());
}

fn permits_bound_the_crowd(executor: &dyn Executor) {
    let semaphore = Arc::new(Semaphore::new(2));
    let inside = Arc::new(Mutex::new((0, 0)));
    let tasks = (0..8).map(|_| {
        let (semaphore, inside) = (semaphore.clone(), inside.clone());
        task(async move {
            for _ in 0..20 {
                let permit = semaphore.acquire_async().await.unwrap();
                {
                    let mut inside = inside.lock_async().await;
                    inside.0 += 1;
                    inside.1 = inside.1.max(inside.0);
                }
                inside.lock_async().await.0 -= 1;
                drop(permit);
            }
        })
    });
    executor.run(tasks.collect());
    let (left, most) = *inside.lock();
    assert_eq!(left, 0);
    assert!((1..=2).contains(&most));
    assert_eq!(semaphore.available_permits(), 2);
}

fn a_group_is_waited_for_by_tasks_and_a_thread(executor: &dyn Executor) {
    let group = Arc::new(WaitGroup::new());
    let worker = WaitGroup::clone(&group);
    thread::scope(|scope| {
        scope.spawn(|| group.wait_ref());
        let waits = (0..3).map(|_| {
            let group = group.clone();
            task(async move { group.wait_ref_async().await })
        });
        let work = task(async move {
            sleep(SHORT).await;
            drop(worker);
        });
        executor.run(waits.chain([work]).collect());
    });
    assert_eq!(group.count(), 1);
    assert_eq!(group.wait_ref_timeout(Duration::ZERO), Ok::<(), Stop>(()));
}

fn selects_take_turns(executor: &dyn Executor) {
    let locks = Arc::new([Mutex::new(0), Mutex::fair(0)]);
    let tasks = (0..6).map(|_| {
        let locks = locks.clone();
        task(async move {
            for _ in 0..50 {
                select_async! {
                    mut guard = locks[0].lock_async() => *guard += 1,
                    mut guard = locks[1].lock_async() => *guard += 1,
                    timeout(LONG) => unreachable!(),
                }
            }
        })
    });
    executor.run(tasks.collect());
    let sum: u32 = locks.iter().map(|lock| *lock.try_lock().unwrap()).sum();
    assert_eq!(sum, 300);
}

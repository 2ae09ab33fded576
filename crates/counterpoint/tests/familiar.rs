//! Programs that users of other libraries know, with only their `use` lines changed.
//!
//! Each says where its idiom comes from. Where a verb blocks in std its plain name blocks here, so
//! a program from tokio also writes `lock_async` for `lock`; the names of types are the same.

use std::time::Duration;

/// Threads that borrow, as with `crossbeam::scope`.
mod crossbeam_scope {
    use counterpoint::thread; // was: use crossbeam::thread;

    /// Sums in parallel by halving, each half on a thread of its own.
    fn sum(numbers: &[u64]) -> u64 {
        if numbers.len() <= 4 {
            return numbers.iter().sum();
        }
        let (left, right) = numbers.split_at(numbers.len() / 2);
        thread::scope(|s| {
            let left = s.spawn(|_| sum(left));
            let right = s.spawn(|_| sum(right));
            left.join().unwrap() + right.join().unwrap()
        })
        .unwrap()
    }

    #[test]
    fn borrows_and_joins() {
        let numbers: Vec<u64> = (1..=32).collect();
        assert_eq!(sum(&numbers), 528);
    }

    #[test]
    fn threads_start_threads_of_the_same_scope() {
        let words = ["one", "two"];
        let count = thread::scope(|s| {
            let outer = s.spawn(|s| s.spawn(|_| words.len()).join().unwrap());
            outer.join().unwrap()
        });
        assert_eq!(count.unwrap(), 2);
    }

    #[test]
    fn panics_of_threads_nobody_joined_come_back() {
        let result = thread::scope(|s| {
            s.builder()
                .name("faulty".to_string())
                .spawn(|_| std::panic::resume_unwind(Box::new("faulty")))
                .unwrap();
        });
        assert!(result.is_err());
    }
}

/// Waiting for threads that are not counted in advance, as with crossbeam's `WaitGroup`.
mod crossbeam_wait_group {
    use counterpoint::sync::WaitGroup; // was: use crossbeam::sync::WaitGroup;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::thread;

    #[test]
    fn waits_for_every_clone() {
        let done = Arc::new(AtomicU32::new(0));
        let wg = WaitGroup::new();
        for _ in 0..4 {
            let wg = wg.clone();
            let done = done.clone();
            thread::spawn(move || {
                done.fetch_add(1, Ordering::Relaxed);
                drop(wg);
            });
        }
        wg.wait();
        assert_eq!(done.load(Ordering::Relaxed), 4);
    }
}

/// One token between two threads, as with crossbeam's `Parker`.
mod crossbeam_parker {
    use counterpoint::wait::Parker; // was: use crossbeam::sync::Parker;
    use std::thread;
    use std::time::Duration;

    #[test]
    fn sleeps_until_the_token_comes() {
        let p = Parker::new();
        let u = p.unparker().clone();

        // The token is there already, so this does not wait.
        u.unpark();
        p.park();

        let t = thread::spawn(move || {
            thread::sleep(Duration::from_millis(5));
            u.unpark();
        });
        p.park();
        t.join().unwrap();
        p.park_timeout(Duration::from_millis(1));
    }
}

/// A spin lock on a line of its own, as with crossbeam's `Backoff` and `CachePadded`.
mod crossbeam_backoff {
    use counterpoint::{Backoff, CachePadded}; // was: use crossbeam::utils::{Backoff, CachePadded};
    use std::sync::atomic::{AtomicBool, Ordering};

    #[test]
    fn waits_for_a_flag() {
        let ready = CachePadded::new(AtomicBool::new(false));
        std::thread::scope(|s| {
            s.spawn(|| ready.store(true, Ordering::Release));
            let backoff = Backoff::new();
            while !ready.load(Ordering::Acquire) {
                if backoff.is_completed() {
                    std::thread::yield_now();
                } else {
                    backoff.snooze();
                }
            }
        });
        assert!(ready.into_inner().into_inner());
    }
}

/// A counter under a lock, as with `parking_lot::Mutex`; with `std::sync::Mutex` the same program
/// has an `unwrap` after each `lock`.
mod parking_lot_mutex {
    use counterpoint::sync::{Mutex, MutexGuard}; // was: use parking_lot::{Mutex, MutexGuard};
    use std::sync::Arc;
    use std::thread;

    #[test]
    fn threads_count_together() {
        let data = Arc::new(Mutex::new(0));
        let threads: Vec<_> = (0..8)
            .map(|_| {
                let data = Arc::clone(&data);
                thread::spawn(move || {
                    for _ in 0..100 {
                        *data.lock() += 1;
                    }
                })
            })
            .collect();
        for thread in threads {
            thread.join().unwrap();
        }
        assert_eq!(*data.lock(), 800);
    }

    #[test]
    fn guards_show_parts_and_let_others_in() {
        let pair = Mutex::new((1, "one"));
        let name = MutexGuard::map(pair.lock(), |pair| &mut pair.1);
        assert_eq!(*name, "one");
        drop(name);
        let mut guard = pair.lock();
        MutexGuard::unlocked(&mut guard, || assert!(pair.try_lock().is_ok()));
        MutexGuard::unlock_fair(guard);
    }
}

/// A value across an `.await`, and two tasks on one lock, as with `tokio::sync::Mutex`.
mod tokio_mutex {
    use counterpoint::sync::Mutex; // was: use tokio::sync::Mutex;
    use counterpoint::{thread, wait::block_on};
    use std::future;
    use std::sync::Arc;

    #[test]
    fn tasks_count_together() {
        let count = Arc::new(Mutex::new(0));
        thread::scope(|s| {
            for _ in 0..2 {
                let count = Arc::clone(&count);
                s.spawn(move |_| {
                    block_on(async move {
                        for _ in 0..50 {
                            let mut lock = count.lock_async().await; // was: count.lock().await
                            *lock += 1;
                            future::ready(()).await;
                        }
                    });
                });
            }
        })
        .unwrap();
        assert_eq!(block_on(async { *count.lock_async().await }), 100);
    }

    #[test]
    fn guard_owns_the_lock() {
        let lock = Arc::new(Mutex::new(vec![1]));
        let mut guard = block_on(lock.lock_owned_async()); // was: lock.lock_owned()
        guard.push(2);
        drop(guard);
        assert_eq!(Arc::try_unwrap(lock).unwrap().into_inner(), [1, 2]);
    }
}

/// Many read and few write, as with `parking_lot::RwLock`; with `std::sync::RwLock` the same program
/// has an `unwrap` after each `read` and `write`.
mod parking_lot_rwlock {
    // was: use parking_lot::{RwLock, RwLockReadGuard, RwLockUpgradableReadGuard, RwLockWriteGuard};
    use counterpoint::sync::{
        RwLock, RwLockReadGuard, RwLockUpgradableReadGuard, RwLockWriteGuard,
    };
    use std::collections::HashMap;
    use std::thread;

    #[test]
    fn readers_share_and_writers_do_not() {
        let lock = RwLock::new(5);
        {
            let r1 = lock.read();
            let r2 = lock.read();
            assert_eq!(*r1 + *r2, 10);
        }
        thread::scope(|s| {
            for _ in 0..4 {
                s.spawn(|| {
                    let mut w = lock.write();
                    *w += 1;
                    let r = RwLockWriteGuard::downgrade(w);
                    assert!(*r > 5);
                });
            }
        });
        assert_eq!(lock.into_inner(), 9);
    }

    #[test]
    fn a_cache_looks_first_and_writes_if_it_must() {
        let cache = RwLock::new(HashMap::new());
        let length = |word: &'static str| {
            let reads = cache.upgradable_read();
            if let Some(length) = reads.get(word) {
                return *length;
            }
            let mut writes = RwLockUpgradableReadGuard::upgrade(reads);
            *writes.entry(word).or_insert(word.len())
        };
        assert_eq!((length("one"), length("three"), length("one")), (3, 5, 3));
        let one = RwLockReadGuard::map(cache.read(), |cache| &cache["one"]);
        assert_eq!(*one, 3);
    }
}

/// A value that tasks read at once, as with `tokio::sync::RwLock`.
mod tokio_rwlock {
    use counterpoint::sync::RwLock; // was: use tokio::sync::RwLock;
    use counterpoint::{thread, wait::block_on};
    use std::sync::Arc;

    #[test]
    fn tasks_read_and_write() {
        let lock = Arc::new(RwLock::new(0));
        thread::scope(|s| {
            for _ in 0..2 {
                let lock = lock.clone();
                s.spawn(move |_| {
                    block_on(async move {
                        for _ in 0..50 {
                            *lock.write_async().await += 1; // was: lock.write().await
                            let _seen = *lock.read_async().await;
                        }
                    });
                });
            }
        })
        .unwrap();
        let guard = block_on(lock.clone().read_owned_async()); // was: lock.clone().read_owned()
        assert_eq!(*guard, 100);
        assert!(lock.try_write().is_err());
    }
}

/// Threads that go step by step, as with `std::sync::Barrier`.
mod std_barrier {
    use counterpoint::sync::Barrier; // was: use std::sync::Barrier;
    use std::sync::Arc;
    use std::thread;

    #[test]
    fn one_of_them_leads() {
        let barrier = Arc::new(Barrier::new(4));
        let threads: Vec<_> = (0..3)
            .map(|_| {
                let barrier = Arc::clone(&barrier);
                thread::spawn(move || barrier.wait())
            })
            .collect();
        let mut leaders = usize::from(barrier.wait().is_leader());
        for thread in threads {
            leaders += usize::from(thread.join().unwrap().is_leader());
        }
        assert_eq!(leaders, 1);
    }
}

/// A value that is read all the time, as with `crossbeam_utils::sync::ShardedLock`.
mod crossbeam_sharded_lock {
    use counterpoint::sync::ShardedLock; // was: use crossbeam_utils::sync::ShardedLock;

    #[test]
    fn many_read_and_one_writes() {
        let lock = ShardedLock::new(5);
        {
            let r1 = lock.read(); // was: lock.read().unwrap()
            let r2 = lock.read();
            assert_eq!(*r1 + *r2, 10);
        }
        *lock.write() += 1;
        assert_eq!(*lock.read(), 6);
        assert_eq!(lock.into_inner(), 6);
    }
}

/// A condition that is waited for, as with `parking_lot::Condvar`.
mod parking_lot_condvar {
    use counterpoint::sync::{Condvar, Mutex}; // was: use parking_lot::{Condvar, Mutex};
    use std::sync::Arc;
    use std::thread;
    use std::time::Duration;

    #[test]
    fn one_waits_for_the_other() {
        let pair = Arc::new((Mutex::new(false), Condvar::new()));
        let other = Arc::clone(&pair);
        let thread = thread::spawn(move || {
            let (started, changed) = &*other;
            *started.lock() = true;
            changed.notify_one()
        });
        let (started, changed) = &*pair;
        let mut guard = started.lock();
        while !*guard {
            changed.wait(&mut guard);
        }
        thread.join().unwrap();
        let late = changed.wait_for(&mut guard, Duration::from_millis(1));
        assert!(late.timed_out() && *guard);
    }
}

/// Something that is made once, as with `std::sync::{Once, OnceLock}`.
mod std_once {
    use counterpoint::sync::{Once, OnceCell}; // was: use std::sync::{Once, OnceLock};
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::thread;

    static NAMES: OnceCell<Vec<String>> = OnceCell::new(); // was: OnceLock
    static START: Once = Once::new();
    static STARTS: AtomicUsize = AtomicUsize::new(0);

    fn names() -> &'static [String] {
        START.call_once(|| {
            STARTS.fetch_add(1, Ordering::Relaxed);
        });
        NAMES.get_or_init(|| vec!["one".into(), "two".into()])
    }

    #[test]
    fn all_see_the_same() {
        let threads: Vec<_> = (0..3)
            .map(|_| thread::spawn(|| names().as_ptr().addr()))
            .collect();
        for thread in threads {
            assert_eq!(thread.join().unwrap(), names().as_ptr().addr());
        }
        assert!(START.is_completed() && NAMES.get().is_some());
        assert_eq!(
            (
                NAMES.set(Vec::new()).is_err(),
                STARTS.load(Ordering::Relaxed)
            ),
            (true, 1)
        );
    }
}

/// A value that a task makes while others wait for it, as with `tokio::sync::OnceCell`.
mod tokio_once_cell {
    use counterpoint::sync::OnceCell; // was: use tokio::sync::OnceCell;
    use counterpoint::wait::block_on;

    static ONCE: OnceCell<u32> = OnceCell::new(); // was: const_new()

    async fn two() -> u32 {
        2
    }

    #[test]
    fn a_failure_leaves_it_empty() {
        block_on(async {
            let failed = ONCE.get_or_try_init_async(async || Err("no")).await; // was: get_or_try_init
            assert!(failed.is_err() && !ONCE.is_initialized()); // was: initialized()
            assert_eq!(*ONCE.get_or_init_async(two).await, 2); // was: get_or_init
            assert_eq!(ONCE.get(), Some(&2));
        });
    }
}

/// A bound on how many do the same at once, as with `tokio::sync::Semaphore`.
mod tokio_semaphore {
    use counterpoint::sync::{Semaphore, TryAcquireError}; // was: use tokio::sync::{…};
    use counterpoint::{thread, wait::block_on};
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[test]
    fn two_at_a_time() {
        let semaphore = Arc::new(Semaphore::new(2));
        let (inside, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        thread::scope(|s| {
            for _ in 0..4 {
                s.spawn(|_| {
                    block_on(async {
                        let permit = semaphore.clone().acquire_owned_async().await.unwrap();
                        let now = inside.fetch_add(1, Ordering::SeqCst) + 1;
                        most.fetch_max(now, Ordering::SeqCst);
                        std::thread::yield_now();
                        inside.fetch_sub(1, Ordering::SeqCst);
                        drop(permit);
                    });
                });
            }
        })
        .unwrap();
        assert!((1..=2).contains(&most.into_inner()));
        assert_eq!(semaphore.available_permits(), 2);
    }

    #[test]
    fn permits_run_out_and_come_back() {
        let semaphore = Semaphore::new(3);
        let one = semaphore.try_acquire().unwrap();
        let two = semaphore.try_acquire_many(2).unwrap();
        assert_eq!(
            semaphore.try_acquire().unwrap_err(),
            TryAcquireError::NoPermits
        );
        drop(two);
        one.forget();
        assert_eq!(semaphore.available_permits(), 2);
        semaphore.close();
        assert_eq!(
            semaphore.try_acquire().unwrap_err(),
            TryAcquireError::Closed
        );
    }
}

/// Telling a task that something happened, as with `tokio::sync::Notify`.
mod tokio_notify {
    use counterpoint::sync::Notify; // was: use tokio::sync::Notify;
    use counterpoint::wait::block_on;
    use std::collections::VecDeque;
    use std::sync::{Arc, Mutex};
    use std::thread;

    #[test]
    fn a_notification_is_kept_for_who_comes_later() {
        let notify = Arc::new(Notify::new());
        let notify2 = notify.clone();
        let handle = thread::spawn(move || block_on(notify2.notified()));
        notify.notify_one();
        handle.join().unwrap();
    }

    /// A channel made of a queue and a notification.
    #[derive(Default)]
    struct Channel {
        values: Mutex<VecDeque<u32>>,
        notify: Notify,
    }

    impl Channel {
        fn send(&self, value: u32) {
            self.values.lock().unwrap().push_back(value);
            self.notify.notify_one();
        }

        async fn recv(&self) -> u32 {
            loop {
                if let Some(value) = self.values.lock().unwrap().pop_front() {
                    return value;
                }
                self.notify.notified().await;
            }
        }
    }

    #[test]
    fn a_channel_of_a_queue_and_a_notification() {
        let channel = Arc::new(Channel::default());
        let receiver = channel.clone();
        let sum = thread::spawn(move || {
            block_on(async {
                let mut sum = 0;
                for _ in 0..10 {
                    sum += receiver.recv().await;
                }
                sum
            })
        });
        (1..=10).for_each(|value| channel.send(value));
        assert_eq!(sum.join().unwrap(), 55);
    }
}

/// Waiting for a flag of one's own, as with event-listener's `Event`.
mod event_listener {
    use counterpoint::{listener, wait::Event}; // was: use event_listener::{listener, Event};
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::thread;

    #[test]
    fn waits_for_a_flag() {
        let flag = Arc::new(AtomicBool::new(false));
        let event = Arc::new(Event::new());
        let setter = {
            let (flag, event) = (flag.clone(), event.clone());
            thread::spawn(move || {
                flag.store(true, Ordering::SeqCst);
                event.notify(usize::MAX);
            })
        };
        loop {
            if flag.load(Ordering::SeqCst) {
                break;
            }
            listener!(event.listen() => listener); // was: listener!(event => listener);
            if flag.load(Ordering::SeqCst) {
                break;
            }
            listener.wait_pinned(); // was: listener.wait();
        }
        setter.join().unwrap();
    }
}

/// The first of several futures, as with `tokio::select!`.
mod tokio_select {
    use counterpoint::cancel::CancelToken; // was: use tokio_util::sync::CancellationToken;
    use counterpoint::select_async; // was: use tokio::select;
    use counterpoint::time::sleep; // was: use tokio::time::sleep;
    use counterpoint::wait::block_on;
    use std::time::Duration;

    #[test]
    fn work_ends_when_it_is_cancelled() {
        let token = CancelToken::new();
        let child = token.child(); // was: token.child_token()
        let worker = std::thread::spawn(move || {
            block_on(async {
                select_async! {
                    () = child.cancelled() => "cancelled",
                    () = sleep(Duration::from_secs(60)) => "a minute is over",
                }
            })
        });
        token.cancel("the test has seen enough"); // was: token.cancel()
        assert_eq!(worker.join().unwrap(), "cancelled");
    }
}

/// Local sums that become one, as in the examples of buf-mutex and openmp-reducer.
mod buf_mutex {
    use counterpoint::sync::BufMutex; // was: use buf_mutex::BufMutex;
    use std::thread;

    #[test]
    fn threads_sum_without_sharing() {
        let buf_mutex = BufMutex::<usize>::new(10, |global, local| *global += *local);
        thread::scope(|s| {
            let shared = buf_mutex.share();
            for k in 0..4 {
                let mut shared = shared.clone();
                s.spawn(move || {
                    for _ in 0..100 {
                        *shared.as_mut() += k;
                    }
                });
            }
        });
        assert_eq!(buf_mutex.get(), 610);
    }
}

/// The same under the peer's own name, and openmp-reducer's.
#[cfg(feature = "compat")]
mod openmp_reducer {
    use counterpoint::compat::openmp_reducer::Reducer; // was: use openmp_reducer::Reducer;
    use std::thread;

    #[test]
    fn threads_reduce() {
        let reducer = Reducer::<usize>::new(5, |global, local| *global += *local);
        thread::scope(|s| {
            for _ in 0..3 {
                let mut shared = reducer.share();
                s.spawn(move || *shared.as_mut() += 10);
            }
        });
        assert_eq!(reducer.get(), 35);
    }
}

/// Buffers that go round between threads, as with crossbeam's `ArrayQueue`.
mod crossbeam_array_queue {
    use counterpoint::queue::ArrayQueue; // was: use crossbeam::queue::ArrayQueue;
    use std::thread;

    #[test]
    fn a_pool_of_buffers() {
        let pool = ArrayQueue::new(2);
        pool.push(vec![0_u8; 16]).unwrap();
        pool.push(vec![0_u8; 16]).unwrap();
        thread::scope(|s| {
            for _ in 0..3 {
                s.spawn(|| {
                    let mut buffer = pool.pop().unwrap_or_else(|| vec![0; 16]);
                    buffer[0] += 1;
                    let _ = pool.push(buffer);
                });
            }
        });
        assert!(pool.is_full());
        assert_eq!(
            pool.into_iter().map(|buffer| buffer.len()).sum::<usize>(),
            32
        );
    }

    #[test]
    fn a_ring_of_the_latest() {
        let latest = ArrayQueue::new(3);
        for line in 0..10 {
            latest.force_push(line);
        }
        assert_eq!(latest.into_iter().collect::<Vec<_>>(), [7, 8, 9]);
    }
}

/// Work that nobody counts in advance, as with crossbeam's `SegQueue`.
mod crossbeam_seg_queue {
    use counterpoint::queue::SegQueue; // was: use crossbeam::queue::SegQueue;
    use std::thread;

    #[test]
    fn work_that_makes_more_work() {
        let work = SegQueue::new();
        let leaves = SegQueue::new();
        work.push(64_u32);
        thread::scope(|s| {
            for _ in 0..3 {
                s.spawn(|| {
                    while let Some(size) = work.pop() {
                        if size == 1 {
                            leaves.push(());
                        } else {
                            work.push(size / 2);
                            work.push(size / 2);
                        }
                    }
                });
            }
        });
        // A thread that has split its piece goes on until it finds nothing.
        assert_eq!((work.len(), leaves.len()), (0, 64));
    }
}

/// Two threads in step, as in the three examples of rendezvous_swap.
mod rendezvous_swap {
    use counterpoint::sync::{Rendezvous, RendezvousData}; // was: use rendezvous_swap::{…};
    use std::sync::{Arc, Mutex};
    use std::thread;

    /// Nobody is a step ahead: the lines come in pairs.
    #[test]
    fn threads_go_in_step() {
        let lines = Arc::new(Mutex::new(String::new()));
        let print =
            |lines: &Mutex<String>, step: i32| *lines.lock().unwrap() += &format!("{step} ");
        let (mut my_rendezvous, mut their_rendezvous) = Rendezvous::new();
        let handle = {
            let lines = lines.clone();
            thread::spawn(move || {
                for i in 1..5 {
                    print(&lines, i);
                    their_rendezvous.wait();
                }
            })
        };
        for i in 1..5 {
            print(&lines, i);
            my_rendezvous.wait();
        }
        handle.join().unwrap();
        assert_eq!(*lines.lock().unwrap(), "1 1 2 2 3 3 4 4 ");
    }

    #[test]
    fn threads_swap() {
        let (mut my_rendezvous, mut their_rendezvous) = RendezvousData::new(0, 0);
        let handle = thread::spawn(move || {
            *their_rendezvous.swap() = 3;
            assert_eq!(*their_rendezvous.swap(), 7);
        });
        *my_rendezvous.swap() = 7;
        assert_eq!(*my_rendezvous.swap(), 3);
        handle.join().unwrap();
    }

    /// The program that must not compile, with the one line moved that is wrong in it: see
    /// `rendezvous/compile_fail.rs` of the sync room.
    #[test]
    fn a_borrow_ends_before_the_next_swap() {
        let (mut my_rendezvous, mut their_rendezvous) = RendezvousData::new(0, 0);
        let handle = thread::spawn(move || {
            their_rendezvous.swap(); // what a swap returns can be ignored
            their_rendezvous.swap();
        });
        let old_borrow = my_rendezvous.swap();
        *old_borrow = 3;
        let new_borrow = my_rendezvous.swap();
        assert_eq!(*new_borrow, 0);
        handle.join().unwrap();
    }
}

/// All of the above in one wait, which none of them can do.
#[test]
fn locks_permits_tokens_and_time_in_one_select() {
    use counterpoint::cancel::CancelToken;
    use counterpoint::select;
    use counterpoint::sync::{Mutex, Semaphore};

    let (mutex, semaphore, token) = (Mutex::new(0), Semaphore::new(0), CancelToken::new());
    let held = mutex.lock();
    std::thread::scope(|s| {
        s.spawn(|| semaphore.add_permits(1));
        let won = select! {
            _guard = mutex.lock_async() => "the lock",
            _permit = semaphore.acquire_async() => "a permit",
            () = token.cancelled() => "the token",
            timeout(Duration::from_secs(60)) => "nobody",
        };
        assert_eq!(won, "a permit");
    });
    drop(held);
}

/// Workers that share a queue and a table, as the book on std's locks teaches it.
mod std_sync {
    use counterpoint::compat::std_sync::{
        Arc, Barrier, Condvar, LazyLock, Mutex, Once, OnceLock, PoisonError, RwLock,
    }; // was: use std::sync::{…};
    use std::collections::{HashMap, VecDeque};
    use std::thread;

    static GREETING: LazyLock<String> = LazyLock::new(|| "hello".repeat(2));
    static LIMIT: OnceLock<usize> = OnceLock::new();
    static START: Once = Once::new();

    /// A queue that is closed when it has been filled.
    #[derive(Default)]
    struct Queue {
        inner: Mutex<(VecDeque<usize>, bool)>,
        changed: Condvar,
    }

    impl Queue {
        fn push(&self, job: usize) {
            let mut inner = self.inner.lock().unwrap();
            inner.0.push_back(job);
            self.changed.notify_one();
        }

        fn close(&self) {
            self.inner.lock().unwrap().1 = true;
            self.changed.notify_all();
        }

        fn pop(&self) -> Option<usize> {
            let inner = self.inner.lock().unwrap();
            let mut inner = self
                .changed
                .wait_while(inner, |(jobs, closed)| jobs.is_empty() && !*closed)
                .unwrap();
            inner.0.pop_front()
        }
    }

    #[test]
    fn workers_share_a_queue_and_a_table() {
        START.call_once(|| LIMIT.set(20).unwrap());
        let queue = Arc::new(Queue::default());
        let table = Arc::new(RwLock::new(HashMap::new()));
        let ready = Arc::new(Barrier::new(4));
        let workers: Vec<_> = (0..3)
            .map(|_| {
                let (queue, table) = (Arc::clone(&queue), Arc::clone(&table));
                let ready = Arc::clone(&ready);
                thread::spawn(move || {
                    ready.wait();
                    while let Some(job) = queue.pop() {
                        table.write().unwrap().insert(job, job * job);
                    }
                })
            })
            .collect();
        ready.wait();
        (0..*LIMIT.get().unwrap()).for_each(|job| queue.push(job));
        queue.close();
        for worker in workers {
            worker.join().unwrap();
        }
        let table = table.read().unwrap();
        assert_eq!((table.len(), table[&7]), (20, 49));
        assert_eq!(GREETING.len(), 10);
    }

    #[test]
    fn a_panic_is_told_to_those_who_come_after() {
        let account = Arc::new(Mutex::new(100));
        let clumsy = Arc::clone(&account);
        let result = thread::spawn(move || {
            let mut balance = clumsy.lock().unwrap();
            *balance -= 30;
            panic!("planned");
        })
        .join();
        assert!(result.is_err() && account.is_poisoned());
        let balance = account.lock().unwrap_or_else(PoisonError::into_inner);
        assert_eq!(*balance, 70);
    }
}

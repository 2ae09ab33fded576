//! `thread::scope`: borrowing, results, panics, names.
#![cfg(all(feature = "std", not(any(counterpoint_loom, counterpoint_shuttle))))]

mod leak;

use counterpoint_base::thread::{self, Scope};
use leak::leak;
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc;
use std::time::Duration;

const SHORT: Duration = Duration::from_millis(20);

fn texts(error: Box<dyn Any + Send>) -> Vec<&'static str> {
    let payloads = error
        .downcast::<Vec<Box<dyn Any + Send + 'static>>>()
        .unwrap();
    payloads
        .iter()
        .map(|payload| *payload.downcast_ref::<&str>().unwrap())
        .collect()
}

#[test]
fn end_waits_for_threads_that_nobody_joins() {
    let count = AtomicUsize::new(0);
    thread::scope(|s| {
        for _ in 0..10 {
            s.spawn(|_| {
                std::thread::sleep(SHORT);
                count.fetch_add(1, Ordering::Relaxed);
            });
        }
    })
    .unwrap();
    assert_eq!(count.load(Ordering::Relaxed), 10);
}

#[test]
fn threads_borrow_and_return() {
    let mut numbers = vec![1, 2, 3];
    let sum = thread::scope(|s| s.spawn(|_| numbers.iter().sum::<i32>()).join().unwrap()).unwrap();
    thread::scope(|s| {
        s.spawn(|_| numbers.push(sum));
    })
    .unwrap();
    assert_eq!(numbers, [1, 2, 3, 6]);
}

#[test]
fn nested_threads_are_waited_for() {
    struct Tree<'a>(&'a AtomicUsize);

    impl<'a> Tree<'a> {
        fn grow(&'a self, scope: &Scope<'a>, depth: usize) {
            self.0.fetch_add(1, Ordering::Relaxed);
            if depth > 0 {
                for _ in 0..2 {
                    scope.spawn(move |scope| {
                        std::thread::yield_now();
                        self.grow(scope, depth - 1);
                    });
                }
            }
        }
    }

    let count = AtomicUsize::new(0);
    let tree = Tree(&count);
    thread::scope(|s| tree.grow(s, 5)).unwrap();
    assert_eq!(count.load(Ordering::Relaxed), 63);
}

#[test]
fn nested_handle_is_joined_by_its_thread() {
    let result = thread::scope(|s| {
        s.spawn(|s| {
            let handle = s.spawn(|_| 7);
            handle.join().unwrap() + 1
        })
        .join()
        .unwrap()
    });
    assert_eq!(result.unwrap(), 8);
}

#[test]
fn joined_panic_is_not_reported_again() {
    let result = thread::scope(|s| {
        let error = s.spawn(|_| -> u32 { panic!("solo") }).join().unwrap_err();
        *error.downcast_ref::<&str>().unwrap()
    });
    assert_eq!(result.unwrap(), "solo");
}

#[test]
fn every_panic_is_reported_in_the_order_of_spawns() {
    let (first_may_end, wait) = mpsc::channel::<()>();
    let result = thread::scope(|s| {
        // Ends last, stands first.
        s.spawn(move |_| {
            wait.recv().unwrap();
            panic!("first");
        });
        let handle = s.spawn(|_| panic!("second, its handle forgotten"));
        // Miri and ThreadSanitizer report what is forgotten as leaked.
        if cfg!(any(miri, tsan)) {
            drop(handle);
        } else {
            leak(handle);
        }
        s.spawn(|s| {
            s.spawn(|_| panic!("fourth, nested"));
        })
        .join()
        .unwrap();
        s.spawn(move |_| {
            first_may_end.send(()).unwrap();
            panic!("fifth");
        });
    });
    assert_eq!(
        texts(result.unwrap_err()),
        [
            "first",
            "second, its handle forgotten",
            "fourth, nested",
            "fifth"
        ]
    );
}

#[test]
fn handle_dropped_after_a_panic_leaves_it_to_the_scope() {
    let result = thread::scope(|s| {
        let handle = s.spawn(|_| panic!("late"));
        std::thread::sleep(SHORT);
        drop(handle);
    });
    assert_eq!(texts(result.unwrap_err()), ["late"]);
}

#[test]
fn panic_of_the_closure_waits_and_goes_on() {
    let done = AtomicBool::new(false);
    let caught = catch_unwind(AssertUnwindSafe(|| {
        thread::scope(|s| {
            s.spawn(|_| {
                std::thread::sleep(SHORT);
                done.store(true, Ordering::Relaxed);
                panic!("of a thread");
            });
            panic!("of the closure");
        })
    }));
    assert!(done.load(Ordering::Relaxed));
    let payload = caught.unwrap_err();
    assert_eq!(*payload.downcast_ref::<&str>().unwrap(), "of the closure");
}

#[test]
fn result_is_dropped_before_the_end() {
    struct Counts<'a>(&'a AtomicUsize);
    impl Drop for Counts<'_> {
        fn drop(&mut self) {
            std::thread::sleep(SHORT);
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
    let count = AtomicUsize::new(0);
    thread::scope(|s| {
        s.spawn(|_| Counts(&count));
        let captured = Counts(&count);
        s.spawn(move |_| {
            let _ = &captured;
        });
    })
    .unwrap();
    assert_eq!(count.load(Ordering::Relaxed), 2);
}

#[test]
fn panicking_drop_of_a_result_is_a_panic_of_its_thread() {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("bomb");
        }
    }
    let (dropped, wait) = mpsc::channel::<()>();
    let result = thread::scope(|s| {
        let handle = s.spawn(move |_| {
            wait.recv().unwrap();
            Bomb
        });
        drop(handle);
        dropped.send(()).unwrap();
    });
    assert_eq!(texts(result.unwrap_err()), ["bomb"]);
}

#[test]
fn builder_names_and_sizes() {
    thread::scope(|s| {
        let handle = s
            .builder()
            .name("alto".into())
            .stack_size(20)
            .spawn(|_| std::thread::current().name().map(str::to_owned))
            .unwrap();
        assert_eq!(handle.thread().name(), Some("alto"));
        assert_eq!(handle.join().unwrap().as_deref(), Some("alto"));
    })
    .unwrap();
}

#[cfg_attr(miri, ignore = "every thread starts there")]
#[test]
fn thread_that_cannot_start_counts_for_nothing() {
    let dropped = AtomicBool::new(false);
    struct Sets<'a>(&'a AtomicBool);
    impl Drop for Sets<'_> {
        fn drop(&mut self) {
            self.0.store(true, Ordering::Relaxed);
        }
    }
    thread::scope(|s| {
        let lent = Sets(&dropped);
        let builder = s.builder().stack_size(usize::MAX / 2);
        assert!(builder.spawn(move |_| drop(lent)).is_err());
        assert!(dropped.load(Ordering::Relaxed));
        let lent = Sets(&dropped);
        let caught = catch_unwind(AssertUnwindSafe(|| {
            s.builder()
                .name("\0".into())
                .spawn(move |_| drop(lent))
                .map(drop)
        }));
        assert!(caught.is_err());
    })
    .unwrap();
}

#[test]
fn token_of_the_caller_is_left_alone() {
    std::thread::current().unpark();
    thread::scope(|s| {
        s.spawn(|_| std::thread::sleep(SHORT));
    })
    .unwrap();
    let begin = std::time::Instant::now();
    std::thread::park();
    assert!(
        begin.elapsed() < Duration::from_secs(5),
        "the token was eaten"
    );
}

#[cfg(all(target_os = "linux", not(miri)))]
#[test]
fn stacks_of_finished_threads_are_given_back() {
    fn mappings() -> usize {
        std::fs::read_to_string("/proc/self/maps")
            .unwrap()
            .lines()
            .count()
    }
    thread::scope(|s| {
        let before = mappings();
        for _ in 0..500 {
            let (ended, wait) = mpsc::channel::<()>();
            s.spawn(move |_| drop(ended));
            wait.recv().unwrap_err();
        }
        std::thread::sleep(SHORT);
        assert!(
            mappings() < before + 250,
            "stacks pile up: {before}, then {}",
            mappings()
        );
    })
    .unwrap();
}

#[cfg(unix)]
#[test]
fn handle_shows_its_pthread() {
    use std::os::unix::thread::JoinHandleExt;
    thread::scope(|s| {
        let (may_end, wait) = mpsc::channel::<()>();
        let handle = s.spawn(move |_| wait.recv().is_err());
        let _number = handle.as_pthread_t();
        drop(may_end);
        assert!(handle.join().unwrap());
    })
    .unwrap();
}

#[test]
fn auto_traits() {
    fn send_sync<T: Send + Sync>() {}
    send_sync::<Scope<'static>>();
    send_sync::<thread::ScopedJoinHandle<'static, std::cell::Cell<u8>>>();
    send_sync::<thread::ScopedThreadBuilder<'static, 'static>>();
}

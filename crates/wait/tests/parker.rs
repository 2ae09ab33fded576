//! `Parker`: tokens, deadlines, conversions, tasks.

use counterpoint_wait::parker::{ParkAsync, Parker, UnparkReason, Unparker};
use std::cell::RefCell;
use std::future::Future;
use std::panic::{AssertUnwindSafe, RefUnwindSafe, UnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread;
use std::time::{Duration, Instant};

const SHORT: Duration = Duration::from_millis(20);
const LONG: Duration = Duration::from_secs(30);

/// Counts wake-ups.
#[derive(Default)]
struct Count(AtomicUsize);

impl Count {
    fn get(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

impl Wake for Count {
    fn wake(self: Arc<Count>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

fn block_on<F: Future>(future: F) -> F::Output {
    let parker = Parker::new();
    let waker = Waker::from(parker.unparker().clone());
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(output) => return output,
            Poll::Pending => parker.park(),
        }
    }
}

fn poll_once(future: &mut ParkAsync<'_>, waker: &Waker) -> bool {
    Pin::new(future)
        .poll(&mut Context::from_waker(waker))
        .is_ready()
}

#[test]
fn token_left_before_is_taken() {
    let parker = Parker::new();
    for _ in 0..10 {
        parker.unparker().unpark();
        assert_eq!(parker.park_timeout(LONG), UnparkReason::Unparked);
    }
}

#[test]
fn tokens_do_not_add_up() {
    let parker = Parker::new();
    parker.unparker().unpark();
    parker.unparker().unpark();
    parker.park();
    assert_eq!(parker.park_timeout(SHORT), UnparkReason::Timeout);
}

#[test]
fn token_of_another_thread_wakes() {
    let parker = Parker::new();
    for _ in 0..5 {
        let unparker = parker.unparker().clone();
        let thread = thread::spawn(move || {
            thread::sleep(SHORT);
            unparker.unpark();
        });
        assert_eq!(parker.park_timeout(LONG), UnparkReason::Unparked);
        thread.join().unwrap();
    }
}

#[test]
fn timeout_waits_that_long() {
    let parker = Parker::new();
    let start = Instant::now();
    assert_eq!(parker.park_timeout(SHORT), UnparkReason::Timeout);
    assert!(start.elapsed() >= SHORT);
    let deadline = Instant::now() + SHORT;
    assert_eq!(parker.park_deadline(deadline), UnparkReason::Timeout);
    assert!(Instant::now() >= deadline);
}

#[test]
fn tie_goes_to_the_token() {
    let parker = Parker::new();
    let past = Instant::now();
    parker.unparker().unpark();
    assert_eq!(parker.park_deadline(past), UnparkReason::Unparked);
    parker.unparker().unpark();
    assert_eq!(parker.park_timeout(Duration::ZERO), UnparkReason::Unparked);
}

#[test]
fn zero_and_past_time_out_at_once() {
    let parker = Parker::new();
    assert_eq!(parker.park_timeout(Duration::ZERO), UnparkReason::Timeout);
    assert_eq!(parker.park_deadline(Instant::now()), UnparkReason::Timeout);
    parker.unparker().unpark();
    parker.park();
}

#[test]
fn huge_timeouts_are_none() {
    let parker = Parker::new();
    for huge in [
        Duration::MAX,
        Duration::from_secs(u64::MAX),
        Duration::from_secs(1 << 40),
    ] {
        let unparker = parker.unparker().clone();
        let thread = thread::spawn(move || {
            thread::sleep(SHORT);
            unparker.unpark();
        });
        assert_eq!(parker.park_timeout(huge), UnparkReason::Unparked);
        thread.join().unwrap();
    }
}

#[test]
fn raw_conversions_keep_token_and_identity() {
    let parker = Parker::new();
    let unparker = parker.unparker().clone();
    unparker.unpark();
    // SAFETY: made by `into_raw` just now, and used once.
    let parker = unsafe { Parker::from_raw(Parker::into_raw(parker)) };
    assert_eq!(parker.park_timeout(LONG), UnparkReason::Unparked);
    // SAFETY: as above.
    let unparker = unsafe { Unparker::from_raw(Unparker::into_raw(unparker)) };
    unparker.unpark();
    assert_eq!(parker.park_timeout(LONG), UnparkReason::Unparked);
}

#[test]
fn unparker_outlives_parker() {
    let unparker = Parker::new().unparker().clone();
    unparker.unpark();
    unparker.clone().unpark();
}

#[test]
fn waker_leaves_a_token() {
    let parker = Parker::new();
    let waker = Waker::from(parker.unparker().clone());
    waker.wake_by_ref();
    assert_eq!(parker.park_timeout(LONG), UnparkReason::Unparked);
    let other = waker.clone();
    assert!(other.will_wake(&waker));
    drop(waker);
    let thread = thread::spawn(move || other.wake());
    assert_eq!(parker.park_timeout(LONG), UnparkReason::Unparked);
    thread.join().unwrap();
    assert_eq!(parker.park_timeout(Duration::ZERO), UnparkReason::Timeout);
}

#[test]
fn token_of_std_is_not_eaten() {
    let parker = Parker::new();
    thread::current().unpark();
    assert_eq!(parker.park_timeout(SHORT), UnparkReason::Timeout);
    let start = Instant::now();
    thread::park_timeout(LONG);
    assert!(start.elapsed() < LONG, "the token of std is gone");
}

#[test]
fn no_token_of_std_is_produced() {
    let parker = Parker::new();
    let unparker = parker.unparker().clone();
    let thread = thread::spawn(move || {
        thread::sleep(SHORT);
        unparker.unpark();
    });
    parker.park();
    thread.join().unwrap();
    let start = Instant::now();
    thread::park_timeout(SHORT);
    assert!(start.elapsed() >= SHORT, "a token of std appeared");
}

#[test]
fn every_unpark_is_noticed() {
    let parker = Parker::new();
    let sum = Arc::new(AtomicUsize::new(0));
    let threads: Vec<_> = (0..4)
        .map(|_| {
            let (sum, unparker) = (sum.clone(), parker.unparker().clone());
            thread::spawn(move || {
                for _ in 0..2_000 {
                    sum.fetch_add(1, Ordering::Relaxed);
                    unparker.unpark();
                }
            })
        })
        .collect();
    while sum.load(Ordering::Relaxed) < 8_000 {
        assert_eq!(parker.park_timeout(LONG), UnparkReason::Unparked);
    }
    for thread in threads {
        thread.join().unwrap();
    }
}

#[test]
fn task_and_thread_hand_tokens_to_each_other() {
    const ROUNDS: usize = 2_000;
    let mut mine = Parker::new();
    let theirs = Parker::new();
    let (to_me, to_them) = (mine.unparker().clone(), theirs.unparker().clone());
    let thread = thread::spawn(move || {
        for _ in 0..ROUNDS {
            assert_eq!(theirs.park_timeout(LONG), UnparkReason::Unparked);
            to_me.unpark();
        }
    });
    block_on(async {
        for _ in 0..ROUNDS {
            to_them.unpark();
            mine.park_async().await;
        }
    });
    thread.join().unwrap();
}

#[test]
fn park_async_wakes_the_waker_of_its_last_poll() {
    let mut parker = Parker::new();
    let unparker = parker.unparker().clone();
    let (first, last) = (Arc::new(Count::default()), Arc::new(Count::default()));
    let mut future = parker.park_async();
    assert!(!poll_once(&mut future, &first.clone().into()));
    assert!(!poll_once(&mut future, &last.clone().into()));
    assert_eq!(Arc::strong_count(&first), 1, "the waker before is kept");
    unparker.unpark();
    assert_eq!((first.get(), last.get()), (0, 1));
    assert!(poll_once(&mut future, &last.clone().into()));
    assert!(future.is_terminated());
    drop(future);
    assert_eq!(Arc::strong_count(&last), 1);
}

#[test]
fn dropped_park_async_leaves_the_token_and_no_waker() {
    let mut parker = Parker::new();
    let unparker = parker.unparker().clone();
    let count = Arc::new(Count::default());
    let mut future = parker.park_async();
    assert!(!poll_once(&mut future, &count.clone().into()));
    drop(future);
    assert_eq!(Arc::strong_count(&count), 1, "the waker is kept");
    unparker.unpark();
    assert_eq!(count.get(), 0);
    assert_eq!(parker.park_timeout(Duration::ZERO), UnparkReason::Unparked);

    let mut future = parker.park_async();
    assert!(!poll_once(&mut future, &count.clone().into()));
    unparker.unpark();
    assert_eq!(count.get(), 1);
    drop(future);
    assert_eq!(parker.park_timeout(Duration::ZERO), UnparkReason::Unparked);
    assert_eq!(parker.park_timeout(Duration::ZERO), UnparkReason::Timeout);
}

#[test]
fn leaked_park_async_leaves_a_parker_that_works() {
    let mut parker = Parker::new();
    let count = Arc::new(Count::default());
    let mut future = parker.park_async();
    assert!(!poll_once(&mut future, &count.clone().into()));
    std::mem::forget(future);
    assert_eq!(parker.park_timeout(SHORT), UnparkReason::Timeout);
    assert_eq!(Arc::strong_count(&count), 1);

    let mut future = parker.park_async();
    assert!(!poll_once(&mut future, &count.clone().into()));
    std::mem::forget(future);
    parker.unparker().unpark();
    assert_eq!(count.get(), 1);
    // SAFETY: made by `into_raw` just now, and used once.
    let parker = unsafe { Parker::from_raw(Parker::into_raw(parker)) };
    assert_eq!(parker.park_timeout(Duration::ZERO), UnparkReason::Unparked);
}

#[test]
fn park_async_after_completion_panics() {
    let mut parker = Parker::new();
    parker.unparker().unpark();
    let mut future = parker.park_async();
    assert!(poll_once(&mut future, Waker::noop()));
    let again = catch_unwind(AssertUnwindSafe(|| poll_once(&mut future, Waker::noop())));
    let message = *again.unwrap_err().downcast::<&str>().unwrap();
    assert!(message.contains("ParkAsync"), "{message}");
}

#[test]
fn panicking_waker_leaves_the_token() {
    struct Panics;
    impl Wake for Panics {
        fn wake(self: Arc<Panics>) {
            panic!("the waker's own");
        }
    }
    let mut parker = Parker::new();
    let unparker = parker.unparker().clone();
    let mut future = parker.park_async();
    assert!(!poll_once(&mut future, &Arc::new(Panics).into()));
    assert!(catch_unwind(|| unparker.unpark()).is_err());
    assert!(poll_once(&mut future, Waker::noop()));
}

#[test]
fn parks_in_a_thread_local_destructor() {
    struct AtEnd(RefCell<Option<(Parker, mpsc::Sender<UnparkReason>)>>);
    impl Drop for AtEnd {
        fn drop(&mut self) {
            let (parker, done) = self.0.take().unwrap();
            let unparker = parker.unparker().clone();
            let thread = thread::spawn(move || {
                thread::sleep(SHORT);
                unparker.unpark();
            });
            done.send(parker.park_timeout(LONG)).unwrap();
            thread.join().unwrap();
        }
    }
    thread_local!(static AT_END: AtEnd = const { AtEnd(RefCell::new(None)) });
    let (sender, receiver) = mpsc::channel();
    let thread = thread::spawn(move || {
        AT_END.with(|at_end| *at_end.0.borrow_mut() = Some((Parker::new(), sender)));
    });
    assert_eq!(receiver.recv_timeout(LONG).unwrap(), UnparkReason::Unparked);
    thread.join().unwrap();
}

#[test]
fn debug_shows_names_alone() {
    let parker = Parker::default();
    assert_eq!(format!("{parker:?}"), "Parker { .. }");
    assert_eq!(format!("{:?}", parker.unparker()), "Unparker { .. }");
}

#[test]
fn auto_traits() {
    fn send<T: Send>() {}
    fn sync<T: Sync>() {}
    fn unwinds<T: UnwindSafe + RefUnwindSafe>() {}
    send::<Parker>();
    send::<Unparker>();
    sync::<Unparker>();
    send::<ParkAsync<'_>>();
    unwinds::<Parker>();
    unwinds::<Unparker>();

    trait NotSync<Marker> {
        fn holds() {}
    }
    struct Ambiguous;
    impl<T> NotSync<()> for T {}
    impl<T: Sync> NotSync<Ambiguous> for T {}
    // Would not compile if `Parker` were `Sync`.
    <Parker as NotSync<_>>::holds();
}

//! What happens when a merge, a waker or a destructor of a local misbehaves.

use std::cell::RefCell;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, mpsc};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;
use std::time::Duration;

use counterpoint_sync::BufMutex;
use counterpoint_sync::buf_mutex::{OrderedBufMutex, OwnedOrderedShare, Reentered};

struct Panics;

impl Wake for Panics {
    fn wake(self: Arc<Self>) {
        panic!("a waker panics");
    }
}

struct Counts(AtomicUsize);

impl Wake for Counts {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// W5: a panicking waker does not keep the others from being woken, in later batches too.
#[test]
fn a_panicking_waker_strands_no_idle_waiter() {
    const WAITERS: usize = 40;
    let sum = BufMutex::<usize>::new(0, |global, local| *global += *local);
    let share = sum.share();
    let counts = Arc::new(Counts(AtomicUsize::new(0)));
    let mut waits: Vec<_> = (0..WAITERS)
        .map(|_| Box::pin(sum.wait_idle_async()))
        .collect();
    for (i, wait) in waits.iter_mut().enumerate() {
        let waker = match i {
            0 => Waker::from(Arc::new(Panics)),
            _ => Waker::from(counts.clone()),
        };
        let polled = wait.as_mut().poll(&mut Context::from_waker(&waker));
        assert_eq!(polled, Poll::Pending);
    }
    catch_unwind(AssertUnwindSafe(|| drop(share))).expect_err("the waker's panic goes on");
    assert_eq!(counts.0.load(Ordering::Relaxed), WAITERS - 1);
}

/// A share is counted off only after its local was dropped, however long that takes.
#[test]
fn idle_means_that_the_locals_are_dropped() {
    static DROPPED: AtomicUsize = AtomicUsize::new(0);
    #[derive(Default)]
    struct Slow(usize);
    impl Drop for Slow {
        fn drop(&mut self) {
            if self.0 > 0 {
                thread::sleep(Duration::from_millis(300));
                DROPPED.store(1, Ordering::Relaxed);
            }
        }
    }
    let mut sum = Arc::new(BufMutex::<usize, Slow>::new(0, |global, local| {
        *global += local.0
    }));
    let mut share = sum.share_owned();
    share.as_mut().0 = 1;
    let thread = thread::spawn(move || drop(share));
    sum.wait_idle();
    assert_eq!(DROPPED.load(Ordering::Relaxed), 1);
    // The share lets go of its `Arc` a moment after it was counted off.
    let got = loop {
        match sum.try_get() {
            Ok(got) => break got,
            Err(back) => sum = back,
        }
    };
    thread.join().unwrap();
    assert_eq!(got, 1);
}

/// A flushed local is dropped after the gate has opened, as one that is dropped with its share.
#[test]
fn a_flushed_local_may_look_at_its_buf_mutex_as_it_is_dropped() {
    type Sum = BufMutex<usize, Looks>;
    static SUM: OnceLock<Sum> = OnceLock::new();
    static SEEN: AtomicUsize = AtomicUsize::new(0);
    #[derive(Default)]
    struct Looks(usize);
    impl Drop for Looks {
        fn drop(&mut self) {
            if self.0 > 0 {
                SEEN.store(SUM.get().unwrap().peek(), Ordering::Relaxed);
            }
        }
    }
    let sum = SUM
        .get_or_init(|| BufMutex::new(0, |global: &mut usize, local: &Looks| *global += local.0));
    let mut share = sum.share();
    share.as_mut().0 = 1;
    drop(share);
    assert_eq!(SEEN.load(Ordering::Relaxed), 1);
    let mut share = sum.share();
    share.as_mut().0 = 1;
    share.flush();
    assert_eq!(SEEN.load(Ordering::Relaxed), 2);
    assert!(!sum.is_poisoned());
}

/// Re-entry is a typed panic, also by waiting for idleness, which cannot come.
#[test]
fn waiting_for_idleness_inside_a_merge_is_a_typed_panic() {
    static SUM: OnceLock<BufMutex<usize>> = OnceLock::new();
    let sum = SUM.get_or_init(|| {
        BufMutex::new(0, |global, local| {
            *global += *local;
            SUM.get().unwrap().wait_idle();
        })
    });
    let (done, ended) = mpsc::channel();
    thread::spawn(move || {
        let result = catch_unwind(AssertUnwindSafe(|| drop(sum.share())));
        done.send(result.is_err_and(|payload| payload.is::<Reentered>()))
            .unwrap();
    });
    assert!(ended.recv_timeout(Duration::from_secs(5)).expect("no hang"));
}

/// The flag tells of a panic wherever the merge ran.
#[test]
fn a_merge_that_panics_in_a_stripe_sets_the_flag() {
    let started = AtomicBool::new(false);
    let panicked = AtomicBool::new(false);
    let sum = BufMutex::striped(
        0,
        |global: &mut usize, local: &usize| match *local {
            1 => {
                started.store(true, Ordering::Release);
                while !panicked.load(Ordering::Acquire) {
                    thread::yield_now();
                }
                *global += 1;
            }
            _ => panic!("a merge panics"),
        },
        || 0,
        |global, part| *global += part,
    );
    thread::scope(|s| {
        let mut slow = sum.share();
        *slow.as_mut() = 1;
        s.spawn(move || drop(slow));
        while !started.load(Ordering::Acquire) {
            thread::yield_now();
        }
        let mut share = sum.share();
        *share.as_mut() = 2;
        catch_unwind(AssertUnwindSafe(|| drop(share))).expect_err("the panic goes on");
        panicked.store(true, Ordering::Release);
    });
    assert!(sum.is_poisoned());
}

/// A merge in a stripe that drops another share is refused, as it is in the main value.
#[test]
fn reentry_from_a_stripe_is_a_typed_panic() {
    thread_local! {
        static IN_MERGE: RefCell<Option<Box<dyn FnOnce()>>> = const { RefCell::new(None) };
    }
    let started = AtomicBool::new(false);
    let go = AtomicBool::new(false);
    let left = AtomicBool::new(false);
    let merge = |global: &mut usize, local: &usize| {
        *global += *local;
        if *local == 1 {
            started.store(true, Ordering::Release);
            while !go.load(Ordering::Acquire) {
                thread::yield_now();
            }
        }
        if *local == 2 {
            let hook = IN_MERGE.take().unwrap();
            hook();
        }
    };
    type Any<'a> = &'a (dyn Fn(&mut usize, &usize) + Sync);
    let merge: Any<'_> = &merge;
    let sum = BufMutex::striped(0, merge, || 0, |global, part| *global += part);
    let mut refused = false;
    thread::scope(|s| {
        let mut slow = sum.share();
        *slow.as_mut() = 1;
        let left = &left;
        s.spawn(move || {
            drop(slow);
            left.store(true, Ordering::Release);
        });
        while !started.load(Ordering::Acquire) {
            thread::yield_now();
        }
        let mut inner = sum.share();
        *inner.as_mut() = 4;
        let mut share = sum.share();
        *share.as_mut() = 2;
        let go = &go;
        let hook: Box<dyn FnOnce() + '_> = Box::new(move || {
            // Now this thread is in its stripe: the main value becomes free.
            go.store(true, Ordering::Release);
            while !left.load(Ordering::Acquire) {
                thread::yield_now();
            }
            drop(inner);
        });
        // SAFETY: run, or dropped, before this scope ends.
        let hook: Box<dyn FnOnce()> = unsafe { std::mem::transmute(hook) };
        IN_MERGE.set(Some(hook));
        let result = catch_unwind(AssertUnwindSafe(|| drop(share)));
        refused = result.is_err_and(|payload| payload.is::<Reentered>());
    });
    assert!(refused);
}

/// A live share that could not merge is out of sight nevertheless.
#[test]
fn a_live_share_lost_in_a_merge_is_not_shown_for_ever() {
    type Live = counterpoint_sync::buf_mutex::LiveBufMutex<usize, usize, fn(&mut usize, &usize)>;
    type Inner = counterpoint_sync::buf_mutex::OwnedLiveShare<usize, usize, fn(&mut usize, &usize)>;
    thread_local! {
        static LOST: RefCell<Option<Inner>> = const { RefCell::new(None) };
    }
    fn merge(global: &mut usize, local: &usize) {
        *global += *local;
        drop(LOST.take());
    }
    let sum: Arc<Live> = Arc::new(BufMutex::live(0, merge as fn(&mut usize, &usize)));
    let mut lost = sum.share_owned();
    lost.update(|n| *n = 7);
    LOST.set(Some(lost));
    let share = sum.share();
    catch_unwind(AssertUnwindSafe(|| drop(share))).expect_err("re-entry panics");
    assert_eq!(sum.outstanding(), 0);
    assert_eq!((sum.peek(), sum.peek_all()), (0, 0));
}

type Append = fn(&mut u64, &Digit);
type Digits = OrderedBufMutex<u64, Digit, Append>;

/// A digit that ends another share where it is merged, or looks at the sum where it is dropped.
#[derive(Default)]
struct Digit {
    value: u64,
    ends: Mutex<Option<Box<OwnedOrderedShare<u64, Digit, Append>>>>,
    looks: Option<(Arc<Digits>, Arc<AtomicUsize>)>,
}

impl Drop for Digit {
    fn drop(&mut self) {
        if let Some((digits, seen)) = self.looks.take() {
            seen.store(digits.peek() as usize, Ordering::Relaxed);
        }
    }
}

fn digits() -> Arc<Digits> {
    fn append(all: &mut u64, digit: &Digit) {
        let ends = digit.ends.lock().unwrap().take();
        drop(ends);
        *all = *all * 10 + digit.value;
    }
    Arc::new(BufMutex::ordered(0, append as Append))
}

/// Four shares with the digits 1 to 4, of which the first ends the second while it is merged.
fn entangled(digits: &Arc<Digits>) -> [OwnedOrderedShare<u64, Digit, Append>; 3] {
    let [mut first, second, third, fourth] = [1, 2, 3, 4].map(|value| {
        let mut share = digits.share_owned();
        share.as_mut().value = value;
        share
    });
    first.as_mut().ends = Mutex::new(Some(Box::new(second)));
    [first, third, fourth]
}

#[test]
fn a_turn_lost_in_a_merge_does_not_block_the_line() {
    let digits = digits();
    let [first, third, fourth] = entangled(&digits);
    let payload = catch_unwind(AssertUnwindSafe(|| drop(first))).unwrap_err();
    assert!(payload.is::<Reentered>());
    assert_eq!(digits.outstanding(), 2);
    // Both the first, whose merge was cut off, and the second have lost their locals.
    assert_eq!(digits.peek(), 0);
    drop(third);
    assert_eq!(digits.peek(), 3);
    drop(fourth);
    assert_eq!(digits.peek(), 34);
}

#[test]
fn what_came_before_a_turn_was_lost_is_merged_by_the_next_look() {
    let digits = digits();
    let [first, third, fourth] = entangled(&digits);
    drop(fourth);
    drop(third);
    assert_eq!(digits.peek(), 0);
    catch_unwind(AssertUnwindSafe(|| drop(first))).unwrap_err();
    assert_eq!(digits.peek(), 34);
    assert!(digits.is_poisoned());
    digits.wait_idle();
    assert_eq!(Arc::try_unwrap(digits).unwrap().get(), 34);
}

#[test]
fn a_merge_that_catches_the_panic_goes_on_with_the_line() {
    fn careful(all: &mut u64, digit: &Digit) {
        let ends = digit.ends.lock().unwrap().take();
        let reentered = catch_unwind(AssertUnwindSafe(|| drop(ends)));
        assert_eq!(reentered.is_err(), digit.value == 1);
        *all = *all * 10 + digit.value;
    }
    let digits = Arc::new(BufMutex::ordered(0, careful as Append));
    let [first, third, fourth] = entangled(&digits);
    drop(third);
    drop(first);
    assert_eq!(digits.peek(), 13);
    drop(fourth);
    assert_eq!(digits.peek(), 134);
}

#[test]
fn ordered_locals_are_dropped_after_the_gate_has_opened() {
    let digits = digits();
    let seen = Arc::new(AtomicUsize::new(usize::MAX));
    let mut shares = [1, 2, 3].map(|value| {
        let mut share = digits.share_owned();
        share.as_mut().value = value;
        Some(share)
    });
    let last = shares[1].as_mut().unwrap().as_mut();
    last.looks = Some((digits.clone(), seen.clone()));
    shares[2] = None;
    shares[1] = None;
    assert_eq!(seen.load(Ordering::Relaxed), usize::MAX);
    shares[0] = None;
    // It looked, from its destructor, at all that was merged together with it.
    assert_eq!(seen.load(Ordering::Relaxed), 123);
    assert!(!digits.is_poisoned());
}

#[test]
fn the_local_of_an_ordered_merge_that_panics_is_dropped_after_the_gate_has_opened() {
    fn bad(_all: &mut u64, _digit: &Digit) {
        panic!("a bad merge");
    }
    let digits = Arc::new(BufMutex::ordered(7, bad as Append));
    let seen = Arc::new(AtomicUsize::new(usize::MAX));
    let mut share = digits.share_owned();
    share.as_mut().looks = Some((digits.clone(), seen.clone()));
    catch_unwind(AssertUnwindSafe(|| drop(share))).unwrap_err();
    assert_eq!(seen.load(Ordering::Relaxed), 7);
    assert_eq!(digits.outstanding(), 0);
}

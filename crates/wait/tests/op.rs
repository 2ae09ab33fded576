//! Operations of a small test-only primitive: how often they try, and what a state does to them.

use counterpoint_wait::op::{LockedQueue, Op, Stop, Turn, Verb};
use counterpoint_wait::queue::{End, Grant, Pick, WaitQueue};
use counterpoint_wait::waker::WakeBatch;
use counterpoint_wait::{Operation, block_on};
use std::cell::RefCell;
use std::panic::{self, AssertUnwindSafe};
use std::pin::pin;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::{Duration, Instant};

/// Hands numbers out, and counts what is asked of it.
struct Numbers {
    queue: WaitQueue<(), Option<usize>>,
    attempts: AtomicUsize,
    returned: AtomicUsize,
}

impl Default for Numbers {
    fn default() -> Numbers {
        Numbers {
            queue: WaitQueue::new(()),
            attempts: AtomicUsize::new(0),
            returned: AtomicUsize::new(0),
        }
    }
}

impl Numbers {
    /// Hands `number` to the first in line; false if nobody waits.
    fn hand(&self, number: usize) -> bool {
        let mut wakes = WakeBatch::new();
        let mut queue = self.queue.lock();
        let handed = queue.grant(
            End::First,
            Grant::Result,
            &mut wakes,
            |place, _| {
                *place = Some(number);
                Pick::Take
            },
            |place| *place = None,
        );
        drop(queue);
        wakes.wake();
        handed
    }

    fn take(&self) -> Op<TakeVerb<'_>> {
        Op::new(TakeVerb(self), None)
    }

    fn attempts(&self) -> usize {
        self.attempts.load(Ordering::SeqCst)
    }
}

struct TakeVerb<'n>(&'n Numbers);

// SAFETY: one queue, that of the test's own primitive; no method moves the verb.
unsafe impl Verb for TakeVerb<'_> {
    type State = ();
    type Payload = Option<usize>;
    type Output = usize;
    type Stoppable = Result<usize, Stop>;

    const NAME: &'static str = "Numbers::take";

    fn queue(&self) -> &WaitQueue<(), Option<usize>> {
        &self.0.queue
    }

    fn attempt(&mut self, _: &mut Option<usize>, _: Turn) -> Option<usize> {
        self.0.attempts.fetch_add(1, Ordering::SeqCst);
        None
    }

    fn prepare(&mut self, _: &mut Option<usize>, _: Turn, _: &mut LockedQueue<'_, Self>) -> bool {
        false
    }

    fn collect(&mut self, place: &mut Option<usize>) -> usize {
        place.take().expect("handed")
    }

    fn unclaimed(&mut self, place: &mut Option<usize>, _: &mut LockedQueue<'_, Self>) {
        self.0
            .returned
            .fetch_add(place.take().expect("handed"), Ordering::SeqCst);
    }

    fn settle(&mut self, _: &mut LockedQueue<'_, Self>, _: &mut WakeBatch) -> bool {
        false
    }

    fn finish(number: usize) -> Result<usize, Stop> {
        Ok(number)
    }

    fn stopped(&mut self, place: &mut Option<usize>, why: Stop) -> Result<usize, Stop> {
        assert!(place.is_none(), "a stopped operation was handed nothing");
        Err(why)
    }
}

fn cx() -> Context<'static> {
    Context::from_waker(Waker::noop())
}

#[test]
fn w4_a_past_deadline_tries_exactly_once() {
    let numbers = Numbers::default();
    assert_eq!(
        numbers.take().timeout(Duration::ZERO).wait(),
        Err(Stop::TimedOut)
    );
    assert_eq!(numbers.attempts(), 1);
    assert_eq!(
        numbers.take().deadline(Instant::now()).wait(),
        Err(Stop::TimedOut)
    );
    assert_eq!(numbers.attempts(), 2);
    let stopped = block_on(async { numbers.take().timeout(Duration::ZERO).await });
    assert_eq!((stopped, numbers.attempts()), (Err(Stop::TimedOut), 3));
}

#[test]
fn w4_a_cancelled_token_tries_not_at_all() {
    use counterpoint_wait::cancel::{CancelToken, Ctl};
    let (numbers, token) = (Numbers::default(), CancelToken::new());
    token.cancel("before");
    let ctl = Ctl::new().cancel(&token);
    assert_eq!(numbers.take().with(&ctl).wait(), Err(Stop::Cancelled));
    let stopped = block_on(async { numbers.take().with(&ctl).await });
    assert_eq!((stopped, numbers.attempts()), (Err(Stop::Cancelled), 0));
}

#[test]
fn nothing_happens_before_the_first_poll() {
    let numbers = Numbers::default();
    let take = numbers.take();
    assert!(!numbers.hand(1));
    assert!(!take.is_terminated());
    drop(take.timeout(Duration::ZERO));
    assert_eq!(numbers.attempts(), 0);
}

#[test]
fn a_handed_result_is_never_lost() {
    let numbers = Numbers::default();
    // Taken.
    let mut take = pin!(numbers.take());
    assert!(take.as_mut().poll(&mut cx()).is_pending());
    assert!(numbers.hand(1));
    assert_eq!(take.as_mut().poll(&mut cx()), Poll::Ready(1));
    // Dropped: given back, once.
    let mut take = Box::pin(numbers.take());
    assert!(take.as_mut().poll(&mut cx()).is_pending());
    assert!(numbers.hand(10));
    drop(take);
    assert_eq!(numbers.returned.load(Ordering::SeqCst), 10);
    // Stopped: the result wins.
    let mut take = Box::pin(numbers.take().timeout(Duration::from_millis(1)));
    if take.as_mut().poll(&mut cx()).is_pending() {
        assert!(numbers.hand(3));
        thread::sleep(Duration::from_millis(2));
        assert_eq!(take.as_mut().poll(&mut cx()), Poll::Ready(Ok(3)));
    }
    drop(take);
    assert_eq!(numbers.returned.load(Ordering::SeqCst), 10);
    assert!(!numbers.hand(4), "nobody is left");
}

#[test]
fn a_blocked_thread_and_a_task_are_served_in_order() {
    let numbers = Numbers::default();
    thread::scope(|scope| {
        let blocked = scope.spawn(|| numbers.take().wait());
        while numbers.attempts() == 0 {
            thread::yield_now();
        }
        let mut number = 1;
        while !numbers.hand(number) {
            number += 1;
        }
        assert_eq!(blocked.join().unwrap(), number);
    });
}

#[test]
fn w8_poll_after_completion_names_the_verb() {
    let numbers = Numbers::default();
    let mut take = pin!(numbers.take());
    assert!(take.as_mut().poll(&mut cx()).is_pending());
    numbers.hand(1);
    assert!(take.as_mut().poll(&mut cx()).is_ready());
    assert!(take.is_terminated());
    let attempts = numbers.attempts();
    let again = panic::catch_unwind(AssertUnwindSafe(|| take.as_mut().poll(&mut cx())));
    let payload = again.expect_err("polled after completion");
    let message = payload.downcast_ref::<String>().unwrap();
    assert_eq!(
        message,
        "counterpoint: Numbers::take polled after completion"
    );
    assert_eq!(numbers.attempts(), attempts);
}

#[test]
fn w8_poll_after_completion_tells_the_place_of_the_poll() {
    use std::sync::Mutex;

    static PLACE: Mutex<Option<(String, u32)>> = Mutex::new(None);
    let numbers = Numbers::default();
    let mut take = pin!(numbers.take());
    assert!(take.as_mut().poll(&mut cx()).is_pending());
    numbers.hand(1);
    assert!(take.as_mut().poll(&mut cx()).is_ready());
    // Other tests go on, and may panic meanwhile.
    let me = thread::current().id();
    let before = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        if thread::current().id() == me {
            let place = info.location().expect("every panic has one");
            *PLACE.lock().unwrap() = Some((place.file().to_owned(), place.line()));
        }
    }));
    let line = line!() + 1;
    let again = panic::catch_unwind(AssertUnwindSafe(|| take.as_mut().poll(&mut cx())));
    panic::set_hook(before);
    assert!(again.is_err());
    let place = PLACE.lock().unwrap().take();
    assert_eq!(place, Some((file!().to_owned(), line)));
}

#[test]
fn nested_blocking_waits_lose_no_wake_up() {
    // The inner wait, in a future given to `until`, may take the token meant for the outer one.
    const ROUNDS: usize = 300;
    let (outer, inner) = (Numbers::default(), Numbers::default());
    thread::scope(|scope| {
        scope.spawn(|| {
            for round in 0..ROUNDS {
                while !inner.hand(round) {
                    thread::yield_now();
                }
                while !outer.hand(round) {
                    thread::yield_now();
                }
            }
        });
        for round in 0..ROUNDS {
            let mut waited = false;
            let nested = std::future::poll_fn(|_| {
                if !std::mem::replace(&mut waited, true) {
                    assert_eq!(inner.take().wait(), round);
                }
                Poll::<()>::Pending
            });
            assert_eq!(outer.take().until(nested).wait(), Ok(round));
        }
    });
}

#[test]
fn waits_work_in_destructors_of_thread_locals() {
    static HANDED: AtomicUsize = AtomicUsize::new(0);
    static PLACE: LazyLock<Numbers> = LazyLock::new(Numbers::default);
    static IDLE: LazyLock<Numbers> = LazyLock::new(Numbers::default);

    struct WaitsWhenDropped;
    impl Drop for WaitsWhenDropped {
        fn drop(&mut self) {
            HANDED.fetch_add(PLACE.take().wait(), Ordering::SeqCst);
            assert!(
                IDLE.take()
                    .timeout(Duration::from_millis(1))
                    .wait()
                    .is_err()
            );
            HANDED.fetch_add(block_on(PLACE.take()), Ordering::SeqCst);
        }
    }
    thread_local! {
        // Made before the thread's record, and after it: dropped in another order.
        static FIRST: RefCell<Option<WaitsWhenDropped>> = const { RefCell::new(None) };
        static SECOND: RefCell<Option<WaitsWhenDropped>> = const { RefCell::new(None) };
    }
    let thread = thread::spawn(|| {
        FIRST.with(|place| *place.borrow_mut() = Some(WaitsWhenDropped));
        assert!(IDLE.take().timeout(Duration::ZERO).wait().is_err());
        SECOND.with(|place| *place.borrow_mut() = Some(WaitsWhenDropped));
    });
    let limit = Instant::now() + Duration::from_secs(60);
    for _ in 0..4 {
        while !PLACE.hand(1) {
            assert!(Instant::now() < limit, "a destructor did not wait");
            thread::yield_now();
        }
    }
    thread.join().unwrap();
    assert_eq!(HANDED.load(Ordering::SeqCst), 4);
}

#[test]
fn every_operation_is_generic() {
    fn wait<O: Operation>(operation: O) -> O::Output {
        assert!(!operation.is_terminated());
        operation.wait()
    }
    let numbers = Numbers::default();
    thread::scope(|scope| {
        scope.spawn(|| {
            while !numbers.hand(1) {
                thread::yield_now();
            }
        });
        assert_eq!(wait(numbers.take()), 1);
    });
    assert!(wait(numbers.take().timeout(Duration::ZERO)).is_err());
}

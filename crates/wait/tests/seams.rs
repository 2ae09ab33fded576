//! What selects, bounds and nested waits promise when something goes wrong in the middle.

#[path = "../../base/tests/leak/mod.rs"]
mod leak;

use counterpoint_base::prim::atomic::{AtomicU32, RELAXED};
use counterpoint_wait::cancel::CancelToken;
use counterpoint_wait::event::Event;
use counterpoint_wait::op::{LockedQueue, Op, Turn, Verb};
use counterpoint_wait::queue::{Candidate, End, Grant, Pick, WaitQueue};
use counterpoint_wait::select::{Select, arm};
use counterpoint_wait::waker::WakeBatch;
use counterpoint_wait::{Stop, block_on};
use leak::leak;
use std::cell::Cell;
use std::future::{Future, poll_fn, ready};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc;
use std::task::{Context, Poll, RawWaker, RawWakerVTable, Wake, Waker};
use std::thread;
use std::time::Duration;

/// Runs `f` on a thread; fails if it takes longer than a few seconds.
fn in_time(f: impl FnOnce() + Send + 'static) {
    let (done, wait) = mpsc::channel();
    let thread = thread::spawn(move || {
        f();
        let _ = done.send(());
    });
    match wait.recv_timeout(Duration::from_secs(5)) {
        Err(mpsc::RecvTimeoutError::Timeout) => panic!("it never ends"),
        _ => thread.join().unwrap(),
    }
}

struct Count(AtomicUsize);

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

/// An arm that a thread waited for keeps its deadline when a task waits for it next.
#[test]
fn an_arm_keeps_its_deadline_from_a_thread_to_a_task() {
    in_time(|| {
        let token = CancelToken::new();
        let mut bounded = pin!(arm(token.cancelled().timeout(Duration::from_millis(50))));
        let mut select = Select::new();
        select.add(bounded.as_mut());
        assert_eq!(select.wait_timeout(Duration::from_millis(1)), None);
        assert_eq!(block_on(select.wait_async()), 0);
        drop(select);
        assert_eq!(bounded.as_mut().take(), Some(Err(Stop::TimedOut)));
    });
}

/// A stop future that waits inside its poll does not put off the deadline of the wait around it.
#[test]
fn a_nested_wait_does_not_hide_a_deadline() {
    in_time(|| {
        let token = CancelToken::new();
        let nested = poll_fn(|_| {
            block_on(ready(()));
            Poll::<()>::Pending
        });
        let stopped = token
            .cancelled()
            .timeout(Duration::from_millis(20))
            .until(nested)
            .wait();
        assert_eq!(stopped, Err(Stop::TimedOut));
    });
}

/// A wait whose future waits inside its poll sleeps between its wake-ups.
#[test]
fn a_nested_wait_does_not_keep_the_outer_one_awake() {
    let polls = AtomicUsize::new(0);
    let token = CancelToken::new();
    thread::scope(|scope| {
        scope.spawn(|| {
            thread::sleep(Duration::from_millis(50));
            token.cancel("enough");
        });
        let nested = poll_fn(|_| {
            polls.fetch_add(1, Ordering::Relaxed);
            block_on(ready(()));
            Poll::<()>::Pending
        });
        let _ = token.cancelled().until(nested).wait();
    });
    let polls = polls.load(Ordering::Relaxed);
    assert!(polls < 20, "polled {polls} times in 50 ms");
}

/// A listener in a select listens from the first poll on, also while other arms are looked at.
#[test]
fn a_listener_in_a_select_is_told_while_other_arms_are_polled() {
    let event = Event::new();
    let told = Cell::new(None);
    let polls = Cell::new(0);
    let other = poll_fn(|_| {
        polls.set(polls.get() + 1);
        if polls.get() == 2 {
            // Here as well as on another thread at this moment.
            told.set(Some(event.notify(1)));
        }
        Poll::<()>::Pending
    });
    let mut select = pin!(async {
        counterpoint_wait::select_async! {
            () = event.listen() => (),
            () = other => (),
        }
    });
    let count = Arc::new(Count(AtomicUsize::new(0)));
    let waker = Waker::from(count.clone());
    let mut cx = Context::from_waker(&waker);
    assert!(select.as_mut().poll(&mut cx).is_pending());
    assert_eq!(event.total_listeners(), 1);
    // A wake-up for the other arm.
    let polled = select.as_mut().poll(&mut cx);
    assert_eq!(told.get(), Some(1), "nobody listened");
    if polled.is_pending() {
        assert_eq!(count.0.load(Ordering::SeqCst), 1);
        assert!(select.as_mut().poll(&mut cx).is_ready());
    }
}

static BOMB: AtomicBool = AtomicBool::new(false);

/// A waker that panics once when dropped, if it was armed.
fn bomb() -> Waker {
    fn raw() -> RawWaker {
        RawWaker::new(std::ptr::null(), &TABLE)
    }
    static TABLE: RawWakerVTable = RawWakerVTable::new(
        |_| raw(),
        |_| (),
        |_| (),
        |_| {
            if BOMB.swap(false, Ordering::SeqCst) {
                panic!("a waker panics");
            }
        },
    );
    // SAFETY: the table ignores its data.
    unsafe { Waker::from_raw(raw()) }
}

/// Hands something to whoever waits, and counts what was given and not taken or given back.
struct Hands(WaitQueue<AtomicU32>);

struct Take<'h>(&'h Hands);

impl Hands {
    fn new() -> Hands {
        Hands(WaitQueue::new(AtomicU32::new(0)))
    }

    fn take(&self) -> Op<Take<'_>> {
        Op::new(Take(self), ())
    }

    fn given(&self) -> u32 {
        self.0.state().load(RELAXED)
    }

    fn give(&self) -> bool {
        let mut wakes = WakeBatch::new();
        let word = self.0.state();
        let take = |(): &mut (), _| {
            word.fetch_add(1, RELAXED);
            Pick::Take
        };
        let undo = |(): &mut ()| {
            word.fetch_sub(1, RELAXED);
        };
        self.0
            .lock()
            .grant(End::First, Grant::Result, &mut wakes, take, undo)
    }
}

// SAFETY: one queue, of what it borrows; no method moves the verb.
unsafe impl Verb for Take<'_> {
    type State = AtomicU32;
    type Payload = ();
    type Output = ();
    type Stoppable = ();

    const NAME: &'static str = "Hands::take";

    fn queue(&self) -> &WaitQueue<AtomicU32> {
        &self.0.0
    }

    fn attempt(&mut self, (): &mut (), _: Turn) -> Option<()> {
        None
    }

    fn prepare(&mut self, (): &mut (), _: Turn, _: &mut LockedQueue<'_, Self>) -> bool {
        false
    }

    fn collect(&mut self, (): &mut ()) {
        self.0.0.state().fetch_sub(1, RELAXED);
    }

    fn unclaimed(&mut self, (): &mut (), _: &mut LockedQueue<'_, Self>) {
        self.0.0.state().fetch_sub(1, RELAXED);
    }

    fn settle(&mut self, _: &mut LockedQueue<'_, Self>, _: &mut WakeBatch) -> bool {
        false
    }

    fn finish((): ()) {}

    fn stopped(&mut self, (): &mut (), _: Stop) {}
}

/// A waker that panics while the losers leave must not make the winner give back what it took.
#[test]
fn a_panicking_waker_does_not_make_a_winner_give_back_twice() {
    let (a, b) = (Hands::new(), Hands::new());
    let unwound = {
        let (mut first, mut second) = (pin!(arm(a.take())), pin!(arm(b.take())));
        let mut select = Select::biased();
        select.add(first.as_mut());
        select.add(second.as_mut());
        let mut wait = Box::pin(select.wait_async());
        let waker = bomb();
        let mut cx = Context::from_waker(&waker);
        assert!(wait.as_mut().poll(&mut cx).is_pending());
        assert!(a.give());
        BOMB.store(true, Ordering::SeqCst);
        let unwound = catch_unwind(AssertUnwindSafe(|| wait.as_mut().poll(&mut cx)));
        BOMB.store(false, Ordering::SeqCst);
        drop(wait);
        unwound
    };
    assert!(unwound.is_err(), "the waker was dropped elsewhere");
    assert_eq!(a.given(), 0);
}

/// A select that is leaked gives back what it was given, and nothing else.
#[test]
fn a_leaked_select_gives_back_what_was_given_only() {
    let (a, b) = (Hands::new(), Hands::new());
    {
        let (mut first, mut second) = (pin!(arm(a.take())), pin!(arm(b.take())));
        let mut select = Select::biased();
        select.add(first.as_mut());
        select.add(second.as_mut());
        let mut wait = Box::pin(select.wait_async());
        let mut cx = Context::from_waker(Waker::noop());
        assert!(wait.as_mut().poll(&mut cx).is_pending());
        leak(wait);
        assert!(a.give());
        assert!(!b.give()); // the other arm has won
    }
    assert_eq!((a.given(), b.given()), (0, 0));
}

/// Tags are dropped without the lock, also by an arm that is used again.
#[test]
fn a_spare_tag_is_dropped_without_the_lock() {
    #[derive(Clone)]
    struct Tag(Arc<Event<Tag>>);
    impl Drop for Tag {
        fn drop(&mut self) {
            self.0.total_listeners(); // takes the lock
        }
    }
    in_time(|| {
        let event: Arc<Event<Tag>> = Arc::new(Event::new());
        let mut listening = pin!(arm(event.listen()));
        for _ in 0..2 {
            let mut select = Select::new();
            select.add(listening.as_mut());
            let mut wait = Box::pin(select.wait_async());
            let mut cx = Context::from_waker(Waker::noop());
            if wait.as_mut().poll(&mut cx).is_ready() {
                break; // it kept what it was told
            }
            assert_eq!(event.notify_tagged(1, Tag(event.clone())), 1);
            drop(wait); // the arm gives up what it was told
        }
    });
}

/// A granter of many looks at each waiter once, and comes back where the batch is full.
#[test]
fn a_pass_over_the_queue_looks_at_each_once() {
    let hands = Hands::new();
    let mut waits: Vec<_> = (0..100).map(|_| Box::pin(hands.take())).collect();
    for wait in &mut waits {
        let polled = wait.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        assert!(polled.is_pending());
    }
    // Every second one, 32 in a batch.
    let word = hands.0.state();
    let (mut looks, mut batches, mut all) = (0, Vec::new(), false);
    while !all {
        let mut wakes = WakeBatch::new();
        let mut takes = false;
        let pick = |(): &mut (), candidate: Candidate| {
            assert!(!candidate.committed && !candidate.alone);
            looks += 1;
            takes = !takes;
            if !takes {
                return Pick::Skip;
            }
            word.fetch_add(1, RELAXED);
            Pick::Take
        };
        all = hands
            .0
            .lock()
            .grant_each(Grant::Result, &mut wakes, pick, |()| unreachable!());
        wakes.wake();
        batches.push((looks, hands.given()));
    }
    assert_eq!(batches, [(63, 32), (126, 64), (162, 82)]);
    let mut locked = hands.0.lock();
    let mut wakes = WakeBatch::new();
    let stops = locked.grant_each(Grant::Result, &mut wakes, |(), _| Pick::Stop, |()| ());
    assert!(stops);
    drop(locked);
    let ready = waits.iter_mut().filter_map(|wait| {
        let polled = wait.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        polled.is_ready().then_some(())
    });
    assert_eq!((ready.count(), hands.given()), (82, 0));
}

/// A payload that panics as it is dropped; what that panic carries does not.
struct Nested;

impl Drop for Nested {
    fn drop(&mut self) {
        panic!("so does its payload");
    }
}

struct PanicsTwice;

impl Wake for PanicsTwice {
    fn wake(self: Arc<Self>) {
        std::panic::panic_any(Nested);
    }
}

/// While a panic unwinds past a batch nothing else comes out of it, whatever its wakers throw.
#[test]
fn a_batch_dropped_by_a_panic_keeps_what_its_wakers_throw() {
    let count = Arc::new(Count(AtomicUsize::new(0)));
    let thrown = catch_unwind(AssertUnwindSafe(|| {
        let mut wakes = WakeBatch::new();
        wakes.push(Waker::from(Arc::new(PanicsTwice)));
        wakes.push(Waker::from(count.clone()));
        wakes.push(Waker::from(Arc::new(PanicsTwice)));
        std::panic::panic_any(7);
    }));
    assert_eq!(thrown.unwrap_err().downcast_ref(), Some(&7));
    assert_eq!(count.0.load(Ordering::SeqCst), 1);
}

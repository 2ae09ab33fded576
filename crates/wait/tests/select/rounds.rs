//! What a select does from one poll to the next: whom it wakes, and what a deadline in the past
//! leaves to its arms.

use crate::channel::Channel;
use counterpoint_wait::cancel::{CancelToken, Ctl};
use counterpoint_wait::event::Event;
use counterpoint_wait::op::{LockedQueue, Op, Stop, Turn, Verb};
use counterpoint_wait::queue::WaitQueue;
use counterpoint_wait::select::{Select, arm};
use counterpoint_wait::waker::WakeBatch;
use counterpoint_wait::{block_on, select, select_async, select_biased};
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicIsize, AtomicUsize, Ordering};
use std::task::{Context, Poll, RawWaker, RawWakerVTable, Wake, Waker};
use std::time::{Duration, Instant};

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

fn poll<F: Future>(future: Pin<&mut F>, by: &Arc<Count>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(&Waker::from(by.clone())))
}

/// Polls `select` by one task and then by another; `event` must wake the other one only.
fn wakes_the_last_only<F: Future>(mut select: Pin<&mut F>, event: impl FnOnce()) -> F::Output {
    let (first, last) = (Arc::new(Count::default()), Arc::new(Count::default()));
    for by in [&first, &last, &first, &last] {
        assert!(poll(select.as_mut(), by).is_pending());
    }
    assert_eq!(Arc::strong_count(&first), 1, "its waker was dropped");
    event();
    assert_eq!((first.wakes(), last.wakes()), (0, 1));
    match poll(select, &last) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("an arm has won"),
    }
}

#[test]
fn who_polled_last_is_woken_and_nobody_else() {
    let (a, b) = (Channel::new(1), Channel::new(1));
    let select = pin!(async {
        select_async! { recv(a) -> n => n, recv(b) -> n => n }
    });
    assert_eq!(wakes_the_last_only(select, || b.push(7)), 7);
    assert!(a.is_quiet() && b.is_quiet());
}

#[test]
fn who_polled_last_is_woken_by_arms_that_are_polled_too() {
    let (event, never): (Event, _) = (Event::new(), CancelToken::new());
    let select = pin!(async {
        select_async! {
            () = event.listen() => "told",
            stopped = event.listen().timeout(Duration::from_secs(60)) => {
                stopped.expect("long before the end");
                "told in time"
            }
            () = never.cancelled() => "cancelled",
            timeout(Duration::from_secs(60)) => "late",
        }
    });
    let told = wakes_the_last_only(select, || {
        never.cancel("the third");
    });
    assert_eq!(told, "cancelled");
    let select = pin!(async {
        select_async! {
            () = event.listen() => "told",
            timeout(Duration::from_secs(60)) => "late",
        }
    });
    let told = wakes_the_last_only(select, || {
        event.notify(1);
    });
    assert_eq!(told, "told");
}

#[test]
fn who_polled_last_is_woken_at_the_deadline() {
    let never = CancelToken::new();
    let (first, last) = (Arc::new(Count::default()), Arc::new(Count::default()));
    let mut select = pin!(async {
        select_async! {
            () = never.cancelled() => false,
            timeout(Duration::from_millis(50)) => true,
        }
    });
    assert!(poll(select.as_mut(), &first).is_pending());
    assert!(poll(select.as_mut(), &last).is_pending());
    while last.wakes() == 0 {
        std::thread::yield_now();
    }
    assert_eq!(first.wakes(), 0);
    assert_eq!(poll(select, &last), Poll::Ready(true));
}

/// A waker whose clones fail once there are none left.
struct Scarce {
    clones: AtomicIsize,
    wakes: AtomicUsize,
}

impl Scarce {
    fn waker(&'static self) -> Waker {
        let raw = RawWaker::new(std::ptr::from_ref(self).cast(), &Scarce::TABLE);
        // SAFETY: the data is a static, so nothing is counted, and any thread may use it.
        unsafe { Waker::from_raw(raw) }
    }

    const TABLE: RawWakerVTable =
        RawWakerVTable::new(Scarce::clone, Scarce::wake, Scarce::wake, |_| ());

    fn of(data: *const ()) -> &'static Scarce {
        // SAFETY: see `waker`.
        unsafe { &*data.cast::<Scarce>() }
    }

    fn clone(data: *const ()) -> RawWaker {
        assert!(
            Scarce::of(data).clones.fetch_sub(1, Ordering::SeqCst) > 0,
            "no clones left"
        );
        RawWaker::new(data, &Scarce::TABLE)
    }

    fn wake(data: *const ()) {
        Scarce::of(data).wakes.fetch_add(1, Ordering::SeqCst);
    }
}

#[test]
fn a_waker_that_was_cloned_for_some_arms_only_is_not_taken_for_that_of_all() {
    static SCARCE: Scarce = Scarce {
        clones: AtomicIsize::new(1),
        wakes: AtomicUsize::new(0),
    };
    let (a, b) = (CancelToken::new(), CancelToken::new());
    let (mut first, mut second) = (pin!(arm(a.cancelled())), pin!(arm(b.cancelled())));
    let mut select = Select::biased();
    select.add(first.as_mut());
    let second = select.add(second.as_mut());
    let mut wait = pin!(select.wait_async());
    let task = Arc::new(Count::default());
    let known = Waker::from(task.clone());
    let mut cx = Context::from_waker(&known);
    assert!(wait.as_mut().poll(&mut cx).is_pending());
    // Another waker panics where the second arm is registered: only the first has one now.
    let scarce = SCARCE.waker();
    let half = AssertUnwindSafe(|| wait.as_mut().poll(&mut Context::from_waker(&scarce)));
    assert!(catch_unwind(half).is_err());
    // Back with the first waker, which none of the arms has any more.
    assert!(wait.as_mut().poll(&mut cx).is_pending());
    b.cancel("the second");
    assert_eq!(task.wakes(), 1);
    assert_eq!(wait.as_mut().poll(&mut cx), Poll::Ready(second));
    a.cancel("the first");
    assert_eq!((task.wakes(), SCARCE.wakes.load(Ordering::SeqCst)), (1, 0));
}

/// Never ready, and counts how often it is tried and how often it is about to queue.
struct Tries {
    queue: WaitQueue<()>,
    attempts: AtomicUsize,
    queued: AtomicUsize,
}

impl Tries {
    fn new() -> Tries {
        Tries {
            queue: WaitQueue::new(()),
            attempts: AtomicUsize::new(0),
            queued: AtomicUsize::new(0),
        }
    }

    fn op(&self) -> Op<TriesVerb<'_>> {
        Op::new(TriesVerb(self), ())
    }

    fn told(&self) -> (usize, usize) {
        let attempts = self.attempts.swap(0, Ordering::SeqCst);
        (attempts, self.queued.swap(0, Ordering::SeqCst))
    }
}

struct TriesVerb<'t>(&'t Tries);

// SAFETY: one queue, that of the test's own primitive; no method moves the verb.
unsafe impl Verb for TriesVerb<'_> {
    type State = ();
    type Payload = ();
    type Output = ();
    type Stoppable = Result<(), Stop>;

    const NAME: &'static str = "Tries::op";
    const PURE: bool = true;

    fn queue(&self) -> &WaitQueue<()> {
        &self.0.queue
    }

    fn attempt(&mut self, (): &mut (), _: Turn) -> Option<()> {
        self.0.attempts.fetch_add(1, Ordering::SeqCst);
        None
    }

    fn prepare(&mut self, (): &mut (), _: Turn, _: &mut LockedQueue<'_, Self>) -> bool {
        self.0.queued.fetch_add(1, Ordering::SeqCst);
        false
    }

    fn collect(&mut self, (): &mut ()) {}

    fn unclaimed(&mut self, (): &mut (), _: &mut LockedQueue<'_, Self>) {}

    fn settle(&mut self, _: &mut LockedQueue<'_, Self>, _: &mut WakeBatch) -> bool {
        false
    }

    fn finish((): ()) -> Result<(), Stop> {
        Ok(())
    }

    fn stopped(&mut self, (): &mut (), why: Stop) -> Result<(), Stop> {
        Err(why)
    }
}

#[test]
fn w4_a_past_deadline_tries_each_arm_exactly_once() {
    let (a, b) = (Tries::new(), Tries::new());
    let past = Instant::now();
    let once = || assert_eq!([a.told(), b.told()], [(1, 0); 2]);
    select! { () = a.op() => unreachable!(), () = b.op() => unreachable!(), deadline(past) => {} }
    once();
    select_biased! {
        () = a.op() => unreachable!(),
        () = b.op() => unreachable!(),
        timeout(Duration::ZERO) => {}
    }
    once();
    select! { () = a.op() => unreachable!(), () = b.op() => unreachable!(), default => {} }
    once();
    block_on(async {
        select_async! {
            () = a.op() => unreachable!(),
            () = b.op() => unreachable!(),
            deadline(past) => {}
        }
    });
    once();
    let (mut first, mut second) = (pin!(arm(a.op())), pin!(arm(b.op())));
    let mut select = Select::new();
    select.add(first.as_mut());
    select.add(second.as_mut());
    assert_eq!(select.wait_deadline(past), None);
    once();
    assert_eq!(select.wait_timeout(Duration::ZERO), None);
    once();
}

#[test]
fn w4_a_bounded_operation_with_a_past_deadline_tries_exactly_once() {
    let tries = Tries::new();
    let past = Instant::now();
    let once = |result| {
        assert_eq!(result, Err(Stop::TimedOut));
        assert_eq!(tries.told(), (1, 0));
    };
    once(tries.op().timeout(Duration::ZERO).wait());
    once(tries.op().deadline(past).wait());
    once(tries.op().timeout(Duration::MAX).deadline(past).wait());
    once(block_on(tries.op().deadline(past)));
    let ctl = Ctl::new().deadline(past);
    once(tries.op().with(&ctl).wait());
    once(block_on(tries.op().with(&ctl)));
    // With time left it goes on to wait.
    let result = tries.op().timeout(Duration::from_millis(1)).wait();
    assert_eq!(result, Err(Stop::TimedOut));
    assert_eq!(tries.told().1, 1);
}

#[test]
fn w4_a_ready_arm_wins_over_a_past_deadline() {
    let (never, done) = (CancelToken::new(), CancelToken::new());
    done.cancel("ready");
    let line = Channel::new(1);
    let event: Event = Event::new();
    let past = Instant::now();
    for _ in 0..200 {
        let won = select! {
            () = never.cancelled() => false,
            () = done.cancelled() => true,
            deadline(past) => false,
        };
        assert!(won);
        line.push(1);
        let won = select! {
            () = never.cancelled() => 0,
            recv(line) -> n => n,
            deadline(past) => 0,
        };
        assert_eq!(won, 1);
        // One that is polled, and was told before.
        let mut told = pin!(event.listen());
        assert!(!told.as_mut().enable());
        event.notify(1);
        let won = select_biased! {
            () = never.cancelled() => false,
            () = told.as_mut() => true,
            timeout(Duration::ZERO) => false,
        };
        assert!(won);
        let mut first = pin!(arm(never.cancelled()));
        let mut second = pin!(arm(done.cancelled()));
        let mut select = Select::new();
        select.add(first.as_mut());
        let second = select.add(second.as_mut());
        assert_eq!(select.wait_deadline(past), Some(second));
    }
    assert!(line.is_quiet());
}

#[test]
fn an_arm_granted_while_the_thread_slept_wins_over_the_deadline_that_woke_it() {
    // The arm becomes ready without a wake-up, as if both came at the same moment.
    struct Late(Instant);
    impl Future for Late {
        type Output = ();
        fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
            match Instant::now() >= self.0 {
                true => Poll::Ready(()),
                false => Poll::Pending,
            }
        }
    }
    let never = CancelToken::new();
    for _ in 0..20 {
        let at = Instant::now() + Duration::from_millis(1);
        let won = select! {
            () = never.cancelled() => false,
            () = Late(at) => true,
            deadline(at) => false,
        };
        assert!(won);
    }
}

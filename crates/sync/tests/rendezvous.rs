//! Behaviour of the rendezvous of two.

#[path = "../../base/tests/leak/mod.rs"]
mod leak;

use counterpoint_sync::rendezvous::{
    Disconnected, Meeting, Rendezvous, RendezvousData, RendezvousError, TryRendezvousError,
};
use counterpoint_wait::cancel::{CancelToken, Ctl};
use counterpoint_wait::select::{Select, arm};
use counterpoint_wait::{block_on, select_biased};
use leak::leak;
use std::cell::Cell;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;
use std::time::{Duration, Instant};

const SHORT: Duration = Duration::from_millis(5);
const LONG: Duration = Duration::from_secs(30);

fn poll<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

/// The message of a panic of `f`.
fn message(f: impl FnOnce()) -> String {
    let payload = catch_unwind(AssertUnwindSafe(f)).expect_err("it panics");
    match payload.downcast::<String>() {
        Ok(text) => *text,
        Err(payload) => payload.downcast_ref::<&str>().unwrap().to_string(),
    }
}

#[test]
fn nobody_is_a_step_ahead() {
    let steps = [AtomicUsize::new(0), AtomicUsize::new(0)];
    let (mut a, mut b) = Rendezvous::new();
    let walk = |party: &mut Rendezvous, me: usize| {
        for step in 1..=2_000 {
            steps[me].store(step, Ordering::Relaxed);
            party.wait();
            let theirs = steps[1 - me].load(Ordering::Relaxed);
            assert!(theirs == step || theirs == step + 1, "{theirs} at {step}");
        }
    };
    thread::scope(|s| {
        s.spawn(|| walk(&mut a, 0));
        s.spawn(|| walk(&mut b, 1));
    });
}

#[test]
fn values_change_hands_by_pointer() {
    let (mut a, mut b) = RendezvousData::new([1u8; 4096], [2u8; 4096]);
    let first: *const _ = a.get_mut().unwrap();
    let second: *const _ = b.get_mut().unwrap();
    thread::scope(|s| {
        s.spawn(|| b.swap()[0] = 10);
        assert_eq!(a.swap()[0], 2);
    });
    assert_eq!(
        (
            a.get_mut().unwrap() as *const _,
            b.get_mut().unwrap() as *const _
        ),
        (second, first)
    );
    assert_eq!(b.into_inner().ok().unwrap()[0], 10);
}

#[test]
fn each_form_of_swap_yields_the_partners_value() {
    let (mut a, mut b) = RendezvousData::new(0, 100);
    let rounds = 10;
    thread::scope(|s| {
        s.spawn(|| {
            for _ in 0..rounds {
                *b.swap() += 1;
            }
        });
        let far = Instant::now() + LONG;
        *a.swap() += 1;
        *a.swap_checked().unwrap() += 1;
        *a.swap_timeout(LONG).unwrap() += 1;
        *a.swap_deadline(far).unwrap() += 1;
        *block_on(a.swap_async()).unwrap() += 1;
        *a.swap_async()
            .with(&Ctl::new().timeout(LONG))
            .wait()
            .unwrap() += 1;
        *a.swap_async()
            .until(std::future::pending::<()>())
            .wait()
            .unwrap() += 1;
        a.wait();
        *a.get_mut().unwrap() += 1;
        a.wait_async().wait().unwrap();
        *a.get_mut().unwrap() += 1;
        while a.try_wait() == Err(TryRendezvousError::WouldBlock) {
            thread::yield_now();
        }
        *a.get_mut().unwrap() += 1;
    });
    let sum = a.into_inner().ok().unwrap() + b.into_inner().ok().unwrap();
    assert_eq!(sum, 100 + 2 * rounds);
}

#[test]
fn a_timed_out_call_has_arrived_and_the_next_resumes_it() {
    let (mut a, mut b) = RendezvousData::new(1, 2);
    assert_eq!(
        a.wait_timeout(Duration::ZERO),
        Err(RendezvousError::TimedOut)
    );
    assert_eq!(a.swap_timeout(SHORT), Err(RendezvousError::TimedOut));
    assert_eq!(
        a.swap_deadline(Instant::now()),
        Err(RendezvousError::TimedOut)
    );
    assert_eq!(a.try_swap(), Err(TryRendezvousError::WouldBlock));
    assert_eq!(a.get_mut(), None);
    a = a.into_inner().expect_err("the value is offered");
    assert_eq!(b.try_swap(), Ok(&mut 1), "it has arrived");
    assert_eq!(a.get_mut(), None, "no call of its own has met yet");
    a = a.into_inner().expect_err("the same");
    assert_eq!(a.try_swap(), Ok(&mut 2));
    assert_eq!(
        b.try_swap(),
        Err(TryRendezvousError::WouldBlock),
        "one meeting, not two"
    );
}

#[test]
fn a_time_too_long_for_the_clock_never_comes() {
    let (mut a, mut b) = Rendezvous::new();
    thread::scope(|s| {
        s.spawn(|| {
            thread::sleep(SHORT);
            b.wait();
        });
        a.wait_timeout(Duration::MAX).unwrap();
    });
}

#[test]
fn a_timeout_is_kept() {
    let (mut a, _b) = Rendezvous::new();
    let start = Instant::now();
    let end = a.wait_timeout(Duration::from_millis(30));
    assert_eq!(end, Err(RendezvousError::TimedOut));
    assert!(start.elapsed() >= Duration::from_millis(30));
}

#[test]
fn a_dropped_future_has_arrived() {
    let (mut a, mut b) = RendezvousData::new(1, 2);
    {
        let mut swap = pin!(a.swap_async());
        assert!(poll(swap.as_mut()).is_pending());
    }
    assert_eq!(a.get_mut(), None);
    assert_eq!(b.try_swap(), Ok(&mut 1));
    assert_eq!(poll(pin!(a.swap_async())), Poll::Ready(Ok(&mut 2)));
}

#[test]
fn a_future_that_was_not_polled_has_not_arrived() {
    let (mut a, mut b) = Rendezvous::new();
    drop(a.wait_async());
    assert_eq!(b.try_wait(), Err(TryRendezvousError::WouldBlock));
}

#[test]
fn a_token_cancelled_before_prevents_the_arrival() {
    let (mut a, mut b) = RendezvousData::new(1, 2);
    let token = CancelToken::new();
    token.cancel("never");
    let ctl = Ctl::new().cancel(&token);
    let stopped = a.swap_async().with(&ctl).wait();
    assert_eq!(stopped, Err(RendezvousError::Cancelled));
    assert_eq!(a.get_mut(), Some(&mut 1));
    assert_eq!(b.try_swap(), Err(TryRendezvousError::WouldBlock));
}

#[test]
fn a_cancelled_call_has_arrived() {
    let (mut a, mut b) = Rendezvous::new();
    let token = CancelToken::new();
    thread::scope(|s| {
        s.spawn(|| {
            thread::sleep(SHORT);
            token.cancel("enough");
        });
        let ctl = Ctl::new().cancel(&token);
        assert_eq!(
            a.wait_async().with(&ctl).wait(),
            Err(RendezvousError::Cancelled)
        );
    });
    assert_eq!(b.try_wait(), Ok(()));
    assert_eq!(a.try_wait(), Ok(()));
}

#[test]
fn a_dropped_partner_is_an_error() {
    let (mut a, b) = RendezvousData::new("mine", "theirs");
    drop(b);
    assert_eq!(a.swap_checked(), Err(Disconnected));
    assert_eq!(a.try_swap(), Err(TryRendezvousError::Disconnected));
    assert_eq!(a.swap_timeout(LONG), Err(RendezvousError::Disconnected));
    assert_eq!(a.swap_async().wait(), Err(Disconnected));
    assert_eq!(a.wait_checked(), Err(Disconnected));
    assert_eq!(a.get_mut(), Some(&mut "mine"), "nobody can take it");
    assert_eq!(
        message(|| a.wait()),
        "counterpoint: RendezvousData::wait: the partner is gone"
    );
    assert_eq!(
        message(|| _ = a.swap()),
        "counterpoint: RendezvousData::swap: the partner is gone"
    );
    assert_eq!(a.into_inner().ok(), Some("mine"));
    let (mut a, b) = Rendezvous::new();
    drop(b);
    assert_eq!(a.wait_checked(), Err(Disconnected));
    assert_eq!(
        message(|| a.wait()),
        "counterpoint: Rendezvous::wait: the partner is gone"
    );
}

#[test]
fn a_sleeper_is_told_that_its_partner_is_gone() {
    let (mut a, b) = Rendezvous::new();
    thread::scope(|s| {
        s.spawn(|| {
            thread::sleep(Duration::from_millis(20));
            drop(b);
        });
        assert_eq!(a.wait_checked(), Err(Disconnected));
    });
}

#[test]
fn a_panicking_partner_is_gone() {
    let (mut a, mut b) = Rendezvous::new();
    thread::scope(|s| {
        let thread = s.spawn(move || {
            b.wait();
            std::panic::resume_unwind(Box::new("faulty"));
        });
        assert_eq!(a.wait_checked(), Ok(()));
        assert_eq!(a.wait_checked(), Err(Disconnected));
        assert!(thread.join().is_err());
    });
}

#[test]
fn the_last_arrival_before_the_drop_counts() {
    let (mut a, mut b) = RendezvousData::new(1, 2);
    assert!(b.try_swap().is_err());
    drop(b);
    assert_eq!(a.swap_checked(), Ok(&mut 2));
    assert_eq!(a.swap_checked(), Err(Disconnected));
    assert_eq!(a.into_inner().ok(), Some(2));
}

#[test]
fn an_arm_that_lost_has_arrived() {
    let (mut a, mut b) = Rendezvous::new();
    let won = select_biased! {
        _met = a.wait_async() => "met",
        timeout(SHORT) => "late",
    };
    assert_eq!(won, "late");
    assert_eq!(b.try_wait(), Ok(()));
    let won = select_biased! {
        met = a.wait_async() => { met.unwrap(); "met" }
        default => "nobody",
    };
    assert_eq!(won, "met");
}

#[test]
fn two_meetings_in_one_select() {
    let ((mut a, mut b), (mut c, mut d)) = (Rendezvous::new(), Rendezvous::new());
    thread::scope(|s| {
        s.spawn(|| {
            thread::sleep(SHORT);
            d.wait();
            thread::sleep(SHORT);
            b.wait();
        });
        let mut met = [false; 2];
        while met != [true; 2] {
            let (mut first, mut second) = (pin!(arm(a.wait_async())), pin!(arm(c.wait_async())));
            let mut select = Select::new();
            if !met[0] {
                select.add(first.as_mut());
            }
            if !met[1] {
                select.add(second.as_mut());
            }
            let won = select.wait();
            let which = if met[0] { 1 } else { won };
            met[which] = true;
        }
    });
}

#[test]
fn both_may_be_tasks_of_one_thread() {
    let (mut a, mut b) = RendezvousData::new(0, 0);
    let mut first = pin!(async {
        for round in 0..10 {
            *a.swap_async().await.unwrap() = round;
        }
    });
    let mut second = pin!(async {
        for _ in 0..10 {
            *b.swap_async().await.unwrap() += 1;
        }
    });
    let (mut done, mut polls) = ((false, false), 0);
    while done != (true, true) {
        done.0 = done.0 || poll(first.as_mut()).is_ready();
        done.1 = done.1 || poll(second.as_mut()).is_ready();
        polls += 1;
        assert!(polls < 100);
    }
}

#[derive(Default)]
struct Count(AtomicUsize);

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

#[test]
fn a_leaked_future_keeps_nobody_from_waking() {
    let (mut a, mut b) = Rendezvous::new();
    let mut leaked = Box::pin(a.wait_async());
    assert!(poll(leaked.as_mut()).is_pending());
    leak(leaked);
    let mut leaked = Box::pin(a.wait_async());
    assert!(poll(leaked.as_mut()).is_pending());
    leak(leaked);
    // The nodes of `a` are still in the queue, before that of `b` in the next meeting.
    assert_eq!(b.try_wait(), Ok(()));
    assert_eq!(a.try_wait(), Ok(()));
    let count = Arc::new(Count::default());
    let waker = Waker::from(count.clone());
    let mut waits = pin!(b.wait_async());
    assert!(
        waits
            .as_mut()
            .poll(&mut Context::from_waker(&waker))
            .is_pending()
    );
    assert_eq!(a.try_wait(), Ok(()));
    assert_eq!(count.0.load(Ordering::SeqCst), 1);
    assert_eq!(poll(waits), Poll::Ready(Ok(())));
}

/// A waker that panics.
struct Panics;

impl Wake for Panics {
    fn wake(self: Arc<Self>) {
        panic!("a waker panics");
    }
}

#[test]
fn a_panicking_waker_leaves_a_meeting_that_was_met() {
    let (mut a, mut b) = RendezvousData::new(1, 2);
    let waker = Waker::from(Arc::new(Panics));
    let mut waits = Box::pin(b.swap_async());
    assert!(
        waits
            .as_mut()
            .poll(&mut Context::from_waker(&waker))
            .is_pending()
    );
    assert!(catch_unwind(AssertUnwindSafe(|| a.wait())).is_err());
    assert_eq!(a.get_mut(), Some(&mut 2));
    assert_eq!(poll(waits.as_mut()), Poll::Ready(Ok(&mut 1)));
}

fn poll_with_panic<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    let waker = Waker::from(Arc::new(Panics));
    future.poll(&mut Context::from_waker(&waker))
}

#[test]
fn an_operation_whose_partners_waker_panicked_yields_that_meeting() {
    let (mut a, mut b) = Rendezvous::new();
    let mut theirs = Box::pin(b.wait_async());
    assert!(poll_with_panic(theirs.as_mut()).is_pending());
    let mut mine = Box::pin(a.wait_async());
    assert!(catch_unwind(AssertUnwindSafe(|| poll(mine.as_mut()))).is_err());
    assert_eq!(poll(mine.as_mut()), Poll::Ready(Ok(())));
    assert_eq!(poll(theirs.as_mut()), Poll::Ready(Ok(())));
    drop((mine, theirs));
    // Nobody has arrived for the next one.
    assert_eq!(b.try_wait(), Err(TryRendezvousError::WouldBlock));
}

struct Dropped<'c>(&'c AtomicUsize);

impl Drop for Dropped<'_> {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

#[test]
fn a_value_is_dropped_once_with_who_holds_it() {
    let (first, second) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let drops = || (first.load(Ordering::SeqCst), second.load(Ordering::SeqCst));
    let new = || RendezvousData::new(Dropped(&first), Dropped(&second));
    // Not met: each its own.
    let (a, b) = new();
    drop(a);
    assert_eq!(drops(), (1, 0));
    drop(b);
    assert_eq!(drops(), (1, 1));
    // Met: each the other's, also if one has not looked.
    let (mut a, mut b) = new();
    assert!(a.try_wait().is_err());
    b.wait();
    drop(a);
    assert_eq!(drops(), (1, 2));
    drop(b);
    assert_eq!(drops(), (2, 2));
    // Offered in vain: with the last of both.
    let (mut a, b) = new();
    assert!(a.try_wait().is_err());
    drop(a);
    assert_eq!(drops(), (2, 2));
    drop(b);
    assert_eq!(drops(), (3, 3));
    // Taken out: by who took it.
    let (a, b) = new();
    let value = a.into_inner().ok().unwrap();
    drop(b);
    assert_eq!(drops(), (3, 4));
    drop(value);
    assert_eq!(drops(), (4, 4));
}

/// Panics when it is dropped.
struct Bomb(bool);

impl Drop for Bomb {
    fn drop(&mut self) {
        if self.0 {
            panic!("a value panics in drop");
        }
    }
}

#[test]
fn a_value_that_panics_in_drop_hides_nobodys_end() {
    let (mut a, b) = RendezvousData::new(Bomb(false), Bomb(true));
    assert!(catch_unwind(AssertUnwindSafe(|| drop(b))).is_err());
    assert!(a.swap_checked().is_err());
}

#[test]
fn a_partners_waker_that_panics_leaves_no_value_behind() {
    for into_inner in [false, true] {
        let (mine, theirs) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let (a, mut b) = RendezvousData::new(Dropped(&mine), Dropped(&theirs));
        let mut waits = Box::pin(b.wait_async());
        assert!(poll_with_panic(waits.as_mut()).is_pending());
        let gone = catch_unwind(AssertUnwindSafe(|| match into_inner {
            true => drop(a.into_inner()),
            false => drop(a),
        }));
        assert!(gone.is_err());
        assert_eq!(mine.load(Ordering::SeqCst), 1);
        assert_eq!(poll(waits.as_mut()), Poll::Ready(Err(Disconnected)));
        drop(waits);
        assert_eq!(theirs.load(Ordering::SeqCst), 0);
    }
}

#[test]
fn values_need_not_be_sync() {
    fn send<T: Send>(_: &T) {}
    let (a, _b) = RendezvousData::new(Cell::new(1), Cell::new(2));
    send(&a);
}

#[test]
fn a_meeting_can_be_split_again() {
    let mut meeting = Meeting::new(1, 2);
    for _ in 0..3 {
        let (mut a, mut b) = meeting.split();
        thread::scope(|s| {
            s.spawn(|| *b.swap() += 10);
            *a.swap() += 10;
        });
        drop(b);
        assert_eq!(a.swap_checked(), Err(Disconnected));
        assert!(a.get_mut().is_some());
    }
    assert_eq!(meeting.into_inner(), (31, 32));
}

#[test]
fn debug_shows_no_value_and_never_waits() {
    let (a, _b) = RendezvousData::new("secret", "secret");
    assert_eq!(format!("{a:?}"), "RendezvousData { arrived: false, .. }");
    let (mut a, _b) = Rendezvous::new();
    let _ = a.try_wait();
    assert_eq!(format!("{a:?}"), "Rendezvous { arrived: true, .. }");
}

//! Timers for tasks under the thread that drives them by default.

use counterpoint_wait::parker::{Parker, UnparkReason};
use counterpoint_wait::timer::{SleepUntil, TimerNode, fire, sleep, sleep_until};
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, Instant};

const LONG: Duration = Duration::from_secs(30);

fn millis(count: u64) -> Duration {
    Duration::from_millis(count)
}

/// Writes down who was woken and when, and says so to the test.
struct Note {
    which: usize,
    book: Arc<Mutex<Vec<(usize, Instant)>>>,
    done: Waker,
}

impl Wake for Note {
    fn wake(self: Arc<Note>) {
        self.book.lock().unwrap().push((self.which, Instant::now()));
        self.done.wake_by_ref();
    }
}

/// A test's thread and what was written down.
struct Desk {
    parker: Parker,
    book: Arc<Mutex<Vec<(usize, Instant)>>>,
}

impl Desk {
    fn new() -> Desk {
        Desk {
            parker: Parker::new(),
            book: Arc::default(),
        }
    }

    fn note(&self, which: usize) -> Arc<Note> {
        let done = Waker::from(self.parker.unparker().clone());
        Arc::new(Note {
            which,
            book: self.book.clone(),
            done,
        })
    }

    fn waker(&self, which: usize) -> Waker {
        self.note(which).into()
    }

    /// Waits until so many were woken.
    fn wait_for(&self, count: usize) -> Vec<(usize, Instant)> {
        loop {
            let book = self.book.lock().unwrap().clone();
            if book.len() >= count {
                return book;
            }
            let reason = self.parker.park_timeout(LONG);
            assert_eq!(
                reason,
                UnparkReason::Unparked,
                "{} of {count} woken",
                book.len()
            );
        }
    }
}

/// Runs a test again with more and more time to arm its timers, as long as it says, by `None`,
/// that the machine was too slow and they were due before that.
fn patiently(test: impl Fn(Duration) -> Option<()>) {
    let mut margin = millis(20);
    while test(margin).is_none() {
        margin *= 4;
        assert!(margin < LONG, "timers are due before they can be armed");
    }
}

/// For [`patiently`].
fn in_time(armed: bool) -> Option<()> {
    armed.then_some(())
}

fn arm(node: &mut Pin<Box<TimerNode>>, deadline: Instant, waker: &Waker) -> bool {
    node.as_mut()
        .poll(deadline, &mut Context::from_waker(waker))
        .is_pending()
}

fn nodes(count: usize) -> Vec<Pin<Box<TimerNode>>> {
    (0..count).map(|_| Box::pin(TimerNode::new())).collect()
}

/// A permutation that looks like none.
fn shuffled(index: usize, count: usize) -> usize {
    (index * 7919 + 31) % count
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

#[test]
fn past_deadline_is_ready_at_once() {
    let mut node = Box::pin(TimerNode::new());
    let desk = Desk::new();
    assert!(!arm(&mut node, Instant::now(), &desk.waker(0)));
    assert!(!arm(&mut node, Instant::now(), &desk.waker(0)));
    assert!(desk.book.lock().unwrap().is_empty());
}

#[test]
fn wakes_in_the_order_of_deadlines() {
    const COUNT: usize = 200;
    let desk = Desk::new();
    let mut nodes = nodes(COUNT);
    let start = Instant::now() + millis(30);
    for index in 0..COUNT {
        let which = shuffled(index, COUNT);
        let deadline = start + Duration::from_micros(50 * which as u64);
        assert!(arm(&mut nodes[which], deadline, &desk.waker(which)));
    }
    let book = desk.wait_for(COUNT);
    for (place, &(which, when)) in book.iter().enumerate() {
        assert_eq!(which, place);
        assert!(
            when >= start + Duration::from_micros(50 * which as u64),
            "woken early"
        );
    }
}

#[test]
fn ten_thousand_timers_wake_each_once() {
    const COUNT: usize = 10_000;
    let desk = Desk::new();
    let mut nodes = nodes(COUNT);
    let start = Instant::now() + millis(10);
    let deadline = |which: usize| start + Duration::from_micros(5 * which as u64);
    for index in 0..COUNT {
        let which = shuffled(index, COUNT);
        if !arm(&mut nodes[which], deadline(which), &desk.waker(which)) {
            desk.waker(which).wake(); // so slow a machine that it was due
        }
    }
    let mut book = desk.wait_for(COUNT);
    std::thread::sleep(millis(20));
    assert_eq!(
        desk.book.lock().unwrap().len(),
        COUNT,
        "somebody was woken twice"
    );
    book.sort_unstable();
    for (place, &(which, when)) in book.iter().enumerate() {
        assert_eq!(which, place);
        assert!(when >= deadline(which), "woken early");
    }
}

#[test]
fn dropped_and_disarmed_timers_wake_nobody() {
    const COUNT: usize = 600;
    patiently(|margin| {
        let desk = Desk::new();
        let mut armed = nodes(COUNT);
        let start = Instant::now() + margin;
        for (which, node) in armed.iter_mut().enumerate() {
            let deadline = start + Duration::from_micros(shuffled(which, COUNT) as u64);
            arm(node, deadline, &desk.waker(which));
        }
        let mut kept = Vec::new();
        for (which, mut node) in armed.into_iter().enumerate() {
            match which % 3 {
                0 => drop(node),
                1 => {
                    node.as_mut().disarm();
                    kept.push(node);
                }
                _ => kept.push(node),
            }
        }
        in_time(Instant::now() < start)?;
        let book = desk.wait_for(COUNT / 3);
        std::thread::sleep(millis(20));
        assert_eq!(desk.book.lock().unwrap().len(), COUNT / 3);
        assert!(book.iter().all(|(which, _)| which % 3 == 2));
        Some(())
    });
}

#[test]
fn waker_is_dropped_with_the_timer() {
    let desk = Desk::new();
    let note = desk.note(0);
    let mut node = Box::pin(TimerNode::new());
    let deadline = Instant::now() + LONG;
    assert!(arm(&mut node, deadline, &note.clone().into()));
    assert_eq!(Arc::strong_count(&note), 2);
    node.as_mut().disarm();
    assert_eq!(Arc::strong_count(&note), 1);
    assert!(arm(&mut node, deadline, &note.clone().into()));
    assert!(arm(&mut node, deadline, &desk.waker(1)));
    assert_eq!(Arc::strong_count(&note), 1, "the waker before is kept");
    assert!(arm(&mut node, deadline, &note.clone().into()));
    drop(node);
    assert_eq!(Arc::strong_count(&note), 1);
}

#[test]
fn repoll_with_another_waker_wakes_that_one() {
    patiently(|margin| {
        let desk = Desk::new();
        let mut node = Box::pin(TimerNode::new());
        let deadline = Instant::now() + margin;
        arm(&mut node, deadline, &desk.waker(1));
        in_time(arm(&mut node, deadline, &desk.waker(2)))?;
        assert_eq!(desk.wait_for(1)[0].0, 2);
        assert!(!arm(&mut node, deadline, &desk.waker(3)));
        assert_eq!(desk.book.lock().unwrap().len(), 1);
        Some(())
    });
}

#[test]
fn deadline_may_move_both_ways() {
    patiently(|margin| {
        let desk = Desk::new();
        let mut node = Box::pin(TimerNode::new());
        let waker = desk.waker(0);
        assert!(arm(&mut node, Instant::now() + LONG, &waker));
        let sooner = Instant::now() + margin;
        in_time(arm(&mut node, sooner, &waker))?;
        assert!(desk.wait_for(1)[0].1 >= sooner);

        let first = Instant::now() + margin;
        in_time(arm(&mut node, first, &waker))?;
        let later = first + margin;
        in_time(arm(&mut node, later, &waker))?;
        in_time(Instant::now() < first)?;
        assert!(desk.wait_for(2)[1].1 >= later);
        Some(())
    });
}

#[test]
fn panicking_waker_loses_no_timer() {
    struct Panics;
    impl Wake for Panics {
        fn wake(self: Arc<Panics>) {
            panic!("the waker's own");
        }
    }
    let desk = Desk::new();
    let mut nodes = nodes(100);
    let deadline = Instant::now() + millis(20);
    for (which, node) in nodes.iter_mut().enumerate() {
        let waker = if which % 10 == 0 {
            Arc::new(Panics).into()
        } else {
            desk.waker(which)
        };
        assert!(arm(node, deadline, &waker));
    }
    desk.wait_for(90);
    // And the thread still drives.
    assert!(arm(
        &mut nodes[0],
        Instant::now() + millis(10),
        &desk.waker(0)
    ));
    desk.wait_for(91);
}

#[test]
fn waker_may_use_timers_itself() {
    struct Rearms {
        inner: Mutex<Option<Pin<Box<TimerNode>>>>,
        next: Waker,
    }
    impl Wake for Rearms {
        fn wake(self: Arc<Rearms>) {
            let mut inner = self.inner.lock().unwrap();
            let mut fresh = Box::pin(TimerNode::new());
            if !arm(&mut fresh, Instant::now() + millis(5), &self.next) {
                self.next.wake_by_ref();
            }
            // Drops one that is armed.
            assert!(inner.replace(fresh).is_some());
        }
    }
    let desk = Desk::new();
    let mut armed = Box::pin(TimerNode::new());
    assert!(arm(&mut armed, Instant::now() + LONG, &desk.waker(1)));
    let rearms = Arc::new(Rearms {
        inner: Mutex::new(Some(armed)),
        next: desk.waker(2),
    });
    let mut node = Box::pin(TimerNode::new());
    assert!(arm(
        &mut node,
        Instant::now() + millis(5),
        &rearms.clone().into()
    ));
    assert_eq!(desk.wait_for(1)[0].0, 2);
}

#[test]
fn anybody_may_fire() {
    let desk = Desk::new();
    let mut nodes = nodes(3);
    let start = Instant::now() + LONG * 10;
    for (which, node) in nodes.iter_mut().enumerate() {
        assert!(arm(node, start + millis(which as u64), &desk.waker(which)));
    }
    let next = fire(Instant::now()).unwrap();
    assert!(next <= start);
    drop(nodes);
    // The thread still drives.
    block_on(sleep(millis(10)));
    assert!(desk.book.lock().unwrap().is_empty());
}

#[test]
fn threads_arm_and_drop_at_once() {
    let threads: Vec<_> = (0..4)
        .map(|seed| {
            std::thread::spawn(move || {
                let desk = Desk::new();
                for round in 0..2_000_u64 {
                    let mut node = Box::pin(TimerNode::new());
                    let waker = desk.waker(round as usize);
                    let micros = (round * 37 + seed * 11) % 300;
                    let deadline = Instant::now() + Duration::from_micros(micros);
                    if arm(&mut node, deadline, &waker) && round % 8 == 0 {
                        while !desk
                            .book
                            .lock()
                            .unwrap()
                            .iter()
                            .any(|n| n.0 == round as usize)
                        {
                            let reason = desk.parker.park_timeout(LONG);
                            assert_eq!(reason, UnparkReason::Unparked, "round {round}");
                        }
                    }
                }
            })
        })
        .collect();
    for thread in threads {
        thread.join().unwrap();
    }
}

#[test]
fn sleep_ends_after_its_time() {
    let start = Instant::now();
    block_on(sleep(millis(20)));
    assert!(start.elapsed() >= millis(20));
    let deadline = Instant::now() + millis(20);
    block_on(sleep_until(deadline));
    assert!(Instant::now() >= deadline);
    sleep(millis(20)).wait();
    assert!(Instant::now() >= deadline + millis(20));
    block_on(sleep(Duration::ZERO));
    sleep_until(start).wait();
}

#[test]
fn sleep_too_long_for_the_clock_never_ends() {
    let mut never = pin!(sleep(Duration::MAX));
    assert_eq!(never.deadline(), None);
    assert!(
        never
            .as_mut()
            .poll(&mut Context::from_waker(Waker::noop()))
            .is_pending()
    );
    assert!(!never.is_terminated());
}

#[test]
fn sleep_takes_no_token() {
    let parker = Parker::new();
    parker.unparker().unpark();
    std::thread::current().unpark();
    let start = Instant::now();
    sleep(millis(20)).wait();
    assert!(start.elapsed() >= millis(20));
    assert_eq!(parker.park_timeout(Duration::ZERO), UnparkReason::Unparked);
    std::thread::park_timeout(LONG);
    assert!(start.elapsed() < LONG);
}

#[test]
fn sleep_polled_after_completion_panics() {
    let mut done = pin!(sleep(Duration::ZERO));
    let mut cx = Context::from_waker(Waker::noop());
    assert!(done.as_mut().poll(&mut cx).is_ready());
    assert!(done.is_terminated());
    let again = catch_unwind(AssertUnwindSafe(|| done.as_mut().poll(&mut cx)));
    let message = *again.unwrap_err().downcast::<&str>().unwrap();
    assert!(message.contains("SleepUntil"), "{message}");
}

#[test]
fn ten_thousand_sleeping_tasks() {
    struct Task {
        sleep: Mutex<Pin<Box<SleepUntil>>>,
        left: Arc<AtomicUsize>,
        done: Waker,
    }
    impl Wake for Task {
        fn wake(self: Arc<Task>) {
            let waker = Waker::from(self.clone());
            let mut sleep = self.sleep.lock().unwrap();
            let polled = sleep.as_mut().poll(&mut Context::from_waker(&waker));
            if polled.is_ready() && self.left.fetch_sub(1, Ordering::SeqCst) == 1 {
                self.done.wake_by_ref();
            }
        }
    }
    let parker = Parker::new();
    let left = Arc::new(AtomicUsize::new(10_000));
    let deadline = Instant::now() + millis(30);
    for index in 0..10_000 {
        let sleep = sleep_until(deadline + Duration::from_micros(index % 1_000));
        let sleep = Mutex::new(Box::pin(sleep));
        let done = Waker::from(parker.unparker().clone());
        Arc::new(Task {
            sleep,
            left: left.clone(),
            done,
        })
        .wake();
    }
    while left.load(Ordering::SeqCst) > 0 {
        assert_eq!(parker.park_timeout(LONG), UnparkReason::Unparked);
    }
}

#[cfg(target_os = "linux")]
#[test]
fn one_thread_of_that_name_drives() {
    block_on(sleep(millis(5)));
    let threads = std::fs::read_dir("/proc/self/task")
        .unwrap()
        .filter(|thread| {
            let name = thread.as_ref().unwrap().path().join("comm");
            // The kernel keeps fifteen letters.
            std::fs::read_to_string(name).is_ok_and(|name| name.starts_with("counterpoint-ti"))
        });
    assert_eq!(threads.count(), 1);
}

#[test]
fn auto_traits() {
    fn shared<T: Send + Sync>() {}
    shared::<TimerNode>();
    shared::<SleepUntil>();

    trait NotUnpin<Marker> {
        fn holds() {}
    }
    struct Ambiguous;
    impl<T> NotUnpin<()> for T {}
    impl<T: Unpin> NotUnpin<Ambiguous> for T {}
    // Would not compile if they were `Unpin`.
    <TimerNode as NotUnpin<_>>::holds();
    <SleepUntil as NotUnpin<_>>::holds();
}

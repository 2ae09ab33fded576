//! The latch, form by form.

mod task;

use counterpoint_sync::Latch;
use counterpoint_wait::cancel::{CancelToken, Ctl};
use counterpoint_wait::{Stop, block_on, select};
use std::future::{Future, ready};
use std::panic::{self, AssertUnwindSafe};
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread;
use std::time::{Duration, Instant};
use task::Task;

const SHORT: Duration = Duration::from_millis(2);
const LONG: Duration = Duration::from_secs(600);

fn panics<R>(f: impl FnOnce() -> R) -> bool {
    panic::catch_unwind(AssertUnwindSafe(f)).is_err()
}

#[test]
fn it_opens_for_good_when_enough_was_counted() {
    let latch = Latch::new(3);
    assert_eq!(latch.wait_timeout(SHORT), Err(Stop::TimedOut));
    assert_eq!(latch.wait_deadline(Instant::now()), Err(Stop::TimedOut));
    let mut waits = [(); 70].map(|()| Task::queued(latch.wait_async()));
    assert!(!latch.count_down() && !latch.count_down_by(0) && !latch.is_open());
    assert_eq!((latch.count(), waits[0].woken()), (2, 0));
    assert!(latch.count_down_by(5) && !latch.count_down());
    for wait in &mut waits {
        assert_eq!(wait.woken(), 1);
        wait.ready();
    }
    latch.wait();
    block_on(latch.wait_async());
    assert_eq!(latch.wait_timeout(Duration::ZERO), Ok(()));
    assert_eq!(latch.wait_deadline(Instant::now()), Ok(()));
    latch.arrive_and_wait();
    assert!(latch.try_wait() && latch.count() == 0);
    assert!(Latch::new(0).is_open() && panics(|| Latch::new(usize::MAX)));
    assert_eq!(format!("{:?}", Latch::new(1)), "Latch { count: 1, .. }");
}

#[test]
fn who_arrives_counts_at_its_first_poll_and_for_good() {
    let latch = Latch::new(3);
    drop(latch.arrive_and_wait_async());
    assert_eq!(latch.count(), 3);
    drop(Task::queued(latch.arrive_and_wait_async()));
    let late = latch.arrive_and_wait_async().timeout(SHORT).wait();
    assert_eq!((late, latch.count()), (Err(Stop::TimedOut), 1));
    let token = CancelToken::new();
    token.cancel("before");
    let ctl = Ctl::new().cancel(&token);
    let stopped = latch.arrive_and_wait_async().with(&ctl).wait();
    assert_eq!((stopped, latch.count()), (Err(Stop::Cancelled), 1));
    let stopped = block_on(latch.wait_async().until(ready(())));
    assert_eq!(stopped, Err(Stop::Cancelled));
    // The last one goes through at once, and only once.
    let mut last = Box::pin(latch.arrive_and_wait_async().timeout(LONG));
    let mut cx = Context::from_waker(Waker::noop());
    assert_eq!(last.as_mut().poll(&mut cx), Poll::Ready(Ok(())));
    assert!(last.is_terminated());
}

#[test]
fn it_is_an_arm() {
    let (one, two) = (Latch::new(1), Latch::new(1));
    two.count_down();
    select! {
        () = one.wait_async() => panic!("it is closed"),
        () = two.wait_async() => {}
    }
    let mut select = Task::queued(async {
        counterpoint_wait::select_async! { () = one.wait_async() => 1 }
    });
    one.count_down();
    assert_eq!(select.ready(), 1);
}

#[test]
fn a_panicking_waker_stops_nobody() {
    struct Bomb;
    impl Wake for Bomb {
        fn wake(self: Arc<Bomb>) {
            panic!("a waker panics");
        }
    }
    let latch = Latch::new(1);
    let bomb = Waker::from(Arc::new(Bomb));
    let mut first = Box::pin(latch.wait_async());
    let pending = first.as_mut().poll(&mut Context::from_waker(&bomb));
    assert!(pending.is_pending());
    let mut others: Vec<_> = (0..70).map(|_| Task::queued(latch.wait_async())).collect();
    assert!(panics(|| latch.count_down()) && latch.is_open());
    others.iter_mut().for_each(|other| other.ready());
    let mut cx = Context::from_waker(Waker::noop());
    assert!(first.as_mut().poll(&mut cx).is_ready());
}

#[test]
fn threads_and_tasks_go_together() {
    for _ in 0..200 {
        let latch = Latch::new(4);
        thread::scope(|scope| {
            for number in 0..4 {
                let latch = &latch;
                scope.spawn(move || match number {
                    0 => block_on(latch.arrive_and_wait_async()),
                    1 => {
                        latch.count_down();
                    }
                    _ => latch.arrive_and_wait(),
                });
            }
            latch.wait();
            assert_eq!(latch.count(), 0);
        });
    }
}

//! Interleavings that once lost something, each played by hand.

use counterpoint_sync::{Mutex, MutexGuard, Notify, Semaphore};
use counterpoint_wait::select::{Select, arm};
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, RawWaker, RawWakerVTable, Wake, Waker};
use std::thread;
use std::time::{Duration, Instant};

const MANY: usize = 40;

#[derive(Default)]
struct Count(AtomicUsize);

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

struct Task<F> {
    future: Pin<Box<F>>,
    count: Arc<Count>,
}

impl<F: Future> Task<F> {
    fn new(future: F) -> Task<F> {
        Task {
            future: Box::pin(future),
            count: Arc::default(),
        }
    }

    fn poll(&mut self) -> Poll<F::Output> {
        let waker = Waker::from(self.count.clone());
        self.future.as_mut().poll(&mut Context::from_waker(&waker))
    }

    fn woken(&self) -> usize {
        self.count.0.load(Ordering::SeqCst)
    }
}

/// A broadcast is under way, in batches; a notification for one that is given after its first
/// wake-up is for those that the broadcast does not reach.
#[test]
fn a_notification_during_a_broadcast_is_for_others() {
    static NOTIFY: Notify = Notify::new();
    struct Teller(AtomicBool);
    impl Wake for Teller {
        fn wake(self: Arc<Self>) {
            if !self.0.swap(true, Ordering::SeqCst) {
                NOTIFY.notify_one();
            }
        }
    }
    let teller = Waker::from(Arc::new(Teller(AtomicBool::new(false))));
    let mut all: Vec<_> = (0..MANY).map(|_| Box::pin(NOTIFY.notified())).collect();
    for one in &mut all {
        assert!(
            one.as_mut()
                .poll(&mut Context::from_waker(&teller))
                .is_pending()
        );
    }
    NOTIFY.notify_all();
    for one in &mut all {
        assert!(
            one.as_mut()
                .poll(&mut Context::from_waker(&teller))
                .is_ready()
        );
    }
    let mut late = Task::new(NOTIFY.notified());
    assert!(
        late.poll().is_ready(),
        "a broadcast swallowed a notification"
    );
}

/// Who was woken to look at a reservation leaves: the next one must look instead.
#[test]
fn who_looks_at_a_reservation_may_leave() {
    let mutex = Mutex::fair(());
    let held = mutex.lock();
    let mut dormant = Task::new(mutex.lock_async());
    let mut looks = Task::new(mutex.lock_async());
    let mut next = Task::new(mutex.lock_async());
    assert!(dormant.poll().is_pending());
    assert!(looks.poll().is_pending());
    assert!(next.poll().is_pending());
    drop(held);
    assert_eq!((looks.woken(), next.woken()), (1, 0));
    drop(looks);
    let end = Instant::now() + Duration::from_secs(1);
    let mut seen = 0;
    while Instant::now() < end {
        if next.woken() > seen {
            seen = next.woken();
            if next.poll().is_ready() {
                return;
            }
        }
        thread::sleep(Duration::from_millis(1));
    }
    panic!("nobody looks at the reservation ({seen} wake-ups)");
}

/// Two that were granted and lost queue again in the order in which they came.
#[test]
fn losers_of_a_strict_semaphore_keep_their_order() {
    let semaphore = Semaphore::fair(0);
    let mut first = Task::new(semaphore.acquire_async());
    assert!(first.poll().is_pending());
    semaphore.add_permits(1);
    let mut second = Task::new(semaphore.acquire_async());
    assert!(second.poll().is_pending());
    semaphore.add_permits(1);
    assert_eq!((first.woken(), second.woken()), (1, 1));
    assert_eq!(semaphore.forget_permits(2), 2);
    assert!(first.poll().is_pending());
    assert!(second.poll().is_pending());
    semaphore.add_permits(1);
    assert_eq!(
        (first.woken(), second.woken()),
        (2, 1),
        "the second overtook"
    );
}

/// Merged permits may be more than a semaphore can hold at once.
#[test]
#[should_panic(expected = "more than MAX_PERMITS")]
fn merged_permits_overflow_with_a_message() {
    let semaphore = Semaphore::new(Semaphore::MAX_PERMITS);
    let mut all = semaphore.acquire_many(Semaphore::MAX_PERMITS).unwrap();
    semaphore.add_permits(Semaphore::MAX_PERMITS);
    all.merge(semaphore.acquire_many(Semaphore::MAX_PERMITS).unwrap());
    drop(all);
}

static TOLD: OnceLock<Notify> = OnceLock::new();
static CLONES: AtomicUsize = AtomicUsize::new(0);

/// A waker that notifies as it is cloned for the second time.
fn teller() -> Waker {
    fn clone(_: *const ()) -> RawWaker {
        if CLONES.fetch_add(1, Ordering::SeqCst) == 1 {
            TOLD.get().unwrap().notify_one();
        }
        RawWaker::new(std::ptr::null(), &TABLE)
    }
    fn nothing(_: *const ()) {}
    static TABLE: RawWakerVTable = RawWakerVTable::new(clone, nothing, nothing, nothing);
    // SAFETY: the data is not used.
    unsafe { Waker::from_raw(RawWaker::new(std::ptr::null(), &TABLE)) }
}

/// An arm that took permits in its last look, while another arm won, gives them back.
#[test]
fn a_losing_arm_holds_no_permits() {
    // On a slow machine the reservation may have had its time before the arm first looks.
    assert!(
        (0..1000).any(|_| a_losing_arm_after_a_reservation()),
        "the arm was always late"
    );
}

fn a_losing_arm_after_a_reservation() -> bool {
    CLONES.store(0, Ordering::SeqCst);
    let semaphore = Semaphore::fair(1);
    let notify = TOLD.get_or_init(Notify::new);
    let held = semaphore.acquire().unwrap();
    let mut dormant = Task::new(semaphore.acquire_async());
    assert!(dormant.poll().is_pending());
    drop(held);
    assert_eq!(semaphore.available_permits(), 1);
    let mut told = pin!(arm(notify.notified()));
    let mut acquired = pin!(arm(semaphore.acquire_async()));
    let mut select = Select::biased();
    let first = select.add(told.as_mut());
    select.add(acquired.as_mut());
    // It sees the reservation, which has had its time when it comes again.
    if select.wait_timeout(Duration::from_micros(50)).is_some() {
        return false;
    }
    thread::sleep(Duration::from_millis(5));
    let waker = teller();
    let mut wait = pin!(select.wait_async());
    let polled = wait.as_mut().poll(&mut Context::from_waker(&waker));
    let left = usize::from(polled == Poll::Ready(first));
    assert!(polled.is_ready());
    assert_eq!(
        semaphore.available_permits(),
        left,
        "the losing arm keeps a permit"
    );
    true
}

/// A bounded arm that a thread has waited for ends a task's wait as well.
#[test]
fn a_bounded_arm_goes_from_a_thread_to_a_task() {
    let mutex = Mutex::new(());
    let _held = mutex.lock();
    let mut bounded = pin!(arm(mutex.lock_async().timeout(Duration::from_millis(20))));
    let mut select = Select::new();
    let index = select.add(bounded.as_mut());
    assert_eq!(select.wait_timeout(Duration::from_millis(1)), None);
    let count = Arc::<Count>::default();
    let waker = Waker::from(count.clone());
    let mut wait = pin!(select.wait_async());
    let end = Instant::now() + Duration::from_millis(500);
    let mut polls = 0;
    while Instant::now() < end {
        polls += 1;
        let before = count.0.load(Ordering::SeqCst);
        if wait.as_mut().poll(&mut Context::from_waker(&waker)) == Poll::Ready(index) {
            return;
        }
        while count.0.load(Ordering::SeqCst) == before && Instant::now() < end {
            thread::sleep(Duration::from_micros(100));
        }
    }
    panic!("the deadline never came in {polls} polls");
}

/// A batch that newcomers keep passing, so that its permits are never there at once, starves as
/// one does that is woken and loses.
#[test]
fn a_batch_that_is_passed_by_makes_newcomers_queue() {
    let semaphore = Semaphore::new(2);
    let mut one = semaphore.try_acquire().unwrap();
    let mut two = semaphore.try_acquire().unwrap();
    let mut batch = Task::new(semaphore.acquire_many_async(2));
    assert!(batch.poll().is_pending());
    let end = Instant::now() + Duration::from_millis(300);
    let mut passed = 0;
    while Instant::now() < end {
        thread::sleep(Duration::from_micros(100));
        for mine in [&mut one, &mut two] {
            // The batch may be polled as often as it likes.
            assert!(batch.poll().is_pending());
            drop(std::mem::replace(
                mine,
                semaphore.try_acquire_up_to(0, 0).unwrap(),
            ));
            match semaphore.try_acquire() {
                Ok(permit) => *mine = permit,
                Err(_) => return,
            }
            passed += 1;
        }
    }
    panic!("{passed} newcomers passed a batch that waits");
}

/// A waiter that starves asks for the next unlock while the lock is kept for somebody else: the
/// claim of that one must not end the wish.
#[test]
fn a_wish_for_a_reservation_outlives_the_claim_of_an_earlier_one() {
    let mutex = Mutex::new(());
    let newcomer = || mutex.try_lock().expect("not reserved");
    let held = mutex.lock();
    let mut loser = Task::new(mutex.lock_async());
    let mut other = Task::new(mutex.lock_async());
    assert!(loser.poll().is_pending());
    assert!(other.poll().is_pending());
    // It loses to a newcomer, and half a millisecond later it starves.
    drop(held);
    let held = newcomer();
    assert!(loser.poll().is_pending());
    thread::sleep(Duration::from_millis(1));
    // It is granted a try again, and so is not in line when the other gets a reservation.
    drop(held);
    MutexGuard::unlock_fair(newcomer());
    assert!(loser.poll().is_pending());
    let Poll::Ready(claimed) = other.poll() else {
        panic!("the lock is kept for it");
    };
    drop(claimed);
    assert!(mutex.try_lock().is_err(), "kept for the one that starves");
    assert!(loser.poll().is_ready());
}

//! Plain tests of promises that no schedule decides: panicking wakers, idle waiters, variance.
#![cfg(not(any(counterpoint_loom, counterpoint_shuttle)))]

#[path = "../../../crates/base/tests/leak/mod.rs"]
mod leak;

use counterpoint_sync::Mutex;
use leak::leak;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex as StdMutex};
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, Instant};

/// A waker that panics.
struct Panics;

impl Wake for Panics {
    fn wake(self: Arc<Self>) {
        panic!("a waker panics");
    }
}

/// `unlocked` and `bump` whose unlock wakes a panicking waker must not leave a guard without the
/// lock.
#[test]
fn a_guard_survives_a_panicking_waker_with_its_lock() {
    let mutex = Mutex::new(0);
    for bump in [false, true] {
        let mut held = mutex.lock();
        let mut queued = pin!(mutex.lock_async());
        let waker = Waker::from(Arc::new(Panics));
        assert!(
            queued
                .as_mut()
                .poll(&mut Context::from_waker(&waker))
                .is_pending()
        );
        let unwound = catch_unwind(AssertUnwindSafe(|| {
            if bump {
                counterpoint_sync::MutexGuard::bump(&mut held);
            } else {
                counterpoint_sync::MutexGuard::unlocked(&mut held, || ());
            }
        }));
        assert!(unwound.is_err());
        assert!(mutex.try_lock().is_err(), "two guards of one mutex at once");
        drop(held);
    }
    drop(mutex.try_lock().unwrap());
}

struct Count(AtomicUsize);

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

fn count() -> (Arc<Count>, Waker) {
    let count = Arc::new(Count(AtomicUsize::new(0)));
    (count.clone(), Waker::from(count))
}

/// A future on a reservation, which is claimed and then held for long: who stands behind it sleeps.
#[test]
fn a_waiter_behind_a_claimed_reservation_sleeps() {
    let mutex = Mutex::new(());
    let (_, first_waker) = count();
    let mut first = Box::pin(mutex.lock_async());
    let held = mutex.lock();
    assert!(
        first
            .as_mut()
            .poll(&mut Context::from_waker(&first_waker))
            .is_pending()
    );
    counterpoint_sync::MutexGuard::unlock_fair(held);
    let (woken, waker) = count();
    let mut second = Box::pin(mutex.lock_async());
    assert!(
        second
            .as_mut()
            .poll(&mut Context::from_waker(&waker))
            .is_pending()
    );
    // The reservation is claimed at once, and the lock is held for 50 ms.
    let Poll::Ready(guard) = first.as_mut().poll(&mut Context::from_waker(&first_waker)) else {
        panic!("reserved for it");
    };
    let end = Instant::now() + Duration::from_millis(50);
    let mut polls = 0;
    let mut seen = 0;
    while Instant::now() < end {
        let now = woken.0.load(Ordering::SeqCst);
        if now == seen {
            std::thread::sleep(Duration::from_micros(50));
            continue;
        }
        seen = now;
        polls += 1;
        assert!(
            second
                .as_mut()
                .poll(&mut Context::from_waker(&waker))
                .is_pending()
        );
    }
    drop(guard);
    assert!(
        polls <= 3,
        "polled {polls} times while the lock was held: a busy loop"
    );
}

/// The same for a blocked thread, measured in its CPU time.
#[test]
fn a_thread_behind_a_claimed_reservation_sleeps() {
    // Whether the thread stands behind the reservation when it is claimed depends on the machine:
    // some rounds show it.
    for _ in 0..10 {
        let mutex = Arc::new(Mutex::new(()));
        let (_, waker) = count();
        let mut first = Box::pin(mutex.lock_async());
        let held = mutex.lock();
        assert!(
            first
                .as_mut()
                .poll(&mut Context::from_waker(&waker))
                .is_pending()
        );
        counterpoint_sync::MutexGuard::unlock_fair(held);
        let thread = {
            let mutex = mutex.clone();
            std::thread::spawn(move || {
                let before = cpu();
                drop(mutex.lock());
                cpu() - before
            })
        };
        std::thread::sleep(Duration::from_micros(600));
        let guard = first.as_mut().poll(&mut Context::from_waker(&waker));
        std::thread::sleep(Duration::from_millis(60));
        drop(guard);
        drop(first);
        let used = thread.join().unwrap();
        assert!(
            used < Duration::from_millis(5),
            "{used:?} of CPU time while waiting 60 ms"
        );
    }
}

fn cpu() -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    let nanos = text.split_whitespace().next().unwrap().parse().unwrap();
    Duration::from_nanos(nanos)
}

/// A future first in line that nobody polls: a thread that queued behind it before the unlock.
fn dormant_head(
    mutex: Mutex<()>,
    unlock: impl FnOnce(counterpoint_sync::MutexGuard<'_, ()>),
) -> bool {
    let mutex = Arc::new(mutex);
    let (_, waker) = count();
    let mut dormant = Box::pin(mutex.lock_async());
    let held = mutex.lock();
    assert!(
        dormant
            .as_mut()
            .poll(&mut Context::from_waker(&waker))
            .is_pending()
    );
    let thread = {
        let mutex = mutex.clone();
        std::thread::spawn(move || {
            mutex
                .lock_async()
                .timeout(Duration::from_secs(20))
                .until(std::future::pending::<()>())
                .wait()
                .map(drop)
        })
    };
    std::thread::sleep(Duration::from_millis(100));
    unlock(held);
    let got = thread.join().unwrap().is_ok();
    drop(dormant);
    got
}

#[test]
fn dormant_head_of_a_fair_mutex_is_passed_over() {
    assert!(
        dormant_head(Mutex::fair(()), |g| drop(g)),
        "the thread behind a dormant future waits on a free lock"
    );
}

#[test]
fn dormant_head_after_unlock_fair_is_passed_over() {
    assert!(dormant_head(Mutex::new(()), |g| {
        counterpoint_sync::MutexGuard::unlock_fair(g)
    }));
}

/// By default nothing is reserved: the next unlock passes it over.
#[test]
fn dormant_head_of_a_default_mutex_is_passed_over_by_the_next_unlock() {
    assert!(dormant_head(Mutex::new(()), |guard| {
        let mutex = counterpoint_sync::MutexGuard::mutex(&guard);
        drop(guard);
        drop(mutex.try_lock().expect("free, and nobody is favoured"));
    }));
}

/// W8: polling after completion panics.
#[test]
fn run_until_cancelled_panics_after_completion() {
    let token = counterpoint_wait::cancel::CancelToken::new();
    token.cancel("done");
    let polled = Arc::new(AtomicUsize::new(0));
    let inner = {
        let polled = polled.clone();
        async move {
            polled.fetch_add(1, Ordering::SeqCst);
        }
    };
    let mut run = Box::pin(token.run_until_cancelled(inner));
    let mut cx = Context::from_waker(Waker::noop());
    assert_eq!(run.as_mut().poll(&mut cx), Poll::Ready(None));
    let again = catch_unwind(AssertUnwindSafe(|| run.as_mut().poll(&mut cx)));
    assert!(again.is_err(), "polled again: {again:?}");
}

mod gate {
    //! A verb whose settle fills more than one batch.
    use counterpoint_base::prim::atomic::AtomicU32;
    use counterpoint_wait::Stop;
    use counterpoint_wait::op::{LockedQueue, Op, Turn, Verb};
    use counterpoint_wait::queue::{End, Grant, Pick, WaitQueue};
    use counterpoint_wait::waker::WakeBatch;

    pub(crate) struct Gate(pub(crate) WaitQueue<AtomicU32, ()>);
    pub(crate) struct Pass<'a> {
        gate: &'a Gate,
        all: bool,
    }

    // SAFETY: one queue, that of the place it borrows; no method moves the verb.

    unsafe impl Verb for Pass<'_> {
        type State = AtomicU32;
        type Payload = ();
        type Output = ();
        type Stoppable = Result<(), Stop>;
        const NAME: &'static str = "Gate::pass";
        fn queue(&self) -> &WaitQueue<AtomicU32, ()> {
            &self.gate.0
        }
        fn attempt(&mut self, (): &mut (), _: Turn) -> Option<()> {
            None
        }
        fn prepare(&mut self, (): &mut (), _: Turn, _: &mut LockedQueue<'_, Self>) -> bool {
            false
        }
        fn collect(&mut self, (): &mut ()) {}
        fn unclaimed(&mut self, (): &mut (), _: &mut LockedQueue<'_, Self>) {}
        fn settle(&mut self, queue: &mut LockedQueue<'_, Self>, wakes: &mut WakeBatch) -> bool {
            if !self.all {
                return false;
            }
            while !wakes.is_full() {
                if !queue.grant(
                    End::First,
                    Grant::Result,
                    wakes,
                    |(), _| Pick::Take,
                    |()| (),
                ) {
                    return false;
                }
            }
            true
        }
        fn finish((): ()) -> Result<(), Stop> {
            Ok(())
        }
        fn stopped(&mut self, (): &mut (), why: Stop) -> Result<(), Stop> {
            Err(why)
        }
    }

    pub(crate) fn pass(gate: &Gate, all: bool) -> Op<Pass<'_>> {
        Op::new(Pass { gate, all }, ())
    }
}

struct Bomb;

impl Wake for Bomb {
    fn wake(self: Arc<Self>) {
        panic!("a waker panics");
    }
}

/// W5: if one waker panics the rest are woken, also those beyond the first batch.
#[test]
fn a_panicking_waker_does_not_end_a_settle_of_many() {
    use counterpoint_base::prim::atomic::AtomicU32;
    let gate = gate::Gate(counterpoint_wait::queue::WaitQueue::new(AtomicU32::new(0)));
    let mut leaver = Box::pin(gate::pass(&gate, true));
    let (woken, waker) = count();
    assert!(
        leaver
            .as_mut()
            .poll(&mut Context::from_waker(Waker::noop()))
            .is_pending()
    );
    let mut others: Vec<Pin<Box<_>>> = (0..100)
        .map(|_| Box::pin(gate::pass(&gate, false)))
        .collect();
    let bomb = Waker::from(Arc::new(Bomb));
    for (i, one) in others.iter_mut().enumerate() {
        let waker = if i == 3 { &bomb } else { &waker };
        assert!(
            one.as_mut()
                .poll(&mut Context::from_waker(waker))
                .is_pending()
        );
    }
    assert!(catch_unwind(AssertUnwindSafe(|| drop(leaver))).is_err());
    assert_eq!(woken.0.load(Ordering::SeqCst), 99);
}

mod drop_bomb {
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::task::{RawWaker, RawWakerVTable, Waker};
    pub(crate) static ARMED: AtomicBool = AtomicBool::new(false);
    static TABLE: RawWakerVTable = RawWakerVTable::new(
        |_| RawWaker::new(std::ptr::null(), &TABLE),
        |_| (),
        |_| (),
        |_| {
            if ARMED.swap(false, Ordering::SeqCst) {
                panic!("a waker panics in drop")
            }
        },
    );
    pub(crate) fn waker() -> Waker {
        // SAFETY: the table ignores its data.
        unsafe { Waker::from_raw(RawWaker::new(std::ptr::null(), &TABLE)) }
    }
}

/// A reservation is revoked by a task whose waker then panics in its drop: the lock still works.
#[test]
fn a_fair_mutex_survives_a_waker_that_panics_in_drop() {
    let mutex = Arc::new(Mutex::fair(()));
    let mut dormant = Box::pin(mutex.lock_async());
    let held = mutex.lock();
    assert!(
        dormant
            .as_mut()
            .poll(&mut Context::from_waker(Waker::noop()))
            .is_pending()
    );
    drop(held);
    let mut second = Box::pin(mutex.lock_async());
    let waker = drop_bomb::waker();
    assert!(
        second
            .as_mut()
            .poll(&mut Context::from_waker(&waker))
            .is_pending()
    );
    std::thread::sleep(Duration::from_millis(5));
    // The next drop is that of the node's old waker, the one after it the clone in `enlist`.
    let first = catch_unwind(AssertUnwindSafe(|| {
        drop_bomb::ARMED.store(true, Ordering::SeqCst);
        second
            .as_mut()
            .poll(&mut Context::from_waker(&waker))
            .is_pending()
    }));
    eprintln!("first: {first:?}");
    let second_poll = catch_unwind(AssertUnwindSafe(|| {
        drop_bomb::ARMED.store(true, Ordering::SeqCst);
        second
            .as_mut()
            .poll(&mut Context::from_waker(&waker))
            .is_pending()
    }));
    eprintln!("second: {second_poll:?}");
    drop_bomb::ARMED.store(false, Ordering::SeqCst);
    drop(second);
    leak(dormant);
    let (sent, got) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        drop(mutex.lock());
        let _ = sent.send(());
    });
    got.recv_timeout(Duration::from_secs(2))
        .expect("a newcomer spins for ever on a free lock");
}

/// Runs `body` on a thread; its result and CPU time, or `None` if it takes longer than `limit`.
fn within<R: Send + 'static>(
    limit: Duration,
    body: impl FnOnce() -> R + Send + 'static,
) -> Option<(R, Duration)> {
    let (send, receive) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let before = cpu();
        let result = body();
        let _ = send.send((result, cpu() - before));
    });
    receive.recv_timeout(limit).ok()
}

/// A mutex that was unlocked fairly for a future, and the future.
fn reserved() -> (
    Arc<Mutex<()>>,
    Pin<Box<counterpoint_sync::mutex::LockOwned<()>>>,
) {
    let mutex = Arc::new(Mutex::new(()));
    let mut first = Box::pin(mutex.lock_owned_async());
    let held = mutex.lock();
    assert!(
        first
            .as_mut()
            .poll(&mut Context::from_waker(Waker::noop()))
            .is_pending()
    );
    counterpoint_sync::MutexGuard::unlock_fair(held);
    (mutex, first)
}

/// A select whose arm is a lock reserved for a future that nobody polls: the reservation ends after
/// its grace, as for a plain `lock`.
#[test]
fn a_select_revokes_a_reservation() {
    let (mutex, dormant) = reserved();
    let ended = within(Duration::from_secs(2), move || {
        counterpoint_wait::select_biased! {
            _guard = mutex.lock_async() => true,
            timeout(Duration::from_millis(300)) => false,
        }
    });
    drop(dormant);
    let (got, used) = ended.expect("not even the deadline ended it");
    assert!(
        used < Duration::from_millis(30),
        "{used:?} of CPU time in at most 300 ms of waiting"
    );
    assert!(got, "the reservation outlived its grace");
}

/// A timed wait that stands behind a reservation which is then claimed ends at its deadline.
#[test]
fn a_deadline_behind_a_claimed_reservation_ends_the_wait() {
    for _ in 0..10 {
        let (mutex, mut first) = reserved();
        let claim = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_micros(600));
            let guard = first.as_mut().poll(&mut Context::from_waker(Waker::noop()));
            std::thread::sleep(Duration::from_millis(200));
            drop(guard);
        });
        let start = Instant::now();
        let got = mutex.lock_timeout(Duration::from_millis(20)).map(drop);
        let took = start.elapsed();
        assert!(
            took < Duration::from_millis(150),
            "{got:?} after {took:?}, allowed were 20 ms"
        );
        claim.join().unwrap();
    }
}

/// A waker that cancels a token when it is cloned for the second time.
mod clone_hook {
    use counterpoint_wait::cancel::CancelToken;
    use std::sync::Mutex;
    use std::task::{RawWaker, RawWakerVTable, Waker};
    pub(crate) static HOOK: Mutex<Option<(u32, CancelToken)>> = Mutex::new(None);
    static TABLE: RawWakerVTable = RawWakerVTable::new(clone, |_| (), |_| (), |_| ());
    fn clone(_: *const ()) -> RawWaker {
        let mut hook = HOOK.lock().unwrap();
        let due = hook.as_mut().is_some_and(|(left, _)| {
            *left -= 1;
            *left == 0
        });
        let token = if due { hook.take() } else { None };
        drop(hook);
        if let Some((_, token)) = token {
            token.cancel("cloned");
        }
        RawWaker::new(std::ptr::null(), &TABLE)
    }
    pub(crate) fn waker() -> Waker {
        // SAFETY: the table ignores its data.
        unsafe { Waker::from_raw(RawWaker::new(std::ptr::null(), &TABLE)) }
    }
}

/// A select revokes a reservation, and another arm wins before it can claim: the lock still works.
#[test]
fn a_revocation_that_is_not_claimed_leaves_the_lock_usable() {
    use counterpoint_wait::select::{Select, arm};
    for interfere in [false, true] {
        let mutex = Arc::new(Mutex::fair(()));
        let (_, waker) = count();
        let held = mutex.lock();
        let mut dormant = Box::pin(mutex.lock_async());
        let mut queued = Box::pin(mutex.lock_async());
        assert!(
            dormant
                .as_mut()
                .poll(&mut Context::from_waker(&waker))
                .is_pending()
        );
        assert!(
            queued
                .as_mut()
                .poll(&mut Context::from_waker(&waker))
                .is_pending()
        );
        drop(held);
        let token = counterpoint_wait::cancel::CancelToken::new();
        if interfere {
            let mut a = pin!(arm(token.cancelled()));
            let mut b = pin!(arm(mutex.lock_async()));
            let mut select = Select::biased();
            select.add(a.as_mut());
            select.add(b.as_mut());
            let mut wait = Box::pin(select.wait_async());
            assert!(
                wait.as_mut()
                    .poll(&mut Context::from_waker(&waker))
                    .is_pending()
            );
            std::thread::sleep(Duration::from_millis(5));
            // As if another thread cancelled between the registration of the two arms.
            *clone_hook::HOOK.lock().unwrap() = Some((2, token.clone()));
            let other = clone_hook::waker();
            let won = wait.as_mut().poll(&mut Context::from_waker(&other));
            // Either arm may win; what matters is that the lock is not left to nobody.
            assert!(won.is_ready());
        }
        let newcomer = {
            let mutex = mutex.clone();
            std::thread::spawn(move || mutex.lock_timeout(Duration::from_secs(20)).map(drop))
        };
        assert_eq!(newcomer.join().unwrap(), Ok(()), "interfere: {interfere}");
    }
}

/// Notes whether a mutex is held when it wakes.
struct Looks {
    mutex: Arc<Mutex<u32>>,
    held: StdMutex<Option<bool>>,
}

impl Wake for Looks {
    fn wake(self: Arc<Self>) {
        *self.held.lock().unwrap() = Some(self.mutex.is_locked());
    }
}

/// A blocked select that was granted a lock takes it before it runs a foreign waker: while that
/// runs, nobody else may rely on the select to look.
#[test]
fn a_select_claims_before_it_runs_foreign_wakers() {
    use counterpoint_base::prim::atomic::AtomicU32;
    let mutex = Arc::new(Mutex::new(0));
    let gate = Arc::new(gate::Gate(counterpoint_wait::queue::WaitQueue::new(
        AtomicU32::new(0),
    )));
    let looks = Arc::new(Looks {
        mutex: mutex.clone(),
        held: StdMutex::new(None),
    });
    let held = mutex.lock();
    let selecting = {
        let (mutex, gate) = (mutex.clone(), gate.clone());
        std::thread::spawn(move || {
            counterpoint_wait::select_biased! {
                _guard = mutex.lock_async() => true,
                () = gate::pass(&gate, true) => false,
            }
        })
    };
    while gate.0.lock().is_empty() {
        std::thread::yield_now();
    }
    // Stands behind the select's arm, which lets it in when it leaves.
    let mut passing = Box::pin(gate::pass(&gate, false));
    let waker = Waker::from(looks.clone());
    let polled = passing.as_mut().poll(&mut Context::from_waker(&waker));
    assert!(polled.is_pending());
    drop(held);
    assert!(selecting.join().unwrap());
    assert_eq!(*looks.held.lock().unwrap(), Some(true));
}

//! What is found behind something else, and what is not what it looks like. One test, since there is one policy.

use counterpoint_ledger::{self as ledger, Finding, Policy};
use counterpoint_sync::lock_api::RawMutex;
use counterpoint_sync::once::Claim;
use counterpoint_sync::{Mutex, OnceCell, ReentrantMutex, RwLock, ShardedLock};
use counterpoint_wait::block_on;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Barrier, Mutex as Cell, mpsc};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::{Duration, Instant};

/// Long enough for a guard that was sent away to come back, also on a machine that is busy.
const PATIENCE: Duration = Duration::from_secs(1);

/// Runs them in threads of their own, which must end.
fn end(all: &[fn()]) {
    let (done, is_done) = mpsc::channel();
    for &f in all {
        let done = done.clone();
        thread::spawn(move || {
            f();
            done.send(()).unwrap();
        });
    }
    for _ in all {
        let ended = is_done.recv_timeout(Duration::from_secs(60));
        assert_eq!(ended, Ok(()), "it waits for ever, or has panicked");
    }
}

/// Counts deadlocks that are told.
fn count() -> Arc<AtomicU32> {
    let told = Arc::new(AtomicU32::new(0));
    let tells = told.clone();
    ledger::set_policy(Policy::call(move |finding| {
        if let Finding::Deadlock(_) = finding {
            tells.fetch_add(1, Ordering::Relaxed);
        }
    }));
    told
}

type Boxed<'a> = Pin<Box<dyn Future<Output = ()> + 'a>>;

/// A named task that was polled once, and waits.
fn queued<'a>(name: &str, future: impl Future<Output = ()> + 'a) -> Boxed<'a> {
    let mut task: Boxed<'a> = Box::pin(ledger::task(name, future));
    assert!(poll(&mut task).is_pending());
    task
}

fn poll(task: &mut Boxed<'_>) -> Poll<()> {
    task.as_mut().poll(&mut Context::from_waker(Waker::noop()))
}

/// Waits until it is polled again.
async fn yield_now() {
    let mut polled = false;
    poll_fn(|_| match std::mem::replace(&mut polled, true) {
        true => Poll::Ready(()),
        false => Poll::Pending,
    })
    .await
}

fn until(mut is: impl FnMut() -> bool) {
    while !is() {
        thread::yield_now();
    }
}

#[test]
fn what_is_found_is_the_strongest_that_is_there() {
    ledger::start().unwrap();
    ledger::set_policy(Policy::Panic);
    end(&[a_certain_ring_behind_a_suspected_one]);
    end(&[a_task_waits_for_who_polls_it]);
    ledger::set_policy(Policy::PanicAfter(PATIENCE));
    end(&[
        a_claim_that_was_forgotten,
        a_guard_that_does_not_say_who_uses_it,
        a_guard_of_an_attempt,
        an_operation_that_is_kept,
    ]);
    end(&[a_grant_is_not_kept_waiting]);
    let told = count();
    another_wait_ends_in_between(&told);
    a_writer_shuts_readers_out(&told);
    a_sleeper_is_awake_for_a_moment(&told);
    ledger::set_policy(Policy::Silent);
}

/// `t` waits for two readers: one waits for a guard that can be sent, the other for one that cannot.
fn a_certain_ring_behind_a_suspected_one() {
    let (m, r, s) = (
        Mutex::new(()),
        ReentrantMutex::new(()),
        ShardedLock::new(()),
    );
    let (one_reads, both_read) = (Barrier::new(2), Barrier::new(2));
    thread::scope(|scope| {
        let (sent, bound) = (m.lock(), r.lock());
        scope.spawn(|| {
            let _reads = s.read();
            one_reads.wait();
            drop(r.lock());
        });
        one_reads.wait();
        scope.spawn(|| {
            let _reads = s.read();
            both_read.wait();
            drop(m.lock());
        });
        both_read.wait();
        until(|| !m.waiters().is_empty() && !r.waiters().is_empty());
        let closes = catch_unwind(AssertUnwindSafe(|| drop(s.write())));
        let payload = closes.expect_err("certain");
        let text = payload.downcast_ref::<String>().expect("a text");
        assert!(text.contains("counterpoint: deadlock:"), "{text}");
        assert!(text.contains("ReentrantMutexGuard"), "{text}");
        drop((sent, bound));
    });
}

/// It is blocked in the poll of a task for what its own thread holds.
fn a_task_waits_for_who_polls_it() {
    let s = ShardedLock::new(());
    let writes = s.write();
    let polls = || block_on(ledger::task("inner", async { drop(s.read()) }));
    let payload = catch_unwind(AssertUnwindSafe(polls)).expect_err("certain");
    let text = payload.downcast_ref::<String>().expect("a text");
    assert!(text.contains("counterpoint: self-deadlock:"), "{text}");
    // Another task in between makes no difference.
    let polls = || {
        let inner = ledger::task("inner", async { drop(s.read()) });
        block_on(ledger::task("outer", inner));
    };
    assert!(catch_unwind(AssertUnwindSafe(polls)).is_err());
    drop(writes);
}

/// A claim to fill a cell was forgotten, and the cell emptied: who fills it now is somebody else.
fn a_claim_that_was_forgotten() {
    let mut cell = OnceCell::new();
    if let Some(Claim::Init(init)) = cell.try_claim() {
        std::mem::forget(init);
    }
    assert_eq!(cell.take(), None::<u32>);
    let fills = Barrier::new(2);
    thread::scope(|scope| {
        scope.spawn(|| {
            cell.get_or_init(|| {
                fills.wait();
                thread::sleep(PATIENCE + Duration::from_millis(200));
                1
            });
        });
        fills.wait();
        assert_eq!(*cell.get_or_init(|| 2), 1);
    });
}

/// A guard of `lock_api` is used all the time, by another thread than that which took it.
fn a_guard_that_does_not_say_who_uses_it() {
    let (used, m) = (lock_api::Mutex::<RawMutex, _>::new(0), Mutex::new(()));
    let holds = Barrier::new(2);
    thread::scope(|scope| {
        let mut guard = used.lock();
        scope.spawn(|| {
            let _m = m.lock();
            holds.wait();
            *used.lock() += 1;
        });
        holds.wait();
        scope.spawn(move || {
            let begun = Instant::now();
            while begun.elapsed() < PATIENCE + Duration::from_millis(500) {
                *guard += 1;
                thread::sleep(Duration::from_millis(1));
            }
        });
        drop(m.lock());
    });
}

/// What an attempt took may be a task's, which goes on elsewhere.
fn a_guard_of_an_attempt() {
    let m = Mutex::new(());
    thread::scope(|scope| {
        let guard = m.try_lock().expect("nobody has it");
        scope.spawn(move || {
            thread::sleep(PATIENCE + Duration::from_millis(500));
            drop(guard);
        });
        drop(m.lock());
    });
}

/// The wait that panicked is over, also if its operation lives on.
fn an_operation_that_is_kept() {
    let m = Mutex::new(());
    m.named("kept");
    let guard = m.lock();
    let mut kept = pin!(m.lock_async());
    let waits = catch_unwind(AssertUnwindSafe(|| drop(kept.as_mut().wait_pinned())));
    assert!(waits.is_err());
    let waiting = ledger::snapshot().waiting;
    assert!(waiting.iter().all(|waits| waits.name != Some("kept")));
    drop(guard);
}

/// The thread that looks until a ring is old enough goes on as soon as it may.
fn a_grant_is_not_kept_waiting() {
    let m = Mutex::new(());
    let quick = || {
        let rounds = (0..16).map(|round| {
            thread::scope(|scope| {
                let guard = m.lock();
                let lets_go = scope.spawn(move || {
                    thread::sleep(Duration::from_micros(20_000 + 250 * round));
                    drop(guard);
                    Instant::now()
                });
                drop(m.lock());
                let has = Instant::now();
                has.saturating_duration_since(lets_go.join().unwrap())
            })
        });
        // By luck it would be a quarter of them.
        rounds
            .filter(|late| *late < Duration::from_millis(1))
            .count()
            >= 12
    };
    assert!((0..5).any(|_| quick()), "it sleeps on with its grant");
}

/// A thread sleeps for several things; an older wait of it ends after a new one has begun.
fn another_wait_ends_in_between(told: &AtomicU32) {
    let before = told.load(Ordering::Relaxed);
    let [a, c, d] = [(); 3].map(|()| Mutex::new(()));
    let of_a = a.lock();
    let waker: Cell<Option<Waker>> = Cell::new(None);
    let polls = AtomicU32::new(0);
    let holds_c = c.lock();
    let waits_c = queued("holds d", async {
        let _d = d.lock_async().await;
        drop(c.lock_async().await);
    });
    thread::scope(|scope| {
        let (waker, polls, a, d) = (&waker, &polls, &a, &d);
        let sleeper = scope.spawn(move || {
            ledger::transfer(&holds_c);
            let (mut of_a, mut of_d) = (pin!(a.lock_async()), pin!(d.lock_async()));
            block_on(poll_fn(|cx| {
                *waker.lock().unwrap() = Some(cx.waker().clone());
                match polls.fetch_add(1, Ordering::Relaxed) {
                    0 => assert!(of_a.as_mut().poll(cx).is_pending()),
                    1 => {
                        assert!(of_d.as_mut().poll(cx).is_pending());
                        assert!(of_a.as_mut().poll(cx).is_ready());
                    }
                    _ => return Poll::Ready(()),
                }
                Poll::Pending
            }));
            drop(holds_c);
        });
        until(|| !a.waiters().is_empty());
        drop(of_a);
        until(|| !d.waiters().is_empty());
        let end = Instant::now() + Duration::from_secs(20);
        until(|| told.load(Ordering::Relaxed) > before || Instant::now() > end);
        assert_eq!(told.load(Ordering::Relaxed) - before, 1);
        waker.lock().unwrap().take().expect("polled").wake();
        sleeper.join().unwrap();
    });
    drop(waits_c);
}

/// Those who wait for each other go on until a third one, who holds nothing, shuts one of them out.
fn a_writer_shuts_readers_out(told: &AtomicU32) {
    let before = told.load(Ordering::Relaxed);
    let (lock, m) = (RwLock::new(()), Mutex::new(()));
    let mut reads = Box::pin(ledger::task("reads", async {
        let _reads = lock.read_async().await;
        yield_now().await;
        drop(m.lock_async().await);
    })) as Boxed<'_>;
    assert!(poll(&mut reads).is_pending());
    let mut bounded: Boxed<'_> = Box::pin(async {
        let write = lock.write_async().timeout(Duration::from_secs(600));
        assert!(write.await.is_err());
    });
    assert!(poll(&mut bounded).is_pending());
    // Behind the writer, who has a bound.
    let reader = queued("reads as well", async {
        let _m = m.lock_async().await;
        drop(lock.read_async().await);
    });
    assert!(poll(&mut reads).is_pending());
    assert_eq!(told.load(Ordering::Relaxed), before);
    let writer = queued("writes", async { drop(lock.write_async().await) });
    assert_eq!(told.load(Ordering::Relaxed) - before, 1);
    drop((writer, bounded, reader, reads));
}

/// Who closes the ring sees that the other one is awake; that one sleeps again with no new wait.
fn a_sleeper_is_awake_for_a_moment(told: &AtomicU32) {
    let before = told.load(Ordering::Relaxed);
    let (c, d) = (Mutex::new(()), Mutex::new(()));
    let waker: Cell<Option<Waker>> = Cell::new(None);
    let (is_awake, goes_on) = (Barrier::new(2), Barrier::new(2));
    let mut holds_c: Boxed<'_> = Box::pin(ledger::task("holds c", async {
        let _c = c.lock_async().await;
        yield_now().await;
        drop(d.lock_async().await);
    }));
    assert!(poll(&mut holds_c).is_pending());
    thread::scope(|scope| {
        let sleeper = scope.spawn(|| {
            let _d = d.lock();
            let (mut of_c, mut polls) = (pin!(c.lock_async()), 0);
            block_on(poll_fn(|cx| {
                *waker.lock().unwrap() = Some(cx.waker().clone());
                polls += 1;
                match polls {
                    1 => assert!(of_c.as_mut().poll(cx).is_pending()),
                    2 => {
                        is_awake.wait();
                        goes_on.wait();
                    }
                    _ => return Poll::Ready(()),
                }
                Poll::Pending
            }));
        });
        let wake = || {
            waker
                .lock()
                .unwrap()
                .as_ref()
                .expect("polled")
                .wake_by_ref()
        };
        until(|| !c.waiters().is_empty());
        wake();
        is_awake.wait();
        assert!(poll(&mut holds_c).is_pending());
        assert_eq!(
            told.load(Ordering::Relaxed),
            before,
            "the other one is awake"
        );
        goes_on.wait();
        let end = Instant::now() + Duration::from_secs(20);
        until(|| told.load(Ordering::Relaxed) > before || Instant::now() > end);
        assert_eq!(told.load(Ordering::Relaxed) - before, 1);
        wake();
        sleeper.join().unwrap();
    });
}

//! What is found as it happens. One test, since there is one policy.

use counterpoint_ledger::{self as ledger, Finding, Policy, Shape};
use counterpoint_sync::{
    ContendedMutex, Mutex, MutexGuard, OwnedMutexGuard, ReentrantMutex, RwLock,
};
use counterpoint_wait::block_on;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Barrier, Mutex as Cell, mpsc};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::Duration;

/// Long enough for a guard that was sent away to come back, also on a machine that is busy.
const PATIENCE: Duration = Duration::from_secs(1);

fn message(panic: &(dyn std::any::Any + Send)) -> String {
    panic.downcast_ref::<String>().cloned().unwrap_or_default()
}

/// Runs it in a thread of its own, which must end.
fn ends(f: fn()) {
    all_end(&[f]);
}

/// The same of several at once: they spend their time asleep.
fn all_end(all: &[fn()]) {
    let (done, is_done) = mpsc::channel();
    for &f in all {
        let done = done.clone();
        thread::spawn(move || {
            f();
            done.send(()).unwrap();
        });
    }
    for _ in all {
        let ended = is_done.recv_timeout(Duration::from_secs(120));
        assert_eq!(ended, Ok(()), "it waits for ever, or has panicked");
    }
}

#[test]
fn what_is_about_to_happen_goes_where_the_policy_says() {
    ledger::start().unwrap();
    ledger::set_policy(Policy::Panic);
    ends(what_cannot_be_sent);
    ends(a_guard_that_was_sent_away);
    ledger::set_policy(Policy::PanicAfter(PATIENCE));
    all_end(&[
        itself,
        two_and_three,
        a_guard_that_was_sent_away,
        a_mixed_ring_whose_guard_was_sent_away,
        a_guard_that_was_forgotten,
        a_guard_is_taken_back,
    ]);
    ends(nothing_that_is_only_suspected);
    ends(no_false_alarm);
    calls();
    a_second_ring();
    let found: Arc<Cell<Vec<String>>> = Arc::default();
    let told = found.clone();
    ledger::set_policy(Policy::call(move |finding| {
        assert!(matches!(finding, Finding::Inversion(_)));
        told.lock().unwrap().push(finding.to_string());
    }));
    inversions(&found);
    ledger::set_policy(Policy::Silent);
}

/// Guards that stay on their thread: what rests on them is certain at once.
fn what_cannot_be_sent() {
    let locks = Arc::new([ReentrantMutex::new(0), ReentrantMutex::new(0)]);
    let both_have_one = Arc::new(Barrier::new(2));
    let threads = [0, 1].map(|index| {
        let (locks, both_have_one) = (locks.clone(), both_have_one.clone());
        thread::spawn(move || {
            let _mine = locks[index].lock();
            both_have_one.wait();
            drop(locks[1 - index].lock());
        })
    });
    let ended = threads.map(thread::JoinHandle::join);
    let panics: Vec<String> = (ended.iter())
        .filter_map(|ended| ended.as_ref().err())
        .map(|panic| message(&**panic))
        .collect();
    assert_eq!(panics.len(), 1, "{panics:?}");
    assert!(panics[0].contains("counterpoint: deadlock:"), "{panics:?}");
}

/// One wait is old, the other one has just begun, and its lock is about to be let go of.
fn a_mixed_ring_whose_guard_was_sent_away() {
    let (bound, sent) = (ReentrantMutex::new(()), Mutex::new(()));
    thread::scope(|scope| {
        let guard = sent.lock();
        scope.spawn(|| {
            let _mine = bound.lock();
            drop(sent.lock());
        });
        while sent.waiters().is_empty() {
            thread::yield_now();
        }
        thread::sleep(PATIENCE + Duration::from_millis(200));
        scope.spawn(move || {
            thread::sleep(Duration::from_millis(50));
            drop(guard);
        });
        drop(bound.lock());
    });
}

/// A guard outlives its mutex, and another one comes to be at the same place.
fn a_guard_that_was_forgotten() {
    let mut place = Mutex::new(0);
    std::mem::forget(place.lock());
    let before = &raw const place;
    place = Mutex::new(1);
    assert_eq!(before, &raw const place);
    let held = Barrier::new(2);
    thread::scope(|scope| {
        scope.spawn(|| {
            let _guard = place.lock();
            held.wait();
            while place.waiters().is_empty() {
                thread::yield_now();
            }
            thread::sleep(PATIENCE + Duration::from_millis(200));
        });
        held.wait();
        *place.lock() += 1;
    });
    assert_eq!(place.into_inner(), 2);
}

/// A lock is taken again for a guard that its owner still has: the message is printed, and it waits on.
fn a_guard_is_taken_back() {
    let mutex = Mutex::new(0);
    thread::scope(|scope| {
        let mut guard = mutex.lock();
        MutexGuard::unlocked(&mut guard, || {
            let other = mutex.lock();
            scope.spawn(move || {
                thread::sleep(PATIENCE + Duration::from_millis(500));
                drop(other);
            });
        });
        assert!(mutex.try_lock().is_err());
        *guard += 1;
    });
    assert_eq!(mutex.into_inner(), 1);
}

fn itself() {
    let mutex = Mutex::new(1);
    mutex.named("itself");
    let line = line!() + 1;
    let guard = mutex.lock();
    let again = catch_unwind(AssertUnwindSafe(|| drop(mutex.lock())));
    let text = message(&*again.unwrap_err());
    assert!(
        text.contains("self-deadlock") && text.contains("\"itself\""),
        "{text}"
    );
    for line in [line, line + 1] {
        assert!(text.contains(&format!("{}:{line}:", file!())), "{text}");
    }
    assert_eq!((*guard, mutex.waiters().len()), (1, 0));
    drop(guard);
    let counts = ContendedMutex::new(());
    let _guard = counts.lock();
    assert!(catch_unwind(AssertUnwindSafe(|| drop(counts.lock()))).is_err());
    let lock = RwLock::new(());
    let _reads = lock.read();
    assert!(catch_unwind(AssertUnwindSafe(|| drop(lock.write()))).is_err());
}

/// The last of a ring of threads that close it panics; the others go on.
fn two_and_three() {
    for members in [2, 3] {
        let locks: Arc<Vec<Mutex<u32>>> = Arc::new((0..members).map(|_| Mutex::new(0)).collect());
        let all_have_one = Arc::new(Barrier::new(members));
        let threads: Vec<_> = (0..members)
            .map(|index| {
                let (locks, all_have_one) = (locks.clone(), all_have_one.clone());
                thread::spawn(move || {
                    let _mine = locks[index].lock();
                    all_have_one.wait();
                    *locks[(index + 1) % locks.len()].lock() += 1;
                })
            })
            .collect();
        let ended: Vec<_> = threads.into_iter().map(thread::JoinHandle::join).collect();
        let panics: Vec<String> = (ended.iter())
            .filter_map(|ended| ended.as_ref().err())
            .map(|panic| message(&**panic))
            .collect();
        assert_eq!(panics.len(), 1, "{panics:?}");
        assert!(
            panics[0].contains("counterpoint: suspected deadlock:"),
            "{}",
            panics[0]
        );
        assert_eq!(
            panics[0].matches("held by thread").count(),
            members,
            "{}",
            panics[0]
        );
        // One of them holds what the one that panicked gave back.
        assert!(locks.iter().all(|lock| lock.try_lock().is_ok()));
    }
}

fn nothing_that_is_only_suspected() {
    // An owned guard may be with somebody else.
    let mutex = Arc::new(Mutex::new(()));
    let guard: OwnedMutexGuard<()> = mutex.lock_owned();
    let other = mutex.clone();
    let waits = thread::spawn(move || drop(other.lock()));
    while mutex.waiters().is_empty() {
        thread::yield_now();
    }
    // The very thread that holds it waits, in time.
    assert!(mutex.lock_timeout(Duration::from_millis(5)).is_err());
    let found = ledger::deadlocks();
    assert!(
        found
            .iter()
            .all(|deadlock| deadlock.stood_still().is_none() && deadlock.shape != Shape::Itself)
    );
    drop(guard);
    waits.join().unwrap();
}

/// The thread that took it waits for it; who has it now has not used it, and lets go soon.
fn a_guard_that_was_sent_away() {
    let mutex = Mutex::new(1);
    let guard = mutex.lock();
    thread::scope(|scope| {
        scope.spawn(move || {
            thread::sleep(Duration::from_millis(100));
            drop(guard);
        });
        *mutex.lock() += 1;
    });
    assert_eq!(*mutex.lock(), 2);
}

/// What is only suspected is told, too, once; and the ledger goes on after a function that panics.
fn calls() {
    let told: Arc<Cell<Vec<bool>>> = Arc::default();
    let tells = told.clone();
    ledger::set_policy(Policy::call(move |finding| {
        if let Finding::Deadlock(deadlock) = finding {
            tells.lock().unwrap().push(deadlock.certain);
            panic!("{deadlock}");
        }
    }));
    let mutex = Mutex::new(());
    let mut task = Box::pin(ledger::task("waits for itself", async {
        let _guard = mutex.lock_async().await;
        let _again = mutex.lock_async().await;
    }));
    let mut poll = || {
        let mut context = Context::from_waker(Waker::noop());
        catch_unwind(AssertUnwindSafe(|| task.as_mut().poll(&mut context)))
    };
    let text = message(&*poll().unwrap_err());
    assert!(text.contains("suspected self-deadlock"), "{text}");
    assert!(poll().unwrap().is_pending());
    drop(task);
    assert_eq!(*told.lock().unwrap(), [false]);
    // A thread with a future: the panic ends before it sleeps, and something that nobody sees wakes it.
    let slot = Mutex::new(());
    let waker: Cell<Option<Waker>> = Cell::new(None);
    thread::scope(|scope| {
        scope.spawn(|| {
            while told.lock().unwrap().len() < 2 {
                thread::sleep(Duration::from_millis(1));
            }
            waker.lock().unwrap().take().unwrap().wake();
        });
        block_on(async {
            let guard = slot.lock_async().await;
            let mut again = Box::pin(slot.lock_async());
            let mut slept = false;
            let once = std::future::poll_fn(|cx| {
                *waker.lock().unwrap() = Some(cx.waker().clone());
                assert!(again.as_mut().poll(cx).is_pending());
                match std::mem::replace(&mut slept, true) {
                    true => Poll::Ready(()),
                    false => Poll::Pending,
                }
            });
            once.await;
            drop((guard, again));
        });
    });
}

/// A wait that stood in a ring, was granted, and lost its grant to one that barged: the ring that it
/// closes now is another one, and is told.
fn a_second_ring() {
    let told: Arc<Cell<u32>> = Arc::default();
    let tells = told.clone();
    ledger::set_policy(Policy::call(move |finding| {
        if let Finding::Deadlock(_) = finding {
            *tells.lock().unwrap() += 1;
        }
    }));
    let (a, b) = (Mutex::new(()), Mutex::new(()));
    let mut x = Box::pin(ledger::task("x", async {
        let _a = a.lock_async().await;
        let mut gone_on = false;
        std::future::poll_fn(|_| match std::mem::replace(&mut gone_on, true) {
            true => Poll::Ready(()),
            false => Poll::Pending,
        })
        .await;
        let _b = b.lock_async().await;
    }));
    let other = |name| {
        Box::pin(ledger::task(name, async {
            let _b = b.lock_async().await;
            let _a = a.lock_async().await;
        }))
    };
    let (mut y, mut z) = (other("y"), other("z"));
    let cx = &mut Context::from_waker(Waker::noop());
    assert!(x.as_mut().poll(cx).is_pending());
    assert!(y.as_mut().poll(cx).is_pending());
    assert!(x.as_mut().poll(cx).is_pending());
    assert_eq!(*told.lock().unwrap(), 1);
    drop(y);
    // Takes what `x` was granted.
    assert!(z.as_mut().poll(cx).is_pending());
    assert!(x.as_mut().poll(cx).is_pending());
    assert_eq!(*told.lock().unwrap(), 2);
}

/// Threads that contend for locks in one order, also two at once, never panic.
fn no_false_alarm() {
    let locks: Arc<Vec<Mutex<u64>>> = Arc::new((0..3).map(|_| Mutex::new(0)).collect());
    let shared = Arc::new(RwLock::new(0u64));
    let threads: Vec<_> = (0..4u64)
        .map(|number| {
            let (locks, shared) = (locks.clone(), shared.clone());
            thread::spawn(move || {
                let mut random = number + 1;
                for _ in 0..2000 {
                    random = random.wrapping_mul(6364136223846793005).wrapping_add(1);
                    let (low, high) = ((random >> 40) % 2, (random >> 50) % 2);
                    let mut first = locks[low as usize].lock();
                    let mut second = locks[(low + high + 1).min(2) as usize].lock();
                    *first += 1;
                    *second += 1;
                    drop(first);
                    match random >> 60 {
                        0 => *shared.write() += 1,
                        _ => drop(shared.read()),
                    }
                }
            })
        })
        .collect();
    for thread in threads {
        thread.join().expect("nobody waits for ever");
    }
    let sum: u64 = locks.iter().map(|lock| *lock.lock()).sum();
    assert_eq!(sum, 2 * 4 * 2000);
}

fn inversions(found: &Cell<Vec<String>>) {
    let seen = || std::mem::take(&mut *found.lock().unwrap());
    let (accounts, journal) = (Mutex::new(1), RwLock::new(2));
    accounts.named("accounts");
    journal.named("journal");
    let (account, entry) = (accounts.lock(), journal.write());
    drop((account, entry));
    assert!(seen().is_empty());
    // An attempt waits for nobody.
    let entry = journal.read();
    drop(accounts.try_lock());
    assert!(seen().is_empty());
    drop(accounts.lock());
    let all = seen();
    assert_eq!(all.len(), 1);
    assert!(
        all[0].contains("\"accounts\"") && all[0].contains("\"journal\""),
        "{}",
        all[0]
    );
    assert_eq!(all[0].matches(file!()).count(), 4, "{}", all[0]);
    drop(accounts.lock());
    drop(entry);
    assert!(seen().is_empty(), "once is enough");
    // One lock at a time is let go of: the others are still held.
    let [first, second, third] = ["first", "second", "third"].map(|name| {
        let mutex = Mutex::new(());
        (mutex, name)
    });
    for (mutex, name) in [&first, &second, &third] {
        mutex.named(name);
    }
    let (one, two) = (first.0.lock(), second.0.lock());
    drop(one);
    let three = third.0.lock();
    drop((two, three));
    assert!(seen().is_empty());
    let guards = (third.0.lock(), second.0.lock());
    drop(guards);
    assert_eq!(seen().len(), 1);
    // By the place where they were made.
    let low: Vec<_> = (0..2).map(|_| Mutex::new(())).collect();
    let high: Vec<_> = (0..2).map(|_| Mutex::new(())).collect();
    let guards = (low[0].lock(), high[0].lock());
    drop(guards);
    assert!(seen().is_empty());
    let guards = (high[1].lock(), low[1].lock());
    drop(guards);
    assert_eq!(seen().len(), 1);
    // Against the ranks, the first time.
    let (inner, outer) = (Mutex::new(()), Mutex::new(()));
    inner.ranked(1);
    outer.ranked(2);
    let guards = (inner.lock(), outer.lock());
    drop(guards);
    let all = seen();
    assert_eq!(all.len(), 1);
    assert!(all[0].contains("against their ranks"), "{}", all[0]);
}

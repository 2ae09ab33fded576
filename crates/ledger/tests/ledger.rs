//! What the ledger knows, and what it finds when it is asked.

use counterpoint_ledger::{self as ledger, Deadlock, Party, Shape, Snapshot};
use counterpoint_sync::{Mutex, OnceCell, ReentrantMutex, RwLock, Semaphore, WaitGroup};
use counterpoint_wait::hooks;
use counterpoint_wait::{block_on, select_async};
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex as Plain, PoisonError};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::Duration;

/// Threads that end and leave something behind look like those of another test's scope.
static ENDINGS: Plain<()> = Plain::new(());

type Boxed<'a, T = ()> = Pin<Box<dyn Future<Output = T> + 'a>>;

/// Waits until it is polled again.
async fn yield_now() {
    let mut polled = false;
    std::future::poll_fn(|_| match std::mem::replace(&mut polled, true) {
        true => Poll::Ready(()),
        false => Poll::Pending,
    })
    .await
}

/// A named task that was polled once, and waits.
fn queued<'a, T: 'a>(name: &str, future: impl Future<Output = T> + 'a) -> Boxed<'a, T> {
    let mut task: Boxed<'a, T> = Box::pin(ledger::task(name, future));
    assert!(poll(&mut task).is_pending());
    task
}

fn poll<T>(task: &mut Boxed<'_, T>) -> Poll<T> {
    task.as_mut().poll(&mut Context::from_waker(Waker::noop()))
}

/// The deadlocks in which a wait for one of these objects takes part: other tests run meanwhile.
fn of(objects: &[usize]) -> Vec<Deadlock> {
    let mut found = ledger::deadlocks();
    found.retain(|deadlock| {
        let waits = |object: &usize| {
            deadlock
                .links
                .iter()
                .any(|link| link.waits.object == *object)
        };
        objects.iter().any(waits)
    });
    found
}

/// What is held of the primitive that was named so.
fn held(snapshot: &Snapshot, name: &str) -> Vec<ledger::Held> {
    let all = snapshot.held.iter();
    all.filter(|held| held.name == Some(name))
        .cloned()
        .collect()
}

fn object<T>(mutex: &Mutex<T>, name: &'static str) -> usize {
    mutex.named(name);
    let _guard = mutex.try_lock().expect("nobody has it");
    held(&ledger::snapshot(), name)[0].object
}

#[test]
fn what_is_held_is_known_with_its_place_and_holder() {
    ledger::start().unwrap();
    let made = line!() + 1;
    let mutex = Mutex::new(1);
    mutex.named("what_is_held");
    let line = line!() + 1;
    let guard = mutex.lock();
    let found = held(&ledger::snapshot(), "what_is_held");
    assert_eq!(
        (found.len(), found[0].kind, found[0].units),
        (1, "MutexGuard", 1)
    );
    assert_eq!(
        (found[0].site.file(), found[0].site.line()),
        (file!(), line)
    );
    assert_eq!(
        (found[0].made.file(), found[0].made.line()),
        (file!(), made)
    );
    let Party::Thread { name, .. } = &found[0].by else {
        panic!("a thread holds it");
    };
    assert!(name.contains("what_is_held"));
    let text = ledger::report().to_string();
    assert!(
        text.contains("MutexGuard of \"what_is_held\", taken at "),
        "{text}"
    );
    drop(guard);
    assert!(held(&ledger::snapshot(), "what_is_held").is_empty());
}

#[test]
fn units_split_merge_and_end() {
    ledger::start().unwrap();
    let slots = Semaphore::new(5);
    slots.named("units_split");
    let units = || -> Vec<usize> {
        let mut units: Vec<_> = held(&ledger::snapshot(), "units_split")
            .iter()
            .map(|held| held.units)
            .collect();
        units.sort_unstable();
        units
    };
    let mut all = slots.acquire_many(4).unwrap();
    let part = all.split(1).unwrap();
    assert_eq!(units(), [1, 3]);
    all.merge(part);
    assert_eq!(units(), [4]);
    all.forget();
    assert_eq!(units(), [0; 0]);
}

#[test]
fn tasks_are_known_by_their_name_and_others_are_not() {
    ledger::start().unwrap();
    let mutex = Mutex::new(());
    mutex.named("tasks_are_known");
    let by = || held(&ledger::snapshot(), "tasks_are_known")[0].by.clone();
    let holds = async {
        let _guard = mutex.lock_async().await;
        std::future::pending::<()>().await;
    };
    let task = queued("the holder", holds);
    assert!(matches!(by(), Party::Task { name, .. } if name == "the holder"));
    let waits = queued("the waiter", mutex.lock_async());
    let seen = ledger::snapshot();
    let waiting = seen
        .waiting
        .iter()
        .find(|waiting| waiting.name == Some("tasks_are_known"));
    assert_eq!(waiting.map(|waiting| waiting.kind), Some("Mutex::lock"));
    let text = ledger::report().to_string();
    assert!(
        text.contains("task") && text.contains("\"the waiter\""),
        "{text}"
    );
    drop((waits, task));
    // Polled by an executor that nobody knows.
    let mut lock = Box::pin(mutex.lock_async());
    let Poll::Ready(guard) = lock.as_mut().poll(&mut Context::from_waker(Waker::noop())) else {
        panic!("it is free");
    };
    assert_eq!(by(), Party::UnknownTask);
    drop(guard);
    // By ours, it is this thread.
    let guard = block_on(mutex.lock_async());
    assert!(matches!(by(), Party::Thread { .. }));
    drop(guard);
}

#[test]
fn a_guard_that_was_moved_is_its_new_holders() {
    ledger::start().unwrap();
    let (mutex, slots) = (Mutex::new(1), Semaphore::new(1));
    mutex.named("moved_lock");
    slots.named("moved_permit");
    let (guard, permit) = (mutex.lock(), slots.acquire().unwrap());
    let me = hooks::party();
    let by = |name: &str| held(&ledger::snapshot(), name)[0].by.clone();
    thread::scope(|scope| {
        scope.spawn(|| {
            let (guard, permit) = (guard, permit);
            assert!(matches!(by("moved_lock"), Party::Thread { id, .. } if id == me));
            assert_eq!(*guard, 1);
            ledger::transfer(&permit);
            let mine = hooks::party();
            // A thread that never took anything itself is known by then, too.
            for name in ["moved_lock", "moved_permit"] {
                assert!(matches!(by(name), Party::Thread { id, .. } if id == mine));
            }
        });
    });
    assert!(held(&ledger::snapshot(), "moved_lock").is_empty());
}

#[test]
fn a_scope_names_what_was_left_and_forgotten() {
    let _alone = ENDINGS.lock().unwrap_or_else(PoisonError::into_inner);
    ledger::start().unwrap();
    let (mutex, lock) = (Mutex::new(1), RwLock::new(2));
    mutex.named("forgotten");
    let mut kept = None;
    let line = line!();
    let leaks = ledger::scope(|| {
        drop(mutex.lock());
        kept = Some(lock.read());
        std::mem::forget(mutex.lock());
    });
    let sites: Vec<_> = leaks
        .leaks
        .iter()
        .map(|held| held.site.line() - line)
        .collect();
    assert_eq!(sites, [3, 4]);
    assert!(
        leaks.to_string().contains("MutexGuard of \"forgotten\""),
        "{leaks}"
    );
    let assertion = std::panic::catch_unwind(|| leaks.assert_empty());
    assert!(assertion.is_err());
    drop(kept);
    ledger::scope(|| drop(lock.write())).assert_empty();
    let task = ledger::scope(|| {
        std::mem::forget(queued("leaks", async {
            let _reads = lock.read_async().await;
            std::future::pending::<()>().await;
        }))
    });
    assert_eq!(task.leaks.len(), 1);
    let slots = Arc::new(Semaphore::new(1));
    let there = slots.clone();
    let thread = ledger::scope(|| {
        let forgets = move || std::mem::forget(there.acquire().unwrap());
        thread::spawn(forgets).join().unwrap();
    });
    assert_eq!(thread.leaks.len(), 1);
    assert!(
        matches!(thread.leaks[0].by, Party::Ended { .. }),
        "{thread}"
    );
}

/// Who keeps readers out is a writer that waits; if it may give up, nobody waits for ever.
#[test]
fn readers_are_kept_out_by_a_writer_that_waits() {
    ledger::start().unwrap();
    let lock = RwLock::new(());
    lock.named("kept out");
    let again = async || {
        let _reads = lock.try_read().unwrap();
        yield_now().await;
        let _again = lock.read_async().await;
    };
    let waits_for = |name: &str| {
        let seen = ledger::snapshot();
        let waiting = seen.waiting.iter();
        let mut objects = waiting.filter(|waiting| waiting.name == Some(name));
        objects.next().unwrap().object
    };
    let mut reader = queued("reads twice", again());
    let writer = queued("writes", lock.write_async());
    assert!(poll(&mut reader).is_pending());
    let found = of(&[waits_for("kept out")]);
    let itself = found
        .iter()
        .filter(|deadlock| deadlock.shape == Shape::Itself);
    assert_eq!(itself.count(), 1, "{found:?}");
    assert!(found.iter().all(|deadlock| !deadlock.certain));
    drop((reader, writer));

    let mut reader = queued("reads twice", again());
    let later = Duration::from_secs(600);
    let writer = queued("writes in time", async {
        let _ = lock.write_async().timeout(later).await;
    });
    assert!(poll(&mut reader).is_pending());
    assert!(of(&[waits_for("kept out")]).is_empty());
    drop((reader, writer));
}

/// A waker that tells its task from others.
struct Own(());

impl std::task::Wake for Own {
    fn wake(self: Arc<Self>) {}
}

#[test]
fn tasks_without_a_name_are_told_apart_by_their_wakers() {
    ledger::start().unwrap();
    let (a, b) = (Mutex::new(()), Mutex::new(()));
    let objects = [object(&a, "nameless"), object(&b, "nameless")];
    let both = async |first: &Mutex<()>, second: &Mutex<()>| {
        let _first = first.lock_async().await;
        yield_now().await;
        let _second = second.lock_async().await;
    };
    let (mut one, mut two) = (Box::pin(both(&a, &b)), Box::pin(both(&b, &a)));
    let wakers: [Waker; 2] = std::array::from_fn(|_| Arc::new(Own(())).into());
    for _ in 0..2 {
        assert!(of(&objects).is_empty());
        assert!(
            one.as_mut()
                .poll(&mut Context::from_waker(&wakers[0]))
                .is_pending()
        );
        assert!(
            two.as_mut()
                .poll(&mut Context::from_waker(&wakers[1]))
                .is_pending()
        );
    }
    let found = of(&objects);
    assert_eq!((found.len(), found[0].links.len()), (1, 2));
    assert!(!found[0].certain);
    assert!(found[0].parties().all(|party| *party == Party::UnknownTask));
    // A guard of such a task that is used by a thread on its behalf stays its own.
    let mut three = Box::pin(async {
        let lock = Mutex::new(1);
        lock.named("nameless use");
        let guard = lock.lock_async().await;
        thread::scope(|scope| scope.spawn(|| assert_eq!(*guard, 1)).join().unwrap());
        held(&ledger::snapshot(), "nameless use")[0].by.clone()
    });
    let by = three.as_mut().poll(&mut Context::from_waker(&wakers[0]));
    assert_eq!(by, Poll::Ready(Party::UnknownTask));
}

#[test]
fn a_task_that_runs_does_not_wait_for_ever() {
    ledger::start().unwrap();
    let mutex = Arc::new(Mutex::new(()));
    let object = object(&mutex, "runs");
    let held = mutex.clone();
    let waits = mutex.clone();
    let mut task: Boxed<'_> = Box::pin(ledger::task("runs", async move {
        let guard = held.lock();
        let mut again = Box::pin(waits.lock_async());
        let once = std::future::poll_fn(|cx| {
            assert!(again.as_mut().poll(cx).is_pending());
            Poll::Ready(())
        });
        once.await;
        // It waits for itself, but it is not asleep: it is about to unlock.
        assert!(of(&[object]).is_empty());
        yield_now().await;
        drop((guard, again));
    }));
    assert!(poll(&mut task).is_pending());
    assert_eq!(of(&[object])[0].shape, Shape::Itself);
    assert!(poll(&mut task).is_ready());
    assert!(of(&[object]).is_empty());
}

#[test]
fn a_cycle_of_tasks_is_suspected_with_every_site() {
    ledger::start().unwrap();
    for members in [2, 3, 7] {
        let locks: Vec<_> = (0..members).map(|_| Mutex::new(())).collect();
        let objects: Vec<_> = locks.iter().map(|lock| object(lock, "ring")).collect();
        let take = |index: usize| {
            let (mine, next) = (&locks[index], &locks[(index + 1) % members]);
            async move {
                let _mine = mine.try_lock().expect("each has its own");
                yield_now().await;
                let _next = next.lock_async().await;
            }
        };
        let mut tasks: Vec<_> = (0..members)
            .map(|index| queued("member", take(index)))
            .collect();
        assert!(of(&objects).is_empty());
        for task in &mut tasks {
            assert!(poll(task).is_pending());
        }
        let found = of(&objects);
        assert_eq!((found.len(), found[0].links.len()), (1, members));
        assert_eq!((found[0].shape, found[0].certain), (Shape::Cycle, false));
        assert!(
            found[0]
                .parties()
                .all(|party| matches!(party, Party::Task { .. }))
        );
        let text = found[0].to_string();
        assert_eq!(text.matches(file!()).count(), 4 * members, "{text}");
        assert!(ledger::report().to_string().contains("suspected deadlock"));
        tasks.pop();
        assert!(of(&objects).is_empty());
    }
}

#[test]
fn who_has_a_way_out_is_not_reported() {
    ledger::start().unwrap();
    let (a, b, c) = (Mutex::new(()), Mutex::new(()), Mutex::new(()));
    let objects = [
        object(&a, "a way"),
        object(&b, "a way"),
        object(&c, "a way"),
    ];
    let selects = async || {
        let _a = a.try_lock().unwrap();
        yield_now().await;
        select_async! { _ = b.lock_async() => (), _ = c.lock_async() => () }
    };
    // The other is held by a thread that goes on.
    let free = c.lock();
    let mut first = queued("selects", selects());
    let second = queued("waits", async {
        let _b = b.try_lock().unwrap();
        let _a = a.lock_async().await;
    });
    assert!(poll(&mut first).is_pending());
    assert!(of(&objects).is_empty());
    drop((first, second, free));
    // Both ways lead back.
    let mut first = queued("selects", selects());
    let second = queued("waits", async {
        let _held = (b.try_lock().unwrap(), c.try_lock().unwrap());
        let _a = a.lock_async().await;
    });
    assert!(poll(&mut first).is_pending());
    let found = of(&objects);
    assert_eq!((found.len(), found[0].certain), (1, false));
    drop((first, second));
    // A bound ends it.
    let mut first = queued("bounded", async {
        let _a = a.try_lock().unwrap();
        yield_now().await;
        let _ = b.lock_async().timeout(Duration::from_secs(600)).await;
    });
    let second = queued("waits", async {
        let _b = b.try_lock().unwrap();
        let _a = a.lock_async().await;
    });
    assert!(poll(&mut first).is_pending());
    assert!(of(&objects).is_empty());
    drop((first, second));
}

#[test]
fn permits_readers_and_handles_knot_as_well() {
    ledger::start().unwrap();
    let (slots, lock) = (Semaphore::new(1), RwLock::new(()));
    slots.named("knot");
    let mut first = queued("permit", async {
        let _permit = slots.try_acquire().unwrap();
        yield_now().await;
        let _writes = lock.write_async().await;
    });
    let mut second = queued("reader", async {
        let _reads = lock.try_read().unwrap();
        yield_now().await;
        let _permit = slots.acquire_async().await;
    });
    assert!(poll(&mut first).is_pending() && poll(&mut second).is_pending());
    let seen = ledger::snapshot();
    let object = seen
        .waiting
        .iter()
        .find(|waiting| waiting.name == Some("knot"))
        .unwrap()
        .object;
    let found = of(&[object]);
    assert_eq!(
        (found.len(), found[0].links.len(), found[0].certain),
        (1, 2, false)
    );
    drop((first, second));

    let group = WaitGroup::new();
    let mutex = Mutex::new(());
    let object = self::object(&mutex, "handle");
    let other = group.clone();
    let mut holder = queued("handle", async {
        let other = other;
        yield_now().await;
        let _guard = mutex.lock_async().await;
        drop(other);
    });
    let waiter = queued("group", async {
        let _guard = mutex.try_lock().unwrap();
        group.wait_ref_async().await;
    });
    assert!(poll(&mut holder).is_pending());
    // Whose handle it is nobody said, so it may be anybody's: this thread's, that made it.
    assert!(of(&[object]).is_empty());
    drop((holder, waiter));
}

#[test]
fn an_owner_that_is_gone_is_missed() {
    let _alone = ENDINGS.lock().unwrap_or_else(PoisonError::into_inner);
    ledger::start().unwrap();
    let mutex = Arc::new(Mutex::new(()));
    let object = object(&mutex, "lost");
    let holder = mutex.clone();
    thread::spawn(move || std::mem::forget(holder.lock()))
        .join()
        .unwrap();
    let waits = queued("waits", mutex.lock_async());
    let found = of(&[object]);
    assert_eq!(
        (found.len(), found[0].shape, found[0].certain),
        (1, Shape::LostOwner, false)
    );
    assert!(found[0].to_string().contains("which ended"), "{}", found[0]);
    drop(waits);
    let other = Mutex::new(());
    let object = self::object(&other, "lost by a task");
    let task = queued("ends", async {
        std::mem::forget(other.lock_async().await);
        std::future::pending::<()>().await;
    });
    drop(task);
    let waits = queued("waits", other.lock_async());
    assert_eq!(of(&[object])[0].shape, Shape::LostOwner);
    drop(waits);
}

#[test]
fn a_grant_that_nobody_looks_at_is_seen() {
    ledger::start().unwrap();
    let mutex = Mutex::fair(());
    let object = object(&mutex, "futurelock");
    let held = mutex.lock();
    let mut go = Some(held);
    let mut task: Boxed<'_> = Box::pin(ledger::task("forgets one", async {
        let mut first = Box::pin(mutex.lock_async());
        let once = std::future::poll_fn(|cx| {
            assert!(first.as_mut().poll(cx).is_pending());
            Poll::Ready(())
        });
        once.await;
        yield_now().await;
        // The first was granted the lock; this one stands behind it.
        let _second = mutex.lock_async().await;
        drop(first);
    }));
    assert!(poll(&mut task).is_pending());
    drop(go.take());
    assert!(poll(&mut task).is_pending());
    let found = of(&[object]);
    assert_eq!(
        (found.len(), found[0].shape, found[0].certain),
        (1, Shape::Futurelock, false)
    );
    drop(task);
}

#[test]
fn who_fills_a_cell_in_time_does_not_wait_for_itself() {
    ledger::start().unwrap();
    let cell = OnceCell::<u8>::new();
    cell.named("bounded initializer");
    let init = cell.get_or_init_async(async || std::future::pending().await);
    let task = queued("fills", async {
        let _ = init.timeout(Duration::from_secs(600)).await;
    });
    let seen = ledger::snapshot();
    assert_eq!(held(&seen, "bounded initializer")[0].kind, "OnceInit");
    assert!(
        seen.waiting
            .iter()
            .all(|waiting| waiting.name != Some("bounded initializer"))
    );
    drop(task);
}

#[test]
fn many_holds_fill_more_than_a_page() {
    ledger::start().unwrap();
    let threads: Vec<_> = (0..3)
        .map(|_| {
            thread::spawn(|| {
                let lock = RwLock::new(());
                lock.named("many");
                let mut guards: Vec<_> = (0..100).map(|_| lock.read()).collect();
                let again = ReentrantMutex::new(());
                drop((again.lock(), again.lock()));
                assert!(held(&ledger::snapshot(), "many").len() >= 100);
                while guards.len() > 3 {
                    drop(guards.swap_remove(guards.len() / 3));
                }
                guards.extend((0..40).map(|_| lock.read()));
                drop(guards);
            })
        })
        .collect();
    for thread in threads {
        thread.join().unwrap();
    }
    assert!(held(&ledger::snapshot(), "many").is_empty());
}

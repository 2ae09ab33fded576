//! Every name the project promises, at its path in the facade, and what kind of thing it is.
//!
//! A name that moves or goes makes this file fail to compile. Each part of the project adds its
//! own names.

use std::fmt::{Debug, Display};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Waker;
use std::time::{Duration, Instant};

/// A type of this name exists, and shows itself.
fn shown<T: ?Sized + Debug>() {}

/// A type of this name exists.
fn named<T: ?Sized>() {}

/// An error: it can be shown to a user, and sent to another thread.
fn error<T: std::error::Error + Display + Debug + Send + Sync + 'static>() {}

/// An operation that yields `Output`, and where it may be stopped `Stoppable`.
fn operation<O: Operation<Output = Output, Stoppable = Stoppable> + Debug, Output, Stoppable>(
    operation: O,
) {
    assert!(!operation.is_terminated());
}

fn future<F: Future<Output = Output>, Output>(_: F) {}

use counterpoint::wait::Operation;

mod at_the_root {
    use super::{named, shown};
    use counterpoint::{Backoff, CachePadded, SeqCell, ShardedCounter};

    counterpoint::static_! {
        static COUNT: ShardedCounter = ShardedCounter::new();
    }

    #[test]
    fn types() {
        shown::<Backoff>();
        shown::<CachePadded<u8>>();
        shown::<SeqCell<[u64; 4]>>();
        shown::<ShardedCounter>();
        named::<counterpoint::wait::Stop>();
    }

    #[test]
    fn statics() {
        COUNT.add(2);
        assert_eq!(COUNT.sum(), 2);
    }

    #[test]
    fn macros() {
        use counterpoint::cancel::CancelToken;
        use counterpoint::{select, select_async, select_biased, wait::block_on};

        let token = CancelToken::new();
        let none = select! { () = token.cancelled() => false, default => true };
        let too_late = select_biased! {
            () = token.cancelled() => false,
            timeout(std::time::Duration::ZERO) => true,
        };
        let two = block_on(async {
            select_async! { () = token.cancelled() => 1, two = async { 2 } => two }
        });
        assert!(none && too_late && two == 2);
    }

    #[test]
    fn prelude() {
        use counterpoint::prelude::*;

        let token = CancelToken::new();
        let ctl = Ctl::new().cancel(&token);
        let waits = |operation: &dyn Fn() -> bool| operation();
        assert!(!waits(&|| Operation::is_terminated(&token.cancelled())));
        assert!(!ctl.is_cancelled());
        assert!(select! { () = token.cancelled() => false, default => true });
        assert!(select_biased! { () = token.cancelled() => false, default => true });
        let task = async {
            select_async! { () = token.cancelled() => false, default => true }
        };
        assert!(counterpoint::wait::block_on(task));
    }
}

#[test]
fn cancel() {
    use counterpoint::cancel::{CancelToken, Cancelled, Ctl, DropGuard, RunUntilCancelled};

    let token = CancelToken::new();
    let cancelled: Cancelled<'_> = token.cancelled();
    operation::<_, (), Result<(), counterpoint::wait::Stop>>(cancelled);
    let run: RunUntilCancelled<'_, _> = token.run_until_cancelled(async { 1 });
    future::<_, Option<i32>>(run);
    let guard: DropGuard = token.child().drop_guard("the end");
    let _: CancelToken = guard.disarm();
    let ctl: Ctl<'_> = Ctl::new().cancel(&token).timeout(Duration::ZERO);
    let _: Ctl<'_> = ctl.deadline(Instant::now());
    let _: (bool, Option<&'static str>) = (token.is_cancelled(), token.reason());
    assert!(token.cancel("for this test"));
}

#[test]
fn thread() {
    use counterpoint::thread::{Scope, ScopedJoinHandle, ScopedThreadBuilder, scope};

    let four: std::thread::Result<i32> = scope(|s: &Scope<'_>| {
        let builder: ScopedThreadBuilder<'_, '_> = s.builder().name("named".into());
        let named: ScopedJoinHandle<'_, i32> = builder.spawn(|_| 3).unwrap();
        s.spawn(|_| 1).join().unwrap() + named.join().unwrap()
    });
    assert_eq!(four.unwrap(), 4);
    let five: counterpoint::thread::JoinHandle<i32> = counterpoint::thread::spawn(|| 5);
    counterpoint::thread::yield_now();
    assert_eq!(five.join().unwrap(), 5);
}

#[test]
fn atomic() {
    use counterpoint::atomic::{
        AtomicBool, AtomicCell, AtomicConsume, AtomicPtr, AtomicU8, AtomicU32, AtomicU64,
        AtomicUsize, Order, RELAXED, acq_rel, acquire, fence_acquire, fence_release, fence_seq_cst,
        release,
    };

    shown::<(AtomicBool, AtomicPtr<u8>, AtomicU8, AtomicU32, AtomicU64)>();
    shown::<AtomicCell<u128>>();
    named::<dyn AtomicConsume<Val = u8>>();
    let word = AtomicUsize::new(0);
    word.store(1, release("names.store"));
    assert_eq!(word.swap(2, acq_rel("names.swap")), 1);
    let order: Order = acquire("names.load");
    assert_eq!((word.load(order), word.load(RELAXED)), (2, 2));
    for fence in [fence_acquire, fence_release, fence_seq_cst] {
        fence("names.fence");
    }
}

/// The checker's room is there, and empty without a checker.
#[test]
fn model() {
    #[allow(unused_imports, reason = "empty without a checker")]
    use counterpoint::model::*;
}

#[test]
fn time() {
    use counterpoint::time::{
        AlreadyInstalled, SleepUntil, TimerNode, TimerSource, fire, install, sleep, sleep_until,
    };

    let none: SleepUntil = sleep(Duration::ZERO);
    none.wait();
    sleep_until(Instant::now()).wait();
    error::<AlreadyInstalled>();
    named::<dyn TimerSource>();
    shown::<TimerNode>();
    let _: fn(&'static dyn TimerSource) -> Result<(), AlreadyInstalled> = install;
    let _: fn(Instant) -> Option<Instant> = fire;
}

mod wait {
    use super::*;
    use counterpoint::wait::{
        AtomicWaker, Bounded, Op, ParkAsync, Parker, Stop, UnparkReason, Unparker, block_on,
    };

    #[test]
    fn parker() {
        let mut parker = Parker::new();
        let unparker: Unparker = parker.unparker().clone();
        unparker.unpark();
        parker.park();
        assert_eq!(parker.park_timeout(Duration::ZERO), UnparkReason::Timeout);
        assert_eq!(parker.park_deadline(Instant::now()), UnparkReason::Timeout);
        Waker::from(unparker.clone()).wake();
        let park: ParkAsync<'_> = parker.park_async();
        block_on(park);
        // SAFETY: each pointer comes from `into_raw` of the same type and is used once.
        let _ = unsafe { Parker::from_raw(Parker::into_raw(parker)) };
        // SAFETY: as above.
        let _ = unsafe { Unparker::from_raw(Unparker::into_raw(unparker)) };
    }

    #[test]
    fn small_ones() {
        error::<Stop>();
        let waker = AtomicWaker::new();
        waker.register(Waker::noop());
        waker.wake();
        assert!(waker.take().is_none());
    }

    #[test]
    fn event() {
        use counterpoint::listener;
        use counterpoint::wait::{Event, Listen};

        static IN_A_STATIC: Event = Event::new();
        let mut listen: Pin<&mut Listen<'_>> = std::pin::pin!(IN_A_STATIC.listen());
        assert!(!listen.as_mut().enable());
        listener!(IN_A_STATIC.listen().timeout(Duration::from_secs(60)) => other);
        assert_eq!(IN_A_STATIC.total_listeners(), 2);
        let told = (IN_A_STATIC.notify(1), IN_A_STATIC.notify_additional(1));
        assert_eq!((told, IN_A_STATIC.is_notified()), ((1, 1), true));
        listen.wait_pinned();
        assert_eq!(other.wait_pinned(), Ok(()));

        let tagged: Event<u8> = Event::new();
        listener!(tagged.listen() => first);
        listener!(tagged.listen() => second);
        assert_eq!(tagged.notify_tagged(1, 1), 1);
        assert_eq!(tagged.notify_additional_tagged(1, 2), 1);
        assert_eq!((first.wait_pinned(), second.wait_pinned()), (1, 2));
    }

    #[cfg(feature = "hooks")]
    #[test]
    fn hooks() {
        use counterpoint::sync::{BufMutex, Mutex, Notify, Semaphore, WaitGroup};
        use counterpoint::wait::build::hooks::{
            AlreadyInstalled, Ends, Line, Notice, Sink, UNKNOWN, Waiter, What, as_party, book,
            holds_any, id_of, install, keep_book, my_holds, name_of, party, quietly, rank_of,
            threads, visit,
        };

        shown::<(Ends, Line)>();
        let _: fn() = keep_book;
        let _: fn() -> Vec<Line> = book;
        let _: fn() -> Vec<Line> = my_holds;
        let _: fn() -> Vec<(u64, String)> = threads;
        let _: fn() -> u64 = party;
        assert!(!holds_any(UNKNOWN));
        assert_eq!(quietly(|| 1), 1);
        assert_eq!(as_party(u64::MAX, party), u64::MAX);

        error::<AlreadyInstalled>();
        named::<dyn Sink>();
        shown::<Notice>();
        shown::<What>();
        let _: fn(&'static dyn Sink) -> Result<(), AlreadyInstalled> = install;
        let _: fn(usize) -> Option<&'static str> = name_of;
        let _: fn(usize) -> Option<u32> = rank_of;
        let _: fn(usize) -> u64 = id_of;
        let waiters: Vec<Waiter> = Mutex::new(()).waiters();
        assert!(waiters.is_empty());
        let none = [
            Semaphore::new(1).waiters(),
            Notify::new().waiters(),
            WaitGroup::new().waiters(),
            BufMutex::<u8>::new(0, |_, _| ()).waiters(),
            counterpoint::sync::OnceCell::<u8>::new().waiters(),
            counterpoint::sync::Barrier::new(1).waiters(),
            counterpoint::sync::Condvar::new().waiters(),
            counterpoint::sync::ShardedLock::new(1).waiters(),
            counterpoint::sync::ManualResetEvent::new(false).waiters(),
            counterpoint::sync::AutoResetEvent::new(false).waiters(),
            counterpoint::sync::Latch::new(1).waiters(),
            counterpoint::wait::Event::<()>::new().waiters(),
            counterpoint::cancel::CancelToken::new().waiters(),
        ];
        assert!(none.iter().all(Vec::is_empty));
        let _ = visit::<u32, ()>;
    }

    #[test]
    fn forms_of_one_operation() {
        use counterpoint::cancel::Ctl;
        use counterpoint::sync::{LockError, Mutex, MutexGuard};

        let mutex = Mutex::new(1);
        let ctl = Ctl::new().timeout(Duration::from_secs(60));
        let locked: MutexGuard<'_, i32> = mutex.lock_async().wait();
        let bounded = mutex
            .lock_async()
            .timeout(Duration::ZERO)
            .deadline(Instant::now())
            .with(&ctl)
            .until(std::future::pending::<()>());
        let stopped: Result<MutexGuard<'_, i32>, LockError> = bounded.wait();
        assert_eq!(stopped.err(), Some(LockError::TimedOut));
        drop(locked);
        assert_eq!(block_on(async { *mutex.lock_async().await }), 1);
        named::<Bounded<Op<counterpoint::sync::mutex::LockVerb<'static, i32>>>>();
    }

    #[test]
    fn select_over_arms_known_at_run_time() {
        use counterpoint::wait::select::{
            ArmSlot, FutureSlot, Select, SelectWait, arm, future_arm,
        };

        let token = counterpoint::cancel::CancelToken::new();
        let mut never = std::pin::pin!(arm(token.cancelled()));
        let mut ready = std::pin::pin!(future_arm(async { 7 }));
        let _: Pin<&mut ArmSlot<_>> = never.as_mut();
        let mut select = Select::new();
        select.add(never.as_mut());
        let second = select.add(ready.as_mut());
        let wait: SelectWait<'_, '_> = select.wait_async();
        assert_eq!(block_on(wait), second);
        drop(select);
        let ready: Pin<&mut FutureSlot<_>> = ready;
        assert_eq!(ready.take(), Some(7));
    }

    #[test]
    fn for_those_who_build_primitives() {
        use counterpoint::wait::build::{
            Enable, End, Grant, Locked, LockedQueue, Pick, Turn, Verb, WaitQueue, WakeBatch, hooks,
            wake_in_batches, wake_in_batches_or,
        };
        use counterpoint::wait::{CtlStop, Stops, UntilStop};

        let queue: WaitQueue<u32> = WaitQueue::new(0);
        let mut wakes = WakeBatch::new();
        let mut locked: Locked<'_, u32, ()> = queue.lock();
        let granted = locked.grant(
            End::First,
            Grant::Baton,
            &mut wakes,
            |(), _| Pick::Take,
            |()| (),
        );
        assert!(!granted && Turn::First != Turn::Notified);
        wake_in_batches(|_| false);
        wake_in_batches_or(|_| false, || ());
        fn queue_of<V: Verb>(verb: &V) -> LockedQueue<'_, V> {
            verb.queue().lock()
        }
        fn early<V: Enable>() {}
        early::<counterpoint::sync::notify::NotifiedVerb<&'static counterpoint::sync::Notify>>();
        hooks::name(&queue, "a queue");
        let _: Option<&'static str> = hooks::label(&queue);
        fn obligation<O: hooks::Obligation>() {}
        obligation::<counterpoint::sync::MutexGuard<'static, u8>>();
        hooks::used(&hooks::Hold::NONE);
        hooks::moved(&hooks::Hold::NONE);
        hooks::strays(&hooks::Hold::NONE);
        assert_eq!(hooks::bounded(|| 1), 1);
        hooks::rank(&queue, 1);
        shown::<(hooks::Site, hooks::Hold, hooks::Lending, hooks::Calm)>();
        let _calm = hooks::Calm::begin();
        let mut hold = hooks::held("Part", &queue, hooks::Site::here(), 2);
        hooks::changed(&mut hold, 1);
        let mut lending = hooks::Lending::new();
        lending.lend(hold);
        lending.back();
        hooks::forgotten(hold);
        hooks::released(hooks::Hold::NONE);
        hooks::added("Part::add", &queue, hooks::Site::here(), 1);
        hooks::removed("Part::shrink", &queue, hooks::Site::here(), 1);
        let _ = queue_of::<counterpoint::sync::mutex::LockVerb<'static, ()>>;
        fn stops<S: Stops>() {}
        stops::<CtlStop<'static>>();
        stops::<UntilStop<std::future::Pending<()>>>();
    }
}

mod sync {
    use super::*;
    use counterpoint::wait::Stop;

    #[test]
    fn reentrant_mutex() {
        use counterpoint::sync::reentrant::ReentrantLock;
        use counterpoint::sync::{
            LockError, MappedReentrantMutexGuard, ReentrantMutex, ReentrantMutexGuard, Telemetry,
        };

        static IN_A_STATIC: ReentrantMutex<(u8, u8)> = ReentrantMutex::new((1, 2));
        let guard: ReentrantMutexGuard<'_, (u8, u8)> = IN_A_STATIC.lock();
        let part: MappedReentrantMutexGuard<'_, u8> =
            ReentrantMutexGuard::map(IN_A_STATIC.lock(), |pair| &pair.1);
        let lock: ReentrantLock<'_, (u8, u8)> = IN_A_STATIC.lock_async();
        operation::<_, ReentrantMutexGuard<'_, _>, Result<ReentrantMutexGuard<'_, _>, LockError>>(
            lock,
        );
        assert_eq!((guard.0, *part), (1, 2));
        assert!(IN_A_STATIC.is_owned_by_current_thread());
        let seen: Telemetry = IN_A_STATIC.telemetry();
        assert_eq!((seen.kind, seen.held), ("ReentrantMutex", Some(1)));
    }

    #[test]
    fn contended_mutex() {
        use counterpoint::sync::contended::{ContendedLock, ContendedLockOwned};
        use counterpoint::sync::{
            ContendedMutex, ContendedMutexGuard, LockError, LockMetricsSnapshot,
            MappedContendedMutexGuard, OwnedContendedMutexGuard, OwnedMappedContendedMutexGuard,
        };
        use std::sync::Arc;

        let owned = Arc::new(ContendedMutex::new((1, 2)));
        let lock: ContendedLockOwned<(i32, i32)> = owned.lock_owned_async();
        let guard: OwnedContendedMutexGuard<(i32, i32)> = lock.wait();
        let part: OwnedMappedContendedMutexGuard<(i32, i32), i32> =
            OwnedContendedMutexGuard::map(guard, |both| &mut both.1);
        assert_eq!(*part, 2);
        drop(part);
        let part: MappedContendedMutexGuard<'_, i32> =
            ContendedMutexGuard::map(owned.lock(), |both| &mut both.0);
        assert_eq!(*part, 1);
        drop(part);

        static IN_A_STATIC: ContendedMutex<u8> = ContendedMutex::new(1);
        let lock: ContendedLock<'_, u8> = IN_A_STATIC.lock_async();
        operation::<_, ContendedMutexGuard<'_, _>, Result<ContendedMutexGuard<'_, _>, LockError>>(
            lock,
        );
        let seen: LockMetricsSnapshot = IN_A_STATIC.snapshot();
        assert_eq!((seen.acquisitions, seen.contended, seen.waits), (0, 0, 0));
        assert_eq!((seen.timeouts, seen.cancels, seen.dropped), (0, 0, 0));
        assert_eq!((seen.wait_total, seen.wait_max), Default::default());
        assert_eq!(
            (seen.hold_total, seen.hold_max, seen.waiters),
            Default::default()
        );
    }

    #[test]
    fn mutex() {
        use counterpoint::sync::mutex::{Lock, LockOwned};
        use counterpoint::sync::{
            LockError, MappedMutexGuard, Mutex, MutexGuard, OwnedMappedMutexGuard, OwnedMutexGuard,
            TryLockError,
        };

        error::<LockError>();
        error::<TryLockError>();
        static IN_A_STATIC: Mutex<u8> = Mutex::new(1);
        assert_eq!(*IN_A_STATIC.lock(), 1);
        let mut mutex = Arc::new(Mutex::fair((1, 2)));
        let lock: Lock<'_, (i32, i32)> = mutex.lock_async();
        operation::<_, MutexGuard<'_, (i32, i32)>, Result<MutexGuard<'_, (i32, i32)>, LockError>>(
            lock,
        );
        let owned: LockOwned<(i32, i32)> = mutex.lock_owned_async();
        let guard: OwnedMutexGuard<(i32, i32)> = owned.wait();
        let error = mutex.try_lock().err();
        assert_eq!(error, Some(TryLockError::WouldBlock));
        assert_eq!(mutex.try_lock_owned().err(), error);
        let timed = mutex.lock_timeout(Duration::ZERO).err();
        assert_eq!(timed, Some(LockError::TimedOut));
        assert_eq!(mutex.lock_deadline(Instant::now()).err(), timed);
        let mapped: OwnedMappedMutexGuard<(i32, i32), i32> =
            OwnedMutexGuard::map(guard, |both| &mut both.1);
        drop(mapped);
        let mut guard = mutex.lock();
        MutexGuard::bump(&mut guard);
        MutexGuard::unlocked(&mut guard, || ());
        let mapped: MappedMutexGuard<'_, i32> = MutexGuard::map(guard, |both| &mut both.0);
        drop(mapped);
        MutexGuard::unlock_fair(mutex.lock());
        mutex.clear_poison();
        mutex.named("a pair");
        mutex.ranked(1);
        assert!(!mutex.is_poisoned() && !mutex.is_locked());
        Arc::get_mut(&mut mutex).unwrap().get_mut().0 = 3;
        assert_eq!(Arc::into_inner(mutex).unwrap().into_inner(), (3, 2));
    }

    #[test]
    fn rwlock() {
        use counterpoint::sync::rwlock::{
            Read, ReadOwned, ReadRecursive, ReadRecursiveOwned, UpgradableRead,
            UpgradableReadOwned, Upgrade, UpgradeOwned, Write, WriteOwned,
        };
        use counterpoint::sync::{
            MappedRwLockReadGuard, MappedRwLockWriteGuard, OwnedMappedRwLockReadGuard,
            OwnedMappedRwLockWriteGuard, OwnedRwLockReadGuard, OwnedRwLockUpgradableReadGuard,
            OwnedRwLockWriteGuard, RwLock, RwLockError, RwLockReadGuard, RwLockUpgradableReadGuard,
            RwLockWriteGuard, TryReadError, TryWriteError, UpgradeError,
        };

        error::<RwLockError>();
        error::<TryReadError>();
        error::<TryWriteError>();
        error::<UpgradeError<()>>();
        type Taken<G> = Result<G, RwLockError>;
        static IN_A_STATIC: RwLock<u8> = RwLock::new(1);
        assert_eq!(*IN_A_STATIC.read(), 1);
        let mut lock = Arc::new(RwLock::fair(1));
        let read: Read<'_, i32> = lock.read_async();
        operation::<_, RwLockReadGuard<'_, i32>, Taken<RwLockReadGuard<'_, i32>>>(read);
        let write: Write<'_, i32> = lock.write_async();
        operation::<_, RwLockWriteGuard<'_, i32>, Taken<RwLockWriteGuard<'_, i32>>>(write);
        drop::<ReadRecursive<'_, i32>>(lock.read_recursive_async());
        drop::<UpgradableRead<'_, i32>>(lock.upgradable_read_async());
        let reads: ReadOwned<i32> = lock.read_owned_async();
        drop::<ReadRecursiveOwned<i32>>(lock.read_recursive_owned_async());
        drop::<UpgradableReadOwned<i32>>(lock.upgradable_read_owned_async());
        let writes: WriteOwned<i32> = lock.write_owned_async();
        let reads: OwnedRwLockReadGuard<i32> = reads.wait();
        let late = Some(RwLockError::TimedOut);
        assert_eq!(lock.write_timeout(Duration::ZERO).err(), late);
        assert_eq!(lock.write_deadline(Instant::now()).err(), late);
        let part: OwnedMappedRwLockReadGuard<i32, i32> = OwnedRwLockReadGuard::map(reads, |it| it);
        assert_eq!(lock.try_write().err(), Some(TryWriteError::WouldBlock));
        drop(part);
        let writes: OwnedRwLockWriteGuard<i32> = writes.wait();
        assert_eq!(lock.try_read().err(), Some(TryReadError::WouldBlock));
        let part: OwnedMappedRwLockWriteGuard<i32, i32> =
            OwnedRwLockWriteGuard::map(writes, |it| it);
        drop(part);
        let part: MappedRwLockReadGuard<'_, i32> = RwLockReadGuard::map(lock.read(), |it| it);
        drop(part);
        let part: MappedRwLockWriteGuard<'_, i32> = RwLockWriteGuard::map(lock.write(), |it| it);
        drop(part);
        let reads: RwLockUpgradableReadGuard<'_, i32> = lock.upgradable_read();
        let upgrade: Upgrade<'_, i32> = RwLockUpgradableReadGuard::upgrade_async(reads);
        drop(RwLockWriteGuard::downgrade(upgrade.wait()));
        let reads: OwnedRwLockUpgradableReadGuard<i32> = lock.upgradable_read_owned();
        let upgrade: UpgradeOwned<i32> = OwnedRwLockUpgradableReadGuard::upgrade_async(reads);
        drop(upgrade);
        lock.clear_poison();
        lock.named("a number");
        assert!(!lock.is_poisoned() && !lock.is_locked() && !lock.is_locked_exclusive());
        *Arc::get_mut(&mut lock).unwrap().get_mut() = 3;
        assert_eq!(Arc::into_inner(lock).unwrap().into_inner(), 3);
        const { assert!(RwLock::<()>::MAX_READERS > 1_000_000) };
    }

    #[test]
    fn semaphore() {
        use counterpoint::sync::semaphore::{Acquire, AcquireOwned};
        use counterpoint::sync::{
            AcquireError, OwnedSemaphorePermit, Semaphore, SemaphorePermit, TryAcquireError,
        };

        error::<AcquireError>();
        error::<TryAcquireError>();
        type Taken<P> = Result<P, AcquireError>;
        let semaphore = Arc::new(Semaphore::new(3).with_ceiling(8));
        let one: Acquire<'_> = semaphore.acquire_async();
        operation::<_, Taken<SemaphorePermit<'_>>, Taken<SemaphorePermit<'_>>>(one);
        let two: AcquireOwned = semaphore.acquire_many_owned_async(2);
        let mut two: OwnedSemaphorePermit = two.wait().unwrap();
        let one = two.split(1).unwrap();
        two.merge(one);
        assert_eq!((two.num_permits(), semaphore.available_permits()), (2, 1));
        two.forget();
        semaphore.add_permits(1);
        semaphore.reduce(4);
        assert_eq!((semaphore.debt(), semaphore.forget_permits(1)), (2, 0));
        let none = semaphore.try_acquire().err();
        assert_eq!(none, Some(TryAcquireError::NoPermits));
        assert_eq!(
            semaphore.try_acquire_many(9).err(),
            Some(TryAcquireError::TooMany)
        );
        let late = semaphore.acquire_timeout(Duration::ZERO).err();
        assert_eq!(late, Some(AcquireError::TimedOut));
        assert_eq!(semaphore.acquire_deadline(Instant::now()).err(), late);
        semaphore.add_permits(3);
        assert_eq!(semaphore.acquire_up_to(1, 5).unwrap().num_permits(), 1);
        semaphore.close();
        assert!(semaphore.is_closed());
        assert_eq!(semaphore.acquire().err(), Some(AcquireError::Closed));
        let _: fn(usize) -> Semaphore = Semaphore::fair;
    }

    #[test]
    fn notify() {
        use counterpoint::sync::notify::WaitUntil;
        use counterpoint::sync::{Notified, NotifiedOwned, Notify};

        static IN_A_STATIC: Notify = Notify::new();
        assert_eq!(IN_A_STATIC.notify_one(), 0);
        IN_A_STATIC.wait();
        let notify = Arc::new(Notify::new());
        let notified: Notified<'_> = notify.notified();
        let owned: NotifiedOwned = notify.notified_owned();
        operation::<_, (), Result<(), Stop>>(notify.notified());
        assert_eq!((notify.notify_n(2), notify.notify_all()), (0, 0));
        notified.wait();
        owned.wait();
        assert_eq!(notify.notify_last(), 0);
        let mut enabled = std::pin::pin!(notify.notified());
        assert!(enabled.as_mut().enable());
        assert_eq!(notify.wait_timeout(Duration::ZERO), Err(Stop::TimedOut));
        assert!(notify.wait_deadline(Instant::now()).is_err());
        notify.wait_until(|| true);
        let never = || false;
        assert!(notify.wait_until_timeout(Duration::ZERO, never).is_err());
        assert!(notify.wait_until_deadline(Instant::now(), never).is_err());
        let until: WaitUntil<'_, _> = notify.wait_until_async(|| true);
        until.wait();
    }

    #[test]
    fn once() {
        use counterpoint::sync::once::{
            ClaimOnce, GetOrInit, GetOrTryInit, Make, TryMake, WaitOnce,
        };
        use counterpoint::sync::{
            Claim, LazyCell, Once, OnceCell, OnceCellError, OnceInit, SetError,
        };

        error::<OnceCellError>();
        error::<OnceCellError<std::fmt::Error>>();
        error::<SetError<u8>>();
        static IN_A_STATIC: OnceCell<u8> = OnceCell::new();
        static DONE: Once = Once::new();
        static LAZY: LazyCell<u8, std::future::Ready<u8>> = LazyCell::new(|| std::future::ready(1));
        assert_eq!(*IN_A_STATIC.get_or_init(|| *LAZY.force()), 1);
        DONE.call_once(|| ());
        assert!(DONE.is_completed() && IN_A_STATIC.is_initialized());
        type Claimed<'a> = Result<Claim<'a, u8>, OnceCellError>;
        let cell = OnceCell::new();
        let claim: ClaimOnce<'_, u8> = cell.claim_async();
        operation::<_, Claimed<'_>, Claimed<'_>>(claim);
        let wait: WaitOnce<'_, u8> = cell.wait_async();
        operation::<_, &u8, Result<&u8, Stop>>(wait);
        let get: GetOrInit<'_, u8, Make<_, _>> = cell.get_or_init_async(async || 1);
        let try_get: GetOrTryInit<'_, u8, TryMake<_, _>> =
            cell.get_or_try_init_async(async || Err::<u8, ()>(()));
        assert_eq!(try_get.wait(), Err(OnceCellError::Init(())));
        if let Ok(Claim::Init(init)) = cell.claim() {
            let init: OnceInit<'_, u8> = init;
            drop(init);
        }
        assert!(cell.claim_timeout(Duration::ZERO).is_ok());
        assert!(cell.try_claim().is_some());
        assert!(cell.claim_deadline(Instant::now()).is_ok());
        assert_eq!(*get.wait(), 1);
        cell.named("a number");
        assert_eq!(cell.set(2), Err(SetError::AlreadyInit(2)));
        assert_eq!(cell.get(), Some(&1));
        assert_eq!(cell.into_inner(), Some(1));
    }

    #[test]
    fn barrier() {
        use counterpoint::sync::barrier::BarrierWait;
        use counterpoint::sync::{Arrival, Barrier, BarrierWaitError, BarrierWaitResult, OnStop};

        error::<BarrierWaitError>();
        static IN_A_STATIC: Barrier = Barrier::new(1);
        let result: BarrierWaitResult = IN_A_STATIC.wait();
        assert!(result.is_leader() && !result.is_broken());
        type Waited = Result<BarrierWaitResult, BarrierWaitError>;
        let barrier = Barrier::with_on_stop(2, OnStop::Break);
        let wait: BarrierWait<'_> = barrier.wait_async();
        operation::<_, BarrierWaitResult, Waited>(wait);
        let arrival: Arrival<'_> = barrier.arrive();
        let late: BarrierWait<'_> = arrival.wait_async();
        drop(late);
        barrier.join();
        barrier.leave();
        assert!(
            barrier.try_wait().is_some() && barrier.arrive().wait_timeout(Duration::ZERO).is_err()
        );
        assert!(barrier.wait_deadline(Instant::now()).is_ok());
        assert!(barrier.wait_timeout(Duration::ZERO).is_err() && barrier.is_broken());
        barrier.reset();
        barrier.arrive_and_leave();
        assert_eq!((barrier.parties(), barrier.arrived()), (1, 0));
        assert_eq!(OnStop::default(), OnStop::Retract);
        barrier.named("phase");
    }

    #[test]
    fn sharded_lock() {
        use counterpoint::sync::sharded_lock::{ShardRead, ShardWrite};
        use counterpoint::sync::{
            LockError, ShardedLock, ShardedLockReadGuard, ShardedLockWriteGuard, TryLockError,
        };

        static IN_A_STATIC: ShardedLock<u8> = ShardedLock::new(1);
        let mut lock = ShardedLock::new(1);
        let reads: ShardedLockReadGuard<'_, i32> = lock.read();
        assert_eq!(lock.try_write().err(), Some(TryLockError::WouldBlock));
        assert_eq!(
            lock.write_timeout(Duration::ZERO).err(),
            Some(LockError::TimedOut)
        );
        assert!(lock.write_deadline(Instant::now()).is_err());
        drop(reads);
        let writes: ShardedLockWriteGuard<'_, i32> = lock.write();
        assert!(lock.try_read().is_err() && lock.read_timeout(Duration::ZERO).is_err());
        assert!(lock.read_deadline(Instant::now()).is_err());
        drop(writes);
        let read: ShardRead<'_, u8> = IN_A_STATIC.read_async();
        operation::<_, ShardedLockReadGuard<'_, u8>, Result<_, LockError>>(read);
        let write: ShardWrite<'_, u8> = IN_A_STATIC.write_async();
        operation::<_, ShardedLockWriteGuard<'_, u8>, Result<_, LockError>>(write);
        lock.clear_poison();
        lock.named("routes");
        lock.ranked(1);
        assert!(!lock.is_poisoned() && *lock.get_mut() == 1 && lock.into_inner() == 1);
    }

    #[test]
    fn condvar() {
        use counterpoint::sync::condvar::{Condition, Once, Relock, While};
        use counterpoint::sync::{Condvar, CondvarWait, Mutex, MutexGuard, WaitTimeoutResult};
        use counterpoint::wait::build::staged::{Limit, Never, Unlimited};
        use counterpoint::wait::{Bounded, block_on};

        static IN_A_STATIC: Condvar = Condvar::new();
        assert!(!IN_A_STATIC.notify_one() && IN_A_STATIC.notify_all() == 0);
        let (mutex, condvar) = (Mutex::new(1), Condvar::new());
        let mut guard = mutex.lock();
        let now = Instant::now();
        assert_eq!(
            condvar.wait_timeout(&mut guard, Duration::ZERO),
            Err(Stop::TimedOut)
        );
        assert_eq!(condvar.wait_deadline(&mut guard, now), Err(Stop::TimedOut));
        condvar.wait_while(&mut guard, |_| false);
        assert_eq!(
            condvar.wait_timeout_while(&mut guard, Duration::ZERO, |_| false),
            Ok(())
        );
        assert_eq!(
            condvar.wait_deadline_while(&mut guard, now, |_| false),
            Ok(())
        );
        let late: WaitTimeoutResult = condvar.wait_for(&mut guard, Duration::ZERO);
        assert!(late.timed_out() && condvar.wait_until(&mut guard, now).timed_out());
        assert!(
            !condvar
                .wait_while_for(&mut guard, |_| false, Duration::ZERO)
                .timed_out()
        );
        assert!(
            !condvar
                .wait_while_until(&mut guard, |_| false, now)
                .timed_out()
        );
        fn a_wait<G: Relock, C: Condition<G::Value>, L: Limit>(_: &CondvarWait<'_, G, C, L>) {}
        let wait: CondvarWait<'_, MutexGuard<'_, i32>, Once, Unlimited> = condvar.wait_async(guard);
        a_wait(&wait);
        let bounded: CondvarWait<'_, _, Once, Bounded<Never>> = wait.timeout(Duration::ZERO);
        let (guard, late): (MutexGuard<'_, i32>, Result<(), Stop>) = bounded.wait();
        assert!(late.is_err());
        let waits: CondvarWait<'_, _, While<_>> = condvar.wait_while_async(guard, |_| false);
        assert_eq!(*block_on(waits), 1);
        condvar.named("changed");
    }

    #[test]
    fn gates() {
        use counterpoint::sync::latch::LatchWait;
        use counterpoint::sync::reset_event::{AutoResetWait, ManualResetWait};
        use counterpoint::sync::{AutoResetEvent, Latch, ManualResetEvent};

        static GATE: ManualResetEvent = ManualResetEvent::new(true);
        let wait: ManualResetWait<'_> = GATE.wait_async();
        operation::<_, (), Result<(), Stop>>(wait);
        GATE.wait();
        assert!(!GATE.set() && GATE.is_set() && GATE.reset());
        assert!(GATE.wait_timeout(Duration::ZERO).is_err());
        assert!(GATE.wait_deadline(Instant::now()).is_err());
        GATE.named("a gate");
        static TURNSTILE: AutoResetEvent = AutoResetEvent::new(true);
        let wait: AutoResetWait<'_> = TURNSTILE.wait_async();
        operation::<_, (), Result<(), Stop>>(wait);
        TURNSTILE.wait();
        assert!(!TURNSTILE.set() && TURNSTILE.is_set() && TURNSTILE.reset());
        assert!(!TURNSTILE.try_wait() && TURNSTILE.wait_timeout(Duration::ZERO).is_err());
        assert!(TURNSTILE.wait_deadline(Instant::now()).is_err());
        TURNSTILE.named("a turnstile");
        static DONE: Latch = Latch::new(3);
        let wait: LatchWait<'_> = DONE.arrive_and_wait_async();
        operation::<_, (), Result<(), Stop>>(wait);
        operation::<_, (), Result<(), Stop>>(DONE.wait_async());
        assert!(!DONE.count_down() && !DONE.try_wait() && DONE.count() == 2);
        assert!(DONE.wait_timeout(Duration::ZERO).is_err());
        assert!(DONE.wait_deadline(Instant::now()).is_err());
        assert!(DONE.count_down_by(2) && DONE.is_open());
        DONE.wait();
        DONE.arrive_and_wait();
        DONE.named("done");
    }

    #[test]
    fn wait_group() {
        use counterpoint::sync::wait_group::{WaitGroupWait, WaitGroupWaitRef};
        use counterpoint::sync::{WaitGroup, WaitGroupError};

        error::<WaitGroupError>();
        let group = WaitGroup::new();
        let by_value: WaitGroupWait = WaitGroup::new().wait_async();
        operation::<_, (), Result<(), WaitGroupError>>(by_value);
        let by_reference: WaitGroupWaitRef<'_> = group.wait_ref_async();
        operation::<_, (), Result<(), Stop>>(by_reference);
        let other = group.clone();
        assert_eq!(group.count(), 2);
        assert_eq!(group.wait_ref_timeout(Duration::ZERO), Err(Stop::TimedOut));
        let error = group.wait_timeout(Duration::ZERO).unwrap_err();
        assert_eq!(error.stop(), Stop::TimedOut);
        let group = error.into_inner();
        drop(other);
        assert!(group.try_wait());
        group.wait_ref();
        group.wait();
    }

    #[test]
    fn buf_mutex() {
        use counterpoint::sync::buf_mutex::{
            LiveBufMutex, OrderedBufMutex, Reentered, StripedBufMutex, WaitIdle,
        };
        use counterpoint::sync::{BufMutex, OwnedSharedBufMutex, SharedBufMutex};

        shown::<Reentered>();
        let add = |global: &mut u32, local: &u32| *global += *local;
        let mut total: BufMutex<u32> = BufMutex::new(1, add);
        *total.get_mut() = 2;
        let mut share: SharedBufMutex<'_, u32> = total.share();
        *share.as_mut() += 1;
        share.flush();
        assert_eq!(
            (*share.as_ref(), share.take_local(), share.peek()),
            (0, 0, 3)
        );
        assert_eq!(share.abandon(), 0);
        let idle: WaitIdle<'_> = total.wait_idle_async();
        operation::<_, (), Result<(), Stop>>(idle);
        assert_eq!((total.outstanding(), total.peek(), total.take()), (0, 3, 3));
        assert!(!total.is_poisoned());

        let total = Arc::new(total);
        let share: OwnedSharedBufMutex<u32> = total.share_owned();
        let total = total.try_get().unwrap_err();
        drop(share);
        total.wait_idle();
        assert_eq!(total.try_get().unwrap(), 0);

        let _ = BufMutex::<Vec<u8>, Vec<u8>, _>::consuming(Vec::new(), |all, mut some| {
            all.append(&mut some)
        })
        .with_identity(Vec::new);
        let ordered: OrderedBufMutex<f64, f64, _> =
            BufMutex::<f64, f64>::ordered(0.0, |global, local| *global += *local);
        drop(ordered.share());
        let striped: StripedBufMutex<u32, u32, _, _, _> =
            BufMutex::<u32, u32>::striped(0, add, || 0, |all, part| *all += part);
        drop(striped.share());
        let live: LiveBufMutex<u32, u32, _> = BufMutex::<u32, u32>::live(0, add);
        let mut share = live.share();
        share.update(|local| *local += 1);
        assert_eq!(live.peek_all(), 1);
    }
}

mod meetings {
    use super::{Duration, Instant, error, named, operation, shown};
    use counterpoint::sync::exchanger::{Exchange, ExchangeError, ExchangeOwned};
    use counterpoint::sync::rendezvous::{
        Disconnected, GroupWait, Meeting, Party, RendezvousError, RendezvousSwap, RendezvousWait,
        TryRendezvousError,
    };
    use counterpoint::sync::{Exchanger, Rendezvous, RendezvousData, RendezvousGroup};
    use std::sync::Arc;

    const NOW: Duration = Duration::ZERO;

    #[test]
    fn types() {
        shown::<Rendezvous>();
        shown::<RendezvousData<*const u8>>();
        shown::<RendezvousGroup>();
        shown::<Exchanger<*const u8>>();
        shown::<Meeting<*const u8>>();
        shown::<Party<'static, *const u8>>();
        named::<RendezvousWait<'static>>();
        named::<RendezvousSwap<'static, u8>>();
        named::<GroupWait<'static>>();
        named::<Exchange<'static, u8>>();
        named::<ExchangeOwned<u8>>();
        error::<Disconnected>();
        error::<RendezvousError>();
        error::<TryRendezvousError>();
        error::<ExchangeError<u8>>();
    }

    #[test]
    fn rendezvous() {
        let (mut a, mut b): (Rendezvous, Rendezvous) = Rendezvous::new();
        assert_eq!(a.try_wait(), Err(TryRendezvousError::WouldBlock));
        assert_eq!(a.wait_timeout(NOW), Err(RendezvousError::TimedOut));
        assert_eq!(
            a.wait_deadline(Instant::now()),
            Err(RendezvousError::TimedOut)
        );
        b.wait();
        assert_eq!(a.wait_checked(), Ok(()));
        operation::<_, Result<(), Disconnected>, Result<(), RendezvousError>>(a.wait_async());
    }

    #[test]
    fn rendezvous_data() {
        let (mut a, mut b): (RendezvousData<u8>, _) = RendezvousData::new(1, 2);
        assert_eq!(a.get_mut(), Some(&mut 1));
        assert_eq!(a.try_swap(), Err(TryRendezvousError::WouldBlock));
        assert_eq!(a.try_wait(), Err(TryRendezvousError::WouldBlock));
        assert_eq!(a.swap_timeout(NOW), Err(RendezvousError::TimedOut));
        assert_eq!(a.wait_timeout(NOW), Err(RendezvousError::TimedOut));
        assert_eq!(
            a.swap_deadline(Instant::now()),
            Err(RendezvousError::TimedOut)
        );
        assert_eq!(
            a.wait_deadline(Instant::now()),
            Err(RendezvousError::TimedOut)
        );
        assert_eq!(b.swap(), &mut 1);
        assert_eq!(a.swap_checked(), Ok(&mut 2));
        operation::<_, Result<&mut u8, Disconnected>, Result<&mut u8, RendezvousError>>(
            a.swap_async(),
        );
        operation::<_, Result<(), Disconnected>, Result<(), RendezvousError>>(a.wait_async());
        std::thread::scope(|s| {
            s.spawn(|| b.wait());
            assert_eq!(a.wait_checked(), Ok(()));
        });
        assert_eq!(a.into_inner().ok(), Some(1));
    }

    #[test]
    fn rendezvous_group() {
        let mut parties: Vec<RendezvousGroup> = RendezvousGroup::new(2);
        let (mut a, mut b) = (parties.pop().unwrap(), parties.pop().unwrap());
        assert_eq!(a.parties(), 2);
        assert_eq!(a.try_wait(), Err(TryRendezvousError::WouldBlock));
        assert_eq!(a.wait_timeout(NOW), Err(RendezvousError::TimedOut));
        assert_eq!(
            a.wait_deadline(Instant::now()),
            Err(RendezvousError::TimedOut)
        );
        b.wait();
        assert_eq!(a.wait_checked(), Ok(()));
        operation::<_, Result<(), Disconnected>, Result<(), RendezvousError>>(a.wait_async());
    }

    #[test]
    fn exchanger() {
        static PLACE: Exchanger<u8> = Exchanger::new();
        assert_eq!(PLACE.try_exchange(1), Err(1));
        assert_eq!(
            PLACE.exchange_timeout(1, NOW),
            Err(ExchangeError::TimedOut(1))
        );
        assert_eq!(
            PLACE.exchange_deadline(1, Instant::now()),
            Err(ExchangeError::TimedOut(1))
        );
        assert_eq!(ExchangeError::Cancelled(1).into_inner(), 1);
        operation::<_, u8, Result<u8, ExchangeError<u8>>>(PLACE.exchange_async(1));
        let owned = Arc::new(Exchanger::<u8>::default());
        owned.named("a place");
        operation::<_, u8, Result<u8, ExchangeError<u8>>>(owned.exchange_owned_async(1));
        std::thread::scope(|s| {
            s.spawn(|| assert_eq!(PLACE.exchange(1), 2));
            assert_eq!(PLACE.exchange(2), 1);
        });
    }

    #[test]
    fn spinning_core() {
        let mut meeting: Meeting<u8> = Meeting::new(1, 2);
        let (mut a, mut b): (Party<'_, u8>, Party<'_, u8>) = meeting.split();
        assert_eq!(a.get_mut(), Some(&mut 1));
        assert_eq!(a.try_swap(), Err(TryRendezvousError::WouldBlock));
        assert_eq!(b.swap(), &mut 1);
        assert_eq!(a.swap_checked(), Ok(&mut 2));
        drop((a, b));
        assert_eq!(meeting.into_inner(), (1, 2));
    }
}

mod stage {
    use super::{Duration, Instant, error, named, operation, shown};
    use counterpoint::sync::stage::{Admission, Enter, NotifyError};
    use counterpoint::sync::{Director, Entered, Exit, Stage, Ticket};
    use counterpoint::wait::Stop;

    #[test]
    fn types() {
        shown::<Stage<*const u8, *const u8, *const u8>>();
        shown::<Ticket<'static, u8>>();
        shown::<Director<'static, *const u8, *const u8, *const u8>>();
        shown::<Entered<'static, *const u8, *const u8, *const u8>>();
        shown::<Exit<u8>>();
        named::<Enter<'static, Ticket<'static, u8>, u8, u8, u8>>();
        error::<NotifyError<u8>>();
    }

    fn enters<A: Admission<u8, u8>>(stage: &Stage<u8, u8, u8, u8>, with: A) -> u8 {
        match stage.enter(with, Some(Duration::ZERO), |head| *head.resource()) {
            Exit::Finished(number) | Exit::Value(number) => number,
            Exit::Timeout | Exit::Token | Exit::Closed => 0,
        }
    }

    #[test]
    fn stage() {
        let mut stage: Stage<u8, u8, u8, u8> = Stage::with_values(1, 2);
        *stage.get_mut() += 2;
        let mut ticket: Ticket<'_, u8, u8> = stage.ticket(7).unwrap();
        assert_eq!((*ticket.token(), stage.tickets()), (7, 1));
        assert_eq!(enters(&stage, &mut ticket), 3);
        assert_eq!(stage.notify_with(&7, 8), Ok(()));
        assert_eq!(stage.notify_with(&7, 9), Err(NotifyError::Full(9)));
        assert_eq!(stage.notify_with(&6, 9), Err(NotifyError::Unknown(9)));
        assert_eq!(enters(&stage, &mut ticket), 8);
        assert!(stage.notify(&7) && !stage.notify(&6));
        let exit = stage.enter_deadline(&mut ticket, Instant::now(), |_| ());
        assert_eq!((exit, stage.notify_all()), (Exit::Token, 1));
        assert_eq!(enters(&stage, &mut ticket), 0);
        operation::<_, Entered<'_, u8, u8, u8, u8>, Result<Entered<'_, u8, u8, u8, u8>, Stop>>(
            stage.enter_async(&mut ticket),
        );
        let exit = stage.enter(ticket, None, |head: &mut Director<'_, u8, u8, u8, u8>| {
            assert!(!head.notify(&9) && head.notify_with(&9, 1).is_err());
            assert!(head.stage().is_headed());
            head.buffer(|buffer| *buffer + 1)
        });
        assert_eq!(exit, Exit::Finished(3));
        assert_eq!((*stage.shared(), *stage.buffer()), (3, 2));
        // SAFETY: nobody heads.
        assert_eq!(unsafe { *stage.backdoor() }, 3);
        stage.named("a stage");
        stage.close();
        assert!(stage.is_closed());
        assert_eq!(stage.into_inner(), (3, 2));
    }

    #[test]
    fn without_values() {
        let stage = Stage::new(vec![1], ());
        let ticket = stage.ticket("token").unwrap();
        let length = stage.enter(ticket, None, |head| head.resource_mut().len());
        // All there is without values.
        match length {
            Exit::Finished(length) => assert_eq!(length, 1),
            Exit::Timeout | Exit::Token | Exit::Closed => unreachable!(),
        }
    }
}

mod queue {
    use super::*;

    #[test]
    fn array_queue() {
        use counterpoint::queue::{ArrayQueue, array::IntoIter};

        let mut queue: ArrayQueue<u8> = ArrayQueue::new(2);
        assert_eq!((queue.push(1), queue.push_mut(2)), (Ok(()), Ok(())));
        assert_eq!((queue.push(3), queue.push_mut(3)), (Err(3), Err(3)));
        assert_eq!((queue.len(), queue.capacity()), (2, 2));
        assert!(queue.is_full() && !queue.is_empty());
        assert_eq!(queue.force_push(3), Some(1));
        assert_eq!((queue.pop(), queue.pop_mut()), (Some(2), Some(3)));
        let none: IntoIter<u8> = queue.into_iter();
        assert_eq!(none.len(), 0);
        shown::<IntoIter<u8>>();
    }

    #[test]
    fn seg_queue() {
        use counterpoint::queue::{SegQueue, seg::IntoIter};

        static QUEUE: SegQueue<u8> = SegQueue::new();
        QUEUE.push(1);
        assert_eq!(
            (QUEUE.len(), QUEUE.is_empty(), QUEUE.pop()),
            (1, false, Some(1))
        );
        let mut queue: SegQueue<u8> = (0..3).collect();
        queue.push_mut(3);
        assert_eq!(queue.pop_mut(), Some(0));
        let rest: IntoIter<u8> = queue.into_iter();
        assert_eq!(rest.len(), 3);
        shown::<IntoIter<u8>>();
        assert!(SegQueue::<u8>::default().is_empty());
    }

    #[test]
    fn ring() {
        use counterpoint::queue::spsc::{self, Consumer, Producer, ReadChunk, Values, WriteChunk};

        let (mut producer, mut consumer): (Producer<u8>, Consumer<u8>) = spsc::ring(4);
        assert_eq!(
            (producer.push(1), producer.push_slice(&[2, 3])),
            (Ok(()), 2)
        );
        assert_eq!((producer.capacity(), producer.slots()), (4, 1));
        assert!(!producer.is_full() && !producer.is_abandoned());
        let mut chunk: WriteChunk<'_, u8> = producer.write_chunk(1).unwrap();
        assert_eq!((chunk.len(), chunk.is_empty()), (1, false));
        chunk.as_mut_slices().0[0].write(4);
        // SAFETY: it was written.
        unsafe { chunk.commit(1) };
        assert!(producer.write_chunk(1).is_none());
        assert_eq!((consumer.capacity(), consumer.slots()), (4, 4));
        assert!(!consumer.is_empty() && !consumer.is_abandoned());
        assert_eq!(consumer.peek(), Some(&1));
        assert_eq!((consumer.pop(), consumer.pop_slice(&mut [0])), (Some(1), 1));
        let mut chunk: ReadChunk<'_, u8> = consumer.read_chunk(2).unwrap();
        assert_eq!((chunk.len(), chunk.is_empty()), (2, false));
        assert_eq!(chunk.as_mut_slices().0, [3, 4]);
        assert_eq!(chunk.as_slices().0, [3, 4]);
        let mut values: Values<'_, u8> = chunk.into_iter();
        assert_eq!(values.next(), Some(3));
        drop(values);
        consumer.read_chunk(1).unwrap().commit_all();
        assert_eq!(producer.write_chunk(2).unwrap().fill([5, 6]), 2);
        consumer.read_chunk(2).unwrap().commit(2);
        shown::<Producer<u8>>();
        shown::<Consumer<u8>>();
        shown::<WriteChunk<'_, u8>>();
        shown::<ReadChunk<'_, u8>>();
        shown::<Values<'_, u8>>();
    }
}

mod epoch {
    use super::*;
    use counterpoint::epoch::{
        self, Atomic, Collector, CompareExchangeError, Guard, LocalHandle, OldestPin, Owned,
        OwnedGuard, Pointable, Pointer, Shared, Stall, Stats,
    };
    use std::mem::MaybeUninit;
    use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};

    #[test]
    fn types() {
        shown::<(Atomic<u8>, Owned<u8>, Shared<'static, u8>, Guard)>();
        shown::<(Collector, LocalHandle, Stats, OldestPin, Stall)>();
        shown::<CompareExchangeError<'static, u8, Owned<u8>>>();
        fn pointable<T: ?Sized + Pointable>() -> usize {
            T::ALIGNMENT
        }
        assert_eq!(pointable::<u64>(), align_of::<u64>());
        assert_eq!(pointable::<[MaybeUninit<u8>]>(), align_of::<usize>());
        fn pointer<P: Pointer<u8>>() {}
        pointer::<Owned<u8>>();
        pointer::<Shared<'static, u8>>();
    }

    #[test]
    fn pointers() {
        static NOWHERE: Atomic<u64> = Atomic::null();
        let guard = epoch::pin();
        assert!(
            NOWHERE
                .load(counterpoint::atomic::RELAXED, &guard)
                .is_null()
        );
        let owned: Owned<u64> = Owned::new(1).with_tag(2);
        assert_eq!((owned.tag(), *owned.into_box()), (2, 1));
        let slot: Atomic<u64> = Atomic::new(7);
        let first = slot.load_consume(&guard);
        assert!(!first.is_null() && first.tag() == 0 && !first.as_raw().is_null());
        let swapped = slot.swap(Owned::init(8), AcqRel, &guard);
        // SAFETY: just taken out, by the only thread.
        unsafe { guard.defer_destroy(swapped) };
        let next = slot.load(Acquire, &guard);
        let none = Shared::null();
        assert!(
            slot.compare_exchange(none, none, AcqRel, Acquire, &guard)
                .is_err()
        );
        assert!(
            slot.compare_exchange_weak(none, none, AcqRel, Acquire, &guard)
                .is_err()
        );
        assert!(
            slot.fetch_update(AcqRel, Acquire, &guard, |_| None)
                .is_err()
        );
        assert!(slot.try_update(AcqRel, Acquire, &guard, |_| None).is_err());
        slot.fetch_or(1, Relaxed, &guard);
        slot.fetch_xor(1, Relaxed, &guard);
        slot.fetch_and(0, Relaxed, &guard);
        slot.store(Shared::null(), Release);
        // SAFETY: known to this thread alone.
        assert_eq!(unsafe { next.as_ref() }, Some(&8));
        // SAFETY: as above.
        drop(unsafe { next.try_into_owned() });
        // SAFETY: as above.
        assert!(unsafe { slot.try_into_owned() }.is_none());
    }

    #[test]
    fn guards() {
        let collector: &Collector = epoch::default_collector();
        let handle: LocalHandle = collector.register();
        assert_eq!(handle.collector(), collector);
        let mut guard: Guard = handle.pin();
        guard.defer(|| ());
        // SAFETY: it borrows nothing.
        unsafe { guard.defer_unchecked(|| ()) };
        guard.flush();
        guard.repin();
        guard.repin_after(|| ());
        assert!(handle.is_pinned() && guard.collector() == Some(collector));
        let own = Collector::new();
        own.on_stall(Duration::from_secs(1), |stall: &Stall| println!("{stall}"));
        let stats: Stats = own.stats();
        assert_eq!(
            (
                stats.records,
                stats.pinned,
                stats.waiting,
                stats.waiting_bytes
            ),
            (0, 0, 0, 0)
        );
        assert!(stats.oldest_pin.is_none());
        let mut moves: OwnedGuard = own.pin_owned();
        moves.repin();
        assert_eq!(moves.collector(), Some(&own));
        // SAFETY: nothing is loaded with it.
        assert!(unsafe { epoch::unprotected() }.collector().is_none());
        let _ = epoch::is_pinned();
    }
}

mod deque {
    use super::*;
    use counterpoint::deque::{Injector, Steal, Stealer, Worker};

    #[test]
    fn workers_and_stealers() {
        let (fifo, lifo) = (Worker::new_fifo(), Worker::new_lifo());
        assert!(fifo.push_was_empty(1_u8));
        fifo.push(2);
        let thief: Stealer<u8> = fifo.stealer();
        assert_eq!((fifo.len(), thief.len()), (2, 2));
        assert!(!fifo.is_empty() && !thief.clone().is_empty());
        assert_eq!(thief.steal_batch(&lifo), Steal::Success(()));
        assert_eq!(thief.steal_batch_and_pop(&lifo), Steal::Success(2));
        assert_eq!(thief.steal_batch_with_limit(&lifo, 1), Steal::Empty);
        assert_eq!(thief.steal_batch_with_limit_and_pop(&lifo, 1), Steal::Empty);
        assert_eq!((thief.steal(), lifo.pop()), (Steal::Empty, Some(1)));
        shown::<Worker<u8>>();
        shown::<Stealer<u8>>();
    }

    #[test]
    fn injector() {
        static ENTRANCE: Injector<u8> = Injector::new();
        let worker = Worker::new_fifo();
        (0..8).for_each(|task| ENTRANCE.push(task));
        assert_eq!((ENTRANCE.len(), ENTRANCE.is_empty()), (8, false));
        assert_eq!(ENTRANCE.steal(), Steal::Success(0));
        assert!(ENTRANCE.steal_batch(&worker).is_success());
        assert!(ENTRANCE.steal_batch_and_pop(&worker).success().is_some());
        assert!(!ENTRANCE.steal_batch_with_limit(&worker, 1).is_retry());
        let last = ENTRANCE.steal_batch_with_limit_and_pop(&worker, 1);
        assert!(last.or_else(|| Steal::Retry).is_retry());
        assert!(Injector::<u8>::default().steal().is_empty());
        assert_eq!(
            Steal::<u8>::from_iter([Steal::Retry, Steal::Empty]),
            Steal::Retry
        );
        shown::<Injector<u8>>();
    }
}

/// The peers' own paths; each module has the name of the crate it stands for.
#[cfg(feature = "compat")]
mod compat {
    #[test]
    fn buf_mutex() {
        use counterpoint::compat::buf_mutex::{BufMutex, SharedBufMutex};

        let total = BufMutex::<usize>::new(0, |global, local| *global += *local);
        let share: SharedBufMutex<'_, usize> = total.share();
        drop(share);
        assert_eq!(total.get(), 0);
    }

    #[test]
    fn rendezvous_swap() {
        use counterpoint::compat::rendezvous_swap::{Rendezvous, RendezvousData};

        let (mut a, mut b): (Rendezvous, Rendezvous) = Rendezvous::new();
        let (mut c, mut d): (RendezvousData<u8>, RendezvousData<u8>) = RendezvousData::new(1, 2);
        std::thread::scope(|s| {
            s.spawn(|| {
                a.wait();
                a.wait_inline();
                assert_eq!((*c.swap(), *c.swap_inline()), (2, 1));
            });
            b.wait_inline();
            b.wait();
            assert_eq!((*d.swap_inline(), *d.swap()), (1, 2));
        });
    }

    #[test]
    fn crossbeam_utils() {
        use counterpoint::compat::crossbeam_utils::atomic::{AtomicCell, AtomicConsume};
        use counterpoint::compat::crossbeam_utils::sync::{
            Parker, ShardedLock, ShardedLockReadGuard, ShardedLockWriteGuard, Unparker, WaitGroup,
        };
        use counterpoint::compat::crossbeam_utils::thread::{
            Result, Scope, ScopedJoinHandle, ScopedThreadBuilder, scope,
        };
        use counterpoint::compat::crossbeam_utils::{Backoff, CachePadded};
        use std::time::{Duration, Instant};

        let (parker, padded) = (Parker::new(), CachePadded::new(2));
        let unparker: &Unparker = parker.unparker();
        let group = WaitGroup::new();
        let outcome: Result<u8> = scope(|s: &Scope<'_>| {
            let builder: ScopedThreadBuilder<'_, '_> = s.builder();
            let handle: ScopedJoinHandle<'_, u8> = builder.spawn(|_| *padded + 1).unwrap();
            unparker.unpark();
            parker.park();
            parker.park_timeout(Duration::ZERO);
            parker.park_deadline(Instant::now());
            handle.join().unwrap()
        });
        assert_eq!(outcome.unwrap(), 3);
        group.wait();
        Backoff::new().spin();
        assert_eq!(AtomicCell::new(1).load(), 1);
        assert!(!std::sync::atomic::AtomicBool::new(false).load_consume());
        let lock = ShardedLock::new(1);
        let read: ShardedLockReadGuard<'_, i32> = lock.read().unwrap();
        assert_eq!(*read, 1);
        drop(read);
        let write: ShardedLockWriteGuard<'_, i32> = lock.write().unwrap();
        drop(write);
        let raw = Parker::into_raw(Parker::default());
        // SAFETY: from `into_raw`, taken back once.
        drop(unsafe { Parker::from_raw(raw) });
    }

    #[test]
    fn crossbeam_deque() {
        use counterpoint::compat::crossbeam_deque::{Injector, Steal, Stealer, Worker};

        let worker: Worker<u8> = Worker::new_lifo();
        let thief: Stealer<u8> = worker.stealer();
        let entrance: Injector<u8> = Injector::new();
        assert_eq!(
            (thief.steal(), entrance.steal()),
            (Steal::Empty, Steal::Empty)
        );
    }

    #[test]
    #[allow(deprecated, reason = "a part of the surface")]
    fn crossbeam_epoch() {
        use super::shown;
        use counterpoint::compat::crossbeam_epoch::{
            self as epoch, Atomic, Collector, CompareAndSetError, CompareAndSetOrdering,
            CompareExchangeError, Guard, LocalHandle, Owned, Pointable, Pointer, Shared,
        };
        use std::sync::atomic::Ordering::{AcqRel, Acquire};

        struct Plain {
            _value: u64,
        }
        fn made<T: ?Sized + Pointable>(init: T::Init) -> (usize, Atomic<T>) {
            (T::ALIGN, Atomic::init(init))
        }
        fn ordering<O: CompareAndSetOrdering>(_: &O) {}
        ordering(&(AcqRel, Acquire));
        shown::<CompareAndSetError<'static, u8, Owned<u8>>>();
        shown::<CompareExchangeError<'static, u8, Owned<u8>>>();
        let handle: LocalHandle = Collector::new().register();
        let guard: &Guard = &handle.pin();
        let slot: Atomic<u64> = Atomic::new(1);
        let old = slot.load(Acquire, guard);
        let put = slot.compare_and_set(old, Owned::new(2), AcqRel, guard);
        let now: Shared<'_, u64> = put.unwrap();
        assert!(slot.compare_and_set_weak(old, now, AcqRel, guard).is_err());
        let address = <Shared<'_, u64> as Pointer<u64>>::into_usize(now);
        // SAFETY: it is alive, and nobody writes.
        assert_eq!(unsafe { <u64 as Pointable>::deref(address) }, &2);
        // SAFETY: taken out, by the only thread.
        unsafe { guard.defer_destroy(old) };
        let Err(CompareExchangeError { current, new }) =
            slot.compare_exchange(old, Owned::new(3), AcqRel, Acquire, guard)
        else {
            panic!("it points to something else");
        };
        assert_eq!((current, *new), (now, 3));
        // SAFETY: nobody else knows it.
        assert_eq!(*unsafe { slot.into_owned() }, 2);
        // In generic code, and of what cannot be shown.
        let (align, slot) = made::<Plain>(Plain { _value: 1 });
        let plain = slot.load(Acquire, guard);
        let none = slot.compare_exchange(plain, Shared::null(), AcqRel, Acquire, guard);
        assert!(none.unwrap().is_null() && align == align_of::<Plain>());
        let other = Owned::new(Plain { _value: 2 });
        let put = slot.compare_exchange(Shared::null(), other, AcqRel, Acquire, guard);
        assert!(put.is_ok_and(|put| !put.is_null()));
        let other = Owned::new(Plain { _value: 3 });
        let refused = slot.compare_exchange(plain, other, AcqRel, Acquire, guard);
        assert!(format!("{:?}", refused.unwrap_err()).contains("Owned"));
        // SAFETY: nobody else knows it.
        drop(unsafe { slot.into_owned() });
        // SAFETY: taken out above, by the only thread.
        drop(unsafe { plain.into_owned() });
        assert!(!epoch::is_pinned());
        drop(epoch::pin());
        assert_eq!(epoch::default_collector(), epoch::default_collector());
        // SAFETY: nothing is loaded with it.
        assert!(unsafe { epoch::unprotected() }.collector().is_none());
    }

    #[test]
    fn crossbeam_queue() {
        use counterpoint::compat::crossbeam_queue::{ArrayQueue, SegQueue};

        let bounded: ArrayQueue<u8> = ArrayQueue::new(1);
        let unbounded: SegQueue<u8> = SegQueue::new();
        assert_eq!((bounded.pop(), unbounded.pop()), (None, None));
    }

    #[test]
    fn openmp_reducer() {
        use counterpoint::compat::openmp_reducer::{Reducer, SharedReducer};

        let reducer = Reducer::<usize>::new(0, |global, local| *global += *local);
        let share: SharedReducer<'_, usize> = reducer.share();
        drop(share);
        assert_eq!(reducer.get(), 0);
    }

    #[test]
    fn std_sync() {
        use super::{error, shown};
        use counterpoint::compat::std_sync::{
            Arc, Barrier, BarrierWaitResult, Condvar, LazyLock, LockResult, Mutex, MutexGuard,
            Once, OnceLock, OnceState, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard,
            TryLockError, TryLockResult, WaitTimeoutResult, Weak,
        };
        use counterpoint::sync::poison;

        let mutex: poison::Mutex<u8> = Mutex::new(1);
        let locked: LockResult<MutexGuard<'_, u8>> = mutex.lock();
        let again: TryLockResult<MutexGuard<'_, u8>> = mutex.try_lock();
        assert!(locked.is_ok() && matches!(again, Err(TryLockError::WouldBlock)));
        let lock: RwLock<u8> = RwLock::new(1);
        let read: RwLockReadGuard<'_, u8> = lock.read().unwrap();
        drop(read);
        let written: RwLockWriteGuard<'_, u8> = lock.write().unwrap();
        drop(written);
        shown::<(Condvar, WaitTimeoutResult, Barrier, BarrierWaitResult)>();
        shown::<(Once, OnceState, OnceLock<u8>, LazyLock<u8>)>();
        shown::<(Arc<u8>, Weak<u8>)>();
        error::<PoisonError<u8>>();
    }

    #[test]
    fn parking_lot() {
        use super::{named, shown};
        use counterpoint::compat::parking_lot::{
            ArcMutexGuard, ArcReentrantMutexGuard, ArcRwLockReadGuard,
            ArcRwLockUpgradableReadGuard, ArcRwLockWriteGuard, Condvar, FairMutex, FairMutexGuard,
            MappedFairMutexGuard, MappedMutexGuard, MappedReentrantMutexGuard,
            MappedRwLockReadGuard, MappedRwLockWriteGuard, Mutex, MutexGuard, Once, OnceState,
            RawFairMutex, RawMutex, RawRwLock, RawThreadId, ReentrantMutex, ReentrantMutexGuard,
            RwLock, RwLockReadGuard, RwLockUpgradableReadGuard, RwLockWriteGuard,
            WaitTimeoutResult, const_fair_mutex, const_mutex, const_reentrant_mutex, const_rwlock,
        };

        shown::<(Mutex<u8>, MutexGuard<'_, u8>, MappedMutexGuard<'_, u8>)>();
        shown::<(
            FairMutex<u8>,
            FairMutexGuard<'_, u8>,
            MappedFairMutexGuard<'_, u8>,
        )>();
        shown::<(ReentrantMutex<u8>, ReentrantMutexGuard<'_, u8>)>();
        shown::<MappedReentrantMutexGuard<'_, u8>>();
        shown::<(
            RwLock<u8>,
            RwLockReadGuard<'_, u8>,
            RwLockWriteGuard<'_, u8>,
        )>();
        shown::<(
            MappedRwLockReadGuard<'_, u8>,
            MappedRwLockWriteGuard<'_, u8>,
        )>();
        shown::<RwLockUpgradableReadGuard<'_, u8>>();
        named::<(
            ArcMutexGuard<RawMutex, u8>,
            ArcRwLockReadGuard<RawRwLock, u8>,
        )>();
        named::<ArcReentrantMutexGuard<RawMutex, RawThreadId, u8>>();
        shown::<ArcRwLockUpgradableReadGuard<RawRwLock, u8>>();
        shown::<ArcRwLockWriteGuard<RawRwLock, u8>>();
        shown::<(Condvar, WaitTimeoutResult, Once, OnceState, RawFairMutex)>();
        assert!(!const_mutex(1).is_locked() && !const_fair_mutex(1).is_locked());
        assert!(!const_reentrant_mutex(1).is_locked() && !const_rwlock(1).is_locked());
    }

    #[test]
    fn async_lock() {
        use super::shown;
        use counterpoint::compat::async_lock::futures::{
            Acquire, AcquireArc, BarrierWait, Lock, LockArc, Read, ReadArc, UpgradableRead,
            UpgradableReadArc, Upgrade, UpgradeArc, Write, WriteArc,
        };
        use counterpoint::compat::async_lock::{
            Barrier, BarrierWaitResult, Mutex, MutexGuard, MutexGuardArc, OnceCell, RwLock,
            RwLockReadGuard, RwLockReadGuardArc, RwLockUpgradableReadGuard,
            RwLockUpgradableReadGuardArc, RwLockWriteGuard, RwLockWriteGuardArc, Semaphore,
            SemaphoreGuard, SemaphoreGuardArc,
        };

        shown::<(Mutex<u8>, MutexGuard<'_, u8>, MutexGuardArc<u8>)>();
        shown::<(RwLock<u8>, RwLockReadGuard<'_, u8>, RwLockReadGuardArc<u8>)>();
        shown::<(
            RwLockUpgradableReadGuard<'_, u8>,
            RwLockUpgradableReadGuardArc<u8>,
        )>();
        shown::<(RwLockWriteGuard<'_, u8>, RwLockWriteGuardArc<u8>)>();
        shown::<(Semaphore, SemaphoreGuard<'_>, SemaphoreGuardArc)>();
        shown::<(Barrier, BarrierWaitResult, OnceCell<u8>)>();
        shown::<(
            Lock<'_, u8>,
            LockArc<u8>,
            Acquire<'_>,
            AcquireArc,
            BarrierWait<'_>,
        )>();
        shown::<(
            Read<'_, u8>,
            ReadArc<'_, u8>,
            Write<'_, u8>,
            WriteArc<'_, u8>,
        )>();
        shown::<(UpgradableRead<'_, u8>, UpgradableReadArc<'_, u8>)>();
        shown::<(Upgrade<'_, u8>, UpgradeArc<u8>)>();
    }

    #[test]
    fn tokio() {
        use super::{error, shown};
        use counterpoint::compat::tokio::sync::futures::{Notified, OwnedNotified};
        use counterpoint::compat::tokio::sync::{
            AcquireError, Barrier, BarrierWaitResult, MappedMutexGuard, Mutex, MutexGuard, Notify,
            OnceCell, OwnedMappedMutexGuard, OwnedMutexGuard, OwnedRwLockMappedWriteGuard,
            OwnedRwLockReadGuard, OwnedRwLockWriteGuard, OwnedSemaphorePermit, RwLock,
            RwLockMappedWriteGuard, RwLockReadGuard, RwLockWriteGuard, Semaphore, SemaphorePermit,
            SetError, SetOnce, SetOnceError, TryAcquireError, TryLockError,
        };
        use counterpoint::compat::tokio_util::sync::{
            CancellationToken, DropGuard, DropGuardRef, WaitForCancellationFuture,
            WaitForCancellationFutureOwned,
        };

        shown::<(Mutex<u8>, MutexGuard<'_, u8>, MappedMutexGuard<'_, u8>)>();
        shown::<(OwnedMutexGuard<u8>, OwnedMappedMutexGuard<u8, u8>)>();
        shown::<(
            RwLock<u8>,
            RwLockReadGuard<'_, u8>,
            RwLockWriteGuard<'_, u8>,
        )>();
        shown::<(
            RwLockMappedWriteGuard<'_, u8>,
            OwnedRwLockMappedWriteGuard<u8>,
        )>();
        shown::<(OwnedRwLockReadGuard<u8>, OwnedRwLockWriteGuard<u8>)>();
        shown::<(Semaphore, SemaphorePermit<'_>, OwnedSemaphorePermit)>();
        shown::<(
            Barrier,
            BarrierWaitResult,
            Notify,
            Notified<'_>,
            OwnedNotified,
        )>();
        shown::<(OnceCell<u8>, SetOnce<u8>)>();
        error::<AcquireError>();
        error::<TryAcquireError>();
        error::<TryLockError>();
        error::<SetError<u8>>();
        error::<SetOnceError<u8>>();
        shown::<(CancellationToken, DropGuard, DropGuardRef<'_>)>();
        shown::<(
            WaitForCancellationFuture<'_>,
            WaitForCancellationFutureOwned,
        )>();
    }
}

#[cfg(feature = "ledger")]
#[test]
fn ledger() {
    use counterpoint::ledger::{
        AlreadyInstalled, Deadlock, Finding, Held, Inversion, LeakReport, Link, Ordered, Party,
        Phase, Policy, Report, Shape, Snapshot, Task, Waiting, deadlocks, inversions, report,
        scope, set_policy, snapshot, start, task, transfer,
    };

    error::<AlreadyInstalled>();
    start().unwrap();
    shown::<(
        Finding,
        Held,
        Inversion,
        Link,
        Ordered,
        Party,
        Phase,
        Shape,
        Waiting,
    )>();
    set_policy(Policy::Silent);
    let mutex = counterpoint::sync::Mutex::new(1);
    let guard = mutex.lock();
    transfer(&guard);
    let leaks: LeakReport = scope(|| ());
    leaks.assert_empty();
    let seen: Snapshot = snapshot();
    assert!(!seen.held.is_empty());
    let text: Report = report();
    assert!(text.to_string().contains("MutexGuard"));
    let _: Vec<Deadlock> = deadlocks();
    let _: Vec<Inversion> = inversions();
    let two: Task<_> = task("adds", async { 1 + 1 });
    future::<_, i32>(two);
}

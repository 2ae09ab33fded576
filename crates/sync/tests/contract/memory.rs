//! Foreign code, memory and auto traits: W5, W6, W7, W9, W10, W13, W14.

use super::leak::leak;
use super::subjects::{Subject, all};
use super::wakers::{Moment, Probe};
use counterpoint_sync::{Mutex, RwLock, Semaphore};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

/// Runs `f`, which must end: a lock held while foreign code runs shows as a wait without end.
fn ends(what: &str, f: impl FnOnce() + Send + 'static) {
    let (done, is_done) = mpsc::channel();
    let thread = thread::spawn(move || {
        f();
        done.send(()).unwrap();
    });
    let waited = is_done.recv_timeout(Duration::from_secs(60));
    assert_ne!(
        waited,
        Err(mpsc::RecvTimeoutError::Timeout),
        "{what} waits for ever"
    );
    thread.join().unwrap();
}

/// A waker that uses the primitive each time it is cloned, woken or dropped.
fn reentrant(subject: &Arc<Subject>) -> (Arc<Probe>, Arc<AtomicUsize>) {
    let entered = Arc::new(AtomicUsize::new(0));
    let (subject, count) = (subject.clone(), entered.clone());
    let probe = Probe::with(move |_| {
        count.fetch_add(1, Ordering::SeqCst);
        let inner = Probe::new();
        let mut wait = (subject.wait)();
        drop(inner.poll(wait.as_mut()));
        drop(wait);
        assert_eq!(inner.live(), 0);
    });
    (probe, entered)
}

#[test]
fn w5_w13_wakers_may_use_the_primitive_whenever_they_run() {
    for subject in all() {
        ends(subject.verb, move || {
            let subject = Arc::new(subject);
            let (first, first_entered) = reentrant(&subject);
            let (second, second_entered) = reentrant(&subject);
            let mut wait = (subject.wait)();
            // Cloned; replaced and dropped; dropped with the wait; woken.
            assert!(first.poll(wait.as_mut()).is_pending());
            assert!(second.poll(wait.as_mut()).is_pending());
            let mut other = (subject.wait)();
            assert!(first.poll(other.as_mut()).is_pending());
            drop(other);
            let before = second_entered.load(Ordering::SeqCst);
            (subject.open)();
            assert!(second_entered.load(Ordering::SeqCst) > before);
            assert!(first_entered.load(Ordering::SeqCst) > 3);
            drop(wait);
            assert_eq!((first.live(), second.live()), (0, 0));
        });
    }
}

#[test]
fn w13_a_wake_up_may_poll_what_it_wakes() {
    // The smallest executor: it polls inside the wake-up, that is, inside the unlock.
    let mutex: &'static Mutex<u32> = leak(Mutex::new(0));
    ends("an inline executor", move || {
        let held = mutex.lock();
        type Task = std::pin::Pin<Box<dyn Future<Output = ()> + Send>>;
        let task: Arc<std::sync::Mutex<Option<Task>>> = Arc::default();
        let mine = task.clone();
        let probe = Probe::with(move |moment| {
            if moment == Moment::Wake {
                let mut task = mine.lock().unwrap().take().expect("queued");
                assert!(Probe::new().poll(task.as_mut()).is_ready());
            }
        });
        let mut future: Task = Box::pin(async move { *mutex.lock_async().await += 1 });
        assert!(probe.poll(future.as_mut()).is_pending());
        *task.lock().unwrap() = Some(future);
        drop(held);
        assert_eq!(*mutex.lock(), 1);
    });
}

#[test]
fn w6_a_waker_is_replaced_only_by_a_different_one() {
    for subject in all() {
        let (first, second) = (Probe::new(), Probe::new());
        let mut wait = (subject.wait)();
        for _ in 0..3 {
            assert!(first.poll(wait.as_mut()).is_pending());
            assert_eq!(first.live(), 1, "{}", subject.verb);
        }
        for _ in 0..3 {
            assert!(second.poll(wait.as_mut()).is_pending());
            assert_eq!((first.live(), second.live()), (0, 1), "{}", subject.verb);
        }
        (subject.open)();
        assert_eq!((first.wakes(), second.wakes()), (0, 1), "{}", subject.verb);
    }
}

#[test]
fn w6_the_same_waker_is_not_cloned() {
    for subject in all() {
        let clones = Arc::new(AtomicUsize::new(0));
        let count = clones.clone();
        let probe = Probe::with(move |moment| {
            count.fetch_add(usize::from(moment == Moment::Clone), Ordering::SeqCst);
        });
        let mut wait = (subject.wait)();
        for _ in 0..5 {
            assert!(probe.poll(wait.as_mut()).is_pending());
        }
        assert_eq!(clones.load(Ordering::SeqCst), 1, "{}", subject.verb);
    }
}

#[test]
fn w9_a_dropped_wait_keeps_no_waker() {
    for subject in all() {
        let probe = Probe::new();
        let mut line: Vec<_> = (0..10_000)
            .map(|_| {
                let mut wait = (subject.wait)();
                assert!(probe.poll(wait.as_mut()).is_pending());
                wait
            })
            .collect();
        assert_eq!(probe.live(), 10_000);
        // From the middle, the front and the back.
        line.drain(2_500..7_500);
        assert_eq!(probe.live(), 5_000);
        line.drain(..2_500);
        line.clear();
        assert_eq!((probe.live(), probe.wakes()), (0, 0), "{}", subject.verb);
    }
}

#[test]
fn w10_a_forgotten_wait_survives_a_move_of_the_mutex() {
    let mut place = Box::new(Mutex::new(7));
    let held = place.lock();
    for _ in 0..3 {
        let mut wait = Box::pin(place.lock_async());
        assert!(Probe::new().poll(wait.as_mut()).is_pending());
        leak(wait);
    }
    drop(held);
    // Two of the forgotten are still queued.
    let moved = std::mem::replace(&mut *place, Mutex::new(0));
    let mutex = Box::new(moved);
    drop(place);
    for expected in 7..12 {
        let mut guard = mutex.lock();
        assert_eq!(*guard, expected);
        *guard += 1;
        let mut wait = Box::pin(mutex.lock_async());
        let probe = Probe::new();
        assert!(probe.poll(wait.as_mut()).is_pending());
        drop(guard);
        // The lock is free, so one that is polled gets it, whoever was granted it.
        drop(wait);
    }
    assert_eq!(mutex.into_inner(), 12);
}

#[test]
fn w10_a_forgotten_wait_survives_a_move_of_the_semaphore() {
    let mut semaphore = Semaphore::new(0);
    for _ in 0..3 {
        let mut wait = Box::pin(semaphore.acquire_async());
        assert!(Probe::new().poll(wait.as_mut()).is_pending());
        leak(wait);
    }
    semaphore = *Box::new(semaphore);
    semaphore.add_permits(2);
    assert!(semaphore.try_acquire().is_ok());
    semaphore.close();
    assert!(semaphore.acquire().is_err());
}

#[test]
fn w10_a_forgotten_wait_survives_a_move_of_the_rwlock() {
    let mut place = Box::new(RwLock::new(7));
    let held = place.write();
    for writes in [true, false, true] {
        let probe = Probe::new();
        if writes {
            let mut wait = Box::pin(place.write_async());
            assert!(probe.poll(wait.as_mut()).is_pending());
            leak(wait);
        } else {
            let mut wait = Box::pin(place.read_async());
            assert!(probe.poll(wait.as_mut()).is_pending());
            leak(wait);
        }
    }
    drop(held);
    let moved = std::mem::replace(&mut *place, RwLock::new(0));
    let lock = Box::new(moved);
    drop(place);
    for expected in 7..12 {
        assert_eq!(*lock.read(), expected);
        *lock.write() += 1;
    }
    assert_eq!(lock.into_inner(), 12);
}

macro_rules! table {
    ($($ty:ty: $($is:ident)+;)*) => {$(
        $(table!(@is $is $ty);)+
    )*};
    (@is send $ty:ty) => { const _: fn() = || { fn is<T: ?Sized + Send>() {} is::<$ty>() }; };
    (@is sync $ty:ty) => { const _: fn() = || { fn is<T: ?Sized + Sync>() {} is::<$ty>() }; };
    (@is unpin $ty:ty) => { const _: fn() = || { fn is<T: ?Sized + Unpin>() {} is::<$ty>() }; };
    (@is not_send $ty:ty) => { table!(@not Send $ty); };
    (@is not_sync $ty:ty) => { table!(@not Sync $ty); };
    (@is not_unpin $ty:ty) => { table!(@not Unpin $ty); };
    // Ambiguous, hence no program, if the type has the trait.
    (@not $trait:ident $ty:ty) => {
        const _: fn() = || {
            trait Ambiguous<A> {
                fn some() {}
            }
            impl<T: ?Sized> Ambiguous<()> for T {}
            #[allow(dead_code)]
            struct Has;
            impl<T: ?Sized + $trait> Ambiguous<Has> for T {}
            <$ty as Ambiguous<_>>::some()
        };
    };
}

mod auto_traits {
    use counterpoint_sync::mutex::{Lock, LockOwned};
    use counterpoint_sync::rwlock::{Read, ReadOwned, Upgrade, Write, WriteOwned};
    use counterpoint_sync::semaphore::{Acquire, AcquireOwned};
    use counterpoint_sync::wait_group::{WaitGroupWait, WaitGroupWaitRef};
    use counterpoint_sync::{
        MappedMutexGuard, MappedRwLockReadGuard, MappedRwLockWriteGuard, Mutex, MutexGuard,
        OwnedMappedMutexGuard, OwnedMappedRwLockReadGuard, OwnedMappedRwLockWriteGuard,
        OwnedMutexGuard, OwnedRwLockReadGuard, OwnedRwLockUpgradableReadGuard,
        OwnedRwLockWriteGuard, OwnedSemaphorePermit, RwLock, RwLockReadGuard,
        RwLockUpgradableReadGuard, RwLockWriteGuard, Semaphore, SemaphorePermit, WaitGroup,
    };
    use counterpoint_wait::cancel::{CancelToken, Cancelled, Ctl, DropGuard};
    use counterpoint_wait::select::{Select, SelectWait};
    use counterpoint_wait::timer::SleepUntil;
    use counterpoint_wait::{Bounded, CtlStop};
    use std::cell::Cell;
    use std::rc::Rc;

    /// `Send`, not `Sync`.
    type Once = Cell<u8>;
    /// `Sync`, not `Send`.
    type Stays = std::sync::MutexGuard<'static, u8>;
    /// Neither.
    type Local = Rc<u8>;
    type WithCtl<T> = Bounded<Lock<'static, T>, ((), CtlStop<'static>)>;

    table! {
        Mutex<u8>: send sync unpin;
        Mutex<Once>: send sync;
        Mutex<Stays>: not_send not_sync;
        Mutex<Local>: not_send not_sync;
        Mutex<[u8]>: send sync;
        MutexGuard<'static, u8>: send sync unpin;
        MutexGuard<'static, Once>: send not_sync;
        MutexGuard<'static, Stays>: not_send;
        MutexGuard<'static, Local>: not_send not_sync;
        MappedMutexGuard<'static, u8>: send sync unpin;
        MappedMutexGuard<'static, Once>: send not_sync;
        MappedMutexGuard<'static, Stays>: not_send;
        MappedMutexGuard<'static, Local>: not_send not_sync;
        OwnedMutexGuard<u8>: send sync unpin;
        OwnedMutexGuard<Once>: send not_sync;
        OwnedMutexGuard<Stays>: not_send not_sync;
        OwnedMutexGuard<Local>: not_send not_sync;
        OwnedMappedMutexGuard<u8, u8>: send sync unpin;
        OwnedMappedMutexGuard<u8, Once>: send not_sync;
        OwnedMappedMutexGuard<Local, u8>: not_send not_sync;
        OwnedMappedMutexGuard<u8, Local>: not_send not_sync;
        Lock<'static, u8>: send sync not_unpin;
        Lock<'static, Local>: not_send not_sync not_unpin;
        LockOwned<u8>: send sync not_unpin;
        LockOwned<Local>: not_send not_sync not_unpin;
        Bounded<Lock<'static, u8>>: send sync not_unpin;
        WithCtl<u8>: send sync not_unpin;
        WithCtl<Local>: not_send;
        RwLock<u8>: send sync unpin;
        RwLock<Once>: send not_sync;
        RwLock<Stays>: not_send not_sync;
        RwLock<Local>: not_send not_sync;
        RwLock<[u8]>: send sync;
        RwLockReadGuard<'static, u8>: send sync unpin;
        RwLockReadGuard<'static, Once>: not_send not_sync;
        RwLockReadGuard<'static, Stays>: not_send not_sync;
        RwLockReadGuard<'static, Local>: not_send not_sync;
        OwnedRwLockReadGuard<u8>: send sync unpin;
        OwnedRwLockReadGuard<Once>: not_send not_sync;
        OwnedRwLockReadGuard<Stays>: not_send not_sync;
        OwnedRwLockReadGuard<Local>: not_send not_sync;
        RwLockUpgradableReadGuard<'static, u8>: send sync unpin;
        RwLockUpgradableReadGuard<'static, Once>: not_send not_sync;
        RwLockUpgradableReadGuard<'static, Stays>: not_send not_sync;
        RwLockUpgradableReadGuard<'static, Local>: not_send not_sync;
        OwnedRwLockUpgradableReadGuard<u8>: send sync unpin;
        OwnedRwLockUpgradableReadGuard<Once>: not_send not_sync;
        OwnedRwLockUpgradableReadGuard<Stays>: not_send not_sync;
        OwnedRwLockUpgradableReadGuard<Local>: not_send not_sync;
        RwLockWriteGuard<'static, u8>: send sync unpin;
        RwLockWriteGuard<'static, Once>: not_send not_sync;
        RwLockWriteGuard<'static, Stays>: not_send not_sync;
        RwLockWriteGuard<'static, Local>: not_send not_sync;
        OwnedRwLockWriteGuard<u8>: send sync unpin;
        OwnedRwLockWriteGuard<Once>: not_send not_sync;
        OwnedRwLockWriteGuard<Stays>: not_send not_sync;
        OwnedRwLockWriteGuard<Local>: not_send not_sync;
        MappedRwLockReadGuard<'static, u8>: send sync unpin;
        MappedRwLockReadGuard<'static, Once>: not_send not_sync;
        MappedRwLockReadGuard<'static, Local>: not_send not_sync;
        MappedRwLockWriteGuard<'static, u8>: send sync unpin;
        MappedRwLockWriteGuard<'static, Once>: send not_sync;
        MappedRwLockWriteGuard<'static, Stays>: not_send;
        MappedRwLockWriteGuard<'static, Local>: not_send not_sync;
        OwnedMappedRwLockReadGuard<u8, u8>: send sync unpin;
        OwnedMappedRwLockReadGuard<u8, Once>: not_send not_sync;
        OwnedMappedRwLockReadGuard<Once, u8>: not_send not_sync;
        OwnedMappedRwLockWriteGuard<u8, u8>: send sync unpin;
        OwnedMappedRwLockWriteGuard<u8, Once>: send not_sync;
        OwnedMappedRwLockWriteGuard<Local, u8>: not_send not_sync;
        OwnedMappedRwLockWriteGuard<u8, Local>: not_send not_sync;
        Read<'static, u8>: send sync not_unpin;
        Read<'static, Local>: not_send not_sync not_unpin;
        Write<'static, u8>: send sync not_unpin;
        Write<'static, Once>: not_send not_sync;
        ReadOwned<u8>: send sync not_unpin;
        WriteOwned<u8>: send sync not_unpin;
        WriteOwned<Local>: not_send not_sync;
        Upgrade<'static, u8>: send sync not_unpin;
        Upgrade<'static, Once>: not_send not_sync;
        Semaphore: send sync unpin;
        SemaphorePermit<'static>: send sync unpin;
        OwnedSemaphorePermit: send sync unpin;
        Acquire<'static>: send sync not_unpin;
        AcquireOwned: send sync not_unpin;
        WaitGroup: send sync unpin;
        WaitGroupWait: send not_unpin;
        WaitGroupWaitRef<'static>: send not_unpin;
        CancelToken: send sync unpin;
        DropGuard: send sync unpin;
        Cancelled<'static>: send sync not_unpin;
        Ctl<'static>: send sync unpin;
        SleepUntil: send sync not_unpin;
        Select<'static>: send not_sync;
        SelectWait<'static, 'static>: send not_unpin;
    }
}

#[test]
fn w14_guards_move_between_threads() {
    let mutex = Arc::new(Mutex::new(1));
    let guard = mutex.lock_owned();
    thread::spawn(move || drop(guard)).join().unwrap();
    let mut guard = mutex.lock();
    thread::scope(|scope| {
        scope.spawn(|| *guard += 1);
    });
    assert_eq!(*guard, 2);
}

//! Code of the user's that panics: closures, futures, and what the bounds on values call. What
//! called it goes on working.

use crate::ignore;
use crate::loud::{Light, Loud, LoudFuture, LoudWaker, Moment, boom, now};
use counterpoint_base::atomic::AtomicCell;
use counterpoint_base::{CachePadded, SeqCell};
use counterpoint_lockfree::queue::ArrayQueue;
use counterpoint_sync::exchanger::ExchangeError;
use counterpoint_sync::mutex::{MappedMutexGuard, OwnedMappedMutexGuard};
use counterpoint_sync::rendezvous::{Meeting, RendezvousError};
use counterpoint_sync::rwlock::{
    MappedRwLockReadGuard, MappedRwLockWriteGuard, OwnedMappedRwLockReadGuard,
    OwnedMappedRwLockWriteGuard, OwnedRwLockReadGuard, OwnedRwLockWriteGuard, RwLockReadGuard,
    RwLockWriteGuard,
};
use counterpoint_sync::{
    BufMutex, Condvar, ContendedMutex, ContendedMutexGuard, Exchanger, MappedContendedMutexGuard,
    MappedReentrantMutexGuard, Mutex, MutexGuard, Notify, OwnedContendedMutexGuard,
    OwnedMappedContendedMutexGuard, OwnedMutexGuard, ReentrantMutex, ReentrantMutexGuard,
    RendezvousData, RwLock, ShardedLock,
};
use counterpoint_wait::block_on;
use counterpoint_wait::cancel::CancelToken;
use counterpoint_wait::event::Event;
use counterpoint_wait::queue::WaitQueue;
use counterpoint_wait::staged::Never;
use counterpoint_wait::waker::{WakeBatch, wake_in_batches, wake_in_batches_or};
use counterpoint_wait::{select, select_async};
use std::collections::hash_map::DefaultHasher;
use std::future::Future;
use std::hash::{Hash, Hasher};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Waker};
use std::thread;
use std::time::Duration;

/// Shows a guard or an owner of the value, in both ways.
macro_rules! shown {
    ($($what:expr),* $(,)?) => {$({
        let what = $what;
        boom(Moment::Debug, || format!("{what:?}"));
        boom(Moment::Display, || format!("{what}"));
        assert_eq!(format!("{what}"), "1");
    })*};
}

#[test]
fn values_that_are_shown() {
    let mutex = Arc::new(Mutex::new(Loud(1)));
    boom(Moment::Debug, || format!("{mutex:?}"));
    shown!(
        mutex.lock(),
        mutex.lock_owned(),
        MutexGuard::map(mutex.lock(), |value| value),
        OwnedMutexGuard::map(mutex.lock_owned(), |value| value),
    );
    // As in std: it was held while its value was shown.
    assert!(mutex.try_lock().is_ok() && mutex.is_poisoned());
    let sharded = ShardedLock::new(Loud(1));
    boom(Moment::Debug, || format!("{sharded:?}"));
    shown!(sharded.read(), sharded.write());
    // It was read while it was shown.
    assert!(sharded.try_write().is_ok() && !sharded.is_poisoned());
    let again = ReentrantMutex::new(Loud(1));
    let counts = Arc::new(ContendedMutex::new(Loud(1)));
    boom(Moment::Debug, || format!("{again:?}"));
    boom(Moment::Debug, || format!("{counts:?}"));
    shown!(
        again.lock(),
        ReentrantMutexGuard::map(again.lock(), |value| value),
        counts.lock(),
        counts.lock_owned(),
        ContendedMutexGuard::map(counts.lock(), |value| value),
        OwnedContendedMutexGuard::map(counts.lock_owned(), |value| value),
    );
    assert!(!again.is_locked() && !counts.is_locked());
    let lock = Arc::new(RwLock::new(Loud(1)));
    boom(Moment::Debug, || format!("{lock:?}"));
    shown!(
        lock.read(),
        lock.upgradable_read(),
        lock.write(),
        lock.read_owned(),
        lock.upgradable_read_owned(),
        lock.write_owned(),
        RwLockReadGuard::map(lock.read(), |value| value),
        RwLockWriteGuard::map(lock.write(), |value| value),
        OwnedRwLockReadGuard::map(lock.read_owned(), |value| value),
        OwnedRwLockWriteGuard::map(lock.write_owned(), |value| value),
    );
    assert!(lock.try_write().is_ok() && !lock.is_poisoned());
    shown!(CachePadded::new(Loud(1)));
    let cell = AtomicCell::new(Light(1));
    boom(Moment::Debug, || format!("{cell:?}"));
    assert_eq!(cell.load().0, 1);
    let cell = SeqCell::new(Light(1));
    boom(Moment::Debug, || format!("{cell:?}"));
    assert_eq!(cell.load().0, 1);
    let sum = BufMutex::new(Loud(1), |_: &mut Loud, _: &Loud| ());
    boom(Moment::Debug, || format!("{sum:?}"));
    let share = sum.share();
    boom(Moment::Debug, || format!("{share:?}"));
    ignore(share);
    assert_eq!(sum.get().0, 1);
    let striped = BufMutex::striped(Loud(1), |_: &mut Loud, _: &u32| (), || Loud(0), |_, _| ());
    boom(Moment::Debug, || format!("{striped:?}"));
    assert_eq!(striped.get().0, 1);
    let queue: WaitQueue<Loud, ()> = WaitQueue::new(Loud(1));
    boom(Moment::Debug, || format!("{queue:?}"));
    assert_eq!(queue.lock().state().0, 1);
}

#[test]
fn values_that_are_made() {
    boom(Moment::Default, Mutex::<Loud>::default);
    boom(Moment::Default, ReentrantMutex::<Loud>::default);
    boom(Moment::Default, ContendedMutex::<Loud>::default);
    boom(Moment::Default, RwLock::<Loud>::default);
    boom(Moment::Default, ShardedLock::<Loud>::default);
    boom(Moment::Default, CachePadded::<Loud>::default);
    boom(Moment::Default, SeqCell::<Light>::default);
    boom(Moment::Default, AtomicCell::<Light>::default);
    let cell = AtomicCell::new(Loud(1));
    boom(Moment::Default, || cell.take());
    assert_eq!(cell.into_inner().0, 1);
    let sum = BufMutex::new(Loud(1), |_: &mut Loud, _: &Loud| ());
    boom(Moment::Default, || sum.share());
    boom(Moment::Default, || sum.take());
    assert_eq!(sum.outstanding(), 0);
    ignore(sum.share());
    assert_eq!(sum.take().0, 1);
    let ordered = BufMutex::ordered(0, |_: &mut u32, _: &Loud| ());
    boom(Moment::Default, || ordered.share());
    ignore(ordered.share());
    assert_eq!(ordered.outstanding(), 0);
    let live = BufMutex::live(0, |_: &mut u32, _: &Light| ());
    boom(Moment::Default, || live.share());
    ignore(live.share());
    assert_eq!(live.outstanding(), 0);
    let striped = BufMutex::striped(Loud(1), |_: &mut Loud, _: &Loud| (), || Loud(0), |_, _| ());
    boom(Moment::Default, || striped.share());
    boom(Moment::Default, || striped.take());
    ignore(striped.share());
    assert_eq!(striped.outstanding(), 0);
}

#[test]
fn values_that_are_cloned() {
    let padded = CachePadded::new(Loud(1));
    boom(Moment::Clone, || padded.clone());
    let error = ExchangeError::TimedOut(Loud(1));
    boom(Moment::Clone, || error.clone());
    let sum = BufMutex::new(Loud(1), |_: &mut Loud, _: &u32| ());
    boom(Moment::Clone, || sum.peek());
    let share = sum.share();
    boom(Moment::Clone, || share.peek());
    ignore(share);
    assert_eq!((sum.peek().0, sum.outstanding()), (1, 0));
    let ordered = BufMutex::ordered(Loud(1), |_: &mut Loud, _: &u32| ());
    boom(Moment::Clone, || ordered.peek());
    assert_eq!(ordered.peek().0, 1);
    let live = BufMutex::live(Loud(1), |_: &mut Loud, _: &u32| ());
    boom(Moment::Clone, || live.peek());
    boom(Moment::Clone, || live.peek_all());
    assert_eq!((live.peek().0, live.peek_all().0), (1, 1));
    let striped = BufMutex::striped(Loud(1), |_: &mut Loud, _: &u32| (), || Loud(0), |_, _| ());
    boom(Moment::Clone, || striped.peek());
    assert_eq!(striped.peek().0, 1);
}

#[test]
fn closures_that_are_cloned() {
    let loud = Loud(1);
    let merge = move |_: &mut u32, _: Loud| ignore(loud.number());
    let sum = BufMutex::consuming(0, merge.clone());
    // The wrapper is `Clone` with its closure.
    fn duplicate<T: Clone>(it: &T) -> T {
        it.clone()
    }
    boom(Moment::Clone, || duplicate(&merge));
    ignore(sum.share());
    assert_eq!(sum.get(), 0);
}

#[test]
fn tags_that_are_cloned() {
    for additional in [false, true] {
        let event = Event::<Loud>::new();
        let mut cx = Context::from_waker(Waker::noop());
        let (mut one, mut other) = (Box::pin(event.listen()), Box::pin(event.listen()));
        assert!(one.as_mut().poll(&mut cx).is_pending());
        assert!(other.as_mut().poll(&mut cx).is_pending());
        boom(Moment::Clone, || match additional {
            false => event.notify_tagged(2, Loud(1)),
            true => event.notify_additional_tagged(2, Loud(1)),
        });
        ignore((one, other));
        let mut next = pin!(event.listen());
        assert!(next.as_mut().poll(&mut cx).is_pending());
        assert_eq!(event.notify_additional_tagged(1, Loud(2)), 1);
        assert!(next.as_mut().poll(&mut cx).is_ready());
    }
}

#[test]
fn values_that_are_compared() {
    let padded = (CachePadded::new(Loud(1)), CachePadded::new(Loud(2)));
    boom(Moment::Compare, || padded.0 == padded.1);
    boom(Moment::Compare, || padded.0 < padded.1);
    boom(Moment::Compare, || padded.0.cmp(&padded.1));
    boom(Moment::Hash, || padded.0.hash(&mut DefaultHasher::new()));
    let mut hasher = DefaultHasher::new();
    padded.0.hash(&mut hasher);
    assert_ne!(hasher.finish(), 0);
    let errors = (
        ExchangeError::TimedOut(Loud(1)),
        ExchangeError::TimedOut(Loud(1)),
    );
    boom(Moment::Compare, || errors.0 == errors.1);
    boom(Moment::Hash, || errors.0.hash(&mut DefaultHasher::new()));
    assert!(errors.0 == errors.1);
}

/// Drops an owner whose value panics.
macro_rules! dropped {
    ($($what:expr),* $(,)?) => {$({
        let what = $what;
        boom(Moment::Drop, || ignore(what));
    })*};
}

static CONDVAR: Condvar = Condvar::new();

#[test]
fn values_that_are_dropped_with_their_owner() {
    let mutex = || Arc::new(Mutex::new(Loud(1)));
    let counts = || Arc::new(ContendedMutex::new(Loud(1)));
    let lock = || Arc::new(RwLock::new(Loud(1)));
    let queue = |count| {
        let queue = ArrayQueue::new(4);
        (0..count).for_each(|number| ignore(queue.push(Loud(number))));
        queue
    };
    dropped!(
        mutex(),
        ReentrantMutex::new(Loud(1)),
        ContendedMutex::new(Loud(1)),
        counts().lock_owned(),
        counts().lock_owned_async(),
        OwnedContendedMutexGuard::map(counts().lock_owned(), |value| value),
        mutex().lock_owned(),
        OwnedMutexGuard::map(mutex().lock_owned(), |value| value),
        lock(),
        ShardedLock::new(Loud(1)),
        CONDVAR.wait_async(mutex().lock_owned()),
        lock().read_owned(),
        lock().upgradable_read_owned(),
        lock().write_owned(),
        OwnedRwLockReadGuard::map(lock().read_owned(), |value| value),
        OwnedRwLockWriteGuard::map(lock().write_owned(), |value| value),
        CachePadded::new(Loud(1)),
        AtomicCell::new(Loud(1)),
        queue(3),
        queue(3).into_iter(),
        ExchangeError::TimedOut(Loud(1)),
        Meeting::new(Loud(1), Loud(2)),
        BufMutex::new(Loud(1), |_: &mut Loud, _: &u32| ()),
        BufMutex::ordered(Loud(1), |_: &mut Loud, _: &u32| ()),
        BufMutex::live(Loud(1), |_: &mut Loud, _: &u32| ()),
        BufMutex::striped(Loud(1), |_: &mut Loud, _: &u32| (), || Loud(0), |_, _| ()),
        Arc::new(BufMutex::new(Loud(1), |_: &mut Loud, _: &u32| ())).share_owned(),
        WaitQueue::<Loud, ()>::new(Loud(1)),
    );
}

#[test]
fn closures_that_are_dropped_with_their_owner() {
    let loud = || Loud(1);
    let merge = || {
        let held = loud();
        move |_: &mut u32, _: &u32| ignore(held.number())
    };
    let partial = || {
        let held = loud();
        move || held.number()
    };
    let combine = || {
        let held = loud();
        move |_: &mut u32, _: u32| ignore(held.number())
    };
    let consume = || {
        let held = loud();
        move |_: &mut u32, _: u32| ignore(held.number())
    };
    let ready = || {
        let held = loud();
        move || held.number() == 1
    };
    let notify = Notify::new();
    dropped!(
        BufMutex::new(0, merge()),
        BufMutex::ordered(0, merge()),
        BufMutex::live(0, merge()),
        BufMutex::consuming(0, consume()),
        BufMutex::new(0, |_: &mut u32, _: &u32| ()).with_identity(partial()),
        BufMutex::striped(0, merge(), || 0, |_, _| ()),
        BufMutex::striped(0, |_: &mut u32, _: &u32| (), partial(), |_, _| ()),
        BufMutex::striped(0, |_: &mut u32, _: &u32| (), || 0, combine()),
        notify.wait_until_async(ready()),
    );
    notify.notify_one();
    notify.wait();
}

#[test]
fn values_that_are_dropped_by_what_goes_on() {
    // A local, as its share ends.
    let sum = BufMutex::new(0, |sum: &mut u32, _: &Loud| *sum += 1);
    let share = sum.share();
    boom(Moment::Drop, || ignore(share));
    assert!(sum.wait_idle_timeout(Duration::ZERO).is_ok());
    ignore(sum.share());
    assert_eq!(sum.outstanding(), 0);
    let ordered = BufMutex::ordered(0, |sum: &mut u32, _: &Loud| *sum += 1);
    let share = ordered.share();
    boom(Moment::Drop, || ignore(share));
    ignore(ordered.share());
    assert_eq!(ordered.outstanding(), 0);
    let striped = BufMutex::striped(0, |sum: &mut u32, _: &Loud| *sum += 1, || 0, |_, _| ());
    let share = striped.share();
    boom(Moment::Drop, || ignore(share));
    ignore(striped.share());
    assert_eq!(striped.outstanding(), 0);
    // A value that found no partner.
    let exchanger = Exchanger::new();
    let mut cx = Context::from_waker(Waker::noop());
    let mut alone = Box::pin(exchanger.exchange_async(Loud(1)));
    assert!(alone.as_mut().poll(&mut cx).is_pending());
    boom(Moment::Drop, || ignore(alone));
    let mut one = Box::pin(exchanger.exchange_async(Loud(1)));
    assert!(one.as_mut().poll(&mut cx).is_pending());
    assert!(exchanger.try_exchange(Loud(2)).is_ok());
    assert!(one.as_mut().poll(&mut cx).is_ready());
    // The values of a party that goes.
    let (party, mut partner) = RendezvousData::new(Loud(1), Loud(2));
    boom(Moment::Drop, || ignore(party));
    let gone = partner.swap_timeout(Duration::ZERO).map(|_| ());
    assert_eq!(gone, Err(RendezvousError::Disconnected));
    // A tag that finds nobody.
    let event = Event::<Loud>::new();
    boom(Moment::Drop, || event.notify_additional_tagged(1, Loud(1)));
    let mut next = pin!(event.listen());
    assert!(next.as_mut().poll(&mut cx).is_pending());
    assert_eq!(event.notify_additional_tagged(1, Loud(1)), 1);
    assert!(next.as_mut().poll(&mut cx).is_ready());
}

/// Maps a guard with a closure that panics; what the guard held is free then.
macro_rules! mapped {
    ($free:expr; $($guard:expr => $($map:path),*;)*) => {$($(
        boom(Moment::Call, || $map($guard, |value| {
            now(Moment::Call);
            value
        }));
        assert!($free, stringify!($map));
    )*)*};
}

macro_rules! maybe_mapped {
    ($free:expr; $($guard:expr => $($map:path),*;)*) => {$($(
        boom(Moment::Call, || $map($guard, |value| {
            now(Moment::Call);
            Some(value)
        }));
        assert!($free, stringify!($map));
    )*)*};
}

#[test]
fn closures_of_guards() {
    let mutex = Arc::new(Mutex::new(1));
    mapped! {
        mutex.try_lock().is_ok();
        mutex.lock() => MutexGuard::map;
        mutex.lock_owned() => OwnedMutexGuard::map;
        MutexGuard::map(mutex.lock(), |value| value) => MappedMutexGuard::map;
        OwnedMutexGuard::map(mutex.lock_owned(), |value| value) => OwnedMappedMutexGuard::map;
    }
    maybe_mapped! {
        mutex.try_lock().is_ok();
        mutex.lock() => MutexGuard::try_map;
        mutex.lock_owned() => OwnedMutexGuard::try_map;
        MutexGuard::map(mutex.lock(), |value| value) => MappedMutexGuard::try_map;
    }
    let counts = Arc::new(ContendedMutex::new(1));
    mapped! {
        counts.try_lock().is_ok();
        counts.lock() => ContendedMutexGuard::map;
        counts.lock_owned() => OwnedContendedMutexGuard::map;
        ContendedMutexGuard::map(counts.lock(), |value| value) => MappedContendedMutexGuard::map;
        OwnedContendedMutexGuard::map(counts.lock_owned(), |value| value)
            => OwnedMappedContendedMutexGuard::map;
    }
    maybe_mapped! {
        counts.try_lock().is_ok();
        counts.lock() => ContendedMutexGuard::try_map;
        counts.lock_owned() => OwnedContendedMutexGuard::try_map;
        ContendedMutexGuard::map(counts.lock(), |value| value)
            => MappedContendedMutexGuard::try_map;
        OwnedContendedMutexGuard::map(counts.lock_owned(), |value| value)
            => OwnedMappedContendedMutexGuard::try_map;
    }
    let again = ReentrantMutex::new(1);
    let others = || !again.is_locked();
    mapped! {
        others();
        again.lock() => ReentrantMutexGuard::map;
        ReentrantMutexGuard::map(again.lock(), |value| value) => MappedReentrantMutexGuard::map;
    }
    maybe_mapped! {
        others();
        again.lock() => ReentrantMutexGuard::try_map;
    }
    let mut mine = again.lock();
    boom(Moment::Call, || {
        ReentrantMutexGuard::unlocked(&mut mine, || now(Moment::Call))
    });
    assert!(again.is_owned_by_current_thread());
    ignore(mine);
    assert!(others());
    let mut guard = mutex.lock();
    boom(Moment::Call, || {
        MutexGuard::unlocked(&mut guard, || now(Moment::Call))
    });
    // It is locked again.
    assert!(mutex.try_lock().is_err());
    ignore(guard);
    assert!(mutex.try_lock().is_ok());
    let lock = Arc::new(RwLock::new(1));
    mapped! {
        lock.try_write().is_ok();
        lock.read() => RwLockReadGuard::map;
        lock.write() => RwLockWriteGuard::map;
        lock.read_owned() => OwnedRwLockReadGuard::map;
        lock.write_owned() => OwnedRwLockWriteGuard::map;
        RwLockReadGuard::map(lock.read(), |value| value) => MappedRwLockReadGuard::map;
        RwLockWriteGuard::map(lock.write(), |value| value) => MappedRwLockWriteGuard::map;
        OwnedRwLockReadGuard::map(lock.read_owned(), |value| value)
            => OwnedMappedRwLockReadGuard::map;
        OwnedRwLockWriteGuard::map(lock.write_owned(), |value| value)
            => OwnedMappedRwLockWriteGuard::map;
    }
    maybe_mapped! {
        lock.try_write().is_ok();
        lock.read() => RwLockReadGuard::try_map;
        lock.write() => RwLockWriteGuard::try_map;
        lock.read_owned() => OwnedRwLockReadGuard::try_map;
        lock.write_owned() => OwnedRwLockWriteGuard::try_map;
        RwLockReadGuard::map(lock.read(), |value| value) => MappedRwLockReadGuard::try_map;
        RwLockWriteGuard::map(lock.write(), |value| value) => MappedRwLockWriteGuard::try_map;
    }
}

#[test]
fn closures_that_say_what_is_ready() {
    let notify = Notify::new();
    let ready = || {
        now(Moment::Call);
        true
    };
    let later = counterpoint_base::prim::time::Instant::now() + Duration::from_secs(5);
    boom(Moment::Call, || notify.wait_until(ready));
    boom(Moment::Call, || {
        notify.wait_until_timeout(Duration::from_secs(5), ready)
    });
    boom(Moment::Call, || notify.wait_until_deadline(later, ready));
    boom(Moment::Call, || block_on(notify.wait_until_async(ready)));
    notify.notify_one();
    assert!(notify.wait_timeout(Duration::ZERO).is_ok());
    notify.wait_until(ready);
}

#[test]
fn closures_that_say_how_long_to_wait() {
    let (mutex, condvar) = (Mutex::new(0), Condvar::new());
    let condition = |_: &mut u32| {
        now(Moment::Call);
        false
    };
    let (short, later) = (
        Duration::from_secs(5),
        counterpoint_base::prim::time::Instant::now() + Duration::from_secs(5),
    );
    let mut guard = mutex.lock();
    boom(Moment::Call, || condvar.wait_while(&mut guard, condition));
    boom(Moment::Call, || {
        condvar.wait_timeout_while(&mut guard, short, condition)
    });
    boom(Moment::Call, || {
        condvar.wait_deadline_while(&mut guard, later, condition)
    });
    boom(Moment::Call, || {
        condvar.wait_while_for(&mut guard, condition, short)
    });
    boom(Moment::Call, || {
        condvar.wait_while_until(&mut guard, condition, later)
    });
    assert!(mutex.is_locked() && !mutex.is_poisoned());
    ignore(guard);
    boom(Moment::Call, || {
        ignore(block_on(condvar.wait_while_async(mutex.lock(), condition)));
    });
    assert!(mutex.is_poisoned() && !mutex.is_locked());
    mutex.clear_poison();
    let held = Loud(1);
    let waits = condvar.wait_while_async(mutex.lock(), move |_| held.number() == 1);
    boom(Moment::Drop, || ignore(waits));
    ignore(block_on(condvar.wait_while_async(mutex.lock(), condition)));
    assert!(!condvar.notify_one());
}

#[test]
fn futures_that_bound_a_wait_for_a_condition() {
    for moment in [Moment::Poll, Moment::Drop] {
        let condvar = Condvar::new();
        // Of what a function returns while one of its variables panics in its destructor, the
        // compiler drops nothing: the guard is lost then, so each has a mutex of its own.
        let (one, two) = (Mutex::new(0), Mutex::new(0));
        boom(moment, || {
            let wait = condvar.wait_async(one.lock());
            ignore(wait.until(LoudFuture::default()).wait());
        });
        boom(moment, || {
            let wait = condvar.wait_async(two.lock());
            ignore(block_on(wait.until(LoudFuture::default())));
        });
        assert!(!condvar.notify_one(), "nobody waits");
        if moment == Moment::Poll {
            assert!(!one.is_locked() && !two.is_locked());
        }
        boom(moment, || {
            ignore(Never::new().until(LoudFuture::default()).wait());
        });
    }
}

#[test]
fn closures_of_cells_and_scopes() {
    let cell = SeqCell::new(1_u32);
    boom(Moment::Call, || {
        cell.update(|value| {
            now(Moment::Call);
            value
        })
    });
    cell.update(|value| value + 1);
    assert_eq!(cell.load(), 2);
    boom(Moment::Call, || {
        counterpoint_base::thread::scope(|_| now(Moment::Call))
    });
    let done = counterpoint_base::thread::scope(|scope| scope.spawn(|_| 1).join().unwrap());
    assert_eq!(done.unwrap(), 1);
}

/// A merge that panics as a share ends: the next shares are merged, and nobody waits for the lost
/// one.
macro_rules! merged {
    ($($sum:expr),* $(,)?) => {$({
        let sum = $sum;
        let share = sum.share();
        boom(Moment::Call, || ignore(share));
        assert_eq!(sum.outstanding(), 0);
        assert!(sum.wait_idle_timeout(Duration::ZERO).is_ok());
        ignore(sum.share());
        assert_eq!(sum.outstanding(), 0);
    })*};
}

#[test]
fn closures_that_merge() {
    let merge = |_: &mut u32, _: &u32| now(Moment::Call);
    merged!(
        BufMutex::new(0, merge),
        BufMutex::consuming(0, |_: &mut u32, _: u32| now(Moment::Call)),
        BufMutex::new(0, merge).with_identity(|| 0),
        BufMutex::ordered(0, merge),
        BufMutex::live(0, merge),
        BufMutex::striped(0, merge, || 0, |_, _| ()),
    );
    let sum = BufMutex::<u32>::new(0, |_, _| ()).with_identity(|| {
        now(Moment::Call);
        0
    });
    boom(Moment::Call, || sum.share());
    ignore(sum.share());
    assert_eq!(sum.outstanding(), 0);
    let live = BufMutex::live(0, |sum: &mut u32, part: &u32| *sum += part);
    let mut share = live.share();
    boom(Moment::Call, || share.update(|_| now(Moment::Call)));
    share.update(|part| *part = 1);
    ignore(share);
    assert_eq!(live.get(), 1);
}

#[test]
fn closures_that_make_and_combine_partial_values() {
    let (merging, go_on) = (AtomicBool::new(false), AtomicBool::new(false));
    let merge = |_: &mut u32, part: &u32| {
        if *part == 1 {
            merging.store(true, Ordering::SeqCst);
            while !go_on.load(Ordering::SeqCst) {
                thread::yield_now();
            }
        }
    };
    let partial = || {
        now(Moment::Call);
        0
    };
    let striped = BufMutex::striped(0, merge, partial, |_, _| now(Moment::Call));
    thread::scope(|scope| {
        scope.spawn(|| *striped.share().as_mut() = 1);
        while !merging.load(Ordering::SeqCst) {
            thread::yield_now();
        }
        // Somebody merges into the main value, so this one begins a partial one.
        let share = striped.share();
        boom(Moment::Call, || ignore(share));
        ignore(striped.share());
        go_on.store(true, Ordering::SeqCst);
    });
    assert_eq!((striped.outstanding(), striped.stripes_used()), (0, 1));
    // It was given the partial value, which is lost with it.
    boom(Moment::Call, || striped.peek());
    assert_eq!(striped.take(), 0);
    ignore(striped.share());
    assert_eq!((striped.outstanding(), striped.get()), (0, 0));
}

#[test]
fn closures_of_batches() {
    let mut calls = 0;
    boom(Moment::Call, || {
        wake_in_batches(|_| {
            calls += 1;
            now(Moment::Call);
            false
        })
    });
    // One that panics is not called again behind the back of its panic.
    assert_eq!(calls, 1);
    wake_in_batches(|_| false);
    // Told of a waker that panics: the others are woken all the same, and the first panic goes on.
    let (bad, good) = (LoudWaker::new(Moment::Wake), LoudWaker::new(Moment::Clone));
    bad.arm();
    let mut woken = [bad.waker(), good.waker()].map(Some);
    let mut told = 0;
    let batches = AssertUnwindSafe(|| {
        let step = |wakes: &mut WakeBatch| {
            woken
                .iter_mut()
                .flat_map(Option::take)
                .for_each(|it| wakes.push(it));
            false
        };
        wake_in_batches_or(step, || {
            told += 1;
            panic!("the second");
        });
    });
    let first = catch_unwind(batches).expect_err("the panic goes on");
    assert!(first.downcast_ref::<&str>().is_none() && bad.disarm());
    assert_eq!(
        (told, Arc::strong_count(&good)),
        (1, 1),
        "the other one was woken"
    );
    boom(Moment::Call, || {
        wake_in_batches_or(
            |_| {
                now(Moment::Call);
                false
            },
            || unreachable!("no waker panics"),
        )
    });
}

#[test]
fn futures_that_panic_when_polled_or_dropped() {
    let mut cx = Context::from_waker(Waker::noop());
    let token = CancelToken::new();
    let mutex = Mutex::new(());
    let held = mutex.lock();
    for moment in [Moment::Poll, Moment::Drop] {
        boom(moment, || {
            block_on(token.run_until_cancelled(LoudFuture::default()))
        });
        boom(moment, || {
            mutex.lock_async().until(LoudFuture::default()).wait()
        });
        boom(moment, || {
            block_on(mutex.lock_async().until(LoudFuture::default()))
        });
        boom(moment, || {
            let never = mutex.lock_async().until(std::future::pending::<()>());
            block_on(never.until(LoudFuture::default()))
        });
        boom(moment, || {
            block_on(async {
                select_async! {
                    _guard = mutex.lock_async() => unreachable!("it is held"),
                    () = LoudFuture::default() => {}
                }
            });
        });
    }
    // Polled once and dropped, while it is queued.
    let mut queued = Box::pin(mutex.lock_async().until(LoudFuture::default()));
    assert!(queued.as_mut().poll(&mut cx).is_pending());
    boom(Moment::Drop, || ignore(queued));
    ignore(held);
    assert!(mutex.try_lock().is_ok());
    assert!(!token.is_cancelled());
    assert_eq!(block_on(token.run_until_cancelled(async { 1 })), Some(1));
}

#[test]
fn bodies_of_arms() {
    let mutex = Mutex::new(1);
    boom(Moment::Call, || {
        select! {
            _guard = mutex.lock_async() => now(Moment::Call),
        }
    });
    assert!(mutex.try_lock().is_ok());
    boom(Moment::Call, || {
        block_on(async {
            select_async! {
                _guard = mutex.lock_async() => now(Moment::Call),
            }
        });
    });
    assert!(mutex.try_lock().is_ok());
}

#[test]
fn values_of_the_compatible_names() {
    use counterpoint_compat::crossbeam_utils::sync as compatible;
    use counterpoint_compat::openmp_reducer::Reducer;
    let reducer = Reducer::new(Loud(1), |_: &mut Loud, _: &Loud| now(Moment::Call));
    boom(Moment::Debug, || format!("{reducer:?}"));
    boom(Moment::Default, || reducer.share());
    boom(Moment::Clone, || reducer.peek());
    let share = reducer.share();
    boom(Moment::Debug, || format!("{share:?}"));
    boom(Moment::Clone, || share.peek());
    boom(Moment::Default, || share.clone());
    boom(Moment::Call, || ignore(share));
    let share = reducer.share();
    boom(Moment::Drop, || ignore(share));
    ignore(reducer.share());
    boom(Moment::Drop, || ignore(reducer));
    let held = Loud(1);
    let reducer = Reducer::new(0, move |_: &mut u32, _: &u32| ignore(held.number()));
    ignore(reducer.share());
    boom(Moment::Drop, || ignore(reducer));
    let (party, partner) =
        counterpoint_compat::rendezvous_swap::RendezvousData::new(Loud(1), Loud(2));
    boom(Moment::Drop, || ignore(party));
    ignore(partner);
    let sharded = compatible::ShardedLock::new(Loud(1));
    boom(Moment::Debug, || format!("{sharded:?}"));
    shown!(sharded.read().unwrap(), sharded.write().unwrap());
    assert!(sharded.try_write().is_ok() && !sharded.is_poisoned());
    boom(Moment::Drop, || ignore(sharded));
    boom(Moment::Default, compatible::ShardedLock::<Loud>::default);
}

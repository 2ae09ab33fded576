//! Auto traits change silently; here they do not.
//!
//! A row for each public type: what std's counterpart is, it is.

use counterpoint::atomic::AtomicCell;
use counterpoint::cancel::*;
use counterpoint::deque::{Injector, Steal, Stealer, Worker};
use counterpoint::queue::{ArrayQueue, SegQueue};
use counterpoint::sync::buf_mutex::*;
use counterpoint::sync::exchanger::ExchangeError;
use counterpoint::sync::rendezvous::{Disconnected, RendezvousError, TryRendezvousError};
use counterpoint::sync::*;
use counterpoint::thread::*;
use counterpoint::time::{SleepUntil, TimerNode};
use counterpoint::wait::build::hooks::{Calm, Hold, Lending, Site};
use counterpoint::wait::build::*;
use counterpoint::wait::select::*;
use counterpoint::wait::*;
use counterpoint::{Backoff, CachePadded, SeqCell, ShardedCounter, epoch, queue, time};
use std::cell::Cell;
use std::collections::BTreeSet;
use std::marker::PhantomData;
use std::path::Path;

// Asked by method lookup: the inherent method wins where its bound holds.
macro_rules! yes {
    ($($name:ident: $ask:ident: $bound:path,)*) => {$(
        struct $ask<T: ?Sized>(PhantomData<T>);
        impl<T: ?Sized + $bound> $ask<T> {
            fn holds(&self) -> bool {
                true
            }
        }
        trait $name {
            fn holds(&self) -> bool {
                false
            }
        }
        impl<T: ?Sized> $name for $ask<T> {}
    )*};
}
yes! {
    NotSend: AskSend: Send,
    NotSync: AskSync: Sync,
    NotUnpin: AskUnpin: Unpin,
    NotUnwindSafe: AskUnwindSafe: std::panic::UnwindSafe,
    NotRefUnwindSafe: AskRefUnwindSafe: std::panic::RefUnwindSafe,
}

fn word(holds: bool) -> &'static str {
    if holds { "yes" } else { "no" }
}

// What differs from the table, a line each.
macro_rules! table {
    ($($type:ty: $send:ident $sync:ident $unpin:ident $unwind:ident $ref_unwind:ident;)*) => {{
        let mut differs = String::new();
        $(
            let found = [
                word(AskSend::<$type>(PhantomData).holds()),
                word(AskSync::<$type>(PhantomData).holds()),
                word(AskUnpin::<$type>(PhantomData).holds()),
                word(AskUnwindSafe::<$type>(PhantomData).holds()),
                word(AskRefUnwindSafe::<$type>(PhantomData).holds()),
            ];
            let expected = [
                stringify!($send),
                stringify!($sync),
                stringify!($unpin),
                stringify!($unwind),
                stringify!($ref_unwind),
            ];
            if found != expected {
                differs += &format!("{}: {};\n", stringify!($type), found.join(" "));
            }
        )*
        differs
    }};
}

/// `Send` and not `Sync`, and not safe to look at after a panic.
type Inside = Cell<u8>;
/// Neither `Send` nor `Sync`.
type Bound = *const u8;
type Add<G, L = G> = fn(&mut G, &L);
type Make<G> = fn() -> G;
type Put<G> = fn(&mut G, G);
type Always = fn() -> bool;
type Ready = std::future::Ready<u8>;
type Striped<G> = StripedBufMutex<G, G, Add<G>, Make<G>, Put<G>>;

#[test]
fn every_type_has_the_traits_of_its_kind() {
    let differs = table! {
        // type:                                                           Send Sync Unpin UnwindSafe RefUnwindSafe
        Backoff:                                                           yes  no   yes  yes  no;
        CachePadded<Inside>:                                               yes  no   yes  yes  no;
        AtomicCell<Inside>:                                                yes  yes  yes  yes  yes;
        AtomicCell<Bound>:                                                 no   no   yes  yes  yes;
        SeqCell<u8>:                                                       yes  yes  yes  yes  yes;
        SeqCell<Bound>:                                                    no   no   yes  yes  yes;
        ShardedCounter:                                                    yes  yes  yes  yes  yes;
        Scope<'static>:                                                    yes  yes  yes  no   yes;
        ScopedJoinHandle<'static, Inside>:                                 yes  yes  yes  no   no;
        ScopedThreadBuilder<'static, 'static>:                             yes  yes  yes  yes  yes;

        ArrayQueue<Inside>:                                                yes  yes  yes  yes  yes;
        ArrayQueue<Bound>:                                                 no   no   yes  yes  yes;
        queue::array::IntoIter<Inside>:                                    yes  yes  yes  yes  yes;
        SegQueue<Inside>:                                                  yes  yes  yes  yes  yes;
        SegQueue<Bound>:                                                   no   no   yes  yes  yes;
        queue::seg::IntoIter<Inside>:                                      yes  yes  yes  yes  yes;
        queue::spsc::Producer<Inside>:                                     yes  yes  yes  yes  yes;
        queue::spsc::Producer<Bound>:                                      no   no   yes  yes  yes;
        queue::spsc::Consumer<Inside>:                                     yes  yes  yes  yes  yes;
        queue::spsc::Consumer<Bound>:                                      no   no   yes  yes  yes;
        queue::spsc::WriteChunk<'static, Inside>:                          yes  no   yes  no   no;
        queue::spsc::WriteChunk<'static, Bound>:                           no   no   yes  no   yes;
        queue::spsc::ReadChunk<'static, Inside>:                           yes  no   yes  no   no;
        queue::spsc::ReadChunk<'static, Bound>:                            no   no   yes  no   yes;
        queue::spsc::Values<'static, Inside>:                              yes  yes  yes  no   yes;
        queue::spsc::Values<'static, Bound>:                               no   no   yes  no   yes;

        Worker<Inside>:                                                    yes  no   yes  yes  yes;
        Worker<Bound>:                                                     no   no   yes  yes  yes;
        Stealer<Inside>:                                                   yes  yes  yes  yes  yes;
        Stealer<Bound>:                                                    no   no   yes  yes  yes;
        Injector<Inside>:                                                  yes  yes  yes  yes  yes;
        Injector<Bound>:                                                   no   no   yes  yes  yes;
        Steal<Inside>:                                                     yes  no   yes  yes  no;

        epoch::Atomic<u8>:                                                 yes  yes  yes  yes  yes;
        epoch::Atomic<Inside>:                                             no   no   yes  yes  yes;
        epoch::Owned<Inside>:                                              yes  no   yes  yes  no;
        epoch::Shared<'static, u8>:                                        no   no   yes  yes  yes;
        epoch::CompareExchangeError<'static, u8, epoch::Owned<u8>>:        no   no   yes  yes  yes;
        epoch::Guard:                                                      no   no   yes  yes  yes;
        epoch::OwnedGuard:                                                 yes  no   yes  yes  yes;
        epoch::Collector:                                                  yes  yes  yes  yes  yes;
        epoch::LocalHandle:                                                no   no   yes  yes  yes;
        epoch::Stats:                                                      yes  yes  yes  yes  yes;
        epoch::OldestPin:                                                  yes  yes  yes  yes  yes;
        epoch::Stall:                                                      yes  yes  yes  yes  yes;

        CancelToken:                                                       yes  yes  yes  yes  yes;
        Cancelled<'static>:                                                yes  yes  no   yes  yes;
        RunUntilCancelled<'static, Ready>:                                 yes  yes  no   yes  yes;
        Ctl<'static>:                                                      yes  yes  yes  yes  yes;
        DropGuard:                                                         yes  yes  yes  yes  yes;
        SleepUntil:                                                        yes  yes  no   yes  yes;
        TimerNode:                                                         yes  yes  no   yes  yes;
        time::AlreadyInstalled:                                            yes  yes  yes  yes  yes;

        Op<mutex::LockVerb<'static, u8>>:                                  yes  yes  no   yes  yes;
        Bounded<Notified<'static>>:                                        yes  yes  no   yes  yes;
        Bounded<Notified<'static>, ((), CtlStop<'static>)>:                yes  yes  no   yes  yes;
        UntilStop<Ready>:                                                  yes  yes  yes  yes  yes;
        Stop:                                                              yes  yes  yes  yes  yes;
        AtomicWaker:                                                       yes  yes  yes  yes  yes;
        Event:                                                             yes  yes  yes  yes  yes;
        Event<Inside>:                                                     yes  yes  yes  yes  yes;
        Event<Bound>:                                                      no   no   yes  yes  yes;
        Listen<'static, Inside>:                                           yes  no   no   yes  no;
        Parker:                                                            yes  no   yes  yes  yes;
        Unparker:                                                          yes  yes  yes  yes  yes;
        ParkAsync<'static>:                                                yes  no   yes  no   yes;
        UnparkReason:                                                      yes  yes  yes  yes  yes;
        Select<'static>:                                                   yes  no   yes  no   no;
        SelectWait<'static, 'static>:                                      yes  no   no   no   no;
        ArmSlot<Notified<'static>>:                                        yes  yes  no   yes  yes;
        FutureSlot<Ready>:                                                 yes  yes  yes  yes  yes;

        WaitQueue<u32, Inside>:                                            yes  yes  yes  yes  yes;
        WaitQueue<Inside, ()>:                                             yes  no   yes  yes  no;
        WaitQueue<u32, Bound>:                                             no   no   yes  yes  yes;
        Locked<'static, u32, ()>:                                          no   no   yes  yes  yes;
        WakeBatch:                                                         yes  yes  yes  yes  yes;
        (End, Grant, Pick, Turn):                                          yes  yes  yes  yes  yes;
        (Site, Hold, Lending):                                             yes  yes  yes  yes  yes;
        Calm:                                                              no   no   yes  yes  yes;

        Mutex<Inside>:                                                     yes  yes  yes  yes  yes;
        Mutex<Bound>:                                                      no   no   yes  yes  yes;
        MutexGuard<'static, u8>:                                           yes  yes  yes  yes  yes;
        MutexGuard<'static, Inside>:                                       yes  no   yes  yes  yes;
        MappedMutexGuard<'static, Inside>:                                 yes  no   yes  yes  yes;
        OwnedMutexGuard<Inside>:                                           yes  no   yes  yes  yes;
        OwnedMappedMutexGuard<Inside, Inside>:                             yes  no   yes  yes  yes;
        mutex::Lock<'static, Inside>:                                      yes  yes  no   yes  yes;
        mutex::LockOwned<Inside>:                                          yes  yes  no   yes  yes;
        (LockError, TryLockError):                                         yes  yes  yes  yes  yes;

        ReentrantMutex<Inside>:                                            yes  yes  yes  yes  yes;
        ReentrantMutex<Bound>:                                             no   no   yes  yes  yes;
        ReentrantMutexGuard<'static, u8>:                                  no   yes  yes  yes  yes;
        ReentrantMutexGuard<'static, Inside>:                              no   no   yes  yes  yes;
        MappedReentrantMutexGuard<'static, u8>:                            no   yes  yes  yes  yes;
        reentrant::ReentrantLock<'static, Inside>:                         yes  yes  no   yes  yes;
        ContendedMutex<Inside>:                                            yes  yes  yes  yes  yes;
        ContendedMutex<Bound>:                                             no   no   yes  yes  yes;
        ContendedMutexGuard<'static, Inside>:                              yes  no   yes  yes  yes;
        MappedContendedMutexGuard<'static, Inside>:                        yes  no   yes  yes  yes;
        OwnedContendedMutexGuard<Inside>:                                  yes  no   yes  yes  yes;
        OwnedMappedContendedMutexGuard<Inside, Inside>:                    yes  no   yes  yes  yes;
        contended::ContendedLock<'static, Inside>:                         yes  yes  no   yes  yes;
        contended::ContendedLockOwned<Inside>:                             yes  yes  no   yes  yes;
        (LockMetricsSnapshot, Telemetry):                                  yes  yes  yes  yes  yes;

        poison::Mutex<Inside>:                                             yes  yes  yes  yes  yes;
        poison::Mutex<Bound>:                                              no   no   yes  yes  yes;
        poison::MutexGuard<'static, u8>:                                   no   yes  yes  yes  yes;
        poison::MutexGuard<'static, Inside>:                               no   no   yes  yes  yes;
        poison::RwLock<Inside>:                                            yes  no   yes  yes  yes;
        poison::RwLockReadGuard<'static, u8>:                              no   yes  yes  yes  yes;
        poison::RwLockWriteGuard<'static, u8>:                             no   yes  yes  yes  yes;
        poison::RwLockWriteGuard<'static, Inside>:                         no   no   yes  yes  yes;
        (poison::Condvar, poison::Once, poison::OnceState):                yes  yes  yes  yes  yes;
        poison::OnceLock<Inside>:                                          yes  no   yes  yes  no;
        poison::OnceLock<u8>:                                              yes  yes  yes  yes  yes;
        poison::LazyLock<u8>:                                              yes  yes  yes  yes  yes;
        poison::LazyLock<Inside>:                                          yes  no   yes  yes  no;

        Semaphore:                                                         yes  yes  yes  yes  yes;
        SemaphorePermit<'static>:                                          yes  yes  yes  yes  yes;
        OwnedSemaphorePermit:                                              yes  yes  yes  yes  yes;
        semaphore::Acquire<'static>:                                       yes  yes  no   yes  yes;
        semaphore::AcquireOwned:                                           yes  yes  no   yes  yes;
        (AcquireError, TryAcquireError):                                   yes  yes  yes  yes  yes;

        Notify:                                                            yes  yes  yes  yes  yes;
        Notified<'static>:                                                 yes  yes  no   yes  yes;
        NotifiedOwned:                                                     yes  yes  no   yes  yes;
        notify::WaitUntil<'static, Always>:                                yes  yes  no   yes  yes;

        WaitGroup:                                                         yes  yes  yes  yes  yes;
        WaitGroupError:                                                    yes  yes  yes  yes  yes;
        wait_group::WaitGroupWait:                                         yes  yes  no   yes  yes;
        wait_group::WaitGroupWaitRef<'static>:                             yes  yes  no   yes  yes;

        Rendezvous:                                                        yes  yes  yes  yes  yes;
        RendezvousData<Inside>:                                            yes  yes  yes  yes  yes;
        RendezvousData<Bound>:                                             no   no   yes  yes  yes;
        RendezvousGroup:                                                   yes  yes  yes  yes  yes;
        rendezvous::RendezvousWait<'static, Inside>:                       yes  yes  no   no   yes;
        rendezvous::RendezvousSwap<'static, Inside>:                       yes  yes  no   no   yes;
        rendezvous::GroupWait<'static>:                                    yes  yes  no   no   yes;
        rendezvous::Meeting<Inside>:                                       yes  yes  yes  yes  yes;
        rendezvous::Party<'static, Inside>:                                yes  yes  yes  yes  yes;
        (Disconnected, RendezvousError, TryRendezvousError):               yes  yes  yes  yes  yes;
        Exchanger<Inside>:                                                 yes  yes  yes  yes  yes;
        Exchanger<Bound>:                                                  no   no   yes  yes  yes;
        exchanger::Exchange<'static, Inside>:                              yes  yes  no   yes  yes;
        exchanger::ExchangeOwned<Inside>:                                  yes  yes  no   yes  yes;
        ExchangeError<u8>:                                                 yes  yes  yes  yes  yes;
        Stage<u8, Inside, Inside, Inside>:                                 yes  yes  yes  yes  yes;
        Stage<Inside, u8, u8>:                                             no   no   yes  yes  yes;
        Stage<u8, Bound, u8>:                                              no   no   yes  yes  yes;
        Stage<u8, u8, Bound>:                                              no   no   yes  yes  yes;
        Stage<u8, u8, u8, Bound>:                                          no   no   yes  yes  yes;
        Ticket<'static, u8, Inside>:                                       yes  yes  yes  yes  yes;
        Ticket<'static, Inside>:                                           no   no   yes  yes  yes;
        Director<'static, u8, u8, Inside>:                                 yes  yes  yes  no   yes;
        Director<'static, u8, Inside, u8>:                                 yes  no   yes  no   no;
        Director<'static, u8, Bound, u8>:                                  no   no   yes  no   yes;
        Entered<'static, u8, u8, u8>:                                      yes  yes  yes  no   yes;
        Exit<u8>:                                                          yes  yes  yes  yes  yes;
        stage::NotifyError<u8>:                                            yes  yes  yes  yes  yes;
        stage::Enter<'static, Ticket<'static, u8>, u8, Inside, Inside>:    yes  yes  no   yes  yes;
        stage::EnterVerb<'static, Ticket<'static, u8>, u8, u8, u8>:        yes  yes  yes  yes  yes;
        stage::Entry<u8, Inside>:                                          yes  yes  yes  yes  yes;

        BufMutex<Inside>:                                                  yes  yes  yes  yes  yes;
        BufMutex<Bound>:                                                   no   no   yes  yes  yes;
        BufMutex<u8, Bound>:                                               yes  yes  yes  yes  yes;
        SharedBufMutex<'static, u8>:                                       yes  yes  yes  yes  yes;
        SharedBufMutex<'static, Inside>:                                   yes  no   yes  yes  no;
        OwnedSharedBufMutex<Inside>:                                       yes  no   yes  yes  no;
        WaitIdle<'static>:                                                 yes  yes  no   yes  yes;
        LiveBufMutex<Inside, u8, Add<Inside, u8>>:                         yes  yes  yes  yes  yes;
        LiveShare<'static, u8, u8, Add<u8>>:                               yes  yes  yes  yes  yes;
        OwnedLiveShare<u8, u8, Add<u8>>:                                   yes  yes  yes  yes  yes;
        OrderedBufMutex<Inside, Inside, Add<Inside>>:                      yes  yes  yes  yes  yes;
        OrderedBufMutex<Bound, u8, Add<Bound, u8>>:                        no   no   yes  yes  yes;
        OrderedBufMutex<u8, Bound, Add<u8, Bound>>:                        no   no   yes  yes  yes;
        OrderedShare<'static, u8, u8, Add<u8>>:                            yes  yes  yes  yes  yes;
        OwnedOrderedShare<u8, u8, Add<u8>>:                                yes  yes  yes  yes  yes;
        Striped<Inside>:                                                   yes  yes  yes  yes  yes;
        Striped<Bound>:                                                    no   no   yes  yes  yes;
        StripedShare<'static, u8, u8, Add<u8>, Make<u8>, Put<u8>>:         yes  yes  yes  yes  yes;
        OwnedStripedShare<u8, u8, Add<u8>, Make<u8>, Put<u8>>:             yes  yes  yes  yes  yes;
        (Consuming<Make<u8>>, FromDefault, Reentered):                     yes  yes  yes  yes  yes;

        RwLock<Inside>:                                                    yes  no   yes  yes  yes;
        RwLock<u8>:                                                        yes  yes  yes  yes  yes;
        RwLock<Bound>:                                                     no   no   yes  yes  yes;
        RwLockReadGuard<'static, u8>:                                      yes  yes  yes  yes  yes;
        RwLockUpgradableReadGuard<'static, u8>:                            yes  yes  yes  yes  yes;
        RwLockWriteGuard<'static, u8>:                                     yes  yes  yes  yes  yes;
        RwLockWriteGuard<'static, Inside>:                                 no   no   yes  yes  yes;
        OwnedRwLockReadGuard<u8>:                                          yes  yes  yes  yes  yes;
        OwnedRwLockUpgradableReadGuard<u8>:                                yes  yes  yes  yes  yes;
        OwnedRwLockWriteGuard<u8>:                                         yes  yes  yes  yes  yes;
        MappedRwLockReadGuard<'static, u8>:                                yes  yes  yes  yes  yes;
        MappedRwLockWriteGuard<'static, u8>:                               yes  yes  yes  yes  yes;
        OwnedMappedRwLockReadGuard<u8, u8>:                                yes  yes  yes  yes  yes;
        OwnedMappedRwLockWriteGuard<u8, u8>:                               yes  yes  yes  yes  yes;
        rwlock::Read<'static, u8>:                                         yes  yes  no   yes  yes;
        rwlock::Write<'static, u8>:                                        yes  yes  no   yes  yes;
        rwlock::Upgrade<'static, u8>:                                      yes  yes  no   yes  yes;
        rwlock::ReadOwned<u8>:                                             yes  yes  no   yes  yes;
        rwlock::UpgradeOwned<u8>:                                          yes  yes  no   yes  yes;
        (RwLockError, TryReadError, TryWriteError, UpgradeError<u8>):      yes  yes  yes  yes  yes;

        OnceCell<u8>:                                                      yes  yes  yes  yes  yes;
        OnceCell<Inside>:                                                  yes  no   yes  yes  no;
        OnceCell<Bound>:                                                   no   no   yes  yes  yes;
        (Claim<'static, u8>, OnceInit<'static, u8>):                       yes  yes  yes  yes  yes;
        once::ClaimOnce<'static, u8>:                                      yes  yes  no   yes  yes;
        once::WaitOnce<'static, u8>:                                       yes  yes  no   yes  yes;
        once::GetOrInit<'static, u8, once::Make<Make<Ready>, Ready>>:      yes  yes  no   yes  yes;
        once::GetOrTryInit<'static, u8, once::TryMake<Make<Ready>, Ready>>: yes  yes  no   yes  yes;
        Once:                                                              yes  yes  yes  yes  yes;
        LazyCell<u8, Ready>:                                               yes  yes  yes  yes  yes;
        LazyCell<u8, Bound>:                                               no   no   yes  yes  yes;
        once::Resume<'static, Ready, Make<Ready>>:                         yes  yes  yes  yes  yes;
        (OnceCellError, SetError<u8>):                                     yes  yes  yes  yes  yes;

        ShardedLock<Inside>:                                               yes  no   yes  yes  yes;
        ShardedLock<u8>:                                                   yes  yes  yes  yes  yes;
        ShardedLock<Bound>:                                                no   no   yes  yes  yes;
        ShardedLockReadGuard<'static, u8>:                                 no   yes  yes  yes  yes;
        ShardedLockReadGuard<'static, Inside>:                             no   no   yes  yes  yes;
        ShardedLockWriteGuard<'static, u8>:                                no   yes  yes  yes  yes;
        sharded_lock::ShardRead<'static, u8>:                              yes  yes  no   yes  yes;
        sharded_lock::ShardWrite<'static, u8>:                             yes  yes  no   yes  yes;

        Condvar:                                                           yes  yes  yes  yes  yes;
        CondvarWait<'static, MutexGuard<'static, u8>>:                     yes  yes  no   yes  yes;
        CondvarWait<'static, OwnedMutexGuard<u8>, condvar::While<Make<u8>>>: yes  yes  no   yes  yes;
        CondvarWait<'static, MutexGuard<'static, Bound>>:                  no   no   no   yes  yes;
        condvar::Once:                                                     yes  yes  yes  yes  yes;
        WaitTimeoutResult:                                                 yes  yes  yes  yes  yes;
        (staged::Never, staged::Unlimited):                                yes  yes  yes  yes  yes;
        (ManualResetEvent, AutoResetEvent, Latch):                         yes  yes  yes  yes  yes;
        reset_event::ManualResetWait<'static>:                             yes  yes  no   yes  yes;
        reset_event::AutoResetWait<'static>:                               yes  yes  no   yes  yes;
        latch::LatchWait<'static>:                                         yes  yes  no   yes  yes;

        Barrier:                                                           yes  yes  yes  yes  yes;
        Arrival<'static>:                                                  yes  yes  yes  yes  yes;
        barrier::BarrierWait<'static>:                                     yes  yes  no   yes  yes;
        (BarrierWaitResult, BarrierWaitError, OnStop):                     yes  yes  yes  yes  yes;
    };
    assert_eq!(differs, "", "the table is wrong");
}

#[cfg(feature = "hooks")]
#[test]
fn the_types_of_the_hooks_as_well() {
    use counterpoint::wait::build::hooks::{AlreadyInstalled, Ends, Line, Notice, Waiter, What};

    let differs = table! {
        (AlreadyInstalled, Notice, Waiter, What):                          yes  yes  yes  yes  yes;
        (Ends, Line):                                                      yes  yes  yes  yes  yes;
    };
    assert_eq!(differs, "", "the table is wrong");
}

#[cfg(feature = "ledger")]
#[test]
fn the_types_of_the_ledger_as_well() {
    use counterpoint::ledger::*;

    let differs = table! {
        (Deadlock, Finding, Held, Inversion, LeakReport):                  yes  yes  yes  yes  yes;
        (Link, Ordered, Party, Report, Shape, Snapshot, Waiting):          yes  yes  yes  yes  yes;
        Phase:                                                             yes  yes  yes  yes  yes;
        Policy:                                                            yes  yes  yes  no   no;
        Task<Ready>:                                                       yes  yes  yes  yes  yes;
    };
    assert_eq!(differs, "", "the table is wrong");
}

#[cfg(feature = "compat")]
#[test]
fn the_types_of_compat_as_well() {
    use counterpoint::compat::async_lock::{self, futures as smol};
    use counterpoint::compat::crossbeam_utils::sync as crossbeam;
    use counterpoint::compat::openmp_reducer::{Reducer, SharedReducer};
    use counterpoint::compat::parking_lot::{self, RawFairMutex, RawMutex, RawRwLock, RawThreadId};
    use counterpoint::compat::tokio::sync::{self as tokio, SetOnce, SetOnceError, futures};
    use counterpoint::compat::tokio_util::sync::{self as tokio_util, CancellationToken};

    let differs = table! {
        crossbeam::Parker:                                                 yes  no   yes  yes  yes;
        Reducer<Inside>:                                                   yes  yes  yes  yes  yes;
        SharedReducer<'static, Inside>:                                    yes  no   yes  yes  no;

        async_lock::Mutex<Inside>:                                         yes  yes  yes  yes  yes;
        async_lock::MutexGuard<'static, Inside>:                           yes  no   yes  yes  yes;
        async_lock::MutexGuardArc<Inside>:                                 yes  no   yes  yes  yes;
        async_lock::RwLock<Inside>:                                        yes  no   yes  yes  yes;
        async_lock::RwLockReadGuard<'static, u8>:                          yes  yes  yes  yes  yes;
        async_lock::RwLockReadGuardArc<u8>:                                yes  yes  yes  yes  yes;
        async_lock::RwLockReadGuardArc<Inside>:                            no   no   yes  yes  yes;
        async_lock::RwLockUpgradableReadGuard<'static, u8>:                yes  yes  yes  yes  yes;
        async_lock::RwLockUpgradableReadGuardArc<u8>:                      yes  yes  yes  yes  yes;
        async_lock::RwLockWriteGuard<'static, u8>:                         yes  yes  yes  yes  yes;
        async_lock::RwLockWriteGuardArc<u8>:                               yes  yes  yes  yes  yes;
        (async_lock::Semaphore, async_lock::Barrier):                      yes  yes  yes  yes  yes;
        async_lock::SemaphoreGuard<'static>:                               yes  yes  yes  yes  yes;
        async_lock::SemaphoreGuardArc:                                     yes  yes  yes  yes  yes;
        async_lock::OnceCell<u8>:                                          yes  yes  yes  yes  yes;
        (smol::Lock<'static, u8>, smol::LockArc<u8>):                      yes  yes  no   yes  yes;
        (smol::Read<'static, u8>, smol::ReadArc<'static, u8>):             yes  yes  no   yes  yes;
        smol::UpgradableRead<'static, u8>:                                 yes  yes  no   yes  yes;
        smol::UpgradableReadArc<'static, u8>:                              yes  yes  no   yes  yes;
        (smol::Upgrade<'static, u8>, smol::UpgradeArc<u8>):                yes  yes  no   yes  yes;
        (smol::Write<'static, u8>, smol::WriteArc<'static, u8>):           yes  yes  no   yes  yes;
        (smol::Acquire<'static>, smol::AcquireArc):                        yes  yes  no   yes  yes;
        smol::BarrierWait<'static>:                                        yes  yes  no   yes  yes;

        (RawMutex, RawFairMutex, RawRwLock, RawThreadId):                  yes  yes  yes  yes  yes;
        parking_lot::Mutex<Inside>:                                        yes  yes  yes  yes  no;
        parking_lot::MutexGuard<'static, u8>:                              yes  yes  yes  no   no;
        (parking_lot::Condvar, parking_lot::Once):                         yes  yes  yes  yes  yes;
        parking_lot::OnceState:                                            yes  yes  yes  yes  yes;

        tokio::Mutex<Inside>:                                              yes  yes  yes  yes  yes;
        tokio::MutexGuard<'static, Inside>:                                yes  no   yes  yes  yes;
        tokio::MappedMutexGuard<'static, Inside>:                          yes  no   yes  yes  yes;
        tokio::OwnedMutexGuard<Inside>:                                    yes  no   yes  yes  yes;
        tokio::OwnedMappedMutexGuard<Inside>:                              yes  no   yes  yes  yes;
        tokio::RwLock<Inside>:                                             yes  no   yes  yes  yes;
        tokio::RwLockReadGuard<'static, u8>:                               yes  yes  yes  yes  yes;
        tokio::RwLockWriteGuard<'static, u8>:                              yes  yes  yes  yes  yes;
        tokio::RwLockMappedWriteGuard<'static, u8>:                        yes  yes  yes  yes  yes;
        tokio::OwnedRwLockReadGuard<u8>:                                   yes  yes  yes  yes  yes;
        tokio::OwnedRwLockWriteGuard<u8>:                                  yes  yes  yes  yes  yes;
        tokio::OwnedRwLockMappedWriteGuard<u8>:                            yes  yes  yes  yes  yes;
        (tokio::Semaphore, tokio::Barrier, tokio::Notify):                 yes  yes  yes  yes  yes;
        tokio::SemaphorePermit<'static>:                                   yes  yes  yes  yes  yes;
        tokio::OwnedSemaphorePermit:                                       yes  yes  yes  yes  yes;
        (futures::Notified<'static>, futures::OwnedNotified):              yes  yes  no   yes  yes;
        (tokio::OnceCell<u8>, SetOnce<u8>):                                yes  yes  yes  yes  yes;
        (tokio::SetError<u8>, SetOnceError<u8>):                           yes  yes  yes  yes  yes;
        (tokio::AcquireError, tokio::TryAcquireError):                     yes  yes  yes  yes  yes;
        tokio::TryLockError:                                               yes  yes  yes  yes  yes;

        CancellationToken:                                                 yes  yes  yes  yes  yes;
        (tokio_util::DropGuard, tokio_util::DropGuardRef<'static>):        yes  yes  yes  yes  yes;
        tokio_util::WaitForCancellationFuture<'static>:                    yes  yes  no   yes  yes;
        tokio_util::WaitForCancellationFutureOwned:                        yes  yes  yes  no   no;
    };
    assert_eq!(differs, "", "the table is wrong");
}

/// Names of public structs and enums that no user meets by name: verbs and payloads of operations,
/// and the seams between rooms.
const SEAMS: &[&str] = &[
    "AccessVerb",
    "AcquireVerb",
    "ArmRef",
    "Attempted",
    "AutoResetVerb",
    "BarrierVerb",
    "Baton",
    "Borrowed",
    "Calm",
    "CancelledVerb",
    "Candidate",
    "ClaimVerb",
    "ConditionVerb",
    "ContendedOwnedVerb",
    "ContendedVerb",
    "Core",
    "Either",
    "Entry",
    "ExchangeVerb",
    "FutureTag",
    "Generation",
    "GroupVerb",
    "Half",
    "Kept",
    "Key",
    "Kind",
    "LatchVerb",
    "ListenVerb",
    "LockOwnedVerb",
    "LockVerb",
    "ManualResetVerb",
    "MeetVerb",
    "Node",
    "NotifiedVerb",
    "OpTag",
    "Order",
    "Owned",
    "Page",
    "Pass",
    "Patience",
    "Place",
    "Record",
    "RecordRef",
    "ReentrantVerb",
    "Registry",
    "Role",
    "Round",
    "Seat",
    "Selecting",
    "ShardReadVerb",
    "ShardWriteVerb",
    "Share",
    "Shared",
    "Slot",
    "State",
    "Strategy",
    "Told",
    "Upgrading",
    "Verdict",
    "WaitIdleVerb",
    "WaitOnceVerb",
    "WaitRefVerb",
    "WaitVerb",
    "Want",
    "Wants",
    "Wish",
];

#[test]
fn no_type_is_missing() {
    let here = include_str!("auto_traits.rs");
    let known: BTreeSet<&str> = here
        .split(|c: char| !c.is_alphanumeric() && c != '_')
        .collect();
    let mut missing = BTreeSet::new();
    for room in ["base", "lockfree", "wait", "sync", "ledger", "compat"] {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("..")
            .join(room)
            .join("src");
        visit(&folder, &mut |text| {
            for line in text.lines() {
                let declared = ["pub struct ", "pub enum ", "pub union "]
                    .iter()
                    .find_map(|keyword| line.strip_prefix(keyword));
                let Some(rest) = declared else { continue };
                let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_');
                let name = &rest[..end.unwrap_or(rest.len())];
                if !known.contains(name) {
                    missing.insert(name.to_owned());
                }
            }
        });
    }
    assert!(missing.is_empty(), "not in the table: {missing:?}");
    assert!(SEAMS.is_sorted(), "in order, so that one is found");
}

/// Calls `f` with each source file, but those of `prim`, which stands for std.
fn visit(folder: &Path, f: &mut impl FnMut(&str)) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            if path.file_name().is_some_and(|name| name != "prim") {
                visit(&path, f);
            }
        } else {
            f(&std::fs::read_to_string(&path).unwrap());
        }
    }
}

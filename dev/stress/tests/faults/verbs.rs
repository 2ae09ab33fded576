//! Every verb in one shape: something that is closed until it is opened.

use crate::ignore;
use counterpoint_sync::rendezvous::{Rendezvous, RendezvousData, RendezvousGroup};
use counterpoint_sync::rwlock::{OwnedRwLockUpgradableReadGuard, RwLockUpgradableReadGuard};
use counterpoint_sync::stage::Exit;
use counterpoint_sync::{
    AutoResetEvent, Barrier, BufMutex, Condvar, Exchanger, Latch, LazyCell, ManualResetEvent,
    Mutex, Notify, Once, OnceCell, RwLock, Semaphore, ShardedLock, Stage, WaitGroup,
};
use counterpoint_wait::cancel::{CancelToken, Ctl};
use counterpoint_wait::event::Event;
use counterpoint_wait::parker::{Parker, UnparkReason};
use counterpoint_wait::select_async;
use std::cell::{Cell, RefCell};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::Mutex as Shared;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

/// How an operation is bound; no bound ends it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    Plain,
    /// As long as a duration can be.
    Timeout,
    Token,
    Until,
    /// As an arm.
    Select,
}

pub(crate) const FORMS: [Form; 5] = [
    Form::Plain,
    Form::Timeout,
    Form::Token,
    Form::Until,
    Form::Select,
];

/// What the next operation finds after one was dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum After {
    /// It is open, also if the first one was done.
    Open,
    /// It is open unless the first one was done.
    Unspent,
    /// It may have to be opened once more.
    Anew,
}

pub(crate) type Begun<'v> = Pin<Box<dyn Future<Output = ()> + 'v>>;

pub(crate) struct Verb<'v> {
    pub(crate) name: &'static str,
    pub(crate) after: After,
    pub(crate) begin: &'v dyn Fn(Form) -> Begun<'v>,
    pub(crate) open: &'v dyn Fn(),
}

/// Polls once with a waker that does nothing.
pub(crate) fn poll(future: &mut Begun<'_>) -> bool {
    let mut cx = Context::from_waker(Waker::noop());
    future.as_mut().poll(&mut cx) == Poll::Ready(())
}

fn never() -> CancelToken {
    CancelToken::new()
}

/// An operation in a form, as a future that drops what it yields.
macro_rules! begun {
    ($form:expr, $operation:expr) => {{
        let begun: Begun<'_> = match $form {
            Form::Plain => Box::pin(async { ignore($operation.await) }),
            Form::Timeout => Box::pin(async { ignore($operation.timeout(Duration::MAX).await) }),
            Form::Token => Box::pin(async {
                let token = never();
                ignore($operation.with(&Ctl::new().cancel(&token)).await)
            }),
            Form::Until => Box::pin(async {
                ignore($operation.until(std::future::pending::<()>()).await);
            }),
            Form::Select => Box::pin(async {
                let token = never();
                select_async! {
                    won = $operation => ignore(won),
                    () = token.cancelled() => unreachable!("nobody cancels it"),
                }
            }),
        };
        begun
    }};
}

/// Visits an operation of something shared.
macro_rules! shared {
    ($visit:ident, $name:literal, $after:ident, $operation:expr, $open:expr) => {{
        let (begin, open) = (|form| begun!(form, $operation), $open);
        $visit(&Verb {
            name: $name,
            after: After::$after,
            begin: &begin,
            open: &open,
        });
    }};
}

/// A handle that an operation borrows and gives back however it ends.
struct Lent<'c, H> {
    from: &'c Cell<Option<H>>,
    handle: Option<H>,
}

impl<'c, H> Lent<'c, H> {
    fn new(from: &'c Cell<Option<H>>) -> Lent<'c, H> {
        let handle = from.take();
        Lent { from, handle }
    }

    fn get(&mut self) -> &mut H {
        self.handle.as_mut().expect("one operation at a time")
    }
}

impl<H> Drop for Lent<'_, H> {
    fn drop(&mut self) {
        self.from.set(self.handle.take());
    }
}

/// Visits an operation of a handle.
macro_rules! lent {
    ($visit:ident, $name:literal, $after:ident, $handle:ident => $operation:expr, $open:expr) => {{
        let cell = Cell::new(Some($handle));
        let begin = |form| {
            let cell = &cell;
            let begun: Begun<'_> = Box::pin(async move {
                let mut lent = Lent::new(cell);
                let $handle = lent.get();
                begun!(form, $operation).await
            });
            begun
        };
        let open = $open;
        $visit(&Verb {
            name: $name,
            after: After::$after,
            begin: &begin,
            open: &open,
        });
    }};
}

/// What is held until the verb is opened.
fn held<T>(guard: T) -> impl Fn() {
    let guard = Cell::new(Some(guard));
    move || ignore(guard.take())
}

/// Visits every verb, each on something fresh and closed.
pub(crate) fn each(visit: &mut dyn FnMut(&Verb<'_>)) {
    locks(visit);
    read_write_locks(visit);
    sharded_locks(visit);
    signals(visit);
    conditions(visit);
    meetings(visit);
    cells(visit);
    stages(visit);
}

fn locks(visit: &mut dyn FnMut(&Verb<'_>)) {
    for mutex in [Mutex::new(()), Mutex::fair(())] {
        let mutex = Arc::new(mutex);
        shared!(
            visit,
            "Mutex::lock",
            Open,
            mutex.lock_async(),
            held(mutex.lock())
        );
        let guard = mutex.lock();
        shared!(
            visit,
            "Mutex::lock_owned",
            Open,
            mutex.lock_owned_async(),
            held(guard)
        );
    }
    for make in [Semaphore::new, Semaphore::fair] {
        let semaphore = Arc::new(make(1));
        let open = || semaphore.add_permits(1);
        shared!(
            visit,
            "Semaphore::acquire_many",
            Open,
            semaphore.acquire_many_async(2),
            open
        );
        let semaphore = Arc::new(make(0));
        let open = || semaphore.add_permits(1);
        shared!(
            visit,
            "Semaphore::acquire",
            Open,
            semaphore.acquire_async(),
            open
        );
        let semaphore = Arc::new(make(0));
        let open = || semaphore.add_permits(1);
        shared!(
            visit,
            "Semaphore::acquire_up_to",
            Open,
            semaphore.acquire_up_to_async(1, 3),
            open
        );
        let semaphore = Arc::new(make(0));
        let open = || semaphore.add_permits(1);
        shared!(
            visit,
            "Semaphore::acquire_owned",
            Open,
            semaphore.acquire_owned_async(),
            open
        );
    }
}

fn sharded_locks(visit: &mut dyn FnMut(&Verb<'_>)) {
    let lock = ShardedLock::new(());
    let read = || lock.read_async();
    shared!(visit, "ShardedLock::read", Open, read(), held(lock.write()));
    let write = || lock.write_async();
    // Behind readers, and behind a writer.
    shared!(
        visit,
        "ShardedLock::write",
        Open,
        write(),
        held(lock.read())
    );
    shared!(
        visit,
        "ShardedLock::write",
        Open,
        write(),
        held(lock.write())
    );
}

fn conditions(visit: &mut dyn FnMut(&Verb<'_>)) {
    let (mutex, condvar) = (Mutex::new(()), Condvar::new());
    let open = || ignore(condvar.notify_one());
    shared!(
        visit,
        "Condvar::wait",
        Anew,
        condvar.wait_async(mutex.lock()),
        open
    );
    let (mutex, condvar) = (Mutex::new(false), Condvar::new());
    let open = || {
        *mutex.lock() = true;
        condvar.notify_all();
    };
    shared!(
        visit,
        "Condvar::wait_while",
        Open,
        condvar.wait_while_async(mutex.lock(), |open| !*open),
        open
    );
    let gate = ManualResetEvent::new(false);
    let open = || ignore(gate.set());
    shared!(
        visit,
        "ManualResetEvent::wait",
        Open,
        gate.wait_async(),
        open
    );
    let turnstile = AutoResetEvent::new(false);
    let open = || ignore(turnstile.set());
    shared!(
        visit,
        "AutoResetEvent::wait",
        Unspent,
        turnstile.wait_async(),
        open
    );
    let latch = Latch::new(1);
    let open = || ignore(latch.count_down());
    shared!(visit, "Latch::wait", Open, latch.wait_async(), open);
}

fn read_write_locks(visit: &mut dyn FnMut(&Verb<'_>)) {
    for make in [RwLock::new, RwLock::fair] {
        let lock = Arc::new(make(()));
        shared!(
            visit,
            "RwLock::read",
            Open,
            lock.read_async(),
            held(lock.write())
        );
        shared!(
            visit,
            "RwLock::write",
            Open,
            lock.write_async(),
            held(lock.read())
        );
        let write = || lock.write();
        shared!(
            visit,
            "RwLock::read_recursive",
            Open,
            lock.read_recursive_async(),
            held(write())
        );
        shared!(
            visit,
            "RwLock::upgradable_read",
            Open,
            lock.upgradable_read_async(),
            held(write())
        );
        shared!(
            visit,
            "RwLock::read_owned",
            Open,
            lock.read_owned_async(),
            held(write())
        );
        shared!(
            visit,
            "RwLock::write_owned",
            Open,
            lock.write_owned_async(),
            held(write())
        );
        // Dropping an upgrade drops its guard: each begins with one of its own.
        let upgrade = || RwLockUpgradableReadGuard::upgrade_async(lock.upgradable_read());
        shared!(visit, "RwLock::upgrade", Open, upgrade(), held(lock.read()));
        let upgrade = || {
            let guard = lock.upgradable_read_owned();
            OwnedRwLockUpgradableReadGuard::upgrade_async(guard)
        };
        shared!(
            visit,
            "RwLock::upgrade_owned",
            Open,
            upgrade(),
            held(lock.read())
        );
    }
}

fn signals(visit: &mut dyn FnMut(&Verb<'_>)) {
    let notify = Arc::new(Notify::new());
    let open = || ignore(notify.notify_one());
    shared!(visit, "Notify::notified", Unspent, notify.notified(), open);
    let notify = Arc::new(Notify::new());
    let open = || ignore(notify.notify_one());
    shared!(
        visit,
        "Notify::notified_owned",
        Unspent,
        notify.notified_owned(),
        open
    );
    let (notify, flag) = (Notify::new(), Cell::new(false));
    let open = || {
        flag.set(true);
        notify.notify_all();
    };
    // It has bounds of its own only, and is no arm.
    let begin = |_: Form| -> Begun<'_> { Box::pin(notify.wait_until_async(|| flag.get())) };
    visit(&Verb {
        name: "Notify::wait_until",
        after: After::Open,
        begin: &begin,
        open: &open,
    });
    let event = Event::<()>::new();
    shared!(visit, "Event::listen", Anew, event.listen(), || ignore(
        event.notify_additional(1)
    ));
    let token = CancelToken::new();
    shared!(
        visit,
        "CancelToken::cancelled",
        Open,
        token.cancelled(),
        || ignore(token.cancel("now"))
    );
    let (group, worker) = (WaitGroup::new(), WaitGroup::new());
    ignore(worker);
    let worker = Cell::new(Some(group.clone()));
    shared!(
        visit,
        "WaitGroup::wait_ref",
        Open,
        group.wait_ref_async(),
        || ignore(worker.take())
    );
    let worker = RefCell::new(Some(WaitGroup::new()));
    let one_more = || worker.borrow().clone().unwrap_or_default();
    let open = || ignore(worker.borrow_mut().take());
    shared!(
        visit,
        "WaitGroup::wait",
        Open,
        one_more().wait_async(),
        open
    );
    let sum = BufMutex::new(0, |sum: &mut u32, part: &u32| *sum += part);
    let share = Cell::new(Some(sum.share()));
    shared!(
        visit,
        "BufMutex::wait_idle",
        Open,
        sum.wait_idle_async(),
        || ignore(share.take())
    );
    let parker = Parker::new();
    let unparker = parker.unparker().clone();
    let cell = Cell::new(Some(parker));
    let begin = |_: Form| -> Begun<'_> {
        let cell = &cell;
        Box::pin(async move {
            let mut lent = Lent::new(cell);
            let _ = lent.get().park_async().await;
        })
    };
    visit(&Verb {
        name: "Parker::park",
        after: After::Unspent,
        begin: &begin,
        open: &|| unparker.unpark(),
    });
}

/// Sees a party through the meeting in which it is `there`, and has it arrive for the next one.
fn arrive(there: &mut bool, mut meets: impl FnMut() -> bool) {
    if !*there || meets() {
        *there = !meets();
    }
}

fn meetings(visit: &mut dyn FnMut(&Verb<'_>)) {
    let (party, partner) = Rendezvous::new();
    let partner = RefCell::new((partner, false));
    let open = || {
        let (partner, there) = &mut *partner.borrow_mut();
        arrive(there, || partner.try_wait().is_ok());
    };
    lent!(visit, "Rendezvous::wait", Unspent, party => party.wait_async(), open);
    let (party, partner) = RendezvousData::new(1, 2);
    let partner = RefCell::new((partner, false));
    let open = || {
        let (partner, there) = &mut *partner.borrow_mut();
        arrive(there, || partner.try_swap().is_ok());
    };
    lent!(visit, "RendezvousData::swap", Unspent, party => party.swap_async(), open);
    let mut parties = RendezvousGroup::new(3);
    let party = parties.remove(0);
    let others: Vec<_> = parties.into_iter().map(|other| (other, false)).collect();
    let others = RefCell::new(others);
    let open = || {
        for (other, there) in others.borrow_mut().iter_mut() {
            arrive(there, || other.try_wait().is_ok());
        }
    };
    lent!(visit, "RendezvousGroup::wait", Unspent, party => party.wait_async(), open);
    let exchanger = Arc::new(Exchanger::new());
    let partners = RefCell::new(Vec::new());
    let open = || {
        let mut partner: Begun<'_> = Box::pin(async { ignore(exchanger.exchange_async(2).await) });
        poll(&mut partner);
        partners.borrow_mut().push(partner);
    };
    shared!(
        visit,
        "Exchanger::exchange",
        Anew,
        exchanger.exchange_async(1),
        &open
    );
    partners.borrow_mut().clear();
    let owned = exchanger.clone();
    shared!(
        visit,
        "Exchanger::exchange_owned",
        Anew,
        owned.exchange_owned_async(1),
        &open
    );
    partners.borrow_mut().clear();
}

fn cells(visit: &mut dyn FnMut(&Verb<'_>)) {
    let cell = OnceCell::new();
    let open = || ignore(cell.set(1));
    shared!(visit, "OnceCell::wait", Open, cell.wait_async(), open);
    /// Visits an operation that waits for one that holds the claim.
    macro_rules! claimed {
        ($name:literal, $cell:ident => $operation:expr) => {{
            let $cell = OnceCell::<u8>::new();
            let init = $cell.try_claim();
            shared!(visit, $name, Open, $operation, held(init));
            assert!($cell.try_claim().is_some(), "nobody holds the claim");
        }};
    }
    claimed!("OnceCell::claim", cell => cell.claim_async());
    claimed!("OnceCell::get_or_init", cell => cell.get_or_init_async(async || 1));
    claimed!(
        "OnceCell::get_or_try_init",
        cell => cell.get_or_try_init_async(async || Ok::<_, ()>(1))
    );
    let barrier = Barrier::new(2);
    let open = || ignore(barrier.arrive());
    shared!(visit, "Barrier::wait", Anew, barrier.wait_async(), open);
    shared!(
        visit,
        "Arrival::wait",
        Anew,
        barrier.arrive().wait_async(),
        open
    );
}

fn stages(visit: &mut dyn FnMut(&Verb<'_>)) {
    let stage: &Stage<u8, (), ()> = &Stage::new((), ());
    let heads = |token| {
        let ticket = stage.ticket(token).expect("nobody has it");
        let entered = counterpoint_wait::block_on(stage.enter_async(ticket));
        held(entered)
    };
    let ticket = stage.ticket(1).expect("nobody has it");
    lent!(visit, "Stage::enter", Open, ticket => stage.enter_async(ticket), heads(2));
    // Its ticket ends with the operation.
    let enter = || stage.enter_async(stage.ticket(1).expect("nobody has it"));
    shared!(visit, "Stage::enter_owned", Open, enter(), heads(2));
    let others = heads(2);
    let ticket = stage.ticket(1).expect("nobody has it");
    let open = || assert!(stage.notify(&1));
    lent!(visit, "Stage::enter, told", Unspent, ticket => stage.enter_async(ticket), open);
    others();
    assert!(!stage.is_headed() && stage.tickets() == 0);
}

/// How long a form may block.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Limit {
    For(Duration),
    Until(Instant),
}

/// A form that blocks the thread, on something that is closed until it is opened.
pub(crate) struct Timed<'v> {
    pub(crate) name: &'static str,
    /// Whether it had what it waits for.
    pub(crate) wait: &'v (dyn Fn(Limit) -> bool + Sync),
    pub(crate) open: &'v (dyn Fn() + Sync),
}

/// Visits a pair of forms: with a duration, and with a deadline.
macro_rules! timed {
    ($visit:ident, $name:literal, |$limit:ident| $timeout:expr, $deadline:expr, $open:expr) => {{
        let wait = |limit| match limit {
            Limit::For($limit) => $timeout,
            Limit::Until($limit) => $deadline,
        };
        let open = $open;
        $visit(&Timed {
            name: $name,
            wait: &wait,
            open: &open,
        });
    }};
}

/// As `held`, for another thread.
fn kept<T: Send>(guard: T) -> impl Fn() + Sync {
    let guard = Shared::new(Some(guard));
    move || ignore(guard.lock().unwrap().take())
}

/// Visits every form that takes a duration or a deadline, each on something fresh and closed.
pub(crate) fn each_timed(visit: &mut dyn FnMut(&Timed<'_>)) {
    timed_locks(visit);
    timed_signals(visit);
    timed_conditions(visit);
    timed_meetings(visit);
    timed_cells(visit);
    timed_stages(visit);
}

fn timed_locks(visit: &mut dyn FnMut(&Timed<'_>)) {
    for mutex in [Mutex::new(()), Mutex::fair(())] {
        let mutex = Arc::new(mutex);
        timed!(
            visit,
            "Mutex::lock",
            |limit| mutex.lock_timeout(limit).is_ok(),
            mutex.lock_deadline(limit).is_ok(),
            kept(mutex.lock())
        );
        timed!(
            visit,
            "Mutex::lock_owned",
            |limit| mutex.lock_owned_timeout(limit).is_ok(),
            mutex.lock_owned_deadline(limit).is_ok(),
            kept(mutex.lock())
        );
        timed!(
            visit,
            "Op",
            |limit| mutex.lock_async().timeout(limit).wait().is_ok(),
            mutex.lock_async().deadline(limit).wait().is_ok(),
            kept(mutex.lock())
        );
        timed!(
            visit,
            "Ctl",
            |limit| mutex
                .lock_async()
                .with(&Ctl::new().timeout(limit))
                .wait()
                .is_ok(),
            mutex
                .lock_async()
                .with(&Ctl::new().deadline(limit))
                .wait()
                .is_ok(),
            kept(mutex.lock())
        );
    }
    for lock in [RwLock::new(()), RwLock::fair(())] {
        let lock = Arc::new(lock);
        timed!(
            visit,
            "RwLock::read",
            |limit| lock.read_timeout(limit).is_ok(),
            lock.read_deadline(limit).is_ok(),
            kept(lock.write())
        );
        timed!(
            visit,
            "RwLock::write",
            |limit| lock.write_timeout(limit).is_ok(),
            lock.write_deadline(limit).is_ok(),
            kept(lock.read())
        );
        timed!(
            visit,
            "RwLock::upgradable_read",
            |limit| lock.upgradable_read_timeout(limit).is_ok(),
            lock.upgradable_read_deadline(limit).is_ok(),
            kept(lock.write())
        );
        timed!(
            visit,
            "RwLock::read_recursive",
            |limit| lock.read_recursive_timeout(limit).is_ok(),
            lock.read_recursive_deadline(limit).is_ok(),
            kept(lock.write())
        );
        timed!(
            visit,
            "RwLock::read_owned",
            |limit| lock.read_owned_timeout(limit).is_ok(),
            lock.read_owned_deadline(limit).is_ok(),
            kept(lock.write())
        );
        timed!(
            visit,
            "RwLock::write_owned",
            |limit| lock.write_owned_timeout(limit).is_ok(),
            lock.write_owned_deadline(limit).is_ok(),
            kept(lock.write())
        );
        let look = || lock.upgradable_read();
        timed!(
            visit,
            "RwLock::upgrade",
            |limit| RwLockUpgradableReadGuard::upgrade_timeout(look(), limit).is_ok(),
            RwLockUpgradableReadGuard::upgrade_deadline(look(), limit).is_ok(),
            kept(lock.read())
        );
    }
    for make in [Semaphore::new, Semaphore::fair] {
        let semaphore = Arc::new(make(0));
        timed!(
            visit,
            "Semaphore::acquire",
            |limit| semaphore.acquire_timeout(limit).is_ok(),
            semaphore.acquire_deadline(limit).is_ok(),
            || semaphore.add_permits(1)
        );
        let semaphore = Arc::new(make(1));
        timed!(
            visit,
            "Semaphore::acquire_many",
            |limit| semaphore.acquire_many_timeout(2, limit).is_ok(),
            semaphore.acquire_many_deadline(2, limit).is_ok(),
            || semaphore.add_permits(1)
        );
        let semaphore = Arc::new(make(0));
        timed!(
            visit,
            "Semaphore::acquire_up_to",
            |limit| semaphore.acquire_up_to_timeout(1, 3, limit).is_ok(),
            semaphore.acquire_up_to_deadline(1, 3, limit).is_ok(),
            || semaphore.add_permits(1)
        );
        let semaphore = Arc::new(make(0));
        timed!(
            visit,
            "Semaphore::acquire_owned",
            |limit| semaphore.acquire_owned_timeout(limit).is_ok(),
            semaphore.acquire_owned_deadline(limit).is_ok(),
            || semaphore.add_permits(1)
        );
    }
}

fn timed_conditions(visit: &mut dyn FnMut(&Timed<'_>)) {
    let (mutex, condvar) = (Mutex::new(false), Condvar::new());
    let open = || {
        *mutex.lock() = true;
        condvar.notify_all();
    };
    let closed = |open: &mut bool| !*open;
    timed!(
        visit,
        "Condvar::wait_while",
        |limit| condvar
            .wait_timeout_while(&mut mutex.lock(), limit, closed)
            .is_ok(),
        condvar
            .wait_deadline_while(&mut mutex.lock(), limit, closed)
            .is_ok(),
        open
    );
    let gate = ManualResetEvent::new(false);
    timed!(
        visit,
        "ManualResetEvent::wait",
        |limit| gate.wait_timeout(limit).is_ok(),
        gate.wait_deadline(limit).is_ok(),
        || ignore(gate.set())
    );
    let turnstile = AutoResetEvent::new(false);
    timed!(
        visit,
        "AutoResetEvent::wait",
        |limit| turnstile.wait_timeout(limit).is_ok(),
        turnstile.wait_deadline(limit).is_ok(),
        || ignore(turnstile.set())
    );
    let latch = Latch::new(1);
    timed!(
        visit,
        "Latch::wait",
        |limit| latch.wait_timeout(limit).is_ok(),
        latch.wait_deadline(limit).is_ok(),
        || ignore(latch.count_down())
    );
}

fn timed_signals(visit: &mut dyn FnMut(&Timed<'_>)) {
    let notify = Notify::new();
    timed!(
        visit,
        "Notify::wait",
        |limit| notify.wait_timeout(limit).is_ok(),
        notify.wait_deadline(limit).is_ok(),
        || ignore(notify.notify_one())
    );
    let (notify, flag) = (Notify::new(), AtomicBool::new(false));
    let ready = || flag.load(Ordering::Acquire);
    let open = || {
        flag.store(true, Ordering::Release);
        notify.notify_all();
    };
    timed!(
        visit,
        "Notify::wait_until",
        |limit| notify.wait_until_timeout(limit, ready).is_ok(),
        notify.wait_until_deadline(limit, ready).is_ok(),
        open
    );
    let group = WaitGroup::new();
    let worker = group.clone();
    timed!(
        visit,
        "WaitGroup::wait_ref",
        |limit| group.wait_ref_timeout(limit).is_ok(),
        group.wait_ref_deadline(limit).is_ok(),
        kept(worker)
    );
    let worker = Shared::new(Some(WaitGroup::new()));
    let one_more = || worker.lock().unwrap().clone().unwrap_or_default();
    timed!(
        visit,
        "WaitGroup::wait",
        |limit| one_more().wait_timeout(limit).is_ok(),
        one_more().wait_deadline(limit).is_ok(),
        || ignore(worker.lock().unwrap().take())
    );
    let sum = BufMutex::new(0, |sum: &mut u32, part: &u32| *sum += part);
    let share = sum.share();
    timed!(
        visit,
        "BufMutex::wait_idle",
        |limit| sum.wait_idle_timeout(limit).is_ok(),
        sum.wait_idle_deadline(limit).is_ok(),
        kept(share)
    );
    let parker = Parker::new();
    let unparker = parker.unparker().clone();
    let parker = Shared::new(parker);
    let unparked = |reason| reason == UnparkReason::Unparked;
    timed!(
        visit,
        "Parker::park",
        |limit| unparked(parker.lock().unwrap().park_timeout(limit)),
        unparked(parker.lock().unwrap().park_deadline(limit)),
        || unparker.unpark()
    );
}

fn timed_meetings(visit: &mut dyn FnMut(&Timed<'_>)) {
    let (party, partner) = Rendezvous::new();
    let (party, partner) = (Shared::new(party), Shared::new(partner));
    timed!(
        visit,
        "Rendezvous::wait",
        |limit| party.lock().unwrap().wait_timeout(limit).is_ok(),
        party.lock().unwrap().wait_deadline(limit).is_ok(),
        || ignore(partner.lock().unwrap().try_wait())
    );
    let (party, partner) = RendezvousData::new(1, 2);
    let (party, partner) = (Shared::new(party), Shared::new(partner));
    timed!(
        visit,
        "RendezvousData::swap",
        |limit| party.lock().unwrap().swap_timeout(limit).is_ok(),
        party.lock().unwrap().swap_deadline(limit).is_ok(),
        || ignore(partner.lock().unwrap().try_swap())
    );
    let mut parties = RendezvousGroup::new(2);
    let (party, partner) = (
        Shared::new(parties.remove(0)),
        Shared::new(parties.remove(0)),
    );
    timed!(
        visit,
        "RendezvousGroup::wait",
        |limit| party.lock().unwrap().wait_timeout(limit).is_ok(),
        party.lock().unwrap().wait_deadline(limit).is_ok(),
        || ignore(partner.lock().unwrap().try_wait())
    );
    let exchanger = Exchanger::new();
    let partner = Shared::new(Some(Box::pin(exchanger.exchange_async(2))));
    let open = || {
        let mut partner = partner.lock().unwrap();
        let mut cx = Context::from_waker(Waker::noop());
        let partner = partner.as_mut().expect("kept until the end");
        let _ = partner.as_mut().poll(&mut cx);
    };
    timed!(
        visit,
        "Exchanger::exchange",
        |limit| exchanger.exchange_timeout(1, limit).is_ok(),
        exchanger.exchange_deadline(1, limit).is_ok(),
        open
    );
}

fn timed_cells(visit: &mut dyn FnMut(&Timed<'_>)) {
    let cell = OnceCell::new();
    timed!(
        visit,
        "OnceCell::wait",
        |limit| cell.wait_timeout(limit).is_ok(),
        cell.wait_deadline(limit).is_ok(),
        || ignore(cell.set(1))
    );
    let once = Once::new();
    timed!(
        visit,
        "Once::wait",
        |limit| once.wait_timeout(limit).is_ok(),
        once.wait_deadline(limit).is_ok(),
        || once.call_once(|| ())
    );
    let lazy = LazyCell::new(async || 1);
    timed!(
        visit,
        "LazyCell::wait",
        |limit| lazy.wait_timeout(limit).is_ok(),
        lazy.wait_deadline(limit).is_ok(),
        || ignore(lazy.force())
    );
    let token = CancelToken::new();
    let lazy = LazyCell::new(|| token.cancelled());
    timed!(
        visit,
        "LazyCell::force",
        |limit| lazy.force_timeout(limit).is_ok(),
        lazy.force_deadline(limit).is_ok(),
        || ignore(token.cancel("now"))
    );
    let cell = OnceCell::<u8>::new();
    timed!(
        visit,
        "OnceCell::claim",
        |limit| cell.claim_timeout(limit).is_ok(),
        cell.claim_deadline(limit).is_ok(),
        kept(cell.try_claim())
    );
    let cell = OnceCell::new();
    timed!(
        visit,
        "OnceCell::get_or_init",
        |limit| cell.get_or_init_timeout(limit, || 1).is_ok(),
        cell.get_or_init_deadline(limit, || 1).is_ok(),
        kept(cell.try_claim())
    );
    let cell = OnceCell::new();
    let maybe = || Ok::<_, ()>(1);
    timed!(
        visit,
        "OnceCell::get_or_try_init",
        |limit| cell.get_or_try_init_timeout(limit, maybe).is_ok(),
        cell.get_or_try_init_deadline(limit, maybe).is_ok(),
        kept(cell.try_claim())
    );
    let barrier = Barrier::new(2);
    timed!(
        visit,
        "Barrier::wait",
        |limit| barrier.wait_timeout(limit).is_ok(),
        barrier.wait_deadline(limit).is_ok(),
        || ignore(barrier.arrive())
    );
}

fn timed_stages(visit: &mut dyn FnMut(&Timed<'_>)) {
    let stage: Stage<u8, (), ()> = Stage::new((), ());
    let heads = |token| {
        let ticket = stage.ticket(token).expect("nobody has it");
        kept(counterpoint_wait::block_on(stage.enter_async(ticket)))
    };
    let ticket = Shared::new(stage.ticket(1).expect("nobody has it"));
    timed!(
        visit,
        "Stage::enter",
        |limit| {
            let exit = stage.enter(&mut *ticket.lock().unwrap(), Some(limit), |_| ());
            exit == Exit::Finished(())
        },
        {
            let mut ticket = ticket.lock().unwrap();
            stage.enter_deadline(&mut *ticket, limit, |_| ()) == Exit::Finished(())
        },
        heads(2)
    );
    let others = heads(2);
    timed!(
        visit,
        "Stage::enter, told",
        |limit| {
            let exit = stage.enter(&mut *ticket.lock().unwrap(), Some(limit), |_| ());
            exit == Exit::Token
        },
        {
            let mut ticket = ticket.lock().unwrap();
            stage.enter_deadline(&mut *ticket, limit, |_| ()) == Exit::Token
        },
        || assert!(stage.notify(&1))
    );
    others();
}

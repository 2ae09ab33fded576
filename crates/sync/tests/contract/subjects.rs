//! Every primitive in one shape, so that each rule is tested on all of them.

use super::leak::leak;
use super::wakers::Probe;
use counterpoint_sync::semaphore::AcquireError;
use counterpoint_sync::{
    Barrier, BarrierWaitError, BarrierWaitResult, Claim, Latch, LockError, ManualResetEvent, Mutex,
    OnceCell, OnceCellError, RwLock, RwLockError, Semaphore, WaitGroup,
};
use counterpoint_wait::cancel::{CancelToken, Ctl};
use counterpoint_wait::op::Verb;
use counterpoint_wait::{Op, Stop};
use std::any::Any;
use std::future::{Future, poll_fn};
use std::panic::{self, AssertUnwindSafe};
use std::pin::Pin;
use std::sync::{Arc, Mutex as Cell};
use std::task::Poll;
use std::time::Duration;

/// What a wait yielded; dropping it lets the next one in, where there is a next one.
pub(crate) type Won = Box<dyn Any + Send>;
pub(crate) type Wait<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// What bounds a wait.
#[derive(Clone, Copy)]
pub(crate) enum Bound {
    Timeout(Duration),
    Token(&'static CancelToken),
}

/// A primitive on which one has to wait until it is opened.
pub(crate) struct Subject {
    pub verb: &'static str,
    /// A grant goes to one, who must pass it on; else everybody gets it.
    pub baton: bool,
    pub wait: Box<dyn Fn() -> Wait<Won> + Send + Sync>,
    pub bounded: Box<dyn Fn(Bound) -> Wait<Result<Won, Stop>> + Send + Sync>,
    pub blocking: Box<dyn Fn(Bound) -> Result<Won, Stop> + Send + Sync>,
    /// Waits, then polls again: the message of the panic.
    pub beyond: Box<dyn Fn() -> String + Send + Sync>,
    /// Lets one in, or all.
    pub open: Box<dyn Fn() + Send + Sync>,
    /// Wakes also the one behind whom it grants.
    pub nudges: bool,
}

impl Subject {
    fn new<V, O>(
        baton: bool,
        operation: O,
        won: fn(V::Output) -> Won,
        stopped: fn(V::Stoppable) -> Result<Won, Stop>,
        open: impl Fn() + Send + Sync + 'static,
    ) -> Subject
    where
        V: Verb + Send + 'static,
        V::Payload: Send,
        O: Fn() -> Op<V> + Copy + Send + Sync + 'static,
    {
        Subject {
            verb: V::NAME,
            baton,
            wait: Box::new(move || mapped(operation(), won)),
            bounded: Box::new(move |bound| match bound {
                Bound::Timeout(time) => mapped(operation().timeout(time), stopped),
                Bound::Token(token) => mapped(operation().with(&Ctl::new().cancel(token)), stopped),
            }),
            blocking: Box::new(move |bound| match bound {
                Bound::Timeout(time) => stopped(operation().timeout(time).wait()),
                Bound::Token(token) => stopped(operation().with(&Ctl::new().cancel(token)).wait()),
            }),
            beyond: Box::new(move || {
                let mut operation = Box::pin(operation());
                let probe = Probe::new();
                assert!(!operation.is_terminated());
                let Poll::Ready(output) = probe.poll(operation.as_mut()) else {
                    panic!("it is open");
                };
                assert!(operation.is_terminated());
                drop(output);
                let again = panic::catch_unwind(AssertUnwindSafe(|| {
                    drop(probe.poll(operation.as_mut()));
                }));
                let payload = again.expect_err("polled after completion");
                payload.downcast_ref::<String>().expect("a message").clone()
            }),
            open: Box::new(open),
            nudges: false,
        }
    }

    fn nudging(self) -> Subject {
        Subject {
            nudges: true,
            ..self
        }
    }
}

/// Not an `async` block, which cannot be polled again after a panic.
fn mapped<F, T: 'static>(future: F, map: fn(F::Output) -> T) -> Wait<T>
where
    F: Future + Send + 'static,
{
    let mut future = Box::pin(future);
    Box::pin(poll_fn(move |cx| future.as_mut().poll(cx).map(map)))
}

fn boxed<T: Send + 'static>(value: T) -> Won {
    Box::new(value)
}

fn locked<T: Send + 'static>(result: Result<T, LockError>) -> Result<Won, Stop> {
    result.map(boxed).map_err(|error| match error {
        LockError::TimedOut => Stop::TimedOut,
        LockError::Cancelled => Stop::Cancelled,
    })
}

fn acquired<T: Send + 'static>(result: Result<T, AcquireError>) -> Result<Won, Stop> {
    result.map(boxed).map_err(|error| match error {
        AcquireError::TimedOut => Stop::TimedOut,
        AcquireError::Cancelled => Stop::Cancelled,
        other => panic!("{other:?}"),
    })
}

fn shared<T: Send + 'static>(result: Result<T, RwLockError>) -> Result<Won, Stop> {
    result.map(boxed).map_err(|error| match error {
        RwLockError::TimedOut => Stop::TimedOut,
        RwLockError::Cancelled => Stop::Cancelled,
    })
}

/// A lock that somebody writes until `open` is called.
fn written(lock: RwLock<()>) -> (&'static Arc<RwLock<()>>, impl Fn() + Send + Sync + 'static) {
    let lock = leak(Arc::new(lock));
    let held = Cell::new(Some(lock.write()));
    let open = move || {
        let guard = held.lock().unwrap().take();
        drop(guard);
    };
    (lock, open)
}

fn write(lock: RwLock<()>) -> Subject {
    let (lock, open) = written(lock);
    Subject::new(true, || lock.write_async(), boxed, shared, open)
}

fn owned_write(lock: RwLock<()>) -> Subject {
    let (lock, open) = written(lock);
    Subject::new(true, || lock.write_owned_async(), boxed, shared, open)
}

fn upgradable_read(lock: RwLock<()>) -> Subject {
    let (lock, open) = written(lock);
    Subject::new(true, || lock.upgradable_read_async(), boxed, shared, open)
}

/// All who read come in together.
fn read(lock: RwLock<()>) -> Subject {
    let (lock, open) = written(lock);
    Subject::new(false, || lock.read_async(), boxed, shared, open)
}

fn owned_read(lock: RwLock<()>) -> Subject {
    let (lock, open) = written(lock);
    Subject::new(false, || lock.read_owned_async(), boxed, shared, open)
}

fn recursive_read(lock: RwLock<()>) -> Subject {
    let (lock, open) = written(lock);
    Subject::new(false, || lock.read_recursive_async(), boxed, shared, open)
}

fn permit<T: Send + 'static>(result: Result<T, AcquireError>) -> Won {
    acquired(result).expect("never closed")
}

fn mutex(mutex: Mutex<()>) -> Subject {
    let mutex = leak(mutex);
    let held = Cell::new(Some(mutex.lock()));
    let open = move || {
        let guard = held.lock().unwrap().take();
        drop(guard);
    };
    Subject::new(true, || mutex.lock_async(), boxed, locked, open)
}

fn owned_mutex(mutex: Mutex<()>) -> Subject {
    let mutex = leak(Arc::new(mutex));
    let held = Cell::new(Some(mutex.lock_owned()));
    let open = move || {
        let guard = held.lock().unwrap().take();
        drop(guard);
    };
    Subject::new(true, || mutex.lock_owned_async(), boxed, locked, open)
}

fn semaphore(semaphore: Semaphore) -> Subject {
    let semaphore = leak(semaphore);
    let open = || semaphore.add_permits(1);
    Subject::new(true, || semaphore.acquire_async(), permit, acquired, open)
}

fn owned_semaphore(semaphore: Semaphore) -> Subject {
    let semaphore = leak(Arc::new(semaphore));
    let open = || semaphore.add_permits(1);
    Subject::new(
        true,
        || semaphore.acquire_owned_async(),
        permit,
        acquired,
        open,
    )
}

fn cancel_token() -> Subject {
    let token = leak(CancelToken::new());
    let open = || {
        token.cancel("opened");
    };
    Subject::new(
        false,
        || token.cancelled(),
        boxed,
        |result| result.map(boxed),
        open,
    )
}

fn wait_group() -> Subject {
    let group = leak(WaitGroup::new());
    let worker = Cell::new(Some(group.clone()));
    let open = move || {
        let worker = worker.lock().unwrap().take();
        drop(worker);
    };
    Subject::new(
        false,
        || group.wait_ref_async(),
        boxed,
        |result| result.map(boxed),
        open,
    )
}

fn claimed(result: Result<Claim<'static, ()>, OnceCellError>) -> Result<Won, Stop> {
    match result {
        Ok(claim) => Ok(boxed(claim)),
        Err(OnceCellError::TimedOut) => Err(Stop::TimedOut),
        Err(_) => Err(Stop::Cancelled),
    }
}

/// A cell that is being filled, and what fills it.
fn filled_soon() -> (&'static OnceCell<()>, impl Fn() + Send + Sync + 'static) {
    let cell: &'static OnceCell<()> = leak(OnceCell::new());
    let Some(Claim::Init(init)) = cell.try_claim() else {
        panic!("it is empty");
    };
    let init = Mutex::new(Some(init));
    (cell, move || {
        if let Some(init) = init.lock().take() {
            init.fill(());
        }
    })
}

fn once_claim() -> Subject {
    let (cell, open) = filled_soon();
    Subject::new(false, || cell.claim_async(), boxed, claimed, open)
}

fn once_wait() -> Subject {
    let (cell, open) = filled_soon();
    let stopped = |result: Result<_, Stop>| result.map(boxed);
    Subject::new(false, || cell.wait_async(), boxed, stopped, open)
}

fn passed(result: Result<BarrierWaitResult, BarrierWaitError>) -> Result<Won, Stop> {
    match result {
        Ok(result) => Ok(boxed(result)),
        Err(BarrierWaitError::TimedOut) => Err(Stop::TimedOut),
        Err(_) => Err(Stop::Cancelled),
    }
}

/// More parties than will come, until they leave.
fn barrier() -> Subject {
    let barrier: &'static Barrier = leak(Barrier::new(100_000));
    let open = || {
        while barrier.parties() > 0 {
            barrier.leave();
        }
    };
    Subject::new(false, || barrier.wait_async(), boxed, passed, open)
}

fn gate() -> Subject {
    let gate: &'static ManualResetEvent = leak(ManualResetEvent::new(false));
    let open = || {
        gate.set();
    };
    let stopped = |result: Result<_, Stop>| result.map(boxed);
    Subject::new(false, || gate.wait_async(), boxed, stopped, open)
}

fn latch() -> Subject {
    let latch: &'static Latch = leak(Latch::new(1));
    let open = || {
        latch.count_down();
    };
    let stopped = |result: Result<_, Stop>| result.map(boxed);
    Subject::new(false, || latch.wait_async(), boxed, stopped, open)
}

/// A fresh one of each.
pub(crate) fn all() -> Vec<Subject> {
    vec![
        mutex(Mutex::new(())),
        mutex(Mutex::fair(())).nudging(),
        owned_mutex(Mutex::new(())),
        owned_mutex(Mutex::fair(())).nudging(),
        semaphore(Semaphore::new(0)),
        semaphore(Semaphore::fair(0)),
        owned_semaphore(Semaphore::new(0)),
        write(RwLock::new(())),
        write(RwLock::fair(())).nudging(),
        owned_write(RwLock::new(())),
        upgradable_read(RwLock::new(())),
        read(RwLock::new(())),
        read(RwLock::fair(())),
        owned_read(RwLock::new(())),
        recursive_read(RwLock::new(())),
        cancel_token(),
        wait_group(),
        once_claim(),
        once_wait(),
        barrier(),
        gate(),
        latch(),
    ]
}

/// Those whose grants go to one.
pub(crate) fn batons() -> Vec<Subject> {
    all().into_iter().filter(|subject| subject.baton).collect()
}

/// Those of them that wake nobody but whom they grant. A fair mutex also wakes the next in line,
/// which then knows from when on the first is late.
pub(crate) fn quiet_batons() -> Vec<Subject> {
    batons()
        .into_iter()
        .filter(|subject| !subject.nudges)
        .collect()
}

/// Those whose grants go to all.
pub(crate) fn broadcasts() -> Vec<Subject> {
    all().into_iter().filter(|subject| !subject.baton).collect()
}

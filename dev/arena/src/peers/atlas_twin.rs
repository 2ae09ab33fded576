//! The toolkit of the twin of `atlas`: rayon runs the threads, parking_lot locks, crossbeam's
//! channel tells when all are done.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use atlas::engine::backend::{
    Backend, Counterpoint, Done, Permits, Signal, Table, Token, Totals,
};
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};
use parking_lot_13::{Condvar, Mutex};

use crate::book::{Book, OURS};
use crate::rooms::atlas::toolkit;

/// How often a sleeper looks whether it was told to stop: a condition variable and a flag cannot
/// be waited for together.
const LOOK: Duration = Duration::from_millis(50);

struct Twin;

pub(crate) fn enter(book: &mut Book) {
    toolkit::<Counterpoint>(book, OURS);
    toolkit::<Twin>(book, "rayon + parking_lot + crossbeam");
}

impl Backend for Twin {
    type Token = Stop;
    type Permits = Budget;
    type Table<T: Send + 'static> = Locked<T>;
    type Totals<T: Default + Send + 'static> = Sum<T>;
    type Done = Open;
    type Signal = Bell;

    fn scope<W, R>(workers: Vec<W>, main: impl FnOnce() -> R) -> std::thread::Result<R>
    where
        W: FnOnce() + Send,
    {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(workers.len()).build();
        let pool = pool.expect("the system refuses threads for the pool");
        catch_unwind(AssertUnwindSafe(|| {
            pool.in_place_scope(|scope| {
                for worker in workers {
                    scope.spawn(move |_| worker());
                }
                main()
            })
        }))
    }
}

/// The stop flag.
#[derive(Clone, Default)]
struct Stop(Arc<(AtomicBool, OnceLock<&'static str>)>);

impl Token for Stop {
    fn new() -> Stop {
        Stop::default()
    }
    fn cancel(&self, reason: &'static str) {
        let _ = self.0.1.set(reason);
        // Release: the reason is there when the flag is seen; acquired below.
        self.0.0.store(true, Ordering::Release);
    }
    fn is_cancelled(&self) -> bool {
        self.0.0.load(Ordering::Acquire)
    }
    fn reason(&self) -> Option<&'static str> {
        self.0.1.get().copied()
    }
}

/// The budget of open files.
struct Budget {
    left: Mutex<usize>,
    freed: Condvar,
}

/// One unit of a [`Budget`].
struct Unit<'a>(&'a Budget);

impl Permits<Stop> for Budget {
    type Permit<'a> = Unit<'a>;
    fn new(count: usize) -> Budget {
        Budget { left: Mutex::new(count), freed: Condvar::new() }
    }
    fn acquire(&self, token: &Stop) -> Option<Unit<'_>> {
        let mut left = self.left.lock();
        while *left == 0 {
            if token.is_cancelled() {
                return None;
            }
            self.freed.wait_for(&mut left, LOOK);
        }
        *left -= 1;
        Some(Unit(self))
    }
}

impl Drop for Unit<'_> {
    fn drop(&mut self) {
        *self.0.left.lock() += 1;
        self.0.freed.notify_one();
    }
}

/// A value behind a lock.
struct Locked<T>(Mutex<T>);

impl<T: Send> Table<T> for Locked<T> {
    fn new(value: T) -> Locked<T> {
        Locked(Mutex::new(value))
    }
    fn with<R>(&self, change: impl FnOnce(&mut T) -> R) -> R {
        change(&mut self.0.lock())
    }
    fn into_inner(self) -> T {
        self.0.into_inner()
    }
}

/// A sum of local parts.
struct Sum<T> {
    whole: Mutex<T>,
    merge: fn(&mut T, &T),
}

/// A local part of a [`Sum`].
struct Part<'a, T> {
    sum: &'a Sum<T>,
    local: T,
}

impl<T: Default + Send> Totals<T> for Sum<T> {
    type Share<'a>
        = Part<'a, T>
    where
        T: 'a;
    fn new(initial: T, merge: fn(&mut T, &T)) -> Sum<T> {
        Sum { whole: Mutex::new(initial), merge }
    }
    fn share(&self) -> Part<'_, T> {
        Part { sum: self, local: T::default() }
    }
    fn into_inner(self) -> T {
        self.whole.into_inner()
    }
}

impl<T> AsMut<T> for Part<'_, T> {
    fn as_mut(&mut self) -> &mut T {
        &mut self.local
    }
}

impl<T> Drop for Part<'_, T> {
    fn drop(&mut self) {
        (self.sum.merge)(&mut self.sum.whole.lock(), &self.local);
    }
}

/// Held until its owner is done: the channel closes with the last.
#[derive(Clone)]
struct Open {
    unit: Sender<()>,
    closed: Receiver<()>,
}

impl Done for Open {
    fn new() -> Open {
        let (unit, closed) = bounded(0);
        Open { unit, closed }
    }
    fn wait(self, tick: Duration, on_tick: &mut dyn FnMut()) {
        drop(self.unit);
        while self.closed.recv_timeout(tick) == Err(RecvTimeoutError::Timeout) {
            on_tick();
        }
    }
}

/// Where idle workers sleep.
#[derive(Default)]
struct Bell {
    rung: Mutex<u64>,
    sleepers: Condvar,
}

impl Signal<Stop> for Bell {
    fn new() -> Bell {
        Bell::default()
    }
    fn notify_one(&self) {
        *self.rung.lock() += 1;
        self.sleepers.notify_one();
    }
    fn notify_all(&self) {
        *self.rung.lock() += 1;
        self.sleepers.notify_all();
    }
    fn wait_until<R>(&self, token: &Stop, mut attempt: impl FnMut() -> Option<R>) -> Option<R> {
        let mut seen = *self.rung.lock();
        while !token.is_cancelled() {
            if let Some(result) = attempt() {
                return Some(result);
            }
            let mut rung = self.rung.lock();
            if *rung == seen {
                self.sleepers.wait_for(&mut rung, LOOK);
            }
            seen = *rung;
        }
        None
    }
}

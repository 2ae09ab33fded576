//! The backend that needs nothing but the standard library.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use super::{Backend, Done, Permits, Signal, Table, Token, Totals};

/// How often a sleeper looks at its token: std has no wait that a token ends.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// The standard library as a [`Backend`].
#[derive(Debug)]
pub struct Plain;

impl Backend for Plain {
    type Token = PlainToken;
    type Permits = PlainPermits;
    type Table<T: Send + 'static> = PlainTable<T>;
    type Totals<T: Default + Send + 'static> = PlainTotals<T>;
    type Done = PlainDone;
    type Signal = PlainSignal;

    fn scope<W, R>(workers: Vec<W>, main: impl FnOnce() -> R) -> std::thread::Result<R>
    where
        W: FnOnce() + Send,
    {
        std::thread::scope(|scope| {
            let handles: Vec<_> = workers
                .into_iter()
                .map(|worker| scope.spawn(worker))
                .collect();
            let result = main();
            let mut panic = None;
            for handle in handles {
                if let Err(payload) = handle.join() {
                    panic.get_or_insert(payload);
                }
            }
            panic.map_or(Ok(result), Err)
        })
    }
}

/// A panic under a lock leaves counts behind that are still worth showing.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A reason that is set once.
#[derive(Clone, Debug, Default)]
pub struct PlainToken(Arc<OnceLock<&'static str>>);

impl Token for PlainToken {
    fn new() -> Self {
        Self::default()
    }
    fn cancel(&self, reason: &'static str) {
        let _ = self.0.set(reason);
    }
    fn is_cancelled(&self) -> bool {
        self.0.get().is_some()
    }
    fn reason(&self) -> Option<&'static str> {
        self.0.get().copied()
    }
}

/// A count and a condition variable.
#[derive(Debug)]
pub struct PlainPermits {
    free: Mutex<usize>,
    freed: Condvar,
}

/// One unit of [`PlainPermits`].
#[derive(Debug)]
pub struct PlainPermit<'a>(&'a PlainPermits);

impl Permits<PlainToken> for PlainPermits {
    type Permit<'a> = PlainPermit<'a>;
    fn new(count: usize) -> Self {
        Self {
            free: Mutex::new(count),
            freed: Condvar::new(),
        }
    }
    fn acquire(&self, token: &PlainToken) -> Option<PlainPermit<'_>> {
        let mut free = lock(&self.free);
        while *free == 0 {
            if token.is_cancelled() {
                return None;
            }
            let woken = self.freed.wait_timeout(free, LOOK_AGAIN);
            free = woken.unwrap_or_else(PoisonError::into_inner).0;
        }
        *free -= 1;
        Some(PlainPermit(self))
    }
}

impl Drop for PlainPermit<'_> {
    fn drop(&mut self) {
        *lock(&self.0.free) += 1;
        self.0.freed.notify_one();
    }
}

/// A mutex.
#[derive(Debug)]
pub struct PlainTable<T>(Mutex<T>);

impl<T: Send> Table<T> for PlainTable<T> {
    fn new(value: T) -> Self {
        Self(Mutex::new(value))
    }
    fn with<R>(&self, change: impl FnOnce(&mut T) -> R) -> R {
        change(&mut lock(&self.0))
    }
    fn into_inner(self) -> T {
        self.0.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A mutex and a merge function.
#[derive(Debug)]
pub struct PlainTotals<T> {
    shared: Mutex<T>,
    merge: fn(&mut T, &T),
}

/// A local part of [`PlainTotals`].
#[derive(Debug)]
pub struct PlainShare<'a, T> {
    local: T,
    totals: &'a PlainTotals<T>,
}

impl<T: Default + Send> Totals<T> for PlainTotals<T> {
    type Share<'a>
        = PlainShare<'a, T>
    where
        T: 'a;
    fn new(initial: T, merge: fn(&mut T, &T)) -> Self {
        Self {
            shared: Mutex::new(initial),
            merge,
        }
    }
    fn share(&self) -> PlainShare<'_, T> {
        PlainShare {
            local: T::default(),
            totals: self,
        }
    }
    fn into_inner(self) -> T {
        self.shared
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> AsMut<T> for PlainShare<'_, T> {
    fn as_mut(&mut self) -> &mut T {
        &mut self.local
    }
}

impl<T> Drop for PlainShare<'_, T> {
    fn drop(&mut self) {
        (self.totals.merge)(&mut lock(&self.totals.shared), &self.local);
    }
}

/// A shared count of clones.
#[derive(Debug)]
pub struct PlainDone(Arc<(Mutex<usize>, Condvar)>);

impl Done for PlainDone {
    fn new() -> Self {
        Self(Arc::new((Mutex::new(1), Condvar::new())))
    }
    fn wait(self, tick: Duration, on_tick: &mut dyn FnMut()) {
        let inner = Arc::clone(&self.0);
        drop(self);
        let mut count = lock(&inner.0);
        while *count > 0 {
            let woken = inner.1.wait_timeout(count, tick);
            let (guard, timeout) = woken.unwrap_or_else(PoisonError::into_inner);
            count = guard;
            if timeout.timed_out() && *count > 0 {
                drop(count);
                on_tick();
                count = lock(&inner.0);
            }
        }
    }
}

impl Clone for PlainDone {
    fn clone(&self) -> Self {
        *lock(&self.0.0) += 1;
        Self(Arc::clone(&self.0))
    }
}

impl Drop for PlainDone {
    fn drop(&mut self) {
        let mut count = lock(&self.0.0);
        *count -= 1;
        if *count == 0 {
            self.0.1.notify_all();
        }
    }
}

/// A count of notifications and a condition variable.
#[derive(Debug)]
pub struct PlainSignal {
    sent: Mutex<u64>,
    changed: Condvar,
}

impl Signal<PlainToken> for PlainSignal {
    fn new() -> Self {
        Self {
            sent: Mutex::new(0),
            changed: Condvar::new(),
        }
    }
    fn notify_one(&self) {
        *lock(&self.sent) += 1;
        self.changed.notify_one();
    }
    fn notify_all(&self) {
        *lock(&self.sent) += 1;
        self.changed.notify_all();
    }
    fn wait_until<R>(
        &self,
        token: &PlainToken,
        mut attempt: impl FnMut() -> Option<R>,
    ) -> Option<R> {
        loop {
            let seen = *lock(&self.sent);
            if token.is_cancelled() {
                return None;
            }
            if let Some(result) = attempt() {
                return Some(result);
            }
            let mut sent = lock(&self.sent);
            while *sent == seen && !token.is_cancelled() {
                let woken = self.changed.wait_timeout(sent, LOOK_AGAIN);
                sent = woken.unwrap_or_else(PoisonError::into_inner).0;
            }
        }
    }
}

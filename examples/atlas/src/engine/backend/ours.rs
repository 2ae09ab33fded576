//! counterpoint as a [`Backend`]: each part is one of its primitives.

use std::thread::Result;
use std::time::Duration;

use counterpoint::cancel::{CancelToken, Ctl};
use counterpoint::sync::{
    BufMutex, Mutex, Notify, Semaphore, SemaphorePermit, SharedBufMutex, WaitGroup,
};
use counterpoint::thread;

use super::{Backend, Done, Permits, Signal, Table, Token, Totals};

/// counterpoint as a [`Backend`].
#[derive(Debug)]
pub struct Counterpoint;

impl Backend for Counterpoint {
    type Token = CancelToken;
    type Permits = Semaphore;
    type Table<T: Send + 'static> = Mutex<T>;
    type Totals<T: Default + Send + 'static> = BufMutex<T, T, fn(&mut T, &T)>;
    type Done = WaitGroup;
    type Signal = Notify;

    fn scope<W, R>(workers: Vec<W>, main: impl FnOnce() -> R) -> Result<R>
    where
        W: FnOnce() + Send,
    {
        thread::scope(|scope| {
            for worker in workers {
                scope.spawn(move |_| worker());
            }
            main()
        })
    }
}

impl Token for CancelToken {
    fn new() -> Self {
        Self::new()
    }
    fn cancel(&self, reason: &'static str) {
        self.cancel(reason);
    }
    fn is_cancelled(&self) -> bool {
        self.is_cancelled()
    }
    fn reason(&self) -> Option<&'static str> {
        self.reason()
    }
}

impl Permits<CancelToken> for Semaphore {
    type Permit<'a> = SemaphorePermit<'a>;
    fn new(count: usize) -> Self {
        Self::new(count)
    }
    fn acquire(&self, token: &CancelToken) -> Option<SemaphorePermit<'_>> {
        if let Ok(permit) = self.try_acquire() {
            return Some(permit);
        }
        self.acquire_async()
            .with(&Ctl::new().cancel(token))
            .wait()
            .ok()
    }
}

impl<T: Send> Table<T> for Mutex<T> {
    fn new(value: T) -> Self {
        Self::new(value)
    }
    fn with<R>(&self, change: impl FnOnce(&mut T) -> R) -> R {
        change(&mut self.lock())
    }
    fn into_inner(self) -> T {
        self.into_inner()
    }
}

impl<T: Default + Send> Totals<T> for BufMutex<T, T, fn(&mut T, &T)> {
    type Share<'a>
        = SharedBufMutex<'a, T, T, fn(&mut T, &T)>
    where
        T: 'a;
    fn new(initial: T, merge: fn(&mut T, &T)) -> Self {
        Self::new(initial, merge)
    }
    fn share(&self) -> Self::Share<'_> {
        self.share()
    }
    fn into_inner(self) -> T {
        self.get()
    }
}

impl Done for WaitGroup {
    fn new() -> Self {
        Self::new()
    }
    fn wait(self, tick: Duration, on_tick: &mut dyn FnMut()) {
        let mut group = self;
        while let Err(early) = group.wait_timeout(tick) {
            on_tick();
            group = early.into_inner();
        }
    }
}

impl Signal<CancelToken> for Notify {
    fn new() -> Self {
        Self::new()
    }
    fn notify_one(&self) {
        self.notify_one();
    }
    fn notify_all(&self) {
        self.notify_all();
    }
    fn wait_until<R>(
        &self,
        token: &CancelToken,
        mut attempt: impl FnMut() -> Option<R>,
    ) -> Option<R> {
        let ctl = Ctl::new().cancel(token);
        loop {
            // What is notified from here on ends the wait below.
            let notified = self.notified();
            if token.is_cancelled() {
                return None;
            }
            if let Some(result) = attempt() {
                return Some(result);
            }
            notified.with(&ctl).wait().ok()?;
        }
    }
}

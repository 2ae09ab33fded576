//! What the engine needs from a concurrency library, and counterpoint as that library.
//!
//! The walker and the workers are written against [`Backend`] alone, so the
//! same program can run on different toolkits and be compared.

mod ours;

pub use ours::Counterpoint;

use std::time::Duration;

/// A family of primitives the engine runs on.
pub trait Backend: Sized + 'static {
    /// The stop flag every waiting place listens to.
    type Token: Token;
    /// The budget of open files.
    type Permits: Permits<Self::Token>;
    /// A value behind a lock.
    type Table<T: Send + 'static>: Table<T>;
    /// A value that each worker adds to on its own, merged when the worker ends.
    type Totals<T: Default + Send + 'static>: Totals<T>;
    /// The end: all clones dropped.
    type Done: Done;
    /// Where idle workers sleep.
    type Signal: Signal<Self::Token>;

    /// Runs every worker on a thread of its own and `main` on this one; returns
    /// after all have ended, with the payload of a panic if one panicked.
    fn scope<W, R>(workers: Vec<W>, main: impl FnOnce() -> R) -> std::thread::Result<R>
    where
        W: FnOnce() + Send;
}

/// A flag that is raised once, with a reason.
pub trait Token: Clone + Send + Sync + 'static {
    /// A token nobody has cancelled.
    fn new() -> Self;
    /// Raises the flag; only the first reason is kept.
    fn cancel(&self, reason: &'static str);
    /// Whether the flag is up.
    fn is_cancelled(&self) -> bool;
    /// The reason the flag was raised with.
    fn reason(&self) -> Option<&'static str>;
}

/// A counting semaphore.
pub trait Permits<T>: Send + Sync {
    /// One unit, given back on drop.
    type Permit<'a>
    where
        Self: 'a;
    /// A budget of `count` units.
    fn new(count: usize) -> Self;
    /// Waits for a unit; `None` when the token is cancelled first.
    fn acquire(&self, token: &T) -> Option<Self::Permit<'_>>;
}

/// A value behind a lock.
pub trait Table<T>: Send + Sync {
    /// Locks around `value`.
    fn new(value: T) -> Self;
    /// Runs `change` on the value while holding the lock.
    fn with<R>(&self, change: impl FnOnce(&mut T) -> R) -> R;
    /// The value, when no one else can reach it any more.
    fn into_inner(self) -> T;
}

/// A shared value with a local part per worker.
pub trait Totals<T: Default>: Send + Sync {
    /// A worker's own part; merged into the shared value when dropped.
    type Share<'a>: AsMut<T> + Send
    where
        Self: 'a;
    /// A shared value and how a local part is merged into it.
    fn new(initial: T, merge: fn(&mut T, &T)) -> Self;
    /// A fresh local part.
    fn share(&self) -> Self::Share<'_>;
    /// The merged value.
    fn into_inner(self) -> T;
}

/// A count of clones that can be waited on.
pub trait Done: Clone + Send {
    /// One unit, held by the caller.
    fn new() -> Self;
    /// Gives up the caller's unit and waits until every clone is dropped;
    /// calls `on_tick` whenever `tick` has passed meanwhile.
    fn wait(self, tick: Duration, on_tick: &mut dyn FnMut());
}

/// A place where threads sleep until something may have changed.
pub trait Signal<T>: Send + Sync {
    /// A signal nobody waits on.
    fn new() -> Self;
    /// Wakes one sleeper.
    fn notify_one(&self);
    /// Wakes all sleepers.
    fn notify_all(&self);
    /// Runs `attempt` until it gives a value, asleep in between. A notification
    /// sent after an attempt began is never missed by it. `None` when the
    /// token is cancelled.
    fn wait_until<R>(&self, token: &T, attempt: impl FnMut() -> Option<R>) -> Option<R>;
}

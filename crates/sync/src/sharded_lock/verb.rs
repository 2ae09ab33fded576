//! The waiting verbs of the sharded lock; the protocol is in `raw.rs`.

use core::fmt;
use counterpoint_base::prim::thread::panicking;
use counterpoint_wait::Stop;
use counterpoint_wait::hooks::{Hold, Site};
use counterpoint_wait::op::{LockedQueue, Op, Turn, Verb};
use counterpoint_wait::queue::WaitQueue;
use counterpoint_wait::waker::WakeBatch;

use super::raw::{Role, State};
use super::{ShardedLock, ShardedLockReadGuard, ShardedLockWriteGuard};
use crate::mutex::LockError;

/// Waits to read a sharded lock; see [`ShardedLock::read_async`].
pub type ShardRead<'a, T> = Op<ShardReadVerb<'a, T>>;

/// Waits to write a sharded lock; see [`ShardedLock::write_async`].
pub type ShardWrite<'a, T> = Op<ShardWriteVerb<'a, T>>;

/// The verb of [`ShardRead`].
pub struct ShardReadVerb<'a, T: ?Sized> {
    lock: &'a ShardedLock<T>,
}

/// The verb of [`ShardWrite`].
pub struct ShardWriteVerb<'a, T: ?Sized> {
    lock: &'a ShardedLock<T>,
    /// It has claimed the lock, and readers may be in (raw.rs I4).
    claimed: bool,
}

#[cfg_attr(feature = "hooks", track_caller)]
pub(super) fn read<T: ?Sized>(lock: &ShardedLock<T>) -> ShardRead<'_, T> {
    Op::new(ShardReadVerb { lock }, Role::Reader)
}

#[cfg_attr(feature = "hooks", track_caller)]
pub(super) fn write<T: ?Sized>(lock: &ShardedLock<T>) -> ShardWrite<'_, T> {
    let claimed = false;
    Op::new(ShardWriteVerb { lock, claimed }, Role::Writer)
}

impl<T: ?Sized> fmt::Debug for ShardReadVerb<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ShardReadVerb").finish_non_exhaustive()
    }
}

impl<T: ?Sized> fmt::Debug for ShardWriteVerb<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ShardWriteVerb")
            .field("claimed", &self.claimed)
            .finish_non_exhaustive()
    }
}

fn error(why: Stop) -> LockError {
    match why {
        Stop::TimedOut => LockError::TimedOut,
        Stop::Cancelled => LockError::Cancelled,
    }
}

// SAFETY: one queue, that of the lock it borrows; no method moves the verb.
unsafe impl<'a, T: ?Sized> Verb for ShardReadVerb<'a, T> {
    type State = State;
    type Payload = Role;
    type Output = ShardedLockReadGuard<'a, T>;
    type Stoppable = Result<ShardedLockReadGuard<'a, T>, LockError>;

    const NAME: &'static str = "ShardedLock::read";

    fn queue(&self) -> &WaitQueue<State, Role> {
        self.lock.raw.queue()
    }

    fn attempt(&mut self, _role: &mut Role, _turn: Turn) -> Option<Self::Output> {
        let slot = self.lock.raw.try_read()?;
        Some(ShardedLockReadGuard::new(self.lock, slot, Hold::NONE))
    }

    fn prepare(&mut self, _: &mut Role, _: Turn, queue: &mut LockedQueue<'_, Self>) -> bool {
        !self.lock.raw.mark(queue)
    }

    fn collect(&mut self, _role: &mut Role) -> Self::Output {
        unreachable!("a sharded lock grants batons, not results")
    }

    fn unclaimed(&mut self, _role: &mut Role, _queue: &mut LockedQueue<'_, Self>) {}

    fn settle(&mut self, queue: &mut LockedQueue<'_, Self>, wakes: &mut WakeBatch) -> bool {
        self.lock.raw.settle(queue, wakes)
    }

    fn look_again(&mut self, _queue: &mut LockedQueue<'_, Self>) -> bool {
        !self.lock.raw.is_claimed()
    }

    fn taken(guard: &mut Self::Output, site: Site) {
        guard.tell_held(site);
    }

    fn finish(guard: Self::Output) -> Self::Stoppable {
        Ok(guard)
    }

    fn stopped(&mut self, _role: &mut Role, why: Stop) -> Self::Stoppable {
        Err(error(why))
    }
}

// SAFETY: one queue, that of the lock it borrows; no method moves the verb.
unsafe impl<'a, T: ?Sized> Verb for ShardWriteVerb<'a, T> {
    type State = State;
    type Payload = Role;
    type Output = ShardedLockWriteGuard<'a, T>;
    type Stoppable = Result<ShardedLockWriteGuard<'a, T>, LockError>;

    const NAME: &'static str = "ShardedLock::write";
    // An arm that left its queue would give its claim up, and let readers in, at each poll.
    const STAYS: bool = true;

    fn queue(&self) -> &WaitQueue<State, Role> {
        self.lock.raw.queue()
    }

    fn attempt(&mut self, _role: &mut Role, _turn: Turn) -> Option<Self::Output> {
        let raw = &self.lock.raw;
        self.claimed = self.claimed || raw.try_claim();
        if !self.claimed || !raw.try_begin() {
            return None;
        }
        self.claimed = false;
        let panicking = panicking();
        Some(ShardedLockWriteGuard::new(self.lock, panicking, Hold::NONE))
    }

    fn prepare(&mut self, role: &mut Role, _: Turn, queue: &mut LockedQueue<'_, Self>) -> bool {
        let raw = &self.lock.raw;
        if self.claimed {
            *role = Role::Drainer;
            return raw.is_quiet();
        }
        *role = Role::Writer;
        !raw.mark(queue)
    }

    fn collect(&mut self, _role: &mut Role) -> Self::Output {
        unreachable!("a sharded lock grants batons, not results")
    }

    fn unclaimed(&mut self, _role: &mut Role, _queue: &mut LockedQueue<'_, Self>) {}

    fn settle(&mut self, queue: &mut LockedQueue<'_, Self>, wakes: &mut WakeBatch) -> bool {
        let raw = &self.lock.raw;
        if core::mem::take(&mut self.claimed) {
            raw.abandon(queue);
        }
        raw.settle(queue, wakes)
    }

    /// An arm that was tried, and stopped before it was linked, may have claimed the lock.
    fn over(&mut self, _role: &mut Role) -> Option<Self::Output> {
        self.give_up();
        None
    }

    fn look_again(&mut self, _queue: &mut LockedQueue<'_, Self>) -> bool {
        !self.claimed && !self.lock.raw.is_claimed()
    }

    fn taken(guard: &mut Self::Output, site: Site) {
        guard.tell_held(site);
    }

    fn finish(guard: Self::Output) -> Self::Stoppable {
        Ok(guard)
    }

    fn stopped(&mut self, _role: &mut Role, why: Stop) -> Self::Stoppable {
        Err(error(why))
    }
}

impl<T: ?Sized> ShardWriteVerb<'_, T> {
    /// Gives up a claim that it has made outside of the queue.
    fn give_up(&mut self) {
        if core::mem::take(&mut self.claimed) {
            self.lock.raw.unlock();
        }
    }
}

impl<T: ?Sized> Drop for ShardWriteVerb<'_, T> {
    /// It was tried and is dropped before it is linked: an arm, or a waker's clone panicked.
    fn drop(&mut self) {
        self.give_up();
    }
}

//! Why a read-write lock was not given.

use core::fmt;
use counterpoint_wait::Stop;

/// Why a bounded wait for a read-write lock ended without it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RwLockError {
    /// The deadline came first.
    TimedOut,
    /// The token was cancelled, or the future given to `until` was ready.
    Cancelled,
}

impl From<Stop> for RwLockError {
    fn from(why: Stop) -> RwLockError {
        match why {
            Stop::TimedOut => RwLockError::TimedOut,
            Stop::Cancelled => RwLockError::Cancelled,
        }
    }
}

impl fmt::Display for RwLockError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            RwLockError::TimedOut => "the read-write lock was not given before the deadline",
            RwLockError::Cancelled => "cancelled while waiting for the read-write lock",
        })
    }
}

impl core::error::Error for RwLockError {}

/// Why one cannot read at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TryReadError {
    /// It would have to wait: for a writer, or behind one.
    WouldBlock,
    /// As many read as can be counted.
    TooManyReaders,
}

impl fmt::Display for TryReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            TryReadError::WouldBlock => "a writer holds the lock, or waits for it",
            TryReadError::TooManyReaders => "no more readers can be counted",
        })
    }
}

impl core::error::Error for TryReadError {}

/// Why one cannot write at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TryWriteError {
    /// It would have to wait.
    WouldBlock,
}

impl fmt::Display for TryWriteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the lock is held, or kept for somebody else")
    }
}

impl core::error::Error for TryWriteError {}

/// A bounded upgrade ended without the right to write; the guard to read comes back.
pub enum UpgradeError<G> {
    /// The deadline came first.
    TimedOut(G),
    /// The token was cancelled, or the future given to `until` was ready.
    Cancelled(G),
}

impl<G> UpgradeError<G> {
    pub(super) fn new(why: Stop, guard: G) -> UpgradeError<G> {
        match why {
            Stop::TimedOut => UpgradeError::TimedOut(guard),
            Stop::Cancelled => UpgradeError::Cancelled(guard),
        }
    }

    /// The guard, with which one still reads.
    pub fn into_inner(self) -> G {
        match self {
            UpgradeError::TimedOut(guard) | UpgradeError::Cancelled(guard) => guard,
        }
    }

    /// Why it was stopped.
    pub const fn stop(&self) -> Stop {
        match self {
            UpgradeError::TimedOut(_) => Stop::TimedOut,
            UpgradeError::Cancelled(_) => Stop::Cancelled,
        }
    }
}

impl<G> fmt::Debug for UpgradeError<G> {
    /// Does not show the value.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("UpgradeError").field(&self.stop()).finish()
    }
}

impl<G> fmt::Display for UpgradeError<G> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            UpgradeError::TimedOut(_) => "other readers did not leave before the deadline",
            UpgradeError::Cancelled(_) => "cancelled while waiting for other readers to leave",
        })
    }
}

impl<G> core::error::Error for UpgradeError<G> {}

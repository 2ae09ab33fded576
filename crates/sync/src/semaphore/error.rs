//! Why permits were not given.

use core::fmt;

/// Why a wait for permits ended without them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AcquireError {
    /// The semaphore was closed.
    Closed,
    /// The deadline came first.
    TimedOut,
    /// The token was cancelled, or the future given to `until` was ready.
    Cancelled,
    /// More permits were asked for than the ceiling of the semaphore.
    TooMany,
}

impl fmt::Display for AcquireError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            AcquireError::Closed => "the semaphore is closed",
            AcquireError::TimedOut => "no permits before the deadline",
            AcquireError::Cancelled => "cancelled while waiting for permits",
            AcquireError::TooMany => "more permits than the semaphore can ever have",
        })
    }
}

impl core::error::Error for AcquireError {}

/// Why permits were not given at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TryAcquireError {
    /// The semaphore was closed.
    Closed,
    /// Not enough permits, or they are kept for those who wait.
    NoPermits,
    /// More permits were asked for than the ceiling of the semaphore.
    TooMany,
}

impl fmt::Display for TryAcquireError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            TryAcquireError::Closed => "the semaphore is closed",
            TryAcquireError::NoPermits => "no permits available",
            TryAcquireError::TooMany => "more permits than the semaphore can ever have",
        })
    }
}

impl core::error::Error for TryAcquireError {}

//! The errors of cells that are filled once.

use core::convert::Infallible;
use core::fmt;
use counterpoint_wait::Stop;

/// Why a value was not there in the end.
///
/// | call | variants that can occur |
/// |---|---|
/// | `claim`, `claim_async` | `Reentrant` |
/// | the bounded forms of `claim` and `get_or_init` | `Reentrant`, `TimedOut`, and with a token or another future `Cancelled` |
/// | `get_or_try_init` and its forms | `Init` as well |
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnceCellError<E = Infallible> {
    /// The initializer failed; the cell is empty.
    Init(E),
    /// The value was asked for by its own initializer, which would have waited for itself.
    Reentrant,
    /// The deadline came.
    TimedOut,
    /// The token was cancelled, or the future given to `until` was ready.
    Cancelled,
}

impl OnceCellError {
    /// The same for an initializer that could have failed.
    pub(super) const fn widen<E>(self) -> OnceCellError<E> {
        match self {
            OnceCellError::Init(never) => match never {},
            OnceCellError::Reentrant => OnceCellError::Reentrant,
            OnceCellError::TimedOut => OnceCellError::TimedOut,
            OnceCellError::Cancelled => OnceCellError::Cancelled,
        }
    }
}

impl<E> From<Stop> for OnceCellError<E> {
    fn from(why: Stop) -> OnceCellError<E> {
        match why {
            Stop::TimedOut => OnceCellError::TimedOut,
            Stop::Cancelled => OnceCellError::Cancelled,
        }
    }
}

impl<E: fmt::Display> fmt::Display for OnceCellError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            OnceCellError::Init(error) => error.fmt(f),
            OnceCellError::Reentrant => f.write_str("asked for by its own initializer"),
            OnceCellError::TimedOut => Stop::TimedOut.fmt(f),
            OnceCellError::Cancelled => Stop::Cancelled.fmt(f),
        }
    }
}

impl<E: fmt::Debug + fmt::Display> core::error::Error for OnceCellError<E> {}

/// Why a value was not put into a cell; with the value.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum SetError<T> {
    /// There is one.
    AlreadyInit(T),
    /// Somebody else is about to put one there.
    Initializing(T),
}

impl<T> SetError<T> {
    /// The value back.
    pub fn into_inner(self) -> T {
        match self {
            SetError::AlreadyInit(value) | SetError::Initializing(value) => value,
        }
    }
}

impl<T> fmt::Debug for SetError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            SetError::AlreadyInit(_) => "AlreadyInit(..)",
            SetError::Initializing(_) => "Initializing(..)",
        })
    }
}

impl<T> fmt::Display for SetError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            SetError::AlreadyInit(_) => "already initialized",
            SetError::Initializing(_) => "being initialized",
        })
    }
}

impl<T> core::error::Error for SetError<T> {}

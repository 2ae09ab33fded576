//! How entering a stage ends.

use core::convert::Infallible;
use core::fmt;

use super::Director;

/// How [`Stage::enter`](super::Stage::enter) ended.
///
/// Of several that come at once: what was left for the token comes before the headship, and both
/// come before the deadline.
#[must_use = "the closure may not have run"]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Exit<R, V = Infallible> {
    /// It headed, and the closure returned this.
    Finished(R),
    /// The deadline came first.
    Timeout,
    /// Its token was notified.
    Token,
    /// Its token was notified with this value.
    Value(V),
    /// The stage is closed.
    Closed,
}

/// What [`Stage::enter_async`](super::Stage::enter_async) yields.
#[must_use = "it may be the headship, which is passed on when it is dropped"]
pub enum Entered<'s, T, R, B, V = Infallible> {
    /// It heads, until this is dropped.
    Head(Director<'s, T, R, B, V>),
    /// Its token was notified.
    Token,
    /// Its token was notified with this value.
    Value(V),
    /// The stage is closed.
    Closed,
}

impl<T, R, B, V> fmt::Debug for Entered<'_, T, R, B, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Entered::Head(_) => "Head",
            Entered::Token => "Token",
            Entered::Value(_) => "Value",
            Entered::Closed => "Closed",
        })
    }
}

/// Why a value was not delivered; it holds the value.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub enum NotifyError<V> {
    /// Nobody has a ticket for this token.
    Unknown(V),
    /// The value that was delivered before has not been taken.
    Full(V),
}

impl<V> NotifyError<V> {
    /// The value back.
    pub fn into_inner(self) -> V {
        match self {
            NotifyError::Unknown(value) | NotifyError::Full(value) => value,
        }
    }

    fn why(&self) -> &'static str {
        match self {
            NotifyError::Unknown(_) => "nobody has a ticket for this token",
            NotifyError::Full(_) => "the value delivered before has not been taken",
        }
    }
}

impl<V> fmt::Debug for NotifyError<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            NotifyError::Unknown(_) => "Unknown(..)",
            NotifyError::Full(_) => "Full(..)",
        })
    }
}

impl<V> fmt::Display for NotifyError<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.why())
    }
}

impl<V> core::error::Error for NotifyError<V> {}

//! Why parties did not meet.

use core::fmt;

/// The partner is gone: its handle was dropped, perhaps by a panic, before it arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Disconnected;

impl fmt::Display for Disconnected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the partner is gone")
    }
}

impl core::error::Error for Disconnected {}

/// Why a wait for the others ended without a meeting.
#[cfg(feature = "std")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RendezvousError {
    /// The partner, or one of them, is gone and had not arrived.
    Disconnected,
    /// The deadline came first. The arrival stays.
    TimedOut,
    /// The token was cancelled, or the future given to `until` was ready. The arrival stays, unless
    /// the token was cancelled before.
    Cancelled,
}

#[cfg(feature = "std")]
impl fmt::Display for RendezvousError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RendezvousError::Disconnected => Disconnected.fmt(f),
            RendezvousError::TimedOut => f.write_str("no meeting before the deadline"),
            RendezvousError::Cancelled => f.write_str("cancelled while waiting for the partner"),
        }
    }
}

#[cfg(feature = "std")]
impl core::error::Error for RendezvousError {}

#[cfg(feature = "std")]
impl From<Disconnected> for RendezvousError {
    fn from(_: Disconnected) -> RendezvousError {
        RendezvousError::Disconnected
    }
}

/// Why there was no meeting at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TryRendezvousError {
    /// The partner, or one of them, has not arrived. The arrival stays.
    WouldBlock,
    /// The partner, or one of them, is gone and had not arrived.
    Disconnected,
}

impl fmt::Display for TryRendezvousError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TryRendezvousError::WouldBlock => f.write_str("the partner has not arrived"),
            TryRendezvousError::Disconnected => Disconnected.fmt(f),
        }
    }
}

impl core::error::Error for TryRendezvousError {}

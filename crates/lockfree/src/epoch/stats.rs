//! How a collector is doing.

use core::fmt;
use core::panic::Location;

/// What a [`Collector`](super::Collector) says of itself: read while others work, so the numbers
/// need not fit together.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Stats {
    /// How often the epoch has advanced.
    pub epoch: u64,
    /// How many threads had a handle at once.
    pub records: usize,
    /// How many of them are pinned.
    pub pinned: usize,
    /// How many objects and closures wait.
    pub waiting: usize,
    /// How many bytes those have: the objects themselves, without what they own on the heap, and of
    /// closures what they hold.
    pub waiting_bytes: usize,
    /// The pin that is furthest behind the epoch.
    pub oldest_pin: Option<OldestPin>,
}

/// A pin, and who has it.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct OldestPin {
    /// The number of the thread that made the handle: not zero, and never given to another thread.
    /// Zero without `std`.
    pub thread: u64,
    /// Where it was pinned. None under a checker.
    pub site: Option<&'static Location<'static>>,
    /// How often the epoch has advanced since. It holds up the next advance if that is more than
    /// zero.
    pub behind: u64,
}

impl fmt::Display for Stats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} waiting ({} bytes), {} of {} threads pinned",
            self.waiting, self.waiting_bytes, self.pinned, self.records
        )?;
        match &self.oldest_pin {
            Some(pin) => write!(f, ", first {pin}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for OldestPin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "thread {}", self.thread)?;
        if let Some(site) = self.site {
            write!(f, " at {site}")?;
        }
        write!(f, ", {} epochs behind", self.behind)
    }
}

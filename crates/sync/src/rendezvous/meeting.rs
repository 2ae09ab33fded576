//! The spinning core: a place for two that is put wherever the caller has room.

use core::fmt;
use counterpoint_base::{Backoff, const_fn};

use super::spot::{Look, Side, Spot};
use super::{Disconnected, TryRendezvousError};

/// A place where two parties meet and swap values, in memory of the caller's: a stack frame, a
/// static, a struct. Needs no allocator and no operating system; this crate needs a processor with
/// 64-bit atomics.
///
/// Without the feature `std` its parties only spin. With it they give the processor away after a
/// while, but never sleep: use [`Rendezvous`](super::Rendezvous) and
/// [`RendezvousData`](super::RendezvousData) there, unless the memory must be the caller's.
///
/// # Cost
/// Three cache lines, and two values. To meet: one store and one load at least, no exchange and no
/// fence; the cost does not depend on the size of the value.
///
/// # Examples
/// ```
/// use counterpoint_sync::rendezvous::Meeting;
///
/// let mut meeting = Meeting::new(1, 2);
/// let (mut a, mut b) = meeting.split();
/// std::thread::scope(|s| {
///     s.spawn(move || *b.swap() += 10);
///     assert_eq!(*a.swap(), 2);
/// });
/// drop(a);
/// assert_eq!(meeting.into_inner(), (11, 2));
/// ```
pub struct Meeting<T> {
    spot: Spot<T>,
}

impl<T> fmt::Debug for Meeting<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Meeting").finish_non_exhaustive()
    }
}

impl<T> Meeting<T> {
    const_fn! {
        /// A place for a party that begins with `a`, and one that begins with `b`.
        pub const fn new(a: T, b: T) -> Meeting<T> {
            Meeting { spot: Spot::new(a, b) }
        }
    }

    /// The two parties. At the first split the first one begins with `a`; later each begins with
    /// one of the values, whichever it is.
    pub fn split(&mut self) -> (Party<'_, T>, Party<'_, T>) {
        self.spot.reset();
        let party = |held| Party {
            side: Side::new(held),
            spot: &self.spot,
        };
        (party(0), party(1))
    }

    /// Both values, in the order of their places: without a meeting `a` and `b`.
    pub fn into_inner(self) -> (T, T) {
        self.spot.into_values()
    }
}

/// One of two parties of a [`Meeting`].
///
/// Dropping it tells the partner: what it waits for then fails, but for the last meeting at which
/// this party had arrived.
pub struct Party<'m, T> {
    side: Side,
    spot: &'m Spot<T>,
}

impl<T> fmt::Debug for Party<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Party")
            .field("arrived", &self.side.has_arrived())
            .finish_non_exhaustive()
    }
}

impl<T> Party<'_, T> {
    fn value(&mut self) -> &mut T {
        let value = self.side.value(self.spot);
        // SAFETY: this party holds the slot (spot.rs I1), and `&mut self` keeps it from arriving.
        unsafe { &mut *value }
    }

    /// Meets the partner, and returns the value that it brought, until the next call.
    ///
    /// # Panics
    /// If the partner is gone.
    pub fn swap(&mut self) -> &mut T {
        match self.swap_checked() {
            Ok(value) => value,
            Err(Disconnected) => panic!("counterpoint: Party::swap: the partner is gone"),
        }
    }

    /// Meets the partner, and returns the value that it brought, until the next call.
    ///
    /// # Errors
    /// [`Disconnected`] if the partner is gone. The own value is kept: see
    /// [`get_mut`](Self::get_mut).
    pub fn swap_checked(&mut self) -> Result<&mut T, Disconnected> {
        let backoff = Backoff::new();
        self.side.arrive(self.spot);
        loop {
            match self.side.look_closely(self.spot) {
                Look::Alone => backoff.snooze(),
                Look::Met => return Ok(self.value()),
                Look::Gone => return Err(Disconnected),
            }
        }
    }

    /// Arrives, and looks whether the partner has. If it has not the arrival stays: the next call
    /// is for the same meeting, and until one has met the value belongs to nobody. Two who try at the
    /// same moment may both miss the other; the next look of each finds it.
    ///
    /// # Errors
    /// [`TryRendezvousError::WouldBlock`] if the partner has not arrived;
    /// [`TryRendezvousError::Disconnected`] if it is gone.
    pub fn try_swap(&mut self) -> Result<&mut T, TryRendezvousError> {
        self.side.arrive(self.spot);
        match self.side.look_closely(self.spot) {
            Look::Alone => Err(TryRendezvousError::WouldBlock),
            Look::Met => Ok(self.value()),
            Look::Gone => Err(TryRendezvousError::Disconnected),
        }
    }

    /// The value it holds, without a meeting; `None` while it has arrived and not met.
    pub fn get_mut(&mut self) -> Option<&mut T> {
        (!self.side.has_arrived()).then(|| self.value())
    }
}

impl<T> Drop for Party<'_, T> {
    fn drop(&mut self) {
        self.spot.close();
    }
}

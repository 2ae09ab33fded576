//! What came of an attempt to steal.

use core::fmt;

/// What came of an attempt to steal.
///
/// # Examples
/// Until it is clear whether there is anything:
/// ```
/// use counterpoint_lockfree::deque::{Injector, Steal};
///
/// let queue = Injector::new();
/// queue.push(7);
/// let found = loop {
///     match queue.steal() {
///         Steal::Success(task) => break Some(task),
///         Steal::Empty => break None,
///         Steal::Retry => {}
///     }
/// };
/// assert_eq!(found, Some(7));
/// ```
#[must_use]
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Steal<T> {
    /// There was nothing.
    Empty,
    /// Something was taken.
    Success(T),
    /// Another thread came in between: try again, here or elsewhere.
    Retry,
}

impl<T> Steal<T> {
    /// Whether there was nothing.
    ///
    /// ```
    /// use counterpoint_lockfree::deque::Steal::{self, Empty, Retry, Success};
    ///
    /// let of = |steal: Steal<u8>| (steal.is_empty(), steal.is_success(), steal.is_retry());
    /// assert_eq!(of(Empty), (true, false, false));
    /// assert_eq!(of(Success(7)), (false, true, false));
    /// assert_eq!(of(Retry), (false, false, true));
    /// ```
    pub fn is_empty(&self) -> bool {
        matches!(self, Steal::Empty)
    }

    /// Whether something was taken; see [`is_empty`](Steal::is_empty) for an example.
    pub fn is_success(&self) -> bool {
        matches!(self, Steal::Success(_))
    }

    /// Whether it is worth trying again; see [`is_empty`](Steal::is_empty) for an example.
    pub fn is_retry(&self) -> bool {
        matches!(self, Steal::Retry)
    }

    /// What was taken.
    ///
    /// ```
    /// use counterpoint_lockfree::deque::Steal;
    ///
    /// assert_eq!(Steal::Success(7).success(), Some(7));
    /// assert_eq!(Steal::<u8>::Retry.success(), None);
    /// ```
    pub fn success(self) -> Option<T> {
        match self {
            Steal::Success(value) => Some(value),
            Steal::Empty | Steal::Retry => None,
        }
    }

    /// This one if it took something, else the one that `other` makes; `Retry` if neither took
    /// anything and one of both might have.
    ///
    /// # Panics
    /// If `other` does.
    ///
    /// ```
    /// use counterpoint_lockfree::deque::Steal::{Empty, Retry, Success};
    ///
    /// assert_eq!(Success(1).or_else(|| Success(2)), Success(1));
    /// assert_eq!(Retry.or_else(|| Success(2)), Success(2));
    /// assert_eq!(Retry.or_else(|| Empty::<u8>), Retry);
    /// assert_eq!(Empty.or_else(|| Empty::<u8>), Empty);
    /// ```
    pub fn or_else<F: FnOnce() -> Steal<T>>(self, other: F) -> Steal<T> {
        match self {
            Steal::Empty => other(),
            Steal::Success(_) => self,
            Steal::Retry => match other() {
                Steal::Success(value) => Steal::Success(value),
                Steal::Empty | Steal::Retry => Steal::Retry,
            },
        }
    }
}

impl<T> fmt::Debug for Steal<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Steal::Empty => "Empty",
            Steal::Success(_) => "Success(..)",
            Steal::Retry => "Retry",
        })
    }
}

/// The first that took something; `Retry` if none did and one of them might have.
///
/// ```
/// use counterpoint_lockfree::deque::Steal::{self, Empty, Retry, Success};
///
/// let all = [Empty, Retry, Success(1), Success(2)];
/// assert_eq!(all.into_iter().collect::<Steal<u8>>(), Success(1));
/// assert_eq!([Empty, Retry].into_iter().collect::<Steal<u8>>(), Retry);
/// ```
impl<T> FromIterator<Steal<T>> for Steal<T> {
    fn from_iter<I: IntoIterator<Item = Steal<T>>>(attempts: I) -> Steal<T> {
        let mut outcome = Steal::Empty;
        for attempt in attempts {
            match attempt {
                Steal::Success(_) => return attempt,
                Steal::Retry => outcome = Steal::Retry,
                Steal::Empty => {}
            }
        }
        outcome
    }
}

//! [`Telemetry`]: what state a primitive is in, all of one instant.

use counterpoint_wait::hooks;
use counterpoint_wait::queue::{Locked, WaitQueue};

/// What state a primitive is in, made by its `telemetry()`.
///
/// All fields are of one instant: the queue is locked while they are read, and what is in the
/// primitive's word is read at once. It may be over when you look at it; decide nothing by it, show it.
///
/// # Cost
/// Holds up those who queue and those who wake them while it counts who waits. No allocation.
///
/// ```
/// use counterpoint_sync::{Mutex, Semaphore};
///
/// let (mutex, slots) = (Mutex::new(()), Semaphore::new(3));
/// let held = (mutex.lock(), slots.acquire());
/// let seen = mutex.telemetry();
/// assert_eq!((seen.kind, seen.held, seen.free, seen.waiters), ("Mutex", Some(1), Some(0), 0));
/// assert_eq!(slots.telemetry().free, Some(2));
/// drop(held);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Telemetry {
    /// The name of the type.
    pub kind: &'static str,
    /// What `named` called it; none without the feature `hooks`.
    pub name: Option<&'static str>,
    /// Units that are held, where it knows: holders of a lock, arrivals at a barrier, handles of a
    /// group, one for a cell that is being filled.
    pub held: Option<usize>,
    /// Units that can be had, where it knows: of a semaphore permits, or debt if negative; of a barrier
    /// the parties that have not arrived; of a notify one if a permit is stored.
    pub free: Option<isize>,
    /// How many wait in line.
    pub waiters: usize,
    /// One holds it exclusively: a mutex or a writer.
    pub exclusive: bool,
    /// It never makes anybody wait again: a closed semaphore, a broken barrier, a full cell.
    pub closed: bool,
    /// A holder panicked.
    pub poisoned: bool,
}

/// What a primitive reads of itself while its queue is locked.
#[derive(Default)]
pub(crate) struct Facts {
    pub(crate) held: Option<usize>,
    pub(crate) free: Option<isize>,
    pub(crate) exclusive: bool,
    pub(crate) closed: bool,
    pub(crate) poisoned: bool,
}

/// The telemetry of a primitive of this kind, which is read with its queue locked.
pub(crate) fn at_one_instant<S, P>(
    kind: &'static str,
    queue: &WaitQueue<S, P>,
    read: impl FnOnce(&mut Locked<'_, S, P>) -> Facts,
) -> Telemetry {
    let name = hooks::label(queue);
    let mut locked = queue.lock();
    let mut waiters = 0;
    locked.each(|_| {
        waiters += 1;
        true
    });
    let facts = read(&mut locked);
    Telemetry {
        kind,
        name,
        held: facts.held,
        free: facts.free,
        waiters,
        exclusive: facts.exclusive,
        closed: facts.closed,
        poisoned: facts.poisoned,
    }
}

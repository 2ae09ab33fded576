//! What a waiter remembers in order to be treated fairly: how long it has been losing, and whom it
//! stands behind.
//!
//! A waiter that was woken and lost to a newcomer for longer than [`STARVING_AFTER`] asks that the
//! next release be kept for whoever is first in line. Such a reservation is revocable: who knows
//! that it stands behind it looks again after [`GRACE`], and takes what was kept in vain. Which
//! waiters know, and which delays are not bounded, is in docs/design/004-fairness.md.

use core::pin::Pin;
use core::task::{Context, Poll};
use counterpoint_base::prim::time::{Duration, Instant, deadline, now, reached};
use counterpoint_wait::timer::TimerNode;

/// For how long a waiter loses before it asks for a reservation.
pub(crate) const STARVING_AFTER: Duration = Duration::from_micros(500);

/// For how long a reservation stands when somebody queues behind it.
pub(crate) const GRACE: Duration = Duration::from_millis(1);

/// True where each pause is a step that a checker explores.
const CHECKED: bool = cfg!(any(counterpoint_loom, counterpoint_shuttle));

/// Rounds in which a thread pauses, looks at a held lock, gives its processor away and looks again,
/// before it queues.
pub(crate) const SPIN_ROUNDS: u32 = if CHECKED { 0 } else { 3 };

/// The same for a thread that was woken and lost.
pub(crate) const PERSIST_ROUNDS: u32 = if CHECKED { 1 } else { 3 };

/// The pauses of a round: one or two microseconds.
pub(crate) const SPIN_PAUSES: u32 = if CHECKED { 0 } else { 64 };

/// One waiter's memory: none until there is something to remember, so that a wait that is over at
/// once writes nothing of it.
#[derive(Debug)]
pub(crate) struct Patience(Option<Memory>);

#[derive(Debug)]
struct Memory {
    /// When it starves, if it has lost since it came.
    starves_at: Option<Instant>,
    /// The reservation it stands behind, and when that may be revoked.
    behind: Option<(u32, Instant)>,
    /// A reservation that has had its time.
    overdue: Option<u32>,
    timer: TimerNode,
}

impl Memory {
    #[cold]
    fn new() -> Memory {
        Memory {
            starves_at: None,
            behind: None,
            overdue: None,
            timer: TimerNode::new(),
        }
    }
}

impl Patience {
    #[inline(always)]
    pub(crate) const fn new() -> Patience {
        Patience(None)
    }

    /// It was granted a try and lost it.
    pub(crate) fn lost(&mut self) {
        let memory = self.0.get_or_insert_with(Memory::new);
        if memory.starves_at.is_none() {
            memory.starves_at = now().checked_add(STARVING_AFTER);
        }
    }

    /// Whether it has been losing for too long.
    pub(crate) fn starving(&self) -> bool {
        let starves_at = self.0.as_ref().and_then(|memory| memory.starves_at);
        starves_at.is_some_and(reached)
    }

    /// It queues, behind this reservation if there is one.
    pub(crate) fn behind(&mut self, reservation: Option<u32>) {
        if reservation.is_none() && self.0.is_none() {
            return;
        }
        let memory = self.0.get_or_insert_with(Memory::new);
        let known = memory.behind.map(|(number, _)| number);
        if reservation != known {
            memory.behind =
                reservation.and_then(|number| deadline(GRACE).map(|expires| (number, expires)));
        }
    }

    /// Whether there is a reservation it knows of, which may have had its time.
    pub(crate) fn stands_behind(&self) -> bool {
        let memory = self.0.as_ref();
        memory.is_some_and(|memory| memory.behind.is_some() || memory.overdue.is_some())
    }

    /// Whether it has stood behind this reservation for the whole grace period; if it has, this
    /// stays true.
    pub(crate) fn expired(&mut self, reservation: u32) -> bool {
        let Some(memory) = &mut self.0 else {
            return false;
        };
        if matches!(memory.behind, Some((number, at)) if number == reservation && reached(at)) {
            memory.overdue = Some(reservation);
        }
        memory.overdue == Some(reservation)
    }

    /// When a blocked thread looks again.
    pub(crate) fn recheck_at(&self) -> Option<Instant> {
        let behind = self.0.as_ref().and_then(|memory| memory.behind);
        behind.map(|(_, at)| at)
    }

    /// Sees to it that a task looks again.
    pub(crate) fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) {
        let Some(at) = self.recheck_at() else { return };
        // SAFETY: the memory is pinned with this: once there, it is neither moved nor taken.
        let memory = unsafe { self.map_unchecked_mut(|this| &mut this.0) }.as_pin_mut();
        let Some(memory) = memory else { return };
        // SAFETY: the timer is pinned with the memory.
        let timer = unsafe { memory.map_unchecked_mut(|memory| &mut memory.timer) };
        if let Poll::Ready(()) = timer.poll(at, cx) {
            cx.waker().wake_by_ref();
        }
    }
}

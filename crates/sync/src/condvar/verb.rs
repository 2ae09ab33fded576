//! The waiting verb of `Condvar`: the stage in which a notification is waited for, with the mutex
//! given back. The protocol is in `raw.rs`, the whole wait in `wait.rs`.

use core::fmt;
use counterpoint_base::prim::atomic::AtomicU32;
use counterpoint_wait::hooks::Site;
use counterpoint_wait::op::{LockedQueue, Op, Stop, Turn, Verb};
use counterpoint_wait::queue::WaitQueue;
use counterpoint_wait::waker::WakeBatch;

use super::Condvar;
use super::raw::{Got, Seat};

/// Waits for a notification.
pub(super) type Wait<'c> = Op<ConditionVerb<'c>>;

/// The verb of the stage in which a notification is waited for.
pub struct ConditionVerb<'c> {
    condvar: &'c Condvar,
    /// It was handed a notification for one and did not take it.
    passes: bool,
}

impl fmt::Debug for ConditionVerb<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConditionVerb").finish_non_exhaustive()
    }
}

pub(super) fn wait(condvar: &Condvar, site: Site) -> Wait<'_> {
    let verb = ConditionVerb {
        condvar,
        passes: false,
    };
    Op::new(verb, Seat::new()).made_at(site)
}

// SAFETY: one queue, that of the condition variable it borrows; no method moves the verb.
unsafe impl Verb for ConditionVerb<'_> {
    type State = AtomicU32;
    type Payload = Seat;
    /// Whether the notification was for one.
    type Output = bool;
    type Stoppable = Result<bool, Stop>;

    const NAME: &'static str = "Condvar::wait";

    fn queue(&self) -> &WaitQueue<AtomicU32, Seat> {
        self.condvar.raw.queue()
    }

    fn attempt(&mut self, _seat: &mut Seat, _turn: Turn) -> Option<bool> {
        None
    }

    fn prepare(&mut self, seat: &mut Seat, _: Turn, queue: &mut LockedQueue<'_, Self>) -> bool {
        self.condvar.raw.sit(seat, queue);
        false
    }

    fn collect(&mut self, seat: &mut Seat) -> bool {
        seat.take() == Got::One
    }

    fn unclaimed(&mut self, seat: &mut Seat, _queue: &mut LockedQueue<'_, Self>) {
        self.passes = seat.take() == Got::One;
    }

    fn settle(&mut self, queue: &mut LockedQueue<'_, Self>, wakes: &mut WakeBatch) -> bool {
        let raw = &self.condvar.raw;
        if core::mem::take(&mut self.passes) {
            raw.pass(queue, wakes);
        }
        raw.write_flags(queue);
        false
    }

    fn finish(for_one: bool) -> Result<bool, Stop> {
        Ok(for_one)
    }

    fn stopped(&mut self, _seat: &mut Seat, why: Stop) -> Result<bool, Stop> {
        Err(why)
    }
}

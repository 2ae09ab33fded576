//! The waiting verbs of the barrier; the protocol is in `raw.rs`.

use core::fmt;
use counterpoint_wait::Stop;
use counterpoint_wait::op::{LockedQueue, Op, Turn, Verb};
use counterpoint_wait::queue::WaitQueue;
use counterpoint_wait::waker::WakeBatch;

use super::raw::{Outcome, Seat, State};
use super::{Barrier, BarrierWaitError, BarrierWaitResult};

/// Arrives at a barrier and waits; see [`Barrier::wait_async`].
pub type BarrierWait<'a> = Op<BarrierVerb<'a>>;

/// Where a wait is with its arrival.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    /// It has not arrived.
    Out,
    /// It has arrived in this round, and takes that back if it leaves (raw.rs I2).
    Counted(u64),
    /// It had arrived in this round before it waited.
    Arrived(u64),
    /// The round is over, with this outcome.
    Over(u64, Outcome),
    /// It was stopped, and took its arrival back or broke the barrier.
    Gone,
}

/// The verb of [`BarrierWait`].
pub struct BarrierVerb<'a> {
    barrier: &'a Barrier,
    part: Part,
}

impl fmt::Debug for BarrierVerb<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BarrierVerb").finish_non_exhaustive()
    }
}

#[cfg_attr(feature = "hooks", track_caller)]
pub(super) fn wait(barrier: &Barrier) -> BarrierWait<'_> {
    let part = Part::Out;
    Op::new(BarrierVerb { barrier, part }, Seat::new())
}

#[cfg_attr(feature = "hooks", track_caller)]
pub(super) fn wait_arrived(barrier: &Barrier, round: u64) -> BarrierWait<'_> {
    let part = Part::Arrived(round);
    Op::new(BarrierVerb { barrier, part }, Seat::new())
}

impl BarrierVerb<'_> {
    /// The round is over and this wait returns.
    fn result(&self, round: u64, outcome: Outcome) -> BarrierWaitResult {
        BarrierWaitResult(match outcome {
            Outcome::Passed(false) => Outcome::Passed(self.barrier.raw.adopt(round)),
            known => known,
        })
    }

    fn round(&self) -> u64 {
        match self.part {
            Part::Out | Part::Gone => unreachable!("only who has arrived waits"),
            Part::Counted(round) | Part::Arrived(round) | Part::Over(round, _) => round,
        }
    }
}

// SAFETY: one queue, that of the barrier it borrows; no method moves the verb.
unsafe impl Verb for BarrierVerb<'_> {
    type State = State;
    type Payload = Seat;
    type Output = BarrierWaitResult;
    type Stoppable = Result<BarrierWaitResult, BarrierWaitError>;

    const NAME: &'static str = "Barrier::wait";
    // To leave the queue and come back would take the arrival back, or break the barrier.
    const STAYS: bool = true;

    fn queue(&self) -> &WaitQueue<State, Seat> {
        self.barrier.raw.queue()
    }

    fn attempt(&mut self, _seat: &mut Seat, _turn: Turn) -> Option<BarrierWaitResult> {
        let raw = &self.barrier.raw;
        match self.part {
            Part::Over(round, outcome) => Some(self.result(round, outcome)),
            Part::Counted(round) | Part::Arrived(round) => {
                let outcome = raw.ended(round)?;
                Some(self.result(round, outcome))
            }
            Part::Out | Part::Gone => raw.arrive_last().map(BarrierWaitResult),
        }
    }

    fn prepare(&mut self, seat: &mut Seat, _: Turn, queue: &mut LockedQueue<'_, Self>) -> bool {
        let raw = &self.barrier.raw;
        if let Part::Arrived(round) = self.part {
            return !raw.sit(round, seat, queue);
        }
        match raw.count(seat, queue) {
            Some(round) => self.part = Part::Counted(round),
            None => return true,
        }
        false
    }

    fn collect(&mut self, seat: &mut Seat) -> BarrierWaitResult {
        let outcome = seat.take().expect("handed with its outcome");
        self.result(self.round(), outcome)
    }

    fn unclaimed(&mut self, seat: &mut Seat, queue: &mut LockedQueue<'_, Self>) {
        let (round, outcome) = (self.round(), seat.take());
        if outcome == Some(Outcome::Passed(true)) {
            self.barrier.raw.orphan(queue, round);
        }
        self.part = match outcome {
            Some(Outcome::Broken) => Part::Over(round, Outcome::Broken),
            _ => Part::Over(round, Outcome::Passed(false)),
        };
    }

    fn settle(&mut self, queue: &mut LockedQueue<'_, Self>, wakes: &mut WakeBatch) -> bool {
        let raw = &self.barrier.raw;
        if let Part::Counted(round) = self.part {
            self.part = match raw.uncount(round, queue) {
                Some(outcome) => Part::Over(round, outcome),
                None => Part::Gone,
            };
        } else if let Part::Arrived(round) = self.part {
            // Its round may have ended in a batch that had not come to it.
            if let Some(outcome) = raw.ended_meanwhile(round, queue) {
                self.part = Part::Over(round, outcome);
            }
        }
        raw.settle(queue, wakes)
    }

    fn over(&mut self, _seat: &mut Seat) -> Option<BarrierWaitResult> {
        match self.part {
            // It left while its round ended (raw.rs I3).
            Part::Over(round, outcome) => Some(self.result(round, outcome)),
            _ => None,
        }
    }

    fn finish(result: BarrierWaitResult) -> Self::Stoppable {
        if result.is_broken() {
            return Err(BarrierWaitError::Broken);
        }
        Ok(result)
    }

    fn stopped(&mut self, _seat: &mut Seat, why: Stop) -> Self::Stoppable {
        if self.part == Part::Out {
            // Stopped before it was tried: nobody must wait for it either.
            self.barrier.raw.call_off();
        }
        Err(why.into())
    }
}

//! The two waiting verbs of a group; the protocol is described in `mod.rs`.

use core::fmt;
use counterpoint_base::prim::atomic::{RELAXED, release};
use counterpoint_wait::hooks::{self, Hold, Lending};
use counterpoint_wait::op::{LockedQueue, Op, Stop, Turn as Attempt, Verb};
use counterpoint_wait::queue::WaitQueue;
use counterpoint_wait::waker::WakeBatch;
use std::sync::Arc;

use super::{
    Generation, Inner, LockedGroup, State, UNIT, WAITING, WaitGroup, WaitGroupError, active,
    clear_waiting, turn,
};

/// Where the unit of a wait is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unit {
    /// With the waiter.
    Held,
    /// Lent in this generation (mod.rs I1).
    Lent(u64),
    /// The generation in which it was lent is over (mod.rs I5).
    Released,
}

/// Lends a unit, unless that would end the generation: then returns false. The mark is set.
fn lend_unit(locked: &LockedGroup<'_>) -> bool {
    let word = &locked.state().word;
    // Relaxed: a look; the exchange decides.
    let mut known = word.load(RELAXED);
    while active(known) > 1 {
        let lent = (known - UNIT) | WAITING;
        // Release [mod.rs E1]: a wait that then finds itself alone sees what this holder did, also
        // if the unit comes back by a timeout before it looks again.
        match word.compare_exchange_weak(known, lent, release("wait_group.lend"), RELAXED) {
            Ok(_) => return true,
            Err(found) => known = found,
        }
    }
    false
}

/// The verb of [`WaitGroup::wait_async`].
pub struct WaitVerb {
    inner: Arc<Inner>,
    unit: Unit,
    hold: Hold,
    lending: Lending,
}

impl fmt::Debug for WaitVerb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WaitVerb").finish_non_exhaustive()
    }
}

#[cfg_attr(feature = "hooks", track_caller)]
pub(super) fn by_value(group: WaitGroup) -> Op<WaitVerb> {
    let (inner, hold) = group.into_unit();
    let verb = WaitVerb {
        inner,
        unit: Unit::Held,
        hold,
        lending: Lending::new(),
    };
    Op::new(verb, Generation(0))
}

// SAFETY: one queue, that of the group it holds; no method moves the verb.

unsafe impl Verb for WaitVerb {
    type State = State;
    type Payload = Generation;
    type Output = ();
    type Stoppable = Result<(), WaitGroupError>;

    const NAME: &'static str = "WaitGroup::wait";

    fn queue(&self) -> &WaitQueue<State, Generation> {
        &self.inner.queue
    }

    fn attempt(&mut self, _payload: &mut Generation, _turn: Attempt) -> Option<()> {
        if self.unit == Unit::Released {
            self.tell_over();
            return Some(());
        }
        if self.inner.look().0 > 1 {
            self.lending.lend(self.hold);
            return None;
        }
        // The unit is the last active one: giving it up ends the generation.
        self.unit = Unit::Released;
        self.tell_over();
        self.inner.done();
        Some(())
    }

    fn prepare(
        &mut self,
        payload: &mut Generation,
        _turn: Attempt,
        queue: &mut LockedQueue<'_, Self>,
    ) -> bool {
        if !lend_unit(queue) {
            return true;
        }
        let now = turn(queue, |turn| turn.number);
        *payload = Generation(now);
        self.unit = Unit::Lent(now);
        false
    }

    fn collect(&mut self, _payload: &mut Generation) {
        self.unit = Unit::Released;
        self.tell_over();
    }

    fn unclaimed(&mut self, _payload: &mut Generation, _queue: &mut LockedQueue<'_, Self>) {
        self.unit = Unit::Released;
    }

    fn settle(&mut self, queue: &mut LockedQueue<'_, Self>, _wakes: &mut WakeBatch) -> bool {
        if let Unit::Lent(generation) = self.unit {
            if generation == turn(queue, |turn| turn.number) {
                // Relaxed: nothing is published; the unit comes back.
                queue.state().word.fetch_add(UNIT, RELAXED);
                self.unit = Unit::Held;
            } else {
                self.unit = Unit::Released;
            }
        }
        clear_waiting(queue);
        false
    }

    fn left(&mut self) {
        if self.unit == Unit::Released {
            self.tell_over();
        } else {
            self.lending.back();
        }
    }

    fn finish((): ()) -> Result<(), WaitGroupError> {
        Ok(())
    }

    fn stopped(&mut self, _payload: &mut Generation, why: Stop) -> Result<(), WaitGroupError> {
        if core::mem::replace(&mut self.unit, Unit::Released) == Unit::Released {
            self.tell_over();
            return Ok(());
        }
        self.lending.back();
        let hold = core::mem::replace(&mut self.hold, Hold::NONE);
        let group = WaitGroup::with(self.inner.clone(), hold);
        Err(match why {
            Stop::TimedOut => WaitGroupError::TimedOut(group),
            Stop::Cancelled => WaitGroupError::Cancelled(group),
        })
    }
}

impl WaitVerb {
    /// The unit is gone for good: the hooks are told, once.
    #[inline(always)]
    fn tell_over(&mut self) {
        self.lending.ended();
        hooks::released(core::mem::replace(&mut self.hold, Hold::NONE));
    }
}

impl Drop for WaitVerb {
    fn drop(&mut self) {
        self.tell_over();
        if self.unit == Unit::Held {
            self.inner.done();
        }
    }
}

/// The verb of [`WaitGroup::wait_ref_async`].
#[derive(Debug)]
pub struct WaitRefVerb<'g> {
    group: &'g WaitGroup,
    unit: Unit,
    lending: Lending,
}

#[cfg_attr(feature = "hooks", track_caller)]
pub(super) fn by_ref(group: &WaitGroup) -> Op<WaitRefVerb<'_>> {
    let verb = WaitRefVerb {
        group,
        unit: Unit::Held,
        lending: Lending::new(),
    };
    Op::new(verb, Generation(0))
}

impl WaitRefVerb<'_> {
    /// Lends the handle's unit, or joins a wait that has lent it (mod.rs I2). False if there is nobody
    /// to wait for.
    fn join(&self, locked: &LockedGroup<'_>, now: u64) -> bool {
        if self.group.is_lent(locked) {
            // Relaxed: who takes it to zero after this takes the lock after us.
            if active(locked.state().word.load(RELAXED)) == 0 {
                return false;
            }
        } else {
            if !lend_unit(locked) {
                return false;
            }
            turn(locked, |turn| turn.lent += 1);
            self.group.lend(locked, |lend| {
                lend.generation = now;
                lend.waits = 0;
            });
        }
        self.group.lend(locked, |lend| lend.waits += 1);
        true
    }

    /// Takes the unit back, if this is the last wait through its handle (mod.rs I2).
    fn leave(&self, locked: &LockedGroup<'_>) {
        let last = self.group.lend(locked, |lend| {
            lend.waits -= 1;
            lend.waits == 0
        });
        if last {
            turn(locked, |turn| turn.lent -= 1);
            // Relaxed: nothing is published; the unit comes back.
            locked.state().word.fetch_add(UNIT, RELAXED);
        }
    }
}

// SAFETY: one queue, that of the group it holds; no method moves the verb.

unsafe impl Verb for WaitRefVerb<'_> {
    type State = State;
    type Payload = Generation;
    type Output = ();
    type Stoppable = Result<(), Stop>;

    const NAME: &'static str = "WaitGroup::wait_ref";

    fn queue(&self) -> &WaitQueue<State, Generation> {
        &self.group.inner.queue
    }

    fn attempt(&mut self, _payload: &mut Generation, _turn: Attempt) -> Option<()> {
        if self.unit == Unit::Released || self.group.end_alone() {
            self.lending.back();
            return Some(());
        }
        self.lending.lend(self.group.hold);
        None
    }

    fn prepare(
        &mut self,
        payload: &mut Generation,
        _turn: Attempt,
        queue: &mut LockedQueue<'_, Self>,
    ) -> bool {
        let now = turn(queue, |turn| turn.number);
        if !self.join(queue, now) {
            return true;
        }
        *payload = Generation(now);
        self.unit = Unit::Lent(now);
        false
    }

    fn collect(&mut self, _payload: &mut Generation) {
        self.unit = Unit::Released;
        self.lending.back();
    }

    fn unclaimed(&mut self, _payload: &mut Generation, _queue: &mut LockedQueue<'_, Self>) {
        self.unit = Unit::Released;
    }

    fn settle(&mut self, queue: &mut LockedQueue<'_, Self>, _wakes: &mut WakeBatch) -> bool {
        if let Unit::Lent(generation) = self.unit {
            if generation == turn(queue, |turn| turn.number) {
                self.leave(queue);
                self.unit = Unit::Held;
            } else {
                self.unit = Unit::Released;
            }
        }
        clear_waiting(queue);
        false
    }

    fn left(&mut self) {
        self.lending.back();
    }

    fn finish((): ()) -> Result<(), Stop> {
        Ok(())
    }

    fn stopped(&mut self, _payload: &mut Generation, why: Stop) -> Result<(), Stop> {
        match self.unit {
            Unit::Released => Ok(()),
            _ => Err(why),
        }
    }
}

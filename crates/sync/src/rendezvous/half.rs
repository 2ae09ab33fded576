//! One of two parties that sleep if they must: the words of `spot.rs`, fences, and a queue.
//!
//! # From
//! `spot.rs`. The sleeper pays for the fence: `membarrier`, as in `base::fence`.
//!
//! # State
//! | state of the party | who leaves it |
//! |---|---|
//! | holds its slot | it, by arriving |
//! | arrived, not waiting (it timed out, or its future was dropped) | its next call, which goes on |
//! | arrived, queued | who meets it or closes the spot, by a baton; it, by leaving |
//!
//! # Fields
//! Those of `spot.rs`. `sleeps`, one for each party: the round in which it slept last, or was about
//! to; written by the party alone. A `Seat` says whose node it is.
//!
//! # Invariants
//! * I1: a party queues after it wrote the round into its `sleeps`, fenced, looked, and looked once
//!   more under the lock. It does so once it has been about to queue, so a mere try pays no fence.
//! * I2: who meets a partner whose `sleeps` shows the round takes the lock after that and wakes the
//!   partner's nodes; so does who goes, after closing the spot.
//! * I3: nodes of both parties may stand in the queue, since one that was leaked is never taken
//!   out; so a party grants all nodes of its partner and none of its own.
//! * I4: a value stands in its slot unless the party that held it took it as it went.
//!
//! # Edges
//! * E1: `light` after an arrival, before the partner's `sleeps` is read ↔ `heavy` after a party has
//!   written its `sleeps`, before it looks at its partner's word. One of both sees the other. Model:
//!   `arrival_races_sleep`.
//!
//! # Waiting
//! The party that sleeps has said so, fenced and looked. If that look does not see the partner's
//! arrival, then the partner, whenever it meets after its arrival, sees that this party sleeps [E1]
//! and takes the lock: before the sleeper looks under it, who then sees the arrival, or after, and
//! then the node is linked. A party that goes closes the spot and takes the lock: the same two
//! cases.
//!
//! # Cancel
//! The arrival stays (`spot.rs`). A baton that nobody claims needs no other owner: only this party
//! can meet, and its next call looks first.
//!
//! # Panic
//! Wakers and the values' own drop are foreign. Who meets has its new slot before it wakes, and an
//! operation keeps what it met with before it wakes, so that polled again it yields that and does
//! not arrive for the next meeting; who goes has closed the spot before it drops its value, which it
//! has taken out before it wakes.
//!
//! # Rejected
//! * `sleeps` in the words, which would save who arrives a load: see `spot.rs`.
//! * `heavy` under the lock of the queue: the partner would wait for a system call.
//!
//! # Checked by
//! dev/model tests/rendezvous.rs, tests/rendezvous.rs.

use core::fmt;
use core::marker::PhantomData;
use counterpoint_base::fence;
use counterpoint_base::prim::atomic::{AtomicU32, RELAXED};
use counterpoint_base::prim::sync::Arc;
use counterpoint_base::prim::time::{Duration, Instant, deadline, reached};
use counterpoint_wait::op::{LockedQueue, Op, Stop, Turn, Verb};
use counterpoint_wait::queue::{Candidate, End, Grant, Pick, WaitQueue};
use counterpoint_wait::waker::{WakeBatch, wake_in_batches};

use super::patience::Patience;
use super::spot::{Look, Side, Spot};
use super::{Disconnected, RendezvousError, TryRendezvousError};

/// Whose node it is.
#[doc(hidden)]
#[derive(Debug)]
pub struct Seat(u8);

struct Shared<T> {
    spot: Spot<Option<T>>,
    sleeps: [AtomicU32; 2],
    queue: WaitQueue<(), Seat>,
}

/// A party, whatever it yields.
#[doc(hidden)]
pub struct Half<T> {
    side: Side,
    seat: u8,
    patience: Patience,
    shared: Arc<Shared<T>>,
}

impl<T> fmt::Debug for Half<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Half")
            .field("arrived", &self.side.has_arrived())
            .finish_non_exhaustive()
    }
}

/// What became of a meeting.
type Met = Result<(), Disconnected>;

impl<T> Half<T> {
    #[cfg_attr(feature = "hooks", track_caller)]
    pub(super) fn pair(a: T, b: T) -> (Half<T>, Half<T>) {
        let shared = Arc::new(Shared {
            spot: Spot::new(Some(a), Some(b)),
            sleeps: [AtomicU32::new(0), AtomicU32::new(0)],
            queue: WaitQueue::new(()),
        });
        let half = |seat, shared| Half {
            side: Side::new(usize::from(seat)),
            seat,
            patience: Patience::new(),
            shared,
        };
        (half(0, shared.clone()), half(1, shared))
    }

    /// It has arrived and not met yet.
    #[inline(always)]
    pub(super) const fn has_arrived(&self) -> bool {
        self.side.has_arrived()
    }

    /// The value it holds. It must not have arrived.
    #[inline(always)]
    pub(super) fn value(&mut self) -> &mut T {
        let value = self.side.value(&self.shared.spot);
        // SAFETY: this party holds the slot (spot.rs I1), and `&mut self` keeps it from arriving.
        let value = unsafe { &mut *value };
        // SAFETY: I4: only `take` takes it out, and that one consumes the party.
        unsafe { value.as_mut().unwrap_unchecked() }
    }

    /// The value back, unless it is offered.
    pub(super) fn take(self) -> Result<T, Half<T>> {
        if self.side.has_arrived() {
            return Err(self);
        }
        let value = self.side.value(&self.shared.spot);
        // SAFETY: this party holds the slot (spot.rs I1), and ends here.
        let value = unsafe { &mut *value }.take();
        // If that panics it drops the value too.
        drop(self);
        Ok(value.expect("nobody but this takes it (I4)"))
    }

    /// Arrives unless it has, and looks.
    #[inline(always)]
    fn step(&mut self) -> Look {
        self.side.arrive(&self.shared.spot);
        // [E1]
        fence::light("rendezvous.arrive_fence");
        self.side.look(&self.shared.spot)
    }

    /// What a look means for this party. If both have met the partner is woken.
    #[inline(always)]
    fn seen(&self, look: Look) -> Option<Met> {
        let met = outcome(look);
        if met == Some(Ok(())) {
            self.wake_sleeper();
        }
        met
    }

    /// Wakes the partner if it sleeps, after both have met.
    #[inline(always)]
    fn wake_sleeper(&self) {
        // Relaxed: E1 shows it if it matters.
        let sleeps = self.sleeps(!self.seat & 1).load(RELAXED);
        if sleeps == self.side.round() {
            self.wake_partner(); // I2
        }
    }

    /// In which round the party with this seat slept last.
    #[inline(always)]
    fn sleeps(&self, seat: u8) -> &AtomicU32 {
        &self.shared.sleeps[usize::from(seat & 1)]
    }

    /// Meets, however long it takes.
    #[cfg_attr(feature = "hooks", track_caller)]
    #[inline(always)]
    pub(super) fn meet(&mut self) -> Met {
        let look = self.step();
        match self.seen(look) {
            Some(met) => met,
            None => self.meet_later(),
        }
    }

    #[cfg_attr(feature = "hooks", track_caller)]
    #[inline(never)]
    fn meet_later(&mut self) -> Met {
        match self.spin(|| false) {
            Some(met) => met,
            None => self.operation::<()>().wait(),
        }
    }

    #[inline(never)]
    fn spin(&mut self, over: impl Fn() -> bool) -> Option<Met> {
        let Half {
            side,
            patience,
            shared,
            ..
        } = self;
        let seen = patience.spin(over, || match side.look_closely(&shared.spot) {
            Look::Alone => None,
            seen => Some(seen),
        })?;
        self.seen(seen)
    }

    /// Meets if that needs no wait.
    pub(super) fn try_meet(&mut self) -> Result<(), TryRendezvousError> {
        let look = match self.step() {
            Look::Alone => self.side.look_closely(&self.shared.spot),
            look => look,
        };
        match self.seen(look) {
            Some(Ok(())) => Ok(()),
            Some(Err(Disconnected)) => Err(TryRendezvousError::Disconnected),
            None => Err(TryRendezvousError::WouldBlock),
        }
    }

    #[cfg_attr(feature = "hooks", track_caller)]
    pub(super) fn meet_timeout(&mut self, timeout: Duration) -> Result<(), RendezvousError> {
        match deadline(timeout) {
            Some(deadline) => self.meet_until(deadline, !timeout.is_zero()),
            None => Ok(self.meet()?),
        }
    }

    #[cfg_attr(feature = "hooks", track_caller)]
    pub(super) fn meet_deadline(&mut self, deadline: Instant) -> Result<(), RendezvousError> {
        let spins = !reached(deadline);
        self.meet_until(deadline, spins)
    }

    #[cfg_attr(feature = "hooks", track_caller)]
    fn meet_until(&mut self, deadline: Instant, spins: bool) -> Result<(), RendezvousError> {
        let look = self.step();
        let met = match self.seen(look) {
            None if spins => self.spin(|| reached(deadline)),
            met => met,
        };
        match met {
            Some(met) => Ok(met?),
            None => self.operation::<()>().deadline(deadline).wait(),
        }
    }

    #[cfg_attr(feature = "hooks", track_caller)]
    pub(super) fn operation<'h, Y: Yields<'h, T>>(&'h mut self) -> Meet<'h, T, Y> {
        let seat = Seat(self.seat);
        let verb = MeetVerb {
            half: Some(self),
            met: None,
            drowsy: false,
            yields: PhantomData,
        };
        Op::new(verb, seat)
    }

    /// It has said that it will sleep in this round.
    fn has_said_so(&self) -> bool {
        // Relaxed: only this party writes it.
        self.sleeps(self.seat).load(RELAXED) == self.side.round()
    }

    /// Says that it will sleep, unless it has, and looks again.
    fn fall_asleep(&mut self) -> Look {
        if !self.has_said_so() {
            // Relaxed: the fence makes the partner see it [E1].
            self.sleeps(self.seat).store(self.side.round(), RELAXED);
            fence::heavy("rendezvous.sleep_fence");
        }
        self.side.look_closely(&self.shared.spot)
    }

    /// Wakes the partner, if it is queued (I2, I3).
    #[cold]
    fn wake_partner(&self) {
        let partner = |seat: &mut Seat, _: Candidate| match seat.0 == self.seat {
            true => Pick::Skip,
            false => Pick::Take,
        };
        wake_in_batches(|wakes| {
            let mut queue = self.shared.queue.lock();
            while !wakes.is_full() {
                if !queue.grant(End::First, Grant::Baton, wakes, partner, |_| ()) {
                    return false;
                }
            }
            true
        });
    }
}

impl<T> Drop for Half<T> {
    fn drop(&mut self) {
        let spot = &self.shared.spot;
        // If it has arrived and not met, nobody holds its slot: the values go with the spot.
        let holds = !self.side.has_arrived() || matches!(self.side.look(spot), Look::Met);
        let taken = holds.then(|| {
            let value = self.side.value(spot);
            // SAFETY: this party holds the slot (spot.rs I1), and ends here.
            unsafe { &mut *value }.take()
        });
        spot.close();
        // Also if it had to wake the partner because they met.
        self.wake_partner(); // I2
        drop(taken);
    }
}

/// What a look says about the meeting.
#[inline(always)]
const fn outcome(look: Look) -> Option<Met> {
    match look {
        Look::Alone => None,
        Look::Met => Some(Ok(())),
        Look::Gone => Some(Err(Disconnected)),
    }
}

/// A meeting as an operation.
pub(super) type Meet<'h, T, Y> = Op<MeetVerb<'h, T, Y>>;

/// What a meeting yields: nothing, or the value. Implemented for `()` and `&mut T`, and not
/// elsewhere.
pub trait Yields<'h, T>: sealed::Sealed {
    /// The name in messages.
    #[doc(hidden)]
    const NAME: &'static str;
    #[doc(hidden)]
    fn of(half: &'h mut Half<T>) -> Self;
}

mod sealed {
    #[expect(unnameable_types, reason = "so that nobody else implements `Yields`")]
    pub trait Sealed {}
    impl Sealed for () {}
    impl<T> Sealed for &mut T {}
}

impl<T> Yields<'_, T> for () {
    const NAME: &'static str = "Rendezvous::wait";

    fn of(_half: &mut Half<T>) {}
}

impl<'h, T> Yields<'h, T> for &'h mut T {
    const NAME: &'static str = "RendezvousData::swap";

    fn of(half: &'h mut Half<T>) -> &'h mut T {
        half.value()
    }
}

/// The verb of a meeting.
pub struct MeetVerb<'h, T, Y> {
    /// Taken when the operation completes.
    half: Option<&'h mut Half<T>>,
    /// What it met with, until that is yielded.
    met: Option<Met>,
    /// It was about to queue.
    drowsy: bool,
    yields: PhantomData<fn() -> Y>,
}

impl<T, Y> fmt::Debug for MeetVerb<'_, T, Y> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MeetVerb").finish_non_exhaustive()
    }
}

const OVER: &str = "a meeting used after completion";

// SAFETY: one queue, that of the spot its party keeps alive; no method moves the verb.

unsafe impl<'h, T, Y: Yields<'h, T>> Verb for MeetVerb<'h, T, Y> {
    type State = ();
    type Payload = Seat;
    type Output = Result<Y, Disconnected>;
    type Stoppable = Result<Y, RendezvousError>;

    const NAME: &'static str = Y::NAME;

    fn queue(&self) -> &WaitQueue<(), Seat> {
        &self.half.as_ref().expect(OVER).shared.queue
    }

    fn attempt(&mut self, _seat: &mut Seat, _turn: Turn) -> Option<Result<Y, Disconnected>> {
        let half = self.half.as_mut().expect(OVER);
        if self.met.is_none() {
            let look = match half.step() {
                Look::Alone if self.drowsy => half.fall_asleep(), // I1
                Look::Alone => half.side.look_closely(&half.shared.spot),
                look => look,
            };
            self.met = outcome(look);
            if look == Look::Met {
                half.wake_sleeper();
            }
        }
        let met = self.met.take()?;
        let half = self.half.take().expect(OVER);
        Some(met.map(|()| Y::of(half)))
    }

    fn prepare(&mut self, _: &mut Seat, _: Turn, _: &mut LockedQueue<'_, Self>) -> bool {
        let half = self.half.as_ref().expect(OVER);
        if half.side.may_go_on(&half.shared.spot) {
            return true;
        }
        self.drowsy = true;
        !half.has_said_so() // I1
    }

    fn collect(&mut self, _seat: &mut Seat) -> Result<Y, Disconnected> {
        unreachable!("a meeting is granted as a baton")
    }

    fn unclaimed(&mut self, _seat: &mut Seat, _queue: &mut LockedQueue<'_, Self>) {}

    fn settle(&mut self, _queue: &mut LockedQueue<'_, Self>, _wakes: &mut WakeBatch) -> bool {
        false
    }

    fn finish(output: Result<Y, Disconnected>) -> Result<Y, RendezvousError> {
        output.map_err(RendezvousError::from)
    }

    fn stopped(&mut self, _seat: &mut Seat, why: Stop) -> Result<Y, RendezvousError> {
        Err(match why {
            Stop::TimedOut => RendezvousError::TimedOut,
            Stop::Cancelled => RendezvousError::Cancelled,
        })
    }
}

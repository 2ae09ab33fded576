//! A number of parties that meet again and again, and see when one of them is gone.
//!
//! # From
//! The central barrier with a count and a round (Mellor-Crummey and Scott, 1991). Differs: each
//! party has its own handle, whose arrival stays when it stops waiting, and whose end is seen.
//!
//! # State
//! `arrived` counts those who have arrived in the round; the last one sets it to zero.
//!
//! `word`:
//! | part | meaning | who changes it |
//! |---|---|---|
//! | round | how many meetings there were | the last to arrive |
//! | `PARKED` | somebody sleeps, or is about to | set under the queue's lock; cleared by the last to arrive |
//! | `LAST` | a party that has arrived is gone: this round may be met, no other | who goes; becomes `CLOSED` with the round |
//! | `CLOSED` | this round will not be met | who goes without having arrived |
//!
//! # Fields
//! A member's `round` (the one it arrives for) and `arrived` are its own. A `Round` in a node is
//! the round it waits for.
//!
//! # Invariants
//! * I1: who arrives adds one to `arrived`, once a round; who makes it the number of parties is the
//!   last, resets it and ends the round, in this order.
//! * I2: who ends a round, or closes it, in an exchange that found `PARKED` or sets `CLOSED`, takes
//!   the lock after that and wakes all who wait for a round that is over or closed.
//! * I3: `PARKED` is set in an exchange that found the round open, under the lock, before its setter
//!   is linked.
//!
//! # Edges
//! * E1: release in `arrive` → acquire in `arrive` of the last: what all did before. Each is a
//!   read-modify-write, so all are seen. Model: `group_sees_everyones_work`.
//! * E2: release in `end_round` → acquire in `look`: the same, to all. Model: the same.
//! * E3: release in `go` → acquire in `look`: what was done before a party was dropped. Model:
//!   `group_sees_who_is_gone`.
//!
//! # Waiting
//! All changes of `word` are read-modify-writes. A change after I3's exchange sees `PARKED`, and
//! its maker takes the lock after the sleeper has linked itself; an exchange after the change fails
//! or finds the round over.
//!
//! # Cancel
//! The arrival stays, and counts. A baton that nobody claims needs no other owner: everyone who
//! waits for that round is woken.
//!
//! # Panic
//! Only wakers are foreign. They run after the round has ended for all, and an operation keeps what
//! it met with before it wakes, so that polled again it yields that.
//!
//! # Rejected
//! * A word for each party, as for two, without exchanges: who arrives would look at all the others'
//!   words, and a meeting would move the square of their number in cache lines.
//! * A tree or rounds of pairs: who has arrived and stopped waiting would hold up the others.
//!
//! # Checked by
//! dev/model tests/rendezvous.rs, tests/rendezvous_group.rs.

use core::fmt;
use counterpoint_base::CachePadded;
use counterpoint_base::prim::atomic::{AtomicU32, RELAXED, acq_rel, acquire, release};
use counterpoint_base::prim::sync::Arc;
use counterpoint_base::prim::time::{Duration, Instant, deadline, reached};
use counterpoint_wait::op::{LockedQueue, Op, Stop, Turn, Verb};
use counterpoint_wait::queue::{Candidate, End, Grant, Pick, WaitQueue};
use counterpoint_wait::waker::{WakeBatch, wake_in_batches};

use super::patience::Patience;
use super::{Disconnected, RendezvousError, TryRendezvousError};

const PARKED: u32 = 1;
const LAST: u32 = 1 << 1;
const CLOSED: u32 = 1 << 2;
const ROUND: u32 = 1 << 3;

/// The round in a word, or in a node.
#[doc(hidden)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Round(u32);

impl Round {
    const fn of(word: u32) -> Round {
        Round(word & !(PARKED | LAST | CLOSED))
    }

    const fn next(self) -> Round {
        Round(self.0.wrapping_add(ROUND))
    }
}

struct Shared {
    parties: u32,
    arrived: CachePadded<AtomicU32>,
    queue: CachePadded<WaitQueue<AtomicU32, Round>>,
}

impl Shared {
    fn word(&self) -> &AtomicU32 {
        self.queue.state()
    }

    /// Replaces the word by `new` of it, until that succeeds; returns the one before.
    fn change(
        &self,
        order: counterpoint_base::prim::atomic::Order,
        new: impl Fn(u32) -> u32,
    ) -> u32 {
        // Relaxed: a look; the exchange decides.
        let mut word = self.word().load(RELAXED);
        loop {
            match self
                .word()
                .compare_exchange_weak(word, new(word), order, RELAXED)
            {
                Ok(_) => return word,
                Err(found) => word = found,
            }
        }
    }

    /// Everybody has arrived (I1). Returns true if somebody must be woken (I2).
    fn end_round(&self) -> bool {
        // Relaxed: published with the round.
        self.arrived.store(0, RELAXED);
        // Release [E2]: hands everybody's work, which this one has acquired, to everybody.
        let before = self.change(release("group.end_round"), |word| {
            let closed = if word & LAST != 0 { CLOSED } else { 0 };
            Round::of(word).next().0 | closed
        });
        before & PARKED != 0
    }

    /// Wakes all whose round is over or closed.
    #[cold]
    fn wake(&self) {
        wake_in_batches(|wakes| {
            let mut queue = self.queue.lock();
            // Relaxed: what a change published is read by those it wakes; the lock shows the change
            // that this one is called for.
            let word = queue.state().load(RELAXED);
            let over = |round: &mut Round, _: Candidate| match word & CLOSED != 0
                || *round != Round::of(word)
            {
                true => Pick::Take,
                false => Pick::Skip,
            };
            while !wakes.is_full() {
                if !queue.grant(End::First, Grant::Baton, wakes, over, |_| ()) {
                    return false;
                }
            }
            true
        });
    }
}

/// One of a number of parties that meet again and again: each waits until all have arrived.
///
/// What each did before a meeting is seen by all after it. A party that waits looks for some
/// microseconds and sleeps then; where the process may use one processor only, it sleeps at once.
///
/// For two use [`Rendezvous`](super::Rendezvous), which is faster. Do not use it where threads come
/// and go between the meetings (use [`WaitGroup`](crate::WaitGroup)).
///
/// # When a party is gone
/// Once a handle was dropped, perhaps by a panic, its party never arrives, and nobody can meet.
/// Then [`wait`](Self::wait) panics and all other forms report [`Disconnected`]. A meeting for
/// which it had arrived before counts.
///
/// # Cancel safety
/// As for [`Rendezvous`](super::Rendezvous): an arrival stays, and the next call is for the same
/// meeting.
///
/// # Cost
/// One allocation for all. To arrive: one exchange; who arrives last makes a second one.
///
/// # Examples
/// ```
/// use counterpoint_sync::rendezvous::RendezvousGroup;
/// use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
///
/// let done = AtomicU32::new(0);
/// std::thread::scope(|s| {
///     for mut party in RendezvousGroup::new(3) {
///         let done = &done;
///         s.spawn(move || {
///             done.fetch_add(1, Relaxed);
///             party.wait();
///             assert_eq!(done.load(Relaxed), 3);
///         });
///     }
/// });
/// ```
pub struct RendezvousGroup {
    round: Round,
    arrived: bool,
    patience: Patience,
    shared: Arc<Shared>,
}

impl fmt::Debug for RendezvousGroup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RendezvousGroup")
            .field("parties", &self.shared.parties)
            .field("arrived", &self.arrived)
            .finish_non_exhaustive()
    }
}

/// What became of a meeting.
type Met = Result<(), Disconnected>;

impl RendezvousGroup {
    /// This many parties.
    ///
    /// # Panics
    /// If there are two to the power of 32 or more.
    #[allow(
        clippy::new_ret_no_self,
        reason = "there is no use for one of them alone"
    )]
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn new(parties: usize) -> Vec<RendezvousGroup> {
        let shared = Arc::new(Shared {
            parties: u32::try_from(parties).expect("counterpoint: RendezvousGroup: too many"),
            arrived: CachePadded::new(AtomicU32::new(0)),
            queue: CachePadded::new(WaitQueue::new(AtomicU32::new(0))),
        });
        let party = |_| RendezvousGroup {
            round: Round(0),
            arrived: false,
            patience: Patience::new(),
            shared: shared.clone(),
        };
        (0..parties).map(party).collect()
    }

    /// Blocks this thread until all have arrived.
    ///
    /// # Panics
    /// If one of them is gone.
    ///
    /// # Deadlocks
    /// Waits for ever for a party that is neither dropped nor comes. Inside a task it blocks the
    /// executor's thread: use [`wait_async`](Self::wait_async) there.
    #[track_caller]
    pub fn wait(&mut self) {
        if self.wait_checked().is_err() {
            panic!("counterpoint: RendezvousGroup::wait: a partner is gone");
        }
    }

    /// Blocks this thread until all have arrived.
    ///
    /// # Errors
    /// [`Disconnected`] if one of them is gone.
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn wait_checked(&mut self) -> Result<(), Disconnected> {
        match self.step().or_else(|| self.spin(|| false)) {
            Some(met) => met,
            None => self.wait_async().wait(),
        }
    }

    /// Arrives, and looks whether all have. If not, the arrival stays. Those who try at the same
    /// moment may miss each other; the next look of each finds the others.
    ///
    /// # Errors
    /// [`TryRendezvousError::WouldBlock`] if somebody has not arrived;
    /// [`TryRendezvousError::Disconnected`] if one of them is gone.
    pub fn try_wait(&mut self) -> Result<(), TryRendezvousError> {
        match self.step() {
            Some(Ok(())) => Ok(()),
            Some(Err(Disconnected)) => Err(TryRendezvousError::Disconnected),
            None => Err(TryRendezvousError::WouldBlock),
        }
    }

    /// Blocks this thread until all have arrived, at most for `timeout`; zero looks once.
    ///
    /// # Errors
    /// [`RendezvousError::TimedOut`]: the arrival stays, and the next call is for the same meeting;
    /// [`RendezvousError::Disconnected`] if one of them is gone.
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn wait_timeout(&mut self, timeout: Duration) -> Result<(), RendezvousError> {
        match deadline(timeout) {
            Some(deadline) => self.wait_until(deadline, !timeout.is_zero()),
            None => Ok(self.wait_checked()?),
        }
    }

    /// Blocks this thread until all have arrived, at most until `deadline`; one in the past looks
    /// once.
    ///
    /// # Errors
    /// As for [`wait_timeout`](Self::wait_timeout).
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn wait_deadline(&mut self, deadline: Instant) -> Result<(), RendezvousError> {
        let spins = !reached(deadline);
        self.wait_until(deadline, spins)
    }

    #[cfg_attr(feature = "hooks", track_caller)]
    fn wait_until(&mut self, deadline: Instant, spins: bool) -> Result<(), RendezvousError> {
        let met = match self.step() {
            None if spins => self.spin(|| reached(deadline)),
            met => met,
        };
        match met {
            Some(met) => Ok(met?),
            None => self.wait_async().deadline(deadline).wait(),
        }
    }

    /// The operation that waits until all have arrived. It arrives at its first poll, and does not
    /// look again and again before it sleeps, as the blocking forms do.
    ///
    /// # Cancel safety
    /// Dropped after its first poll it leaves the arrival, and nothing else.
    ///
    /// # Errors
    /// [`Disconnected`] if one of them is gone.
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn wait_async(&mut self) -> GroupWait<'_> {
        let verb = GroupVerb {
            member: self,
            met: None,
        };
        Op::new(verb, Round(0))
    }

    /// How many parties the group has, those that are gone included.
    pub fn parties(&self) -> usize {
        self.shared.parties as usize
    }

    /// Arrives unless it has, looks, and wakes the others if it is the last.
    fn step(&mut self) -> Option<Met> {
        let (met, sleepers) = self.arrive();
        if sleepers {
            self.shared.wake(); // I2
        }
        met
    }

    /// Arrives unless it has, and looks. The second part: somebody must be woken.
    fn arrive(&mut self) -> (Option<Met>, bool) {
        if !self.arrived && !self.is_closed() {
            self.arrived = true;
            // Release, acquire [E1]: hands over what this one did; the last one gets it all.
            let before = self.shared.arrived.fetch_add(1, acq_rel("group.arrive"));
            if before + 1 == self.shared.parties {
                self.round = self.round.next();
                self.arrived = false;
                return (Some(Ok(())), self.shared.end_round());
            }
        }
        (self.look(), false)
    }

    /// Whether this round was closed before this one arrived.
    fn is_closed(&self) -> bool {
        // Relaxed: `look` acquires.
        let word = self.shared.word().load(RELAXED);
        word & CLOSED != 0 && Round::of(word) == self.round
    }

    fn look(&mut self) -> Option<Met> {
        // Acquire [E2, E3]: pairs with the releases in `end_round` and `go`.
        let word = self.shared.word().load(acquire("group.look"));
        if Round::of(word) != self.round {
            self.round = self.round.next();
            self.arrived = false;
            return Some(Ok(()));
        }
        (word & CLOSED != 0).then_some(Err(Disconnected))
    }

    fn spin(&mut self, over: impl Fn() -> bool) -> Option<Met> {
        let mut patience = core::mem::replace(&mut self.patience, Patience::new());
        let met = patience.spin(over, || self.look());
        self.patience = patience;
        met
    }

    /// This party goes.
    fn go(&self) {
        let mine = |word: u32| match self.arrived && Round::of(word) == self.round {
            true => LAST,
            false => CLOSED,
        };
        // Release [E3]: what was done before is seen by who sees that it is gone.
        let before = self
            .shared
            .change(release("group.go"), |word| word | mine(word));
        if mine(before) == CLOSED {
            self.shared.wake(); // I2
        }
    }
}

impl Drop for RendezvousGroup {
    fn drop(&mut self) {
        self.go();
    }
}

/// Waits for the others; made by [`RendezvousGroup::wait_async`].
pub type GroupWait<'g> = Op<GroupVerb<'g>>;

/// The verb of [`GroupWait`].
#[derive(Debug)]
pub struct GroupVerb<'g> {
    member: &'g mut RendezvousGroup,
    /// What it met with, until that is yielded.
    met: Option<Met>,
}

// SAFETY: one queue, that of the group its member keeps alive; no method moves the verb.

unsafe impl Verb for GroupVerb<'_> {
    type State = AtomicU32;
    type Payload = Round;
    type Output = Result<(), Disconnected>;
    type Stoppable = Result<(), RendezvousError>;

    const NAME: &'static str = "RendezvousGroup::wait";

    fn queue(&self) -> &WaitQueue<AtomicU32, Round> {
        &self.member.shared.queue
    }

    fn attempt(&mut self, _round: &mut Round, _turn: Turn) -> Option<Met> {
        if self.met.is_none() {
            let (met, sleepers) = self.member.arrive();
            self.met = met;
            if sleepers {
                self.member.shared.wake(); // I2
            }
        }
        self.met.take()
    }

    fn prepare(&mut self, round: &mut Round, _: Turn, queue: &mut LockedQueue<'_, Self>) -> bool {
        let mine = self.member.round;
        // Relaxed: a look; the exchange decides.
        let mut word = queue.state().load(RELAXED);
        while word & CLOSED == 0 && Round::of(word) == mine {
            // Relaxed: it publishes nothing (I3).
            match queue
                .state()
                .compare_exchange_weak(word, word | PARKED, RELAXED, RELAXED)
            {
                Ok(_) => {
                    *round = mine;
                    return false;
                }
                Err(found) => word = found,
            }
        }
        true
    }

    fn collect(&mut self, _round: &mut Round) -> Met {
        unreachable!("a meeting is granted as a baton")
    }

    fn unclaimed(&mut self, _round: &mut Round, _queue: &mut LockedQueue<'_, Self>) {}

    fn settle(&mut self, _queue: &mut LockedQueue<'_, Self>, _wakes: &mut WakeBatch) -> bool {
        false
    }

    fn finish(output: Met) -> Result<(), RendezvousError> {
        output.map_err(RendezvousError::from)
    }

    fn stopped(&mut self, _round: &mut Round, why: Stop) -> Result<(), RendezvousError> {
        Err(match why {
            Stop::TimedOut => RendezvousError::TimedOut,
            Stop::Cancelled => RendezvousError::Cancelled,
        })
    }
}

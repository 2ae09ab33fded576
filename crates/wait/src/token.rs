//! The token a thread sleeps for: the smallest sleep-and-wake protocol, used by every blocking
//! wait and by `Parker`.
//!
//! # From
//! The futex parker of the standard library (three states, one exchange each way); crossbeam's
//! rule that a tie between token and deadline goes to the token.
//!
//! # State
//! | word | meaning | who leaves it |
//! |---|---|---|
//! | `EMPTY` | no token, nobody asleep | `unpark`, to `TOKEN`; `park`, to `PARKED` |
//! | `TOKEN` | the next `park` returns at once | `park`, to `EMPTY` |
//! | `PARKED` | the owner sleeps or is about to | `unpark`, to `TOKEN`, waking it; a deadline, to `EMPTY` |
//!
//! # Invariants
//! * I1: only the word's one owner parks; anyone unparks.
//! * I2: `unpark` writes even if the token is there already, so that each `park` sees everything
//!   done before any `unpark` whose token it takes.
//! * I3: a token is taken by exactly one return of `park`.
//!
//! # Edges
//! * E1: release in `unpark` → acquire in `park` where the token is taken.
//!
//! # Waiting
//! The owner moves the word from `EMPTY` to `PARKED` in one exchange: an `unpark` before it left
//! `TOKEN`, which the exchange finds; one after it finds `PARKED` and wakes.
//!
//! # Cancel
//! A deadline takes the word back with an exchange; if that finds a token, the token wins.
//!
//! # Panic, Rejected
//! No foreign code runs. A condition variable per thread was rejected: two more words and a lock
//! per wake-up.
//!
//! # Checked by
//! dev/model tests/parker.rs.

use counterpoint_base::habit;
use counterpoint_base::prim::atomic::{RELAXED, acquire, release};
use counterpoint_base::prim::futex::{Futex, Slept};
use counterpoint_base::prim::time::{Duration, Instant, now};

pub(crate) const EMPTY: u32 = 0;
pub(crate) const TOKEN: u32 = 1;
pub(crate) const PARKED: u32 = u32::MAX;

/// A sleep that ends as soon begins without a look.
const NEAR: Duration = Duration::from_micros(20);

/// Why a park ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum UnparkReason {
    /// A token was there, or came in time.
    Unparked,
    /// The deadline came first.
    Timeout,
}

/// Sleeps until a token comes or the deadline, and takes the token.
///
/// Only the owner of the word may call it (I1).
#[inline]
#[must_use = "only a token is something done; after a timeout there is nothing to look at"]
pub fn park(futex: &Futex, deadline: Option<Instant>) -> UnparkReason {
    // EMPTY becomes PARKED, TOKEN becomes EMPTY. Acquire [E1].
    if futex.word().fetch_sub(1, acquire("token.take")) == TOKEN {
        return UnparkReason::Unparked;
    }
    park_slow(futex, deadline)
}

#[cold]
fn park_slow(futex: &Futex, deadline: Option<Instant>) -> UnparkReason {
    loop {
        let slept = futex.wait(PARKED, deadline);
        // Acquire [E1]: takes the token. A failure takes nothing.
        let taken = futex
            .word()
            .compare_exchange(TOKEN, EMPTY, acquire("token.woken"), RELAXED)
            .is_ok();
        if taken {
            return UnparkReason::Unparked;
        }
        if slept == Slept::TimedOut {
            // Acquire [E1]: a token that came at the last moment wins.
            return match futex.word().swap(EMPTY, acquire("token.tie")) {
                TOKEN => UnparkReason::Unparked,
                _ => UnparkReason::Timeout,
            };
        }
    }
}

/// Looks for a token for a moment: about as long as it takes to fall asleep and to be woken. It
/// takes nothing; [`park`] does, and then need not sleep.
///
/// For waits in which another thread has something to do first that is often short.
pub(crate) fn linger(futex: &Futex, deadline: Option<Instant>) {
    // Relaxed: a look that decides nothing.
    linger_for(deadline, || futex.word().load(RELAXED) == TOKEN);
}

/// Calls `look` for a moment before a sleep until `deadline`, unless that is too near.
pub(crate) fn linger_for(deadline: Option<Instant>, look: impl FnMut() -> bool) {
    let is_near = |at: Instant| at.saturating_duration_since(now()) < NEAR;
    if !deadline.is_some_and(is_near) {
        habit::linger(look);
    }
}

/// Leaves a token for the owner of the word, and wakes it if it sleeps.
#[inline]
pub fn unpark(futex: &Futex) {
    // Release [E1], also when a token is there already (I2).
    if futex.word().swap(TOKEN, release("token.leave")) == PARKED {
        futex.wake_one();
    }
}

//! Looking for what is about to wait for ever, as it begins to.
//!
//! # Invariants
//! * I1: what is sent once is not sent again: the last of a deadlock to wait keeps that it was, until it
//!   loses a grant and queues again.
//! * I2: no lock of the ledger is held while a finding is sent.

use counterpoint_base::prim::time::{Duration, deadline, now};
use counterpoint_wait::hooks;
use counterpoint_wait::staged::Never;

use crate::finding::{Deadlock, Finding};
use crate::state::WAITS;
use crate::{graph, policy};

/// How often is looked at what has to stand still for a while before the policy panics.
const STEP: Duration = Duration::from_millis(4);

/// `party` has told of all that it waits for and will do nothing until it is woken: sends the deadlocks that
/// it closes. `wait`: it is blocked, for this alone.
///
/// # Panics
/// As [`policy::send`].
pub(crate) fn before_sleeping(party: u64, wait: Option<u64>) {
    if policy::is_silent() || !hooks::holds_any(party) {
        return;
    }
    let patience = policy::patience();
    // Long after that it is not this wait any more that keeps it from standing still.
    let end = patience.and_then(|patience| deadline(patience.saturating_mul(2)));
    loop {
        let mut ripens = false;
        for deadlock in graph::deadlocks() {
            let last = deadlock.last();
            let is_mine = match wait {
                // Of those that close it at the same time, the last to be known has seen all others.
                Some(wait) => last.id == wait,
                None => deadlock
                    .links
                    .iter()
                    .any(|link| link.waits.wait.notice.party == party),
            };
            if !is_mine {
                continue;
            }
            let waits = deadlock.stood_still().zip(patience);
            let is_young = waits.is_some_and(|(still, patience)| still < patience);
            if wait.is_some() && is_young && end.is_none_or(|end| now() < end) {
                ripens = true;
            } else {
                send_once(deadlock);
            }
        }
        if !ripens {
            return;
        }
        // A grant that comes meanwhile is found when this thread goes on: it is linked, and not asleep.
        Never::new().timeout(STEP).wait();
    }
}

fn send_once(deadlock: Deadlock) {
    let last = deadlock.last().id;
    // I1
    let first = WAITS.with(last, |wait| !core::mem::replace(&mut wait.reported, true));
    if first == Some(true) {
        policy::send(&Finding::Deadlock(deadlock));
    }
}

//! Looking for what is about to wait for ever, as it begins to.
//!
//! # Invariants
//! * I1: what is sent once is not sent again: the last of a deadlock to wait keeps that it was, until it
//!   loses a grant and queues again.
//! * I2: no lock of the ledger is held while a finding is sent.

use core::future::poll_fn;
use core::mem::replace;
use core::task::Poll;
use counterpoint_base::prim::time::{Duration, deadline, now};
use counterpoint_wait::hooks;
use counterpoint_wait::staged::Never;

use crate::finding::{Deadlock, Finding};
use crate::graph::is_for_writing;
use crate::state::{WAITS, opens_to_write, polled_by};
use crate::{graph, policy};

/// How often is looked at what has to stand still for a while before the policy panics.
const STEP: Duration = Duration::from_millis(4);

/// `party` has told of all that it waits for and will do nothing until it is woken: sends the deadlocks that
/// it closes. `wait`: it is blocked, for this alone.
///
/// # Panics
/// As [`policy::send`].
pub(crate) fn before_sleeping(party: u64, wait: Option<u64>) {
    if policy::is_silent() || !may_close(party, wait) {
        return;
    }
    let patience = policy::patience();
    // Long after that it is not this wait any more that keeps it from standing still.
    let end = patience.and_then(|patience| deadline(patience.saturating_mul(2)));
    let mut woken = false;
    loop {
        let mut ripens = false;
        for deadlock in graph::closed_by(party, wait) {
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
        rest(&mut woken);
    }
}

/// Waits until it is time to look again. A grant to this thread, which is linked and not yet asleep, ends that
/// at once: there is nothing to look at any more. A token that was left for nothing does so only once, as it stays
/// for the wait around this one.
fn rest(woken: &mut bool) {
    let end = deadline(STEP);
    let step = Never::new().timeout(STEP);
    if *woken {
        step.wait();
        return;
    }
    let mut begun = false;
    let again = poll_fn(|_| match replace(&mut begun, true) {
        true => Poll::Ready(()),
        false => Poll::Pending,
    });
    step.until(again).wait();
    *woken = end.is_some_and(|end| now() < end);
}

/// Whether a wait of `party` may close anything: it, or who polls it, holds something, or it waits to write and so
/// keeps readers out.
fn may_close(party: u64, wait: Option<u64>) -> bool {
    let writes = match wait {
        Some(wait) => WAITS.with(wait, |wait| is_for_writing(&wait.notice)) == Some(true),
        None => opens_to_write(party),
    };
    let mut outer = Some(party);
    while let Some(party) = outer {
        if hooks::holds_any(party) {
            return true;
        }
        outer = polled_by(party);
    }
    writes
}

fn send_once(deadlock: Deadlock) {
    let last = deadlock.last().id;
    // I1
    let first = WAITS.with(last, |wait| !replace(&mut wait.reported, true));
    if first == Some(true) {
        policy::send(&Finding::Deadlock(deadlock));
    }
}

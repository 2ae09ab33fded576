//! Models of the barrier.

use core::future::Future;
use core::pin::{Pin, pin};
use core::task::{Context, Poll, Waker};
use counterpoint_base::prim::cell::UnsafeCell;
use counterpoint_base::prim::sync::Arc;
use counterpoint_base::prim::thread::{self, JoinHandle};
use counterpoint_model::{Branch, model};
use counterpoint_sync::{Barrier, BarrierWaitError, OnStop};
use counterpoint_wait::cancel::{CancelToken, Ctl};
use counterpoint_wait::select;
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

/// A barrier, and what each of two wrote before it arrived.
struct Meeting {
    barrier: Barrier,
    values: [UnsafeCell<u32>; 2],
}

// SAFETY: each value is written by one before the barrier, and read after it.
unsafe impl Sync for Meeting {}
// SAFETY: as above.
unsafe impl Send for Meeting {}

impl Meeting {
    fn new(barrier: Barrier) -> Arc<Meeting> {
        Arc::new(Meeting {
            barrier,
            values: [UnsafeCell::new(0), UnsafeCell::new(0)],
        })
    }

    fn write(&self, mine: usize) {
        // SAFETY: before the barrier.
        self.values[mine].with_mut(|value| unsafe { *value += 1 });
    }

    fn read(&self, theirs: usize) {
        // SAFETY: after the barrier.
        self.values[theirs].with(|value| unsafe { assert_eq!(*value, 1) });
    }
}

fn spawn<R: Send + 'static>(
    meeting: &Arc<Meeting>,
    body: impl FnOnce(&Meeting) -> R + Send + 'static,
) -> JoinHandle<R> {
    let meeting = meeting.clone();
    thread::spawn(move || body(&meeting))
}

fn poll_once<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

/// Arrives with a value, and sees the other's.
fn meets(mine: usize) -> impl FnOnce(&Meeting) -> bool + Send {
    move |meeting| {
        meeting.write(mine);
        let result = meeting.barrier.wait();
        meeting.read(1 - mine);
        result.is_leader()
    }
}

/// Arrives and does not wait, or is dropped while it waits. True if it has led.
fn comes_and_goes(meeting: &Meeting) -> bool {
    let mut wait = pin!(meeting.barrier.wait_async());
    matches!(poll_once(wait.as_mut()), Poll::Ready(result) if result.is_leader())
}

model! {
    /// Two meet: each sees what the other did before, and one of them leads.
    fn all_pass_and_one_leads() {
        let meeting = Meeting::new(Barrier::new(2));
        let threads = [0, 1].map(|mine| spawn(&meeting, meets(mine)));
        let leaders = threads.map(|thread| usize::from(thread.join().unwrap()));
        assert_eq!(leaders.iter().sum::<usize>(), 1);
    }

    /// A wait is dropped while the other one arrives: it was counted, or somebody else can come in
    /// its place.
    fn retract_races_end_of_round() {
        let meeting = Meeting::new(Barrier::new(2));
        let drops = spawn(&meeting, comes_and_goes);
        let waits = spawn(&meeting, |meeting| meeting.barrier.wait().is_leader());
        let led = drops.join().unwrap();
        // Either this is the second arrival, or the first of a round for which nobody waits.
        drop(meeting.barrier.arrive());
        let leads = waits.join().unwrap();
        assert_ne!(led, leads, "the one that returned leads");
    }

    /// A deadline comes while the other one arrives: both pass, or the late one comes again.
    fn timeout_races_end_of_round(branches: [Branch::DeadlineFirst], per_thread: 1, preemptions: Some(3)) {
        let meeting = Meeting::new(Barrier::new(2));
        let late = spawn(&meeting, |meeting| {
            let first = meeting.barrier.wait_timeout(SECOND);
            match first {
                Ok(result) => result.is_leader(),
                Err(error) => {
                    assert_eq!(error, BarrierWaitError::TimedOut);
                    meeting.barrier.wait().is_leader()
                }
            }
        });
        let waits = spawn(&meeting, |meeting| meeting.barrier.wait().is_leader());
        assert_ne!(late.join().unwrap(), waits.join().unwrap());
    }

    /// The one that leads may be dropped before it returns: another one that has not returned leads.
    fn leadership_passes_on() {
        let meeting = Meeting::new(Barrier::new(3));
        let mut stays = Box::pin(meeting.barrier.wait_async());
        assert!(poll_once(stays.as_mut()).is_pending());
        let goes = spawn(&meeting, comes_and_goes);
        let arrives = spawn(&meeting, |meeting| drop(meeting.barrier.arrive()));
        let led = goes.join().unwrap();
        arrives.join().unwrap();
        let mut polled = poll_once(stays.as_mut());
        if polled.is_pending() {
            // It was dropped before the round was full.
            meeting.barrier.leave();
            polled = poll_once(stays.as_mut());
        }
        assert!(matches!(polled, Poll::Ready(result) if result.is_leader() != led));
    }

    /// A party leaves while another one waits for it.
    fn leaving_ends_the_round() {
        let meeting = Meeting::new(Barrier::new(3));
        let waits = spawn(&meeting, meets(0));
        let leaves = spawn(&meeting, |meeting| meeting.barrier.leave());
        meeting.write(1);
        drop(meeting.barrier.arrive());
        assert!(waits.join().unwrap());
        leaves.join().unwrap();
        assert_eq!(meeting.barrier.parties(), 2);
    }

    /// A deadline breaks the barrier while the other one arrives: both pass, or both are told.
    fn breaking_races_end_of_round(branches: [Branch::DeadlineFirst], per_thread: 1, preemptions: Some(3)) {
        let meeting = Meeting::new(Barrier::with_on_stop(2, OnStop::Break));
        let late = spawn(&meeting, |meeting| meeting.barrier.wait_timeout(SECOND).is_ok());
        let waits = spawn(&meeting, |meeting| !meeting.barrier.wait().is_broken());
        let passed = [late.join().unwrap(), waits.join().unwrap()];
        assert_eq!(passed[0], passed[1]);
        assert_eq!(meeting.barrier.is_broken(), !passed[0]);
    }

    /// A reset while one waits: it is told, or waits for the other one in the next round.
    fn reset_races_arrival() {
        let meeting = Meeting::new(Barrier::new(2));
        let waits = spawn(&meeting, |meeting| {
            if !meeting.barrier.wait().is_broken() {
                meeting.read(1);
            }
        });
        let resets = spawn(&meeting, |meeting| meeting.barrier.reset());
        resets.join().unwrap();
        meeting.write(1);
        drop(meeting.barrier.arrive());
        waits.join().unwrap();
    }

    /// The patience of a select ends while the other one arrives: both pass, or the late one comes
    /// again.
    fn end_of_a_select_races_end_of_round(branches: [Branch::DeadlineFirst], per_thread: 1, preemptions: Some(3)) {
        let meeting = Meeting::new(Barrier::new(2));
        let selects = spawn(&meeting, |meeting| {
            meeting.write(0);
            let passed = select! {
                result = meeting.barrier.wait_async() => Some(result),
                timeout(SECOND) => None,
            };
            let result = passed.unwrap_or_else(|| meeting.barrier.wait());
            meeting.read(1);
            result.is_leader()
        });
        let waits = spawn(&meeting, meets(1));
        assert_ne!(selects.join().unwrap(), waits.join().unwrap());
    }

    /// A select looks while the other one arrives: it arrives as the last, or not at all.
    fn look_of_a_select_races_end_of_round() {
        let meeting = Meeting::new(Barrier::new(2));
        let looks = spawn(&meeting, |meeting| {
            meeting.write(0);
            let passed = select! {
                result = meeting.barrier.wait_async() => Some(result),
                default => None,
            };
            let result = passed.unwrap_or_else(|| meeting.barrier.wait());
            meeting.read(1);
            result.is_leader()
        });
        let waits = spawn(&meeting, meets(1));
        assert_ne!(looks.join().unwrap(), waits.join().unwrap());
    }

    /// A token that is cancelled, before or after the first poll, breaks the barrier, unless the
    /// other one arrived before: nobody waits for one that was called off.
    fn cancel_breaks_the_barrier(preemptions: Some(3)) {
        let meeting = Meeting::new(Barrier::with_on_stop(2, OnStop::Break));
        let token = Arc::new(CancelToken::new());
        let called_off = {
            let token = token.clone();
            spawn(&meeting, move |meeting| {
                let ctl = Ctl::new().cancel(&token);
                meeting.barrier.wait_async().with(&ctl).wait().is_ok()
            })
        };
        let waits = spawn(&meeting, |meeting| !meeting.barrier.wait().is_broken());
        token.cancel("called off");
        let passed = [called_off.join().unwrap(), waits.join().unwrap()];
        assert_eq!(passed[0], passed[1]);
        assert_eq!(meeting.barrier.is_broken(), !passed[0]);
    }
}

//! Models of the rendezvous: of two, of a group, and the spinning core.

use counterpoint_base::prim::cell::UnsafeCell;
use counterpoint_base::prim::sync::Arc;
use counterpoint_base::prim::thread;
use counterpoint_model::{Branch, choose, model};
use counterpoint_sync::rendezvous::{
    Disconnected, Meeting, Rendezvous, RendezvousData, RendezvousError, RendezvousGroup,
    TryRendezvousError,
};
use counterpoint_wait::cancel::{CancelToken, Ctl};
use counterpoint_wait::{block_on, select_biased};
use std::future::Future;
use std::pin::pin;
use std::task::{Context, Waker};
use std::time::Duration;

const SOON: Duration = Duration::from_secs(1);

/// A value that is at `number`, and is moved on by who reads it.
struct Counted(UnsafeCell<u32>);

impl Counted {
    fn new(number: u32) -> Counted {
        Counted(UnsafeCell::new(number))
    }

    /// The checker sees whether somebody else is at it.
    fn step(&mut self, expected: u32) {
        self.0.with_mut(|number| {
            // SAFETY: borrowed mutably.
            let number = unsafe { &mut *number };
            assert_eq!(*number, expected);
            *number += 1;
        });
    }
}

fn data() -> (RendezvousData<Counted>, RendezvousData<Counted>) {
    RendezvousData::new(Counted::new(10), Counted::new(20))
}

/// Polls the operation once and drops it, or awaits it.
fn drop_or_wait(party: &mut Rendezvous) -> Option<Result<(), Disconnected>> {
    let mut wait = pin!(party.wait_async());
    let mut cx = Context::from_waker(Waker::noop());
    if wait.as_mut().poll(&mut cx).is_ready() {
        return Some(Ok(()));
    }
    if choose(Branch::DropBeforePoll) {
        return None;
    }
    Some(block_on(wait))
}

model! {
    /// Two swap twice: each sees what the other has written, alone.
    fn what_was_written_is_swapped(preemptions: Some(3)) {
        let (mut a, mut b) = data();
        let theirs = thread::spawn(move || {
            b.get_mut().unwrap().step(20);
            b.swap().step(10);
            b.swap().step(22);
        });
        a.swap().step(21);
        a.swap().step(11);
        theirs.join().unwrap();
    }

    /// Both arrive at once, or one after the other, and whoever is first sleeps: nobody sleeps for
    /// ever. Three meetings, so that a slot comes back to the party that announced itself in it.
    fn arrival_races_sleep(branches: [Branch::SpuriousWake], per_thread: 1, preemptions: Some(3)) {
        let (mut a, mut b) = Rendezvous::new();
        let other = thread::spawn(move || {
            for _ in 0..3 {
                b.wait_async().wait().unwrap();
            }
        });
        for _ in 0..3 {
            a.wait_async().wait().unwrap();
        }
        other.join().unwrap();
    }

    /// The same with the spin before it.
    fn arrival_races_spin_and_sleep(preemptions: Some(3)) {
        let (mut a, mut b) = Rendezvous::new();
        let other = thread::spawn(move || {
            b.wait();
            b.wait();
        });
        a.wait();
        a.wait();
        other.join().unwrap();
    }

    /// A timeout races the arrival: whoever timed out has arrived, and goes on with the meeting.
    fn timeout_races_arrival(branches: [Branch::DeadlineFirst], per_thread: 1, preemptions: Some(3)) {
        let (mut a, mut b) = data();
        let other = thread::spawn(move || {
            b.swap().step(10);
            b.swap().step(21);
        });
        a.get_mut().unwrap();
        match a.wait_timeout(SOON) {
            Ok(()) => {}
            Err(RendezvousError::TimedOut) => {
                assert!(a.get_mut().is_none());
                a.wait();
            }
            Err(other) => panic!("{other:?}"),
        }
        a.get_mut().unwrap().step(20);
        a.swap().step(11);
        other.join().unwrap();
    }

    /// Both time out, or one, or none; both go on.
    fn timeouts_race_each_other(branches: [Branch::DeadlineFirst], per_thread: 1, preemptions: Some(3)) {
        let (a, b) = Rendezvous::new();
        let meet = |mut party: Rendezvous| {
            if party.wait_async().timeout(SOON).wait().is_err() {
                party.wait_async().wait().unwrap();
            }
            party.wait_async().wait().unwrap();
        };
        let other = thread::spawn(move || meet(b));
        meet(a);
        other.join().unwrap();
    }

    /// A future is dropped while its partner arrives: its arrival counts.
    fn dropped_future_has_arrived(branches: [Branch::DropBeforePoll], per_thread: 1, preemptions: Some(3)) {
        let (mut a, mut b) = Rendezvous::new();
        let other = thread::spawn(move || {
            b.wait_async().wait().unwrap();
            b.wait_async().wait().unwrap();
        });
        if drop_or_wait(&mut a).is_none() {
            a.wait();
        }
        a.wait();
        other.join().unwrap();
    }

    /// A cancellation races the arrival.
    fn cancel_races_arrival(preemptions: Some(3)) {
        let (mut a, mut b) = Rendezvous::new();
        let token = CancelToken::new();
        let canceller = { let token = token.clone(); thread::spawn(move || { token.cancel("enough"); }) };
        let other = thread::spawn(move || b.wait());
        let ctl = Ctl::new().cancel(&token);
        if let Err(error) = a.wait_async().with(&ctl).wait() {
            assert_eq!(error, RendezvousError::Cancelled);
            a.wait();
        }
        canceller.join().unwrap();
        other.join().unwrap();
    }

    /// The partner arrives once and goes, while this one comes for the first meeting, or sleeps
    /// for the second: the first is met, the second is not.
    fn last_arrival_counts(preemptions: Some(3)) {
        let (mut a, mut b) = data();
        let other = thread::spawn(move || {
            b.get_mut().unwrap().step(20);
            assert_eq!(b.try_wait().is_ok(), b.get_mut().is_some());
        });
        a.swap().step(21);
        assert!(a.swap_async().wait().is_err());
        a.get_mut().unwrap().step(22);
        other.join().unwrap();
    }

    /// The partner goes without having arrived, while this one comes or sleeps.
    fn a_late_partner_meets_the_dead(branches: [Branch::DeadlineFirst], per_thread: 1, preemptions: Some(3)) {
        let (mut a, b) = data();
        let other = thread::spawn(move || drop(b));
        match a.swap_async().timeout(SOON).wait() {
            Ok(_) => panic!("nobody came"),
            Err(RendezvousError::TimedOut) => {}
            Err(error) => assert_eq!(error, RendezvousError::Disconnected),
        }
        assert!(a.swap_checked().is_err());
        let Ok(mut mine) = a.into_inner() else { panic!("it is not offered") };
        mine.step(10);
        other.join().unwrap();
    }

    /// Both may time out and go: nobody is left, whoever was there.
    fn both_go(branches: [Branch::DeadlineFirst], per_thread: 1, preemptions: Some(3)) {
        let (a, b) = data();
        let come = |mut party: RendezvousData<Counted>| {
            let met = party.swap_async().timeout(SOON).wait().map(drop);
            (met, party)
        };
        let other = thread::spawn(move || come(b).0);
        let (mine, party) = come(a);
        let theirs = other.join().unwrap();
        drop(party);
        // A partner that has met has met this one, which may not have looked.
        let lost = |met| met == Err(RendezvousError::Disconnected);
        assert!(!(lost(mine) && theirs.is_ok()));
        assert!(!(lost(theirs) && mine.is_ok()));
    }

    /// A party is an arm of a select whose other arm may win: its arrival stays.
    fn losing_arm_has_arrived(preemptions: Some(3)) {
        let (mut a, mut b) = Rendezvous::new();
        let token = CancelToken::new();
        let canceller = { let token = token.clone(); thread::spawn(move || { token.cancel("enough"); }) };
        let other = thread::spawn(move || {
            b.wait();
            b.wait();
        });
        let met = select_biased! {
            met = a.wait_async() => met.is_ok(),
            () = token.cancelled() => false,
        };
        if !met {
            a.wait();
        }
        a.wait();
        canceller.join().unwrap();
        other.join().unwrap();
    }

    /// Tries that do not wait meet in the end.
    fn tries_meet(preemptions: Some(3)) {
        let (a, b) = Rendezvous::new();
        let meet = |mut party: Rendezvous| {
            while party.try_wait() == Err(TryRendezvousError::WouldBlock) {
                thread::yield_now();
            }
        };
        let other = thread::spawn(move || meet(b));
        meet(a);
        other.join().unwrap();
    }

    /// The spinning core: two swap, one goes.
    fn spinning_core_swaps(preemptions: Some(3)) {
        // A place that outlives both threads, as the engines' threads must be `'static`.
        let meeting = Box::into_raw(Box::new(Meeting::new(Counted::new(10), Counted::new(20))));
        // SAFETY: leaked until both parties are gone.
        let (mut a, mut b) = unsafe { &mut *meeting }.split();
        let other = thread::spawn(move || {
            b.swap().step(10);
            b.swap().step(21);
        });
        a.swap().step(20);
        a.swap().step(11);
        assert!(a.swap_checked().is_err());
        other.join().unwrap();
        drop(a);
        // SAFETY: from `Box::into_raw`, and nobody borrows it any more.
        drop(unsafe { Box::from_raw(meeting) });
    }
}

struct Work(Vec<UnsafeCell<u32>>);

// SAFETY: each is written by one party before the meeting, and read by all after it.
unsafe impl Sync for Work {}
// SAFETY: as above.
unsafe impl Send for Work {}

impl Work {
    fn new(parties: usize) -> Arc<Work> {
        Arc::new(Work((0..parties).map(|_| UnsafeCell::new(0)).collect()))
    }

    fn write(&self, party: usize) {
        // SAFETY: before the meeting.
        self.0[party].with_mut(|value| unsafe { *value = 7 });
    }

    fn read_all(&self) {
        for value in &self.0 {
            // SAFETY: after the meeting.
            value.with(|value| unsafe { assert_eq!(*value, 7) });
        }
    }
}

/// Starts a thread for each party but the first, and runs that one here. A party that is returned
/// stays until all have ended.
fn meet_all(parties: usize, body: fn(RendezvousGroup, usize, &Work) -> Option<RendezvousGroup>) {
    let work = Work::new(parties);
    let mut members = RendezvousGroup::new(parties).into_iter().enumerate();
    let (_, first) = members.next().unwrap();
    let threads: Vec<_> = members
        .map(|(number, member)| {
            let work = work.clone();
            thread::spawn(move || body(member, number, &work))
        })
        .collect();
    let mut stay = vec![body(first, 0, &work)];
    for thread in threads {
        stay.push(thread.join().unwrap());
    }
    drop(stay);
}

model! {
    /// Three write, meet, and read all that was written: one sleeps, the others only look.
    fn group_sees_everyones_work(preemptions: Some(3)) {
        meet_all(3, |mut party, number, work| {
            work.write(number);
            let met = match number {
                0 => party.wait_async().wait().is_ok(),
                _ => party.try_wait().is_ok(),
            };
            if met {
                work.read_all();
            }
            Some(party)
        });
    }

    /// Two sleep, and the third wakes both.
    fn group_wakes_all_who_sleep(preemptions: Some(3)) {
        meet_all(3, |mut party, number, work| {
            work.write(number);
            if number == 2 {
                let _ = party.try_wait();
            } else {
                party.wait_async().wait().unwrap();
                work.read_all();
            }
            Some(party)
        });
    }

    /// Two meet again and again, and may find the other one a round ahead.
    fn group_meets_again(branches: [Branch::SpuriousWake], per_thread: 1, preemptions: Some(3)) {
        meet_all(2, |mut party, number, work| {
            party.wait();
            work.write(number);
            party.wait_async().wait().unwrap();
            work.read_all();
            party.wait();
            Some(party)
        });
    }

    /// One of three times out and goes on, while the others come.
    fn group_timeout_races_the_last(branches: [Branch::DeadlineFirst], per_thread: 1, preemptions: Some(3)) {
        meet_all(3, |mut party, number, work| {
            work.write(number);
            if number != 0 {
                let _ = party.try_wait();
                return Some(party);
            }
            if party.wait_async().timeout(SOON).wait().is_err() {
                party.wait_async().wait().unwrap();
            }
            work.read_all();
            Some(party)
        });
    }

    /// Both of two may time out, and both go on.
    fn group_timeouts_race_each_other(branches: [Branch::DeadlineFirst], per_thread: 1, preemptions: Some(3)) {
        meet_all(2, |mut party, number, work| {
            work.write(number);
            if party.wait_async().timeout(SOON).wait().is_err() {
                party.wait_async().wait().unwrap();
            }
            work.read_all();
            Some(party)
        });
    }

    /// One of three arrives and goes, another one goes without: the third one is told, awake or
    /// asleep.
    fn group_sees_who_is_gone(preemptions: Some(3)) {
        meet_all(3, |mut party, number, work| {
            work.write(number);
            match number {
                0 => assert_eq!(party.wait_async().wait(), Err(Disconnected)),
                1 => drop(party.try_wait()),
                _ => {}
            }
            None
        });
    }

    /// Two of three arrive and go: the third one meets them, and nobody after that.
    fn group_meets_the_last_arrivals(preemptions: Some(2)) {
        meet_all(3, |mut party, number, work| {
            work.write(number);
            if number != 0 {
                let _ = party.try_wait();
                return None;
            }
            party.wait_async().wait().unwrap();
            work.read_all();
            assert_eq!(party.wait_async().wait(), Err(Disconnected));
            None
        });
    }

    /// What was done before a party was dropped is seen by who finds it gone.
    fn group_death_carries_data(preemptions: Some(3)) {
        meet_all(2, |mut party, number, work| {
            if number == 1 {
                work.write(0);
                work.write(1);
                return None;
            }
            assert!(party.wait_async().wait().is_err());
            work.read_all();
            None
        });
    }
}

//! Wrong structures: each is found, made small and drawn.
#![cfg(not(counterpoint_loom))]

use counterpoint_base::prim::atomic::{AtomicU64, RELAXED};
use counterpoint_base::prim::thread::yield_now;
use counterpoint_stress::failure::{Fault, Wrong};
use counterpoint_stress::model::{Beside, Done, Model};
use counterpoint_stress::{Call, Pick, Started, Subject};
use std::collections::VecDeque;
use std::sync::Mutex;
use std::task::{Poll, Waker};

#[cfg(not(counterpoint_shuttle))]
fn run<S: Subject>(subject: S) -> Option<Fault<S>> {
    let how = counterpoint_stress::threads::Threads {
        parties: 3,
        steps: 6,
        histories: 100_000,
        seed: 7,
        patience: std::time::Duration::from_millis(500),
        again: 100,
    };
    how.run(subject).err()
}

#[cfg(counterpoint_shuttle)]
fn run<S: Subject>(subject: S) -> Option<Fault<S>> {
    let how = counterpoint_stress::schedules::Schedules {
        parties: 3,
        steps: 6,
        schedules: 2_000,
    };
    how.run(subject).err()
}

/// Finds the fault, in so many steps if schedules can be repeated: real threads may not meet again
/// when there is less to do.
fn found<S: Subject>(subject: S, steps: usize) -> Fault<S> {
    let failure = run(subject).expect("the fault is found");
    println!("{failure}");
    let left: usize = failure.plan.iter().map(Vec::len).sum();
    if cfg!(counterpoint_shuttle) {
        assert!(
            left <= steps,
            "{steps} steps suffice, these are {left}: {failure}"
        );
    }
    failure
}

/// Adds by a read and a write.
struct LostUpdate;

impl Model for LostUpdate {
    type Op = u64;
    type Ret = u64;
    type State = u64;

    fn initial(&self, _parties: usize) -> u64 {
        0
    }

    fn done(
        &self,
        state: &u64,
        call: Done<'_, u64, u64>,
        _: &Beside<'_, u64, u64>,
        next: &mut Vec<u64>,
    ) {
        if call.ret == state {
            next.push(state + call.op);
        }
    }
}

impl Subject for LostUpdate {
    const NAME: &'static str = "planted: an addition in two steps";

    type Real = AtomicU64;
    type Local<'r> = ();

    fn real(&self, _parties: usize) -> AtomicU64 {
        AtomicU64::new(0)
    }

    fn local(&self, _real: &AtomicU64, _party: usize) {}

    fn choose(&self, _party: usize, pick: &mut Pick<'_>) -> u64 {
        1 + u64::from(pick.below(3))
    }

    fn start<'l, 'r: 'l>(
        &'l self,
        real: &'r AtomicU64,
        _: &'l mut (),
        op: &u64,
    ) -> Started<'l, u64> {
        let before = real.load(RELAXED);
        yield_now();
        real.store(before + op, RELAXED);
        Started::Done(before)
    }
}

#[test]
fn a_lost_update_is_found() {
    let failure = found(LostUpdate, 3);
    assert!(matches!(failure.wrong, Wrong::Order(_)));
}

/// In a long history, too, of which the end is shown.
#[cfg(not(counterpoint_shuttle))]
#[test]
fn a_lost_update_is_found_late() {
    let how = counterpoint_stress::threads::Threads {
        parties: 3,
        steps: 20_000,
        histories: 100,
        seed: 7,
        patience: std::time::Duration::from_secs(60),
        again: 0,
    };
    let failure = how.run_long(LostUpdate).expect_err("the fault is found");
    println!("{failure}");
    assert!(matches!(failure.wrong, Wrong::Order(_)));
    assert!(
        failure.history.calls.len() < 100,
        "the end is enough: {failure}"
    );
}

/// A read of a copy that is made at the first read.
struct StaleRead;

#[derive(Clone, Debug)]
enum Access {
    Write(u64),
    Read,
}

impl Model for StaleRead {
    type Op = Access;
    type Ret = u64;
    type State = u64;

    fn initial(&self, _parties: usize) -> u64 {
        0
    }

    fn done(
        &self,
        state: &u64,
        call: Done<'_, Access, u64>,
        _: &Beside<'_, Access, u64>,
        next: &mut Vec<u64>,
    ) {
        match call.op {
            Access::Write(value) => next.push(*value),
            Access::Read if call.ret == state => next.push(*state),
            Access::Read => {}
        }
    }
}

impl Subject for StaleRead {
    const NAME: &'static str = "planted: a read from a copy";

    type Real = AtomicU64;
    type Local<'r> = Option<u64>;

    fn real(&self, _parties: usize) -> AtomicU64 {
        AtomicU64::new(0)
    }

    fn local(&self, _real: &AtomicU64, _party: usize) -> Option<u64> {
        None
    }

    fn choose(&self, _party: usize, pick: &mut Pick<'_>) -> Access {
        let value = 1 + u64::from(pick.below(9));
        pick.one_of(&[Access::Write(value), Access::Read, Access::Read])
    }

    fn start<'l, 'r: 'l>(
        &'l self,
        real: &'r AtomicU64,
        copy: &'l mut Option<u64>,
        op: &Access,
    ) -> Started<'l, u64> {
        match op {
            Access::Write(value) => real.store(*value, RELAXED),
            Access::Read => {
                let copy = copy.get_or_insert_with(|| real.load(RELAXED));
                return Started::Done(*copy);
            }
        }
        Started::Done(0)
    }
}

#[test]
fn a_stale_read_is_found() {
    let failure = found(StaleRead, 3);
    assert!(matches!(failure.wrong, Wrong::Order(_)));
}

/// A queue whose `pop` looks first and takes later: an element may go to two.
struct Twice;

#[derive(Clone, Debug, PartialEq)]
enum End {
    Push(u64),
    Pop,
}

impl Model for Twice {
    type Op = End;
    type Ret = Option<u64>;
    type State = Vec<u64>;

    fn initial(&self, _parties: usize) -> Vec<u64> {
        Vec::new()
    }

    fn done(
        &self,
        state: &Vec<u64>,
        call: Done<'_, End, Option<u64>>,
        _: &Beside<'_, End, Option<u64>>,
        next: &mut Vec<Vec<u64>>,
    ) {
        let mut after = state.clone();
        let expected = match call.op {
            End::Push(value) => {
                after.push(*value);
                None
            }
            End::Pop if after.is_empty() => None,
            End::Pop => Some(after.remove(0)),
        };
        if *call.ret == expected {
            next.push(after);
        }
    }
}

impl Subject for Twice {
    const NAME: &'static str = "planted: a queue that gives twice";

    type Real = Mutex<VecDeque<u64>>;
    type Local<'r> = ();

    fn real(&self, _parties: usize) -> Self::Real {
        Mutex::new(VecDeque::new())
    }

    fn local(&self, _real: &Self::Real, _party: usize) {}

    fn choose(&self, party: usize, pick: &mut Pick<'_>) -> End {
        let value = 10 * party as u64 + u64::from(pick.below(9));
        pick.one_of(&[End::Push(value), End::Pop])
    }

    fn start<'l, 'r: 'l>(
        &'l self,
        real: &'r Self::Real,
        _: &'l mut (),
        op: &End,
    ) -> Started<'l, Option<u64>> {
        Started::Done(match op {
            End::Push(value) => {
                real.lock().unwrap().push_back(*value);
                None
            }
            End::Pop => {
                let first = real.lock().unwrap().front().copied();
                yield_now();
                real.lock().unwrap().pop_front();
                first
            }
        })
    }
}

#[test]
fn an_element_given_twice_is_found() {
    let failure = found(Twice, 4);
    assert!(matches!(failure.wrong, Wrong::Order(_)));
}

/// A token that is left and taken; who leaves it looks for a waiter before it leaves it.
struct Forgetful;

#[derive(Clone, Debug, PartialEq)]
enum Move {
    Leave,
    Take,
}

#[derive(Default)]
struct Place {
    token: Mutex<u64>,
    waiters: Mutex<Vec<Waker>>,
}

impl Model for Forgetful {
    type Op = Move;
    type Ret = ();
    type State = u64;

    fn initial(&self, _parties: usize) -> u64 {
        0
    }

    fn done(
        &self,
        state: &u64,
        call: Done<'_, Move, ()>,
        _: &Beside<'_, Move, ()>,
        next: &mut Vec<u64>,
    ) {
        match call.op {
            Move::Leave => next.push(state + 1),
            Move::Take if *state > 0 => next.push(state - 1),
            Move::Take => {}
        }
    }

    fn waits(&self, state: &u64, _party: usize, op: &Move) -> bool {
        *op == Move::Take && *state == 0
    }

    fn may_rest(&self, state: &u64, waiting: &[Call<Move, ()>]) -> bool {
        *state == 0 || waiting.is_empty()
    }
}

impl Subject for Forgetful {
    const NAME: &'static str = "planted: a wake-up before the change";

    type Real = Place;
    type Local<'r> = ();

    fn real(&self, _parties: usize) -> Place {
        Place::default()
    }

    fn local(&self, _real: &Place, _party: usize) {}

    fn choose(&self, _party: usize, pick: &mut Pick<'_>) -> Move {
        pick.one_of(&[Move::Leave, Move::Take])
    }

    fn start<'l, 'r: 'l>(&'l self, real: &'r Place, _: &'l mut (), op: &Move) -> Started<'l, ()> {
        if *op == Move::Take {
            return Started::awaits(std::future::poll_fn(|cx| {
                real.waiters.lock().unwrap().push(cx.waker().clone());
                let mut token = real.token.lock().unwrap();
                match token.checked_sub(1) {
                    None => Poll::Pending,
                    Some(rest) => {
                        *token = rest;
                        Poll::Ready(())
                    }
                }
            }));
        }
        let waiters = std::mem::take(&mut *real.waiters.lock().unwrap());
        waiters.into_iter().for_each(Waker::wake);
        yield_now();
        *real.token.lock().unwrap() += 1;
        Started::Done(())
    }
}

#[test]
fn a_lost_wake_up_is_found() {
    let failure = found(Forgetful, 2);
    assert_eq!(failure.wrong, Wrong::Stuck);
    let still = failure.history.standstill.as_ref().expect("somebody waits");
    assert!(still.waiting.iter().any(|call| call.op == Move::Take));
}

#[cfg(not(counterpoint_shuttle))]
mod leaky {
    use super::{
        Beside, Done, Forgetful, Model, Move, Mutex, Pick, Poll, Started, Subject, VecDeque, Waker,
        Wrong,
    };
    use counterpoint_stress::plan::Random;
    use counterpoint_stress::tasks;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};

    /// As `Forgetful`, but a token is granted to a waiter, and lost if the waiter is dropped then.
    struct Leaky;

    #[derive(Default)]
    struct Grants {
        token: u64,
        waiters: VecDeque<(Arc<AtomicBool>, Waker)>,
    }

    impl Model for Leaky {
        type Op = Move;
        type Ret = ();
        type State = u64;

        fn initial(&self, _parties: usize) -> u64 {
            0
        }

        fn done(
            &self,
            state: &u64,
            call: Done<'_, Move, ()>,
            beside: &Beside<'_, Move, ()>,
            next: &mut Vec<u64>,
        ) {
            Forgetful.done(state, call, beside, next);
        }

        fn waits(&self, state: &u64, party: usize, op: &Move) -> bool {
            Forgetful.waits(state, party, op)
        }
    }

    impl Subject for Leaky {
        const NAME: &'static str = "planted: a grant that is lost with its waiter";

        type Real = Mutex<Grants>;
        type Local<'r> = ();

        fn real(&self, _parties: usize) -> Mutex<Grants> {
            Mutex::default()
        }

        fn local(&self, _real: &Mutex<Grants>, _party: usize) {}

        fn choose(&self, party: usize, pick: &mut Pick<'_>) -> Move {
            Forgetful.choose(party, pick)
        }

        fn start<'l, 'r: 'l>(
            &'l self,
            real: &'r Mutex<Grants>,
            _: &'l mut (),
            op: &Move,
        ) -> Started<'l, ()> {
            if *op == Move::Leave {
                let mut grants = real.lock().unwrap();
                match grants.waiters.pop_front() {
                    None => grants.token += 1,
                    Some((granted, waker)) => {
                        granted.store(true, Ordering::SeqCst);
                        waker.wake();
                    }
                }
                return Started::Done(());
            }
            let (granted, mut queued) = (Arc::new(AtomicBool::new(false)), false);
            Started::awaits(std::future::poll_fn(move |cx| {
                let mut grants = real.lock().unwrap();
                if granted.load(Ordering::SeqCst) {
                    return Poll::Ready(());
                }
                if !queued && grants.token > 0 {
                    grants.token -= 1;
                    return Poll::Ready(());
                }
                grants
                    .waiters
                    .retain(|(other, _)| !Arc::ptr_eq(other, &granted));
                let waker = cx.waker().clone();
                grants.waiters.push_back((granted.clone(), waker));
                queued = true;
                Poll::Pending
            }))
        }
    }

    #[test]
    fn a_grant_lost_with_a_dropped_waiter_is_found() {
        let mut random = Random::new(3);
        let failure = (0..10_000).find_map(|_| {
            let bytes: Vec<u8> = (0..200).map(|_| random.below(256) as u8).collect();
            tasks::run(&Leaky, &bytes).err()
        });
        let failure = failure.expect("the fault is found");
        println!("{failure}");
        assert_eq!(failure.wrong, Wrong::Stuck);
    }
}

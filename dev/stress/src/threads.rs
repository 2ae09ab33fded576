//! Histories of real threads. With the cfg `counterpoint_jitter` they meet in rare windows, too.

use crate::desk::{Desk, Rest};
use crate::failure::{Failure, Fault, Wrong, message, shrink};
use crate::history::{History, Standstill};
use crate::linear::{Verdict, check};
use crate::plan::{Pick, Plan, Random, draw, draw_long};
use crate::subject::Subject;
use crate::sweep;
use std::any::Any;
use std::panic::{self, AssertUnwindSafe};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// For how long nothing moves before the watcher thinks of a standstill.
const QUIET: Duration = Duration::from_micros(300);

/// How many calls of a long history are shown if it is wrong.
const SHOWN: usize = 24;

/// The crews whose threads never end, never dropped, for that would wait for them.
static LOST: Mutex<Vec<Box<dyn Any + Send>>> = Mutex::new(Vec::new());

/// How many histories are recorded, and of what.
#[derive(Clone, Copy, Debug)]
pub struct Threads {
    /// Parties, each a thread.
    pub parties: usize,
    /// Steps of each at most.
    pub steps: usize,
    /// Histories.
    pub histories: u64,
    /// What the plans are drawn from.
    pub seed: u64,
    /// For how long nothing moves before a standstill that the model forbids is one.
    pub patience: Duration,
    /// How often a smaller plan is run to see whether it fails as well.
    pub again: u64,
}

/// What was recorded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// Histories.
    pub histories: u64,
    /// Those in which calls overlapped.
    pub concurrent: u64,
    /// Those that came to rest with somebody waiting.
    pub rested: u64,
}

type Real<S> = <S as Subject>::Real;
type Rested<S> = Option<Standstill<<S as crate::Model>::Op, <S as crate::Model>::Ret>>;
/// A run that is over, and the standstill that there was.
type Recorded<S> = (Arc<Round<S>>, Rested<S>);

/// What the threads of a run share.
struct Round<S: Subject> {
    real: Real<S>,
    desk: Desk<S::Op, S::Ret>,
    plan: Plan<S::Op>,
    panicked: Mutex<Option<String>>,
}

/// Threads that run plans together, one after the other.
struct Crew<S: Subject> {
    subject: Arc<S>,
    round: Arc<Mutex<Option<Arc<Round<S>>>>>,
    /// Counts rounds; odd while the crew is to go home.
    begun: Arc<AtomicUsize>,
    ready: Arc<AtomicUsize>,
    threads: Vec<thread::JoinHandle<()>>,
    patience: Duration,
}

impl Threads {
    /// Records and judges histories. A wrong one is made as small as it gets.
    ///
    /// # Errors
    /// The wrong history.
    pub fn run<S: Subject>(&self, subject: S) -> Result<Count, Fault<S>> {
        let mut crew = Crew::new(subject, self);
        let mut count = Count::default();
        for number in 0..self.histories {
            let plan = self.plan(&*crew.subject, number);
            match crew.run(plan) {
                Ok(history) => {
                    count.histories += 1;
                    count.concurrent += u64::from(history.is_concurrent());
                    count.rested += u64::from(history.standstill.is_some());
                }
                Err(failure) => return Err(self.smallest(crew, failure, number)),
            }
        }
        Ok(count)
    }

    /// Records and judges long histories: each party does all of `steps` with one structure, and no
    /// wait is without an end. Returns how many calls overlapped another one, of how many.
    ///
    /// # Errors
    /// The wrong history, of which the end is shown. No smaller one is looked for.
    pub fn run_long<S: Subject>(&self, subject: S) -> Result<(usize, usize), Fault<S>> {
        let mut crew = Crew::new(subject, self);
        let (mut concurrent, mut all) = (0, 0);
        for number in 0..self.histories {
            let mut random = self.random(number);
            let mut below = |end| random.below(end);
            let mut pick = Pick::new(&mut below);
            let plan = draw_long(&*crew.subject, self.parties, self.steps, &mut pick);
            let (round, _) = crew
                .record(plan, false)
                .map_err(|failure| self.end_of(failure, u64::MAX, number))?;
            let history = round.desk.history();
            all += history.calls.len();
            let judgement = sweep::judge(&*crew.subject, self.parties, &history.calls);
            if judgement.verdict != Verdict::Yes {
                let wrong = Wrong::Order(judgement.verdict);
                let failure = crew.failure(&round, history, wrong);
                return Err(self.end_of(failure, judgement.upto, number));
            }
            concurrent += judgement.concurrent;
        }
        Ok((concurrent, all))
    }

    /// A failure with the calls before `upto`, and those beside them, alone.
    fn end_of<O, R>(
        &self,
        mut failure: Box<Failure<O, R>>,
        upto: u64,
        number: u64,
    ) -> Box<Failure<O, R>> {
        let calls = &mut failure.history.calls;
        let all = calls.len();
        calls.sort_by_key(|call| call.to);
        let end = calls.partition_point(|call| call.to <= upto);
        let from = calls[end.saturating_sub(SHOWN)..end]
            .first()
            .map_or(0, |call| call.to);
        calls.retain(|call| call.to >= from && call.from <= upto);
        failure.plan.iter_mut().for_each(Vec::clear);
        failure.again = format!(
            "These are {} of {all} calls; those before them are in order. Drawn with \
             COUNTERPOINT_SEED={}, long history {number} of {} steps for each party.",
            failure.history.calls.len(),
            self.seed,
            self.steps
        );
        failure
    }

    fn random(&self, number: u64) -> Random {
        Random::new(self.seed ^ number.wrapping_mul(0xD1B5_4A32_D192_ED03))
    }

    fn plan<S: Subject>(&self, subject: &S, number: u64) -> Plan<S::Op> {
        let mut random = self.random(number);
        let mut below = |end| random.below(end);
        draw(
            subject,
            self.parties,
            self.steps,
            &mut Pick::new(&mut below),
        )
    }

    fn smallest<S: Subject>(&self, mut crew: Crew<S>, found: Fault<S>, number: u64) -> Fault<S> {
        let mut failure = match found.wrong {
            // Its threads are lost, and so would be those of each attempt.
            Wrong::Stuck => {
                let mut lost = LOST.lock().unwrap_or_else(PoisonError::into_inner);
                lost.push(Box::new(crew));
                found
            }
            _ => shrink(found, |plan| {
                (0..self.again).find_map(|_| crew.run(plan.clone()).err())
            }),
        };
        failure.again = format!(
            "Drawn with COUNTERPOINT_SEED={}, history {number}; real threads may need many attempts.",
            self.seed
        );
        failure
    }
}

impl<S: Subject> Crew<S> {
    fn new(subject: S, how: &Threads) -> Crew<S> {
        let mut crew = Crew {
            subject: Arc::new(subject),
            round: Arc::new(Mutex::new(None)),
            begun: Arc::new(AtomicUsize::new(0)),
            ready: Arc::new(AtomicUsize::new(0)),
            threads: Vec::new(),
            patience: how.patience,
        };
        crew.threads = (0..how.parties).map(|party| crew.spawn(party)).collect();
        crew
    }

    fn spawn(&self, party: usize) -> thread::JoinHandle<()> {
        let subject = self.subject.clone();
        let (round, begun, ready) = (self.round.clone(), self.begun.clone(), self.ready.clone());
        thread::spawn(move || {
            let mut seen = 0;
            loop {
                seen = await_change(&begun, seen);
                if seen % 2 != 0 {
                    return;
                }
                let current = round.lock().unwrap_or_else(PoisonError::into_inner).clone();
                let current = current.expect("a round was laid out");
                // All begin at once.
                ready.fetch_sub(1, Ordering::AcqRel);
                spin_until(|| ready.load(Ordering::Acquire) == 0);
                let part = AssertUnwindSafe(|| {
                    current
                        .desk
                        .take_part(&*subject, &current.real, party, &current.plan[party]);
                });
                if let Err(payload) = panic::catch_unwind(part) {
                    *current
                        .panicked
                        .lock()
                        .unwrap_or_else(PoisonError::into_inner) = Some(message(&*payload));
                    current.desk.leave(party);
                }
            }
        })
    }

    /// Runs a plan, and judges what happened.
    fn run(&mut self, plan: Plan<S::Op>) -> Result<History<S::Op, S::Ret>, Fault<S>> {
        let (round, standstill) = self.record(plan, true)?;
        let mut history = round.desk.history();
        match check(&*self.subject, round.plan.len(), &history) {
            Verdict::Yes => {
                history.standstill = standstill;
                Ok(history)
            }
            other => Err(self.failure(&round, history, Wrong::Order(other))),
        }
    }

    /// Runs a plan. A standstill is judged, or else taken as the end.
    fn record(&mut self, plan: Plan<S::Op>, judged: bool) -> Result<Recorded<S>, Fault<S>> {
        let parties = plan.len();
        let round = Arc::new(Round::<S> {
            real: self.subject.real(parties),
            desk: Desk::new(parties),
            plan,
            panicked: Mutex::new(None),
        });
        *self.round.lock().unwrap_or_else(PoisonError::into_inner) = Some(round.clone());
        self.ready.store(parties, Ordering::Release);
        self.begun.fetch_add(2, Ordering::Release);
        let standstill = self.watch(&round, judged)?;
        let panicked = round
            .panicked
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        match panicked {
            Some(panicked) => {
                let history = round.desk.history();
                Err(self.failure(&round, history, Wrong::Panic(panicked)))
            }
            None => Ok((round, standstill)),
        }
    }

    fn failure(&self, round: &Round<S>, history: History<S::Op, S::Ret>, wrong: Wrong) -> Fault<S> {
        Box::new(Failure {
            name: S::NAME,
            wrong,
            plan: round.plan.clone(),
            history,
            again: String::new(),
        })
    }

    /// Watches until all are over; returns the standstill that there was.
    fn watch(&self, round: &Round<S>, judged: bool) -> Result<Rested<S>, Fault<S>> {
        let mut standstill = None;
        let mut bell = 0;
        let mut last = (Rest::Moving, Instant::now());
        loop {
            let rest = round.desk.rest();
            if rest == Rest::Over {
                return Ok(standstill);
            }
            let quiet = last.0 == rest;
            if !quiet {
                last = (rest, Instant::now());
            }
            let still = quiet && matches!(rest, Rest::Still(_));
            if still && !judged {
                round.desk.stop();
                self.subject.stop(&round.real);
            } else if still && standstill.is_none() {
                let history = round.desk.history();
                if check(&*self.subject, round.plan.len(), &history) == Verdict::Yes {
                    standstill = history.standstill;
                    round.desk.stop();
                    self.subject.stop(&round.real);
                    continue;
                }
            }
            if quiet && last.1.elapsed() > self.patience {
                return Err(self.failure(round, round.desk.history(), Wrong::Stuck));
            }
            bell = round.desk.watch(bell, Some(Instant::now() + QUIET));
        }
    }
}

impl<S: Subject> Drop for Crew<S> {
    fn drop(&mut self) {
        self.begun.fetch_add(1, Ordering::Release);
        for thread in self.threads.drain(..) {
            // A panic of a party was caught inside.
            let _ = thread.join();
        }
    }
}

fn spin_until(done: impl Fn() -> bool) {
    let mut rounds = 0;
    while !done() {
        rounds += 1;
        if rounds % 64 == 0 {
            thread::yield_now();
        } else {
            std::hint::spin_loop();
        }
    }
}

/// Waits until the number is another one, and returns it.
fn await_change(number: &AtomicUsize, seen: usize) -> usize {
    spin_until(|| number.load(Ordering::Acquire) != seen);
    number.load(Ordering::Acquire)
}

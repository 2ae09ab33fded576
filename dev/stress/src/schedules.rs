//! Histories in the schedules of shuttle, random ones and those of PCT. The plan of each is drawn
//! from the schedule's own random numbers, so that a seed repeats both.

use crate::desk::{Desk, Rest};
use crate::failure::{Failure, Fault, Wrong, message, shrink};
use crate::history::History;
use crate::linear::{Verdict, check};
use crate::plan::{Pick, Plan, draw};
use crate::subject::Subject;
use counterpoint_base::prim::sync::Arc;
use counterpoint_base::prim::{self, Branch, Check, thread};
use std::panic::{self, AssertUnwindSafe};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

/// What the machine decides by itself is decided by the schedule.
const BRANCHES: &[Branch] = &[
    Branch::DeadlineFirst,
    Branch::SpuriousWake,
    Branch::WeakFails,
];

/// How often a smaller plan is run to see whether it fails as well.
const AGAIN: usize = 500;

/// How many histories are recorded.
#[derive(Clone, Copy, Debug)]
pub struct Schedules {
    /// Parties, each a thread of the checker.
    pub parties: usize,
    /// Steps of each at most.
    pub steps: usize,
    /// Random schedules, and as many of PCT; each is a history.
    pub schedules: usize,
}

/// What is being run and what was found; not seen by the checker.
struct Found<S: Subject> {
    plan: Mutex<Plan<S::Op>>,
    history: Mutex<History<S::Op, S::Ret>>,
    failure: Mutex<Option<Fault<S>>>,
    histories: AtomicU64,
}

fn set<T>(place: &Mutex<T>, value: T) {
    *place.lock().unwrap_or_else(PoisonError::into_inner) = value;
}

fn get<T: Clone>(place: &Mutex<T>) -> T {
    place.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

impl Schedules {
    /// Records and judges histories; returns how many. A wrong one is made as small as it gets.
    ///
    /// # Errors
    /// The wrong history.
    pub fn run<S: Subject>(&self, subject: S) -> Result<u64, Fault<S>> {
        let subject = std::sync::Arc::new(subject);
        let found = self.explore(&subject, None, self.schedules);
        let histories = found.histories.load(Ordering::Relaxed);
        let Some(failure) = get(&found.failure) else {
            return Ok(histories);
        };
        let mut failure = shrink(failure, |plan| {
            let found = self.explore(&subject, Some(plan.clone()), AGAIN);
            get(&found.failure)
        });
        failure.again =
            format!("Found in schedule {histories} of this seed; COUNTERPOINT_SEED sets it.");
        Err(failure)
    }

    /// Runs a plan, or drawn ones, in so many schedules or until one fails.
    fn explore<S: Subject>(
        &self,
        subject: &std::sync::Arc<S>,
        plan: Option<Plan<S::Op>>,
        schedules: usize,
    ) -> std::sync::Arc<Found<S>> {
        let found = std::sync::Arc::new(Found::<S> {
            plan: Mutex::new(Plan::new()),
            history: Mutex::new(History::default()),
            failure: Mutex::new(None),
            histories: AtomicU64::new(0),
        });
        let how = Check {
            branches: BRANCHES,
            per_thread: 6,
            schedules,
            ..Check::new(S::NAME)
        };
        let (body_found, body_subject, me) = (found.clone(), subject.clone(), *self);
        let body = move || {
            // The schedules after a failure are of no interest.
            if get(&body_found.failure).is_none() {
                me.one(&body_subject, plan.clone(), &body_found);
            }
        };
        let run = panic::catch_unwind(AssertUnwindSafe(|| prim::check(&how, body)));
        if let Err(payload) = run {
            let message = message(&*payload);
            // A plan made so small that it has one thread left is no failure.
            let alone = message.contains("did not exercise any concurrency");
            if !alone && get(&found.failure).is_none() {
                // Who sleeps while nobody can wake it: the checker has said so.
                let wrong = match message.starts_with("deadlock") {
                    true => Wrong::Stuck,
                    false => Wrong::Panic(message),
                };
                let failure = Failure {
                    name: S::NAME,
                    wrong,
                    plan: get(&found.plan),
                    history: get(&found.history),
                    again: String::new(),
                };
                set(&found.failure, Some(Box::new(failure)));
            }
        }
        found
    }

    /// One history.
    fn one<S: Subject>(
        &self,
        subject: &std::sync::Arc<S>,
        plan: Option<Plan<S::Op>>,
        found: &Found<S>,
    ) {
        let plan = plan.unwrap_or_else(|| {
            use shuttle::rand::Rng;
            let mut random = shuttle::rand::thread_rng();
            let mut below = |end| random.gen_range(0..end);
            draw(
                &**subject,
                self.parties,
                self.steps,
                &mut Pick::new(&mut below),
            )
        });
        set(&found.plan, plan.clone());
        let shared = Arc::new((subject.real(plan.len()), Desk::new(plan.len())));
        let threads: Vec<_> = plan
            .iter()
            .enumerate()
            .map(|(party, steps)| {
                let (shared, subject, steps) = (shared.clone(), subject.clone(), steps.clone());
                thread::spawn(move || {
                    shared.1.take_part(&*subject, &shared.0, party, &steps);
                })
            })
            .collect();
        self.watch(&**subject, &shared.0, &shared.1, found);
        for thread in threads {
            thread.join().expect("a panic has ended the schedule");
        }
        let history = shared.1.history();
        let verdict = check(&**subject, plan.len(), &history);
        found.histories.fetch_add(1, Ordering::Relaxed);
        if verdict != Verdict::Yes {
            let failure = Failure {
                name: S::NAME,
                wrong: Wrong::Order(verdict),
                plan,
                history,
                again: String::new(),
            };
            set(&found.failure, Some(Box::new(failure)));
        }
    }

    /// Sees the parties to their ends.
    fn watch<S: Subject>(
        &self,
        subject: &S,
        real: &S::Real,
        desk: &Desk<S::Op, S::Ret>,
        found: &Found<S>,
    ) {
        let (mut bell, mut stopped) = (0, false);
        loop {
            match desk.rest() {
                Rest::Over => return,
                Rest::Still(_) if !stopped => {
                    let history = desk.history();
                    set(&found.history, history.clone());
                    if check(subject, self.parties, &history) == Verdict::Yes {
                        stopped = true;
                        desk.stop();
                        subject.stop(real);
                    }
                }
                _ => {}
            }
            bell = desk.watch(bell, None);
        }
    }
}

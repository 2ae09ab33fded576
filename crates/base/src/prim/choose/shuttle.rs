//! Many schedules, by shuttle: random ones, random priorities (PCT), and all of them where they
//! are few.

use super::Check;
use super::checked::{Key, Script, Shared, begin, open};
use shuttle::scheduler::{
    DfsScheduler, PctScheduler, RandomScheduler, ReplayScheduler, Schedule, Scheduler, Task, TaskId,
};
use shuttle::{Config, FailurePersistence, MaxSteps, Runner};
use std::cell::RefCell;
use std::sync::Arc;

/// At most so many schedules are tried one after the other to have seen them all.
const FEW: usize = 10_000;

/// After so many steps such a schedule is given up: a loop of busy waiting has endless ones.
const STEPS: usize = 2_000;

/// The depth of the priorities: bugs that need so many orderings to meet are likely to be found.
const DEPTH: usize = 3;

/// The number of the running task.
pub(super) fn thread_number() -> usize {
    shuttle::current::me().into()
}

/// At random.
pub(super) fn decide(_script: &mut Script, _key: Key) -> bool {
    use shuttle::rand::Rng;
    shuttle::rand::thread_rng().gen_bool(0.3)
}

/// What the engine did in the running execution.
#[derive(Default)]
struct Record {
    seed: u64,
    /// The number of a task, or none for a random number.
    steps: Vec<Option<usize>>,
}

thread_local! {
    /// All tasks of an execution run on the thread that called `check`.
    static RECORD: RefCell<Record> = const { RefCell::new(Record { seed: 0, steps: Vec::new() }) };
}

/// Notes what the scheduler behind it decides.
struct Recorder<S>(S);

impl<S: Scheduler> Scheduler for Recorder<S> {
    fn new_execution(&mut self) -> Option<Schedule> {
        let schedule = self.0.new_execution()?;
        RECORD.with_borrow_mut(|record| {
            record.seed = schedule.seed;
            record.steps.clear();
        });
        Some(schedule)
    }

    fn next_task(
        &mut self,
        runnable: &[&Task],
        current: Option<TaskId>,
        yielding: bool,
    ) -> Option<TaskId> {
        let task = self.0.next_task(runnable, current, yielding)?;
        RECORD.with_borrow_mut(|record| record.steps.push(Some(task.into())));
        Some(task)
    }

    fn next_u64(&mut self) -> u64 {
        RECORD.with_borrow_mut(|record| record.steps.push(None));
        self.0.next_u64()
    }
}

/// `shuttle:<seed>:<steps>`. A step is a letter for the task that runs (`a` is the first one, as
/// `main` in the messages) or `.` for a random number, with a count if there are several in a row.
pub(super) fn schedule(_script: &Script) -> String {
    RECORD.with_borrow(|record| {
        let mut text = format!("shuttle:{:x}:", record.seed);
        for run in record.steps.chunk_by(|a, b| a == b) {
            match run[0] {
                None => text.push('.'),
                Some(task) => text.push(letter(task)),
            }
            if run.len() > 1 {
                text.push_str(&run.len().to_string());
            }
        }
        text
    })
}

/// `?` cannot be read back; that takes more than 52 tasks.
fn letter(task: usize) -> char {
    let letters = ('a'..='z').chain('A'..='Z');
    letters.clone().nth(task).unwrap_or('?')
}

/// Reads what [`schedule`] wrote.
fn parse(text: &str) -> Option<Schedule> {
    let (seed, steps) = text.strip_prefix("shuttle:")?.split_once(':')?;
    let mut schedule = Schedule::new(u64::from_str_radix(seed, 16).ok()?);
    let mut steps = steps.chars().peekable();
    while let Some(step) = steps.next() {
        let mut count = String::new();
        while let Some(digit) = steps.next_if(char::is_ascii_digit) {
            count.push(digit);
        }
        let count = if count.is_empty() {
            1
        } else {
            count.parse().ok()?
        };
        let task = ('a'..='z').chain('A'..='Z').position(|known| known == step);
        for _ in 0..count {
            match (step, task) {
                ('.', _) => schedule.push_random(),
                (_, Some(task)) => schedule.push_task(TaskId::from(task)),
                _ => return None,
            }
        }
    }
    Some(schedule)
}

/// Runs the model as the scheduler says; returns how often.
fn run(
    script: &Shared,
    model: &Arc<dyn Fn() + Send + Sync>,
    scheduler: impl Scheduler + 'static,
    manner: &'static str,
    steps: MaxSteps,
) -> usize {
    {
        let mut script = open(script);
        script.manner = manner;
        script.in_run = 0;
    }
    let mut config = Config::new();
    // Our own line says the same, shorter.
    config.failure_persistence = FailurePersistence::None;
    config.max_steps = steps;
    let (script, model) = (script.clone(), model.clone());
    Runner::new(Recorder(scheduler), config).run(move || {
        begin(&script);
        model();
    })
}

/// Tries random schedules, then random priorities, then all one after the other if the model
/// makes no choices.
pub(super) fn explore(how: &Check, script: &Shared, model: &Arc<dyn Fn() + Send + Sync>) -> String {
    println!("model {}: shuttle seed {}", how.name, how.seed);
    let (count, limit) = (how.schedules, Config::new().max_steps);
    let random = RandomScheduler::new_from_seed(how.seed, count);
    run(script, model, random, "random", limit);
    let pct = PctScheduler::new_from_seed(how.seed, DEPTH, count);
    run(script, model, pct, "PCT of depth 3", limit);
    let mut words = "shuttle, random and PCT of depth 3".to_owned();
    if how.branches.is_empty() {
        let few = FEW.min(count);
        let all = DfsScheduler::new(Some(few), false);
        let tried = run(script, model, all, "DFS", MaxSteps::ContinueAfter(STEPS));
        if tried < few {
            words.push_str(&format!(", all of {tried}"));
        }
    }
    words
}

/// Runs the one schedule.
pub(super) fn replay(
    _how: &Check,
    script: &Shared,
    model: &Arc<dyn Fn() + Send + Sync>,
    schedule: &str,
) -> String {
    let Some(schedule) = parse(schedule) else {
        panic!("no schedule of shuttle: {schedule}");
    };
    let mut scheduler = ReplayScheduler::new_from_schedule(schedule);
    scheduler.set_allow_incomplete();
    run(
        script,
        model,
        scheduler,
        "replayed",
        Config::new().max_steps,
    );
    "shuttle, replayed".to_owned()
}

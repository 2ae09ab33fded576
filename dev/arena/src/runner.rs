//! Measures scenarios: a fresh process for each pair of subjects, several times, and again where
//! others disturbed.

use std::io::Read;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::book::Scenario;
use crate::child::{Answer, Order};
use crate::result::Row;
use crate::rooms::base;
use crate::system::{Others, Times};

/// A row in which others took more than this part of the processors is measured again.
const FOREIGN: f64 = 0.05;

/// The same for what the host gave to someone else.
const STOLEN: f64 = 0.02;

/// How often at most.
const ATTEMPTS: usize = 3;

/// The same code on both sides costs little, and it decides whether the run counts: it gets this
/// many times as many processes.
const SAME: usize = 3;

/// How thoroughly to measure.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    pub(crate) quick: bool,
    pub(crate) seed: u64,
}

impl Plan {
    fn processes(self, scenario: &Scenario) -> usize {
        let usual = if self.quick { 3 } else { 5 };
        if scenario.id == base::SAME {
            usual * SAME
        } else {
            usual
        }
    }

    fn order(self, scenario: &Scenario, ours: &str, peer: &str, process: usize) -> Order {
        // Milliseconds for the measurements of a scenario.
        let whole = if self.quick { 1_200 } else { 25_000 };
        let children = scenario.pairs().len() * self.processes(scenario);
        Order {
            scenario: scenario.id.clone(),
            ours: ours.to_owned(),
            peer: peer.to_owned(),
            batch: if self.quick { 2 } else { 4 },
            budget: whole / children.max(1) as u64,
            most: if self.quick { 20 } else { 60 },
            least: if self.quick { 2 } else { 6 },
            peer_first: process % 2 == 1,
        }
    }

    /// How many processes a scenario takes, if nobody disturbs.
    pub(crate) fn steps(self, scenario: &Scenario) -> u64 {
        (scenario.pairs().len() * self.processes(scenario)) as u64
    }
}

/// Measures a scenario; `step` is called after each process. An error is a sentence.
pub(crate) fn run(scenario: &Scenario, plan: Plan, step: &dyn Fn()) -> Result<Row, String> {
    let mut best: Option<Row> = None;
    for attempt in 1..=ATTEMPTS {
        let before = Times::now();
        let answers = answers(scenario, plan, step)?;
        let others = match (Times::now(), before) {
            (Some(after), Some(before)) => after.others_since(before),
            _ => Others::default(),
        };
        let row = Row {
            others,
            ..Row::new(scenario, answers, plan.seed)
        };
        let quiet = others.foreign <= FOREIGN && others.stolen <= STOLEN;
        let trusted = quiet && (scenario.id != base::SAME || row.best().ratio.holds(1.0));
        let better = best.as_ref().is_none_or(|best| {
            trusted || others.foreign + others.stolen < best.others.foreign + best.others.stolen
        });
        if better {
            best = Some(Row {
                noisy: !quiet,
                ..row
            });
        }
        if let Some(best) = best.as_mut() {
            best.attempts = attempt;
        }
        if trusted {
            break;
        }
    }
    best.ok_or_else(|| "Nothing was measured.".to_owned())
}

/// The answers of all children; processes take turns, so that each pair meets all weather.
fn answers(scenario: &Scenario, plan: Plan, step: &dyn Fn()) -> Result<Vec<Vec<Answer>>, String> {
    let pairs = scenario.pairs();
    let mut answers: Vec<Vec<Answer>> = pairs.iter().map(|_| Vec::new()).collect();
    for process in 0..plan.processes(scenario) {
        for ((ours, peer), answers) in pairs.iter().zip(&mut answers) {
            let order = plan.order(scenario, ours.name, peer.name, process);
            answers.push(ask(&order)?);
            step();
        }
    }
    Ok(answers)
}

/// This program.
pub(crate) fn program() -> Result<PathBuf, String> {
    std::env::current_exe().map_err(|error| format!("This program cannot find itself: {error}."))
}

/// Runs a child.
fn ask(order: &Order) -> Result<Answer, String> {
    let text = serde_json::to_string(order).map_err(|error| format!("{error}."))?;
    let failed = |what: String| {
        format!(
            "{} with {} and {}: {what}",
            order.scenario, order.ours, order.peer
        )
    };
    let mut child = Command::new(program()?)
        .args([crate::cli::CHILD, &text])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| failed(format!("no process can be started: {error}.")))?;
    let mut answer = String::new();
    if let Some(mut pipe) = child.stdout.take() {
        pipe.read_to_string(&mut answer)
            .map_err(|error| failed(format!("{error}.")))?;
    }
    let status = child.wait().map_err(|error| failed(format!("{error}.")))?;
    if !status.success() {
        return Err(failed(format!(
            "the process that measures ended with {status}."
        )));
    }
    serde_json::from_str(&answer).map_err(|error| failed(format!("no answer: {error}.")))
}

//! Measures scenarios: a fresh process for each pair of subjects, several times, and again where
//! others disturbed.

use std::io::Read;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::book::Scenario;
use crate::child::{Answer, Order};
use crate::result::Row;
use crate::rooms::base;
use crate::stats;
use crate::system::{Others, Times};

/// How often a row that others disturb is measured.
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
            fastest: 0.0,
        }
    }

    /// How many processes a scenario takes, if nobody disturbs.
    pub(crate) fn steps(self, scenario: &Scenario) -> u64 {
        (scenario.pairs().len() * self.processes(scenario)) as u64
    }
}

/// Measures scenarios, and remembers how fast the processors can be.
#[derive(Debug)]
pub(crate) struct Runner {
    plan: Plan,
    fastest: f64,
}

impl Runner {
    pub(crate) fn new(plan: Plan) -> Runner {
        Runner { plan, fastest: 0.0 }
    }

    /// Measures a scenario; `step` is called after each process. An error is a sentence.
    pub(crate) fn run(&mut self, scenario: &Scenario, step: &dyn Fn()) -> Result<Row, String> {
        let mut best: Option<Row> = None;
        for attempt in 1..=ATTEMPTS {
            let row = self.attempt(scenario, step)?;
            let quiet = row.others.are_quiet();
            let trusted = quiet && (scenario.id != base::SAME || row.best().ratio.holds(1.0));
            let better = |best: &Row| trusted || row.others.sum() < best.others.sum();
            if best.as_ref().is_none_or(better) {
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

    /// Measures a scenario once, with what others took meanwhile.
    fn attempt(&mut self, scenario: &Scenario, step: &dyn Fn()) -> Result<Row, String> {
        let before = Times::now();
        let answers = self.answers(scenario, step)?;
        let mut others = match (Times::now(), before) {
            (Some(after), Some(before)) => after.others_since(before),
            _ => Others::default(),
        };
        let mut speeds: Vec<f64> = answers
            .iter()
            .flatten()
            .map(|answer| answer.speed)
            .collect();
        others.slower = (1.0 - stats::quantile(&mut speeds, 0.5) / self.fastest).max(0.0);
        Ok(Row {
            others,
            ..Row::new(scenario, answers, self.plan.seed)
        })
    }

    /// The answers of all children; processes take turns, so that each pair meets all weather.
    fn answers(
        &mut self,
        scenario: &Scenario,
        step: &dyn Fn(),
    ) -> Result<Vec<Vec<Answer>>, String> {
        let pairs = scenario.pairs();
        let mut answers: Vec<Vec<Answer>> = pairs.iter().map(|_| Vec::new()).collect();
        for process in 0..self.plan.processes(scenario) {
            for ((ours, peer), answers) in pairs.iter().zip(&mut answers) {
                let order = self.plan.order(scenario, ours.name, peer.name, process);
                let answer = ask(&Order {
                    fastest: self.fastest,
                    ..order
                })?;
                self.fastest = self.fastest.max(answer.fastest);
                answers.push(answer);
                step();
            }
        }
        Ok(answers)
    }
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

//! Instructions instead of nanoseconds: exact, the same on a busy machine, and blind to whatever
//! is not instructions.
//!
//! Callgrind runs a subject with a number of operations and with twice as many; the difference is
//! what the operations cost, without the program around them. Only scenarios with one thread and
//! no wait have such a number: callgrind runs one thread at a time.

use serde::{Deserialize, Serialize};
use std::fmt::Write as _;
use std::process::{Command, Stdio};

use crate::book::{Book, Pace, Scenario};
use crate::cli::COUNT;
use crate::runner::program;

/// Operations in the shorter run, if the scenario does not ask for more.
const OPS: u64 = 10_000;

/// What a counted child is asked to do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Order {
    scenario: String,
    subject: String,
    ops: u64,
}

/// Does what is ordered, once.
pub(crate) fn obey(book: &Book, order: &Order) -> Result<(), String> {
    let scenario = book
        .find(&order.scenario)
        .ok_or("There is no such scenario.")?;
    let subject = scenario
        .subject(&order.subject)
        .ok_or("There is no such subject.")?;
    (subject.start)()(order.ops);
    Ok(())
}

/// Instructions an operation, for each subject of each scenario that has such a number. `show` is
/// given the lines of each scenario.
pub(crate) fn run(scenarios: &[&Scenario], mut show: impl FnMut(&str)) -> Result<(), String> {
    callgrind_is_there()?;
    let (counted, left_out): (Vec<&&Scenario>, Vec<&&Scenario>) =
        scenarios.iter().partition(|scenario| has_counts(scenario));
    for scenario in counted {
        let mut text = format!("\n{}  {}\n", scenario.id, scenario.about);
        let width = scenario
            .subjects
            .iter()
            .map(|subject| subject.name.len())
            .max()
            .unwrap_or(0);
        for subject in &scenario.subjects {
            let count = per_op(scenario, subject.name)?;
            let _ = writeln!(text, "  {:width$}  {count:>8.1} instructions", subject.name);
        }
        show(&text);
    }
    if !left_out.is_empty() {
        let names: Vec<&str> = left_out
            .iter()
            .map(|scenario| scenario.id.as_str())
            .collect();
        show(&format!(
            "\nnot counted, for they wait or have several threads: {}\n",
            names.join(", ")
        ));
    }
    Ok(())
}

fn has_counts(scenario: &Scenario) -> bool {
    !scenario.waits && matches!(scenario.pace, Pace::Ops(_))
}

fn per_op(scenario: &Scenario, subject: &str) -> Result<f64, String> {
    let least = match scenario.pace {
        Pace::Ops(least) => least,
        Pace::Window(_) => 1,
    };
    let ops = OPS.max(least);
    let order = |ops| Order {
        scenario: scenario.id.clone(),
        subject: subject.to_owned(),
        ops,
    };
    let (once, twice) = (instructions(&order(ops))?, instructions(&order(2 * ops))?);
    Ok((twice - once) as f64 / ops as f64)
}

/// Instructions of a whole run.
fn instructions(order: &Order) -> Result<i64, String> {
    let text = serde_json::to_string(order).map_err(|error| format!("{error}."))?;
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(program()?)
        .args([COUNT, &text])
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("callgrind cannot be started: {error}."))?;
    let said = String::from_utf8_lossy(&output.stderr);
    collected(&said)
        .filter(|_| output.status.success())
        .ok_or_else(|| {
            let last = said.lines().last().unwrap_or_default();
            format!(
                "callgrind ended with {} for {} with {}: {last}",
                output.status, order.scenario, order.subject
            )
        })
}

/// The number in callgrind's line `Collected : …`.
fn collected(said: &str) -> Option<i64> {
    let line = said
        .lines()
        .find_map(|line| line.split("Collected : ").nth(1))?;
    line.split_whitespace().next()?.parse().ok()
}

fn callgrind_is_there() -> Result<(), String> {
    let asked = Command::new("valgrind").arg("--version").output();
    match asked {
        Ok(output) if output.status.success() => Ok(()),
        _ => Err(
            "--counts needs callgrind: install valgrind (Debian: apt-get install valgrind)."
                .to_owned(),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::collected;

    #[test]
    fn the_total_of_callgrind_is_found() {
        let said = "==7== Callgrind\n==7== Events    : Ir\n==7== Collected : 771617\n==7==\n";
        assert_eq!(collected(said), Some(771_617));
        assert_eq!(collected("==7== nothing"), None);
    }
}

//! The result for programs.

use serde::Serialize;

use crate::result::{Row, Run};
use crate::sample::Metric;

#[derive(Serialize)]
struct Whole<'a> {
    machine: &'a str,
    rustc: &'a str,
    commit: &'a str,
    scenarios: Vec<ScenarioOf<'a>>,
}

#[derive(Serialize)]
struct ScenarioOf<'a> {
    id: &'a str,
    unit: &'a str,
    subjects: Vec<SubjectOf<'a>>,
    best_peer: &'a str,
    ratio: f64,
    ratio_lo: f64,
    ratio_hi: f64,
}

#[derive(Serialize)]
struct SubjectOf<'a> {
    name: &'a str,
    median: f64,
    p10: f64,
    p90: f64,
    cpu: f64,
    allocs: f64,
    runs: usize,
}

/// The run as JSON.
pub(crate) fn text(run: &Run) -> Result<String, String> {
    let whole = Whole {
        machine: &run.machine,
        rustc: &run.rustc,
        commit: &run.commit,
        scenarios: run.rows.iter().map(scenario).collect(),
    };
    let text = serde_json::to_string_pretty(&whole);
    text.map(|text| text + "\n")
        .map_err(|error| format!("the result is no JSON: {error}."))
}

fn scenario(row: &Row) -> ScenarioOf<'_> {
    let best = row.best();
    let subjects = row.subjects.iter().map(|subject| SubjectOf {
        name: subject.name,
        median: rounded(subject.median(Metric::Time)),
        p10: rounded(subject.quantile(Metric::Time, 0.1)),
        p90: rounded(subject.quantile(Metric::Time, 0.9)),
        cpu: rounded(subject.median(Metric::Cpu)),
        allocs: rounded(subject.allocs),
        runs: subject.samples.len(),
    });
    ScenarioOf {
        id: &row.id,
        unit: row.unit,
        subjects: subjects.collect(),
        best_peer: best.peer,
        ratio: rounded(best.ratio.median),
        ratio_lo: rounded(best.ratio.low),
        ratio_hi: rounded(best.ratio.high),
    }
}

/// Four digits after the point are more than anybody measures.
fn rounded(value: f64) -> f64 {
    (value * 1e4).round() / 1e4
}

#[cfg(test)]
mod tests;

//! `litmus`: the shapes that the protocols rest on, on this machine and under loom, judged by one
//! table.

use crate::job::Context;
use crate::jobs::histories::{STRESS_PACKAGE, empty_proof, proof};
use crate::report::table;
use crate::test_build::{Engine, TestBuild};
use serde_json::Value;
use std::collections::BTreeMap;

/// The fewest shapes, and the fewest runs of each on hardware.
const SHAPES: usize = 25;
const RUNS: u64 = 1_000_000;

/// Runs of a shape at night, and of one that calls the kernel each time.
const NIGHT: u64 = 1_000_000_000;
const NIGHT_DEAR: u64 = 50_000_000;

/// Shape → engine → runs.
type Counts = BTreeMap<String, BTreeMap<String, u64>>;

/// Runs the job.
pub(crate) fn run(context: &Context) -> Result<String, String> {
    let folder = empty_proof(context, "litmus")?;
    let (runs, dear) = match context.options.long {
        true => (NIGHT, NIGHT_DEAR),
        false => (RUNS, RUNS),
    };
    let hardware = TestBuild {
        root: context.repo.root().to_owned(),
        packages: vec![STRESS_PACKAGE.to_owned()],
        release: true,
        flags: String::new(),
        target: None,
    };
    let loom = TestBuild {
        packages: vec![STRESS_PACKAGE.to_owned()],
        ..TestBuild::models(context, Engine::Loom)?
    };
    for build in [hardware, loom] {
        let arguments = ["--test", "litmus", "--", "--nocapture", "--test-threads=1"];
        let output = build
            .command(context, &arguments)?
            .variable("COUNTERPOINT_LITMUS", &runs.to_string())
            .variable("COUNTERPOINT_LITMUS_DEAR", &dear.to_string())
            .variable("COUNTERPOINT_PROOF", &folder.display().to_string())
            .run()?
            .checked()?;
        for line in output
            .text
            .lines()
            .filter(|line| line.contains("weak outcomes of:"))
        {
            println!("    {line}");
        }
    }
    let counts = read(&proof(&folder, "litmus")?);
    let rows: Vec<Vec<String>> = counts
        .iter()
        .map(|(name, engines)| {
            let count = |engine: &str| engines.get(engine).copied().unwrap_or(0).to_string();
            vec![name.clone(), count("hardware"), count("loom")]
        })
        .collect();
    println!("{}", table(&["shape", "hardware", "loom"], &rows));
    let problems = judge(&counts);
    match problems.is_empty() {
        true => Ok(format!(
            "{} shapes, at least {RUNS} runs of each",
            counts.len()
        )),
        false => Err(problems.join("\n")),
    }
}

fn read(entries: &[Value]) -> Counts {
    let mut counts = Counts::new();
    for entry in entries {
        let text = |key: &str| entry[key].as_str().unwrap_or_default().to_owned();
        let count = entry["count"].as_u64().unwrap_or(0);
        let engines = counts.entry(text("primitive")).or_default();
        engines.insert(text("engine"), count);
    }
    counts
}

/// What is wrong with the counts.
fn judge(counts: &Counts) -> Vec<String> {
    let mut problems = Vec::new();
    if counts.len() < SHAPES {
        problems.push(format!(
            "{} shapes wrote their counts; {SHAPES} are wanted at least.",
            counts.len()
        ));
    }
    for (name, engines) in counts {
        let hardware = engines.get("hardware").copied().unwrap_or(0);
        // Those that call the kernel run less often at night, and as often in the gate.
        if hardware < RUNS {
            problems.push(format!(
                "{name} ran {hardware} times on hardware; {RUNS} are wanted at least."
            ));
        }
    }
    problems
}

#[cfg(test)]
mod tests;

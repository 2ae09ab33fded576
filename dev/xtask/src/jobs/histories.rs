//! `histories`: what structures did, on real threads and in the schedules of shuttle, judged by
//! their sequential models.
//!
//! Each test of `dev/stress/tests/histories.rs` writes its counts into `target/xtask/proof`. A
//! structure with fewer histories than [`FEWEST`] fails. The wrong structures of
//! `dev/stress/tests/planted.rs` must be found.

use crate::job::Context;
use crate::report::table;
use crate::test_build::{Engine, TestBuild};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

/// The fewest histories of a structure.
const FEWEST: u64 = 20_000;

/// The package whose tests record them.
pub(crate) const STRESS_PACKAGE: &str = "counterpoint-stress";

/// Histories of real threads, and schedules of each kind under shuttle: in the gate and at night.
const THREADS: (u64, u64) = (10_000, 5_000_000);
const SCHEDULES: (u64, u64) = (5_000, 2_500_000);

/// Long histories of real threads, and of how many calls each.
const LONG: (u64, u64) = (1, 10);
const LENGTH: (u64, u64) = (1_000, 100_000);

/// Structure → engine → histories.
type Counts = BTreeMap<String, BTreeMap<String, u64>>;

/// Runs the job.
pub(crate) fn run(context: &Context) -> Result<String, String> {
    let folder = empty_proof(context, "histories")?;
    let long = context.options.long;
    let pick = |(gate, night): (u64, u64)| if long { night } else { gate };
    let threads = TestBuild {
        root: context.repo.root().to_owned(),
        packages: vec![STRESS_PACKAGE.to_owned()],
        release: true,
        flags: "--cfg counterpoint_jitter".to_owned(),
        target: Some(context.workspace()?.target.join("jitter")),
    };
    let shuttle = TestBuild {
        packages: vec![STRESS_PACKAGE.to_owned()],
        ..TestBuild::models(context, Engine::Shuttle)?
    };
    let seed = if long { clock() } else { 1 }.to_string();
    // Histories of real threads have the processors for themselves.
    let both = [
        (threads, pick(THREADS), "--test-threads=1"),
        (shuttle, pick(SCHEDULES), "--test-threads=2"),
    ];
    for (build, histories, at_a_time) in both {
        let arguments = [
            "--test",
            "histories",
            "--test",
            "planted",
            "--no-fail-fast",
            "--",
            "--nocapture",
            at_a_time,
        ];
        build
            .command(context, &arguments)?
            .variable("COUNTERPOINT_HISTORIES", &histories.to_string())
            .variable("COUNTERPOINT_PROOF", &folder.display().to_string())
            .variable("COUNTERPOINT_LONG", &pick(LONG).to_string())
            .variable("COUNTERPOINT_LENGTH", &pick(LENGTH).to_string())
            .variable("COUNTERPOINT_SEED", &seed)
            .run()?
            .checked()?;
    }
    let counts = read(&folder)?;
    let rows: Vec<Vec<String>> = counts
        .iter()
        .map(|(name, engines)| {
            let count = |engine: &str| engines.get(engine).copied().unwrap_or(0).to_string();
            vec![name.clone(), count("threads"), count("shuttle")]
        })
        .collect();
    println!("{}", table(&["structure", "threads", "shuttle"], &rows));
    let problems = judge(&counts);
    if !problems.is_empty() {
        return Err(problems.join("\n"));
    }
    let all: u64 = counts.values().flat_map(|engines| engines.values()).sum();
    Ok(format!("{} structures, {all} histories", counts.len()))
}

/// What is wrong with the counts.
fn judge(counts: &Counts) -> Vec<String> {
    if counts.is_empty() {
        return vec!["No structure wrote its count, so nothing was shown.".to_owned()];
    }
    let mut problems = Vec::new();
    for (name, engines) in counts {
        for engine in ["threads", "shuttle"] {
            if engines.get(engine).is_none() {
                problems.push(format!("{name} has no histories of {engine}."));
            }
        }
        let all: u64 = engines.values().sum();
        if all < FEWEST {
            problems.push(format!(
                "{name} has {all} histories; {FEWEST} are wanted at least."
            ));
        }
    }
    problems
}

/// The folder of the proof, without what an earlier run of this kind left there.
pub(crate) fn empty_proof(context: &Context, kind: &str) -> Result<PathBuf, String> {
    let folder = context.workspace()?.target.join("xtask").join("proof");
    fs::create_dir_all(&folder)
        .map_err(|error| format!("{} cannot be made: {error}.", folder.display()))?;
    for path in entries(&folder)? {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name.starts_with(&format!("{kind}-")) {
            fs::remove_file(&path)
                .map_err(|error| format!("{} cannot be removed: {error}.", path.display()))?;
        }
    }
    Ok(folder)
}

/// The entries of the proof of one kind.
pub(crate) fn proof(folder: &Path, kind: &str) -> Result<Vec<Value>, String> {
    let mut found = Vec::new();
    for path in entries(folder)? {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if !name.starts_with(&format!("{kind}-")) {
            continue;
        }
        let text = fs::read_to_string(&path)
            .map_err(|error| format!("{} cannot be read: {error}.", path.display()))?;
        let value = serde_json::from_str(&text)
            .map_err(|error| format!("{} is no JSON: {error}.", path.display()))?;
        found.push(value);
    }
    Ok(found)
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let entries = fs::read_dir(folder)
        .map_err(|error| format!("{} cannot be read: {error}.", folder.display()))?;
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    Ok(paths)
}

fn read(folder: &Path) -> Result<Counts, String> {
    let mut counts = Counts::new();
    for entry in proof(folder, "histories")? {
        let text = |key: &str| entry[key].as_str().unwrap_or_default().to_owned();
        let count = entry["count"].as_u64().unwrap_or(0);
        let engines = counts.entry(text("primitive")).or_default();
        engines.insert(text("engine"), count);
    }
    Ok(counts)
}

/// A seed that is another one each night.
pub(crate) fn clock() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.map_or(1, |now| now.as_secs())
}

#[cfg(test)]
mod tests;

//! `tests-debug` and `tests`: everything `cargo test` runs, and the fallbacks under their cfgs.

use crate::command::Output;
use crate::job::Context;
use crate::test_build::{Ran, TestBinary, TestBuild, parse_runs};
use std::path::Path;

/// A test binary and how many tests it ran.
#[derive(Clone, Debug)]
pub(crate) struct Executed {
    pub(crate) binary: TestBinary,
    pub(crate) tests: usize,
}

/// A path that other machines take, chosen here by a cfg.
struct Fallback {
    packages: &'static [&'static str],
    /// More of them, outside of the gate.
    at_night: &'static [&'static str],
    cfg: &'static str,
    folder: &'static str,
}

const FALLBACKS: &[Fallback] = &[
    Fallback {
        packages: &["counterpoint-wait"],
        at_night: &["counterpoint-sync"],
        cfg: "counterpoint_generic_park",
        folder: "generic",
    },
    Fallback {
        packages: &["counterpoint-base", "counterpoint-lockfree"],
        at_night: &[],
        cfg: "counterpoint_no_membarrier",
        folder: "no-membarrier",
    },
];

/// The tests that need a feature which is off by default.
const ALL_FEATURES: &[&str] = &[
    "test",
    "--no-fail-fast",
    "--all-features",
    "-p",
    "counterpoint-wait",
    "-p",
    "counterpoint-sync",
    "-p",
    "counterpoint",
];

/// The ledger, which turns the hooks on in all that is built with it.
const LEDGER: &[&str] = &[
    "test",
    "--no-fail-fast",
    "-p",
    "counterpoint-ledger",
    "--features",
    "tracing",
];

/// `cargo test`, as a newcomer types it.
pub(crate) fn debug(context: &Context) -> Result<String, String> {
    let output = context.run_cargo(&["test", "--no-fail-fast"])?;
    Ok(format!("{} tests", total(&parse_runs(&output.text))?))
}

/// Those of the libraries, optimized as for users, and the fallbacks.
pub(crate) fn release(context: &Context) -> Result<String, String> {
    let build = TestBuild {
        root: context.repo.root().to_owned(),
        packages: libraries(context)?,
        release: true,
        flags: String::new(),
        target: None,
    };
    let binaries = build.build(context)?;
    let output = build
        .command(context, &["--no-fail-fast"])?
        .run()?
        .checked()?;
    let runs = parse_runs(&output.text);
    let count = total(&runs)?;
    let executed = assign(&build.root, binaries, &runs);
    let mut note = format!("{count} tests");
    for fallback in FALLBACKS {
        let mut packages = fallback.packages.to_vec();
        if !context.options.short {
            packages.extend(fallback.at_night);
        }
        let usual = tests_of(context, &packages, &executed)?;
        let output = run_fallback(context, fallback, &packages)?;
        let runs = parse_runs(&output.text);
        let count: usize = runs.iter().map(|ran| ran.tests).sum();
        if count == 0 && usual > 0 {
            return Err(format!(
                "No test ran under {}, but {usual} run without it. Do not cut them out by cfg.",
                fallback.cfg
            ));
        }
        note.push_str(&format!(", {count} under {}", fallback.cfg));
    }
    let mut featured = 0;
    for command in [ALL_FEATURES, LEDGER] {
        featured += total(&parse_runs(&context.run_cargo(command)?.text))?;
    }
    note.push_str(&format!(", {featured} with all features"));
    Ok(note)
}

/// The packages that are for users.
fn libraries(context: &Context) -> Result<Vec<String>, String> {
    let packages = &context.workspace()?.packages;
    let inside = packages
        .iter()
        .filter(|package| package.folder.starts_with("crates/"))
        // Beside it the others would have the hooks; it is tested by itself.
        .filter(|package| package.name != "counterpoint-ledger");
    Ok(inside.map(|package| package.name.clone()).collect())
}

/// How many tests the packages ran as usual, without doc tests.
fn tests_of(context: &Context, names: &[&str], executed: &[Executed]) -> Result<usize, String> {
    let packages = &context.workspace()?.packages;
    let chosen = packages
        .iter()
        .filter(|package| names.contains(&package.name.as_str()));
    let folders: Vec<_> = chosen
        .map(|package| context.repo.path(&package.folder))
        .collect();
    let inside = |entry: &&Executed| {
        folders
            .iter()
            .any(|folder| entry.binary.source.starts_with(folder))
    };
    Ok(executed
        .iter()
        .filter(inside)
        .map(|entry| entry.tests)
        .sum())
}

fn run_fallback(
    context: &Context,
    fallback: &Fallback,
    packages: &[&str],
) -> Result<Output, String> {
    let build = TestBuild {
        root: context.repo.root().to_owned(),
        packages: packages.iter().map(|name| (*name).to_owned()).collect(),
        release: false,
        flags: format!("--cfg {}", fallback.cfg),
        target: Some(context.workspace()?.target.join(fallback.folder)),
    };
    build
        .command(context, &["--tests", "--no-fail-fast"])?
        .run()?
        .checked()
}

/// How many tests ran; none is an error, for then nothing was tested.
pub(crate) fn total(runs: &[Ran]) -> Result<usize, String> {
    match runs.iter().map(|ran| ran.tests).sum() {
        0 => Err("No test ran at all, so nothing was shown.".to_owned()),
        count => Ok(count),
    }
}

/// Gives each built binary the number of tests it ran.
fn assign(root: &Path, binaries: Vec<TestBinary>, runs: &[Ran]) -> Vec<Executed> {
    let tests = |binary: &TestBinary| {
        let same = |ran: &&Ran| {
            ran.executable
                .as_ref()
                .is_some_and(|path| root.join(path) == binary.executable)
        };
        runs.iter().filter(same).map(|ran| ran.tests).sum()
    };
    binaries
        .into_iter()
        .map(|binary| Executed {
            tests: tests(&binary),
            binary,
        })
        .collect()
}

#[cfg(test)]
mod tests;

//! `soak`: histories of every structure without an end, two at a time, with pauses at atomic
//! operations and the ledger on. What any of them saw must be right, and memory may not grow.

use crate::job::Context;
use crate::jobs::cargo_test::total;
use crate::jobs::histories::{STRESS_PACKAGE, clock, empty_proof};
use crate::test_build::{TestBuild, parse_runs};

/// Seconds, unless the caller says: eight hours.
const SECONDS: u64 = 8 * 60 * 60;

/// Runs the job.
pub(crate) fn run(context: &Context) -> Result<String, String> {
    let folder = empty_proof(context, "soak")?;
    let seconds = context.options.seconds.unwrap_or(SECONDS);
    let build = TestBuild {
        root: context.repo.root().to_owned(),
        packages: vec![STRESS_PACKAGE.to_owned()],
        release: true,
        flags: "--cfg counterpoint_jitter".to_owned(),
        target: Some(context.workspace()?.target.join("soak")),
    };
    let arguments = [
        "--features",
        "ledger",
        "--test",
        "soak",
        "--",
        "--nocapture",
    ];
    let output = build
        .command(context, &arguments)?
        .variable("COUNTERPOINT_SOAK", &seconds.to_string())
        .variable("COUNTERPOINT_PROOF", &folder.display().to_string())
        .variable("COUNTERPOINT_SEED", &clock().to_string())
        .run()?
        .checked()?;
    total(&parse_runs(&output.text))?;
    let told = output
        .text
        .lines()
        .filter(|line| line.contains(" turns of ") || line.contains(" bytes at most "));
    let told: Vec<&str> = told.collect();
    Ok(format!("{seconds} seconds; {}", told.join("; ")))
}

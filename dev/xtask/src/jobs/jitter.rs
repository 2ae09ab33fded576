//! `jitter`: the tests with random pauses at atomic operations, so that rare windows open.

use crate::job::Context;
use crate::jobs::cargo_test::total;
use crate::test_build::{TestBuild, parse_runs};

/// The rooms whose protocols have such windows.
pub(crate) const PACKAGES: &[&str] = &[
    "counterpoint-base",
    "counterpoint-lockfree",
    "counterpoint-wait",
    "counterpoint-sync",
];

/// Runs the job.
pub(crate) fn run(context: &Context) -> Result<String, String> {
    let build = TestBuild {
        root: context.repo.root().to_owned(),
        packages: PACKAGES.iter().map(|name| (*name).to_owned()).collect(),
        release: true,
        flags: "--cfg counterpoint_jitter".to_owned(),
        target: Some(context.workspace()?.target.join("jitter")),
    };
    let output = build
        .command(context, &["--tests", "--no-fail-fast"])?
        .run()?
        .checked()?;
    Ok(format!("{} tests", total(&parse_runs(&output.text))?))
}

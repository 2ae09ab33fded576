//! `jitter`: the tests with random pauses at atomic operations, so that rare windows open. At night
//! once more, with one in two sleeps that ends for no reason and one in two weak exchanges that
//! fails.

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
    let percents: &[&str] = match context.options.long {
        true => &["5", "50"],
        false => &["5"],
    };
    let mut tests = Vec::new();
    for percent in percents {
        let output = build
            .command(context, &["--tests", "--no-fail-fast"])?
            .variable("COUNTERPOINT_SPURIOUS", percent)
            .run()?
            .checked()?;
        let count = total(&parse_runs(&output.text))?;
        tests.push(format!("{count} tests with {percent} in a hundred"));
    }
    Ok(tests.join(", "))
}

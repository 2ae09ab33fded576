//! `ledger`: the tests of the locks once more, with the ledger on. A deadlock that is only an alarm ends them.

use crate::job::Context;
use crate::jobs::cargo_test::total;
use crate::test_build::parse_runs;

const SUITE: &[&str] = &[
    "test",
    "--package",
    "counterpoint-ledger",
    "--features",
    "suite",
    "--test",
    "suite",
    "--",
    "--nocapture",
    // It forgets as many guards as can be counted, and each has a line.
    "--skip",
    "more_readers_than_can_be_counted_wait",
];

/// Runs the job.
pub(crate) fn run(context: &Context) -> Result<String, String> {
    let output = context.run_cargo(SUITE)?;
    Ok(format!("{} tests", total(&parse_runs(&output.text))?))
}

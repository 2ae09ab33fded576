//! `arena`: the measuring room passes its tests and measures something.
//!
//! It is no default member, for it depends on the peers: `cargo test` does not build it. Whether
//! bounds are met is not asked here; a gate that needs a quiet machine would fail by chance.

use crate::command::{Command, Ending};
use crate::job::Context;
use crate::jobs::cargo_test::total;
use crate::test_build::parse_runs;
use std::time::Duration;

/// The same code on both sides takes a few seconds, also when it is measured three times.
const LIMIT: Duration = Duration::from_secs(60);

/// How the program ends when the machine was too restless for a result.
const VOID: i32 = 3;

/// Runs the job.
pub(crate) fn run(context: &Context) -> Result<String, String> {
    let output = context.run_cargo(&["test", "--release", "--package", "arena"])?;
    let tests = total(&parse_runs(&output.text))?;
    // The tests of the package have built the program.
    let program = context.workspace()?.target.join("release/arena");
    let command = Command::program(&program)
        .arguments(&["--only", "base/aa", "--quick"])
        .limit(LIMIT);
    let output = context.logged(command)?.run()?;
    let note = match output.ending {
        Ending::Failure(Some(VOID)) => " (restless)",
        _ => {
            output.checked()?;
            ""
        }
    };
    Ok(format!("{tests} tests, one run{note}"))
}

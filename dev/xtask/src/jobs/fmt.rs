//! `fmt`: the formatting of the workspace.

use crate::job::Context;

/// Runs the job.
pub(crate) fn run(context: &Context) -> Result<String, String> {
    context
        .run_cargo(&["fmt", "--all", "--check"])
        .map_err(|report| {
            format!("Some files are not formatted: run `cargo fmt --all`.\n{report}")
        })?;
    Ok("formatted".to_owned())
}

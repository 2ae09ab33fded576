//! `nostd`: `base`, `lockfree` and the spinning core of `sync`, without their default features,
//! serve a program that has no standard library.
//!
//! The program in `dev/nostd` brings its own panic handler, so the linker would refuse it if
//! anything pulled in `std`. It is linked for real and run.

use crate::command::Command;
use crate::job::Context;
use std::time::Duration;

/// Runs the job.
pub(crate) fn run(context: &Context) -> Result<String, String> {
    let target = context.workspace()?.target.join("nostd");
    let folder = target.display().to_string();
    let manifest = "dev/nostd/Cargo.toml";
    let build = [
        "build",
        "--release",
        "--manifest-path",
        manifest,
        "--target-dir",
        &folder,
    ];
    context.run_cargo(&build)?;
    let program = Command::program(&target.join("release/nostd")).limit(Duration::from_secs(10));
    context
        .logged(program)?
        .run()?
        .checked()
        .map_err(|report| {
            format!(
                "The program links, but its own checks fail; see dev/nostd/src/main.rs.\n{report}"
            )
        })?;
    Ok("links and runs".to_owned())
}
